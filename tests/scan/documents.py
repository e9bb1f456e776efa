"""What is known of a repository, as one document, whichever way it is come to."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any, NamedTuple

from lane_planner.graph.graph import build_graph
from lane_planner.planner.facts import Scanned, excluded
from lane_planner.report.documents import check_document, graph_document, to_json
from lane_planner.repository.repository import Repository
from lane_planner.rules.checking import check
from lane_planner.rules.lanes import LaneMap, lane_paths
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.records import SyntaxFault
from lane_planner.scan.sources import WorkingTree
from lane_planner.scan.tree import scan_tree, syntax_faults

_TODAY = datetime.date(2026, 1, 1)


class Document(NamedTuple):
    """What is compared.

    Attributes:
        graph: what `graph` prints.
        findings: violations and diagnostics.
    """

    graph: str
    findings: str

    def digest(self) -> str:
        """Return what tells it from all others."""
        return hashlib.sha256("\0".join(self).encode("utf-8", "surrogatepass")).hexdigest()


def document(repository: Repository, scanned: Scanned, faults: dict[str, SyntaxFault]) -> Document:
    """Return what is compared of a graph."""
    graph, records, lanes = scanned.graph, scanned.scan.records, scanned.lanes
    checked = check(
        graph, records, repository.settings, lanes, _TODAY,
        faults=faults, cycles=False, transitive=False,
    )  # fmt: skip
    findings = check_document(checked.violations, checked.diagnostics, None, {})
    return Document(to_json(graph_document(graph, lanes, faults, records)), to_json(findings))


def told(repository: Repository) -> Document:
    """Return what a repository tells, with what it knows already."""
    scanned = repository.looked_at()
    return document(repository, scanned, repository.faults(scanned))


def worked_out(repository: Repository, cache: ScanCache, **how: Any) -> Document:
    """Return what comes out with a cache of its own.

    Args:
        repository: its settings and files count, not its cache.
        cache: an empty one.
        how: who reads, as for `scan_tree`.
    """
    settings = repository.settings
    source = WorkingTree(settings.root, repository.git, excluded(settings))
    scan = scan_tree(source, cache, **how)
    graph = build_graph(
        scan.records,
        source_roots=settings.source_roots,
        lane_paths=lane_paths(settings),
        aliases=settings.aliases,
    )
    paths = [path for path in scan.records if path.endswith(".py")]
    faults = syntax_faults(source, scan, cache, paths, **how)
    return document(repository, Scanned(source, scan, graph, LaneMap(settings)), faults)


def read_elsewhere(repository: Repository, **how: Any) -> Document | None:
    """Return what comes out with no cache, None if no other process has read the files.

    Args:
        repository: as for `worked_out`.
        how: likewise.
    """
    told: set[str] = set()  # who reads all files in one go has nothing to tell
    found = worked_out(
        repository, ScanCache(None), progress=lambda what, done, of: told.add(what), **how
    )
    return found if told == {"reading", "parsing"} else None

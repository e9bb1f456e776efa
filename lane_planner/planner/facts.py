"""Gathering what planning needs to know of a repository, from a working tree or a commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from lane_planner.config.globs import PathGlobs
from lane_planner.config.settings import Lane, Settings
from lane_planner.graph.graph import ImportGraph, build_graph
from lane_planner.planner.hop import Facts
from lane_planner.rules.lanes import LaneMap, lane_paths
from lane_planner.scan.cache import ScanCache, content_key
from lane_planner.scan.records import SyntaxFault
from lane_planner.scan.sources import Source
from lane_planner.scan.tree import Progress, TreeScan, scan_tree, silent, syntax_faults

if TYPE_CHECKING:
    from lane_planner.scan.cluster import Cluster


class Scanned(msgspec.Struct, frozen=True):
    """A repository's files and the graph that they make.

    Attributes:
        source: where the files come from.
        scan: what each file says.
        graph: the graph.
        lanes: the lanes by path and name.
    """

    source: Source
    scan: TreeScan
    graph: ImportGraph
    lanes: LaneMap


def excluded(settings: Settings) -> PathGlobs | None:
    """Return the globs of files to leave out, or None if there are none."""
    return PathGlobs(settings.exclude) if settings.exclude else None


def scan_repository(
    source: Source,
    settings: Settings,
    cache: ScanCache,
    *,
    external: bool = False,
    cluster: Cluster | None = None,
    progress: Progress = silent,
) -> Scanned:
    """Read a repository's imports and resolve them.

    Args:
        source: its files.
        settings: its configuration.
        cache: what is known already; it learns the rest, and is not saved.
        external: whether to keep imports of what is not first-party.
        cluster: as for `scan_tree`.
        progress: told how far the reading is.
    """
    scan = scan_tree(source, cache, cluster=cluster, progress=progress)
    graph = build_graph(
        scan.records,
        source_roots=settings.source_roots,
        lane_paths=lane_paths(settings),
        aliases=settings.aliases,
        external=external,
    )
    return Scanned(source, scan, graph, LaneMap(settings))


def faults_in(
    scanned: Scanned,
    cache: ScanCache,
    lane: Lane | None = None,
    *,
    cluster: Cluster | None = None,
    progress: Progress = silent,
) -> dict[str, SyntaxFault]:
    """Return why Python files do not parse, by path.

    Args:
        scanned: the repository.
        cache: what is known already; it learns the rest.
        lane: only look at files of this lane; None: at all.
        cluster: as for `scan_tree`.
        progress: told how far the parsing is.
    """
    paths = [
        path
        for path in scanned.scan.records
        if path.endswith(".py") and (lane is None or scanned.lanes.of_path(path) == lane.name)
    ]
    return syntax_faults(
        scanned.source, scanned.scan, cache, paths, cluster=cluster, progress=progress
    )


def facts_of(
    scanned: Scanned,
    settings: Settings,
    faults: Mapping[str, SyntaxFault],
    made_init: bytes,
    coverage: Mapping[str, float] | None = None,
) -> Facts:
    """Return what planning needs to know.

    Args:
        scanned: the repository.
        settings: its configuration.
        faults: why files of the lane that is left do not parse, by path.
        made_init: content by which a made `__init__.py` is known.
        coverage: fraction of each file's lines that tests run; None: not asked for.
    """
    mark = content_key(made_init)
    made = frozenset(path for path, key in scanned.scan.keys.items() if key == mark)
    return Facts(
        graph=scanned.graph,
        records=scanned.scan.records,
        faults=faults,
        coverage=coverage,
        made=made,
        settings=settings,
        lanes=scanned.lanes,
    )

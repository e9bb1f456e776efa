"""A commit, read: what promotions are worked out on, whatever the working tree holds."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.base.memory import keep, recall
from lane_planner.base.version import __version__
from lane_planner.config.settings import Lane, Settings
from lane_planner.planner.facts import (
    Scanned,
    excluded,
    facts_of,
    faults_in,
    scan_repository,
)
from lane_planner.planner.hop import Facts
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.mirrors import Mirror, directories_of, mirrors_in
from lane_planner.promotion.references.mentions import Found, Mentions, find_mentions
from lane_planner.promotion.workspace import Workspace
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.cluster import Cluster
from lane_planner.scan.source import scan_source
from lane_planner.scan.sources import CommitTree, Entry


class Snapshot(msgspec.Struct, frozen=True):
    """A commit and what is known of it.

    Attributes:
        git: the repository, seen from the root.
        commit: full id.
        facts: modules, imports, lanes, faults, coverage.
        blobs: id of each file's blob, by path below the root.
        scanned: the files and the graph that the facts are of.
        links: paths of the symbolic links among the files.
        submodules: paths of the submodules.
    """

    git: Git
    commit: str
    facts: Facts
    blobs: Mapping[str, bytes]
    scanned: Scanned
    links: frozenset[str] = frozenset()
    submodules: frozenset[str] = frozenset()

    def leaving(self, lane: Lane, cache: ScanCache, cluster: Cluster | None = None) -> Snapshot:
        """Return the snapshot with what does not parse in the lane that is to be left.

        Args:
            lane: the lane.
            cache: what is known of file contents already; it learns the rest, and is not saved.
            cluster: as for `scan_tree`.
        """
        faults = faults_in(self.scanned, cache, lane, cluster=cluster)
        facts = msgspec.structs.replace(self.facts, faults=faults)
        return msgspec.structs.replace(self, facts=facts)

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of files of the commit, by path.

        Raises:
            EnvironmentFailure: git has no such file or cannot read it.
        """
        entries = [Entry(path, None, self._blob(path)) for path in paths]
        found = CommitTree(self.git, self.commit).contents(entries)
        return {entry.path: content for entry, content in found if isinstance(content, bytes)}

    def workspace(self) -> Workspace:
        """Return the repository as this commit has it, to compose promotions on.

        Planning knows nothing of what is in stubs, but their imports follow what moves.
        """
        facts = self.facts
        stubs = self.read(sorted(path for path in facts.records if path.endswith(".pyi")))
        records = {**facts.records, **{p: scan_source(text) for p, text in stubs.items()}}
        return Workspace(facts.settings, facts.lanes, records, self.blobs, facts.made, self.read)

    def mentions(self, lane: Lane) -> Mentions:
        """Return where the commit's files name modules or files of a lane, or its tests."""
        roots = self.facts.lanes.roots()
        mirrors: tuple[Mirror, ...] = ()
        target = self.facts.settings.lane(lane.promotes_to) if lane.promotes_to else None
        if target is not None:
            globs = self.facts.settings.mirrored_tests
            directories = frozenset(directories_of(self.blobs))
            mirrors = mirrors_in(directories, globs, roots, lane, target)
        paths = (*lane.paths, *(mirror.source for mirror in mirrors))
        prefixes = [name for path in paths for name in (path, roots.dotted(path))]
        links = {
            path: posixpath.normpath(posixpath.join(posixpath.dirname(path), os.fsdecode(target)))
            for path, target in self.read(sorted(self.links)).items()
        }
        return self._found(sorted({*prefixes})).mentions(links)

    def _found(self, prefixes: list[str]) -> Found:
        """Return what git finds in the commit, or found when it was asked the last time."""
        memory = self.git.state_dir / "cache" / "mentions.bin"
        asked = repr((__version__, self.git.prefix, self.commit, prefixes))
        known = recall(memory, tuple[str, Found])
        if known is not None and known[0] == asked:
            return known[1]
        found = find_mentions(self.git, self.commit, prefixes)
        keep(memory, (asked, found))
        return found

    def _blob(self, path: str) -> bytes:
        if path not in self.blobs:
            raise EnvironmentFailure(f"commit {self.commit[:12]} has no file {path}")
        return self.blobs[path]


def take_snapshot(
    git: Git,
    settings: Settings,
    commit: str,
    cache: ScanCache,
    coverage: Mapping[str, float] | None,
    cluster: Cluster | None = None,
) -> Snapshot:
    """Read a commit.

    Args:
        git: the repository, seen from the root.
        settings: the configuration.
        commit: full id.
        cache: what is known of file contents already; it learns the rest, and is not saved.
        coverage: fraction of each file's lines that tests run; None: not asked for.
        cluster: as for `scan_tree`.
    """
    source = CommitTree(git, commit, excluded(settings))
    scanned = scan_repository(source, settings, cache, cluster=cluster)
    facts = facts_of(scanned, settings, {}, MADE_INIT, coverage)
    blobs, links, submodules = _blobs(git, commit)
    return Snapshot(git, commit, facts, blobs, scanned, links, submodules)


def _blobs(git: Git, commit: str) -> tuple[dict[str, bytes], frozenset[str], frozenset[str]]:
    """Return the id of each file's blob by path, and the paths of symbolic links and submodules."""
    blobs = {}
    links = set()
    submodules = set()
    for line in git.out("ls-tree", "-r", "-z", commit).split(b"\0"):
        head, _, name = line.partition(b"\t")
        path = os.fsdecode(name)
        if head[7:11] == b"blob":
            blobs[path] = bytes.fromhex(head[12:].decode("ascii"))
            if head[:6] == b"120000":
                links.add(path)
        elif head[:6] == b"160000":
            submodules.add(path)
    return blobs, frozenset(links), frozenset(submodules)

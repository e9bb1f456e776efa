"""The working tree of a repository, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.config.settings import Settings
from lane_planner.planner.facts import Scanned, excluded, faults_in, scan_repository
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.records import SyntaxFault
from lane_planner.scan.sources import Entry, WorkingTree
from lane_planner.scan.tree import Progress, silent

if TYPE_CHECKING:
    from lane_planner.rules.cycles import Cycle
    from lane_planner.scan.cluster import Cluster
    from lane_planner.scan.modules import Module


class Tree:
    """The working tree and its configuration.

    Args:
        settings: the configuration.
        git: the git repository that holds the root; None outside git.

    Attributes:
        progress: told how far long work is; set it to show it.
        cluster: where files are read that the cache lacks; None: here.
        cache: what is known of files from run to run.
    """

    def __init__(self, settings: Settings, git: Git | None) -> None:
        self.settings = settings
        self.git = git
        self.progress: Progress = silent
        self.cluster: Cluster | None = None
        self.cache = ScanCache(self.cache_file("scan"))

    def scanned(self, *, external: bool = False) -> Scanned:
        """Return the working tree's files and graph.

        Args:
            external: whether imports of what is not first-party are wanted.
        """
        source = WorkingTree(self.settings.root, self.git, excluded(self.settings))
        found = scan_repository(
            source, self.settings, self.cache,
            external=external, cluster=self.cluster, progress=self.progress,
        )  # fmt: skip
        self.cache.save()
        return found

    @cached_property
    def _scanned(self) -> Scanned:
        return self.scanned()

    def looked_at(self) -> Scanned:
        """Return the files and the graph that all answers of this object are made of."""
        return self._scanned

    def faults(self, scanned: Scanned | None = None) -> dict[str, SyntaxFault]:
        """Return why files of the working tree do not parse, by path."""
        found = faults_in(
            scanned or self._scanned, self.cache, cluster=self.cluster, progress=self.progress
        )
        self.cache.save()
        return found

    def cycles(self) -> tuple[Cycle, ...]:
        """Return the circular imports of the working tree."""
        from lane_planner.rules.cycles import cycles

        return cycles(self._scanned.graph, self._scanned.scan.records, self.contents)

    def contents(self, paths: Collection[str]) -> dict[str, bytes]:
        """Return the bytes of files of the working tree by path, of those that can be read."""
        entries = [entry for path, entry in self._entries.items() if path in paths]
        contents = self._scanned.source.contents(entries)
        return {entry.path: found for entry, found in contents if isinstance(found, bytes)}

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self._scanned.source.entries()}

    def module(self, wanted: str) -> Module:
        """Return the module that a name or path on the command line means."""
        from lane_planner.planner.explain import find_module

        if not wanted:
            raise UsageError("no module or path is called '': see `lane-planner graph`")
        return find_module(self._scanned.graph, wanted, tuple(self.readings(wanted)))

    def readings(self, wanted: str) -> list[str]:
        """Return a path given on the command line, relative to the root."""
        try:
            below = (Path.cwd() / wanted).resolve().relative_to(self.settings.root.resolve())
        except (ValueError, OSError, RuntimeError):  # outside, odd, or a loop of links
            return []
        return [below.as_posix()]

    def commit_label(self) -> str | None:
        """Return the commit that is checked out, "…-dirty" if Python files differ from it.

        Returns:
            None outside git, and before the first commit.
        """
        if self.git is None:
            return None
        commit = self.git.commit_id()
        if commit is None:
            return None
        known = self._scanned.scan.records
        dirty = any(p in known or p.endswith((".py", ".pyi")) for p in self.git.changed_paths())
        return f"{commit}-dirty" if dirty else commit

    def require_git(self) -> Git:
        """Return the git repository that holds the root.

        Raises:
            UsageError: there is none.
        """
        return Git.require(self.settings.root) if self.git is None else self.git

    def cache_file(self, kind: str) -> Path | None:
        """Return the file of one kind of what is remembered; None outside git.

        There is no place of ours to write to there.
        """
        if self.git is None:
            return None
        root = str(self.settings.root.resolve()).encode("utf-8", "surrogateescape")
        mark = hashlib.sha256(root).hexdigest()[:12]
        return self.git.state_dir / "cache" / f"{kind}-{mark}.bin"

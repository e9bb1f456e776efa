"""The tests that gates are to run on a commit that a run has made."""

from __future__ import annotations

from lane_planner.executor.gating.trials import Trial
from lane_planner.executor.snapshot import Snapshot
from lane_planner.gates.contexts import after_moves, read_contexts
from lane_planner.gates.pytest_files import pytest_files
from lane_planner.gates.selection import select_tests
from lane_planner.planner.facts import excluded, scan_repository
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.sources import CommitTree


class TestSelector:
    """Selects the tests that can reach what changed, of any commit that builds on a snapshot.

    Args:
        snapshot: the repository at the base commit; what is known of its files is not read again.
    """

    __test__ = False  # its name is no test's

    def __init__(self, snapshot: Snapshot) -> None:
        self._git = snapshot.git
        self._settings = snapshot.facts.settings
        self._cache = ScanCache(None)
        for path, record in snapshot.scanned.scan.records.items():
            if path in snapshot.blobs:
                self._cache.learn(snapshot.blobs[path], record)
        coverage = self._settings.coverage
        self._contexts = None
        if coverage is not None:
            root = self._settings.root
            self._contexts = read_contexts(root / coverage.data, root)

    def __call__(self, trial: Trial) -> tuple[str, ...]:
        """Return the paths of the test files of a trial's commit, sorted."""
        git, settings, commit = self._git, self._settings, trial.commit
        source = CommitTree(git, commit, excluded(settings))
        scanned = scan_repository(source, settings, self._cache)
        records = scanned.scan.records
        contexts = self._contexts
        if contexts is not None and trial.phase == "after":
            contexts = after_moves(contexts, trial.moves)
        return select_tests(
            trial.changed,
            graph=scanned.graph,
            tests=pytest_files(lambda name: git.content(commit, name)).among(records),
            contexts=contexts,
            opaque=[path for path, record in records.items() if record.opaque],
            source_roots=settings.source_roots,
        ).tests

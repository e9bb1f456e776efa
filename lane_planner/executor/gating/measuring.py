"""The coverage of modules that the data lacks, measured by the tests that reach them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import msgspec

from lane_planner.base.text import printable
from lane_planner.executor.gating.selecting import TestSelector
from lane_planner.executor.gating.trials import Trial
from lane_planner.executor.records.journal import Clock, utc_now
from lane_planner.executor.records.lock import run_lock
from lane_planner.executor.records.signals import undoable_termination
from lane_planner.executor.snapshot import Snapshot
from lane_planner.executor.storage.files import remove
from lane_planner.executor.storage.places import (
    lock_path,
    modules_path,
    scratch_path,
    worktree_path,
)
from lane_planner.executor.storage.worktree import Worktree
from lane_planner.gates.command import gate_environment
from lane_planner.gates.measure import Measured, measure_coverage


def measured(
    snapshot: Snapshot, modules: Iterable[str], *, clock: Clock = utc_now
) -> tuple[Snapshot, tuple[str, ...]]:
    """Measure the modules that the coverage data lacks, in the tool's own work tree.

    Args:
        snapshot: the repository at a commit.
        modules: names of the modules that are asked about.
        clock: tells the time for whoever finds the lock taken.

    Returns:
        The snapshot with what was measured, and why others could not be, a line each.

    Raises:
        EnvironmentFailure: a run is under way, or git or the disk failed.
    """
    git, facts = snapshot.git, snapshot.facts
    coverage = dict(facts.coverage or {})
    paths = [facts.graph.modules[name].path for name in sorted(modules)]
    lacking = [path for path in paths if path not in coverage]
    if not lacking:
        return snapshot, ()
    select = TestSelector(snapshot)
    told: list[str] = []
    with (
        run_lock(lock_path(git), command=" ".join(sys.argv), since=clock()),
        undoable_termination(),
    ):
        worktree = Worktree(git, worktree_path(git))
        try:
            for path in lacking:
                root = worktree.bring_to(snapshot.commit)
                environment = gate_environment(
                    os.environ,
                    phase="before",
                    modules=[path],
                    modules_file=modules_path(git, "measured"),
                    checkout=git.directory.resolve(),
                    worktree=root,
                    source_roots=facts.settings.source_roots,
                )
                tests = select(Trial("before", snapshot.commit, (), frozenset([path])))
                found = measure_coverage(path, tests, root, environment=environment)
                if isinstance(found, Measured):
                    coverage[path] = found.fraction
                else:
                    told.append(f"{printable(path)} {found.reason}")
        finally:
            worktree.remove()
            remove(scratch_path(git))
    facts = msgspec.structs.replace(facts, coverage=coverage)
    return msgspec.structs.replace(snapshot, facts=facts), tuple(told)

"""What is under way, what is done, and what a killed run left behind."""

from __future__ import annotations

import msgspec

from lane_planner.base.git import Git
from lane_planner.executor.journal import Journal, Run
from lane_planner.executor.lock import Holder, holder
from lane_planner.executor.places import (
    journal_path,
    lock_path,
    scratch_path,
    worktrees_there,
)


class Status(msgspec.Struct, frozen=True):
    """The state of a repository's runs.

    Attributes:
        holder: who is running now; None: nobody.
        runs: oldest first.
        leftovers: paths that a killed run left, which the next run clears; empty while a run is
            under way.
    """

    holder: Holder | None
    runs: tuple[Run, ...]
    leftovers: tuple[str, ...]


def status(git: Git) -> Status:
    """Return the state of a repository's runs; nothing is written.

    A run that was killed between making its branch and writing so counts as done.

    Raises:
        EnvironmentFailure: the journal or the lock cannot be read.
    """
    now = holder(lock_path(git))
    runs = _runs(git, now)
    # A run that began or ended between the two readings would be told as interrupted.
    if (then := holder(lock_path(git))) != now:
        now, runs = then, _runs(git, then)
    places = (scratch_path(git), *worktrees_there(git))
    left = () if now else tuple(str(path) for path in places if path.exists())
    return Status(now, runs, left)


def gate_seconds(git: Git) -> dict[str, list[float]]:
    """Return how long the runs of each gate took, by its name, the oldest first.

    Only runs that passed: one that failed may have stopped early, or hung until its time was up.

    Raises:
        EnvironmentFailure: the journal cannot be read.
    """
    journal = Journal.open_if_there(journal_path(git))
    if journal is None:
        return {}
    with journal:
        runs = journal.runs(holder=None)
    found: dict[str, list[float]] = {}
    for gate in (gate for run in runs for gate in run.gates if gate.passed):
        found.setdefault(gate.name, []).append(gate.seconds)
    return found


def _runs(git: Git, now: Holder | None) -> tuple[Run, ...]:
    journal = Journal.open_if_there(journal_path(git))
    if journal is None:
        return ()
    with journal:
        runs = journal.runs(holder=now.pid if now else None)
    made_later = {run.branch: run.id for run in runs if run.status == "done"}
    return tuple(
        run if made_later.get(run.branch, 0) > run.id else _settled(git, run) for run in runs
    )


def _settled(git: Git, run: Run) -> Run:
    if run.status != "interrupted" or run.result is None:
        return run
    at = git.commit_id(f"refs/heads/{run.branch}")
    return msgspec.structs.replace(run, status="done") if at == run.result else run

"""Runs that ended before their time, and runs that nobody wants any more."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager

import msgspec

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.executor.orders import order_of
from lane_planner.executor.publishing import Publisher, left_to_publish, withdraw
from lane_planner.executor.records.journal import (
    Clock,
    Journal,
    Run,
    RunRolledBack,
    utc_now,
)
from lane_planner.executor.records.lock import Holder, run_lock
from lane_planner.executor.records.signals import uninterrupted
from lane_planner.executor.records.status import status
from lane_planner.executor.run import branches_there, complete
from lane_planner.executor.storage.files import remove
from lane_planner.executor.storage.git_write import delete_branches, require_not_checked_out
from lane_planner.executor.storage.places import (
    evidence_paths,
    journal_path,
    lock_path,
    scratch_path,
)
from lane_planner.executor.storage.worktree import remove_worktrees


class RolledBack(msgspec.Struct, frozen=True):
    """What undoing a run took away.

    Attributes:
        run: its number in the journal.
        branches: names of the branches that are gone, sorted.
        leftovers: what could not be undone.
    """

    run: int
    branches: tuple[str, ...]
    leftovers: tuple[str, ...] = ()


def interrupted_run(git: Git) -> Run:
    """Return the last run, which was interrupted.

    Raises:
        UsageError: there is none, or the last one ended.
        EnvironmentFailure: the journal cannot be read.
    """
    found = status(git)
    if not found.runs:
        raise UsageError("there is no run to go on with: none has begun")
    last = found.runs[-1]
    if last.status != "interrupted":
        raise UsageError(
            f"there is no run to go on with: run {last.id}, the last, is {last.status}"
        )
    return last


def settle(
    git: Git, run: Run, *, publisher: Publisher | None = None, clock: Clock = utc_now
) -> Run:
    """End a run of one branch that was killed: it is done, or undone.

    Args:
        git: the repository.
        run: the run.
        publisher: opens the pull request of its branch; None: none is wanted.
        clock: tells the time for the journal.

    Returns:
        The run as it is then.

    Raises:
        EnvironmentFailure: another run is under way, git or the disk failed, or the pull request
            cannot be had.
    """
    with _alone(git, clock), Journal.open(journal_path(git), clock=clock) as journal:
        _clear(git)
        if run.result is not None and branches_there(git, run):
            if publisher is not None:
                left = [left_to_publish(git, run)]
                publisher.publish(left, lambda event: journal.append(run.id, event))
            complete(git, journal, run, clock)
        else:
            _forget_evidence(git, run)
            journal.append(run.id, RunRolledBack("it was killed before its branch was made"))
        return next(found for found in journal.runs(holder=None) if found.id == run.id)


def roll_back(git: Git, *, clock: Clock = utc_now) -> RolledBack:
    """Undo the last run: its branches, pull requests, evidence and leftovers, and nothing else.

    Args:
        git: the repository.
        clock: tells the time for the journal.

    Raises:
        UsageError: there is none to undo, or one of its branches has been merged, has moved on, or
            is checked out.
        EnvironmentFailure: another run is under way, or git or the disk failed.
    """
    with _alone(git, clock), Journal.open(journal_path(git), clock=clock) as journal:
        runs = [run for run in journal.runs(holder=None) if run.status != "rolled-back"]
        if not runs:
            raise UsageError("there is no run to undo")
        run = runs[-1]
        there = branches_there(git, run)
        for name in sorted(run.branches):
            at = git.commit_id(f"refs/heads/{name}")
            if at is not None and name not in there:
                raise UsageError(
                    f"branch {printable(name)} of run {run.id} has moved on to {at[:12]}: "
                    "nothing was undone; delete or rename it first"
                )
        require_not_checked_out(git, there)
        merged = [name for name, commit in sorted(there.items()) if _merged(git, run, commit)]
        if merged:
            raise UsageError(
                f"branch {printable(merged[0])} of run {run.id} is merged into what is checked "
                "out: nothing was undone"
            )
        withdraw(git, _remote(run), run.pushed, {b: n for b, (n, _) in run.pull_requests.items()})
        with uninterrupted():
            delete_branches(git, there, reason=f"roll back run {run.id}")
            _clear(git)
            _forget_evidence(git, run)
            journal.append(run.id, RunRolledBack("it was rolled back on demand"))
        return RolledBack(run.id, tuple(sorted(there)))


def _remote(run: Run) -> str | None:
    if not run.begun.order:
        return None
    wanted = order_of(run).options.pull_requests
    return None if wanted is None else wanted.remote


def _alone(git: Git, clock: Clock) -> AbstractContextManager[Holder]:
    return run_lock(lock_path(git), command=" ".join(sys.argv), since=clock())


def _clear(git: Git) -> None:
    remove_worktrees(git)
    remove(scratch_path(git))


def _forget_evidence(git: Git, run: Run) -> None:
    for name in {run.branch, *run.branches}:
        for path in evidence_paths(git, name):
            remove(path)


def _merged(git: Git, run: Run, commit: str) -> bool:
    head = git.commit_id()
    if head is None or commit == run.base:
        return False
    done = git.ask("merge-base", "--is-ancestor", commit, head)
    if done.exit_code not in (0, 1):
        raise EnvironmentFailure(f"git cannot compare {commit[:12]} with what is checked out")
    return done.exit_code == 0

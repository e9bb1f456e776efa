"""What is under way, what is done, and what a killed run left behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.executor.records.journal import Journal, Recorded, Run, replay
from lane_planner.executor.records.lock import Holder, holder
from lane_planner.executor.storage.places import (
    journal_path,
    lock_path,
    plan_path,
    scratch_path,
    worktrees_there,
)

_HEADS = "refs/heads/"


class StepDetail(msgspec.Struct, frozen=True):
    """A step of a run.

    Attributes:
        id: the plan's name for it.
        state: "committed"; "begun": it is about to be; "left-out"; "waiting": it was not begun.
        batch: number of its batch; None: it is not known.
        modules: its modules; empty: the plan was not kept.
        commit: its commit; None: it has none.
        reason: why it was left out; None: it was not.
    """

    id: str
    state: Literal["committed", "begun", "left-out", "waiting"]
    batch: int | None
    modules: tuple[str, ...]
    commit: str | None
    reason: str | None


class BranchDetail(msgspec.Struct, frozen=True):
    """A branch of a run, and what has become of it.

    Attributes:
        name: of the branch.
        commit: where the run made it, or was about to.
        now: the commit that it is at; None: there is no such branch.
        state: "there"; "merged" into what is checked out; "moved": it is at another commit;
            "gone".
    """

    name: str
    commit: str
    now: str | None
    state: Literal["there", "merged", "moved", "gone"]


class Detail(msgspec.Struct, frozen=True):
    """All that there is to say of one run.

    Attributes:
        run: its number.
        steps: in the order of landing, as far as that is known.
        branches: in the order in which they were made.
        resume: whether `resume` goes on with it.
        rollback: whether `rollback` undoes it before any other.
        notes: what could not be told.
    """

    run: int
    steps: tuple[StepDetail, ...]
    branches: tuple[BranchDetail, ...]
    resume: bool
    rollback: bool
    notes: tuple[str, ...] = ()


class Status(msgspec.Struct, frozen=True):
    """The state of a repository's runs.

    Attributes:
        holder: who is running now; None: nobody.
        runs: oldest first.
        leftovers: paths that a killed run left, which the next run clears; empty while a run is
            under way.
        detail: of one of the runs; None: it was not asked for, or there is no run.
    """

    holder: Holder | None
    runs: tuple[Run, ...]
    leftovers: tuple[str, ...]
    detail: Detail | None = None


class News(NamedTuple):
    """What has become of a run since it was last looked at.

    Attributes:
        run: as it is now.
        events: those that are new.
    """

    run: Run
    events: tuple[Recorded, ...]


def status(git: Git) -> Status:
    """Return the state of a repository's runs; nothing is written.

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


def detailed(git: Git, found: Status, number: int | None = None) -> Status:
    """Return a status with all that there is to say of one run.

    Args:
        git: the repository.
        found: its status.
        number: the run's; None: the last one's.

    Raises:
        UsageError: there is no such run.
        EnvironmentFailure: git failed.
    """
    if number is None:
        if not found.runs:
            return found
        number = found.runs[-1].id
    run = next((run for run in found.runs if run.id == number), None)
    if run is None:
        there = f"the last one is run {found.runs[-1].id}" if found.runs else "none has begun"
        raise UsageError(f"there is no run {number}: {there}")
    modules, notes = _modules(git, run)
    undone_first = [one.id for one in found.runs if one.status != "rolled-back"][-1:]
    detail = Detail(
        run=number,
        steps=_steps(run, modules),
        branches=_branches(git, run),
        resume=run.status == "interrupted" and run is found.runs[-1],
        rollback=found.holder is None and undone_first == [number],
        notes=notes,
    )
    return msgspec.structs.replace(found, detail=detail)


def watched(git: Git, pause: Callable[[], None]) -> Iterator[News]:
    """Yield what becomes of the run that is under way, until it ends; nothing if none is.

    The first news hold all its events so far, and there are news after every pause, also without
    events. The last news tell how it ended; a run that was killed is interrupted then. Nothing is
    written, and no reading outlasts the moment: the run is neither held up nor slowed down.

    Args:
        git: the repository.
        pause: waits between two looks.

    Raises:
        EnvironmentFailure: the journal or the lock cannot be read.
    """
    while (now := holder(lock_path(git))) is not None:
        journal = Journal.open_if_there(journal_path(git))
        if journal is not None:
            with journal:
                runs = journal.runs(holder=now.pid)
                if runs and runs[-1].status == "running":
                    yield from _news(git, journal, runs[-1].id, pause)
                    return
        # It is about to begin a run, or it is undoing one.
        pause()


def _news(git: Git, journal: Journal, number: int, pause: Callable[[], None]) -> Iterator[News]:
    told: list[Recorded] = []
    while True:
        # The lock first: whatever a run wrote before it let go of it is in the events then.
        now = holder(lock_path(git))
        fresh = journal.since(told[-1].id if told else 0, run=number)
        told += fresh
        events = [(one.at, one.event) for one in told]
        run = replay(number, events, holder=now.pid if now else None)
        yield News(run, tuple(fresh))
        if run.status != "running":
            return
        pause()


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
        return journal.runs(holder=now.pid if now else None)


class _PlannedModules(msgspec.Struct, frozen=True):
    id: str
    modules: tuple[str, ...]


class _KeptPlan(msgspec.Struct, frozen=True):
    """What is shown of a plan: reading no more is faster, and fits other versions."""

    steps: tuple[_PlannedModules, ...]


def _modules(git: Git, run: Run) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the modules of each step of a run's plan, and what could not be told."""
    path = plan_path(git, run.plan)
    if not run.begun.order or not path.exists():
        return {}, ()
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_KeptPlan)
    except (OSError, msgspec.MsgspecError) as error:
        return {}, (f"the plan that was kept in {path} cannot be read: {error}",)
    return {step.id: step.modules for step in kept.steps}, ()


def _steps(run: Run, modules: dict[str, tuple[str, ...]]) -> tuple[StepDetail, ...]:
    batch_of = {step: batch for batch, ids in run.begun.batches.items() for step in ids}
    begun = {step.id: step.commit for step in run.steps}
    details = []
    for step in dict.fromkeys([*batch_of, *begun, *run.dropped]):
        commit = begun.get(step)
        state: Literal["committed", "begun", "left-out", "waiting"] = "waiting"
        if step in begun:
            state = "begun" if commit is None else "committed"
        elif step in run.dropped:
            state = "left-out"
        reason = run.dropped.get(step) if state == "left-out" else None
        details.append(
            StepDetail(step, state, batch_of.get(step), modules.get(step, ()), commit, reason)
        )
    return tuple(details)


def _branches(git: Git, run: Run) -> tuple[BranchDetail, ...]:
    if not run.branches:
        return ()
    listed = git.out("for-each-ref", "--format=%(refname) %(objectname)", _HEADS)
    # Not `splitlines`: what that takes for an end of line too may stand in a branch's name.
    at = dict(line.rsplit(" ", 1) for line in os.fsdecode(listed).split("\n") if line)
    # Where the base commit is gone, or nothing is checked out, git fails, and nothing is merged.
    since = git.ask("rev-list", f"{run.base}..HEAD", "--")
    merged = frozenset(since.stdout.decode("ascii").split()) if since.exit_code == 0 else ()
    details = []
    for name, commit in run.branches.items():
        now = at.get(f"{_HEADS}{name}")
        state: Literal["there", "merged", "moved", "gone"] = "there"
        if commit in merged:
            state = "merged"
        elif now is None:
            state = "gone"
        elif now != commit:
            state = "moved"
        details.append(BranchDetail(name, commit, now, state))
    return tuple(details)

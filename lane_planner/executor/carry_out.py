"""Carrying steps out as one: one branch, one commit a step, gates around them, all or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.config.settings import Gate, Settings
from lane_planner.executor.gating.gating import Gating, first_failure
from lane_planner.executor.gating.trials import Selector, Step, after_steps, before_moving
from lane_planner.executor.publishing import Opened, Publisher, Ready
from lane_planner.executor.records.journal import Clock, Event, RunStarted, StepState, utc_now
from lane_planner.executor.run import (
    Carried,
    Run,
    commit_date,
    plain_evidence,
    under_way,
)
from lane_planner.gates.command import GateResult
from lane_planner.gates.evidence import Evidence, to_markdown
from lane_planner.gates.select import applying
from lane_planner.promotion.values import FileMove


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to do.

    Attributes:
        base_commit: full id of the commit to start from.
        branch: name of the branch to make.
        title: of the evidence and the pull request.
        plan_id: id of the plan, for the journal and the commits' trailers.
        moves: every file move of the run, as planned: by them the "before" gates are chosen, and
            a step that moves anything else is refused.
        gates: the configured gates; those that apply run, in this order, up to the first that
            fails.
        order: what was asked for, to go on with after a kill; "": nothing can be gone on with.
    """

    base_commit: str
    branch: str
    title: str
    plan_id: str
    moves: tuple[FileMove, ...]
    gates: tuple[Gate, ...] = ()
    order: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended.

    Attributes:
        run: its number in the journal.
        success: whether the branch was made; if not, a gate failed, and all was undone.
        branch: name of the branch.
        base: the commit it builds on.
        commit: the commit that the branch is at; None without success.
        steps: the steps, with their commits (unreferenced ones without success).
        gates: results, in the order in which the gates ran.
        evidence: paths of the evidence as JSON and as Markdown; empty without success.
        reason: why it failed; None with success.
        pull_request: what became of the branch, where a pull request was asked for.
        notes: what a person should know.
    """

    run: int
    success: bool
    branch: str
    base: str
    commit: str | None
    steps: tuple[StepState, ...]
    gates: tuple[GateResult, ...]
    evidence: tuple[str, ...]
    reason: str | None
    pull_request: Opened | None = None
    notes: tuple[str, ...] = ()


NextStep = Callable[[str], Step | None]
"""Given the commit that it will build on, returns the next step, or None after the last."""


def in_order(steps: Iterable[Step]) -> NextStep:
    """Return the source of steps that are known beforehand."""
    remaining = iter(steps)
    return lambda commit: next(remaining, None)


def carry_out(
    git: Git,
    settings: Settings,
    job: Job,
    next_step: NextStep,
    *,
    evidence: Callable[[Carried], Evidence] = plain_evidence,
    select: Selector | None = None,
    observe: Callable[[Event], None] = lambda event: None,
    clock: Clock = utc_now,
    command: str | None = None,
    log_file: Path | None = None,
    publisher: Publisher | None = None,
) -> Outcome:
    """Carry steps out on a new branch, or leave everything as it was.

    The user's checkout, index, stash, branches and list of work trees are the same afterwards,
    but for the new branch.

    Args:
        git: the repository, seen from the root.
        settings: for the source roots that gates import from.
        job: what to do.
        next_step: asked for each step when the former one is committed.
        evidence: turns what was done into the evidence, before the branch is made.
        select: selects the tests of gates that ask for them.
        observe: told of each event of the run, but not of its being undone, when the journal
            holds it.
        clock: tells the time for the journal.
        command: what to call this run when another one finds the lock taken; the process's
            command line by default.
        log_file: another file that the promotion log's lines are added to.
        publisher: opens the pull request; None: none is wanted.

    Returns:
        How it ended. A gate that fails is an outcome without success.

    Raises:
        UsageError: the branch is there already or cannot be, the base commit is unknown, or
            there is no step.
        EnvironmentFailure: another run is under way, or git, the disk or a step's fit failed.
            Everything was undone; what could not be is in the exception's notes. But where the
            pull request alone could not be had, the branch stays.
    """
    start = RunStarted(
        job.base_commit, job.branch, job.plan_id, os.getpid(), job.title, commit_date(clock),
        log_file=str(log_file or ""), order=job.order,
    )  # fmt: skip
    with under_way(
        git, settings, start, branches=[job.branch], select=select, observe=observe, clock=clock,
        command=command, keep_published=publisher is not None,
    ) as (run, gating):  # fmt: skip
        outcome = _attempt(run, gating, job, next_step, evidence, publisher)
        if not outcome.success:
            run.fail(outcome.reason or "")
        return outcome


def _attempt(
    run: Run,
    gating: Gating,
    job: Job,
    next_step: NextStep,
    evidence: Callable[[Carried], Evidence],
    publisher: Publisher | None,
) -> Outcome:
    """Do the job; a failing gate ends it early, with nothing published."""
    run.clear()  # what a killed run left
    steps: list[Step] = []
    commits: list[str] = []
    asked: list[GateResult] = []
    opened: tuple[Opened, ...] = ()

    def outcome(failed: GateResult | None = None) -> Outcome:
        states = zip(steps, commits, strict=True)
        return Outcome(
            run=run.number,
            success=failed is None,
            branch=job.branch,
            base=job.base_commit,
            commit=commits[-1] if failed is None else None,
            steps=tuple(StepState(step.id, commit) for step, commit in states),
            gates=tuple(asked),
            evidence=run.made[-1].evidence if failed is None else (),
            reason=None if failed is None else why_failed(failed),
            pull_request=next(iter(opened), None),
            notes=() if publisher is None else tuple(publisher.notes),
        )

    gates = applying(job.gates, "before", job.moves)
    asked += gating.run(gates, before_moving(job.base_commit, job.moves))
    if failed := first_failure(asked):
        return outcome(failed)
    with run.writer(job.base_commit) as writer:
        while (step := next_step(writer.head)) is not None:
            require_planned(step, job.moves)
            if any(step.id == done.id for done in steps):
                raise EnvironmentFailure(f"step {printable(step.id)} came twice")
            commits.append(run.commit(writer, step))
            steps.append(step)
    if not steps:
        raise UsageError("there is no step to carry out")
    trial = after_steps(commits[-1], steps)
    asked += gating.run(applying(job.gates, "after", trial.moves), trial)
    if failed := first_failure(asked):
        return outcome(failed)
    run.clear()
    carried = Carried(
        job.branch, job.title, job.base_commit, commits[-1], tuple(steps), tuple(commits),
        tuple(asked),
    )  # fmt: skip
    told = evidence(carried)
    run.publish([(carried, told)])
    if publisher is not None:
        opened = publisher.publish([Ready(carried, to_markdown(told), None)], run.record)
    run.finish()
    return outcome()


def require_planned(step: Step, moves: Iterable[FileMove]) -> None:
    """Make sure that a step moves what was planned, and what goes along with that.

    Raises:
        EnvironmentFailure: it moves something else.
    """
    promotion = step.promotion
    expected = {*moves, *promotion.along}
    unplanned = [move for move in promotion.moves if move not in expected]
    if unplanned:
        raise EnvironmentFailure(
            f"step {printable(step.id)} moves {printable(unplanned[0].source)} to "
            f"{printable(unplanned[0].target)}, which was not planned"
        )


def why_failed(gate: GateResult) -> str:
    """Return how a gate failed, in a line."""
    how = "timed out" if gate.timed_out else f"failed with exit status {gate.exit_code}"
    return f"gate {printable(gate.name)} ({gate.phase} the move) {how}"

"""The results of `apply`, `resume` and `rollback`, as documents and as text."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lane_planner.base.text import plural, printable
from lane_planner.executor.campaign import Result
from lane_planner.executor.carry_out import Outcome
from lane_planner.executor.publishing import Opened
from lane_planner.executor.records.journal import Mode, Run, RunStatus, StepState
from lane_planner.executor.recovery import RolledBack
from lane_planner.executor.reverting.restoring import Obstacle
from lane_planner.executor.reverting.reverting import Reversal
from lane_planner.executor.run import Made
from lane_planner.executor.sieve import LeftOut
from lane_planner.gates.command import GateResult
from lane_planner.report.text import listed

_OUTPUT_LINES = 20


class ApplicationDocument(msgspec.Struct, frozen=True):
    """How carrying a plan out ended.

    Attributes:
        success: whether branches were made; if not, gates failed, and all was undone.
        mode: how branches were to be made.
        branch: name of the last branch; None: there is none.
        base: the commit that the run builds on.
        commit: what the last branch is at; None: there is none.
        branches: the branches, in the order of landing.
        steps: the steps, with their commits.
        left_out: the steps that were not carried out, in the order of the plan.
        waiting: how many steps wait until the branches are merged (mode "wave").
        gates: results, in the order in which the gates ran.
        evidence: paths of the evidence of all branches, as JSON and as Markdown.
        reason: why it failed; None with success.
        pull_requests: what became of the branches; empty without `--pr`.
        notes: what a person should know.
    """

    success: bool
    mode: Mode
    branch: str | None
    base: str
    commit: str | None
    branches: tuple[Made, ...]
    steps: tuple[StepState, ...]
    left_out: tuple[LeftOut, ...]
    waiting: int
    gates: tuple[GateResult, ...]
    evidence: tuple[str, ...]
    reason: str | None
    pull_requests: tuple[Opened, ...]
    notes: tuple[str, ...]


def application_document(result: Result) -> ApplicationDocument:
    """Return how carrying a plan out ended."""
    last = result.branches[-1] if result.branches else None
    return ApplicationDocument(
        success=result.success,
        mode=result.mode,
        branch=None if last is None else last.name,
        base=result.base,
        commit=None if last is None else last.commit,
        branches=result.branches,
        steps=result.steps,
        left_out=result.left_out,
        waiting=result.waiting,
        gates=result.gates,
        evidence=tuple(path for made in result.branches for path in made.evidence),
        reason=result.reason,
        pull_requests=result.pull_requests,
        notes=result.notes,
    )


def application_text(result: Result) -> str:
    """Return how carrying a plan out ended, for people."""
    lines = _gate_lines(result.gates)
    lines += listed(
        "left out",
        [
            f"{left.step} {printable(', '.join(left.modules))}: {left.reason}"
            for left in result.left_out
        ],
    )
    shown = {""}
    for left in result.left_out:
        if left.gate is not None and left.gate.output.strip() not in shown:
            shown.add(left.gate.output.strip())
            lines.append(f"gate {printable(left.gate.name)} said of {left.step}:")
            lines += _output_lines(left.gate)
    for made in result.branches:
        lines.append(
            f"{plural(len(made.steps), 'step')} on branch {printable(made.name)} at "
            f"{made.commit[:12]}"
        )
        lines += [f"evidence {path}" for path in made.evidence]
    for opened in result.pull_requests:
        lines += pull_request_lines(opened)
    lines += [printable(note) for note in result.notes]
    if result.waiting:
        lines.append(
            f"{plural(result.waiting, 'step')} of later waves wait: merge these, then "
            "`lane-planner apply PLAN --mode wave --resume`"
        )
    if not result.success:
        lines.append(f"rolled back: {printable(result.reason or '')}")
    return "\n".join(lines) + "\n"


def _gate_lines(gates: Iterable[GateResult]) -> list[str]:
    return [
        f"gate {printable(gate.name)} ({gate.phase}): "
        f"{'passed' if gate.passed else 'FAILED'} in {gate.seconds:.1f} s"
        for gate in gates
    ]


def _output_lines(gate: GateResult) -> list[str]:
    return [f"    | {printable(line)}" for line in gate.output.splitlines()[-_OUTPUT_LINES:]]


def pull_request_lines(opened: Opened) -> list[str]:
    """Return what became of a branch's pull request, for people."""
    where = printable(opened.url or opened.branch)
    return [
        f"pull request {where}: {opened.outcome}",
        *(f"  {printable(note)}" for note in opened.notes),
    ]


class RevertedStep(msgspec.Struct, frozen=True):
    """A step that goes back.

    Attributes:
        plan: id of its plan.
        step: its own id in the plan.
        name: its title.
        source_lane: the lane that its modules leave now.
        target_lane: the lane that they go back to.
        commit: the commit that brought the step.
    """

    plan: str
    step: str
    name: str
    source_lane: str
    target_lane: str
    commit: str


class DependentStep(msgspec.Struct, frozen=True):
    """A step that depends on one that is to go back.

    Attributes:
        plan: id of its plan.
        step: its own id in the plan.
        name: its title.
        reason: why it depends on it.
    """

    plan: str
    step: str
    name: str
    reason: str


class ReversalDocument(msgspec.Struct, frozen=True):
    """Whether and how steps that were merged are taken back.

    Attributes:
        success: whether it was done; of a dry run, whether it can be.
        dry_run: whether it was only to be shown.
        steps: the steps, in the order in which they go back.
        dependents: other steps that depend on them.
        obstacles: places of later work that is in the way.
        diff: what changes.
        branch: the branch that was made; None: none was.
        commit: what it is at; None: there is none.
        commits: one for each step, in the same order; empty if nothing was done.
        gates: results, in the order in which the gates ran.
        evidence: paths of the evidence as JSON and as Markdown.
        reason: why it failed; None: it did not.
        pr_url: address of the pull request; None: there is none.
        notes: what a person should know.
    """

    success: bool
    dry_run: bool
    steps: tuple[RevertedStep, ...]
    dependents: tuple[DependentStep, ...]
    obstacles: tuple[Obstacle, ...]
    diff: str
    branch: str | None
    commit: str | None
    commits: tuple[str | None, ...]
    gates: tuple[GateResult, ...]
    evidence: tuple[str, ...]
    reason: str | None
    pr_url: str | None
    notes: tuple[str, ...]


def reversal_document(
    reversal: Reversal, outcome: Outcome | None, *, dry_run: bool
) -> ReversalDocument:
    """Return whether and how steps are taken back.

    Args:
        reversal: what was worked out.
        outcome: how carrying it out ended; None if it was not.
        dry_run: whether it was only to be shown.
    """
    done = outcome is not None and outcome.success
    steps = tuple(
        RevertedStep(
            landing.name.plan, landing.name.step, landing.title, landing.target, landing.source,
            landing.brought,
        )
        for landing in reversal.landings
    )  # fmt: skip
    dependents = tuple(
        DependentStep(one.landing.name.plan, one.landing.name.step, one.landing.title, one.reason)
        for one in reversal.dependents
    )
    return ReversalDocument(
        success=reversal.ready if outcome is None else outcome.success,
        dry_run=dry_run,
        steps=steps,
        dependents=dependents,
        obstacles=tuple(reversal.obstacles),
        diff=reversal.diff,
        branch=outcome.branch if outcome is not None and done else None,
        commit=None if outcome is None else outcome.commit,
        commits=() if outcome is None or not done else tuple(s.commit for s in outcome.steps),
        gates=() if outcome is None else outcome.gates,
        evidence=() if outcome is None else outcome.evidence,
        reason=None if outcome is None else outcome.reason,
        pr_url=pull_request_url(outcome),
        notes=() if outcome is None else outcome.notes,
    )


def pull_request_url(outcome: Outcome | None) -> str | None:
    """Return the address of the pull request of a branch that was made, if there is one."""
    opened = None if outcome is None else outcome.pull_request
    return None if opened is None else opened.url


def reversal_text(reversal: Reversal, outcome: Outcome | None) -> str:
    """Return whether and how steps are taken back, for people.

    Args:
        reversal: what was worked out.
        outcome: how carrying it out ended; None if it was not.
    """
    lines = [
        f"{one.name}: {printable(one.title)}, from {one.target} back to {one.source}"
        for one in reversal.landings
    ]
    if reversal.dependents:
        go = "go back first" if reversal.with_dependents else "depend on it"
        lines += listed(
            f"other steps that {go}",
            [
                f"{one.landing.name} {printable(one.landing.title)}: {one.reason}"
                for one in reversal.dependents
            ],
        )
    lines += listed("later work depends on it", [str(one) for one in reversal.obstacles])
    if not reversal.ready:
        if not reversal.obstacles:
            lines.append("--with-dependents takes these back too")
        return "\n".join([*lines, "nothing was changed"]) + "\n"
    if outcome is None:
        lines += ["", reversal.diff.rstrip("\n"), ""]
        lines += [f"note: {printable(n)}" for step in reversal.steps for n in step.notes]
        return "\n".join([*lines, "nothing was changed; without --dry-run it is done"]) + "\n"
    lines += _gate_lines(outcome.gates)
    lines += [line for gate in outcome.gates if not gate.passed for line in _output_lines(gate)]
    if outcome.success:
        lines += [f"note: {printable(n)}" for step in reversal.steps for n in step.notes]
        lines.append(f"branch {printable(outcome.branch)} at {(outcome.commit or '')[:12]}")
        lines += [f"evidence {path}" for path in outcome.evidence]
        if outcome.pull_request is not None:
            lines += pull_request_lines(outcome.pull_request)
        lines += [printable(note) for note in outcome.notes]
    else:
        lines.append(f"rolled back: {printable(outcome.reason or '')}")
    return "\n".join(lines) + "\n"


class RunDocument(msgspec.Struct, frozen=True):
    """How a run of another command than `apply` was ended by `resume`.

    Attributes:
        success: whether it had made its branch.
        run: its number.
        status: "done", or "rolled-back" if it was undone.
        branch: the branch that it makes.
        commit: what the branch is, or was about to be, at; None: it did not come so far.
        reason: why it came to nothing; None if it did not.
    """

    success: bool
    run: int
    status: RunStatus
    branch: str
    commit: str | None
    reason: str | None


def run_document(run: Run) -> RunDocument:
    """Return how a run ended that was neither gone on with nor a campaign."""
    return RunDocument(run.status == "done", run.id, run.status, run.branch, run.result, run.reason)


def run_text(run: Run) -> str:
    """Return the same for people."""
    if run.status == "done":
        return f"run {run.id} had made branch {printable(run.branch)}: it is done\n"
    return f"run {run.id} was rolled back: {printable(run.reason or '')}; ask for the same again\n"


def rolled_back_text(found: RolledBack) -> str:
    """Return what undoing a run took away, for people."""
    gone = [f"branch {printable(name)} is gone" for name in found.branches]
    return "\n".join([*gone, f"run {found.run} is rolled back"]) + "\n"

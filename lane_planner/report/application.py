"""The results of `apply`, `resume` and `rollback`, as documents and as text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lane_planner.base.text import plural, printable
from lane_planner.executor.campaign import Result
from lane_planner.executor.carry_out import Outcome
from lane_planner.executor.publishing import Opened
from lane_planner.executor.records.journal import Run
from lane_planner.executor.recovery import RolledBack
from lane_planner.executor.reverting.reverting import Reversal
from lane_planner.gates.command import GateResult
from lane_planner.report.text import listed

_OUTPUT_LINES = 20


def application_document(result: Result) -> dict[str, Any]:
    """Return how carrying a plan out ended."""
    last = result.branches[-1] if result.branches else None
    return {
        "success": result.success,
        "mode": result.mode,
        "branch": None if last is None else last.name,
        "base": result.base,
        "commit": None if last is None else last.commit,
        "branches": list(result.branches),
        "steps": list(result.steps),
        "left_out": list(result.left_out),
        "waiting": result.waiting,
        "gates": list(result.gates),
        "evidence": [path for made in result.branches for path in made.evidence],
        "reason": result.reason,
        "pull_requests": list(result.pull_requests),
        "notes": list(result.notes),
    }


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


def reversal_document(
    reversal: Reversal, outcome: Outcome | None, *, dry_run: bool
) -> dict[str, Any]:
    """Return whether and how steps are taken back.

    Args:
        reversal: what was worked out.
        outcome: how carrying it out ended; None if it was not.
        dry_run: whether it was only to be shown.
    """
    done = outcome is not None and outcome.success
    return {
        "success": reversal.ready if outcome is None else outcome.success,
        "dry_run": dry_run,
        "steps": [
            {
                "plan": landing.name.plan,
                "step": landing.name.step,
                "name": landing.title,
                "source_lane": landing.target,
                "target_lane": landing.source,
                "commit": landing.brought,
            }
            for landing in reversal.landings
        ],
        "dependents": [
            {
                "plan": one.landing.name.plan,
                "step": one.landing.name.step,
                "name": one.landing.title,
                "reason": one.reason,
            }
            for one in reversal.dependents
        ],
        "obstacles": list(reversal.obstacles),
        "diff": reversal.diff,
        "branch": outcome.branch if outcome is not None and done else None,
        "commit": None if outcome is None else outcome.commit,
        "commits": [step.commit for step in outcome.steps] if outcome is not None and done else [],
        "gates": [] if outcome is None else list(outcome.gates),
        "evidence": [] if outcome is None else list(outcome.evidence),
        "reason": None if outcome is None else outcome.reason,
        "pr_url": pull_request_url(outcome),
        "notes": [] if outcome is None else list(outcome.notes),
    }


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


def run_document(run: Run) -> dict[str, Any]:
    """Return how a run ended that was neither gone on with nor a campaign."""
    return {"success": run.status == "done", "run": run.id, "status": run.status,
            "branch": run.branch, "commit": run.result, "reason": run.reason}  # fmt: skip


def run_text(run: Run) -> str:
    """Return the same for people."""
    if run.status == "done":
        return f"run {run.id} had made branch {printable(run.branch)}: it is done\n"
    return f"run {run.id} was rolled back: {printable(run.reason or '')}; ask for the same again\n"


def rolled_back_text(found: RolledBack) -> str:
    """Return what undoing a run took away, for people."""
    gone = [f"branch {printable(name)} is gone" for name in found.branches]
    return "\n".join([*gone, f"run {found.run} is rolled back"]) + "\n"

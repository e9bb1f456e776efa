"""The results of `apply`, `resume` and `rollback`, as documents and as text."""

from __future__ import annotations

from typing import Any

from lane_planner.base.text import plural, printable
from lane_planner.executor.campaign import Result
from lane_planner.executor.journal import Run
from lane_planner.executor.recovery import RolledBack
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
    lines = [
        f"gate {printable(gate.name)} ({gate.phase}): "
        f"{'passed' if gate.passed else 'FAILED'} in {gate.seconds:.1f} s"
        for gate in result.gates
    ]
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
            said = left.gate.output.splitlines()[-_OUTPUT_LINES:]
            lines += [f"    | {printable(line)}" for line in said]
    for made in result.branches:
        lines.append(
            f"{plural(len(made.steps), 'step')} on branch {printable(made.name)} at "
            f"{made.commit[:12]}"
        )
        lines += [f"evidence {path}" for path in made.evidence]
    for opened in result.pull_requests:
        where = printable(opened.url or opened.branch)
        lines.append(f"pull request {where}: {opened.outcome}")
        lines += [f"  {printable(note)}" for note in opened.notes]
    lines += [printable(note) for note in result.notes]
    if result.waiting:
        lines.append(
            f"{plural(result.waiting, 'step')} of later waves wait: merge these, then "
            "`lane-planner apply PLAN --mode wave --resume`"
        )
    if not result.success:
        lines.append(f"rolled back: {printable(result.reason or '')}")
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

"""The result of `apply`, as a document and as text."""

from __future__ import annotations

from typing import Any

from lane_planner.base.text import plural, printable
from lane_planner.executor.apply import Applied
from lane_planner.report.text import listed


def application_document(applied: Applied) -> dict[str, Any]:
    """Return how carrying a plan out ended."""
    outcome = applied.outcome
    return {
        "success": outcome.success,
        "branch": outcome.branch if outcome.success else None,
        "base": outcome.base,
        "commit": outcome.commit,
        "steps": list(outcome.steps),
        "left_out": list(applied.left_out),
        "gates": list(outcome.gates),
        "evidence": list(outcome.evidence),
        "reason": outcome.reason,
    }


def application_text(applied: Applied) -> str:
    """Return how carrying a plan out ended, for people."""
    outcome = applied.outcome
    lines = [
        f"gate {printable(gate.name)} ({gate.phase}): "
        f"{'passed' if gate.passed else 'FAILED'} in {gate.seconds:.1f} s"
        for gate in outcome.gates
    ]
    lines += listed(
        "left out",
        [
            f"{left.step} {printable(', '.join(left.modules))}: {left.reason}"
            for left in applied.left_out
        ],
    )
    if outcome.success:
        lines.append(
            f"{plural(len(outcome.steps), 'step')} on branch {printable(outcome.branch)} at "
            f"{(outcome.commit or '')[:12]}"
        )
        lines += [f"evidence {path}" for path in outcome.evidence]
    else:
        lines.append(f"rolled back: {printable(outcome.reason or '')}")
        lines += [
            f"    | {printable(line)}"
            for gate in outcome.gates
            if not gate.passed
            for line in gate.output.splitlines()[-20:]
        ]
    return "\n".join(lines) + "\n"

"""The promotion log and the figures that come of it, for people."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lane_planner.base.text import plural, printable
from lane_planner.executor.records.promotion_log import Logged, Metrics
from lane_planner.report.tables import table


class LogDocument(msgspec.Struct, frozen=True):
    """The promotions that were carried out and stand.

    Attributes:
        promotions: oldest first.
    """

    promotions: tuple[Logged, ...]


def log_text(found: Sequence[Logged], *, width: int) -> str:
    """Return promotions as a table, oldest first."""
    if not found:
        return "no promotion yet\n"
    rows = [
        (
            one.at,
            str(one.run),
            one.step,
            one.commit[:12],
            printable(", ".join(f"{old} → {new}" for old, new in one.modules)),
        )
        for one in found
    ]
    return table(("when", "run", "step", "commit", "modules"), rows, width=width) + "\n"


def metrics_text(found: Metrics) -> str:
    """Return how promotions go."""
    lines = [f"{plural(found.promotions, 'promotion')} of {plural(found.modules, 'module')}"]
    if found.seconds is not None:
        lines.append(f"a promotion takes {found.seconds:,.2f} s (median)")
    if found.failure_rate is not None:
        lines.append(f"{found.failure_rate:.1%} were kept back by gates ({found.failed:,})")
    if found.asked:
        part = found.covered / found.asked
        lines.append(f"{part:.1%} have the coverage that is asked for ({found.covered:,})")
    undone = found.rolled_back + found.not_rolled_back
    if undone:
        lines.append(f"{found.rolled_back:,} of {undone:,} undone runs were undone completely")
    return "\n".join(lines) + "\n"

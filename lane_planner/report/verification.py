"""The cross-check of the graph against grimp's, as text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lane_planner.base.text import plural, printable
from lane_planner.graph.verify import UNEXPLAINED, Comparison, counted


class VerificationDocument(msgspec.Struct, frozen=True):
    """The graph beside grimp's.

    Attributes:
        comparisons: one for each group of packages that can be compared by themselves.
    """

    comparisons: tuple[Comparison, ...]


def verification_text(comparisons: Sequence[Comparison]) -> str:
    """Return what both graphs have, and every difference by its reason."""
    if not comparisons:
        return "no package to compare\n"
    lines = []
    for found in comparisons:
        names = printable(", ".join(found.packages))
        if found.unreadable is not None:
            lines.append(f"{names}: {printable(found.unreadable)}")
            continue
        lines.append(
            f"{names}: {plural(found.shared, 'import')} between {plural(found.modules, 'module')} "
            f"are the same in grimp's graph"
        )
        if found.unseen:
            lines.append(f"  {plural(found.unseen, 'module')} more that grimp does not see")
        for reason, count in counted(found):
            lines.append(f"  {plural(count, 'difference')}: {reason}")
            examples = [d for d in found.differences if d.reason == reason]
            shown = len(examples) if reason == UNEXPLAINED else 3
            for difference in examples[:shown]:
                whose = "only ours" if difference.ours else "only grimp's"
                pair = printable(f"{difference.importer} → {difference.imported}")
                lines.append(f"    {whose}: {pair}")
        if not found.differences:
            lines.append("  no difference")
    return "\n".join(lines) + "\n"

"""What to mend first, as text."""

from __future__ import annotations

from lane_planner.base.text import plural, printable
from lane_planner.planner.unlocks import Unlocks
from lane_planner.report.tables import table

_SHOWN = 20


def unlocks_text(found: Unlocks, *, width: int) -> str:
    """Return the fixes that free the most modules, and the directories worth mending whole.

    Args:
        found: what there is to mend.
        width: columns of the terminal.
    """
    way = f"{found.source} → {found.target}"
    if not found.blocked:
        return f"{way}: no module is blocked, there is nothing to mend\n"
    lines = [
        f"{way}: {plural(found.blocked, 'module')} blocked, {plural(len(found.alone), 'thing')} "
        "to mend"
    ]
    if found.unlocks:
        lines += ["", "mend in this order:", ""]
        rows = [
            (f"{unlock.frees:,}", f"{unlock.running_total:,}", printable(unlock.fix.what))
            for unlock in found.unlocks[:_SHOWN]
        ]
        headers = ("frees alone", "total", "what to do")
        lines.append(table(headers, rows, width=width, right=headers[:2]))
        left = len(found.unlocks) - _SHOWN
        if left > 0:
            total = found.unlocks[-1].running_total
            lines.append(f"… and {left} more, {total:,} modules in all: --format json")
    if found.packages:
        lines += ["", "directories, if every file below is mended:", ""]
        rows = [
            (f"{entry.frees:,}", f"{entry.files:,}", printable(entry.directory))
            for entry in found.packages[:_SHOWN]
        ]
        headers = ("frees", "files to mend", "directory")
        lines.append(table(headers, rows, width=width, right=headers[:2]))
        if len(found.packages) > _SHOWN:
            lines.append(f"… and {len(found.packages) - _SHOWN} more: --format json")
    return "\n".join(lines) + "\n"

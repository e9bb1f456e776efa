"""Findings as Markdown, bounded in size, for a comment on a pull request."""

from __future__ import annotations

from collections import deque

from lane_planner.base.markdown import as_name, as_row, as_text
from lane_planner.base.text import as_uri, plural
from lane_planner.report.findings import Finding, Report

LIMIT = 65_536
"""Characters of a comment on GitHub. We count bytes, of which there are never fewer."""

_FOOT = 200  # bytes kept for the line that tells what is left out
_REMARKS = 10


def marker(command: str, prefix: str = "") -> str:
    """Return the comment that nobody sees and by which the next run finds this one's.

    It can stand in quotes: letters, digits and "%", "-", ".", "/", "_", "~" are all that names it.

    Args:
        command: "check" or "cycles".
        prefix: as in `Report`: each root has reports of its own.
    """
    return f"<!-- {' '.join(filter(None, ('lane-planner', command, as_uri(prefix))))} -->"


def markdown_text(report: Report, limit: int = LIMIT) -> str:
    """Return the new findings as Markdown, by pairs of lanes, and a summary.

    Where not all of them fit, each group gets its share, and says how many more there are.

    Args:
        report: what was found.
        limit: bytes that it must not exceed; at least some hundred.
    """
    head = [
        marker(report.command, report.prefix),
        f"### {as_text(f'lane-planner: {report.summary}')}",
        "",
    ]
    room = limit - _size(head) - _FOOT
    groups: dict[str, list[Finding]] = {}
    for finding in report.new:
        groups.setdefault(finding.group, []).append(finding)
    # The groups with most findings first; circular imports come last.
    order = sorted(groups, key=lambda name: (groups[name][0].circular, -len(groups[name]), name))
    sections, hidden = _fitting(
        [_Section(name, groups[name], report.prefix) for name in order], room
    )
    lines = [*head, *(line for section in sections for line in section.lines())]
    if hidden:
        lines += [f"… and {plural(hidden, 'more finding')} in other groups", ""]
    for remark in _remarks(report):
        if _size([*lines, remark]) <= limit - _FOOT // 2:
            lines.append(remark)
    return "\n".join(lines).rstrip("\n") + "\n"


class _Section:
    """A group of findings, of which the first ones are shown.

    Args:
        name: of the group.
        findings: all of it.
        prefix: as in `Report`.
    """

    def __init__(self, name: str, findings: list[Finding], prefix: str) -> None:
        self.waiting = deque(findings)
        columns = ("circular import" if findings[0].circular else "import", "where")
        self._head = [
            f"#### {as_text(name)}: {len(findings):,}",
            "",
            as_row(columns),
            "| --- | --- |",
        ]
        self._rows: list[str] = []
        self._prefix = prefix

    def head_size(self) -> int:
        """Return the bytes of it without findings."""
        return _size(self._head) + _FOOT

    def take(self, room: int) -> int:
        """Show the next finding if there is room for it, and return how many bytes that took."""
        row = _row(self.waiting[0], self._prefix)
        size = _size([row])
        if size > room:
            return 0
        self.waiting.popleft()
        self._rows.append(row)
        return size

    def lines(self) -> list[str]:
        """Return its lines, with an empty one at the end."""
        more = len(self.waiting)
        rest = ["", f"… and {more:,} more"] if more else []
        return [*self._head, *self._rows, *rest, ""]


def _fitting(sections: list[_Section], room: int) -> tuple[list[_Section], int]:
    """Fill sections by turns; return those that fit, and how many findings are in the others."""
    shown: list[_Section] = []
    hidden = 0
    for section in sections:
        if section.head_size() <= room:
            room -= section.head_size()
            shown.append(section)
        else:
            hidden += len(section.waiting)
    turn = deque(shown)
    while turn:
        section = turn.popleft()
        taken = section.take(room) if section.waiting else 0
        room -= taken
        if taken:
            turn.append(section)
    return shown, hidden


def _row(finding: Finding, prefix: str) -> str:
    place = finding.place
    where = f"{as_name(prefix + place.path)}:{place.line}"
    # The lanes of a forbidden import stand above the table.
    text = finding.name if finding.code == "LP101" else finding.message
    advice = f"<br>{as_text(finding.advice)}" if finding.advice else ""
    what = f"{finding.code} {as_text(text)}{advice}"
    return as_row((what, where))


def _remarks(report: Report) -> list[str]:
    remarks = [f"- {as_text(remark)}" for remark in report.remarks[:_REMARKS]]
    if len(report.remarks) > _REMARKS:
        remarks.append(f"- … and {len(report.remarks) - _REMARKS:,} more")
    if report.faults:
        count = plural(len(report.faults), "file")
        more = ", …" if len(report.faults) > 1 else ""
        first = as_name(report.prefix + report.faults[0].path)
        remarks.append(f"- {count} cannot be read as Python: {first}{more}")
    return remarks


def _size(lines: list[str]) -> int:
    return sum(len(line.encode("utf-8")) + 1 for line in lines)

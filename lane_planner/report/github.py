"""Findings as workflow commands of GitHub Actions, which make annotations of them."""

from __future__ import annotations

from lane_planner.base.text import printable
from lane_planner.report.findings import Finding, Place, Report
from lane_planner.rules.codes import CODES

_SHOWN = 10  # annotations of one level that GitHub makes of a step's output
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def github_text(report: Report) -> str:
    """Return a workflow command a finding, and what a person reads in the log.

    GitHub makes annotations of the first ten errors, ten warnings and ten notices of a step, and
    drops the rest of them without a word; all stand in the log. So a notice in front tells how
    many there are. What does not count is listed if that was asked for, as notices.

    Args:
        report: what was found.
    """
    lines = []
    new = report.new
    if new:
        hidden = len(new) - _SHOWN
        rest = (
            f"; GitHub annotates the first {_SHOWN}, the log has the other {hidden:,}"
            if hidden > 0
            else ""
        )
        lines.append(f"::notice title=lane-planner::{_data([report.summary + rest])}")
    lines += [_finding(finding, report.prefix) for finding in new]
    for fault in report.faults:
        place = Place(fault.path, fault.line, fault.column)
        lines.append(_annotation("warning", fault.code, [fault.message], place, report.prefix))
    lines += [f"::warning title=lane-planner::{_data([remark])}" for remark in report.remarks]
    if report.verbose:
        known = (finding for finding in report.findings if not finding.counts)
        lines += [_finding(finding, report.prefix) for finding in (*known, *report.notes)]
    # A line of plain text, so that a log in which nothing is wrong says so.
    lines.append(printable(report.summary))
    return "\n".join(lines) + "\n"


def _finding(finding: Finding, prefix: str) -> str:
    level = _COMMANDS[CODES[finding.code].level] if finding.counts else "notice"
    status = "" if finding.counts or finding.status == "note" else f" ({finding.status})"
    lines = [f"{finding.message}{status}", *filter(None, [finding.advice])]
    return _annotation(level, finding.code, lines, finding.place, prefix)


def _annotation(level: str, title: str, lines: list[str], place: Place, prefix: str) -> str:
    properties = (
        f"file={_property(prefix + place.path)},line={place.line},col={place.column + 1},"
        f"title={_property(title)}"
    )
    return f"::{level} {properties}::{_data(lines)}"


def _data(lines: list[str]) -> str:
    """Return a message as the runner reads it back (its `ActionCommand.UnescapeData`)."""
    return "%0A".join(_escaped(line) for line in lines)


def _property(value: str) -> str:
    """Return a property's value as the runner reads it back."""
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")


def _escaped(line: str) -> str:
    # No line end is left in it to be escaped: `printable` shows those of names as they are written.
    return printable(line).replace("%", "%25")

"""Workflow commands, read back as GitHub's runner reads them."""

from __future__ import annotations

import re

from lane_planner.base.text import for_terminal, printable
from lane_planner.report.findings import check_report
from lane_planner.report.github import github_text
from tests.report.hostile import NAMES, SETTINGS, circle, hostile_report, violation

_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Return command, properties and message, by the runner's rules (its ActionCommand)."""
    assert line.startswith("::")
    end = line.index("::", 2)
    command, _, properties = line[2:end].partition(" ")
    pairs = [pair.split("=", 1) for pair in properties.split(",")]
    return (
        command,
        {key.strip(): unescaped(value, _ESCAPES) for key, value in pairs},
        unescaped(line[end + 2 :], [pair for pair in _ESCAPES if pair[0] not in ("%3A", "%2C")]),
    )


def unescaped(text: str, escapes: object) -> str:
    assert isinstance(escapes, (list, tuple))
    known = dict(escapes)
    return re.sub("|".join(known), lambda match: known[match.group()], text)


def test_one_finding() -> None:
    report = check_report(
        [violation("a", "x", line=3)], [], None, circle(()), SETTINGS, modules=2, prefix="sub/"
    )
    assert github_text(report) == (
        "::notice title=lane-planner::1 violation in 2 modules\n"
        "::error file=sub/low/a.py,line=3,col=5,title=LP101::"
        "low may not import lane high: a imports x%0A"
        "next: `lane-planner promote a high`, or take out the import at low/a.py:3\n"
        "1 violation in 2 modules\n"
    )


def test_nothing_found_is_no_command() -> None:
    report = check_report([], [], None, circle(()), SETTINGS, modules=2)
    assert github_text(report) == "no violation in 2 modules\n"


def test_hostile_names() -> None:
    report = hostile_report(verbose=True)
    text = github_text(report)
    assert text.encode("utf-8")
    *lines, last = text.rstrip("\n").split("\n")
    assert not last.startswith("::")
    assert [line for line in lines if line != for_terminal(line)] == []
    commands = [read(line) for line in lines]
    assert {command for command, _, _ in commands} == {"error", "warning", "notice"}
    placed = [(rest["file"], rest["line"], text) for _, rest, text in commands if "file" in rest]
    shown = {(file, text.split("\n")[0]) for file, _, text in placed}
    for finding in report.new:
        file = printable(f"sub dir/{finding.place.path}")
        assert (file, printable(finding.message)) in shown
    assert len(placed) == 2 * len(NAMES) + 1 + 2 * len(NAMES)


def test_more_than_github_shows_is_told() -> None:
    many = [violation("a", f"x{number}") for number in range(1234)]
    text = github_text(check_report(many, [], None, circle(()), SETTINGS, modules=2))
    first, *rest = text.splitlines()
    assert read(first) == (
        "notice",
        {"title": "lane-planner"},
        "1,234 violations in 2 modules; GitHub annotates the first 10, the log has the other 1,224",
    )
    assert sum(line.startswith("::error ") for line in rest) == 1234


def test_what_does_not_count_is_listed_on_request() -> None:
    found = [violation("a", "x", status="waived"), violation("b", "x", status="baseline")]
    quiet = check_report(found, [], None, circle(()), SETTINGS, modules=2)
    assert github_text(quiet) == "no new violation in 2 modules; 2 known or waived\n"
    verbose = check_report(found, [], None, circle(()), SETTINGS, modules=2, verbose=True)
    commands = [read(line) for line in github_text(verbose).splitlines()[:-1]]
    told = [(command, text.partition("\n")[0]) for command, _, text in commands]
    assert [(command, text.rpartition(" ")[2]) for command, text in told] == [
        ("notice", "(waived)"),
        ("notice", "(baseline)"),
    ]

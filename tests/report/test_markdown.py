"""Markdown as a renderer reads it: bounded, and no name is more than a name."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from lane_planner.base.markdown import as_name
from lane_planner.report.findings import Report, check_report
from lane_planner.report.markdown import LIMIT, markdown_text, marker
from lane_planner.rules.diagnostics import Diagnostic
from tests.report.hostile import NAMES, SETTINGS, circle, hostile_report, violation


def report(*lanes: tuple[str, str], each: int = 1) -> Report:
    found = [
        violation(f"{low}.m{number:05}", f"{high}.x", lanes=(low, high))
        for low, high in lanes
        for number in range(each)
    ]
    return check_report(found, [], None, circle(()), SETTINGS, modules=2)


def hidden(text: str) -> int:
    """Return how many findings the text says it does not show."""
    return sum(int(n.replace(",", "")) for n in re.findall(r"^… and ([\d,]+) more", text, re.M))


def rows(text: str) -> int:
    return sum(line.startswith("| LP") for line in text.splitlines())


def advice(lane: str) -> str:
    """Return what can be done about an import of b.x, as it stands in a cell."""
    return (
        f"next: take out the import at low/{lane}.m00000.py&#58;1: pass b.x in, or move what "
        f"is needed into a lane that {lane} may import (itself alone)"
    )


def test_by_lanes() -> None:
    assert markdown_text(report(("a", "b"), ("c", "b"), ("c", "b"))) == (
        "<!-- lane-planner check -->\n"
        "### lane-planner: 3 violations in 2 modules\n"
        "\n"
        "#### c → b: 2\n"
        "\n"
        "| import | where |\n"
        "| --- | --- |\n"
        f"| LP101 c.m00000 imports b.x<br>{advice('c')} | `low/c.m00000.py`:1 |\n"
        f"| LP101 c.m00000 imports b.x (2)<br>{advice('c')} | `low/c.m00000.py`:1 |\n"
        "\n"
        "#### a → b: 1\n"
        "\n"
        "| import | where |\n"
        "| --- | --- |\n"
        f"| LP101 a.m00000 imports b.x<br>{advice('a')} | `low/a.m00000.py`:1 |\n"
    )


def test_nothing_found() -> None:
    assert markdown_text(report()) == (
        "<!-- lane-planner check -->\n### lane-planner: no violation in 2 modules\n"
    )


@pytest.mark.parametrize("each", [1, 100, 40_000])
def test_it_fits_a_comment_and_counts_what_does_not(each: int) -> None:
    text = markdown_text(report(("a", "b"), ("c", "b"), each=each))
    assert len(text.encode("utf-8")) <= LIMIT
    assert rows(text) + hidden(text) == 2 * each
    assert (hidden(text) > 0) == (each > 100)
    if each > 100:
        assert len(text.encode("utf-8")) > LIMIT - 1000
        halves = [text.count(" | `low/a."), text.count(" | `low/c.")]
        assert abs(halves[0] - halves[1]) <= 1


def test_more_lanes_than_fit() -> None:
    text = markdown_text(report(*((f"lane{n}" * 20, "b") for n in range(2000))))
    assert len(text.encode("utf-8")) <= LIMIT
    assert rows(text) + hidden(text) == 2000


def test_a_name_that_is_larger_than_a_comment() -> None:
    text = markdown_text(report(("a", "b"), ("c" * 2 * LIMIT, "d")))
    assert len(text.encode("utf-8")) <= LIMIT
    assert rows(text) + hidden(text) == 2


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 file cannot be read as Python: `low/m0.py`"),
        (2, "2 files cannot be read as Python: `low/m0.py`, …"),
    ],
)
def test_files_that_could_not_be_read_are_told(count: int, said: str) -> None:
    faults = [
        Diagnostic("LP901", f"low.m{n}", f"low/m{n}.py", 1, 0, False, "invalid")
        for n in range(count)
    ]
    text = markdown_text(check_report([], faults, None, circle(()), SETTINGS, modules=2))
    assert text.endswith(f"- {said}\n")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.py", "`a.py`"),
        ("a\u2028.py", "`a\\u2028.py`"),
        ("<b>\u2028.py", "&#60;b&#62;&#92;u2028.py"),
        ("<b>\n.py", "&#60;b&#62;&#92;n.py"),
        ("<b> .py", "&#60;b&#62;&#32;.py"),
    ],
)
def test_a_name_reads_as_itself(name: str, shown: str) -> None:
    assert as_name(name) == shown


def test_hostile_names() -> None:
    found = hostile_report()
    text = markdown_text(found)
    assert text.encode("utf-8")
    assert text.startswith(marker("check", found.prefix) + "\n")
    assert text.count("<!--") == 1
    rendered = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    tags = set(re.findall(r"</?([A-Za-z0-9]+)", rendered))
    assert tags <= {
        "h3",
        "h4",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "br",
        "ul",
        "li",
        "p",
    }
    assert rendered.count("<td") == 2 * len(found.new)
    assert hidden(text) == 0
    # What stands as code or as a reference of HTML is no mention of a person or an issue.
    bare = re.sub(r"`[^`]*`|&#\d+;|^#+ ", "", text, flags=re.MULTILINE)
    assert re.findall(r"[@#]\w+", bare) == []
    assert len(NAMES) > 20

"""Fingerprints that hold while a finding does, and the counts that all formats tell."""

from __future__ import annotations

import string

from lane_planner.graph.graph import ImportGraph
from lane_planner.report.findings import Report, check_report, cycles_report, fingerprint
from lane_planner.rules.violations import Violation
from tests.report.hostile import NAMES, SETTINGS, circle, cycle_of, hostile_report, violation

EMPTY: ImportGraph = circle(())


def report(*violations: Violation) -> Report:
    return check_report(violations, [], None, EMPTY, SETTINGS, modules=9)


def marks(found: Report) -> dict[str, str]:
    """Return the fingerprint of each finding by its name."""
    return {finding.name: finding.fingerprint for finding in found.findings}


def test_lines_and_neighbours_do_not_change_a_fingerprint() -> None:
    before = report(violation("a", "x"), violation("a", "x", line=5), violation("b", "x"))
    after = report(
        violation("0", "x"),
        violation("a", "w", line=30),
        violation("a", "x", line=31),
        violation("a", "x", line=50, status="baseline"),
        violation("b", "x", line=4, path="low/moved/b.py"),
    )
    assert marks(before).items() <= marks(after).items()


def test_another_order_of_files_does_not_change_a_fingerprint() -> None:
    found = [violation("a", "x"), violation("b", "x"), violation("a", "y"), violation("a", "x")]
    assert marks(report(*found)) == marks(report(found[1], found[0], found[3], found[2]))


def test_fingerprints_are_unique_in_a_run() -> None:
    found = hostile_report()
    every = [f.fingerprint for f in (*found.findings, *found.notes)]
    assert len(every) == 3 * len(NAMES) + 1
    assert len(set(every)) == len(every)
    assert {len(mark) for mark in every} == {64}
    assert set("".join(every)) <= set(string.hexdigits.lower())


def test_parts_of_a_fingerprint_do_not_run_into_each_other() -> None:
    parts = [["ab", "c"], ["a", "bc"], ["abc"], ["a", "b", "c"], ["ab1:c"], ["a:b", "c"]]
    assert len({fingerprint(part, 1) for part in parts}) == len(parts)
    assert fingerprint(["a"], 1) != fingerprint(["a"], 11)


def test_a_fingerprint_is_the_same_for_good() -> None:
    """Whoever changes this closes every alert that is open, and opens it again."""
    (found,) = report(violation("low.a", "high.b")).findings
    assert found.fingerprint == ("6a084a50487cb115043adf3f2b354efc492efd8c774c09fb0505113bdb6acfb8")


def test_cycles_are_where_their_first_import_is() -> None:
    names = ("one", "three", "two")
    (found,) = cycles_report([cycle_of(names)], circle(names), SETTINGS).findings
    assert (found.place.path, found.place.line, found.place.text) == (
        "low/one.py", 7, "one imports three",
    )  # fmt: skip
    assert [place.text for place in found.related] == ["three imports two", "two imports one"]
    assert found.advice == "next: remove the import of three at low/one.py:7, which nothing uses"


def test_what_can_be_done_is_told_with_each_finding() -> None:
    found = hostile_report(verbose=True)
    assert all(one.advice.startswith("next: ") for one in (*found.findings, *found.notes))
    (one,) = report(violation("a", "x", line=3)).findings
    assert one.advice == "next: `lane-planner promote a high`, or take out the import at low/a.py:3"


def test_a_large_circle_is_told_by_its_ends() -> None:
    names = tuple(f"m{number:03}" for number in range(300))
    (found,) = cycles_report([cycle_of(names)], circle(names), SETTINGS).findings
    assert len(found.message) < 250
    assert "m000 → m001" in found.message
    assert "… 289 more …" in found.message
    assert found.message.endswith("m299 → m000")
    assert len(found.related) == 299


def test_summary_counts_what_was_asked() -> None:
    assert report().summary == "no violation in 9 modules"
    old = violation("a", "y", status="baseline")
    assert report(violation("a", "x"), old).summary == (
        "1 new violation in 9 modules; 1 known or waived"
    )
    both = check_report([], [], [cycle_of(("a", "b"))], circle(("a", "b")), SETTINGS, modules=1)
    assert both.summary == "no violation and 1 circular import in 1 module"
    assert cycles_report([], EMPTY, SETTINGS).summary == "no circular import"

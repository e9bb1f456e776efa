"""JUnit XML, read back by a parser of XML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from lane_planner.base.text import printable
from lane_planner.report.findings import Report, check_report, cycles_report
from lane_planner.report.junit import junit_text
from lane_planner.rules.diagnostics import Diagnostic
from tests.report.hostile import NAMES, SETTINGS, circle, hostile_report, violation

# What the schema of Surefire, which build servers hold reports to, knows of these elements.
ATTRIBUTES: dict[str, set[str]] = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "time", "tests", "failures", "errors", "skipped"},
    "testcase": {"name", "time", "classname"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
}


def parsed(report: Report) -> ElementTree.Element:
    """Return the root, and make sure that its sums are those of what is in it."""
    root = ElementTree.fromstring(junit_text(report).encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
    for suite in root:
        assert suite.tag == "testsuite"
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped"))
    for key in ("tests", "failures"):
        assert int(root.get(key, "")) == sum(int(suite.get(key, "")) for suite in root)
    return root


@pytest.mark.parametrize("verbose", [False, True])
def test_hostile_names(verbose: bool) -> None:
    report = hostile_report(verbose=verbose)
    root = parsed(report)
    cases = list(root.iter("testcase"))
    found = (*report.findings, *(report.notes if verbose else ()))
    for case, finding in zip(cases, [f for f in found if f.code in report.codes], strict=False):
        expected = printable(finding.name).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
        assert case.get("name") == expected
    assert len(root.findall(".//failure")) == len(report.new)
    assert len(cases) == len(found) + 1  # LP202 was asked and found nothing
    assert len(NAMES) > 20


def test_one_case_a_finding() -> None:
    found = [
        violation("a", "x", line=3),
        violation("a", "x", line=9),
        violation("b", "x", status="waived"),
    ]
    root = parsed(check_report(found, [], None, circle(()), SETTINGS, modules=2, prefix="sub/"))
    (suite,) = root
    first, again, waived = suite
    assert first.attrib == {
        "classname": "a", "name": "a imports x", "time": "0",
    }  # fmt: skip
    (failure,) = first
    assert failure.get("type") == "LP101"
    assert failure.text == (
        "sub/low/a.py:3:5: LP101 low may not import lane high: a imports x\n"
        "next: `lane-planner promote a high`, or take out the import at low/a.py:3"
    )
    assert again.get("name") == "a imports x (2)"
    (skipped,) = waived
    assert (skipped.text or "").startswith("sub/low/b.py:1:5: LP101 ")
    assert (skipped.tag, skipped.get("message")) == ("skipped", "waived")


def test_nothing_found_is_a_case_that_passed() -> None:
    root = parsed(cycles_report([], circle(()), SETTINGS))
    assert [suite.get("name") for suite in root] == [
        "LP201 EagerCircularImport", "LP202 DeferredCircularImport",
    ]  # fmt: skip
    assert [len(list(case)) for case in root.iter("testcase")] == [0, 0]


def test_files_that_could_not_be_read_are_told() -> None:
    fault = Diagnostic("LP902", "low.b", "low/b.py", 7, 2, False, "not UTF-8 ]]>")
    report = check_report([], [fault], None, circle(()), SETTINGS, modules=2, prefix="sub/")
    assert parsed(report).findtext("testsuite/system-out") == (
        "sub/low/b.py:7:3: LP902 not UTF-8 ]]>"
    )


def test_remarks_are_the_output_of_the_first_suite() -> None:
    report = check_report(
        [], [], None, circle(()), SETTINGS, modules=2, idle_waivers=["<a> ]]> gone"]
    )
    assert parsed(report).findtext("testsuite/system-out") == "waiver <a> ]]> gone"

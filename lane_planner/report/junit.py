"""Findings as JUnit XML, as build servers read it: a suite a code, a test case a finding."""

from __future__ import annotations

from lane_planner.report.findings import Finding, Place, Report
from lane_planner.report.xml import as_attributes, as_content
from lane_planner.rules.codes import CODES


def junit_text(report: Report) -> str:
    """Return findings as JUnit XML with a final newline.

    New findings are failures, others skipped with their status. A suite without findings has one
    case that passed: an empty report is an error to some servers. A case is named by what it is
    about, not by its line, so that it keeps its history. It has no attributes for file and line:
    servers that hold reports to Surefire's schema refuse them. Files that could not be read, and
    remarks, are the output of the first suite.

    Args:
        report: what was found.
    """
    shown = (*report.findings, *(report.notes if report.verbose else ()))
    unread = [
        f"{_where(Place(fault.path, fault.line, fault.column), report.prefix)}: "
        f"{fault.code} {fault.message}"
        for fault in report.faults
    ]
    codes = dict.fromkeys((*report.codes, *sorted(finding.code for finding in shown)))
    suites = [
        _suite(
            code,
            [finding for finding in shown if finding.code == code],
            report.prefix,
            (*unread, *report.remarks) if code == report.codes[0] else (),
        )
        for code in codes
    ]
    totals = {
        "name": f"lane-planner {report.command}",
        "tests": sum(cases for cases, _, _, _ in suites),
        "failures": sum(failed for _, failed, _, _ in suites),
        "errors": 0,
        "time": 0,
    }
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<testsuites{as_attributes(totals)}>\n"
        f"{''.join(text for _, _, _, text in suites)}"
        "</testsuites>\n"
    )


def _suite(
    code: str, findings: list[Finding], prefix: str, remarks: tuple[str, ...]
) -> tuple[int, int, int, str]:
    """Return how many cases there are, how many failed and were skipped, and the text.

    Args:
        code: of its rule.
        findings: all that the rule found.
        prefix: as in `Report`.
        remarks: what a person should know beside.
    """
    failed = sum(finding.counts for finding in findings)
    cases = max(len(findings), 1)
    attributes = as_attributes(
        {
            "name": f"{code} {CODES[code].name}",
            "tests": cases,
            "failures": failed,
            "errors": 0,
            "skipped": len(findings) - failed,
            "time": 0,
        }
    )
    lines = [f"  <testsuite{attributes}>"]
    for finding in findings:
        lines += _case(finding, prefix)
    if not findings:
        passed = as_attributes({"classname": code, "name": "nothing found", "time": 0})
        lines.append(f"    <testcase{passed}/>")
    if remarks:
        text = "\n".join(map(as_content, remarks))
        lines.append(f"    <system-out>{text}</system-out>")
    lines.append("  </testsuite>\n")
    return cases, failed, len(findings) - failed, "\n".join(lines)


def _case(finding: Finding, prefix: str) -> list[str]:
    attributes = {
        "classname": finding.module,
        "name": finding.name,
        "time": 0,
    }
    lines = [
        f"{_where(finding.place, prefix)}: {finding.code} {finding.message}",
        *(f"{_where(place, prefix)}: {place.text}" for place in finding.related),
        *filter(None, [finding.advice]),
    ]
    text = "\n".join(map(as_content, lines))
    if finding.counts:
        outcome = as_attributes({"type": finding.code, "message": finding.message})
        inner = f"<failure{outcome}>{text}</failure>"
    else:
        inner = f"<skipped{as_attributes({'message': finding.status})}>{text}</skipped>"
    return [f"    <testcase{as_attributes(attributes)}>", f"      {inner}", "    </testcase>"]


def _where(place: Place, prefix: str) -> str:
    return f"{prefix}{place.path}:{place.line}:{place.column + 1}"

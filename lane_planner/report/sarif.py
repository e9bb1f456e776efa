"""Findings as SARIF 2.1.0 (OASIS, with errata 01), for code scanning."""

from __future__ import annotations

from typing import Any

from lane_planner.base.text import as_uri, printable
from lane_planner.base.version import __version__
from lane_planner.report.documents import to_json
from lane_planner.report.findings import FAULTS, PLAIN, Finding, Place, Report
from lane_planner.rules.codes import CODES

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "lanePlanner/v1"
"""The key of our fingerprints; what they are made of may change only together with it."""

MOST_RESULTS = 25_000
"""Results of one run that GitHub takes; it refuses the upload of more."""

_ROOT = "%SRCROOT%"  # the name that viewers know for where the sources are
# Why a finding that does not count does not; others are excused by the name of their status.
_EXCUSES = {
    "baseline": "in the baseline",
    "ignored": "ignored in the source",
    "waived": "waived in the configuration",
}


def sarif_text(report: Report) -> str:
    """Return findings as a SARIF log of one run, JSON with a final newline.

    New findings are errors. Those that are waived or in the baseline are notes with a
    suppression. Files that could not be read are notifications of the run. What else `check -v`
    lists are notes, if that was asked for.

    Args:
        report: what was found.
    """
    shown = (*report.findings, *(report.notes if report.verbose else ()))
    codes = tuple(dict.fromkeys((*report.codes, *sorted(finding.code for finding in shown))))
    run = {
        "tool": {
            "driver": {
                "name": "lane-planner",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(code) for code in codes],
                "notifications": [_rule(code) for code in FAULTS],
            }
        },
        # GitHub takes what stands before the last slash for the kind of analysis: an upload of
        # one command, or of one root, must not replace that of another.
        "automationDetails": {"id": f"lane-planner/{report.command}/{as_uri(report.prefix)}"},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {
                        "descriptor": {"id": fault.code, "index": FAULTS.index(fault.code)},
                        "level": CODES[fault.code].level,
                        "message": _message(fault.message),
                        "locations": [
                            _location(Place(fault.path, fault.line, fault.column), report.prefix)
                        ],
                    }
                    for fault in report.faults
                ],
                "toolConfigurationNotifications": [
                    {"level": "warning", "message": _message(remark)} for remark in report.remarks
                ],
            }
        ],
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": "The top of the repository's work tree."}}
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, codes.index(finding.code), report.prefix) for finding in shown
        ],
    }
    return to_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def too_large(report: Report) -> str | None:
    """Return what to tell a person whose log GitHub will refuse; None: it will not.

    The log is whole all the same: other readers have no such bound.

    Args:
        report: what was found.
    """
    count = len(report.findings) + report.verbose * len(report.notes)
    if count <= MOST_RESULTS:
        return None
    less = "; without -v there are fewer" if report.verbose and report.notes else ""
    return f"GitHub refuses more than {MOST_RESULTS:,} results, and these are {count:,}{less}"


def _rule(code: str) -> dict[str, Any]:
    known = CODES[code]
    help_text = f"{known.meaning} {known.mend}".strip()
    return {
        "id": code,
        "name": known.name,
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.meaning},
        "help": {"text": help_text, "markdown": help_text},
        "defaultConfiguration": {"level": known.level},
    }


def _result(finding: Finding, index: int, prefix: str) -> dict[str, Any]:
    advice = f"; {finding.advice}" if finding.advice else ""
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": CODES[finding.code].level if finding.counts else "note",
        "message": _message(finding.message + advice),
        "locations": [_location(finding.place, prefix)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        # Where one result of a run says whether it is suppressed, all have to (3.27.23).
        "suppressions": [],
    }
    if not finding.counts and finding.status not in PLAIN:
        result["suppressions"] = [
            {
                "kind": "inSource" if finding.status == "ignored" else "external",
                "status": "accepted",
                "justification": _EXCUSES.get(finding.status, finding.status),
            }
        ]
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(place, prefix), "message": _message(place.text)}
            for number, place in enumerate(finding.related, 1)
        ]
    return result


def _message(text: str) -> dict[str, str]:
    # What names hold must be neither a placeholder (3.11.5) nor a link (3.11.6).
    shown = printable(text).replace("{", "{{").replace("}", "}}")
    return {"text": shown.replace("[", "\\[") if "](" in shown else shown}


def _location(place: Place, prefix: str) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": as_uri(prefix + place.path), "uriBaseId": _ROOT},
            "region": {"startLine": place.line, "startColumn": place.column + 1},
        }
    }

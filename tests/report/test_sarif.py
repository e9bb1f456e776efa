"""SARIF against the schema of the standard, and what of the standard no schema can say."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import msgspec
import pytest

from lane_planner.base.text import for_terminal
from lane_planner.report.findings import Report, check_report
from lane_planner.report.sarif import FINGERPRINT, MOST_RESULTS, SCHEMA, sarif_text, too_large
from tests.report.hostile import NAMES, SETTINGS, circle, hostile_report, violation

FILE = Path(__file__).with_name("sarif-schema-2.1.0.json")


def validated(text: str) -> Any:
    """Return the one run of a log that the schema allows."""
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    log = json.loads(text)
    checker = jsonschema.Draft4Validator(schema)
    assert [error.message for error in checker.iter_errors(log)] == []
    assert schema["id"] == log["$schema"] == SCHEMA
    (run,) = log["runs"]
    return run


def small(*, verbose: bool = False) -> Report:
    found = [
        violation("a", "x", line=3),
        violation("a", "y", status="waived"),
        violation("b", "x", status="baseline"),
    ]
    return check_report(found, [], None, circle(()), SETTINGS, modules=2, verbose=verbose)


def test_the_schema_can_fail() -> None:
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    log = json.loads(sarif_text(small()))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not jsonschema.Draft4Validator(schema).is_valid(log)


@pytest.mark.parametrize("verbose", [False, True])
def test_hostile_names(verbose: bool) -> None:
    report = hostile_report(verbose=verbose)
    text = sarif_text(report)
    run = validated(text)
    assert len(run["results"]) == 2 * len(NAMES) + 1 + verbose * len(NAMES)
    paths = [
        unquote_to_bytes(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for result in run["results"]
    ]
    shown = (*report.findings, *(report.notes if verbose else ()))
    assert paths == [os.fsencode(f"sub dir/{finding.place.path}") for finding in shown]
    uris = [
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]
    ]
    assert all(uri.isascii() and uri.isprintable() and " " not in uri for uri in uris)
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == len(NAMES)
    assert len(run["invocations"][0]["toolConfigurationNotifications"]) == len(NAMES)
    assert text.encode("utf-8")
    messages = [result["message"]["text"] for result in run["results"]]
    assert [m for m in messages if m != for_terminal(m) or "\n" in m] == []
    assert not any(re.search(r"(?<!\\)\[link\]\(", message) for message in messages)
    assert any("{{0}}" in message for message in messages)
    assert any("\\[link](" in message for message in messages)


def test_rules_results_and_places() -> None:
    run = validated(sarif_text(small()))
    driver = run["tool"]["driver"]
    assert (driver["name"], [rule["id"] for rule in driver["rules"]]) == ("lane-planner", ["LP101"])
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["automationDetails"] == {"id": "lane-planner/check/"}
    assert run["invocations"][0]["executionSuccessful"] is True
    assert "uri" not in run["originalUriBaseIds"]["%SRCROOT%"]
    first = run["results"][0]
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "low/a.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 3, "startColumn": 5},
            }
        }
    ]
    assert set(first["partialFingerprints"]) == {FINGERPRINT}
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_what_does_not_count_is_suppressed() -> None:
    """Where one result says whether it is suppressed, all do (3.27.23)."""
    run = validated(sarif_text(small()))
    assert [
        (result["level"], [s["justification"] for s in result["suppressions"]])
        for result in run["results"]
    ] == [
        ("error", []),
        ("note", ["waived in the configuration"]),
        ("note", ["in the baseline"]),
    ]


def test_circles_have_their_other_imports_beside_them() -> None:
    run = validated(sarif_text(hostile_report()))
    (cycle,) = [result for result in run["results"] if result["ruleId"] == "LP201"]
    assert len(cycle["relatedLocations"]) == len(NAMES) - 1
    assert [place["id"] for place in cycle["relatedLocations"]] == list(range(1, len(NAMES)))


def test_a_code_that_is_found_has_its_rule() -> None:
    indirect = msgspec.structs.replace(violation("a", "x"), code="LP102")
    report = check_report([indirect], [], None, circle(()), SETTINGS, modules=1)
    run = validated(sarif_text(report))
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["LP101", "LP102"]


def test_more_than_github_takes_is_told_and_written() -> None:
    most = [violation("a", "x", line=number + 1) for number in range(MOST_RESULTS)]
    assert too_large(check_report(most, [], None, circle(()), SETTINGS, modules=1)) is None
    over = check_report([*most, most[0]], [], None, circle(()), SETTINGS, modules=1)
    warning = too_large(over)
    assert warning is not None
    assert "25,001" in warning
    assert len(json.loads(sarif_text(over))["runs"][0]["results"]) == MOST_RESULTS + 1

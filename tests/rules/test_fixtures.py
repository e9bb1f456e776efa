"""The hand-made repositories of fixtures/rules: what their authors expected is what is found."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lane_planner.planner.schema import Cause
from lane_planner.repository.repository import Repository

RULES = Path(__file__).resolve().parents[2] / "fixtures/rules"
CASES = sorted(path.parent.name for path in RULES.glob("*/expected.json"))
TODAY = datetime.date(2026, 1, 1)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Repository, dict[str, Any]]:
    """A copy of a repository, opened, and what is expected of it."""
    copy = tmp_path / request.param
    shutil.copytree(RULES / request.param, copy)
    expected: dict[str, Any] = json.loads((copy / "expected.json").read_text())
    return Repository.open(copy), expected


def test_violations(case: tuple[Repository, dict[str, Any]]) -> None:
    repository, expected = case
    found = repository.check(today=TODAY)
    keys = ("code", "importer", "imported", "path", "line")
    assert [{key: getattr(v, key) for key in keys} for v in found.violations] == expected["check"]
    assert {violation.status for violation in found.violations} <= {"new"}


def test_cycles(case: tuple[Repository, dict[str, Any]]) -> None:
    repository, expected = case
    found = [{"code": c.code, "modules": list(c.modules)} for c in repository.cycles()]
    assert found == expected["cycles"]


def test_diagnostics(case: tuple[Repository, dict[str, Any]]) -> None:
    repository, expected = case
    found = [
        (d.code, d.path, d.line)
        for d in repository.check(today=TODAY, syntax=True).diagnostics
        if not d.optional  # a note
    ]
    known = [(d["code"], d["path"], d["line"]) for d in expected["diagnostics"]]
    assert [entry[:2] for entry in found] == [entry[:2] for entry in known]
    lines = [(a, b) for (*_, a), (*_, b) in zip(found, known, strict=True) if b is not None]
    assert all(a == b for a, b in lines)


def test_blocked(case: tuple[Repository, dict[str, Any]]) -> None:
    repository, expected = case
    plan = repository.plan(expected["from"], expected["to"], coverage=repository.coverage())
    found = {entry.module: entry.causes for entry in plan.blocked}
    assert {name: own_codes(name, causes) for name, causes in found.items()} == expected["blocked"]
    moving = {name for step in plan.steps for name in step.modules}
    assert not moving & found.keys()
    assert plan.summary.candidates == len(moving) + len(found) > 0


def own_codes(name: str, causes: tuple[Cause, ...]) -> list[str]:
    """Return the codes of what is wrong with a module itself; if nothing is, LP403.

    A module that needs a blocked one has the root cause's code too, at the end of a chain.
    """
    own = sorted({c.code for c in causes if c.code != "LP403" and is_own(name, c)})
    if own:
        return own
    roots = {cause.chain for cause in causes if cause.code != "LP403"}
    assert {cause.chain for cause in causes if cause.code == "LP403"} == roots
    return ["LP403"]


def is_own(name: str, cause: Cause) -> bool:
    return cause.importer == name or (
        cause.chain == (name, cause.importer) and bool(cause.imported)
    )

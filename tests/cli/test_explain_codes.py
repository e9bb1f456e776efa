"""`explain CODE`, the table of codes beside the documents, and what is said to do next."""

from __future__ import annotations

import datetime
import re
import shlex
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from lane_planner.config.parse import parse_settings
from lane_planner.config.presets import PRESETS
from lane_planner.config.settings import Settings
from lane_planner.planner.schema import Cause
from lane_planner.report.text import MEANINGS
from lane_planner.repository.repository import Repository
from lane_planner.rules.codes import CODES, Code, next_step
from lane_planner.rules.cycles import Breaker, Cycle
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.violations import Violation
from lane_planner.scan.usage import Rating
from tests.cli.shop import CONFIG, run

ROOT = Path(__file__).resolve().parents[2]
TODAY = datetime.date(2026, 1, 1)
PRESET = parse_settings(PRESETS["lukhas"], root=Path("/"), source=Path("/lanes.toml"))

# The codes of the contract, as it stood when the table was written.
KNOWN = [
    "LP101",
    "LP102",
    "LP201",
    "LP202",
    "LP301",
    "LP302",
    "LP401",
    "LP402",
    "LP403",
    "LP404",
    "LP405",
    "LP406",
    "LP901",
    "LP902",
]
# Found by planning; LP405 by running gates alone.
PLANNED = {"LP401", "LP402", "LP403", "LP404"}
UNSHOWN = {"LP405"}


def test_every_code_is_explained() -> None:
    assert list(CODES) == KNOWN
    assert set(MEANINGS) == set(CODES)
    for code in CODES.values():
        for text in (code.meaning, code.why, code.mend):
            assert text[0].isupper() or text[0] == "`"
            assert text.endswith((".", ".`", "`.")), text


@pytest.mark.parametrize("code", [code for code in CODES.values() if code.code not in UNSHOWN],
                         ids=lambda code: code.code)  # fmt: skip
def test_examples_show_what_they_are_examples_of(code: Code, tmp_path: Path) -> None:
    coverage = '[coverage]\ndata = "coverage.json"\n' if code.code == "LP404" else ""
    (tmp_path / "lanes.toml").write_text(CONFIG + coverage)
    for path, content in code.example:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content.encode("latin-1"))
    repository = Repository.open(tmp_path)
    if code.code in PLANNED:
        needed: dict[str, float] | None = {} if coverage else None
        source = None if code.code != "LP402" else "core"
        blocked = repository.plan(source, coverage=needed).blocked
        assert code.code in {cause.code for entry in blocked for cause in entry.causes}
        return
    found = repository.check(today=TODAY, cycles=True, syntax=True, transitive=code.code == "LP102")
    codes = [one.code for one in found.violations]
    codes += [one.code for one in found.diagnostics]
    codes += [one.code for one in found.cycles or ()]
    assert codes == [code.code]


@pytest.mark.parametrize("word", ["LP101", "lp101"])
def test_text(word: str, tmp_path: Path) -> None:
    """No repository is needed."""
    ran = run(tmp_path, "explain", word)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"LP101: {CODES['LP101'].title}\n\nWhat it means\n  ")
    assert ran.out.endswith("  core/a.py\n      import lukhas.b\n  lukhas/b.py\n      (empty)\n")
    assert max(map(len, ran.out.splitlines())) <= 100


@pytest.mark.parametrize("code", CODES)
def test_json(code: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "explain", code, "--format", "json")
    assert ran.code == 0
    assert set(ran.json) == {"code", "title", "meaning", "why", "mend", "example"}
    assert ran.json["code"] == code
    assert run(tmp_path, "explain", code).code == 0


def test_unknown_code(tmp_path: Path) -> None:
    ran = run(tmp_path, "explain", "LP999")
    assert ran.code == 2
    assert ran.error().startswith("there is no code LP999; the codes are LP101, LP102, ")


def test_a_module_of_such_a_name_is_asked_for_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "lanes.toml").write_text(CONFIG)
    (tmp_path / "candidate").mkdir()
    (tmp_path / "candidate/LP101.py").touch()
    (tmp_path / "LP101.py").touch()
    assert run(tmp_path, "explain", "./LP101.py").out.startswith("LP101 (LP101.py)")
    assert "candidate/LP101.py" in run(tmp_path, "explain", "candidate.LP101").out


# --- what to do next ---


def violation(own: str, other: str | None, message: str = "") -> Violation:
    """Return an import of b by a, in some lanes."""
    return Violation(
        "LP101", f"{own}.a", f"{other}.b", own, other, f"{own}/a.py", 3, 0, "eager", "new", message
    )


def allowed_after(step: str, own: str, other: str, settings: Settings) -> bool:
    """Tell whether what a promotion is said to cure is allowed once it has been made."""
    said = re.match(r"`lane-planner promote (\S+) (\S+)`((?:, then to \w+)*)", step)
    assert said is not None
    last = (said[3].rpartition("to ")[2] or said[2]) if said[3] else said[2]
    if said[1] == f"{own}.a":
        return settings.allowed(last, other)
    assert said[1] == f"{other}.b"
    return settings.allowed(own, last)


def test_promotions_that_are_named_cure_it() -> None:
    named = 0
    lanes = [lane.name for lane in PRESET.lanes]
    for own, other in product(lanes, lanes):
        if PRESET.allowed(own, other):
            continue
        step = next_step(violation(own, other), PRESET)
        if step.startswith("`"):
            assert allowed_after(step, own, other, PRESET), step
            assert PRESET.lane(own) is not None
            named += 1
        assert f"{own}/a.py:3" in step
    assert named >= 3


@pytest.mark.parametrize(
    ("own", "other", "message", "said"),
    [
        pytest.param("core", "candidate", "", "`lane-planner promote candidate.b core`, or take out the import at core/a.py:3", id="imported"),
        pytest.param("lukhas", "products", "", "`lane-planner promote lukhas.a products`, or take out the import at lukhas/a.py:3", id="importer"),
        pytest.param("candidate", "lukhas", "", "take out the import at candidate/a.py:3: pass lukhas.b in, or move what is needed into a lane that candidate may import (core, matriz, universal_language)", id="importer may not pass through core"),
        pytest.param("matriz", "core", "", "take out the import at matriz/a.py:3: pass core.b in, or move what is needed into a lane that matriz may import (itself alone)", id="support"),
        pytest.param("core", None, "", "put None.b into a lane, or take out the import at core/a.py:3", id="no lane"),
        pytest.param("core", "lukhas", "core may not (no such module)", "take out the import at core/a.py:3, or correct the name: there is no lukhas.b", id="missing"),
    ],
)  # fmt: skip
def test_forbidden_import(own: str, other: str | None, message: str, said: str) -> None:
    assert next_step(violation(own, other, message), PRESET) == said


def test_words_for_a_missing_module_are_those_of_the_message(tmp_path: Path) -> None:
    (tmp_path / "lanes.toml").write_text(CONFIG)
    (tmp_path / "candidate").mkdir()
    (tmp_path / "candidate/a.py").write_text("import lukhas.gone\n")
    repository = Repository.open(tmp_path)
    found = repository.check(today=TODAY).violations[0]
    assert "there is no lukhas.gone" in next_step(found, repository.settings)


@pytest.mark.parametrize("rating", get_args(Rating))
@pytest.mark.parametrize("code", ["LP201", "LP202"])
def test_circular_import(code: str, rating: Rating) -> None:
    one = Breaker("a", "b", "a.py", 7, (7,), rating)
    step = next_step(Cycle(code, ("a", "b"), ("a", "b", "a"), (one,), True), PRESET)
    assert "a.py:7" in step
    assert "import" in step
    more = next_step(Cycle(code, ("a", "b"), ("a", "b", "a"), (one, one, one), True), PRESET)
    assert more == f"{step}, and break 2 more: `lane-planner cycles`"


@pytest.mark.parametrize("case", sorted(p.name for p in (ROOT / "fixtures/rules").glob("LP*")))
def test_all_that_is_found_has_a_next_step(case: str) -> None:
    repository = Repository.open(ROOT / "fixtures/rules" / case)
    found = repository.check(today=TODAY, cycles=True, syntax=True)
    findings: list[Violation | Diagnostic | Cycle | Cause] = [*found.violations, *found.diagnostics]
    findings += found.cycles or ()
    for entry in repository.plan(coverage=repository.coverage()).blocked:
        findings += entry.causes
    codes = {finding.code for finding in findings}
    assert case in codes
    for finding in findings:
        step = next_step(finding, repository.settings)
        assert step
        assert "\n" not in step
        assert not step.endswith(".")


@pytest.mark.parametrize("code", CODES)
def test_every_cause_has_a_next_step(code: str) -> None:
    for line in (0, 4):
        step = next_step(Cause(code, "a-b", "c", "x/a b.py", line, ("a-b",)), PRESET)
        assert ":0" not in step
        if "`python" in step:
            assert shlex.split(step.partition("`")[2].rstrip("`"))[-1] == "x/a b.py"

"""Plans in every format, beside one another, and how long they take."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lane_planner.executor.records.journal import GateFinished, Journal, RunStarted
from lane_planner.gates.command import GateResult
from tests.cli.shop import CONFIG, Ran, commit, run, shop, state
from tests.executor.repositories import new_repository

# A gate that always runs, one that runs for some, and one that none of the modules needs.
GATES = f"""
[[gates]]
name = "unit"
command = ["{sys.executable}", "-c", "pass"]
timeout = 120

[[gates]]
name = "packages"
phase = "before"
when = ["**/pkg/**", "**/deep/**"]
command = ["{sys.executable}", "-c", "pass"]
timeout = 30

[[gates]]
name = "idle"
when = ["**/nowhere/**"]
command = ["false"]

[batch]
max_files = 2
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, with gates and small batches, only to be read."""
    directory = tmp_path_factory.mktemp("made")
    return shop(directory / "repo", {"lanes.toml": (CONFIG + GATES).encode()})


@pytest.fixture(scope="module")
def plan(made: Path) -> Path:
    """A plan of it, as a file."""
    file = made.parent / "plan.json"
    assert run(made, "plan", "--format", "json", "--output", str(file)).code == 1
    return file


def refused(cwd: Path, *arguments: str, code: int = 2) -> str:
    """Run the tool, make sure that it refuses and changes nothing, and return its line."""
    before = state(cwd)
    ran = run(cwd, *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert state(cwd) == before
    return ran.error()


# --- formats ---


def test_jsonl_and_csv_have_every_move_in_landing_order(made: Path, plan: Path) -> None:
    expected = [
        (move["source"], move["target"], step["id"], step["wave"], step["batch"])
        for step in json.loads(plan.read_bytes())["steps"]
        for move in step["moves"]
    ]
    assert len(expected) == 6
    ran = run(made, "plan", "--format", "jsonl")
    assert (ran.code, ran.err) == (1, "")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    keys = ("source", "target", "step", "wave", "batch")
    assert [tuple(line[key] for key in keys) for line in lines] == expected
    assert {line["source"]: line["module"] for line in lines}["candidate/pkg/__init__.py"] == (
        "candidate.pkg"
    )
    rows = list(csv.DictReader(io.StringIO(run(made, "plan", "--format", "csv").out, newline="")))
    assert [tuple(row[key] for key in keys) for row in rows] == [
        tuple(map(str, entry)) for entry in expected
    ]
    assert [row["module"] for row in rows] == [line["module"] for line in lines]
    assert [row["score_unlock"] for row in rows] == [str(line["score"]["unlock"]) for line in lines]


def test_markdown(made: Path) -> None:
    ran = run(made, "plan", "--format", "markdown")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.startswith("## Promotion plan: `candidate` → `core`\n\n| figure | value |\n")
    assert "\n| promotable | 6 |\n" in ran.out
    assert "\n### Batches\n\n| batch | wave | modules | files moved |" in ran.out
    assert "\n| LP101 | 1 | imports what the target lane may not import |\n" in ran.out


def test_text_of_several_hops(made: Path) -> None:
    out = run(made, "plan", "--from", "candidate", "--to", "lukhas").out
    assert out.startswith(
        "candidate → core → lukhas: 6 of 10 modules can be promoted all the way, "
    )
    assert "\n\nhop 1, candidate → core: 6 modules can be promoted, in 6 steps, " in out
    assert "\n\nhop 2, core → lukhas: 6 modules can be promoted, in 6 steps, " in out
    assert "\nsteps that need each gate: unit 6, packages 4\n" in out


def test_text_tells_what_is_left_out(made: Path) -> None:
    assert "\n2 modules excluded\n" in run(made, "plan", "--exclude", "candidate.a").out


def test_structure_and_coverage(tmp_path: Path) -> None:
    lines = {"summary": {"covered_lines": 1, "num_statements": 1}}
    data = {"meta": {"version": "7"}, "files": {"candidate/a.py": lines}}
    config = CONFIG + '\n[coverage]\nmin = 0.75\ndata = "coverage.json"\n'
    files = {"lanes.toml": config.encode(), "coverage.json": json.dumps(data).encode()}
    root = shop(tmp_path / "repo", files)
    out = run(root, "plan").out
    assert "\n6 ready in structure, 1 of them covered\n" in out
    assert "\nsteps that need each gate: coverage 1\n" in out
    found = run(root, "forecast", "--format", "json")
    assert (found.json["gate_runs"], found.json["assumptions"]) == (0, [])


@pytest.mark.parametrize("format", ["text", "json", "jsonl", "csv", "markdown"])
def test_same_bytes_again(made: Path, format: str) -> None:
    first = run(made, "plan", "--format", format)
    assert first.out
    assert run(made, "plan", "--format", format) == first


def test_odd_names_in_every_format(tmp_path: Path) -> None:
    """What can be promoted has a plain name, but a source root may be called anything."""
    config = 'source_roots = ["=|<b>"]\n' + CONFIG.replace('paths = ["', 'paths = ["=|<b>/')
    gate = GATES.replace('"unit"', '"`<i>|[x](y)"')
    root = new_repository(
        tmp_path / "repo",
        {"lanes.toml": (config + gate).encode(), "=|<b>/candidate/a.py": b"A = 1\n"},
    )
    (row,) = csv.DictReader(io.StringIO(run(root, "plan", "--format", "csv").out, newline=""))
    assert (row["source"], row["module"]) == ("'=|<b>/candidate/a.py", "candidate.a")
    line = json.loads(run(root, "plan", "--format", "jsonl").out)
    assert (line["target"], line["module"]) == ("=|<b>/core/a.py", "candidate.a")
    markdown = run(root, "plan", "--format", "markdown").out
    assert "| &#96;&#60;i&#62;&#124;&#91;x&#93;(y) |" in markdown


# --- diff ---


def written(root: Path, name: str, *arguments: str) -> str:
    """Write a plan beside the repository and return its file."""
    file = root.parent / name
    assert run(root, "plan", "--format", "json", "-o", str(file), *arguments).code in (0, 1)
    return str(file)


def test_plan_does_not_differ_from_itself(made: Path, plan: Path) -> None:
    ran = run(made, "diff", str(plan), str(plan))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == "the plans promote the same with the same steps"
    found = run(made, "diff", str(plan), str(plan), "--format", "json")
    assert found.code == 0
    assert found.json == {
        "same": True, "before": found.json["after"], "after": found.json["before"], "gained": [],
        "lost": [], "rescheduled": [], "steps_changed": [], "reordered": False,
        "causes_changed": [],
    }  # fmt: skip
    assert found.json["before"].keys() == {"commit", "config", "hops", "summary"}


def test_plans_before_and_after_a_change(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo")
    before = written(root, "a.json")
    (root / "candidate/up.py").write_bytes(b"import core.base\n")
    (root / "candidate/deep/part.py").write_bytes(b"import lukhas.app\n")
    (root / "core/taken.py").unlink()
    (root / "candidate/ring_one.py").write_bytes(b"import candidate.ring_two\nimport lukhas.app\n")
    commit(root)
    after = written(root, "b.json")
    found = run(tmp_path, "diff", before, after, "--format", "json")  # no repository is needed
    assert (found.code, found.err) == (1, "")
    assert [(e["module"], e["codes"]) for e in found.json["gained"]] == [
        ("candidate.taken", ["LP401"]), ("candidate.up", ["LP101"]),
    ]  # fmt: skip
    assert [(e["module"], e["codes"]) for e in found.json["lost"]] == [
        ("candidate.deep.part", ["LP101"])
    ]
    changed = {entry["module"]: entry for entry in found.json["causes_changed"]}
    assert [c["imported"] for c in changed["candidate.ring_one"]["added"]] == ["lukhas.app"]
    assert found.json["before"]["commit"] != found.json["after"]["commit"]
    text = run(tmp_path, "diff", before, after)
    assert text.code == 1
    assert (
        "modules that become promotable (2):\n  candidate.taken (candidate → core) (was LP401)\n"
        in text.out
    )
    assert "modules that are no longer promotable (1):\n" in text.out
    assert (
        "    + LP101 candidate/ring_one.py:2: candidate.ring_one imports lukhas.app\n" in text.out
    )
    figures = {words[0]: words[1:] for line in text.out.splitlines() if (words := line.split())}
    assert figures["promotable"] == ["6", "7", "+1"]
    assert figures["candidates"] == ["10", "10"]
    assert text.out.endswith("\nthe plans differ\n")


def test_plans_of_other_hops_and_batches(made: Path) -> None:
    small = written(made, "small.json", "--from", "core")
    large = written(made, "large.json", "--from", "candidate", "--to", "lukhas")
    found = run(made, "diff", small, large, "--format", "json").json
    assert [e["module"] for e in found["lost"]] == ["core.base", "core.last", "core.taken"]
    other = written(made, "other.json", "--prefer", "candidate.deep.part")
    ran = run(made, "diff", written(made, "one.json"), other)
    assert ran.code == 1
    assert "modules in another wave or batch" in ran.out


def test_files_that_are_no_plans(made: Path, plan: Path, tmp_path: Path) -> None:
    contents = {
        "not JSON": b"{", "not a plan of schema": b"{}", "is not a valid plan": (
            b'{"schema": "lane-planner/plan/1"}'
        ), "nested too deeply": b"[" * 100_000, "found None": b"[]",
    }  # fmt: skip
    file = tmp_path / "odd.json"
    for said, content in contents.items():
        file.write_bytes(content)
        for pair in ((str(file), str(plan)), (str(plan), str(file))):
            message = refused(made, "diff", *pair)
            assert said in message
            assert "odd.json" in message
        assert said in refused(made, "forecast", str(file))
    for missing in (str(tmp_path / "none.json"), str(tmp_path)):
        assert refused(made, "diff", str(plan), missing).startswith("cannot read the plan ")
        assert refused(made, "forecast", missing).startswith("cannot read the plan ")
    assert "cannot write" in refused(made, "diff", str(plan), str(plan), "-o", str(tmp_path))


# --- forecast ---


def test_forecast(made: Path, plan: Path) -> None:
    ran = run(made, "forecast", "--format", "json", "--workers", "2")
    assert (ran.code, ran.err) == (0, "")
    found = ran.json
    assert found.keys() == {
        "workers", "pull_requests", "steps", "gate_runs", "work_seconds", "elapsed_seconds",
        "hours", "lower_bound_seconds", "critical_path_seconds", "critical_path", "bars",
        "step_seconds", "assumptions",
    }  # fmt: skip
    batches = json.loads(plan.read_bytes())["batches"]
    assert found["pull_requests"] == len(batches) == len(found["bars"])
    runs = [gate for batch in batches for gate in batch["gates"]]
    assert found["gate_runs"] == len(runs)
    assert found["assumptions"] == [
        {"gate": "packages", "seconds": 30, "source": "timeout", "samples": 0, "runs": runs.count("packages")},
        {"gate": "unit", "seconds": 120, "source": "timeout", "samples": 0, "runs": runs.count("unit")},
    ]  # fmt: skip
    work = 30 * runs.count("packages") + 120 * runs.count("unit") + 6 * 0.1
    assert found["work_seconds"] == pytest.approx(work)
    assert found["hours"] == pytest.approx(found["elapsed_seconds"] / 3600)
    same = run(made, "forecast", str(plan), "--format", "json", "--workers", "2")
    assert same == ran


def test_forecast_as_text(made: Path, plan: Path) -> None:
    arguments = ("--gate-time", "unit=6", "--gate-time", "packages=2", "--step-time", "0")
    ran = run(made, "forecast", str(plan), *arguments)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].endswith(", 6 steps, 6 gate runs; 1 worker")
    assert "gate unit" in ran.out
    assert "stated" in ran.out
    assert "timeout" not in ran.out
    assert lines[-1].endswith("#")
    assert run(made, "forecast", str(plan), *arguments) == ran


def test_times_of_the_journal(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo", {"lanes.toml": (CONFIG + GATES).encode()})
    for module in ("candidate.a", "candidate.deep"):
        assert run(root, "promote", module, "core", "--apply").code == 0
    failed = GateResult("unit", "after", ("false",), 1, 1e6, False, False, "")
    with Journal.open(root / ".git/lane-planner/journal.sqlite") as journal:
        journal.append(journal.start(RunStarted("b", "x", "p", 1)), GateFinished("c", failed))
    before = state(root)
    found = run(root, "forecast", "--format", "json", "--gate-time", "packages=3").json
    by_name = {entry["gate"]: entry for entry in found["assumptions"]}
    assert (by_name["unit"]["source"], by_name["unit"]["samples"]) == ("journal", 2)
    assert 0 < by_name["unit"]["seconds"] < 60
    assert by_name["packages"]["source"] == "stated"
    assert "journal: the median of" in run(root, "forecast").out
    assert state(root) == before


def test_plan_of_another_configuration(made: Path, plan: Path, tmp_path: Path) -> None:
    content: dict[str, Any] = json.loads(plan.read_bytes())
    for batch in content["batches"]:
        batch["gates"] = ["gone"]
    file = tmp_path / "plan.json"
    file.write_bytes(msgspec.json.encode(content))
    message = refused(made, "forecast", str(file))
    assert message.startswith("gate gone of the plan is not in the configuration")
    assert run(made, "forecast", str(file), "--gate-time", "gone=1").code == 0
    content["batches"][0]["after"] = [content["batches"][0]["id"]]
    file.write_bytes(msgspec.json.encode(content))
    assert "in a circle" in refused(made, "forecast", str(file), "--gate-time", "gone=1")


def test_forecast_outside_git(tmp_path: Path) -> None:
    (tmp_path / "lanes.toml").write_text(CONFIG)
    (tmp_path / "candidate").mkdir()
    (tmp_path / "candidate/a.py").write_bytes(b"")
    ran = run(tmp_path, "forecast")
    assert (ran.code, ran.out.splitlines()[0]) == (
        0,
        "1 pull request, 1 step, 0 gate runs; 1 worker",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--workers", "0"), "--workers 0: at least one worker is needed"),
        (("--workers", "-3"), "--workers -3: at least one worker is needed"),
        (("--gate-time", "units=3"), "there is no gate 'units'; gates: idle, packages, unit"),
        (("--gate-time", "coverage=3"), "there is no gate 'coverage'"),
        (("--gate-time", "unit"), "write NAME=SECONDS"),
        (("--gate-time", "unit=-1"), "'-1' is no time"),
        (("--gate-time", "unit=nan"), "'nan' is no time"),
        (("--gate-time", "unit=inf"), "'inf' is no time"),
        (("--gate-time", "unit=soon"), "'soon' is no time"),
        (("--gate-time", "unit=1", "--gate-time", "unit=2"), "names gate unit twice"),
        (("--gate-time", "\x1b[31m=1"), "there is no gate"),
        (("--step-time", "-1"), "--step-time: '-1' is no time"),
        (("--step-time", "nan"), "--step-time: 'nan' is no time"),
        (("--step-time", ""), "--step-time: '' is no time"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_times(made: Path, plan: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(made, "forecast", str(plan), *arguments)


def test_journal_that_is_damaged(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo", {"lanes.toml": (CONFIG + GATES).encode()})
    assert run(root, "promote", "candidate.a", "core", "--apply").code == 0
    (root / ".git/lane-planner/journal.sqlite").write_bytes(b"no database at all" * 100)
    assert "journal.sqlite" in refused(root, "forecast", code=4)


def test_workers_is_a_number(made: Path, plan: Path) -> None:
    ran: Ran = run(made, "forecast", str(plan), "--workers", "x")
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("Error: ")

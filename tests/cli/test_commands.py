"""What every command prints, as text and as JSON, and what promoting leaves in the repository."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from lane_planner.cli.main import _COMMANDS, cli
from lane_planner.promotion.made_init import MADE_INIT
from tests.cli.shop import (
    CONFIG,
    FILES,
    NOT_PARSED,
    commit,
    process_environment,
    run,
    shop,
    spawn,
    state,
)
from tests.executor.repositories import git


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, only to be read."""
    return shop(tmp_path_factory.mktemp("made") / "repo")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The repository, to be worked in."""
    return shop(tmp_path / "repo")


def show(root: Path, what: str) -> bytes:
    """Return a file of a commit."""
    return git(root, "show", what)


def files_of(root: Path, revision: str) -> set[str]:
    """Return the paths of a commit's files."""
    return set(git(root, "ls-tree", "-r", "--name-only", revision).decode().split())


# --- help ---


@pytest.mark.parametrize("name", _COMMANDS)
def test_help(name: str, made: Path) -> None:
    ran = run(made, name, "--help")
    assert ran.code == 0
    assert ran.err == ""
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"Usage: lane-planner {name} [OPTIONS]")
    assert max(map(len, lines)) <= 80
    for option in ("--root", "--config", "--format", "--output", "--verbose", "--quiet", "--help"):
        assert f"{option} " in ran.out or f"{option}\n" in ran.out
    assert "\b" not in ran.out


@pytest.mark.parametrize("name", _COMMANDS)
def test_table_of_commands_agrees_with_their_own_help(name: str) -> None:
    """The first paragraph is in the table so that the command need not be loaded."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help is not None
    assert command.help.partition("\n\n")[0].replace("\n", " ") == _COMMANDS[name]


def test_group_help(made: Path) -> None:
    ran = run(made, "--help")
    assert ran.code == 0
    assert all(f"  {name} " in ran.out for name in _COMMANDS)
    assert "Exit codes: 0 fine, 1 findings, 2 wrong usage" in ran.out
    assert run(made, "--version").out.startswith("lane-planner, version 0.")


_HEAVY = {"libcst", "networkx", "grimp", "rich"}
_LOADED = """
import sys
sys.argv = ["lane-planner", *sys.argv[1:]]
from lane_planner.cli.main import main
try:
    main()
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [("--help",), ("check", "--help"), ("check",)], ids=" ".join)
def test_start_is_light(made: Path, arguments: tuple[str, ...]) -> None:
    run(made, "check")  # so that it is warm
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *arguments], cwd=made, env=process_environment(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stderr.split())
    assert "lane_planner.cli.main" in loaded
    assert loaded & _HEAVY == set()


# --- shapes ---

IMPORT = {
    "importer", "imported", "line", "column", "kind", "optional", "dynamic", "resolved", "external",
}  # fmt: skip
VIOLATION = {
    "code", "importer", "imported", "importer_lane", "imported_lane", "path", "line", "column",
    "kind", "status", "message",
}  # fmt: skip
PROMOTION = {
    "success", "phase", "dry_run", "candidate", "diff", "test_results", "branch", "pr_url",
    "evidence",
}  # fmt: skip
CANDIDATE = {
    "module_path", "source_lane", "target_lane", "test_coverage", "import_violations",
    "guardian_aligned", "performance_ok", "validation_errors",
}  # fmt: skip
PLAN = {
    "schema", "tool", "commit", "config", "hops", "summary", "steps", "batches", "blocked", "unlocks",
    "assumed", "digest",
}  # fmt: skip
SUMMARY = {
    "candidates", "promotable", "blocked", "waves", "steps", "batches", "rewritten_files",
    "structural", "excluded",
}  # fmt: skip
STEP = {"id", "hop", "wave", "batch", "modules", "moves", "rewrites", "after", "gates", "score"}


def test_graph(made: Path) -> None:
    found = run(made, "graph").json
    assert found.keys() == {"modules", "imports"}
    assert {frozenset(entry) for entry in found["imports"]} == {frozenset(IMPORT)}
    by_name = {entry["name"]: entry for entry in found["modules"]}
    assert by_name["candidate.pkg"] == {
        "name": "candidate.pkg", "path": "candidate/pkg/__init__.py", "lane": "candidate",
        "package": True, "namespace": False, "importable": True, "parses": True,
    }  # fmt: skip
    assert by_name["candidate"]["namespace"] is True
    assert by_name["tests.test_a"]["lane"] is None
    assert {
        "importer": "candidate.b", "imported": "candidate.a", "line": 1, "column": 0,
        "kind": "eager", "optional": False, "dynamic": False, "resolved": True, "external": False,
    } in found["imports"]  # fmt: skip
    assert not any(entry["external"] for entry in found["imports"])
    more = run(made, "graph", "--external").json["imports"]
    assert [e["imported"] for e in more if e["external"]] == ["unittest.mock"]


def test_graph_as_text(made: Path) -> None:
    out = run(made, "graph", "--format", "text").out
    assert "candidate/b.py:1: candidate.b → candidate.a\n" in out
    assert out.endswith(
        "18 modules ((no lane) 1, candidate 10, core 3, lukhas 2, matriz 1, products 1), "
        "10 imports\n"
    )


def test_check(made: Path) -> None:
    ran = run(made, "check")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out == (
        "candidate/up.py:1:1: LP101 candidate may not import lane lukhas: "
        "candidate.up imports lukhas.app\n"
        "  next: take out the import at candidate/up.py:1: pass lukhas.app in, or move what is "
        "needed into a lane that candidate may import (core, matriz)\n"
        f"1 violation in 18 modules: candidate → lukhas 1\n{NOT_PARSED}"
    )
    found = run(made, "check", "--format", "json").json
    assert {"violations", "summary"} <= found.keys()
    (violation,) = found["violations"]
    assert violation.keys() == VIOLATION
    assert (violation["path"], violation["line"], violation["column"]) == ("candidate/up.py", 1, 0)
    assert (violation["code"], violation["status"]) == ("LP101", "new")
    assert (violation["importer_lane"], violation["imported_lane"]) == ("candidate", "lukhas")
    assert found["summary"]["new"] == 1


def test_check_and_cycles(made: Path) -> None:
    ran = run(made, "cycles")
    assert ran.code == 1
    assert ran.out.splitlines()[-1] == "1 circular import: 1 eager, 0 deferred"
    found = run(made, "cycles", "--format", "json").json
    assert found.keys() == {"cycles"}
    (cycle,) = found["cycles"]
    assert cycle.keys() == {"code", "modules", "example", "breakers", "exact"}
    assert cycle["exact"] is True
    one, two = "candidate.ring_one", "candidate.ring_two"
    assert cycle["breakers"] == [
        {"importer": one, "imported": two, "path": "candidate/ring_one.py", "line": 1,
         "lines": [1], "rating": "unused"}
    ]  # fmt: skip
    assert f"  breaks without: {one} → {two} (candidate/ring_one.py:1, unused)\n" in ran.out
    assert cycle["modules"] == [one, two]
    assert run(made, "check", "--cycles", "--format", "json").json["cycles"] == [cycle]
    plain = run(made, "check").out.removesuffix(NOT_PARSED)
    assert run(made, "check", "--cycles").out == plain + ran.out + NOT_PARSED


def test_explain(made: Path) -> None:
    ran = run(made, "explain", "candidate.up")
    assert ran.code == 1
    assert ran.out.splitlines()[:3] == [
        "candidate.up (candidate/up.py), lane candidate",
        "it cannot be promoted to core:",
        "  candidate/up.py:1: imports lukhas.app: core may not import lane lukhas (LP101)",
    ]
    (reason,) = run(made, "explain", "candidate.up", "--format", "json").json["reasons"]
    assert (reason["module"], reason["depth"], reason["parent"]) == ("candidate.up", 0, -1)
    assert [cause["code"] for cause in reason["causes"]] == ["LP101"]
    found = run(made, "explain", "candidate.b", "--format", "json").json
    assert (found["target"], found["destination"]) == ("core", "core/b.py")
    assert (found["needs"], found["reasons"]) == (["candidate.a"], [])
    assert run(made, "explain", "products.shop").out.splitlines()[1] == (
        "it is not promoted any further"
    )


def test_plan(made: Path) -> None:
    ran = run(made, "plan")
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert lines[0] == (
        "candidate → core: 6 of 10 modules can be promoted, in 6 steps, 2 waves and 2 batches; "
        "3 files to be rewritten"
    )
    assert "4 modules blocked:" in lines
    assert lines[-1] != ""
    assert max(map(len, lines)) <= 110
    found = run(made, "plan", "--format", "json").json
    assert found.keys() == PLAN
    assert found["schema"] == "lane-planner/plan/1"
    assert found["hops"] == [{"source": "candidate", "target": "core"}]
    assert found["summary"].keys() == SUMMARY
    assert {frozenset(step) for step in found["steps"]} == {frozenset(STEP)}
    assert found["commit"] == git(made, "rev-parse", "HEAD").decode().strip()
    blocked = {entry["module"]: entry["causes"] for entry in found["blocked"]}
    (cause,) = blocked["candidate.up"]
    assert {"code", "importer", "imported", "path", "line", "chain"} <= cause.keys()
    (taken,) = blocked["candidate.taken"]
    assert taken["code"] == "LP401"


def test_plan_of_other_hops(made: Path) -> None:
    """core → lukhas takes dependencies first, lukhas → products dependents."""
    ran = run(made, "plan", "--from", "core")
    assert (ran.code, ran.out.splitlines()[0]) == (
        0,
        "core → lukhas: 3 of 3 modules can be promoted, in 3 steps, 1 wave and 1 batch; "
        "1 file to be rewritten",
    )
    steps = run(made, "plan", "--to", "products", "--format", "json").json["steps"]
    assert [step["modules"] for step in steps] == [["lukhas.front"], ["lukhas.app"]]


def test_plan_of_some(made: Path) -> None:
    only = run(made, "plan", "--only", "candidate.b", "--format", "json").json
    assert [s["modules"] for s in only["steps"]] == [["candidate.a"], ["candidate.b"]]
    globbed = run(made, "plan", "--only", "candidate/pkg/**", "--format", "json").json
    assert globbed["summary"]["promotable"] == 2
    assert run(made, "plan", "--top", "2", "--format", "json").json["summary"]["promotable"] <= 2


@pytest.mark.parametrize(
    "command",
    [("check", "--cycles"), ("cycles",), ("graph",), ("graph", "--external"), ("explain", "core.base"),
     ("plan",), ("promote", "candidate.pkg", "core"), ("promote", "candidate.up", "core"),
     ("verify",)],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("format", ["text", "json"])
def test_same_bytes_again_and_elsewhere(
    made: Path, tmp_path: Path, command: tuple[str, ...], format: str
) -> None:
    first = run(made, *command, "--format", format)
    assert run(made, *command, "--format", format) == first
    copy = tmp_path / "copy of it"
    shutil.copytree(made, copy, ignore=shutil.ignore_patterns("lane-planner"))
    assert run(copy, *command, "--format", format) == first
    assert str(tmp_path) not in first.out
    if format == "json":
        json.loads(first.out)


def test_hash_seed_does_not_matter(made: Path) -> None:
    ran = [
        spawn(made, "plan", "--format", "json", env={"PYTHONHASHSEED": str(seed)})
        for seed in (1, 2)
    ]
    assert ran[0] == ran[1]


# --- promote ---


@pytest.mark.parametrize(
    "arguments",
    [
        ("candidate.a", "core"),
        ("candidate.b", "core", "--with-dependencies"),
        ("candidate.pkg", "core"),
        ("candidate.deep", "core"),
        ("candidate.deep.part", "core"),
        ("core.base", "lukhas"),
        ("core.last", "lukhas"),
        ("lukhas.front", "products"),
        ("lukhas.app", "products", "--with-dependencies"),
    ],
    ids=" ".join,
)
def test_dry_run_shows_what_apply_does(root: Path, arguments: tuple[str, ...]) -> None:
    """git takes the diff as it is, and makes the very tree of the branch of it."""
    before = state(root)
    dry = run(root, "promote", *arguments, "--format", "json")
    assert (dry.code, dry.err) == (0, "")
    assert dry.json.keys() >= PROMOTION
    assert dry.json["candidate"].keys() == CANDIDATE
    assert (dry.json["dry_run"], dry.json["phase"], dry.json["success"]) == (True, "move", True)
    assert (dry.json["branch"], dry.json["evidence"], dry.json["pr_url"]) == (None, None, None)
    assert state(root) == before
    text = run(root, "promote", *arguments)
    assert dry.json["diff"].rstrip("\n") in text.out
    assert text.out.splitlines()[-1] == "nothing was changed; --apply does it"
    git(root, "apply", "--check", stdin=text.out.encode())
    git(root, "checkout", "-q", "-b", "by-hand")
    git(root, "apply", "--index", stdin=dry.json["diff"].encode())
    git(root, "commit", "-qm", "by hand")
    git(root, "checkout", "-q", "main")

    done = run(root, "promote", *arguments, "--apply", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["dry_run"], done.json["phase"], done.json["success"]) == (
        False, "complete", True,
    )  # fmt: skip
    branch = done.json["branch"]
    assert git(root, "diff", "by-hand", branch) == b""
    assert done.json["commit"] == git(root, "rev-parse", branch).decode().strip()
    assert all(Path(path).is_file() for path in done.json["evidence"])
    assert git(root, "status", "--porcelain") == b""
    assert git(root, "worktree", "list").count(b"\n") == 1


def test_promoted_module(root: Path) -> None:
    ran = run(root, "promote", "candidate.a", "core", "--apply")
    branch = "promote/candidate-to-core/a"
    lines = ran.out.splitlines()
    assert lines[0] == "promote a from candidate to core: 1 module"
    assert lines[1].startswith("1 place names it: ")
    assert lines[2].startswith(f"branch {branch} at ")
    assert [line.partition(" ")[0] for line in lines[3:]] == ["evidence", "evidence"]
    assert show(root, f"{branch}:core/a.py") == FILES["candidate/a.py"]
    assert b"from core.a import VALUE" in show(root, f"{branch}:candidate/b.py")
    test = show(root, f"{branch}:tests/test_a.py")
    assert b"from core import a" in test
    assert b'patch("core.a.VALUE", 2)' in test
    assert show(root, f"{branch}:README.md") == FILES["README.md"]  # prose stays
    message = git(root, "log", "-1", "--format=%B", branch).decode()
    assert message.startswith("promote(candidate→core): a\n")
    assert "Lane-Plan: " in message
    assert "Lane-Step: s0001" in message
    evidence = (root / ".git/lane-planner/evidence" / f"{branch}.md").read_text()
    assert "README.md" in evidence
    git(root, "checkout", "-q", branch)
    assert run(root, "check").code == 1  # candidate.up, as before
    test_run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=root, capture_output=True, check=False,
        env={k: v for k, v in process_environment(PYTHONPATH=str(root)).items()
             if not k.startswith(("PYTEST", "COV"))},
    )  # fmt: skip
    assert test_run.returncode == 0, test_run.stdout


def test_analysis_only(made: Path) -> None:
    ran = run(made, "promote", "candidate.a", "core", "--analyze-only")
    assert ran.out == (
        "promote a from candidate to core: 1 module\n"
        "promote(candidate→core): a: 1 file moved, 2 files rewritten\n"
        "  note: tests/test_a.py is laid out like candidate/a.py and stays\n"
        "1 place names it: 0 rewritten, 1 needs a person, 0 ignored (-v lists them)\n"
        "ready to be promoted\n"
    )
    found = run(made, "promote", "candidate.a", "core", "--analyze-only", "--format", "json").json
    assert (found["phase"], found["success"]) == ("analyse", True)
    assert found["candidate"]["module_path"] == "candidate/a.py"
    assert found["candidate"]["guardian_aligned"] is True


def test_blocked(made: Path) -> None:
    ran = run(made, "promote", "candidate.up", "core", "--apply", "--format", "json")
    assert ran.code == 1
    assert (ran.json["success"], ran.json["phase"], ran.json["branch"]) == (False, "analyse", None)
    assert ran.json["candidate"]["import_violations"] == [
        "candidate/up.py:1: LP101 candidate.up imports lukhas.app: core may not import lane lukhas"
    ]
    assert ran.json["candidate"]["validation_errors"] == ran.json["candidate"]["import_violations"]


def test_with_dependencies_is_a_commit_a_step(root: Path) -> None:
    ran = run(root, "promote", "candidate.b", "core", "--with-dependencies", "--apply")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "promote b from candidate to core: 2 modules"
    titles = git(
        root, "log", "--reverse", "--format=%s", "main..promote/candidate-to-core/b"
    ).decode()
    assert titles.splitlines() == ["promote(candidate→core): a", "promote(candidate→core): b"]


def test_package_with_data_files(root: Path) -> None:
    ran = run(root, "promote", "candidate/pkg", "core", "--apply", "--format", "json")
    assert ran.json["modules"] == ["candidate.pkg", "candidate.pkg.part"]
    branch = ran.json["branch"]
    assert branch == "promote/candidate-to-core/pkg"
    there = files_of(root, branch)
    assert {"core/pkg/__init__.py", "core/pkg/part.py", "core/pkg/data.json"} <= there
    assert not any(path.startswith("candidate/pkg/") for path in there)


def test_real_init_replaces_the_made_one(root: Path) -> None:
    """A module first, then its package: the stand-in of the first gives way."""
    assert run(root, "promote", "candidate.deep.part", "core", "--apply").code == 0
    git(root, "merge", "-q", "--ff-only", "promote/candidate-to-core/deep.part")
    assert show(root, "HEAD:core/deep/__init__.py") == MADE_INIT
    ran = run(root, "promote", "candidate.deep", "core", "--apply")
    assert ran.code == 0, ran
    branch = "promote/candidate-to-core/deep"
    assert show(root, f"{branch}:core/deep/__init__.py") == b""
    assert not any(path.startswith("candidate/deep") for path in files_of(root, branch))


GATE = """
[[gates]]
name = "{name}"
phase = "{phase}"
command = ["{python}", "-c", "import sys; print('said by the gate'); sys.exit({code})"]
"""


def gated(directory: Path, *gates: tuple[str, str, int]) -> Path:
    """Make the repository with gates of (name, phase, exit status)."""
    text = CONFIG + "".join(
        GATE.format(name=name, phase=phase, code=code, python=sys.executable)
        for name, phase, code in gates
    )
    return shop(directory, {"lanes.toml": text.encode()})


def test_gates_that_pass(tmp_path: Path) -> None:
    root = gated(tmp_path / "repo", ("guardian", "before", 0), ("unit", "after", 0))
    dry = run(root, "promote", "candidate.a", "core")
    assert "gates that would run: guardian, unit\n" in dry.out
    ran = run(root, "promote", "candidate.a", "core", "--apply", "--format", "json")
    assert ran.code == 0
    assert [(t["name"], t["phase"], t["passed"]) for t in ran.json["test_results"]] == [
        ("guardian", "before", True),
        ("unit", "after", True),
    ]
    assert ran.json["candidate"]["guardian_aligned"] is True


@pytest.mark.parametrize("phase", ["before", "after"])
def test_gate_that_fails_rolls_back(tmp_path: Path, phase: str) -> None:
    root = gated(tmp_path / "repo", ("unit", phase, 7))
    before = state(root)
    ran = run(root, "promote", "candidate.a", "core", "--apply")
    assert (ran.code, ran.err) == (3, "")
    assert "failed, and rolled back:\n" in ran.out
    assert f"  gate unit ({phase} the move) failed with exit status 7\n" in ran.out
    assert "    | said by the gate\n" in ran.out
    assert state(root) == before
    found = run(root, "promote", "candidate.a", "core", "--apply", "--format", "json")
    assert found.code == 3
    assert (found.json["success"], found.json["phase"]) == (False, "gates")
    assert (found.json["branch"], found.json["evidence"]) == (None, None)
    assert found.json["test_results"][0]["exit_code"] == 7
    assert state(root) == before
    lines = run(root, "status").out.splitlines()
    assert [line for line in lines if line.startswith("run 2 ")] == [
        f"run 2 rolled-back: gate unit ({phase} the move) failed with exit status 7"
    ]


def test_gate_whose_program_is_missing(tmp_path: Path) -> None:
    text = CONFIG + '\n[[gates]]\nname = "unit"\ncommand = ["no-such-program"]\n'
    root = shop(tmp_path / "repo", {"lanes.toml": text.encode()})
    before = state(root)
    ran = run(root, "promote", "candidate.a", "core", "--apply")
    assert ran.code in (3, 4)
    assert "no-such-program" in ran.out + ran.err
    assert "Traceback" not in ran.out + ran.err
    assert state(root) == before


def test_coverage_is_shown(tmp_path: Path) -> None:
    text = CONFIG + '\n[coverage]\nmin = 0.75\ndata = "coverage.json"\n'
    root = shop(tmp_path / "repo", {"lanes.toml": text.encode(), ".gitignore": b"coverage.json\n"})
    data = {
        "files": {
            "candidate/a.py": {"summary": {"num_statements": 8, "covered_lines": 7}},
            "candidate/b.py": {"summary": {"num_statements": 8, "covered_lines": 4}},
        }
    }
    (root / "coverage.json").write_text(json.dumps(data))
    ran = run(root, "promote", "candidate.a", "core")
    assert "  candidate.a: 87.5% covered\n" in ran.out
    found = run(root, "promote", "candidate.a", "core", "--format", "json").json
    assert found["candidate"]["test_coverage"] == 0.875
    low = run(root, "promote", "candidate.b", "core", "--with-dependencies")
    assert low.code == 1
    assert "LP404" in low.out
    note = "2 of 10 modules of candidate have figures\n"
    assert run(root, "plan").err == f"coverage data coverage.json: {note}"
    (root / "coverage.json").rename(root / "data.json")
    (root / ".gitignore").write_bytes(b"data.json\n")
    ran = run(root, "plan", "--coverage", "data.json")
    assert ran.err.startswith(f"coverage data data.json: {note}")
    assert run(root, "plan", "--ignore", "coverage", "-q").err == ""


def test_the_database_of_coverage_py(tmp_path: Path) -> None:
    text = CONFIG + '\n[coverage]\nmin = 0.75\ndata = ".coverage"\n'
    root = shop(tmp_path / "repo", {"lanes.toml": text.encode(), ".gitignore": b".coverage\n"})
    from coverage import CoverageData

    data = CoverageData(basename=str(root / ".coverage"))
    data.add_lines({str(root / "candidate/a.py"): {1}, str(root / "candidate/b.py"): {1}})
    data.write()
    before = state(root)
    ran = run(root, "plan")
    assert ran.err == "coverage data .coverage: 2 of 10 modules of candidate have figures\n"
    assert "1 of 10 modules can be promoted" in ran.out
    assert "candidate/b.py: 50.0% covered, 75.0% needed (LP404)" in (
        run(root, "explain", "candidate.b").out
    )
    assert "100.0% covered" in run(root, "promote", "candidate.a", "core").out
    assert state(root) == before
    (root / ".coverage").write_bytes(b"SQLite format 3\0")
    assert "not one of coverage.py" in run(root, "plan").error()


# --- apply ---


def planned(root: Path, *arguments: str) -> Path:
    """Write a plan beside the repository."""
    file = root.parent / "plan.json"
    assert run(root, "plan", *arguments, "--format", "json", "-o", str(file)).code in (0, 1)
    return file


def test_apply(root: Path) -> None:
    file = planned(root)
    before = state(root)
    ran = run(root, "apply", str(file), "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["success"] is True
    assert ran.json["left_out"] == []
    branch = ran.json["branch"]
    assert branch.startswith("promote/candidate-to-core/plan-")
    assert len(ran.json["steps"]) == 6
    after = state(root)
    assert {key: value for key, value in after.items() if key not in ("refs", "git directory")} == {
        key: value for key, value in before.items() if key not in ("refs", "git directory")
    }
    there = files_of(root, branch)
    assert {"core/a.py", "core/b.py", "core/pkg/part.py", "core/deep/part.py"} <= there
    assert {"candidate/up.py", "candidate/taken.py", "candidate/ring_one.py"} <= there
    git(root, "checkout", "-q", branch)
    graph = run(root, "check", "--format", "json").json
    assert [v["importer"] for v in graph["violations"]] == ["candidate.up"]
    again = run(root, "apply", str(file))
    assert again.code == 2
    assert again.error().endswith("the steps of the plan have landed already")


def test_apply_some_steps(root: Path) -> None:
    file = planned(root, "--only", "candidate.b")
    ran = run(root, "apply", str(file), "--steps", "1")
    assert ran.code == 0
    assert ran.out.startswith("1 step on branch promote/candidate-to-core/plan-")
    assert run(root, "apply", str(file)).code == 2  # the branch is there


def test_apply_rolls_back(tmp_path: Path) -> None:
    root = gated(tmp_path / "repo", ("unit", "after", 1))
    file = planned(root)
    before = state(root)
    ran = run(root, "apply", str(file))
    assert ran.code == 3
    assert "rolled back: gate unit (after the move) failed with exit status 1\n" in ran.out
    assert state(root) == before
    assert run(root, "apply", str(file), "--no-gates").code == 0


def _changed(plan: dict[str, Any], how: str) -> bytes:
    if how == "schema":
        plan["schema"] = "lane-planner/plan/9"
    elif how == "commit":
        plan["commit"] = "0" * 40
    elif how == "no commit":
        plan["commit"] = None
    elif how == "config":
        plan["config"] = "sha256:0"
    elif how == "lane":
        plan["hops"][0]["target"] = "lukhas"
    elif how == "no hop":
        plan["hops"] = []
    elif how == "two hops":
        plan["hops"] *= 2
    elif how == "target":
        plan["steps"][0]["moves"][0]["target"] = "core/../../../elsewhere.py"
    elif how == "git directory":
        plan["steps"][0]["moves"][0]["target"] = ".git/hooks/pre-commit"
    elif how == "source":
        plan["steps"][0]["moves"][0]["source"] = "README.md"
    elif how == "module":
        plan["steps"][0]["modules"] = ["candidate.up"]
    elif how == "order":
        plan["steps"].reverse()
    elif how == "twice":
        plan["steps"].append(plan["steps"][0])
    elif how == "field":
        plan["steps"][0]["modules"] = 7
    elif how == "escape":
        plan["steps"][0]["modules"] = ["\x1b[31mred"]
    elif how == "no steps":
        plan["steps"] = []
    return json.dumps(plan).encode()


@pytest.mark.parametrize(
    "how",
    ["schema", "commit", "no commit", "config", "lane", "no hop", "two hops", "target",
     "git directory", "source", "module", "order", "twice", "field", "escape", "no steps"],
)  # fmt: skip
def test_apply_refuses_a_plan_that_was_tampered_with(root: Path, how: str) -> None:
    file = planned(root)
    file.write_bytes(_changed(json.loads(file.read_bytes()), how))
    before = state(root)
    ran = run(root, "apply", str(file))
    assert ran.code == 2, ran
    assert ran.out == ""
    assert ran.error()
    assert state(root) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read the plan plan.json: No such file or directory; make one with"),
        (b"", "plan.json is not JSON"),
        (b"{", "plan.json is not JSON"),
        (b"\xff\xfe\0", "plan.json is not JSON"),
        (b"[]", "plan.json is not a plan of schema lane-planner/plan/1"),
        (b"{}", "plan.json is not a plan of schema lane-planner/plan/1"),
        (b'{"schema": {"\x1b": 1}}', "plan.json is not"),
        (b'{"schema": "lane-planner/plan/1"}', "plan.json is not a valid plan"),
        (b"[" * 100_000, "plan.json is not"),
        (b'"' + b"x" * 10_000_000 + b'"', "plan.json is not a plan of schema"),
        (b'{"schema": "' + b"x" * 10_000_000 + b'"}', "plan.json is not a plan of schema"),
    ],
    ids=["missing", "empty", "cut short", "utf-16", "list", "object", "odd schema", "no fields",
         "deep", "10 MB string", "10 MB schema"],
)  # fmt: skip
def test_apply_refuses_what_is_no_plan(root: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (root / "plan.json").write_bytes(content)
    before = state(root)
    ran = run(root, "apply", "plan.json")
    assert ran.code == 2
    message = ran.error()
    assert said in message
    assert len(message) < 1100
    assert state(root) == before


def test_apply_of_a_dirty_plan_and_a_dirty_tree(root: Path) -> None:
    file = planned(root)
    (root / "candidate/a.py").write_bytes(b"VALUE = 2\n")
    message = run(root, "apply", str(file)).error()
    assert message.startswith("candidate/a.py to be moved has uncommitted changes")
    ran = run(root, "plan", "--format", "json", "-o", str(file))
    assert "uncommitted changes" in ran.err
    assert json.loads(file.read_bytes())["commit"].endswith("-dirty")
    assert run(root, "apply", str(file)).code == 2


def test_apply_outside_git_says_so(root: Path, tmp_path: Path) -> None:
    file = planned(root)
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "lanes.toml").write_text(CONFIG)
    ran = run(plain, "apply", str(file))
    assert ran.code == 2
    assert "is not in a git repository" in ran.error()


# --- status, verify, init ---


def test_status(root: Path) -> None:
    assert run(root, "status").out == "no run yet\n"
    run(root, "promote", "candidate.a", "core", "--apply")
    found = run(root, "status", "--format", "json").json
    assert found["holder"] is None
    assert found["leftovers"] == []
    (entry,) = found["runs"]
    assert (entry["id"], entry["status"]) == (1, "done")
    lines = run(root, "status").out.splitlines()
    assert lines[0].split() == [
        "run",
        "what",
        "mode",
        "status",
        "began",
        "(UTC)",
        "took",
        "steps",
        "branches",
    ]
    assert lines[-1].split()[0] == "promote/candidate-to-core/a"


def test_verify(tmp_path: Path) -> None:
    packages = {f"{lane}/__init__.py": b"" for lane in ("candidate", "core", "lukhas")}
    root = shop(tmp_path / "repo", packages)
    ran = run(root, "verify")
    assert ran.code == 0, ran
    assert ran.out.startswith("candidate, core, lukhas: ")
    found = run(root, "verify", "--format", "json").json
    assert found.keys() == {"comparisons"}


def test_init_in_an_empty_directory(tmp_path: Path) -> None:
    ran = run(tmp_path, "init")
    assert ran.code == 0
    assert ran.out == f"wrote {tmp_path}/lanes.toml with lanes app\nnext: lane-planner check\n"
    assert run(tmp_path, "check").code == 0
    assert run(tmp_path, "plan").code == 2  # no lane promotes yet
    assert run(tmp_path, "init").code == 2
    assert run(tmp_path, "init", "--preset", "lukhas", "--force").code == 0
    assert (
        "lanes candidate, core, lukhas, products, matriz"
        in run(tmp_path, "init", "--preset", "lukhas", "--force").out
    )


def test_init_with_packages(tmp_path: Path) -> None:
    for name in ("shop/__init__.py", "shop/a.py", "tools/__init__.py", "tests/test_x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert run(tmp_path, "init").out.startswith(
        f"wrote {tmp_path}/lanes.toml with lanes shop, tools"
    )
    assert run(tmp_path, "check").out == f"no violation in 4 modules\n{NOT_PARSED}"


def test_init_under_another_name(tmp_path: Path) -> None:
    ran = run(tmp_path, "init", "--config", "other.toml", "-q")
    assert ran.out.splitlines()[-1] == "next: lane-planner check --config other.toml"
    assert run(tmp_path, "check", "--config", "other.toml").code == 0


def test_init_where_the_lanes_are_known(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(made, copy, ignore=shutil.ignore_patterns("lane-planner"))
    (copy / "lanes.toml").unlink()
    assert run(copy, "init").code == 0
    assert (copy / "lanes.toml").read_text().startswith("# Lanes of rising trust")


# --- names on a terminal, work trees ---


def test_linked_work_tree(root: Path) -> None:
    """The tool in a linked work tree of the user's: the same results, its own state in common."""
    git(root, "worktree", "add", "-q", str(root.parent / "linked"), "-b", "side")
    linked = root.parent / "linked"
    (linked / "candidate/new.py").write_bytes(b"NEW = 1\n")
    commit(linked)
    before = state(root)
    ran = run(linked, "promote", "candidate.new", "core", "--apply")
    assert ran.code == 0, ran
    assert "core/new.py" in files_of(root, "promote/candidate-to-core/new")
    assert git(root, "worktree", "list").count(b"\n") == 2
    assert {k: v for k, v in state(root).items() if k not in ("refs", "git directory")} == {
        k: v for k, v in before.items() if k not in ("refs", "git directory")
    }
    assert "promote/candidate-to-core/new" in run(root, "status").out
    assert run(linked, "status").out == run(root, "status").out


def test_contents_do_not_command_the_terminal(tmp_path: Path) -> None:
    """A diff goes to a pipe as it is, for git, and to a terminal escaped."""
    source = b"from candidate.a import VALUE  # \x1b[31m\xe2\x80\xae\r\n"
    root = shop(tmp_path / "repo", {"candidate/b.py": source})
    plain = run(root, "promote", "candidate.a", "core").out
    assert "\x1b[31m" in plain
    code = (
        "import os, pty, sys; os.chdir(sys.argv[1]); "
        "sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, '-m', 'lane_planner', "
        "'promote', 'candidate.a', 'core'])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], env=process_environment(),
        stdin=subprocess.DEVNULL, capture_output=True, check=True,
    )  # fmt: skip
    assert b"\x1b[31m" not in done.stdout
    assert b"\\x1b[31m\\u202e" in done.stdout
    assert b"\xe2\x80\xae" not in done.stdout

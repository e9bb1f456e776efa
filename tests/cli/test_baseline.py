"""`check` and its baseline, and promotions that take the baseline along."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lane_planner.rules.baseline import HEADER
from tests.cli.shop import CONFIG, NOT_PARSED, commit, run, shop
from tests.executor.repositories import git

NAME = "lanes-baseline.txt"
UP = "LP101 candidate.up -> lukhas.app"
RING = "LP201 candidate.ring_one candidate.ring_two"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shop(tmp_path / "repo")


def write(root: Path, *lines: str, name: str = NAME) -> Path:
    """Write a baseline of some lines."""
    (root / name).write_text("\n".join([HEADER, *lines, ""]))
    return root / name


def test_from_the_first_to_the_last_finding(root: Path) -> None:
    hint = (
        "there is no baseline lanes-baseline.txt: "
        "`check --update-baseline --allow-additions` writes it\n"
    )
    plain = run(root, "check")
    ran = run(root, "check", "--update-baseline")
    assert (ran.code, ran.out, ran.err) == (1, plain.out, hint)
    assert not (root / NAME).exists()

    ran = run(root, "check", "--update-baseline", "--allow-additions")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "no new violation in 18 modules\n"
        "also seen: 1 baseline violation (-v lists them)\n"
        f"lanes-baseline.txt: 0 removed, 1 added\n{NOT_PARSED}"
    )
    assert (root / NAME).read_text() == f"{HEADER}\n{UP}\n"

    assert run(root, "check").code == 0
    out = run(root, "check", "-v").out
    assert out.startswith("candidate/up.py:1:1: LP101 candidate may not import lane lukhas: ")
    assert "candidate.up imports lukhas.app (baseline)\n" in out

    (root / "candidate/up.py").write_text("import lukhas.app\nimport lukhas.app\n")
    ran = run(root, "check")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "candidate/up.py:2:1: LP101 candidate may not import lane lukhas: "
        "candidate.up imports lukhas.app",
        "  next: take out the import at candidate/up.py:2: pass lukhas.app in, or move what is "
        "needed into a lane that candidate may import (core, matriz)",
        "1 new violation in 18 modules: candidate → lukhas 1",
        "also seen: 1 baseline violation (-v lists them)",
        NOT_PARSED.rstrip("\n"),
    ]
    ran = run(root, "check", "--update-baseline")
    assert (ran.code, ran.err) == (
        1, "what is new was not added: --allow-additions adds it\n",
    )  # fmt: skip
    assert ran.out.endswith(f"lanes-baseline.txt: 0 removed, 0 added\n{NOT_PARSED}")
    assert run(root, "check", "--update-baseline", "--allow-additions").code == 0
    assert (root / NAME).read_text() == f"{HEADER}\n{UP}  x2\n"

    (root / "candidate/up.py").write_text("")
    ran = run(root, "check")
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            f"baseline {UP}  x2 matches no violation",
            "`check --update-baseline` takes out of the baseline what is gone",
            "no violation in 18 modules",
            NOT_PARSED.rstrip("\n"),
        ],
    )
    ran = run(root, "check", "--update-baseline")
    assert (ran.code, ran.out) == (
        0,
        f"no violation in 18 modules\nlanes-baseline.txt: 2 removed, 0 added\n{NOT_PARSED}",
    )  # fmt: skip
    assert (root / NAME).read_text() == f"{HEADER}\n"


def test_the_file_shrinks_though_there_are_new_ones(root: Path) -> None:
    file = write(root, "LP101 candidate.gone -> lukhas.app  x3")
    ran = run(root, "check", "--update-baseline")
    assert ran.code == 1
    assert "1 violation in 18 modules" in ran.out
    assert ran.out.endswith(f"lanes-baseline.txt: 3 removed, 0 added\n{NOT_PARSED}")
    assert file.read_text() == f"{HEADER}\n"


def test_as_json(root: Path) -> None:
    assert "baseline" not in run(root, "check", "--format", "json").json
    write(root, UP, "LP101 candidate.gone -> lukhas.app", RING)
    ran = run(root, "check", "--cycles", "--format", "json")
    assert ran.code == 0
    found = ran.json
    assert [v["status"] for v in found["violations"]] == ["baseline"]
    assert [cycle["status"] for cycle in found["cycles"]] == ["baseline"]
    summary = found["summary"]
    assert (summary["new"], summary["baseline"], summary["stale"]) == (0, 1, 1)
    assert found["baseline"] == {
        "path": NAME,
        "stale": [
            {"entry": "LP101 candidate.gone -> lukhas.app", "reason": "matches no violation"}
        ],
    }
    ran = run(root, "check", "--update-baseline", "--format", "json")
    assert ran.json["baseline"]["update"] == {"removed": 1, "narrowed": 0, "added": 0}
    assert ran.json["baseline"]["stale"] == []


def test_circular_imports(root: Path) -> None:
    file = write(root, UP)
    ran = run(root, "check", "--cycles")
    assert ran.code == 1
    assert ran.out.endswith(f"1 circular import: 1 eager, 0 deferred\n{NOT_PARSED}")
    assert run(root, "check", "--cycles", "--update-baseline", "--allow-additions").code == 0
    assert file.read_text() == f"{HEADER}\n{UP}\n{RING}\n"
    ran = run(root, "check", "--cycles")
    assert ran.code == 0
    assert ran.out.endswith(
        f"no new circular import\nalso seen: 1 circular import in the baseline\n{NOT_PARSED}"
    )
    assert run(root, "cycles").code == 1  # it lists them all
    (root / "candidate/ring_one.py").write_text("")
    # An update that does not look for them leaves them.
    assert run(root, "check", "--update-baseline").code == 0
    assert RING in file.read_text()
    assert run(root, "check", "--cycles", "--update-baseline").code == 0
    assert RING not in file.read_text()


def test_a_baseline_of_another_name(root: Path) -> None:
    (root / "lanes.toml").write_text(f'baseline = "ci/known.txt"\n{CONFIG}')
    (root / "ci").mkdir()
    write(root, UP)  # not the one that is named
    ran = run(root, "check")
    assert ran.code == 1
    assert ran.err.startswith("there is no baseline ci/known.txt: ")
    assert run(root / "core", "check", "--update-baseline", "--allow-additions").code == 0
    assert (root / "ci/known.txt").read_text() == f"{HEADER}\n{UP}\n"
    ran = run(root / "ci", "check")
    assert (ran.code, ran.err) == (0, "")


def test_what_is_unchanged_is_not_written(root: Path) -> None:
    file = write(root, UP)
    os.utime(file, ns=(1, 1))
    assert run(root, "check", "--update-baseline").code == 0
    assert file.stat().st_mtime_ns == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--allow-additions"], "--allow-additions says what --update-baseline may do: give both"),
        ([], f"{NAME}:3: a merge conflict, keep the entries of both sides and remove this line"),
        (["--update-baseline"], f"{NAME}:3: a merge conflict, keep"),
    ],
)
def test_what_is_wrong_is_one_line(root: Path, arguments: list[str], why: str) -> None:
    file = write(root, UP, "<<<<<<< HEAD")
    before = file.read_bytes()
    ran = run(root, "check", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.error()
    assert file.read_bytes() == before


@pytest.mark.parametrize("arguments", [[], ["--update-baseline", "--allow-additions"]])
def test_what_is_no_file(root: Path, arguments: list[str]) -> None:
    (root / NAME).mkdir()
    ran = run(root, "check", *arguments)
    assert (ran.code, ran.error()) == (2, f"cannot read the baseline {NAME}: it is not a file")
    (root / NAME).rmdir()
    os.mkfifo(root / NAME)
    assert run(root, "check", *arguments).code == 2


def test_no_place_to_write(root: Path) -> None:
    (root / "lanes.toml").write_text(f'baseline = "no/known.txt"\n{CONFIG}')
    ran = run(root, "check", "--update-baseline", "--allow-additions")
    assert ran.code == 4
    assert "cannot write" in ran.error()
    assert ran.out == ""


def test_plans_know_nothing_of_it(root: Path) -> None:
    before = run(root, "plan", "--format", "json").out
    write(root, UP, name="known.txt")
    (root / "lanes.toml").write_text(f'baseline = "known.txt"\n{CONFIG}')
    assert run(root, "check").code == 0
    assert run(root, "plan", "--format", "json").out == before
    assert "LP101" in run(root, "explain", "candidate.up").out


def test_it_travels_with_a_module(root: Path) -> None:
    (root / "lukhas/late.py").write_text("import candidate.a\n")
    known = write(root, UP, "LP101 lukhas.late -> candidate.a")
    assert run(root, "check", "--update-baseline").out.endswith(
        f": 0 removed, 0 added\n{NOT_PARSED}"
    )
    commit(root)
    ran = run(root, "promote", "candidate.a", "core", "--apply")
    assert ran.code == 0, ran.err
    branch = "promote/candidate-to-core/a"
    assert git(root, "show", f"{branch}:{NAME}").decode() == (
        f"{HEADER}\n{UP}\nLP101 lukhas.late -> core.a\n"
    )
    assert git(root, "rev-list", "--count", f"HEAD..{branch}") == b"1\n"
    git(root, "checkout", "-q", branch)
    ran = run(root, "check")
    assert ran.code == 0  # nothing is new; lukhas may import core, so that one is over
    assert "baseline LP101 lukhas.late -> core.a matches no violation\n" in ran.out
    assert run(root, "check", "--update-baseline").code == 0
    assert known.read_text() == f"{HEADER}\n{UP}\n"

"""A slower tree fails the guard, an equal one passes, and what is not counted is not judged."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.counting import CannotCount, count, one_processor, require_counting, total
from benchmarks.guard import ALLOWED, Compared, compare, judge, main
from benchmarks.timing import Failed
from benchmarks.trees import base_commit, copy, environment_of, extract, require_own
from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from tests.executor.repositories import git, new_repository

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = {"lane_planner/__init__.py": b"OLD = 1\n", "lane_planner/data.txt": b"data\n"}

needs_valgrind = pytest.mark.skipif(shutil.which("valgrind") is None, reason="no valgrind here")


def profile(instructions: str, events: str = "Ir") -> str:
    return f"desc: x\ncmd: python\nevents: {events}\nfl=a.c\nfn=f\n7 90\nsummary: {instructions}\n"


# --- counting ---


def test_instructions_of_all_processes_are_added_up() -> None:
    assert total([profile("360910106"), profile("7")]) == 360910113


@pytest.mark.parametrize(
    "profiles",
    [[], [""], ["desc: x\nevents: Ir\nfl=a.c\n"], [profile("5"), ""], [profile("5 6 7", "Ir I1mr ILmr")]],
    ids=["none", "empty", "cut off", "one of two", "of other events"],
)  # fmt: skip
def test_a_missing_count_is_no_count(profiles: list[str]) -> None:
    with pytest.raises(CannotCount, match="no count"):
        total(profiles)


@pytest.fixture
def programs(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Return a function that puts a valgrind of its own on an otherwise empty PATH."""

    def make(script: str) -> dict[str, str]:
        directory = tmp_path / "bin"
        directory.mkdir()
        if script:
            (directory / "valgrind").write_text(f"#!/bin/sh\n{script}\n")
            (directory / "valgrind").chmod(0o755)
        return {"PATH": str(directory)}

    return make


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "valgrind is not on PATH"),
        ("exit 0", "no count of instructions"),
        ("echo 'unknown processor' >&2; exit 1", "no count of instructions"),
        ("echo 'cannot execute' >&2; exit 126", "does not run Python here(?s:.*)cannot execute"),
    ],
    ids=["missing", "silent", "complains", "fails"],
)
def test_where_nothing_can_be_counted_it_is_told(
    programs: Callable[[str], dict[str, str]], script: str, said: str
) -> None:
    with pytest.raises(CannotCount, match=said):
        require_counting(programs(script))


def test_what_is_not_counted_ends_with_an_exit_code_of_its_own(
    programs: Callable[[str], dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", programs("")["PATH"])
    assert main([str(tmp_path / "work")]) == 3
    assert capsys.readouterr().err.startswith("guard: NOTHING WAS JUDGED: valgrind is not on PATH")


def test_processes_are_held_to_one_processor_for_a_while() -> None:
    allowed = os.sched_getaffinity(0)
    with one_processor():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == allowed


@pytest.mark.long
@needs_valgrind
def test_children_count_but_those_of_git_do_not(tmp_path: Path) -> None:
    def counted(*child: str) -> int:
        program = f"import subprocess; subprocess.run({list(child)!r}, stdout=subprocess.DEVNULL)"
        return count((sys.executable, "-c", program), tmp_path, environment_of(tmp_path))

    loop = "for _ in range(10**6): pass"
    alone = count((sys.executable, "-c", loop), tmp_path, environment_of(tmp_path))
    assert counted(sys.executable, "-c", loop) > counted("git", "--version") + alone * 0.9


# --- judging ---


def test_a_loss_is_told_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    cases = [Compared("fine", 1000, 1150), Compared("slow", 1000, 1151), Compared("faster", 1000, 500)]  # fmt: skip
    assert ALLOWED == 15
    assert judge(cases, "3dd35a4") == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "Instructions, compared with 3dd35a4:",
        "",
        "| run | base | here | change |",
        "| --- | ---: | ---: | ---: |",
        "| fine | 1,000 | 1,150 | +15.00 % |",
        "| slow | 1,000 | 1,151 | +15.10 % |",
        "| faster | 1,000 | 500 | -50.00 % |",
        "",
        "guard: slow: 15.1 % more instructions than 3dd35a4 (1,000 → 1,151), 15 % are allowed",
    ]


def test_a_case_that_the_base_does_not_know_is_told_and_skipped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert judge([Compared("new", None, 9), Compared("old", 5, 5)], "3dd35a4") == 0
    said = capsys.readouterr().out
    assert "| new | unknown | 9 | skipped |" in said
    assert "guard: new: skipped, 3dd35a4 does not know it" in said


def test_a_base_that_knows_nothing_judges_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge([Compared("new", None, 9)], "3dd35a4") == 3
    assert "NOTHING WAS JUDGED: 3dd35a4 knows none" in capsys.readouterr().err


# --- trees ---


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with two commits on main and, checked out, two on a branch from the first."""
    root = new_repository(tmp_path / "project", PACKAGE)
    git(root, "checkout", "--quiet", "-b", "change")
    for name in ("first", "second"):
        (root / f"{name}.txt").write_text(name)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "-m", name)
    git(root, "update-ref", "refs/remotes/origin/main", "main")
    return root


def test_the_base_is_the_one_that_fits(project: Path) -> None:
    repository = Git.require(project)
    assert base_commit(repository, None, None) == repository.commit_id("change~1")
    assert base_commit(repository, None, "main") == repository.commit_id("main")
    assert base_commit(repository, "change", "main") == repository.commit_id("change")


def test_a_base_that_is_not_here_is_told(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no commit is called nowhere here"):
        base_commit(Git.require(project), "nowhere", None)
    git(tmp_path, "clone", "--quiet", "--depth=1", project.as_uri(), "shallow")
    with pytest.raises(UsageError, match=r"HEAD\^ here: fetch the history"):
        base_commit(Git.require(tmp_path / "shallow"), None, None)


def test_trees_hold_the_commit_and_what_stands_here(project: Path, tmp_path: Path) -> None:
    (project / "lane_planner/__init__.py").write_text("NEW = 1\n")
    for _ in range(2):  # what an earlier run left behind is gone
        extract(
            Git.require(project),
            git(project, "rev-parse", "main").decode().strip(),
            tmp_path / "base",
        )
        copy(project, tmp_path / "here")
        (project / "lane_planner/data.txt").unlink(missing_ok=True)
    assert (tmp_path / "base/lane_planner/__init__.py").read_text() == "OLD = 1\n"
    assert (tmp_path / "base/lane_planner/data.txt").read_text() == "data\n"
    assert [path.name for path in (tmp_path / "here/lane_planner").iterdir()] == ["__init__.py"]
    assert (tmp_path / "here/lane_planner/__init__.py").read_text() == "NEW = 1\n"


def test_a_tree_that_python_does_not_run_is_not_judged(project: Path, tmp_path: Path) -> None:
    require_own(project, environment_of(project))
    copy(project, tmp_path / "here")
    with pytest.raises(Failed, match="Python takes lane_planner from"):
        require_own(tmp_path / "here", environment_of(project))


# --- the real one ---

_SLOWER = "\nfor _ in range(10_000_000):\n    pass\n"


@pytest.mark.long
@needs_valgrind
def test_what_became_slower_fails_and_what_is_equal_passes(tmp_path: Path) -> None:
    for name in ("base", "here"):
        copy(PROJECT, tmp_path / name)
    with (tmp_path / "here/lane_planner/scan/source.py").open("a") as scanner:
        scanner.write(_SLOWER)
    with one_processor():
        cases = compare(tmp_path / "base", tmp_path / "here", rows=40)
    # Only runs that read a file load the scanner.
    equal = [case for case in cases if not case.lost]
    assert [case.name for case in cases if case.lost] == ["check, cold", "check, one edit"]
    assert max(abs(case.change or 0.0) for case in equal) < 1
    assert judge(cases, "base") == 1
    assert judge(equal, "base") == 0

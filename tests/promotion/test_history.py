"""Which moves git follows: our measure beside git's own, and commits that keep history."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.promotion.history import seen_as_rename
from tests.cli.shop import run, shop
from tests.executor.repositories import ENVIRONMENT, git, new_repository

LINES = st.lists(
    st.tuples(st.text("abc d", max_size=90), st.sampled_from(["\n", "\r\n"])),
    min_size=1,
    max_size=9,
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_repository(tmp_path_factory.mktemp("history") / "repo", {"a": b"a\n"})


def ask(root: Path, *arguments: str, stdin: bytes) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, input=stdin, capture_output=True, check=True, env=ENVIRONMENT
    )
    return done.stdout.decode().strip()


@settings(max_examples=40, deadline=None)
@given(LINES, st.data())
def test_git_sees_what_is_said_to_be_seen(
    repository: Path, lines: list[tuple[str, str]], data: st.DataObject
) -> None:
    kept = [
        line
        if data.draw(st.booleans())
        else data.draw(st.tuples(st.text("xyz", max_size=80), st.just("\n")))
        for line in lines
    ]
    before, after = ("".join(map("".join, text)).encode() for text in (lines, kept))
    trees = []
    for name, content in (("old", before), ("new", after)):
        blob = ask(repository, "hash-object", "-w", "--stdin", stdin=content)
        trees.append(ask(repository, "mktree", stdin=f"100644 blob {blob}\t{name}\n".encode()))
    shown = git(repository, "diff-tree", "-r", "-M", "--name-status", *trees)
    assert shown.startswith(b"R") == seen_as_rename(before, after)


def test_a_small_file_that_is_rewritten_keeps_its_history(tmp_path: Path) -> None:
    root = shop(
        tmp_path / "repo",
        {"candidate/pkg/tiny.py": b"from . import part\n", "candidate/pkg/__init__.py": b""},
    )
    ran = run(root, "promote", "candidate.pkg.tiny", "core", "--with-dependencies", "--apply",
              "--format", "json")  # fmt: skip
    assert ran.code == 0, ran.err
    branch = ran.json["branch"]
    moves = git(root, "log", "--follow", "--format=%s", "--name-status", branch, "--",
                "core/pkg/tiny.py").decode()  # fmt: skip
    assert "R100\tcandidate/pkg/tiny.py\tcore/pkg/tiny.py" in moves
    assert git(root, "show", f"{branch}:core/pkg/tiny.py") != b""


def test_a_package_that_leaves_a_stand_in_behind_keeps_its_history(tmp_path: Path) -> None:
    init = b"NAME = 'a package with a line that is long enough to be known again'\n"
    root = shop(tmp_path / "repo", {"candidate/deep/__init__.py": init})
    ran = run(root, "promote", "candidate/deep/__init__.py", "core", "--apply", "--format", "json")
    assert ran.code == 0, ran.out
    branch = ran.json["branch"]
    log = git(root, "log", "--follow", "--format=%s", "--name-status", branch, "--",
              "core/deep/__init__.py").decode()  # fmt: skip
    assert "R100\tcandidate/deep/__init__.py\tcore/deep/__init__.py" in log
    assert git(root, "rev-list", "--count", f"HEAD..{branch}").strip() == b"2"
    trailers = git(root, "log", "--format=%(trailers:key=Lane-Step,valueonly)", f"HEAD..{branch}")
    assert len(set(trailers.decode().split())) == 1


def test_a_usual_move_is_one_commit(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo")
    ran = run(root, "promote", "candidate.a", "core", "--apply", "--format", "json")
    assert git(root, "rev-list", "--count", f"HEAD..{ran.json['branch']}").strip() == b"1"

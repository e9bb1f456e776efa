"""Where a commit names modules, with names that git and shells trip over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lane_planner.base.git import Git
from lane_planner.promotion.references.mentions import Mentions, NamedAt, find_mentions
from tests.executor.repositories import new_repository


def _found(root: Path, *prefixes: str) -> list[tuple[str, str, int]]:
    git = Git.require(root)
    found = find_mentions(git, git.head(), prefixes).mentions()
    return [
        (place.text, place.path, place.line)
        for prefix in prefixes
        for place in (*found.of_name(prefix), *found.of_path(prefix))
    ]


def test_names_and_paths_are_found_with_file_and_line(tmp_path: Path) -> None:
    root = new_repository(
        tmp_path / "repo",
        {
            "a.py": b"import candidate.a.b\n\nx = 'candidate.a'; y = candidate.c\n",
            "docs/x.md": b"see candidate/a/b.py and `candidate.a.b.f`.\n",
            "not.py": b"xcandidate.a candidatex.a candidate\n",
        },
    )
    assert sorted(set(_found(root, "candidate"))) == [
        ("candidate.a", "a.py", 3),
        ("candidate.a.b", "a.py", 1),
        ("candidate.a.b.f", "docs/x.md", 1),
        ("candidate.c", "a.py", 3),
        ("candidate/a/b.py", "docs/x.md", 1),
    ]


@pytest.mark.parametrize(
    "name",
    ["with space.py", "new\nline.py", "co:lon.py", "quote\".py", "tab\t.py", "ü.py", "-dash.py",
     "12:34:candidate.x.py", os.fsdecode(b"latin-\xe9.py")],
)  # fmt: skip
def test_odd_file_names_come_through(tmp_path: Path, name: str) -> None:
    root = new_repository(tmp_path / "repo", {name: b"\ncandidate.a\n"})
    assert _found(root, "candidate") == [("candidate.a", name, 2)]


def test_prefixes_are_taken_literally(tmp_path: Path) -> None:
    root = new_repository(
        tmp_path / "repo", {"a.txt": b"src/c+d/x srcxc+d/x src/ccd/x src.c+d.x\n"}
    )
    assert _found(root, "src/c+d") == [("src/c+d/x", "a.txt", 1)]


def test_binary_files_are_searched(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", {"a.bin": b"\0\ncandidate.a\xff\0\n"})
    assert _found(root, "candidate") == [("candidate.a", "a.bin", 2)]


def test_no_prefix_names_nothing(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", {"b.txt": b"core.a\n"})
    assert _found(root, "candidate") == []
    git = Git.require(root)
    assert list(find_mentions(git, git.head(), ["", ""]).mentions().of_name("core")) == []


def test_only_the_commit_is_searched_below_the_root(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", {"a.py": b"candidate.a\n"}, root="below")
    (tmp_path / "repo/other.py").write_bytes(b"candidate.b\n")
    (root / "a.py").write_bytes(b"candidate.c\n")
    assert _found(root, "candidate") == [("candidate.a", "a.py", 1)]


def test_a_prefix_ends_at_a_name() -> None:
    places = [NamedAt(t, "x", 1) for t in ("a.b", "a.b.c", "a.bc", "a.b-d", "a.b/e")]
    found = Mentions(places)
    assert [place.text for place in found.of_name("a.b")] == ["a.b", "a.b.c"]
    assert [place.text for place in found.of_path("a.b")] == ["a.b", "a.b/e"]
    assert found.just("a.b") == {"x"}
    assert found.just("a") == frozenset()

"""The diff that people read is also one that git applies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from lane_planner.promotion.diff import unified_diff
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.values import FileMove, FileWrite, Promotion
from tests.executor.repositories import git, new_repository
from tests.promotion.trees import Tree, applied, promoted, tree


def _promotion(
    moves: Mapping[str, str], writes: Mapping[str, tuple[bytes, str]], deletes: tuple[str, ...] = ()
) -> Promotion:
    return Promotion(
        "candidate", "core", "x", (), (),
        tuple(FileMove(old, new) for old, new in sorted(moves.items())),
        tuple(FileWrite(path, content, why) for path, (content, why) in sorted(writes.items())),
        deletes,
    )  # fmt: skip


def _tracked(root: Path) -> Tree:
    names = [os.fsdecode(name) for name in git(root, "ls-files", "-z").split(b"\0") if name]
    return {name: (root / name).read_bytes() for name in names}


def _assert_applies(tmp_path: Path, files: Tree, promotion: Promotion) -> str:
    root = new_repository(tmp_path / "repo", files)
    text = unified_diff(promotion, files)
    git(root, "apply", "--index", "-", stdin=text.encode("utf-8"))
    assert _tracked(root) == applied(files, promotion)
    return text


CASES = {
    "a rename": ({"candidate/a.py": b"x = 1\n"}, _promotion({"candidate/a.py": "core/a.py"}, {})),
    "an empty file is renamed": (
        {"candidate/a.py": b"", "b": b""}, _promotion({"candidate/a.py": "core/a.py"}, {}),
    ),
    "a rename with changes": (
        {"candidate/a.py": b"x\n" * 9 + b"from .b import c\n"},
        _promotion(
            {"candidate/a.py": "core/a.py"},
            {"core/a.py": (b"x\n" * 9 + b"from core.b import c\n", "rewritten")},
        ),
    ),
    "a new file, an empty one, and a rewritten one": (
        {"user.py": b"a\nb\nc\n"},
        _promotion(
            {},
            {"core/__init__.py": (MADE_INIT, "made"), "core/e/__init__.py": (b"", "made"),
             "user.py": (b"a\nB\nc\n", "rewritten")},
        ),
    ),
    "files that go away": (
        {"core/__init__.py": MADE_INIT, "e.py": b"", "keep": b""},
        _promotion({}, {}, ("core/__init__.py", "e.py")),
    ),
    "no final newline, before, after and both": (
        {"a.py": b"a", "b.py": b"b\n", "c.py": b"a\nc"},
        _promotion(
            {},
            {"a.py": (b"A\n", "rewritten"), "b.py": (b"B", "rewritten"),
             "c.py": (b"A\nc", "rewritten")},
        ),
    ),
    "carriage returns": (
        {"a.py": b"a\r\nb\r\nc\rd\r\n"},
        _promotion({}, {"a.py": (b"a\r\nB\r\nnew\r\nc\rd\r\n", "rewritten")}),
    ),
    "form feeds and separators of other kinds are no line ends": (
        {"a.py": "a\f\x0bb\u2028c\x85d\n".encode()},
        _promotion({}, {"a.py": ("a\f\x0bb\u2028c\x85D\n".encode(), "rewritten")}),
    ),
    "odd names": (
        {'with space.py': b"a\n", 'quo"te\\.py': b"a\n", "tab\t.py": b"a\n", "ü.py": b"a\n",
         "over\u202eride.py": b"a\n", os.fsdecode(b"latin-\xe9.py"): b"a\n"},
        _promotion(
            {"with space.py": "to there.py", 'quo"te\\.py': 'mo"ved.py',
             os.fsdecode(b"latin-\xe9.py"): os.fsdecode(b"latin-\xe8.py")},
            {"tab\t.py": (b"b\n", "rewritten"), "ü.py": (b"b\n", "rewritten"),
             "over\u202eride.py": (b"b\n", "rewritten"), "new one.py": (b"b\n", "made"),
             "to there.py": (b"a\nb\n", "rewritten")},
        ),
    ),
    "a stub where the file was": (
        {"candidate/p/__init__.py": b"x = 1\n" * 5},
        _promotion(
            {"candidate/p/__init__.py": "core/p/__init__.py"},
            {"candidate/p/__init__.py": (MADE_INIT, "made")},
        ),
    ),
    "the real file where a made one was": (
        {"candidate/p/__init__.py": b"x = 1\n" * 5, "core/p/__init__.py": MADE_INIT},
        _promotion({"candidate/p/__init__.py": "core/p/__init__.py"}, {}, ("core/p/__init__.py",)),
    ),
    "both": (
        {"candidate/p/__init__.py": b"x = 1\n" * 5, "core/p/__init__.py": MADE_INIT},
        _promotion(
            {"candidate/p/__init__.py": "core/p/__init__.py"},
            {"candidate/p/__init__.py": (MADE_INIT, "made"),
             "core/p/__init__.py": (b"x = 2\n" * 5, "rewritten")},
            ("core/p/__init__.py",),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_git_applies_the_diff(tmp_path: Path, name: str) -> None:
    files, promotion = CASES[name]
    text = _assert_applies(tmp_path, files, promotion)
    assert text.isprintable() or all(
        char.isprintable() or char in "\n\r\t\f\x0b\x85\u2028" for char in text
    )


def test_git_applies_the_diffs_of_composed_promotions(tmp_path: Path) -> None:
    files = tree(
        {
            "candidate/p/__init__.py": "from .a import f\n",
            "candidate/p/a.py": "def f():\n    from . import b",
            "candidate/p/b.py": "",
            "user.py": "from candidate.p import a, b\r\nx = 1\r\n",
        }
    )
    steps = [["candidate/p/a.py"], ["candidate/p/__init__.py"], ["candidate/p/b.py"]]
    root = new_repository(tmp_path / "repo", files)
    _, promotions = promoted(files, *steps)
    now = files
    for promotion in promotions:
        git(root, "apply", "--index", "-", stdin=unified_diff(promotion, now).encode())
        now = applied(now, promotion)
        assert _tracked(root) == now


def test_a_file_that_only_moves_has_no_lines() -> None:
    files, promotion = CASES["a rename"]
    assert unified_diff(promotion, files) == (
        "diff --git a/candidate/a.py b/core/a.py\nrename from candidate/a.py\nrename to core/a.py\n"
    )

"""Path globs follow gitignore, name globs follow fnmatchcase."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.config.globs import PathGlobs, glob_fault, name_glob


@pytest.mark.parametrize(
    ("patterns", "path", "matches"),
    [
        (["**/consciousness/**"], "candidate/consciousness/a.py", True),
        (["**/consciousness/**"], "consciousness/b/a.py", True),
        (["**/consciousness/**"], "candidate/consciousness.py", False),
        (["archive/**"], "archive/a/b.py", True),
        (["archive/**"], "candidate/archive/b.py", False),
        (["archive/"], "candidate/archive/b.py", True),
        (["/archive/"], "candidate/archive/b.py", False),
        (["*_pb2.py"], "a/b/c_pb2.py", True),
        (["a/*.py"], "a/b/c.py", False),
        (["**/*ethics*"], "a/my_ethics_engine/c.py", True),
        (["**/*ethics*"], "ethics.py", True),
        (["a/**", "!a/keep/**"], "a/keep/b.py", False),
        (["!a/keep/**", "a/**"], "a/keep/b.py", True),
        (["[ab]/x.py"], "b/x.py", True),
        (["A/**"], "a/x.py", False),
        ([], "a.py", False),
    ],
)
def test_path_globs(patterns: list[str], path: str, matches: bool) -> None:
    assert PathGlobs(patterns).matches(path) is matches


def test_path_globs_reach_worker_processes() -> None:
    globs = pickle.loads(pickle.dumps(PathGlobs(["a/**"])))
    assert globs.patterns == ("a/**",)
    assert globs.matches("a/b.py")


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("a/**", None),
        ("/a b/*.p[yx]", None),
        ("!a/é?.py", None),
        ("\\#a", None),
        ("\\[a", None),
        ("  ", "empty part"),
        ("/", "empty part"),
        ("!", "empty part"),
        ("a//b", "empty part"),
        ("./a", '"."'),
        ("a/../b", '".."'),
        ("# archive", "comment"),
        ("a[b", "without its ]"),
        ("a[]", "without its ]"),
        ("[z-a].py", "gitignore syntax"),
        ("[[:alpha:]].py", "gitignore syntax"),
        ("a\\", "gitignore syntax"),
    ],
)
def test_faults(pattern: str, fault: str | None) -> None:
    found = glob_fault(pattern)
    if fault is None:
        assert found is None
        PathGlobs([pattern])
    else:
        assert found is not None
        assert fault in found


@given(st.text("ab/.*?-![]\\# \n^:") | st.text())
def test_a_pattern_without_fault_can_be_used(pattern: str) -> None:
    if glob_fault(pattern) is None:
        PathGlobs([pattern]).matches("a/b.py")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a_b", False),
        ("a.*", "a.b.c", True),
        ("a.*", "a", False),
        ("a.?", "a.b", True),
        ("[ab].c", "b.c", True),
        ("A.b", "a.b", False),
        ("a", "ab", False),
        ("*", "", True),
    ],
)
def test_name_globs(pattern: str, name: str, matches: bool) -> None:
    assert name_glob(pattern)(name) is matches


def test_loading_the_preset_does_not_import_pathspec_or_difflib() -> None:
    program = """
import sys
from pathlib import Path
from lane_planner.config.load import parse_settings
from lane_planner.config.presets import PRESETS
parse_settings(PRESETS["lukhas"], root=Path("."), source=Path("lanes.toml"))
sys.exit(any(name in sys.modules for name in ("pathspec", "difflib", "json", "dataclasses")))
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

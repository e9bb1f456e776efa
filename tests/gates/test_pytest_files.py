"""The files taken for tests are those that pytest collects."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lane_planner.gates.pytest_files import PytestFiles, pytest_files

PATHS = [
    "test_top.py",
    "core/engine.py",
    "core/test_engine.py",
    "core/engine_test.py",
    "tests/unit/test_a.py",
    "tests/unit/check_b.py",
    "tests/more/test_c.py",
    "tests/conftest.py",
    "tests/test_data.txt",
    "spec/a_spec.py",
]
DEFAULT = {"test_top.py", "core/test_engine.py", "core/engine_test.py", "tests/unit/test_a.py",
           "tests/more/test_c.py"}  # fmt: skip

SETTINGS = {
    "none": ({}, DEFAULT),
    "an empty pytest.ini counts": (
        {"pytest.ini": "", "tox.ini": "[pytest]\ntestpaths = tests\n"},
        DEFAULT,
    ),
    "paths": (
        {"pytest.ini": "[pytest]\ntestpaths = tests spec\n"},
        {"tests/unit/test_a.py", "tests/more/test_c.py"},
    ),
    "a path with a glob": (
        {"tox.ini": "[pytest]\ntestpaths = ./test*/un*\n"},
        {"tests/unit/test_a.py"},
    ),
    "names": (
        {"setup.cfg": "[tool:pytest]\npython_files =\n    check_*.py\n    *_spec.py\n"},
        {"tests/unit/check_b.py", "spec/a_spec.py"},
    ),
    "a glob of a path": (
        {"pyproject.toml": "[tool.pytest.ini_options]\npython_files = ['unit/*.py']\n"},
        {"tests/unit/test_a.py", "tests/unit/check_b.py"},
    ),
    "the first with its table": (
        {
            "pyproject.toml": "[tool.other]\nx = 1\n",
            "tox.ini": "[pytest]\ntestpaths = core\n",
            "setup.cfg": "[tool:pytest]\ntestpaths = spec\n",
        },
        {"core/test_engine.py", "core/engine_test.py"},
    ),
    "a string in TOML": (
        {"pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = 'tests/more core'\n"},
        {"core/test_engine.py", "core/engine_test.py", "tests/more/test_c.py"},
    ),
}


SINCE_9 = {
    "a file of its own in TOML": (
        {
            "pytest.toml": "[pytest]\ntestpaths = ['tests', 'spec']\n",
            "pytest.ini": "[pytest]\ntestpaths = core\n",
        },
        {"tests/unit/test_a.py", "tests/more/test_c.py"},
    ),
    "such a file counts without its table": (
        {".pytest.toml": "", "pytest.ini": "[pytest]\ntestpaths = core\n"},
        DEFAULT,
    ),
    "a table without ini_options": (
        {"pyproject.toml": "[tool.pytest]\npython_files = ['*_spec.py']\n"},
        {"spec/a_spec.py"},
    ),
    "an empty table": (
        {"pyproject.toml": "[tool.pytest]\n", "tox.ini": "[pytest]\ntestpaths = core\n"},
        {"core/test_engine.py", "core/engine_test.py"},
    ),
}


def reader(root: Path) -> Callable[[str], bytes | None]:
    return lambda name: (root / name).read_bytes() if (root / name).is_file() else None


def compare(tmp_path: Path, settings: dict[str, str], expected: set[str]) -> None:
    """Let pytest collect in a tree with settings, and compare."""
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("" if path.endswith("conftest.py") else "def test(): ...\n")
    for path, text in settings.items():
        (tmp_path / path).write_text(text)
    assert set(pytest_files(reader(tmp_path)).among(PATHS)) == expected
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "--import-mode=importlib", "--rootdir=."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
    )  # fmt: skip
    found = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    assert found == expected


@pytest.mark.parametrize(("settings", "expected"), SETTINGS.values(), ids=SETTINGS.keys())
def test_as_pytest_has_it(tmp_path: Path, settings: dict[str, str], expected: set[str]) -> None:
    compare(tmp_path, settings, expected)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest reads these since version 9")
@pytest.mark.parametrize(("settings", "expected"), SINCE_9.values(), ids=SINCE_9.keys())
def test_as_pytest_9_has_it(tmp_path: Path, settings: dict[str, str], expected: set[str]) -> None:
    compare(tmp_path, settings, expected)


@pytest.mark.parametrize(
    "content",
    [b"[tool", b"\xff", b"tool = 1", b"[tool]\npytest = 1", b"[tool.pytest]\nini_options = 1"],
)
def test_settings_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    (tmp_path / "tox.ini").write_bytes(b"x")
    (tmp_path / "setup.cfg").write_bytes(b"[tool:pytest]\npython_files = 'a")
    assert pytest_files(reader(tmp_path)) == PytestFiles()


def test_what_comes_behind_settings_that_cannot_be_read_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("testpaths = tests\n")  # in no section
    (tmp_path / "tox.ini").write_text("[pytest]\ntestpaths = core\n")
    assert pytest_files(reader(tmp_path)) == PytestFiles()

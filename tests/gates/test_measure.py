"""The coverage of one module, from running its tests for real."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lane_planner.gates.measure import Measured, Unmeasured, measure_coverage

FILES = {
    "core/__init__.py": "",
    "core/a.py": "def f(x):\n    if x:\n        return 1\n    return 2\n",
    "core/whole.py": "VALUE = 1\n",
    "core/idle.py": "VALUE = 1\n",
    "core/empty.py": "",
    "top.py": "def f():\n    return 1\n",
    "tests/test_a.py": "from core.a import f\ndef test_f():\n    assert f(1)\n",
    "tests/test_rest.py": "from core.a import f\nimport top\ndef test_f():\n    assert f(0)\n",
    "tests/test_whole.py": "import core.whole\ndef test(): ...\n",
    "tests/test_fails.py": "from core.a import f\ndef test_f():\n    assert f(0) == 1\n",
    "tests/test_broken.py": "import core.gone\n",
    "tests/test_none.py": "",
    "tests/test_hangs.py": "import time\ndef test_f():\n    time.sleep(60)\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "repo"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture
def environment(root: Path, tmp_path: Path) -> Mapping[str, str]:
    """As `gate_environment` makes it, with the pytest that runs this."""
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    tool = bin_directory / "pytest"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pytest --rootdir=. "$@"\n')
    tool.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}
    return clean | {
        "PATH": f"{bin_directory}{os.pathsep}{clean['PATH']}",
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.mark.parametrize(
    ("path", "tests", "outcome"),
    [
        ("core/a.py", ["tests/test_a.py"], Measured(0.75)),
        ("core/a.py", ["tests/test_a.py", "tests/test_rest.py"], Measured(1.0)),
        ("core/whole.py", ["tests/test_whole.py"], Measured(1.0)),
        ("core/idle.py", ["tests/test_a.py"], Measured(0.0)),
        ("core/empty.py", ["tests/test_a.py"], Measured(1.0)),
        ("top.py", ["tests/test_rest.py"], Measured(0.5)),
        ("core/a.py", [], Unmeasured("is reached by no test")),
        (
            "core/a.py",
            ["tests/test_none.py"],
            Unmeasured("is reached by files in which pytest finds no test"),
        ),
    ],
)
def test_the_figure_of_one_module(
    root: Path,
    environment: Mapping[str, str],
    path: str,
    tests: list[str],
    outcome: Measured | Unmeasured,
) -> None:
    (root / ".coverage").write_text("the user's")
    assert measure_coverage(path, tests, root, environment=environment) == outcome
    assert (root / ".coverage").read_text() == "the user's"
    assert not (root / "coverage.json").exists()


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("tests/test_fails.py", "has tests that fail: 1 failed"),
        ("tests/test_broken.py", "has tests that fail: 1 error"),
        (
            "tests/gone.py",
            "cannot be measured, as pytest did not run (exit status 4): ERROR: file or directory",
        ),
    ],
)
def test_failing_tests_show_nothing(
    root: Path, environment: Mapping[str, str], test: str, reason: str
) -> None:
    found = measure_coverage("core/a.py", [test], root, environment=environment)
    assert isinstance(found, Unmeasured)
    assert found.reason.startswith(reason)


def test_hanging_tests_are_ended(root: Path, environment: Mapping[str, str]) -> None:
    tests = ["tests/test_hangs.py"]
    found = measure_coverage("core/a.py", tests, root, environment=environment, timeout=3)
    assert found == Unmeasured("has tests that do not end within 3 s")


def test_the_configuration_of_the_tree_counts(root: Path, environment: Mapping[str, str]) -> None:
    (root / "pytest.ini").write_text("[pytest]\naddopts = --cov --cov-fail-under=100\n")
    (root / ".coveragerc").write_text(
        "[run]\nbranch = true\ncontext = nightly\n[report]\nfail_under = 100\nexclude_also = return 2\n"
    )
    tests = ["tests/test_a.py"]
    found = measure_coverage("core/a.py", tests, root, environment=environment)
    assert found == Measured(1.0)
    (root / ".coveragerc").write_text("[run]\nomit = core/a.py\n")
    found = measure_coverage("core/a.py", tests, root, environment=environment)
    assert found == Unmeasured("is left out by the coverage configuration")


def test_without_pytest_cov_or_pytest(root: Path, environment: Mapping[str, str]) -> None:
    for missing, said in (
        ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, "error: unrecognized arguments: --cov=core"),
        ({"PATH": str(root)}, "no program 'pytest' (on PATH"),
    ):
        found = measure_coverage(
            "core/a.py", ["tests/test_a.py"], root, environment={**environment, **missing}
        )
        assert isinstance(found, Unmeasured)
        assert found.reason.startswith("cannot be measured, as pytest did not run (exit status ")
        assert said in found.reason

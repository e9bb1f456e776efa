"""`pytest --lanes`, run by pytest itself over small repositories."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shop import PROJECT, process_environment

pytest_plugins = ["pytester"]

LANES = """\
[lanes.high]
paths = ["high"]
imports = ["low"]
[lanes.low]
paths = ["low"]
"""
FILES = {
    "high/__init__.py": "",
    "high/a.py": "import low.b\n",
    "low/__init__.py": "",
    "low/b.py": "",
    "tests/test_it.py": "def test_it():\n    pass\n",
    "pytest.ini": "[pytest]\n",
}
BROKEN = {"low/b.py": "import high.a\n"}
SAID = "*low/b.py:1:1: LP101 low may not import lane high: low.b imports high.a"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A repository without violations, and pytest with our plugin and no other of the machine."""
    # By itself pytest would load the plugin by its entry point where the package is installed, and
    # twice is an error; the entry point has its own test.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    write(pytester.path, {"lanes.toml": LANES, **FILES})
    return pytester


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def ran(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "lane_planner.pytest_plugin", *arguments)


def test_lanes_below_the_root_of_pytest(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lanes are those of where pytest is run, as they are for the commands."""
    part = project.path / "backend"
    write(part, {**FILES, **BROKEN, "lanes.toml": LANES})
    (part / "pytest.ini").unlink()
    (project.path / "lanes.toml").unlink()
    monkeypatch.chdir(part)
    result = ran(project, "--lanes")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([SAID])


def test_without_the_option_it_does_nothing(project: pytest.Pytester) -> None:
    write(project.path, BROKEN)
    ran(project).assert_outcomes(passed=1)


def test_kept_lanes_are_a_test_that_passes(project: pytest.Pytester) -> None:
    result = ran(project, "--lanes", "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["lanes.toml::lanes PASSED*"])


def test_a_new_violation_fails(project: pytest.Pytester) -> None:
    write(project.path, BROKEN)
    result = ran(project, "--lanes")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*_ lanes _*", SAID, "1 new finding; `lane-planner check`*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.ret == 1


def test_the_baseline_counts(project: pytest.Pytester) -> None:
    write(project.path, {**BROKEN, "lanes-baseline.txt": "LP101 low.b -> high.a\n"})
    ran(project, "--lanes").assert_outcomes(passed=2)


def test_circular_imports(project: pytest.Pytester) -> None:
    write(project.path, {"high/c.py": "import high.d\n", "high/d.py": "import high.c\n"})
    ran(project, "--lanes").assert_outcomes(passed=2)
    result = ran(project, "--lanes-cycles")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["LP201 circular import: high.c → high.d → high.c"])
    write(project.path, {"lanes-baseline.txt": "LP201 high.c high.d\n"})
    ran(project, "--lanes-cycles").assert_outcomes(passed=2)


@pytest.mark.parametrize("how", [("-k", "not lanes"), ("--deselect", "lanes.toml::lanes")])
def test_it_can_be_left_out(project: pytest.Pytester, how: tuple[str, str]) -> None:
    write(project.path, BROKEN)
    ran(project, "--lanes", *how).assert_outcomes(passed=1, deselected=1)


def test_only_the_lanes(project: pytest.Pytester) -> None:
    write(project.path, BROKEN)
    ran(project, "--lanes", "-k", "lanes").assert_outcomes(failed=1, deselected=1)


@pytest.mark.parametrize(("place", "arguments"), [("repo/tests", ()), ("", ("repo/tests",))])
def test_lanes_above_or_beside_where_pytest_is_run(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, place: str, arguments: tuple[str]
) -> None:
    """The root of pytest is that of the tests that it is asked for."""
    write(project.path / "repo", {**FILES, **BROKEN, "lanes.toml": LANES})
    (project.path / "lanes.toml").unlink()
    monkeypatch.chdir(project.path / place)
    ran(project, "--lanes", *arguments).assert_outcomes(passed=1, failed=1)


def test_no_lanes(project: pytest.Pytester) -> None:
    (project.path / "lanes.toml").unlink()
    result = ran(project, "--lanes")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --lanes: no lanes.toml or *, run `lane-planner init`"])


def test_wrong_lanes(project: pytest.Pytester) -> None:
    write(project.path, {"lanes.toml": "zzz = 1\n" + LANES})
    result = ran(project, "--lanes")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*lanes.toml:1: unknown key zzz*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("broken", [False, True])
def test_with_xdist(project: pytest.Pytester, broken: bool) -> None:
    """Every worker collects the test, and one runs it."""
    write(project.path, BROKEN if broken else {})
    result = ran(project, "-p", "xdist", "--lanes", "--numprocesses", "2")
    result.assert_outcomes(passed=1 if broken else 2, failed=int(broken))
    if broken:
        result.stdout.fnmatch_lines([SAID])


def test_it_costs_nothing_when_it_is_not_asked_for(project: pytest.Pytester) -> None:
    code = (
        "import sys, pytest; code = pytest.main(['-q', '-p', 'lane_planner.pytest_plugin']); "
        "print(*sorted(name for name in sys.modules if name.startswith('lane_planner')), "
        "file=sys.stderr); print(*({'libcst', 'networkx', 'grimp', 'click', 'msgspec'} & "
        "sys.modules.keys()), 'end', file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.path, capture_output=True, text=True,
        env=process_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"), check=True,
    )  # fmt: skip
    version = "lane_planner.base lane_planner.base.version"  # a line of text
    assert done.stderr == f"lane_planner {version} lane_planner.pytest_plugin\nend\n"


def test_pytest_finds_it_where_the_package_is_installed() -> None:
    project = (PROJECT / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\nlane_planner = "lane_planner.pytest_plugin"' in project
    found = importlib.metadata.EntryPoint("lane_planner", "lane_planner.pytest_plugin", "pytest11")
    assert found.load().LanesItem

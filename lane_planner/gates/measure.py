"""Coverage of a module that the data lacks: measured, by the tests that reach it."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from lane_planner.base.errors import LanePlannerError
from lane_planner.config.gates import TESTS
from lane_planner.config.settings import Gate
from lane_planner.gates.command import GateResult, attempt
from lane_planner.gates.coverage import read_coverage
from lane_planner.gates.placeholders import with_paths

_NAME = "coverage"
# pytest's exit codes
_TESTS_FAILED = (1, 2)  # a failure; an error while the tests are collected
_NOTHING_COLLECTED = 5


class Measured(msgspec.Struct, frozen=True):
    """The coverage of a module.

    Attributes:
        fraction: of its lines that ran, 0 to 1.
    """

    fraction: float


class Unmeasured(msgspec.Struct, frozen=True):
    """Why a module's coverage could not be measured.

    Attributes:
        reason: the end of a sentence that begins with the module.
    """

    reason: str


def measure_coverage(
    path: str,
    tests: Sequence[str],
    cwd: Path,
    *,
    environment: Mapping[str, str],
    timeout: float = Gate(_NAME, ()).timeout,
) -> Measured | Unmeasured:
    """Run tests under pytest-cov and return the coverage of one module.

    What runs is the `pytest` of the environment's PATH, so that the tests find what is installed
    for them, with the coverage configuration of the tree. Its data goes to a directory of its own:
    no `.coverage` of the tree is written or read.

    Args:
        path: of the module, below the directory.
        tests: paths of the test files that reach it (`select_tests`).
        cwd: the tree's root; it is run in, and whatever tests write there stays.
        environment: its whole environment (`gate_environment`).
        timeout: seconds that the tests may take.

    Returns:
        Unmeasured if no test reaches the module, or if one fails: what failing tests ran, they do
        not show to work.
    """
    with tempfile.TemporaryDirectory(prefix="lane-planner-") as scratch:
        report = Path(scratch, "coverage.json")
        command = (
            "pytest",
            "-q",
            f"--cov={posixpath.dirname(path) or '.'}",
            "--cov-fail-under=0",  # of the whole, which is not asked for
            f"--cov-report=json:{report}",
            TESTS,
        )
        gate = with_paths(Gate(_NAME, command, "before", timeout=timeout), tests=tests, modules=())
        if isinstance(gate, GateResult):
            return Unmeasured("is reached by no test")
        result = attempt(
            gate, cwd, environment={**environment, "COVERAGE_FILE": str(Path(scratch, "data"))}
        )
        if not result.passed:
            return Unmeasured(_failure(result))
        try:
            fraction = read_coverage(report, cwd).of(path)
        except LanePlannerError as error:
            return Unmeasured(f"has no coverage report: {error.message}")
    if fraction is None:
        return Unmeasured("is left out by the coverage configuration")
    return Measured(fraction)


def _failure(result: GateResult) -> str:
    if result.timed_out:
        return f"has tests that do not end within {result.seconds:.0f} s"
    if result.exit_code == _NOTHING_COLLECTED:
        return "is reached by files in which pytest finds no test"
    lines = [line.strip() for line in result.output.splitlines() if line.strip()]
    if result.exit_code not in _TESTS_FAILED:
        told = [line for word in ("error: ", "ERROR") for line in lines if word in line]
        said = (told or lines[-1:] or ["it printed nothing"])[0]
        return f"cannot be measured, as pytest did not run (exit status {result.exit_code}): {said}"
    return f"has tests that fail: {lines[-1] if lines else 'it printed nothing'}"

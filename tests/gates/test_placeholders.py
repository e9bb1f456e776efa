"""`{tests}` and `{modules}` become paths, and nothing else in a command changes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lane_planner.config.settings import Gate
from lane_planner.gates.command import GateResult
from lane_planner.gates.placeholders import with_paths

TESTS = ("tests/test_a.py", "tests/b/test_b.py")
MODULES = ("core/a.py",)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("make", "smoke"), ("make", "smoke")),
        (("pytest", "-q", "{tests}", "-x"), ("pytest", "-q", *TESTS, "-x")),
        (("ruff", "check", "{modules}"), ("ruff", "check", *MODULES)),
        (("x", "{modules}", "{tests}", "{modules}"), ("x", *MODULES, *TESTS, *MODULES)),
        (("sh", "-c", "ls {tests} ${modules} {x}"), ("sh", "-c", "ls {tests} ${modules} {x}")),
        (("x", "--on={tests}", "{ tests }", "{}"), ("x", "--on={tests}", "{ tests }", "{}")),
    ],
)
def test_only_whole_arguments_are_replaced(
    command: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    gate = Gate("g", command, timeout=3.0, retries=2)
    assert with_paths(gate, tests=TESTS, modules=MODULES) == Gate(
        "g", expected, timeout=3.0, retries=2
    )


def test_without_a_test_the_gate_passes_and_does_not_run() -> None:
    gate = Gate("g", ("pytest", "{tests}"))
    result = with_paths(gate, tests=(), modules=MODULES)
    assert isinstance(result, GateResult)
    assert (result.passed, result.attempts, result.seconds) == (True, 0, 0.0)
    assert result.output == "no test reaches what changed\n"
    assert result.command == ("pytest", "{tests}")


def test_without_a_moved_file_a_gate_runs() -> None:
    assert with_paths(Gate("g", ("x", "{modules}")), tests=(), modules=()) == Gate("g", ("x",))


def test_a_list_that_is_too_long_becomes_directories() -> None:
    tests = [f"{top}/unit/test_{n:05}.py" for top in ("tests", "core") for n in range(3_000)]
    ready = with_paths(Gate("g", ("x", "{tests}")), tests=[*tests, "test_top.py"], modules=())
    assert isinstance(ready, Gate)
    assert ready.command == ("x", "core", "test_top.py", "tests")


def test_the_longest_list_can_be_run() -> None:
    tests = [f"tests/test_{n:07}.py" for n in range(4_500)]
    command = (sys.executable, "-c", "import sys; print(len(sys.argv))", "{tests}")
    ready = with_paths(Gate("g", command), tests=tests, modules=())
    assert isinstance(ready, Gate)
    assert sum(map(len, ready.command)) > 90_000
    assert subprocess.check_output(ready.command, text=True) == "4501\n"


def test_names_like_options_and_of_any_bytes() -> None:
    odd = os.fsdecode(b"t/test_\xff.py")
    ready = with_paths(Gate("g", ("x", "{tests}")), tests=("-x/test_a.py", odd), modules=())
    assert ready == Gate("g", ("x", "./-x/test_a.py", odd))

"""A benchmark passes by its numbers, measured by turns on two real trees."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.config.settings import Benchmark, Gate
from lane_planner.gates.benchmark import NoNumber, Reading, Side, compare, reading_of, run_benchmark
from lane_planner.gates.command import OUTPUT_LIMIT, GateResult

PRINTED = Benchmark("regex", r"took (?P<value>\S+) s")
Better = Literal["lower", "higher"]


@pytest.mark.parametrize(
    ("base", "new", "better", "loss", "passed"),
    [
        (1.0, 1.0, "lower", 0.0, True),
        (1.0, 1.1, "lower", 0.1, True),
        (1.0, 1.11, "lower", 0.11, False),
        (1.0, 0.5, "lower", -0.5, True),
        (100, 90, "higher", 0.1, True),
        (100, 89, "higher", 0.11, False),
        (100, 200, "higher", -1.0, True),
        (0, 0, "lower", 0.0, True),
        (0, 1e-9, "lower", math.inf, False),
        (0, 0, "higher", 0.0, True),
        (1.0, 0.0, "higher", 1.0, False),
    ],
)
def test_a_loss_against_its_budget(
    base: float, new: float, better: Better, loss: float, passed: bool
) -> None:
    compared = compare({"": base}, {"": new}, better=better, budget=0.1)
    (pair,) = compared.pairs
    assert pair.loss == pytest.approx(loss)
    assert compared.passed is passed


def test_the_worst_of_several_counts_and_none_may_go() -> None:
    base, new = {"a": 1.0, "b": 1.0, "old": 1.0}, {"b": 2.0, "a": 0.1, "new": 9.0}
    compared = compare(base, new, better="lower", budget=1.0)
    assert [pair.name for pair in compared.pairs] == ["b", "a"]
    assert (compared.gone, compared.added, compared.passed) == (("old",), ("new",), False)
    del base["old"]
    assert compare(base, new, better="lower", budget=1.0).passed
    assert not compare(base, new, better="lower", budget=0.9).passed
    assert not compare({}, {}, better="lower", budget=1.0).passed


NUMBERS = st.dictionaries(st.sampled_from("abc"), st.floats(0, 1e9), min_size=1)


@given(NUMBERS, NUMBERS, st.sampled_from(["lower", "higher"]), st.floats(0, 1))
def test_a_better_number_never_makes_a_gate_fail(
    base: Reading, new: Reading, better: Better, budget: float
) -> None:
    factor = 0.5 if better == "lower" else 2.0
    improved = {name: number * factor for name, number in new.items()}
    if compare(base, new, better=better, budget=budget).passed:
        assert compare(base, improved, better=better, budget=budget).passed
    assert compare(base, base, better=better, budget=0.0).passed


def report(**seconds: float) -> str:
    return json.dumps(
        {
            "machine_info": {},
            "benchmarks": [
                {"name": name, "fullname": name, "stats": {"min": least, "max": 9.0, "mean": 5.0}}
                for name, least in seconds.items()
            ],
        }
    )


@pytest.mark.parametrize(
    ("metric", "where", "text", "reading"),
    [
        ("regex", r"took (?P<value>\S+) s", "took 1 s\ntook 2.5e1 s\n", {"": 25.0}),
        ("json", "a.1.b", '{"a": [0, {"b": 3}]}', {"": 3.0}),
        ("json", "0", "[1.5]", {"": 1.5}),
        ("pytest-benchmark", "", report(a=1.0, b=2), {"a": 1.0, "b": 2.0}),
        (
            "pytest-benchmark",
            "",
            report(**{"t/a/test_x.py::f[t/1]": 1, "t/b/test_y.py::f": 2}),
            {"test_x.py::f[t/1]": 1.0, "test_y.py::f": 2.0},
        ),
        (
            "pytest-benchmark",
            "",
            report(**{"a/test_x.py::f": 1, "b/test_x.py::f": 2, "b/test_x.py::g": 3}),
            {"a/test_x.py::f": 1.0, "b/test_x.py::f": 2.0, "test_x.py::g": 3.0},
        ),
    ],
)
def test_numbers_are_read(
    metric: Literal["pytest-benchmark", "json", "regex"], where: str, text: str, reading: Reading
) -> None:
    assert reading_of(Benchmark(metric, where), text) == reading


@pytest.mark.parametrize(
    ("metric", "where", "text", "message"),
    [
        ("regex", "(?P<value>x)?y", "", "no number in its output: nothing matches"),
        ("regex", "(?P<value>x)?y", "y", "no number in its output: nothing matches"),
        ("regex", "(?P<value>x+)", "xx", "'xx' in its output is no number"),
        ("regex", "(?P<value>.+)", "nan", "nan in its output is no number to compare"),
        ("regex", "(?P<value>.+)", "-1", "-1 in its output is no number to compare, 0 or more is"),
        ("regex", "(?P<value>.+)", "1e999", "inf in its output is no number to compare"),
        ("json", "a", "", "its output is no such JSON: "),
        ("json", "a", "[" * 100_000, "its output is no such JSON: "),
        ("json", "a.b", '{"a": 1}', "no number in its output: there is no 'a.b'"),
        ("json", "1", "[1]", "there is no '1'"),
        ("json", "a", '{"a": "1"}', "'a' in its output is no number"),
        ("json", "a", '{"a": true}', "'a' in its output is no number"),
        ("json", "a", f'{{"a": 1{"0" * 400}}}', "inf in its output"),
        ("pytest-benchmark", "", "{}", "its output is no such JSON: Object missing"),
        ("pytest-benchmark", "", report(), "the report has no benchmark"),
        ("pytest-benchmark", "", report(a=-1), "-1 in its output"),
    ],
)
def test_a_measurement_without_a_number_says_so(
    metric: Literal["pytest-benchmark", "json", "regex"], where: str, text: str, message: str
) -> None:
    with pytest.raises(NoNumber) as caught:
        reading_of(Benchmark(metric, where), text)
    assert message in str(caught.value)


# Prints the numbers of a file of the tree one after the other, a line of the file a round.
BENCH = """
import os, pathlib, sys
here = pathlib.Path.cwd()
with open(here.parent / "order", "a") as order:
    order.write(here.name + " ")
times = pathlib.Path("times").read_text().split()
done = pathlib.Path("done")
count = len(done.read_text()) if done.exists() else 0
done.write_text("x" * (count + 1))
print("noise")
print(f"took {times[count % len(times)]} s")
"""


def trees(tmp_path: Path, base: str, new: str) -> tuple[Path, Path]:
    for name, times in (("base", base), ("new", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "times").write_text(times)
    return tmp_path / "base", tmp_path / "new"


def measured(
    tmp_path: Path,
    benchmark: Benchmark,
    code: str = BENCH,
    *,
    retries: int = 0,
    timeout: float = 30,
) -> GateResult:
    command = (sys.executable, "-c", code)
    gate = Gate("speed", command, timeout=timeout, retries=retries, benchmark=benchmark)
    sides = [Side(gate, tmp_path / name, os.environ) for name in ("base", "new")]
    return run_benchmark(gate, *sides)


def test_trees_are_measured_by_turns_and_the_best_counts(tmp_path: Path) -> None:
    trees(tmp_path, "2 1 9", "1.05 8 9")
    result = measured(tmp_path, PRINTED)
    assert (tmp_path / "order").read_text() == "base new " * 3
    assert result.output == (
        "best of 3 rounds each, lower is better, a loss of 10.0% is allowed\n"
        "base 1, new 1.05: 1.050 times the base's, 5.0% worse\n"
    )
    assert (result.name, result.phase, result.passed, result.exit_code, result.attempts) == (
        "speed", "after", True, 0, 1,
    )  # fmt: skip


def test_over_the_budget_is_a_failed_gate(tmp_path: Path) -> None:
    trees(tmp_path, "1", "1.5")
    result = measured(tmp_path, PRINTED)
    assert (result.passed, result.timed_out, result.exit_code) == (False, False, 1)
    assert "base 1, new 1.5: 1.500 times the base's, 50.0% worse, over the budget" in result.output


def test_a_retry_measures_both_trees_again(tmp_path: Path) -> None:
    trees(tmp_path, "1 1", "5 1")
    once = Benchmark("regex", PRINTED.where, rounds=1)
    result = measured(tmp_path, once, retries=2)
    assert (result.passed, result.flaky, result.attempts) == (True, True, 2)
    assert "over the budget" in result.output
    assert (tmp_path / "order").read_text() == "base new " * 2


@pytest.mark.parametrize(
    ("code", "exit_code", "timed_out", "output"),
    [
        (
            "print('nothing')",
            1,
            False,
            "round 1 on the base commit: no number in its output: nothing matches",
        ),
        (
            "import sys, pathlib; print('took 1 s', flush=True)\n"
            "if pathlib.Path.cwd().name == 'new': sys.exit('broken')",
            1,
            False,
            "round 1 on the moved tree: exit status 1\ntook 1 s\nbroken",
        ),
        (
            "import time; print('so far', flush=True); time.sleep(60)",
            -9,
            True,
            "round 1 on the base commit: timed out\nso far\n",
        ),
        ("print('x' * 100_000)", 1, False, "nothing matches"),
    ],
)
def test_what_keeps_trees_from_being_compared(
    tmp_path: Path, code: str, exit_code: int, timed_out: bool, output: str
) -> None:
    trees(tmp_path, "", "")
    result = measured(tmp_path, PRINTED, code, timeout=2.0 if timed_out else 30)
    assert (result.passed, result.exit_code, result.timed_out) == (False, exit_code, timed_out)
    assert output in result.output
    assert len(result.output.encode()) <= OUTPUT_LIMIT


WRITE = "import pathlib, sys; p = pathlib.Path('out/new.json'); assert p.parent.is_dir()\n"
FILE = Benchmark("json", "n", "out/new.json", rounds=2)


def test_a_number_in_a_file(tmp_path: Path) -> None:
    trees(tmp_path, "3", "2")
    code = WRITE + "p.write_text('{\"n\": %s}' % pathlib.Path('times').read_text())"
    assert "base 3, new 2: 0.667 times the base's, 33.3% better\n" in (
        measured(tmp_path, FILE, code).output
    )


def test_an_old_number_is_not_read(tmp_path: Path) -> None:
    for tree in trees(tmp_path, "", ""):
        (tree / "out").mkdir()
        (tree / "out/new.json").write_text('{"n": 1}')
    result = measured(tmp_path, FILE, WRITE)
    assert not result.passed
    assert "round 1 on the base commit: it did not write the file out/new.json" in result.output


def test_a_file_outside_the_tree_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/new.json").write_text('{"n": 1}')
    for tree in trees(tmp_path, "", ""):
        (tree / "out").symlink_to(tmp_path / "elsewhere")
    result = measured(tmp_path, FILE, WRITE)
    assert not result.passed and "out/new.json lies outside the tree" in result.output
    assert (tmp_path / "elsewhere/new.json").exists()


@pytest.mark.parametrize(
    "act",
    [
        "import os; os.mkfifo(p)",
        "p.mkdir()",
        "p.symlink_to('/etc/passwd')",
        "f = p.open('w'); f.truncate(60_000_000)",
        "p.write_bytes(b'\\xff\\x00')",
    ],
)
def test_an_odd_file_is_a_failed_gate(tmp_path: Path, act: str) -> None:
    trees(tmp_path, "", "")
    result = measured(tmp_path, FILE, WRITE + act)
    assert (result.passed, result.exit_code) == (False, 1)
    assert result.output.startswith("round 1 on the base commit: ")


def test_benchmarks_of_both_trees_are_paired_by_name(tmp_path: Path) -> None:
    trees(
        tmp_path,
        report(**{"t/candidate/test_a.py::f": 1.0, "t/test_b.py::g": 1.0}),
        report(**{"t/core/test_a.py::f": 1.5, "t/test_b.py::h": 1.0}),
    )
    code = "import shutil; shutil.copy('times', 'out.json')"
    result = measured(tmp_path, Benchmark("pytest-benchmark", "", "out.json", rounds=1), code)
    assert not result.passed
    assert result.output.splitlines()[1:] == [
        "test_a.py::f: base 1, new 1.5: 1.500 times the base's, 50.0% worse, over the budget",
        "measured on the base commit only, which fails: test_b.py::g",
        "measured on the moved tree only: test_b.py::h",
    ]

"""The `[[gates]]` tables: what has to succeed, and what each kind of gate can say."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Literal

from lane_planner.config.document import Table, type_name
from lane_planner.config.paths import read_file_path, read_globs
from lane_planner.config.settings import Benchmark, Gate

TESTS = "{tests}"
"""The argument of a gate's command that stands for the tests that reach what changed."""

MODULES = "{modules}"
"""The argument that stands for the moved files."""

_KEYS = ("name", "kind", "command", "phase", "when", "scope", "timeout", "retries")
_BENCHMARK_KEYS = ("metric", "output", "better", "budget", "rounds")
LONGEST_TIMEOUT = 1_000_000.0  # some twelve days; the system's own clocks for waiting end at 24
MOST_RETRIES = 10
MOST_ROUNDS = 100
_METRICS = 'write "pytest-benchmark", { json = "a.b" } or { regex = "took (?P<value>[0-9.]+)" }'


def read_gates(tables: Sequence[Table], outer: Sequence[str]) -> tuple[Gate, ...]:
    """Read the gates of a configuration.

    Args:
        tables: one a gate.
        outer: the keys of the top of the file.

    Returns:
        The gates in the order of the file.

    Raises:
        UsageError: two have one name, or one says what no gate of its kind can.
    """
    gates: dict[str, Gate] = {}
    for table in tables:
        gate = _gate(table, outer)
        if gate.name in gates:
            raise table.error(("name",), f'two gates are called "{gate.name}", rename one')
        gates[gate.name] = gate
    return tuple(gates.values())


def _gate(table: Table, outer: Sequence[str]) -> Gate:
    table.only((*_KEYS, *_BENCHMARK_KEYS), outer)
    if isinstance(table.values.get("command"), str):
        raise table.error(
            ("command",),
            f"{table.label('command')} is a string, but no shell reads it: write a list of "
            'strings, as ["make", "smoke"]',
        )
    name = table.text("name")
    command = table.texts("command")
    if not command:
        raise table.error(("command",), f"{table.label('command')} is empty, name a program")
    if command[0] in (TESTS, MODULES):
        raise table.error(
            ("command", 0), f"{table.label('command')} begins with {command[0]}, name a program"
        )
    defaults = Gate(name, command)
    timeout = table.number("timeout", defaults.timeout)
    if not 0 < timeout <= LONGEST_TIMEOUT:
        raise table.error(
            ("timeout",),
            f"{table.label('timeout')} is {timeout:g}, write seconds, more than 0 and at most "
            f"{LONGEST_TIMEOUT:.0f}",
        )
    phase = table.choice("phase", ("before", "after"), defaults.phase)
    scope = table.choice("scope", ("batch", "wave"), defaults.scope)
    if scope == "wave" and phase == "before":
        raise table.error(
            ("scope",), f'{table.label("scope")} "wave" is of phase "after": change one of the two'
        )
    return Gate(
        name,
        command,
        phase,
        read_globs(table, "when"),
        timeout,
        _integer(table, "retries", defaults.retries, 0, MOST_RETRIES),
        scope,
        _benchmark(table, command),
    )


def _benchmark(table: Table, command: tuple[str, ...]) -> Benchmark | None:
    if table.choice("kind", ("command", "benchmark"), "command") == "command":
        for key in _BENCHMARK_KEYS:
            if key in table:
                raise table.error(
                    (key,), f'{table.label(key)} is of kind = "benchmark": add that, or remove it'
                )
        return None
    if table.values.get("phase") == "before":
        raise table.error(
            ("phase",),
            f'{table.label("phase")} of a benchmark is "after", as it compares the moved tree '
            "with the base commit's",
        )
    if TESTS in command:
        # The tests of one tree need not be in the other, and two unlike runs compare to nothing.
        raise table.error(
            ("command", command.index(TESTS)),
            f"{table.label('command')}: a benchmark runs on two trees, name its files instead of "
            f"{TESTS}",
        )
    metric, where = _metric(table)
    defaults = Benchmark("regex")
    if "output" not in table and metric != "regex":
        raise table.error(
            (), f"{table.label('output')} is missing, name the file that the command writes"
        )
    better = table.choice("better", ("lower", "higher"), defaults.better)
    if metric == "pytest-benchmark" and better == "higher":
        raise table.error(("better",), f'{table.label("better")}: these are times, write "lower"')
    budget = table.number("budget", defaults.budget)
    if not 0 <= budget <= 1:
        raise table.error(
            ("budget",),
            f"{table.label('budget')} is {budget:g}, write a fraction from 0 to 1, as 0.1 for 10 %",
        )
    return Benchmark(
        metric,
        where,
        read_file_path(table, "output", ".benchmarks/new.json") if "output" in table else None,
        better,
        budget,
        _integer(table, "rounds", defaults.rounds, 1, MOST_ROUNDS),
    )


def _metric(table: Table) -> tuple[Literal["pytest-benchmark", "json", "regex"], str]:
    if "metric" not in table:
        raise table.error((), f"{table.label('metric')} is missing, {_METRICS}")
    value = table.values["metric"]
    if value == "pytest-benchmark":
        return "pytest-benchmark", ""
    if not isinstance(value, dict):
        shown = f'"{value}"' if isinstance(value, str) else type_name(value)
        raise table.error(("metric",), f"{table.label('metric')} is {shown}, {_METRICS}")
    metric = table.table("metric")
    metric.only(("json", "regex"))
    if len(value) != 1:
        raise metric.error((), f"{table.label('metric')} has {len(value)} keys, {_METRICS}")
    if "json" in metric:
        path = metric.text("json")
        if "" in path.split("."):
            raise metric.error(
                ("json",),
                f'{metric.label("json")}: "{path}" has an empty part, write a path such as a.b',
            )
        return "json", path
    return "regex", _expression(metric)


def _expression(metric: Table) -> str:
    written = metric.text("regex")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what Python may read otherwise one day
            groups = re.compile(written).groupindex
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise metric.error(
            ("regex",), f"{metric.label('regex')} is no regular expression of Python's: {error}"
        ) from error
    if "value" not in groups:
        raise metric.error(
            ("regex",), f"{metric.label('regex')} has no group (?P<value>…) around the number"
        )
    return written


def _integer(table: Table, key: str, default: int, least: int, most: int) -> int:
    value = table.integer(key, default)
    if not least <= value <= most:
        raise table.error((key,), f"{table.label(key)} is {value}, write {least} to {most}")
    return value

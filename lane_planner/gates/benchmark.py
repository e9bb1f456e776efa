"""Gates of kind "benchmark": numbers of the moved tree against the base commit's, in one run.

Both trees are measured by turns (base, new, base, new, …), so that a machine that slows down or
warms up does so for both. Of the rounds the best number of each tree counts: what disturbs a
measurement makes it worse, hardly ever better (Chen and Revels, 2016, "Robust benchmarking in
noisy environments", on the minimum as estimator).
"""

from __future__ import annotations

import math
import os
import posixpath
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from lane_planner.base.text import plural, printable
from lane_planner.config.settings import Benchmark, Gate
from lane_planner.gates.command import OUTPUT_LIMIT, GateResult, Stopped, attempt, never, retried

Reading = Mapping[str, float]
"""What one run measured: numbers by the name of a benchmark; "" for a gate's only number."""

# Reports hold every single timing where they are asked to; that much is never needed.
_LARGEST_OUTPUT = 50_000_000
_ROWS = 100
_OVER_BUDGET = 1  # the exit code of a gate whose command ended well, and whose numbers did not


class Side(msgspec.Struct, frozen=True):
    """One of the two trees.

    Attributes:
        gate: the gate, with its paths in this tree.
        cwd: the directory that it runs in.
        environment: its whole environment.
    """

    gate: Gate
    cwd: Path
    environment: Mapping[str, str]


class Pair(msgspec.Struct, frozen=True):
    """One benchmark in both trees.

    Attributes:
        name: of the benchmark; "" for a gate's only number.
        base: the base commit's number.
        new: the moved tree's.
        loss: how much worse the new one is, as a fraction of the base's; negative: it is better.
    """

    name: str
    base: float
    new: float
    loss: float


class Comparison(msgspec.Struct, frozen=True):
    """Two readings side by side.

    Attributes:
        pairs: the benchmarks of both, the worst first, then by name.
        gone: names of those that only the base has, sorted.
        added: names of those that only the moved tree has, sorted.
        passed: whether there is a pair, nothing is gone, and no loss exceeds the budget.
    """

    pairs: tuple[Pair, ...]
    gone: tuple[str, ...]
    added: tuple[str, ...]
    passed: bool


class NoNumber(Exception):
    """A measurement that cannot be compared; the message says why."""


def compare(
    base: Reading, new: Reading, *, better: Literal["lower", "higher"], budget: float
) -> Comparison:
    """Compare what two trees measured.

    Args:
        base: numbers of the base commit, 0 or more.
        new: numbers of the moved tree, likewise.
        better: which numbers are.
        budget: the greatest loss that passes, as a fraction of the base's number.
    """
    pairs = [
        Pair(name, base[name], new[name], _loss(base[name], new[name], better))
        for name in base.keys() & new.keys()
    ]
    pairs.sort(key=lambda pair: (-pair.loss, pair.name))
    gone = tuple(sorted(base.keys() - new.keys()))
    # Numbers are decimal in what prints them: 1.1 against 1.0 is within a budget of 0.1.
    passed = bool(pairs) and not gone and pairs[0].loss <= budget + 1e-9
    return Comparison(tuple(pairs), gone, tuple(sorted(new.keys() - base.keys())), passed)


def _loss(base: float, new: float, better: Literal["lower", "higher"]) -> float:
    worse_by = new - base if better == "lower" else base - new
    if base == 0:
        return 0.0 if worse_by <= 0 else math.inf
    return worse_by / base


def reading_of(benchmark: Benchmark, text: str) -> Reading:
    """Return the numbers in what a benchmark wrote or printed.

    Raises:
        NoNumber: there is none, or one is negative or not finite.
    """
    if benchmark.metric == "regex":
        return {"": _matched(benchmark.where, text)}
    try:
        if benchmark.metric == "pytest-benchmark":
            return _timings(msgspec.json.decode(text, type=_Report))
        return {"": _at(msgspec.json.decode(text), benchmark.where)}
    except (msgspec.MsgspecError, RecursionError) as error:
        raise NoNumber(f"its output is no such JSON: {error}") from error


def run_benchmark(gate: Gate, base: Side, new: Side, *, stopped: Stopped = never) -> GateResult:
    """Measure two trees by turns and compare them; where that fails, as often as `retries` says.

    The file that the command writes is removed before each run, so that no old number is read.

    Args:
        gate: as configured; it has a benchmark.
        base: the tree of the base commit.
        new: the moved tree.
        stopped: as for `run_gate`.

    Returns:
        The result, with the moved tree's command; its output tells the numbers of both trees,
        their ratio and the budget, or what kept them from being compared. Where it is the numbers
        that failed, or were not there, the exit code is 1.

    Raises:
        GateStopped: it was told to.
    """
    return retried(gate, lambda: _compared(gate, base, new, stopped))


def _compared(gate: Gate, base: Side, new: Side, stopped: Stopped) -> GateResult:
    benchmark = gate.benchmark
    assert benchmark is not None
    best: dict[str, Reading] = {}
    seconds = 0.0
    for number in range(1, benchmark.rounds + 1):
        for where, side in (("base commit", base), ("moved tree", new)):
            place = f"round {number} on the {where}"
            try:
                _remove_output(benchmark, side.cwd)
            except (OSError, NoNumber) as error:
                return _failed(gate, new, seconds, f"{place}: {error}\n", "")
            result = attempt(side.gate, side.cwd, environment=side.environment, stopped=stopped)
            seconds += result.seconds
            if not result.passed:
                how = "timed out" if result.timed_out else f"exit status {result.exit_code}"
                text = _bounded(f"{place}: {how}\n", result.output)
                return msgspec.structs.replace(result, seconds=round(seconds, 3), output=text)
            try:
                reading = reading_of(benchmark, _output(benchmark, side.cwd, result.output))
            except NoNumber as error:
                told = f"{place}: {printable(str(error))}\n"
                return _failed(gate, new, seconds, told, result.output)
            best[where] = _better(benchmark, best.get(where), reading)
    compared = compare(
        best["base commit"], best["moved tree"], better=benchmark.better, budget=benchmark.budget
    )
    return GateResult(
        name=gate.name,
        phase=gate.phase,
        command=new.gate.command,
        exit_code=0 if compared.passed else _OVER_BUDGET,
        seconds=round(seconds, 3),
        passed=compared.passed,
        timed_out=False,
        output=_told(compared, benchmark),
    )


def _failed(gate: Gate, new: Side, seconds: float, told: str, output: str) -> GateResult:
    return GateResult(
        name=gate.name,
        phase=gate.phase,
        command=new.gate.command,
        exit_code=_OVER_BUDGET,
        seconds=round(seconds, 3),
        passed=False,
        timed_out=False,
        output=_bounded(told, output),
    )


def _better(benchmark: Benchmark, one: Reading | None, other: Reading) -> Reading:
    if one is None:
        return other
    best = min if benchmark.better == "lower" else max
    return {
        name: best(reading[name] for reading in (one, other) if name in reading)
        for name in {*one, *other}
    }


def _told(compared: Comparison, benchmark: Benchmark) -> str:
    lines = [
        f"best of {plural(benchmark.rounds, 'round')} each, {benchmark.better} is better, a loss "
        f"of {benchmark.budget:.1%} is allowed"
    ]
    for pair in compared.pairs[:_ROWS]:
        name = f"{printable(pair.name)}: " if pair.name else ""
        over = ", over the budget" if pair.loss > benchmark.budget + 1e-9 else ""
        lines.append(f"{name}base {pair.base:g}, new {pair.new:g}: {_change(pair)}{over}")
    if len(compared.pairs) > _ROWS:
        lines.append(f"… and {len(compared.pairs) - _ROWS:,} that lost less")
    lines += _listed("measured on the base commit only, which fails", compared.gone)
    lines += _listed("measured on the moved tree only", compared.added)
    if not compared.pairs:
        lines.append("nothing was measured on both trees")
    return _bounded("\n".join(lines) + "\n", "")


def _change(pair: Pair) -> str:
    if pair.base == pair.new:
        return "the same"
    if not pair.base:
        return f"from nothing, {'worse' if pair.loss > 0 else 'better'}"
    how = "worse" if pair.loss > 0 else "better"
    return f"{pair.new / pair.base:.3f} times the base's, {abs(pair.loss):.1%} {how}"


def _listed(what: str, names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _ROWS:,} more" if len(names) > _ROWS else ""
    return [f"{what}: {', '.join(map(printable, names[:_ROWS]))}{more}"]


def _bounded(told: str, output: str) -> str:
    """Return what we say and the end of what a program said, within the limit of an output."""
    ours = told.encode("utf-8", "replace")[:OUTPUT_LIMIT]
    theirs = output.encode()
    room = OUTPUT_LIMIT - len(ours)
    return (ours + theirs[max(0, len(theirs) - room) :]).decode("utf-8", "ignore")


def _remove_output(benchmark: Benchmark, tree: Path) -> None:
    if benchmark.output is None:
        return
    path = tree / benchmark.output
    # A link in the tree may lead anywhere, and a file is removed here.
    if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(tree)):
        raise NoNumber(f"{printable(benchmark.output)} lies outside the tree")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


def _output(benchmark: Benchmark, tree: Path, printed: str) -> str:
    if benchmark.output is None:
        return printed
    path = tree / benchmark.output
    name = printable(benchmark.output)
    try:
        if path.is_symlink() or not path.is_file():  # a pipe would be waited for
            raise NoNumber(f"it did not write the file {name}")
        with path.open("rb") as file:
            content = file.read(_LARGEST_OUTPUT + 1)
    except OSError as error:
        raise NoNumber(f"{name} cannot be read: {error.strerror or error}") from error
    if len(content) > _LARGEST_OUTPUT:
        raise NoNumber(f"{name} has more than {_LARGEST_OUTPUT:,} bytes")
    return content.decode("utf-8", "replace")


def _matched(expression: str, text: str) -> float:
    found = None
    for match in re.finditer(expression, text):
        found = match["value"]
    if found is None:
        raise NoNumber(f"no number in its output: nothing matches {expression!r}")
    try:
        return _number(float(found))
    except ValueError as error:
        raise NoNumber(f"{found[:80]!r} in its output is no number") from error


def _at(value: object, path: str) -> float:
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise NoNumber(f"no number in its output: there is no {path!r}")
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise NoNumber(f"{path!r} in its output is no number")
    return _number(value)


class _Stats(msgspec.Struct):
    min: float


class _Timing(msgspec.Struct):
    fullname: str
    stats: _Stats


class _Report(msgspec.Struct):
    benchmarks: tuple[_Timing, ...]


def _timings(report: _Report) -> Reading:
    """Return the shortest time of each benchmark of a pytest-benchmark report.

    Benchmarks are named by their file without its directory, as the file may move with the module
    that it measures; with it where two would be one.
    """
    if not report.benchmarks:
        raise NoNumber("no number in its output: the report has no benchmark")
    short = Counter(_short(timing.fullname) for timing in report.benchmarks)
    return {
        timing.fullname if short[name] > 1 else name: _number(timing.stats.min)
        for timing in report.benchmarks
        for name in (_short(timing.fullname),)
    }


def _short(fullname: str) -> str:
    file, colons, test = fullname.partition("::")
    return f"{posixpath.basename(file)}{colons}{test}"


def _number(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not 0 <= number < math.inf:
        raise NoNumber(f"{number:g} in its output is no number to compare, 0 or more is")
    return number

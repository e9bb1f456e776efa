"""Count the gate runs that find the bad steps of a wave: `python -m benchmarks.bisection`.

Nothing is timed: the gate is a simulation, and what is counted is how often it is asked. Beside it
stand one run a step, and what no method can undercut on average if the gate says but pass or fail:
as many bits as it takes to tell which steps are bad.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections.abc import Collection, Sequence
from typing import NamedTuple

from lane_planner.executor.bisection.bisect import Verdict, largest_good

_STEPS = 2000
_BAD = 60
_RATE = _BAD / _STEPS
_SIZES = (10, 25, 50, 100, 200, 500, _STEPS)


class Hints(NamedTuple):
    """What the simulated gate's output names.

    Attributes:
        words: what it is called in the table.
        named: how many of the bad steps of a run it names, on average, of one.
        innocents: how many steps of the run that are not bad it names on average for each that is.
        at_most: how many bad steps it names before it stops; None: as many as there are.
    """

    words: str
    named: float = 0.0
    innocents: float = 0.0
    at_most: int | None = None


_GATES = (
    Hints("pass or fail"),
    Hints("names 8 in 10, and innocents half as often", 0.8, 0.5),
    Hints("names 5 in 10, and as many innocents as bad ones", 0.5, 1.0),
    Hints("names the first bad one, and every second time an innocent", 1.0, 0.5, 1),
    Hints("names innocents only", 0.0, 1.0),
)


class _Gate:
    def __init__(self, bad: Collection[str], hints: Hints, chance: random.Random) -> None:
        self._bad = frozenset(bad)
        self._hints = hints
        self._chance = chance

    def __call__(self, names: frozenset[str]) -> Verdict:
        found = sorted(self._bad & names)
        if not found:
            return Verdict(True)
        hints, chance = self._hints, self._chance
        suspects = {name for name in found[: hints.at_most] if chance.random() < hints.named}
        good = sorted(names - self._bad)
        for _ in found[: hints.at_most]:
            if good and chance.random() < hints.innocents:
                suspects.add(chance.choice(good))
        return Verdict(False, frozenset(suspects))


def count_runs(seed: int, size: int, hints: Hints, *, rate: float | None, confirm: bool) -> int:
    """Return how many runs find all bad steps of a wave.

    Args:
        seed: chooses the bad steps, and what the gate names.
        size: steps that are gated together.
        hints: what the gate names.
        rate: what the search is told of how many are bad.
        confirm: whether a minimal failing set is found for each.
    """
    chance = random.Random(seed)
    steps = [f"step{number:04}" for number in range(_STEPS)]
    bad = frozenset(chance.sample(steps, _BAD))
    gate = _Gate(bad, hints, chance)
    runs = 0
    for start in range(0, _STEPS, size):
        batch = steps[start : start + size]
        found = largest_good(batch, {}, gate, rate=rate, confirm=confirm)
        if not found.exact or bad & set(batch) != {dropped.item for dropped in found.dropped}:
            raise AssertionError(f"seed {seed}, steps from {start}: {found}")
        runs += found.runs
    return runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bisection", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="waves (default 10)")
    options = parser.parse_args(arguments)
    bits = math.log2(math.comb(_STEPS, _BAD))
    print(f"{_STEPS:,} steps, {_BAD} of them bad, means of {options.seeds} seeds (least–most).")
    print(
        f"One run a step: {_STEPS:,}. Bound for pass or fail: log2 C({_STEPS}, {_BAD}) =", end=" "
    )
    print(f"{bits:.0f} runs, {_STEPS / bits:.2f} times fewer.")
    for hints in _GATES:
        print(f"\nGate: {hints.words}\n")
        print("| together | rate told | reasons | runs | least–most | times fewer | × bound |")
        print("| ---: | --- | --- | ---: | ---: | ---: | ---: |")
        for rate in (_RATE, None):
            for confirm in (False, True):
                for size in _SIZES:
                    runs = [
                        count_runs(seed, size, hints, rate=rate, confirm=confirm)
                        for seed in range(options.seeds)
                    ]
                    mean = statistics.mean(runs)
                    print(
                        f"| {size} | {'no' if rate is None else rate} "
                        f"| {'minimal' if confirm else 'as found'} | {mean:.0f} "
                        f"| {min(runs)}–{max(runs)} | {_STEPS / mean:.2f} | {mean / bits:.2f} |"
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

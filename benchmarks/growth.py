"""Time `check` and `plan` on larger and larger fixtures: `python -m benchmarks.growth DIR`.

The aim is that they grow in line with the number of files: a file may take a fifth more time
than in the smallest one, and no more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.commands import Commands, environment
from benchmarks.fixture import prepare, python_files, stage
from benchmarks.machine import Machine
from benchmarks.states import States
from benchmarks.timing import Case, Failed, Sample, Spread, measure, run

SCALES = (1, 10, 27)
"""How many times the modules of the data; the last one makes 100,000."""

LINEAR = 1.2
"""How many times the time of a file in the smallest fixture one in a larger may take."""

MEMORY = 1.5e9
"""Bytes that `check` may take on the largest."""

_OFTEN = 0.02  # seconds between two looks at memory


class Grown(NamedTuple):
    """What a command took on a fixture.

    Attributes:
        command: its name.
        scale: of the fixture.
        files: how many Python files it has.
        wall: seconds.
        cpu: seconds.
        memory: most bytes that its processes held together.
    """

    command: str
    scale: int
    files: int
    wall: Spread
    cpu: Spread
    memory: int

    def per_file(self, first: Grown) -> tuple[float, float]:
        """Return wall and processor time of a file, as multiples of those on another fixture."""
        share = first.files / self.files
        return (
            self.wall.median / first.wall.median * share,
            self.cpu.median / first.cpu.median * share,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0; 2 for a command that fails. A missed aim changes nothing: wall times are noisy.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("work", metavar="DIR", type=Path, help="where the fixtures go (2 GB)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often (default 3)")
    parser.add_argument(
        "--scale", type=int, action="append", metavar="N", help="default: 1, 10 and 27"
    )
    options = parser.parse_args(arguments)
    try:
        grown = _benchmark(options.work.resolve(), options.rounds, options.scale or SCALES)
    except Failed as error:
        print(f"benchmarks.growth: {error}", file=sys.stderr)
        return 2
    print(f"\nMedians of {options.rounds} rounds, all taken in turn:\n\n{markdown(grown)}", end="")
    return 0


def markdown(grown: Sequence[Grown]) -> str:
    """Return a table; the first line of each command is what the others are compared with."""
    header = (
        "run", "files", "wall s", "CPU s", "wall a file", "CPU a file", "linear", "memory MB",
    )  # fmt: skip
    lines: list[Sequence[str]] = [header, ("---", *("---:",) * 5, "---", "---:")]
    first: dict[str, Grown] = {}
    for one in grown:
        base = first.setdefault(one.command, one)
        wall, cpu = one.per_file(base)
        verdict = "" if one is base else "met" if cpu <= LINEAR else "missed"
        lines.append(
            (
                one.command, f"{one.files:,}", f"{one.wall.median:.2f}", f"{one.cpu.median:.2f}",
                f"{wall:.2f}", f"{cpu:.2f}", verdict, f"{one.memory / 1e6:,.0f}",
            )
        )  # fmt: skip
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def peak_memory(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> int:
    """Return the most bytes that a process and what it starts held at one time.

    What several of them share is counted once: it is the sum of their proportional set sizes, or
    where the system does not tell these, of what is resident.
    """
    process = psutil.Popen(
        argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    most = 0
    while process.poll() is None:
        most = max(most, _held(process))
        time.sleep(_OFTEN)
    return most


def _held(process: psutil.Process) -> int:
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    held = 0
    for one in family:
        try:
            memory = one.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it has just ended
        held += getattr(memory, "pss", memory.rss)
    return held


class _Fixture:
    """One of the fixtures, with what is timed on it."""

    def __init__(self, work: Path, scale: int, env: Mapping[str, str]) -> None:
        self.scale = scale
        self.root, self.commit = prepare(work, scale)
        self.files = python_files(self.root)
        self.commands = Commands(self.root, work)
        self._env = env
        states = States(self.files, [], self.run, partial(stage, self.root))
        check, plan = self.commands.check, self.commands.plan
        self.cases = {
            "check, cold": (check, partial(states.without, self.commands.cache)),
            "check, warm": (check, partial(states.warm, check)),
            "plan, warm": (plan, partial(states.warm, plan)),
        }

    def run(self, argv: Sequence[str]) -> Sample:
        return run(argv, self.root, self._env)


def _benchmark(work: Path, rounds: int, scales: Sequence[int]) -> list[Grown]:
    env = environment()
    fixtures = [_Fixture(work, scale, env) for scale in scales]
    print(f"{Machine.here(fixtures[0].commit, fixtures[0].files)}\n")
    samples: dict[tuple[str, int], list[Sample]] = {}
    for name in fixtures[0].cases:
        cases = [
            Case(f"{name} {fixture.scale}", argv, state, cwd=fixture.root)
            for fixture in fixtures
            for argv, state in [fixture.cases[name]]
        ]
        taken = measure(cases, rounds, work, env, lambda text: print(text, file=sys.stderr))
        for fixture in fixtures:
            samples[name, fixture.scale] = taken[f"{name} {fixture.scale}"]
    grown = []
    for (name, scale), timed in samples.items():
        fixture = next(one for one in fixtures if one.scale == scale)
        argv, state = fixture.cases[name]
        with state():
            memory = peak_memory(argv, fixture.root, env)
        wall, cpu = Spread.of([s.wall for s in timed]), Spread.of([s.cpu for s in timed])
        grown.append(Grown(name, scale, len(fixture.files), wall, cpu, memory))
    return grown


if __name__ == "__main__":
    sys.exit(main())

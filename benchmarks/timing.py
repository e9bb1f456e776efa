"""Wall and processor time of whole processes, taken in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_TRACEBACK = "Traceback (most recent call last):"


class Sample(NamedTuple):
    """Seconds that one process took; the processor time is that of its children too."""

    wall: float
    cpu: float


class Spread(NamedTuple):
    """What some numbers come to."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """Return the spread of some numbers, at least one."""
        return cls(statistics.median(numbers), min(numbers), max(numbers))


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to time.

    Attributes:
        name: how it is called; unique.
        argv: the process.
        state: makes what the process finds, and takes it back; neither is timed.
        beside: name of the case that it is compared with; None: of none.
        aim: the most times that case's wall time that it should take; None: no aim.
        cwd: where it runs; None: where all do.
    """

    name: str
    argv: tuple[str, ...]
    state: Callable[[], AbstractContextManager[None]]
    beside: str | None = None
    aim: float | None = None
    cwd: Path | None = None


class Failed(Exception):
    """A process ended otherwise than with 0 (fine) or 1 (findings), or in a traceback."""


class WrongUsage(Failed):
    """A process ended with 2: it does not know what it was asked for."""


def run(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Sample:
    """Run a process to its end, its output thrown away, and return what it took.

    Raises:
        WrongUsage: it ended with exit code 2.
        Failed: it ended with another exit code than 0 and 1, or with 1 and a traceback.
    """
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=errors,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace")
        # An exception that nobody catches ends with 1, too.
        if process.returncode not in (0, 1) or _TRACEBACK in said:
            kind = WrongUsage if process.returncode == 2 else Failed
            raise kind(f"{' '.join(argv)} ended with {process.returncode}\n{said[-2000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime)


def measure(
    cases: Sequence[Case],
    rounds: int,
    cwd: Path,
    env: Mapping[str, str],
    progress: Callable[[str], None],
) -> dict[str, list[Sample]]:
    """Run all cases in turn, again and again, so that what slows the machine slows all of them.

    Args:
        cases: in the order in which they run.
        rounds: how often each counts; one round before that does not.
        cwd: where the processes run.
        env: their whole environment.
        progress: told which round begins.

    Returns:
        The samples of each case, in order.
    """
    samples: dict[str, list[Sample]] = {case.name: [] for case in cases}
    for number in range(rounds + 1):
        progress(f"round {number} of {rounds}" if number else "warm-up round")
        for case in cases:
            with case.state():
                sample = run(case.argv, case.cwd or cwd, env)
            if number:
                samples[case.name].append(sample)
    return samples

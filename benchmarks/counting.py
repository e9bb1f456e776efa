"""Instructions of whole processes, which are the same however busy a machine is.

valgrind's cachegrind counts them. Processor time is not steady enough for small losses, and the
processor's own counter is missing on most virtual machines, those of CI among them.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.timing import Failed, run

_CACHEGRIND = (
    "valgrind", "--quiet", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no",
    # Processes that ours start count, those of git do not: how fast git is, is not ours to mend.
    "--trace-children=yes", "--trace-children-skip=*/git",
)  # fmt: skip

_TOTAL = re.compile(r"(?ms)^events: Ir$.*^summary: (\d+)$")


class CannotCount(Exception):
    """Instructions cannot be counted on this machine, or were not."""


def require_counting(env: Mapping[str, str]) -> None:
    """Count the instructions of a process that does nothing.

    Args:
        env: the environment of what will be counted.

    Raises:
        CannotCount: they cannot be counted here; the message says why.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise CannotCount(f"{sys.platform} cannot hold a process to one processor")
    if shutil.which(_CACHEGRIND[0], path=env.get("PATH")) is None:
        raise CannotCount("valgrind is not on PATH: install it (Debian: apt-get install valgrind)")
    try:
        count((sys.executable, "-c", ""), Path.cwd(), env)
    except Failed as error:
        raise CannotCount(f"valgrind does not run Python here: {error}") from error


def count(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> int:
    """Return how many instructions a process takes, with all that it starts but git.

    Args:
        argv: the process.
        cwd: where it runs.
        env: its whole environment.

    Raises:
        CannotCount: valgrind left no count.
        Failed: the process failed.
    """
    with tempfile.TemporaryDirectory() as directory:
        run((*_CACHEGRIND, f"--cachegrind-out-file={directory}/%p", *argv), cwd, env)
        return total(path.read_text("utf-8", "replace") for path in Path(directory).iterdir())


def total(profiles: Iterable[str]) -> int:
    """Return the instructions of all processes of a run.

    Args:
        profiles: what cachegrind wrote about each.

    Raises:
        CannotCount: there is none, or one without a count, as of a process that was killed.
    """
    counts = []
    for profile in profiles:
        found = _TOTAL.search(profile)
        if found is None:
            raise CannotCount("valgrind wrote no count of instructions for a process")
        counts.append(int(found[1]))
    if not counts:
        raise CannotCount("valgrind wrote no count of instructions")
    return sum(counts)


@contextmanager
def one_processor() -> Iterator[None]:
    """Hold this process, and what it starts, to one processor.

    Files are then read without worker processes: who waits for whom, and how often, is chance.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)

"""`python -m tests.scan.elsewhere watched|parallel ROOT`: a process that tells digests of a graph.

It prints a line for each, and ends with its standard input. No thread of it is ever busy with that
input: a forked worker would wait for the thread.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

from lane_planner.repository.repository import Repository
from tests.scan.documents import read_elsewhere, told
from tests.scan.memory import Memory

_PATIENCE = 120.0  # seconds in which it tells; the machine may be busy
_PROCESSES = 3


class Elsewhere:
    """Such a process.

    Args:
        what: "watched" tells what it sees at first and whenever the repository changes, "parallel"
            what comes out with no cache and several processes, as often as it is asked.
        root: the repository.
    """

    def __init__(self, what: str, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.scan.elsewhere", what, str(root)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        self._lines = [b""]  # the last one is not complete yet

    def ask(self) -> None:
        """Have it tell once more; what it told before does not count."""
        assert self._process.stdin is not None
        self._lines = [b""]
        self._process.stdin.write(b"?")

    def comes_to(self, digest: str) -> bool:
        """Tell whether that is the last that it tells, now or soon."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + _PATIENCE
        while self._lines[-2:] != [digest.encode(), b""]:
            ready, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
            more = os.read(pipe, 10_000) if ready else b""
            if not more:
                return False
            self._lines = (self._lines[-1] + more).split(b"\n")
        return True

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class _InputEnds(threading.Event):
    """Set when standard input has ended; nothing is ever written to it."""

    def is_set(self) -> bool:
        return bool(select.select([0], [], [], 0)[0])


def _watched(root: Path) -> None:
    """Tell what a repository that is watched comes to, by a process that goes on and on."""
    repository = Repository.open(root)
    cache = repository.cache
    watched = repository.watch()

    def tell() -> None:
        watched.see()
        found = Repository.open(root)
        found.cache = cache
        print(told(found).digest(), flush=True)

    tell()
    for _ in watched.changes(_InputEnds()):
        tell()


def _parallel(root: Path) -> None:
    Memory().start()
    while os.read(0, 1):
        found = read_elsewhere(Repository.open(root), workers=_PROCESSES)
        print(found.digest() if found else "it has read them alone", flush=True)


if __name__ == "__main__":
    {"watched": _watched, "parallel": _parallel}[sys.argv[1]](Path(sys.argv[2]))

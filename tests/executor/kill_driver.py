"""`python -m tests.executor.kill_driver --mode MODE`: runs killed at every boundary, then gone on with.

A boundary is the moment before or after a program is started, and before or after the journal is
written to. At each the process is killed with SIGKILL. Then, in one series, the run is gone on
with and has to come to the refs, trees and files that an undisturbed run comes to; in another it
is rolled back, and everything has to be as it was before. What the user has in the checkout, the
index and the stash is compared byte for byte, and the tool's own work tree and scratch files have
to be gone.

Processes are forked from this one, which has loaded everything, as there are hundreds of them.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lane_planner.base.git import Git
from lane_planner.executor.apply import ApplyOptions
from lane_planner.executor.gating.rooms import Workers
from lane_planner.executor.records.journal import Journal, Mode
from lane_planner.executor.records.status import status
from lane_planner.repository.repository import Repository
from tests.executor.campaigns import campaign_repository, planned
from tests.executor.repositories import ENVIRONMENT, git, snapshot

MODES: tuple[Mode, ...] = ("single", "stack", "wave")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: what a killed process leaves running is ours to wait for
# A program of its own, as fast as programs are; it fails for one module, so there is bisection.
_GATE = '\n[[gates]]\nname = "fast"\ncommand = ["test", "!", "-e", "core/m03.py"]\n'


class Kill(NamedTuple):
    """When a process is killed: at a boundary, counted from 1, or after some seconds."""

    boundary: int | None = None
    seconds: float | None = None


class Counted(NamedTuple):
    """How many kills were tried, and what went wrong after some."""

    kills: int
    boundaries: int
    faults: tuple[str, ...]


def main(arguments: list[str]) -> int:
    """Kill runs, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="first boundary")
    parser.add_argument("--stride", type=int, default=1, help="only every so manyth boundary")
    parser.add_argument("--random", type=int, default=0, help="kills at random moments besides")
    parser.add_argument("--workers", type=int, default=1, help="gates at once")
    wanted = parser.parse_args(arguments)
    failed = False
    for mode in wanted.mode or MODES:
        for then in ("resume", "rollback"):
            found = killed(
                mode, then, wanted.steps, wanted.first, wanted.stride, wanted.random,
                wanted.workers,
            )  # fmt: skip
            print(
                f"{mode}, then {then}: {found.kills} kills over {found.boundaries} boundaries, "
                f"{len(found.faults)} faults",
                flush=True,
            )
            for fault in found.faults:
                print(f"  {fault}")
            failed = failed or bool(found.faults) or not found.kills
    return 1 if failed else 0


def killed(
    mode: Mode, then: str, steps: int, first: int, stride: int, moments: int, workers: int
) -> Counted:
    """Kill runs at boundaries and at random moments, and look at what comes of it.

    Args:
        mode: of the campaign.
        then: "resume" or "rollback".
        steps: how many steps the campaign has.
        first: the first boundary to kill at.
        stride: how many boundaries lie between two kills.
        moments: how many kills there are at random moments besides.
        workers: how many gates may run at once; with more than one, which boundary comes when
            differs from run to run.
    """
    os.environ.update({k: v for k, v in ENVIRONMENT.items() if k.startswith("GIT_")})
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as directory:
        trial = _Trial(Path(directory), mode, then, steps, workers)
        faults: list[str] = []
        kills = 0
        boundary, ended = first, False
        while not ended:
            ended, fault = trial.tried(Kill(boundary=boundary))
            kills += not ended
            if fault:
                faults.append(f"boundary {boundary}: {fault}")
            boundary += stride
        chance = random.Random(f"{mode} {then}")
        for _ in range(moments):
            kill = Kill(seconds=chance.uniform(0, trial.seconds))
            _, fault = trial.tried(kill)
            kills += 1
            if fault:
                faults.append(f"{kill.seconds:.4f} s: {fault}")
        return Counted(kills, trial.boundaries, tuple(faults))


class _Trial:
    def __init__(self, directory: Path, mode: Mode, then: str, steps: int, workers: int) -> None:
        self._template = campaign_repository(directory / "template", _GATE)
        self._root = directory / "repository"
        self._then = then
        self._plan = planned(self._template)
        self._options = ApplyOptions(mode=mode, steps=steps, workers=Workers(workers))
        _leave_things_about(self._template)
        self._fresh()
        self._before = self._state()
        started = time.monotonic()
        code = _forked(self._apply, Kill(), count_to=directory / "count")
        self.seconds = time.monotonic() - started
        if code not in (0, 1):
            raise AssertionError(f"the undisturbed run ends with {code}")
        self.boundaries = int((directory / "count").read_text(encoding="ascii"))
        self._after = self._state()
        if self._after == self._before:
            raise AssertionError("the undisturbed run did nothing")

    def tried(self, kill: Kill) -> tuple[bool, str | None]:
        """Kill a run, go on, and return whether it ended before the kill, and what is wrong."""
        self._fresh()
        code = _forked(self._apply, kill)
        ended = code != -signal.SIGKILL
        if ended and code not in (0, 1):
            return True, f"the run ends with {code}"
        if kill.boundary is not None and ended:
            return True, None
        runs = status(Git.require(self._root)).runs
        if self._then == "resume":
            act = self._apply  # nothing was begun
            if runs:
                act = self._resume if runs[-1].status == "interrupted" else lambda: 0
            expected = self._after
        else:
            act = self._roll_back if runs else lambda: 0
            expected = self._before
        code = _forked(act, Kill())
        if code not in (0, 1):
            return ended, f"{self._then} ends with {code}"
        left = status(Git.require(self._root)).leftovers
        if left and runs:
            return ended, f"{self._then} leaves {left[0]}"
        for name, value in self._state().items():
            if value != expected[name]:
                return ended, f"{name} is {value!r:.400}, and not {expected[name]!r:.400}"
        return ended, None

    def _fresh(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.copytree(self._template, self._root, symlinks=True)
        # The index holds the files' times; the copy has them too, but not their inode numbers.
        git(self._root, "update-index", "-q", "--refresh", "--unmerged")

    def _state(self) -> dict[str, object]:
        state = snapshot(self._root)
        del state["git directory"]  # logs of branches that are gone may keep their directories
        del state["index"]  # it holds inode numbers; what is staged is compared
        state["staged"] = git(self._root, "ls-files", "--stage")
        return state

    def _apply(self) -> int:
        result = Repository.open(self._root).apply(self._plan, "plan", self._options)
        return 0 if result.success else 3

    def _resume(self) -> int:
        Repository.open(self._root).resume()
        return 0

    def _roll_back(self) -> int:
        Repository.open(self._root).roll_back()
        return 0


def _leave_things_about(root: Path) -> None:
    """Leave a stash, a staged file, a change and an untracked file, none of them to be moved."""
    (root / "main.py").write_bytes(b"stashed = 1\n")
    git(root, "stash", "--quiet")
    (root / "staged.py").write_bytes(b"staged = 1\n")
    git(root, "add", "staged.py")
    (root / "main.py").write_bytes(b"changed = 1\n")
    (root / "untracked.txt").write_bytes(b"mine\n")
    (root / ".git/hooks").mkdir(exist_ok=True)
    (root / ".git/hooks/post-checkout").write_bytes(b"#!/bin/sh\necho run > hook-ran\n")
    (root / ".git/hooks/post-checkout").chmod(0o755)


def _forked(act: Callable[[], int], kill: Kill, count_to: Path | None = None) -> int:
    """Do something in a process of its own, and wait for all that it starts.

    Args:
        act: returns the exit code.
        kill: when it is killed.
        count_to: file for the number of boundaries.

    Returns:
        Its exit code; the negative number of the signal that ended it.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setsid()
            boundaries = _Boundaries(kill.boundary)
            boundaries.watch()
            if kill.seconds is not None:
                threading.Timer(kill.seconds, _die).start()
            code = act()
            if count_to is not None:
                count_to.write_text(str(boundaries.passed), encoding="ascii")
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    _, waited = os.waitpid(child, 0)
    for _ in _remaining():
        pass
    return os.waitstatus_to_exitcode(waited)


def _remaining() -> Iterator[int]:
    while True:
        try:
            yield os.waitpid(-1, 0)[0]
        except ChildProcessError:
            return


def _die() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)


class _Boundaries:
    """Counts the boundaries that this process passes, and kills it at one."""

    def __init__(self, last: int | None) -> None:
        self.passed = 0
        self._last = last

    def watch(self) -> None:
        """Begin."""
        start: Any = subprocess.Popen.__init__
        begin: Any = Journal.start
        append: Any = Journal.append
        subprocess.Popen.__init__ = self._around(start)  # type: ignore[method-assign]
        Journal.start = self._around(begin)  # type: ignore[method-assign]
        Journal.append = self._around(append)  # type: ignore[method-assign]

    def _around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self._pass()
            result = function(*arguments, **named)
            self._pass()
            return result

        return watched

    def _pass(self) -> None:
        self.passed += 1
        if self.passed == self._last:
            _die()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

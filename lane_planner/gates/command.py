"""Running one gate: a program of the user's, held to a time and an amount of output."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

import msgspec

from lane_planner.base.git import REPOSITORY_VARIABLES
from lane_planner.base.process import kill_group
from lane_planner.config.settings import Gate

OUTPUT_LIMIT = 20_000
_HEAD_LIMIT = 8_000
_TAIL_LIMIT = 11_800  # what the head and the line that tells of the gap leave

# How long a gate that has ended may go on being read: a program that it left behind can hold the
# pipe open, and write to it, for ever.
_LAST_WORDS_SECONDS = 1.0
_POLL_SECONDS = 0.02

# Linux takes no environment string of 128 kB or more.
_LIST_LIMIT = 100_000


class GateResult(msgspec.Struct, frozen=True):
    """How a gate ended.

    Attributes:
        name: the gate's name.
        phase: "before" or "after" the move.
        command: what was run.
        exit_code: its exit status; negative for a signal; 127 if there is no such program, 126 if
            it cannot be run.
        seconds: wall time.
        passed: whether it ended with 0 in time.
        timed_out: whether it was ended for exceeding its time limit.
        output: what it printed on both streams, at most 20,000 bytes in UTF-8: all of it, or
            its beginning and its end. Of several attempts: of the last one that failed.
        attempts: how often it ran; 0: there was nothing for it to run on. All else but `seconds`,
            which counts them all, is of the last one.
        flaky: whether it passed after it had failed.
    """

    name: str
    phase: Literal["before", "after"]
    command: tuple[str, ...]
    exit_code: int
    seconds: float
    passed: bool
    timed_out: bool
    output: str
    attempts: int = 1
    flaky: bool = False

    @property
    def verdict(self) -> str:
        """How it ended, in a few words."""
        if not self.attempts:
            return "not needed"
        if not self.passed:
            how = "timed out" if self.timed_out else f"FAILED ({self.exit_code})"
            return how if self.attempts == 1 else f"{how}, {self.attempts} times"
        return f"passed at attempt {self.attempts}, flaky" if self.flaky else "passed"


def gate_environment(
    inherited: Mapping[str, str],
    *,
    phase: Literal["before", "after"],
    modules: Sequence[str],
    modules_file: Path,
    checkout: Path,
    worktree: Path,
    source_roots: Sequence[str] = (),
) -> dict[str, str]:
    """Return the environment that a gate runs in.

    The rule: the user's environment, less the variables that tie git to a repository, less ours
    (`LANE_PLANNER…`), and with these:

    - `LANE_PLANNER=1` and `LANE_PLANNER_PHASE` ("before" or "after");
    - `LANE_PLANNER_MODULES_FILE`: a file that lists the moved files, one path a line, relative to
      the directory that the gate runs in; sources in the before phase, targets in the after one;
    - `LANE_PLANNER_MODULES`: the same list, unless it is too long for an environment variable
      (100,000 bytes);
    - `PYTHONDONTWRITEBYTECODE=1`;
    - `PYTHONPATH`: the source roots of the tree under test, then what the user has there, where
      directories below the user's checkout (but not in a virtual environment there) become the
      same directories of the tree under test.
      Without this, an editable install or a PYTHONPATH would make the gate import, test and pass
      the user's checkout instead of the moved tree;
    - `PWD`: the directory that the gate runs in.

    Args:
        inherited: the user's environment.
        phase: the gate's phase.
        modules: paths of the moved files in that phase.
        modules_file: where the caller has put the same list.
        checkout: the root in the user's checkout, without symlinks.
        worktree: the root in the tree under test, where gates run.
        source_roots: directories below the root that modules are named from.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if name not in REPOSITORY_VARIABLES and not name.startswith("LANE_PLANNER")
    }
    roots = [os.path.normpath(worktree / root) for root in source_roots]
    entries = [_moved_over(entry, checkout, worktree) for entry in _entries(kept)]
    if search_path := list(dict.fromkeys([*roots, *entries])):
        kept["PYTHONPATH"] = os.pathsep.join(search_path)
    listed = "\n".join(modules)
    if len(os.fsencode(listed)) <= _LIST_LIMIT:
        kept["LANE_PLANNER_MODULES"] = listed
    return kept | {
        "LANE_PLANNER": "1",
        "LANE_PLANNER_PHASE": phase,
        "LANE_PLANNER_MODULES_FILE": str(modules_file),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PWD": str(worktree),
    }


Stopped = Callable[[], bool]
"""Tells whether what is under way is wanted no more."""


class GateStopped(Exception):
    """A gate was killed because nobody wants its result any more."""


def never() -> bool:
    """Tell that it is wanted still."""
    return False


def run_gate(
    gate: Gate, cwd: Path, *, environment: Mapping[str, str], stopped: Stopped = never
) -> GateResult:
    """Run a gate's command until it passes, at most once and `retries` times more.

    Each attempt finds the directory as the one before left it. What `attempt` says holds for all.

    Args:
        gate: what to run, how long an attempt may take, and how often it may be run again.
        cwd: the directory it runs in.
        environment: its whole environment (`gate_environment`).
        stopped: asked again and again from the thread that this is called in.

    Returns:
        How it ended.

    Raises:
        GateStopped: it was told to.
    """
    return retried(gate, lambda: attempt(gate, cwd, environment=environment, stopped=stopped))


def retried(gate: Gate, once: Callable[[], GateResult]) -> GateResult:
    """Do something until it passes, at most once and a gate's `retries` times more.

    Args:
        gate: whose retries count.
        once: does it.

    Returns:
        All the attempts as one result.
    """
    result = once()
    seconds, attempts, failed_output = result.seconds, 1, None
    while not result.passed and attempts <= gate.retries:
        failed_output = result.output
        result = once()
        seconds += result.seconds
        attempts += 1
    if attempts == 1:
        return result
    flaky = result.passed
    return msgspec.structs.replace(
        result,
        seconds=round(seconds, 3),
        output=failed_output if flaky and failed_output is not None else result.output,
        attempts=attempts,
        flaky=flaky,
    )


def attempt(
    gate: Gate, cwd: Path, *, environment: Mapping[str, str], stopped: Stopped = never
) -> GateResult:
    """Run a gate's command once, without a shell, with an empty input and in its own session.

    What the gate leaves running in its process group is killed when it ends or when its time is
    up. A program that left that group (a daemon) is not waited for, even if it holds the gate's
    output open. However much the gate prints, no more than `OUTPUT_LIMIT` of it is held.

    Args:
        gate: what to run and how long it may take.
        cwd: the directory it runs in.
        environment: its whole environment (`gate_environment`).
        stopped: as for `run_gate`.

    Returns:
        How it ended. A program that cannot be started is a gate that failed.

    Raises:
        GateStopped: it was told to.
    """
    if stopped():
        raise GateStopped
    started = time.monotonic()
    output = _Output()
    try:
        process = subprocess.Popen(
            list(gate.command),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        code, text = _not_started(gate, cwd, environment, error)
        return _result(gate, code, time.monotonic() - started, timed_out=False, output=text)
    assert process.stdout is not None  # we asked for a pipe
    with process.stdout as pipe:
        os.set_blocking(pipe.fileno(), False)
        try:
            timed_out = not _read_until_exit(process, pipe, output, started + gate.timeout, stopped)
        finally:  # also when the user interrupts: nothing that a gate started stays behind
            kill_group(process)
            process.wait()
        _read_rest(pipe, output)
    seconds = time.monotonic() - started
    if timed_out:
        output.add(f"\nkilled: it did not end within {gate.timeout:g} s\n".encode())
    return _result(gate, process.returncode, seconds, timed_out=timed_out, output=output.text())


def _result(
    gate: Gate, exit_code: int, seconds: float, *, timed_out: bool, output: str
) -> GateResult:
    return GateResult(
        name=gate.name,
        phase=gate.phase,
        command=gate.command,
        exit_code=exit_code,
        seconds=round(seconds, 3),
        passed=exit_code == 0 and not timed_out,
        timed_out=timed_out,
        output=output,
    )


def _not_started(
    gate: Gate, cwd: Path, environment: Mapping[str, str], error: OSError | ValueError
) -> tuple[int, str]:
    program = gate.command[0] if gate.command else ""
    if not cwd.is_dir():
        return 126, f"cannot run {program!r}: there is no directory {cwd}\n"
    # A directory on PATH that may not be read makes "permission denied" of "not found".
    denied = isinstance(error, PermissionError) and "/" not in program
    missing = denied and shutil.which(program, path=environment.get("PATH")) is None
    if missing or isinstance(error, FileNotFoundError):
        return 127, f"no program {program!r} (on PATH, or below the root if it has a slash)\n"
    reason = error.strerror if isinstance(error, OSError) else None
    return 126, f"cannot run {program!r}: {reason or error}\n"


def _read_until_exit(
    process: subprocess.Popen[bytes],
    pipe: IO[bytes],
    output: _Output,
    deadline: float,
    stopped: Stopped,
) -> bool:
    """Collect output until the program ends (True) or the deadline passes (False)."""
    open_pipe = True
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while process.poll() is None:
            if stopped():
                raise GateStopped
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            pause = min(left, _POLL_SECONDS)
            if not open_pipe:  # it closed its output but runs on
                time.sleep(pause)
            elif selector.select(pause):
                open_pipe = _read_once(pipe, output) != b""
    return True


def _read_rest(pipe: IO[bytes], output: _Output) -> None:
    """Collect what the program left in the pipe, without waiting for more."""
    deadline = time.monotonic() + _LAST_WORDS_SECONDS
    while time.monotonic() < deadline and _read_once(pipe, output):
        pass


def _read_once(pipe: IO[bytes], output: _Output) -> bytes | None:
    """Collect one chunk; return it, b"" at the end, or None if nothing is there now."""
    try:
        chunk = os.read(pipe.fileno(), 65_536)
    except BlockingIOError:
        return None
    output.add(chunk)
    return chunk


class _Output:
    """The beginning and the end of a stream of any length, in bounded memory."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._skipped = 0

    def add(self, chunk: bytes) -> None:
        room = _HEAD_LIMIT - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        excess = len(self._tail) - _TAIL_LIMIT
        if excess > 0:
            del self._tail[:excess]
            self._skipped += excess

    def text(self) -> str:
        if not self._skipped:
            text = (self._head + self._tail).decode("utf-8", "replace")
            if len(text.encode()) <= OUTPUT_LIMIT:
                return text
        # Each byte that is not UTF-8 becomes a character of three bytes: cut again after decoding.
        head = self._head.decode("utf-8", "replace").encode()
        tail = self._tail.decode("utf-8", "replace").encode()
        gap = f"\n[… {self._skipped:,} bytes left out …]\n" if self._skipped else "\n[…]\n"
        return (
            head[:_HEAD_LIMIT].decode("utf-8", "ignore")
            + gap
            + tail[-_TAIL_LIMIT:].decode("utf-8", "ignore")
        )


def _entries(environment: Mapping[str, str]) -> list[str]:
    return [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _moved_over(entry: str, checkout: Path, worktree: Path) -> str:
    path = Path(os.path.realpath(entry))
    if not os.path.isabs(entry) or not path.is_relative_to(checkout):
        return entry
    below = path.relative_to(checkout)
    if any((checkout / parent / "pyvenv.cfg").is_file() for parent in below.parents):
        return entry
    return str(worktree / below)

"""The one door to other programs: an argument list, a directory, an environment, a time limit."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lane_planner.base.errors import EnvironmentFailure


class Completed(NamedTuple):
    """How a program ended.

    Attributes:
        argv: what was run.
        exit_code: its exit status; negative for a signal, as in `subprocess`.
        stdout: what it printed, at most the caller's limit (the end is kept).
        stderr: likewise.
        seconds: wall time.
        timed_out: whether it was ended for exceeding its time limit.
    """

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    timed_out: bool


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
) -> Completed:
    """Run a program without a shell, in a process group of its own.

    Args:
        argv: the program and its arguments.
        cwd: the directory it runs in.
        env: its whole environment; None inherits ours.
        stdin: what it reads; None gives it an empty input.
        timeout: seconds after which its process group is killed.

    Returns:
        How it ended; a time-out is a result, not an error.

    Raises:
        EnvironmentFailure: the program cannot be started.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        reason = error.strerror if isinstance(error, OSError) else None
        raise EnvironmentFailure(f"cannot run {argv[0]!r} in {cwd}: {reason or error}") from error
    timed_out = False
    try:
        out, err = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        kill_group(process)
        out, err = process.communicate()
    except BaseException:  # an interrupt must not leave the program behind
        kill_group(process)
        process.wait()
        raise
    seconds = time.monotonic() - started
    return Completed(tuple(argv), process.returncode, out, err, seconds, timed_out)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and all that it started in its group; it was started in one of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nobody is left in the group, or (macOS) only those that have ended already.
        process.kill()

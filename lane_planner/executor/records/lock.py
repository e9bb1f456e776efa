"""One run at a time: a lock that the operating system releases however its holder ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.text import printable

# Somebody who only looks (`holder`) has the lock for an instant: trying again tells them from a
# run.
_TRIES = 5
_PAUSE_SECONDS = 0.02


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock.

    Attributes:
        pid: process id.
        command: what it was asked to do.
        since: when it took the lock, as an ISO 8601 string in UTC.
    """

    pid: int
    command: str
    since: str


@contextmanager
def run_lock(path: Path, *, command: str, since: str) -> Iterator[Holder]:
    """Hold the lock while the block runs.

    The file stays: removing it would let two processes lock two files of one name.

    Args:
        path: the lock file; its directory is made if need be.
        command: what this process does, for whoever finds the lock taken.
        since: the time now, as an ISO 8601 string in UTC.

    Raises:
        EnvironmentFailure: another process holds it (the message names it), or the file cannot
            be written.
    """
    mine = Holder(os.getpid(), printable(command), since)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise EnvironmentFailure(f"cannot write {path}: {error.strerror or error}") from error
    try:
        if not _locked(descriptor, path):
            raise EnvironmentFailure(_taken(_read(descriptor)))
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(mine), 0)
        except OSError as error:
            raise EnvironmentFailure(f"cannot write {path}: {error.strerror or error}") from error
        try:
            yield mine
        finally:
            # A worker process that was forked meanwhile shares our descriptor: closing ours
            # alone would leave the lock with it.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def holder(path: Path) -> Holder | None:
    """Return who holds the lock, or None if nobody does.

    Args:
        path: the lock file; it need not exist.

    Raises:
        EnvironmentFailure: the file cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor) or Holder(0, "unknown", "unknown")
    except OSError as error:
        raise EnvironmentFailure(f"cannot lock {path}: {error.strerror or error}") from error
    finally:
        os.close(descriptor)
    return None


def _locked(descriptor: int, path: Path) -> bool:
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError as error:
            raise EnvironmentFailure(f"cannot lock {path}: {error.strerror or error}") from error
        return True
    return False


def _read(descriptor: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, 65_536, 0), type=Holder)
    except msgspec.MsgspecError:
        return None  # its holder has taken it but not yet written who it is


def _taken(by: Holder | None) -> str:
    if by is None:
        return "another run is under way in this repository: wait for it to end"
    return (
        f"another run is under way in this repository: process {by.pid} "
        f"({by.command}), since {by.since}; wait for it to end"
    )

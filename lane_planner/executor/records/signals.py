"""Ends and interrupts that a run can undo itself after, and moments that they have to wait for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def undoable_termination() -> Iterator[None]:
    """Turn SIGTERM into SystemExit while the block runs, so that what it began is undone.

    Does nothing outside the main thread, or where the program has its own way with the signal.
    """
    if not _main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put SIGINT and SIGTERM off until the block ends.

    For short acts that git must not be killed in: a killed `git update-ref` leaves its lock
    beside the user's refs. Outside the main thread, where Python delivers no signal, it does
    nothing.
    """
    if not _main_thread():
        yield
        return
    came: list[int] = []

    def later(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A handler that Python did not set (None) could not be put back.
    ours = {number: handler for number, handler in before.items() if handler is not None}
    for number in ours:
        signal.signal(number, later)
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        for late in dict.fromkeys(came):
            signal.raise_signal(late)


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

"""Threads beside which this process may be forked.

A forked process has of all threads just the one that forked it. What another one held at that
moment, such as the lock of standard input that it was waiting for, is held there for ever.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_PREFIX = "lane-planner-beside"


def beside() -> ThreadPoolExecutor:
    """Return a pool of one thread, for work that holds nothing which a forked process asks for."""
    from concurrent.futures import ThreadPoolExecutor  # loads logging, which a check never needs

    return ThreadPoolExecutor(1, thread_name_prefix=_PREFIX)


def may_fork() -> bool:
    """Tell whether all other threads of Python's are such ones."""
    me = threading.current_thread()
    return all(thread is me or thread.name.startswith(_PREFIX) for thread in threading.enumerate())

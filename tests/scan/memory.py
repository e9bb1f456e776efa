"""What was found in contents, kept, so that the same files can be read hundreds of times."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any, TypeVar
from unittest import mock

from lane_planner.base.cluster import Connection
from lane_planner.scan import source as source_module
from lane_planner.scan import syntax as syntax_module

_Found = TypeVar("_Found")


class Memory:
    """What was found in contents, kept by all their bytes; forked processes begin with it.

    Attributes:
        kept: whether it is used.
    """

    def __init__(self) -> None:
        self.kept = True
        self._patches: list[Any] = [
            mock.patch.object(source_module, "scan_source", self.of(source_module.scan_source)),
            mock.patch.object(syntax_module, "syntax_fault", self.of(syntax_module.syntax_fault)),
        ]

    def of(self, finds: Callable[[bytes], _Found]) -> Callable[[bytes], _Found]:
        """Return what does the same, and not twice."""
        known: dict[bytes, _Found] = {}

        def remembered(content: bytes) -> _Found:
            if not self.kept:
                return finds(content)
            if content not in known:
                known[content] = finds(content)
            return known[content]

        return remembered

    def start(self) -> None:
        """Have this process ask it before it looks into a content."""
        for patch in self._patches:
            patch.start()

    def stop(self) -> None:
        """Have this process look again."""
        for patch in self._patches:
            patch.stop()


def remembering(scheduler: str, kept: bool) -> None:
    """Say whether the workers of a cluster use a memory; each has one of its own."""
    with contextlib.closing(Connection(scheduler)) as connection:
        connection.run_everywhere(_remember, kept)


def _remember(kept: bool) -> None:
    _of_this_process().kept = kept


@functools.cache
def _of_this_process() -> Memory:
    memory = Memory()
    memory.start()
    return memory

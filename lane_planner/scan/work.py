"""What is done with the contents of files, in any process, and how it is told to another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from lane_planner.scan.cache import content_key
from lane_planner.scan.records import FileRecord, SyntaxFault
from lane_planner.scan.sources import Entry

Found = TypeVar("Found")


class Work(NamedTuple, Generic[Found]):
    """Work on file contents.

    Attributes:
        name: by which another process knows it.
        loads: the module that it needs, loaded once before workers are forked.
        finds: does it on one content.
        unreadable: what is found in a file that cannot be read.
        answers: reads what another process sends back.
    """

    name: str
    loads: str
    finds: Callable[[bytes], Found]
    unreadable: Callable[[OSError], Found]
    answers: msgspec.msgpack.Decoder[list[tuple[bytes, Found]]]

    def on(self, contents: Iterable[tuple[Entry, bytes | OSError]]) -> list[tuple[bytes, Found]]:
        """Return what is found in each file, with the key of its content; b"": it has none."""
        return [
            (b"", self.unreadable(content))
            if isinstance(content, OSError)
            else (entry.blob or content_key(content), self.finds(content))
            for entry, content in contents
        ]

    def packed(self, found: Sequence[tuple[bytes, Found]]) -> bytes:
        """Return what was found, for another process.

        It is one value for many files: pickling thousands of small records costs more than making
        them.
        """
        return msgspec.msgpack.encode(found)


def _record(content: bytes) -> FileRecord:
    from lane_planner.scan.source import scan_source  # loads what a warm run never needs

    return scan_source(content)


def _no_record(error: OSError) -> FileRecord:
    return FileRecord(undecodable=f"cannot be read: {error.strerror or error}")


def _fault(content: bytes) -> SyntaxFault | None:
    from lane_planner.scan.syntax import syntax_fault

    return syntax_fault(content)


def _no_fault(error: OSError) -> None:
    """Return nothing: that it cannot be read is in the record."""


SCAN = Work(
    "scan", "lane_planner.scan.source", _record, _no_record,
    msgspec.msgpack.Decoder(list[tuple[bytes, FileRecord]]),
)  # fmt: skip
CHECK: Work[SyntaxFault | None] = Work(
    "check", "lane_planner.scan.syntax", _fault, _no_fault,
    msgspec.msgpack.Decoder(list[tuple[bytes, SyntaxFault | None]]),
)  # fmt: skip
WORKS: dict[str, Work[Any]] = {work.name: work for work in (SCAN, CHECK)}
"""By name."""

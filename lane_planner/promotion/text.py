"""A source file as text that is edited in place: what is not edited keeps every byte."""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections.abc import Iterable

import msgspec

from lane_planner.scan.decode import declared_encoding, decode


class Edit(msgspec.Struct, frozen=True, order=True):
    """A stretch of the text and what takes its place.

    Attributes:
        start: offset of its first character.
        end: offset behind its last one.
        new: the new text, with "\\n" for newlines.
    """

    start: int
    end: int
    new: str


class OverlappingEdits(Exception):
    """Two edits want the same stretch; the argument is the line, from 1, of the second."""


class SourceText:
    """The text of a Python file, newlines as "\\n", and the way back to its bytes.

    Args:
        content: the file's bytes.

    Raises:
        Undecodable: they are not text in the encoding that the file declares.
    """

    def __init__(self, content: bytes) -> None:
        self.text = decode(content)
        self._bom = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        body = content[len(self._bom) :]
        self._encoding = declared_encoding(body) or "utf-8"
        self._original = body.decode(self._encoding)
        self._newline = "\n"
        # Offsets, in the text, of newlines that are two characters in the file.
        self._wide: list[int] = []
        if "\r" in self._original:
            position = shift = 0
            while (found := self._original.find("\r\n", position)) >= 0:
                self._wide.append(found - shift)
                shift += 1
                position = found + 2
            self._newline = "\r\n" if self._wide else "\r"

    def line_of(self, offset: int) -> int:
        """Return the line, from 1, of an offset."""
        return self.text.count("\n", 0, offset) + 1

    def offset_of(self, line: int, column: int) -> int:
        """Return the offset of a line, from 1, and a column in characters, from 0."""
        position = 0
        for _ in range(line - 1):
            position = self.text.index("\n", position) + 1
        return position + column

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the file's bytes with some stretches replaced.

        Args:
            edits: in any order.

        Raises:
            OverlappingEdits: two of them overlap.
            UnicodeEncodeError: the file's encoding has no such characters.
        """
        parts: list[str] = []
        position = 0
        for edit in sorted(set(edits)):
            if edit.start < position:
                raise OverlappingEdits(self.line_of(edit.start))
            parts.append(self._original[self._back(position) : self._back(edit.start)])
            parts.append(edit.new.replace("\n", self._newline))
            position = edit.end
        parts.append(self._original[self._back(position) :])
        return self._bom + "".join(parts).encode(self._encoding)

    def _back(self, offset: int) -> int:
        return offset + bisect_right(self._wide, offset - 1)

"""A source file as text that is edited in place: what is not edited keeps every byte."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections.abc import Iterable

import msgspec

from lane_planner.scan.decode import declared_encoding, decode
from lane_planner.scan.lexer import statement_end
from lane_planner.scan.records import FileRecord


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
        declared = declared_encoding(body) or "utf-8"
        # This codec takes away a mark and puts one back; the mark is kept by itself here.
        self._encoding = "utf-8" if codecs.lookup(declared).name == "utf-8-sig" else declared
        self._original = body.decode(self._encoding)
        self._content = content
        self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        # Offsets, in the text, of newlines that are two characters in the file.
        self._wide: list[int] = []
        if "\r" in self._original:
            position = shift = 0
            while (found := self._original.find("\r\n", position)) >= 0:
                self._wide.append(found - shift)
                shift += 1
                position = found + 2

    def line_of(self, offset: int) -> int:
        """Return the line, from 1, of an offset."""
        return bisect_right(self._starts, offset)

    def offset_of(self, line: int, column: int) -> int:
        """Return the offset of a line, from 1, and a column in characters, from 0."""
        return self._starts[line - 1] + column

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the file's bytes with some stretches replaced.

        Args:
            edits: in any order.

        Raises:
            OverlappingEdits: two of them overlap.
            UnicodeEncodeError: the file's encoding has no such characters, or does not give the
                same bytes again.
        """
        if self._encoded(self._original) != self._content:
            raise UnicodeEncodeError(
                self._encoding, self._original, 0, 1, "it does not give the same bytes again"
            )
        parts: list[str] = []
        position = 0
        for edit in sorted(set(edits)):
            if edit.start < position:
                raise OverlappingEdits(self.line_of(edit.start))
            parts.append(self._original[self._back(position) : self._back(edit.start)])
            parts.append(edit.new.replace("\n", self._newline_at(edit.end)))
            position = edit.end
        parts.append(self._original[self._back(position) :])
        return self._encoded("".join(parts))

    def _encoded(self, text: str) -> bytes:
        return self._bom + text.encode(self._encoding)

    def _newline_at(self, offset: int) -> str:
        """Return the newline that ends the line of an offset; of the last line, the one before."""
        found = self.text.find("\n", offset)
        if found < 0:
            found = self.text.rfind("\n", 0, offset)
        if found < 0:
            return "\n"
        return self._original[self._back(found) : self._back(found + 1)]

    def _back(self, offset: int) -> int:
        return offset + bisect_right(self._wide, offset - 1)


def import_statements(source: SourceText, record: FileRecord) -> list[tuple[int, int]]:
    """Return where the import statements of a text begin and end, as offsets, in order.

    Args:
        source: the text.
        record: its imports.
    """
    text = source.text
    found: list[tuple[int, int]] = []
    for line, column in sorted({(r.line, r.column) for r in record.imports if not r.dynamic}):
        start = source.offset_of(line, column)
        if not found or start >= found[-1][1]:
            word = text.index("import", start)
            found.append((start, statement_end(text, word + len("import"))))
    return found


def outside_imports(source: SourceText, record: FileRecord) -> list[tuple[int, int]]:
    """Return the stretches of a text between its import statements, as offsets, in order.

    Args:
        source: the text.
        record: its imports.
    """
    parts, position = [], 0
    for start, end in import_statements(source, record):
        parts.append((position, start))
        position = end
    return [*parts, (position, len(source.text))]

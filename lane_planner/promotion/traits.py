"""What is written in a file, found once: cheap signs by which most files need no closer look."""

from __future__ import annotations

import re
from functools import cached_property

from lane_planner.promotion.text import SourceText, outside_imports
from lane_planner.scan.records import FileRecord

_WORD = re.compile(rb"[\w\x80-\xff]+")
_ATTRIBUTE = re.compile(rb"\.\s*([\w\x80-\xff]+)")
# A quoted name, dotted or not: its last word.
_QUOTED = re.compile(rb"[\"'][\w.\x80-\xff]*?([\w\x80-\xff]+)[\"']")
# A dotted name; the most usual ways to write an import are no use of it.
_CHAIN = re.compile(
    rb"(?<!import )(?<!from )(?<![\w\x80-\xff.])[\w\x80-\xff]+(?:\s*\.\s*[\w\x80-\xff]+)+"
)
_BLANKS = re.compile(rb"\s+")


class Traits:
    """Signs of what a file holds, read as bytes and not as code: some may stand in prose.

    Args:
        content: the file's bytes.
        record: its imports; None for a file that is no module.

    Attributes:
        content: the file's bytes.
    """

    def __init__(self, content: bytes, record: FileRecord | None) -> None:
        self.content = content
        self._record = record

    @cached_property
    def words(self) -> frozenset[bytes]:
        """All words."""
        return frozenset(_WORD.findall(self.content))

    @cached_property
    def attributes(self) -> frozenset[bytes]:
        """The words behind a dot."""
        return frozenset(_ATTRIBUTE.findall(self.content))

    @cached_property
    def quoted(self) -> frozenset[bytes]:
        """The last words of quoted names."""
        return frozenset(_QUOTED.findall(self.content))

    @cached_property
    def chains(self) -> frozenset[bytes]:
        """The dotted names and whatever they begin with: a.b.c and a.b."""
        found: set[bytes] = set()
        for written in frozenset(_CHAIN.findall(self.content)):
            chain = _BLANKS.sub(b"", written)
            while b"." in chain and chain not in found:
                found.add(chain)
                chain = chain.rpartition(b".")[0]
        return frozenset(found)

    @cached_property
    def code(self) -> str:
        """The text without its import statements.

        Raises:
            Undecodable: it is no text.
        """
        source = SourceText(self.content)
        if self._record is None:
            return source.text
        parts = outside_imports(source, self._record)
        return "\n".join(source.text[slice(*part)] for part in parts)

    @cached_property
    def words_of_code(self) -> frozenset[bytes]:
        """All words outside import statements."""
        return frozenset(_WORD.findall(self.code.encode("utf-8", "surrogateescape")))

    @cached_property
    def attributes_of_code(self) -> frozenset[bytes]:
        """The words behind a dot outside import statements."""
        return frozenset(_ATTRIBUTE.findall(self.code.encode("utf-8", "surrogateescape")))

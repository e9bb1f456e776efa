"""Where each part of an import statement stands in a text: module, names, what they are bound as.

Statements as plain as most are taken apart by one expression, all others by libcst, which takes
longer to load than a promotion takes to be worked out; see `lane_planner.scan.plain`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lane_planner.scan.plain import is_plain

if TYPE_CHECKING:
    import libcst as cst

_WORDS = re.compile(r"#[^\n]*|(?P<word>\.+(?=import\b)|\.*\w+(?:\.\w+)*|\.+|\*)")


class Word(NamedTuple):
    """A dotted name in a text.

    Attributes:
        text: the name without blanks around its dots.
        start: offset of its first character.
        end: offset behind its last one.
    """

    text: str
    start: int
    end: int


class Imported(NamedTuple):
    """One name of an import statement, and what it is bound as, if that is said."""

    name: Word
    bound: Word | None


class ImportStatement(NamedTuple):
    """An import statement, taken apart.

    Attributes:
        module: of a `from` import: its dots and module; None: `import a.b`.
        imported: the names; none where all are imported (`*`).
    """

    module: Word | None
    imported: tuple[Imported, ...]


class Unparsable(Exception):
    """A text is not one import statement."""


def take_apart(text: str, start: int, end: int) -> ImportStatement:
    """Return the parts of an import statement.

    Args:
        text: a file's text.
        start: offset of the statement's first character.
        end: offset behind its last one.

    Raises:
        Unparsable: it does not parse alone.
    """
    statement = text[start:end]
    if is_plain(statement):
        return _plain(text, start, end)
    return parsed(statement, start)


def _plain(text: str, start: int, end: int) -> ImportStatement:
    words = [
        Word(found["word"], *found.span())
        for found in _WORDS.finditer(text, start, end)
        if found["word"]
    ]
    module, first = (words[1], 3) if words[0].text == "from" else (None, 1)
    imported: list[Imported] = []
    names = iter(words[first:])
    for word in names:
        if word.text == "as":
            imported[-1] = Imported(imported[-1].name, next(names))
        elif word.text != "*":
            imported.append(Imported(word, None))
    return ImportStatement(module, tuple(imported))


def parsed(statement: str, start: int) -> ImportStatement:
    """Return the parts of a statement that stands somewhere in a text, as libcst reads it.

    Args:
        statement: its text.
        start: offset of its first character in the text around it.

    Raises:
        Unparsable: it is not one import statement.
    """
    import libcst as cst
    from libcst.metadata import MetadataWrapper, PositionProvider

    from lane_planner.scan.statements import dotted, parsable

    try:
        if not parsable(statement):
            raise Unparsable
        wrapper = MetadataWrapper(cst.parse_module(statement), unsafe_skip_copy=True)
    except cst.ParserSyntaxError as error:
        raise Unparsable from error
    positions = wrapper.resolve(PositionProvider)
    starts = [start]
    starts += [start + index + 1 for index, char in enumerate(statement) if char == "\n"]

    def word(text: str, first: cst.CSTNode, last: cst.CSTNode) -> Word:
        begin, end = positions[first].start, positions[last].end
        return Word(text, starts[begin.line - 1] + begin.column, starts[end.line - 1] + end.column)

    def name(node: cst.CSTNode) -> Word:
        return word(dotted(node), node, node)

    def imported(aliases: tuple[cst.ImportAlias, ...]) -> tuple[Imported, ...]:
        return tuple(
            Imported(name(alias.name), None if alias.asname is None else name(alias.asname.name))
            for alias in aliases
        )

    line = wrapper.module.body[0] if wrapper.module.body else None
    node = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    if isinstance(node, cst.Import):
        return ImportStatement(None, imported(tuple(node.names)))
    if not isinstance(node, cst.ImportFrom):
        raise Unparsable
    parts: list[cst.CSTNode] = [*node.relative, *([node.module] if node.module else [])]
    written = "." * len(node.relative) + (dotted(node.module) if node.module else "")
    names = () if isinstance(node.names, cst.ImportStar) else imported(tuple(node.names))
    return ImportStatement(word(written, parts[0], parts[-1]), names)

"""Where the keys of a TOML text stand: `tomllib` gives values without positions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list indices from the top of the document, as in `("gates", 0, "command", 1)`."""

_TOKEN = re.compile(
    r"""
      (?P<skip> \#[^\n]* | [^\S\n]+ )
    | \"{3} (?: \\. | [^\\] )*? \"{3,5}     # a closing quote may follow up to two of the text
    | '{3} .*? '{3,5}
    | " (?: \\. | [^"\\\n] )* "
    | ' [^'\n]* '
    | [\n\[\]{}=.,]
    | [^\s\[\]{}=.,\#"']+                   # a bare key, or a piece of a number, date or boolean
    """,
    re.VERBOSE | re.DOTALL,
)


class _Open(NamedTuple):
    """A list or inline table whose end is still to come; `item` is None for a table."""

    path: KeyPath
    item: int | None


def key_lines(text: str) -> dict[KeyPath, int]:
    """Find the line of every key, table and list item.

    Args:
        text: a document that `tomllib` accepts; anything else gives a wrong answer, not an error.

    Returns:
        The line, from 1, on which each was first mentioned; the empty path is the document.
    """
    lines: dict[KeyPath, int] = {(): 1}
    array_lengths: dict[KeyPath, int] = {}  # of arrays of tables
    table: KeyPath = ()
    value: KeyPath = ()
    nest: list[_Open] = []
    brackets = ""  # of the table header being read
    parts: list[str] = []  # of the key being read
    in_key = True
    for token, line in _tokens(text):
        if token == "\n":
            if not nest:
                brackets, parts, in_key = "", [], True
        elif in_key:
            if token == "=":
                value = nest[-1].path if nest else table
                for part in parts:
                    value += (part,)
                    lines.setdefault(value, line)
                in_key = False
            elif token == "[":
                brackets += token
            elif token == "]" and parts:  # the second one of "]]" comes after the parts are used
                table = _enter(parts, brackets == "[[", array_lengths)
                for length in range(1, len(table) + 1):
                    lines.setdefault(table[:length], line)
                parts = []
            elif token == "}":
                nest.pop()
                in_key = False
            elif token not in ".],":
                parts.append(_unquoted(token))
        elif token == ",":
            path, item = nest.pop()
            nest.append(_Open(path, None if item is None else item + 1))
            parts, in_key = [], item is None
        elif token in "]}":
            nest.pop()
        else:
            if nest and nest[-1].item is not None:
                value = (*nest[-1].path, nest[-1].item)
                lines.setdefault(value, line)
            if token == "[":
                nest.append(_Open(value, 0))
            elif token == "{":
                nest.append(_Open(value, None))
                parts, in_key = [], True
    return lines


def nearest_line(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a path, or of the nearest thing around it that has one.

    Args:
        lines: what `key_lines` found.
        path: may name a key that is missing from the document.
    """
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for match in _TOKEN.finditer(text):
        token = match.group()
        if match["skip"] is None:
            yield token, line
        line += token.count("\n")


def _enter(parts: list[str], is_array: bool, array_lengths: dict[KeyPath, int]) -> KeyPath:
    # A header that goes through an array of tables means the array's last table.
    path: KeyPath = ()
    for part in parts[:-1]:
        path += (part,)
        if path in array_lengths:
            path += (array_lengths[path] - 1,)
    path += (parts[-1],)
    if is_array:
        index = array_lengths.get(path, 0)
        array_lengths[path] = index + 1
        path += (index,)
    return path


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    unquoted: str = tomllib.loads(f"key = {key}")["key"]
    return unquoted

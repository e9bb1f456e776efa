"""Inline ignores, `# lane: ignore[LP101] reason`: what they say, and at which imports."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from lane_planner.scan.lexer import strings_and_comments
from lane_planner.scan.records import Ignore

MARK = "lane:"
"""Every text with an ignore in it holds this; to look for it costs next to nothing."""

_IGNORE = re.compile(
    r"#[ \t]*+lane:[ \t]*+ignore(?![\w-])[ \t]*+(?:\[(?P<codes>[^\]]*+)(?P<end>\]?))?"
)
# What other tools are told in the same comment is no reason.
_NEXT = re.compile(r"[ \t]\#[ \t]")
_AROUND_REASON = " \t:;,-–—"


class Statement(NamedTuple):
    """An import statement: its offsets, and the line and column that its imports are kept under."""

    start: int
    end: int
    line: int
    column: int


def read_ignores(text: str, statements: Sequence[Statement]) -> tuple[Ignore, ...]:
    """Return the ignores of a text, each with the import statements that it stands at.

    A comment stands at the statements on whose lines it is; one on a line of its own, between
    statements, at those that begin on the next line that is no such comment.

    Args:
        text: source text in which every triple-quoted string is closed.
        statements: those that import something.
    """
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    on: dict[int, list[tuple[int, int]]] = {}
    beginning: dict[int, list[tuple[int, int]]] = {}
    for one in statements:
        at = (one.line, one.column)
        beginning.setdefault(one.line, []).append(at)
        for line in range(one.line, one.line + text.count("\n", one.start, one.end) + 1):
            on.setdefault(line, []).append(at)
    found: list[Ignore] = []
    for start, end in strings_and_comments(text):
        if text[start] != "#" or MARK not in text[start:end]:
            continue
        for match in _IGNORE.finditer(text, start, end):
            line = bisect_right(starts, match.start())
            here = on.get(line, [])
            if not here and not text[starts[line - 1] : start].strip():
                following = line
                while following < len(starts) and _is_comment(text, starts[following]):
                    following += 1
                here = beginning.get(following + 1, [])
            found.append(
                Ignore(
                    line,
                    match.start() - starts[line - 1],
                    _codes(match),
                    _NEXT.split(text[match.end() : end], maxsplit=1)[0].strip(_AROUND_REASON),
                    tuple(dict.fromkeys(here)),
                )
            )
    return tuple(found)


def _is_comment(text: str, line_start: int) -> bool:
    end = text.find("\n", line_start)
    return text[line_start : len(text) if end < 0 else end].lstrip(" \t\f")[:1] == "#"


def _codes(match: re.Match[str]) -> tuple[str, ...] | None:
    listed = match["codes"]
    if listed is None:
        return None
    if not match["end"]:
        return ()  # to take what was begun as a list for none would ignore more than was meant
    return tuple(dict.fromkeys(code.strip() for code in listed.split(",") if code.strip()))

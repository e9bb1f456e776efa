"""Source lines under findings, as compilers show them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping

from lane_planner.base.text import printable
from lane_planner.scan.decode import Undecodable, decode

Sources = Mapping[tuple[str, int], str]
"""(path, line from 1) → that line of the file; what could not be read is not in it."""

_WIDTH = 160  # characters of a line that are shown
_TAB = "    "
_NAME = re.compile(r"[\w.]+")
_FROM = re.compile(r"from\s+([\w.]+)\s+import\b\s*")


def source_lines(
    places: Iterable[tuple[str, int]],
    read: Callable[[Collection[str]], Mapping[str, bytes]],
) -> dict[tuple[str, int], str]:
    """Return lines of files, as far as these are text and still have them.

    Args:
        places: paths and line numbers, from 1.
        read: returns the contents of files by path; those that cannot be read are left out.
    """
    wanted: dict[str, set[int]] = {}
    for path, line in places:
        wanted.setdefault(path, set()).add(line)
    found = {}
    for path, content in read(wanted.keys()).items():
        try:
            lines = decode(content).split("\n")
        except Undecodable:
            continue  # it changed since it was scanned
        for line in wanted[path]:
            if line <= len(lines):
                found[path, line] = lines[line - 1]
    return found


def excerpt(source: str | None, line: int, column: int, name: str, label: str) -> list[str]:
    """Return a source line with a name in it underlined; nothing where there is no such line.

    Args:
        source: the line; None: it could not be read.
        line: its number.
        column: where the import begins, in characters from 0.
        name: the imported module.
        label: what stands beside the mark.
    """
    if source is None or len(source) <= column:
        return []
    start, end = _marked(source, column, name)
    first = max(0, min(len(source) - _WIDTH, start - _WIDTH // 3))
    last = min(len(source), first + _WIDTH)
    if first == 0:
        first = len(source) - len(source.lstrip())  # what is the same for all says nothing
    before = ("… " if first and source[:first].strip() else "") + _shown(source[first:start])
    marked = _shown(source[start : min(end, last)])
    after = _shown(source[min(end, last) : last].rstrip()) + (" …" if last < len(source) else "")
    number = str(line)
    gutter = " " * len(number)
    mark = f"{' ' * _cells(before)}{'^' * max(_cells(marked), 1)} {label}"
    return [
        f"{gutter} |",
        f"{number} | {before}{marked}{after}",
        f"{gutter} | {mark}",
        f"{gutter} |",
    ]


def _marked(source: str, column: int, name: str) -> tuple[int, int]:
    """Return where in a line the imported name stands, or else the whole import."""
    whole = (column, len(source.rstrip()))
    from_ = _FROM.match(source, column)
    if from_ is not None:
        # `from a.b import c` imports a.b.c if that is a module, else a.b.
        last = name.rpartition(".")[2]
        if not _ends_with(name, from_.group(1)):
            for word in re.compile(r"\w+").finditer(source, from_.end()):
                if word.group() == last:
                    return word.span()
        return from_.span(1)
    for word in _NAME.finditer(source, column):
        if word.group().strip(".") == name or _ends_with(name, word.group()):
            return word.span()
    return whole


def _ends_with(name: str, written: str) -> bool:
    """Return whether a name, or a relative one, as it is written may mean a module."""
    bare = written.lstrip(".")
    if not bare:
        return False
    return name == bare or (bare != written and name.endswith(f".{bare}"))


def _shown(text: str) -> str:
    return printable(text.replace("\t", _TAB))


def _cells(text: str) -> int:
    """Return how many columns a terminal takes for a text."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )

"""The commands in Markdown, and what the text says that they print.

In a block of kind `console`, a line behind "$ " is a command and the lines under it are what it
prints; "..." stands for any lines. A block with `title=PATH` behind its kind is that file. Times, ids of commits and the like are not compared. Programs
are started from argument lists: of a shell's syntax only `;` and comments are known.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

_BLOCK = re.compile(
    r"^```(?:console|\w+ title=(?P<path>\S+))\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL
)
_ANY = "..."
# What differs from run to run, or from machine to machine.
_VARYING = (
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "ID"),
    (re.compile(r"\b\d[\d,.]* (?:s|ms|min|h)\b"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?"), "DATE"),
    (re.compile(r"(?<![\w.])/\S*"), "PATH"),
)


class Command(NamedTuple):
    """A command in a text.

    Attributes:
        line: of the text, from 1.
        programs: argument lists, one after the other.
        expected: lines that they print, "..." for any; empty: it is not said.
    """

    line: int
    programs: tuple[tuple[str, ...], ...]
    expected: tuple[str, ...]


class File(NamedTuple):
    """A file that a reader of the text writes.

    Attributes:
        path: below the root of the repository.
        content: all of it.
    """

    path: str
    content: str


def actions_in(text: str) -> Iterator[Command | File]:
    """Yield the commands and files of a text, in order."""
    for block in _BLOCK.finditer(text):
        if block["path"]:
            yield File(block["path"], block["content"])
            continue
        line = text.count("\n", 0, block.start()) + 2
        command: Command | None = None
        for offset, written in enumerate(block["content"].splitlines()):
            if written.startswith("$ "):
                if command is not None:
                    yield command
                command = Command(line + offset, _programs(written[2:]), ())
            elif command is not None and (written or command.expected):
                command = command._replace(expected=(*command.expected, written))
        if command is not None:
            yield command


def _programs(written: str) -> tuple[tuple[str, ...], ...]:
    lexer = shlex.shlex(written, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if word == ";":
            found.append([])
        else:
            found[-1].append(word)
    return tuple(tuple(words) for words in found if words)


def agrees(expected: tuple[str, ...], printed: str) -> bool:
    """Tell whether what was printed is what a text says."""
    lines = [_plain(line) for line in printed.splitlines()]
    wanted = [line if line.strip() == _ANY else _plain(line) for line in expected]
    while wanted and not wanted[-1]:
        wanted.pop()
    while lines and not lines[-1]:
        lines.pop()
    reached = {0}  # how many lines can be behind what has been compared so far
    for want in wanted:
        if want.strip() == _ANY:
            reached = set(range(min(reached, default=len(lines) + 1), len(lines) + 1))
        else:
            reached = {n + 1 for n in reached if n < len(lines) and lines[n] == want}
    return len(lines) in reached


def _plain(line: str) -> str:
    for pattern, name in _VARYING:
        line = pattern.sub(name, line)
    return line.rstrip()

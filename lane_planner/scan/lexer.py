"""Regular expressions that skip strings and comments and stop at what matters for imports.

A Python string or comment can hold anything, an import statement can stand nowhere inside
brackets, and `import` is a reserved word: so one atomic-group expression that skips strings and
comments and stops at the word `import` finds every import statement of a file at about
100 MB/s, without tokenizing it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# One string literal or comment. A backslash hides the next character in raw strings too. A
# single-quoted string that is not closed ends with its line; a triple-quoted one that is not
# closed does not match at all, so that callers stop there and notice.
_SKIPPED = r"""
    \#[^\n]*+
  | \"\"\"(?>[^"\\]++|\\.|"(?!""))*+\"\"\"
  | '''(?>[^'\\]++|\\.|'(?!''))*+'''
  | "(?!"")(?>[^"\\\n]++|\\.)*+(?:"|(?=\n)|\Z)
  | '(?!'')(?>[^'\\\n]++|\\.)*+(?:'|(?=\n)|\Z)
"""

# Words that begin a statement and can stand at the start of a line inside brackets in no valid
# program: an unclosed bracket ends before them.
_HARD_START = re.compile(
    r"[ \t\f]*(?:(?:def|class|return|raise|while|try|with|global|nonlocal|pass|del|assert|break"
    r"|continue|elif|except|finally|import|async[ \t]+def)\b|from[ \t]+[.\w]+[ \t]+import\b)"
)

CLAUSE_WORDS = (
    "def", "class", "if", "elif", "else", "for", "while", "with", "try", "except", "finally",
    "match", "case", "async",
)  # fmt: skip

_CLAUSE = re.compile(
    rf"(?xs)(?>[^\"'\#\n]++|{_SKIPPED}|\n(?![ \t\f]*+(?:{'|'.join(CLAUSE_WORDS)})\b))*+"
)
CLAUSE_WORD = re.compile(
    r"([ \t\f]*)(?:async[ \t]+)?"
    r"(def|class|if|elif|else|for|while|with|try|except|finally|match|case)\b"
)

_TOKEN = re.compile(rf"(?xs){_SKIPPED}|[()\[\]{{}}\n;]|\\\n|:=|:|\blambda\b|\"\"\"|'''")
_PLAIN_LINE = re.compile(r"[^\n;#(\[{\\\"']*+")

DYNAMIC_WORDS = frozenset({"import_module", "__import__"})


@lru_cache(maxsize=64)
def _import_words(extra: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(map(re.escape, ("import", "import_module", "__import__", *extra)))
    first = re.escape("".join(sorted({word[0] for word in ("i", "_", *extra)})))
    return re.compile(rf"(?xs)(?>[^\"'\#{first}]++|{_SKIPPED}|(?!(?<!\w)(?:{words})\b)[{first}])*+")


class Hit(NamedTuple):
    """A word that begins an import or a dynamic import."""

    word: str
    start: int
    end: int


class UnmatchedQuote(Exception):
    """A triple quote that opens at `position` is never closed: the file does not parse."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


_WORD = re.compile(r"\w+")


def import_words(text: str, extra: tuple[str, ...] = ()) -> list[Hit]:
    """Find every `import`, `import_module` and `__import__` outside strings and comments.

    Args:
        text: source text.
        extra: further names to stop at, for a file that imports `import_module` under another.

    Raises:
        UnmatchedQuote: a triple-quoted string is not closed.
    """
    skip = _import_words(extra)
    hits: list[Hit] = []
    size = len(text)
    position = 0
    while True:
        position = skip.match(text, position).end()  # type: ignore[union-attr]  # it can be empty
        if position >= size:
            return hits
        word = _WORD.match(text, position)
        if word is None:
            raise UnmatchedQuote(position)
        hits.append(Hit(word.group(), position, word.end()))
        position = word.end()


def clause_lines(text: str) -> list[int]:
    """Return the offsets of the lines that begin with a word of `CLAUSE_WORDS`, outside strings.

    Lines inside brackets are among them: the caller tells by what follows.

    Raises:
        UnmatchedQuote: a triple-quoted string is not closed.
    """
    found = [0] if CLAUSE_WORD.match(text) else []
    size = len(text)
    position = 0
    while True:
        position = _CLAUSE.match(text, position).end()  # type: ignore[union-attr]  # can be empty
        if position >= size:
            return found
        if text[position] != "\n":
            raise UnmatchedQuote(position)
        position += 1
        found.append(position)


def clause_colon(text: str, position: int) -> int | None:
    """Return the offset of the colon that ends a clause header, or None if it is no header.

    Args:
        text: source text.
        position: offset just behind the clause's first word.
    """
    depth = lambdas = 0
    for token in _TOKEN.finditer(text, position):
        kind = token.group()
        if kind in "([{":
            depth += 1
        elif kind in ")]}":
            if depth == 0:
                return None
            depth -= 1
        elif kind == ":":
            if depth == 0:
                if lambdas == 0:
                    return token.start()
                lambdas -= 1
        elif kind == "lambda":
            lambdas += depth == 0
        elif kind == ";":
            if depth == 0:
                return None
        elif kind == "\n" and (depth == 0 or _HARD_START.match(text, token.end())):
            return None
    return None


def statement_end(text: str, position: int) -> int:
    """Return where the simple statement that holds `position` ends.

    Args:
        text: source text.
        position: an offset in the statement, outside brackets and strings.

    Returns:
        The offset of the newline, semicolon or comment behind it, or of the end of the text. An
        unclosed bracket ends before the next line that can only begin a statement.
    """
    end = _PLAIN_LINE.match(text, position).end()  # type: ignore[union-attr]  # it can be empty
    if end >= len(text) or text[end] in "\n;#":
        return end
    depth = 0
    for token in _TOKEN.finditer(text, end):
        kind = token.group()
        if kind in "([{":
            depth += 1
        elif kind in ")]}":
            depth = max(0, depth - 1)
        elif depth == 0:
            if kind in "\n;" or kind[0] == "#":
                return token.start()
        elif kind == "\n" and _HARD_START.match(text, token.end()):
            return token.start()
    return len(text)


class LogicalLine(NamedTuple):
    """A logical line: its offsets, and those of the semicolons and the clause colon in it."""

    start: int
    end: int
    colon: int | None
    semicolons: tuple[int, ...]


def logical_lines(text: str) -> list[LogicalLine]:
    """Split source text into its logical lines, blank and comment lines left out.

    Raises:
        UnmatchedQuote: a triple-quoted string is not closed.
    """
    lines: list[LogicalLine] = []
    start = depth = lambdas = 0
    colon: int | None = None
    semicolons: list[int] = []

    def close(end: int) -> None:
        if text[start:end].strip():
            body = start + len(text[start:end]) - len(text[start:end].lstrip(" \t\f\n"))
            header = colon if CLAUSE_WORD.match(text, body) else None
            lines.append(LogicalLine(body, end, header, tuple(semicolons)))

    for token in _TOKEN.finditer(text):
        kind = token.group()
        if kind in ('"""', "'''"):
            raise UnmatchedQuote(token.start())
        if kind in "([{":
            depth += 1
        elif kind in ")]}":
            depth = max(0, depth - 1)
        elif kind == "\n":
            if depth == 0 or _HARD_START.match(text, token.end()):
                close(token.start())
                start, depth, lambdas, colon, semicolons = token.end(), 0, 0, None, []
        elif depth == 0:
            if kind == ";":
                semicolons.append(token.start())
            elif kind == "lambda":
                lambdas += 1
            elif kind == ":":
                if lambdas:
                    lambdas -= 1
                elif colon is None:
                    colon = token.start()
            elif kind[0] == "#" and not text[start : token.start()].strip():
                start = token.end()  # a comment of its own line is no part of the next statement
    close(len(text))
    return lines

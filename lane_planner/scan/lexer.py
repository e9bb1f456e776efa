"""Regular expressions that skip strings and comments and stop at what matters for imports.

A Python string or comment can hold anything, an import statement can stand nowhere inside
brackets, and `import` is a reserved word: so one atomic-group expression that skips strings and
comments and stops at the word `import` finds every import statement of a file at about
100 MB/s, without tokenizing it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
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

_CLAUSE_START = (
    r"(?P<indent>[ \t\f]*+)(?:async[ \t]++)?"
    r"(?P<word>def|class|if|elif|else|for|while|with|try|except|finally|match|case)\b"
)
_UNNAMED = re.sub(r"\?P<\w+>", "?:", _CLAUSE_START)
_FIRST_CLAUSE = re.compile(_CLAUSE_START)
# A clause header on one line, with no more than plain calls in it.
_PLAIN_HEADER = re.compile(r"""(?>[^\n:;()\[\]{}"'#\\]++|\([^\n:;()\[\]{}"'#\\]*+\))*+:(?!=)""")

_STRING_OR_COMMENT = re.compile(rf"(?xs){_SKIPPED}")
_TOKEN = re.compile(rf"(?xs){_SKIPPED}|[()\[\]{{}}\n;]|\\\n|:=|:|\blambda\b|\"\"\"|'''")
_BLANK_LINES = re.compile(r"[ \t\f\n]*+")
_PLAIN_LINE = re.compile(r"[^\n;#(\[{\\\"']*+")

DYNAMIC_WORDS = frozenset({"import_module", "__import__"})


EVERYWHERE = 1 << 16
"""A column that no clause reaches."""
_STEP, _DEEPEST = 4, 16  # of the columns that have an expression of their own


@cache
def _next_clause(below: int) -> re.Pattern[str]:
    # A form feed begins the line anew.
    deep = "" if below > _DEEPEST else rf"|\n[ ]{{{below}}}[ \t]*+(?!\f)"
    # Most lines that begin no clause are told by their first letter.
    return re.compile(
        rf"(?xs)(?>[^\"'\#\n]++|{_SKIPPED}{deep}|\n[ \t\f]*+(?![acdefimtw])|\n(?!{_UNNAMED}))*+"
        rf"\n{_CLAUSE_START}"
    )


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


def strings_and_comments(text: str) -> Iterator[tuple[int, int]]:
    """Yield the offsets of the strings, without their prefixes, and of the comments of a text."""
    for found in _STRING_OR_COMMENT.finditer(text):
        yield found.span()


def clauses(text: str, below: int = EVERYWHERE) -> Iterator[re.Match[str]]:
    """Yield the beginnings of the lines that begin with a clause word, outside strings.

    Lines inside brackets are among them: the caller tells by what follows.

    Args:
        text: source text in which every triple-quoted string is closed.
        below: those in this column or a later one may be left out.

    Yields:
        Matches with the groups "indent" and "word".
    """
    steps = -(-below // _STEP) * _STEP
    following = _next_clause(steps if steps <= _DEEPEST else EVERYWHERE)
    found = _FIRST_CLAUSE.match(text) or following.match(text)
    while found is not None:
        yield found
        found = following.match(text, found.end())


def begins_statement(text: str, position: int) -> bool:
    """Tell whether the line at an offset begins as only a statement can, even inside brackets."""
    return _HARD_START.match(text, position) is not None


def clause_colon(text: str, position: int) -> int | None:
    """Return the offset of the colon that ends a clause header, or None if it is no header.

    Args:
        text: source text.
        position: offset just behind the clause's first word.
    """
    plain = _PLAIN_HEADER.match(text, position)
    if plain is not None and "lambda" not in plain.group():
        return plain.end() - 1
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


def logical_line(text: str, position: int, start: int) -> LogicalLine | None:
    """Return the logical line that holds an offset, or None where there is none.

    Args:
        text: source text in which every triple-quoted string is closed.
        position: the offset, outside strings and comments.
        start: where to begin to read: where a logical line begins, at or before the offset.
    """
    depth = lambdas = 0
    colon: int | None = None
    semicolons: list[int] = []
    end = len(text)
    for token in _TOKEN.finditer(text, start):
        kind = token.group()
        if kind in "([{":
            depth += 1
        elif kind in ")]}":
            depth = max(0, depth - 1)
        elif kind == "\n":
            if depth == 0 or _HARD_START.match(text, token.end()):
                if position < token.start():
                    end = token.start()
                    break
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
    first = _BLANK_LINES.match(text, start).end()  # type: ignore[union-attr]  # it can be empty
    if not first <= position < end:
        return None
    header = colon if _FIRST_CLAUSE.match(text, first) else None
    return LogicalLine(first, end, header, tuple(semicolons))

"""The clauses (`def`, `if`, `try`, …) of a source text, as far as imports need them."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from lane_planner.scan.lexer import EVERYWHERE, begins_statement, clause_colon, clauses
from lane_planner.scan.plain import catches_import_error_of, condition_of
from lane_planner.scan.records import Kind

_CONTINUES = {
    "elif": {"if", "elif"},
    "else": {"if", "elif", "for", "while", "try", "except"},
    "except": {"try", "except"},
    "finally": {"try", "except", "else"},
}

# The other words begin a clause wherever they begin a line.
_AMBIGUOUS = frozenset({"if", "else", "for", "match", "case"})


class Clause(NamedTuple):
    """A clause of a compound statement.

    Attributes:
        start: offset of its first word.
        indent: column of its first word, tabs counted as CPython counts them.
        word: "def", "if", "else", …
        behind: offset just behind its first word.
        parent: index of the enclosing clause, or -1.
        siblings: indexes of the clauses of its compound statement, this one among them; the list
            is shared and complete once the outline is.
    """

    start: int
    indent: int
    word: str
    behind: int
    parent: int
    siblings: list[int]


class Outline:
    """The clauses of one source text, in order, and the contexts they make.

    Args:
        text: source text in which every triple-quoted string is closed.
        typing_names: names that stand for `TYPE_CHECKING` in it.
        last: the last offset that will be asked for.
        below: clauses in this column or a later one are left out, as they hold nothing that will be
            asked for.

    Attributes:
        below: as above.
    """

    def __init__(
        self, text: str, typing_names: frozenset[str], last: int, below: int = EVERYWHERE
    ) -> None:
        self.below = below
        self._text = text
        self._typing_names = typing_names
        self._clauses = _clauses(text, last, below)
        self._starts = [clause.start for clause in self._clauses]
        self._contexts: dict[int, tuple[Kind, bool]] = {-1: ("eager", False)}
        self._colons: dict[int, int | None] = {}
        self._line_ends: dict[int, int] = {}

    def inline_of(self, position: int) -> int | None:
        """Return the clause whose header line goes on into a body that holds the position.

        Returns:
            The clause's index; None if the position is in no inline body.
        """
        index = bisect_right(self._starts, position) - 1
        if index < 0:
            return None
        colon = self._colon(index)
        if colon is None or colon >= position:
            return None
        if index not in self._line_ends:
            self._line_ends[index] = _line_end(self._text, colon)
        return index if position < self._line_ends[index] else None

    def holder_of(self, position: int, indent: int) -> int:
        """Return the clause in whose block a statement stands, or -1 for the module.

        Args:
            position: offset of the statement.
            indent: its column, tabs counted.
        """
        index = bisect_right(self._starts, position - 1) - 1
        while index >= 0 and self._clauses[index].indent >= indent:
            # What came before at this indentation or deeper is closed; its parent may not be.
            index = self._clauses[index].parent
        return index

    def statement_before(self, position: int, least: int) -> int:
        """Return where a line begins that can only begin a statement.

        Args:
            position: it is at or before this offset.
            least: and not before this one, which is returned if there is no such line.
        """
        for index in range(bisect_right(self._starts, position) - 1, -1, -1):
            start = self._starts[index]
            if start <= least:
                break
            line = self._text.rfind("\n", least, start) + 1
            if begins_statement(self._text, line):
                return max(line, least)
        return least

    def context(self, index: int) -> tuple[Kind, bool]:
        """Return the kind of an import in a clause's body, and whether it is optional."""
        pending: list[int] = []
        while index not in self._contexts:
            pending.append(index)
            index = self._clauses[index].parent
        for inner in reversed(pending):
            kind, optional = self._contexts[self._clauses[inner].parent]
            self._contexts[inner] = self._inside(inner, kind, optional)
        return self._contexts[pending[0] if pending else index]

    def _inside(self, index: int, kind: Kind, optional: bool) -> tuple[Kind, bool]:
        clause = self._clauses[index]
        if clause.word == "def":
            return ("deferred" if kind == "eager" else kind), optional
        if clause.word in ("if", "elif", "else"):
            means = self._means(index)
            if means == "typing":
                return "typing", optional
            if means == "main":
                return ("deferred" if kind == "eager" else kind), optional
        elif clause.word in ("try", "except"):
            return kind, optional or any(map(self._catches, clause.siblings))
        return kind, optional

    def _means(self, index: int) -> str | None:
        clause = self._clauses[index]
        for sibling in clause.siblings:
            if sibling == index:
                break
            if self._condition(sibling) == "not typing":
                return "typing"  # the branches behind `if not TYPE_CHECKING`
        return self._condition(index)

    def _condition(self, index: int) -> str | None:
        clause = self._clauses[index]
        colon = self._colon(index) if clause.word in ("if", "elif") else None
        if colon is None:
            return None
        test = self._text[clause.behind : colon].strip()
        telling = "__main__" in test or any(name in test for name in self._typing_names)
        return condition_of(test, self._typing_names) if telling else None

    def _catches(self, index: int) -> bool:
        clause = self._clauses[index]
        colon = self._colon(index) if clause.word == "except" else None
        return colon is not None and catches_import_error_of(self._text[clause.start : colon + 1])

    def _colon(self, index: int) -> int | None:
        """Return the offset of the colon that ends a clause's header; None where it is missing."""
        if index not in self._colons:
            self._colons[index] = clause_colon(self._text, self._clauses[index].behind)
        return self._colons[index]


def _line_end(text: str, position: int) -> int:
    """Return where the line of an offset ends, lines that a backslash joins being one."""
    end = text.find("\n", position)
    while end > 0 and text[end - 1] == "\\":
        end = text.find("\n", end + 1)
    return end if end >= 0 else len(text)


def indent_width(blank: str) -> int:
    """Return the column that leading blanks reach: tabs go to multiples of eight, as in CPython."""
    if "\f" in blank:
        blank = blank.rpartition("\f")[2]
    return len(blank.expandtabs(8)) if "\t" in blank else len(blank)


def _clauses(text: str, last: int, below: int) -> list[Clause]:
    found: list[Clause] = []
    opened: list[int] = []
    for match in clauses(text, below):
        word, behind = match["word"], match.end()
        if word in _AMBIGUOUS and clause_colon(text, behind) is None:
            continue  # a name, or a line inside brackets
        indent = indent_width(match["indent"])
        while opened and found[opened[-1]].indent > indent:
            opened.pop()
        siblings: list[int] = []
        if opened and found[opened[-1]].indent == indent:
            former = found[opened.pop()]
            if former.word in _CONTINUES.get(word, ()):
                siblings = former.siblings
        start = match.end("indent")
        if start > last and indent == 0 and not siblings:
            break  # all that was open at the last offset is closed: its siblings are complete
        parent = opened[-1] if opened else -1
        siblings.append(len(found))
        opened.append(len(found))
        found.append(Clause(start, indent, word, behind, parent, siblings))
    return found

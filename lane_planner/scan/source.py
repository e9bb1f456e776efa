"""One file's bytes → its import records: the inner ring, without any I/O.

Of the source only the *import slice* is parsed: import statements, statements that call for a
dynamic import, and the headers of the clauses around them. That this gives the same records as
libcst on the whole module is shown over large corpora by `tests/corpus`.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise

import msgspec

from lane_planner.scan.decode import Undecodable, decode
from lane_planner.scan.ignores import MARK, Statement, read_ignores
from lane_planner.scan.lexer import (
    DYNAMIC_WORDS,
    EVERYWHERE,
    Hit,
    LogicalLine,
    UnmatchedQuote,
    import_words,
    logical_line,
    statement_end,
)
from lane_planner.scan.outline import Outline, indent_width
from lane_planner.scan.plain import dynamic_calls_in, later, parse_import
from lane_planner.scan.records import FileRecord, Ignore, Kind, OpaqueImport, RawImport
from lane_planner.scan.recovery import without_unmatched_quotes
from lane_planner.scan.shims import read_shim
from lane_planner.scan.written import CallNames

_BLANK = re.compile(r"[ \t\f]*")
# What stands before `import` in its own statement: nothing, or `from` and a module.
_BEFORE = re.compile(r"((?:[ \t\f]|\\\n)*+)(?:from\b[\w. \t\f\\\n]*+)?\Z")
_LAZY = re.compile(r"([ \t\f]*+lazy[ \t]++)(?:from\b[\w. \t]*+)?\Z")  # PEP 810
_CALLED = re.compile(r"\s*\(")
_SPACE_OR_JOIN = re.compile(r"(?:[ \t\f]|\\\n)*")
# No word boundary in front: a literal start lets the search skip.
_TYPING_ALIAS = re.compile(r"TYPE_CHECKING\s+as\s+(\w+)")
_MODULE_ALIAS = re.compile(r"importlib\s+as\s+(\w+)")
_FUNCTION_ALIAS = re.compile(r"import_module\s+as\s+(\w+)")
_OWN_FUNCTION = re.compile(r"def\s+import_module\b")


def scan_source(content: bytes) -> FileRecord:
    """Return the imports of one file; every import statement that can be read is read.

    Args:
        content: the file's bytes.
    """
    try:
        text = decode(content)
    except Undecodable as reason:
        return FileRecord(undecodable=str(reason))
    return scan_text(text)


def scan_text(text: str) -> FileRecord:
    """Return the imports of a source text with "\\n" for newlines; see `scan_source`."""
    if "import" not in text:
        # An ignore that has outlived its import is to be told.
        return FileRecord(ignores=_scan_ignores(text)) if MARK in text else FileRecord()
    shim = read_shim(text)
    try:
        found = _scan(text)
    except UnmatchedQuote:
        found = _scan(without_unmatched_quotes(text))
    return found if shim is None else msgspec.structs.replace(found, shim=shim.new)


def _scan(text: str) -> FileRecord:
    # The plain searches come first: they are many times faster than the expressions.
    functions = _FUNCTION_ALIAS.findall(text) if "import_module" in text else ()
    words = import_words(text, tuple(sorted(set(functions) - DYNAMIC_WORDS)))
    return _FileScan(text, frozenset(functions)).scan(words)


def _scan_ignores(text: str) -> tuple[Ignore, ...]:
    """Return the ignores of a text without imports."""
    try:
        import_words(text)
    except UnmatchedQuote:
        text = without_unmatched_quotes(text)
    return read_ignores(text, ())


# With all clauses in columns below this one, a line is near one that begins a statement.
_NEAR = 8


class _FileScan:
    """The scan of one text; what few files need is made when it is first needed.

    Args:
        text: the text.
        functions: what `import_module` is imported as, under other names.
    """

    def __init__(self, text: str, functions: frozenset[str]) -> None:
        self._text = text
        self._functions = functions
        self._outline: Outline | None = None
        self._logical: LogicalLine | None = None  # the one that was asked for last
        self._words: list[Hit] = []
        self._colon = (-1, -1)  # a position, and the first colon behind it
        self._line = 1  # the line of `_counted`, and where it starts
        self._start = 0
        self._counted = 0
        self._imports: list[RawImport] = []
        self._opaque: list[OpaqueImport] = []
        self._statements: list[Statement] | None = [] if MARK in text else None

    def scan(self, words: list[Hit]) -> FileRecord:
        self._words = [
            hit for hit in words if hit.word == "import" or _CALLED.match(self._text, hit.end)
        ]
        done = -1  # end of the last statement with a dynamic call: it may hold several
        for hit in self._words:
            if hit.word == "import":
                self._import(hit)
            elif hit.start >= done:
                done = self._dynamic(hit)
        self._imports.sort(key=lambda record: (record.line, record.column))
        ignores: tuple[Ignore, ...] = ()
        if self._statements is not None:
            ignores = read_ignores(self._text, self._statements)
        return FileRecord(tuple(self._imports), tuple(self._opaque), ignores=ignores)

    def _import(self, hit: Hit) -> None:
        text = self._text
        line_start = self._line_start(hit.start)
        while line_start > 1 and text[line_start - 2] == "\\":
            line_start = text.rfind("\n", 0, line_start - 1) + 1
        # What stands before a `;` or a `:` is another statement, or the header of a clause.
        cut = max(text.rfind(mark, line_start, hit.start) + 1 for mark in ";:")
        before = text[max(cut, line_start) : hit.start]
        lazy = False
        if not before:
            start = hit.start
        else:
            found = _BEFORE.match(before)
            if found is None:
                found = _LAZY.match(before)
                if found is None:
                    return  # prose of a broken file, or no statement of its own
                lazy = True
            start = hit.start - len(before) + found.end(1)
        source = text[start : statement_end(text, hit.end)].rstrip(" \t\f\\\n")
        written = parse_import(source)
        if not written:
            return
        kind, optional = self._context(line_start, start)
        line, column = self._position(start)
        if self._statements is not None:
            self._statements.append(Statement(start, start + len(source), line, column))
        if lazy:
            kind = later(kind, deferred=True)
        for module, names in written:
            self._imports.append(RawImport(module, names, line, column, kind, optional))

    def _dynamic(self, hit: Hit) -> int:
        """Record the dynamic imports of the statement that holds a hit; return its end."""
        text = self._text
        line = self._logical_line(hit.start)
        if line is None:
            return hit.end
        cuts = [line.start, *(s + 1 for s in line.semicolons), line.end + 1]
        if line.colon is not None:
            # The header is a statement of its own; what stands behind its colon begins the body.
            cuts = sorted({*cuts, line.colon + 1})
        start, end = next((a, b) for a, b in pairwise(cuts) if a <= hit.start < b)
        start = _SPACE_OR_JOIN.match(text, start).end()  # type: ignore[union-attr]  # can be empty
        source = text[start:end].rstrip(" \t\f\n;")
        calls = dynamic_calls_in(source, self._call_names)
        if not calls:
            return hit.end
        line_start = text.rfind("\n", 0, line.start) + 1
        kind, optional = self._context(line_start, start)
        at = self._position(start)
        if self._statements is not None:
            self._statements.append(Statement(start, start + len(source), *at))
        for call in calls:
            if call.module is None:
                self._opaque.append(OpaqueImport(*at, call.call))
            else:
                when = later(kind, deferred=call.deferred)
                self._imports.append(
                    RawImport(call.module, None, *at, when, optional, True, call.anchor)
                )
        return end

    @cached_property
    def _call_names(self) -> CallNames:
        text = self._text
        own = () if _OWN_FUNCTION.search(text) else ("import_module",)
        modules = _MODULE_ALIAS.findall(text)
        return CallNames(self._functions.union(own), frozenset({"importlib", *modules}))

    def _context(self, line_start: int, start: int) -> tuple[Kind, bool]:
        text = self._text
        if start == line_start:
            return "eager", False
        blank = _BLANK.match(text, line_start).end()  # type: ignore[union-attr]  # it can be empty
        if blank < start:  # something stands before it on its line
            if self._colon_behind(blank) < start:
                outline = self._outlined(EVERYWHERE)
                inline = outline.inline_of(start)
                if inline is not None:
                    return outline.context(inline)
            line = self._logical_line(start)
            if line is not None:
                line_start = text.rfind("\n", 0, line.start) + 1
                blank = line.start
        width = indent_width(text[line_start:blank])
        if not width:
            return "eager", False
        outline = self._outlined(width)  # what holds it stands further to the left
        return outline.context(outline.holder_of(blank, width))

    def _outlined(self, below: int) -> Outline:
        """Return an outline with the clauses in columns below one, or more."""
        if self._outline is None or self._outline.below < below:
            text = self._text
            aliases = _TYPING_ALIAS.findall(text) if "TYPE_CHECKING" in text else ()
            below = max(below, self._reach)
            typing_names = frozenset({"TYPE_CHECKING", *aliases})
            self._outline = Outline(text, typing_names, self._words[-1].start, below)
        return self._outline

    @cached_property
    def _reach(self) -> int:
        """Up to which column clauses will be asked for, most likely."""
        text = self._text
        reach = behind = 0
        for hit in self._words:
            newline = text.rfind("\n", behind, hit.start)
            if newline >= 0 or not behind:
                blank = _BLANK.match(text, newline + 1)
                reach = max(reach, indent_width(blank.group()))  # type: ignore[union-attr]
            behind = hit.start
        return reach

    def _colon_behind(self, position: int) -> int:
        """Return where the first colon behind a position is; it was the last one asked, mostly."""
        if self._colon[0] != position:
            found = self._text.find(":", position)
            self._colon = (position, found if found >= 0 else len(self._text))
        return self._colon[1]

    def _logical_line(self, offset: int) -> LogicalLine | None:
        known = self._logical
        if known is not None and known.start <= offset < known.end:
            return known
        # What was read before is not read again: a file may hold thousands of such lines.
        least = known.end if known is not None and known.end <= offset else 0
        start = self._outlined(_NEAR).statement_before(offset, least)
        found = logical_line(self._text, offset, start)
        self._logical = found or known
        return found

    def _position(self, offset: int) -> tuple[int, int]:
        start = self._line_start(offset)
        return self._line, offset - start

    def _line_start(self, offset: int) -> int:
        """Return where the line of an offset starts, and count lines up to it.

        Offsets mostly grow: only what lies between is looked at, however long the line is.
        """
        if offset < self._counted:
            self._line, self._counted, self._start = 1, 0, 0
        text = self._text
        newline = text.rfind("\n", self._counted, offset)
        if newline >= 0:
            self._line += text.count("\n", self._counted, offset)
            self._start = newline + 1
        self._counted = offset
        return self._start

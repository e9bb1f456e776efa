"""Import statements that name moved modules, rewritten one statement at a time.

A statement is found by the scan's line and column and taken apart on its own; so a file that does
not parse is rewritten like any other where its statements do. Only the names that change are
replaced: order, comments, parentheses and everything around stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from lane_planner.graph.resolve import BeyondTop
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.statements import (
    Imported,
    Unparsable,
    Word,
    take_apart,
)
from lane_planner.promotion.text import Edit, SourceText
from lane_planner.scan.lexer import statement_end
from lane_planner.scan.modules import Module
from lane_planner.scan.records import FileRecord, RawImport

# A comma behind a name, over line ends and comments.
_COMMA = re.compile(r"(?:[ \t\f\n]|\\\n|#[^\n]*)*,")

_LAZY = re.compile(r"[ \t\f]*lazy[ \t]+")  # PEP 810


class ChangedBinding(NamedTuple):
    """An `import a.b` without `as` whose first name changes: its uses have to follow.

    Attributes:
        start: offset of the dotted name in the text before the move.
        line: its line.
        old: the dotted name before.
        new: and after.
    """

    start: int
    line: int
    old: str
    new: str


class Place(NamedTuple):
    """Where a file stands: its module before and after the move."""

    before: Module
    after: Module


def import_edits(
    source: SourceText, record: FileRecord, place: Place, renaming: Renaming
) -> tuple[list[Edit], list[ChangedBinding]]:
    """Return the edits that make a file's import statements follow a move.

    Args:
        source: the file's text before the move.
        record: its imports before the move.
        place: the file's module before and after.
        renaming: what moves.

    Returns:
        The edits, and the bindings that they change.

    Raises:
        Refused: a statement cannot be rewritten surely.
    """
    edits: list[Edit] = []
    bindings: list[ChangedBinding] = []
    statements: dict[tuple[int, int], list[RawImport]] = {}
    for raw in record.imports:
        if not raw.dynamic:
            statements.setdefault((raw.line, raw.column), []).append(raw)
    for (line, column), raws in statements.items():
        if not _concerned(raws, place, renaming):
            continue
        statement = _Statement(source, line, column, place, renaming)
        edits.extend(statement.edits())
        bindings.extend(statement.bindings)
    return edits, bindings


def _concerned(raws: Iterable[RawImport], place: Place, renaming: Renaming) -> bool:
    for raw in raws:
        for name in raw.names or (None,):
            target = renaming.target(place.before, raw, name)
            if target.fault == "LP302":
                continue
            if target.imported in renaming.renamed and not target.external:
                return True
            if raw.module.startswith(".") and place.before.home != place.after.home:
                return True
    return False


class _Wanted(NamedTuple):
    """What one name of a `from` import has to become."""

    module: str  # absolute
    name: str


class _Statement:
    def __init__(
        self, source: SourceText, line: int, column: int, place: Place, renaming: Renaming
    ) -> None:
        self.source = source
        self.line = line
        self.place = place
        self.renaming = renaming
        self.start = source.offset_of(line, column)
        self.bindings: list[ChangedBinding] = []
        text = source.text
        word = text.index("import", self.start)
        self.end = statement_end(text, word + len("import"))
        body = text[self.start : self.end].rstrip(" \t\f\\\n")
        self.end = self.start + len(body)
        try:
            self.parts = take_apart(text, self.start, self.end)
        except Unparsable as error:
            raise self._refused("the import statement does not parse alone") from error

    def edits(self) -> list[Edit]:
        if self.parts.module is None:
            return self._plain()
        return self._from(self.parts.module)

    def _refused(self, reason: str) -> Refused:
        return Refused(self.place.before.path, self.line, reason)

    def _raw(self, module: str, names: tuple[str, ...] | None) -> RawImport:
        return RawImport(module, names, self.line, 0)

    def _plain(self) -> list[Edit]:
        edits = []
        for name, bound in self.parts.imported:
            old = name.text
            raw = self._raw(old, None)
            target = self.renaming.target(self.place.before, raw, None)
            if target.external or target.imported not in self.renaming.renamed:
                continue
            self._refuse_alias_prefix(old, target.imported)
            new = self.renaming.renamed[target.imported]
            edits.append(Edit(name.start, name.end, new))
            if bound is None:
                self.bindings.append(ChangedBinding(name.start, self.line, old, new))
        return edits

    def _refuse_alias_prefix(self, written: str, meant: str) -> None:
        if written != meant:
            raise self._refused(
                f"{written} means {meant} through an alias of the configuration: write it out first"
            )

    def _from(self, module: Word) -> list[Edit]:
        before, after = self.place
        raw = self._raw(module.text, ())
        try:
            old = self.renaming.written(before, raw)
        except BeyondTop:
            return []
        try:
            now = self.renaming.written(after, raw)  # what the same text means after the move
        except BeyondTop:
            now = ""
        if not self.parts.imported:
            wanted = self._wanted(raw, old, "*")
            return [] if wanted.module == now else [self._module_edit(module, wanted.module)]
        names = [(one, self._wanted(raw, old, one.name.text)) for one in self.parts.imported]
        modules = list(dict.fromkeys(wanted.module for _, wanted in names))
        # What stays as it is keeps the statement; else the first module takes it.
        holder = now if now in modules else modules[0]
        edits = [
            Edit(one.name.start, one.name.end, _renamed(one, wanted))
            for one, wanted in names
            if wanted.module == holder and wanted.name != one.name.text
        ]
        if holder != now:
            edits.append(self._module_edit(module, holder))
        if len(modules) > 1:
            edits.extend(self._split(names, holder))
        return edits

    def _wanted(self, raw: RawImport, old: str, name: str) -> _Wanted:
        target = self.renaming.target(self.place.before, raw, name)
        renamed = self.renaming.renamed
        if target.external or target.imported not in renamed:
            return _Wanted(old, name)
        new = renamed[target.imported]
        if name != "*" and target.imported == f"{old}.{name}":
            parent, _, last = new.rpartition(".")
            if not parent:
                raise self._refused(f"{new} would be at the top: import it by hand")
            return _Wanted(parent, last)
        self._refuse_alias_prefix(old, target.imported)
        return _Wanted(new, name)

    def _module_edit(self, module: Word, new: str) -> Edit:
        """Return the edit that replaces dots and module of a `from` import."""
        text = self.source.text
        before = " " if text[module.start - 1] not in " \t\\\n" else ""  # `from.a import b`
        behind = " " if text[module.end] not in " \t\\" else ""  # `from .import b`
        return Edit(module.start, module.end, f"{before}{new}{behind}")

    def _split(self, names: list[tuple[Imported, _Wanted]], holder: str) -> list[Edit]:
        """Put the names that `holder` does not have in statements of their own behind this one."""
        groups: dict[str, list[str]] = {}
        for one, wanted in names:
            if wanted.module == holder:
                continue
            written = wanted.name if wanted.name == one.name.text else _renamed(one, wanted)
            if one.bound is not None:
                written += f" as {one.bound.text}"
            groups.setdefault(wanted.module, []).append(written)
        kept = frozenset(i for i, (_, wanted) in enumerate(names) if wanted.module == holder)
        added = [f"from {module} import {', '.join(said)}" for module, said in groups.items()]
        return [*self._without(names, kept), self._behind(added)]

    def _without(self, names: list[tuple[Imported, _Wanted]], kept: frozenset[int]) -> list[Edit]:
        """Return the edits that take names out of the list, each with one comma."""
        spans = [(one.name.start, (one.bound or one.name).end) for one, _ in names]
        edits = []
        last_kept = max(kept)
        for index, (start, end) in enumerate(spans):
            if index in kept:
                continue
            if index < last_kept:  # with the comma behind it, up to the next name
                edits.extend(self._cut(start, spans[index + 1][0], start, end))
            else:  # with the comma in front of it, from the name before
                edits.extend(self._cut(spans[index - 1][1], end, start, end))
        return edits

    def _cut(self, start: int, end: int, name_start: int, name_end: int) -> list[Edit]:
        """Return the edits that take out a stretch, of one with a comment only name and comma."""
        text = self.source.text
        if "#" not in text[start:end]:
            return [Edit(start, end, "")]
        edits = [Edit(name_start, name_end, "")]
        comma = _COMMA.match(text, name_end)
        if comma is not None:  # the last name needs none
            edits.append(Edit(comma.end() - 1, comma.end(), ""))
        return edits

    def _behind(self, statements: list[str]) -> Edit:
        """Return the edit that puts statements behind this one, on lines of their own if it is."""
        text = self.source.text
        line_start = text.rfind("\n", 0, self.start) + 1
        indent = text[line_start : self.start]
        if _LAZY.fullmatch(indent.rpartition(";")[2].rpartition(":")[2]):
            statements = [f"lazy {statement}" for statement in statements]
            indent = indent.removesuffix("lazy" + indent[len(indent.rstrip()) :])
        line_end = text.find("\n", self.end)
        line_end = len(text) if line_end < 0 else line_end
        rest = text[self.end : line_end].strip()
        if indent.strip() or (rest and not rest.startswith("#")):
            return Edit(self.end, self.end, "".join(f"; {s}" for s in statements))
        return Edit(line_end, line_end, "".join(f"\n{indent}{s}" for s in statements))


def _renamed(one: Imported, wanted: _Wanted) -> str:
    """Return a name as it has to be written so that it stays bound as it was."""
    return wanted.name if one.bound is not None else f"{wanted.name} as {one.name.text}"

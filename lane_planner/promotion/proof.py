"""The proofs of a promotion: imports resolve as predicted, and nothing else of a file changed.

Neither uses the code that rewrites: what must come out is worked out again, from the modules
before and after. A file that parses is compared tree by tree, statement by statement; one that does
not, line by line outside its import statements.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from lane_planner.graph.resolve import BeyondTop, ImportSite, Resolver, Target, absolute_name
from lane_planner.promotion.imports import Place
from lane_planner.promotion.names.scopes import Differing, Followed, prove_scopes
from lane_planner.promotion.names.syntax import UNPARSABLE, parse, parsed_annotation
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.text import SourceText, import_statements
from lane_planner.promotion.workspace import Workspace
from lane_planner.scan.lexer import strings_and_comments
from lane_planner.scan.modules import Module, ModuleTable
from lane_planner.scan.records import FileRecord, RawImport

_DOTTED = re.compile(r"\w+(?:\.\w+)*")
# What may stand between statements on a line.
_JOINTS = re.compile(r"[\s;\\]+")
_LAZY = re.compile(r"\blazy[ \t]+\Z")  # PEP 810
_TYPE_COMMENT = re.compile(r"#[ \t]*type:[ \t]*(.*)")


def prove_imports(
    workspace: Workspace,
    renaming: Renaming,
    after: ModuleTable,
    moved: Mapping[str, str],
    paths: Collection[str],
    records: Mapping[str, FileRecord],
) -> None:
    """Prove that imports are the old ones with the moved modules renamed.

    They are compared import for import and kind for kind.

    Args:
        workspace: the repository before the move.
        renaming: what moves.
        after: the modules after the move.
        moved: path after, by path before.
        paths: files before the move whose imports may resolve differently.
        records: records of moved and written files, by path after the move.

    Raises:
        Refused: an import is lost, gained or changed.
    """
    proof = _ImportProof(renaming, workspace.resolver(after))
    for path in sorted(paths):
        place = Place(workspace.table.by_path[path], after.by_path[moved.get(path, path)])
        old = workspace.records[path]
        new = records.get(place.after.path, old)
        proof.prove(place, old, new, workspace.sites_in(place.before.name))


class _ImportProof:
    def __init__(self, renaming: Renaming, resolver: Resolver) -> None:
        self._renaming = renaming
        self._resolver = resolver
        self._arrived = frozenset(renaming.renamed.values())

    def prove(
        self, place: Place, old: FileRecord, new: FileRecord, sites: Iterable[ImportSite]
    ) -> None:
        expected = self._predicted(place, old)
        found = Counter(map(_meaning, self._resolver.sites(place.after, new, external=True)))
        if expected == found:
            return
        lost, gained = sorted(expected - found, key=str), sorted(found - expected, key=str)
        what = " and ".join(
            part
            for part in (
                f"loses the import of {lost[0][0]}" if lost else "",
                f"gets an import of {gained[0][0]}" if gained else "",
            )
            if part
        )
        renamed = self._renaming.renamed
        line = next(
            (s.line for s in sites if lost and renamed.get(s.imported, s.imported) == lost[0][0]),
            1,
        )
        raise Refused(place.before.path, line, f"{place.after.name} {what} by the move")

    def _predicted(self, place: Place, record: FileRecord) -> Counter[tuple[object, ...]]:
        """Return the meanings that a file's imports must have after the move."""
        expected: Counter[tuple[object, ...]] = Counter()
        statements: dict[tuple[int, int], set[tuple[object, ...]]] = {}
        for raw in record.imports:
            names: tuple[str | None, ...] = raw.names or (None,)
            for name in names:
                target = self._after_move(place, raw, name)
                if target.imported == place.after.name:
                    continue
                meaning = (
                    target.imported, target.fault, target.external, raw.kind, raw.optional,
                    raw.dynamic,
                )  # fmt: skip
                seen = statements.setdefault((raw.line, raw.column), set())
                if meaning[:2] not in {known[:2] for known in seen}:
                    seen.add(meaning)
                    expected[meaning] += 1
        return expected

    def _after_move(self, place: Place, raw: RawImport, name: str | None) -> Target:
        before, after = place
        renamed = self._renaming.renamed
        target = self._renaming.target(before, raw, name)
        if target.fault == "LP302":
            return target
        if not target.external and target.fault is None and target.imported in renamed:
            return Target(renamed[target.imported], None, False)
        written = self._renaming.written(before, raw)
        names = None if name is None else (name,)
        now = self._resolver.targets(after, RawImport(written, names, raw.line, raw.column))[0]
        if target.external or now.imported in self._arrived or now == target:
            return now
        if target.fault is not None or now.fault is None:
            return now  # a missing module that a made package now stands for
        raise Refused(
            before.path,
            raw.line,
            f"{target.imported} would not exist any more: import what it holds",
        )


def _meaning(site: ImportSite) -> tuple[object, ...]:
    return (site.imported, site.fault, site.external, site.kind, site.optional, site.dynamic)


_MODES: tuple[Literal["eval", "func_type"], ...] = ("eval", "func_type")


class Version(NamedTuple):
    """A file before or after its rewriting.

    Attributes:
        source: its text.
        record: its imports.
    """

    source: SourceText
    record: FileRecord


def prove_names(
    before: Version, after: Version, place: Place, table: ModuleTable, renamed: Mapping[str, str]
) -> None:
    """Prove that a file binds the same names in the same scopes, and does the same with them.

    Import statements bind what they bound, under names that mean the same modules; chains and
    strings that name moved modules name them as they are called now; all else is equal.

    Args:
        before: the file before the move.
        after: and after it, rewritten.
        place: its module before and after.
        table: the modules before the move.
        renamed: name after, by name before, of the moved modules.

    Raises:
        Refused: something else changed.
    """
    comparison = _Comparison(before.source.text, after.source.text, place, table, renamed)
    try:
        old = _parsed(comparison.before)
        if old is None:
            comparison.prove_text(before, after)
            return
        new = _parsed(comparison.after)
        if new is None:
            raise Differing(1, "it does not parse any more")
        comparison.prove_tree(old, new)
    except Differing as error:
        raise Refused(
            place.before.path,
            error.line,
            f"it would not be the same with the moved modules renamed: {error.reason}",
        ) from error


def _parsed(text: str) -> ast.Module | None:
    try:
        return parse(text)
    except UNPARSABLE:
        return None


class _Pair(NamedTuple):
    before: ast.AST
    after: ast.AST
    annotation: bool  # in an annotation
    quoted: int = 0  # the line of the quoted annotation, or type comment, that it stands in


class _Comparison:
    def __init__(
        self, before: str, after: str, place: Place, table: ModuleTable, renamed: Mapping[str, str]
    ) -> None:
        self.before = before
        self.after = after
        self._place = place
        self._table = table.by_name
        self._renamed = renamed
        self._old_lines = before.split("\n")
        self._new_lines = after.split("\n")
        self._pairs: list[_Pair] = []
        self._firsts: set[str] = set()  # first names that change, before and after
        self._line = 0  # where the first of them changes
        self._followed: list[Followed] = []

    def prove_tree(self, before: ast.Module, after: ast.Module) -> None:
        self._compare_bodies(before.body, after.body)
        self._compare_comments()
        self._compare_pairs()
        if self._firsts:
            prove_scopes(before, after, self._firsts, self._followed, self._line)

    def prove_text(self, before: Version, after: Version) -> None:
        """Compare a file that does not parse: its import statements, and all that is around."""
        old, old_rest = _statements(before)
        new, new_rest = _statements(after)
        if _JOINTS.sub(" ", "".join(old_rest)) != _JOINTS.sub(" ", "".join(new_rest)):
            raise Differing(1, "it changes outside of import statements")
        if _free_lines(before) != _free_lines(after):
            raise Differing(1, "a line without an import changes")
        self._compare_bodies(old, new)
        self._compare_pairs()
        if self._firsts:
            raise Differing(self._line, "it does not parse and binds another first name")

    # Statements.

    def _compare_bodies(self, before: Sequence[ast.AST], after: Sequence[ast.AST]) -> None:
        position = 0
        for statement in before:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                # One import may have become several.
                group: list[ast.Import | ast.ImportFrom] = []
                while sum(len(part.names) for part in group) < len(statement.names):
                    part = after[position] if position < len(after) else None
                    if not isinstance(part, type(statement)):
                        raise Differing(statement.lineno, "an import is not there any more")
                    group.append(part)
                    position += 1
                self._compare_import(statement, group)
            elif position < len(after):
                self._pairs.append(_Pair(statement, after[position], annotation=False))
                position += 1
            else:
                raise Differing(_line(statement), "a statement is not there any more")
        if position < len(after):
            raise Differing(1, f"line {_line(after[position])} after the move is new")

    def _compare_import(
        self, before: ast.Import | ast.ImportFrom, after: Iterable[ast.Import | ast.ImportFrom]
    ) -> None:
        expected: Counter[tuple[str, str]] = Counter()
        for bound, meant in _bindings(before, self._place.before):
            now = self._imported(meant)
            expected[bound, now] += 1
            if not bound:
                self._first_names(meant[0], now, before.lineno)
        found = Counter(
            (bound, ".".join(filter(None, meant)))
            for part in after
            for bound, meant in _bindings(part, self._place.after)
        )
        if expected != found:
            (_, name), *_ = sorted(expected - found) or sorted(found - expected)
            raise Differing(before.lineno, f"{name} is not imported as it was")

    def _first_names(self, old: str, new: str, line: int) -> None:
        first, last = old.partition(".")[0], new.partition(".")[0]
        if first != last:
            self._line = self._line or line
            self._firsts.update((first, last))

    def _imported(self, meant: tuple[str, str | None]) -> str:
        """Return the name, after the move, of what an import names."""
        module, name = meant
        if name is None or module not in self._table:
            # A module that does not exist goes nowhere.
            return ".".join(filter(None, (self._renamed.get(module, module), name)))
        submodule = f"{module}.{name}"
        if submodule in self._table:
            return self._renamed.get(submodule, submodule)
        return f"{self._renamed.get(module, module)}.{name}"

    def _compare_comments(self) -> None:
        """Compare the type comments, which are in no tree."""
        old, new = _type_comments(self.before), _type_comments(self.after)
        if len(old) != len(new):
            raise Differing(1, "there are more or less type comments")
        for (line, was), (_, now) in zip(old, new, strict=True):
            if was == now:
                continue
            trees = [
                (parsed_annotation(was, mode), parsed_annotation(now, mode)) for mode in _MODES
            ]
            found = next(((a, b) for a, b in trees if a is not None and b is not None), None)
            # Stars, and a comment behind, are in no tree.
            if found is None or _without_names(was) != _without_names(now):
                raise Differing(line, f"the type comment {was!r} became {now!r}")
            self._pairs.append(_Pair(*found, annotation=True, quoted=line))

    # All the rest.

    def _compare_pairs(self) -> None:
        while self._pairs:
            pair = self._pairs.pop()
            before, after = pair.before, pair.after
            if type(before) is not type(after):
                raise self._differing(pair, "something else stands there")
            if isinstance(before, ast.stmt) and self._unchanged(before, after):
                continue
            if isinstance(before, ast.Constant) and isinstance(after, ast.Constant):
                self._compare_constants(pair, before, after)
            elif not self._is_chain(pair):
                self._compare_parts(pair)

    def _differing(self, pair: _Pair, reason: str) -> Differing:
        return Differing(pair.quoted or _line(pair.before), reason)

    def _unchanged(self, before: ast.stmt, after: ast.AST) -> bool:
        """Tell whether two statements are the same lines."""
        assert isinstance(after, ast.stmt)
        if (before.col_offset, before.end_col_offset) != (after.col_offset, after.end_col_offset):
            return False
        return (
            self._old_lines[_first_line(before) - 1 : before.end_lineno]
            == self._new_lines[_first_line(after) - 1 : after.end_lineno]
        )

    def _compare_parts(self, pair: _Pair) -> None:
        before, after = pair.before, pair.after
        if _lists_names(before) and ast.dump(before) != ast.dump(after):
            raise self._differing(pair, "__all__ changes")
        for field in before._fields:
            old, new = getattr(before, field, None), getattr(after, field, None)
            annotation = pair.annotation or field in ("annotation", "returns")
            if isinstance(old, ast.AST) and isinstance(new, ast.AST):
                self._pairs.append(_Pair(old, new, annotation, pair.quoted))
            elif isinstance(old, list) and isinstance(new, list):
                self._compare_lists(pair, old, new, annotation=annotation)
            elif old != new:
                raise self._differing(pair, f"{old} became {new}")

    def _compare_lists(
        self, pair: _Pair, before: list[object], after: list[object], *, annotation: bool
    ) -> None:
        if any(isinstance(part, ast.stmt) for part in (*before[:1], *after[:1])):
            self._compare_bodies(_nodes(before), _nodes(after))
            return
        if len(before) != len(after):
            raise self._differing(pair, "there is more or less of it")
        for old, new in zip(before, after, strict=True):
            if isinstance(old, ast.AST) and isinstance(new, ast.AST):
                self._pairs.append(_Pair(old, new, annotation, pair.quoted))
            elif old != new:
                raise self._differing(pair, f"{old} became {new}")

    def _is_chain(self, pair: _Pair) -> bool:
        """Compare two attribute chains; return False for anything else."""
        old, new = _chain(pair.before), _chain(pair.after)
        if old is None or new is None:
            return False
        (first, was), (last, now) = old, new
        if was == now:
            return True
        if self._renamed_in(was) != now:
            raise self._differing(pair, f"{was} became {now}")
        if first.id != last.id:
            line = pair.quoted or first.lineno
            self._first_names(was, now, line)
            self._followed.append(Followed(first, last, line, bool(pair.quoted)))
        return True

    def _renamed_in(self, text: str) -> str | None:
        """Return a text that begins with the name of a moved module, with its new name, or None."""
        found = _DOTTED.match(text)
        module = found.group() if found else ""
        while module and module not in self._table:
            module = module.rpartition(".")[0]
        new = self._renamed.get(module)
        return None if new is None else new + text[len(module) :]

    def _compare_constants(self, pair: _Pair, before: ast.Constant, after: ast.Constant) -> None:
        old, new = before.value, after.value
        if type(old) is type(new) and repr(old) == repr(new) and before.kind == after.kind:
            return
        if not isinstance(old, str) or not isinstance(new, str) or before.kind != after.kind:
            raise self._differing(pair, f"{old!r} became {new!r}")
        named = self._renamed_in(old) == new or self._is_relative(old, new)
        if named and not pair.annotation:
            return
        trees = _expression(old), _expression(new)
        if trees[0] is None or trees[1] is None:
            raise self._differing(pair, f"{old!r} became {new!r}")
        line = pair.quoted or before.lineno
        self._pairs.append(_Pair(trees[0], trees[1], annotation=True, quoted=line))

    def _is_relative(self, old: str, new: str) -> bool:
        """Tell whether a relative name was made absolute; which one is for the import proof."""
        origin = next((was for was, now in self._renamed.items() if now == new), new)
        return old.startswith(".") and f".{origin}".endswith(f".{old.lstrip('.')}")


def _line(node: ast.AST) -> int:
    line = getattr(node, "lineno", 1)
    assert isinstance(line, int)
    return line


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", None)
    return _line(decorators[0]) if decorators else node.lineno


def _nodes(parts: Iterable[object]) -> list[ast.AST]:
    return [part for part in parts if isinstance(part, ast.AST)]


def _lists_names(node: ast.AST) -> bool:
    """Tell whether a statement assigns to `__all__`."""
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    return isinstance(node, ast.stmt) and any(
        isinstance(target, ast.Name) and target.id == "__all__" for target in targets
    )


def _bindings(
    node: ast.Import | ast.ImportFrom, module: Module
) -> list[tuple[str, tuple[str, str | None]]]:
    """Return what an import binds, "" for a first name, and the module and name that it means."""
    if isinstance(node, ast.Import):
        return [(alias.asname or "", (alias.name, None)) for alias in node.names]
    written = "." * node.level + (node.module or "")
    if node.level:
        try:
            written = absolute_name(module, RawImport(written, (), node.lineno, 0))
        except BeyondTop:
            return [(alias.asname or alias.name, (written, alias.name)) for alias in node.names]
    return [
        (alias.asname or alias.name, (written, None if alias.name == "*" else alias.name))
        for alias in node.names
    ]


def _chain(node: ast.AST) -> tuple[ast.Name, str] | None:
    """Return the first name of `a.b.c` and all of it, or None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return node, ".".join((node.id, *reversed(parts)))


def _expression(text: str) -> ast.AST | None:
    return parsed_annotation(text.strip(" \t"))


def _without_names(comment: str) -> tuple[str, str]:
    """Return a type comment without its names, and the comment behind it."""
    said, _, behind = comment.partition("#")
    return _DOTTED.sub("", said), behind


def _type_comments(text: str) -> list[tuple[int, str]]:
    """Return the type comments of a text, or what looks like some: line and what each says."""
    if "type:" not in text:
        return []
    comments = (
        (start, _TYPE_COMMENT.match(text, start, end)) for start, end in strings_and_comments(text)
    )
    return [(text.count("\n", 0, start) + 1, found[1]) for start, found in comments if found]


def _statements(version: Version) -> tuple[list[ast.AST], list[str]]:
    """Return the import statements of a text, each parsed alone, and the text around them."""
    text = version.source.text
    nodes: list[ast.AST] = []
    rest: list[str] = []
    position = 0
    for start, end in import_statements(version.source, version.record):
        # What is lazy is for the import proof, which compares kinds.
        rest.append(_LAZY.sub("", text[position:start]))
        position = end
        parsed = _parsed(text[start:end].strip())
        if parsed is None or not parsed.body:  # it has to stay as it is
            nodes.append(ast.Constant(text[start:end], lineno=1))
        else:
            nodes.append(ast.increment_lineno(parsed.body[0], version.source.line_of(start) - 1))
    return nodes, [*rest, text[position:]]


def _free_lines(version: Version) -> list[str]:
    """Return the lines that no import statement touches."""
    source = version.source
    taken: set[int] = set()
    for start, end in import_statements(source, version.record):
        taken.update(range(source.line_of(start), source.line_of(max(start, end - 1)) + 1))
    lines = source.text.split("\n")
    return [line for number, line in enumerate(lines, 1) if number not in taken]

"""Two texts of a file → proof that every name belongs to the same scope in both.

Only needed where a first name changes: `import candidate.x` binds `candidate`, and `import core.x`
binds `core`. CPython's own symbol tables tell what each name is in each scope.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple


class Differing(Exception):
    """Two texts differ in more than they may.

    Args:
        line: of the text before, from 1.
        reason: in what.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason


class Followed(NamedTuple):
    """The first name of an attribute chain whose first name changes.

    Attributes:
        before: its node in the tree before.
        after: and after; in a quoted annotation neither is part of the file's tree.
        line: of the file before, from 1.
        quoted: whether it stands in a quoted annotation.
    """

    before: ast.Name
    after: ast.Name
    line: int
    quoted: bool


def prove_scopes(
    before: ast.Module,
    after: ast.Module,
    firsts: Collection[str],
    followed: Iterable[Followed],
    line: int,
) -> None:
    """Prove that names mean the same in both texts of a file, except that first names changed.

    Args:
        before: the tree before; it is changed.
        after: the tree after, equal to the other one except for what imports bind and for
            `followed`; it is changed.
        firsts: the first names that changed, before and after.
        followed: the chains that changed with them.
        line: where the first of them changed, from 1.

    Raises:
        Differing: a name does not mean what it must.
    """
    # Under a name of their own the changed uses are told from all other uses of these names.
    marks: dict[str, tuple[str, str, int]] = {}
    quoted: list[tuple[str, int]] = []
    for found in followed:
        old, new = found.before.id, found.after.id
        if found.quoted:
            quoted.append((new, found.line))
            continue
        mark = f"lane_planner_followed_{len(marks)}"
        marks[mark] = (old, new, found.line)
        found.before.id = found.after.id = mark
    try:
        old_root, new_root = _tables(before, firsts), _tables(after, firsts)
    except (RecursionError, ValueError) as error:
        raise Differing(line, f"its scopes cannot be compared: {error}") from error
    _Check(frozenset(firsts), marks, line).compare((old_root,), (new_root,))
    for name, place in quoted:
        if any(not _only_imported(table, name) for table in _all(new_root)):
            raise Differing(place, f"{name} is also the name of something else in the file")


def _tables(tree: ast.Module, firsts: Collection[str]) -> symtable.SymbolTable:
    marked = ast.fix_missing_locations(_Marking(firsts).visit(tree))
    # Written out again: symbol tables are made of text only.
    return symtable.symtable(ast.unparse(marked), "text", "exec")


class _Marking(ast.NodeTransformer):
    """Makes imports that bind a first name to anything but a package count as assignments."""

    def __init__(self, firsts: Collection[str]) -> None:
        self._firsts = firsts

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        return [node, *self._assigned(alias.asname for alias in node.names)]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        return [node, *self._assigned(alias.asname or alias.name for alias in node.names)]

    def _assigned(self, names: Iterable[str | None]) -> Iterator[ast.stmt]:
        for name in names:
            if name is not None and name in self._firsts:
                yield ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None))


_Path = tuple[symtable.SymbolTable, ...]


class _Check:
    def __init__(
        self, firsts: frozenset[str], marks: Mapping[str, tuple[str, str, int]], line: int
    ) -> None:
        self._firsts = firsts
        self._marks = marks
        self._line = line

    def compare(self, before: _Path, after: _Path) -> None:
        pairs = [(before, after)]
        while pairs:
            before, after = pairs.pop()
            self._compare_scope(before, after)
            old, new = before[-1].get_children(), after[-1].get_children()
            if [_kind(table) for table in old] != [_kind(table) for table in new]:
                raise Differing(self._line, f"{before[-1].get_name()} holds other scopes")
            pairs.extend(
                ((*before, one), (*after, other)) for one, other in zip(old, new, strict=True)
            )

    def _compare_scope(self, before: _Path, after: _Path) -> None:
        where = before[-1].get_name()
        old = {symbol.get_name(): symbol for symbol in before[-1].get_symbols()}
        new = {symbol.get_name(): symbol for symbol in after[-1].get_symbols()}
        for name in sorted(old.keys() | new.keys()):
            was, now = _made(old.get(name)), _made(new.get(name))
            if name not in self._firsts:
                was, now = (*was, *_bound(old.get(name))), (*now, *_bound(new.get(name)))
            elif was == now and "referenced" in was:
                self._compare_owners(name, before, after)
            if was != now:
                raise Differing(self._line, f"{name} is not what it was in {where}")
        for mark in self._marks.keys() & old.keys():
            first, last, line = self._marks[mark]
            for path, name in ((before, first), (after, last)):
                owner = _owner(path, name)
                if owner is None or not _only_imported(owner, name):
                    raise Differing(line, f"{name} is not bound by imports alone in {where}")

    def _compare_owners(self, name: str, before: _Path, after: _Path) -> None:
        was, now = _owner(before, name), _owner(after, name)
        if was is None and now is None:
            return
        if was is None or now is None:
            raise Differing(self._line, f"{name} has another scope in {before[-1].get_name()}")
        same = before.index(was) == after.index(now) and _bound(was.lookup(name)) == _bound(
            now.lookup(name)
        )
        if not same and not (_only_imported(was, name) and _only_imported(now, name)):
            raise Differing(self._line, f"{name} means something else in {before[-1].get_name()}")


def _kind(table: symtable.SymbolTable) -> tuple[str, str]:
    return str(table.get_type()), table.get_name()


def _all(root: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    tables = [root]
    while tables:
        table = tables.pop()
        yield table
        tables.extend(table.get_children())


def _made(symbol: symtable.Symbol | None) -> tuple[str, ...]:
    """Return what a name is in a scope, imports and scopes around it apart."""
    if symbol is None:
        return ()
    told = {
        "parameter": symbol.is_parameter(),
        "declared global": symbol.is_declared_global(),
        "nonlocal": symbol.is_nonlocal(),
        "assigned": symbol.is_assigned(),
        "annotated": symbol.is_annotated(),
        "referenced": symbol.is_referenced(),
        "namespace": symbol.is_namespace(),
    }
    return tuple(what for what, is_so in told.items() if is_so)


def _bound(symbol: symtable.Symbol | None) -> tuple[str, ...]:
    if symbol is None:
        return ()
    told = {
        "imported": symbol.is_imported(),
        "local": symbol.is_local(),
        "global": symbol.is_global(),
        "free": symbol.is_free(),
    }
    return tuple(what for what, is_so in told.items() if is_so)


def _only_imported(table: symtable.SymbolTable, name: str) -> bool:
    made = _made(table.lookup(name)) if name in table.get_identifiers() else ()
    return not {"parameter", "declared global", "nonlocal", "assigned", "namespace"} & set(made)


def _owner(path: _Path, name: str) -> symtable.SymbolTable | None:
    """Return the scope that binds a name used in the last scope of a path, or None."""
    for table in reversed(path):
        if table.get_type() == "class" and table is not path[-1]:
            continue
        if name not in table.get_identifiers():
            continue
        symbol = table.lookup(name)
        if symbol.is_imported() or symbol.is_local():
            return table
        if symbol.is_global():
            break
    top = path[0]
    if name in top.get_identifiers():
        symbol = top.lookup(name)
        if symbol.is_imported() or symbol.is_assigned() or symbol.is_namespace():
            return top
    return None

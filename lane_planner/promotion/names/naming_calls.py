"""Which calls, subscripts and comparisons take an expression for the name of a module.

What the expression says is for others: here is only where one stands.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

NAMING_CALLS = {
    "import_module": "name", "__import__": "name", "find_spec": "name", "patch": "target",
    "importorskip": "modname", "resolve_name": "name", "run_module": "mod_name",
    "import_string": "dotted_path", "import_object": "name",
}  # fmt: skip
"""Calls whose first argument names a module or something in one, and that argument's keyword."""

# The same as methods of these only: `setattr` and `dict` mean something else elsewhere.
_NAMING_METHODS = {
    "setattr": "monkeypatch",
    "delattr": "monkeypatch",
    "dict": "patch",
    "multiple": "patch",
}
LAZY_MODULES = "__lazy_modules__"
"""What lists the modules whose imports are lazy (PEP 810)."""

NAMING_WORDS = tuple(sorted({LAZY_MODULES, *NAMING_CALLS, *_NAMING_METHODS.values()}))
"""Words one of which is in every file with a string in such a position, `sys.modules` apart."""

_TABLE_PATCHES = frozenset({"setitem", "delitem"})
# Those among them that take modules only …
_MODULE_CALLS = frozenset(
    {"import_module", "__import__", "find_spec", "importorskip", "run_module", *_TABLE_PATCHES}
)
# … and those that take a relative name and what it is relative to.
_RELATIVE_CALLS = frozenset({"import_module", "find_spec", "resolve_name"})
_TABLE_METHODS = frozenset({"get", "pop", "setdefault", "__contains__", "__getitem__"})
# One of the calls under another name; told by it, most files need no second look at their tree.
_ALIASED = re.compile(rf"\b(?:{'|'.join(NAMING_CALLS)})[\s\\]+as\b")
_NO_ALIASES: Mapping[str, str] = MappingProxyType({})

# The part of a string that is put together which surely is whole names: all up to a dot.
_WHOLE_NAMES = re.compile(r"(?:\w+\.)*")


class Named(NamedTuple):
    """An expression that names a module or something in one.

    Attributes:
        node: the expression.
        line: of what is given it, from 1.
        call: what that is, as written.
        module: whether it is the name of a module, and of nothing in one.
        relative: whether the name can be a relative one.
        anchor: what a relative one starts from.
    """

    node: ast.expr
    line: int
    call: str
    module: bool
    relative: bool = False
    anchor: ast.expr | None = None


def aliases_in(tree: ast.Module, text: str) -> Mapping[str, str]:
    """Return the naming calls that a file imports under other names, by these.

    Args:
        tree: the file's syntax tree.
        text: its text.
    """
    if not _ALIASED.search(text):
        return _NO_ALIASES
    return {
        alias.asname: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname is not None and alias.name in NAMING_CALLS
    }


def called(node: ast.Call, aliases: Mapping[str, str] = _NO_ALIASES) -> str:
    """Return what is called, by the name that it was imported from.

    Args:
        node: the call.
        aliases: as `aliases_in` has them.
    """
    first, dot, rest = spelled(node.func).partition(".")
    return f"{aliases.get(first, first)}{dot}{rest}"


def named_in(
    node: ast.AST, calls: Collection[str] = (), aliases: Mapping[str, str] = _NO_ALIASES
) -> Iterator[Named]:
    """Yield the expressions that a call, subscript or comparison takes for names of modules.

    Args:
        node: anything.
        calls: further names, as written, of what imports a module dynamically.
        aliases: as `aliases_in` has them.
    """
    if isinstance(node, ast.Call):
        yield from _named_by_call(node, calls, aliases)
    elif isinstance(node, ast.Subscript):
        if _is_module_table(spelled(node.value)):
            yield Named(node.slice, node.lineno, "sys.modules", module=True)
    elif isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(operator, (ast.In, ast.NotIn)) and _is_module_table(spelled(right)):
                yield Named(left, node.lineno, "sys.modules", module=True)


def _named_by_call(
    node: ast.Call, calls: Collection[str], aliases: Mapping[str, str]
) -> Iterator[Named]:
    callee = called(node, aliases)
    base, _, last = callee.rpartition(".")
    owner = base.rpartition(".")[2]
    found: ast.expr | None = None
    if last in NAMING_CALLS or callee in calls:
        found = argument_of(node, 0, NAMING_CALLS.get(last, "name"))
    elif (last in _NAMING_METHODS and _NAMING_METHODS[last] in owner) or (
        last in _TABLE_METHODS and _is_module_table(base)
    ):
        found = argument_of(node, 0, "in_dict" if last == "dict" else "target")
    elif last in _TABLE_PATCHES and node.args and _is_module_table(spelled(node.args[0])):
        found = argument_of(node, 1, "name")
    if found is not None:
        relative = last in _RELATIVE_CALLS or callee in calls
        anchor = argument_of(node, 1, "package") if relative else None
        module = last in _MODULE_CALLS or callee in calls or _is_module_table(base)
        yield Named(found, node.lineno, callee, module, relative, anchor)
    if last == "dict" and "patch" in owner and len(node.args) > 1:
        for key in _table_keys(node.args[0], node.args[1]):
            yield Named(key, node.lineno, callee, module=True)


def _table_keys(table: ast.expr, values: ast.expr) -> Iterator[ast.expr]:
    is_table = _is_module_table(spelled(table)) or (
        isinstance(table, ast.Constant) and table.value == "sys.modules"
    )
    if is_table and isinstance(values, ast.Dict):
        yield from (key for key in values.keys if key is not None)


def whole_names(start: str) -> str:
    """Return the whole names that the beginning of a dotted name surely has.

    Args:
        start: what a name that is put together begins with: "a.b.c" may go on as "a.b.cd".
    """
    found = _WHOLE_NAMES.match(start)
    return found.group().rstrip(".") if found else ""


def spelled(node: ast.expr) -> str:
    """Return the dotted name that an expression is; of what is none the last name, or "".

    Args:
        node: the expression; `f().patch` is called "patch".
    """
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return parts[0] if parts else ""
    parts.append(node.id)
    return ".".join(reversed(parts))


def _is_module_table(written: str) -> bool:
    return written == "sys.modules" or written.endswith(".sys.modules")


def argument_of(node: ast.Call, index: int, keyword: str) -> ast.expr | None:
    """Return an argument of a call; None: it is not given, or stands behind a star.

    Args:
        node: the call.
        index: its position, from 0.
        keyword: its name.
    """
    if index < len(node.args):
        return None if isinstance(node.args[index], ast.Starred) else node.args[index]
    return next((k.value for k in node.keywords if k.arg == keyword), None)

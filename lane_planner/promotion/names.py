"""One file's text → the names in it: what binds them, where they are used, and its strings.

CPython's own parser reads the file; nothing in it is run. Import statements are bindings here, not
uses: `lane_planner.promotion.imports` rewrites them.
"""

from __future__ import annotations

import ast
import builtins
import gc
import re
import warnings
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

_BUILTINS = frozenset(dir(builtins))
_OPENING = re.compile(r"[A-Za-z]{0,2}(\"\"\"|'''|\"|')")

# A type comment, as CPython's tokenizer takes one; `# type: ignore[…]` is none.
_TYPE_COMMENT = r"\#[ \t]*+type:[ \t]*+(?!ignore(?![0-9A-Za-z]|[^\x00-\x7f]))"
_SAID = re.compile(rf"(?x){_TYPE_COMMENT}(?P<said>[^\n]*+)")
_OTHER_COMMENT = rf"(?!{_TYPE_COMMENT})\#[^\n]*+"
# What stands between something that can have a type comment and the comment: behind a statement …
_BEHIND_STATEMENT = re.compile(r"(?x)(?:[ \t\f]|\\\n)*+")
# … a parameter with its default …
_BEHIND_PARAMETER = re.compile(
    rf"(?x)(?:[\s\\)]|{_OTHER_COMMENT})*+,?(?:[\s\\]|{_OTHER_COMMENT})*+"
)
# … the last expression of `for` and `with` …
_BEHIND_HEADER = re.compile(r"(?x)(?:[\s\\),]|\#[^\n]*+)*+:(?:[ \t\f]|\\\n)*+")
# … and the last one of `def`, or its name: here the comment may have a line of its own.
_BEHIND_SIGNATURE = re.compile(
    r"(?x)(?:(?:async[\s\\]++)?def[\s\\]++\w++)?(?:[\s\\()\[\],/*]|\#[^\n]*+)*+:"
    rf"(?:[\s\\]|{_OTHER_COMMENT})*+"
)

# Calls whose first argument names a module or something in one, and that argument's keyword.
_NAMING_CALLS = {
    "import_module": "name", "__import__": "name", "find_spec": "name", "patch": "target",
    "importorskip": "modname", "resolve_name": "name", "run_module": "mod_name",
    "import_string": "dotted_path", "import_object": "name",
}  # fmt: skip
# The same as methods of these only: `setattr` and `dict` mean something else elsewhere.
_NAMING_METHODS = {
    "setattr": "monkeypatch",
    "delattr": "monkeypatch",
    "dict": "patch",
    "multiple": "patch",
}
LAZY_MODULES = "__lazy_modules__"
"""What lists the modules whose imports are lazy (PEP 810)."""

NAMING_WORDS = tuple(sorted({LAZY_MODULES, *_NAMING_CALLS, *_NAMING_METHODS.values()}))
"""Words one of which is in every file with a string in such a position, `sys.modules` apart."""

_TABLE_PATCHES = frozenset({"setitem", "delitem"})
# Those among them that take modules only …
_MODULE_CALLS = frozenset(
    {"import_module", "__import__", "find_spec", "importorskip", "run_module", *_TABLE_PATCHES}
)
# … and those that take a relative name and what it is relative to.
_RELATIVE_CALLS = frozenset({"import_module", "find_spec", "resolve_name"})
_TABLE_METHODS = frozenset({"get", "pop", "setdefault", "__contains__", "__getitem__"})


# The part of a string that is put together which surely is whole names: all up to a dot.
_WHOLE_NAMES = re.compile(r"(?:\w+\.)*")


class PlainImport(msgspec.Struct, frozen=True):
    """A name bound by `import a.b`: it is bound to `a`.

    Attributes:
        line: of the statement, from 1.
        start: offset of the dotted name.
        module: the dotted name.
    """

    line: int
    start: int
    module: str


class NamedImport(msgspec.Struct, frozen=True):
    """A name bound by `import a.b as n`, `from a import b` or `from a import b as n`.

    Attributes:
        line: of the statement, from 1.
        module: what stands behind `import` or `from`, with leading dots.
        name: what is imported from it; None for `import a.b as n`.
    """

    line: int
    module: str
    name: str | None


class OtherBinding(msgspec.Struct, frozen=True):
    """A name bound by anything but an import.

    Attributes:
        line: from 1.
    """

    line: int


Binding = PlainImport | NamedImport | OtherBinding


class Scope:
    """A part of a file in which a name means one thing.

    Args:
        kind: what makes it; comprehensions and lambdas are functions.
        parent: the scope around it; None for the module.

    Attributes:
        bound: what binds each name in it, in source order.
    """

    def __init__(self, kind: Literal["module", "class", "function"], parent: Scope | None) -> None:
        self.kind = kind
        self.parent = parent
        self.bound: dict[str, list[Binding]] = {}
        self._global: set[str] = set()
        self._nonlocal: set[str] = set()

    def declare(self, names: Iterable[str], *, everywhere: bool) -> None:
        """Take `global` or `nonlocal` names; they are bound in another scope."""
        (self._global if everywhere else self._nonlocal).update(names)

    def bind(self, name: str, binding: Binding) -> None:
        """Take a binding; a `global` name's goes to the module."""
        scope = self
        if name in self._global:
            scope = self.top()
        elif name in self._nonlocal:
            scope = self.owner_of(name) or self
        scope.bound.setdefault(name, []).append(binding)

    def declared(self, name: str) -> bool:
        """Tell whether a name is declared global or nonlocal here."""
        return name in self._global or name in self._nonlocal

    def top(self) -> Scope:
        """Return the module's scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def path_of(self, name: str) -> list[Scope]:
        """Return the scopes that are searched for a name used here, from this one to the module."""
        if name in self._global:
            return [self.top()]
        path: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            own = scope is self and name not in self._nonlocal
            if own or (scope is not self and scope.kind != "class"):
                path.append(scope)
            scope = scope.parent
        return path

    def owner_of(self, name: str) -> Scope | None:
        """Return the scope that binds a name used here, or None if none in the file does."""
        return next((scope for scope in self.path_of(name) if name in scope.bound), None)


class Chain(msgspec.Struct, frozen=True):
    """A name that is used, with the attributes that are read off it: `a.b.c`.

    Attributes:
        scope: where it stands.
        parts: the names.
        line: from 1.
        start: offset of the first name; -1 where it stands in a string that spells it otherwise.
        ends: offset behind each name.
        place: its place in `Names.spelling`.
    """

    scope: Scope
    parts: tuple[str, ...]
    line: int
    start: int
    ends: tuple[int, ...]
    place: int


Role = Literal["name", "start of a name", "other"]


class String(msgspec.Struct, frozen=True):
    """A string.

    Attributes:
        value: what it says; of an f-string, what it begins with.
        role: whether it stands where a module or something in one is named, as a whole or as the
            beginning of what is put together.
        line: from 1.
        start: offset of its first character, prefix and quotes included.
        body: offset behind its opening quotes; -1 if they are not found.
        end: offset behind it.
        anchor: what a relative name in it starts from, as in `RawImport`.
        top: attributes that are read at once off the package that `__import__` returns for it;
            None: nothing hangs on what is returned.
        place: its place in `Names.spelling`.
    """

    value: str
    role: Role
    line: int
    start: int
    body: int
    end: int
    anchor: str | None
    top: tuple[str, ...] | None
    place: int


class Names(msgspec.Struct, frozen=True):
    """The names of a file.

    Attributes:
        module: its outermost scope.
        scopes: all scopes.
        chains: uses of names that an import binds, or nothing in the file.
        strings: in the order in which they are read.
        stars: modules, as written, of `from … import *`.
        spelling: every use of a name and every string, in the order in which they are read.
        listed: strings in `__all__`, and the line of each.
    """

    module: Scope
    scopes: tuple[Scope, ...]
    chains: tuple[Chain, ...]
    strings: tuple[String, ...]
    stars: tuple[str, ...]
    spelling: tuple[str, ...]
    listed: dict[str, int]


class Unreadable(Exception):
    """The file does not parse.

    Args:
        line: where the parser gave up, from 1.
    """

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def names_of(text: str) -> Names:
    """Return the names of a file.

    Args:
        text: its text, with "\\n" for newlines.

    Raises:
        Unreadable: it does not parse.
    """
    found = _names_of(text)
    if isinstance(found, Unreadable):
        raise Unreadable(found.line)
    return found


# The same importers are read step after step.
@lru_cache(maxsize=256)
def _names_of(text: str) -> Names | Unreadable:
    try:
        tree = parse(text)
        reader = _Reader(text)
        reader.read(tree)
        return reader.names()
    except SyntaxError as error:
        return Unreadable(error.lineno or 1)
    except (ValueError, RecursionError, MemoryError):  # NUL bytes; deeper than the parser goes
        return Unreadable(1)


def parse(text: str) -> ast.Module:
    """Parse a file; what the parser warns of is not said.

    Args:
        text: its text, with "\\n" for newlines.

    Raises:
        SyntaxError: it does not parse.
        ValueError: it holds NUL bytes.
        RecursionError: it nests deeper than the parser goes.
        MemoryError: likewise.
    """
    # Trees hold no garbage, but are so many objects that looking for some doubles the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    finally:
        if collecting:
            gc.enable()


def parsed_annotation(
    text: str, mode: Literal["eval", "func_type"] = "eval"
) -> ast.expr | ast.FunctionType | None:
    """Parse an annotation that is quoted or stands in a comment; return None for what is none.

    Args:
        text: what it says.
        mode: "func_type" for a whole signature, "(int) -> str".
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    assert isinstance(tree, (ast.Expression, ast.FunctionType))
    return tree.body if isinstance(tree, ast.Expression) else tree


class _Text(NamedTuple):
    """An annotation that is quoted or stands in a comment.

    Attributes:
        body: its offset; -1: it stands there otherwise than it is read.
        value: what it says.
        line: from 1, of the outermost one.
    """

    body: int
    value: str
    line: int

    def offset(self, column: int | None) -> int:
        """Return the offset in the file of a column that the parser gave; -1 as in `body`."""
        return -1 if self.body < 0 else self.body + _column(self.value, column or 0)


class _Found(msgspec.Struct):
    scope: Scope
    nodes: list[ast.expr]  # from the first name to the whole chain
    parts: tuple[str, ...]
    text: _Text | None  # what it stands in, if that is read by itself
    line: int
    place: int


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


def named_in(node: ast.AST, calls: Collection[str] = ()) -> Iterator[Named]:
    """Yield the expressions that a call, subscript or comparison takes for names of modules.

    Args:
        node: anything.
        calls: further names, as written, of what imports a module dynamically.
    """
    if isinstance(node, ast.Call):
        yield from _named_by_call(node, calls)
    elif isinstance(node, ast.Subscript):
        if _is_module_table(_spelled(node.value)):
            yield Named(node.slice, node.lineno, "sys.modules", module=True)
    elif isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(operator, (ast.In, ast.NotIn)) and _is_module_table(_spelled(right)):
                yield Named(left, node.lineno, "sys.modules", module=True)


def _named_by_call(node: ast.Call, calls: Collection[str]) -> Iterator[Named]:
    callee = _spelled(node.func)
    base, _, last = callee.rpartition(".")
    owner = base.rpartition(".")[2]
    found: ast.expr | None = None
    if last in _NAMING_CALLS or callee in calls:
        found = _argument(node, 0, _NAMING_CALLS.get(last, "name"))
    elif (last in _NAMING_METHODS and _NAMING_METHODS[last] in owner) or (
        last in _TABLE_METHODS and _is_module_table(base)
    ):
        found = _argument(node, 0, "in_dict" if last == "dict" else "target")
    elif last in _TABLE_PATCHES and node.args and _is_module_table(_spelled(node.args[0])):
        found = _argument(node, 1, "name")
    if found is not None:
        relative = last in _RELATIVE_CALLS or callee in calls
        anchor = _argument(node, 1, "package") if relative else None
        module = last in _MODULE_CALLS or callee in calls or _is_module_table(base)
        yield Named(found, node.lineno, callee, module, relative, anchor)
    if last == "dict" and "patch" in owner and len(node.args) > 1:
        for key in _table_keys(node.args[0], node.args[1]):
            yield Named(key, node.lineno, callee, module=True)


def _table_keys(table: ast.expr, values: ast.expr) -> Iterator[ast.expr]:
    is_table = _is_module_table(_spelled(table)) or (
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


class _Naming(NamedTuple):
    """What a string stands for; the fields are those of `String`."""

    role: Role
    anchor: str | None = None
    top: tuple[str, ...] | None = None


_NAME = _Naming("name")


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._scope = self._module = Scope("module", None)
        self._scopes = [self._module]
        self._found: list[_Found] = []
        self._strings: list[String] = []
        self._stars: list[str] = []
        self._spelling: list[str] = []
        self._listed: dict[str, int] = {}
        self._naming: dict[ast.AST, _Naming] = {}
        self._annotated = 0
        self._within: _Text | None = None
        self._commented = "type:" in text
        # The attributes that are read at once off an expression; None: its value is thrown away.
        self._followed: dict[ast.AST, tuple[str, ...] | None] = {}

    def names(self) -> Names:
        kept = [found for found in self._found if self._matters(found)]
        return Names(
            self._module,
            tuple(self._scopes),
            tuple(map(self._chain, kept)),
            tuple(self._strings),
            tuple(self._stars),
            tuple(self._spelling),
            self._listed,
        )

    def _matters(self, found: _Found) -> bool:
        first = found.parts[0]
        owner = found.scope.owner_of(first)
        if owner is None:
            return first not in _BUILTINS
        return any(not isinstance(b, OtherBinding) for b in owner.bound[first])

    def _chain(self, found: _Found) -> Chain:
        if found.text is None:
            ends = tuple(self._offset(n.end_lineno, n.end_col_offset) for n in found.nodes)
            first = found.nodes[0]
            start = self._offset(first.lineno, first.col_offset)
        else:
            ends = tuple(found.text.offset(node.end_col_offset) for node in found.nodes)
            start = found.text.offset(found.nodes[0].col_offset)
        return Chain(found.scope, found.parts, found.line, start, ends, found.place)

    def _offset(self, line: int | None, column: int | None) -> int:
        assert line is not None
        assert column is not None
        return self._starts[line - 1] + _column(self._lines[line - 1], column)

    # Reading.

    def read(self, node: ast.AST | None) -> None:
        if node is None:
            return
        method = getattr(self, f"_read_{type(node).__name__}", None)
        if method is not None:
            method(node)
        else:
            self._read_parts(node)

    def _read_parts(self, node: ast.AST) -> None:
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                self.read(value)
            elif isinstance(value, list):
                self._read_all(value)

    def _read_all(self, nodes: Iterable[object]) -> None:
        for node in nodes:
            if isinstance(node, ast.AST):
                self.read(node)

    def _bind(self, name: str, line: int) -> None:
        self._scope.bind(name, OtherBinding(line))

    # Names and chains.

    def _read_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use([node], (node.id,))
        else:
            self._bind(node.id, node.lineno)

    def _read_Attribute(self, node: ast.Attribute) -> None:
        nodes: list[ast.expr] = [node]
        parts = [node.attr]
        inner = node.value
        while isinstance(inner, ast.Attribute):
            nodes.append(inner)
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._use([inner, *reversed(nodes)], (inner.id, *reversed(parts)))
        else:
            self._followed[inner] = tuple(reversed(parts))
            self.read(inner)

    def _use(self, nodes: list[ast.expr], parts: tuple[str, ...]) -> None:
        text = self._within
        line = nodes[0].lineno if text is None else text.line
        self._found.append(_Found(self._scope, nodes, parts, text, line, len(self._spelling)))
        self._spelling.append(".".join(parts))

    # Imports.

    def _read_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            start = self._offset(alias.lineno, alias.col_offset)
            if alias.asname is None:
                first = alias.name.partition(".")[0]
                self._scope.bind(first, PlainImport(node.lineno, start, alias.name))
            else:
                self._scope.bind(alias.asname, NamedImport(node.lineno, alias.name, None))

    def _read_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self._stars.append(module)
            else:
                self._scope.bind(
                    alias.asname or alias.name, NamedImport(node.lineno, module, alias.name)
                )

    # Scopes.

    def _enter(self, kind: Literal["class", "function"]) -> Scope:
        outer = self._scope
        self._scope = Scope(kind, outer)
        self._scopes.append(self._scope)
        return outer

    def _read_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name, node.lineno)
        self._read_all(node.decorator_list)
        self._read_defaults(node.args)
        outer = self._enter_type_parameters(node)
        self._read_annotations(node.args)
        self._read_annotation(node.returns)
        if self._commented:
            self._read_comments_of(node)
        self._enter("function")
        self._bind_arguments(node.args)
        self._read_all(node.body)
        self._scope = outer

    _read_AsyncFunctionDef = _read_FunctionDef

    def _enter_type_parameters(self, node: ast.AST) -> Scope:
        """Enter the scope of `def f[T]` or `class C[T]`, if there is one; return the one around."""
        outer = self._scope
        parameters = getattr(node, "type_params", ())
        if parameters:
            self._enter("function")
            self._read_all(parameters)
        return outer

    def _read_Lambda(self, node: ast.Lambda) -> None:
        self._read_defaults(node.args)
        outer = self._enter("function")
        self._bind_arguments(node.args)
        self.read(node.body)
        self._scope = outer

    def _read_defaults(self, arguments: ast.arguments) -> None:
        self._read_all([*arguments.defaults, *arguments.kw_defaults])

    def _read_annotations(self, arguments: ast.arguments) -> None:
        for argument in _all_arguments(arguments):
            self._read_annotation(argument.annotation)

    def _read_comments_of(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Read the type comments of a function: behind its parameters, and below its header."""
        parameters = list(_with_defaults(node.args))
        for parameter, default in parameters:
            self._read_comment(default or parameter, _BEHIND_PARAMETER)
        header = [default or parameter for parameter, default in parameters]
        header += [*getattr(node, "type_params", ()), *([node.returns] if node.returns else ())]
        ends = [self._offset(part.end_lineno, part.end_col_offset) for part in header]
        start = self._offset(node.lineno, node.col_offset)
        self._read_comment_behind(max([start, *ends]), _BEHIND_SIGNATURE, "func_type")

    def _bind_arguments(self, arguments: ast.arguments) -> None:
        for argument in _all_arguments(arguments):
            self._bind(argument.arg, argument.lineno)

    def _read_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, node.lineno)
        self._read_all(node.decorator_list)
        outer = self._enter_type_parameters(node)
        self._read_all([*node.bases, *node.keywords])
        self._enter("class")
        self._read_all(node.body)
        self._scope = outer

    def _read_comprehension(
        self, generators: Sequence[ast.comprehension], *results: ast.expr
    ) -> None:
        self.read(generators[0].iter)
        outer = self._enter("function")
        for index, generator in enumerate(generators):
            if index:
                self.read(generator.iter)
            self.read(generator.target)
            self._read_all(generator.ifs)
        self._read_all(results)
        self._scope = outer

    def _read_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._read_comprehension(node.generators, node.elt)

    _read_SetComp = _read_GeneratorExp = _read_ListComp

    def _read_DictComp(self, node: ast.DictComp) -> None:
        self._read_comprehension(node.generators, node.key, node.value)

    def _read_NamedExpr(self, node: ast.NamedExpr) -> None:
        # In a comprehension it binds outside; taken for both, it can only cause a refusal.
        self.read(node.value)
        scope: Scope | None = self._scope
        while scope is not None:
            scope.bind(node.target.id, OtherBinding(node.lineno))
            scope = scope.parent

    def _read_Global(self, node: ast.Global) -> None:
        self._scope.declare(node.names, everywhere=True)

    def _read_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._scope.declare(node.names, everywhere=False)

    # Other bindings.

    def _read_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None:
            self._bind(node.name, node.lineno)
        self._read_parts(node)

    def _read_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name is not None:
            self._bind(node.name, node.lineno)
        self._read_parts(node)

    _read_MatchStar = _read_MatchAs

    def _read_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest is not None:
            self._bind(node.rest, node.lineno)
        self._read_parts(node)

    def _read_TypeVar(self, node: ast.AST) -> None:
        self._bind(node.name, getattr(node, "lineno", 1))  # type: ignore[attr-defined]  # of 3.12
        self._read_parts(node)

    _read_ParamSpec = _read_TypeVarTuple = _read_TypeVar

    def _read_Assign(self, node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(t, ast.Name) and t.id == LAZY_MODULES for t in targets) and node.value:
            for item in ast.walk(node.value):
                if isinstance(item, ast.Constant):
                    self._mark(item)
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets) and node.value:
            self._listed.update(
                (item.value, item.lineno)
                for item in ast.walk(node.value)
                if isinstance(item, ast.Constant) and isinstance(item.value, str)
            )
        if isinstance(node, ast.AnnAssign):
            self._read_annotation(node.annotation)
        self.read(node.value)
        self._read_all(targets)
        if self._commented and isinstance(node, ast.Assign):
            self._read_comment(node, _BEHIND_STATEMENT)

    _read_AugAssign = _read_AnnAssign = _read_Assign

    def _read_For(self, node: ast.For | ast.AsyncFor) -> None:
        if self._commented:
            self._read_comment(node.iter, _BEHIND_HEADER)
        self._read_parts(node)

    _read_AsyncFor = _read_For

    def _read_With(self, node: ast.With | ast.AsyncWith) -> None:
        if self._commented:
            last = node.items[-1]
            self._read_comment(last.optional_vars or last.context_expr, _BEHIND_HEADER)
        self._read_parts(node)

    _read_AsyncWith = _read_With

    # Type comments.

    def _read_comment(self, node: ast.expr | ast.stmt | ast.arg, between: re.Pattern[str]) -> None:
        """Read the type comment behind a node, if there is one.

        Args:
            node: what has it.
            between: what may stand in front of it.
        """
        self._read_comment_behind(self._offset(node.end_lineno, node.end_col_offset), between)

    def _read_comment_behind(
        self,
        offset: int,
        between: re.Pattern[str],
        mode: Literal["eval", "func_type"] = "eval",
    ) -> None:
        start = between.match(self._text, offset)
        found = None if start is None else _SAID.match(self._text, start.end())
        tree = None if found is None else parsed_annotation(found["said"], mode)
        # Prose can be an expression, but none that binds a name is a type.
        if found is None or tree is None or any(map(_binds, ast.walk(tree))):
            return
        body = found.start("said")
        self._within = _Text(body, found["said"], bisect_right(self._starts, body))
        self._annotated += 1
        self.read(tree)
        self._annotated -= 1
        self._within = None

    # Strings.

    def _read_annotation(self, node: ast.expr | None) -> None:
        self._annotated += 1
        self.read(node)
        self._annotated -= 1

    def _read_Expr(self, node: ast.Expr) -> None:
        self._followed[node.value] = None
        self.read(node.value)

    def _read_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, str) and not (self._annotated and self._read_quoted(node, value)):
            self._string(node, value)

    def _read_JoinedStr(self, node: ast.JoinedStr) -> None:
        first = node.values[0] if node.values else None
        begins = first.value if isinstance(first, ast.Constant) else None
        if isinstance(begins, str):
            naming = self._naming.get(node)
            if naming is not None:
                self._naming[node] = naming._replace(role="start of a name")
            self._string(node, begins)
        self._read_all(node.values[1:] if isinstance(begins, str) else node.values)

    def _string(self, node: ast.expr, value: str) -> None:
        if self._within is not None:
            return  # a string in a quoted annotation or a type comment, and none itself
        start = self._offset(node.lineno, node.col_offset)
        opening = _OPENING.match(self._text, start)
        naming = self._naming.get(node, _Naming("other"))
        end = self._offset(node.end_lineno, node.end_col_offset)
        body = opening.end() if opening else -1
        place = len(self._spelling)
        self._strings.append(
            String(
                value,
                naming.role,
                node.lineno,
                start,
                body,
                end,
                naming.anchor,
                naming.top,
                place,
            )
        )
        self._spelling.append(value)

    def _read_quoted(self, node: ast.Constant, value: str) -> bool:
        """Read a quoted annotation; return False for a string that is none."""
        tree = parsed_annotation(value.strip(" \t"))
        if tree is None:
            return False
        outer = self._within
        if outer is None:
            start, line = self._offset(node.lineno, node.col_offset), node.lineno
        else:
            start, line = outer.offset(node.col_offset), outer.line
        opening = None if start < 0 else _OPENING.match(self._text, start)
        body = opening.end() if opening else -1
        if "\n" in value or value[:1] in " \t" or not self._text.startswith(value, body):
            body = -1  # it holds escapes, or is in pieces
        self._within = _Text(body, value, line)
        self.read(tree)
        self._within = outer
        return True

    def _read_Subscript(self, node: ast.Subscript) -> None:
        spelled = _spelled(node.value)
        self._mark_named(node)
        annotated = self._annotated
        self.read(node.value)
        if spelled.rpartition(".")[2] == "Literal":
            self._annotated = 0
        self.read(node.slice)
        self._annotated = annotated

    def _read_Compare(self, node: ast.Compare) -> None:
        self._mark_named(node)
        self._read_parts(node)

    def _read_Call(self, node: ast.Call) -> None:
        last = _spelled(node.func).rpartition(".")[2]
        naming = _NAME
        if last in _NAMING_CALLS:
            whole = last == "__import__" and len(node.args) < 4 and not node.keywords
            naming = _Naming(
                "name",
                _anchor(_argument(node, 1, "package"), last),
                self._followed.get(node, ()) if whole else None,
            )
        self._mark_named(node, naming)
        if last in ("cast", "TypeVar") and node.args:
            self._read_typing_call(node, last)
        else:
            self._read_parts(node)

    def _read_typing_call(self, node: ast.Call, name: str) -> None:
        self.read(node.func)
        for index, argument in enumerate(node.args):
            if (index == 0) == (name == "cast"):
                self._read_annotation(argument)
            else:
                self.read(argument)
        for keyword in node.keywords:
            if keyword.arg == "bound":
                self._read_annotation(keyword.value)
            else:
                self.read(keyword.value)

    def _mark_named(self, node: ast.AST, naming: _Naming = _NAME) -> None:
        for named in named_in(node):
            self._mark(named.node, naming)

    def _mark(self, node: ast.expr, naming: _Naming = _NAME) -> None:
        """Remember that an expression names a module or something in one."""
        while True:
            if isinstance(node, ast.BinOp):  # "a.b." + name, "a.b.%s" % name
                naming, node = naming._replace(role="start of a name"), node.left
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                # "a.b.{}".format(name)
                naming, node = naming._replace(role="start of a name"), node.func.value
            elif isinstance(node, ast.IfExp):
                self._mark(node.body, naming)
                node = node.orelse
            else:
                if isinstance(node, (ast.Constant, ast.JoinedStr)):
                    self._naming[node] = naming
                return


def _column(line: str, column: int) -> int:
    """Return a column in characters, from one in UTF-8 bytes."""
    if line.isascii():
        return column
    return len(line.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "surrogatepass"))


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return found + [a for a in (arguments.vararg, arguments.kwarg) if a is not None]


def _with_defaults(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Yield the parameters of a function, each with its default."""
    plain = [*arguments.posonlyargs, *arguments.args]
    without = len(plain) - len(arguments.defaults)
    yield from zip(plain, [*[None] * without, *arguments.defaults], strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    yield from ((star, None) for star in (arguments.vararg, arguments.kwarg) if star is not None)


def _binds(node: ast.AST) -> bool:
    return isinstance(node, (ast.NamedExpr, ast.Lambda, ast.comprehension))


def _spelled(node: ast.expr) -> str:
    """Return the dotted name that an expression is, or ""."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return parts[0] if parts else ""  # `f().patch`: the last name is known
    parts.append(node.id)
    return ".".join(reversed(parts))


def _is_module_table(spelled: str) -> bool:
    return spelled == "sys.modules" or spelled.endswith(".sys.modules")


def _argument(node: ast.Call, index: int, keyword: str) -> ast.expr | None:
    if index < len(node.args):
        return None if isinstance(node.args[index], ast.Starred) else node.args[index]
    return next((k.value for k in node.keywords if k.arg == keyword), None)


def _anchor(node: ast.expr | None, call: str) -> str | None:
    if call == "__import__" or node is None:
        return None
    if isinstance(node, ast.Name):
        return node.id if node.id in ("__package__", "__name__") else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None

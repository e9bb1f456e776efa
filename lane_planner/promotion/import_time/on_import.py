"""One file's text → what importing it does, as far as other modules can notice: an `Outline`.

That is the statements that run at once, outside of functions: which modules they import, which
names they bind, and which attributes they read off imported modules. Nothing is run.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence

import msgspec

from lane_planner.promotion.names.syntax import UNPARSABLE, all_arguments, parse
from lane_planner.promotion.text import SourceText
from lane_planner.scan.decode import Undecodable
from lane_planner.scan.records import FileRecord, RawImport


class Bind(msgspec.Struct, frozen=True):
    """Names that are bound to something that is no import."""

    names: tuple[str, ...]


class Plain(msgspec.Struct, frozen=True):
    """`import a.b`, or a dynamic import.

    Attributes:
        line: from 1.
        raw: the import as written.
        bound: what it binds; None: nothing in the module.
        whole: whether that is `a.b` itself (`import a.b as n`), and not `a`.
    """

    line: int
    raw: RawImport
    bound: str | None
    whole: bool = False


class From(msgspec.Struct, frozen=True):
    """`from a import b as n`.

    Attributes:
        line: from 1.
        raw: the import as written.
        names: what is imported, and what it is bound to; None: nothing in the module.
    """

    line: int
    raw: RawImport
    names: tuple[tuple[str, str | None], ...]


class Star(msgspec.Struct, frozen=True):
    """`from a import *`; the fields are those of `From`."""

    line: int
    raw: RawImport


class Use(msgspec.Struct, frozen=True):
    """Attributes that are read off an imported name: `a.b.c`; or a name that a star may give."""

    line: int
    parts: tuple[str, ...]


class Listing(msgspec.Struct, frozen=True):
    """An assignment to `__all__`.

    Attributes:
        names: what it adds.
        whole: whether that is all of it.
        anew: whether it replaces what was listed.
    """

    names: tuple[str, ...]
    whole: bool
    anew: bool


class Branch(msgspec.Struct, frozen=True):
    """Statements that may run or not."""

    body: tuple[Statement, ...]


class Handler(msgspec.Struct, frozen=True):
    """An `except` clause.

    Attributes:
        catches: last names of the exceptions; empty: all of them.
        body: what it does.
    """

    catches: frozenset[str]
    body: tuple[Statement, ...]


class Try(msgspec.Struct, frozen=True):
    """A `try` statement; a `with suppress(…)` is one too."""

    body: tuple[Statement, ...]
    handlers: tuple[Handler, ...]
    orelse: tuple[Statement, ...]
    finally_: tuple[Statement, ...]


Statement = Bind | Plain | From | Star | Use | Listing | Branch | Try


class Outline(msgspec.Struct, frozen=True):
    """What importing a file does.

    Attributes:
        body: in the order in which it runs.
        lines: the line that first binds each name, from 1.
        first_names: names that an `import a.b` binds.
        floating: names that functions bind in the module, nobody knows when.
        makes_names: whether it can bind names that do not stand in it.
    """

    body: tuple[Statement, ...]
    lines: dict[str, int]
    first_names: frozenset[str]
    floating: frozenset[str]
    makes_names: bool


_BUILTINS = frozenset(dir(builtins))
_ENOUGH = 1 << 12
_known: dict[bytes, Outline] = {}


def outline_of(content: bytes, record: FileRecord) -> Outline:
    """Return what importing a file does; of one that does not parse, what its record says.

    Args:
        content: the file's bytes.
        record: its imports, which are a function of them.
    """
    found = _known.get(content)
    if found is None:
        if len(_known) >= _ENOUGH:
            _known.clear()  # a run reads the same files step after step, and some thousands at most
        found = _known[content] = _outline_of(content, record)
    return found


def _outline_of(content: bytes, record: FileRecord) -> Outline:
    try:
        tree = parse(SourceText(content).text)
        reader = _Reader(record)
        body = reader.block(tree.body)
    except (Undecodable, *UNPARSABLE):
        imports = [raw for raw in record.imports if raw.kind == "eager"]
        return Outline(tuple(map(_unread, imports)), {}, frozenset(), frozenset(), True)
    return Outline(
        body,
        reader.lines,
        frozenset(reader.first_names),
        frozenset(reader.floating),
        reader.makes_names,
    )


def _unread(raw: RawImport) -> Statement:
    if raw.names is None:
        return Plain(raw.line, raw, None)
    if raw.names == ("*",):
        return Star(raw.line, raw)
    return From(raw.line, raw, tuple((name, None) for name in raw.names))


_FALSE = "False"
_TRUE = "True"
# By these a module can bind names that do not stand in it.
_MAKERS = frozenset({"exec", "globals", "vars", "locals"})


class _Reader:
    """Reads the statements of a file that run at once.

    Args:
        record: its imports.

    Attributes:
        lines: as in `Outline`.
        first_names: likewise.
        floating: likewise.
        makes_names: likewise.
    """

    def __init__(self, record: FileRecord) -> None:
        self.lines: dict[str, int] = {}
        self.first_names: set[str] = set()
        self.floating: set[str] = set()
        self.makes_names = False
        self._imported: set[str] = set()  # names that imports bind in the module
        self._stars = False  # whether a star import was read
        self._class_names: list[set[str]] = []  # of the classes around, from the outside
        self._deferred_annotations = False
        self._eager = {
            (raw.line, raw.module)
            for raw in record.imports
            if raw.kind == "eager" and not raw.dynamic
        }
        self._dynamic: dict[int, list[RawImport]] = {}
        for raw in record.imports:
            if raw.dynamic and raw.kind == "eager":
                self._dynamic.setdefault(raw.line, []).append(raw)

    def block(self, statements: Iterable[ast.stmt]) -> tuple[Statement, ...]:
        """Return what some statements do, in order; bindings that follow each other are one."""
        found: list[Statement] = []
        for node in statements:
            for statement in self._statement(node):
                last = found[-1] if found else None
                if isinstance(statement, Bind) and isinstance(last, Bind):
                    found[-1] = Bind(last.names + statement.names)
                else:
                    found.append(statement)
        return tuple(found)

    def _statement(self, node: ast.stmt) -> list[Statement]:
        dynamic = self._dynamic.pop(node.lineno, ())
        found: list[Statement] = [Plain(raw.line, raw, None) for raw in dynamic]
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            return found + self._simple(node)
        return found + list(method(node))

    def _bind(self, names: Iterable[str], line: int) -> list[Statement]:
        wanted = tuple(names)
        if self._class_names:
            self._class_names[-1].update(wanted)
            return []
        for name in wanted:
            self.lines.setdefault(name, line)
        return [Bind(wanted)] if wanted else []

    # Imports.

    def _Import(self, node: ast.Import) -> list[Statement]:
        found: list[Statement] = []
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            raw = RawImport(alias.name, None, node.lineno, 0)
            if (node.lineno, alias.name) not in self._eager:
                found += self._bind([bound], node.lineno)
                continue
            if alias.asname is None and not self._class_names:
                self.first_names.add(bound)
            kept = self._import(bound, node.lineno)
            found.append(Plain(node.lineno, raw, kept, alias.asname is not None))
        return found

    def _ImportFrom(self, node: ast.ImportFrom) -> list[Statement]:
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            self._deferred_annotations |= any(a.name == "annotations" for a in node.names)
        raw = RawImport(module, None, node.lineno, 0)
        if (node.lineno, module) not in self._eager:
            return self._bind((a.asname or a.name for a in node.names), node.lineno)
        if node.names[0].name == "*":
            self._stars = True
            return [Star(node.lineno, raw)]
        return [
            From(
                node.lineno,
                raw,
                tuple((a.name, self._import(a.asname or a.name, node.lineno)) for a in node.names),
            )
        ]

    def _import(self, name: str, line: int) -> str | None:
        if self._class_names:
            self._class_names[-1].add(name)
            return None
        self._imported.add(name)
        self.lines.setdefault(name, line)
        return name

    # What runs at once, whole or in part.

    def _FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[Statement]:
        arguments = node.args
        now: list[ast.expr | None] = [*node.decorator_list]
        now += [*arguments.defaults, *arguments.kw_defaults]
        if not self._deferred_annotations:
            now += [argument.annotation for argument in all_arguments(arguments)]
            now.append(node.returns)
        found = self._uses(now)
        self._look_into(node)
        return found + self._bind([node.name], node.lineno)

    _AsyncFunctionDef = _FunctionDef

    def _ClassDef(self, node: ast.ClassDef) -> list[Statement]:
        now = [*node.decorator_list, *node.bases, *(word.value for word in node.keywords)]
        found = self._uses(now)
        self._class_names.append(set())
        found += self.block(node.body)
        self._class_names.pop()
        return found + self._bind([node.name], node.lineno)

    def _If(self, node: ast.If) -> list[Statement]:
        test = _condition(node.test)
        if test == _FALSE:
            return list(self.block(node.orelse))
        if test == _TRUE:
            return list(self.block(node.body))
        return self._uses([node.test]) + self._either([node.body, node.orelse], node.lineno)

    def _For(self, node: ast.For | ast.AsyncFor) -> list[Statement]:
        found = self._uses([node.iter])
        found += self._bind(_stored(node.target), node.lineno)
        return found + self._either([node.body, node.orelse, []], node.lineno)

    _AsyncFor = _For

    def _While(self, node: ast.While) -> list[Statement]:
        found = self._uses([node.test])
        return found + self._either([node.body, node.orelse, []], node.lineno)

    def _Match(self, node: ast.Match) -> list[Statement]:
        found = self._uses([node.subject])
        return found + self._either([*(case.body for case in node.cases), []], node.lineno)

    def _With(self, node: ast.With | ast.AsyncWith) -> list[Statement]:
        found: list[Statement] = []
        catches: set[str] = set()
        for item in node.items:
            found += self._uses([item.context_expr])
            if item.optional_vars is not None:
                found += self._bind(_stored(item.optional_vars), node.lineno)
            call = item.context_expr
            if isinstance(call, ast.Call) and _last(call.func) == "suppress":
                catches.update(map(_last, call.args))
        body = self.block(node.body)
        if catches:
            return [*found, Try(body, (Handler(frozenset(catches), ()),), (), ())]
        return found + list(body)

    _AsyncWith = _With

    def _Try(self, node: ast.Try | ast.TryStar) -> list[Statement]:
        body, orelse = self.block(node.body), self.block(node.orelse)
        handlers = tuple(
            Handler(_caught(handler.type), self.block(handler.body)) for handler in node.handlers
        )
        found: list[Statement] = [Try(body, handlers, orelse, self.block(node.finalbody))]
        # What is bound whatever fails is bound for sure.
        ways = [bound_in((*body, *orelse))]
        ways += [
            bound_in(handler.body)
            for handler, written in zip(handlers, node.handlers, strict=True)
            if not isinstance(written.body[-1], ast.Raise)
        ]
        return found + self._bind(sorted(set.intersection(*ways)), node.lineno)

    _TryStar = _Try

    def _either(self, bodies: Sequence[list[ast.stmt]], line: int) -> list[Statement]:
        blocks = [self.block(body) for body in bodies]
        found: list[Statement] = [Branch(block) for block in blocks if block]
        ways = [
            bound_in(block)
            for block, body in zip(blocks, bodies, strict=True)
            if not body or not isinstance(body[-1], ast.Raise)
        ]
        sure = set.intersection(*ways) if ways else set()
        return found + self._bind(sorted(sure), line)

    # All the rest.

    def _simple(self, node: ast.stmt) -> list[Statement]:
        found = self._uses([node])
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and node.value is not None:
            targets = [node.target]
        if any(isinstance(t, ast.Subscript) and _last(t.value) == "modules" for t in targets):
            self.makes_names = True  # another object takes the place of the module
        names = [name for target in targets for name in _stored(target)]
        names += [part.target.id for part in ast.walk(node) if isinstance(part, ast.NamedExpr)]
        value = getattr(node, "value", None)
        if "__all__" in names and not self._class_names and isinstance(value, ast.expr):
            found.append(_listing(value, anew=not isinstance(node, ast.AugAssign)))
        elif isinstance(node, ast.Expr) and _lists_more(node.value):
            found.append(Listing((), whole=False, anew=False))
        return found + self._bind(names, node.lineno)

    def _uses(self, nodes: Iterable[ast.AST | None]) -> list[Statement]:
        """Return the attributes that expressions read off names which imports bind."""
        found: list[Statement] = []
        for top in nodes:
            if top is None:
                continue
            left: list[ast.AST] = [top]
            inner: set[str] = set()  # names of comprehensions
            uses: list[Use] = []
            while left:
                node = left.pop()
                if isinstance(node, ast.Lambda):
                    self._look_into(node)
                    left += [d for d in (*node.args.defaults, *node.args.kw_defaults) if d]
                    continue
                if isinstance(node, ast.AnnAssign) and self._deferred_annotations:
                    left += [node.value] if node.value else []
                    continue
                if isinstance(node, ast.comprehension):
                    inner.update(_stored(node.target))
                self._look_at(node)
                parts = _chain(node)
                if parts is None:
                    left += ast.iter_child_nodes(node)
                elif len(parts) > 1 or self._stars:
                    uses.append(Use(node.lineno, parts))  # type: ignore[attr-defined]  # a chain
            shadowed = inner.union(*self._class_names)
            found += [
                use
                for use in sorted(uses, key=lambda use: use.line)
                if use.parts[0] not in shadowed and self._may_mean_import(use.parts[0])
            ]
        return found

    def _may_mean_import(self, name: str) -> bool:
        by_star = self._stars and name not in self.lines and name not in _BUILTINS
        return name in self._imported or by_star

    def _look_into(self, node: ast.AST) -> None:
        """Look for what a function, when it is called, binds in the module."""
        for part in ast.walk(node):
            self._look_at(part)

    def _look_at(self, node: ast.AST) -> None:
        if isinstance(node, ast.Global):
            self.floating.update(node.names)
        elif isinstance(node, ast.Call):
            named = node.func.id if isinstance(node.func, ast.Name) else ""
            self.makes_names |= named in _MAKERS or (
                named == "setattr" and bool(node.args) and "modules" in ast.dump(node.args[0])
            )


def bound_in(body: Iterable[Statement]) -> set[str]:
    """Return the names that statements may bind in their module, those of stars apart.

    Args:
        body: the statements.
    """
    found: set[str] = set()
    for statement in body:
        if isinstance(statement, Bind):
            found.update(statement.names)
        elif isinstance(statement, Plain):
            found.update([statement.bound] if statement.bound else ())
        elif isinstance(statement, From):
            found.update(bound for _, bound in statement.names if bound)
        elif isinstance(statement, Branch):
            found |= bound_in(statement.body)
        elif isinstance(statement, Try):
            found |= bound_in((*statement.body, *statement.orelse, *statement.finally_))
            for handler in statement.handlers:
                found |= bound_in(handler.body)
    return found


def _condition(test: ast.expr) -> str:
    """Return "True" or "False" where an import surely finds a condition so, else ""."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return {_TRUE: _FALSE, _FALSE: _TRUE}.get(_condition(test.operand), "")
    if isinstance(test, ast.Constant):
        return str(bool(test.value))
    if _last(test) == "TYPE_CHECKING":
        return _FALSE
    sides = [test.left, *test.comparators] if isinstance(test, ast.Compare) else []
    main = [isinstance(side, ast.Constant) and side.value == "__main__" for side in sides]
    named = [isinstance(side, ast.Name) and side.id == "__name__" for side in sides]
    same = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq)
    return _FALSE if len(sides) == 2 and same and any(main) and any(named) else ""


def _stored(target: ast.expr) -> list[str]:
    """Return the names that an assignment to a target binds."""
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Starred):
        return _stored(target.value)
    if isinstance(target, (ast.Tuple, ast.List)):
        return [name for part in target.elts for name in _stored(part)]
    return []


def _caught(type_: ast.expr | None) -> frozenset[str]:
    """Return the last names of the exceptions of an `except`; empty for all of them."""
    if type_ is None:
        return frozenset()
    parts = type_.elts if isinstance(type_, ast.Tuple) else [type_]
    return frozenset(map(_last, parts)) or frozenset({"()"})


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "?"


def _chain(node: ast.AST) -> tuple[str, ...] | None:
    """Return the names of `a.b.c`, or None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return None
    return (node.id, *reversed(parts))


def _listing(value: ast.expr, *, anew: bool) -> Listing:
    parts = value.elts if isinstance(value, (ast.List, ast.Tuple, ast.Set)) else [value]
    names = [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
    return Listing(tuple(names), len(names) == len(parts), anew)


def _lists_more(value: ast.expr) -> bool:
    """Tell whether an expression is a call of a method of `__all__`."""
    chain = _chain(value.func) if isinstance(value, ast.Call) else None
    return chain is not None and chain[0] == "__all__"

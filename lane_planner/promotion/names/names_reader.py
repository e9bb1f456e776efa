"""One file's text → the names in it: what binds them, where they are used, and its strings.

CPython's own parser reads the file; nothing in it is run. Import statements are bindings here, not
uses: `lane_planner.promotion.imports` rewrites them.
"""

from __future__ import annotations

import ast
import builtins
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Literal, NamedTuple

import msgspec

from lane_planner.promotion.names.bindings import NamedImport, OtherBinding, PlainImport, Scope
from lane_planner.promotion.names.names import Chain, Names, Role, String
from lane_planner.promotion.names.naming_calls import (
    LAZY_MODULES,
    NAMING_CALLS,
    aliases_in,
    argument_of,
    called,
    named_in,
    spelled,
)
from lane_planner.promotion.names.syntax import all_arguments, parse, parsed_annotation
from lane_planner.promotion.names.type_comments import (
    BEHIND_HEADER,
    BEHIND_PARAMETER,
    BEHIND_SIGNATURE,
    BEHIND_STATEMENT,
    comment_behind,
)

_BUILTINS = frozenset(dir(builtins))
_OPENING = re.compile(r"[A-Za-z]{0,2}(\"\"\"|'''|\"|')")


class Unreadable(Exception):
    """The names of a file cannot be told.

    Args:
        line: where the parser gave up, from 1.
        reason: what is the matter with the file: "does not parse".
        runs: whether Python may run it all the same.
    """

    def __init__(self, line: int, reason: str = "does not parse", *, runs: bool = False) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason
        self.runs = runs


def names_of(text: str) -> Names:
    """Return the names of a file.

    Args:
        text: its text, with "\\n" for newlines.

    Raises:
        Unreadable: it does not parse, or nests too deeply.
    """
    found = _names_of(text)
    if isinstance(found, Unreadable):
        # Anew: one that was raised holds on to all that it went through.
        raise Unreadable(found.line, found.reason, runs=found.runs)
    return found


# The same importers are read step after step.
@lru_cache(maxsize=256)
def _names_of(text: str) -> Names | Unreadable:
    try:
        tree = parse(text)
        reader = _Reader(text, aliases_in(tree, text))
        reader.read(tree)
        return reader.names()
    except SyntaxError as error:
        return Unreadable(error.lineno or 1)
    except (RecursionError, MemoryError):
        return Unreadable(1, "nests too deeply to be read", runs=True)
    except ValueError:  # NUL bytes
        return Unreadable(1)


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


class _Naming(NamedTuple):
    """What a string stands for; the fields are those of `String`."""

    role: Role
    anchor: str | None = None
    top: tuple[str, ...] | None = None


_NAME = _Naming("name")


class _Reader:
    def __init__(self, text: str, aliases: Mapping[str, str]) -> None:
        self._text = text
        self._aliases = aliases
        self._lines = text.split("\n")
        self._wide: dict[int, list[int]] = {}
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
        text = self._lines[line - 1]
        if text.isascii():
            return self._starts[line - 1] + column
        # A table may stand on one line: each place in it is looked up, not counted again.
        starts = self._wide.get(line)
        if starts is None:
            starts = self._wide[line] = [0, *accumulate(map(_size, text))]
        return self._starts[line - 1] + bisect_left(starts, column)

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
        for argument in all_arguments(arguments):
            self._read_annotation(argument.annotation)

    def _read_comments_of(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Read the type comments of a function: behind its parameters, and below its header."""
        parameters = list(_with_defaults(node.args))
        for parameter, default in parameters:
            self._read_comment(default or parameter, BEHIND_PARAMETER)
        header = [default or parameter for parameter, default in parameters]
        header += [*getattr(node, "type_params", ()), *([node.returns] if node.returns else ())]
        ends = [self._offset(part.end_lineno, part.end_col_offset) for part in header]
        start = self._offset(node.lineno, node.col_offset)
        self._read_comment_behind(max([start, *ends]), BEHIND_SIGNATURE, "func_type")

    def _bind_arguments(self, arguments: ast.arguments) -> None:
        for argument in all_arguments(arguments):
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
            self._read_comment(node, BEHIND_STATEMENT)

    _read_AugAssign = _read_AnnAssign = _read_Assign

    def _read_For(self, node: ast.For | ast.AsyncFor) -> None:
        if self._commented:
            self._read_comment(node.iter, BEHIND_HEADER)
        self._read_parts(node)

    _read_AsyncFor = _read_For

    def _read_With(self, node: ast.With | ast.AsyncWith) -> None:
        if self._commented:
            last = node.items[-1]
            self._read_comment(last.optional_vars or last.context_expr, BEHIND_HEADER)
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
        found = comment_behind(self._text, offset, between, mode)
        if found is None:
            return
        self._within = _Text(found.body, found.said, bisect_right(self._starts, found.body))
        self._annotated += 1
        self.read(found.tree)
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
        self._mark_named(node)
        annotated = self._annotated
        self.read(node.value)
        if spelled(node.value).rpartition(".")[2] == "Literal":
            self._annotated = 0
        self.read(node.slice)
        self._annotated = annotated

    def _read_Compare(self, node: ast.Compare) -> None:
        self._mark_named(node)
        self._read_parts(node)

    def _read_Call(self, node: ast.Call) -> None:
        last = called(node, self._aliases).rpartition(".")[2]
        naming = _NAME
        if last in NAMING_CALLS:
            whole = last == "__import__" and len(node.args) < 4 and not node.keywords
            naming = _Naming(
                "name",
                _anchor(argument_of(node, 1, "package"), last),
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
        for named in named_in(node, aliases=self._aliases):
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


def _size(char: str) -> int:
    """Return how many bytes a character has in UTF-8."""
    return 1 + (char > "\x7f") + (char > "\u07ff") + (char > "\uffff")


def _column(line: str, column: int) -> int:
    """Return a column in characters, from one in UTF-8 bytes."""
    if line.isascii():
        return column
    return len(line.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "surrogatepass"))


def _with_defaults(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Yield the parameters of a function, each with its default."""
    plain = [*arguments.posonlyargs, *arguments.args]
    without = len(plain) - len(arguments.defaults)
    yield from zip(plain, [*[None] * without, *arguments.defaults], strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    yield from ((star, None) for star in (arguments.vararg, arguments.kwarg) if star is not None)


def _anchor(node: ast.expr | None, call: str) -> str | None:
    if call == "__import__" or node is None:
        return None
    if isinstance(node, ast.Name):
        return node.id if node.id in ("__package__", "__name__") else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None

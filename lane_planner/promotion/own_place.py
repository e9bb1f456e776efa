"""How far up from its own place a file looks: `Path(__file__).parents[2]`, in all its forms.

The file's syntax tree is followed statement by statement: what is made of `__file__` is a place
some directories above the file, whatever the names are that it is given on the way.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple

from lane_planner.promotion.names.syntax import all_arguments, tree_of

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
# What gives the same place, by the last name of the call.
_SAME = frozenset(
    {"Path", "PosixPath", "PurePath", "PurePosixPath", "WindowsPath", "PureWindowsPath", "abspath",
     "absolute", "as_posix", "expanduser", "fsdecode", "fspath", "joinpath", "normcase",
     "normpath", "realpath", "resolve", "str", "join"}
)  # fmt: skip
_BESIDE = frozenset({"with_name", "with_stem", "with_suffix"})
# No path is repeated more often; a string that is can be larger than the memory.
_MOST_REPEATED = 1_000
_UP = frozenset({"os.pardir", "path.pardir", "os.path.pardir", "pardir"})


class Reached(NamedTuple):
    """How far up from itself a file looks somewhere.

    Attributes:
        line: of the expression, from 1.
        up: directories from the file, 1 for the one that it is in; None: nobody can tell.
    """

    line: int
    up: int | None


class _Place(NamedTuple):
    """A place that is worked out from the file's own.

    Attributes:
        up: as in `Reached`; 0 for the file itself.
        below: how many names down from there.
    """

    up: int | None
    below: int = 0

    def parent(self, count: int = 1) -> _Place:
        """Return the directory so many steps above."""
        if self.up is None:
            return self
        climbed = max(0, count - self.below)
        return _Place(self.up + climbed, max(0, self.below - count))

    def child(self, name: str | None) -> _Place:
        """Return a place in this one; None: some name that is not known."""
        if name is None:
            return self._replace(below=self.below + 1)
        place = self
        for part in name.split("/"):
            if part == "..":
                place = place.parent()
            elif part not in ("", "."):
                place = place._replace(below=place.below + 1)
        return place


class _Parents(NamedTuple):
    """The directories above a place, as `Path.parents` has them."""

    of: _Place


class _Split(NamedTuple):
    """A place's directory and its last name, as `os.path.split` has them."""

    of: _Place


class _Words(NamedTuple):
    """The names of a path, one by one."""


class _Directories(NamedTuple):
    """A list of the directory that a package is: `__path__`."""


_UNKNOWN = _Place(None)
_Value = _Place | _Parents | _Split | _Words | _Directories | None
_Known = dict[str, _Value]


def reached(content: bytes) -> list[Reached] | None:
    """Return where a file looks up from its own place, by line; None: it does not parse.

    Args:
        content: its bytes.
    """
    tree = tree_of(content)
    if tree is None:
        return None
    reader = _Reader()
    try:
        reader.run(tree.body, {})
    except RecursionError:
        return None
    return sorted(set(reader.found), key=lambda one: (one.line, one.up is not None, -(one.up or 0)))


def loaded_from(content: bytes, path: str) -> list[int]:
    """Return the lines on which a file loads a module from a path that is written out.

    Args:
        content: the file's bytes.
        path: of the module.
    """
    tree = tree_of(content)
    found = []
    for node in () if tree is None else ast.walk(tree):
        if isinstance(node, ast.Call) and _last(node.func) == "spec_from_file_location":
            location = next((k.value for k in node.keywords if k.arg == "location"), None)
            location = node.args[1] if len(node.args) > 1 else location
            written = None if location is None else _written(location)
            if written is not None and written.removeprefix("./") == path:
                found.append(node.lineno)
    return found


def _written(node: ast.expr) -> str | None:
    """Return the path that an expression of literals is, or None."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if _spelled(node) in _UP:
        return ".."
    parts: list[ast.expr] = []
    if isinstance(node, ast.Call) and _last(node.func) in _SAME and node.args:
        parts = node.args
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = [node.left, node.right]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _written(node.left), _written(node.right)
        return None if left is None or right is None else left + right
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left = _written(node.left)
        count = node.right.value if isinstance(node.right, ast.Constant) else None
        if left is None or not isinstance(count, int) or count > _MOST_REPEATED:
            return None
        return left * count
    written = [_written(part) for part in parts]
    known = [part for part in written if part is not None]
    return "/".join(known) if parts and len(known) == len(written) else None


def _last(node: ast.expr) -> str:
    return _spelled(node).rpartition(".")[2]


def _spelled(node: ast.expr) -> str:
    """Return the dotted name that an expression is; of what is none, what stands behind it."""
    if isinstance(node, ast.Attribute):
        return f"{_spelled(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _climbs(node: ast.expr) -> bool:
    """Tell whether there is a step upwards in an expression."""
    return any(
        isinstance(part, ast.expr) and ".." in (_written(part) or "").split("/")
        for part in ast.walk(node)
    )


class _Reader:
    def __init__(self) -> None:
        self.found: list[Reached] = []

    # Statements.

    def run(self, body: Iterable[ast.stmt], known: _Known) -> None:
        """Follow statements, and then the functions among them, which run later.

        Args:
            body: the statements.
            known: what names are; it is changed.
        """
        later: list[tuple[_FUNCTIONS, _Known]] = []
        # What a name was at any time is what a function can find it to be.
        ever: _Known = {}
        self._run(body, known, ever, later)
        for function, around in later:
            inside = _merged(_merged(around, known), ever)
            inside.update(self._parameters(function.args, inside))
            self.run(function.body, inside)

    def _run(
        self,
        body: Iterable[ast.stmt],
        known: _Known,
        ever: _Known,
        later: list[tuple[_FUNCTIONS, _Known]],
    ) -> None:
        for node in body:
            if isinstance(node, _FUNCTIONS):
                for part in node.decorator_list:
                    self._value(part, known)
                known.pop(node.name, None)
                later.append((node, dict(known)))
            elif isinstance(node, ast.ClassDef):
                for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
                    self._value(part, known)
                inside = dict(known)
                methods: list[tuple[_FUNCTIONS, _Known]] = []
                self._run(node.body, inside, {}, methods)
                later.extend((method, dict(known)) for method, _ in methods)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                value = None if node.value is None else self._value(node.value, known)
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    self._assign(target, value, known, ever)
            elif isinstance(node, ast.AugAssign):
                whole = ast.BinOp(_loaded(node.target), node.op, node.value)
                value = self._value(ast.copy_location(whole, node), known)
                self._assign(node.target, value, known, ever)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                for alias in node.names:
                    known[alias.asname or alias.name.partition(".")[0]] = None
            else:
                self._run_block(node, known, ever, later)

    def _run_block(
        self,
        node: ast.stmt,
        known: _Known,
        ever: _Known,
        later: list[tuple[_FUNCTIONS, _Known]],
    ) -> None:
        """Follow a statement with parts that may run, or not, or again."""
        for _, value in ast.iter_fields(node):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.expr):
                    self._value(part, known)
                elif isinstance(part, ast.withitem):
                    place = self._value(part.context_expr, known)
                    if part.optional_vars is not None:
                        self._assign(part.optional_vars, place, known, ever)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            items = self._read(node.iter, known)
            place = _UNKNOWN if isinstance(items, _Parents) else None
            self._assign(node.target, place, known, ever)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            self._run(node.body, known, ever, later)
            return
        bodies = [list(_statements(value)) for _, value in ast.iter_fields(node)]
        bodies[1:1] = [part.body for part in getattr(node, "handlers", getattr(node, "cases", ()))]
        start = dict(known)
        for body in filter(None, bodies):
            # The parts of a `try` can run one behind the other.
            branch = dict(start if isinstance(node, (ast.If, ast.Match)) else known)
            self._run(body, branch, ever, later)
            if isinstance(node, (ast.For, ast.AsyncFor, ast.While)) and branch != start:
                again = dict(branch)
                self._run(body, again, ever, later)
                # What goes up each time round goes up as often as it likes.
                branch.update(
                    (name, _UNKNOWN)
                    for name, place in again.items()
                    if isinstance(place, _Place) and place != branch.get(name)
                )
                self._run(body, dict(branch), ever, later)
            _merge(known, branch)

    def _assign(self, target: ast.expr, value: _Value, known: _Known, ever: _Known) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for index, part in enumerate(target.elts):
                split = isinstance(value, _Split) and index == 0
                inner = value.of.parent() if split and isinstance(value, _Split) else None
                self._assign(part, inner, known, ever)
            return
        name = _spelled(target)
        if name:
            known[name] = value
            _merge(ever, {name: value})

    def _parameters(self, arguments: ast.arguments, known: _Known) -> _Known:
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults = [*arguments.defaults]
        found: _Known = {argument.arg: None for argument in all_arguments(arguments)}
        pairs = zip(plain[len(plain) - len(defaults) :], defaults, strict=True)
        for argument, default in (
            *pairs,
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ):
            if default is not None:
                found[argument.arg] = self._value(default, known)
        return found

    # Expressions.

    def _value(self, node: ast.expr, known: _Known) -> _Value:
        """Return what an expression is, and note how far up it and its parts reach."""
        value = self._read(node, known)
        if isinstance(value, _Place) and value.up != 0:
            self.found.append(Reached(node.lineno, value.up))
        elif isinstance(value, _Parents):  # all of them
            self.found.append(Reached(node.lineno, None))
        return value

    def _read(self, node: ast.expr, known: _Known) -> _Value:
        if isinstance(node, ast.Name):
            if node.id in known:
                return known[node.id]
            if node.id == "__path__":
                return _Directories()
            return _Place(0) if node.id == "__file__" else None
        if isinstance(node, ast.Attribute):
            return self._attribute(node, known)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, known)
        if isinstance(node, ast.Call):
            return self._call(node, known)
        if isinstance(node, ast.BinOp):
            return self._operation(node, known)
        if isinstance(node, ast.JoinedStr):
            return self._format(node, known)
        if isinstance(node, ast.NamedExpr):
            value = self._value(node.value, known)
            known[node.target.id] = value
            return value
        if isinstance(node, (ast.IfExp, ast.BoolOp)):
            parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
            if isinstance(node, ast.IfExp):
                self._value(node.test, known)
            found: _Value = None
            for part in parts:
                found = _worse(found, self._value(part, known))
            return found
        self._parts(node, known)
        return None

    def _parts(self, node: ast.AST, known: _Known) -> None:
        """Look into an expression of another kind, what a comprehension binds left out."""
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            known = dict(known)
            for part in node.generators:
                items = self._value(part.iter, known)
                place = _UNKNOWN if isinstance(items, _Parents) else None
                self._assign(part.target, place, known, {})
                for test in part.ifs:
                    self._value(test, known)
        elif isinstance(node, ast.Lambda):
            known = known | self._parameters(node.args, known)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._value(child, known)
            elif isinstance(child, ast.keyword):
                self._value(child.value, known)

    def _attribute(self, node: ast.Attribute, known: _Known) -> _Value:
        spelled = _spelled(node)
        if spelled in known:
            return known[spelled]
        if spelled == "__spec__.origin":
            return _Place(0)
        value = self._value(node.value, known)
        if not isinstance(value, _Place):
            return None
        if node.attr == "parent":
            return value.parent()
        return _Parents(value) if node.attr == "parents" else None

    def _subscript(self, node: ast.Subscript, known: _Known) -> _Value:
        value = self._read(node.value, known)
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if not isinstance(value, _Place):
            self._value(node.slice, known)
        if isinstance(value, _Parents):
            return value.of.parent(index + 1) if isinstance(index, int) else _UNKNOWN
        if isinstance(value, _Words):
            return _UNKNOWN if isinstance(node.slice, ast.Slice) else None
        if isinstance(value, _Split):
            return value.of.parent() if index == 0 else None
        return _Place(1) if isinstance(value, _Directories) else None

    def _call(self, node: ast.Call, known: _Known) -> _Value:
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = method or _last(node.func)
        place: _Value = None
        if isinstance(node.func, ast.Attribute):
            place = self._value(node.func.value, known)
        if isinstance(place, _Place) and method in _BESIDE:
            return place.parent().child(None)
        if isinstance(place, _Place) and method == "rpartition":
            return _Split(place)
        if isinstance(place, _Place) and method in ("split", "rsplit"):
            count = node.args[1] if len(node.args) > 1 else None
            times = count.value if isinstance(count, ast.Constant) else None
            if method == "rsplit" and isinstance(times, int):
                return _Split(place.parent(times - 1))
            return _Words()
        values = [self._value(_unstarred(part), known) for part in node.args]
        for keyword in node.keywords:
            self._value(keyword.value, known)
        first = values[0] if values else None
        if name == "dirname" and isinstance(first, _Place):
            return first.parent()
        if name == "split" and isinstance(first, _Place):
            return _Split(first)
        if name not in _SAME:
            return None
        found = place if isinstance(place, _Place) else None
        for part, value in zip(node.args, values, strict=True):
            if isinstance(value, _Place):
                found = value
            elif found is not None:
                found = _below(found, part)
        return found

    def _operation(self, node: ast.BinOp, known: _Known) -> _Value:
        left = self._value(node.left, known)
        right = self._value(node.right, known)
        if isinstance(right, _Place) and isinstance(node.op, ast.Div):
            return right  # whatever is in front of an absolute path is dropped
        if not isinstance(left, _Place):
            return None
        if isinstance(node.op, ast.Div):
            return _below(left, node.right)
        return _beside(left, node.right) if isinstance(node.op, ast.Add) else None

    def _format(self, node: ast.JoinedStr, known: _Known) -> _Value:
        place: _Value = None
        for index, part in enumerate(node.values):
            if isinstance(part, ast.FormattedValue):
                value = self._value(part.value, known)
                place = value if index == 0 else place
            elif isinstance(place, _Place):
                place = _beside(place, part)
        return place if isinstance(place, _Place) else None


def _below(place: _Place, node: ast.expr) -> _Place:
    """Return what is joined to a place: a part of a path."""
    written = None if isinstance(node, ast.Starred) else _written(node)
    if written is None and _climbs(node):
        return _UNKNOWN
    return place.child(written)


def _beside(place: _Place, node: ast.expr) -> _Place:
    """Return what is written behind a place: its first part belongs to the last name."""
    written = _written(node)
    if written is None:
        return _UNKNOWN if _climbs(node) else place
    return place.child(written.partition("/")[2])


def _unstarred(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Starred) else node


def _loaded(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Name):
        return ast.copy_location(ast.Name(node.id, ast.Load()), node)
    return node


def _statements(value: object) -> Iterable[ast.stmt]:
    return (part for part in value if isinstance(part, ast.stmt)) if isinstance(value, list) else ()


def _worse(one: _Value, other: _Value) -> _Value:
    """Return that one of two values which reaches further up."""
    if not isinstance(one, _Place) or not isinstance(other, _Place):
        return other if one is None or isinstance(other, _Place) else one
    if one.up is None or other.up is None:
        return _UNKNOWN
    return max(one, other, key=lambda place: (place.up or 0, -place.below))


def _merge(known: _Known, other: _Known) -> None:
    for name, value in other.items():
        known[name] = _worse(known[name], value) if name in known else value


def _merged(one: _Known, other: _Known) -> _Known:
    both = dict(one)
    _merge(both, other)
    return both

"""How hard an import goes: what the names that it binds are used for in its file.

CPython's own parser reads the file; nothing in it is run. Whatever is not sure counts as needed.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Literal, NamedTuple

from lane_planner.scan.modules import Module

Rating = Literal["unused", "typing", "deferrable", "needed"]
"""Why an import can go: nothing uses it; only annotations do (it can stand under `if
TYPE_CHECKING:`, and they be quoted); only functions do (it can stand in them); or that it cannot.
"""

RATINGS: tuple[Rating, ...] = ("unused", "typing", "deferrable", "needed")
"""From what goes most easily to what is hardest."""

# Decorators that leave a function's annotations alone; others may read them when they decorate.
_INERT = frozenset(
    {
        "staticmethod", "classmethod", "property", "cached_property", "setter", "getter", "deleter",
        "abstractmethod", "override", "final", "overload", "cache", "lru_cache", "wraps",
        "contextmanager", "asynccontextmanager",
    }
)  # fmt: skip
# Calls that may reach any name of the module, or evaluate annotations.
_REACHING = frozenset(
    {"globals", "eval", "exec", "get_type_hints", "get_annotations", "evaluate_forward_ref"}
)
_REACHING_BARE = frozenset({"vars", "locals", "dir"})  # the same, in the module's block

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_WORD = re.compile(r"\w+")


def rate_imports(
    content: bytes,
    module: Module,
    imports: Mapping[str, Collection[int]],
    *,
    known: Container[str] = frozenset(),
    taken: Container[str] = frozenset(),
) -> dict[str, Rating]:
    """Return how hard each of some imports of a file goes.

    An import is judged only where it stands in the module's own block, and its names are bound
    nowhere else there. A name of a package is needed, as others may import it from there; so is
    what a function uses that the file calls while it is imported, or hands to such a call.

    Args:
        content: the file's bytes.
        module: the module that it holds.
        imports: the lines of the statements that import a module and run when the file is
            imported, by the imported module's name.
        known: names of modules: what a `from` import names may be one of them.
        taken: names that other files import from this one; "*": all.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the analysed code is warned of is not ours
            tree = ast.parse(content)
        reader = _Reader()
        reader.read_module(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # as in `syntax_fault`
        return dict.fromkeys(imports, "needed")
    quiet = _quiet_lines(content)
    return {
        imported: max(
            (
                _rate(reader, tree, module, imported, line, known, taken, quiet)
                for line in sorted(lines)
            ),
            key=RATINGS.index,
            default="needed",
        )
        for imported, lines in imports.items()
    }


def hardest(ratings: Iterable[Rating]) -> Rating:
    """Return the hardest of some ratings; of none: unused."""
    return max(ratings, key=RATINGS.index, default="unused")


def _quiet_lines(content: bytes) -> frozenset[int]:
    """Return the lines that tell linters to be quiet: what looks unused there is meant."""
    if b"noqa" not in content:
        return frozenset()
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return frozenset(number for number, line in enumerate(lines, 1) if b"noqa" in line)


class _Bound(NamedTuple):
    """A name that an import statement binds to a module, or to something in it.

    Attributes:
        name: the bound name.
        parts: how the imported module, or the thing, is reached from it: `a.b` after
            `import a.b`, else the name alone.
        alias: the part of the statement that binds it.
        plain: whether it is bound to the first package of `import a.b`.
    """

    name: str
    parts: tuple[str, ...]
    alias: ast.alias
    plain: bool = False


def _rate(
    reader: _Reader,
    tree: ast.Module,
    module: Module,
    imported: str,
    line: int,
    known: Container[str],
    taken: Container[str],
    quiet: frozenset[int],
) -> Rating:
    """Return how hard the import of a module by the statements that begin on a line goes."""
    found: list[Rating] = []
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom) or node.lineno != line:
            continue
        for bound in _bindings(node, module, imported, known):
            if bound.name == "*":
                return "needed"
            rating = _rate_name(reader, module, bound, taken)
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if rating == "unused" and not quiet.isdisjoint(lines):
                rating = "needed"
            found.append(rating)
    return max(found, key=RATINGS.index, default="needed")


def _bindings(
    node: ast.Import | ast.ImportFrom, module: Module, imported: str, known: Container[str]
) -> Iterator[_Bound]:
    """Yield what an import statement binds that belongs to an imported module."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            if alias.name == imported:
                if alias.asname is None:
                    parts = tuple(alias.name.split("."))
                    yield _Bound(parts[0], parts, alias, plain=True)
                else:
                    yield _Bound(alias.asname, (alias.asname,), alias)
            continue
        base = _absolute(node, module)
        submodule = f"{base}.{alias.name}"
        if imported == submodule or (imported == base and submodule not in known):
            name = alias.asname or alias.name
            yield _Bound(name, (name,), alias)


def _absolute(node: ast.ImportFrom, module: Module) -> str | None:
    """Return the module that a `from` import names, made absolute; None beyond the top."""
    if not node.level:
        return node.module
    parts = module.home.split(".") if module.home else []
    if node.level > len(parts):
        return None
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _rate_name(reader: _Reader, module: Module, bound: _Bound, taken: Container[str]) -> Rating:
    name = bound.name
    others = [plain for alias, plain in reader.imported[name] if alias is not bound.alias]
    if (
        module.package
        or reader.reaching
        or name in reader.rebound
        or name in reader.listed
        or name in taken
        or "*" in taken
        or bound.alias.asname == bound.alias.name  # the mark of a re-export (PEP 484)
        # `import a.b` and `import a.c` bind the same `a`; any other two bind different things.
        or (others and not (bound.plain and all(others)))
    ):
        return "needed"
    found: list[Rating] = []
    for use in reader.uses.get(name, ()):
        reach = use.parts[: len(bound.parts)]
        if reach != bound.parts and reach == bound.parts[: len(reach)]:
            return "needed"  # a package on the way is passed around: who knows what for
        if reach == bound.parts or not others:
            called = use.rating == "deferrable" and use.owner in reader.called
            found.append("needed" if called else use.rating)
    if not found and name in reader.mentioned:
        return "needed"  # as in `Alias = List["Name"]`, perhaps
    return hardest(found)


class _Use(NamedTuple):
    """A use of a name of the module.

    Attributes:
        parts: the name, and the attributes that are read off it.
        rating: what it is for: "typing", "deferrable" or "needed".
        owner: the name of the module that the outermost function, class or assigned value around
            it is bound to; "" for none.
    """

    parts: tuple[str, ...]
    rating: Rating
    owner: str


class _Names(NamedTuple):
    """The names that a block binds.

    Attributes:
        other: those bound by anything but imports.
        imports: what binds each of the rest, and whether to the first package of `import a.b`.
        everywhere: those declared global.
        outer: those declared nonlocal.
    """

    other: set[str]
    imports: dict[str, list[tuple[ast.alias, bool]]]
    everywhere: set[str]
    outer: set[str]

    def own(self) -> frozenset[str]:
        """Return the names that mean something else here than around the block."""
        return frozenset(self.other | set(self.imports)) - self.everywhere - self.outer


class _Reader:
    """Reads a file once.

    Attributes:
        imported: the imports of the module's block, as in `_Names`.
        rebound: names of the module that something else binds or deletes too.
        listed: names in `__all__`.
        reaching: whether the file may reach any of its names in ways that are not seen.
        uses: by name.
        called: names of the module's own that run while it is imported.
        mentioned: words in strings that are neither annotations nor documentation.
    """

    def __init__(self) -> None:
        self.imported: dict[str, list[tuple[ast.alias, bool]]] = {}
        self.rebound: set[str] = set()
        self.listed: set[str] = set()
        self.reaching = False
        self.uses: dict[str, list[_Use]] = {}
        self.called: set[str] = set()
        self.mentioned: set[str] = set()
        self._calls: dict[str, set[str]] = {}  # what an owner may call; "": the import itself
        self._hidden: list[frozenset[str]] = []  # what the functions around bind
        self._owner = ""
        self._typing = 0
        self._deferred = 0
        self._in_call = 0

    def read_module(self, tree: ast.Module) -> None:
        """Read a file's tree."""
        names = _names_in(tree.body)
        self.imported = names.imports
        self.rebound |= names.other
        self._read_all(tree.body)
        waiting = list(self._calls.get("", ()))
        while waiting:
            name = waiting.pop()
            if name not in self.called:
                self.called.add(name)
                waiting += self._calls.get(name, ())

    def _read_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self._read(node)

    def _read(self, node: ast.AST) -> None:
        match node:
            case ast.Name():
                self._read_name(node)
            case ast.Attribute():
                self._read_attribute(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._read_function(node)
            case ast.ClassDef():
                self._read_class(node)
            case ast.Lambda():
                self._read_lambda(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._read_comprehension(node)
            case ast.AnnAssign():
                self._read_annotated(node, plain=True)
            case ast.If():
                self._read_if(node)
            case ast.Call():
                self._read_call(node)
            case ast.Assign(targets=[ast.Name(id=name)]):
                self._note_listed(node)
                with self._owned(name):
                    self._read(node.value)
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign() | ast.AugAssign() | ast.Expr():
                self._note_listed(node)
                self._read_all(ast.iter_child_nodes(node))
            case ast.Constant(value=str(text)):
                if not self._typing:
                    self.mentioned.update(_WORD.findall(text))
            case ast.Subscript(slice=ast.Name(id="__name__")):
                self.reaching = True  # `sys.modules[__name__]` is the module
            case _:
                self._read_all(ast.iter_child_nodes(node))

    # Names.

    def _read_name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use(node.id, (node.id,))

    def _read_attribute(self, node: ast.Attribute) -> None:
        parts = [node.attr]
        inner = node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._use(inner.id, (inner.id, *reversed(parts)))
        else:
            self._read(inner)

    def _use(self, name: str, parts: tuple[str, ...]) -> None:
        if any(name in hidden for hidden in self._hidden):
            return
        rating: Rating = "typing" if self._typing else "deferrable" if self._deferred else "needed"
        self.uses.setdefault(name, []).append(_Use(parts, rating, self._owner))
        if self._typing:
            return
        if self._owner:  # it runs when the owner does, if not before
            self._calls.setdefault(self._owner, set()).add(name)
        if self._in_call and not self._deferred:
            self._calls.setdefault("", set()).add(name)

    def _note_listed(self, *nodes: ast.AST) -> None:
        """Take the names that a statement puts in `__all__`."""
        parts = [part for node in nodes for part in ast.walk(node)]
        if not any(isinstance(part, ast.Name) and part.id == "__all__" for part in parts):
            return
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                self.listed.add(part.value)
            elif isinstance(part, ast.Name) and part.id != "__all__":
                self.reaching = True  # what it adds is put together elsewhere

    # Blocks.

    @contextmanager
    def _owned(self, owner: str) -> Iterator[None]:
        """Read what a name of the module is bound to, unless something around it is."""
        outermost = self._owner
        self._owner = outermost or owner
        yield
        self._owner = outermost

    @contextmanager
    def _later(
        self, hidden: frozenset[str], everywhere: Collection[str] = frozenset()
    ) -> Iterator[None]:
        """Read what runs when a function is called.

        Args:
            hidden: the names that it binds.
            everywhere: the names that it declares global.
        """
        around, in_call = self._hidden, self._in_call
        self._hidden = [*(names.difference(everywhere) for names in around), hidden]
        self._in_call = 0
        self._deferred += 1
        yield
        self._deferred -= 1
        self._hidden, self._in_call = around, in_call

    def _read_function(self, node: _Function) -> None:
        self._read_decorators(node.decorator_list)
        arguments = node.args
        self._read_all([*arguments.defaults, *arguments.kw_defaults])
        inert = all(_last_name(decorator) in _INERT for decorator in node.decorator_list)
        for annotation in (
            *(argument.annotation for argument in _all_arguments(arguments)),
            node.returns,
        ):
            self._read_annotation(annotation, plain=inert)
        self._read_all(getattr(node, "type_params", ()))
        names = _names_in(node.body)
        self._take_global(names)
        hidden = names.own() | {argument.arg for argument in _all_arguments(arguments)}
        with self._owned(node.name), self._later(hidden, names.everywhere):
            self._read_all(node.body)

    def _read_decorators(self, decorators: Sequence[ast.expr]) -> None:
        self._in_call += 1
        self._read_all(decorators)
        self._in_call -= 1

    def _take_global(self, names: _Names) -> None:
        self.rebound |= names.everywhere & (names.other | set(names.imports))

    def _read_class(self, node: ast.ClassDef) -> None:
        self._read_decorators(node.decorator_list)
        self._take_global(_names_in(node.body))
        # A base, a metaclass or a decorator may evaluate the annotations of fields.
        plain = (
            not node.bases
            and not node.keywords
            and all(_last_name(decorator) == "dataclass" for decorator in node.decorator_list)
        )
        with self._owned(node.name):
            self._read_all([*node.bases, *(keyword.value for keyword in node.keywords)])
            self._read_all(getattr(node, "type_params", ()))
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign):
                    self._read_annotated(statement, plain=plain)
                else:
                    self._read(statement)

    def _read_lambda(self, node: ast.Lambda) -> None:
        self._read_all([*node.args.defaults, *node.args.kw_defaults])
        hidden = frozenset(argument.arg for argument in _all_arguments(node.args))
        if self._in_call and not self._deferred:  # whoever gets it may call it at once
            self._hidden.append(hidden)
            self._read(node.body)
            self._hidden.pop()
            return
        with self._later(hidden):
            self._read(node.body)

    def _read_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        # The first iterable is evaluated outside.
        first, *rest = node.generators
        self._read(first.iter)
        hidden = _names_in([generator.target for generator in node.generators]).own()
        self._hidden.append(hidden)
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._read_all(
            chain(values, first.ifs, chain.from_iterable([g.iter, *g.ifs] for g in rest))
        )
        self._hidden.pop()

    def _read_if(self, node: ast.If) -> None:
        self._read(node.test)
        if _last_name(node.test) == "TYPE_CHECKING":
            self._typing += 1
            self._read_all(node.body)
            self._typing -= 1
        elif _is_main(node.test):
            self._deferred += 1
            self._read_all(node.body)
            self._deferred -= 1
        else:
            self._read_all(node.body)
        self._read_all(node.orelse)

    def _read_call(self, node: ast.Call) -> None:
        name = _last_name(node.func)
        if name in _REACHING or (name in _REACHING_BARE and not node.args and not self._deferred):
            self.reaching = True
        self._in_call += 1
        self._read_all([node.func, *node.args])
        for keyword in node.keywords:
            if keyword.arg == "default_factory":  # of a field: it runs when an object is made
                self._in_call, outer = 0, self._in_call
                self._read(keyword.value)
                self._in_call = outer
            else:
                self._read(keyword.value)
        self._in_call -= 1

    # Annotations.

    def _read_annotated(self, node: ast.AnnAssign, *, plain: bool) -> None:
        self._read_annotation(node.annotation, plain=plain)
        self._read(node.target)
        if node.value is not None:
            self._note_listed(node.target, node.value)
            with self._owned(node.target.id if isinstance(node.target, ast.Name) else ""):
                self._read(node.value)

    def _read_annotation(self, node: ast.expr | None, *, plain: bool) -> None:
        """Read an annotation.

        Args:
            node: the annotation, if there is one.
            plain: whether nothing but type checkers reads it.
        """
        if node is None:
            return
        self._typing += plain
        self._read(node)
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                quoted = _quoted(part.value)
                if quoted is not None:
                    self._read(quoted)
        self._typing -= plain


def _quoted(text: str) -> ast.expr | None:
    """Return a quoted annotation's expression; None: it is no expression."""
    try:
        return ast.parse(f"({text.strip()}\n)", mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    single = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]


def _last_name(node: ast.expr) -> str:
    """Return the last name of `a.b` or `a.b(…)`; "" of anything else."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_main(test: ast.expr) -> bool:
    match test:
        case ast.Compare(
            left=ast.Name(id="__name__"),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value="__main__")],
        ):
            return True
    return False


def _names_in(nodes: Iterable[ast.AST]) -> _Names:
    """Return the names that statements bind in their own block."""
    names = _Names(set(), {}, set(), set())
    waiting: list[ast.AST | None] = list(nodes)
    while waiting:
        node = waiting.pop()
        match node:
            case None:
                pass
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names.other.add(node.name)
                waiting += [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
            case ast.ClassDef():
                names.other.add(node.name)
                waiting += [*node.decorator_list, *node.bases, *node.keywords]
            case ast.Lambda():
                waiting += [*node.args.defaults, *node.args.kw_defaults]
            case ast.comprehension():
                waiting += [node.iter, *node.ifs]  # its targets are its own
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    plain = isinstance(node, ast.Import) and alias.asname is None
                    name = alias.asname or alias.name
                    first = name.partition(".")[0] if plain else name
                    names.imports.setdefault(first, []).append((alias, plain))
            case ast.Global():
                names.everywhere.update(node.names)
            case ast.Nonlocal():
                names.outer.update(node.names)
            case ast.Name():
                if not isinstance(node.ctx, ast.Load):
                    names.other.add(node.id)
            case _:
                if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                    names.other.add(node.name)
                elif isinstance(node, ast.MatchMapping) and node.rest:
                    names.other.add(node.rest)
                waiting += ast.iter_child_nodes(node)
    return names

"""CPython's own parser on single statements; libcst, which takes long to load, reads the rest.

It is the running Python's: what that refuses, another version's syntax maybe, raises `Refused`. So
does a text whose names CPython would spell otherwise than they are written (NFKC).
"""

from __future__ import annotations

import ast
import unicodedata
import warnings
from functools import reduce

from lane_planner.scan.written import (
    CAUGHT,
    CallNames,
    Condition,
    DynamicCall,
    Written,
    attempts,
    relative,
)


class Refused(Exception):
    """CPython cannot tell what this means."""


def parse_import(statement: str) -> tuple[Written, ...]:
    """Return what an import statement imports; nothing if it cannot be read.

    No version of Python reads any other import statements than this one.

    Args:
        statement: an `import` or `from` statement without indentation or trailing comment.

    Raises:
        Refused: its names are written as they are not spelled.
    """
    try:
        body = _parsed(statement).body
    except SyntaxError:
        return ()
    if len(body) != 1:
        return ()
    node = body[0]
    if isinstance(node, ast.Import):
        return tuple(Written(alias.name, None) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = tuple(alias.name for alias in node.names)
        return (Written("." * node.level + (node.module or ""), names),)
    return ()


def condition_of(test: str, typing_names: frozenset[str]) -> Condition | None:
    """Tell whether an `if` test means type checking or running as a script.

    Args:
        test: source of the expression.
        typing_names: names that stand for `TYPE_CHECKING` in the file.

    Raises:
        Refused: it is no expression of this Python's.
    """
    body = _read(f"({test})").body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise Refused
    return _condition(body[0].value, typing_names)


def _condition(test: ast.expr, typing_names: frozenset[str]) -> Condition | None:
    negations = 0
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, negations = test.operand, negations + 1
    found = _affirmed(test, typing_names)
    for _ in range(negations):
        found = _NEGATED.get(found)
    return found


def _affirmed(test: ast.expr, typing_names: frozenset[str]) -> Condition | None:
    match test:
        case ast.Name(name):
            return "typing" if name in typing_names else None
        case ast.Attribute(attr=name):
            return "typing" if name == "TYPE_CHECKING" else None
        case ast.BoolOp(operator, values):
            both = _all_hold if isinstance(operator, ast.And) else _one_holds
            return reduce(both, (_condition(value, typing_names) for value in values))
        case ast.Compare(left, [ast.Eq()], [right]):
            return "main" if _is_main(left, right) or _is_main(right, left) else None
    return None


_NEGATED: dict[Condition | None, Condition] = {"typing": "not typing", "not typing": "typing"}


def _all_hold(left: Condition | None, right: Condition | None) -> Condition | None:
    return next((side for side in (left, right) if side in ("typing", "main")), None)


def _one_holds(left: Condition | None, right: Condition | None) -> Condition | None:
    if left == right:
        return left
    # `not TYPE_CHECKING or x`: the else branch runs only under type checking
    return "not typing" if "not typing" in (left, right) else None


def _is_main(name: ast.expr, value: ast.expr) -> bool:
    return isinstance(name, ast.Name) and name.id == "__name__" and _literal(value) == "__main__"


def catches_import_error_of(header: str) -> bool:
    """Tell whether an `except` clause, given by its header's source, catches a failed import.

    Raises:
        Refused: it is no clause of this Python's.
    """
    tried = _read(f"try: pass\n{header} pass\n").body[0]
    assert isinstance(tried, ast.Try | ast.TryStar)
    for handler in tried.handlers:
        caught = handler.type
        if caught is None:
            return True
        types = caught.elts if isinstance(caught, ast.Tuple) else [caught]
        if any(_dotted(node).rpartition(".")[2] in CAUGHT for node in types):
            return True
    return False


def dynamic_calls_in(statement: str, names: CallNames) -> tuple[DynamicCall, ...]:
    """Return the dynamic imports of one statement or clause header, in source order.

    Args:
        statement: source of a simple statement, a decorator, or a clause header up to its colon.
        names: what the file calls the importing functions.

    Raises:
        Refused: it is no statement of this Python's.
    """
    for attempt in attempts(statement):
        try:
            tree = _parsed(attempt)
        except SyntaxError:
            continue
        break
    else:
        raise Refused
    found: list[tuple[int, int, DynamicCall]] = []
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, deferred = waiting.pop()
        if isinstance(node, ast.Lambda):
            # Defaults are evaluated where the lambda is made.
            waiting += [(node.args, deferred), (node.body, True)]
            continue
        if isinstance(node, ast.Call):
            call = _dynamic_call(node, names, deferred=deferred)
            if call is not None:
                found.append((node.lineno, node.col_offset, call))
        waiting += [(child, deferred) for child in ast.iter_child_nodes(node)]
    found.sort(key=lambda one: one[:2])
    return tuple(call for _, _, call in found)


def _dynamic_call(node: ast.Call, names: CallNames, *, deferred: bool) -> DynamicCall | None:
    callee = _dotted(node.func)
    base, _, last = callee.rpartition(".")
    anchor: str | None = None
    if callee in ("__import__", "builtins.__import__"):
        module = _literal(_argument(node, 0, "name"))
        level = _argument(node, 4, "level")
        if level is not None and module is not None:
            number = level.value if isinstance(level, ast.Constant) else None
            # Not a bool, which is an int, too. In hexadecimal, any number can be written out.
            module = relative(module, hex(number)) if type(number) is int else None
        if module and module.startswith("."):
            anchor = "__package__"
    elif (not base and last in names.import_module) or (
        last == "import_module" and base in names.importlib
    ):
        module = _literal(_argument(node, 0, "name"))
        if module is not None and module.startswith("."):
            package = _argument(node, 1, "package")
            named = isinstance(package, ast.Name) and package.id in ("__package__", "__name__")
            anchor = package.id if named else _literal(package)  # type: ignore[union-attr]
            module = module if anchor else None
    else:
        return None
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    if starred or any(keyword.arg is None for keyword in node.keywords):
        module = anchor = None
    if module is not None and not all(p.isidentifier() for p in module.lstrip(".").split(".")):
        module = anchor = None
    return DynamicCall(module, anchor, deferred, callee)


def _argument(node: ast.Call, index: int, name: str) -> ast.expr | None:
    positional = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    if index < len(positional):
        return positional[index]
    return next((keyword.value for keyword in node.keywords if keyword.arg == name), None)


def _literal(node: ast.expr | None) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def _dotted(node: ast.expr) -> str:
    """Return the text of a dotted name, without what else it may begin with."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def _read(source: str) -> ast.Module:
    """Return the tree of a source.

    Raises:
        Refused: CPython does not read it, or reads other names than are written.
    """
    try:
        return _parsed(source)
    except SyntaxError as error:
        raise Refused from error


def _parsed(source: str) -> ast.Module:
    """Return the tree of a source.

    Raises:
        SyntaxError: CPython does not read it.
        Refused: it reads other names than are written, or gives up.
    """
    if not (source.isascii() or unicodedata.is_normalized("NFKC", source)):
        raise Refused
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the analysed code is warned of is not our output
        try:
            return ast.parse(source)
        except (ValueError, RecursionError, MemoryError) as error:  # a NUL, or nested too deeply
            raise Refused from error

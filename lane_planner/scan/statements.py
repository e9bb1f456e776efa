"""libcst on single statements: what an import imports, what a condition or a handler means."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

import libcst as cst

from lane_planner.scan.lexer import strings_and_comments
from lane_planner.scan.written import (
    CAUGHT,
    CallNames,
    Condition,
    DynamicCall,
    Written,
    attempts,
    relative,
)

# libcst's parser recurses and takes the process down where a text nests without end: in brackets,
# of which CPython allows 200, or in a chain of operators, attributes and calls. To count all of
# them, those in strings too as f-strings hold expressions, is more careful than it has to be.
_MOST_BRACKETS = 200
_MOST_LINKS = 1000
_BRACKET = re.compile(r"[][(){}]")
_LINK = re.compile(r"[.+\-*/%@&|^~<>=!(\[]|\b(?:and|or|not|if|in|is|lambda|await)\b")


def parsable(text: str) -> bool:
    """Tell whether a text nests so little that libcst can be trusted with it."""
    depth = links = 0
    for stretch in _outside_comments(text):
        for bracket in _BRACKET.findall(stretch):
            depth += 1 if bracket in "([{" else -1
            if depth > _MOST_BRACKETS:
                return False
        links += len(_LINK.findall(stretch))
    return links <= _MOST_LINKS


def _outside_comments(text: str) -> Iterator[str]:
    behind = 0
    for start, end in strings_and_comments(text):
        if text[start] == "#":
            yield text[behind:start]
            behind = end
    yield text[behind:]


def parse_import(statement: str) -> tuple[Written, ...]:
    """Return what an import statement imports; nothing if it cannot be read.

    Args:
        statement: an `import` or `from` statement without indentation or trailing comment.
    """
    if not parsable(statement):
        return ()
    try:
        node = cst.parse_statement(statement)
    except cst.ParserSyntaxError:
        return ()
    if not isinstance(node, cst.SimpleStatementLine) or len(node.body) != 1:
        return ()
    return written(node.body[0])


def written(node: cst.CSTNode) -> tuple[Written, ...]:
    """Return what an import node imports, in source order; nothing for any other node."""
    if isinstance(node, cst.Import):
        return tuple(Written(dotted(alias.name), None) for alias in node.names)
    if isinstance(node, cst.ImportFrom):
        module = "." * len(node.relative) + (dotted(node.module) if node.module else "")
        if isinstance(node.names, cst.ImportStar):
            return (Written(module, ("*",)),)
        return (Written(module, tuple(dotted(alias.name) for alias in node.names)),)
    return ()


def dotted(node: cst.CSTNode) -> str:
    """Return the text of a dotted name."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if isinstance(node, cst.Name):
        parts.append(node.value)
    return ".".join(reversed(parts))


def condition_of(test: str, typing_names: frozenset[str]) -> Condition | None:
    """Tell whether an `if` test means type checking or running as a script.

    Args:
        test: source of the expression.
        typing_names: names that stand for `TYPE_CHECKING` in the file.
    """
    if not parsable(test):
        return None
    try:
        return condition(cst.parse_expression(f"({test})"), typing_names)
    except (cst.ParserSyntaxError, RecursionError):
        return None


def condition(test: cst.BaseExpression, typing_names: frozenset[str]) -> Condition | None:
    """The same for a node."""
    if isinstance(test, cst.Name):
        return "typing" if test.value in typing_names else None
    if isinstance(test, cst.Attribute):
        return "typing" if test.attr.value == "TYPE_CHECKING" else None
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        inner = condition(test.expression, typing_names)
        return {"typing": "not typing", "not typing": "typing"}.get(inner or "")  # type: ignore[return-value]
    if isinstance(test, cst.BooleanOperation):
        sides = (condition(test.left, typing_names), condition(test.right, typing_names))
        if isinstance(test.operator, cst.And):  # the body runs only where both hold
            return next((side for side in sides if side in ("typing", "main")), None)
        if sides[0] == sides[1]:
            return sides[0]
        # `not TYPE_CHECKING or x`: the else branch runs only under type checking
        return "not typing" if "not typing" in sides else None
    if isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        target = test.comparisons[0]
        pair = (test.left, target.comparator)
        if isinstance(target.operator, cst.Equal) and (_is_main(*pair) or _is_main(*pair[::-1])):
            return "main"
    return None


def _is_main(name: cst.BaseExpression, value: cst.BaseExpression) -> bool:
    return (
        isinstance(name, cst.Name)
        and name.value == "__name__"
        and isinstance(value, cst.SimpleString)
        and _literal(value) == "__main__"
    )


def catches_import_error_of(header: str) -> bool:
    """Tell whether an `except` clause, given by its header's source, catches a failed import."""
    try:
        node = cst.parse_statement(f"try: pass\n{header} pass\n")
    except cst.ParserSyntaxError:
        return False
    return isinstance(node, (cst.Try, cst.TryStar)) and any(
        map(catches_import_error, node.handlers)
    )


def catches_import_error(handler: cst.ExceptHandler | cst.ExceptStarHandler) -> bool:
    """The same for a node."""
    caught = handler.type
    if caught is None:
        return True
    types = [e.value for e in caught.elements] if isinstance(caught, cst.Tuple) else [caught]
    return any(dotted(node).rpartition(".")[2] in CAUGHT for node in types)


def dynamic_calls_in(statement: str, names: CallNames) -> tuple[DynamicCall, ...]:
    """Return the dynamic imports of one statement or clause header, in source order.

    Args:
        statement: source of a simple statement, a decorator, or a clause header up to its colon.
        names: what the file calls the importing functions.
    """
    tree = _parse_any(statement)
    if tree is None:
        return ()
    finder = _CallFinder(names)
    try:
        tree.visit(finder)
    except RecursionError:  # ten calls of its own for each bracket; CPython reads no such text
        return ()
    return tuple(finder.found)


def _parse_any(statement: str) -> cst.CSTNode | None:
    if not parsable(statement):
        return None
    for attempt in attempts(statement):
        try:
            return cst.parse_module(attempt)
        except cst.ParserSyntaxError:
            continue
    return None


class _CallFinder(cst.CSTVisitor):
    def __init__(self, names: CallNames) -> None:
        super().__init__()
        self.names = names
        self.lambdas = 0
        self.found: list[DynamicCall] = []

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        node.params.visit(self)  # defaults are evaluated where the lambda is made
        self.lambdas += 1
        node.body.visit(self)
        self.lambdas -= 1
        return False

    def visit_Call(self, node: cst.Call) -> None:
        call = dynamic_call(node, self.names, deferred=self.lambdas > 0)
        if call is not None:
            self.found.append(call)


def dynamic_call(node: cst.Call, names: CallNames, *, deferred: bool) -> DynamicCall | None:
    """Return what a call imports, or None if it is no dynamic import.

    Args:
        node: any call.
        names: what the file calls the importing functions.
        deferred: whether the call stands in a lambda.
    """
    callee = dotted(node.func) if isinstance(node.func, (cst.Name, cst.Attribute)) else ""
    base, _, last = callee.rpartition(".")
    if callee in ("__import__", "builtins.__import__"):
        module = _literal(_argument(node, 0, "name"))
        level = _argument(node, 4, "level")
        if level is not None and module is not None:
            module = relative(module, level.value) if isinstance(level, cst.Integer) else None
        anchor = "__package__" if module and module.startswith(".") else None
    elif (not base and last in names.import_module) or (
        last == "import_module" and base in names.importlib
    ):
        module = _literal(_argument(node, 0, "name"))
        anchor = None
        if module is not None and module.startswith("."):
            anchor = _anchor(_argument(node, 1, "package"))
            module = module if anchor else None
    else:
        return None
    if any(argument.star for argument in node.args):
        module = anchor = None
    if module is not None and not all(p.isidentifier() for p in module.lstrip(".").split(".")):
        module = anchor = None
    return DynamicCall(module, anchor, deferred, callee)


def _argument(node: cst.Call, index: int, keyword: str) -> cst.BaseExpression | None:
    positional = [a.value for a in node.args if a.keyword is None and not a.star]
    if index < len(positional):
        return positional[index]
    named = (a.value for a in node.args if a.keyword is not None and a.keyword.value == keyword)
    return next(named, None)


def _literal(node: cst.BaseExpression | None) -> str | None:
    if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that mean nothing; not ours to tell
            value = node.evaluated_value
        return value if isinstance(value, str) else None
    return None


def _anchor(node: cst.BaseExpression | None) -> str | None:
    if isinstance(node, cst.Name) and node.value in ("__package__", "__name__"):
        return node.value
    return _literal(node)

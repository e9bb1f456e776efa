"""Single statements: what an import imports, what a condition or a handler means.

Those that are as plain as most are read by one expression each, others by CPython's own parser, and
what that refuses by libcst, which takes longer to load than half of a warm run. That all read alike
is shown over large corpora. A repository repeats itself: the answers are remembered by the
statement's text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from keyword import kwlist, softkwlist

from lane_planner.scan.records import Kind
from lane_planner.scan.written import CAUGHT, CallNames, Condition, DynamicCall, Written

# A name in ASCII letters that means nothing else anywhere.
_RESERVED = "|".join((*kwlist, *softkwlist, "print", "exec"))
_NAME = rf"(?!(?:{_RESERVED})\b)[A-Za-z_]\w*+"
_DOTTED = rf"{_NAME}(?:\.{_NAME})*+"
_BLANK = r"(?:[ \t]|\\\n)"
_LINES = r"(?:[ \t\n]|\#[^\n]*+\n)*+"
_AS = rf"(?:{_BLANK}++as{_BLANK}++{_NAME})?+"
_MODULES = rf"{_DOTTED}{_AS}(?:{_BLANK}*+,{_BLANK}*+{_DOTTED}{_AS})*+"
_NAMES = rf"{_NAME}{_AS}(?:{_BLANK}*+,{_BLANK}*+{_NAME}{_AS})*+"
_NAMES_IN_LINES = rf"{_LINES}{_NAME}{_AS}(?:{_LINES},{_LINES}{_NAME}{_AS})*+{_LINES},?{_LINES}"
_IMPORT = re.compile(rf"import{_BLANK}++({_MODULES})", re.ASCII)
_FROM = re.compile(
    rf"from{_BLANK}++(?:(\.*+{_DOTTED}){_BLANK}++|(\.++){_BLANK}*+)"
    rf"import(?:{_BLANK}++({_NAMES}|\*)|{_BLANK}*+\(({_NAMES_IN_LINES})\))",
    re.ASCII,
)
_COMMENT = re.compile(r"#[^\n]*+")
_ALIAS = re.compile(r"[\s\\]++as[\s\\]++\w++")
_BETWEEN = re.compile(r"[,\s\\]++")
_EXCEPT = re.compile(
    rf"except(?:[ ]++({_DOTTED})|[ ]*+\(({_DOTTED}(?:,[ ]*+{_DOTTED})*+),?\))"
    rf"(?:[ ]++as[ ]++{_NAME})?[ ]*+:",
    re.ASCII,
)
_MAIN = ('__name__ == "__main__"', "__name__ == '__main__'")


@lru_cache(maxsize=1 << 16)
def parse_import(statement: str) -> tuple[Written, ...]:
    """Return what an import statement imports; nothing if it cannot be read.

    Args:
        statement: an `import` or `from` statement without indentation or trailing comment.
    """
    found = _FROM.fullmatch(statement)
    if found is not None:
        module, dots, line, lines = found.groups()
        names = _listed(line or _COMMENT.sub("", lines))
        return (Written(module or dots, names),)
    found = _IMPORT.fullmatch(statement)
    if found is not None:
        return tuple(Written(name, None) for name in _listed(found.group(1)))
    from lane_planner.scan import cpython

    try:
        return cpython.parse_import(statement)
    except cpython.Refused:
        from lane_planner.scan import statements

        return statements.parse_import(statement)


def is_plain(statement: str) -> bool:
    """Tell whether an import statement is as plain as most: ASCII names, no blanks around dots.

    Args:
        statement: a statement as for `parse_import`.
    """
    return (_FROM.fullmatch(statement) or _IMPORT.fullmatch(statement)) is not None


def _listed(names: str) -> tuple[str, ...]:
    return tuple(filter(None, _BETWEEN.split(_ALIAS.sub("", names))))


@lru_cache(maxsize=1 << 12)
def condition_of(test: str, typing_names: frozenset[str]) -> Condition | None:
    """Tell whether an `if` test means type checking or running as a script.

    Args:
        test: source of the expression.
        typing_names: names that stand for `TYPE_CHECKING` in the file.
    """
    if test in typing_names or test == "typing.TYPE_CHECKING":
        return "typing"
    if test in _MAIN:
        return "main"
    from lane_planner.scan import cpython

    try:
        return cpython.condition_of(test, typing_names)
    except cpython.Refused:
        from lane_planner.scan import statements

        return statements.condition_of(test, typing_names)


@lru_cache(maxsize=1 << 12)
def catches_import_error_of(header: str) -> bool:
    """Tell whether an `except` clause, given by its header's source, catches a failed import."""
    if header == "except:":
        return True
    found = _EXCEPT.fullmatch(header)
    if found is not None:
        types = _listed(found.group(1) or found.group(2))
        return any(name.rpartition(".")[2] in CAUGHT for name in types)
    from lane_planner.scan import cpython

    try:
        return cpython.catches_import_error_of(header)
    except cpython.Refused:
        from lane_planner.scan import statements

        return statements.catches_import_error_of(header)


@lru_cache(maxsize=1 << 12)
def dynamic_calls_in(statement: str, names: CallNames) -> tuple[DynamicCall, ...]:
    """Return the dynamic imports of one statement or clause header, in source order.

    Args:
        statement: source of a simple statement, a decorator, or a clause header up to its colon.
        names: what the file calls the importing functions.
    """
    from lane_planner.scan import cpython

    try:
        return cpython.dynamic_calls_in(statement, names)
    except cpython.Refused:
        from lane_planner.scan import statements

        return statements.dynamic_calls_in(statement, names)


def later(kind: Kind, *, deferred: bool) -> Kind:
    """Return a kind, deferred where it would be eager but stands in a lambda."""
    return "deferred" if deferred and kind == "eager" else kind

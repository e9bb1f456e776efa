"""What single statements say, whoever reads them, and how they are put for being parsed."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Written(NamedTuple):
    """One imported module as written; see `RawImport` for the fields."""

    module: str
    names: tuple[str, ...] | None


class CallNames(NamedTuple):
    """The names under which a file can call for a dynamic import.

    Attributes:
        import_module: names bound to `importlib.import_module`.
        importlib: names bound to the `importlib` module.
    """

    import_module: frozenset[str]
    importlib: frozenset[str]


class DynamicCall(NamedTuple):
    """An `import_module` or `__import__` call.

    Attributes:
        module: the literal module, leading dots for a relative one; None if it is opaque.
        anchor: what a relative one is relative to, as in `RawImport`.
        deferred: it stands in a lambda.
        call: the called name as written.
    """

    module: str | None
    anchor: str | None
    deferred: bool
    call: str


Condition = Literal["typing", "not typing", "main"]

CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
"""The last names of what a handler catches that makes an import optional."""

_MOST_LEVELS = 1000
_MOST_DIGITS = 9  # Python turns no more than some thousands of them into a number


def relative(module: str, level: str) -> str | None:
    """Return a module behind the dots of a level.

    Args:
        module: the module as written.
        level: an integer's literal.

    Returns:
        None where no package is so deep: that many dots could be more than the memory holds.
    """
    number = int(level, 0) if len(level) <= _MOST_DIGITS else _MOST_LEVELS + 1
    return "." * number + module if number <= _MOST_LEVELS else None


def attempts(statement: str) -> list[str]:
    """Return the modules, one of which a statement or a clause header is a part of.

    Args:
        statement: source of a simple statement, a decorator, or a clause header up to its colon.
    """
    word = statement.split(None, 1)[0] if statement.strip() else ""
    if word.startswith("@"):
        return [f"{statement}\ndef _(): pass\n"]
    if word.startswith("elif"):
        return [f"{statement[2:]} pass\n"]
    if word.startswith("except"):
        return [f"try: pass\n{statement} pass\n"]
    if word == "case":
        return [f"match _:\n {statement} pass\n", f"{statement}\n"]
    if word == "match":
        return [f"{statement}\n case _: pass\n", f"{statement}\n"]
    return [f"{statement}\n", f"{statement} pass\n"]

"""CPython's own parser on texts and on whole files, without its warnings; nothing is run."""

from __future__ import annotations

import ast
import gc
import warnings
from typing import Literal

from lane_planner.promotion.text import SourceText
from lane_planner.scan.decode import Undecodable

UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `parse` raises: no Python; NUL bytes; and, twice, deeper than the parser goes."""


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


def tree_of(content: bytes) -> ast.Module | None:
    """Return the syntax tree of a file; None: it is no text, or does not parse.

    Args:
        content: its bytes.
    """
    try:
        return parse(SourceText(content).text)
    except (Undecodable, *UNPARSABLE):
        return None


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
    except UNPARSABLE:
        return None
    assert isinstance(tree, (ast.Expression, ast.FunctionType))
    return tree.body if isinstance(tree, ast.Expression) else tree


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Return the parameters of a function: those with stars come last.

    Args:
        arguments: as the tree has them.
    """
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return found + [a for a in (arguments.vararg, arguments.kwarg) if a is not None]

"""Type comments: what one is, where it may stand, and what it says."""

from __future__ import annotations

import ast
import re
from typing import Literal, NamedTuple

from lane_planner.promotion.names.syntax import parsed_annotation

# A type comment, as CPython's tokenizer takes one; `# type: ignore[…]` is none.
_TYPE_COMMENT = r"\#[ \t]*+type:[ \t]*+(?!ignore(?![0-9A-Za-z]|[^\x00-\x7f]))"
_SAID = re.compile(rf"(?x){_TYPE_COMMENT}(?P<said>[^\n]*+)")
_OTHER_COMMENT = rf"(?!{_TYPE_COMMENT})\#[^\n]*+"
# What stands between something that can have a type comment and the comment: behind a statement …
BEHIND_STATEMENT = re.compile(r"(?x)(?:[ \t\f]|\\\n)*+")
# … a parameter with its default …
BEHIND_PARAMETER = re.compile(rf"(?x)(?:[\s\\)]|{_OTHER_COMMENT})*+,?(?:[\s\\]|{_OTHER_COMMENT})*+")
# … the last expression of `for` and `with` …
BEHIND_HEADER = re.compile(r"(?x)(?:[\s\\),]|\#[^\n]*+)*+:(?:[ \t\f]|\\\n)*+")
# … and the last one of `def`, or its name: here the comment may have a line of its own.
BEHIND_SIGNATURE = re.compile(
    r"(?x)(?:(?:async[\s\\]++)?def[\s\\]++\w++)?(?:[\s\\()\[\],/*]|\#[^\n]*+)*+:"
    rf"(?:[\s\\]|{_OTHER_COMMENT})*+"
)


class TypeComment(NamedTuple):
    """A type comment.

    Attributes:
        tree: what it says: a type, or a whole signature.
        body: offset of its first character behind "type:".
        said: its text from there.
    """

    tree: ast.expr | ast.FunctionType
    body: int
    said: str


def comment_behind(
    text: str,
    offset: int,
    between: re.Pattern[str],
    mode: Literal["eval", "func_type"] = "eval",
) -> TypeComment | None:
    """Return the type comment behind something, or None.

    Args:
        text: the file's text.
        offset: behind what can have one.
        between: one of the patterns above: what may stand in front of the comment.
        mode: "func_type" for a whole signature.
    """
    start = between.match(text, offset)
    found = None if start is None else _SAID.match(text, start.end())
    tree = None if found is None else parsed_annotation(found["said"], mode)
    # Prose can be an expression, but none that binds a name is a type.
    if found is None or tree is None or any(map(_binds, ast.walk(tree))):
        return None
    return TypeComment(tree, found.start("said"), found["said"])


def _binds(node: ast.AST) -> bool:
    return isinstance(node, (ast.NamedExpr, ast.Lambda, ast.comprehension))

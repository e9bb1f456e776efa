"""Pieces of a lanes.toml that is written for a user to go on with."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence

_WIDTH = 98
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_string(value: str) -> str:
    """Return a text as a TOML string; it has no surrogates."""
    # JSON's strings are TOML's, but for DEL and for characters that JSON writes as two surrogates.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_list(values: Iterable[str]) -> str:
    """Return texts as a TOML list, on one line if that stays readable."""
    items = [toml_string(value) for value in values]
    line = f"[{', '.join(items)}]"
    return line if len(line) < 80 else "\n".join(["[", *(f"    {item}," for item in items), "]"])


def toml_key(name: str) -> str:
    """Return a name as it stands in a table header."""
    return name if _BARE.fullmatch(name) else toml_string(name)


def comment(text: str) -> str:
    """Return a sentence as comment lines, each ended by a newline."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    lines = textwrap.wrap(
        clean, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def lane_table(
    name: str,
    paths: Iterable[str],
    imports: Iterable[str],
    promotes_to: str | None = None,
    comments: Sequence[str] = (),
) -> str:
    """Return the table of a lane.

    Args:
        name: of the lane.
        paths: its directories and files.
        imports: the lanes that it may import.
        promotes_to: the next lane, or None.
        comments: sentences that stand above it.
    """
    lines = [
        f"[lanes.{toml_key(name)}]",
        f"paths = {toml_list(paths)}",
        f"imports = {toml_list(imports)}",
    ]
    if promotes_to is not None:
        lines.append(f"promotes_to = {toml_string(promotes_to)}")
    return "".join(comment(text) for text in comments) + "\n".join(lines) + "\n"

"""What a code means, as text and as a document."""

from __future__ import annotations

import textwrap
from typing import Any

from lane_planner.rules.codes import Code

_WIDEST = 100  # columns; longer lines are hard to read


def code_document(code: Code) -> dict[str, Any]:
    """Return a code as a plain document; `example` holds files by path."""
    return {
        "code": code.code,
        "title": code.title,
        "meaning": code.meaning,
        "why": code.why,
        "mend": code.mend,
        "example": dict(code.example),
    }


def code_text(code: Code, *, width: int) -> str:
    """Return a code explained to a person.

    Args:
        code: the code.
        width: columns of the terminal.
    """
    lines = [f"{code.code}: {code.title}"]
    for title, text in (
        ("What it means", code.meaning),
        ("Why it matters", code.why),
        ("How to mend it", code.mend),
    ):
        room = max(20, min(width, _WIDEST) - 2)
        wrapped = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
        lines += ["", title, *(f"  {line}" for line in wrapped)]
    if code.example:
        lines += ["", "Example"]
    for path, content in code.example:
        shown = content.splitlines() or ["(empty)"]
        lines += [f"  {path}", *(f"      {line}" for line in shown)]
    return "\n".join(lines) + "\n"

"""What a code means, as text and as a document."""

from __future__ import annotations

import textwrap

import msgspec

from lane_planner.rules.codes import Code

_WIDEST = 100  # columns; longer lines are hard to read


class CodeDocument(msgspec.Struct, frozen=True):
    """A code, explained.

    Attributes:
        code: "LP101" and so on.
        title: what it says, in a few words.
        meaning: the same exactly.
        why: why it matters.
        mend: how it goes away.
        example: contents, by path, of files that show it.
    """

    code: str
    title: str
    meaning: str
    why: str
    mend: str
    example: dict[str, str]


def code_document(code: Code) -> CodeDocument:
    """Return a code as a JSON document."""
    return CodeDocument(
        code.code, code.title, code.meaning, code.why, code.mend, dict(code.example)
    )


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

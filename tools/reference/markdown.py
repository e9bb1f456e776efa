"""Words of the code as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lane_planner.base.markdown import as_row, as_text

_CODE = re.compile(r"(`[^`]*`)")
_UNSEEN_IN_HEADINGS = re.compile(r"[^\w\- ]")


def page(title: str, intro: str, sections: Iterable[str]) -> str:
    """Return a page.

    Args:
        title: text.
        intro: what stands under it, Markdown.
        sections: Markdown, each with its heading.
    """
    made = "<!-- Written by `make docs` from the code; edit that. -->"
    return "\n\n".join([f"# {as_text(title)}", made, intro, *sections]) + "\n"


def prose(text: str) -> str:
    """Return text of a docstring or a help text in one line; what is in backticks is code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if _CODE.fullmatch(part) else as_text(part) for part in parts)


def code(text: str) -> str:
    """Return text of ours, without backticks, as code: unlike a name of a repository it is safe."""
    return f"`{text}`"


def either(options: Sequence[str]) -> str:
    """Return Markdown that offers one of several things."""
    return " or ".join(filter(None, [", ".join(options[:-1]), options[-1]]))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown."""
    inner = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join([as_row(headers), as_row("---" for _ in headers), *map(as_row, inner)])


def block(language: str, text: str) -> str:
    """Return text as a block of code, behind a fence that does not occur in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def anchor(heading: str) -> str:
    """Return what GitHub calls a heading in links."""
    return _UNSEEN_IN_HEADINGS.sub("", heading.lower()).replace(" ", "-")

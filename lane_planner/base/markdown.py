"""Text and names from a repository, in GitHub-flavoured Markdown that they cannot change."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lane_planner.base.text import printable

# Every character that Markdown, HTML, or GitHub (@user, #1) gives a meaning, as a reference that
# none of them interprets.
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~&@$]|:(?=[/\w])|(?<=ww)w(?=\.)|^[-+=\d]", re.I)

# What ends a code span or a table cell, and what a reader of the source might take for a tag.
_NOT_IN_CODE = re.compile(r"[`|<>\[\]]")


def as_text(text: str) -> str:
    """Return text that reads as itself in a Markdown paragraph, list item or table cell."""
    line = printable(" ".join(text.splitlines()))
    return _MARKUP.sub(lambda match: f"&#{ord(match.group())};", line)


def as_name(name: str) -> str:
    """Return a name as code where that shows it as it is; else as escaped text."""
    shown = printable(name)
    if not shown or shown != shown.strip() or _NOT_IN_CODE.search(shown):
        return as_text(shown).replace(" ", "&#32;") if name else "&#32;"
    return f"`{shown}`"


def as_row(cells: Iterable[str]) -> str:
    """Return a line of a table, of cells that are Markdown."""
    return f"| {' | '.join(cells)} |"

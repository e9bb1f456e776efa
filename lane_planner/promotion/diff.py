"""A promotion as a unified diff, in git's form, for people to read before it is made."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from lane_planner.base.text import printable
from lane_planner.promotion.values import Promotion


def unified_diff(promotion: Promotion, before: Mapping[str, bytes]) -> str:
    """Return what a promotion changes.

    Args:
        promotion: the promotion.
        before: contents, by path before it, of the files that it moves and writes, or deletes.

    Returns:
        The diff; a file that only moves has a header and no lines.
    """
    origin = {move.target: move.source for move in promotion.moves}
    writes = {write.path: write for write in promotion.writes}
    parts: list[str] = []
    for path in sorted(origin.keys() | writes.keys()):
        write = writes.get(path)
        old = origin.get(path, path if write is not None and write.reason == "rewritten" else None)
        content = None if old is None else before[old]
        parts.extend(_file(old, path, content, write.content if write else content or b""))
    for path in promotion.deletes:
        if path not in origin and path not in writes:
            parts.extend(_file(path, None, before[path], b""))
    return "".join(parts)


def _file(old: str | None, new: str | None, before: bytes | None, after: bytes) -> Iterable[str]:
    a, b = printable(old or new or ""), printable(new or old or "")
    yield f"diff --git a/{a} b/{b}\n"
    if old is not None and new is not None and old != new:
        yield f"rename from {a}\nrename to {b}\n"
    elif old is None:
        yield "new file mode 100644\n"
    elif new is None:
        yield "deleted file mode 100644\n"
    lines = difflib.unified_diff(
        _lines(before or b""),
        _lines(after),
        f"a/{a}" if old is not None else "/dev/null",
        f"b/{b}" if new is not None else "/dev/null",
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "backslashreplace")
    pieces = text.split("\n")
    return [f"{piece}\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])

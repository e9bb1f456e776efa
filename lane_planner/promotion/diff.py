"""A promotion as a unified diff, in git's form, for people to read before it is made."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping

import msgspec

from lane_planner.base.text import printable
from lane_planner.promotion.values import Promotion


class _Change(msgspec.Struct, frozen=True):
    """What becomes of one file: a name and a content before, and after; None: there is none."""

    old: str | None
    new: str | None
    before: bytes
    after: bytes


def unified_diff(promotion: Promotion, before: Mapping[str, bytes]) -> str:
    """Return what a promotion changes; `git apply` takes it where all files are UTF-8.

    Args:
        promotion: the promotion.
        before: contents, by path before it, of the files that it moves and writes, or deletes.

    Returns:
        The diff; a file that only moves has a header and no lines.
    """
    return "".join(line for change in _changes(promotion, before) for line in _lines_of(change))


def _changes(promotion: Promotion, before: Mapping[str, bytes]) -> Iterator[_Change]:
    """Yield the changes by path after, then what goes away."""
    origin = {move.target: move.source for move in promotion.moves}
    writes = {write.path: write for write in promotion.writes}
    # git has no rename onto a file that is there: that one changes, and the moved one goes away.
    onto = origin.keys() & set(promotion.deletes)
    left = {origin[path] for path in onto}
    for path in sorted(origin.keys() | writes.keys()):
        write, source = writes.get(path), origin.get(path)
        content = write.content if write is not None else before[source or path]
        stays = path in onto or path in left or (write is not None and write.reason == "rewritten")
        old = path if stays and (source is None or path in onto) else source
        yield _Change(old, path, before[old] if old is not None else b"", content)
    for path in sorted((left | set(promotion.deletes)) - origin.keys() - writes.keys()):
        yield _Change(path, None, before[path], b"")


def _lines_of(change: _Change) -> Iterator[str]:
    old, new = change.old, change.new
    a, b = _named("a/", old or new), _named("b/", new or old)
    yield f"diff --git {a} {b}\n"
    if old is not None and new is not None and old != new:
        yield f"rename from {_named('', old)}\nrename to {_named('', new)}\n"
    elif old is None:
        yield "new file mode 100644\n"
    elif new is None:
        yield "deleted file mode 100644\n"
    lines = difflib.unified_diff(
        _split(change.before),
        _split(change.after),
        _with_end(a) if old is not None else "/dev/null",
        _with_end(b) if new is not None else "/dev/null",
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _named(prefix: str, path: str | None) -> str:
    """Return a path as git writes it: quoted where a character in it would confuse."""
    name = f"{prefix}{path or ''}"
    if printable(name) == name and not set(name) & {'"', "\\"}:
        return name
    return f'"{"".join(map(_escaped, name))}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if printable(char) == char:
        return char
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(char))


def _with_end(name: str) -> str:
    # As git does: without the tab a name with a space would end at it.
    return f"{name}\t" if " " in name else name


def _split(content: bytes) -> list[str]:
    pieces = content.decode("utf-8", "backslashreplace").split("\n")
    return [f"{piece}\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])

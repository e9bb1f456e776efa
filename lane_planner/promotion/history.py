"""Whether git's history follows a moved file through the commit that moves it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from lane_planner.promotion.values import Promotion

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_CHUNK = 64  # bytes at the most that git compares as one
_LEAST = 0.5  # of the larger file that has to be the same: what `git log --follow` asks for


def seen_as_rename(before: bytes, after: bytes) -> bool:
    """Tell whether git takes a new file for an old one that is gone, renamed and edited.

    Its measure (diffcore-delta.c): how much of the larger file stands in the other too, line by
    line or in chunks of 64 bytes, in any order.

    Args:
        before: content of the file that is gone.
        after: content of the new one.
    """
    if before == after:
        return True
    largest = max(len(before), len(after))
    if largest * (1 - _LEAST) < abs(len(before) - len(after)):
        return False
    had, has = Counter(_chunks(before)), Counter(_chunks(after))
    same = sum(len(chunk) * min(count, has[chunk]) for chunk, count in had.items())
    return same >= largest * _LEAST


def _chunks(content: bytes) -> Iterator[bytes]:
    text = b"\0" not in content[:8000]
    for line in _LINE.findall(content) if text else [content]:
        whole = line[:-2] + b"\n" if text and line.endswith(b"\r\n") else line
        for start in range(0, len(whole), _CHUNK):
            yield whole[start : start + _CHUNK]


def apart(promotion: Promotion) -> tuple[Promotion, Promotion]:
    """Return a promotion as two: the moves alone, and then what is written.

    Args:
        promotion: one that loses history in a single commit.
    """
    moves = msgspec.structs.replace(promotion, writes=())
    writes = msgspec.structs.replace(promotion, moves=(), deletes=())
    return moves, writes

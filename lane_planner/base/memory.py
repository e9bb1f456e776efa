"""What is worked out again if need be, kept in a file of its own.

Such a file is replaced as a whole, carries a checksum, and is thrown away when anything about it is
odd: it costs time, never correctness.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.output import write_output

_T = TypeVar("_T")
_SIZE = 20


def recall(file: Path, kind: type[_T]) -> _T | None:
    """Return what a file keeps, or None if it is missing or odd.

    Args:
        file: where `keep` put it.
        kind: its type.
    """
    try:
        content = file.read_bytes()
        body = content[_SIZE:]
        if content[:_SIZE] == digest(body):
            return msgspec.msgpack.decode(body, type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
    return None


def keep(file: Path, value: Any) -> None:
    """Keep something in a file; where that cannot be written, nothing happens.

    Args:
        file: its directory is made if need be.
        value: what msgspec can encode.
    """
    body = msgspec.msgpack.encode(value)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_output(file, digest(body) + body)
    except (OSError, EnvironmentFailure):
        return


def digest(content: bytes) -> bytes:
    """Return a checksum of some bytes."""
    return hashlib.blake2b(content, digest_size=_SIZE).digest()

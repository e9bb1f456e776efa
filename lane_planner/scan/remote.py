"""Reading files on the workers of a cluster: what travels, and what runs over there.

Contents travel there, and records back, each many in one value of bytes. No file is written there,
and nothing of ours is pickled.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.text import printable
from lane_planner.scan.cache import content_key, reader_version
from lane_planner.scan.work import WORKS

# Source shrinks to a fourth for a small part of what reading it takes; more effort saves little.
_LEVEL = 1


def pack(contents: Sequence[bytes]) -> bytes:
    """Return the contents of files as one value."""
    return zlib.compress(msgspec.msgpack.encode(contents), _LEVEL)


def require_version(version: str) -> None:
    """Make sure that this process finds in files what another one would.

    Args:
        version: `reader_version` of the other one.

    Raises:
        EnvironmentFailure: it may not.
    """
    mine = reader_version()
    if mine != version:
        raise EnvironmentFailure(
            f"the cluster has lane-planner {printable(mine)}, not {printable(version)}: "
            "install the same there"
        )


def answer(version: str, name: str, packed: bytes) -> bytes:
    """Do work on packed contents; called on a worker.

    Args:
        version: `reader_version` of who asks.
        name: of the work.
        packed: as from `pack`.

    Returns:
        What is found in each content, with its key, as `Work.packed`.

    Raises:
        EnvironmentFailure: as for `require_version`; a worker may have joined since that was asked.
    """
    require_version(version)
    work = WORKS[name]
    contents = msgspec.msgpack.decode(zlib.decompress(packed), type=list[bytes])
    return work.packed([(content_key(content), work.finds(content)) for content in contents])

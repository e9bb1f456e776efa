"""The values that describe a promotion, from the analysis to the hand that carries it out."""

from __future__ import annotations

import msgspec


class FileMove(msgspec.Struct, frozen=True, order=True):
    """A tracked file that changes its place.

    Attributes:
        source: path below the root, "/"-separated.
        target: likewise.
    """

    source: str
    target: str


class FileWrite(msgspec.Struct, frozen=True, order=True):
    """A file's new content, at its path after all moves.

    Attributes:
        path: path below the root, after the moves.
        content: all its bytes.
        reason: "rewritten" (an existing or moved file whose references follow) or "made" (a new
            `__init__.py`).
    """

    path: str
    content: bytes
    reason: str


class Promotion(msgspec.Struct, frozen=True):
    """Moves that land together as one commit, with every edit that they need.

    Attributes:
        source_lane: lane that is left.
        target_lane: lane that is reached.
        name: what is promoted, for the branch and the title: a dotted name without its lane.
        modules: dotted names before the move, sorted.
        renamed: (name before, name after), sorted.
        moves: sorted.
        writes: sorted; each path is written once.
        deletes: files that go away without a new place (a made `__init__.py` that the real one
            replaces, or one left in an emptied package), sorted.
        notes: what a person should know (risks, files that mention the old name), in order.
    """

    source_lane: str
    target_lane: str
    name: str
    modules: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    moves: tuple[FileMove, ...]
    writes: tuple[FileWrite, ...]
    deletes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The commit's and pull request's title."""
        return f"promote({self.source_lane}→{self.target_lane}): {self.name}"

    @property
    def branch(self) -> str:
        """The branch's name."""
        return f"promote/{self.source_lane}-to-{self.target_lane}/{self.name}"


MADE_INIT = (
    b"# Made by lane-planner so that the directory stays a package: its real __init__.py is on\n"
    b"# the other side of a promotion, and replaces this file when it follows.\n"
)
"""Content of a made `__init__.py`; by it such a file is known again."""

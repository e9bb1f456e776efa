"""The values that describe a promotion, from the analysis to the hand that carries it out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lane_planner.promotion.references.ledger import LedgerEntry

NEW_FILES = frozenset({"made", "shim"})
"""Reasons of `FileWrite` that are of files which are not there before."""


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
        reason: "rewritten" (an existing or moved file whose references follow), "made" (a new
            `__init__.py`) or "shim" (a new file at the old path of a moved module).
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
        notes: what a person should know (risks), in order.
        ledger: every place beside Python references that names what moves, sorted.
        along: those of the moves that no plan names, sorted: of stubs and built files beside their
            sources, and of tests that are laid out like what moves.
        two_commits: whether the moves are a commit of their own, because git would not see all
            of them as renames in one commit with what is written.
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
    ledger: tuple[LedgerEntry, ...] = ()
    two_commits: bool = False
    along: tuple[FileMove, ...] = ()

    @property
    def title(self) -> str:
        """The commit's and pull request's title."""
        return f"promote({self.source_lane}→{self.target_lane}): {self.name}"

    @property
    def branch(self) -> str:
        """The branch's name."""
        return f"promote/{self.source_lane}-to-{self.target_lane}/{self.name}"


def merged_ledger(promotions: Sequence[Promotion]) -> tuple[LedgerEntry, ...]:
    """Return the ledgers of promotions that land one after the other as one.

    What several of them list, such as a package's name, has the status that the last of them
    gave it; every path is that after the last one.

    Args:
        promotions: in order.
    """
    found: dict[tuple[str, int, str], list[LedgerEntry]] = {}
    later: dict[str, str] = {}  # path after all, by path after the promotion
    for promotion in reversed(promotions):
        group: dict[tuple[str, int, str], list[LedgerEntry]] = {}
        for entry in promotion.ledger:
            path = later.get(entry.path, entry.path)
            now = entry if path == entry.path else msgspec.structs.replace(entry, path=path)
            group.setdefault((path, entry.line, entry.text), []).append(now)
        for key, same in group.items():
            found.setdefault(key, same)
        for move in promotion.moves:
            later[move.source] = later.get(move.target, move.target)
    return tuple(sorted(entry for same in found.values() for entry in same))

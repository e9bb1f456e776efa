"""What gates are asked about: a commit, and what moved on the way to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec

from lane_planner.executor.records.promotion_log import StepName
from lane_planner.gates.select import Phase
from lane_planner.promotion.values import FileMove, Promotion


class Step(msgspec.Struct, frozen=True):
    """One step to commit.

    Attributes:
        id: the plan's name for it ("s0001").
        promotion: what it changes in the tree it builds on.
        title: the first line of its commit message; None: the promotion's own.
        reverts: the landed step that it takes back; None: none.
    """

    id: str
    promotion: Promotion
    title: str | None = None
    reverts: StepName | None = None


class Trial(NamedTuple):
    """A commit that gates are run on.

    Attributes:
        phase: "before" or "after" the moves.
        commit: full id.
        moves: what moves.
        changed: paths of files that change, before and after the moves.
    """

    phase: Phase
    commit: str
    moves: tuple[FileMove, ...]
    changed: frozenset[str]


def before_moving(commit: str, moves: Iterable[FileMove]) -> Trial:
    """Return the trial of a commit from which files are to move."""
    moved = tuple(moves)
    return Trial("before", commit, moved, frozenset(move.source for move in moved))


def after_steps(commit: str, steps: Iterable[Step]) -> Trial:
    """Return the trial of a commit that some steps led to."""
    promotions = [step.promotion for step in steps]
    moves = tuple(move for promotion in promotions for move in promotion.moves)
    changed = {path for move in moves for path in (move.source, move.target)}
    changed.update(write.path for promotion in promotions for write in promotion.writes)
    changed.update(path for promotion in promotions for path in promotion.deletes)
    return Trial("after", commit, moves, frozenset(changed))


class Selector(Protocol):
    """Selects the tests that can reach what changed in a trial; see `TestSelector`."""

    def __call__(self, trial: Trial) -> tuple[str, ...]: ...

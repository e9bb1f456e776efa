"""Which of the configured gates a set of moved files has to pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from lane_planner.config.globs import PathGlobs
from lane_planner.config.settings import Gate
from lane_planner.promotion.values import FileMove

Phase = Literal["before", "after"]


def applying(
    gates: Iterable[Gate],
    phase: Phase,
    moves: Iterable[FileMove],
    scope: Literal["batch", "wave"] | None = None,
) -> tuple[Gate, ...]:
    """Return the gates of one phase that the moves have to pass, in the order given.

    A gate without `when` always applies. One with `when` applies if a moved file's path matches
    one of its globs, before or after the move: a gate that guards a directory guards both who
    leaves it and who enters it.

    Args:
        gates: the configured gates.
        phase: "before" or "after" the move.
        moves: every file that moves, in the batch or the wave.
        scope: only gates of that scope; None: of both.
    """
    paths = {path for move in moves for path in (move.source, move.target)}
    return tuple(
        gate
        for gate in gates
        if gate.phase == phase and scope in (None, gate.scope) and _applies(gate, paths)
    )


def phase_paths(phase: Phase, moves: Sequence[FileMove]) -> tuple[str, ...]:
    """Return where the moved files stand in a phase: sources before the move, targets after it."""
    return tuple(move.source if phase == "before" else move.target for move in moves)


def _applies(gate: Gate, paths: Iterable[str]) -> bool:
    if not gate.when:
        return True
    globs = PathGlobs(gate.when)
    return any(globs.matches(path) for path in paths)

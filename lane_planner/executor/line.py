"""The repository step after step, as the steps of a plan are worked out on it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

from lane_planner.executor.promote import advance, require_committed, step_moves, step_name
from lane_planner.executor.snapshot import Snapshot
from lane_planner.planner.hop import Hop
from lane_planner.planner.schema import PlannedStep
from lane_planner.promotion.compose import compose
from lane_planner.promotion.references.mentions import Mentions
from lane_planner.promotion.shims import Shims
from lane_planner.promotion.values import FileMove, Promotion
from lane_planner.promotion.workspace import Workspace


class PlanLine:
    """A repository in memory, from its base commit through the steps that it takes.

    Args:
        snapshot: the repository at the base commit.
        hop: where each module goes.
        workspace: the repository as it is now.
        mentions: where the base commit names modules of the lane.
        shims: what to leave at the old paths; None: nothing.
        rewrite_text: whether names in text are rewritten too, where they are certain.
        dirty: paths of files whose working copies differ from the commit.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        hop: Hop,
        workspace: Workspace,
        mentions: Mentions,
        shims: Shims | None,
        rewrite_text: bool,
        dirty: Collection[str],
    ) -> None:
        self._snapshot = snapshot
        self._hop = hop
        self._workspace = workspace
        self._mentions = mentions
        self._shims = shims
        self._rewrite_text = rewrite_text
        self._dirty = dirty

    def fork(self) -> Self:
        """Return another line that goes its own way from here."""
        return type(self)(
            self._snapshot, self._hop, self._workspace.fork(), self._mentions, self._shims,
            self._rewrite_text, self._dirty,
        )  # fmt: skip

    def take(self, step: PlannedStep) -> Promotion:
        """Work a step out, and be the repository after it.

        Raises:
            Refused: a reference cannot be rewritten surely, or the proof fails.
            UsageError: something that goes along has uncommitted changes.
        """
        workspace = self._workspace
        moves = step_moves(self._snapshot, workspace, self._hop, step.modules, None)
        composed = compose(
            workspace, self._hop.source, self._hop.target, moves, self._mentions,
            name=step_name(self._snapshot, step.modules), shims=self._shims,
            rewrite_text=self._rewrite_text,
        )  # fmt: skip
        along = [FileMove(workspace.origin(m.source), m.target) for m in composed.promotion.along]
        require_committed(self._dirty, along)
        advance(workspace, composed)
        return composed.promotion

"""Carrying a plan out on one branch, one commit a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import plural, printable
from lane_planner.executor.carry_out import Carried, Job, Outcome, Step, carry_out
from lane_planner.executor.journal import Event
from lane_planner.executor.promote import (
    advance,
    promotion_evidence,
    require_committed,
    step_moves,
    step_name,
)
from lane_planner.executor.snapshot import Snapshot
from lane_planner.gates.evidence import Evidence, ModuleCoverage
from lane_planner.planner.hop import Hop, open_hop
from lane_planner.planner.plan import check_plan
from lane_planner.planner.schema import Plan, PlannedStep
from lane_planner.promotion.compose import compose
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.values import FileMove


class LeftOut(msgspec.Struct, frozen=True):
    """A step that was not carried out.

    Attributes:
        step: its id.
        modules: its modules.
        reason: the place and the cause, or the step that it waits for.
    """

    step: str
    modules: tuple[str, ...]
    reason: str


class Applied(msgspec.Struct, frozen=True):
    """How carrying out a plan ended.

    Attributes:
        outcome: of the run.
        left_out: steps whose references cannot be rewritten surely, and those that wait for
            them, in order.
    """

    outcome: Outcome
    left_out: tuple[LeftOut, ...]


def apply_plan(
    snapshot: Snapshot,
    plan: Plan,
    plan_id: str,
    *,
    steps: int | None = None,
    gates: bool = True,
    observe: Callable[[Event], None] = lambda event: None,
) -> Applied:
    """Carry a plan out on a new branch, or leave everything as it was.

    A step whose references cannot be rewritten surely is left out, with those that wait for it;
    the others are carried out.

    Args:
        snapshot: the repository at the commit that is checked out.
        plan: the plan.
        plan_id: its identity, for the branch, the commits' trailers and the journal.
        steps: carry out only so many, from the first; None: all.
        gates: whether the configured gates run.
        observe: told of each event when the journal holds it.

    Raises:
        UsageError: the plan is of another commit or configuration, or does not hold on this one.
        EnvironmentFailure: git or the disk failed; everything was undone.
    """
    hop = _verified(snapshot, plan)
    chosen = plan.steps if steps is None else plan.steps[:steps]
    if not chosen:
        raise UsageError("the plan has no step to carry out")
    moves = tuple(FileMove(m.source, m.target) for step in chosen for m in step.moves)
    require_committed(snapshot, moves)
    settings = snapshot.facts.settings
    source, target = hop.source.name, hop.target.name
    job = Job(
        base_commit=snapshot.commit,
        branch=f"promote/{source}-to-{target}/plan-{plan_id[:12]}",
        title=f"promote({source}→{target}): {plural(len(moves), 'module')} of plan {plan_id[:12]}",
        plan_id=plan_id,
        moves=moves,
        gates=settings.gates if gates else (),
    )
    composer = _Composer(snapshot, hop, chosen)

    def evidence(carried: Carried) -> Evidence:
        landed = {name for step in carried.steps for name in step.promotion.modules}
        data = snapshot.facts.coverage
        coverage: Iterable[ModuleCoverage] = ()
        if data is not None:
            modules = snapshot.facts.graph.modules
            coverage = [ModuleCoverage(n, data.get(modules[n].path)) for n in sorted(landed)]
        return promotion_evidence(snapshot, carried, coverage, ())

    outcome = carry_out(
        snapshot.git, settings, job, composer.next_step, evidence=evidence, observe=observe
    )
    return Applied(outcome, tuple(composer.left_out))


def _verified(snapshot: Snapshot, plan: Plan) -> Hop:
    if plan.commit != snapshot.commit:
        made = printable(plan.commit or "no commit")
        raise UsageError(
            f"the plan was made on {made[:52]}, and {snapshot.commit[:12]} is checked out: make a "
            "plan of the present commit"
        )
    if plan.config != snapshot.facts.settings.digest:
        raise UsageError("the configuration changed since the plan was made: make a new plan")
    if len(plan.hops) != 1:
        raise UsageError("the plan has several hops: plan and apply one at a time")
    settings = snapshot.facts.settings
    source, target = settings.lane(plan.hops[0].source), settings.lane(plan.hops[0].target)
    if source is None or target is None or source.promotes_to != target.name:
        raise UsageError("the plan's lanes are not those of the configuration: make a new plan")
    hop = open_hop(snapshot.facts, source, target)
    faults = check_plan(plan, snapshot.facts, hop)
    if faults:
        raise UsageError(f"the plan does not hold: {printable(faults[0])}; make a new plan")
    return hop


class _Composer:
    """Works out each step when the former one is committed."""

    def __init__(self, snapshot: Snapshot, hop: Hop, steps: Iterable[PlannedStep]) -> None:
        self._snapshot = snapshot
        self._hop = hop
        self._steps = iter(steps)
        self._workspace = snapshot.workspace()
        self._mentions = snapshot.mentions(hop.source)
        self._missing: set[str] = set()
        self.left_out: list[LeftOut] = []

    def next_step(self, commit: str) -> Step | None:
        """Return the next step that can be made, or None after the last."""
        for step in self._steps:
            waits_for = sorted(self._missing.intersection(step.after))
            if waits_for:
                self._leave_out(step, f"it waits for step {waits_for[0]}")
                continue
            moves = step_moves(self._snapshot, self._workspace, self._hop, step.modules, None)
            name = step_name(self._snapshot, step.modules)
            try:
                composed = compose(
                    self._workspace, self._hop.source, self._hop.target, moves, self._mentions,
                    name=name,
                )  # fmt: skip
            except Refused as refusal:
                self._leave_out(step, f"{printable(refusal.path)}:{refusal.line}: {refusal.reason}")
                continue
            advance(self._workspace, composed)
            return Step(step.id, composed.promotion)
        return None

    def _leave_out(self, step: PlannedStep, reason: str) -> None:
        self._missing.add(step.id)
        self.left_out.append(LeftOut(step.id, step.modules, reason))

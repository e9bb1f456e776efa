"""Carrying a plan out on one branch, one commit a step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

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
from lane_planner.executor.shims import ShimChoice, left_shims
from lane_planner.executor.snapshot import Snapshot
from lane_planner.gates.evidence import Evidence, ModuleCoverage
from lane_planner.planner.hop import Facts, Hop, giving_way, open_hop
from lane_planner.planner.order import blocked_modules
from lane_planner.planner.plan import check_plan
from lane_planner.planner.schema import Plan, PlannedStep, sealed
from lane_planner.promotion.compose import compose
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.shims import Shims
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
        left_out: steps that do not hold any more, steps whose references cannot be rewritten
            surely, and those that wait for them, in order.
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
    rebase: bool = False,
    shims: ShimChoice | None = None,
    rewrite_text: bool = False,
    observe: Callable[[Event], None] = lambda event: None,
) -> Applied:
    """Carry a hop of a plan out on a new branch, or leave everything as it was.

    A step whose references cannot be rewritten surely is left out, with those that wait for it;
    the others are carried out.

    Args:
        snapshot: the repository at the commit that is checked out, leaving the lane of `due_hop`.
        plan: the plan.
        plan_id: its identity, for the branch, the commits' trailers and the journal.
        steps: carry out only so many, from the first that has not landed; None: all of the hop.
        gates: whether the configured gates run.
        rebase: whether a plan of another commit or configuration is verified anew; what has
            landed is passed over then, and what does not hold any more is left out.
        shims: what to leave at the old paths; None: nothing.
        rewrite_text: whether names in text are rewritten too, where they are certain.
        observe: told of each event when the journal holds it.

    Raises:
        UsageError: the plan is of another commit or configuration, was edited, or does not hold
            on this one; or the shims that are asked for cannot be.
        EnvironmentFailure: git or the disk failed; everything was undone.
    """
    hop, holding, left_out = _verified(snapshot, plan, rebase)
    chosen = holding if steps is None else holding[:steps]
    if not chosen:
        raise UsageError("the plan has no step to carry out")
    moves = tuple(FileMove(m.source, m.target) for step in chosen for m in step.moves)
    dirty = frozenset(snapshot.git.changed_paths())
    require_committed(dirty, moves)
    settings = snapshot.facts.settings
    source, target = hop.source.name, hop.target.name
    name = f"plan-{plan_id[:12]}"
    if plan.commit != snapshot.commit:
        name += f"-on-{snapshot.commit[:12]}"  # what landed of it before has a branch already
    job = Job(
        base_commit=snapshot.commit,
        branch=f"promote/{source}-to-{target}/{name}",
        title=f"promote({source}→{target}): {plural(len(moves), 'module')} of plan {plan_id[:12]}",
        plan_id=plan_id,
        moves=moves,
        gates=settings.gates if gates else (),
    )
    left = left_shims(snapshot, shims, hop.source, hop.target)
    composer = _Composer(snapshot, hop, chosen, left, rewrite_text, dirty)

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
    return Applied(outcome, (*left_out, *composer.left_out))


def due_hop(facts: Facts, plan: Plan) -> int:
    """Return the index of the first hop of a plan that has steps that have not landed.

    Args:
        facts: the repository.
        plan: the plan.

    Raises:
        UsageError: all its steps have landed, or it has none.
    """
    landed = _landed(facts, plan.steps)
    for step in plan.steps:
        if step.id not in landed:
            return step.hop
    what = "have landed already" if plan.steps else "are none"
    raise UsageError(f"there is nothing to carry out: the steps of the plan {what}")


def _landed(facts: Facts, steps: Sequence[PlannedStep]) -> frozenset[str]:
    """Return the ids of the steps whose files are where they, or later steps, move them."""
    there = facts.graph.table.by_path
    yielding = giving_way(facts)
    gone_on: set[str] = set()
    landed: set[str] = set()
    for step in reversed(steps):
        if all(
            (move.target in there or move.target in gone_on)
            and (move.source not in there or move.source in yielding)
            for move in step.moves
        ):
            landed.add(step.id)
            gone_on.update(move.source for move in step.moves)
    return frozenset(landed)


def _verified(
    snapshot: Snapshot, plan: Plan, rebase: bool
) -> tuple[Hop, tuple[PlannedStep, ...], tuple[LeftOut, ...]]:
    """Return the hop to carry out, its steps that hold, and those that hold no more."""
    facts = snapshot.facts
    settings = facts.settings
    again = "make a new plan, or give --rebase-plan to verify this one anew"
    if plan.assumed:
        raise UsageError(
            f"the plan assumes what is not so ({printable(plan.assumed[0])[:200]}): make one "
            "without assumptions"
        )
    if not rebase and plan.commit != snapshot.commit:
        made = printable(plan.commit or "no commit")
        raise UsageError(
            f"the plan was made on {made[:52]}, and {snapshot.commit[:12]} is checked out: {again}"
        )
    if not rebase and plan.config != settings.digest:
        raise UsageError(f"the configuration changed since the plan was made: {again}")
    if not rebase and plan.digest != sealed(plan).digest:
        raise UsageError(f"the plan was edited after it was made: {again}")
    number = due_hop(facts, plan)
    source = settings.lane(plan.hops[number].source)
    target = settings.lane(plan.hops[number].target)
    if source is None or target is None or source.promotes_to != target.name:
        raise UsageError("the plan's lanes are not those of the configuration: make a new plan")
    hop = open_hop(facts, source, target)
    steps = tuple(step for step in plan.steps if step.hop == number)
    left_out: tuple[LeftOut, ...] = ()
    if rebase:
        steps, left_out = _rebased(facts, hop, steps, _landed(facts, plan.steps))
    plan = msgspec.structs.replace(
        plan, steps=(*(step for step in plan.steps if step.hop < number), *steps)
    )
    faults = check_plan(plan, facts, hop, number)
    if faults:
        raise UsageError(f"the plan does not hold: {printable(faults[0])}; make a new plan")
    return hop, steps, left_out


def _rebased(
    facts: Facts, hop: Hop, steps: Iterable[PlannedStep], landed: Collection[str]
) -> tuple[tuple[PlannedStep, ...], tuple[LeftOut, ...]]:
    """Return the steps that are still to be done and hold, and those that hold no more."""
    blocked = blocked_modules(hop)
    candidates = frozenset(hop.candidates)
    planned = {name for step in steps for name in step.modules}
    kept: list[PlannedStep] = []
    left_out: dict[str, LeftOut] = {}
    for step in steps:
        if step.id in landed:
            continue
        after = tuple(earlier for earlier in step.after if earlier not in landed)
        waits_for = [earlier for earlier in after if earlier in left_out]
        gone = [name for name in step.modules if name not in candidates]
        stuck = [name for name in step.modules if name in blocked]
        needed = {
            need.needed
            for name in step.modules
            for need in hop.needs.get(name, ())
            if need.needed not in planned
        }
        reason = None
        if waits_for:
            reason = f"it waits for step {waits_for[0]}"
        elif gone:
            reason = f"{printable(gone[0])} is no module of lane {hop.source.name} any more"
        elif stuck:
            cause = blocked[stuck[0]].causes[0]
            reason = f"{printable(stuck[0])} is blocked by now: {cause.code}"
        elif needed:
            reason = f"it needs {printable(min(needed))} by now, which is not in the plan"
        if reason is None:
            kept.append(msgspec.structs.replace(step, after=after))
        else:
            left_out[step.id] = LeftOut(step.id, step.modules, reason)
    return tuple(kept), tuple(left_out.values())


class _Composer:
    """Works out each step when the former one is committed."""

    def __init__(
        self,
        snapshot: Snapshot,
        hop: Hop,
        steps: Iterable[PlannedStep],
        shims: Shims | None,
        rewrite_text: bool,
        dirty: Collection[str],
    ) -> None:
        self._snapshot = snapshot
        self._hop = hop
        self._steps = iter(steps)
        self._workspace = snapshot.workspace()
        self._mentions = snapshot.mentions(hop.source)
        self._shims = shims
        self._rewrite_text = rewrite_text
        self._dirty = dirty
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
                    name=name, shims=self._shims, rewrite_text=self._rewrite_text,
                )  # fmt: skip
            except Refused as refusal:
                self._leave_out(step, f"{printable(refusal.path)}:{refusal.line}: {refusal.reason}")
                continue
            origin = self._workspace.origin
            along = [FileMove(origin(m.source), m.target) for m in composed.promotion.along]
            require_committed(self._dirty, along)
            advance(self._workspace, composed)
            return Step(step.id, composed.promotion)
        return None

    def _leave_out(self, step: PlannedStep, reason: str) -> None:
        self._missing.add(step.id)
        self.left_out.append(LeftOut(step.id, step.modules, reason))

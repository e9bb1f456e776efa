"""Carrying a plan out: what of it holds on a commit, and the campaign that it comes to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import plural, printable
from lane_planner.executor.campaign import Batch, Campaign, Result, carry_out_campaign
from lane_planner.executor.gating.rooms import Workers
from lane_planner.executor.gating.selecting import TestSelector
from lane_planner.executor.line import PlanLine
from lane_planner.executor.promote import promotion_evidence, require_committed
from lane_planner.executor.publishing import Publisher, PullRequests
from lane_planner.executor.records.journal import Event, Mode, Run
from lane_planner.executor.run import Carried
from lane_planner.executor.shims import ShimChoice, left_shims
from lane_planner.executor.sieve import LeftOut
from lane_planner.executor.snapshot import Snapshot
from lane_planner.gates.evidence import Evidence, ModuleCoverage
from lane_planner.planner.hop import Facts, Hop, giving_way, open_hop
from lane_planner.planner.order import blocked_modules
from lane_planner.planner.plan import check_plan
from lane_planner.planner.schema import Plan, PlannedStep, sealed
from lane_planner.promotion.values import FileMove


class ApplyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a plan is to be carried out.

    Attributes:
        mode: how branches are made of its batches.
        steps: carry out only so many, from the first that has not landed; None: all of the hop.
        gates: whether the configured gates run.
        rebase: whether a plan of another commit or configuration is verified anew; what has
            landed is passed over then, and what does not hold any more is left out.
        shims: what to leave at the old paths; None: nothing.
        rewrite_text: whether names in text are rewritten too, where they are certain.
        log_file: path of another file that the promotion log's lines are added to; None: none.
        pull_requests: those that are wanted; None: none.
        workers: how gates are run side by side.
    """

    mode: Mode = "single"
    steps: int | None = None
    gates: bool = True
    rebase: bool = False
    shims: ShimChoice | None = None
    rewrite_text: bool = False
    log_file: str | None = None
    pull_requests: PullRequests | None = None
    workers: Workers = Workers()


_DEFAULTS = ApplyOptions()


def apply_plan(
    snapshot: Snapshot,
    plan: Plan,
    plan_id: str,
    *,
    options: ApplyOptions = _DEFAULTS,
    order: str = "",
    resumed: Run | None = None,
    observe: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Carry a hop of a plan out on new branches, or leave everything as it was.

    A step whose references cannot be rewritten surely, or whose gates fail, is left out, with those
    that wait for it; the others are carried out.

    Args:
        snapshot: the repository at the commit to start from, leaving the lane of `due_hop`.
        plan: the plan.
        plan_id: its identity, for the branches, the commits' trailers and the journal.
        options: how it is to be carried out.
        order: all of this for the journal, to go on with after a kill.
        resumed: the run that was killed, to go on with; None: a new one.
        observe: told of each event when the journal holds it.

    Raises:
        UsageError: the plan is of another commit or configuration, was edited, or does not hold
            on this one; or the shims that are asked for cannot be.
        EnvironmentFailure: git or the disk failed; everything was undone, unless branches had been
            made: then the run can be resumed.
    """
    hop, holding, left_out = _verified(snapshot, plan, options.rebase)
    chosen = holding if options.steps is None else holding[: options.steps]
    if not chosen:
        raise UsageError("the plan has no step to carry out")
    moves = tuple(FileMove(m.source, m.target) for step in chosen for m in step.moves)
    # What is checked out by now is no matter of a run that has begun.
    dirty = frozenset(snapshot.git.changed_paths() if resumed is None else ())
    require_committed(dirty, moves)
    settings = snapshot.facts.settings
    left = left_shims(snapshot, options.shims, hop.source, hop.target)
    line = PlanLine(
        snapshot, hop, snapshot.workspace(), snapshot.mentions(hop.source), left,
        options.rewrite_text, dirty,
    )  # fmt: skip

    def evidence(carried: Carried) -> Evidence:
        landed = {name for step in carried.steps for name in step.promotion.modules}
        data = snapshot.facts.coverage
        coverage: Iterable[ModuleCoverage] = ()
        if data is not None:
            modules = snapshot.facts.graph.modules
            coverage = [ModuleCoverage(n, data.get(modules[n].path)) for n in sorted(landed)]
        return promotion_evidence(snapshot, carried, coverage, ())

    publisher = None
    if options.pull_requests is not None:
        publisher = Publisher(snapshot.git, options.pull_requests)
    result = carry_out_campaign(
        snapshot.git, settings, _campaign(snapshot, plan, plan_id, hop, chosen, options, order),
        line, resumed=resumed, evidence=evidence, select=TestSelector(snapshot), observe=observe,
        log_file=None if options.log_file is None else Path(options.log_file),
        publisher=publisher, workers=options.workers,
    )  # fmt: skip
    return msgspec.structs.replace(result, left_out=(*left_out, *result.left_out))


def _campaign(
    snapshot: Snapshot,
    plan: Plan,
    plan_id: str,
    hop: Hop,
    chosen: Sequence[PlannedStep],
    options: ApplyOptions,
    order: str,
) -> Campaign:
    way = f"promote({hop.source.name}→{hop.target.name})"
    name = f"plan-{plan_id[:12]}"
    if plan.commit != snapshot.commit:
        name += f"-on-{snapshot.commit[:12]}"  # what landed of it before has branches already
    branch = f"promote/{hop.source.name}-to-{hop.target.name}/{name}"
    batches = []
    for number, steps in groupby(chosen, lambda step: step.batch):
        batch = tuple(steps)
        count = plural(sum(len(step.modules) for step in batch), "module")
        title = f"{way}: {count} of batch {number} of plan {plan_id[:12]}"
        batches.append(Batch(number, batch[0].wave, f"{branch}-b{number:04d}", title, batch))
    count = plural(sum(len(step.moves) for step in chosen), "module")
    return Campaign(
        base_commit=snapshot.commit,
        mode=options.mode,
        branch=branch,
        title=f"{way}: {count} of plan {plan_id[:12]}",
        plan_id=plan_id,
        batches=tuple(batches),
        gates=snapshot.facts.settings.gates if options.gates else (),
        order=order,
    )


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
    again = "make a new plan, or give --resume to go on with what still holds"
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

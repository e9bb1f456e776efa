"""Two plans, side by side: what moves in one and not in the other, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.planner.schema import Cause, Plan, PlannedHop, PlannedStep, Summary

# A module is compared hop by hop: a hop is known by its lanes, as plans may have others before it.
_Key = tuple[str, str, str]


class Side(msgspec.Struct, frozen=True):
    """One of the two plans.

    Attributes:
        commit: as in the plan.
        config: likewise.
        hops: likewise.
        summary: likewise.
    """

    commit: str | None
    config: str
    hops: tuple[PlannedHop, ...]
    summary: Summary


class OnlyIn(msgspec.Struct, frozen=True):
    """A module that moves in one plan only.

    Attributes:
        module: its name when the hop begins.
        source: lane that it leaves.
        target: lane that it reaches.
        codes: why it is blocked in the other plan, sorted; none if that does not name it.
    """

    module: str
    source: str
    target: str
    codes: tuple[str, ...]


class Rescheduled(msgspec.Struct, frozen=True):
    """A module that moves in both plans, in another wave or batch.

    Attributes:
        module: its name when the hop begins.
        source: lane that it leaves.
        target: lane that it reaches.
        wave_before: in the first plan.
        wave_after: in the second plan.
        batch_before: in the first plan.
        batch_after: in the second plan.
    """

    module: str
    source: str
    target: str
    wave_before: int
    wave_after: int
    batch_before: int
    batch_after: int


class StepChanged(msgspec.Struct, frozen=True):
    """A module that moves in both plans, in a step that is another one.

    Attributes:
        module: its name when the hop begins.
        source: lane that it leaves.
        target: lane that it reaches.
        parts: what differs: "modules" that land with it, "moves", "rewrites", "after" (the modules
            that it waits for), "gates".
    """

    module: str
    source: str
    target: str
    parts: tuple[str, ...]


class CausesChanged(msgspec.Struct, frozen=True):
    """A module that moves in neither plan, and has other causes.

    Attributes:
        module: its name when the hop begins.
        source: lane that it stays in.
        target: lane that it does not reach.
        codes_before: of its causes in the first plan, sorted; none if that does not name it.
        codes_after: likewise, in the second plan.
        added: causes of the second plan only; a cause that only changed its line, or the figures
            in its detail, is none.
        removed: likewise, of the first plan only.
    """

    module: str
    source: str
    target: str
    codes_before: tuple[str, ...]
    codes_after: tuple[str, ...]
    added: tuple[Cause, ...]
    removed: tuple[Cause, ...]


class PlanDiff(msgspec.Struct, frozen=True):
    """How a plan differs from another one; all lists are sorted by module.

    Attributes:
        same: whether both promote the same with the same steps in the same order; commits,
            configurations, scores and causes of blocking may differ.
        before: the first plan.
        after: the second one.
        gained: modules that move in the second plan only.
        lost: modules that move in the first plan only.
        rescheduled: modules whose wave or batch is another one.
        steps_changed: modules whose step is another one.
        reordered: whether steps that are in both land in another order.
        causes_changed: blocked modules.
    """

    same: bool
    before: Side
    after: Side
    gained: tuple[OnlyIn, ...]
    lost: tuple[OnlyIn, ...]
    rescheduled: tuple[Rescheduled, ...]
    steps_changed: tuple[StepChanged, ...]
    reordered: bool
    causes_changed: tuple[CausesChanged, ...]


def diff_plans(before: Plan, after: Plan) -> PlanDiff:
    """Return how the second plan differs from the first.

    Raises:
        UsageError: a plan names a hop that it does not have.
    """
    old, new = _moving(before), _moving(after)
    kept = sorted(old.keys() & new.keys())
    old_causes, new_causes = _causes(before), _causes(after)
    gained = _only_in(new, old, old_causes)
    lost = _only_in(old, new, new_causes)
    rescheduled = tuple(
        Rescheduled(
            module, source, target,
            old[key].wave, new[key].wave, old[key].batch, new[key].batch,
        )
        for key in kept
        for module, source, target in [key]
        if (old[key].wave, old[key].batch) != (new[key].wave, new[key].batch)
    )  # fmt: skip
    old_waits, new_waits = _waits(before), _waits(after)
    steps_changed = tuple(
        StepChanged(*key, parts)
        for key in kept
        if (parts := _changed(old[key], new[key], old_waits, new_waits))
    )
    reordered = _sequence(before, new) != _sequence(after, old)
    causes_changed = tuple(
        changed
        for key in sorted((old_causes.keys() | new_causes.keys()) - old.keys() - new.keys())
        if (changed := _causes_changed(key, old_causes.get(key, ()), new_causes.get(key, ())))
    )
    return PlanDiff(
        same=before.hops == after.hops
        and not (gained or lost or rescheduled or steps_changed or reordered),
        before=_side(before),
        after=_side(after),
        gained=gained,
        lost=lost,
        rescheduled=rescheduled,
        steps_changed=steps_changed,
        reordered=reordered,
        causes_changed=causes_changed,
    )


def _side(plan: Plan) -> Side:
    return Side(plan.commit, plan.config, plan.hops, plan.summary)


def _hop(plan: Plan, number: int) -> PlannedHop:
    if not 0 <= number < len(plan.hops):
        raise UsageError(f"a plan of {len(plan.hops)} hops has something of hop {number}")
    return plan.hops[number]


def _keys(plan: Plan, step: PlannedStep) -> list[_Key]:
    hop = _hop(plan, step.hop)
    return [(name, hop.source, hop.target) for name in step.modules]


def _moving(plan: Plan) -> dict[_Key, PlannedStep]:
    return {key: step for step in plan.steps for key in _keys(plan, step)}


def _causes(plan: Plan) -> dict[_Key, tuple[Cause, ...]]:
    found = {}
    for entry in plan.blocked:
        hop = _hop(plan, entry.hop)
        found[entry.module, hop.source, hop.target] = entry.causes
    return found


def _codes(causes: Iterable[Cause]) -> tuple[str, ...]:
    return tuple(sorted({cause.code for cause in causes}))


def _only_in(
    moving: Collection[_Key], other: Collection[_Key], causes: Mapping[_Key, tuple[Cause, ...]]
) -> tuple[OnlyIn, ...]:
    keys = sorted(key for key in moving if key not in other)
    return tuple(OnlyIn(*key, _codes(causes.get(key, ()))) for key in keys)


def _waits(plan: Plan) -> dict[str, frozenset[_Key]]:
    """Return the modules that each step waits for, by its id: ids are of one plan only."""
    keys = {step.id: _keys(plan, step) for step in plan.steps}
    return {
        step.id: frozenset(key for earlier in step.after for key in keys.get(earlier, ()))
        for step in plan.steps
    }


def _changed(
    old: PlannedStep,
    new: PlannedStep,
    old_waits: Mapping[str, frozenset[_Key]],
    new_waits: Mapping[str, frozenset[_Key]],
) -> tuple[str, ...]:
    differs = {
        "modules": old.modules != new.modules,
        "moves": old.moves != new.moves,
        "rewrites": old.rewrites != new.rewrites,
        "after": old_waits[old.id] != new_waits[new.id],
        "gates": old.gates != new.gates,
    }
    return tuple(part for part, does in differs.items() if does)


def _sequence(plan: Plan, other: Collection[_Key]) -> list[_Key]:
    """Return what moves in both plans in the order in which it lands here."""
    return [key for step in plan.steps for key in _keys(plan, step) if key in other]


def _causes_changed(
    key: _Key, old: tuple[Cause, ...], new: tuple[Cause, ...]
) -> CausesChanged | None:
    removed, added = _unmatched(old, new), _unmatched(new, old)
    if not removed and not added:
        return None
    return CausesChanged(*key, _codes(old), _codes(new), added, removed)


def _unmatched(causes: Iterable[Cause], others: Iterable[Cause]) -> tuple[Cause, ...]:
    """Return the causes that the others lack, wherever they stand.

    What is there in full is matched first, so that of two imports of one module the one that went
    away is told, and not its neighbour.
    """
    left = Counter(others)
    unlike = []
    for cause in sorted(causes):
        if left[cause]:
            left[cause] -= 1
        else:
            unlike.append(cause)
    rest = Counter(_placeless(cause) for cause in left.elements())
    found = []
    for cause in unlike:
        placeless = _placeless(cause)
        if rest[placeless]:
            rest[placeless] -= 1
        else:
            found.append(cause)
    return tuple(found)


def _placeless(cause: Cause) -> Cause:
    return msgspec.structs.replace(cause, line=0, detail="")

"""Two plans side by side: nothing differs from itself, and both directions tell the same."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.base.errors import UsageError
from lane_planner.planner.diff import CausesChanged, OnlyIn, diff_plans
from lane_planner.planner.schema import Cause, Plan, PlannedHop, PlannedStep
from tests.report.plans import HOP, blocked_of, plan_of, step_of

SECOND = PlannedHop("core", "lukhas")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan: some modules move, in any step, some are blocked, by anything."""
    names = [f"candidate.{letter}" for letter in "abcde"]
    order = draw(st.permutations(names))
    moving = order[: draw(st.integers(0, 5))]
    steps: list[PlannedStep] = []
    for number, name in enumerate(moving, 1):
        after = (
            draw(st.lists(st.sampled_from([step.id for step in steps]), max_size=2))
            if steps
            else []
        )
        step = step_of(number, name, wave=draw(st.integers(1, 2)), batch=draw(st.integers(1, 3)))
        gates = draw(st.sampled_from([(), ("unit",)]))
        rewrites = draw(st.sampled_from([(), ("x.py",)]))
        steps.append(
            msgspec.structs.replace(
                step, after=tuple(sorted(set(after))), gates=gates, rewrites=rewrites
            )
        )
    causes = st.builds(
        Cause, st.sampled_from(["LP101", "LP403"]), st.just("i"), st.sampled_from(["m", "n"]),
        st.just("i.py"), st.integers(1, 3), st.sampled_from([("i",), ("i", "m")]),
        st.sampled_from(["", "why"]),
    )  # fmt: skip
    left = order[len(moving) :]
    blocked = [
        blocked_of(name, *sorted(draw(st.lists(causes, min_size=1, max_size=4))))
        for name in sorted(left[: draw(st.integers(0, len(left)))])
    ]
    hops = draw(st.sampled_from([(HOP,), (HOP, SECOND), (SECOND,)]))
    return plan_of(steps, blocked, hops=hops)


@given(plans())
def test_nothing_differs_from_itself(plan: Plan) -> None:
    found = diff_plans(plan, plan)
    assert found.same
    assert not found.reordered
    assert found.before == found.after
    assert (found.gained, found.lost, found.rescheduled) == ((), (), ())
    assert (found.steps_changed, found.causes_changed) == ((), ())


@given(plans(), plans())
def test_both_directions_tell_the_same(a: Plan, b: Plan) -> None:
    there, back = diff_plans(a, b), diff_plans(b, a)
    assert there.same == back.same
    assert (there.before, there.after) == (back.after, back.before)
    assert (there.gained, there.lost) == (back.lost, back.gained)
    assert there.steps_changed == back.steps_changed
    assert there.reordered == back.reordered
    assert there.rescheduled == tuple(
        msgspec.structs.replace(
            entry, wave_before=entry.wave_after, wave_after=entry.wave_before,
            batch_before=entry.batch_after, batch_after=entry.batch_before,
        )
        for entry in back.rescheduled
    )  # fmt: skip
    assert there.causes_changed == tuple(
        msgspec.structs.replace(
            entry, codes_before=entry.codes_after, codes_after=entry.codes_before,
            added=entry.removed, removed=entry.added,
        )
        for entry in back.causes_changed
    )  # fmt: skip


def test_what_comes_and_goes() -> None:
    a = plan_of([step_of(1, "candidate.a"), step_of(2, "candidate.b")], [blocked_of("candidate.x")])
    b = plan_of([step_of(1, "candidate.a"), step_of(2, "candidate.x")], [blocked_of("candidate.b")])
    found = diff_plans(a, b)
    assert not found.same
    assert found.gained == (OnlyIn("candidate.x", "candidate", "core", ("LP901",)),)
    assert found.lost == (OnlyIn("candidate.b", "candidate", "core", ("LP901",)),)
    assert found.causes_changed == ()


def test_hops_are_known_by_their_lanes() -> None:
    """A module that moves core → lukhas is the same in a plan that comes from further down."""
    hop = PlannedHop("core", "lukhas")
    short = plan_of([step_of(1, "core.a")], hops=(hop,))
    long = plan_of([step_of(1, "candidate.a"), step_of(2, "core.a", hop=1)], hops=(HOP, hop))
    found = diff_plans(short, long)
    assert [entry.module for entry in found.gained] == ["candidate.a"]
    assert found.lost == ()
    assert not found.same


def test_steps_are_compared_without_their_ids() -> None:
    """A module more shifts all ids; what a step waits for is told by its modules."""
    b = step_of(2, "candidate.b", after=("s0001",))
    short = plan_of([step_of(1, "candidate.a"), b])
    more = [
        step_of(1, "candidate.0"),
        step_of(2, "candidate.a"),
        step_of(3, "candidate.b", after=("s0002",)),
    ]
    assert diff_plans(short, plan_of(more)).steps_changed == ()
    more[2] = msgspec.structs.replace(more[2], after=("s0001",), gates=())
    (changed,) = diff_plans(short, plan_of(more)).steps_changed
    assert (changed.module, changed.parts) == ("candidate.b", ("after", "gates"))


def test_order_matters() -> None:
    steps = [step_of(n, f"candidate.{name}") for n, name in enumerate("abc", 1)]
    found = diff_plans(plan_of(steps), plan_of(steps[::-1]))
    assert found.reordered
    assert not found.same


def test_scores_and_commits_do_not_matter() -> None:
    plan = plan_of([step_of(1, "candidate.a")])
    other = plan_of([step_of(1, "candidate.a", score=None)], commit=None, config="sha256:1")
    assert diff_plans(plan, other).same


def cause(code: str, imported: str, line: int, detail: str = "") -> Cause:
    return Cause(code, "candidate.x", imported, "candidate/x.py", line, ("candidate.x",), detail)


def test_causes_are_matched_without_their_lines() -> None:
    before = [cause("LP101", "m", 3), cause("LP101", "n", 4), cause("LP404", "", 0, "1 %")]
    after = [cause("LP101", "m", 9), cause("LP301", "o", 5), cause("LP404", "", 0, "2 %")]
    (changed,) = diff_plans(
        plan_of([], [blocked_of("candidate.x", *before)]),
        plan_of([], [blocked_of("candidate.x", *after)]),
    ).causes_changed
    assert changed == CausesChanged(
        "candidate.x", "candidate", "core", ("LP101", "LP404"), ("LP101", "LP301", "LP404"),
        added=(cause("LP301", "o", 5),), removed=(cause("LP101", "n", 4),),
    )  # fmt: skip


def test_of_two_imports_the_one_that_went_is_told() -> None:
    both = [cause("LP101", "m", 3), cause("LP101", "m", 7)]
    for gone, left in (both, both[::-1]):
        (changed,) = diff_plans(
            plan_of([], [blocked_of("candidate.x", *both)]),
            plan_of([], [blocked_of("candidate.x", left)]),
        ).causes_changed
        assert changed.removed == (gone,)
        assert changed.added == ()


@pytest.mark.parametrize("number", [-1, 1])
def test_hop_that_is_not_there(number: int) -> None:
    fine = plan_of([])
    for odd in (plan_of([step_of(1, "a", hop=number)]), plan_of([], [blocked_of("a", hop=number)])):
        for pair in pairwise((fine, odd, fine)):
            with pytest.raises(UsageError, match=f"of 1 hops has something of hop {number}"):
                diff_plans(*pair)

"""Plans of random small repositories, judged by an oracle that knows only DESIGN section 6."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lane_planner.planner.order import closure
from lane_planner.planner.plan import Choice, check_plan, make_plan
from lane_planner.planner.schema import Cause, Plan, PlannedMove, read_plan
from lane_planner.planner.simulate import simulate
from tests.oracles.brute_force import (
    importers,
    largest,
    minimal_steps,
    movable,
    order_problems,
)
from tests.planner.worlds import Story, steps_of, stories

many = settings(max_examples=200, deadline=None)
some = settings(max_examples=100, deadline=None)


def moved_by(plan: Plan) -> frozenset[str]:
    return frozenset(name for step in plan.steps for name in step.modules)


@many
@given(stories())
def test_exactly_what_can_move_is_planned(story: Story) -> None:
    world, plan = story.world, story.plan()
    found = moved_by(plan)
    assert not world.state(found).problems
    assert found >= movable(world)
    # Of modules that close a circle only with each other, which one to leave is not laid down.
    if not any("would close" in cause.detail for b in plan.blocked for cause in b.causes):
        assert largest(world) == [found]
    assert {b.module for b in plan.blocked} == set(world.candidates) - found


@many
@given(stories(most=7, imports=12))
def test_every_step_of_the_order_is_valid_and_minimal_and_in_its_wave(story: Story) -> None:
    plan = story.plan()
    assert order_problems(story.world, steps_of(plan)) == []
    waves = {frozenset(step.modules): step.wave for step in plan.steps}
    assert len(waves) == len(plan.steps)
    assert waves == minimal_steps(story.world, moved_by(plan))


@some
@given(stories())
def test_what_a_step_is_after_is_all_that_has_to_come_before(story: Story) -> None:
    plan = story.plan()
    place = {step.id: index for index, step in enumerate(plan.steps)}
    for step in plan.steps:
        assert all(place[earlier] < place[step.id] for earlier in step.after)
        assert step.after == tuple(sorted(step.after))
    # Any order that keeps to `after` is as good: here the one that is most unlike the plan's.
    left, landed = {step.id: step for step in reversed(plan.steps)}, list[tuple[str, ...]]()
    done: set[str] = set()
    while left:
        step = next(step for step in left.values() if done.issuperset(step.after))
        landed.append(step.modules)
        done.add(left.pop(step.id).id)
    assert order_problems(story.world, landed) == []


@many
@given(stories())
def test_the_figures_and_files_of_a_plan_are_right(story: Story) -> None:
    world, facts = story.world, story.facts()
    plan = make_plan(facts, story.hop(facts), commit=None)
    path = {m.name: m.path for m in facts.graph.modules.values()}
    after = {item.name: item.after for item in world.items}
    rewritten: set[str] = set()
    now = dict(path)
    for step in plan.steps:
        inside = set(step.modules)
        assert [move.source for move in step.moves] == sorted(path[name] for name in inside)
        for move in step.moves:
            name = next(n for n in inside if path[n] == move.source)
            stem = move.target.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            assert stem == after[name]
        outside = importers(world, inside) - inside
        assert list(step.rewrites) == sorted(now[name] for name in outside)
        rewritten |= outside
        now.update((n, m.target) for n in inside for m in step.moves if m.source == path[n])
    figures = plan.summary
    assert figures.candidates == len(world.candidates) == figures.promotable + figures.blocked
    assert figures.promotable == len(moved_by(plan))
    assert figures.steps == len(plan.steps)
    assert figures.waves == len({step.wave for step in plan.steps})
    assert figures.batches == len({step.batch for step in plan.steps})
    assert figures.rewritten_files == len(rewritten)


@many
@given(stories())
def test_blocked_modules_have_all_causes_of_their_own(story: Story) -> None:
    plan = story.plan()
    for blocked in plan.blocked:
        own = {c.code for c in blocked.causes if c.code != "LP403" and is_own(story, c)}
        closing = {c.code for c in blocked.causes if "would close" in c.detail}
        expected = story.world.codes[blocked.module]
        assert expected <= own <= expected | closing
        assert blocked.causes
        assert list(blocked.causes) == sorted(set(blocked.causes))


def is_own(story: Story, cause: Cause) -> bool:
    """Tell whether a cause is of the module at the start of its chain."""
    name = cause.chain[0]
    if len(cause.chain) == 1:
        return True
    ends = {cause.importer, cause.imported}
    after = story.world.by_name[name].after
    return len(cause.chain) == 2 and bool(ends & {name, after}) and cause.chain[1] in ends


@many
@given(stories())
def test_every_cause_is_true_and_its_chain_leads_to_it(story: Story) -> None:
    world, plan = story.world, story.plan()
    blocked = {entry.module: entry for entry in plan.blocked}
    moving = moved_by(plan)
    own = {cause for entry in blocked.values() for cause in entry.causes if is_own(story, cause)}
    for name, entry in blocked.items():
        for cause in entry.causes:
            chain = cause.chain
            assert chain[0] == name
            if cause.code == "LP403":
                assert chain[1] == cause.imported
                assert cause.importer == name
                assert cause.imported in blocked
                assert cause.imported not in moving
                assert needs(story, name, cause.imported)
                tails = {other.chain for other in entry.causes if other.code != "LP403"}
                assert chain in tails, "an LP403 has no root cause beside it"
                continue
            if cause.line and cause.imported:
                assert any(
                    w.line == cause.line and w.importer == cause.importer for w in world.wishes
                )
            if is_own(story, cause):
                continue
            links = next(
                chain[: start + 1]
                for start in range(len(chain))
                if msgspec.structs.replace(cause, chain=chain[start:]) in own
            )
            assert len(set(links)) == len(links), f"the chain runs in a circle: {chain}"
            assert all(needs(story, a, b) for a, b in itertools.pairwise(links))


def needs(story: Story, name: str, other: str) -> bool:
    """Tell by the rules alone whether a module can only move with or behind another."""
    world, start = story.world, story.world.start
    pairs = start.edges(("eager", "deferred", "typing"))
    return (
        ((name, other) in pairs and not world.allowed(world.target, world.source))
        or ((other, name) in pairs and not world.allowed(world.source, world.target))
        or (world.together and any({name, other} <= circle for circle in start.eager_circles))
    )


@many
@given(stories(), st.data())
def test_goals_bring_what_they_need_and_nothing_else(story: Story, data: st.DataObject) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    goal = data.draw(st.sampled_from(story.world.candidates))
    plan = make_plan(facts, hop, commit=None, choice=Choice(goals=frozenset([goal])))
    whole = make_plan(facts, hop, commit=None)
    mentioned = moved_by(plan) | {entry.module for entry in plan.blocked}
    assert mentioned == closure(hop, [goal])
    assert moved_by(plan) == moved_by(whole) & mentioned
    assert order_problems(story.world, steps_of(plan)) == []
    if goal in moved_by(whole):
        # every module of the plan is there for a reason: without it the goal could not move
        waves = minimal_steps(story.world, moved_by(whole))
        assert not plan.blocked
        assert {frozenset(step.modules) for step in plan.steps} <= set(waves)
        for left_out in mentioned - {goal}:
            rest = [set(step.modules) - {left_out} for step in plan.steps]
            assert order_problems(story.world, rest)


@some
@given(stories(), st.data())
def test_a_plan_is_the_same_whatever_order_files_come_in(story: Story, data: st.DataObject) -> None:
    first = msgspec.json.encode(story.plan())
    assert msgspec.json.encode(story.plan()) == first
    shuffled = data.draw(st.permutations(sorted(story.files)))
    assert msgspec.json.encode(story.plan(shuffled)) == first
    assert msgspec.json.encode(read_plan(first, "plan.json")) == first


# --- what was planned is checked again, and what was not is refused ----------------------------


def rearranged(
    plan: Plan, steps: Sequence[tuple[str, ...]], moves_of: dict[str, PlannedMove]
) -> Plan:
    """Return the plan with other steps, in everything else consistent."""
    made = []
    for index, names in enumerate(steps):
        moves = tuple(sorted(moves_of[n] for n in names))
        step = msgspec.structs.replace(
            plan.steps[0], id=f"s{index + 1:04d}", modules=tuple(sorted(names)), moves=moves,
            after=(), wave=index + 1,
        )  # fmt: skip
        made.append(step)
    return msgspec.structs.replace(plan, steps=tuple(made))


@settings(max_examples=200, deadline=None)
@given(stories(), st.data())
def test_check_plan_and_simulation_agree_with_the_oracle_on_any_order(
    story: Story, data: st.DataObject
) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    plan = make_plan(facts, hop, commit=None)
    assert check_plan(plan, facts, hop) == ()
    assume(len(plan.steps) > 1)
    steps = steps_of(plan)
    how = data.draw(st.sampled_from(("drop", "swap", "merge", "split", "add", "shuffle")))
    at = data.draw(st.integers(0, len(steps) - 1))
    other = data.draw(st.integers(0, len(steps) - 1))
    if how == "drop":
        steps.pop(at)
    elif how == "swap":
        steps[at], steps[other] = steps[other], steps[at]
    elif how == "merge" and at != other:
        first, last = min(at, other), max(at, other)
        steps[first] += steps.pop(last)
    elif how == "split":
        steps[at : at + 1] = [(name,) for name in data.draw(st.permutations(steps[at]))]
    elif how == "add" and plan.blocked:
        steps[at] += (data.draw(st.sampled_from(plan.blocked)).module,)
    elif how == "shuffle":
        steps = data.draw(st.permutations(steps))
    moves = {
        name: PlannedMove(facts.graph.modules[name].path, hop.targets[name])
        for name in hop.candidates
    }
    changed = rearranged(plan, steps, moves)
    wrong = order_problems(story.world, steps)
    refused = check_plan(changed, facts, hop)
    assert bool(refused) == bool(wrong), (how, steps, wrong, refused)
    if wrong and not any(own for own in map(story.world.codes.get, sum(steps, ()))):
        assert simulate(facts, hop, steps), (how, steps, wrong)


@settings(max_examples=150, deadline=None)
@given(stories(), st.data())
def test_tampered_plans_are_refused(story: Story, data: st.DataObject) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    plan = make_plan(facts, hop, commit=None)
    assume(plan.steps)
    at = data.draw(st.integers(0, len(plan.steps) - 1))
    step = plan.steps[at]
    name, move = step.modules[0], step.moves[0]
    ways = {
        "another destination": {"moves": (PlannedMove(move.source, f"{move.target}x"),)},
        "another file": {"moves": (PlannedMove("setup.py", move.target), *step.moves[1:])},
        "no move": {"moves": step.moves[1:]},
        "no module": {"modules": (), "moves": ()},
        "a module twice": {"modules": (name, *step.modules)},
        "a module unknown": {"modules": (*step.modules, "candidate.unknown")},
        "an order that cannot be": {"after": (step.id,)},
        "a step that waits for none": {"after": ("s9999",)},
    }
    if len(plan.steps) > 1:
        ways["an id twice"] = {"id": plan.steps[at - 1].id}
    if plan.blocked:
        added = plan.blocked[0].module
        moved = PlannedMove(facts.graph.modules[added].path, hop.targets[added])
        ways["a blocked module"] = {
            "modules": tuple(sorted((*step.modules, added))),
            "moves": tuple(sorted((*step.moves, moved))),
        }
    for what, changes in ways.items():
        steps = list(plan.steps)
        steps[at] = msgspec.structs.replace(step, **changes)  # type: ignore[arg-type]
        tampered = msgspec.structs.replace(plan, steps=tuple(steps))
        assert check_plan(tampered, facts, hop), what


@some
@given(stories())
def test_a_step_that_others_wait_for_cannot_be_dropped(story: Story) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    plan = make_plan(facts, hop, commit=None)
    awaited = {earlier for step in plan.steps for earlier in step.after}
    for dropped in sorted(awaited):
        steps = tuple(step for step in plan.steps if step.id != dropped)
        assert check_plan(msgspec.structs.replace(plan, steps=steps), facts, hop)
        bare = tuple(msgspec.structs.replace(step, after=()) for step in steps)
        assert check_plan(msgspec.structs.replace(plan, steps=bare), facts, hop)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"schema": "lane-planner/plan/2"}'])
def test_what_is_no_plan_is_not_read(content: bytes) -> None:
    from lane_planner.base.errors import UsageError

    with pytest.raises(UsageError, match=r"plan\.json is not"):
        read_plan(content, "plan.json")

"""The oracle is itself held to two ways of reckoning, and the generator to what it should make."""

from __future__ import annotations

from collections import Counter

from hypothesis import Phase, given, settings

from tests.oracles.brute_force import (
    circles,
    landable,
    largest,
    minimal_steps,
    movable,
    order_problems,
)
from tests.planner.worlds import Story, stories


@settings(max_examples=150, deadline=None)
@given(stories())
def test_striking_out_finds_what_looking_at_all_subsets_finds(story: Story) -> None:
    found = largest(story.world)
    struck = movable(story.world)
    assert struck in landable(story.world, story.world.candidates)
    if not story.world.state(story.world.candidates).new_circles:
        assert found == [struck]


@settings(max_examples=60, deadline=None)
@given(stories())
def test_the_oracles_own_order_is_valid(story: Story) -> None:
    waves = minimal_steps(story.world, movable(story.world))
    steps = sorted(waves, key=lambda step: (waves[step], sorted(step)))
    assert order_problems(story.world, steps) == []
    assert frozenset().union(*steps) == movable(story.world)


def test_circles_of_a_graph_drawn_by_hand() -> None:
    # a ⇄ b → c → d → e → c, and f → f
    edges = {"ab", "ba", "bc", "cd", "de", "ec", "ff"}
    found = circles(frozenset((edge[0], edge[1]) for edge in edges))
    assert found == {frozenset("ab"), frozenset("cde")}


def test_the_generator_makes_a_fair_share_of_everything() -> None:
    counts: Counter[str] = Counter()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True,
              phases=[Phase.generate])  # fmt: skip
    @given(stories())
    def collect(story: Story) -> None:
        world = story.world
        moving = movable(world)
        steps = minimal_steps(world, moving)
        codes = {code for name in world.candidates for code in world.codes[name]}
        counts.update(codes)
        counts.update(story.notes)
        forward = not world.allowed(world.target, world.source)
        backward = not world.allowed(world.source, world.target)
        counts.update(
            name
            for name, holds in {
                "all": True,
                "some move": len(moving) > 0,
                "some blocked": len(moving) < len(world.candidates),
                "mixed": 0 < len(moving) < len(world.candidates),
                "three move": len(moving) >= 3,
                "blocked by need": any(
                    not world.codes[name] for name in set(world.candidates) - moving
                ),
                "step of several": any(len(step) > 1 for step in steps),
                "waves": max(steps.values(), default=0) > 1,
                "eager circle": bool(world.start.eager_circles),
                "deferred circle": bool(world.start.all_circles - world.start.eager_circles),
                "circle among the moving": any(
                    circle & moving for circle in world.start.all_circles
                ),
                "together": world.together,
                "dependencies first": forward and not backward,
                "dependents first": backward and not forward,
                "both or none": forward and backward,
                "any order": not forward and not backward,
                "unlaned importer": any(w.importer.startswith("tools.") for w in world.wishes),
                "violation before": bool(world.start.violations),
            }.items()
            if holds
        )
        if world.state(world.candidates).new_circles:
            counts["circle closes"] += 1

    collect()
    share = {name: count / counts["all"] for name, count in counts.items()}
    half = ("some move", "some blocked")
    third = ("mixed", "three move", "together")
    wanted = dict.fromkeys(counts, 0.005) | dict.fromkeys(half, 0.4) | dict.fromkeys(third, 0.15)
    wanted |= {
        "blocked by need": 0.06, "step of several": 0.05, "waves": 0.07, "eager circle": 0.08,
        "deferred circle": 0.03, "circle among the moving": 0.02, "dependencies first": 0.15,
        "dependents first": 0.07, "both or none": 0.03, "any order": 0.03, "violation before": 0.1,
        "unlaned importer": 0.1, "circle closes": 0.005, "future": 0.15, "gone": 0.1, "lane": 0.1,
        "external": 0.1, "beyond": 0.1, "LP101": 0.07, "LP201": 0.04, "LP301": 0.07,
        "LP302": 0.02, "LP401": 0.03, "LP402": 0.02, "LP404": 0.03, "LP406": 0.05, "LP901": 0.03,
    }  # fmt: skip
    scarce = {name: share.get(name, 0.0) for name in wanted if share.get(name, 0.0) < wanted[name]}
    assert scarce == {}

"""Batches: none collides with another of its wave, and there are few of them."""

from __future__ import annotations

import time
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from lane_planner.planner.batches import Footprint, Placed, place

PATHS = [f"p{number}.py" for number in range(8)]
INITS = ["core/a/__init__.py", "core/b/__init__.py"]


@st.composite
def steps(draw: st.DrawFn) -> list[Footprint]:
    found: list[Footprint] = []
    for number in range(draw(st.integers(1, 14))):
        found.append(
            Footprint(
                package=draw(st.sampled_from("xyz")),
                size=draw(st.sampled_from((1, 1, 1, 2, 5))),
                files=frozenset(draw(st.lists(st.sampled_from(PATHS), max_size=3)))
                | {f"own{number}.py"},
                packages=tuple(draw(st.lists(st.sampled_from(INITS), max_size=2, unique=True))),
                after=tuple(
                    sorted(draw(st.sets(st.integers(0, number - 1), max_size=2))) if number else ()
                ),
            )
        )
    return found


MOST = st.integers(1, 6)


def wave_of(batches: tuple[Placed, ...]) -> dict[int, int]:
    return {step: batch.wave for batch in batches for step in batch.steps}


@given(steps(), MOST)
def test_every_step_lands_once_behind_what_it_waits_for(found: list[Footprint], most: int) -> None:
    batches = place(found, most)
    assert sorted(step for batch in batches for step in batch.steps) == list(range(len(found)))
    waves = wave_of(batches)
    for index, step in enumerate(found):
        assert all(waves[earlier] < waves[index] for earlier in step.after)
    assert [batch.wave for batch in batches] == sorted(batch.wave for batch in batches)


@given(steps(), MOST)
def test_no_two_batches_of_a_wave_edit_a_common_file(found: list[Footprint], most: int) -> None:
    batches = place(found, most)
    there: set[str] = set()
    for wave in sorted({batch.wave for batch in batches}):
        here = [batch for batch in batches if batch.wave == wave]
        edits = [
            {path for i in batch.steps for path in found[i].files}
            | {path for i in batch.steps for path in found[i].packages if path not in there}
            for batch in here
        ]
        for one, other in combinations(edits, 2):
            assert not one & other
        assert [batch.files for batch in here] == edits
        there.update(path for batch in here for i in batch.steps for path in found[i].packages)


@given(steps(), MOST)
def test_batches_are_no_larger_than_allowed(found: list[Footprint], most: int) -> None:
    for batch in place(found, most):
        size = sum(found[index].size for index in batch.steps)
        assert size <= most or len(batch.steps) == 1


@given(steps(), MOST)
def test_a_step_waits_for_another_wave_only_where_it_has_to(
    found: list[Footprint], most: int
) -> None:
    batches = place(found, most)
    waves = wave_of(batches)
    for index, step in enumerate(found):
        first = max((waves[earlier] for earlier in step.after), default=0) + 1
        if waves[index] > first:
            # Somebody edits one of its files, in the wave before at the least.
            files = step.files | set(step.packages)
            assert any(
                waves[other] >= waves[index] - 1 and files & (f.files | set(f.packages))
                for other, f in enumerate(found)
                if other != index
            )


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(6, 9))
def test_the_number_of_batches_is_within_its_bound(sizes: list[int], most: int) -> None:
    found = [
        Footprint("x", size, frozenset({f"own{n}.py"}), (), ()) for n, size in enumerate(sizes)
    ]
    assert len(place(found, most)) <= 11 * fewest(sizes, most) / 9 + 6 / 9


def fewest(sizes: list[int], most: int) -> int:
    """Return the fewest bins, by trying everything (each item into each bin, or a new one)."""
    best = len(sizes)
    pending: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    order = sorted(sizes, reverse=True)
    while pending:
        index, rooms = pending.pop()
        if len(rooms) >= best:
            continue
        if index == len(order):
            best = len(rooms)
            continue
        size = order[index]
        pending.append((index + 1, (*rooms, most - size)))
        for at, room in enumerate(rooms):
            if room >= size and room not in rooms[:at]:
                pending.append((index + 1, (*rooms[:at], room - size, *rooms[at + 1 :])))
    return best


def test_single_files_fill_batches_to_the_brim() -> None:
    found = [Footprint(f"p{n % 7}", 1, frozenset({f"{n}.py"}), (), ()) for n in range(101)]
    batches = place(found, 10)
    assert len(batches) == 11


def test_mates_land_together_where_it_costs_nothing() -> None:
    found = [Footprint("ab"[n % 2], 1, frozenset({f"{n}.py"}), (), ()) for n in range(8)]
    batches = place(found, 4)
    assert [batch.steps for batch in batches] == [(0, 2, 4, 6), (1, 3, 5, 7)]


def test_a_package_is_made_once_and_then_there_for_all() -> None:
    init = ("core/a/__init__.py",)
    found = [Footprint("a", 1, frozenset({f"{n}.py"}), init, ()) for n in range(6)]
    batches = place(found, 2)
    assert [batch.wave for batch in batches] == [1, 2, 2]
    assert [set(init) <= batch.files for batch in batches] == [True, False, False]


def test_the_real_package_collides_with_the_one_that_is_made() -> None:
    real = Footprint("a", 1, frozenset({"candidate/a/__init__.py", "core/a/__init__.py"}), (), ())
    inner = Footprint("a", 1, frozenset({"candidate/a/x.py"}), ("core/a/__init__.py",), ())
    for found in ([real, inner], [inner, real]):
        assert [batch.wave for batch in place(found, 1)] == [1, 2]
        assert len(place(found, 2)) == 1


def test_many_steps_that_edit_one_file_take_time_in_proportion() -> None:
    def took(count: int) -> float:
        found = [Footprint("p", 1, frozenset({f"{n}.py", "hub.py"}), (), ()) for n in range(count)]
        start = time.process_time()
        assert len(place(found, 50)) == count // 50
        return time.process_time() - start

    assert took(40_000) < 10 * min(took(10_000) for _ in range(2)) + 0.5

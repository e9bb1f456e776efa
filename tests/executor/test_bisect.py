"""What is dropped is the least that has to be, and the gate is run seldom to find it."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.executor.bisection.bisect import Dropped, Kept, Verdict, largest_good

Needs = Mapping[str, Collection[str]]
Hint = Callable[[frozenset[str]], Iterable[str]]


class Gate:
    """Fails where a bad set is in what it is run on; holds the search to its promises."""

    def __init__(
        self, bad: Iterable[Collection[str]], needs: Needs | None = None, hint: Hint | None = None
    ) -> None:
        self.bad = [frozenset(names) for names in bad]
        self.needs = needs or {}
        self.hint = hint
        self.said: dict[frozenset[str], bool] = {}

    def __call__(self, names: frozenset[str]) -> Verdict:
        assert names, "nothing was run"
        assert names not in self.said, "run twice"
        for name in names:
            assert names.issuperset(self.needs.get(name, ())), "not closed"
        for other, passed in self.said.items():
            assert not (passed and names <= other), "known to pass"
            assert passed or not names >= other, "known to fail"
        self.said[names] = not any(bad <= names for bad in self.bad)
        if self.said[names] or self.hint is None:
            return Verdict(self.said[names])
        return Verdict(False, frozenset(self.hint(names)))


def names(count: int) -> list[str]:
    return [f"i{number:03}" for number in range(count)]


def brute(items: Sequence[str], needs: Needs, bad: Iterable[frozenset[str]]) -> tuple[str, ...]:
    """Return the best of all subsets: the largest, then the one that keeps the first item."""
    masks = [sum(1 << items.index(name) for name in names) for names in bad]
    needed = [sum(1 << items.index(name) for name in set(needs.get(item, ()))) for item in items]
    best: tuple[int, list[int]] = (-1, [])
    for mask in range(1 << len(items)):
        bits = [mask >> index & 1 for index in range(len(items))]
        closed = all(not bit or need & ~mask == 0 for bit, need in zip(bits, needed, strict=True))
        if closed and all(other & ~mask for other in masks):
            best = max(best, (mask.bit_count(), bits))
    return tuple(item for item, bit in zip(items, best[1], strict=True) if bit)


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[str], dict[str, list[str]], list[frozenset[str]]]:
    items = names(draw(st.integers(1, 9)))
    one = st.sampled_from(items)
    pairs = draw(st.lists(st.tuples(one, one), max_size=draw(st.sampled_from([0, 3, 12]))))
    needs: dict[str, list[str]] = {}
    for item, need in pairs:
        needs.setdefault(item, []).append(need)
    bad = draw(st.lists(st.frozensets(one, min_size=1, max_size=3), max_size=8))
    return draw(st.permutations(items)), needs, bad


@settings(max_examples=400, deadline=None)
@given(
    problems(), st.sampled_from([None, 0.03, 0.3, 0.9]), st.booleans(), st.randoms(), st.booleans()
)
def test_it_keeps_what_the_best_of_all_subsets_keeps(
    problem: tuple[list[str], dict[str, list[str]], list[frozenset[str]]],
    rate: float | None,
    confirm: bool,
    chance: random.Random,
    hinted: bool,
) -> None:
    items, needs, bad = problem

    def any_names(run: frozenset[str]) -> Iterable[str]:
        return [name for name in [*items, "unknown"] if chance.random() < 0.3]

    gate = Gate(bad, needs, any_names if hinted else None)
    found = largest_good(items, needs, gate, rate=rate, confirm=confirm)
    assert found.kept == brute(items, needs, bad)
    assert found.exact
    assert found.runs == len(gate.said)
    assert not found.kept or gate.said[frozenset(found.kept)]
    assert [item for item in items if item not in found.kept] == [d.item for d in found.dropped]
    for dropped in found.dropped:
        check_reason(dropped, gate, found, confirm)


def check_reason(dropped: Dropped, gate: Gate, found: Kept, confirm: bool) -> None:
    """A reason is the dropped item that is needed, or a set that was run and failed."""
    away = {other.item for other in found.dropped}
    if dropped.item not in dropped.because:
        (need,) = dropped.because
        assert need in away
        assert need in gate.needs[dropped.item] or strongly(gate.needs, need, dropped.item)
        return
    because = frozenset(dropped.because)
    assert gate.said[because] is False
    assert dropped.minimal or not confirm
    if dropped.minimal:
        assert all(part_passes(gate, because, item) for item in because)


def part_passes(gate: Gate, because: frozenset[str], item: str) -> bool:
    rest = because - {other for other in because if item in reachable(gate.needs, other)}
    return not any(bad <= rest for bad in gate.bad)


def reachable(needs: Needs, item: str) -> set[str]:
    found: set[str] = set()
    pending = [item]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(needs.get(name, ()))
    return found


def strongly(needs: Needs, need: str, item: str) -> bool:
    """Tell whether something that lands together with the item has the need."""
    return need in reachable(needs, item)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 50, 64, 65])
def test_one_bad_item_costs_a_binary_search(count: int) -> None:
    for bad in names(count):
        gate = Gate([[bad]])
        found = largest_good(names(count), {}, gate)
        assert found.dropped == (Dropped(bad, (bad,), True),)
        # All, the halves, all others, and the bad one by itself.
        assert found.runs <= math.ceil(math.log2(count)) + 3


def test_nothing_bad_is_one_run_and_none_if_all_was_run_before() -> None:
    assert largest_good(names(50), {}, Gate([])).runs == 1
    known = largest_good(names(50), {}, Gate([]), whole=Verdict(True))
    assert known == Kept(tuple(names(50)), (), 0, True)
    assert largest_good([], {}, Gate([])) == Kept((), (), 0, True)


def test_what_all_items_gave_is_not_asked_again() -> None:
    gate = Gate([["i007"]])
    found = largest_good(names(50), {}, gate, whole=Verdict(False, frozenset({"i007"})))
    assert frozenset(names(50)) not in gate.said
    assert found.runs == 2  # without the suspect, and the suspect by itself


def test_a_right_hint_costs_as_many_runs_as_there_are_bad_items() -> None:
    bad = [["i003"], ["i030"], ["i042"]]
    gate = Gate(bad, hint=lambda run: [name for (name,) in bad if name in run])
    assert largest_good(names(50), {}, gate).runs <= 5


def bound(count: int, bad: Iterable[Collection[str]]) -> int:
    """Return the worst case that the docstring states."""
    log = math.ceil(math.log2(count))
    sizes = [len(names) for names in bad]
    together = sum((size + 1) * (log + 2) for size in sizes if size > 1)
    return (sizes.count(1) + 1) * (log + 3) + together


@pytest.mark.parametrize("share", [None, 0.0, 0.1, 0.5, 1.0])
def test_worst_cases(share: float | None) -> None:
    for seed in range(300):
        chance = random.Random(seed)
        count = chance.choice([2, 7, 8, 9, 33, 64, 100])
        items = names(count)
        singles = chance.choice([0, 1, 2, 3, chance.randint(0, count)])
        bad = {frozenset([name]) for name in chance.sample(items, min(count, singles))}
        for size in chance.choice([[], [2], [2, 3], [2, 2, 3]]):
            bad.add(frozenset(chance.sample(items, min(count, size))))
        bad = {names for names in bad if not any(other < names for other in bad)}

        def hint(run: frozenset[str], chance: random.Random = chance) -> Iterable[str]:
            return [name for name in sorted(run) if chance.random() < (share or 0)]

        found = largest_good(items, {}, Gate(bad, hint=hint if share is not None else None))
        assert found.exact
        assert found.runs <= bound(count, bad) * (1 if share is None else 2)


def test_hints_that_name_innocents_only_change_nothing_but_the_number_of_runs() -> None:
    bad = [["i007"], ["i008"], ["i040", "i041"]]
    guilty = frozenset(itertools.chain(*bad))
    plain = largest_good(names(64), {}, Gate(bad))
    liars: list[Hint] = [
        lambda run: run - guilty,
        lambda run: run,
        lambda run: sorted(run - guilty)[:1],
        lambda run: ["nobody"],
    ]
    for liar in liars:
        found = largest_good(names(64), {}, Gate(bad, hint=liar))
        assert (found.kept, found.exact) == (plain.kept, True)
        assert found.runs <= 2 * bound(64, bad)


def test_a_rate_that_is_far_off_costs_little() -> None:
    bad = [["i007"], ["i050"]]
    for rate in (0.0001, 0.5, 0.99):
        assert largest_good(names(64), {}, Gate(bad), rate=rate).runs <= bound(64, bad)


def test_three_in_a_hundred_of_a_large_pool_are_found_near_the_information_bound() -> None:
    items = names(1000)
    bad = [[name] for name in random.Random(1).sample(items, 30)]
    found = largest_good(items, {}, Gate(bad), rate=0.03, confirm=False)
    assert found.exact and len(found.dropped) == 30
    assert found.runs <= 1.08 * math.log2(math.comb(1000, 30))


def test_ties_keep_the_earlier_items() -> None:
    assert largest_good("abcd", {}, Gate(["bc"])).kept == ("a", "b", "d")
    # Either of two ways to drop two: what is kept first counts.
    assert largest_good("abcd", {}, Gate(["ab", "bc", "cd"])).kept == ("a", "c")
    assert largest_good("dcba", {}, Gate(["ab", "bc", "cd"])).kept == ("d", "b")


def test_the_item_that_least_hangs_on_goes() -> None:
    needs = {"b": ["a"], "c": ["b"]}
    found = largest_good("abcz", needs, Gate(["az"], needs))
    assert found.kept == ("a", "b", "c")
    assert found.dropped == (Dropped("z", ("a", "z"), True),)


def test_what_needs_a_bad_item_goes_with_it_and_says_so() -> None:
    needs = {"b": ["a"], "c": ["b", "elsewhere"], "d": ["e"], "e": ["d"]}
    found = largest_good(
        "abcdef", needs, Gate(["a", "d"], {"b": "a", "c": "b", "d": "e", "e": "d"})
    )
    assert found.kept == ("f",)
    assert found.dropped == (
        Dropped("a", ("a",), True),
        Dropped("b", ("a",), True),
        Dropped("c", ("b",), True),
        Dropped("d", ("d", "e"), True),  # they need each other, and are one
        Dropped("e", ("d", "e"), True),
    )


def test_it_is_deterministic() -> None:
    bad = [["i003"], ["i010", "i020"], ["i011", "i030", "i031"]]
    gates = [Gate(bad) for _ in range(2)]
    first, second = (largest_good(names(50), {}, gate) for gate in gates)
    assert first == second
    assert list(gates[0].said) == list(gates[1].said)


def test_all_parts_pass_and_the_whole_fails() -> None:
    found = largest_good(names(50), {}, lambda run: Verdict(len(run) < 50))
    assert len(found.kept) == 49
    assert not found.exact
    assert not found.dropped[0].minimal
    assert found.runs <= 30


def test_a_gate_that_fails_by_chance_ends_in_what_passed() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        count, share = chance.choice([1, 5, 30, 100]), chance.choice([0.02, 0.1, 0.5, 0.9, 1])
        passed = {frozenset[str]()}

        def run(
            names: frozenset[str],
            chance: random.Random = chance,
            share: float = share,
            passed: set[frozenset[str]] = passed,
        ) -> Verdict:
            if chance.random() < share:
                return Verdict(False)
            passed.add(names)
            return Verdict(True)

        found = largest_good(names(count), {}, run)
        assert frozenset(found.kept) in passed
        assert found.runs <= 8 * count + 200


def test_the_limit_of_runs_ends_it_with_the_best_that_passed() -> None:
    bad = [["i007"], ["i050"], ["i051", "i052"]]
    runs = largest_good(names(64), {}, Gate(bad)).runs
    for limit in range(runs):
        gate = Gate(bad)
        found = largest_good(names(64), {}, gate, limit=limit)
        assert found.runs == limit
        assert not found.kept or gate.said[frozenset(found.kept)]
        assert len(found.kept) + len(found.dropped) == 64
        assert not found.exact or len(found.kept) == 61


def test_many_pairs_end_in_time_without_a_claim_to_be_exact() -> None:
    chance = random.Random(0)
    bad = [chance.sample(names(60), 2) for _ in range(300)]
    gate = Gate(bad)
    found = largest_good(names(60), {}, gate)
    assert not found.exact
    assert gate.said[frozenset(found.kept)]


@pytest.mark.parametrize(("items", "rate"), [("aba", None), ("ab", 0.0), ("ab", 1.0)])
def test_what_makes_no_sense_is_refused(items: str, rate: float | None) -> None:
    with pytest.raises(ValueError, match=r"twice|between"):
        largest_good(items, {}, Gate([]), rate=rate)

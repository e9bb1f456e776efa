"""The schedule of a plan's batches, held to what list scheduling promises."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.base.errors import UsageError
from lane_planner.planner.forecast import (
    Bar,
    Forecast,
    GateTime,
    forecast,
    gate_times,
    parse_gate_times,
    parse_seconds,
)
from lane_planner.planner.schema import PlannedBatch
from tests.report.plans import batch_of, step_of


def job(number: int, *after: int, steps: int = 0, gates: tuple[str, ...] = ()) -> PlannedBatch:
    """Return a batch of so many steps."""
    bare = batch_of(number, [step_of(1, "candidate.a")], *after)
    ids = tuple(f"s{number:02d}{n:02d}" for n in range(steps))
    return msgspec.structs.replace(bare, steps=ids, gates=gates)


def stated(**seconds: float) -> dict[str, GateTime]:
    return {name: GateTime(name, value, "stated") for name, value in seconds.items()}


GATES = ("coverage", "x", "y", "z")
seconds = st.one_of(
    st.sampled_from([0.0, 0.1, 0.3, 1.0, 7.5]),
    st.floats(0, 1e6, allow_nan=False, allow_subnormal=False),
)


@st.composite
def work(draw: st.DrawFn) -> tuple[list[PlannedBatch], dict[str, GateTime], float, int]:
    """Draw batches, the times of their gates and steps, and a number of workers."""
    ids = draw(st.permutations(range(1, draw(st.integers(0, 9)) + 1)))
    batches = [
        job(
            number,
            *sorted(draw(st.sets(st.sampled_from(ids[:index]), max_size=3)) if index else ()),
            steps=draw(st.integers(0, 4)),
            gates=tuple(draw(st.sets(st.sampled_from(GATES)).map(sorted))),
        )
        for index, number in enumerate(ids)
    ]
    times = stated(**{name: draw(seconds) for name in GATES[1:]})
    return batches, times, draw(seconds), draw(st.integers(1, 4))


@given(work())
def test_schedule(drawn: tuple[list[PlannedBatch], dict[str, GateTime], float, int]) -> None:
    batches, times, step_seconds, workers = drawn
    found = forecast(batches, times, step_seconds=step_seconds, workers=workers)
    by_id = {bar.batch: bar for bar in found.bars}
    assert len(by_id) == len(found.bars) == len(batches) == found.pull_requests

    for batch in batches:  # each takes its time, and waits for what it must
        bar = by_id[batch.id]
        own = len(batch.steps) * step_seconds + sum(
            times[g].seconds for g in batch.gates if g in times
        )
        assert bar.end - bar.start == pytest.approx(own, abs=1e-4)
        assert all(by_id[earlier].end <= bar.start for earlier in batch.after)
        assert 1 <= bar.worker <= workers

    for worker in range(1, workers + 1):  # one thing at a time
        own_bars = sorted((bar.start, bar.end) for bar in found.bars if bar.worker == worker)
        assert all(end <= start for (_, end), (start, _) in pairwise(own_bars))

    ends = {bar.end for bar in found.bars}
    for bar in found.bars:  # nobody waits without need
        if bar.start:
            assert bar.start in ends
    assert found.elapsed_seconds == max(ends, default=0)
    assert found.elapsed_seconds >= found.lower_bound_seconds
    graham = (2 - 1 / workers) * found.lower_bound_seconds
    assert found.elapsed_seconds <= graham * (1 + 1e-9)
    if workers == 1:
        assert found.elapsed_seconds == found.work_seconds

    path = [by_id[number] for number in found.critical_path]
    assert all(
        a.batch in batch.after
        for a, b in pairwise(path)
        for batch in batches
        if batch.id == b.batch
    )
    assert found.critical_path_seconds == pytest.approx(
        sum(b.end - b.start for b in path), abs=1e-4
    )
    assert found.lower_bound_seconds >= found.critical_path_seconds

    again = forecast(batches[::-1], times, step_seconds=step_seconds, workers=workers)
    assert again == found  # the order in which batches are given is none


def test_longest_path_first() -> None:
    """Two workers: batch 4 alone is short, but 3 waits for it and is long."""
    batches = [
        job(1, gates=("x",)), job(2, gates=("x",)), job(3, 4, steps=10, gates=("y",)), job(4, steps=1),
    ]  # fmt: skip
    found = forecast(batches, stated(x=6, y=5), step_seconds=1, workers=2)
    assert found == Forecast(
        workers=2, pull_requests=4, steps=11, gate_runs=3, work_seconds=28, elapsed_seconds=16,
        hours=16 / 3600, lower_bound_seconds=16, critical_path_seconds=16, critical_path=(4, 3),
        bars=(Bar(4, 1, 0, 1), Bar(1, 2, 0, 6), Bar(3, 1, 1, 16), Bar(2, 2, 6, 12)), step_seconds=1,
        assumptions=(GateTime("x", 6, "stated", runs=2), GateTime("y", 5, "stated", runs=1)),
    )  # fmt: skip


def test_more_workers_than_a_list_holds() -> None:
    found = forecast([job(1, steps=1)], {}, workers=10**18)
    assert found.bars == (Bar(1, 1, 0, 0.1),)


def test_no_batch() -> None:
    found = forecast([], {})
    assert (found.bars, found.critical_path, found.elapsed_seconds) == ((), (), 0)


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        ([job(1, 2), job(2, 3), job(3, 1)], "circle"),
        ([job(1, 1)], "circle (1 → 1)"),
        ([job(1, 9)], "batch 1 waits for batch 9, which is not in the plan"),
        ([job(1), job(1)], "batch 1 stands twice"),
    ],
)
def test_plan_that_was_edited(batches: list[PlannedBatch], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        forecast(batches, {})
    assert said in caught.value.message


def test_long_chain() -> None:
    """No recursion: a plan may have more batches than Python has frames."""
    count = 3_000
    found = forecast(
        [job(n, *([n - 1] if n > 1 else [])) for n in range(1, count + 1)], {}, workers=2
    )
    assert found.critical_path == tuple(range(1, count + 1))


def test_where_times_come_from() -> None:
    batches = [job(1, gates=("coverage", "a", "b")), job(2, gates=("a", "c"))]
    found = gate_times(
        batches, stated={"a": 1.0}, measured={"a": [9.0], "b": [5.0, 1.0, 2.0], "z": [1.0]},
        timeouts={"a": 60.0, "b": 60.0, "c": 30.0, "idle": 5.0},
    )  # fmt: skip
    assert list(found.values()) == [
        GateTime("a", 1.0, "stated"), GateTime("b", 2.0, "journal", 3), GateTime("c", 30.0, "timeout"),
    ]  # fmt: skip


def test_a_gate_may_be_called_coverage() -> None:
    batches = [job(1, gates=("coverage",))]
    assert gate_times(batches, stated={}, measured={}, timeouts={}) == {}
    found = gate_times(batches, stated={}, measured={}, timeouts={"coverage": 5.0})
    assert found["coverage"].seconds == 5.0


def test_times_of_gates_that_are_not_there() -> None:
    batches = [job(1, gates=("a",))]
    with pytest.raises(UsageError, match="there is no gate 'b'; gates: a, idle"):
        gate_times(batches, stated={"b": 1.0}, measured={}, timeouts={"a": 1.0, "idle": 1.0})
    with pytest.raises(UsageError, match="gate a of the plan is not in the configuration"):
        gate_times(batches, stated={}, measured={}, timeouts={})
    stated_ones = gate_times(batches, stated={"a": 1.0}, measured={}, timeouts={})
    assert stated_ones["a"].source == "stated"


def test_stated_times() -> None:
    assert parse_gate_times(["a=1", "b=c=2.5", "d=1e3"]) == {"a": 1, "b=c": 2.5, "d": 1000}
    for odd in ("a", "=1", "", "a=", "a=x", "a=-1", "a=nan", "a=inf", "a=1e10"):
        with pytest.raises(UsageError, match="--gate-time"):
            parse_gate_times([odd])
    with pytest.raises(UsageError, match="names gate a twice"):
        parse_gate_times(["a=1", "a=1"])


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "-0.1", "1e10", "1 s"])
def test_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time, write seconds from 0 to 1000000000"):
        parse_seconds(text, "--step-time")


@pytest.mark.parametrize("workers", [0, -1])
def test_nobody_works(workers: int) -> None:
    with pytest.raises(UsageError, match="at least one worker"):
        forecast([], {}, workers=workers)

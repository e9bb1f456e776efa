"""What carrying a plan out takes: its batches as jobs on a number of workers.

List scheduling: whenever a worker is free, of the batches that wait for none it takes the one with
the longest path of batches after it (Hu, 1961, calls the path's length the level of a job). The
schedule never takes more than 2 - 1/W of the shortest possible on W workers (Graham, 1966, "Bounds
for certain multiprocessing anomalies"). Times are counted in whole microseconds, so that no
rounding moves a batch.
"""

from __future__ import annotations

import graphlib
import heapq
import math
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.planner.schema import PlannedBatch

COVERAGE = "coverage"
"""What a plan calls the coverage gate: data is read, so it takes no time."""

STEP_SECONDS = 0.1
"""What a step takes beside its gates where nothing is stated; docs/performance.md measures it."""

_MICRO = 1_000_000
_LONGEST = 1e9  # seconds; some thirty years

Source = Literal["stated", "journal", "timeout"]


class GateTime(msgspec.Struct, frozen=True):
    """How long a run of a gate is taken to last, and why.

    Attributes:
        gate: its name.
        seconds: of one run.
        source: "stated" by the user; the median of the "journal"; or its "timeout", the most that
            it can take.
        samples: how many runs of the journal the median is of; 0 for another source.
        runs: how often it runs in the plan.
    """

    gate: str
    seconds: float
    source: Source
    samples: int = 0
    runs: int = 0


class Bar(msgspec.Struct, frozen=True):
    """When a batch is worked on.

    Attributes:
        batch: its id.
        worker: from 1.
        start: seconds from the beginning.
        end: likewise.
    """

    batch: int
    worker: int
    start: float
    end: float


class Forecast(msgspec.Struct, frozen=True):
    """What carrying a plan out takes.

    Attributes:
        workers: how many batches can be worked on at once.
        pull_requests: one a batch.
        steps: of all batches.
        gate_runs: each gate that a batch has to pass runs once.
        work_seconds: of all batches, one after the other.
        elapsed_seconds: from the beginning to the end of the schedule.
        hours: the same in hours.
        lower_bound_seconds: no schedule on so many workers is shorter: the longer of the work
            divided by the workers, and the critical path.
        critical_path_seconds: of the batches below.
        critical_path: ids of batches that wait for one another and together take longest.
        bars: the schedule, in the order in which batches begin.
        step_seconds: what a step takes beside its gates.
        assumptions: how long each gate is taken to last, by name.
    """

    workers: int
    pull_requests: int
    steps: int
    gate_runs: int
    work_seconds: float
    elapsed_seconds: float
    hours: float
    lower_bound_seconds: float
    critical_path_seconds: float
    critical_path: tuple[int, ...]
    bars: tuple[Bar, ...]
    step_seconds: float
    assumptions: tuple[GateTime, ...]


def parse_seconds(text: str, option: str) -> float:
    """Return the seconds that an option's value says.

    Raises:
        UsageError: it is not a number, or not from 0 to 1,000,000,000.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST:
        raise UsageError(f"{option}: {text!r} is no time, write seconds from 0 to {_LONGEST:.0f}")
    return seconds


def parse_gate_times(texts: Iterable[str]) -> dict[str, float]:
    """Return seconds by gate, of texts such as "unit=12.5".

    Raises:
        UsageError: one does not parse, or a gate is named twice.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, sign, number = text.rpartition("=")
        if not sign or not name:
            raise UsageError(f"--gate-time {text!r} does not parse: write NAME=SECONDS")
        if name in found:
            raise UsageError(f"--gate-time names gate {printable(name)} twice")
        found[name] = parse_seconds(number, f"--gate-time {printable(name)}")
    return found


def gate_times(
    batches: Iterable[PlannedBatch],
    *,
    stated: Mapping[str, float],
    measured: Mapping[str, Sequence[float]],
    timeouts: Mapping[str, float],
) -> dict[str, GateTime]:
    """Return how long each gate of some batches takes, by name, sorted.

    Args:
        batches: of a plan.
        stated: seconds that the user says.
        measured: seconds of former runs.
        timeouts: seconds that the configuration allows, of every gate in it.

    Raises:
        UsageError: a time is stated for a gate that is not there, or nothing says how long a gate
            takes.
    """
    names = {name for batch in batches for name in batch.gates}
    if COVERAGE not in timeouts:
        names.discard(COVERAGE)
    known = names.union(timeouts)
    for name in stated:
        if name not in known:
            there = ", ".join(map(printable, sorted(known))) or "none"
            raise UsageError(f"--gate-time: there is no gate {printable(name)!r}; gates: {there}")
    found: dict[str, GateTime] = {}
    for name in sorted(names):
        if name in stated:
            found[name] = GateTime(name, stated[name], "stated")
        elif measured.get(name):
            runs = measured[name]
            found[name] = GateTime(name, round(statistics.median(runs), 3), "journal", len(runs))
        elif name in timeouts:
            found[name] = GateTime(name, timeouts[name], "timeout")
        else:
            raise UsageError(
                f"gate {printable(name)} of the plan is not in the configuration: say how long it "
                "takes with --gate-time NAME=SECONDS"
            )
    return found


def forecast(
    batches: Sequence[PlannedBatch],
    times: Mapping[str, GateTime],
    *,
    step_seconds: float = STEP_SECONDS,
    workers: int = 1,
) -> Forecast:
    """Return what batches take: every step, then every gate once, one batch a worker at a time.

    Of batches with equally long paths after them the one with the lower id begins first; of free
    workers the one with the lowest number takes it.

    Args:
        batches: of a plan.
        times: of their gates, by name; a gate that is not in it takes no time.
        step_seconds: what a step takes beside its gates.
        workers: how many batches can be worked on at once.

    Raises:
        UsageError: there is no worker, or the batches wait for one another in a circle, or for one
            that is not there.
    """
    if workers < 1:
        raise UsageError(f"--workers {workers}: at least one worker is needed")
    ticks = {
        batch.id: _ticks(step_seconds) * len(batch.steps)
        + sum(_ticks(times[name].seconds) for name in batch.gates if name in times)
        for batch in batches
    }
    runs = Counter(name for batch in batches for name in batch.gates if name in times)
    ordered = _landing_order(batches)
    following: dict[int, list[int]] = {batch.id: [] for batch in batches}
    for batch in batches:
        for earlier in set(batch.after):
            following[earlier].append(batch.id)
    paths: dict[int, int] = {}  # ticks from the beginning of a batch to the end of all after it
    for batch_id in reversed(ordered):
        after = max((paths[later] for later in following[batch_id]), default=0)
        paths[batch_id] = ticks[batch_id] + after
    placed = _schedule(batches, following, ticks, paths, workers)
    work, critical = sum(ticks.values()), max(paths.values(), default=0)
    elapsed = max((end for *_, end in placed), default=0)
    return Forecast(
        workers=workers,
        pull_requests=len(batches),
        steps=sum(len(batch.steps) for batch in batches),
        gate_runs=runs.total(),
        work_seconds=work / _MICRO,
        elapsed_seconds=elapsed / _MICRO,
        hours=elapsed / (3600 * _MICRO),
        lower_bound_seconds=max(work / (workers * _MICRO), critical / _MICRO),
        critical_path_seconds=critical / _MICRO,
        critical_path=_critical_path(batches, following, paths),
        bars=tuple(Bar(b, worker, s / _MICRO, e / _MICRO) for b, worker, s, e in placed),
        step_seconds=step_seconds,
        assumptions=tuple(
            msgspec.structs.replace(time, runs=runs[name]) for name, time in times.items()
        ),
    )


def _ticks(seconds: float) -> int:
    return round(seconds * _MICRO)


def _landing_order(batches: Iterable[PlannedBatch]) -> tuple[int, ...]:
    """Return the ids so that each batch comes after those that it waits for."""
    waits: dict[int, tuple[int, ...]] = {}
    for batch in batches:
        if batch.id in waits:
            raise UsageError(f"batch {batch.id} stands twice in the plan: make a new plan")
        waits[batch.id] = batch.after
    for batch_id, after in waits.items():
        for earlier in after:
            if earlier not in waits:
                raise UsageError(
                    f"batch {batch_id} waits for batch {earlier}, which is not in the plan: make "
                    "a new plan"
                )
    try:
        return tuple(graphlib.TopologicalSorter(waits).static_order())
    except graphlib.CycleError as error:
        circle = " → ".join(map(str, error.args[1]))
        raise UsageError(
            f"batches wait for one another in a circle ({circle}): make a new plan"
        ) from None


def _schedule(
    batches: Collection[PlannedBatch],
    following: Mapping[int, Iterable[int]],
    ticks: Mapping[int, int],
    paths: Mapping[int, int],
    workers: int,
) -> list[tuple[int, int, int, int]]:
    """Return (batch, worker, start, end) in the order in which they begin."""
    missing = {batch.id: len(set(batch.after)) for batch in batches}
    ready = [(-paths[batch_id], batch_id) for batch_id, count in missing.items() if not count]
    heapq.heapify(ready)
    free = list(range(1, min(workers, len(batches)) + 1))  # sorted, so a heap
    running: list[tuple[int, int, int]] = []
    placed: list[tuple[int, int, int, int]] = []
    now = 0
    while ready or running:
        while ready and free:
            _, batch_id = heapq.heappop(ready)
            worker = heapq.heappop(free)
            end = now + ticks[batch_id]
            placed.append((batch_id, worker, now, end))
            heapq.heappush(running, (end, worker, batch_id))
        now = running[0][0]
        while running and running[0][0] == now:
            _, worker, batch_id = heapq.heappop(running)
            heapq.heappush(free, worker)
            for later in following[batch_id]:
                missing[later] -= 1
                if not missing[later]:
                    heapq.heappush(ready, (-paths[later], later))
    return placed


def _critical_path(
    batches: Iterable[PlannedBatch],
    following: Mapping[int, Collection[int]],
    paths: Mapping[int, int],
) -> tuple[int, ...]:
    found: list[int] = []
    choices: Collection[int] = [batch.id for batch in batches]
    while choices:
        found.append(min(choices, key=lambda batch_id: (-paths[batch_id], batch_id)))
        choices = following[found[-1]]
    return tuple(found)

"""What is shown of runs: bounded, as wide as the terminal, and nothing that a terminal obeys."""

from __future__ import annotations

import io
import unicodedata

import msgspec
import pytest
from rich.console import Console

from lane_planner.executor.records.journal import (
    BranchIntended,
    Event,
    GateFinished,
    GateStarted,
    Mode,
    PullRequestMade,
    PushIntended,
    Recorded,
    Run,
    RunFinished,
    RunResumed,
    RunRolledBack,
    RunStarted,
    StepCommitted,
    StepDropped,
    StepIntended,
    replay,
)
from lane_planner.executor.records.lock import Holder
from lane_planner.executor.records.status import BranchDetail, Detail, News, Status, StepDetail
from lane_planner.gates.command import GateResult
from lane_planner.report.runs import EventLines, LiveView, ended_text, status_text

BASE = "b" * 40
NOW = "2024-01-01T02:00:00.000Z"


def commit(step: str) -> str:
    return step.encode().hex().ljust(40, "0")[:40]


def recorded(*events: Event, run: int = 1) -> tuple[Recorded, ...]:
    """Return events that came a second apart."""
    return tuple(
        Recorded(n + 1, run, f"2024-01-01T00:{n // 60:02}:{n % 60:02}.000Z", event)
        for n, event in enumerate(events)
    )


def replayed(told: tuple[Recorded, ...], *, holder: int | None = 42, run: int = 1) -> Run:
    return replay(run, [(one.at, one.event) for one in told], holder=holder)


def begins(steps: int, mode: Mode = "stack", name: str = "s") -> RunStarted:
    ids = [f"{name}{number:04}" for number in range(1, steps + 1)]
    batches = {n // 5 + 1: tuple(ids[n : n + 5]) for n in range(0, steps, 5)}
    title = f"promote(candidate→core): {steps} modules of plan 0123456789ab"
    return RunStarted(BASE, "promote/x", "0123456789ab" * 5, 42, title, "", mode, "", batches)


def gate(name: str, *, passed: bool = True, seconds: float = 1.5) -> GateResult:
    return GateResult(name, "after", ("true",), int(not passed), seconds, passed, False, "")


def long_run(steps: int) -> tuple[Recorded, ...]:
    """Return the events of a run of many steps, gates and branches, every tenth left out."""
    start = begins(steps)
    events: list[Event] = [start]
    for number, ids in start.batches.items():
        for step in ids:
            if step.endswith("0"):
                events.append(StepDropped(step, "LP405: gate fast failed with exit status 1"))
            else:
                events += [StepIntended(step, BASE), StepCommitted(step, commit(step))]
        last = commit(ids[0])
        events += [GateStarted(last, "fast", "after"), GateFinished(last, gate("fast"))]
        branch = f"promote/candidate-to-core/plan-0123456789ab-b{number:04}"
        events += [BranchIntended(last, branch), PushIntended(branch, last)]
        events.append(PullRequestMade(branch, number, f"https://example.org/pull/{number}"))
    return recorded(*events, RunFinished(last))


def detail_of(run: Run) -> Detail:
    """Return the detail of a run whose branches are all there."""
    done = {step.id: step.commit for step in run.steps}
    steps = [
        StepDetail(
            step, "left-out" if step in run.dropped else "committed", batch,
            (f"candidate.{step}", "candidate.more"), done.get(step), run.dropped.get(step),
        )
        for batch, ids in run.begun.batches.items()
        for step in ids
    ]  # fmt: skip
    branches = tuple(BranchDetail(n, at, at, "there") for n, at in run.branches.items())
    return Detail(run.id, tuple(steps), branches, False, True)


def test_hundreds_of_steps_are_counted_and_not_listed() -> None:
    run = replayed(long_run(400))
    found = Status(None, (run,), (), detail_of(run))
    told = status_text(found, width=100, now=NOW)
    assert len(told.splitlines()) < 75
    assert "  360 of 400 steps committed, 40 left out:" in told
    assert "    … and 350 more (-v lists all)" in told
    assert "    … and 30 more (-v lists all)" in told
    assert "  80 branches:" in told and "  80 pull requests:" in told
    assert "  gates: 80 passed, in 2 min 00 s\n    70 earlier ones not shown (-v lists all)" in told
    everything = status_text(found, width=100, now=NOW, verbose=True)
    assert "-v lists all" not in everything
    for text in ("s0399 batch 80", "s0400 batch 80", "#80 https://example.org/pull/80 from"):
        assert text in everything and text not in told


def test_many_runs_are_counted_and_the_newest_shown() -> None:
    runs = tuple(
        replayed(recorded(begins(1), RunRolledBack("why"), run=n), run=n) for n in range(1, 51)
    )
    told = status_text(Status(None, runs, ()), width=100, now=NOW)
    assert told.startswith("30 earlier runs not shown (-v lists all)\n")
    assert "run 30 " not in told and told.endswith("run 50 rolled-back: why\n")
    assert "run 1 rolled" in status_text(Status(None, runs, ()), width=100, now=NOW, verbose=True)


@pytest.mark.parametrize("width", [50, 60, 72, 80, 100, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    run = replayed(long_run(100))
    broken = replayed(
        recorded(begins(3), StepIntended("s0001", BASE), GateStarted(BASE, "g" * 30, "before")),
        holder=None,
    )
    holder = Holder(42, "lane-planner apply " + "plan-with-a-long-name" * 4, NOW)
    for one, holding in ((run, None), (broken, holder)):
        found = Status(holding, (one,), ("/a/place" * 20,), detail_of(one))
        told = status_text(found, width=width, now=NOW, wrapped=True)
        assert max(map(len, told.splitlines())) <= width, told
        headers = next(line for line in told.splitlines() if "what" in line)
        assert "status" in headers and "steps" in headers


def test_a_narrow_table_gives_up_what_the_detail_tells() -> None:
    run = replayed(long_run(20))
    wide = status_text(Status(None, (run,), ()), width=160, now=NOW).splitlines()
    assert wide[0].split() == [
        "run", "what", "mode", "status", "began", "(UTC)", "took", "steps", "left", "out",
        "branches", "PRs",
    ]  # fmt: skip
    assert wide[2].split() == [
        "1", "candidate→core:", "20", "modules", "stack", "done", "2024-01-01", "00:00", "59.0",
        "s", "18/20", "2", "4", "4",
    ]  # fmt: skip
    narrow = status_text(Status(None, (run,), ()), width=60, now=NOW).splitlines()
    assert narrow[0].split() == ["run", "what", "status", "steps"]


def test_what_can_be_done_about_an_earlier_run() -> None:
    broken = replayed(recorded(begins(3)), holder=None)
    later = replayed(recorded(begins(3), RunFinished("c"), run=2), run=2)
    found = Status(None, (broken, later), (), detail_of(broken))
    first = msgspec.structs.replace(found, detail=Detail(1, (), (), False, True))
    assert "`lane-planner rollback` undoes what is left of run 1" in status_text(
        first, width=100, now=NOW
    )
    second = msgspec.structs.replace(found, detail=Detail(1, (), (), False, False))
    assert "`lane-planner rollback` undoes the last one" in status_text(second, width=100, now=NOW)


HOSTILE = "x\x1b[2J\x1b]0;title\x07\r\n\u202e[bold]y\udcff"


def hostile_events() -> tuple[Recorded, ...]:
    gate_result = gate(HOSTILE, passed=False)
    start = RunStarted(
        BASE, HOSTILE, HOSTILE, 42, HOSTILE, "", "stack", "", {1: (HOSTILE, "other")}
    )
    return recorded(
        start, RunResumed(42), StepIntended(HOSTILE, BASE), StepCommitted(HOSTILE, commit("s")),
        StepDropped("other", HOSTILE), GateStarted(commit("s"), HOSTILE, "after"),
        GateFinished(commit("s"), gate_result), GateStarted(commit("s"), HOSTILE, "after"),
        BranchIntended(commit("s"), HOSTILE), PushIntended(HOSTILE, commit("s")),
        PullRequestMade(HOSTILE, 1, HOSTILE),
    )  # fmt: skip


def obeyed(text: str) -> list[str]:
    """Return the characters of a text that a terminal acts on, or that cannot be written."""
    return [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]


@pytest.mark.parametrize("end", [None, RunRolledBack(HOSTILE, (HOSTILE,)), RunFinished("c")])
def test_no_name_commands_the_terminal(end: Event | None) -> None:
    told = hostile_events()
    if end is not None:
        told += (Recorded(99, 1, NOW, end),)
    run = replayed(told)
    details = detail_of(run)
    branch = BranchDetail(HOSTILE, BASE, BASE, "moved")
    step = StepDetail(HOSTILE, "left-out", 1, (HOSTILE,), None, HOSTILE)
    detail = Detail(1, (*details.steps, step), (branch,), True, True, (HOSTILE,))
    found = Status(Holder(1, HOSTILE, HOSTILE), (run,), (HOSTILE,), detail)
    for wrapped in (False, True):
        text = status_text(found, width=90, now=NOW, verbose=True, wrapped=wrapped)
        assert obeyed(text) == [], text
    assert "[bold]" in text
    lines = EventLines(verbose=True).lines(told)
    assert len(lines) == len(told)
    assert obeyed("".join(lines)) == [] and obeyed(ended_text(run, NOW)) == []
    left = end is not None and isinstance(end, RunRolledBack)
    assert ("not all could be taken back" in lines[-1]) == left
    drawn = live(News(run, told))
    assert obeyed(drawn) == [] and "\\x1b[2J" in drawn


def live(*news: News, width: int = 80) -> str:
    """Return the last of the tables that some news are drawn as."""
    view = LiveView()
    for one in news:
        file = io.StringIO()
        Console(file=file, width=width, color_system=None).print(view.drawn(one, NOW))
    return file.getvalue()


def test_the_live_table_is_of_one_size_however_long_the_run() -> None:
    told = long_run(400)
    half = told[:1000]
    running = (*half, Recorded(9999, 1, NOW, GateStarted(commit("s0001"), "slow", "after")))
    drawn = live(News(replayed(half), half), News(replayed(running), running[1000:]))
    assert len(drawn.splitlines()) <= 20
    assert all(len(line) <= 80 for line in drawn.splitlines())
    assert "gate      slow (after) on s0001, batch 1, for 0.0 s" in drawn
    assert "steps     " in drawn and " of 400 committed, " in drawn


def test_a_run_of_an_older_version_is_told_without_what_it_did_not_write() -> None:
    start = RunStarted(BASE, "promote/x", "p", 42)
    told = recorded(
        start, StepIntended("s0001", BASE), StepCommitted("s0001", commit("a")),
        GateFinished(commit("a"), gate("unit")), GateFinished(commit("t"), gate("unit")),
    )  # fmt: skip
    run = replayed(told, holder=None)
    text = status_text(Status(None, (run,), (), detail_of(run)), width=100, now=NOW)
    assert " 1/1" in text and "trial " in text and "batch" not in text
    assert EventLines().lines(told)[1] == (
        f"00:00:02Z  step s0001 committed as {commit('a')[:12]} (1)"
    )
    assert "steps     1 committed" in live(News(replayed(told), told))


def test_a_run_that_was_undone_later_took_as_long_as_it_worked() -> None:
    told = (*recorded(begins(1), RunFinished("c")), Recorded(9, 1, NOW, RunRolledBack("why")))
    text = status_text(Status(None, (replayed(told),), ()), width=100, now=NOW)
    assert "1.0 s" in text and "rolled-back" in text

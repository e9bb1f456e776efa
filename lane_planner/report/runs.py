"""Runs of a repository, done or under way, for people and for programs that watch them."""

from __future__ import annotations

import re
import textwrap
from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from lane_planner.base.text import duration, plural, printable
from lane_planner.executor.records.journal import (
    BranchIntended,
    GateAbandoned,
    GateFinished,
    GateRun,
    GateStarted,
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
    seconds_between,
)
from lane_planner.executor.records.status import BranchDetail, Detail, News, Status, StepDetail
from lane_planner.report.tables import table

if TYPE_CHECKING:
    from rich.console import RenderableType

# What of one kind a person will read; the rest is counted.
_RUNS = 20
_SHOWN = 10
_LAST_EVENTS = 6
_LAST_GATES = 3

_SHORT = 12  # of a commit's id
_LEAST = 12  # columns for a title, however narrow the terminal
_GAP = 3  # columns between those of a table
_WHAT = re.compile(r"promote\((?P<way>[^)]*)\): (?P<what>.*?)(?: of plan [0-9a-f]{12})?")

_BRANCH_STATES = {
    "there": "there",
    "merged": "merged into what is checked out",
    "moved": "moved on to",
    "gone": "gone",
}


def status_text(
    found: Status, *, width: int, now: str, verbose: bool = False, wrapped: bool = False
) -> str:
    """Return the runs of a repository, oldest first, and all of the one with a detail.

    Args:
        found: the runs.
        width: columns of the terminal.
        now: the time, for how long a run has been under way.
        verbose: whether everything is listed, however much it is.
        wrapped: whether lines that are no table are folded to the width too.
    """
    lines = []
    if found.holder is not None:
        lines.append(
            f"under way: {printable(found.holder.command)} (process {found.holder.pid}, "
            f"since {printable(found.holder.since)})"
        )
    if not found.runs:
        return _joined([*lines, "no run yet"], width if wrapped else None)
    shown = found.runs if verbose else found.runs[-_RUNS:]
    if len(shown) < len(found.runs):
        earlier = plural(len(found.runs) - len(shown), "earlier run")
        lines.append(f"{earlier} not shown (-v lists all)")
    lines.append(_runs_table(shown, width, now))
    lines += [f"run {run.id} {run.status}: {printable(run.reason)}" for run in shown if run.reason]
    detail = found.detail
    if detail is not None:
        run = next(run for run in found.runs if run.id == detail.run)
        lines += ["", *_detail(run, detail, width, now, verbose)]
    if found.runs[-1].status == "interrupted":
        last = found.runs[-1].id
        lines.append(
            f"run {last} was interrupted: `lane-planner resume` goes on with it, "
            "`lane-planner rollback` undoes it"
        )
    lines += [
        f"left by a killed run, cleared by the next one: {printable(path)}"
        for path in found.leftovers
    ]
    return _joined(lines, width if wrapped else None)


def ended_text(run: Run, now: str) -> str:
    """Return in a line how a run ended, and what can be done if it did not.

    Args:
        run: the run.
        now: the time.
    """
    took = duration(seconds_between(run.started, run.ended or now))
    if run.status == "interrupted":
        return (
            f"run {run.id} was interrupted: `lane-planner resume` goes on with it, "
            "`lane-planner rollback` undoes it"
        )
    if run.status != "done":
        said = f"run {run.id} came to nothing after {took}: {printable(run.reason or '')}"
        if run.leftovers:
            said += f"; not undone: {printable('; '.join(run.leftovers))}"
        return said
    committed = plural(sum(step.commit is not None for step in run.steps), "step")
    left_out = f", {len(run.dropped):,} left out" if run.dropped else ""
    branches = plural(len(run.branches), "branch")
    return f"run {run.id} is done after {took}: {committed} on {branches}{left_out}"


class EventLines:
    """Turns the events of a run into lines, one each; it knows how many steps are done.

    Args:
        verbose: whether what is only intended gets a line too.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._done: set[str] = set()
        self._step_at: dict[str, str] = {}
        self._base = ""
        self._planned = 0

    def lines(self, events: Iterable[Recorded]) -> list[str]:
        """Return the lines of events that follow those of the last call."""
        return [f"{one.at[11:19]}Z  {said}" for one in events if (said := self._line(one))]

    def _line(self, one: Recorded) -> str | None:
        match one.event:
            case RunStarted() as event:
                self._base = event.base
                self._planned = _planned(event)
                steps = f", {plural(self._planned, 'step')}" if self._planned else ""
                return f"run {one.run} begins: {_title(event)} ({event.mode}{steps})"
            case RunResumed(pid=pid):
                return f"run {one.run} is gone on with by process {pid}"
            case StepIntended(step=step):
                return f"step {printable(step)} begins" if self._verbose else None
            case StepCommitted(step=step, commit=commit):
                anew = " anew" if step in self._done else ""
                self._done.add(step)
                self._step_at[commit] = step
                of = f" of {self._planned:,}" if self._planned else ""
                count = f"{len(self._done):,}{of}"
                return f"step {printable(step)} committed{anew} as {commit[:_SHORT]} ({count})"
            case StepDropped(step=step, reason=reason):
                self._done.discard(step)
                return f"step {printable(step)} left out: {printable(reason)}"
            case GateStarted(commit=commit, name=name, phase=phase):
                return f"gate {printable(name)} ({phase}) begins on {self._place(commit)}"
            case GateAbandoned(commit=commit, name=name, phase=phase):
                return f"gate {printable(name)} ({phase}) not needed on {self._place(commit)}"
            case GateFinished(commit=commit, result=gate):
                return (
                    f"gate {printable(gate.name)} ({gate.phase}) {gate.verdict} on "
                    f"{self._place(commit)} in {duration(gate.seconds)}"
                )
            case BranchIntended(commit=commit, branch=branch):
                return f"branch {printable(branch)} at {commit[:_SHORT]}"
            case PushIntended(branch=branch, commit=commit):
                return f"pushing {printable(branch)} at {commit[:_SHORT]}"
            case PullRequestMade(branch=branch, number=number, url=url):
                return f"pull request #{number} of {printable(branch)}: {printable(url)}"
            case RunFinished(commit=commit):
                return f"the last branch is at {commit[:_SHORT]}: finished"
            case RunRolledBack(leftovers=leftovers):
                what = "not all could be" if leftovers else "everything is"
                return f"{what} taken back"

    def _place(self, commit: str) -> str:
        return _place(commit, self._step_at.get(commit), self._base)


class LiveView:
    """A run under way as a table that fits a terminal, drawn anew for every news."""

    def __init__(self) -> None:
        self._events = EventLines()
        self._last: deque[str] = deque(maxlen=_LAST_EVENTS)

    def drawn(self, news: News, now: str) -> RenderableType:
        """Return the table.

        Args:
            news: the next ones of the run.
            now: the time.
        """
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        run = news.run
        self._last.extend(self._events.lines(news.events))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, width=8)
        # Its cells do not wrap; a column that may not would make the first one give way too.
        grid.add_column(ratio=1)

        def row(what: str, said: str) -> None:
            grid.add_row(Text(what, style="bold"), Text(said, no_wrap=True, overflow="ellipsis"))

        took = duration(seconds_between(run.started, run.ended or now))
        row(f"run {run.id}", f"{_title(run.begun)} ({run.begun.mode})")
        row("status", f"{run.status}, {took}")
        done, planned = _done(run), _planned(run.begun)
        row("steps", _steps_said(run))
        if planned:
            # Those left out are settled too: at the end the bar is full.
            bar = ProgressBar(total=planned, completed=min(planned, done + len(run.dropped)))
            grid.add_row("", bar)
        for gate in run.running[-_LAST_GATES:]:
            row("gate", f"{_gate_said(gate, run)}, for {_since(gate, now)}")
        if not run.running and run.status == "running":
            row("gate", "none is running")
        row("gates", _gates_said(run))
        if run.branches:
            row("branches", f"{len(run.branches):,}, the last {printable([*run.branches][-1])}")
        if run.pull_requests:
            number, url = [*run.pull_requests.values()][-1]
            row("PRs", f"{len(run.pull_requests):,}, the last #{number} {printable(url)}")
        events = [Text(line, no_wrap=True, overflow="ellipsis") for line in self._last]
        return Group(grid, Text(""), *events)


def _joined(lines: Iterable[str], width: int | None) -> str:
    """Return lines, those too long for a width folded with what hangs over set in."""
    if width is None:
        return "\n".join(lines) + "\n"
    folded: list[str] = []
    for line in "\n".join(lines).split("\n"):
        if len(line) <= width:
            folded.append(line)
            continue
        indent = " " * min(len(line) - len(line.lstrip()) + 4, width // 2)
        folded += textwrap.wrap(
            line, width, subsequent_indent=indent, drop_whitespace=False, replace_whitespace=False
        )
    return "\n".join(line.rstrip() for line in folded) + "\n"


def _title(begun: RunStarted) -> str:
    return printable(begun.title or begun.plan)


def _planned(begun: RunStarted) -> int:
    return sum(map(len, begun.batches.values()))


def _done(run: Run) -> int:
    return sum(step.commit is not None for step in run.steps)


def _steps_said(run: Run) -> str:
    planned = _planned(run.begun)
    of = f" of {planned:,}" if planned else ""
    left_out = f", {len(run.dropped):,} left out" if run.dropped else ""
    return f"{_done(run):,}{of} committed{left_out}"


def _gates_said(run: Run) -> str:
    if not run.gates:
        return "none has ended"
    failed = sum(not gate.passed for gate in run.gates)
    took = duration(sum(gate.seconds for gate in run.gates))
    said = f"{len(run.gates) - failed:,} passed"
    return said + (f", {failed:,} failed" if failed else "") + f", in {took}"


def _gate_said(gate: GateRun, run: Run) -> str:
    batch = "" if gate.batch is None else f", batch {gate.batch}"
    where = _place(gate.commit, gate.step, run.base)
    return f"{printable(gate.name)} ({gate.phase}) on {where}{batch}"


def _place(commit: str, step: str | None, base: str) -> str:
    if step is not None:
        return printable(step)
    return "base" if commit == base else f"trial {commit[:_SHORT]}"


def _since(gate: GateRun, now: str) -> str:
    return duration(seconds_between(gate.began or now, now))


def _moment(at: str) -> str:
    return printable(at[:19].replace("T", " "))


def _runs_table(runs: Sequence[Run], width: int, now: str) -> str:
    """Return runs as a table; where it gets narrow, what the detail tells too is given up."""
    columns: dict[str, list[str]] = {
        "run": [str(run.id) for run in runs],
        "what": [_what(run.begun) for run in runs],
        "mode": [run.begun.mode for run in runs],
        "status": [run.status for run in runs],
        "began (UTC)": [_moment(run.started)[:16] for run in runs],
        "took": [_took(run, now) for run in runs],
        "steps": [_fraction(run) for run in runs],
        "left out": [str(len(run.dropped) or "") for run in runs],
        "branches": [str(len(run.branches) or "") for run in runs],
        "PRs": [str(len(run.pull_requests) or "") for run in runs],
    }
    for name in ("left out", "branches", "PRs"):
        if not any(columns[name]):
            del columns[name]
    return _fitting(
        columns, "what", ("mode", "branches", "PRs", "left out", "took", "began (UTC)"),
        width=width, right=("run", "took", "steps", "left out", "branches", "PRs"),
    )  # fmt: skip


def _fitting(
    columns: dict[str, list[str]],
    elastic: str,
    expendable: Iterable[str],
    *,
    width: int,
    right: Collection[str],
) -> str:
    """Return a table that is no wider than asked for, where that can be.

    Args:
        columns: cells by header.
        elastic: the column whose cells are cut where they are too long.
        expendable: columns that are given up, one after the other, before that.
        width: columns of the terminal.
        right: headers of the columns whose cells stand at the right.
    """

    def room() -> int:
        others = (cells for name, cells in columns.items() if name != elastic)
        names = (name for name in columns if name != elastic)
        return (
            width
            - 2
            - sum(
                _GAP + max(map(len, (name, *cells)))
                for name, cells in zip(names, others, strict=True)
            )
        )

    wanted = max(map(len, columns[elastic]))
    for name in expendable:
        if room() < min(wanted, 2 * _LEAST):
            columns.pop(name, None)
    columns[elastic] = [_cut(cell, max(room(), _LEAST)) for cell in columns[elastic]]
    return table([*columns], zip(*columns.values(), strict=True), width=width, right=right)


def _what(begun: RunStarted) -> str:
    """Return what a run is to do in fewer words than its title: the detail tells the rest."""
    title = _title(begun)
    short = _WHAT.fullmatch(title)
    return title if short is None else f"{short['way']}: {short['what']}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _took(run: Run, now: str) -> str:
    if run.ended is None and run.status != "running":
        return "?"  # nobody was there to write when it was killed
    # Being undone days later is no part of the work.
    return duration(seconds_between(run.started, run.finished or run.ended or now))


def _fraction(run: Run) -> str:
    total = _planned(run.begun) or len(run.steps) + len(run.dropped)
    return f"{_done(run)}/{total}"


def _detail(run: Run, detail: Detail, width: int, now: str, verbose: bool) -> list[str]:
    began = f"began {_moment(run.started)} UTC"
    took = _took(run, now)
    times = began if took == "?" else f"{began}, took {took}"
    if run.ended is None and run.status == "running":
        times = f"{began}, under way for {took}"
    lines = [
        f"run {run.id}: {_title(run.begun)}",
        f"  {run.status}, mode {run.begun.mode}, {times}",
        f"  plan {printable(_cut(run.plan, 24))}, base {run.base[:_SHORT]}",
    ]
    lines += _steps_listed(run, detail.steps, verbose)
    lines += _gates_listed(run, width, verbose)
    lines += _bounded(
        plural(len(detail.branches), "branch"),
        [_branch_said(branch) for branch in detail.branches],
        verbose,
    )
    lines += _bounded(
        plural(len(run.pull_requests), "pull request"),
        [
            f"#{number} {printable(url)} from {printable(branch)}"
            for branch, (number, url) in run.pull_requests.items()
        ],
        verbose,
    )
    lines += _bounded("not undone", [printable(left) for left in run.leftovers], True)
    if run.status in ("interrupted", "failed") and detail.rollback and not detail.resume:
        lines.append(f"  `lane-planner rollback` undoes what is left of run {run.id}")
    elif run.status in ("interrupted", "failed") and not detail.rollback:
        lines.append("  later runs come first: `lane-planner rollback` undoes the last one")
    lines += [f"  {printable(note)}" for note in detail.notes]
    return lines


def _steps_listed(run: Run, steps: Sequence[StepDetail], verbose: bool) -> list[str]:
    states = Counter(step.state for step in steps)
    said = f"{states['committed']:,} of {plural(len(steps), 'step')} committed"
    words: tuple[tuple[Literal["begun", "left-out", "waiting"], str], ...] = (
        ("begun", "begun"), ("left-out", "left out"), ("waiting", "not begun"),
    )  # fmt: skip
    for state, word in words:
        if states[state]:
            said += f", {states[state]:,} {word}"
    left_out = [
        f"{_step_said(step)}: {printable(step.reason or '')}"
        for step in steps
        if step.state == "left-out"
    ]
    others = [
        f"{_step_said(step)}: "
        + (f"commit {step.commit[:_SHORT]}" if step.commit else _state_said(step))
        for step in steps
        if step.state in ("committed", "begun") or (verbose and step.state == "waiting")
    ]
    return [
        *(_bounded(said, others, verbose) or [f"  {said}"]),
        *_bounded(f"{len(left_out):,} left out", left_out, verbose),
    ]


def _state_said(step: StepDetail) -> str:
    return "not begun" if step.state == "waiting" else "begun"


def _step_said(step: StepDetail) -> str:
    batch = "" if step.batch is None else f" batch {step.batch}"
    modules = ""
    if step.modules:
        more = f" and {len(step.modules) - 1} more" if len(step.modules) > 1 else ""
        modules = f" {printable(step.modules[0])}{more}"
    return f"{printable(step.id)}{batch}{modules}"


def _gates_listed(run: Run, width: int, verbose: bool) -> list[str]:
    lines = []
    if run.gates:
        pairs = list(zip(run.gates, run.gate_runs, strict=True))
        shown = pairs if verbose else pairs[-_SHOWN:]
        columns: dict[str, list[str]] = {
            "gate": [printable(gate.name) for gate, _ in shown],
            "phase": [gate.phase for gate, _ in shown],
            "verdict": [gate.verdict for gate, _ in shown],
            "took": [duration(gate.seconds) for gate, _ in shown],
            "ended": [_moment(ran.ended or "")[11:] for _, ran in shown],
            "on": [_place(ran.commit, ran.step, run.base) for _, ran in shown],
            "batch": ["" if ran.batch is None else str(ran.batch) for _, ran in shown],
        }
        if not any(columns["batch"]):
            del columns["batch"]
        lines.append(f"  gates: {_gates_said(run)}")
        if len(shown) < len(pairs):
            lines.append(f"    {len(pairs) - len(shown):,} earlier ones not shown (-v lists all)")
        drawn = _fitting(
            columns, "gate", ("phase", "ended", "batch"), width=width - 4, right=("took", "batch")
        )
        lines += [f"    {line}".rstrip() for line in drawn.split("\n")]
    word = "running" if run.status == "running" else "interrupted"
    lines += [
        f"  gate {_gate_said(gate, run)}: {word}, begun {_moment(gate.began or '')[11:]}"
        for gate in run.running
    ]
    return lines


def _branch_said(branch: BranchDetail) -> str:
    said = f"{printable(branch.name)} at {branch.commit[:_SHORT]}: {_BRANCH_STATES[branch.state]}"
    if branch.state == "moved" and branch.now is not None:
        said += f" {branch.now[:_SHORT]}"
    return said


def _bounded(title: str, entries: Sequence[str], verbose: bool) -> list[str]:
    """Return a titled list, of a bounded number of entries unless all are wanted."""
    if not entries:
        return []
    shown = entries if verbose else entries[:_SHOWN]
    lines = [f"  {title}:", *(f"    {entry}" for entry in shown)]
    if len(shown) < len(entries):
        lines.append(f"    … and {len(entries) - len(shown):,} more (-v lists all)")
    return lines

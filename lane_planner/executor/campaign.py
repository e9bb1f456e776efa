"""Carrying many steps out in batches: gated together, what fails is found and left out.

A batch is gated once, and what makes a gate fail is left out (`lane_planner.executor.sieve`). Gates
of scope "wave" run once on all that a wave moved.

How branches are made of it is the mode:

- single: one branch, all batches one after the other;
- stack: a branch a batch, each on the one before;
- wave: a branch a batch, each on the base commit, as steps of a wave need nothing of each other.
  The next wave builds on what they become when they are merged, so the run ends with its first.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.config.settings import Gate, Settings
from lane_planner.executor.carry_out import why_failed
from lane_planner.executor.gating.gating import Gating
from lane_planner.executor.gating.rooms import HERE, Workers
from lane_planner.executor.gating.trials import Selector
from lane_planner.executor.publishing import Opened, Publisher, Ready
from lane_planner.executor.records.journal import Clock, Event, Mode, RunStarted, StepState, utc_now
from lane_planner.executor.records.journal import Run as JournalRun
from lane_planner.executor.run import (
    Carried,
    Made,
    Run,
    commit_date,
    plain_evidence,
    under_way,
)
from lane_planner.executor.sieve import Built, LeftOut, Line, Sieve
from lane_planner.gates.command import GateResult
from lane_planner.gates.evidence import Evidence, to_markdown
from lane_planner.gates.select import applying
from lane_planner.planner.schema import PlannedStep


class Batch(msgspec.Struct, frozen=True):
    """Steps that are gated together.

    Attributes:
        number: its number in the plan.
        wave: its wave's.
        branch: name of its branch, where it gets one of its own.
        title: of that branch's evidence and pull request.
        steps: in the order of landing.
    """

    number: int
    wave: int
    branch: str
    title: str
    steps: tuple[PlannedStep, ...]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to do.

    Attributes:
        base_commit: full id of the commit to start from.
        mode: how branches are made of batches.
        branch: name of the only branch, in mode "single".
        title: of the run, and of the evidence of its only branch.
        plan_id: id of the plan, for the journal and the commits' trailers.
        batches: in the order of landing.
        gates: the configured gates.
        order: what was asked for, to go on with after a kill.
    """

    base_commit: str
    mode: Mode
    branch: str
    title: str
    plan_id: str
    batches: tuple[Batch, ...]
    gates: tuple[Gate, ...] = ()
    order: str = ""


class Result(msgspec.Struct, frozen=True):
    """How a campaign ended.

    Attributes:
        run: its number in the journal.
        success: whether branches were made; if not, gates failed, and all was undone.
        mode: how branches were to be made.
        base: the commit that it builds on.
        branches: the branches, in the order of landing.
        steps: the steps, with their commits.
        gates: results, in the order in which the gates ran.
        left_out: the steps that were not carried out, in the order of the plan.
        waiting: how many steps wait until the branches are merged.
        reason: why it failed; None with success.
        pull_requests: what became of the branches, where pull requests were asked for.
        notes: what a person should know.
    """

    run: int
    success: bool
    mode: Mode
    base: str
    branches: tuple[Made, ...]
    steps: tuple[StepState, ...]
    gates: tuple[GateResult, ...]
    left_out: tuple[LeftOut, ...]
    waiting: int
    reason: str | None
    pull_requests: tuple[Opened, ...] = ()
    notes: tuple[str, ...] = ()


class _Gated(NamedTuple):
    """A batch with what is left of it, what its gates said of that, and all that was asked."""

    batch: Batch
    built: Built
    gates: tuple[GateResult, ...]
    asked: tuple[GateResult, ...]


def carry_out_campaign(
    git: Git,
    settings: Settings,
    campaign: Campaign,
    line: Line,
    *,
    resumed: JournalRun | None = None,
    evidence: Callable[[Carried], Evidence] = plain_evidence,
    select: Selector | None = None,
    workers: Workers = HERE,
    observe: Callable[[Event], None] = lambda event: None,
    clock: Clock = utc_now,
    command: str | None = None,
    log_file: Path | None = None,
    publisher: Publisher | None = None,
) -> Result:
    """Carry batches of steps out on new branches.

    The user's checkout, index, stash, branches and list of work trees are the same afterwards, but
    for the new branches. What is left out is in the result; without anything that can be carried
    out, everything is left as it was.

    Args:
        git: the repository, seen from the root.
        settings: for the source roots that gates import from.
        campaign: what to do.
        line: the repository at the base commit.
        resumed: the run of this campaign that was killed, to go on with; None: a new one.
        evidence: turns what was done into the evidence, before branches are made.
        select: selects the tests of gates that ask for them.
        workers: how gates are run side by side.
        observe: told of each event of the run when the journal holds it.
        clock: tells the time for the journal.
        command: what to call this run when another one finds the lock taken.
        log_file: another file that the promotion log's lines are added to.
        publisher: opens pull requests; None: none is wanted.

    Raises:
        UsageError: a branch is there already or cannot be, the base commit is unknown, or no step
            can be carried out.
        EnvironmentFailure: another run is under way, or git, the disk or a step's fit failed.
            Everything was undone, unless branches had been made: then the run can be resumed.
    """
    single = campaign.mode == "single"
    branches = [campaign.branch] if single else [batch.branch for batch in campaign.batches]
    if campaign.mode == "wave":
        branches = branches[: sum(b.wave == campaign.batches[0].wave for b in campaign.batches)]
    start = RunStarted(
        base=campaign.base_commit,
        branch=branches[0],
        plan=campaign.plan_id,
        pid=os.getpid(),
        title=campaign.title,
        date=commit_date(clock) if resumed is None else resumed.begun.date,
        mode=campaign.mode,
        log_file=str(log_file or ""),
        order=campaign.order,
        batches={
            batch.number: tuple(step.id for step in batch.steps)
            for batch in campaign.batches
            if campaign.mode != "wave" or batch.wave == campaign.batches[0].wave
        },
    )
    with under_way(
        git,
        settings,
        start,
        branches=branches,
        resumed=resumed,
        select=select,
        workers=workers,
        observe=observe,
        clock=clock,
        command=command,
        keep_published=not single or publisher is not None,
    ) as (run, gating):
        result = _Campaign(run, gating, campaign, evidence, publisher).carry_out(line)
        if not result.success:
            gating.close()
            run.fail(result.reason or "")
        return result


class _Campaign:
    def __init__(
        self,
        run: Run,
        gating: Gating,
        campaign: Campaign,
        evidence: Callable[[Carried], Evidence],
        publisher: Publisher | None,
    ) -> None:
        self._run = run
        self._gating = gating
        self._campaign = campaign
        self._evidence = evidence
        self._publisher = publisher
        self._opened: list[Opened] = []
        self._below: str | None = None  # the branch that the next one of a stack is on
        self._left: dict[str, LeftOut] = {}
        self._before: tuple[GateResult, ...] = ()
        self._asked: list[GateResult] = []

    def carry_out(self, line: Line) -> Result:
        campaign, run = self._campaign, self._run
        run.clear()  # what a killed run left
        sieve = self._sieve()
        planned = [step for batch in campaign.batches for step in batch.steps]
        self._before = sieve.guard(campaign.base_commit, planned)
        self._asked += sieve.asked
        head = campaign.base_commit
        waves = [tuple(wave) for _, wave in groupby(campaign.batches, lambda batch: batch.wave)]
        if campaign.mode == "wave":
            waves, later = waves[:1], waves[1:]
        else:
            later = []
        done: list[_Gated] = []
        said: list[GateResult] = []
        for wave in waves:
            gated, together = self._wave(wave, head, line)
            if gated and campaign.mode != "wave":
                head, line = gated[-1].built.head, gated[-1].built.line
            done += gated
            said += [*(result for one in gated for result in one.gates), *together]
            if campaign.mode != "single":
                self._publish([self._carried(one, together) for one in gated])
        if campaign.mode == "single" and done:
            self._publish([self._all_carried(done, said)])
        if run.made:
            run.clear()
            run.finish()
        return self._result(done, sum(len(batch.steps) for wave in later for batch in wave))

    def _sieve(self) -> Sieve:
        return Sieve(self._run, self._gating, self._campaign.gates, self._left)

    # Batches and waves.

    def _wave(
        self, batches: Sequence[Batch], head: str, line: Line
    ) -> tuple[list[_Gated], tuple[GateResult, ...]]:
        """Build the batches of a wave, gate each and all together, and leave out what fails.

        Returns:
            The batches that have steps left, and what the gates of the wave said of them.
        """
        while True:
            found = self._apart if self._campaign.mode == "wave" else self._stacked
            tried = found(batches, head, line)
            self._asked += [result for one in tried for result in one.asked]
            gated = [one for one in tried if one.built.steps]
            sieve = self._sieve()
            if not gated or not sieve.guarded("wave"):
                return gated, ()
            said = sieve.sift(self._together(gated, head, line), line, "wave")
            self._asked += sieve.asked
            if said is not None:
                return gated, said

    def _apart(self, batches: Sequence[Batch], head: str, line: Line) -> list[_Gated]:
        """Work on batches that build on nothing of each other, each from one commit."""
        gating = self._gating

        def work(batch: Batch) -> _Gated:
            with gating.desk:
                return self._batch(batch, head, line)

        if gating.width == 1 or len(batches) == 1:
            return [self._batch(batch, head, line) for batch in batches]
        with gating.desk.left(), ThreadPoolExecutor(gating.width) as threads:
            futures = [threads.submit(work, batch) for batch in batches]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
                if failed := [one for one in futures if one.done() and one.exception()]:
                    failed[0].result()
            except BaseException:
                gating.stop()  # the other threads end with what they wait for
                threads.shutdown(wait=False, cancel_futures=True)
                raise
            return [future.result() for future in futures]

    def _stacked(self, batches: Sequence[Batch], head: str, line: Line) -> list[_Gated]:
        """Work on batches each of which builds on the one before.

        While the gates of one run, those of the next ones are asked ahead, as if nothing of it were
        to be left out.
        """
        tried: list[_Gated] = []
        ahead: deque[Built] = deque()
        for number, batch in enumerate(batches):
            sieve = self._sieve()
            if self._gating.width > 1 and sieve.guarded("batch"):
                for later in batches[number + len(ahead) : number + self._gating.width]:
                    start, on = (ahead[-1].head, ahead[-1].line) if ahead else (head, line)
                    ahead.append(sieve.build(start, on, later.steps))
                    sieve.foresee(ahead[-1], "batch")
            foreseen = ahead.popleft() if ahead else None
            one = self._batch(batch, head, line, foreseen)
            tried.append(one)
            if one.built.steps:
                head, line = one.built.head, one.built.line
            if one.built is not foreseen:
                ahead.clear()  # they would build on what is left out
                self._gating.forget()
        return tried

    def _batch(self, batch: Batch, head: str, line: Line, foreseen: Built | None = None) -> _Gated:
        """Build a batch, gate it, and leave out what fails.

        Args:
            batch: the batch.
            head: the commit to build on.
            line: the repository at it.
            foreseen: the batch on that commit, if it is built already.
        """
        sieve = self._sieve()
        while True:
            if foreseen is None:
                built = sieve.build(head, line, batch.steps, told=True)
            else:
                built, foreseen = foreseen, None
                sieve.adopt(built)
            said = sieve.sift(built, line, "batch")
            if said is not None:
                return _Gated(batch, built, said, tuple(sieve.asked))

    def _together(self, gated: Sequence[_Gated], head: str, line: Line) -> Built:
        """Return all that a wave moves on top of the commit that it builds on."""
        planned = tuple(step for one in gated for step in one.built.planned)
        if self._campaign.mode == "wave" and len(gated) > 1:
            return self._sieve().build(head, line, planned)
        steps = tuple(step for one in gated for step in one.built.steps)
        commits = tuple(commit for one in gated for commit in one.built.commits)
        last = gated[-1].built
        return Built(head, last.head, last.line, planned, steps, commits)

    # What comes of it.

    def _carried(self, gated: _Gated, together: tuple[GateResult, ...]) -> Carried:
        batch, built, said, _ = gated
        guards = {gate.name for gate in applying(self._campaign.gates, "before", built.moves)}
        before = tuple(result for result in self._before if result.name in guards)
        return Carried(
            batch.branch, batch.title, built.start, built.head, built.steps, built.commits,
            (*before, *said, *together),
        )  # fmt: skip

    def _all_carried(self, gated: Sequence[_Gated], said: Iterable[GateResult]) -> Carried:
        campaign = self._campaign
        return Carried(
            campaign.branch,
            campaign.title,
            campaign.base_commit,
            gated[-1].built.head,
            tuple(step for one in gated for step in one.built.steps),
            tuple(commit for one in gated for commit in one.built.commits),
            (*self._before, *said),
        )

    def _publish(self, carried: Sequence[Carried]) -> None:
        told = [(one, self._evidence(one)) for one in carried]
        self._run.publish(told)
        if self._publisher is None:
            return
        ready = []
        for one, evidence in told:
            before = None
            if self._campaign.mode == "stack":
                before, self._below = self._below, one.branch
            ready.append(Ready(one, to_markdown(evidence), before))
        self._opened += self._publisher.publish(ready, self._run.record)

    def _result(self, done: Sequence[_Gated], waiting: int) -> Result:
        left_out = tuple(
            self._left[step.id]
            for batch in self._campaign.batches
            for step in batch.steps
            if step.id in self._left
        )
        reason = None
        if not done:
            failed = next((left for left in left_out if left.gate is not None), None)
            if failed is None:
                first = f": {left_out[0].reason}" if left_out else ""
                raise UsageError(f"no step of the plan can be carried out{first}")
            assert failed.gate is not None
            reason = why_failed(failed.gate)
        return Result(
            run=self._run.number,
            success=bool(done),
            mode=self._campaign.mode,
            base=self._campaign.base_commit,
            branches=tuple(self._run.made),
            steps=tuple(
                StepState(step.id, commit)
                for one in done
                for step, commit in zip(one.built.steps, one.built.commits, strict=True)
            ),
            gates=tuple(self._asked),
            left_out=left_out,
            waiting=waiting,
            reason=reason,
            pull_requests=tuple(self._opened),
            notes=tuple(self._publisher.notes) if self._publisher is not None else (),
        )

"""Carrying many steps out in batches: gated together, what fails is found and left out.

A batch is gated once. Where a gate fails, the largest part of the batch that passes is found
(`lane_planner.executor.bisect`), and the rest is left out with what waits for it: the gate's output
is the evidence (LP405). Gates of scope "wave" run once on all that a wave moved.

How branches are made of it is the mode:

- single: one branch, all batches one after the other;
- stack: a branch a batch, each on the one before;
- wave: a branch a batch, each on the base commit, as steps of a wave need nothing of each other.
  The next wave builds on what they become when they are merged, so the run ends with its first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.config.settings import Gate, Settings
from lane_planner.executor.bisect import Kept, Verdict, largest_good
from lane_planner.executor.carry_out import require_planned, why_failed
from lane_planner.executor.journal import (
    Clock,
    Event,
    Mode,
    RunStarted,
    StepDropped,
    StepState,
    utc_now,
)
from lane_planner.executor.journal import Run as JournalRun
from lane_planner.executor.publishing import Opened, Publisher, Ready
from lane_planner.executor.run import (
    Carried,
    GateRunner,
    Made,
    Run,
    Selector,
    Step,
    after_steps,
    before_moving,
    commit_date,
    plain_evidence,
    under_way,
)
from lane_planner.gates.command import GateResult, run_gate
from lane_planner.gates.evidence import Evidence, to_markdown
from lane_planner.gates.select import applying
from lane_planner.planner.schema import PlannedStep
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.values import FileMove, Promotion

_WORD = re.compile(r"[\w./-]+")


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


class LeftOut(msgspec.Struct, frozen=True):
    """A step that was not carried out.

    Attributes:
        step: its id.
        modules: its modules.
        reason: the place and the cause, the gate that failed, or the step that it waits for.
        code: "LP405" where a gate failed.
        gate: how it failed.
    """

    step: str
    modules: tuple[str, ...]
    reason: str
    code: str | None = None
    gate: GateResult | None = None


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


class Line(Protocol):
    """The repository after some steps, on which the next one is worked out."""

    def fork(self) -> Self:
        """Return another one that goes its own way from here."""

    def take(self, step: PlannedStep) -> Promotion:
        """Work a step out, and be the repository after it.

        Raises:
            Refused: it cannot be done surely; the line is as it was.
        """


class _Built(NamedTuple):
    """Steps on top of a commit."""

    start: str
    head: str
    line: Line
    planned: tuple[PlannedStep, ...]
    steps: tuple[Step, ...]
    commits: tuple[str, ...]


class _Gated(NamedTuple):
    """A batch with what is left of it."""

    batch: Batch
    built: _Built
    gates: tuple[GateResult, ...]


def carry_out_campaign(
    git: Git,
    settings: Settings,
    campaign: Campaign,
    line: Line,
    *,
    resumed: JournalRun | None = None,
    evidence: Callable[[Carried], Evidence] = plain_evidence,
    runner: GateRunner = run_gate,
    select: Selector | None = None,
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
        runner: runs a gate.
        select: selects the tests of gates that ask for them.
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
        order=campaign.order,
    )
    with under_way(
        git,
        settings,
        start,
        branches=branches,
        resumed=resumed,
        runner=runner,
        select=select,
        observe=observe,
        clock=clock,
        command=command,
        keep_published=not single or publisher is not None,
        log_file=log_file,
    ) as run:
        result = _Campaign(run, campaign, evidence, publisher).carry_out(line)
        if not result.success:
            run.fail(result.reason or "")
        return result


class _Campaign:
    def __init__(
        self,
        run: Run,
        campaign: Campaign,
        evidence: Callable[[Carried], Evidence],
        publisher: Publisher | None,
    ) -> None:
        self._run = run
        self._campaign = campaign
        self._evidence = evidence
        self._publisher = publisher
        self._opened: list[Opened] = []
        self._below: str | None = None  # the branch that the next one of a stack is on
        self._left: dict[str, LeftOut] = {}

    def carry_out(self, line: Line) -> Result:
        campaign, run = self._campaign, self._run
        run.clear()  # what a killed run left
        self._before()
        head = campaign.base_commit
        waves = [tuple(wave) for _, wave in groupby(campaign.batches, lambda batch: batch.wave)]
        if campaign.mode == "wave":
            waves, later = waves[:1], waves[1:]
        else:
            later = []
        done: list[_Gated] = []
        for wave in waves:
            gated = self._wave(wave, head, line)
            if gated and campaign.mode != "wave":
                head, line = gated[-1].built.head, gated[-1].built.line
            done += gated
            if campaign.mode != "single":
                self._publish([self._carried(one) for one in gated])
        if campaign.mode == "single" and done:
            self._publish([self._all_carried(done)])
        if run.made:
            run.clear()
            run.finish()
        return self._result(done, sum(len(batch.steps) for wave in later for batch in wave))

    # Batches and waves.

    def _wave(self, batches: Sequence[Batch], head: str, line: Line) -> list[_Gated]:
        """Build the batches of a wave, gate each and all together, and leave out what fails."""
        while True:
            gated: list[_Gated] = []
            start, on = head, line
            for batch in batches:
                one = self._batch(batch, start, on)
                if one.built.steps:
                    gated.append(one)
                    if self._campaign.mode != "wave":
                        start, on = one.built.head, one.built.line
            if not self._gates("wave") or not gated:
                return gated
            if not self._drop_failing(self._together(gated, head, line), line, "wave"):
                return gated

    def _together(self, gated: Sequence[_Gated], head: str, line: Line) -> _Built:
        """Return all that a wave moves on top of the commit that it builds on."""
        planned = tuple(step for one in gated for step in one.built.planned)
        if self._campaign.mode == "wave" and len(gated) > 1:
            return self._build(head, line, planned)
        steps = tuple(step for one in gated for step in one.built.steps)
        commits = tuple(commit for one in gated for commit in one.built.commits)
        last = gated[-1].built
        return _Built(head, last.head, last.line, planned, steps, commits)

    def _batch(self, batch: Batch, head: str, line: Line) -> _Gated:
        """Build a batch, gate it, and leave out what fails."""
        while True:
            built = self._build(head, line, batch.steps, told=True)
            first = len(self._run.gates)
            if not self._drop_failing(built, line, "batch"):
                return _Gated(batch, built, tuple(self._run.gates[first:]))

    def _drop_failing(self, whole: _Built, line: Line, scope: str) -> bool:
        """Run the gates of a scope on steps, and leave out those that fail; tell whether any do.

        Args:
            whole: the steps.
            line: the repository before them.
            scope: "batch" or "wave".
        """
        gates = self._gates(scope)
        failed = self._failing(whole, gates)
        if failed is None:
            return False
        gate = next(gate for gate in gates if gate.name == failed.name)
        # Nothing has changed there; but what runs is what would run with the steps.
        trial = after_steps(whole.start, whole.steps)
        without = self._run.failing([gate], trial)
        if without is not None:
            self._drop_concerned(gate, without, whole.planned, "without these steps already")
            return True
        failures = {frozenset(step.id for step in whole.steps): failed}

        def verdict(ids: frozenset[str]) -> Verdict:
            built = self._build(whole.start, line, [s for s in whole.planned if s.id in ids])
            if len(built.steps) < len(ids):
                return Verdict(False)  # without the others, one cannot be worked out
            result = self._failing(built, gates)
            if result is None:
                return Verdict(True)
            failures[ids] = result
            return Verdict(False, _suspects(result, built.steps))

        items = [step.id for step in whole.steps]
        needs = {s.id: frozenset(s.after).intersection(items) for s in whole.planned}
        said = Verdict(False, _suspects(failed, whole.steps))
        kept = largest_good(items, needs, verdict, whole=said)
        self._drop(kept, failures, {step.id: step for step in whole.planned})
        return True

    def _gates(self, scope: str) -> list[Gate]:
        return [g for g in self._campaign.gates if g.phase == "after" and g.scope == scope]

    def _before(self) -> None:
        """Run the gates that guard what leaves, on the base commit."""
        campaign = self._campaign
        planned = [step for batch in campaign.batches for step in batch.steps]
        moves = _moves(planned)
        for gate in applying(campaign.gates, "before", moves):
            failed = self._run.failing([gate], before_moving(campaign.base_commit, moves))
            if failed is not None:
                self._drop_concerned(gate, failed, planned, "on the base commit")

    def _build(
        self, head: str, line: Line, planned: Iterable[PlannedStep], *, told: bool = False
    ) -> _Built:
        """Commit steps on top of a commit, without those that are left out by now.

        Args:
            head: the commit.
            line: the repository at it; it stays there.
            planned: the steps.
            told: whether it is no trial: then the journal holds it, and steps that cannot be
                worked out are left out for good.
        """
        line = line.fork()
        taken: list[PlannedStep] = []
        steps: list[Step] = []
        commits: list[str] = []
        with self._run.writer(head) as writer:
            for step in planned:
                if step.id in self._left:
                    continue
                reason = next(
                    (f"it waits for step {other}" for other in step.after if other in self._left),
                    None,
                )
                if reason is None:
                    try:
                        promotion = line.take(step)
                    except Refused as refusal:
                        reason = f"{printable(refusal.path)}:{refusal.line}: {refusal.reason}"
                if reason is not None:
                    if told:
                        self._leave(LeftOut(step.id, step.modules, reason))
                    continue
                made = Step(step.id, promotion)
                require_planned(made, _moves([step]))
                commits.append(self._run.commit(writer, made, told=told))
                taken.append(step)
                steps.append(made)
            return _Built(head, writer.head, line, tuple(taken), tuple(steps), tuple(commits))

    def _failing(self, built: _Built, gates: Sequence[Gate]) -> GateResult | None:
        trial = after_steps(built.head, built.steps)
        if not trial.moves:
            return None
        return self._run.failing(applying(gates, "after", trial.moves), trial)

    # What is left out.

    def _drop_concerned(
        self, gate: Gate, failed: GateResult, planned: Iterable[PlannedStep], where: str
    ) -> None:
        """Leave out the steps that a gate guards."""
        for step in planned:
            if step.id not in self._left and applying([gate], gate.phase, _moves([step])):
                reason = f"LP405: {why_failed(failed)} {where}"
                self._leave(LeftOut(step.id, step.modules, reason, "LP405", failed))

    def _drop(
        self,
        kept: Kept,
        failures: Mapping[frozenset[str], GateResult],
        steps: Mapping[str, PlannedStep],
    ) -> None:
        """Leave out what bisection found, each step with the gate that failed for it."""
        for dropped in kept.dropped:
            planned = steps[dropped.item]
            together = frozenset(dropped.because)
            if dropped.item in together:
                shown = failures.get(together) or _nearest(failures, together)
                others = [item for item in dropped.because if item != dropped.item]
                reason = f"LP405: {why_failed(shown)}"
                if others:
                    reason += f", together with {', '.join(others)}"
                left = LeftOut(planned.id, planned.modules, reason, "LP405", shown)
            elif together:
                waits_for = dropped.because[0]
                left = LeftOut(planned.id, planned.modules, f"it waits for step {waits_for}")
            else:
                shown = _nearest(failures, frozenset([dropped.item]))
                reason = f"LP405: {why_failed(shown)}, and it could not be told for which step"
                left = LeftOut(planned.id, planned.modules, reason, "LP405", shown)
            self._leave(left)

    def _leave(self, left: LeftOut) -> None:
        self._left[left.step] = left
        self._run.record(StepDropped(left.step, left.reason))

    # What comes of it.

    def _carried(self, gated: _Gated) -> Carried:
        batch, built, gates = gated
        return Carried(
            batch.branch, batch.title, built.start, built.head, built.steps, built.commits, gates
        )

    def _all_carried(self, gated: Sequence[_Gated]) -> Carried:
        campaign = self._campaign
        return Carried(
            campaign.branch,
            campaign.title,
            campaign.base_commit,
            gated[-1].built.head,
            tuple(step for one in gated for step in one.built.steps),
            tuple(commit for one in gated for commit in one.built.commits),
            tuple(self._run.gates),
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
            gates=tuple(self._run.gates),
            left_out=left_out,
            waiting=waiting,
            reason=reason,
            pull_requests=tuple(self._opened),
            notes=tuple(self._publisher.notes) if self._publisher is not None else (),
        )


def _moves(planned: Iterable[PlannedStep]) -> tuple[FileMove, ...]:
    return tuple(FileMove(move.source, move.target) for step in planned for move in step.moves)


def _nearest(failures: Mapping[frozenset[str], GateResult], steps: frozenset[str]) -> GateResult:
    """Return the failure of the smallest set with some steps in it; there is that of all steps."""
    return failures[min((s for s in failures if steps <= s), key=lambda s: (len(s), sorted(s)))]


def _suspects(failed: GateResult, steps: Collection[Step]) -> frozenset[str]:
    """Return the steps, modules or files of which a gate's output names."""
    said = {word.rstrip(".") for word in _WORD.findall(failed.output)}
    found = set()
    for step in steps:
        names = {name for pair in step.promotion.renamed for name in pair}
        names.update(p for move in step.promotion.moves for p in (move.source, move.target))
        if not names.isdisjoint(said):
            found.add(step.id)
    return frozenset(found)

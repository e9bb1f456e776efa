"""What of some steps can stand: they are built, gated, and parted from what makes a gate fail.

Gates are run on all steps at once. Where one fails, the largest part of the steps that passes is
found (`lane_planner.executor.bisection`), and the rest is left out with what waits for it: the
gate's output is the evidence (LP405).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, Self

import msgspec

from lane_planner.base.text import printable
from lane_planner.config.settings import Gate, Scope
from lane_planner.executor.bisection.bisect import Kept, Verdict, largest_good
from lane_planner.executor.carry_out import require_planned, why_failed
from lane_planner.executor.gating.gating import Gating, first_failure
from lane_planner.executor.gating.trials import Step, Trial, after_steps, before_moving
from lane_planner.executor.records.journal import StepDropped
from lane_planner.executor.run import Run
from lane_planner.gates.command import GateResult
from lane_planner.gates.select import applying
from lane_planner.planner.schema import PlannedStep
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.values import FileMove, Promotion

_WORD = re.compile(r"[\w./-]+")


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


class Line(Protocol):
    """The repository after some steps, on which the next one is worked out."""

    def fork(self) -> Self:
        """Return another one that goes its own way from here."""

    def take(self, step: PlannedStep) -> Promotion:
        """Work a step out, and be the repository after it.

        Raises:
            Refused: it cannot be done surely; the line is as it was.
        """


class Built(NamedTuple):
    """Steps on top of a commit.

    Attributes:
        start: the commit.
        head: the commit of the last step.
        line: the repository at it.
        planned: the steps as planned.
        steps: as worked out.
        commits: the commit of each.
        refused: those that could not be worked out.
    """

    start: str
    head: str
    line: Line
    planned: tuple[PlannedStep, ...]
    steps: tuple[Step, ...]
    commits: tuple[str, ...]
    refused: tuple[LeftOut, ...] = ()

    @property
    def moves(self) -> tuple[FileMove, ...]:
        """What moves, as planned."""
        return _moves(self.planned)

    @property
    def trial(self) -> Trial:
        """What gates after the moves are run on."""
        return after_steps(self.head, self.steps)


class Sieve:
    """Parts steps from those that cannot stand.

    Args:
        run: makes the commits, and writes down what is left out.
        gating: runs gates.
        gates: the configured gates.
        left: the steps that are left out so far, by id; it grows.

    Attributes:
        asked: what gates said, in the order in which they were asked.
    """

    def __init__(
        self, run: Run, gating: Gating, gates: Iterable[Gate], left: dict[str, LeftOut]
    ) -> None:
        self.asked: list[GateResult] = []
        self._run = run
        self._gating = gating
        self._gates = tuple(gates)
        self._left = left

    def guarded(self, scope: Scope) -> bool:
        """Tell whether there are gates of a scope."""
        return any(self._scoped(scope))

    def guard(self, commit: str, planned: Collection[PlannedStep]) -> tuple[GateResult, ...]:
        """Run the gates that guard what leaves, and leave out what they guard if they fail.

        Args:
            commit: full id of the commit that it leaves from.
            planned: the steps.

        Returns:
            The results of those that pass.
        """
        moves = _moves(planned)
        passed = []
        for gate in applying(self._gates, "before", moves):
            [result] = self._ask([gate], before_moving(commit, moves))
            if result.passed:
                passed.append(result)
            else:
                self._drop_concerned(gate, result, planned, "on the base commit")
        return tuple(passed)

    def build(
        self, head: str, line: Line, planned: Iterable[PlannedStep], *, told: bool = False
    ) -> Built:
        """Commit steps on top of a commit, without those that are left out by now.

        Args:
            head: the commit.
            line: the repository at it; it stays there.
            planned: the steps.
            told: whether it is no trial: then the journal holds it, and steps that cannot be
                worked out are left out for good.

        Raises:
            EnvironmentFailure: git or the disk failed, or a step moves what was not planned.
        """
        line = line.fork()
        taken: list[PlannedStep] = []
        steps: list[Step] = []
        commits: list[str] = []
        refused: list[LeftOut] = []
        out = set(self._left)
        with self._run.writer(head) as writer:
            for step in planned:
                if step.id in out:
                    continue
                reason = next(
                    (f"it waits for step {other}" for other in step.after if other in out), None
                )
                if reason is None:
                    try:
                        promotion = line.take(step)
                    except Refused as refusal:
                        reason = f"{printable(refusal.path)}:{refusal.line}: {refusal.reason}"
                if reason is not None:
                    refused.append(LeftOut(step.id, step.modules, reason))
                    out.add(step.id)
                    if told:
                        self._leave(refused[-1])
                    continue
                made = Step(step.id, promotion)
                require_planned(made, _moves([step]))
                commits.append(self._run.commit(writer, made, told=told))
                taken.append(step)
                steps.append(made)
            return Built(
                head, writer.head, line, tuple(taken), tuple(steps), tuple(commits), tuple(refused)
            )

    def adopt(self, built: Built) -> None:
        """Let the journal hold what was built on trial, as it has come as was foreseen."""
        for left in built.refused:
            self._leave(left)
        parent = built.start
        for step, commit in zip(built.steps, built.commits, strict=True):
            self._run.tell(step, parent, commit)
            parent = commit

    def foresee(self, built: Built, scope: Scope) -> None:
        """Have the gates of a scope run on steps that `sift` will be asked about."""
        if gates := applying(self._scoped(scope), "after", built.trial.moves):
            self._gating.foresee(gates, built.trial)

    def sift(self, whole: Built, line: Line, scope: Scope) -> tuple[GateResult, ...] | None:
        """Run the gates of a scope on steps, and leave out those that fail.

        Args:
            whole: the steps.
            line: the repository before them.
            scope: "batch" or "wave".

        Returns:
            What the gates said; None: steps were left out.
        """
        results = self._results(whole, scope)
        failed = first_failure(results)
        if failed is None:
            return results
        gate = next(gate for gate in self._scoped(scope) if gate.name == failed.name)
        # Nothing has changed there; but what runs is what would run with the steps.
        trial = after_steps(whole.start, whole.steps)
        without = first_failure(self._ask([gate], trial))
        if without is not None:
            self._drop_concerned(gate, without, whole.planned, "without these steps already")
            return None
        failures = {frozenset(step.id for step in whole.steps): failed}

        def verdict(ids: frozenset[str]) -> Verdict:
            built = self.build(whole.start, line, [s for s in whole.planned if s.id in ids])
            if len(built.steps) < len(ids):
                return Verdict(False)  # without the others, one cannot be worked out
            result = first_failure(self._results(built, scope))
            if result is None:
                return Verdict(True)
            failures[ids] = result
            return Verdict(False, _suspects(result, built.steps))

        items = [step.id for step in whole.steps]
        needs = {s.id: frozenset(s.after).intersection(items) for s in whole.planned}
        said = Verdict(False, _suspects(failed, whole.steps))
        kept = largest_good(items, needs, verdict, whole=said)
        self._drop(kept, failures, {step.id: step for step in whole.planned})
        return None

    def _scoped(self, scope: Scope) -> list[Gate]:
        return [gate for gate in self._gates if gate.phase == "after" and gate.scope == scope]

    def _results(self, built: Built, scope: Scope) -> tuple[GateResult, ...]:
        trial = built.trial
        if not trial.moves:
            return ()
        return self._ask(applying(self._scoped(scope), "after", trial.moves), trial)

    def _ask(self, gates: Sequence[Gate], trial: Trial) -> tuple[GateResult, ...]:
        results = self._gating.run(gates, trial)
        self.asked += results
        return results

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

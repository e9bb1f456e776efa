"""What gates say of commits: asked once, remembered, and asked ahead where there is room.

A run decides step after step, in one order, whatever the number of rooms: what it will want to
know next can be asked ahead (`Gating.foresee`), and is then there when it asks. So more rooms
change when a gate runs, and never what comes of it.

Batches that build on nothing of each other are worked on by threads, which take turns (`Desk`):
one of them builds and decides while the gates of the others run.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import NamedTuple, Self

from lane_planner.base.git import Git
from lane_planner.config.gates import TESTS
from lane_planner.config.settings import Gate
from lane_planner.executor.gating.rooms import GateJob, Halls, Ready
from lane_planner.executor.gating.trials import Selector, Trial
from lane_planner.executor.records.journal import Event, GateAbandoned, GateFinished, GateStarted
from lane_planner.gates.command import GateResult
from lane_planner.gates.placeholders import with_paths
from lane_planner.gates.select import Phase, phase_paths


class Desk:
    """The one place where a run is worked on: it has one seat.

    A context manager: whoever is inside may use the repository's state in memory, the journal and
    the scratch directory.
    """

    def __init__(self) -> None:
        self._seat = threading.Lock()

    def __enter__(self) -> Self:
        self._seat.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._seat.release()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leave it while the block waits for something."""
        self._seat.release()
        try:
            yield
        finally:
            self._seat.acquire()


class Asked(NamedTuple):
    """A question to a gate; the same question has the same answer."""

    commit: str
    gate: str
    phase: Phase
    digest: str


class Gating:
    """The gates of a run.

    All methods are for whoever is at the desk, which they leave while they wait.

    Args:
        git: the repository, seen from the root.
        base: full id of the commit that the run builds on.
        halls: where gates run.
        record: writes events into the journal.
        select: selects the tests of gates that ask for them; None: none does.
        known: what gates said when this run was under way before.

    Attributes:
        desk: taken by whoever works on the run.
        width: how many jobs can run side by side.
    """

    def __init__(
        self,
        git: Git,
        base: str,
        halls: Halls,
        record: Callable[[Event], None],
        *,
        select: Selector | None = None,
        known: Iterable[GateFinished] = (),
    ) -> None:
        self.desk = Desk()
        self.width = halls.width
        self._git = git
        self._base = base
        self._halls = halls
        self._record = record
        self._select = select
        self._said = {
            Asked(event.commit, event.result.name, event.result.phase, event.asked): event.result
            for event in known
        }
        self._ahead: dict[Trial, Future[None]] = {}
        self._selected: tuple[Trial, tuple[str, ...]] | None = None
        self._listed: dict[str, frozenset[str]] = {}
        self._closed = False

    def run(self, gates: Sequence[Gate], trial: Trial) -> tuple[GateResult, ...]:
        """Run gates on a trial, in order, and return what they say up to the first that fails.

        Raises:
            EnvironmentFailure: git, the disk or the cluster failed.
        """
        if (future := self._ahead.pop(trial, None)) is not None:
            self._wait(future)
        asked = self._asked(gates, trial)
        if (job := self._job(asked, trial)) is not None:
            self._wait(self._submit(job, trial))
        results = []
        for question, _ in asked:
            results.append(self._said[question])
            if not results[-1].passed:
                break
        return tuple(results)

    def foresee(self, gates: Sequence[Gate], trial: Trial) -> None:
        """Have gates run on a trial that they will be asked about, as soon as there is room."""
        if trial not in self._ahead:
            job = self._job(self._asked(gates, trial), trial)
            if job is not None:
                self._ahead[trial] = self._submit(job, trial)

    def forget(self) -> None:
        """Give up what was asked ahead and is not known yet: it came otherwise."""
        for future in self._ahead.values():
            self._halls.abandon(future)
        self._ahead.clear()

    def stop(self) -> None:
        """End what is under way; whoever waits for it gets an exception."""
        self._closed = True
        self._halls.stop()

    def close(self) -> None:
        """End what is under way, and wait until it has ended."""
        self.stop()
        with self.desk.left():
            self._halls.wait()

    def _wait(self, future: Future[None]) -> None:
        with self.desk.left():
            future.result()

    def _submit(self, job: GateJob, trial: Trial) -> Future[None]:
        return self._halls.submit(job, _Notes(self, job, trial))

    def note(self, event: Event) -> None:
        """Write an event of a gate into the journal, unless all was ended meanwhile."""
        with self.desk:
            if not self._closed:
                self._record(event)

    def learn(self, asked: Asked, result: GateResult) -> None:
        """Remember what a gate says, unless all was ended meanwhile."""
        with self.desk:
            if not self._closed:
                self._learn(asked, result)

    def _learn(self, asked: Asked, result: GateResult) -> None:
        self._said[asked] = result
        self._record(GateFinished(asked.commit, result, asked.digest))

    def _asked(self, gates: Sequence[Gate], trial: Trial) -> list[tuple[Asked, Ready | GateResult]]:
        """Return the questions, and what is run to answer each, or the answer."""
        modules = self._modules(trial.commit, trial, trial.phase)
        there = self._modules(self._base, trial, "before")
        found: list[tuple[Asked, Ready | GateResult]] = []
        for gate in gates:
            tests = self._tests(trial) if TESTS in gate.command else ()
            command = with_paths(gate, tests=tests, modules=modules)
            if isinstance(command, GateResult):
                found.append((_question(trial, Ready(gate, gate, None), modules), command))
                continue
            base = None
            if gate.benchmark is not None:
                measured = with_paths(gate, tests=(), modules=there)
                assert isinstance(measured, Gate)  # the configuration allows no tests in it
                base = measured
            ready = Ready(gate, command, base)
            found.append((_question(trial, ready, modules), ready))
        return found

    def _job(
        self, asked: Iterable[tuple[Asked, Ready | GateResult]], trial: Trial
    ) -> GateJob | None:
        """Return what has to be run to know the answers, or None if all are known."""
        wanted: list[Ready] = []
        for question, ready in asked:
            if isinstance(ready, GateResult) and question not in self._said:
                self._learn(question, ready)
            if (said := self._said.get(question)) is None:
                assert isinstance(ready, Ready)
                wanted.append(ready)
            elif not said.passed:
                break
        if not wanted:
            return None
        return GateJob(
            trial.commit,
            trial.phase,
            self._modules(trial.commit, trial, trial.phase),
            self._modules(self._base, trial, "before"),
            tuple(wanted),
        )

    def _tests(self, trial: Trial) -> tuple[str, ...]:
        assert self._select is not None  # whoever runs configured gates gives one
        if self._selected is None or self._selected[0] != trial:
            self._selected = (trial, self._select(trial))
        return self._selected[1]

    def _modules(self, commit: str, trial: Trial, phase: Phase) -> tuple[str, ...]:
        # A file that moves on, or that an earlier step brings, is not there in this commit.
        if commit not in self._listed:
            base = {self._base: self._listed[self._base]} if self._base in self._listed else {}
            self._listed = {**base, commit: self._git.files(commit)}
        there = self._listed[commit]
        return tuple(path for path in phase_paths(phase, trial.moves) if path in there)


class _Notes:
    """Takes down what becomes of the gates of a job."""

    def __init__(self, gating: Gating, job: GateJob, trial: Trial) -> None:
        self._gating = gating
        self._job = job
        self._trial = trial

    def began(self, ready: Ready) -> None:
        gate = ready.gate.name
        self._gating.note(GateStarted(self._trial.commit, gate, self._trial.phase))

    def ended(self, ready: Ready, result: GateResult) -> None:
        self._gating.learn(_question(self._trial, ready, self._job.modules), result)

    def abandoned(self, ready: Ready) -> None:
        gate = ready.gate.name
        self._gating.note(GateAbandoned(self._trial.commit, gate, self._trial.phase))


def first_failure(results: Iterable[GateResult]) -> GateResult | None:
    """Return the first result that is a failure, or None if all passed."""
    return next((result for result in results if not result.passed), None)


def _question(trial: Trial, ready: Ready, modules: Sequence[str]) -> Asked:
    """Return what a gate is asked: of a commit, and by its arguments and environment."""
    told = "\0".join((*ready.command.command, "", *modules))
    digest = hashlib.sha256(os.fsencode(told)).hexdigest()[:16]
    return Asked(trial.commit, ready.gate.name, trial.phase, digest)

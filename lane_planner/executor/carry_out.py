"""Carrying steps out: one branch, one commit a step, gates around them, all of it or nothing.

What happens, in order:

1. the run lock is taken; the branch name, the identity and the base commit are checked;
2. the journal says that the run starts;
3. "before" gates run on the base commit, in the tool's own work tree;
4. each step: the journal says that it is intended, it is committed, the journal says so;
5. "after" gates run on the result, at the end or after each step;
6. the work tree and the temporary index are removed and the evidence is written;
7. the journal says that the branch is intended, and one ref transaction makes it;
8. the journal says that the run is done.

Until 7 nothing refers to what was made, so a failure or an interrupt before it leaves no trace in
the repository, and one after it takes the branch back. A kill leaves unreferenced objects, the
tool's own files, which the next run clears, and a journal that reads "interrupted".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from lane_planner.base.errors import EnvironmentFailure, LanePlannerError, UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.config.settings import Gate, Settings
from lane_planner.executor.files import remove, write_atomically
from lane_planner.executor.git_write import (
    TreeWriter,
    create_branch,
    delete_branch,
    identity,
    message_of,
    require_free_branch,
)
from lane_planner.executor.journal import (
    BranchIntended,
    Clock,
    Event,
    GateFinished,
    Journal,
    RunFinished,
    RunRolledBack,
    RunStarted,
    StepCommitted,
    StepIntended,
    StepState,
    utc_now,
)
from lane_planner.executor.lock import run_lock
from lane_planner.executor.places import (
    evidence_paths,
    journal_path,
    lock_path,
    modules_path,
    scratch_path,
)
from lane_planner.executor.signals import undoable_termination, uninterrupted
from lane_planner.executor.worktree import Worktree
from lane_planner.gates.command import GateResult, gate_environment, run_gate
from lane_planner.gates.evidence import Evidence, evidence_of, to_json, to_markdown
from lane_planner.gates.select import Phase, applying, phase_paths
from lane_planner.promotion.history import apart
from lane_planner.promotion.values import FileMove, Promotion


class Step(msgspec.Struct, frozen=True):
    """One commit to make.

    Attributes:
        id: the plan's name for it ("s0001").
        promotion: what it changes in the tree it builds on.
        title: the first line of its commit message; None: the promotion's own.
    """

    id: str
    promotion: Promotion
    title: str | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to do.

    Attributes:
        base_commit: full id of the commit to start from.
        branch: name of the branch to make.
        title: of the evidence and the pull request.
        plan_id: id of the plan, for the journal and the commits' trailers.
        moves: every file move of the run, as planned: by them the "before" gates are chosen, and
            a step that moves anything else is refused, but for what goes along with it.
        gates: the configured gates; those that apply run, in this order, up to the first that
            fails.
        gate_each_step: whether "after" gates run after each step, on what it moved; else once,
            at the end.
    """

    base_commit: str
    branch: str
    title: str
    plan_id: str
    moves: tuple[FileMove, ...]
    gates: tuple[Gate, ...] = ()
    gate_each_step: bool = False


class Carried(msgspec.Struct, frozen=True):
    """What a run has done, on the point of becoming a branch.

    Attributes:
        job: what it was to do.
        commit: the commit that the branch will be at.
        steps: the steps, in order.
        commits: the commit of each.
        gates: results, in the order in which the gates ran.
    """

    job: Job
    commit: str
    steps: tuple[Step, ...]
    commits: tuple[str, ...]
    gates: tuple[GateResult, ...]


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended.

    Attributes:
        run: its number in the journal.
        success: whether the branch was made; if not, a gate failed, and all was undone.
        branch: name of the branch.
        base: the commit it builds on.
        commit: the commit that the branch is at; None without success.
        steps: the steps, with their commits (unreferenced ones without success).
        gates: results, in the order in which the gates ran.
        evidence: paths of the evidence as JSON and as Markdown; empty without success.
        reason: why it failed; None with success.
    """

    run: int
    success: bool
    branch: str
    base: str
    commit: str | None
    steps: tuple[StepState, ...]
    gates: tuple[GateResult, ...]
    evidence: tuple[str, ...]
    reason: str | None


class GateRunner(Protocol):
    """Runs a gate in a directory; `run_gate` is the one for this machine."""

    def __call__(self, gate: Gate, cwd: Path, *, environment: Mapping[str, str]) -> GateResult: ...


NextStep = Callable[[str], Step | None]
"""Given the commit that it will build on, returns the next step, or None after the last."""


def in_order(steps: Iterable[Step]) -> NextStep:
    """Return the source of steps that are known beforehand."""
    remaining = iter(steps)
    return lambda commit: next(remaining, None)


def plain_evidence(carried: Carried) -> Evidence:
    """Return the evidence that the run itself knows: without coverage and imports."""
    return evidence_of(
        carried.job.title,
        [step.promotion for step in carried.steps],
        base=carried.job.base_commit,
        result=carried.commit,
        gates=carried.gates,
    )


def carry_out(
    git: Git,
    settings: Settings,
    job: Job,
    next_step: NextStep,
    *,
    evidence: Callable[[Carried], Evidence] = plain_evidence,
    runner: GateRunner = run_gate,
    observe: Callable[[Event], None] = lambda event: None,
    clock: Clock = utc_now,
    command: str | None = None,
) -> Outcome:
    """Carry steps out on a new branch, or leave everything as it was.

    The user's checkout, index, stash, branches and list of work trees are the same afterwards,
    but for the new branch.

    Args:
        git: the repository, seen from the root.
        settings: for the source roots that gates import from.
        job: what to do.
        next_step: asked for each step when the former one is committed.
        evidence: turns what was done into the evidence, before the branch is made.
        runner: runs a gate.
        observe: told of each event of the run, but not of its being undone, when the journal
            holds it.
        clock: tells the time for the journal.
        command: what to call this run when another one finds the lock taken; the process's
            command line by default.

    Returns:
        How it ended. A gate that fails is an outcome without success.

    Raises:
        UsageError: the branch is there already or cannot be, the base commit is unknown, or
            there is no step.
        EnvironmentFailure: another run is under way, or git, the disk or a step's fit failed.
            Everything was undone; what could not be is in the exception's notes.
    """
    called = " ".join(sys.argv) if command is None else command
    with (
        run_lock(lock_path(git), command=called, since=clock()),
        undoable_termination(),
    ):
        if git.commit_id(job.base_commit) != job.base_commit:
            raise UsageError(f"there is no commit {printable(job.base_commit)}")
        require_free_branch(git, job.branch)
        identity(git)
        with Journal.open(journal_path(git), clock=clock) as journal:
            start = RunStarted(job.base_commit, job.branch, job.plan_id, os.getpid())
            number = journal.start(start)
            run = _Run(git, settings, job, journal, number, runner, observe)
            try:
                observe(start)
                outcome = run.attempt(next_step, evidence)
                if outcome.success:
                    return outcome
            except BaseException as error:
                # Also an interrupt or an exit: whatever ends the run undoes it.
                for trouble in run.undo(_reason(error)):
                    error.add_note(trouble)
                raise
            leftovers = run.undo(outcome.reason or "")
            if leftovers:
                raise EnvironmentFailure(
                    f"{outcome.reason}, and not all could be undone: {'; '.join(leftovers)}"
                )
            return outcome


class _Run:
    """One run: what it has made so far, and how to undo it."""

    def __init__(
        self,
        git: Git,
        settings: Settings,
        job: Job,
        journal: Journal,
        number: int,
        runner: GateRunner,
        observe: Callable[[Event], None],
    ) -> None:
        self._git = git
        self._settings = settings
        self._job = job
        self._journal = journal
        self._number = number
        self._runner = runner
        self._observe = observe
        self._worktree = Worktree(git)
        self._planned = frozenset(job.moves)
        self._steps: list[Step] = []
        self._commits: list[str] = []
        self._gates: list[GateResult] = []
        self._evidence: list[Path] = []
        self._branch_at: str | None = None

    def attempt(self, next_step: NextStep, evidence: Callable[[Carried], Evidence]) -> Outcome:
        """Do the job; a failing gate ends it early, with nothing published."""
        job = self._job
        self._worktree.remove()  # what a killed run left
        if not self._pass("before", job.base_commit, job.moves):
            return self._failed()
        with TreeWriter(self._git, job.base_commit) as writer:
            while (step := next_step(writer.head)) is not None:
                self._commit(writer, step)
                if job.gate_each_step and not self._pass(
                    "after", writer.head, step.promotion.moves
                ):
                    return self._failed()
            result = writer.head
        if not self._steps:
            raise UsageError("there is no step to carry out")
        moves = [move for step in self._steps for move in step.promotion.moves]
        if not job.gate_each_step and not self._pass("after", result, moves):
            return self._failed()
        self._worktree.remove()
        remove(scratch_path(self._git))
        carried = Carried(job, result, tuple(self._steps), tuple(self._commits), tuple(self._gates))
        self._publish(carried, evidence(carried))
        return self._outcome(result, None)

    def undo(self, reason: str) -> tuple[str, ...]:
        """Undo everything, write so in the journal, and return what could not be undone."""
        acts: list[Callable[[], None]] = [
            self._take_branch_back,
            self._worktree.remove,
            partial(remove, scratch_path(self._git)),
            *(partial(remove, path) for path in self._evidence),
        ]
        leftovers = []
        with uninterrupted():
            for act in acts:
                try:
                    act()
                except LanePlannerError as error:
                    leftovers.append(f"not undone: {error.message}")
            rolled_back = RunRolledBack(printable(reason), tuple(leftovers))
            try:
                self._journal.append(self._number, rolled_back)
            except EnvironmentFailure as error:
                leftovers.append(error.message)
        return tuple(leftovers)

    def _record(self, event: Event) -> None:
        self._journal.append(self._number, event)
        self._observe(event)

    def _commit(self, writer: TreeWriter, step: Step) -> None:
        expected = self._planned.union(step.promotion.along)
        unplanned = [move for move in step.promotion.moves if move not in expected]
        if unplanned:
            raise EnvironmentFailure(
                f"step {printable(step.id)} moves {printable(unplanned[0].source)} to "
                f"{printable(unplanned[0].target)}, which was not planned"
            )
        if any(step.id == done.id for done in self._steps):
            raise EnvironmentFailure(f"step {printable(step.id)} came twice")
        self._record(StepIntended(step.id, writer.head))
        whole = step.promotion
        title = step.title or whole.title
        parts = [(whole, title)]
        if whole.two_commits:
            moves, writes = apart(whole)
            parts = [(moves, f"{title} (the move)"), (writes, f"{title} (what follows it)")]
        for part, said in parts:
            message = message_of(part, plan_id=self._job.plan_id, step_id=step.id, title=said)
            commit = writer.commit(part, message)
        self._record(StepCommitted(step.id, commit))
        self._steps.append(step)
        self._commits.append(commit)

    def _pass(self, phase: Phase, commit: str, moves: Iterable[FileMove]) -> bool:
        """Run the gates of a phase that the moves need; True if none fails."""
        moved = tuple(moves)
        gates = applying(self._job.gates, phase, moved)
        if not gates:
            return True
        root = self._worktree.bring_to(commit)
        # A file that moves on, or that an earlier step brings, is not there in this commit.
        modules = [path for path in phase_paths(phase, moved) if os.path.lexists(root / path)]
        listing = modules_path(self._git)
        write_atomically(listing, os.fsencode("".join(f"{path}\n" for path in modules)))
        environment = gate_environment(
            os.environ,
            phase=phase,
            modules=modules,
            modules_file=listing,
            checkout=self._git.directory.resolve(),
            worktree=root,
            source_roots=self._settings.source_roots,
        )
        for gate in gates:
            result = self._runner(gate, root, environment=environment)
            self._gates.append(result)
            self._record(GateFinished(commit, result))
            if not result.passed:
                return False
        return True

    def _publish(self, carried: Carried, evidence: Evidence) -> None:
        as_json, as_markdown = evidence_paths(self._git, self._job.branch)
        with uninterrupted():
            for path, content in (
                (as_json, to_json(evidence)),
                (as_markdown, to_markdown(evidence).encode("utf-8")),
            ):
                write_atomically(path, content)
                self._evidence.append(path)
            self._record(BranchIntended(carried.commit))
            create_branch(self._git, self._job.branch, carried.commit, reason=self._job.title)
            self._branch_at = carried.commit
            self._record(RunFinished(carried.commit))

    def _take_branch_back(self) -> None:
        if self._branch_at is not None:
            reason = f"take back {self._job.title}"
            delete_branch(self._git, self._job.branch, self._branch_at, reason=reason)

    def _failed(self) -> Outcome:
        gate = self._gates[-1]
        how = "timed out" if gate.timed_out else f"failed with exit status {gate.exit_code}"
        return self._outcome(None, f"gate {printable(gate.name)} ({gate.phase} the move) {how}")

    def _outcome(self, commit: str | None, reason: str | None) -> Outcome:
        states = zip(self._steps, self._commits, strict=True)
        return Outcome(
            run=self._number,
            success=commit is not None,
            branch=self._job.branch,
            base=self._job.base_commit,
            commit=commit,
            steps=tuple(StepState(step.id, made) for step, made in states),
            gates=tuple(self._gates),
            evidence=tuple(str(path) for path in self._evidence) if commit else (),
            reason=reason,
        )


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "it was interrupted"
    return str(error) or type(error).__name__

"""A run: what every way of carrying steps out shares, and how to undo it.

What happens, in order:

1. the run lock is taken; the identity and the base commit are checked;
2. the journal says that the run starts;
3. steps are committed, nothing referring to them; gates run in the tool's own work tree;
4. the work tree and the temporary index are removed and the evidence is written;
5. the journal says which branches are intended, and one ref transaction makes them;
6. the journal says that the run is done.

Until 5 nothing refers to what was made, so a failure or an interrupt before it leaves no trace in
the repository, and one after it takes the branches back. A kill leaves unreferenced objects, the
tool's own files, which the next run clears, and a journal that reads "interrupted".

The commits of a run bear the time at which it began: done again, from the same commit, they are the
same commits. So a run that was killed is gone on with by doing it again; what its gates said of a
commit is in the journal, and is not asked a second time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec

from lane_planner.base.errors import EnvironmentFailure, LanePlannerError, UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import plural, printable
from lane_planner.config.gates import TESTS
from lane_planner.config.settings import Gate, Settings
from lane_planner.executor.files import remove, write_atomically
from lane_planner.executor.git_write import (
    DATES,
    TreeWriter,
    committer,
    create_branches,
    delete_branches,
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
    RunResumed,
    RunRolledBack,
    RunStarted,
    StepCommitted,
    StepIntended,
    StepState,
    utc_now,
)
from lane_planner.executor.journal import Run as JournalRun
from lane_planner.executor.lock import run_lock
from lane_planner.executor.places import (
    WORKTREES,
    evidence_paths,
    journal_path,
    lock_path,
    log_path,
    modules_path,
    scratch_path,
)
from lane_planner.executor.promotion_log import Logged, LoggedGate, append, digest_of
from lane_planner.executor.signals import undoable_termination, uninterrupted
from lane_planner.executor.worktree import Worktree
from lane_planner.gates.benchmark import Side, run_benchmark
from lane_planner.gates.command import GateResult, gate_environment, run_gate
from lane_planner.gates.evidence import Evidence, evidence_of, to_json, to_markdown
from lane_planner.gates.placeholders import with_paths
from lane_planner.gates.select import Phase, phase_paths
from lane_planner.promotion.history import apart
from lane_planner.promotion.values import FileMove, Promotion


class Step(msgspec.Struct, frozen=True):
    """One step to commit.

    Attributes:
        id: the plan's name for it ("s0001").
        promotion: what it changes in the tree it builds on.
        title: the first line of its commit message; None: the promotion's own.
    """

    id: str
    promotion: Promotion
    title: str | None = None


class Carried(msgspec.Struct, frozen=True):
    """What is on the point of becoming a branch.

    Attributes:
        branch: its name.
        title: of the evidence and the pull request.
        base: the commit that the branch builds on.
        commit: the commit that it will be at.
        steps: the steps, in order.
        commits: the commit of each.
        gates: results, in the order in which the gates ran.
    """

    branch: str
    title: str
    base: str
    commit: str
    steps: tuple[Step, ...]
    commits: tuple[str, ...]
    gates: tuple[GateResult, ...]


class Made(msgspec.Struct, frozen=True):
    """A branch that a run made.

    Attributes:
        name: of the branch.
        base: the commit that it builds on.
        commit: the commit that it is at.
        steps: its steps, with their commits.
        evidence: paths of its evidence as JSON and as Markdown.
    """

    name: str
    base: str
    commit: str
    steps: tuple[StepState, ...]
    evidence: tuple[str, ...]


class GateRunner(Protocol):
    """Runs a gate in a directory; `run_gate` is the one for this machine."""

    def __call__(self, gate: Gate, cwd: Path, *, environment: Mapping[str, str]) -> GateResult: ...


class Selector(Protocol):
    """Selects the tests of a commit that can reach what changed; see `TestSelector`."""

    def __call__(
        self,
        commit: str,
        root: Path,
        phase: Phase,
        moves: Iterable[FileMove],
        changed: Collection[str],
    ) -> tuple[str, ...]: ...


class Trial(NamedTuple):
    """What gates are run on.

    Attributes:
        phase: "before" or "after" the moves.
        commit: full id.
        moves: what moves.
        changed: paths of files that change, before and after the moves.
    """

    phase: Phase
    commit: str
    moves: tuple[FileMove, ...]
    changed: frozenset[str]


def before_moving(commit: str, moves: Iterable[FileMove]) -> Trial:
    """Return the trial of a commit from which files are to move."""
    moved = tuple(moves)
    return Trial("before", commit, moved, frozenset(move.source for move in moved))


def after_steps(commit: str, steps: Iterable[Step]) -> Trial:
    """Return the trial of a commit that some steps led to."""
    promotions = [step.promotion for step in steps]
    moves = tuple(move for promotion in promotions for move in promotion.moves)
    changed = {path for move in moves for path in (move.source, move.target)}
    changed.update(write.path for promotion in promotions for write in promotion.writes)
    changed.update(path for promotion in promotions for path in promotion.deletes)
    return Trial("after", commit, moves, frozenset(changed))


def plain_evidence(carried: Carried) -> Evidence:
    """Return the evidence that the run itself knows: without coverage and imports."""
    return evidence_of(
        carried.title,
        [step.promotion for step in carried.steps],
        base=carried.base,
        result=carried.commit,
        gates=carried.gates,
    )


class Run:
    """A run under way: what it has made so far, and how to undo it.

    Args:
        git: the repository, seen from the root.
        settings: for the source roots that gates import from.
        start: how it began.
        journal: where it is written down.
        number: its number there.
        runner: runs a gate.
        select: selects the tests of gates that ask for them; None: none does.
        observe: told of each event when the journal holds it.
        known: what gates said of commits when this run was under way before.
        there: commits, by name, of the branches that it made then.
        clock: tells the time for the promotion log.
        log_file: another file that the promotion log's lines are added to.

    Attributes:
        start: how it began.
        number: its number in the journal.
        gates: results, in the order in which the gates ran.
        made: the branches that it made.
    """

    def __init__(
        self,
        git: Git,
        settings: Settings,
        start: RunStarted,
        journal: Journal,
        number: int,
        runner: GateRunner,
        select: Selector | None,
        observe: Callable[[Event], None],
        known: Iterable[GateFinished] = (),
        there: Mapping[str, str] = MappingProxyType({}),
        clock: Clock = utc_now,
        log_file: Path | None = None,
    ) -> None:
        self.start = start
        self.number = number
        self.gates: list[GateResult] = []
        self.made: list[Made] = []
        self._git = git
        self._settings = settings
        self._journal = journal
        self._runner = runner
        self._select = select
        self._observe = observe
        self._worktree = Worktree(git)
        self._base = Worktree(git, WORKTREES[1])
        self._evidence: list[Path] = []
        self._branches = dict(there)
        self._clock = clock
        self._log_file = log_file
        self._log: list[Logged] = []
        self._brought: dict[Worktree, str] = {}
        self._verdicts = {_asked(event.commit, event.result): event.result for event in known}

    def record(self, event: Event) -> None:
        """Write an event into the journal, and tell it."""
        self._journal.append(self.number, event)
        self._observe(event)

    def writer(self, commit: str) -> TreeWriter:
        """Return what makes commits on top of one; they bear the time at which the run began."""
        dates = dict.fromkeys(DATES, self.start.date) if self.start.date else {}
        return TreeWriter(self._git, commit, environ=dates | dict(os.environ))

    def commit(self, writer: TreeWriter, step: Step, *, told: bool = True) -> str:
        """Commit a step, and return the commit.

        Args:
            writer: makes it.
            step: the step.
            told: whether the journal is to hold it; a trial is nobody's concern.

        Raises:
            EnvironmentFailure: it does not fit, or git or the disk failed.
        """
        if told:
            self.record(StepIntended(step.id, writer.head))
        whole = step.promotion
        title = step.title or whole.title
        parts = [(whole, title)]
        if whole.two_commits:
            moves, writes = apart(whole)
            parts = [(moves, f"{title} (the move)"), (writes, f"{title} (what follows it)")]
        for part, said in parts:
            message = message_of(part, plan_id=self.start.plan, step_id=step.id, title=said)
            commit = writer.commit(part, message)
        if told:
            self.record(StepCommitted(step.id, commit))
        return commit

    def clear(self) -> None:
        """Remove the work tree and the scratch files, also what a killed run left of them."""
        self._worktree.remove()
        self._base.remove()
        remove(scratch_path(self._git))

    def failing(self, gates: Sequence[Gate], trial: Trial) -> GateResult | None:
        """Run gates on the files of a commit, up to the first that fails.

        Args:
            gates: those of the phase that the moves need.
            trial: what they are run on.

        Returns:
            The result of the gate that failed, or None.
        """
        self._brought.clear()  # what gates have left in the work trees goes
        for gate in gates:
            asked = (trial.commit, gate.name, trial.phase)
            result = self._verdicts.get(asked)
            if result is None:
                result = self._run(gate, trial)
                self._verdicts[asked] = result
                self.record(GateFinished(trial.commit, result))
            self.gates.append(result)
            if not result.passed:
                return result
        return None

    def _run(self, gate: Gate, trial: Trial) -> GateResult:
        """Run a gate, whatever its kind."""
        root = self._at(self._worktree, trial.commit)
        tests: tuple[str, ...] = ()
        if TESTS in gate.command:
            assert self._select is not None  # whoever runs configured gates gives one
            tests = self._select(trial.commit, root, trial.phase, trial.moves, trial.changed)
        modules = self._modules(root, trial.phase, trial.moves)
        ready = with_paths(gate, tests=tests, modules=modules)
        if isinstance(ready, GateResult):
            return ready
        environment = self._environment(root, trial.phase, modules)
        if gate.benchmark is None:
            return self._runner(ready, root, environment=environment)
        base = self._at(self._base, self.start.base)
        there = self._modules(base, "before", trial.moves)
        measured = with_paths(gate, tests=(), modules=there)
        assert isinstance(measured, Gate)  # the configuration allows no tests in it
        return run_benchmark(
            gate,
            Side(measured, base, self._environment(base, "before", there)),
            Side(ready, root, environment),
        )

    def _at(self, worktree: Worktree, commit: str) -> Path:
        """Return the root of a work tree, brought to a commit for the first gate that needs it."""
        if self._brought.get(worktree) != commit:
            self._brought.pop(worktree, None)
            worktree.bring_to(commit)
            self._brought[worktree] = commit
        return worktree.root

    def _modules(self, root: Path, phase: Phase, moves: tuple[FileMove, ...]) -> list[str]:
        # A file that moves on, or that an earlier step brings, is not there in this commit.
        return [path for path in phase_paths(phase, moves) if os.path.lexists(root / path)]

    def _environment(self, root: Path, phase: Phase, modules: Sequence[str]) -> dict[str, str]:
        listing = modules_path(self._git)
        write_atomically(listing, os.fsencode("".join(f"{path}\n" for path in modules)))
        return gate_environment(
            os.environ,
            phase=phase,
            modules=modules,
            modules_file=listing,
            checkout=self._git.directory.resolve(),
            worktree=root,
            source_roots=self._settings.source_roots,
        )

    def publish(self, carried: Sequence[tuple[Carried, Evidence]]) -> None:
        """Make branches, all in one transaction, with the evidence beside them.

        One that is there already, at the commit where it is to be, is left as it is: this run
        made it before it was killed.
        """
        made = []
        with uninterrupted():
            for one, evidence in carried:
                paths = evidence_paths(self._git, one.branch)
                contents = (to_json(evidence), to_markdown(evidence).encode("utf-8"))
                self._log += _logged(self, one, evidence, digest_of(contents[0]))
                for path, content in zip(paths, contents, strict=True):
                    write_atomically(path, content)
                    self._evidence.append(path)
                states = zip(one.steps, one.commits, strict=True)
                made.append(
                    Made(
                        one.branch, one.base, one.commit,
                        tuple(StepState(step.id, commit) for step, commit in states),
                        tuple(map(str, paths)),
                    )
                )  # fmt: skip
                self.record(BranchIntended(one.commit, one.branch))
            there = {
                one.branch for one, _ in carried
                if self._git.commit_id(f"refs/heads/{one.branch}") == one.commit
            }  # fmt: skip
            wanted = {one.branch: one.commit for one, _ in carried if one.branch not in there}
            create_branches(self._git, wanted, reason=self.start.title or self.start.plan)
            self._branches.update((one.branch, one.commit) for one, _ in carried)
            self.made += made

    def finish(self) -> None:
        """Write that the run is done."""
        with uninterrupted():
            at, who = self._clock(), committer(self._git)
            lines = [msgspec.structs.replace(line, at=at, who=who) for line in self._log]
            for path in (log_path(self._git), *([self._log_file] if self._log_file else [])):
                append(path, lines)
            self.record(RunFinished(self.made[-1].commit))

    def fail(self, reason: str) -> None:
        """Undo everything, as the run came to nothing.

        Raises:
            EnvironmentFailure: not all could be undone.
        """
        if leftovers := self.undo(reason):
            left = "; ".join(leftovers)
            raise EnvironmentFailure(f"{reason}, and not all could be undone: {left}")

    def undo(self, reason: str) -> tuple[str, ...]:
        """Undo everything, write so in the journal, and return what could not be undone."""
        acts: list[Callable[[], None]] = [
            self._take_branches_back,
            self._worktree.remove,
            self._base.remove,
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
                self._journal.append(self.number, rolled_back)
            except EnvironmentFailure as error:
                leftovers.append(error.message)
        return tuple(leftovers)

    @property
    def publishes(self) -> bool:
        """Whether branches that it made are there."""
        return bool(self._branches)

    def leave(self, error: BaseException) -> None:
        """Clear up, and note in what ended the run that it can be gone on with."""
        error.add_note(
            f"{plural(len(self._branches), 'branch')} of run {self.number} stay: "
            "`lane-planner resume` goes on, `lane-planner rollback` undoes them"
        )
        with uninterrupted():
            try:
                self.clear()
            except LanePlannerError as trouble:
                error.add_note(f"not cleared: {trouble.message}")

    def _take_branches_back(self) -> None:
        if self._branches:
            reason = f"take back {self.start.title or self.start.plan}"
            delete_branches(self._git, self._branches, reason=reason)


@contextmanager
def under_way(
    git: Git,
    settings: Settings,
    start: RunStarted,
    *,
    branches: Iterable[str],
    resumed: JournalRun | None = None,
    runner: GateRunner = run_gate,
    select: Selector | None = None,
    observe: Callable[[Event], None] = lambda event: None,
    clock: Clock = utc_now,
    command: str | None = None,
    keep_published: bool = False,
    log_file: Path | None = None,
) -> Iterator[Run]:
    """Take the lock, begin a run or go on with one, and undo it if the block raises.

    Args:
        git: the repository, seen from the root.
        settings: for the source roots that gates import from.
        start: how it begins, or began.
        branches: names of the branches that it may make.
        resumed: the run that is gone on with; None: a new one begins.
        runner: runs a gate.
        select: selects the tests of gates that ask for them.
        observe: told of each event of the run, but not of its being undone, when the journal
            holds it.
        clock: tells the time for the journal.
        command: what to call this run when another one finds the lock taken; the process's
            command line by default.
        keep_published: whether a run that has made branches already is not undone but left as if
            it had been killed, to be gone on with.
        log_file: another file that the promotion log's lines are added to.

    Raises:
        UsageError: the base commit is unknown, or a branch is there already or cannot be.
        EnvironmentFailure: another run is under way, or git does not know who commits.
    """
    called = " ".join(sys.argv) if command is None else command
    with (
        run_lock(lock_path(git), command=called, since=clock()),
        undoable_termination(),
    ):
        if git.commit_id(start.base) != start.base:
            raise UsageError(f"there is no commit {printable(start.base)}")
        there = {} if resumed is None else branches_there(git, resumed)
        for branch in branches:
            if branch not in there:
                require_free_branch(git, branch)
        identity(git)
        with Journal.open(journal_path(git), clock=clock) as journal:
            if resumed is None:
                number = journal.start(start)
                run = Run(
                    git, settings, start, journal, number, runner, select, observe,
                    clock=clock, log_file=log_file,
                )  # fmt: skip
            else:
                journal.append(resumed.id, RunResumed(os.getpid()))
                known = journal.gates_of(resumed.id)
                run = Run(
                    git, settings, start, journal, resumed.id, runner, select, observe,
                    known, there, clock, log_file,
                )  # fmt: skip
            try:
                observe(start)
                yield run
            except BaseException as error:
                # Also an interrupt or an exit: whatever ends the run undoes it.
                if keep_published and run.publishes:
                    run.leave(error)
                    raise
                for trouble in run.undo(_reason(error)):
                    error.add_note(trouble)
                raise


def commit_date(clock: Clock) -> str:
    """Return the time now as git takes it for the date of a commit, to the second."""
    return f"{clock()[:19]}Z"


def branches_there(git: Git, run: JournalRun) -> dict[str, str]:
    """Return those branches of a run that are where it made them, with their commits."""
    return {
        name: commit
        for name, commit in run.branches.items()
        if git.commit_id(f"refs/heads/{name}") == commit
    }


def _logged(run: Run, carried: Carried, evidence: Evidence, digest: str) -> Iterator[Logged]:
    """Yield the lines of the promotion log, but for their time and who it is."""
    low = {
        one.module
        for one in evidence.coverage
        if one.fraction is None or one.fraction < (evidence.coverage_min or 0.0)
    }
    gates = tuple(LoggedGate(g.name, g.phase, g.passed, g.seconds) for g in carried.gates)
    for step, commit in zip(carried.steps, carried.commits, strict=True):
        names = step.promotion.renamed
        if names:
            covered = None
            if evidence.coverage_min is not None:
                covered = sum(old not in low for old, _ in names)
            yield Logged(
                at="", who="", run=run.number, plan=run.start.plan, step=step.id, modules=names,
                branch=carried.branch, commit=commit, gates=gates, covered=covered,
                evidence=digest,
            )  # fmt: skip


def _asked(commit: str, result: GateResult) -> tuple[str, str, Phase]:
    return commit, result.name, result.phase


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "it was interrupted"
    return str(error) or type(error).__name__

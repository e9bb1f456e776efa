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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from lane_planner.base.errors import EnvironmentFailure, LanePlannerError, UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import plural, printable
from lane_planner.config.settings import Settings
from lane_planner.executor.gating.gating import Gating
from lane_planner.executor.gating.rooms import HERE, Halls, Rooms, Workers
from lane_planner.executor.gating.trials import Selector, Step
from lane_planner.executor.records.journal import (
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
from lane_planner.executor.records.journal import Run as JournalRun
from lane_planner.executor.records.lock import run_lock
from lane_planner.executor.records.promotion_log import (
    Logged,
    LoggedGate,
    StepName,
    digest_of,
    log_promotions,
)
from lane_planner.executor.records.signals import undoable_termination, uninterrupted
from lane_planner.executor.storage.files import remove, write_atomically
from lane_planner.executor.storage.git_write import (
    DATES,
    TreeWriter,
    create_branches,
    delete_branches,
    identity,
    message_of,
    require_free_branch,
)
from lane_planner.executor.storage.places import (
    evidence_paths,
    journal_path,
    lock_path,
    scratch_path,
)
from lane_planner.executor.storage.worktree import remove_worktrees
from lane_planner.gates.command import GateResult
from lane_planner.gates.evidence import Evidence, evidence_of, to_json, to_markdown
from lane_planner.promotion.history import apart


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
        start: how it began.
        journal: where it is written down.
        number: its number there.
        observe: told of each event when the journal holds it.
        there: commits, by name, of the branches that it made when it was under way before.
        clock: tells the time for the promotion log.

    Attributes:
        start: how it began.
        number: its number in the journal.
        made: the branches that it made.
    """

    def __init__(
        self,
        git: Git,
        start: RunStarted,
        journal: Journal,
        number: int,
        observe: Callable[[Event], None],
        *,
        there: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self.start = start
        self.number = number
        self.made: list[Made] = []
        self._git = git
        self._journal = journal
        self._observe = observe
        self._evidence: list[Path] = []
        self._branches = dict(there)
        self._clock = clock
        self._log: list[Logged] = []

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
        plan_id, step_id = _name_of(step, self.start.plan)
        for part, said in parts:
            message = message_of(
                part, plan_id=plan_id, step_id=step_id, title=said,
                reverts=step.reverts is not None,
            )  # fmt: skip
            commit = writer.commit(part, message)
        if told:
            self.record(StepCommitted(step.id, commit))
        return commit

    def tell(self, step: Step, parent: str, commit: str) -> None:
        """Let the journal hold a step that was committed on trial."""
        self.record(StepIntended(step.id, parent))
        self.record(StepCommitted(step.id, commit))

    def clear(self) -> None:
        """Remove the work trees and the scratch files, also what a killed run left of them."""
        remove_worktrees(self._git)
        remove(scratch_path(self._git))

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
                lines = tuple(_logged(self, one, evidence, digest_of(contents[0])))
                self._log += lines
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
                due = msgspec.json.encode(lines).decode("utf-8")
                self.record(BranchIntended(one.commit, one.branch, due))
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
            also = self.start.log_file
            log_promotions(self._git, self._log, also=also, at=self._clock())
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
            partial(remove_worktrees, self._git),
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
    select: Selector | None = None,
    workers: Workers = HERE,
    observe: Callable[[Event], None] = lambda event: None,
    clock: Clock = utc_now,
    command: str | None = None,
    keep_published: bool = False,
) -> Iterator[tuple[Run, Gating]]:
    """Take the lock, begin a run or go on with one, and undo it if the block raises.

    The block is at the desk of the run's gates.

    Args:
        git: the repository, seen from the root.
        settings: for the source roots that gates import from.
        start: how it begins, or began.
        branches: names of the branches that it may make.
        resumed: the run that is gone on with; None: a new one begins.
        select: selects the tests of gates that ask for them.
        workers: how gates are run side by side.
        observe: told of each event of the run, but not of its being undone, when the journal
            holds it.
        clock: tells the time for the journal.
        command: what to call this run when another one finds the lock taken; the process's
            command line by default.
        keep_published: whether a run that has made branches already is not undone but left as if
            it had been killed, to be gone on with.

    Raises:
        UsageError: the base commit is unknown, a branch is there already or cannot be, or a cluster
            is asked for and the extra for it is not installed.
        EnvironmentFailure: another run is under way, git does not know who commits, or there is no
            such cluster.
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
        halls = _open_halls(git, settings, start.base, workers)
        with _closed(halls), Journal.open(journal_path(git), clock=clock) as journal:
            if resumed is None:
                _complete_last(git, journal, clock)
                number, known = journal.start(start), list[GateFinished]()
            else:
                number = resumed.id
                known = [e for e in journal.events(number) if isinstance(e, GateFinished)]
                journal.append(number, RunResumed(os.getpid()))
            run = Run(git, start, journal, number, observe, there=there, clock=clock)
            gating = Gating(git, start.base, halls, run.record, select=select, known=known)
            with gating.desk:
                try:
                    try:
                        observe(start)
                        yield run, gating
                    finally:
                        gating.close()
                except BaseException as error:
                    # Also an interrupt or an exit: whatever ends the run undoes it.
                    if keep_published and run.publishes:
                        run.leave(error)
                        raise
                    for trouble in run.undo(_reason(error)):
                        error.add_note(trouble)
                    raise


def complete(git: Git, journal: Journal, run: JournalRun, clock: Clock) -> None:
    """Write that a run is done which was killed when its branch had been made.

    Raises:
        EnvironmentFailure: the journal or a log cannot be written.
    """
    assert run.result is not None  # its branch was intended
    due = [e.promotions for e in journal.events(run.id) if isinstance(e, BranchIntended)]
    lines = [
        line for told in due if told for line in msgspec.json.decode(told, type=tuple[Logged, ...])
    ]
    log_promotions(git, lines, also=run.begun.log_file, at=clock())
    journal.append(run.id, RunFinished(run.result))


def _complete_last(git: Git, journal: Journal, clock: Clock) -> None:
    """See that the log has what the last run did, unless there is more of it to do."""
    for run in journal.runs(holder=None)[-1:]:
        if run.status == "interrupted" and not run.begun.order and branches_there(git, run):
            complete(git, journal, run, clock)


def _open_halls(git: Git, settings: Settings, base: str, workers: Workers) -> Halls:
    if workers.scheduler is None:
        return Rooms(git, settings.source_roots, base, width=workers.count or 1)
    from lane_planner.executor.gating.cluster import Cluster

    return Cluster(
        git, settings.source_roots, base, scheduler=workers.scheduler, width=workers.count
    )


@contextmanager
def _closed(halls: Halls) -> Iterator[None]:
    """Close halls that no run came to use."""
    try:
        yield
    finally:
        halls.stop()
        halls.wait()


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
            plan_id, step_id = _name_of(step, run.start.plan)
            yield Logged(
                at="", who="", run=run.number, plan=plan_id, step=step_id, modules=names,
                branch=carried.branch, commit=commit, gates=gates, covered=covered,
                evidence=digest, reverts=step.reverts is not None,
            )  # fmt: skip


def _name_of(step: Step, plan_id: str) -> StepName:
    """Return what the commit and the log call a step."""
    return step.reverts or StepName(plan_id, step.id)


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "it was interrupted"
    return str(error) or type(error).__name__

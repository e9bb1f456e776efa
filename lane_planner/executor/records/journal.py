"""What runs did and were about to do, as typed events that outlive a kill.

Events are only ever added, each in a transaction that is on disk before the act it announces. The
state of a run is what replaying its events says.
"""

from __future__ import annotations

import datetime
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.gates.command import GateResult
from lane_planner.gates.select import Phase

VERSION = 3
_READABLE = (1, 2, VERSION)
_LOCK_SECONDS = 10.0
_SHARED_BYTES = 32_768  # what SQLite needs for the file that its processes share
# How SQLite says that it could not make that file.
_NO_PLACE = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}
)

Clock = Callable[[], str]
Mode = Literal["single", "stack", "wave"]
RunStatus = Literal["running", "done", "failed", "rolled-back", "interrupted"]


def utc_now() -> str:
    """Return the time as an ISO 8601 string in UTC, to the millisecond."""
    now = datetime.datetime.now(datetime.UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(began: str, ended: str) -> float:
    """Return the time between two moments of `utc_now`, never less than none: clocks are set."""
    first, last = (datetime.datetime.fromisoformat(at) for at in (began, ended))
    return max(0.0, (last - first).total_seconds())


class RunStarted(msgspec.Struct, frozen=True, tag="run-started"):
    """A run begins.

    Attributes:
        base: the commit that it builds on.
        branch: the branch that it is to make.
        plan: id of the plan.
        pid: process that runs it.
        title: what it is to do, in a line.
        date: the time that its commits bear; "": each its own.
        mode: how branches are made of steps.
        order: what was asked for, as JSON by which `resume` asks for the same; "": it cannot be
            gone on with.
        batches: ids of the steps that it is to carry out, by their batch, in the order of landing;
            empty: it is not known beforehand.
        log_file: path of another file that the promotion log's lines are added to; "": none.
    """

    base: str
    branch: str
    plan: str
    pid: int
    title: str = ""
    date: str = ""
    mode: Mode = "single"
    order: str = ""
    batches: dict[int, tuple[str, ...]] = {}
    log_file: str = ""


class RunResumed(msgspec.Struct, frozen=True, tag="run-resumed"):
    """A run that was killed is gone on with.

    Attributes:
        pid: process that goes on with it.
    """

    pid: int


class StepIntended(msgspec.Struct, frozen=True, tag="step-intended"):
    """A step is about to be committed.

    Attributes:
        step: its id.
        parent: the commit that its own will follow.
    """

    step: str
    parent: str


class StepCommitted(msgspec.Struct, frozen=True, tag="step-committed"):
    """A step's commit is made; nothing refers to it yet.

    Attributes:
        step: its id.
        commit: full id.
    """

    step: str
    commit: str


class StepDropped(msgspec.Struct, frozen=True, tag="step-dropped"):
    """A step is left out.

    Attributes:
        step: its id.
        reason: why: LP405 and the gate, the place that cannot be rewritten.
    """

    step: str
    reason: str


class GateStarted(msgspec.Struct, frozen=True, tag="gate-started"):
    """A gate is about to run on the files of a commit.

    Attributes:
        commit: full id.
        name: the gate's name.
        phase: "before" or "after" the move.
    """

    commit: str
    name: str
    phase: Phase


class GateAbandoned(msgspec.Struct, frozen=True, tag="gate-abandoned"):
    """A gate that had begun was ended, as it had come otherwise than was foreseen.

    Attributes:
        commit: full id.
        name: the gate's name.
        phase: "before" or "after" the move.
    """

    commit: str
    name: str
    phase: Phase


class GateFinished(msgspec.Struct, frozen=True, tag="gate-finished"):
    """A gate ended on the files of a commit.

    Attributes:
        commit: full id.
        result: how it ended.
        asked: digest of its arguments and of the moved files that it was told of; "": of a version
            that did not tell.
    """

    commit: str
    result: GateResult
    asked: str = ""


class BranchIntended(msgspec.Struct, frozen=True, tag="branch-intended"):
    """A branch is about to be created.

    Attributes:
        commit: full id of the commit that it will be at.
        branch: its name; "": the run's only one.
        promotions: the lines of the promotion log that are due when the run is done, as JSON.
    """

    commit: str
    branch: str = ""
    promotions: str = ""


class PushIntended(msgspec.Struct, frozen=True, tag="push-intended"):
    """A branch is about to be pushed.

    Attributes:
        branch: its name.
        commit: what it is at: full id.
    """

    branch: str
    commit: str


class PullRequestMade(msgspec.Struct, frozen=True, tag="pull-request-made"):
    """A branch has a pull request.

    Attributes:
        branch: its name.
        number: of the pull request.
        url: its address.
    """

    branch: str
    number: int
    url: str


class RunFinished(msgspec.Struct, frozen=True, tag="run-finished"):
    """The run succeeded.

    Attributes:
        commit: what its last branch is at: full id.
    """

    commit: str


class RunRolledBack(msgspec.Struct, frozen=True, tag="run-rolled-back"):
    """The run came to nothing and was undone.

    Attributes:
        reason: why.
        leftovers: what could not be undone; the run then counts as failed.
    """

    reason: str
    leftovers: tuple[str, ...] = ()


Event = (
    RunStarted
    | RunResumed
    | StepIntended
    | StepCommitted
    | StepDropped
    | GateStarted
    | GateAbandoned
    | GateFinished
    | BranchIntended
    | PushIntended
    | PullRequestMade
    | RunFinished
    | RunRolledBack
)


class StepState(msgspec.Struct, frozen=True):
    """A step of a run.

    Attributes:
        id: the plan's name for it.
        commit: its commit; None while it is only intended.
    """

    id: str
    commit: str | None


class GateRun(msgspec.Struct, frozen=True):
    """When a gate ran, and on what.

    Attributes:
        name: the gate's name.
        phase: "before" or "after" the move.
        commit: whose files it ran on.
        step: the step whose commit that is; None: the base commit, or a trial.
        batch: the batch that was being gated; None: none was, or the journal does not know them.
        began: time, ISO 8601 in UTC; None: the journal does not say, as it is an old one.
        ended: likewise; None if it has not.
    """

    name: str
    phase: Phase
    commit: str
    step: str | None
    batch: int | None
    began: str | None
    ended: str | None


class Recorded(msgspec.Struct, frozen=True):
    """An event as the journal holds it.

    Attributes:
        id: its number in the journal; later events have higher ones.
        run: number of its run.
        at: time, ISO 8601 in UTC.
        event: what happened.
    """

    id: int
    run: int
    at: str
    event: Event


class Run(msgspec.Struct, frozen=True):
    """A run, as its events tell it.

    Attributes:
        id: its number in the repository, from 1.
        branch: the branch that it makes; the first of several.
        base: the commit that it builds on.
        plan: id of the plan.
        status: "running"; "done"; "rolled-back"; "failed": what it left could not all be undone;
            "interrupted": it neither ended nor is under way.
        started: time, ISO 8601 in UTC.
        ended: likewise; None if it has not.
        steps: in the order in which they were begun.
        gates: in the order in which they ended.
        result: the commit that the last branch is, or was about to be, created at; None before
            that.
        reason: why it came to nothing; None if it did not.
        leftovers: what could not be undone.
        begun: the event that it began with.
        branches: commits, by name, of the branches that are, or were about to be, created.
        dropped: why, by step, of those that were left out.
        pushed: commits, by branch, that were, or were about to be, pushed.
        pull_requests: their numbers and addresses, by branch.
        gate_runs: when each of `gates` ran, and on what.
        running: the gates that have begun and not ended: they run, or the run was killed in them.
        finished: time at which it was done, even if it was undone later; None: it never was.
    """

    id: int
    branch: str
    base: str
    plan: str
    status: RunStatus
    started: str
    ended: str | None
    steps: tuple[StepState, ...]
    gates: tuple[GateResult, ...]
    result: str | None
    reason: str | None
    leftovers: tuple[str, ...]
    begun: RunStarted
    branches: dict[str, str]
    dropped: dict[str, str]
    pushed: dict[str, str] = {}
    pull_requests: dict[str, tuple[int, str]] = {}
    gate_runs: tuple[GateRun, ...] = ()
    running: tuple[GateRun, ...] = ()
    finished: str | None = None


class Journal:
    """The journal of a repository; close it, or use it as a context manager.

    Args:
        connection: an open database that has been checked (`open`, `open_if_there`).
        path: its file, for messages.
        clock: tells the time of an event.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock) -> None:
        self._connection = connection
        self._path = path
        self._clock = clock

    @classmethod
    def open(cls, path: Path, *, clock: Clock = utc_now) -> Self:
        """Open the journal for writing; it is made if it is not there.

        Raises:
            EnvironmentFailure: it cannot be opened or written, is damaged, or was written by
                another version.
        """
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # The threads of a run take turns (`lane_planner.executor.gating.gating.Desk`).
            connection = sqlite3.connect(
                path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("BEGIN IMMEDIATE")
                if _version(connection) == 0:
                    connection.execute(
                        "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                        " run INTEGER NOT NULL, at TEXT NOT NULL, data TEXT NOT NULL)"
                    )
                _check_version(connection, path, new=True)
                connection.execute(f"PRAGMA user_version={VERSION}")
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
        return cls(connection, path, clock)

    @classmethod
    def open_if_there(cls, path: Path) -> Self | None:
        """Open the journal for reading only; return None if there is none.

        Raises:
            EnvironmentFailure: it cannot be read, is damaged, or was written by another version.
        """
        if not path.exists():
            return None
        with _told(path):
            connection = _opened_to_read(path)
            try:
                if _version(connection) == 0:  # whoever was making it was killed
                    connection.close()
                    return None
                _check_version(connection, path)
            except BaseException:
                connection.close()
                raise
        return cls(connection, path, utc_now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def start(self, event: RunStarted) -> int:
        """Write that a run begins, and return its number.

        Raises:
            EnvironmentFailure: the journal cannot be written.
        """
        with _told(self._path):
            row = self._connection.execute(
                "INSERT INTO event (run, at, data)"
                " SELECT COALESCE(MAX(run), 0) + 1, ?, ? FROM event RETURNING run",
                (self._clock(), _encoded(event)),
            ).fetchall()
        return int(row[0][0])

    def append(self, run: int, event: Event) -> None:
        """Write an event; it is on disk when this returns.

        Raises:
            EnvironmentFailure: the journal cannot be written.
        """
        with _told(self._path):
            self._connection.execute(
                "INSERT INTO event (run, at, data) VALUES (?, ?, ?)",
                (run, self._clock(), _encoded(event)),
            )

    def events(self, run: int) -> list[Event]:
        """Return the events of a run, oldest first.

        Raises:
            EnvironmentFailure: the journal cannot be read, or holds what no event is.
        """
        return [recorded.event for recorded in self.since(0, run=run)]

    def since(self, event: int, *, run: int) -> list[Recorded]:
        """Return the events of a run that came after another event, in order.

        Args:
            event: the number of the last one that is known; 0: none is.
            run: the run's number.

        Raises:
            EnvironmentFailure: the journal cannot be read, or holds what no event is.
        """
        with _told(self._path):
            # All at once: a reader that lingers keeps the write-ahead log from being emptied.
            rows = self._connection.execute(
                "SELECT id, run, at, data FROM event WHERE id > ? AND run = ? ORDER BY id",
                (event, run),
            ).fetchall()
            return [
                Recorded(number, of, at, msgspec.json.decode(data, type=Event))
                for number, of, at, data in rows
            ]

    def runs(self, *, holder: int | None) -> tuple[Run, ...]:
        """Return the state of every run, oldest first.

        Args:
            holder: process that holds the run lock; None: nobody does. A run that has not ended
                is "running" if that process began it, else "interrupted".

        Raises:
            EnvironmentFailure: the journal cannot be read, or holds what no event is.
        """
        by_run: dict[int, list[tuple[str, Event]]] = {}
        with _told(self._path):
            for run, at, data in self._connection.execute(
                "SELECT run, at, data FROM event ORDER BY id"
            ):
                by_run.setdefault(run, []).append((at, msgspec.json.decode(data, type=Event)))
        return tuple(replay(run, events, holder=holder) for run, events in by_run.items())


def replay(run: int, events: Iterable[tuple[str, Event]], *, holder: int | None) -> Run:
    """Return the state that a run's events amount to.

    Args:
        run: its number.
        events: (time, event), in order; the first one says that the run began.
        holder: process that holds the run lock; None: nobody does.

    Raises:
        EnvironmentFailure: the first event is another one.
    """
    began: tuple[str, RunStarted] | None = None
    ended = result = reason = finished = None
    status: RunStatus | None = None
    leftovers: tuple[str, ...] = ()
    steps: dict[str, str | None] = {}
    dropped: dict[str, str] = {}
    branches: dict[str, str] = {}
    pushed: dict[str, str] = {}
    pulls: dict[str, tuple[int, str]] = {}
    gates: list[GateResult] = []
    gate_runs: list[GateRun] = []
    running: dict[tuple[str, str, Phase], GateRun] = {}
    step_at: dict[str, str] = {}  # by commit, also those that were built anew since
    batch_of: dict[str, int] = {}
    latest: str | None = None
    pid = 0

    def gate_run(commit: str, name: str, phase: Phase) -> GateRun:
        step = step_at.get(commit)
        batch = batch_of.get(step or latest or "") if phase == "after" else None
        return GateRun(name, phase, commit, step, batch, None, None)

    for at, event in events:
        match event:
            case RunStarted():
                began, pid = (at, event), event.pid
                batch_of = {step: batch for batch, ids in event.batches.items() for step in ids}
            case RunResumed():
                pid, status, ended, reason, leftovers = event.pid, None, None, None, ()
                running.clear()
            case StepIntended(step=step):
                steps[step] = None
            case StepDropped(step=step):
                steps.pop(step, None)
                dropped[step] = event.reason
            case StepCommitted(step=step, commit=commit):
                steps[step] = commit
                step_at[commit] = latest = step
            case GateStarted(commit=commit, name=name, phase=phase):
                known = msgspec.structs.replace(gate_run(commit, name, phase), began=at)
                running[commit, name, phase] = known
            case GateAbandoned(commit=commit, name=name, phase=phase):
                running.pop((commit, name, phase), None)
            case GateFinished(commit=commit, result=gate):
                gates.append(gate)
                key = (commit, gate.name, gate.phase)
                known = running.pop(key) if key in running else gate_run(*key)
                gate_runs.append(msgspec.structs.replace(known, ended=at))
            case BranchIntended(commit=commit):
                result = commit
                branches[event.branch or (began[1].branch if began else "")] = commit
            case PushIntended(branch=branch, commit=commit):
                pushed[branch] = commit
            case PullRequestMade(branch=branch, number=number, url=url):
                pulls[branch] = (number, url)
            case RunFinished(commit=commit):
                status, ended, finished, result = "done", at, at, commit
                running.clear()
            case RunRolledBack():
                status, ended = "failed" if event.leftovers else "rolled-back", at
                reason, leftovers = event.reason, event.leftovers
                running.clear()
    if began is None:
        raise EnvironmentFailure(f"the journal does not say how run {run} began: it is damaged")
    started, first = began
    if status is None:
        status = "running" if holder == pid else "interrupted"
    return Run(
        id=run,
        branch=first.branch,
        base=first.base,
        plan=first.plan,
        status=status,
        started=started,
        ended=ended,
        steps=tuple(StepState(step, commit) for step, commit in steps.items()),
        gates=tuple(gates),
        result=result,
        reason=reason,
        leftovers=leftovers,
        begun=first,
        branches=branches,
        dropped=dropped,
        pushed=pushed,
        pull_requests=pulls,
        gate_runs=tuple(gate_runs),
        running=tuple(running.values()),
        finished=finished,
    )


def _opened_to_read(path: Path) -> sqlite3.Connection:
    # As a URI, since only so SQLite opens a file without the right to make one.
    uri = f"file:{quote(str(path).encode('utf-8', 'surrogateescape'))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=_LOCK_SECONDS, isolation_level=None)
    try:
        _version(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in _NO_PLACE:
            raise
        return _read_elsewhere(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _read_elsewhere(path: Path) -> sqlite3.Connection:
    """Return a journal in memory.

    Even to read it, SQLite makes a file beside it, which a full disk or one that cannot be written
    to does not take. Where that file is missing, nobody else has the journal open.
    """
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / path.name
        shutil.copyfile(path, copy)
        log = path.with_name(f"{path.name}-wal")  # what a killed run wrote last
        if log.exists():
            shutil.copyfile(log, copy.with_name(log.name))
        found = sqlite3.connect(":memory:", isolation_level=None)
        try:
            with closing(sqlite3.connect(copy)) as source:
                source.backup(found)
        except BaseException:
            found.close()
            raise
    return found


def _encoded(event: Event) -> str:
    return msgspec.json.encode(event).decode("utf-8")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_version(connection: sqlite3.Connection, path: Path, *, new: bool = False) -> None:
    version = _version(connection)
    if version not in _READABLE and not (new and version == 0):
        raise EnvironmentFailure(
            f"the journal {path} is of version {version}, and this is a tool for version "
            f"{VERSION}: use the version that wrote it, or move the file away"
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell a failure of the database in one line."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # failures of Python's module have none
        why = str(error)
        if code == sqlite3.SQLITE_IOERR and _full(path):
            why = "no space left on device"
        elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            why += "; it takes the right to read it and to write in its directory"
        raise EnvironmentFailure(f"cannot use the journal {path}: {why}") from error
    except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
        raise EnvironmentFailure(
            f"the journal {path} is damaged ({error}): move it away to go on without it"
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise EnvironmentFailure(f"cannot use the journal {path}: {reason}") from error


def _full(path: Path) -> bool:
    there = os.statvfs(path.parent)
    return there.f_bavail * there.f_frsize < _SHARED_BYTES

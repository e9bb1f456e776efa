"""The promotion log: one line of JSON for every promotion, and the figures that come of it.

Lines are only ever added, whole and in one write. A run that is killed in between adds its lines
again when it is gone on with, so of two lines for a step of a run the last one counts.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.executor.records.journal import Run, seconds_between
from lane_planner.executor.storage.git_write import committer
from lane_planner.executor.storage.places import log_path

_DIGEST = re.compile("[0-9a-f]{64}")


class LoggedGate(msgspec.Struct, frozen=True):
    """How a gate ended.

    Attributes:
        name: the gate's name.
        phase: "before" or "after" the move.
        passed: whether it ended with 0 in time.
        seconds: wall time.
    """

    name: str
    phase: str
    passed: bool
    seconds: float


class StepName(NamedTuple):
    """What a step is called.

    Attributes:
        plan: its plan's id.
        step: its own in the plan.
    """

    plan: str
    step: str

    def __str__(self) -> str:
        plan = f"plan {self.plan[:12]}" if _DIGEST.fullmatch(self.plan) else f'"{self.plan}"'
        return printable(f"{self.step} of {plan}")


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion that was carried out, or the reverting of one.

    Attributes:
        at: time, ISO 8601 in UTC.
        who: name and address of whoever commits.
        run: number of the run in the journal.
        plan: id of the plan.
        step: id of the step.
        modules: names before and after.
        branch: the branch that it is on.
        commit: its commit.
        gates: of the branch, in the order in which they ran.
        covered: how many of its modules have the coverage that is asked for; None: none is.
        evidence: digest of the branch's evidence, "sha256:…".
        reverts: whether the step was not carried out but reverted.
    """

    at: str
    who: str
    run: int
    plan: str
    step: str
    modules: tuple[tuple[str, str], ...]
    branch: str
    commit: str
    gates: tuple[LoggedGate, ...] = ()
    covered: int | None = None
    evidence: str = ""
    reverts: bool = False

    @property
    def name(self) -> StepName:
        """What the step is called."""
        return StepName(self.plan, self.step)


class Metrics(msgspec.Struct, frozen=True):
    """How promotions go.

    Attributes:
        promotions: steps that were carried out and neither undone nor reverted.
        modules: modules that these promoted.
        seconds: median time of one, in seconds: of its run, divided by the run's steps; None
            without promotions.
        failed: steps that gates kept back.
        failure_rate: their part of all steps that were tried, 0 to 1; None if none was.
        covered: modules with the coverage that was asked for.
        asked: modules of which coverage was asked for.
        rolled_back: runs that were undone, wholly, and runs that reverted what had been merged.
        not_rolled_back: runs of which something could not be undone.
    """

    promotions: int
    modules: int
    seconds: float | None
    failed: int
    failure_rate: float | None
    covered: int
    asked: int
    rolled_back: int
    not_rolled_back: int


def log_promotions(git: Git, lines: Iterable[Logged], *, also: str, at: str) -> None:
    """Write that promotions are done; whoever commits in the repository has done them.

    Args:
        git: the repository.
        lines: the promotions, but for when and by whom.
        also: path of another file that they are added to; "": none.
        at: time, ISO 8601 in UTC.

    Raises:
        EnvironmentFailure: git does not know who commits, or a file cannot be written.
    """
    who = committer(git)
    told = [msgspec.structs.replace(line, at=at, who=who) for line in lines]
    for path in (log_path(git), *([Path(also)] if also else [])):
        append(path, told)


def append(path: Path, lines: Iterable[Logged]) -> None:
    """Add lines to a log, but for those that a killed run has added; they are on disk then.

    Raises:
        EnvironmentFailure: it cannot be written.
    """
    there = _marks(path)
    content = b"".join(
        msgspec.json.encode(line) + b"\n" for line in lines if _mark(line) not in there
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            try:
                if os.write(descriptor, content) != len(content):
                    raise OSError(28, "no space left on device")
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)  # a part of a line would spoil the next one
                raise
        finally:
            os.close(descriptor)
    except OSError as error:
        raise EnvironmentFailure(f"cannot write {path}: {error.strerror or error}") from error


def _mark(line: Logged) -> tuple[int, str, str, str, str]:
    return line.run, line.plan, line.step, line.branch, line.commit


def _marks(path: Path) -> set[tuple[int, str, str, str, str]]:
    """Return what tells the lines of a file apart; lines of others do not count."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
    found = set()
    for line in content.splitlines():
        try:
            found.add(_mark(msgspec.json.decode(line, type=Logged)))
        except msgspec.MsgspecError:
            continue  # the file is the user's; the log itself is judged by `read`
    return found


def read(git: Git) -> tuple[Logged, ...]:
    """Return the lines of a repository, oldest first; of several for a step of a run, the last.

    Raises:
        EnvironmentFailure: the log cannot be read, or holds something else.
    """
    path = log_path(git)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error
    found: dict[tuple[int, StepName], Logged] = {}
    for number, line in enumerate(content.splitlines(), 1):
        try:
            logged = msgspec.json.decode(line, type=Logged)
        except msgspec.MsgspecError as error:
            raise EnvironmentFailure(f"{path}:{number}: this is no promotion: {error}") from error
        found.pop((logged.run, logged.name), None)
        found[logged.run, logged.name] = logged
    return tuple(found.values())


def standing(logged: Iterable[Logged], runs: Iterable[Run]) -> tuple[Logged, ...]:
    """Return the promotions that were neither undone with their run nor reverted since.

    As a promotion counts from when its branch is made, so does what reverts it; when that branch is
    undone, the promotion stands again.

    Args:
        logged: the whole log.
        runs: the whole journal.
    """
    stands: list[Logged] = []
    for line in _kept(logged, runs):
        if line.reverts:
            stands = [earlier for earlier in stands if earlier.name != line.name]
        else:
            stands.append(line)
    return tuple(stands)


def _kept(logged: Iterable[Logged], runs: Iterable[Run]) -> list[Logged]:
    """Return the lines of runs that were not undone."""
    undone = {run.id for run in runs if run.status == "rolled-back"}
    return [line for line in logged if line.run not in undone]


def metrics(logged: Sequence[Logged], runs: Sequence[Run]) -> Metrics:
    """Return how promotions go.

    Args:
        logged: the whole log.
        runs: the whole journal.
    """
    stands = standing(logged, runs)
    steps: dict[int, int] = {}
    for line in stands:
        steps[line.run] = steps.get(line.run, 0) + 1
    times = [
        seconds_between(run.started, run.ended) / steps[run.id]
        for run in runs
        if run.id in steps and run.ended is not None
        for _ in range(steps[run.id])
    ]
    failed = sum(reason.startswith("LP405") for run in runs for reason in run.dropped.values())
    tried = len(stands) + failed
    asked = [line for line in stands if line.covered is not None]
    return Metrics(
        promotions=len(stands),
        modules=sum(len(line.modules) for line in stands),
        seconds=round(median(times), 3) if times else None,
        failed=failed,
        failure_rate=round(failed / tried, 4) if tried else None,
        covered=sum(line.covered or 0 for line in asked),
        asked=sum(len(line.modules) for line in asked),
        rolled_back=sum(run.status == "rolled-back" for run in runs)
        + len({line.run for line in _kept(logged, runs) if line.reverts}),
        not_rolled_back=sum(run.status == "failed" for run in runs),
    )


def digest_of(evidence: bytes) -> str:
    """Return the digest of a file of evidence."""
    return f"sha256:{hashlib.sha256(evidence).hexdigest()}"

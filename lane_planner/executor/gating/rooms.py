"""Where gates run: halls in which some jobs run side by side, and the rooms of this machine."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, Protocol

import msgspec

from lane_planner.base.git import Git
from lane_planner.config.settings import Gate
from lane_planner.executor.storage.files import write_atomically
from lane_planner.executor.storage.places import base_worktree_path, modules_path, worktree_path
from lane_planner.executor.storage.worktree import Worktree
from lane_planner.gates.benchmark import Side, run_benchmark
from lane_planner.gates.command import (
    GateResult,
    GateStopped,
    Stopped,
    gate_environment,
    run_gate,
)
from lane_planner.gates.select import Phase


class Workers(msgspec.Struct, frozen=True):
    """How gates are to be run side by side.

    Attributes:
        count: how many batches at once; None: one, or one for each thread of a cluster's workers.
        scheduler: address of the scheduler of a Dask cluster; None: on this machine.
    """

    count: int | None = None
    scheduler: str | None = None


HERE = Workers()
"""One batch after the other, on this machine."""


class Ready(NamedTuple):
    """A gate that can be run.

    Attributes:
        gate: as configured.
        command: with the paths in its command that it is to run on.
        base: likewise for the base commit; None where only a benchmark would need it.
    """

    gate: Gate
    command: Gate
    base: Gate | None


class GateJob(NamedTuple):
    """Gates to run in order on the files of a commit, up to the first that fails.

    Attributes:
        commit: full id.
        phase: "before" or "after" the moves.
        modules: paths of the moved files as they stand in that commit.
        base_modules: as they stand in the base commit.
        gates: the gates.
    """

    commit: str
    phase: Phase
    modules: tuple[str, ...]
    base_modules: tuple[str, ...]
    gates: tuple[Ready, ...]


class Told(Protocol):
    """Is told what becomes of a job's gates, from any thread."""

    def began(self, ready: Ready) -> None:
        """A gate is about to run."""

    def ended(self, ready: Ready, result: GateResult) -> None:
        """A gate ended."""

    def abandoned(self, ready: Ready) -> None:
        """A gate that had begun was killed, as nobody wants it any more."""


class Halls(ABC):
    """Where gates run, some jobs at once; only the holder of the run lock has one.

    Args:
        width: how many jobs can run side by side.

    Attributes:
        width: likewise.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._stopped = threading.Event()
        self._unwanted: dict[Future[None], threading.Event] = {}
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="gates")

    def submit(self, job: GateJob, told: Told) -> Future[None]:
        """Begin a job when there is room.

        Args:
            job: what is to run.
            told: is told what becomes of its gates, before the future is done.

        Returns:
            Raises `GateStopped` or `CancelledError` if the job was abandoned, and
            `EnvironmentFailure` if git, the disk or the cluster failed.
        """
        unwanted = threading.Event()

        def stopped() -> bool:
            return unwanted.is_set() or self._stopped.is_set()

        future = self._pool.submit(self._run, job, told, stopped)
        self._unwanted[future] = unwanted
        future.add_done_callback(lambda done: self._unwanted.pop(done, None))
        return future

    def abandon(self, future: Future[None]) -> None:
        """End a job that nobody wants any more."""
        if not future.cancel() and (unwanted := self._unwanted.get(future)) is not None:
            unwanted.set()

    def stop(self) -> None:
        """Abandon all jobs, and take no more."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Wait until no job is under way; after `stop`."""
        self._pool.shutdown(wait=True)

    @abstractmethod
    def _run(self, job: GateJob, told: Told, stopped: Stopped) -> None:
        """Do a job, in a thread of its own."""


class _Quiet:
    """Lets any number work, or one alone."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._working = 0
        self._alone = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._turn:
            # Whoever wants to be alone would else wait for ever.
            self._turn.wait_for(lambda: not self._alone)
            self._working += 1
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._turn:
            self._alone += 1
            try:
                self._turn.wait_for(lambda: not self._working)
                self._working += 1
            except BaseException:
                self._alone -= 1
                self._turn.notify_all()
                raise
        try:
            yield
        finally:
            with self._turn:
                self._alone -= 1
            self._leave()

    def _leave(self) -> None:
        with self._turn:
            self._working -= 1
            self._turn.notify_all()


class Rooms(Halls):
    """Rooms of this machine; what is in a room's work tree a job finds as the commit has it.

    A benchmark runs while nothing else does: what ran beside it would be measured too.

    Args:
        git: the repository, seen from the root.
        source_roots: directories below the root that modules are named from.
        base: full id of the commit that benchmarks are measured by.
        width: how many rooms there are.
    """

    def __init__(self, git: Git, source_roots: Sequence[str], base: str, *, width: int = 1) -> None:
        super().__init__(width)
        self._git = git
        self._source_roots = source_roots
        self._base = base
        self._base_tree = Worktree(git, base_worktree_path(git))
        rooms = range(1, width + 1)
        self._trees = {room: Worktree(git, worktree_path(git, room)) for room in rooms}
        self._free: SimpleQueue[int] = SimpleQueue()
        for room in rooms:
            self._free.put(room)
        self._quiet = _Quiet()
        self._checkout = threading.Lock()  # git makes one work tree at a time

    def _run(self, job: GateJob, told: Told, stopped: Stopped) -> None:
        room = self._free.get()
        try:
            root = self._bring(self._trees[room], job.commit)
            environment = self._environment(str(room), root, job.phase, job.modules)
            for ready in job.gates:
                alone = ready.gate.benchmark is not None
                with self._quiet.alone() if alone else self._quiet.shared():
                    told.began(ready)
                    try:
                        if alone:
                            result = self._compared(job, ready, root, environment, stopped)
                        else:
                            result = run_gate(
                                ready.command, root, environment=environment, stopped=stopped
                            )
                    except GateStopped:
                        told.abandoned(ready)
                        raise
                told.ended(ready, result)
                if not result.passed:
                    return
        finally:
            self._free.put(room)

    def _compared(
        self,
        job: GateJob,
        ready: Ready,
        root: Path,
        environment: dict[str, str],
        stopped: Stopped,
    ) -> GateResult:
        assert ready.base is not None  # whoever made the job saw that it is a benchmark
        there = self._bring(self._base_tree, self._base)
        base = self._environment("base", there, "before", job.base_modules)
        return run_benchmark(
            ready.gate,
            Side(ready.base, there, base),
            Side(ready.command, root, environment),
            stopped=stopped,
        )

    def _bring(self, tree: Worktree, commit: str) -> Path:
        with self._checkout:
            return tree.bring_to(commit)

    def _environment(
        self, name: str, root: Path, phase: Phase, modules: Sequence[str]
    ) -> dict[str, str]:
        listing = modules_path(self._git, name)
        write_atomically(listing, os.fsencode("".join(f"{path}\n" for path in modules)))
        return gate_environment(
            os.environ,
            phase=phase,
            modules=modules,
            modules_file=listing,
            checkout=self._git.directory.resolve(),
            worktree=root,
            source_roots=self._source_roots,
        )

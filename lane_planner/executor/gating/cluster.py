"""Gates on the workers of a Dask cluster: what runs here."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from itertools import groupby
from typing import Any

from lane_planner.base.cluster import Connection, complaint
from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.base.version import __version__
from lane_planner.executor.gating.remote import Ground, Results, run_remotely
from lane_planner.executor.gating.rooms import GateJob, Halls, Ready, Rooms, Told
from lane_planner.executor.storage.packs import bundle_commits, pack_commit
from lane_planner.gates.command import GateResult, GateStopped, Stopped

_POLL_SECONDS = 0.1


class Cluster(Halls):
    """Halls on other machines: jobs go through the `concurrent.futures` executor of Dask's client.

    Benchmarks run on this machine, one at a time: what else a worker's machine has to do is not
    known here.

    Args:
        git: the repository, seen from the root.
        source_roots: directories below the root that modules are named from.
        base: full id of the commit that the run builds on.
        scheduler: address of the cluster's scheduler.
        width: how many jobs can run side by side; None: one for each thread of the workers.

    Raises:
        EnvironmentFailure: the scheduler cannot be reached, has no worker, or a worker cannot be
            prepared.
    """

    def __init__(
        self,
        git: Git,
        source_roots: Sequence[str],
        base: str,
        *,
        scheduler: str,
        width: int | None = None,
    ) -> None:
        self._cluster = Connection(scheduler)
        try:
            stamp = f"{base}{os.getpid()}{time.time_ns()}"
            self._name = f"lane-planner-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
            ground = Ground(
                self._name, __version__, base, pack_commit(git, base), git.prefix,
                tuple(source_roots),
            )  # fmt: skip
            try:
                self._cluster.client.register_plugin(ground, name=self._name)
            except Exception as error:  # whatever a worker raised comes as it is
                raise EnvironmentFailure(
                    f"a worker of {printable(scheduler)} cannot be prepared: {complaint(error)}"
                ) from error
        except BaseException:
            self._cluster.close()
            raise
        super().__init__(self._cluster.threads if width is None else width)
        self._git = git
        self._base = base
        self._here = Rooms(git, source_roots, base)

    def stop(self) -> None:
        """Abandon all jobs, and take no more."""
        super().stop()
        self._here.stop()

    def wait(self) -> None:
        """Wait until no job is under way, and leave the cluster; after `stop`."""
        super().wait()
        self._here.wait()
        if self._cluster.client.status == "running":
            self._cluster.client.unregister_worker_plugin(self._name)
        self._cluster.close()

    def _run(self, job: GateJob, told: Told, stopped: Stopped) -> None:
        for measures, gates in groupby(job.gates, lambda ready: ready.gate.benchmark is not None):
            part = job._replace(gates=tuple(gates))
            run = self._here_run if measures else self._there_run
            if not run(part, told, stopped):
                return

    def _there_run(self, job: GateJob, told: Told, stopped: Stopped) -> bool:
        """Run gates on a worker, and return whether they passed."""
        bundle = b""
        if job.commit != self._base:
            bundle = bundle_commits(self._git, self._base, job.commit)
        future: Future[Results | None] = self._cluster.submit(run_remotely, self._name, job, bundle)
        told.began(job.gates[0])
        results = None
        try:
            _await(future, self._cluster.done, stopped)
            results = self._cluster.outcome(future, "a gate")
        finally:
            if results is None:
                told.abandoned(job.gates[0])
        if results is None:
            raise GateStopped
        for number, (ready, result) in enumerate(results):
            if number:  # a worker tells of all its gates at the end
                told.began(ready)
            told.ended(ready, result)
        return results[-1][1].passed

    def _here_run(self, job: GateJob, told: Told, stopped: Stopped) -> bool:
        """Run gates on this machine, and return whether they passed."""
        ear = _Ear(told)
        future = self._here.submit(job, ear)
        try:
            _await(future, _done, stopped)
            future.result()
        except GateStopped:
            self._here.abandon(future)
            raise
        return ear.passed


class _Ear:
    """Hears whether all gates passed, and passes on what it is told."""

    def __init__(self, told: Told) -> None:
        self.passed = True
        self._told = told

    def began(self, ready: Ready) -> None:
        self._told.began(ready)

    def ended(self, ready: Ready, result: GateResult) -> None:
        self.passed &= result.passed
        self._told.ended(ready, result)

    def abandoned(self, ready: Ready) -> None:
        self._told.abandoned(ready)


def _await(
    future: Future[Any], done: Callable[[Future[Any], float], bool], stopped: Stopped
) -> None:
    """Wait until work is over.

    Args:
        future: the work.
        done: tells after some seconds whether it is over.
        stopped: tells whether it is wanted no more.

    Raises:
        GateStopped: it is not wanted any more.
        EnvironmentFailure: nobody is there who could do it.
    """
    while not stopped():
        if done(future, _POLL_SECONDS):
            return
    future.cancel()
    raise GateStopped


def _done(future: Future[Any], seconds: float) -> bool:
    return bool(wait([future], timeout=seconds).done)

"""Gates on the workers of a Dask cluster: what runs here."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from itertools import groupby
from typing import TypeVar

from distributed import Client
from distributed.scheduler import KilledWorker

from lane_planner.base.errors import EnvironmentFailure, LanePlannerError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.base.version import __version__
from lane_planner.executor.gating.remote import Ground, Results, run_remotely
from lane_planner.executor.gating.rooms import GateJob, Halls, Ready, Rooms, Told
from lane_planner.executor.storage.packs import bundle_commits, pack_commit
from lane_planner.gates.command import GateResult, GateStopped, Stopped

_T = TypeVar("_T")

_CONNECT_SECONDS = 10
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
        shown = printable(scheduler)
        try:
            self._client = Client(
                scheduler, timeout=_CONNECT_SECONDS, set_as_default=False, direct_to_workers=False
            )
        except (OSError, ValueError, TimeoutError) as error:
            raise EnvironmentFailure(
                f"cannot reach the scheduler {shown}: {printable(str(error)).splitlines()[0]}"
            ) from error
        try:
            threads = sum(self._client.nthreads().values())
            if not threads:
                raise EnvironmentFailure(
                    f"the scheduler {shown} has no worker: start some with `dask worker {shown}`"
                )
            told = f"{base}{os.getpid()}{time.time_ns()}"
            self._name = f"lane-planner-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
            ground = Ground(
                self._name, __version__, base, pack_commit(git, base), git.prefix,
                tuple(source_roots),
            )  # fmt: skip
            try:
                self._client.register_plugin(ground, name=self._name)
            except Exception as error:  # whatever a worker raised comes as it is
                raise EnvironmentFailure(
                    f"a worker of {shown} cannot be prepared: {_told(error)}"
                ) from error
        except BaseException:
            self._client.close()
            raise
        super().__init__(threads if width is None else width)
        self._git = git
        self._base = base
        self._executor = self._client.get_executor(pure=False)
        self._here = Rooms(git, source_roots, base)

    def stop(self) -> None:
        """Abandon all jobs, and take no more."""
        super().stop()
        self._here.stop()

    def wait(self) -> None:
        """Wait until no job is under way, and leave the cluster; after `stop`."""
        super().wait()
        self._here.wait()
        if self._client.status == "running":
            self._client.unregister_worker_plugin(self._name)
            self._client.close()

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
        future: Future[Results | None] = self._executor.submit(
            run_remotely, self._name, job, bundle
        )
        told.began(job.gates[0])
        results = None
        try:
            results = _awaited(future, stopped)
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
            _awaited(future, stopped)
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


def _awaited(future: Future[_T], stopped: Stopped) -> _T:
    """Return what a future comes to.

    Raises:
        GateStopped: it is not wanted any more.
        EnvironmentFailure: the cluster or a worker failed.
    """
    while not stopped():
        try:
            return future.result(timeout=_POLL_SECONDS)
        except TimeoutError:
            if future.done():  # it is what the worker raised
                raise
        except (LanePlannerError, GateStopped):
            raise
        except CancelledError as error:
            raise EnvironmentFailure("the cluster has forgotten a gate: is it closed?") from error
        except KilledWorker as error:
            raise EnvironmentFailure(
                f"gates end the workers that run them: {_told(error)}"
            ) from error
        except Exception as error:  # whatever a worker raised comes as it is
            raise EnvironmentFailure(f"a worker failed: {_told(error)}") from error
    future.cancel()
    raise GateStopped


def _told(error: BaseException) -> str:
    lines = printable(str(error)).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__

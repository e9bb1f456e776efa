"""The one door to Dask clusters: connecting, handing work over, and what becomes of it.

Importing this needs Dask, so it is imported where a cluster is asked for and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from typing import Any, TypeVar

from lane_planner.base.errors import EnvironmentFailure, LanePlannerError, UsageError
from lane_planner.base.text import printable

try:
    from distributed import Client
    from distributed.comm.addressing import resolve_address
    from distributed.scheduler import KilledWorker
except ModuleNotFoundError as error:
    raise UsageError(
        "a cluster needs Dask: install lane-planner[distributed] here and on the cluster"
    ) from error

_T = TypeVar("_T")

_CONNECT_SECONDS = 10
_LOOK_SECONDS = 1.0
# A worker that ended is started again within seconds, where something sees to that.
_PATIENCE_SECONDS = 20.0


class Connection:
    """A connection to the scheduler of a cluster that has workers.

    Work is handed over with all that it needs, so what a worker that is lost had to do is done
    again by another one.

    Args:
        scheduler: address of the scheduler.
        patience: seconds for which no worker may be there, once the work has begun.

    Attributes:
        client: Dask's own.
        threads: how much the workers can do side by side.

    Raises:
        EnvironmentFailure: the scheduler cannot be reached, or has no worker.
    """

    def __init__(self, scheduler: str, *, patience: float = _PATIENCE_SECONDS) -> None:
        self._shown = printable(scheduler)
        self._patience = patience
        try:
            resolve_address(scheduler)  # a client that fails over one complains once more at exit
            self.client = Client(
                scheduler, timeout=_CONNECT_SECONDS, set_as_default=False, direct_to_workers=False
            )
        except (OSError, ValueError, TimeoutError) as error:
            raise EnvironmentFailure(
                f"cannot reach the scheduler {self._shown}: {printable(str(error))}"
            ) from error
        try:
            self.threads = sum(self.client.nthreads().values())
            if not self.threads:
                raise EnvironmentFailure(
                    f"the scheduler {self._shown} has no worker: start some with "
                    f"`dask worker {self._shown}`"
                )
            self._executor = self.client.get_executor(pure=False)
        except BaseException:
            self.client.close()
            raise
        self._looked = time.monotonic()
        self._deserted: float | None = None  # since when no worker has been seen

    def run_everywhere(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function on the scheduler and on each worker that is there.

        Work whose function cannot be imported there would end the workers.

        Args:
            function: one that they should be able to import.
            arguments: what it is called with.

        Raises:
            LanePlannerError: it raised that.
            EnvironmentFailure: it cannot be called.
        """
        try:
            self.client.run_on_scheduler(function, *arguments)
            self.client.run(function, *arguments)
        except LanePlannerError:
            raise
        except Exception as error:  # whatever they raised comes as it is
            raise EnvironmentFailure(
                f"the cluster {self._shown} cannot be used: {complaint(error)}; it needs the same "
                "lane-planner[distributed] on the scheduler and on each worker"
            ) from error

    def submit(self, function: Callable[..., _T], *arguments: Any) -> Future[_T]:
        """Have a function called on a worker.

        Args:
            function: one that the worker can import.
            arguments: they travel along, and stay with the scheduler until it is done.
        """
        future: Future[_T] = self._executor.submit(function, *arguments)
        return future

    def done(self, future: Future[Any], seconds: float = _LOOK_SECONDS) -> bool:
        """Tell whether work is over, well or not, after waiting for it.

        Args:
            future: as from `submit`.
            seconds: for how long to wait at most.

        Raises:
            EnvironmentFailure: there is no worker any more that could do it.
        """
        if wait([future], timeout=seconds).done:
            return True
        self._require_worker()
        return False

    def outcome(self, future: Future[_T], work: str) -> _T:
        """Return what work that is over came to.

        Args:
            future: as from `submit`, and done.
            work: what it is, for messages.

        Raises:
            LanePlannerError: it raised that.
            EnvironmentFailure: the cluster or a worker failed.
        """
        try:
            return future.result()
        except LanePlannerError:
            raise
        except CancelledError as error:
            raise EnvironmentFailure(
                f"the cluster {self._shown} has dropped {work}: is it closed?"
            ) from error
        except KilledWorker as error:
            raise EnvironmentFailure(
                f"{work} ends the workers that it is given to: {complaint(error)}"
            ) from error
        except Exception as error:  # whatever a worker raised comes as it is
            raise EnvironmentFailure(f"a worker failed: {complaint(error)}") from error

    def close(self) -> None:
        """Leave the cluster; what is not done yet is dropped."""
        if self.client.status == "running":
            self.client.close()

    def _require_worker(self) -> None:
        """Look from time to time whether there is a worker: without one, work waits for ever."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            there = bool(self.client.nthreads())
        except OSError:
            return  # all work is cancelled once the scheduler is given up
        if there:
            self._deserted = None
        elif self._deserted is None:
            self._deserted = now
        elif now - self._deserted > self._patience:
            raise EnvironmentFailure(
                f"the scheduler {self._shown} has no worker left: start some with "
                f"`dask worker {self._shown}`, and run it again"
            )


def complaint(error: BaseException) -> str:
    """Return in one line what a worker or Dask says."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {printable(lines[0])}" if lines else type(error).__name__

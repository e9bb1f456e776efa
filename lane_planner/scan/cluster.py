"""Reading files on the workers of a cluster: what runs here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lane_planner.scan.cache import reader_version
from lane_planner.scan.remote import answer, require_version

if TYPE_CHECKING:
    from concurrent.futures import Future

_T = TypeVar("_T")

# As many packs for each thread of the workers are on their way, so that none waits for the next
# one; but no more than so many in all, as they are held here and by the scheduler.
_AHEAD = 2
_MOST_AHEAD = 64


class Connection(Protocol):
    """What reading asks of a cluster; see `lane_planner.base.cluster.Connection`."""

    @property
    def threads(self) -> int: ...
    def run_everywhere(self, function: Callable[..., Any], *arguments: Any) -> None: ...
    def submit(self, function: Callable[..., _T], *arguments: Any) -> Future[_T]: ...
    def done(self, future: Future[Any]) -> bool: ...
    def outcome(self, future: Future[_T], work: str) -> _T: ...
    def close(self) -> None: ...


class Cluster:
    """A cluster that reads files; there is a connection only while it does.

    Args:
        connect: makes the connection.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    @staticmethod
    def at(scheduler: str) -> Cluster:
        """Return the Dask cluster of a scheduler.

        Args:
            scheduler: its address.
        """

        def connect() -> Connection:
            from lane_planner.base import cluster  # loads Dask, which takes longer than most runs

            return cluster.Connection(scheduler)

        return Cluster(connect)

    def answers(self, name: str, packs: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the answer to each pack, in their order.

        Args:
            name: of the work that is done.
            packs: as from `lane_planner.scan.remote.pack`; they are taken as there is room.

        Raises:
            UsageError: Dask is not installed.
            EnvironmentFailure: the cluster cannot be reached, is of another version, or failed.
        """
        version = reader_version()
        with closing(self._connect()) as connection:
            connection.run_everywhere(require_version, version)
            room = min(_AHEAD * connection.threads, _MOST_AHEAD)
            pending: deque[Future[bytes]] = deque()
            for pack in packs:
                if len(pending) == room:
                    yield _next(connection, pending)
                pending.append(connection.submit(answer, version, name, pack))
            while pending:
                yield _next(connection, pending)


def _next(connection: Connection, pending: deque[Future[bytes]]) -> bytes:
    """Return the answer to the first pack that is waited for."""
    future = pending.popleft()
    while not connection.done(future):
        pass
    return connection.outcome(future, "reading files")

"""Gates on a worker of a Dask cluster: what runs over there.

A worker gets the base commit once, without its history, when the run begins or when it joins; each
job brings the commits of its steps as a git bundle.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from distributed import Worker, WorkerPlugin, get_worker

from lane_planner.base.git import Git
from lane_planner.base.version import __version__
from lane_planner.executor.gating.rooms import GateJob, Ready
from lane_planner.executor.storage.files import remove, write_atomically
from lane_planner.executor.storage.packs import unbundle_commits, unpack_commit
from lane_planner.executor.storage.places import modules_path, worktree_path
from lane_planner.executor.storage.worktree import Worktree
from lane_planner.gates.command import GateResult, GateStopped, gate_environment, run_gate

Results = tuple[tuple[Ready, GateResult], ...]
"""What the gates of a job said, in order, up to the first that failed."""


class Ground(WorkerPlugin):
    """What the jobs of a run need on a worker: a repository with the base commit.

    Args:
        name: of the run, unlike that of any other.
        version: of the tool that sends it.
        base: full id of the base commit.
        pack: that commit, as from `lane_planner.executor.storage.packs.pack_commit`.
        prefix: path of the root below the top of the repository: "" or "sub/dir/".
        source_roots: directories below the root that modules are named from.
    """

    def __init__(
        self,
        name: str,
        version: str,
        base: str,
        pack: bytes,
        prefix: str,
        source_roots: tuple[str, ...],
    ) -> None:
        self.name = name
        self._version = version
        self._base = base
        self._pack = pack
        self._prefix = prefix
        self._source_roots = source_roots

    def setup(self, worker: Worker) -> None:
        """Make the repository; called by the worker."""
        if __version__ != self._version:
            raise RuntimeError(f"it has lane-planner {__version__}, not {self._version}")
        directory = Path(worker.local_directory, self.name)
        unpack_commit(directory, self._base, self._pack)
        root = directory / self._prefix
        root.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._git = Git(root, directory, directory / ".git")
        self._turn = threading.Lock()
        self._free: list[int] = []
        self._rooms = 0

    def teardown(self, worker: Worker) -> None:
        """Remove it; called by the worker."""
        remove(self._directory)

    def run(self, job: GateJob, bundle: bytes) -> Results:
        """Run a job in a room of its own.

        Args:
            job: what is to run.
            bundle: the commits that lead to its commit; empty: it is the base commit.

        Raises:
            EnvironmentFailure: git or the disk failed.
            GateStopped: nobody wants it any more.
        """
        worker = get_worker()
        task = worker.state.tasks[worker.get_current_task()]
        results = []
        with self._turn:
            if not self._free:
                self._rooms += 1
                self._free.append(self._rooms)
            room = self._free.pop()
            tree = Worktree(self._git, worktree_path(self._git, room))
            if bundle:
                unbundle_commits(self._git, bundle)
            root = tree.bring_to(job.commit)
        try:
            listing = modules_path(self._git, str(room))
            write_atomically(listing, os.fsencode("".join(f"{p}\n" for p in job.modules)))
            environment = gate_environment(
                os.environ,
                phase=job.phase,
                modules=job.modules,
                modules_file=listing,
                checkout=self._git.directory.resolve(),
                worktree=root,
                source_roots=self._source_roots,
            )
            for ready in job.gates:
                result = run_gate(
                    ready.command,
                    root,
                    environment=environment,
                    stopped=lambda: task.state == "cancelled",
                )
                results.append((ready, result))
                if not result.passed:
                    break
        finally:
            with self._turn:
                self._free.append(room)
        return tuple(results)


def run_remotely(name: str, job: GateJob, bundle: bytes) -> Results | None:
    """Run a job on the worker that this is called on.

    Args:
        name: of the run.
        job: what is to run.
        bundle: as for `Ground.run`.

    Returns:
        None: nobody wants it any more.

    Raises:
        EnvironmentFailure: git or the disk failed.
    """
    ground = get_worker().plugins[name]
    assert isinstance(ground, Ground)
    try:
        return ground.run(job, bundle)
    except GateStopped:
        return None

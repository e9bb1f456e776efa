"""A real Dask cluster on this machine: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.executor.campaigns import wait_for


class DaskCluster:
    """A scheduler with two workers, as `dask scheduler` and `dask worker` start them.

    Args:
        directory: for their logs and files; it is there.
        workers_path: where the workers look for this package; None: where this process has it.
    """

    def __init__(self, directory: Path, workers_path: Path | None = None) -> None:
        self.directory = directory
        self._file = directory / "scheduler.json"
        self._workers_path = os.fspath(workers_path or os.getcwd())
        self.scheduler = self._start(
            "scheduler", os.getcwd(), "--port", "0", "--no-dashboard", "--no-show"
        )
        wait_for(self._file.exists)
        self.address = json.loads(self._file.read_bytes())["address"]
        self.workers = [self.worker(number) for number in range(2)]
        wait_for(lambda: self._ready() == 2)

    def worker(self, number: int) -> subprocess.Popen[bytes]:
        """Start a worker."""
        return self._start(
            "worker", self._workers_path, "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--local-directory", str(self.directory / f"worker-{number}"),
        )  # fmt: skip

    def close(self) -> None:
        """End all of it."""
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()

    def _start(self, kind: str, path: str, *options: str) -> subprocess.Popen[bytes]:
        with open(self.directory / f"{kind}.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file",
                 str(self._file), *options],
                cwd=self.directory, stdout=log, stderr=log,
                env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip

    def _ready(self) -> int:
        return (self.directory / "worker.log").read_bytes().count(b"Registered to")

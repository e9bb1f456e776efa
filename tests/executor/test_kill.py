"""A run that is killed comes to what it would have come to, or to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.executor.kill_driver import MODES

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("mode", "workers"), [*((mode, 1) for mode in MODES), ("wave", 3)])
def test_killed_runs_are_gone_on_with_and_rolled_back(mode: str, workers: int) -> None:
    # A few of the boundaries; `make kill` goes through all of them.
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.executor.kill_driver", "--mode", mode,
            "--steps", "7", "--first", "5", "--stride", "61", "--random", "2", "--workers", str(workers),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 faults") == 2

"""One holder at a time, who is named, and nobody after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.executor.records.lock import Holder, holder, run_lock

SINCE = "2024-01-01T00:00:00Z"


def test_the_holder_is_named_while_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.lock"
    assert holder(path) is None
    with run_lock(path, command="promote\nx", since=SINCE) as mine:
        assert mine == Holder(os.getpid(), "promote\\nx", SINCE)
        assert holder(path) == mine
        with (
            pytest.raises(EnvironmentFailure, match=rf"process {os.getpid()} \(promote\\nx\)"),
            run_lock(path, command="other", since=SINCE),
        ):
            pass
        assert holder(path) == mine
    assert holder(path) is None
    with run_lock(path, command="next", since=SINCE):
        pass


def test_a_holder_that_has_not_yet_said_who_it_is(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with run_lock(path, command="x", since=SINCE):
        path.write_bytes(b"")
        assert holder(path) == Holder(0, "unknown", "unknown")
        with (
            pytest.raises(EnvironmentFailure, match="another run is under way"),
            run_lock(path, command="y", since=SINCE),
        ):
            pass


def test_a_kill_releases_it(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    code = (
        "import sys; from pathlib import Path; from lane_planner.executor.records.lock import run_lock\n"
        f"with run_lock(Path({str(path)!r}), command='x', since='y'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdin is not None
    with process.stdout, process.stdin:
        assert process.stdout.readline() == b"held\n"
        assert holder(path) == Holder(process.pid, "x", "y")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert holder(path) is None
    with run_lock(path, command="next", since=SINCE):
        pass


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EnvironmentFailure, match="cannot write"),
        run_lock(tmp_path / "file" / "run.lock", command="x", since=SINCE),
    ):
        pass

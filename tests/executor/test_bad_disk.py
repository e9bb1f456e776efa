"""A disk that is full or cannot be written to, and a clock that goes backwards.

What fails is told; once there is room again, a run goes on to what it would have come to, or is
undone, and what the user has is never touched.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.shop import PROJECT, Ran, run, spawn
from tests.executor.campaigns import gate_text
from tests.executor.odd_places import (
    FILES,
    branches,
    killed,
    leave_things_about,
    only_added,
    own_files,
    planned,
    refused,
    rolled_back,
    same,
    small,
    state,
    untouched,
)
from tests.executor.repositories import ENVIRONMENT, git

pytestmark = pytest.mark.long

_SIZE = 6 * 2**20


def _may_mount() -> bool:
    with tempfile.TemporaryDirectory() as directory:
        return _mounted(Path(directory), "-t", "tmpfs", "-o", "size=64k", "tmpfs", directory)


def _mounted(place: Path, *arguments: str) -> bool:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    if done.returncode == 0 and "tmpfs" in arguments and arguments[3] == "size=64k":
        _unmount(place)
    return done.returncode == 0


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], check=True)


mounting = pytest.mark.skipif(
    not _may_mount(), reason="nothing may be mounted here: no disk of the test's own"
)


class Disk:
    """A small disk of the test's own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    @property
    def free(self) -> int:
        """How many bytes are left."""
        there = os.statvfs(self.place)
        return there.f_bavail * there.f_frsize

    @contextmanager
    def nearly_full(self, left: int) -> Iterator[None]:
        """Leave only so many bytes while the block runs."""
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, self.free - left)
        assert self.free <= left
        try:
            yield
        finally:
            self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 6 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", place], check=True)
    yield Disk(place)
    _unmount(place)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Let nothing below a directory be written while the block runs, not even by root."""
    subprocess.run(["mount", "--bind", place, place], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        yield
    finally:
        _unmount(place)


def told(ran: Ran) -> None:
    """Make sure that a failure is told in a line, with at most one more on what is left."""
    assert ran.code == 4, ran
    assert ran.out == ""
    lines = ran.err.splitlines()
    assert 1 <= len(lines) <= 2, ran.err
    assert all(line.startswith("lane-planner: error: ") for line in lines), ran.err
    assert "Traceback" not in ran.err and "internal error" not in ran.err


def gone_on_with(root: Path, plan: str, *options: str) -> None:
    """Go on with a run that failed, where it can be gone on with; else do it again."""
    if "was interrupted" in run(root, "status").out:
        ran = run(root, "resume")
    else:
        assert branches(root) == {}
        ran = run(root, "apply", plan, *options)
    assert (ran.code, ran.err) == (0, ""), ran


@mounting
@pytest.mark.parametrize(
    ("mode", "parts"),
    [("single", (0.5, 0.9)), ("stack", (0.0, 0.3, 0.8))],
    ids=["single", "stack"],
)
def test_a_disk_that_fills_up_at_any_moment(
    disk: Disk, mode: str, parts: tuple[float, ...]
) -> None:
    root = small(disk.place / "r")
    plan = planned(root)
    leave_things_about(root)
    before = state(root)
    options = ("--mode", mode)
    free = disk.free
    assert run(root, "apply", plan, *options).code == 0
    made = branches(root)
    needed = free - disk.free
    failed = 0
    for part in parts:
        rolled_back(root)
        untouched(root, before)
        git(root, "prune", "--expire=now")  # so that every run writes all its objects
        with disk.nearly_full(int(needed * part)):
            ran = spawn(root, "apply", plan, *options)
            if ran.code:
                told(ran)
                failed += 1
            after = state(root)
            for name in before.keys() - {"refs", "worktrees", "kept by git"}:
                same(after[name], before[name], name)
            shown = spawn(root, "status")
            assert (shown.code, shown.err) == (0, "")
        if ran.code:
            gone_on_with(root, plan, *options)
        assert branches(root) == made
        only_added(root, before)
    assert failed >= len(parts) - 1
    rolled_back(root)
    untouched(root, before)


@mounting
@pytest.mark.parametrize("then", ["resume", "rollback"])
def test_a_disk_that_is_full_after_a_kill(disk: Disk, then: str) -> None:
    root = small(disk.place / "r")
    plan = planned(root)
    leave_things_about(root)
    before = state(root)
    assert run(root, "apply", plan).code == 0
    made = branches(root)
    rolled_back(root)
    killed(root, plan)
    left = state(root)
    with disk.nearly_full(0):
        ran = spawn(root, then)
        told(ran)
        for name, value in state(root).items():
            same(value, left[name], name)
        shown = spawn(root, "status")
        assert (shown.code, shown.err) == (0, "")
        assert "was interrupted" in shown.out
    ran = run(root, then)
    assert (ran.code, ran.err) == (0, ""), ran
    assert branches(root) == (made if then == "resume" else {})
    only_added(root, before)


@mounting
def test_reading_needs_no_room(disk: Disk) -> None:
    root = small(disk.place / "r")
    plan = planned(root)
    assert run(root, "apply", plan).code == 0
    commands: Sequence[tuple[str, ...]] = (
        ("status",), ("log",), ("check", "--cycles"), ("promote", "candidate.a", "core"),
    )  # fmt: skip
    expected = [spawn(root, *command) for command in commands]
    assert all(ran.code == 0 for ran in expected)
    with disk.nearly_full(0):
        assert [spawn(root, *command) for command in commands] == expected
    with read_only(root):
        assert [spawn(root, *command) for command in commands] == expected


@mounting
def test_a_gate_that_fills_the_disk_fails(disk: Disk) -> None:
    code = "\nwith open('huge', 'wb') as file:\n    while True: file.write(bytes(2**16))\n"
    gate = gate_text("fills", code)
    root = small(disk.place / "r", {"lanes.toml": FILES["lanes.toml"] + gate.encode()})
    leave_things_about(root)
    before = state(root)
    ran = spawn(root, "promote", "candidate.a", "core", "--apply")
    if ran.code != 3:  # the journal had no room either for what the gate said
        told(ran)
    for name, value in state(root).items():
        same(value, before[name], name)
    if "was interrupted" in run(root, "status").out:
        assert run(root, "rollback").code == 0
    assert own_files(root) == set()


@mounting
def test_a_git_directory_that_cannot_be_written(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    leave_things_about(root)
    before = state(root)
    acts: list[tuple[str, ...]] = [
        ("apply", plan),
        ("promote", "candidate.a", "core", "--apply"),
        ("rollback",),
    ]
    place = root / ".git"
    with read_only(place):
        for act in acts[:2]:
            assert "Read-only file system" in refused(root, 4, *act)
    assert run(root, "apply", plan).code == 0
    made = branches(root)
    with read_only(place):
        assert "Read-only file system" in refused(root, 4, "rollback")
    rolled_back(root)
    killed(root, plan)
    with read_only(place):
        for act in (*acts, ("resume",)):
            assert "Read-only file system" in refused(root, 4, *act)
        assert "was interrupted" in run(root, "status").out
    ran = run(root, "resume")
    assert (ran.code, ran.err) == (0, ""), ran
    assert branches(root) == made
    only_added(root, before)
    rolled_back(root)
    untouched(root, before)


# --- the clock ---

# Every look at the clock shows an hour less than the one before.
_BACKWARDS = """\
import datetime, itertools, os, sys, types
from lane_planner.executor.records import journal

file = sys.argv.pop(1)

class Backwards(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        looks = int(open(file).read()) + 1
        open(file, "w").write(str(looks))
        return datetime.datetime(2024, 6, 1, tzinfo=tz) - datetime.timedelta(hours=looks)

journal.datetime = types.SimpleNamespace(datetime=Backwards, UTC=datetime.UTC)
from lane_planner.cli.main import main
main()
"""


class BackInTime:
    """Runs the tool where the clock goes backwards, from one run to the next too."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._looks = root.parent / "looks"
        self._looks.write_text("0", encoding="ascii")

    def __call__(self, *arguments: str, kill: bool = False) -> Ran:
        env = {name: value for name, value in ENVIRONMENT.items() if not name.endswith("_DATE")}
        mark = self.root.parent / "kill"
        if kill:
            mark.write_text("main.py", encoding="ascii")
            env["KILL"] = str(mark)
        done = subprocess.run(
            [sys.executable, "-c", _BACKWARDS, str(self._looks), *arguments],
            cwd=self.root,
            env={**env, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            check=False,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_clock_that_goes_backwards(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    leave_things_about(root)
    before = state(root)
    there = BackInTime(root)
    ran = there("apply", plan)
    assert (ran.code, ran.err) == (0, ""), ran
    (name,) = branches(root)
    tree = git(root, "rev-parse", f"{name}^{{tree}}")

    metrics = there("status", "--metrics", "--format", "json").json
    assert metrics["promotions"] == 5 and metrics["seconds"] == 0
    (told_run,) = there("status", "--format", "json").json["runs"]
    assert told_run["status"] == "done"
    assert told_run["ended"] < told_run["started"]  # as the clock said, which is no failure
    assert all(gate["seconds"] >= 0 for gate in told_run["gates"])
    for line in there("log", "--format", "jsonl").out.splitlines():
        assert json.loads(line)["at"].startswith("2024-05-31T")
    assert there("rollback").code == 0
    untouched(root, before)

    killed_run = there("apply", plan, kill=True)
    assert killed_run.code == -signal.SIGKILL
    steps = there("status", "--format", "json").json["runs"][-1]["steps"]
    ran = there("resume")
    assert (ran.code, ran.err) == (0, ""), ran
    # Its commits bear the time at which it began, so they are the ones that were made before.
    listed = git(root, "rev-list", f"main..{name}").decode().split()
    assert {step["commit"] for step in steps} <= set(listed)
    assert git(root, "rev-parse", f"{name}^{{tree}}") == tree
    assert [run["status"] for run in there("status", "--format", "json").json["runs"]] == [
        "rolled-back", "done",
    ]  # fmt: skip
    assert there("rollback").code == 0
    untouched(root, before)

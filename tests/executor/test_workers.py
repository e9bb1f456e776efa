"""Gates side by side: faster where there is room, and nothing else is different."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lane_planner.base.git import Git
from lane_planner.executor.campaign import Result
from lane_planner.executor.gating.rooms import Workers
from lane_planner.executor.records.journal import Mode
from lane_planner.executor.recovery import roll_back
from tests.executor.campaigns import (
    alive,
    campaign_repository,
    carried_out,
    failing_with,
    fixed_environment,
    gate_text,
    interrupted,
    planned,
    tree_of,
)
from tests.executor.repositories import snapshot

pytestmark = pytest.mark.long

MODES: tuple[Mode, ...] = ("single", "stack", "wave")

ONE_IN_SOME = [["m03"], ["m12"], ["c1"]]
A_PAIR_OF_TWO_BATCHES = [["m00", "m15"]]
A_WHOLE_BATCH = [["m05"], ["m06"], ["m07"], ["m08"], ["m09"]]

BAD: list[tuple[Mode, list[list[str]]]] = [
    ("single", []),
    ("single", A_WHOLE_BATCH),
    ("stack", ONE_IN_SOME),
    ("stack", A_PAIR_OF_TWO_BATCHES),
    ("wave", ONE_IN_SOME),
    ("wave", A_PAIR_OF_TWO_BATCHES),
    ("wave", [[]]),
]


def told(root: Path, result: Result) -> object:
    """Return what came of a run, but for times, paths and what follows from them."""
    return (
        [(b.name, [s.id for s in b.steps], tree_of(root, b.commit)) for b in result.branches],
        [(left.step, left.reason) for left in result.left_out],
        [(gate.name, gate.phase, gate.passed, gate.output) for gate in result.gates],
        [
            [(gate["name"], gate["exit_code"]) for gate in json.loads(Path(path).read_bytes())["gates"]]
            for branch in result.branches
            for path in branch.evidence[:1]
        ],
        result.success,
        result.reason,
        result.waiting,
    )  # fmt: skip


@pytest.mark.parametrize(("mode", "bad"), BAD)
def test_what_comes_of_it_does_not_depend_on_the_number_of_workers(
    tmp_path: Path, mode: Mode, bad: list[list[str]]
) -> None:
    found = []
    for workers in (1, 3):
        root = campaign_repository(
            tmp_path / str(workers),
            gate_text("guard", "pass", phase="before"),
            gate_text("fast", failing_with(*bad)),
            gate_text("second", failing_with(["m01"])),
            gate_text("all", failing_with(["m02", "m14"]), scope="wave"),
        )
        found.append(told(root, carried_out(root, mode, workers=Workers(workers))))
    assert found[0] == found[1]


@pytest.mark.parametrize("mode", MODES)
def test_gates_run_side_by_side_each_in_a_tree_of_its_own(tmp_path: Path, mode: Mode) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    # Two that are under way at once see each other; alone, one gives up, as the last one does.
    code = (
        "import os, pathlib, time\n"
        f"marks = pathlib.Path({str(marks)!r})\n"
        "mine = marks / str(os.getpid())\n"
        "mine.write_text(os.getcwd())\n"
        "deadline = time.monotonic() + 5\n"
        "while len(list(marks.iterdir())) < 2 and time.monotonic() < deadline: time.sleep(0.01)\n"
        "print(len({mark.read_text() for mark in marks.iterdir()}))\n"
    )
    root = campaign_repository(tmp_path / "r", gate_text("meet", code))
    before = snapshot(root)
    result = carried_out(root, mode, workers=Workers(2))
    assert result.success and not result.left_out
    assert "2\n" in [gate.output for gate in result.gates]
    assert all(mark.read_text().startswith(str(root / ".git")) for mark in marks.iterdir())
    assert not list((root / ".git/lane-planner").glob("worktree*"))
    roll_back(Git.require(root))
    after = snapshot(root)
    del before["git directory"], after["git directory"]  # directories of reflogs stay
    assert after == before


def test_a_benchmark_is_measured_while_nothing_else_runs(tmp_path: Path) -> None:
    busy = tmp_path / "busy"
    busy.mkdir()
    working = (
        "import os, pathlib, time\n"
        f"mark = pathlib.Path({str(busy)!r}, str(os.getpid()))\n"
        "mark.touch()\n"
        "time.sleep(0.1)\n"
        "mark.unlink()\n"
    )
    measuring = f"import os; print('took', 1 + 9 * bool(os.listdir({str(busy)!r})))"
    root = campaign_repository(
        tmp_path / "r",
        gate_text("work", working),
        gate_text("speed", measuring, kind="benchmark")
        + "metric = { regex = 'took (?P<value>[0-9.]+)' }\nrounds = 1\n",
        gate_text("more", working),
    )
    result = carried_out(root, "wave", workers=Workers(4))
    assert not result.left_out
    assert {gate.name for gate in result.gates} == {"work", "speed", "more"}


def test_what_was_asked_ahead_in_vain_is_not_waited_for(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "if os.path.exists('core/m03.py'):\n"
        "    if os.path.exists('core/m07.py'): time.sleep(600)\n"
        "    time.sleep(0.5)\n"  # the next batch's has begun by then
        "    sys.exit('core/m03.py is bad')\n"
    )
    root = campaign_repository(tmp_path / "r", gate_text("fast", code))
    began = time.monotonic()
    result = carried_out(root, "stack", workers=Workers(2))
    assert time.monotonic() - began < 60
    assert [left.modules for left in result.left_out] == [("candidate.m03",)]


def test_a_fault_of_git_ends_all_of_it(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    # The first breaks the repository while the other one goes on, and would for long.
    code = (
        "import os, pathlib, time\n"
        f"marks = pathlib.Path({str(marks)!r})\n"
        "first = not list(marks.iterdir())\n"
        "(marks / str(os.getpid())).touch()\n"
        "if first:\n"
        "    while len(list(marks.iterdir())) < 2: time.sleep(0.01)\n"
        f"    os.rename({str(tmp_path / 'r/.git/objects')!r}, {str(tmp_path / 'gone')!r})\n"
        "    raise SystemExit(1)\n"
        "time.sleep(600)\n"
    )
    root = campaign_repository(tmp_path / "r", gate_text("break", code))
    (tmp_path / "plan.json").write_bytes(planned(root))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "lane_planner", "apply", str(tmp_path / "plan.json"), "--root",
         str(root), "--mode", "wave", "--workers", "2"],
        env=dict(fixed_environment()), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert time.monotonic() - began < 60
    assert done.returncode == 4 and "Traceback" not in done.stderr, done.stderr
    assert not [pid for pid in map(int, os.listdir(marks)) if alive(pid)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_every_gate_and_leaves_nothing(
    tmp_path: Path, mode: Mode, number: signal.Signals
) -> None:
    pids = interrupted(tmp_path, number, 3, "--mode", mode, "--workers", "3")
    assert not [pid for pid in pids if alive(pid)]

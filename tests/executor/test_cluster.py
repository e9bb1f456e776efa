"""Gates on a Dask cluster: a real scheduler and real worker processes, one of which may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.executor.gating.rooms import Workers
from lane_planner.executor.recovery import roll_back
from lane_planner.executor.storage.packs import (
    bundle_commits,
    pack_commit,
    unbundle_commits,
    unpack_commit,
)
from tests.dask_cluster import DaskCluster
from tests.executor.campaigns import (
    alive,
    campaign_repository,
    carried_out,
    failing_with,
    gate_text,
    interrupted,
    planned,
    wait_for,
)
from tests.executor.repositories import git, snapshot
from tests.executor.test_workers import told

pytestmark = pytest.mark.long

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    made = DaskCluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


@pytest.mark.parametrize("mode", ["stack", "wave"])
def test_what_comes_of_it_is_what_this_machine_comes_to(
    tmp_path: Path, cluster: DaskCluster, mode: str
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    mark = f"import os, pathlib; pathlib.Path({str(marks)!r}, str(os.getppid())).touch()"
    found = []
    for workers in (Workers(), Workers(scheduler=cluster.address)):
        root = campaign_repository(
            tmp_path / str(workers.scheduler is None),
            gate_text("guard", "import os; print(sorted(os.listdir('candidate')))", phase="before"),
            gate_text("fast", failing_with(["m03"], ["m10", "m11"])),
            gate_text("mark", mark),
            gate_text("told", "import os; print(os.environ['LANE_PLANNER_MODULES'])"),
            gate_text("listed", "import os; print(open(os.environ['LANE_PLANNER_MODULES_FILE']).read())"),
            gate_text("imports", "import core, candidate; print(core.__path__ != candidate.__path__)"),
            gate_text("git", "import subprocess; print(subprocess.check_output("
                             "['git', 'status', '--porcelain', '--ignored'], text=True))"),
            gate_text("speed", "print('took', 1)", kind="benchmark")
            + "metric = { regex = 'took (?P<value>[0-9.]+)' }\nrounds = 1\n",
        )  # fmt: skip
        before = snapshot(root)
        result = carried_out(root, mode, workers=workers)  # type: ignore[arg-type]
        found.append(told(root, result))
        assert result.success
        roll_back(Git.require(root))
        after = snapshot(root)
        del before["git directory"], after["git directory"]
        assert after == before
    assert found[0] == found[1]
    workers_seen = {str(worker.pid) for worker in cluster.workers}
    assert set(os.listdir(marks)) == {str(os.getpid()), *workers_seen}


def test_a_worker_that_is_killed_is_made_up_for(tmp_path: Path) -> None:
    directory = tmp_path / "cluster"
    directory.mkdir()
    cluster = DaskCluster(directory)
    marks = tmp_path / "marks"
    marks.mkdir()
    code = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(marks)!r}, f'{{os.getppid()}}-{{os.getpid()}}').touch()\n"
        "time.sleep(1)\n"
    )
    root = campaign_repository(
        tmp_path / "r", gate_text("slow", code), gate_text("fast", failing_with(["m03"]))
    )
    (tmp_path / "plan.json").write_bytes(planned(root))
    process = subprocess.Popen(
        [sys.executable, "-m", "lane_planner", "apply", str(tmp_path / "plan.json"), "--root",
         str(root), "--mode", "wave", "--scheduler", cluster.address, "--format", "json"],
        env={**os.environ, "PYTHONPATH": os.getcwd()}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(lambda: len(os.listdir(marks)) >= 2)
        victim = cluster.workers[0]
        assert any(name.startswith(f"{victim.pid}-") for name in os.listdir(marks))
        victim.send_signal(signal.SIGKILL)
        said, trouble = process.communicate(timeout=120)
    finally:
        cluster.close()
    assert process.returncode == 1, trouble
    result = json.loads(said)
    assert [left["modules"] for left in result["left_out"]] == [["candidate.m03"]]
    assert sum(len(branch["steps"]) for branch in result["branches"]) == 15


def test_with_no_worker_left_a_run_ends_and_is_undone(tmp_path: Path) -> None:
    directory = tmp_path / "cluster"
    directory.mkdir()
    cluster = DaskCluster(directory)
    marks = tmp_path / "marks"
    marks.mkdir()
    code = f"import pathlib, time; pathlib.Path({str(marks)!r}, 'mark').touch(); time.sleep(1)"
    root = campaign_repository(tmp_path / "r", gate_text("slow", code))
    (tmp_path / "plan.json").write_bytes(planned(root))
    before = snapshot(root)
    process = subprocess.Popen(
        [sys.executable, "-m", "lane_planner", "apply", str(tmp_path / "plan.json"), "--root",
         str(root), "--mode", "stack", "--scheduler", cluster.address],
        env={**os.environ, "PYTHONPATH": os.getcwd()}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(lambda: bool(os.listdir(marks)))
        for worker in cluster.workers:
            worker.kill()
        trouble = process.communicate(timeout=120)[1]
    finally:
        cluster.close()
    assert process.returncode == 4, trouble
    assert "has no worker left: start some with" in trouble and "Traceback" not in trouble
    after = snapshot(root)
    del before["git directory"], after["git directory"]  # directories of reflogs stay
    assert after == before


def test_gates_over_there_end_when_nobody_wants_them(tmp_path: Path, cluster: DaskCluster) -> None:
    pids = interrupted(tmp_path, signal.SIGINT, 2, "--mode", "wave", "--scheduler", cluster.address)
    wait_for(lambda: not any(map(alive, pids)))  # a worker hears of it a little later


def test_no_cluster_is_told_in_a_line_and_changes_nothing(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r", gate_text("fast", "pass"))
    before = snapshot(root)
    with pytest.raises(EnvironmentFailure, match="cannot reach the scheduler"):
        carried_out(root, workers=Workers(scheduler="tcp://127.0.0.1:1"))
    after = snapshot(root)
    del before["git directory"], after["git directory"]
    assert after == before


def test_commits_travel_as_they_are(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r")
    (root / "main.py").write_bytes(b"changed = 1\n")
    git(root, "commit", "--quiet", "--all", "-m", "second")
    result = carried_out(root, "stack")
    here = Git.require(root)
    there = unpack_commit(tmp_path / "there", result.base, pack_commit(here, result.base))
    last = result.branches[-1].commit
    unbundle_commits(there, bundle_commits(here, result.base, last))
    assert there.files(last) == here.files(last)
    for commit in (result.base, last):
        assert there.out("cat-file", "-p", commit) == here.out("cat-file", "-p", commit)
    count = there.out("rev-list", "--count", last)
    assert int(count) == len(result.steps) + 1  # the base commit has no history there
    assert there.ask("fsck", "--strict").exit_code == 0

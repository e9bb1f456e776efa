"""`--scheduler` where a cluster is not needed, and where Dask is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.shop import PROJECT, run, shop, spawn

COMMANDS = {
    "check": ["check", "--syntax", "--format", "json"],
    "cycles": ["cycles", "--format", "json"],
    "graph": ["graph"],
    "explain": ["explain", "candidate.a", "--format", "json"],
    "plan": ["plan", "--format", "json"],
    "unlocks": ["unlocks", "--format", "json"],
    "forecast": ["forecast", "--format", "json"],
    "trend": ["trend", "--format", "json"],
    "report": ["report", "--html", "-"],
    "verify": ["verify", "--format", "json"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_little_is_read_here_and_no_cluster_asked(tmp_path: Path, command: list[str]) -> None:
    root = shop(tmp_path / "repo")
    there = run(root, *command, "--scheduler", "nothing")
    here = run(root, *command)
    assert (there.code, there.out) == (here.code, here.out)
    assert there.code in (0, 1) and there.out


def test_without_dask_it_is_told_what_to_install(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo")
    (root / "candidate/large.py").write_text("# much\n" * 200_000)
    absent = tmp_path / "absent/distributed.py"
    absent.parent.mkdir()
    absent.write_text("raise ModuleNotFoundError(\"No module named 'distributed'\")\n")
    path = f"{absent.parent}{os.pathsep}{PROJECT}"
    ran = spawn(root, "check", "--scheduler", "tcp://127.0.0.1:1", env={"PYTHONPATH": path})
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "lane-planner: error: a cluster needs Dask: install lane-planner[distributed] here and on "
        "the cluster\n"
    )

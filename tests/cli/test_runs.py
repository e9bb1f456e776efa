"""`apply` in its modes, `resume`, `rollback`, `log` and `status`, as a user sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lane_planner.base.git import Git
from lane_planner.executor.records.journal import Journal, RunStarted
from lane_planner.executor.storage.places import journal_path
from tests.cli.shop import run
from tests.executor.campaigns import campaign_repository, failing_with, gate_text
from tests.executor.repositories import git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a gate that fails for one of twenty modules."""
    return campaign_repository(tmp_path / "r", gate_text("fast", failing_with(["m03"])))


def planned(root: Path) -> str:
    made = run(root, "plan", "--format", "json", "--output", ".git/plan.json", "--quiet")
    assert made.code == 0, made.err
    return ".git/plan.json"


def test_a_stack_is_told_undone_and_logged(root: Path) -> None:
    plan = planned(root)
    applied = run(root, "apply", plan, "--mode", "stack")
    assert applied.code == 1
    assert "left out (1):" in applied.out
    assert (
        "candidate.m03: LP405: gate fast (after the move) failed with exit status 1" in applied.out
    )
    assert "    | core/m03.py is bad" in applied.out
    assert applied.out.count(" on branch promote/candidate-to-core/plan-") >= 5

    logged = run(root, "log")
    assert logged.code == 0 and logged.out.count("candidate.m0") == 9
    lines = run(root, "log", "--format", "jsonl").out.splitlines()
    assert len(lines) == 19 and json.loads(lines[0])["who"] == "Test Person <test@example.org>"
    figures = run(root, "status", "--metrics")
    assert "19 promotions of 19 modules" in figures.out
    assert "5.0% were kept back by gates (1)" in figures.out
    assert run(root, "status", "--metrics", "--format", "json").json["failed"] == 1

    undone = run(root, "rollback")
    assert undone.code == 0
    assert undone.out.endswith("run 1 is rolled back\n")
    assert git(root, "branch").decode().split() == ["*", "main"]
    assert run(root, "log").out == "no promotion yet\n"
    assert "1 of 1 undone runs were undone completely" in run(root, "status", "--metrics").out
    assert run(root, "rollback").error() == "there is no run to undo"


def test_waves_say_how_to_go_on(root: Path) -> None:
    applied = run(root, "apply", planned(root), "--mode", "wave", "--format", "json")
    found = applied.json
    assert applied.code == 1 and found["mode"] == "wave" and found["waiting"] > 0
    assert [step["code"] for step in found["left_out"]] == ["LP405"]
    assert len(found["branches"]) == 4
    again = run(root, "rollback", "--format", "json").json
    assert len(again["branches"]) == 4
    told = run(root, "apply", planned(root), "--mode", "wave").out
    assert "of later waves wait: merge these, then" in told


def test_a_run_that_was_killed_is_told_and_ended(root: Path) -> None:
    with Journal.open(journal_path(Git.require(root))) as journal:
        base = Git.require(root).head()
        journal.start(RunStarted(base, "promote/x", "promote x", 1))
    assert "run 1 was interrupted: `lane-planner resume` goes on" in run(root, "status").out
    ended = run(root, "resume")
    assert ended.code == 1
    assert ended.out.startswith("run 1 was rolled back: it was killed before its branch was made")
    assert run(root, "resume").error() == (
        "there is no run to go on with: run 1, the last, is rolled-back"
    )


def test_pull_requests_are_not_spoken_of_without_being_asked_for(root: Path) -> None:
    ran = run(root, "apply", planned(root), "--draft")
    assert ran.code == 2
    assert ran.error() == "what is said of pull requests is of no use without --pr"


def test_without_a_remote_the_texts_lie_beside_the_branches(root: Path) -> None:
    ran = run(root, "apply", planned(root), "--pr")
    assert ran.code == 1
    assert "no pull requests: " in ran.out and "beside the branches" in ran.out

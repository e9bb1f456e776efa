"""Every promotion is logged, and the figures follow from the log and the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.executor.records.promotion_log import append, read
from lane_planner.executor.storage.places import log_path
from lane_planner.repository.repository import Repository
from tests.executor.campaigns import campaign_repository, carried_out, failing_with, gate_text
from tests.executor.repositories import git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a gate that fails for one of twenty modules."""
    return campaign_repository(tmp_path / "r", gate_text("fast", failing_with(["m03"])))


def test_each_promotion_is_a_line_until_it_is_undone(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "log.jsonl"
    result = carried_out(root, "stack", log_file=str(other))
    logged = read(Git.require(root))
    assert [(one.step, one.commit) for one in logged] == [(s.id, s.commit) for s in result.steps]
    assert {one.who for one in logged} == {"Test Person <test@example.org>"}
    assert {one.branch for one in logged} == {made.name for made in result.branches}
    assert all(one.gates and one.gates[-1].passed for one in logged)
    assert other.read_bytes() == log_path(Git.require(root)).read_bytes()
    lines = [json.loads(line) for line in other.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 19 and lines[0]["evidence"].startswith("sha256:")

    repository = Repository.open(root)
    assert repository.promotions() == logged
    figures = repository.metrics()
    assert (figures.promotions, figures.modules, figures.failed) == (19, 19, 1)
    assert figures.failure_rate == 0.05
    assert figures.seconds is not None and figures.seconds > 0
    repository.roll_back()
    assert repository.promotions() == ()
    assert repository.metrics().rolled_back == 1
    assert repository.metrics().promotions == 0


def test_a_line_that_comes_again_counts_once(root: Path) -> None:
    carried_out(root)
    logged = read(Git.require(root))
    append(log_path(Git.require(root)), logged[:3])
    assert {one.step for one in read(Git.require(root))} == {one.step for one in logged}
    assert len(read(Git.require(root))) == len(logged)


def test_a_log_that_is_none_is_told(root: Path) -> None:
    path = log_path(Git.require(root))
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"at": 1}\n')
    with pytest.raises(EnvironmentFailure, match=r"promotions\.jsonl:1: this is no promotion"):
        read(Git.require(root))


def test_nothing_is_a_log_too(root: Path) -> None:
    repository = Repository.open(root)
    assert repository.promotions() == ()
    assert repository.metrics().failure_rate is None


def test_who_commits_may_be_said_by_variables_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("user.name", "user.email"):
        git(root, "config", "--unset", key)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Another")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "another@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    assert carried_out(root).success
    assert {one.who for one in read(Git.require(root))} == {"Another <another@example.org>"}

"""Branches of a run are pushed and have pull requests, once, and are taken back with the run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.executor.apply import ApplyOptions
from lane_planner.executor.campaign import Result
from lane_planner.executor.publishing import PullRequests
from lane_planner.executor.records.status import status
from lane_planner.repository.repository import Repository
from tests.executor.campaigns import campaign_repository, carried_out, planned
from tests.executor.github_server import (
    Answer,
    FakeGitHub,
    Fault,
    github_for_gh,
    log_in,
    put_on_github,
)
from tests.executor.repositories import git, snapshot

pytestmark = pytest.mark.skipif(
    shutil.which("gh") is None, reason="gh, GitHub's own program, is not installed"
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose remote is on GitHub."""
    made = campaign_repository(tmp_path / "r")
    owners = made / ".github"
    owners.mkdir()
    (owners / "CODEOWNERS").write_text("candidate/ @one\ncore/ @two\n", encoding="utf-8")
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "-m", "owners")
    put_on_github(made, tmp_path / "hub.git")
    log_in(tmp_path / "gh", monkeypatch)
    return made


@pytest.fixture
def github(root: Path, tmp_path: Path) -> Iterator[FakeGitHub]:
    """GitHub, and gh that is logged in."""
    with github_for_gh(tmp_path / "hub.git", tmp_path / "gh") as server:
        yield server


def test_the_pull_requests_of_a_stack_are_based_on_one_another(
    root: Path, github: FakeGitHub
) -> None:
    github.collaborators |= {"one", "two"}
    wanted = PullRequests(draft=True, labels=("lanes",))
    result = carried_out(root, "stack", pull_requests=wanted)
    base = "main"
    for made, opened in zip(result.branches, result.pull_requests, strict=True):
        assert opened.outcome == "made" and opened.notes == ()
        [shown] = [p for p in github.pulls.values() if p.head == made.name]
        assert (shown.base, shown.draft) == (base, True)
        assert "lanes" in shown.labels
        assert {"one", "two"} == set(shown.reviewers)
        assert shown.body is not None and "moved" in shown.body
        assert github.commit(made.name) == made.commit
        base = made.name
    [run] = status(Git.require(root)).runs
    assert run.pushed == {made.name: made.commit for made in result.branches}
    assert set(run.pull_requests) == set(run.pushed)


def test_undoing_closes_pull_requests_and_takes_branches_back(
    root: Path, github: FakeGitHub
) -> None:
    before = snapshot(root)
    result = carried_out(root, "wave", pull_requests=PullRequests())
    undone = Repository.open(root).roll_back()
    assert set(undone.branches) == {made.name for made in result.branches}
    for made in result.branches:
        assert github.commit(made.name) is None
    assert {pull.state for pull in github.pulls.values()} == {"closed"}
    assert all(pull.comments for pull in github.pulls.values())
    after = snapshot(root)
    del before["git directory"], after["git directory"]
    assert after == before


def test_a_push_that_is_refused_leaves_a_run_to_go_on_with(
    root: Path, github: FakeGitHub, tmp_path: Path
) -> None:
    hook = tmp_path / "hub.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no pushes today >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(EnvironmentFailure, match="no pushes today") as caught:
        carried_out(root, "stack", pull_requests=PullRequests())
    assert any("lane-planner resume" in note for note in caught.value.__notes__)
    hook.unlink()
    result = Repository.open(root).resume()
    assert isinstance(result, Result)
    assert len(github.pulls) == len(result.branches) == len(result.pull_requests)


def test_a_pull_request_that_was_made_before_the_connection_broke_is_found(
    root: Path, github: FakeGitHub
) -> None:
    github.faults.append(Fault(None, method="POST", path="pulls", after=True))
    result = carried_out(root, pull_requests=PullRequests())
    assert len(github.pulls) == 1
    assert result.pull_requests[0].number is not None


def test_no_more_are_open_than_are_wanted(root: Path, github: FakeGitHub) -> None:
    result = carried_out(root, "stack", pull_requests=PullRequests(max_open=2))
    outcomes = [opened.outcome for opened in result.pull_requests]
    assert outcomes[:2] == ["made", "made"] and set(outcomes[2:]) == {"waiting"}
    assert len(github.pulls) == 2
    assert any("without a pull request" in note for note in result.notes)


def test_without_github_the_run_goes_on(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "alone")
    options = ApplyOptions(mode="stack", pull_requests=PullRequests())
    result = Repository.open(root).apply(planned(root), "plan.json", options)
    assert result.success and result.pull_requests == ()
    assert result.notes[0].startswith("no pull requests: ")
    assert all(Path(path).exists() for made in result.branches for path in made.evidence)


def test_a_server_error_is_waited_out(root: Path, github: FakeGitHub) -> None:
    github.faults.append(Fault(Answer(502, {"message": "bad gateway"}), method="GET", path="pulls"))
    assert carried_out(root, pull_requests=PullRequests()).pull_requests[0].outcome == "made"


def test_a_plan_that_was_rolled_back_has_pull_requests_again(
    root: Path, github: FakeGitHub
) -> None:
    carried_out(root, "stack", steps=7, pull_requests=PullRequests())
    Repository.open(root).roll_back()
    again = carried_out(root, "stack", steps=7, pull_requests=PullRequests())
    assert {opened.outcome for opened in again.pull_requests} == {"made"}

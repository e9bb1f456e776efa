"""Which runs count as done."""

from __future__ import annotations

from pathlib import Path

import pytest

from lane_planner.base.git import Git
from lane_planner.executor.journal import BranchIntended, Journal, Mode, RunStarted
from lane_planner.executor.places import journal_path
from lane_planner.executor.status import status
from tests.executor.repositories import git

PULLS = '{"plan":"p","options":{"mode":"single","pull_requests":{"remote":null}}}'
NO_PULLS = '{"plan":"p","options":{"mode":"single","pull_requests":null}}'


@pytest.mark.parametrize(
    ("mode", "order", "expected"),
    [
        ("single", "", "done"),
        ("single", NO_PULLS, "done"),
        ("single", PULLS, "interrupted"),
        ("single", "no JSON", "interrupted"),
        ("stack", NO_PULLS, "interrupted"),
        ("wave", NO_PULLS, "interrupted"),
    ],
)
def test_a_run_killed_behind_its_first_branch_is_done_only_if_nothing_is_to_follow(
    root: Path, mode: Mode, order: str, expected: str
) -> None:
    base = git(root, "rev-parse", "HEAD").decode().strip()
    git(root, "branch", "promote/x")
    with Journal.open(journal_path(Git.require(root))) as journal:
        number = journal.start(RunStarted(base, "promote/x", "p", 1, mode=mode, order=order))
        journal.append(number, BranchIntended(base, "promote/x"))
    assert status(Git.require(root)).runs[0].status == expected

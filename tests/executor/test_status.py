"""Which runs count as done, and how one is watched from beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lane_planner.base.git import Git
from lane_planner.executor.records.journal import (
    BranchIntended,
    Event,
    Journal,
    Mode,
    RunFinished,
    RunStarted,
    StepIntended,
)
from lane_planner.executor.records.lock import run_lock
from lane_planner.executor.records.status import status, watched
from lane_planner.executor.storage.places import journal_path, lock_path
from tests.executor.repositories import git


@pytest.mark.parametrize("mode", ["single", "stack", "wave"])
def test_a_run_killed_behind_its_first_branch_is_interrupted_until_it_is_written_down(
    root: Path, mode: Mode
) -> None:
    base = git(root, "rev-parse", "HEAD").decode().strip()
    git(root, "branch", "promote/x")
    with Journal.open(journal_path(Git.require(root))) as journal:
        number = journal.start(RunStarted(base, "promote/x", "p", 1, mode=mode))
        journal.append(number, BranchIntended(base, "promote/x"))
        assert status(Git.require(root)).runs[0].status == "interrupted"
        journal.append(number, RunFinished(base))
    assert status(Git.require(root)).runs[0].status == "done"


START = RunStarted("base", "promote/x", "p", os.getpid())


class Beside:
    """A process that holds the lock, and does the next thing whenever the watcher pauses."""

    def __init__(self, git: Git, *acts: Callable[[Beside], object]) -> None:
        self.git = git
        self.journal: Journal | None = None
        self._acts: Iterator[Callable[[Beside], object]] = iter(acts)
        self._held = ExitStack()
        self._held.enter_context(run_lock(lock_path(git), command="apply", since="now"))

    def pause(self) -> None:
        next(self._acts)(self)  # it fails where the watcher should have seen the end

    def write(self, event: Event) -> None:
        assert self.journal is not None
        self.journal.append(1, event)

    def begin(self) -> None:
        self.journal = self._held.enter_context(Journal.open(journal_path(self.git)))
        self.journal.start(START)

    def leave(self) -> None:
        self._held.close()

    def finished(self) -> bool:
        return next(self._acts, None) is None


def nothing(beside: Beside) -> None:
    """Let the watcher look again."""


def test_a_run_is_watched_from_before_it_begins_to_its_end(root: Path) -> None:
    git = Git.require(root)
    step, end = StepIntended("s0001", "base"), RunFinished("c")
    beside = Beside(
        git, nothing, Beside.begin, nothing, lambda b: b.write(step), lambda b: b.write(end)
    )
    news = list(watched(git, beside.pause))
    beside.leave()
    assert beside.finished()
    assert [[told.event for told in one.events] for one in news] == [[START], [], [step], [end]]
    assert [one.run.status for one in news] == ["running", "running", "running", "done"]


def test_the_end_of_a_process_is_the_end_of_its_run(root: Path) -> None:
    git = Git.require(root)
    beside = Beside(git, Beside.begin, Beside.leave)
    assert [one.run.status for one in watched(git, beside.pause)] == ["running", "interrupted"]


def test_a_process_that_begins_no_run_is_waited_for(root: Path) -> None:
    git = Git.require(root)
    beside = Beside(git, nothing, nothing, Beside.leave)
    assert list(watched(git, beside.pause)) == []
    assert beside.finished()


def test_who_watches_does_not_keep_the_log_from_being_emptied(root: Path) -> None:
    git = Git.require(root)
    beside = Beside(git, Beside.begin)
    news = watched(git, beside.pause)
    assert next(news).run.status == "running"
    beside.write(StepIntended("s0001", "base"))
    with sqlite3.connect(journal_path(git)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    assert busy == 0
    del news
    beside.leave()

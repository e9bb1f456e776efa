"""The work tree heals from whatever a killed run or a gate left, and never reaches the user's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lane_planner.base.git import Git
from lane_planner.executor.storage.places import worktree_path, worktrees_there
from lane_planner.executor.storage.worktree import Worktree, remove_worktrees
from tests.executor.repositories import git, snapshot


def content(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != ".git"
    }


def tree(root: Path) -> Worktree:
    repository = Git.require(root)
    return Worktree(repository, worktree_path(repository))


def registered(root: Path) -> Path:
    return root / ".git/worktrees/worktree"


def lock(root: Path) -> None:
    git(root, "worktree", "lock", str(worktree_path(Git.require(root))))


def lose_files(root: Path) -> None:
    shutil.rmtree(worktree_path(Git.require(root)))


def lose_files_while_locked(root: Path) -> None:
    lock(root)
    lose_files(root)


def lose_registration(root: Path) -> None:
    shutil.rmtree(root / ".git/worktrees")


def lose_link(root: Path) -> None:
    (worktree_path(Git.require(root)) / ".git").unlink()


def leave_index_lock(root: Path) -> None:
    (registered(root) / "index.lock").touch()


def break_index(root: Path) -> None:
    (registered(root) / "index").write_bytes(b"junk")


def break_head(root: Path) -> None:
    (registered(root) / "HEAD").write_bytes(b"junk\n")


def half_checkout(root: Path) -> None:
    (registered(root) / "index").unlink()
    shutil.rmtree(worktree_path(Git.require(root)) / "candidate")


def become_a_file(root: Path) -> None:
    lose_files(root)
    worktree_path(Git.require(root)).touch()


def forbid(root: Path) -> None:
    directory = worktree_path(Git.require(root)) / "read/only"
    directory.mkdir(parents=True)
    (directory / "file").touch()
    directory.chmod(0o500)


def nest_a_repository(root: Path) -> None:
    nested = worktree_path(Git.require(root)) / "nested"
    nested.mkdir()
    git(nested, "init", "--quiet")


DAMAGE: list[Callable[[Path], None]] = [
    lock,
    lose_files,
    lose_files_while_locked,
    lose_registration,
    lose_link,
    leave_index_lock,
    break_index,
    break_head,
    half_checkout,
    become_a_file,
    forbid,
    nest_a_repository,
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("who", ["the next run", "the same run"])
def test_it_heals(root: Path, damage: Callable[[Path], None], who: str) -> None:
    repository = Git.require(root)
    before = snapshot(root)
    head = repository.head()
    first = tree(root)
    expected = content(first.bring_to(head))
    damage(root)
    worktree = first if who == "the same run" else tree(root)
    assert content(worktree.bring_to(head)) == expected
    assert git(worktree.path, "status", "--porcelain", "--ignored") == b""
    worktree.remove()
    assert snapshot(root) == before


def test_other_work_trees_stay_registered_even_if_missing(root: Path, tmp_path: Path) -> None:
    git(root, "worktree", "add", "--quiet", "--detach", str(tmp_path / "worktree"))
    shutil.rmtree(tmp_path / "worktree")  # as on a disk that is not mounted
    before = snapshot(root)
    worktree = tree(root)
    worktree.bring_to(Git.require(root).head())
    worktree.remove()
    assert snapshot(root) == before


def test_it_holds_one_commit_after_another_exactly(root: Path) -> None:
    repository = Git.require(root)
    first = repository.head()
    git(root, "stash", "--quiet")
    (root / ".gitignore").write_bytes(b"*.log\n")
    (root / "README.md").unlink()
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "second")
    second = repository.head()
    worktree = tree(root)
    path = worktree.bring_to(first)
    assert (path / "README.md").exists()
    (path / "ignored.log").touch()
    (path / "empty").mkdir()
    worktree.bring_to(second)
    names = {file.name for file in path.iterdir()}
    assert names == {".git", ".gitignore", "candidate", "core", "untracked.txt"}
    worktree.remove()
    assert not worktree.path.exists()


def test_removing_what_is_not_there_is_nothing(root: Path) -> None:
    before = snapshot(root)
    tree(root).remove()
    assert snapshot(root) == before
    assert not (root / ".git/lane-planner").exists()


def test_all_that_killed_runs_left_goes_even_without_its_directory(root: Path) -> None:
    before = snapshot(root)
    repository = Git.require(root)
    for room in (1, 2, 3):
        Worktree(repository, worktree_path(repository, room)).bring_to(repository.head())
    shutil.rmtree(worktree_path(repository, 2))
    remove_worktrees(repository)
    assert not worktrees_there(repository)
    assert snapshot(root) == before

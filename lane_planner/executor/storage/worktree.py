"""The work tree that gates run in: the tool's own, inside the state directory, never the user's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.executor.storage.files import remove
from lane_planner.executor.storage.places import worktrees_there

# The user's sparse checkout or recursion into submodules is no matter of this tree's.
_WHOLE = ("-c", "core.sparseCheckout=false", "-c", "submodule.recurse=false")


class Worktree:
    """A detached work tree that is made when first needed and brought to one commit after another.

    Only the holder of the run lock may use it.

    Args:
        git: the repository, seen from the root.
        path: its top directory, in the state directory (`lane_planner.executor.storage.places`).

    Attributes:
        path: its top directory.
        root: the directory in it that stands for the repository's root.
    """

    def __init__(self, git: Git, path: Path) -> None:
        self._git = git
        self.path = path
        self.root = self.path / git.prefix if git.prefix else self.path
        self._admin: Path | None = None

    def bring_to(self, commit: str) -> Path:
        """Make the work tree hold exactly the files of a commit, and return its root.

        Whatever a gate left in it (changed, untracked and ignored files, a stale lock) is gone
        afterwards.

        Args:
            commit: full id.

        Raises:
            EnvironmentFailure: git or the disk failed.
        """
        if not self._linked() or not self._reset(commit):
            self._make(commit)
            self._fill(commit)
        if not self.root.is_dir():
            raise EnvironmentFailure(
                f"commit {commit[:12]} does not hold the root {self._git.prefix or '.'}"
            )
        return self.root

    def remove(self) -> None:
        """Remove the work tree and its registration, also what a killed run left of them.

        Raises:
            EnvironmentFailure: they cannot be removed.
        """
        self._admin = None
        remove(self.path)
        _forget(self._git, self._registrations())

    def _make(self, commit: str) -> None:
        self.remove()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._git.out(
            *_WHOLE, "worktree", "add", "--quiet", "--detach", "--no-checkout", "--force",
            str(self.path), commit,
        )  # fmt: skip
        found = self._registrations()
        if len(found) != 1:
            raise EnvironmentFailure(f"git did not register its work tree {self.path}")
        self._admin = found[0]

    def _linked(self) -> bool:
        """Tell whether the work tree is there and its `.git` file still leads to its record."""
        link = self.path / ".git"
        if self._admin is None or link.is_symlink() or not link.is_file():
            return False
        target = os.fsdecode(link.read_bytes()).removeprefix("gitdir: ").rstrip("\n")
        return os.path.realpath(self.path / target) == os.path.realpath(self._admin)

    def _reset(self, commit: str) -> bool:
        """Bring the work tree that is there to a commit; False if a gate has broken it."""
        try:
            self._fill(commit)
        except EnvironmentFailure:
            return False  # it is made anew, and what fails then is told
        return True

    def _fill(self, commit: str) -> None:
        self._git_inside("reset", "--hard", "--quiet", commit)
        self._git_inside("clean", "-ffdxq")

    def _git_inside(self, *arguments: str) -> None:
        # Both places are given, never discovered: were the work tree's `.git` file missing,
        # discovery would find the repository around it and, in a submodule's git directory,
        # the user's own checkout.
        assert self._admin is not None  # _make has set it, or it was set before
        inside = {"GIT_DIR": str(self._admin), "GIT_WORK_TREE": str(self.path)}
        try:
            git = Git(self.path, self.path, self._git.common_dir)
            git.out(*_WHOLE, *arguments, env=inside)
        except OSError as error:
            raise EnvironmentFailure(f"cannot use {self.path}: {error}") from error

    def _registrations(self) -> list[Path]:
        """Return the directories in which git keeps record of a work tree at our path."""
        ours = os.path.realpath(self.path)
        return [admin for admin, place in _registered(self._git) if place == ours]


def remove_worktrees(git: Git) -> None:
    """Remove all work trees of the tool's own, also what killed runs left of them.

    Only the holder of the run lock may do so.

    Raises:
        EnvironmentFailure: they cannot be removed.
    """
    for path in worktrees_there(git):
        remove(path)
    ours = os.path.realpath(git.state_dir)
    _forget(git, [admin for admin, place in _registered(git) if os.path.dirname(place) == ours])


def _forget(git: Git, registrations: Iterable[Path]) -> None:
    # Not `git worktree prune`: it would also forget the user's work trees on unmounted disks.
    for admin in registrations:
        remove(admin)
    registry = git.common_dir / "worktrees"
    if registry.is_dir() and not any(registry.iterdir()):
        remove(registry)  # as git does with the last one


def _registered(git: Git) -> list[tuple[Path, str]]:
    """Return the directories in which git keeps record of work trees, and where these are."""
    found = []
    for record in sorted((git.common_dir / "worktrees").glob("*/gitdir")):
        try:
            place = os.fsdecode(record.read_bytes()).rstrip("\n")
        except OSError as error:
            raise EnvironmentFailure(f"cannot read {record}: {error.strerror}") from error
        found.append((record.parent, os.path.realpath((record.parent / place).parent)))
    return found

"""Where the executor keeps its files, all below the state directory in the git directory."""

from __future__ import annotations

from pathlib import Path

from lane_planner.base.git import Git


def journal_path(git: Git) -> Path:
    """Return the journal's file."""
    return git.state_dir / "journal.sqlite"


def log_path(git: Git) -> Path:
    """Return the promotion log's file."""
    return git.state_dir / "promotions.jsonl"


def lock_path(git: Git) -> Path:
    """Return the run lock's file."""
    return git.state_dir / "run.lock"


def scratch_path(git: Git) -> Path:
    """Return the directory of files that no run needs once it has ended."""
    return git.state_dir / "scratch"


def commits_path(git: Git) -> Path:
    """Return the directory in which commits are put together: an index, and contents of files."""
    return scratch_path(git) / "commits"


def modules_path(git: Git, name: str) -> Path:
    """Return a file that lists moved files for gates."""
    return scratch_path(git) / f"modules-{name}"


def worktree_path(git: Git, room: int = 1) -> Path:
    """Return the work tree that the gates of a room, numbered from 1, run in."""
    return git.state_dir / ("worktree" if room == 1 else f"worktree-{room}")


def base_worktree_path(git: Git) -> Path:
    """Return the work tree that a benchmark measures the moved one by."""
    return git.state_dir / "worktree-base"


def worktrees_there(git: Git) -> list[Path]:
    """Return the work trees that are there, sorted."""
    return sorted(git.state_dir.glob("worktree*"))


def plan_path(git: Git, plan_id: str) -> Path:
    """Return the file of a plan that runs carry out."""
    return git.state_dir / "plans" / f"{plan_id}.json"


def evidence_paths(git: Git, branch: str) -> tuple[Path, Path]:
    """Return the files of a branch's evidence: JSON and Markdown."""
    directory = git.state_dir / "evidence"
    return directory / f"{branch}.json", directory / f"{branch}.md"

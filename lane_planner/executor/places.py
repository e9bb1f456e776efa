"""Where the executor keeps its files, all below the state directory in the git directory."""

from __future__ import annotations

from pathlib import Path

from lane_planner.base.git import Git

WORKTREES = ("worktree", "worktree-base")
"""Names of the work trees that gates run in: of the moved tree, and of what that is measured by."""


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


def index_path(git: Git) -> Path:
    """Return the temporary index."""
    return scratch_path(git) / "index"


def blobs_path(git: Git) -> Path:
    """Return the directory of contents on their way into the repository."""
    return scratch_path(git) / "blobs"


def modules_path(git: Git) -> Path:
    """Return the file that lists the moved files for gates."""
    return scratch_path(git) / "modules"


def worktree_path(git: Git, name: str = "worktree") -> Path:
    """Return a work tree that gates run in; see `WORKTREES`."""
    return git.state_dir / name


def plan_path(git: Git, plan_id: str) -> Path:
    """Return the file of a plan that runs carry out."""
    return git.state_dir / "plans" / f"{plan_id}.json"


def evidence_paths(git: Git, branch: str) -> tuple[Path, Path]:
    """Return the files of a branch's evidence: JSON and Markdown."""
    directory = git.state_dir / "evidence"
    return directory / f"{branch}.json", directory / f"{branch}.md"

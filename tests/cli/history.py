"""Repositories whose commits are of known days."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

from tests.cli.shop import shop
from tests.executor.repositories import ENVIRONMENT, git

START = datetime.datetime(2025, 1, 6, 12, tzinfo=datetime.UTC)  # a Monday


def commit_on(root: Path, day: float, message: str = "more") -> str:
    """Commit whatever is in a repository, some days after the start, and return the id."""
    date = (START + datetime.timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
    git(root, "add", "--all")
    environment = {**ENVIRONMENT, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    subprocess.run(
        ["git", "commit", "--quiet", "--allow-empty", "-m", message],
        cwd=root, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    return git(root, "rev-parse", "HEAD").decode().strip()


def began(directory: Path, *, root: str = "") -> Path:
    """Make a repository whose only commit is of the start."""
    made = shop(directory, root=root)
    date = START.strftime("%Y-%m-%dT%H:%M:%SZ")
    environment = {**ENVIRONMENT, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    subprocess.run(
        ["git", "commit", "--quiet", "--amend", "--no-edit", "--reset-author"],
        cwd=made, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    return made

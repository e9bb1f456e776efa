"""Two trees of this project side by side: what stands here, and a commit."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.commands import environment
from benchmarks.same_work import answer
from benchmarks.timing import Failed
from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git

PACKAGE = "lane_planner"


def base_commit(project: Git, revision: str | None, target: str | None) -> str:
    """Return the commit that the tree here is compared with.

    Args:
        project: the repository of this project.
        revision: the commit that was asked for; None: the one that fits.
        target: the branch that a pull request is for; then, it is where both parted. None: it is
            the first parent of what is checked out.

    Raises:
        LanePlannerError: there is no such commit.
    """
    if revision is None and target is not None:
        return project.merge_base(f"origin/{target}")
    wanted = "HEAD^" if revision is None else revision
    commit = project.commit_id(wanted)
    if commit is None:
        hint = "fetch the history (in CI a fetch depth of 0)" if project.is_shallow() else "name it"
        raise UsageError(f"no commit is called {wanted} here: {hint}, or another one with --base")
    return commit


def extract(project: Git, commit: str, tree: Path) -> None:
    """Write the package as a commit has it.

    Args:
        project: the repository of this project.
        commit: full id.
        tree: the directory that the package goes into; what is there is replaced.

    Raises:
        EnvironmentFailure: the commit has no such package.
    """
    packed = project.out("archive", "--format=tar", commit, PACKAGE)
    _empty(tree)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(tree, filter="data")


def copy(project: Path, tree: Path) -> None:
    """Write the package as it stands, committed or not.

    Args:
        project: the directory of this project.
        tree: the directory that the package goes into; what is there is replaced.
    """
    _empty(tree)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(project / PACKAGE, tree / PACKAGE, ignore=ignored)


def environment_of(tree: Path) -> dict[str, str]:
    """Return the environment in which Python runs a tree, the same way each time."""
    return {**environment(), "PYTHONHASHSEED": "0", "PYTHONPATH": str(tree)}


def command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of a tree's `lane-planner`, for the environment of that tree."""
    return (sys.executable, "-P", "-m", PACKAGE, *arguments)


def require_own(tree: Path, env: Mapping[str, str]) -> None:
    """See that what runs is the tree, not the package that is installed.

    Args:
        tree: holds the package.
        env: what `environment_of` gives.

    Raises:
        Failed: it is another one, and would be compared with itself.
    """
    program = f"import {PACKAGE}; print({PACKAGE}.__file__)"
    found = Path(answer((sys.executable, "-P", "-c", program), tree, env).rstrip(os.linesep))
    if found.parent != tree / PACKAGE:
        raise Failed(f"Python takes {PACKAGE} from {found.parent}, not from {tree}")


def _empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)

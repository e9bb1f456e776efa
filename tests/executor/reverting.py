"""A repository in which modules are promoted and land in the ways that branches do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lane_planner.executor.carry_out import Outcome
from lane_planner.executor.reverting.reverting import Reversal
from lane_planner.executor.shims import ShimChoice
from lane_planner.repository.repository import Repository
from tests.executor.campaigns import tree_of
from tests.executor.repositories import git, new_repository

CONFIG = """\
[lanes.candidate]
paths = ["candidate"]
imports = ["core"]
promotes_to = "core"

[lanes.core]
paths = ["core"]
promotes_to = "lukhas"

[lanes.lukhas]
paths = ["lukhas"]
imports = ["core"]
"""

_LINES = "".join(f"LINE_{number} = {number}\n" for number in range(8))

FILES: dict[str, bytes] = {
    "candidate/pkg/__init__.py": b'"""Package."""\n',
    "candidate/pkg/engine.py": (
        b"#!/usr/bin/env python3\nfrom core.late import LATE\n\n\n" + _LINES.encode() + b"\n\n"
        b"def run():\n    return LATE\n"
    ),
    "candidate/pkg/engine.pyi": b"def run() -> int: ...\n",
    "candidate/pkg/helper.py": b"HELP = 1\n",
    "candidate/user.py": (
        b"import os\n\nfrom candidate.pkg import engine\n\n\n" + _LINES.encode() + b"\n\n"
        b"def use():\n    return engine.run(), os.sep\n"
    ),
    "candidate/needs.py": b"import candidate.pkg.engine as engine\n\nUSED = engine.run()\n",
    "core/__init__.py": b"",
    "core/late.py": b"LATE = 1\n",
    "lukhas/__init__.py": b"",
    "main.py": b"import candidate.pkg.engine\n\n"
    + _LINES.encode()
    + b"candidate.pkg.engine.run()\n",
    "tests/unit/candidate/pkg/test_engine.py": (
        b"from unittest.mock import patch\n\nfrom candidate.pkg import engine\n\n\n"
        b'def test_run():\n    with patch("candidate.pkg.engine.LATE", 2):\n'
        b"        assert engine.run() == 2\n"
    ),
    "README.md": b"What candidate.pkg.engine does.\n",
}


def reverting_repository(directory: Path, *gates: str) -> Path:
    """Make the repository, with some gates."""
    return new_repository(directory, {**FILES, "lanes.toml": (CONFIG + "".join(gates)).encode()})


def promoted(
    root: Path, name: str, target: str = "core", *, shims: ShimChoice | None = None
) -> Outcome:
    """Promote a module on a branch of its own."""
    repository = Repository.open(root)
    snapshot, analysis = repository.analyse(name, target, shims=shims)
    assert analysis.ready, (analysis.causes, analysis.refusal)
    outcome = repository.promote(snapshot, analysis)
    assert outcome.success, outcome.reason
    return outcome


def fast_forward(root: Path, branch: str) -> None:
    """Merge a branch without a commit."""
    git(root, "merge", "--quiet", "--ff-only", branch)


def merged(root: Path, branch: str) -> None:
    """Merge a branch with a commit, into a main branch that has moved."""
    moved_on(root)
    git(root, "merge", "--quiet", "--no-ff", "-m", f"Merge branch {branch}", branch)


def rebased(root: Path, branch: str) -> None:
    """Rebase a branch onto a main branch that has moved, forget it, and take it over."""
    moved_on(root)
    git(root, "rebase", "--quiet", "main", branch)
    git(root, "checkout", "--quiet", "main")
    git(root, "merge", "--quiet", "--ff-only", branch)
    git(root, "branch", "--quiet", "-D", branch)


def squashed(root: Path, branch: str) -> None:
    """Squash a branch, with the message that git proposes."""
    moved_on(root)
    git(root, "merge", "--quiet", "--squash", branch)
    git(root, "commit", "--quiet", "--no-edit")


def squashed_by_hand(root: Path, branch: str) -> None:
    """Squash a branch, with a message that says nothing."""
    moved_on(root)
    git(root, "merge", "--quiet", "--squash", branch)
    git(root, "commit", "--quiet", "-m", "moved something")


WAYS: tuple[Callable[[Path, str], None], ...] = (
    fast_forward,
    merged,
    rebased,
    squashed,
    squashed_by_hand,
)


def moved_on(root: Path) -> None:
    """Commit something else on the main branch."""
    written(root, {"other.txt": b"something else\n"}, "something else")


def written(root: Path, files: dict[str, bytes], message: str = "later") -> str:
    """Commit some files on what is checked out, and return the commit."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    git(root, "add", "--", *files)
    git(root, "commit", "--quiet", "-m", message)
    return git(root, "rev-parse", "HEAD").decode().strip()


def reversal(root: Path, *wanted: str, with_dependents: bool = False) -> Reversal:
    """Work out how steps can be taken back."""
    return Repository.open(root).reversal(wanted, with_dependents=with_dependents)


def reverted(root: Path, *wanted: str, with_dependents: bool = False) -> Outcome:
    """Take steps back."""
    found = reversal(root, *wanted, with_dependents=with_dependents)
    assert found.ready, (found.dependents, found.obstacles)
    outcome = Repository.open(root).revert(found)
    assert outcome.success, outcome.reason
    return outcome


def differing(root: Path, one: str, other: str) -> set[str]:
    """Return the paths, with their modes counted, at which two commits differ."""
    if tree_of(root, one) == tree_of(root, other):
        return set()
    listed = git(root, "diff-tree", "-r", "--no-renames", "--name-only", one, other)
    return set(listed.decode().split())

"""Real temporary repositories with fixed names and dates, and what must not change in them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from lane_planner.base.git import Git
from lane_planner.config.settings import Gate, Settings
from lane_planner.executor.carry_out import Job
from lane_planner.executor.gating.trials import Step
from lane_planner.promotion.values import FileMove, FileWrite, Promotion

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": "2024-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2024-01-02T03:04:05Z",
    "LC_ALL": "C",
}

FILES = {
    "candidate/a/__init__.py": b"",
    "candidate/a/mod.py": b"VALUE = 1\n",
    "candidate/a/tool.py": b"#!/usr/bin/env python3\nfrom candidate.a.mod import VALUE\n",
    "candidate/b.py": b"from candidate.a import mod\n",
    "core/__init__.py": b"",
    "README.md": b"candidate.a.mod\n",
}


def git(directory: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    """Run git as a user would and return what it printed."""
    return subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=ENVIRONMENT,
        input=stdin,
        check=True,
        capture_output=True,
    ).stdout


def new_repository(directory: Path, files: dict[str, bytes], *, root: str = "") -> Path:
    """Make a repository with one commit and return the root in it (`root` below its top)."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    git(directory, "config", "user.name", "Test Person")
    git(directory, "config", "user.email", "test@example.org")
    base = directory / root
    for name, content in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if content.startswith(b"#!"):
            path.chmod(0o755)
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "-m", "first")
    return base


def make_dirty(root: Path) -> None:
    """Leave a stash, a staged file, an unstaged change and an untracked file behind."""
    (root / "candidate/b.py").write_bytes(b"stashed = 1\n")
    git(root, "stash", "--quiet")
    (root / "staged.py").write_bytes(b"staged = 1\n")
    git(root, "add", "staged.py")
    (root / "candidate/a/mod.py").write_bytes(b"VALUE = 2  # not committed\n")
    (root / "untracked.txt").write_bytes(b"mine\n")


def snapshot(root: Path) -> dict[str, object]:
    """Return everything of the user's that a run must not change, but for branches it makes."""
    top = Path(os.fsdecode(git(root, "rev-parse", "--show-toplevel")).strip())
    common = (top / os.fsdecode(git(top, "rev-parse", "--git-common-dir")).strip()).resolve()
    here = (top / os.fsdecode(git(top, "rev-parse", "--git-dir")).strip()).resolve()
    return {
        "refs": git(root, "for-each-ref"),
        "head": (here / "HEAD").read_bytes(),
        "stash": git(root, "stash", "list"),
        "status": git(root, "--no-optional-locks", "status", "--porcelain", "-z"),
        "worktrees": git(root, "worktree", "list", "--porcelain"),
        "config": (common / "config").read_bytes(),
        "index": hashlib.sha256((here / "index").read_bytes()).hexdigest(),
        "files": {
            str(path.relative_to(top)): (path.read_bytes(), path.stat().st_mode)
            for path in sorted(top.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(top).parts
        },
        "git directory": sorted(
            str(path.relative_to(common))
            for path in common.rglob("*")
            if path.relative_to(common).parts[0] not in ("objects", "lane-planner")
        ),
    }


def promotion(**changes: object) -> Promotion:
    """Return the promotion of candidate.a.mod, with an importer that follows."""
    values: dict[str, object] = {
        "source_lane": "candidate",
        "target_lane": "core",
        "name": "a.mod",
        "modules": ("candidate.a.mod",),
        "renamed": (("candidate.a.mod", "core.a.mod"),),
        "moves": (FileMove("candidate/a/mod.py", "core/a/mod.py"),),
        "writes": (
            FileWrite(
                "candidate/a/tool.py",
                b"#!/usr/bin/env python3\nfrom core.a.mod import VALUE\n",
                "rewritten",
            ),
            FileWrite("candidate/b.py", b"from core.a import mod\n", "rewritten"),
            FileWrite("core/a/__init__.py", b"", "made"),
        ),
        "deletes": (),
        "notes": ("README.md names candidate.a.mod",),
    }
    return Promotion(**(values | changes))  # type: ignore[arg-type]


def second_promotion() -> Promotion:
    """Return a promotion that fits only on top of `promotion()`."""
    return promotion(
        name="b",
        modules=("candidate.b",),
        renamed=(("candidate.b", "core.b"),),
        moves=(FileMove("candidate/b.py", "core/b.py"),),
        writes=(),
        notes=(),
    )


def steps() -> list[Step]:
    """Return two steps."""
    return [Step("s0001", promotion()), Step("s0002", second_promotion())]


def job(root: Path, *gates: Gate, **changes: object) -> Job:
    """Return the job of those two steps."""
    values: dict[str, object] = {
        "base_commit": Git.require(root).head(),
        "branch": "promote/candidate-to-core/a.mod",
        "title": "promote(candidate→core): a.mod",
        "plan_id": "sha256:0123",
        "moves": tuple(move for step in steps() for move in step.promotion.moves),
        "gates": gates,
    }
    return Job(**(values | changes))  # type: ignore[arg-type]


def settings(root: Path) -> Settings:
    """Return settings for a root."""
    return Settings(root=root)


def python_gate(code: str, *, name: str = "gate", **fields: object) -> Gate:
    """Return a gate that runs Python code."""
    return Gate(name=name, command=(sys.executable, "-c", code), **fields)  # type: ignore[arg-type]

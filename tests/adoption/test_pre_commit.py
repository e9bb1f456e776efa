"""The hooks, installed and run by pre-commit itself from a clone of this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adoption.linter_worlds import write_files
from tests.adoption.network import is_unreachable
from tests.cli.shop import PROJECT, commit
from tests.executor.repositories import ENVIRONMENT, git

pytestmark = pytest.mark.long

LANES = """\
[lanes.high]
paths = ["high"]
imports = ["low"]
[lanes.low]
paths = ["low"]
"""
FILES = {"lanes.toml": LANES, "high/a.py": "import low.b\n", "low/b.py": "", "notes.txt": "x\n"}


def pre_commit(root: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=root, env={**ENVIRONMENT, "PRE_COMMIT_HOME": str(home), "PRE_COMMIT_COLOR": "never"},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the hooks: this one, as it is in the working tree."""
    root = tmp_path_factory.mktemp("hooks") / "lane-planner"
    listed = git(PROJECT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (PROJECT / name).is_file() and not name.startswith(("tests/", "fixtures/")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, root / name)
    git(root, "init", "--quiet")
    for key, value in (("user.name", "Test Person"), ("user.email", "test@example.org")):
        git(root, "config", key, value)
    commit(root)
    return root


def project(root: Path, hooks: Path, hook: str) -> Path:
    """Return a repository that has the hook in its configuration."""
    revision = git(hooks, "rev-parse", "HEAD").decode().strip()
    wanted = f"repos:\n- repo: {hooks}\n  rev: {revision}\n  hooks:\n  - id: {hook}\n"
    write_files(root, {**FILES, ".pre-commit-config.yaml": wanted})
    git(root, "init", "--quiet")
    for key, value in (("user.name", "Test Person"), ("user.email", "test@example.org")):
        git(root, "config", key, value)
    git(root, "add", "--all")
    return root


def test_the_manifest_is_valid() -> None:
    done = pre_commit(PROJECT, PROJECT, "validate-manifest", ".pre-commit-hooks.yaml")
    assert done.returncode == 0, done.stdout


def test_pre_commit_runs_them(hooks: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    root = project(tmp_path / "one", hooks, "lane-planner")
    installed = pre_commit(root, home, "install-hooks")
    if installed.returncode and is_unreachable(installed.stdout + installed.stderr):
        pytest.skip(f"pre-commit cannot install packages here: {installed.stdout[-300:]}")
    assert installed.returncode == 0, installed
    kept = pre_commit(root, home, "run")
    assert kept.returncode == 0, kept
    assert "Passed" in kept.stdout
    commit(root)

    write_files(root, {"notes.txt": "y\n"})
    git(root, "add", "--all")
    assert "Skipped" in pre_commit(root, home, "run").stdout  # no code was changed

    write_files(root, {"low/b.py": "import high.a\n"})
    git(root, "add", "--all")
    broken = pre_commit(root, home, "run")
    assert broken.returncode == 1
    assert "low/b.py:1:1: LP101 low may not import lane high" in broken.stdout

    write_files(root, {"low/b.py": "", "low/c.py": "import low.d\n", "low/d.py": "import low.c\n"})
    git(root, "add", "--all")
    assert pre_commit(root, home, "run").returncode == 0
    write_files(
        root,
        {
            ".pre-commit-config.yaml": (root / ".pre-commit-config.yaml")
            .read_text()
            .replace("id: lane-planner", "id: lane-planner-cycles")
        },
    )
    git(root, "add", "--all")
    circle = pre_commit(root, home, "run")
    assert circle.returncode == 1
    assert "low.c → low.d → low.c" in circle.stdout

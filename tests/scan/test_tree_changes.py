"""What trees have otherwise than those before them, beside a listing of each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.scan.sources import CommitTree, Entry, tree_changes
from tests.executor.repositories import git, new_repository

ODD = b"odd\n:name\xff \t'.py"


def commit(root: Path) -> str:
    """Commit all that is in a repository, and return the id."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "more")
    return git(root, "rev-parse", "HEAD").decode().strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"pkg/a.py": b"A = 1\n", "pkg/b.py": b"B = 1\n", "other/c.py": b"", "notes.txt": b""}
    return new_repository(tmp_path / "repo", files)


def history(root: Path) -> list[str]:
    """Make commits of every kind of change, and return their ids, the first among them."""
    package = root / "pkg"
    ids = [git(root, "rev-parse", "HEAD").decode().strip(), commit(root)]
    (package / "a.py").write_bytes(b"A = 2\n")
    (package / "new.pyi").write_bytes(b"")
    ids.append(commit(root))
    (root / "notes.txt").write_bytes(b"nothing that holds a module\n")
    ids.append(commit(root))
    (package / "b.py").unlink()
    (package / "b.py").symlink_to("a.py")
    ids.append(commit(root))
    (package / "b.py").unlink()
    (package / "b.py").write_bytes(b"B = 1\n")
    (package / "b.py").chmod(0o755)
    ids.append(commit(root))
    (package / "a.py").unlink()
    (package / "a.py").mkdir()
    (package / "a.py/inner.py").write_bytes(b"A = 2\n")
    ids.append(commit(root))
    shutil.rmtree(package / "a.py")
    (package / "b.py").rename(package / "a.py")
    Path(os.fsdecode(os.fsencode(package) + b"/" + ODD)).write_bytes(b"")
    ids.append(commit(root))
    (root / "other/c.py").write_bytes(b"C = 2\n")
    ids.append(commit(root))
    shutil.rmtree(package)
    ids.append(commit(root))
    return ids


@pytest.mark.parametrize("below", ["", "pkg"])
def test_changes_add_up_to_each_listing(below: str, root: Path) -> None:
    made = Git.require(root / below)
    ids = history(root)
    (root / below).mkdir(exist_ok=True)
    for asked in (ids, ids[::-1], ids[::3], ids[:1]):
        trees = [git(root, "rev-parse", f"{one}^{{tree}}").decode().strip() for one in asked]
        files: dict[str, Entry] = {}
        found = tree_changes(made, trees)
        assert len(found) == len(asked)
        for one, changes in zip(asked, found, strict=True):
            for path, entry in changes.items():
                if entry is None:
                    files.pop(path, None)
                else:
                    files[path] = entry
            assert sorted(files.values()) == CommitTree(made, one).entries()


def test_what_is_the_same_is_not_listed_again(root: Path) -> None:
    tree = git(root, "rev-parse", "HEAD^{tree}").decode().strip()
    assert tree_changes(Git.require(root), []) == []
    found = tree_changes(Git.require(root), [tree, tree, tree])
    assert [sorted(changes) for changes in found] == [
        ["other/c.py", "pkg/a.py", "pkg/b.py"],
        [],
        [],
    ]


def test_a_tree_that_is_not_there(root: Path) -> None:
    tree = git(root, "rev-parse", "HEAD^{tree}").decode().strip()
    for trees in ([tree, "0" * 40], ["0" * 40], [tree, "0" * 40, tree]):
        with pytest.raises(EnvironmentFailure):
            tree_changes(Git.require(root), trees)

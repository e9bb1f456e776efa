"""The repositories that are measured: the `--clean` fixture, which the strict peers can read, too,
and an empty one."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import fixtures
from fixtures.build import build
from fixtures.repository import GitSink, environment


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a built fixture was made from, and what it should be."""

    made_from: str
    commit: str


def prepare(work: Path, scale: int = 1) -> tuple[Path, str]:
    """Build the fixture, or take the one that is there if it is as it was built.

    Args:
        work: the directory that everything of the benchmark goes to.
        scale: how many times as many modules as the data has.

    Returns:
        The fixture's root and commit id.
    """
    name = "clean" if scale == 1 else f"clean-{scale}"
    root, file = work / name, work / f"{name}.json"
    made_from = _digest(Path(fixtures.__file__).parent)
    if _intact(root, file, made_from):
        return root, _read(file).commit
    if root.exists():
        shutil.rmtree(root)
    work.mkdir(parents=True, exist_ok=True)
    built = build(root, clean=True, scale=scale)
    file.write_text(json.dumps(asdict(Stamp(made_from, built.commit))) + "\n")
    return root, built.commit


def empty_repository(root: Path) -> None:
    """Make a repository that has lanes and no module.

    Args:
        root: a directory that is not there yet.
    """
    root.mkdir(parents=True)
    with GitSink(root) as sink:
        lanes = Path(fixtures.__file__).parent / "templates" / "lanes.toml"
        sink.add(lanes.name, lanes.read_bytes())
        sink.finish()


def python_files(root: Path) -> list[Path]:
    """Return the fixture's tracked Python files, sorted."""
    names = _git(root, "ls-files", "-z", "--", "*.py").split("\0")
    return sorted(root / name for name in names if name)


def stage(root: Path, paths: Sequence[Path]) -> None:
    """Put files into the index as they are."""
    _git(root, "add", "--", *(path.relative_to(root).as_posix() for path in paths))


def hide(root: Path, name: str) -> None:
    """Keep a file of ours out of what git reports as untracked in the fixture."""
    exclude = root / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    known = exclude.read_text() if exclude.exists() else ""
    if f"/{name}\n" not in known:
        exclude.write_text(f"{known}/{name}\n")


def _intact(root: Path, file: Path, made_from: str) -> bool:
    if not file.exists() or not (root / ".git").is_dir():
        return False
    stamp = _read(file)
    head = _git(root, "rev-parse", "HEAD").strip()
    changed = _git(root, "status", "--porcelain").strip()
    return stamp == Stamp(made_from, head) and not changed


def _read(file: Path) -> Stamp:
    return Stamp(**json.loads(file.read_text()))


def _digest(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(directory).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, env=environment(), check=True, capture_output=True, text=True
    ).stdout

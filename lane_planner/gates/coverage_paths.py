"""Where the files are that coverage data tells of: it may have been written in another place."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

# How many of the paths are looked up on disk to find out where they were written from.
_SAMPLE = 200


class Place(NamedTuple):
    """Where the paths in coverage data may be relative to.

    Attributes:
        root: absolute path of the root, "/"-separated.
        data_directory: directory of the data file below the root; "" for the root, or if it lies
            outside.
        exists: tells whether a path below the root is a file.
    """

    root: str
    data_directory: str
    exists: Callable[[str], bool]


def place_of(path: Path, root: Path) -> Place:
    """Return where the paths in a file of coverage data may be relative to.

    Args:
        path: the file.
        root: the root that paths are wanted relative to.
    """
    base = os.path.relpath(path.parent.resolve(), root.resolve()).replace(os.sep, "/")
    return Place(
        root.resolve().as_posix(),
        "" if base in (".", "..") or base.startswith("../") else base,
        lambda name: (root / name).is_file(),
    )


def placed(paths: Iterable[str], place: Place) -> list[tuple[str, str]]:
    """Return paths as the data writes them, each with what it is below the root.

    Of the ways to read them, the one under which most of the files exist is taken.

    Args:
        paths: as the data writes them.
        place: where they may be relative to.
    """
    below, absolute, relative = [], [], []
    above = place.root.rstrip("/") + "/"
    for written in sorted(paths):
        path = normal(written)
        if path.startswith(above):
            below.append((written, path[len(above) :]))
        elif path.startswith("/"):
            absolute.append((written, path))
        else:
            relative.append((written, path))
    found = below
    for paths_alike, directory in ((absolute, None), (relative, place.data_directory)):
        # Where some lie here, what a test made elsewhere is not to be taken for a file of ours.
        way = _way(paths_alike, directory, place.exists, alone=not found)
        if way is not None:
            placed_alike = ((written, way.read(path)) for written, path in paths_alike)
            found = [*found, *((written, name) for written, name in placed_alike if name)]
    return found


class _Way(NamedTuple):
    """A way to read paths: without what stands in front, below a directory.

    Attributes:
        front: what paths have to begin with, and is left out.
        below: the directory, with a slash; "": the root.
    """

    front: str
    below: str

    def read(self, path: str) -> str | None:
        """Return what a normalised path is below the root; None: it begins otherwise."""
        if len(path) <= len(self.front) or not path.startswith(self.front):
            return None
        return posixpath.normpath(f"{self.below}{path[len(self.front) :]}")


_AS_IT_IS = _Way("", "")


def _way(
    paths: list[tuple[str, str]],
    data_directory: str | None,
    exists: Callable[[str], bool],
    *,
    alone: bool,
) -> _Way | None:
    """Return how paths are to be read that were written from one other directory.

    The whole set is read alike. Matching each path by its ending instead would give `core/a.py`
    the coverage of `candidate/core/a.py`. Only if no file exists then, what lies outside of one
    directory is left out: a library, or what tests made in a temporary one.

    Args:
        paths: (as written, normalised).
        data_directory: for relative paths, the directory that they may be relative to; None:
            the paths are absolute, and none stays as it is.
        exists: tells whether a path below the root is a file.
        alone: whether the data has no other paths, so that some of these have to be of ours.

    Returns:
        None: the paths say nothing about this tree.
    """
    step = max(1, len(paths) // _SAMPLE)
    sample = [path for _, path in paths[::step]]
    fronts = Counter(front for path in sample for front in _directories_above(path))
    nearest = sorted(fronts, key=lambda front: (front.count("/"), front))
    for_all = [_Way(front, "") for front in nearest if fronts[front] == len(sample)]
    for_some = [_Way(front, "") for front in nearest if fronts[front] < len(sample)]
    if data_directory is not None:
        below = [_Way("", f"{data_directory}/")] if data_directory else []
        for_all = [_AS_IT_IS, *below, *for_all]
    for ways in (for_all, for_some if alone else []):
        hits = [sum(exists(way.read(path) or "") for path in sample) for way in ways]
        if any(hits):
            return ways[hits.index(max(hits))]
    # Written for another tree. Relative paths stay, so that it can be said how many files they are.
    return None if data_directory is None else _AS_IT_IS


def _directories_above(path: str) -> list[str]:
    """Return the directories that a path is in, from the top, each with its slash."""
    return [path[: at + 1] for at, char in enumerate(path) if char == "/"]


def normal(path: str) -> str:
    """Return a path of any system without dots and backslashes; absolute ones begin with "/"."""
    path = posixpath.normpath(path.replace("\\", "/"))
    return f"/{path}" if re.match(r"[A-Za-z]:/", path) else path


def placed_below(paths: Iterable[str], data: Path, root: Path) -> list[tuple[str, str]]:
    """Return paths as coverage data writes them, each with what it is below the root.

    Args:
        paths: as the data writes them; those that are outside the root are left out.
        data: the file that they stand in.
        root: the root.
    """
    return [
        (written, name)
        for written, name in placed(paths, place_of(data, root))
        if not normal(name).startswith("/")
    ]

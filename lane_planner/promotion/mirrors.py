"""Directories that hold tests laid out like a lane, by the globs of the configuration."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from lane_planner.config.globs import LANE_PART
from lane_planner.config.settings import Lane
from lane_planner.scan.modules import SourceRoots


class Mirror(msgspec.Struct, frozen=True, order=True):
    """A directory of tests laid out like one of the paths of a lane.

    Attributes:
        source: the directory.
        target: where the tests of what has moved on belong.
        lane_path: the lane's path that it is laid out like.
    """

    source: str
    target: str
    lane_path: str


# A run asks for the same ones at each of its steps.
@lru_cache(maxsize=8)
def mirrors_in(
    directories: frozenset[str],
    globs: tuple[str, ...],
    roots: SourceRoots,
    source: Lane,
    target: Lane,
) -> tuple[Mirror, ...]:
    """Return the directories that are laid out like a lane, the longest first.

    Args:
        directories: paths to choose from.
        globs: `{lane}` in them stands for the lane's path, or for what of it is below its source
            root.
        roots: the source roots.
        source: the lane.
        target: the lane that its modules are promoted to.
    """
    found: dict[str, Mirror] = {}
    for lane_path in source.paths:
        forms = dict.fromkeys(
            [
                (lane_path, target.paths[0]),
                (roots.split(lane_path)[1], roots.split(target.paths[0])[1]),
            ]
        )
        for old, new in forms:
            if old in ("", ".") or new in ("", "."):
                continue  # laid out like everything
            for glob in globs:
                pattern = _pattern(glob, old)
                for directory in sorted(directories):
                    hit = pattern.fullmatch(directory)
                    if hit is not None:
                        start, end = hit.span("lane")
                        after = f"{directory[:start]}{new}{directory[end:]}"
                        found.setdefault(directory, Mirror(directory, after, lane_path))
    return tuple(sorted(found.values(), key=lambda mirror: (-len(mirror.source), mirror.source)))


def directories_of(paths: Iterable[str]) -> set[str]:
    """Return the directories that hold some files, directly or not.

    Args:
        paths: of the files.
    """
    found: set[str] = set()
    for path in paths:
        directory = posixpath.dirname(path)
        while directory and directory not in found:
            found.add(directory)
            directory = posixpath.dirname(directory)
    return found


def _pattern(glob: str, lane_path: str) -> re.Pattern[str]:
    parts: list[str] = []
    for part in glob.strip("/").split("/"):
        if part == "**":
            parts.append("(?:[^/]+/)*")
        elif part == LANE_PART:
            parts.append(f"(?P<lane>{re.escape(lane_path)})/")
        else:
            words = (
                "[^/]*" if char == "*" else "[^/]" if char == "?" else re.escape(char)
                for char in part
            )
            parts.append(f"{''.join(words)}/")
    return re.compile(re.sub("/$", "", "".join(parts)))

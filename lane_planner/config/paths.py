"""Paths and path globs in a configuration: below the root, and of some use."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from lane_planner.config.document import Table
from lane_planner.config.globs import glob_fault


def normal_path(path: str) -> str:
    """Return a path without `./`, double and final slashes; the root is "."."""
    return PurePosixPath(path).as_posix()


def path_fault(path: str) -> str | None:
    """Return why a text is no path below the root, or None if it is one.

    Returns:
        The end of a sentence that begins with the path.
    """
    if "\\" in path:
        return "has a backslash, separate directories by /"
    if path.startswith("/") or re.match("[A-Za-z]:", path):
        return "is absolute, write it relative to the root"
    if ".." in path.split("/"):
        return "has a .. part, write it relative to the root"
    if "*" in path or "?" in path:
        return "is a glob, name the directory itself"
    return None


def read_file_path(table: Table, key: str, example: str) -> str:
    """Return the path of a file below the root.

    Args:
        table: what holds the key.
        key: it is there.
        example: such a path, for the message.

    Raises:
        UsageError: it is a directory, or outside the root.
    """
    path = table.text(key)
    fault = path_fault(path)
    if fault is None and (normal_path(path) == "." or path.endswith("/")):
        fault = f"is a directory, name a file such as {example}"
    if fault is not None:
        raise table.error((key,), f'{table.label(key)}: "{path}" {fault}')
    return normal_path(path)


def read_globs(table: Table, key: str) -> tuple[str, ...]:
    """Return a list of path globs; none if it is missing.

    Raises:
        UsageError: one is unusable.
    """
    patterns = table.texts(key, ())
    for index, pattern in enumerate(patterns):
        fault = glob_fault(pattern)
        if fault is not None:
            raise table.error((key, index), f'{table.label(key)}: the glob "{pattern}" {fault}')
    return patterns

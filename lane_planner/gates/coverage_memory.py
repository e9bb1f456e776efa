"""What coverage.py said of sources before, as it takes its time to say it.

A figure follows from the database, the source, coverage.py and its configuration; it is kept
(`lane_planner.base.memory`) under a digest of all of them, so it is right or not found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lane_planner.base.memory import digest
from lane_planner.base.version import __version__

Figures = dict[bytes, float | None]
"""The fraction of lines that ran, by key; None: coverage.py reports nothing of that source."""

# Where coverage.py looks for its configuration.
_CONFIGS = (".coveragerc", ".coveragerc.toml", "setup.cfg", "tox.ini", "pyproject.toml")


def situation(database: bytes, root: Path) -> bytes | None:
    """Return a digest of all that figures follow from, but for the sources.

    Args:
        database: content of coverage.py's database.
        root: the directory whose coverage configuration counts.

    Returns:
        None where that cannot be known: coverage.py is not there, or its configuration cannot be
        read or depends on variables of the environment.
    """
    from importlib import metadata  # only a database asks; it takes as long as reading the data

    try:
        version = metadata.version("coverage")
        configs = _configs(root)
    except (metadata.PackageNotFoundError, OSError):
        return None
    if any(b"$" in text for _, text in configs):
        return None
    variables = sorted((k, v) for k, v in os.environ.items() if k.startswith("COVERAGE_"))
    parts = (__version__, sys.version, version, variables, configs, digest(database))
    return digest(repr(parts).encode("utf-8", "surrogateescape"))


def _configs(root: Path) -> list[tuple[str, bytes]]:
    names = filter(None, (*_CONFIGS, os.environ.get("COVERAGE_RCFILE")))
    return [(name, (root / name).read_bytes()) for name in names if (root / name).is_file()]


def keys_of(situated: bytes, root: Path, files: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    """Return the keys of those sources that can be read.

    Args:
        situated: as from `situation`.
        root: the directory that paths are relative to.
        files: paths of sources, each with the paths under which the database knows it.
    """
    keys = {}
    for name, written in files.items():
        try:
            source = digest((root / name).read_bytes())
        except OSError:  # for coverage.py to tell
            continue
        parts = (situated, name, tuple(written), source)
        keys[name] = digest(repr(parts).encode("utf-8", "surrogateescape"))
    return keys

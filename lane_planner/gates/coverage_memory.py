"""What coverage.py said of sources before, as it takes its time to say it.

A figure follows from the database, the source, coverage.py and its configuration; it is kept under
a digest of all of them, so what is kept is right or not found. Like the cache of scans the file is
replaced as a whole, carries a checksum, and is thrown away when anything about it is odd.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

import msgspec

from lane_planner import __version__
from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.output import write_output

Figures = dict[bytes, float | None]
"""The fraction of lines that ran, by key; None: coverage.py reports nothing of that source."""

_SIZE = 20
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
    try:
        version = metadata.version("coverage")
        configs = _configs(root)
    except (metadata.PackageNotFoundError, OSError):
        return None
    if any(b"$" in text for _, text in configs):
        return None
    variables = sorted((k, v) for k, v in os.environ.items() if k.startswith("COVERAGE_"))
    parts = (__version__, sys.version, version, variables, configs, _digest(database))
    return _digest(repr(parts).encode("utf-8", "surrogateescape"))


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
            source = _digest((root / name).read_bytes())
        except OSError:  # for coverage.py to tell
            continue
        parts = (situated, name, tuple(written), source)
        keys[name] = _digest(repr(parts).encode("utf-8", "surrogateescape"))
    return keys


def recall(file: Path) -> Figures:
    """Return the figures that a file keeps; none if it is missing or odd."""
    try:
        content = file.read_bytes()
        body = content[_SIZE:]
        if content[:_SIZE] == _digest(body):
            return msgspec.msgpack.decode(body, type=Figures)
    except (OSError, msgspec.MsgspecError):
        return {}  # it costs time, not correctness
    return {}


def keep(file: Path, figures: Figures) -> None:
    """Keep figures in a file; where it cannot be written, they are worked out again next time."""
    body = msgspec.msgpack.encode(figures)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_output(file, _digest(body) + body)
    except (OSError, EnvironmentFailure):
        return


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_SIZE).digest()

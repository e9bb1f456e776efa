"""Test coverage data as the tools write it: which fraction of a file's lines the tests ran."""

from __future__ import annotations

import bisect
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.memory import keep, recall
from lane_planner.base.text import plural
from lane_planner.gates.coverage_database import MAGIC, json_report, measured_files
from lane_planner.gates.coverage_formats import parse_coverage, parse_json
from lane_planner.gates.coverage_memory import Figures, keys_of, situation
from lane_planner.gates.coverage_paths import Place, normal, place_of, placed


class CoverageData(msgspec.Struct, frozen=True):
    """Coverage by file.

    Attributes:
        files: (path below the root, fraction of its lines that ran: 0 to 1), sorted by path. A
            file without a line that could run counts as covered.
    """

    files: tuple[tuple[str, float], ...]

    def of(self, path: str) -> float | None:
        """Return the fraction of a file's lines that ran, or None if the data lacks the file.

        Args:
            path: below the root, "/"-separated.
        """
        index = bisect.bisect_left(self.files, (path,))
        if index < len(self.files) and self.files[index][0] == path:
            return self.files[index][1]
        return None


def read_coverage(path: Path, root: Path, memory: Path | None = None) -> CoverageData:
    """Read a coverage file, of whatever kind: its content tells.

    It may be coverage.py's JSON report or its database (`.coverage`), lcov or Cobertura XML.

    The paths in it may be absolute, relative to the root, or written from another directory (a
    checkout elsewhere, the directory of the coverage file, one above the root): of the ways to
    read them, the one under which most of the files exist is taken.

    Args:
        path: the coverage file.
        root: the root that paths are wanted relative to.
        memory: file of the tool's own that keeps what coverage.py said of its database, as it takes
            its time; None: nothing is kept.

    Raises:
        UsageError: the file cannot be read, is in no known format, or is malformed.
        EnvironmentFailure: coverage.py, which reads its own database, could not be run.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read coverage data {path}: {reason}") from error
    place = place_of(path, root)
    try:
        if content.startswith(MAGIC):
            return _from_database(content, root.resolve(), place, memory)
        fractions = parse_coverage(content)
    except ValueError as error:
        raise UsageError(f"coverage data {path}: {_one_line(str(error))}") from error
    return relative_to_root(
        fractions, root=place.root, data_directory=place.data_directory, exists=place.exists
    )


def _from_database(content: bytes, root: Path, place: Place, memory: Path | None) -> CoverageData:
    """Return the figures of coverage.py's own database.

    Raises:
        ValueError: it is none, or broken, or coverage.py is not there to read it.
    """
    situated = None if memory is None else situation(content, root)
    with tempfile.TemporaryDirectory(prefix="lane-planner-") as directory:
        copy = Path(directory, "data")
        copy.write_bytes(content)
        measured = measured_files(copy)
        files: dict[str, list[str]] = {}
        for written, name in placed(measured, place):
            if place.exists(name):
                files.setdefault(name, []).append(written)
        here = {written for names in files.values() for written in names}
        elsewhere = [written for written in measured if written not in here]
        keys = {} if situated is None else keys_of(situated, root, files)
        known = (None if memory is None else recall(memory, Figures)) or {}
        wanted = {name: names for name, names in files.items() if keys.get(name) not in known}
        fractions: dict[str, float] = {}
        if wanted or elsewhere:
            fractions = parse_json(json_report(copy, root, wanted, elsewhere))
    if memory is not None and keys and wanted:
        figures = {
            key: fractions.get(name) if name in wanted else known[key] for name, key in keys.items()
        }
        keep(memory, figures)
    for name in files.keys() - wanted.keys():
        figure = known[keys[name]]
        if figure is not None:
            fractions[name] = figure
    if not fractions and not files:
        raise ValueError(
            f"it is of {plural(len(measured), 'file')}, none of which is in the repository: make "
            "it from this repository's root"
        )
    inside = [name for name in fractions if not normal(name).startswith("/")]
    return CoverageData(tuple((name, fractions[name]) for name in sorted(inside)))


def relative_to_root(
    fractions: Mapping[str, float],
    *,
    root: str,
    data_directory: str,
    exists: Callable[[str], bool],
) -> CoverageData:
    """Return the data with its paths made relative to the root.

    Where two entries become the same path, the lower fraction counts.

    Args:
        fractions: by path as the data writes it.
        root: absolute path of the root, "/"-separated.
        data_directory: directory of the data file below the root; "" for the root, or if it
            lies outside.
        exists: tells whether a path below the root is a file.
    """
    place = Place(root, data_directory, exists)
    merged: dict[str, float] = {}
    for written, path in placed(fractions, place):
        merged[path] = min(fractions[written], merged.get(path, 1.0))
    return CoverageData(tuple(sorted(merged.items())))


def _one_line(text: str) -> str:
    return " ".join(text.split())

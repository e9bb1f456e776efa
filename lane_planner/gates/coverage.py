"""Test coverage data as the tools write it: which fraction of a file's lines the tests ran.

`parse_coverage` is pure and knows coverage.py's JSON, lcov and Cobertura XML; `read_coverage`
reads the file, coverage.py's own database too, and finds out which directory the paths in it were
written from.
"""

from __future__ import annotations

import bisect
import os
import posixpath
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.memory import keep, recall
from lane_planner.base.text import plural
from lane_planner.gates.coverage_database import MAGIC, json_report, measured_files
from lane_planner.gates.coverage_memory import Figures, keys_of, situation

# How many of the paths are looked up on disk to find out where they were written from.
_SAMPLE = 200


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
    place = _place(path, root)
    try:
        if content.startswith(MAGIC):
            return _from_database(content, root.resolve(), place, memory)
        fractions = parse_coverage(content)
    except ValueError as error:
        raise UsageError(f"coverage data {path}: {_one_line(str(error))}") from error
    return relative_to_root(
        fractions, root=place.root, data_directory=place.data_directory, exists=place.exists
    )


class _Place(NamedTuple):
    """Where paths may be relative to; see `relative_to_root`."""

    root: str
    data_directory: str
    exists: Callable[[str], bool]


def _place(path: Path, root: Path) -> _Place:
    base = os.path.relpath(path.parent.resolve(), root.resolve()).replace(os.sep, "/")
    return _Place(
        root.resolve().as_posix(),
        "" if base in (".", "..") or base.startswith("../") else base,
        lambda name: (root / name).is_file(),
    )


def placed_below(paths: Iterable[str], data: Path, root: Path) -> list[tuple[str, str]]:
    """Return paths as coverage data writes them, each with what it is below the root.

    Args:
        paths: as the data writes them; those that are outside the root are left out.
        data: the file that they stand in.
        root: the root.
    """
    return [
        (written, name)
        for written, name in _placed(paths, _place(data, root))
        if not _normal(name).startswith("/")
    ]


def _from_database(content: bytes, root: Path, place: _Place, memory: Path | None) -> CoverageData:
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
        for written, name in _placed(measured, place):
            if place.exists(name):
                files.setdefault(name, []).append(written)
        placed = {written for names in files.values() for written in names}
        elsewhere = [written for written in measured if written not in placed]
        keys = {} if situated is None else keys_of(situated, root, files)
        known = (None if memory is None else recall(memory, Figures)) or {}
        wanted = {name: names for name, names in files.items() if keys.get(name) not in known}
        fractions: dict[str, float] = {}
        if wanted or elsewhere:
            fractions = _parse_json(json_report(copy, root, wanted, elsewhere))
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
    inside = [name for name in fractions if not _normal(name).startswith("/")]
    return CoverageData(tuple((name, fractions[name]) for name in sorted(inside)))


def parse_coverage(content: bytes) -> dict[str, float]:
    """Return the fraction of lines that ran, by path as the data writes it.

    Raises:
        ValueError: the content is in no known format or is malformed; the message says how.
    """
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return _parse_json(start)
    if start.startswith(b"<"):
        return _parse_cobertura(start)
    if start.startswith((b"TN:", b"SF:")):
        return _parse_lcov(start)
    raise ValueError("neither coverage.py JSON, lcov nor Cobertura XML")


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
    place = _Place(root, data_directory, exists)
    merged: dict[str, float] = {}
    for written, path in _placed(fractions, place):
        merged[path] = min(fractions[written], merged.get(path, 1.0))
    return CoverageData(tuple(sorted(merged.items())))


def _placed(paths: Iterable[str], place: _Place) -> list[tuple[str, str]]:
    """Return paths as the data writes them, each with what it is below the root."""
    below, absolute, relative = [], [], []
    above = place.root.rstrip("/") + "/"
    for written in sorted(paths):
        path = _normal(written)
        if path.startswith(above):
            below.append((written, path[len(above) :]))
        elif path.startswith("/"):
            absolute.append((written, path))
        else:
            relative.append((written, path))
    return [
        *below,
        *_written_elsewhere(absolute, data_directory=None, exists=place.exists),
        *_written_elsewhere(relative, data_directory=place.data_directory, exists=place.exists),
    ]


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


def _written_elsewhere(
    paths: list[tuple[str, str]], *, data_directory: str | None, exists: Callable[[str], bool]
) -> list[tuple[str, str]]:
    """Re-root paths that were written from one other directory.

    The whole set is re-rooted alike. Matching each path by its ending instead would give
    `core/a.py` the coverage of `candidate/core/a.py`. Only if no file exists then, what lies
    outside of one directory is left out: a library, or what tests made in a temporary one.

    Args:
        paths: (as written, normalised).
        data_directory: for relative paths, the directory that they may be relative to; None:
            the paths are absolute, and none stays as it is.
        exists: tells whether a path below the root is a file.
    """
    if not paths:
        return []
    step = max(1, len(paths) // _SAMPLE)
    sample = [path for _, path in paths[::step]]
    fronts = Counter(front for path in sample for front in _directories_above(path))
    nearest = sorted(fronts, key=lambda front: (front.count("/"), front))
    for_all = [_Way(front, "") for front in nearest if fronts[front] == len(sample)]
    for_some = [_Way(front, "") for front in nearest if fronts[front] < len(sample)]
    if data_directory is not None:
        below = [f"{data_directory}/"] if data_directory else []
        for_all = [*(_Way("", directory) for directory in ("", *below)), *for_all]
    for ways in (for_all, for_some):
        hits = [sum(exists(way.read(path) or "") for path in sample) for way in ways]
        if any(hits):
            way = ways[hits.index(max(hits))]
            return [(written, name) for written, path in paths if (name := way.read(path))]
    # Written for another tree: absolute paths say nothing about this one.
    return paths if data_directory is not None else []


def _directories_above(path: str) -> list[str]:
    """Return the directories that a path is in, from the top, each with its slash."""
    return [path[: at + 1] for at, char in enumerate(path) if char == "/"]


def _normal(path: str) -> str:
    path = posixpath.normpath(path.replace("\\", "/"))
    return f"/{path}" if re.match(r"[A-Za-z]:/", path) else path


class _Summary(msgspec.Struct):
    covered_lines: int | None = None
    num_statements: int | None = None
    percent_covered: float | None = None


class _File(msgspec.Struct):
    summary: _Summary


class _Report(msgspec.Struct):
    files: dict[str, _File]


def _parse_json(content: bytes) -> dict[str, float]:
    try:
        report = msgspec.json.decode(content, type=_Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a coverage.py JSON report: {error}") from error
    return {path: _fraction(path, file.summary) for path, file in report.files.items()}


def _fraction(path: str, summary: _Summary) -> float:
    if summary.covered_lines is not None and summary.num_statements is not None:
        return _ratio(path, summary.covered_lines, summary.num_statements)
    if summary.percent_covered is None or not 0 <= summary.percent_covered <= 100:
        raise ValueError(f"no usable summary for {path!r}")
    return summary.percent_covered / 100


def _ratio(path: str, covered: int, total: int) -> float:
    if not 0 <= covered <= total:
        raise ValueError(f"{covered} of {total} lines covered in {path!r}")
    return covered / total if total else 1.0


def _parse_lcov(content: bytes) -> dict[str, float]:
    """Read a tracefile (geninfo's manual page): sections from `SF:path` to `end_of_record`."""
    hits: dict[str, dict[int, int]] = defaultdict(dict)
    totals: dict[str, tuple[int, int]] = {}
    path: str | None = None
    found: int | None = None
    covered: int | None = None
    for number, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), 1):
        key, _, value = line.strip().partition(":")
        try:
            if key == "SF":
                path, found, covered = value, None, None
                hits[path]  # a file without lines that could run is known, too
            elif key == "DA" and path is not None:
                where, count = value.split(",")[:2]
                hits[path][int(where)] = max(int(count), hits[path].get(int(where), 0))
            elif key == "LF":
                found = int(value)
            elif key == "LH":
                covered = int(value)
        except ValueError as error:
            raise ValueError(f"line {number} is not lcov: {line[:80]!r}") from error
        if key == "end_of_record" and path is not None:
            if found is not None and covered is not None:
                totals[path] = (covered, found)
            path = None
    if not hits:
        raise ValueError("not lcov: it has no SF: line")
    fractions = _from_hits(hits)
    without_lines = {path: totals[path] for path in totals if not hits[path]}
    return fractions | {path: _ratio(path, *pair) for path, pair in without_lines.items()}


def _parse_cobertura(content: bytes) -> dict[str, float]:
    """Read Cobertura XML; a file's path is its class's `filename` below the first `source`.

    Entity declarations are refused, so nothing in the data can expand or be fetched.
    """
    hits: dict[str, dict[int, int]] = defaultdict(dict)
    sources: list[str] = []
    current: list[str] = []
    text: list[str] | None = None
    root_seen = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal text, root_seen
        if not root_seen and tag != "coverage":
            raise ValueError(f"not Cobertura XML: it begins with <{tag}>")
        root_seen = True
        if tag == "source":
            text = []
        elif tag == "class":
            current.append(attributes["filename"])
            hits[current[-1]]
        elif tag == "line" and current:
            lines, number = hits[current[-1]], int(attributes["number"])
            lines[number] = max(int(attributes["hits"]), lines.get(number, 0))

    def end(tag: str) -> None:
        nonlocal text
        if tag == "source" and text is not None:
            sources.append("".join(text).strip())
            text = None
        elif tag == "class":
            current.pop()

    def characters(data: str) -> None:
        if text is not None:
            text.append(data)

    def entity(*_: object) -> None:
        raise ValueError("it declares XML entities, which no coverage tool does")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"not well-formed XML: {error}") from error
    except KeyError as error:
        raise ValueError(f"an element lacks its attribute {error}") from error
    source = next((source for source in sources if source), None)
    if source is None or len(set(filter(None, sources))) > 1:
        return _from_hits(hits)  # several sources: no telling whose file it is; names must do
    return {posixpath.join(_normal(source), path): f for path, f in _from_hits(hits).items()}


def _from_hits(hits: Mapping[str, Mapping[int, int]]) -> dict[str, float]:
    return {path: _share(lines.values()) for path, lines in hits.items()}


def _share(counts: Iterable[int]) -> float:
    ran = [count > 0 for count in counts]
    return sum(ran) / len(ran) if ran else 1.0


def _one_line(text: str) -> str:
    return " ".join(text.split())

"""The formats of coverage data: coverage.py's JSON report, lcov and Cobertura XML."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping
from xml.parsers import expat

import msgspec

from lane_planner.gates.coverage_paths import normal


def parse_coverage(content: bytes) -> dict[str, float]:
    """Return the fraction of lines that ran, by path as the data writes it.

    Raises:
        ValueError: the content is in no known format or is malformed; the message says how.
    """
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return parse_json(start)
    if start.startswith(b"<"):
        return _parse_cobertura(start)
    if start.startswith((b"TN:", b"SF:")):
        return _parse_lcov(start)
    raise ValueError("neither coverage.py JSON, lcov nor Cobertura XML")


class _Summary(msgspec.Struct):
    covered_lines: int | None = None
    num_statements: int | None = None
    percent_covered: float | None = None


class _File(msgspec.Struct):
    summary: _Summary


class _Report(msgspec.Struct):
    files: dict[str, _File]


def parse_json(content: bytes) -> dict[str, float]:
    """Return what `parse_coverage` does of coverage.py's JSON report.

    Raises:
        ValueError: it is none, or says what cannot be; the message says how.
    """
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
    return {posixpath.join(normal(source), path): f for path, f in _from_hits(hits).items()}


def _from_hits(hits: Mapping[str, Mapping[int, int]]) -> dict[str, float]:
    return {path: _share(lines.values()) for path, lines in hits.items()}


def _share(counts: Iterable[int]) -> float:
    ran = [count > 0 for count in counts]
    return sum(ran) / len(ran) if ran else 1.0

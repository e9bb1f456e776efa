"""Which test files ran which files, as coverage data with contexts tells (`--cov-context=test`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from lane_planner.gates.coverage_database import MAGIC
from lane_planner.gates.coverage_paths import placed_below
from lane_planner.promotion.values import FileMove

Contexts = dict[str, frozenset[str]]
"""By path of a file, the test files whose tests ran a line of it."""

# coverage.py's `CoverageData.contexts_by_lineno` says the same, line by line and file by file:
# on a database of a large suite that takes minutes, and asks for coverage.py to be installed.
# https://coverage.readthedocs.io/en/latest/dbschema.html
_PAIRS = """
SELECT DISTINCT file.path, context.context FROM {table}
JOIN file ON file.id = {table}.file_id JOIN context ON context.id = {table}.context_id
WHERE context.context LIKE '%::%'
"""


class _File(msgspec.Struct):
    contexts: dict[str, list[str]] = {}


class _Report(msgspec.Struct):
    files: dict[str, _File]


def read_contexts(path: Path, root: Path) -> Contexts | None:
    """Read which test files ran which files.

    Args:
        path: coverage.py's database, or its JSON report with `--show-contexts`.
        root: the root that paths are wanted relative to; they are placed as `read_coverage` does.

    Returns:
        None if the file tells of no test: it cannot be read, is of another kind, or was made
        without `--cov-context=test`.
    """
    try:
        with path.open("rb") as file:
            is_database = file.read(len(MAGIC)) == MAGIC
        pairs = _in_database(path) if is_database else _in_report(path.read_bytes())
    except (OSError, sqlite3.Error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    tests_of: dict[str, set[str]] = {}
    for written, context in pairs:
        test = _test_file(context)
        if test is not None:
            tests_of.setdefault(written, set()).add(test)
    if not tests_of:
        return None
    found: dict[str, set[str]] = {}
    for written, name in placed_below(tests_of, path, root):
        found.setdefault(name, set()).update(tests_of[written])
    return {name: frozenset(tests) for name, tests in sorted(found.items())}


def after_moves(contexts: Contexts, moves: Iterable[FileMove]) -> Contexts:
    """Return the contexts of a tree in which files have moved since they were measured.

    Args:
        contexts: as measured.
        moves: the moves. What was known of a file is known at both its places.
    """
    targets = {move.source: move.target for move in moves}
    renamed = {
        path: frozenset(targets.get(test, test) for test in tests)
        for path, tests in contexts.items()
    }
    arrived = {targets[path]: tests for path, tests in renamed.items() if path in targets}
    return renamed | arrived


def _in_database(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return [
            (str(file), str(context))
            for table in ("line_bits", "arc")  # lines, or branches: a run measures one of them
            for file, context in connection.execute(_PAIRS.format(table=table))
        ]


def _in_report(content: bytes) -> Iterable[tuple[str, str]]:
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"{"):
        return []
    report = msgspec.json.decode(start, type=_Report)
    return [
        (path, context)
        for path, file in report.files.items()
        for context in {context for contexts in file.contexts.values() for context in contexts}
    ]


def _test_file(context: str) -> str | None:
    """Return the file in "tests/test_a.py::test_x|run", perhaps after "static context|"."""
    file = context.partition("::")[0].rpartition("|")[2]
    return file if file.endswith(".py") and "::" in context else None

"""The full fixture: every import of the data is extracted, and none is invented."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fixtures.build import build
from fixtures.rows import Row, read_rows
from lane_planner.base.git import Git
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.records import FileRecord
from lane_planner.scan.sources import CommitTree, WorkingTree
from lane_planner.scan.tree import scan_tree

Said = Counter[tuple[int, str, tuple[str, ...] | None, str, bool]]


def expected(row: Row) -> Said:
    return Counter(
        (
            item.line,
            item.module,
            None if item.names is None else tuple(sorted(item.names)),
            "typing" if "typing" in item.contexts
            else "deferred" if "deferred" in item.contexts
            else "eager",
            "optional" in item.contexts,
        )
        for item in row.imports
    )  # fmt: skip


def extracted(record: FileRecord) -> Said:
    return Counter(
        (raw.line, raw.module, raw.names and tuple(sorted(raw.names)), raw.kind, raw.optional)
        for raw in record.imports
    )


@pytest.mark.slow
def test_extracted_imports_equal_the_data(tmp_path: Path) -> None:
    commit = build(tmp_path / "fixture").commit
    git = Git.require(tmp_path / "fixture")
    found = scan_tree(WorkingTree(git.directory, git), ScanCache(None))
    rows = list(read_rows())
    total = {True: 0, False: 0}
    missing = {True: 0, False: 0}
    for row in rows:
        wanted, got = expected(row), extracted(found.records[row.path])
        assert not got - wanted, f"{row.path} has imports that the data has not"
        total[row.broken] += wanted.total()
        missing[row.broken] += (wanted - got).total()
    assert missing[False] == 0
    assert missing[True] <= total[True] // 100
    assert total[False] > 17_000
    # A commit says what its checkout says.
    assert commit is not None
    assert scan_tree(CommitTree(git, commit), ScanCache(None)).records == found.records

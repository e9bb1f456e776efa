"""The graph is one, whichever way it is come to; `make differential` tries hundreds of edits."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from lane_planner.repository.repository import Repository
from lane_planner.scan.records import FileRecord
from tests.dask_cluster import DaskCluster
from tests.scan.differential import Trial
from tests.scan.documents import told
from tests.scan.edits import KINDS, Edits, prepared
from tests.scan.memory import Memory

pytest.importorskip("distributed")


@pytest.mark.long
def test_after_every_edit_all_ways_lead_to_one_graph(tmp_path: Path) -> None:
    place = tmp_path / "cluster"
    place.mkdir()
    root = tmp_path / "repository"
    prepared(root, limit=500)  # so many bytes that they are worth workers, and a cluster
    cluster = DaskCluster(place)
    try:
        edits = 3 * len(KINDS)
        result = Trial(root, cluster.address, rarely=11).run(edits, 1, print)
    finally:
        cluster.close()
    assert result.faults == ()
    assert result.edits == dict.fromkeys(KINDS, 3)
    assert result.compared == {
        "cached": edits + 1, "parallel": edits + 1, "watched": edits + 1, "Dask": edits + 1,
        "two runs": 6, "command": 4, "cold without the memory": 4, "Dask without the memory": 4,
    }  # fmt: skip


@pytest.mark.long
def test_a_difference_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "repository"
    prepared(root, limit=500)
    # A cache that knows something else of what it is asked.
    monkeypatch.setattr("lane_planner.scan.cache.ScanCache.record", lambda self, key: FileRecord())
    result = Trial(root, None, rarely=100).run(1, 1, print)
    assert any(fault.endswith("cached differs from cold") for fault in result.faults)


def test_a_memory_tells_contents_apart() -> None:
    asked: list[bytes] = []

    def finds(content: bytes) -> int:
        asked.append(content)
        return len(asked)

    memory = Memory()
    remembered = memory.of(finds)
    assert [remembered(content) for content in (b"a", b"b", b"a")] == [1, 2, 1]
    memory.kept = False
    assert remembered(b"a") == 3


def test_edits_of_all_kinds_leave_a_repository(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    prepared(root, limit=40)
    edits = Edits(root, random.Random(2))
    seen = {told(Repository.open(root)).digest()}
    for kind in KINDS * 3:
        getattr(edits, kind)()
        seen.add(told(Repository.open(root)).digest())
    assert len(seen) > 10
    assert not subprocess.check_output(["git", "fsck", "--no-dangling"], cwd=root)

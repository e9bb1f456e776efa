"""Worker processes, and when there are none: a fork has of all threads just the one that forks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.build import build
from lane_planner.repository.repository import Repository
from lane_planner.scan.cache import ScanCache
from tests.scan.documents import worked_out

# A server that hears its clients on standard input, for one, is busy with it in a thread.
LISTENING = """
import sys, threading
listener = threading.Thread(target=sys.stdin.read, daemon=True)
listener.start()
"""
# Python would complain that the thread has not ended.
LEAVE = """
import os
sys.stdout.flush()
os._exit(0)
"""
OUR_OWN = """
import threading
from lane_planner.base.threads import beside
pool = beside()
done = threading.Event()
pool.submit(done.wait)
"""
READ = """
import sys
from lane_planner.repository.repository import Repository
from tests.scan.documents import read_elsewhere, worked_out
from lane_planner.scan.cache import ScanCache
repository = Repository.open(sys.argv[1])
found = read_elsewhere(repository, workers=2)
print("others" if found else "alone", (found or worked_out(repository, ScanCache(None))).digest())
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("fixture") / "repository"
    build(place)
    return place


@pytest.fixture(scope="module")
def expected(root: Path) -> str:
    return worked_out(Repository.open(root), ScanCache(None), workers=1).digest()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "who", "after"),
    [("", "others", ""), (LISTENING, "alone", LEAVE), (OUR_OWN, "others", "done.set()\n")],
    ids=["no thread", "a thread that reads standard input", "a thread of ours"],
)
def test_files_are_read_whatever_threads_there_are(
    root: Path, expected: str, before: str, who: str, after: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", before + READ + after, str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        try:
            process.wait(60)  # nothing is written, and the input does not end
        finally:
            process.kill()
        assert process.stdout.read().split() == [who, expected]
    assert process.returncode == 0

"""The journal says what happened, whoever was killed, and says clearly when it cannot."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.executor.records.journal import (
    BranchIntended,
    Event,
    GateFinished,
    GateRun,
    GateStarted,
    Journal,
    RunFinished,
    RunResumed,
    RunRolledBack,
    RunStarted,
    StepCommitted,
    StepIntended,
    StepState,
    replay,
    utc_now,
)
from lane_planner.gates.command import GateResult

START = RunStarted("base", "branch", "plan", 42)
GATE = GateResult("unit", "after", ("true",), 0, 0.1, True, False, "fine\n")


def clock() -> str:
    return f"2024-01-01T00:00:{next(_SECONDS):02d}Z"


_SECONDS = itertools.cycle(range(60))


STATES: dict[str, tuple[list[Event], int | None, str]] = {
    "its process holds the lock": ([], 42, "running"),
    "nobody holds the lock": ([], None, "interrupted"),
    "another process holds the lock": ([], 43, "interrupted"),
    "finished": ([RunFinished("c")], None, "done"),
    "finished, another runs": ([RunFinished("c")], 42, "done"),
    "rolled back": ([RunRolledBack("why")], None, "rolled-back"),
    "rolled back in part": ([RunRolledBack("why", ("branch x",))], None, "failed"),
    "finished, then taken back": ([RunFinished("c"), RunRolledBack("why")], None, "rolled-back"),
}


@pytest.mark.parametrize("case", STATES)
def test_the_state_of_a_run(case: str) -> None:
    events, holder, expected = STATES[case]
    told = [(str(number), event) for number, event in enumerate([START, *events])]
    assert replay(1, told, holder=holder).status == expected


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.sqlite"
    with Journal.open(path, clock=lambda: "2024-01-01T00:00:00Z") as journal:
        assert journal.start(START) == 1
        for event in (
            StepIntended("s1", "base"),
            StepCommitted("s1", "c1"),
            StepIntended("s2", "c1"),
            GateFinished("c1", GATE),
            BranchIntended("c1"),
        ):
            journal.append(1, event)
        assert journal.start(START) == 2
        journal.append(2, RunRolledBack("why"))
    reading = Journal.open_if_there(path)
    assert reading is not None
    with reading:
        first, second = reading.runs(holder=None)
    assert first.steps == (StepState("s1", "c1"), StepState("s2", None))
    assert first.gates == (GATE,)
    assert (first.status, first.result, first.ended) == ("interrupted", "c1", None)
    assert (second.id, second.status, second.reason) == (2, "rolled-back", "why")
    assert second.ended == "2024-01-01T00:00:00Z"


def test_no_journal_is_not_made_by_looking(tmp_path: Path) -> None:
    assert Journal.open_if_there(tmp_path / "journal.sqlite") is None
    assert list(tmp_path.iterdir()) == []


def test_events_are_on_disk_when_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    code = (
        "import os, signal; from pathlib import Path; from lane_planner.executor.records.journal import *;"
        f"j = Journal.open(Path({str(path)!r})); j.start(RunStarted('b', 'x', 'p', 1));"
        "j.append(1, StepIntended('s1', 'b')); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert (tmp_path / "journal.sqlite-wal").exists()
    reading = Journal.open_if_there(path)
    assert reading is not None
    with reading:
        assert reading.runs(holder=None)[0].steps == (StepState("s1", None),)
    with Journal.open(path) as journal:
        assert journal.start(START) == 2


def write_junk(path: Path) -> None:
    path.write_bytes(b"no database at all, and long enough to be looked at" * 100)


def write_other_version(path: Path) -> None:
    with Journal.open(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=7")
    connection.close()


def make_directory(path: Path) -> None:
    path.mkdir()


def cut_short(path: Path) -> None:
    with Journal.open(path) as journal:
        for _ in range(200):
            journal.start(START)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def write_unknown_event(path: Path) -> None:
    with Journal.open(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO event (run, at, data) VALUES (1, 'now', '{\"type\": \"x\"}')")
    connection.commit()
    connection.close()


def write_no_start(path: Path) -> None:
    with Journal.open(path) as journal:
        journal.append(1, StepIntended("s", "c"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (write_junk, "is damaged"),
        (write_other_version, "is of version 7, and this is a tool for version 3"),
        (make_directory, "cannot use the journal"),
        (cut_short, "is damaged"),
        (write_unknown_event, "is damaged"),
        (write_no_start, "it is damaged"),
    ],
)
def test_a_journal_that_cannot_be_used_is_told(tmp_path: Path, spoil: object, message: str) -> None:
    assert callable(spoil)
    path = tmp_path / "journal.sqlite"
    spoil(path)
    with pytest.raises(EnvironmentFailure, match=message) as caught:
        reading = Journal.open_if_there(path)
        assert reading is not None
        with reading:
            reading.runs(holder=None)
    assert "\n" not in caught.value.message
    with pytest.raises(EnvironmentFailure, match=message), Journal.open(path) as journal:
        journal.runs(holder=None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_journal_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal.open(path):
        pass
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(EnvironmentFailure, match="cannot use the journal"):
            Journal.open(path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("left", [[], ["-wal"]], ids=["whole", "left by a kill"])
def test_a_journal_is_read_where_nothing_can_be_written_beside_it(left: list[str]) -> None:
    # Not in tmp_path, which nobody but its owner may enter.
    directory = Path(tempfile.mkdtemp())
    path = directory / "journal.sqlite"
    with Journal.open(path) as journal:
        journal.start(START)
        kept = {name: Path(f"{path}{name}").read_bytes() for name in left}
    for name, content in kept.items():
        Path(f"{path}{name}").write_bytes(content)
    directory.chmod(0o555)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    try:
        reading = Journal.open_if_there(path)
        assert reading is not None
        with reading:
            assert len(reading.runs(holder=None)) == 1
        with pytest.raises(EnvironmentFailure, match="write in its directory") as caught:
            Journal.open(path)
    finally:
        os.seteuid(before)
        directory.chmod(0o755)
        shutil.rmtree(directory)
    assert "\n" not in caught.value.message


def test_a_journal_that_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal.open(path) as one, Journal.open(path) as other:
        assert (one.start(START), other.start(START), one.start(START)) == (1, 2, 3)


def test_a_path_of_any_name_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%20 d" / "journal.sqlite"
    with Journal.open(path) as journal:
        journal.start(START)
    reading = Journal.open_if_there(path)
    assert reading is not None
    with reading:
        assert len(reading.runs(holder=None)) == 1
    shutil.rmtree(path.parent)


def test_the_time_is_utc() -> None:
    assert utc_now().endswith("Z") and len(utc_now()) == len("2024-01-01T00:00:00.000Z")


def test_a_journal_that_was_only_begun_to_be_made_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    sqlite3.connect(path).execute("PRAGMA journal_mode=WAL").connection.close()
    assert Journal.open_if_there(path) is None
    with Journal.open(path) as journal:
        assert journal.start(RunStarted("b", "x", "p", 1)) == 1


def test_gates_are_told_with_the_time_and_what_they_ran_on() -> None:
    start = RunStarted("base", "branch", "plan", 42, batches={1: ("s1", "s2"), 2: ("s3",)})
    events: list[Event] = [
        start,
        GateStarted("base", "guard", "before"),
        GateFinished("base", GateResult("guard", "before", ("true",), 0, 0.1, True, False, "")),
        StepCommitted("s1", "c1"),
        StepCommitted("s2", "c2"),
        GateStarted("c2", "unit", "after"),
        GateFinished("c2", GATE),
        GateFinished("trial", GATE),  # as older versions wrote it
        StepCommitted("s2", "c2 anew"),
        StepCommitted("s3", "c3"),
        GateStarted("c2", "unit", "after"),
    ]
    told = [(f"t{number}", event) for number, event in enumerate(events)]
    run = replay(1, told, holder=42)
    assert run.gate_runs == (
        GateRun("guard", "before", "base", None, None, "t1", "t2"),
        GateRun("unit", "after", "c2", "s2", 1, "t5", "t6"),
        GateRun("unit", "after", "trial", None, 1, None, "t7"),
    )
    assert run.running == (GateRun("unit", "after", "c2", "s2", 1, "t10", None),)
    for last in (RunResumed(43), RunFinished("c3"), RunRolledBack("why")):
        assert replay(1, [*told, ("later", last)], holder=42).running == ()


def test_events_are_read_on_from_a_known_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal.open(path, clock=lambda: "now") as journal:
        journal.start(START)
        journal.start(START)
        journal.append(1, StepIntended("s1", "base"))
        journal.append(2, RunFinished("c"))
        first, second = journal.since(0, run=1)
        assert (first.id, first.run, first.at, first.event) == (1, 1, "now", START)
        assert second.event == StepIntended("s1", "base")
        assert journal.since(second.id, run=1) == []
        assert [told.event for told in journal.since(second.id, run=2)] == [RunFinished("c")]


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_of_an_older_version_is_read_and_gone_on_with(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "journal.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " run INTEGER NOT NULL, at TEXT NOT NULL, data TEXT NOT NULL)"
    )
    connection.execute(
        "INSERT INTO event (run, at, data) VALUES (1, 'now',"
        ' \'{"type":"run-started","base":"b","branch":"x","plan":"p","pid":1}\')'
    )
    connection.execute(f"PRAGMA user_version={version}")
    connection.commit()
    connection.close()
    reading = Journal.open_if_there(path)
    assert reading is not None
    with reading:
        assert reading.runs(holder=1)[0].status == "running"
    with Journal.open(path) as journal:
        assert journal.start(START) == 2

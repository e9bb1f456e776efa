"""`status`, and `status --follow` beside a run in another process, as a user sees them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lane_planner.base.git import Git
from lane_planner.executor.records.journal import Journal, Recorded, RunStarted
from lane_planner.executor.storage.places import journal_path, lock_path
from tests.cli.shop import process_environment, run
from tests.executor.campaigns import campaign_repository, failing_with, gate_text
from tests.executor.repositories import git, new_repository

_CONFIG = """\
[lanes.candidate]
paths = ["candidate"]
imports = ["core"]
promotes_to = "core"

[lanes.core]
paths = ["core"]
"""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def gate_may_end(tmp_path: Path) -> Path:
    """The file that the gates of `root` wait for."""
    return tmp_path / "go"


@pytest.fixture
def root(tmp_path: Path, gate_may_end: Path) -> Path:
    """A repository with a plan of three waves, of one step each, and a gate that waits."""
    waits = (
        f"import os, time\nwhile not os.path.exists({str(gate_may_end)!r}):\n    time.sleep(0.01)\n"
    )
    gate = gate_text("waits", waits).rstrip() + "\ntimeout = 40\n"
    files = {
        "lanes.toml": (_CONFIG + gate).encode(),
        "candidate/a.py": b"A = 1\n",
        "candidate/b.py": b"from candidate.a import A\n",
        "candidate/c.py": b"import candidate.b\n",
    }
    root = new_repository(tmp_path / "r", files)
    made = run(root, "plan", "--format", "json", "--output", ".git/plan.json", "--quiet")
    assert made.code == 0, made.err
    return root


def started(root: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    environment = process_environment(TERM="xterm", COLUMNS="80")
    environment.pop("PYTHONUNBUFFERED", None)  # what comes in time is the tool's own doing
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment, **options}
    return subprocess.Popen(
        [sys.executable, "-m", "lane_planner", *arguments],
        cwd=root, stdin=subprocess.DEVNULL, text=True, **given,
    )  # fmt: skip


@contextmanager
def applying(root: Path, go: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Carry the plan out in a process of its own, up to its first gate that waits."""
    process = started(root, "apply", ".git/plan.json", *options, start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while '"running":[{' not in compact_status(root):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
    finally:
        go.touch()
        process.communicate(timeout=60)


def compact_status(root: Path) -> str:
    told = run(root, "status", "--format", "json")
    assert told.code == 0, told.err
    return json.dumps(told.json, separators=(",", ":"))


STEPS = {"single": 3, "stack": 3, "wave": 1}


@pytest.mark.parametrize("mode", STEPS)
def test_a_run_is_followed_line_by_line(root: Path, gate_may_end: Path, mode: str) -> None:
    steps = STEPS[mode]
    with applying(root, gate_may_end, "--mode", mode) as process:
        follower = started(root, "status", "--follow", "--interval", "0.05")
        assert follower.stdout is not None
        told: list[str] = []
        while not told or "gate waits (after) begins" not in told[-1]:
            told.append(follower.stdout.readline())  # it comes while the gate waits
            assert told[-1], told
        noun = "step" if steps == 1 else "steps"
        assert told[0].endswith(f" ({mode}, {steps} {noun})\n")
        assert re.fullmatch(
            rf"\d\d:\d\d:\d\dZ  step s0001 committed as [0-9a-f]{{12}} \(1 of {steps}\)\n", told[1]
        )
        under_way = run(root, "status").out
        assert f"(process {process.pid}, since " in under_way
        assert "  gate waits (after) on s0001, batch 1: running, begun " in under_way
        gate_may_end.touch()
        rest, complaints = follower.communicate(timeout=60)
    assert (follower.returncode, complaints) == (0, "")
    lines = rest.splitlines()
    assert lines[0].partition("Z  ")[2].startswith("gate waits (after) passed on s0001 in ")
    branches = "1 branch" if mode != "stack" else "3 branches"
    assert re.fullmatch(rf"run 1 is done after [\d.]+ s: {steps} {noun} on {branches}", lines[-1])
    text = run(root, "status").out
    assert f"  {steps} of {steps} {noun} committed:\n    s0001 batch 1 candidate.a: commit " in text
    assert text.count(": there\n") == int(branches[0])
    assert f"   {mode}   done " in text


def test_a_run_is_followed_as_json(root: Path, gate_may_end: Path) -> None:
    with applying(root, gate_may_end):
        follower = started(root, "status", "--follow", "--format", "json", "--interval", "0.05")
        assert follower.stdout is not None
        first = [follower.stdout.readline() for _ in range(4)]
        gate_may_end.touch()
        rest, complaints = follower.communicate(timeout=60)
    assert (follower.returncode, complaints) == (0, "")
    told = [json.loads(line) for line in [*first, *rest.splitlines()]]
    read = msgspec.convert(told, list[Recorded], str_keys=True)
    assert msgspec.json.decode(msgspec.json.encode(read)) == told
    kinds = [one["event"]["type"] for one in told]
    assert kinds == [
        "run-started",
        *["step-intended", "step-committed", "gate-started", "gate-finished"] * 3,
        "branch-intended",
        "run-finished",
    ]
    with Journal.open(journal_path(Git.require(root))) as journal:
        assert [one.id for one in journal.since(0, run=1)] == [one["id"] for one in told]


def test_where_no_run_is_under_way_following_ends(root: Path) -> None:
    assert run(root, "status", "--follow") == (0, "no run is under way\n", "")
    assert run(root, "status", "-f", "--format", "json") == (0, "", "no run is under way\n")
    lock_path(Git.require(root)).parent.mkdir(exist_ok=True)
    with Journal.open(journal_path(Git.require(root))) as journal:
        journal.start(RunStarted(git(root, "rev-parse", "HEAD").decode().strip(), "x", "p", 1))
    assert run(root, "status", "--follow") == (0, "no run is under way\n", "")


def test_a_run_that_is_killed_is_followed_to_its_end_and_told(
    root: Path, gate_may_end: Path
) -> None:
    with applying(root, gate_may_end, "--mode", "stack") as process:
        follower = started(root, "status", "--follow", "--interval", "0.05")
        assert follower.stdout is not None
        assert "begins" in follower.stdout.readline()
        process.kill()
        rest, complaints = follower.communicate(timeout=60)
    interrupted = (
        "run 1 was interrupted: `lane-planner resume` goes on with it, "
        "`lane-planner rollback` undoes it"
    )
    assert (follower.returncode, complaints) == (0, "")
    assert rest.splitlines()[-1] == interrupted
    told = run(root, "status").out
    assert "  1 of 3 steps committed, 2 not begun:\n" in told
    assert "  gate waits (after) on s0001, batch 1: interrupted, begun " in told
    assert interrupted in told.splitlines()
    assert "left by a killed run, cleared by the next one: " in told
    detail = run(root, "status", "--format", "json").json["detail"]
    assert (detail["run"], detail["resume"], detail["rollback"]) == (1, True, True)
    assert [step["state"] for step in detail["steps"]] == ["committed", "waiting", "waiting"]
    assert detail["steps"][1]["modules"] == ["candidate.b"]

    assert run(root, "resume").code == 0
    git(root, "branch", "line\u2028separator")  # git allows it, and some call it an end of line
    told = run(root, "status").out
    assert "interrupted" not in told and told.count(": there\n") == 3
    git(root, "merge", "--quiet", "--ff-only", branch_names(root)[0])
    git(root, "branch", "--force", branch_names(root)[1], "main")
    git(root, "branch", "-D", branch_names(root)[2])
    states = [
        branch["state"]
        for branch in run(root, "status", "1", "--format", "json").json["detail"]["branches"]
    ]
    assert states == ["merged", "moved", "gone"]
    assert ": moved on to " in run(root, "status").out


def branch_names(root: Path) -> list[str]:
    journal = Journal.open_if_there(journal_path(Git.require(root)))
    assert journal is not None
    with journal:
        return list(journal.runs(holder=None)[0].branches)


def test_a_run_that_was_rolled_back_is_told(root: Path, gate_may_end: Path) -> None:
    gate_may_end.touch()
    assert run(root, "apply", ".git/plan.json").code == 0
    assert run(root, "rollback").code == 0
    told = run(root, "status")
    assert "run 1 rolled-back: it was rolled back on demand" in told.out.splitlines()
    assert told.out.count(": gone\n") == 1
    assert run(root, "apply", ".git/plan.json").code == 0
    again = run(root, "status")
    assert "run 2: promote(candidate→core): 3 modules of plan " in again.out
    assert "run 1: promote(candidate→core): 3 modules of plan " in run(root, "status", "1").out
    ran = run(root, "status", "3")
    assert (ran.code, ran.error()) == (2, "there is no run 3: the last one is run 2")


def test_what_was_left_out_is_told_with_the_reason(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r", gate_text("fast", failing_with(["m03"])))
    run(root, "plan", "--format", "json", "--output", ".git/plan.json", "--quiet")
    assert run(root, "apply", ".git/plan.json").code == 1
    told = run(root, "status").out
    assert "  19 of 20 steps committed, 1 left out:\n" in told
    assert "… and 9 more (-v lists all)" in told
    left_out = "s0002 batch 1 candidate.m03: LP405: gate fast (after the move) failed with exit"
    assert f"  1 left out:\n    {left_out} status 1\n" in told
    assert "more (-v lists all)" not in run(root, "status", "-v").out
    found = run(root, "status", "--format", "json").json
    (entry,) = found["runs"]
    assert len(entry["gate_runs"]) == len(entry["gates"]) and entry["running"] == []
    failed = next(i for i, gate in enumerate(entry["gates"]) if not gate["passed"])
    ran = entry["gate_runs"][failed]
    assert (ran["name"], ran["step"], ran["batch"]) == ("fast", "s0005", 1)
    assert ran["began"] <= ran["ended"]
    assert found["detail"]["steps"][1]["state"] == "left-out"


def on_terminal(
    root: Path, *arguments: str, term: str = "xterm"
) -> tuple[subprocess.Popen[str], int]:
    """Start a command on a pseudo-terminal of 80 columns, and return its other end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = process_environment(TERM=term, COLUMNS="80")
    process = started(root, *arguments, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    return process, ours


def shown(descriptor: int, until: str | None) -> str:
    """Return what a terminal shows until it has shown a text; None: until its end."""
    told = b""
    while until is None or until not in _ESCAPES.sub("", told.decode(errors="replace")):
        try:
            more = os.read(descriptor, 65_536)
        except OSError:  # nobody holds the other end any more
            more = b""
        if not more:
            assert until is None, told
            break
        told += more
    return told.decode()


def test_on_a_terminal_a_table_lives_until_the_run_ends(root: Path, gate_may_end: Path) -> None:
    with applying(root, gate_may_end, "--mode", "stack"):
        process, terminal = on_terminal(root, "status", "--follow", "--interval", "0.05")
        first = _ESCAPES.sub("", shown(terminal, "begins on s0001"))
        assert "run 1     promote(candidate→core): 3 modules of plan " in first
        assert "steps     1 of 3 committed" in first
        assert "gate      waits (after) on s0001, batch 1, for " in first
        gate_may_end.touch()
        rest = shown(terminal, None)
    os.close(terminal)
    assert process.wait(timeout=20) == 0
    assert "\x1b[?25h" in rest  # the cursor is back
    text = _ESCAPES.sub("", rest)
    assert re.search(r"\nrun 1 is done after [\d.]+ s: 3 steps on 3 branches\r\n$", text)
    assert "status    done, " in text and "gates     3 passed, in " in text
    assert max(len(line) for line in text.replace("\r", "\n").split("\n")) <= 80


def test_whoever_watches_may_leave(root: Path, gate_may_end: Path) -> None:
    with applying(root, gate_may_end) as process:
        watching, terminal = on_terminal(root, "status", "--follow")
        told = shown(terminal, "begins on s0001")
        watching.send_signal(signal.SIGINT)
        told += shown(terminal, None)
        os.close(terminal)
        assert watching.wait(timeout=20) == 0
        assert "\x1b[?25h" in told and "Traceback" not in told and "error" not in told
        piped = started(root, "status", "--follow")
        assert piped.stdout is not None and piped.stdout.readline()
        piped.send_signal(signal.SIGINT)
        assert piped.communicate(timeout=20)[1] == "" and piped.returncode == 0
        ended, terminal = on_terminal(root, "status", "--follow")
        shown(terminal, "begins on s0001")
        ended.terminate()
        assert "\x1b[?25h" in shown(terminal, None)
        os.close(terminal)
        assert ended.wait(timeout=20) == 143
        assert process.poll() is None  # the run goes on


def test_a_terminal_that_cannot_go_back_gets_lines(root: Path, gate_may_end: Path) -> None:
    with applying(root, gate_may_end):
        arguments = ("status", "--follow", "--interval", "0.05")
        follower, terminal = on_terminal(root, *arguments, term="dumb")
        assert "\x1b" not in shown(terminal, "begins on s0001")
        gate_may_end.touch()
        assert "run 1 is done after " in shown(terminal, None)
    os.close(terminal)
    assert follower.wait(timeout=20) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--metrics", "--follow"), "--metrics tells of all runs"),
        (("--metrics", "1"), "--metrics tells of all runs"),
        (("--follow", "1"), "--follow watches the run that is under way"),
        (("--follow", "--output", "x"), "--follow writes as things happen"),
        (("1",), "there is no run 1: none has begun"),
    ],
)
def test_what_does_not_go_together_is_refused(
    root: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = run(root, "status", *arguments)
    assert ran.code == 2 and ran.error().startswith(said)

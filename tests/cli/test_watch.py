"""`check --watch`: after every change what a fresh `check` says, and only what changed is read."""

from __future__ import annotations

import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import IO, Any
from unittest import mock

import pytest

from lane_planner.repository.repository import Repository
from lane_planner.scan.sources import Entry, WorkingTree
from lane_planner.scan.watch import Watch
from tests.cli.shop import CONFIG, commit, process_environment, run, shop
from tests.executor.repositories import git

PATIENCE = 20.0  # seconds; the machine may be busy
SILENCE = 1.0


class Watching:
    """`check --watch` as a process of its own."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lane_planner", "check", "--watch", *arguments],
            cwd=root, env=process_environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: queue.Queue[str] = queue.Queue()
        self.said: queue.Queue[str] = queue.Queue()
        self._readers = []
        for stream, lines in ((self.process.stdout, self.lines), (self.process.stderr, self.said)):
            assert stream is not None
            self._readers.append(threading.Thread(target=self._read, args=(stream, lines)))
            self._readers[-1].start()

    @staticmethod
    def _read(stream: IO[str], lines: queue.Queue[str]) -> None:
        with stream:
            for line in stream:
                lines.put(line)

    def next(self) -> str:
        """Return the next line of standard output."""
        return self.lines.get(timeout=PATIENCE)

    def hear(self) -> str:
        """Return the next line of standard error."""
        return self.said.get(timeout=PATIENCE)

    def until(self, wanted: Callable[[str], bool]) -> None:
        """Read on until a line is as wanted."""
        deadline = time.monotonic() + PATIENCE
        line = ""
        while time.monotonic() < deadline:
            try:
                line = self.lines.get(timeout=0.1)
            except queue.Empty:
                continue
            if wanted(line):
                return
        raise AssertionError(f"last was {line}")

    def silent(self) -> bool:
        """Tell whether nothing is written for a while."""
        time.sleep(SILENCE)
        return self.lines.empty()

    def interrupt(self) -> int:
        """Press Ctrl-C, as a person who has read the last line, and return the exit code."""
        time.sleep(0.3)
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE)
        self.end()
        return code

    def end(self) -> None:
        """End the process, however it is, and read what it wrote."""
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shop(tmp_path / "repo")


@pytest.fixture
def watch(root: Path) -> Iterator[Callable[..., Watching]]:
    """Starts a process that watches the repository, and ends it."""
    started: list[Watching] = []

    def start(*arguments: str, at: Path = root) -> Watching:
        started.append(Watching(at, *arguments))
        assert started[-1].hear().startswith("watching ")
        return started[-1]

    yield start
    for one in started:
        one.end()


def fresh(root: Path) -> Any:
    """Return what a `check` says now."""
    return run(root, "check", "--cycles", "--format", "json").json


def add(root: Path, chance: random.Random) -> None:
    path = root / chance.choice(["candidate", "core/new/deep", "lukhas"]) / f"n{chance.random()}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chance.choice(["import lukhas.app\n", "import candidate.a\n", "x = 1\n"]))


def pick(root: Path, chance: random.Random) -> Path:
    files = [p for p in root.rglob("*.py") if ".git" not in p.parts]
    return chance.choice(sorted(files))


def delete(root: Path, chance: random.Random) -> None:
    pick(root, chance).unlink()


def rename(root: Path, chance: random.Random) -> None:
    path = pick(root, chance)
    path.rename(path.with_name(f"r{chance.randrange(10**6)}.py"))


def replace(root: Path, chance: random.Random) -> None:
    """As editors do that write beside the file and rename."""
    path = pick(root, chance)
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_bytes(path.read_bytes() + b"import products.shop\n")
    beside.replace(path)


def touch(root: Path, chance: random.Random) -> None:
    pick(root, chance).touch()


def same_time(root: Path, chance: random.Random) -> None:
    """Change a file without its size or its time."""
    path = root / "candidate/same.py"
    if not path.exists():
        path.write_text("import core.base\n")
    before = path.stat()
    text = path.read_text()
    path.write_text(
        text.replace("core", "lukh") if "core" in text else text.replace("lukh", "core")
    )
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def move_directory(root: Path, chance: random.Random) -> None:
    places = [root / "candidate/pkg", root / "lukhas/pkg", root / "candidate/new.dir"]
    here = next((place for place in places if place.exists()), None)
    if here is None:
        add(root, chance)
        return
    there = chance.choice([place for place in places if place != here])
    there.parent.mkdir(exist_ok=True)
    here.rename(there)


def branch(root: Path, chance: random.Random) -> None:
    """Commit what is there and go to another branch, where hundreds of files differ."""
    commit(root)
    now = git(root, "rev-parse", "--abbrev-ref", "HEAD").decode().strip()
    other = "many" if now == "main" else "main"
    git(root, "checkout", "--quiet", other)


def index(root: Path, chance: random.Random) -> None:
    """Track an ignored file, or stop to."""
    tracked = git(root, "ls-files", "candidate/ignored.py")
    if tracked:
        git(root, "rm", "--quiet", "--cached", "--force", "candidate/ignored.py")
    else:
        (root / "candidate/ignored.py").write_text("import lukhas.app\n")
        git(root, "add", "--force", "candidate/ignored.py")


EDITS = (add, delete, rename, replace, touch, same_time, move_directory, branch, index)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_after_every_edit_it_is_what_a_fresh_check_says(
    seed: int, root: Path, watch: Callable[..., Watching]
) -> None:
    (root / ".gitignore").write_text("ignored.py\n")
    commit(root)
    git(root, "checkout", "--quiet", "-b", "many")
    for number in range(300):
        (root / f"candidate/many{number}.py").write_text(f"import candidate.many{number // 2}\n")
    (root / "candidate/a.py").write_text("import products.shop\n")
    commit(root)
    git(root, "checkout", "--quiet", "main")
    chance = random.Random(seed)
    order = [*EDITS, *chance.choices(EDITS, k=9)]
    chance.shuffle(order)
    watching = watch("--cycles", "--format", "json")
    assert json.loads(watching.next()) == fresh(root)
    for edit in order:
        edit(root, chance)
        expected = fresh(root)
        try:
            watching.until(lambda line, expected=expected: json.loads(line) == expected)  # type: ignore[misc]
        except AssertionError as error:
            raise AssertionError(f"after {edit.__name__}: {error}") from error
    code = watching.interrupt()
    while not watching.lines.empty():  # a look too many does no harm, another answer would
        assert json.loads(watching.next()) == expected
    assert code == run(root, "check", "--cycles").code
    assert watching.said.empty()


def test_only_what_changed_is_read(root: Path) -> None:
    read: list[str] = []
    contents = WorkingTree.contents

    def counted(self: WorkingTree, entries: Iterable[Entry]) -> Any:
        wanted = list(entries)
        read.extend(entry.path for entry in wanted)
        return contents(self, wanted)

    stop = threading.Event()
    told: list[list[str]] = []

    def edit() -> None:
        for number, path in enumerate(["candidate/a.py", "core/base.py", "candidate/fresh.py"]):
            while len(told) <= number:
                time.sleep(0.02)
            time.sleep(0.2)
            (root / path).write_text(f"import lukhas.app  # {number}\n")
        while len(told) <= 3:
            time.sleep(0.02)
        stop.set()

    from lane_planner.cli import watch as cli_watch

    begin = cli_watch._Again.begin
    kept = cli_watch.watched

    def noted(self: Any) -> None:
        told.append([])
        begin(self)

    time.sleep(0.1)  # so that the files are older than our look at them
    with (
        mock.patch.object(WorkingTree, "contents", counted),
        mock.patch.object(cli_watch._Again, "begin", noted),
        mock.patch.object(cli_watch, "watched", lambda options: kept(options, stop)),
    ):
        editor = threading.Thread(target=edit)
        editor.start()
        ran = run(root, "check", "--watch")
        editor.join()
    assert ran.code == 1
    assert ran.out.count("-" * 72) == 3
    assert len(read[:18]) == len(set(read[:18]))  # each file once, to begin with
    # Each is read to see whether its content is known, and then for what it says; never again.
    later = [path for path, _ in groupby(read[18:])]
    assert later == ["candidate/a.py", "core/base.py", "candidate/fresh.py"]


def test_configuration(root: Path, watch: Callable[..., Watching]) -> None:
    watching = watch("--format", "json")
    assert json.loads(watching.next())["summary"]["new"] == 1
    (root / "lanes.toml").write_text("[lanes.broken\n")
    assert watching.hear().startswith("lane-planner: error: ")
    (root / "candidate/more.py").write_text("import lukhas.app\n")
    assert watching.hear().startswith("lane-planner: error: ")  # still
    (root / "lanes.toml").unlink()
    assert "cannot be read" in watching.hear()
    (root / "lanes.toml").write_text('exclude = ["candidate/up.py"]\n' + CONFIG)
    watching.until(lambda line: json.loads(line)["summary"]["new"] == 1)
    (root / "candidate/up.py").write_text("import lukhas.app, products.shop\n")
    assert watching.silent()  # it is excluded now
    (root / "lanes.toml").write_text(CONFIG)
    watching.until(lambda line: json.loads(line)["summary"]["new"] == 3)
    (root / "lanes-baseline.txt").write_text("odd\n")
    assert "lanes-baseline.txt" in watching.hear()
    assert watching.interrupt() == 2  # as the last check ended


def test_what_is_ignored_or_no_module_is_not_noticed(
    root: Path, watch: Callable[..., Watching]
) -> None:
    (root / ".gitignore").write_text("built/\n")
    (root / "built").mkdir()
    watching = watch("--format", "json")
    watching.next()
    (root / "built/made.py").write_text("import lukhas.app\n")
    (root / "README.md").write_text("more\n")
    (root / "built/deep").mkdir()
    assert watching.silent()
    (root / ".gitignore").write_text("")
    assert json.loads(watching.next())["summary"]["modules"] == 19


def test_a_storm_of_saves_is_one_change(root: Path, watch: Callable[..., Watching]) -> None:
    watching = watch("--format", "json")
    watching.next()
    for number in range(200):
        (root / f"candidate/s{number}.py").write_text("import lukhas.app\n")
    watching.until(lambda line: json.loads(line)["summary"]["new"] == 201)
    assert watching.silent()


def test_outside_git_and_below_the_top(
    tmp_path: Path, root: Path, watch: Callable[..., Watching]
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(root, plain, ignore=shutil.ignore_patterns(".git"))
    below = shop(tmp_path / "other", root="sub/deep")
    (below / ".gitignore").write_text("hidden.py\n")
    for place in (plain, below):
        watching = watch("--format", "json", at=place)
        assert json.loads(watching.next())["summary"]["new"] == 1
        (place / "candidate/more.py").write_text("import lukhas.app\n")
        watching.until(lambda line: json.loads(line)["summary"]["new"] == 2)
    (below / "candidate/hidden.py").write_text("import lukhas.app\n")
    assert watching.silent()
    git(below, "add", "--force", "candidate/hidden.py")  # no event tells of that
    watching.until(lambda line: json.loads(line)["summary"]["new"] == 3)


def test_names_that_are_no_utf_8_do_not_end_it(root: Path, watch: Callable[..., Watching]) -> None:
    watching = watch("--format", "json")
    watching.next()
    name = os.fsencode(root) + b"/candidate/caf\xe9"
    os.mkdir(name)
    with open(name + b"/new.py", "w") as file:
        file.write("import lukhas.app\n")
    watching.until(lambda line: "caf" in line)
    (root / "candidate/other.py").write_text("import lukhas.front\n")
    watching.until(lambda line: "candidate.other" in line)
    assert watching.interrupt() == 1


def test_text_is_parted_by_lines(root: Path, watch: Callable[..., Watching]) -> None:
    watching = watch()
    expected = run(root, "check").out.splitlines(keepends=True)
    assert [watching.next() for _ in expected] == expected
    (root / "candidate/up.py").write_text("x = 1\n")
    assert watching.next() == "-" * 72 + "\n"
    assert watching.next().startswith("no violation in 18 modules")
    assert watching.interrupt() == 0
    assert watching.said.empty()


def test_a_terminal_is_cleared(root: Path) -> None:
    ours, theirs = os.openpty()
    argv = [sys.executable, "-m", "lane_planner", "check", "--watch", "--quiet"]
    with subprocess.Popen(
        argv, cwd=root, env=process_environment(TERM="xterm"), stdin=subprocess.DEVNULL,
        stdout=theirs, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while b"violation in" not in shown:
            shown += os.read(ours, 4096)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 1
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(ours)
    assert shown.startswith(b"\x1b[2J")
    assert b"---" not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output", "x.txt"], "without --output"),
        (["--update-baseline"], "--update-baseline goes without it"),
        (["--config", "nothing.toml"], "nothing.toml"),
    ],
)
def test_wrong_usage(root: Path, arguments: list[str], said: str) -> None:
    ran = run(root, "check", "--watch", *arguments)
    assert ran.code == 2
    assert said in ran.error()


def test_a_look_sees_what_no_event_can_tell_apart(root: Path) -> None:
    """Two writes within a tick leave the same status; the event counts all the same."""
    watch: Watch = Repository.open(root).watch()
    watch.see()
    assert not watch._differs(frozenset())
    assert watch._differs(frozenset({"candidate/a.py"}))
    assert not watch._differs(frozenset({"elsewhere/a.py"}))

"""`init` in repositories of several shapes, and on a terminal."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.adoption.linter_worlds import write_files
from tests.cli.shop import process_environment, run
from tests.executor.repositories import git

SHOP = {
    "src/shop/__init__.py": "",
    "src/shop/web/__init__.py": "",
    "src/shop/web/views.py": "from shop.core import model\nfrom shop.labs import new\n",
    "src/shop/core/__init__.py": "",
    "src/shop/core/model.py": "import json\n",
    "src/shop/labs/__init__.py": "",
    "src/shop/labs/new.py": "from shop.core import model\n",
    "tests/test_model.py": "import pytest\n\nfrom shop.core import model\n",
    "Makefile": "test:\n\tpytest\n",
    "pyproject.toml": "[tool.pytest.ini_options]\n",
    "coverage.json": "{}",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = write_files(tmp_path / "shop", SHOP)
    git(root, "init", "--quiet")
    return root


def test_what_it_finds(shop: Path) -> None:
    ran = run(shop, "init", "--yes")
    assert ran.code == 0, ran
    assert ran.out.splitlines() == [
        f"wrote {shop}/lanes.toml with lanes core, shop, labs, web",
        "next: lane-planner check",
    ]
    checked = run(shop, "check", "--format", "json")
    assert checked.code == 1
    assert [(v["importer"], v["imported"]) for v in checked.json["violations"]] == [
        ("shop.web.views", "shop.labs.new")
    ]


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("..", ["--root", "shop"]),
        ("..", ["--config", "shop/lanes.toml"]),
        (".", ["--config", "more.toml"]),
        ("src", ["--root", "..", "--config", "../my lanes.toml"]),
    ],
)
def test_what_it_writes_is_read_as_it_was_meant(shop: Path, place: str, given: list[str]) -> None:
    """Paths are relative to the same root, and the command that it names next finds it."""
    ran = run(shop / place, "init", "--yes", *given)
    assert ran.code == 0, ran
    command = ran.out.splitlines()[-1].removeprefix("next: lane-planner ")
    checked = run(shop / place, *shlex.split(command), "--format", "json")
    assert checked.json["summary"]["modules"] == 8
    assert [v["imported"] for v in checked.json["violations"]] == ["shop.labs.new"]


def test_a_test_file_of_unittest(shop: Path) -> None:
    write_files(shop, {"tests/test_model.py": "import unittest\n", "pyproject.toml": ""})
    assert run(shop, "init", "--yes").code == 0
    assert '["python", "-m", "unittest", "discover", "-s", "tests", "-t", "."]' in (
        shop / "lanes.toml"
    ).read_text().replace("\n    ", " ").replace('[ "', '["')


def test_nothing_to_tell_apart(tmp_path: Path) -> None:
    write_files(tmp_path, {"flat/__init__.py": "", "flat/a.py": "import flat.b\n", "flat/b.py": ""})
    ran = run(tmp_path, "init", "--yes")
    assert ran.code == 0
    assert "the file says what to write" in ran.err
    assert "has no lanes to tell apart yet" in (tmp_path / "lanes.toml").read_text()
    assert run(tmp_path, "check").code == 0


def test_it_never_overwrites(shop: Path) -> None:
    (shop / "lanes.toml").write_text("mine")
    for given in ((), ("--preset", "lukhas"), ("--from-importlinter",), ("--from-tach",)):
        ran = run(shop, "init", "--yes", *given)
        assert ran.code == 2
        assert "is there already: --force replaces it" in ran.error()
    assert (shop / "lanes.toml").read_text() == "mine"
    assert run(shop, "init", "--yes", "--force").code == 0


def test_pyproject_is_not_replaced(shop: Path) -> None:
    ran = run(shop, "init", "--config", "pyproject.toml", "--force")
    assert ran.code == 2
    assert "holds more than lanes" in ran.error()
    assert (shop / "pyproject.toml").read_text() == SHOP["pyproject.toml"]


def test_one_source_only(shop: Path) -> None:
    ran = run(shop, "init", "--preset", "lukhas", "--from-tach")
    assert ran.code == 2
    assert "give one of them" in ran.error()


# --- on a terminal ---


class Terminal:
    """The tool on a terminal of its own, answered as a person would."""

    def __init__(self, root: Path, *arguments: str) -> None:
        master, slave = pty.openpty()
        self._master = master
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lane_planner", *arguments],
            cwd=root, env=process_environment(TERM="dumb"), stdin=slave, stdout=slave,
            stderr=slave, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.seen = ""

    def expect(self, text: str) -> None:
        """Wait until something was printed."""
        deadline = time.monotonic() + 10
        start = len(self.seen)
        while text not in self.seen[start:]:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen[start:]!r}"
            if select.select([self._master], [], [], 1)[0]:
                try:
                    self.seen += os.read(self._master, 65536).decode().replace("\r\n", "\n")
                except OSError:  # the other end is closed: that was all
                    assert text in self.seen[start:], self.seen
                    return

    def answer(self, text: str) -> None:
        """Type a line, or a control character."""
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until it is heard: a read that begins as the signal comes misses it."""
        deadline = time.monotonic() + 10
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.seen
            self.process.send_signal(signal.SIGINT)
            time.sleep(0.2)

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        try:
            while os.read(self._master, 65536):
                pass
        except OSError:
            pass  # Linux' way of telling that the other end is closed
        os.close(self._master)
        return self.process.wait(timeout=30)


def test_answers(shop: Path) -> None:
    terminal = Terminal(shop, "init")
    for question, answer in (
        ("Source roots", "src, nowhere\n"),
        ("nowhere is not there", "src\n"),
        ("Lanes to keep", "core web labs\n"),
        ("promoted from", "labs\n"),
        ("move to", "web\n"),
        ("Run `pytest -q {tests}`", "\n"),
        ("Run `pytest -q`", "n\n"),
        ("Run `make test`", "y\n"),
        ("Coverage that a module needs", "0.5\n"),
        ("Write ", "\n"),
    ):
        terminal.expect(question)
        terminal.answer(answer)
    terminal.expect("next: lane-planner check")
    assert terminal.end() == 0
    lines = (shop / "lanes.toml").read_text().splitlines()
    assert 'source_roots = ["src"]' in lines
    assert [line for line in lines if line.startswith("[lanes")] == [
        "[lanes.core]", "[lanes.labs]", "[lanes.web]",
    ]  # fmt: skip
    assert 'promotes_to = "web"' in lines
    assert [line for line in lines if "name = " in line] == [
        'name = "tests"', '# name = "everything"', 'name = "make-test"',
    ]  # fmt: skip
    assert "min = 0.5" in lines
    assert run(shop, "check").code == 1  # web imports labs


def test_defaults_are_what_yes_takes(shop: Path) -> None:
    terminal = Terminal(shop, "init")
    for question in (
        "Source",
        "Lanes to",
        "from",
        "move to",
        "Run",
        "Run",
        "Run",
        "Cover",
        "Write",
    ):
        terminal.expect(question)
        terminal.answer("\n")
    terminal.expect("next:")
    assert terminal.end() == 0
    asked = (shop / "lanes.toml").read_bytes()
    assert run(shop, "init", "--yes", "--force").code == 0
    assert (shop / "lanes.toml").read_bytes() == asked


def test_a_source_root_with_a_blank(tmp_path: Path) -> None:
    """What is proposed can be taken, also from elsewhere than where the file will be."""
    root = write_files(tmp_path, {f"the shop/{path}": text for path, text in SHOP.items()})
    (root / "settings").mkdir()
    terminal = Terminal(root, "init", "--config", "settings/shop.toml")
    terminal.expect("[the shop/src, .]")
    terminal.answer("\n")
    terminal.expect("Lanes to keep")
    terminal.interrupt()
    terminal.end()


@pytest.mark.parametrize("after", ["Source roots", "Run `pytest -q`", "Write "])
def test_an_interrupt_leaves_nothing(shop: Path, after: str) -> None:
    terminal = Terminal(shop, "init")
    for question in (
        "Source roots",
        "Lanes to",
        "from",
        "move to",
        "Run `pytest -q {",
        "Run `pytest -q`",
        "Run `make",
        "Cover",
        "Write ",
    ):
        terminal.expect(question)
        if question == after:
            terminal.interrupt()
            break
        terminal.answer("\n")
    assert terminal.end() == 130
    assert not (shop / "lanes.toml").exists()


def test_a_refusal_leaves_nothing(shop: Path) -> None:
    terminal = Terminal(shop, "init", "--preset", "lukhas")
    assert terminal.end() == 0  # a preset is not asked about
    (shop / "lanes.toml").unlink()
    for name in ("candidate", "core"):
        write_files(shop, {f"{name}/__init__.py": ""})
    terminal = Terminal(shop, "init")
    terminal.expect("the preset lukhas")
    terminal.answer("n\n")
    assert terminal.end() == 130
    assert not (shop / "lanes.toml").exists()

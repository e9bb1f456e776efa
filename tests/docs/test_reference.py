"""docs/reference says what the code says: pages are up to date, documents have the fields in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from lane_planner.base.git import Git
from lane_planner.executor.records.journal import Journal, RunStarted
from lane_planner.executor.storage.places import journal_path
from tests.cli.shop import PROJECT, Ran, commit, run, shop
from tests.executor.repositories import git
from tools.reference import commands, formats
from tools.reference.__main__ import main
from tools.reference.formats import DOCUMENTS
from tools.reference.markdown import block, prose, table
from tools.reference.pages import PAGES

REFERENCE = PROJECT / "docs/reference"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_the_code_says(name: str) -> None:
    """If not: `make docs`."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name]()


def test_the_program_writes_the_pages_and_there_are_no_others(tmp_path: Path) -> None:
    main([str(tmp_path / "new/reference")])
    written = {path.name for path in (tmp_path / "new/reference").iterdir()}
    assert written == set(PAGES) == {path.name for path in REFERENCE.iterdir()}


# --- commands ---


def test_every_default_is_told() -> None:
    """A value that holds without its option is in the option's help."""
    for name, command, _ in commands.commands():
        with command.make_context(name, [], resilient_parsing=True) as context:
            values = context.params
        for option in command.params:
            if isinstance(option, click.Option):
                told = option.show_default or "[default:" in (option.help or "")
                # False, 0, "" and nothing at all stand for "it was not given".
                assert told or not values[option.name or ""], (name, option)


def test_options_of_every_command_stand_once() -> None:
    page = PAGES["commands.md"]()
    assert page.count("| `--root` |") == 1
    assert page.count("| `--format` |") == len(list(commands.commands()))


# --- formats ---


def document(heading: str) -> type[msgspec.Struct]:
    return next(document.type for document in DOCUMENTS if document.heading == heading)


def test_every_command_that_writes_json_is_there() -> None:
    known = {(document.heading.split()[0].strip(","), document.format) for document in DOCUMENTS}
    for name, command, _ in commands.commands():
        choices = next(option.type for option in command.params if option.name == "format")
        assert isinstance(choices, click.Choice)
        for format in {"json", "jsonl"} & set(choices.choices):
            # The schema of the configuration is a standard's, and has its own page.
            assert (name, format) in known or name == "config", (name, format)


def test_documents_have_the_fields_that_are_told(tmp_path: Path) -> None:
    root = shop(tmp_path / "repository")
    held = set()

    def hold(written: Any, heading: str) -> None:
        """Assert that a document has the fields of its type, and no others."""
        read = msgspec.convert(written, document(heading), str_keys=True)
        assert msgspec.json.decode(msgspec.json.encode(read)) == written, heading
        held.add(heading)

    def asked(heading: str, *words: str) -> Ran:
        ran = run(root, *words, "--format", "json")
        assert ran.code in (0, 1), ran
        hold(ran.json, heading)
        return ran

    asked("graph", "graph", "--external")
    asked("graph --depth", "graph", "--depth", "1")
    asked("check", "check")
    asked("check", "check", "--cycles", "--transitive", "--syntax", "--diff", "HEAD")
    asked("check", "check", "--cycles", "--update-baseline", "--allow-additions")
    commit(root)
    asked("cycles", "cycles")
    asked("explain MODULE", "explain", "candidate.up")
    asked("explain CODE", "explain", "LP102")
    plan = asked("plan", "plan", "--from", "candidate", "--to", "core")
    lines = run(root, "plan", "--from", "candidate", "--to", "core", "--format", "jsonl")
    for line in lines.out.splitlines():
        hold(msgspec.json.decode(line), "plan, a line a move")
    asked("unlocks", "unlocks")
    git_directory = root / ".git"
    (git_directory / "plan.json").write_text(plan.out)
    asked("diff", "diff", ".git/plan.json", ".git/plan.json")
    asked("forecast", "forecast", ".git/plan.json")
    asked("promote", "promote", "candidate.up", "core")
    promoted = asked("promote", "promote", "candidate.a", "core", "--apply", "--shim", "alias")
    hold(msgspec.json.decode(Path(promoted.json["evidence"][0]).read_bytes()), "evidence")
    asked("status", "status")
    asked("rollback", "rollback")
    asked("apply", "apply", ".git/plan.json", "--steps", "2")
    git(root, "merge", "--quiet", promoted_branch(root))
    asked("rollback STEP", "rollback", "candidate.a", "--dry-run")
    asked("shims", "shims")
    asked("status --metrics", "status", "--metrics")
    asked("log", "log")
    for line in run(root, "log", "--format", "jsonl").out.splitlines():
        hold(msgspec.json.decode(line), "log, a line a promotion")
    asked("trend", "trend")
    asked("verify", "verify")
    with Journal.open(journal_path(Git.require(root))) as journal:  # a run that was killed
        journal.start(RunStarted(Git.require(root).head(), "promote/x", "promote x", 1))
    asked("resume", "resume")
    # This one needs a run that is under way: tests/cli/test_status.py.
    assert held == {document.heading for document in DOCUMENTS} - {"status --follow"}


def promoted_branch(root: Path) -> str:
    """Return the one branch of the tool."""
    (name,) = git(root, "branch", "--list", "promote/*", "--format=%(refname:short)").split()
    return name.decode()


class Told(msgspec.Struct):
    """A type.

    Attributes:
        first: what it is,
            and `more`.
        second: None: nothing.
    """

    first: int
    second: str | None


class Untold(Told):
    """A type.

    Attributes:
        third: what is not there.
    """

    fourth: int


def test_descriptions_are_those_of_the_docstring() -> None:
    assert formats.descriptions(Told) == {
        "": "A type.",
        "first": "what it is, and `more`.",
        "second": "null: nothing.",
    }


def test_what_is_not_described_is_told() -> None:
    with pytest.raises(ValueError, match=r"Untold: .* differ in \['fourth', 'third'\]"):
        formats.descriptions(Untold)


# --- Markdown ---


def test_markdown() -> None:
    assert prose("a <b>\n  `c_d*` *e*") == "a &#60;b&#62; `c_d*` &#42;e&#42;"
    assert table(["a"], [["`b|c`"]]) == "| a |\n| --- |\n| `b\\|c` |"
    assert block("text", "````") == "`````text\n````\n`````"

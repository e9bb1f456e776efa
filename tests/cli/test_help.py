"""Every command's help ends in examples, and a user can type each of them."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from lane_planner.cli.examples import EXAMPLES
from lane_planner.cli.main import _COMMANDS, cli
from tests.cli.shop import run

CALLS = [(name, call) for name, examples in EXAMPLES.items() for call, _ in examples]


def test_every_command_has_examples() -> None:
    assert EXAMPLES.keys() == _COMMANDS.keys()
    assert all(EXAMPLES.values())


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[call for _, call in CALLS])
def test_example(name: str, call: str) -> None:
    words = shlex.split(call, comments=True)
    words = words[: next((i for i, word in enumerate(words) if word in ("|", ">")), len(words))]
    assert words[0] == name
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    with command.make_context(name, words[1:]) as context:  # reads every option and argument
        assert context.params


def test_a_wrong_example_would_be_seen() -> None:
    command = cli.get_command(click.Context(cli), "check")
    assert command is not None
    with pytest.raises(click.UsageError):
        command.make_context("check", ["--no-such-option"])


@pytest.mark.parametrize("name", _COMMANDS)
def test_help_shows_them_in_eighty_columns(name: str, tmp_path: Path) -> None:
    ran = run(tmp_path, name, "--help")
    _, mark, shown = ran.out.partition("\n  Examples:\n")
    assert mark
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert all(f"lane-planner {call}" in shown for call, _ in EXAMPLES[name])

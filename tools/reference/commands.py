"""The commands: usage, help, arguments, options and examples, as click has them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import NamedTuple

import click

from lane_planner.cli.examples import EXAMPLES
from lane_planner.cli.main import NAME, cli
from tools.reference.markdown import block, code, either, page, prose, table

_NAMES = re.compile(r"(-[\w-]+(?:, -[\w-]+)*) ?(.*)", re.DOTALL)
# The default that a help text tells in words.
_WORDED = re.compile(r"\s*\[default: (?P<what>[^\]]*)\](?=\.?$)")
_INTRO = """\
Each command takes the options of [every command](#every-command) too. `--help` of a command says
the same in the terminal."""


class Option(NamedTuple):
    """An option, each part as Markdown.

    Attributes:
        names: how it is written.
        value: what is written behind it; "": nothing.
        default: what holds without it; "": nothing does.
        meaning: what it says.
    """

    names: str
    value: str
    default: str
    meaning: str


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command: its name, itself, and a context of it."""
    top = click.Context(cli, info_name=NAME)
    for name in cli.list_commands(top):
        command = cli.get_command(top, name)
        if command is None:
            raise LookupError(name)
        yield name, command, click.Context(command, info_name=name, parent=top)


def commands_page() -> str:
    """Return the page of all commands."""
    options = {name: tuple(_options(command, context)) for name, command, context in commands()}
    shared = tuple(
        option
        for option in next(iter(options.values()))
        if all(option in others for others in options.values())
    )
    first = inspect.cleandoc(cli.help or "").split("\n\n")
    sections = [
        "## Every command",
        _options_table(shared),
        *(
            _section(name, command, context, [o for o in options[name] if o not in shared])
            for name, command, context in commands()
        ),
    ]
    return page("Commands", "\n\n".join([*map(prose, first), _INTRO]), sections)


def _section(
    name: str, command: click.Command, context: click.Context, options: list[Option]
) -> str:
    usage = " ".join([NAME, name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", block("text", usage)]
    parts += map(prose, inspect.cleandoc(command.help or "").split("\n\n"))
    if options:
        parts.append(_options_table(options))
    width = max(len(call) for call, _ in EXAMPLES[name])
    calls = [f"{NAME} {call:<{width}}  # {purpose}" for call, purpose in EXAMPLES[name]]
    parts.append(block("sh", "\n".join(calls)))
    return "\n\n".join(parts)


def _options_table(options: list[Option] | tuple[Option, ...]) -> str:
    return table(("option", "value", "default", "meaning"), options)


def _options(command: click.Command, context: click.Context) -> Iterator[Option]:
    for option in command.params:
        if not isinstance(option, click.Option):
            continue
        record = option.get_help_record(context)
        written = None if record is None else _NAMES.fullmatch(record[0])
        if written is None:
            raise ValueError(f"{context.command_path} has an option without help: {option.opts}")
        help_text = option.help or ""
        worded = _WORDED.search(help_text)
        default = "" if worded is None else prose(worded["what"])
        if option.show_default:
            default = code(str(option.default))
        meaning = prose(_WORDED.sub("", help_text))
        if option.multiple and "repeated" not in meaning:
            meaning += " Can be repeated."
        names = ", ".join(map(code, written[1].split(", ")))
        yield Option(names, _value(option, written[2]), default, meaning)


def _value(option: click.Option, metavar: str) -> str:
    kind = option.type
    if isinstance(kind, click.Choice):
        return either([code(str(choice)) for choice in kind.choices])
    if isinstance(kind, click.DateTime):
        return code("YYYY-MM-DD")
    # click counts what is only repeated, as in -vv, as a range too.
    if not option.count and isinstance(kind, click.IntRange | click.FloatRange):
        limits = f"{kind.min:g} or more" if kind.max is None else f"{kind.min:g} to {kind.max:g}"
        return f"{code(metavar)}, {limits}"
    return code(metavar) if metavar else ""

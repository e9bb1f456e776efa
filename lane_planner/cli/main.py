"""The `lane-planner` command: which commands there are, and how failures end."""

from __future__ import annotations

import importlib
import os
import sys

import click

from lane_planner import __version__
from lane_planner.base.errors import LanePlannerError

# Name → first line of its help. Each command's module is loaded only when it runs, so that
# `--help` and the other commands start fast.
_COMMANDS = {
    "init": "Write lanes.toml from a preset or from what the repository holds.",
    "check": "Report imports that the lanes do not allow.",
    "cycles": "Report circular imports and what breaks them.",
    "graph": "Print the import graph.",
    "explain": "Tell where a module stands and why it is blocked.",
    "plan": "Work out the order in which modules can be promoted.",
    "promote": "Promote one module or package; a dry run unless --apply.",
    "apply": "Carry a plan out on a branch, one commit a step.",
    "status": "Show the runs of this repository.",
    "verify": "Cross-check the import graph against grimp's.",
}


class _LazyGroup(click.Group):
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"lane_planner.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lane-planner")
def cli() -> None:
    """Static import-graph analysis and promotion planning for repositories kept in lanes.

    Exit codes: 0 fine, 1 findings, 2 wrong usage or configuration, 3 a gate failed and the work
    was rolled back, 4 the environment failed.
    """


def main() -> None:
    """Run the command line; every failure that a user can cause ends in one line."""
    try:
        code = cli.main(prog_name="lane-planner", standalone_mode=False)
    except LanePlannerError as error:
        _complain(error.message, *getattr(error, "__notes__", ()))
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has enough; what is still in the buffer must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"{where}{error.strerror or error}")
        sys.exit(4)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(*lines: str) -> None:
    for line in lines:
        click.echo(f"lane-planner: error: {' '.join(line.splitlines())}", err=True)

"""The `lane-planner` command: which commands there are, and how failures end."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
import traceback

import click

from lane_planner.base.errors import LanePlannerError
from lane_planner.base.text import printable
from lane_planner.base.version import __version__

NAME = "lane-planner"
COMPLETE = "_LANE_PLANNER_COMPLETE"  # what a shell's completion sets, as click documents it
_LONGEST = 1000  # characters of a message
_DEBUG = "LANE_PLANNER_DEBUG"
_OBJECTS = 200_000  # new objects after which the garbage collector looks at them

# Name → first paragraph of its help. Each command's module is loaded only when it runs, so that
# `--help` and the other commands start fast.
_COMMANDS = {
    "init": "Write lanes.toml, from a preset or from the packages that the repository holds.",
    "config": "Print the JSON schema of lanes.toml, which editors complete and check by.",
    "check": "Report imports that the lanes do not allow.",
    "cycles": "Report circular imports, each with a shortest circle and what breaks it.",
    "graph": "Print the modules and every import of one by another.",
    "explain": "Tell where MODULE (a dotted name or path) stands, and why it cannot be promoted.",
    "plan": "Work out which modules can be promoted, and in what order.",
    "unlocks": "List what to mend first: the fixes that free the most modules.",
    "diff": "Compare PLAN_A with PLAN_B, files that `plan --format json` wrote.",
    "forecast": "Tell how long PLAN takes to carry out, or the plan that `plan` would make now.",
    "promote": "Promote MODULE (a dotted name or path; a package whole) to lane TARGET.",
    "apply": "Carry out PLAN, a file that `plan --format json` wrote, one commit a step.",
    "resume": "Go on with the last run, which a kill, a full disk or a reboot interrupted.",
    "rollback": "Undo the last run, or take back each STEP that has been merged.",
    "shims": "List the files that keep old names of promoted modules working.",
    "status": "Show the runs of this repository: what was done, is under way, or was rolled back.",
    "log": "List the promotions that were carried out and stand, oldest first.",
    "trend": "Show how lanes, violations and circular imports changed over the history.",
    "report": "Write one HTML page about the repository, which works without a network.",
    "verify": "Compare the import graph with the one that grimp builds, where it can.",
    "completion": "Print the script that makes SHELL complete commands, options and values.",
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
        from lane_planner.cli.examples import epilog

        command.epilog = epilog(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=NAME)
def cli() -> None:
    """Static import-graph analysis and promotion planning for repositories kept in lanes.

    Exit codes: 0 fine, 1 findings, 2 wrong usage or configuration, 3 a gate failed and the work
    was rolled back, 4 the environment failed.
    """


def main() -> None:
    """Run the command line; every failure ends in one line and an exit code."""
    # Hardly anything that we make is part of a circle of references, and to look for circles among
    # millions of records takes a fifth of the time of a cold `check`.
    gc.set_threshold(_OBJECTS, 30, 30)
    for stream in (sys.stdout, sys.stderr):
        # A name or an arrow that the terminal's encoding lacks is escaped, not a failure.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run()
        sys.stdout.flush()
    except LanePlannerError as error:
        _complain(error.message, *_notes(error))
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        _complain("interrupted", *_notes(error))
        code = 130
    except BrokenPipeError:
        # Whoever read our output has enough; what is still in the buffer must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"{where}{error.strerror or error}", *_notes(error))
        code = 4
    except Exception as error:
        # The last resort: a fault of ours, told in one line like any other failure.
        if os.environ.get(_DEBUG):
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        _complain(
            f"internal error at {place}: {type(error).__name__}: {error}; please report it, with "
            f"what {_DEBUG}=1 shows",
            *_notes(error),
        )
        code = 4
    sys.exit(code)


def _run() -> int:
    # Not `cli.main()`: it prints an empty line on an interrupt, ends with 1 on a closed pipe, and
    # drops what an exception notes about undoing.
    asked = os.environ.get(COMPLETE)
    if asked:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, NAME, COMPLETE, asked)
    try:
        with cli.make_context(NAME, sys.argv[1:]) as context:
            code = cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return code if isinstance(code, int) else 0


def _notes(error: BaseException) -> tuple[str, ...]:
    return tuple(getattr(error, "__notes__", ()))


def _complain(*lines: str) -> None:
    for line in lines:
        shown = printable(" ".join(line.splitlines()))
        if len(shown) > _LONGEST:  # it quotes input that has no line ends
            shown = f"{shown[: _LONGEST // 2]} … {shown[-_LONGEST // 2 :]}"
        click.echo(f"lane-planner: error: {shown}", err=True)

"""`lane-planner completion`: what makes a shell complete commands and options."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("text")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(options: Common, shell: str) -> int:
    """Print the script that makes SHELL complete commands, options and values."""
    from click.shell_completion import get_completion_class

    from lane_planner.cli.main import COMPLETE, NAME, cli

    options.require_place()
    found = get_completion_class(shell)
    if found is None:
        raise LookupError(f"click has no completion for {shell}")
    options.write(found(cli, {}, NAME, COMPLETE).source().lstrip("\n"))
    return 0

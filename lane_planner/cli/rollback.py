"""`lane-planner rollback`: undoing a run."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("text", "json")
def command(options: Common) -> int:
    """Undo the last run that is not undone yet, finished or interrupted.

    Its branches, its evidence and what a kill left of it go. Nothing is undone where one of the
    branches has been merged or has moved on.
    """
    found = options.open().roll_back()
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.report.application import rolled_back_text

        options.write(rolled_back_text(found))
    return 0

"""`lane-planner status`: what runs did."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("text", "json")
def command(options: Common) -> int:
    """Show the runs of this repository: what was done, is under way, or was rolled back."""
    from lane_planner.executor.status import status

    found = status(options.open().require_git())
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.report.text import status_text

        options.write(status_text(found, width=options.width))
    return 0

"""`lane-planner cycles`: circular imports."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("text", "json")
def command(options: Common) -> int:
    """Report circular imports, each with a shortest circle and what breaks it.

    Ends with 1 if there are any, else with 0.
    """
    found = options.open().cycles()
    if options.format == "json":
        from lane_planner.report.documents import cycle_entries, to_json

        options.write(to_json({"cycles": cycle_entries(found)}))
    else:
        from lane_planner.report.text import cycles_text

        options.write(cycles_text(found))
    return 1 if found else 0

"""`lane-planner log`: the promotions that were carried out."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("text", "json", "jsonl")
def command(options: Common) -> int:
    """List the promotions that were carried out and stand, oldest first.

    Those of runs that were rolled back are left out.
    """
    found = options.open().promotions()
    from lane_planner.report.documents import to_json, to_json_line

    if options.format == "json":
        from lane_planner.report.promotions import LogDocument

        options.write(to_json(LogDocument(found)))
    elif options.format == "jsonl":
        options.write("".join(to_json_line(one) for one in found))
    else:
        from lane_planner.report.promotions import log_text

        options.write(log_text(found, width=options.width))
    return 0

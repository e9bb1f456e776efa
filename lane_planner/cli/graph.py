"""`lane-planner graph`: the import graph."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("json", "text")
@click.option("--external", is_flag=True, help="With imports of what is not first-party.")
def command(options: Common, external: bool) -> int:
    """Print the modules and every import of one by another."""
    repository = options.open()
    scanned = repository.scanned(external=external)
    if options.format == "json":
        from lane_planner.report.documents import graph_document, to_json

        faults = repository.faults(scanned)
        options.write(
            to_json(graph_document(scanned.graph, scanned.lanes, faults, scanned.scan.records))
        )
    else:
        from lane_planner.report.graph import graph_text

        options.write(graph_text(scanned.graph, scanned.lanes))
    return 0

"""`lane-planner graph`: the import graph."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common, scheduler_option


@click.command()
@common("json", "text", "dot", "mermaid", "graphml")
@scheduler_option
@click.option("--external", is_flag=True, help="With imports of what is not first-party.")
@click.option(
    "--depth",
    type=click.IntRange(1),
    metavar="N",
    help="Packages of N parts of the name instead of the modules in them.",
)
def command(options: Common, external: bool, depth: int | None) -> int:
    """Print the modules and every import of one by another."""
    repository = options.open()
    scanned = repository.scanned(external=external)
    graph, lanes = scanned.graph, scanned.lanes
    if depth is None and options.format == "json":
        from lane_planner.report.documents import graph_document, to_json

        faults = repository.faults(scanned)
        options.write(to_json(graph_document(graph, lanes, faults, scanned.scan.records)))
        return 0
    if depth is None and options.format == "text":
        from lane_planner.report.graph import graph_text

        options.write(graph_text(graph, lanes))
        return 0
    from lane_planner.report.drawing import drawing_document, graph_drawing

    drawing = graph_drawing(graph, lanes, repository.settings, depth)
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(drawing_document(drawing)))
    elif options.format == "text":
        from lane_planner.report.graph import packages_text

        options.write(packages_text(drawing))
    else:
        options.draw(drawing)
    return 0

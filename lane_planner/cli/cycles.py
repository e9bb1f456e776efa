"""`lane-planner cycles`: circular imports."""

from __future__ import annotations

import click

from lane_planner.cli.options import FINDINGS, Common, common, scheduler_option


@click.command()
@common(*FINDINGS, "dot", "mermaid")
@scheduler_option
def command(options: Common) -> int:
    """Report circular imports, each with a shortest circle and what breaks it.

    Ends with 1 if there are any, else with 0, whatever the format.
    """
    repository = options.open()
    found = repository.cycles()
    if options.format == "text":
        from lane_planner.report.text import cycles_text, shown_breakers

        sources = None
        if options.on_terminal:
            from lane_planner.report.source import source_lines

            breakers = [breaker for cycle in found for breaker in shown_breakers(cycle)]
            sources = source_lines([(b.path, b.line) for b in breakers], repository.contents)
        options.write(cycles_text(found, repository.settings, sources=sources))
    elif options.format == "json":
        from lane_planner.report.documents import CyclesDocument, to_json

        options.write(to_json(CyclesDocument(found)))
    elif options.format in ("dot", "mermaid"):
        from lane_planner.report.drawing import cycles_drawing

        options.draw(cycles_drawing(found, repository.graph()))
    else:
        from lane_planner.report.findings import cycles_report

        options.report(
            cycles_report(found, repository.graph(), repository.settings, prefix=repository.prefix)
        )
    return 1 if found else 0

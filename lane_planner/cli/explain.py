"""`lane-planner explain`: where a module stands."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("text", "json")
@click.argument("module")
def command(options: Common, module: str) -> int:
    """Tell where MODULE (a dotted name or path) stands, and why it cannot be promoted.

    Ends with 1 if it is blocked, else with 0.
    """
    repository = options.open()
    found = repository.explain(module)
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.report.explanation import explanation_text

        options.write(explanation_text(found))
    return 1 if found.causes else 0

"""`lane-planner status`: what runs did."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("text", "json")
@click.option("--metrics", is_flag=True, help="Tell how promotions go, in figures, instead.")
def command(options: Common, metrics: bool) -> int:
    """Show the runs of this repository: what was done, is under way, or was rolled back."""
    repository = options.open()
    if metrics:
        figures = repository.metrics()
        if options.format == "json":
            from lane_planner.report.documents import to_json

            options.write(to_json(figures))
        else:
            from lane_planner.report.promotions import metrics_text

            options.write(metrics_text(figures))
        return 0
    from lane_planner.executor.status import status

    found = status(repository.require_git())
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.report.text import status_text

        options.write(status_text(found, width=options.width))
    return 0

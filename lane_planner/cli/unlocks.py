"""`lane-planner unlocks`: what to mend so that more modules can be promoted."""

from __future__ import annotations

from pathlib import Path

import click

from lane_planner.cli.options import Common, common, coverage_options, scheduler_option


@click.command()
@common("text", "json")
@scheduler_option
@click.option("--from", "source", metavar="LANE", help="The lane to leave.")
@click.option("--to", "target", metavar="LANE", help="The lane to reach [default: the next].")
@click.option(
    "--top", type=click.IntRange(1), default=100, show_default=True, metavar="N",
    help="How many fixes to list.",
)  # fmt: skip
@coverage_options
def command(
    options: Common,
    source: str | None,
    target: str | None,
    top: int,
    coverage: Path | None,
    ignore: tuple[str, ...],
) -> int:
    """List what to mend first: the fixes that free the most modules.

    `plan --assume-fixed ID` shows the plan as it would be. Ends with 1 if modules are blocked,
    else with 0.
    """
    repository = options.open()
    data = None if "coverage" in ignore else repository.coverage(coverage)
    found = repository.unlocks(source, target, coverage=data, most=top)
    if not ignore:
        options.note_coverage(repository, data, found.source, coverage)
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.report.unlocks import unlocks_text

        options.write(unlocks_text(found, width=options.width))
    return 1 if found.blocked else 0

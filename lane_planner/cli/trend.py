"""`lane-planner trend`: how the repository changed over its history."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, History, common, history_options, scheduler_option


@click.command()
@common("text", "json", "csv")
@scheduler_option
@history_options
def command(options: Common, history: History) -> int:
    """Show how lanes, violations and circular imports changed over the history.

    Commits are read from git; nothing is checked out. Only the first parents of merges are
    followed. Violations are all that no waiver covers on the day of the commit, whether or not the
    baseline has them. Days are those of the commits, in UTC.
    """
    found = options.open().trend(**history.asked())
    if history.config_at_commit:
        options.note_configurations([sample.own_configuration for sample in found.samples])
    if options.format == "json":
        from lane_planner.report.documents import to_json
        from lane_planner.report.trend import trend_document

        options.write(to_json(trend_document(found)))
    elif options.format == "csv":
        from lane_planner.report.trend import trend_csv

        options.write(trend_csv(found))
    else:
        from lane_planner.report.trend import trend_text

        options.write(trend_text(found, width=options.width, verbose=options.verbosity > 0))
    return 0

"""`lane-planner trend`: how the repository changed over its history."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common, scheduler_option


@click.command()
@common("text", "json", "csv")
@scheduler_option
@click.option(
    "--since", metavar="REF|DATE",
    help='The first commit, a date, or "6 weeks" before the last [default: the beginning].',
)  # fmt: skip
@click.option(
    "--until", metavar="REF|DATE", help="The last commit, or a date [default: what is checked out]."
)
@click.option(
    "--every", default="week", show_default=True, metavar="N|day|week|month|merge",
    help="How densely: each Nth commit, the last one of each day, week or month, or the merges.",
)  # fmt: skip
@click.option("--lane", metavar="LANE", help="The lane that is to be emptied [default: the first].")
@click.option("--all-parents", is_flag=True, help="Look at the commits of merged branches too.")
@click.option(
    "--config-at-commit", is_flag=True,
    help="Judge each commit by the configuration that it holds, where that can be read.",
)  # fmt: skip
def command(
    options: Common,
    since: str | None,
    until: str | None,
    every: str,
    lane: str | None,
    all_parents: bool,
    config_at_commit: bool,
) -> int:
    """Show how lanes, violations and circular imports changed over the history.

    Commits are read from git; nothing is checked out. Only the first parents of merges are
    followed. Violations are all that no waiver covers on the day of the commit, whether or not the
    baseline has them. Days are those of the commits, in UTC.
    """
    repository = options.open()
    found = repository.trend(
        since=since,
        until=until,
        every=every,
        lane=lane,
        first_parent=not all_parents,
        own_configuration=config_at_commit,
    )
    strange = sum(not sample.own_configuration for sample in found.samples)
    if config_at_commit and strange:
        options.note(
            f"{strange:,} of {len(found.samples):,} commits hold no configuration that can be "
            "read: they are judged by today's"
        )
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

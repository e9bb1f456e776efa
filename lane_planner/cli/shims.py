"""`lane-planner shims`: files that keep old names working, and taking them away."""

from __future__ import annotations

import datetime

import click

from lane_planner.base.errors import UsageError
from lane_planner.cli.options import Common, common, steps_shown


@click.command()
@common("text", "json")
@click.option("--remove-expired", is_flag=True, help="Remove those whose last day is over.")
@click.option(
    "--remove-unused", is_flag=True, help="Remove those that no Python code imports or names."
)
@click.option("--apply", "act", is_flag=True, help="Make the branch; without it nothing changes.")
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), help="The day on which shims are judged."
)
def command(
    options: Common,
    remove_expired: bool,
    remove_unused: bool,
    act: bool,
    today: datetime.datetime | None,
) -> int:
    """List the files that keep old names of promoted modules working.

    They are those of the checked-out commit. With --remove-expired or --remove-unused what would
    go is shown as a diff; with --apply it goes, in one commit on a branch of its own.

    Ends with 1 if shims have expired and stay, 3 if a gate failed and the work was rolled back.
    """
    if act and not (remove_expired or remove_unused):
        raise UsageError("--apply needs --remove-expired or --remove-unused")
    repository = options.open()
    day = today.date() if today else datetime.date.today()
    found = repository.shims(today=day, expired=remove_expired, unused=remove_unused)
    outcome = None
    if act and found.leaving:
        with steps_shown(options, 1) as observe:
            outcome = repository.remove_shims(found, observe)
    if options.format == "json":
        from lane_planner.report.documents import to_json
        from lane_planner.report.shims import shims_document

        options.write(to_json(shims_document(found, outcome)))
    else:
        from lane_planner.report.shims import shims_text

        wanted = remove_expired or remove_unused
        options.write(shims_text(found, outcome, removing=wanted))
    if outcome is not None and not outcome.success:
        return 3
    gone = found.leaving if outcome is not None else ()
    return 1 if any(shim.expired and shim.path not in gone for shim in found.shims) else 0

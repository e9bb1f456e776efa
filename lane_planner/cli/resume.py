"""`lane-planner resume`: going on with a run that was killed."""

from __future__ import annotations

import click

from lane_planner.cli.apply import shown
from lane_planner.cli.options import Common, common, steps_shown, workers_options


@click.command()
@common("text", "json")
@workers_options
def command(options: Common, workers: int | None, scheduler: str | None) -> int:
    """Go on with the last run, which a kill, a full disk or a reboot interrupted.

    It comes to what it would have come to: the same commits on the same branches. What gates said
    already is not asked again. Gates run where they ran, unless --workers or --scheduler say
    otherwise. A run of `promote` is done if its branch is there, else undone; the pull request
    that it was to have is opened.

    Ends as `apply` does, and with 2 where there is nothing to go on with.
    """
    from lane_planner.executor.gating.rooms import Workers

    options.scheduler = scheduler
    repository = options.open()
    elsewhere = None if workers is None and scheduler is None else Workers(workers, scheduler)
    with steps_shown(options, 0) as observe:
        result = repository.resume(observe, elsewhere)
    from lane_planner.executor.records.journal import Run

    if not isinstance(result, Run):
        return shown(options, repository, result)
    from lane_planner.report.application import run_document, run_text

    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(run_document(result)))
    else:
        options.write(run_text(result))
    return 0 if result.status == "done" else 1

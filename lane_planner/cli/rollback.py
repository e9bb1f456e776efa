"""`lane-planner rollback`: undoing a run, or taking back steps that have landed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lane_planner.base.errors import UsageError
from lane_planner.cli.options import Common, common, pull_request_options, steps_shown

if TYPE_CHECKING:
    from lane_planner.executor.publishing import PullRequests


@click.command()
@common("text", "json")
@click.argument("step", nargs=-1)
@click.option("--plan", default="", metavar="ID", help="Only steps of plans whose id begins so.")
@click.option(
    "--with-dependents", is_flag=True, help="Take back first the steps that depend on these."
)
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--no-gates", is_flag=True, help="Run no gate.")
@pull_request_options
def command(
    options: Common,
    step: tuple[str, ...],
    plan: str,
    with_dependents: bool,
    dry_run: bool,
    no_gates: bool,
    pulls: PullRequests | None,
) -> int:
    """Undo the last run, or take back each STEP that has been merged.

    Without STEP: the last run that is not undone yet, finished or interrupted. Its branches, its
    pull requests, its evidence and what a kill left of it go. Nothing is undone where one of the
    branches has been merged or has moved on.

    STEP is a step's id ("s0003"), a name or path of a module that it moved, or its commit. What it
    changed goes back on a branch of its own, in a commit a step, what depends on it first; later
    changes of other lines stay. The imports are proved to be those from before.

    Ends with 0 if all is well, 1 if later work depends on the step, or other steps do and
    --with-dependents is not given, 3 if a gate failed and the work was rolled back.
    """
    from lane_planner.report.documents import to_json

    if not step:
        if plan or with_dependents or dry_run or no_gates or pulls is not None:
            raise UsageError("these options are for steps that have landed: name one")
        found = options.open().roll_back()
        if options.format == "json":
            options.write(to_json(found))
        else:
            from lane_planner.report.application import rolled_back_text

            options.write(rolled_back_text(found))
        return 0
    repository = options.open()
    reversal = repository.reversal(step, plan=plan, with_dependents=with_dependents)
    outcome = None
    if reversal.ready and not dry_run:
        with steps_shown(options, len(reversal.steps)) as observe:
            outcome = repository.revert(
                reversal, gates=not no_gates, pull_requests=pulls, observe=observe
            )
    from lane_planner.report.application import reversal_document, reversal_text

    if options.format == "json":
        options.write(to_json(reversal_document(reversal, outcome, dry_run=dry_run)))
    else:
        options.write(reversal_text(reversal, outcome))
    if not reversal.ready:
        return 1
    return 3 if outcome is not None and not outcome.success else 0

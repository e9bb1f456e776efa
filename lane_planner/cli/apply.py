"""`lane-planner apply`: carrying a plan out."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.cli.options import (
    Common,
    common,
    log_option,
    plan_content,
    pull_request_options,
    shim_choice,
    shim_options,
    steps_shown,
    text_option,
    workers_options,
)

if TYPE_CHECKING:
    from lane_planner.executor.campaign import Result
    from lane_planner.executor.publishing import PullRequests
    from lane_planner.executor.records.journal import Mode
    from lane_planner.repository.repository import Repository


@click.command()
@common("text", "json")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Only the first N steps.")
@click.option(
    "--mode", type=click.Choice(["single", "stack", "wave"]), default="single", show_default=True,
    help="single: one branch. stack: a branch a batch, each on the one before. wave: the batches "
    "of the first wave, each on what is checked out; merge them and go on with --resume.",
)  # fmt: skip
@click.option("--no-gates", is_flag=True, help="Run no gate, and ask for no coverage.")
@workers_options
@click.option(
    "--resume", "--rebase-plan", "rebase_plan", is_flag=True,
    help="Go on with a plan of another commit: what has landed is passed over, the rest verified "
    "anew.",
)  # fmt: skip
@pull_request_options
@click.option("--max-open", type=click.IntRange(1), metavar="N", help="Have no more than N open.")
@shim_options
@text_option
@log_option
def command(
    options: Common,
    plan: Path,
    steps: int | None,
    mode: Mode,
    no_gates: bool,
    workers: int | None,
    scheduler: str | None,
    rebase_plan: bool,
    max_open: int | None,
    pulls: PullRequests | None,
    shim: str | None,
    shim_expires: datetime.datetime | None,
    rewrite_text: bool,
    log_file: Path | None,
) -> int:
    """Carry out PLAN, a file that `plan --format json` wrote, one commit a step.

    Of a plan of several hops the first one is carried out that has steps that have not landed:
    once they are merged, --resume goes on with the next.

    The steps of a batch are gated together. Where a gate fails, the steps that make it fail are
    found and left out, with those that wait for them; so are steps whose references cannot be
    rewritten surely.

    Ends with 0 if every step was carried out, 1 if some were left out, 3 if gates left nothing to
    carry out and all was rolled back. A run that is killed can be gone on with: see `resume`.
    """
    from lane_planner.executor.apply import ApplyOptions
    from lane_planner.executor.gating.rooms import Workers

    content = plan_content(plan)
    options.scheduler = scheduler
    repository = options.open()
    if max_open is not None:
        if pulls is None:
            raise UsageError("what is said of pull requests is of no use without --pr")
        pulls = msgspec.structs.replace(pulls, max_open=max_open)
    wanted = ApplyOptions(
        mode=mode, steps=steps, gates=not no_gates, rebase=rebase_plan,
        shims=shim_choice(shim, shim_expires), rewrite_text=rewrite_text,
        log_file=None if log_file is None else str(log_file.absolute()),
        pull_requests=pulls, workers=Workers(workers, scheduler),
    )  # fmt: skip
    with steps_shown(options, steps or content.count(b'"moves"')) as observe:
        result = repository.apply(content, str(plan), wanted, observe)
    return shown(options, repository, result)


def shown(options: Common, repository: Repository, result: Result) -> int:
    """Write how carrying a plan out ended, and return the exit code."""
    if result.branches:
        for note in repository.passed_over():
            options.note(note)
    from lane_planner.report.application import application_document, application_text

    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(application_document(result)))
    else:
        options.write(application_text(result))
    if not result.success:
        return 3
    return 1 if result.left_out else 0

"""`lane-planner promote`: one module or package."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lane_planner.base.errors import UsageError
from lane_planner.cli.options import (
    Common,
    common,
    log_option,
    pull_request_options,
    shim_choice,
    shim_options,
    steps_shown,
    text_option,
)

if TYPE_CHECKING:
    from lane_planner.executor.publishing import PullRequests


@click.command()
@common("text", "json")
@click.argument("module")
@click.argument("target")
@click.option("--analyze-only", is_flag=True, help="Stop after the analysis.")
@click.option("--apply", "act", is_flag=True, help="Make the branch; without it nothing changes.")
@click.option("--with-dependencies", is_flag=True, help="Promote first what the module needs.")
@pull_request_options
@shim_options
@text_option
@log_option
def command(
    options: Common,
    module: str,
    target: str,
    analyze_only: bool,
    act: bool,
    with_dependencies: bool,
    pulls: PullRequests | None,
    shim: str | None,
    shim_expires: datetime.datetime | None,
    rewrite_text: bool,
    log_file: Path | None,
) -> int:
    """Promote MODULE (a dotted name or path; a package whole) to lane TARGET.

    A dry run that prints the diff, unless --apply is given: then the module moves on a branch of
    its own, in a work tree of the tool's own, and everything is undone if a gate fails. With --pr
    the branch is pushed and gets a pull request. Where only that fails, the branch stays: `resume`
    tries again, `rollback` undoes it.

    Ends with 0 if all is well, 1 if the module is blocked, 3 if a gate failed and the work was
    rolled back.
    """
    if act and analyze_only:
        raise UsageError("--apply and --analyze-only exclude each other")
    if pulls is not None and not act:
        raise UsageError("--pr is of no use without --apply")
    shims = shim_choice(shim, shim_expires)
    repository = options.open()
    snapshot, analysis = repository.analyse(
        module, target,
        with_dependencies=with_dependencies, shims=shims, rewrite_text=rewrite_text, measure=act,
    )  # fmt: skip
    for reason in repository.unmeasured:
        options.note(f"coverage not measured: {reason}")
    outcome = None
    if act and analysis.ready:
        with steps_shown(options, len(analysis.steps)) as observe:
            outcome = repository.promote(snapshot, analysis, observe, log_file, pulls)
        for note in repository.passed_over() if outcome.success else ():
            options.note(note)
    phase = "analyse" if analyze_only or not analysis.ready else "move"
    if outcome is not None:
        phase = "complete" if outcome.success else "gates"
    from lane_planner.report.promotion import promotion_document, promotion_text

    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(promotion_document(analysis, outcome, dry_run=not act, phase=phase)))
    else:
        verbose = options.verbosity > 0
        options.write(promotion_text(analysis, outcome, analyse_only=analyze_only, verbose=verbose))
    if not analysis.ready:
        return 1
    return 3 if outcome is not None and not outcome.success else 0

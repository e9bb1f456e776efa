"""`lane-planner apply`: carrying a plan out."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from lane_planner.cli.options import (
    Common,
    common,
    plan_content,
    shim_choice,
    shim_options,
    steps_shown,
    text_option,
)


@click.command()
@common("text", "json")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Only the first N steps.")
@click.option(
    "--mode", type=click.Choice(["single"]), default="single", show_default=True,
    help="single: one branch, one commit a step.",
)  # fmt: skip
@click.option("--no-gates", is_flag=True, help="Run no gate, and ask for no coverage.")
@click.option(
    "--rebase-plan",
    is_flag=True,
    help="Verify a plan of another commit anew, and go on from there.",
)
@shim_options
@text_option
def command(
    options: Common,
    plan: Path,
    steps: int | None,
    mode: str,
    no_gates: bool,
    rebase_plan: bool,
    shim: str | None,
    shim_expires: datetime.datetime | None,
    rewrite_text: bool,
) -> int:
    """Carry out PLAN, a file that `plan --format json` wrote, on one branch.

    Of a plan of several hops the first one is carried out that has steps that have not landed:
    once they are merged, --rebase-plan goes on with the next.

    Steps whose references cannot be rewritten surely are left out, with those that wait for them.

    Ends with 0 if every step was carried out, 1 if some were left out, 3 if a gate failed and all
    was rolled back.
    """
    shims = shim_choice(shim, shim_expires)
    content = plan_content(plan)
    repository = options.open()
    with steps_shown(options, steps or content.count(b'"moves"')) as observe:
        applied = repository.apply(
            content,
            str(plan),
            steps=steps,
            gates=not no_gates,
            rebase=rebase_plan,
            shims=shims,
            rewrite_text=rewrite_text,
            observe=observe,
        )
    from lane_planner.report.application import application_document, application_text

    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(application_document(applied)))
    else:
        options.write(application_text(applied))
    if not applied.outcome.success:
        return 3
    return 1 if applied.left_out else 0

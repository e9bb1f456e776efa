"""`lane-planner forecast`: how long a plan takes to carry out."""

from __future__ import annotations

from pathlib import Path

import click

from lane_planner.cli.options import Common, common, plan_content, scheduler_option


@click.command()
@common("text", "json")
@scheduler_option
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@click.option(
    "--workers", type=int, default=1, show_default=True, metavar="N",
    help="How many pull requests are worked on at once.",
)  # fmt: skip
@click.option(
    "--gate-time", multiple=True, metavar="NAME=SECONDS", help="How long a run of a gate takes."
)
@click.option(
    "--step-time", metavar="SECONDS", help="How long a step takes beside its gates [default: 0.1]."
)
def command(
    options: Common,
    plan: Path | None,
    workers: int,
    gate_time: tuple[str, ...],
    step_time: str | None,
) -> int:
    """Tell how long PLAN takes to carry out, or the plan that `plan` would make now.

    Each batch is a pull request: its steps, then each of its gates once. A gate takes what
    --gate-time says, else the median of its former runs that passed, else its timeout. Reviews
    are not counted.
    """
    from lane_planner.repository.plans import plan_in

    content = None if plan is None else plan_content(plan)
    repository = options.open()
    if content is None:
        coverage = repository.coverage()
        made = repository.plan(coverage=coverage)
        options.note_coverage(repository, coverage, made.hops[0].source)
    else:
        made = plan_in(content, str(plan))
    found = repository.forecast(made, workers=workers, gate_times=gate_time, step_time=step_time)
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.report.forecast import forecast_text

        options.write(forecast_text(found, width=options.width))
    return 0

"""`lane-planner plan`: the order in which modules can be promoted."""

from __future__ import annotations

from pathlib import Path

import click

from lane_planner.cli.options import Common, common, coverage_options, scheduler_option


@click.command()
@common("text", "json", "jsonl", "csv", "markdown")
@scheduler_option
@click.option("--from", "source", metavar="LANE", help="The lane to leave.")
@click.option("--to", "target", metavar="LANE", help="The lane to reach [default: the next].")
@click.option("--module", metavar="MODULE", help="Only this module, and what must move with it.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only modules of this name or path.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="These stay, and what needs them.")
@click.option("--prefer", multiple=True, metavar="GLOB", help="These come first where they can.")
@click.option(
    "--weights", metavar="W", help="Order by unlock=…,importers=…,recency=…,churn=… instead."
)
@click.option(
    "--top", type=click.IntRange(1), metavar="N", help="Only the N modules that unlock most."
)
@coverage_options
@click.option(
    "--assume-fixed", multiple=True, metavar="FIX", help="Plan as if that were mended; see unlocks."
)
@click.option(
    "--assume-promoted", multiple=True, metavar="MODULE", help="Plan as if it had moved already."
)
def command(
    options: Common,
    source: str | None,
    target: str | None,
    module: str | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    prefer: tuple[str, ...],
    weights: str | None,
    top: int | None,
    coverage: Path | None,
    ignore: tuple[str, ...],
    assume_fixed: tuple[str, ...],
    assume_promoted: tuple[str, ...],
) -> int:
    """Work out which modules can be promoted, and in what order.

    The plan is simulated before it is written: after every step no import is forbidden and no
    circle is closed that was not before. Ends with 1 if modules are blocked, else with 0.
    """
    from lane_planner.repository.plans import Wanted

    repository = options.open()
    data = None if "coverage" in ignore else repository.coverage(coverage)
    wanted = Wanted(module, only, exclude, prefer, top, weights, assume_fixed, assume_promoted)
    plan = repository.plan(source, target, wanted=wanted, coverage=data)
    if not ignore:
        options.note_coverage(repository, data, plan.hops[0].source, coverage)
    if plan.commit is not None and plan.commit.endswith("-dirty"):
        options.note("the plan includes uncommitted changes: `apply` takes it only once committed")
    from lane_planner.report.plans import PLAN_WRITERS, plan_text

    if options.format == "text":
        options.write(plan_text(plan, width=options.width, verbose=options.verbosity > 0))
    else:
        options.write(PLAN_WRITERS[options.format](plan))
    return 1 if plan.blocked else 0

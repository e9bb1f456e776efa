"""`lane-planner diff`: two plans side by side."""

from __future__ import annotations

from pathlib import Path

import click

from lane_planner.cli.options import Common, common, plan_content


@click.command()
@common("text", "json")
@click.argument("plan_a", type=click.Path(path_type=Path))
@click.argument("plan_b", type=click.Path(path_type=Path))
def command(options: Common, plan_a: Path, plan_b: Path) -> int:
    """Compare PLAN_A with PLAN_B, files that `plan --format json` wrote.

    Ends with 0 if both promote the same with the same steps, else with 1.
    """
    from lane_planner.repository.plans import compare_plans, plan_in

    options.require_place()
    before, after = (plan_in(plan_content(file), str(file)) for file in (plan_a, plan_b))
    found = compare_plans(before, after)
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.report.plans import diff_text

        options.write(diff_text(found, (str(plan_a), str(plan_b)), width=options.width))
    return 0 if found.same else 1

"""`lane-planner report`: everything about a repository on one page."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from lane_planner.base.errors import UsageError
from lane_planner.cli.options import (
    Common,
    History,
    common,
    coverage_options,
    history_options,
    scheduler_option,
)

# How many pull requests may be worked on at once in the forecasts.
_WORKERS = (1, 2, 4, 8)


@click.command()
@common("html")
@scheduler_option
@click.option(
    "--html", "file", type=click.Path(path_type=Path), metavar="FILE",
    help="Where the page goes; the same as --output.",
)  # fmt: skip
@click.option("--from", "source", metavar="LANE", help="Plan from this lane [default: each].")
@click.option("--to", "target", metavar="LANE", help="Plan up to this lane [default: the next].")
@click.option("--no-plan", is_flag=True, help="Leave plans, unlocks and forecasts out.")
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]),
    help="The day on which waivers are judged [default: that of the commit].",
)  # fmt: skip
@coverage_options
@history_options
def command(
    options: Common,
    file: Path | None,
    source: str | None,
    target: str | None,
    no_plan: bool,
    today: datetime.datetime | None,
    coverage: Path | None,
    ignore: tuple[str, ...],
    history: History,
) -> int:
    """Write one HTML page about the repository, which works without a network.

    It shows lanes, imports between packages, circular imports, plans, what blocks and what
    unlocks, faults of files, former runs and a forecast. The same commit, configuration and
    journal give the same page. Any option of a trend, such as --every week, has samples of the
    history shown, too, as `trend` tells them; the first time that takes longer.
    """
    from lane_planner.report.html.data import Material, Planned, page_document
    from lane_planner.report.html.page import html_page

    if file is not None:
        if options.output is not None:
            raise UsageError("--html and --output both say where the page goes: give one")
        options.output = None if file == Path("-") else file
    elif options.output is None and sys.stdout.isatty():
        raise UsageError("a page is of no use on a terminal: name its file with --html")
    repository = options.open()
    data = None if "coverage" in ignore else repository.coverage(coverage)
    ways = () if no_plan else repository.routes(source, target)
    committed = repository.commit_day()
    day = (today.date() if today else committed) or datetime.date.today()
    # Where nothing is committed there is no history, which the page says.
    sampled = committed is not None and history != History()
    trend = repository.trend(**history.asked()) if sampled else None
    if trend is not None and history.config_at_commit:
        options.note_configurations([sample.own_configuration for sample in trend.samples])
    found = repository.check(today=day, syntax=True, cycles=True)
    looked_at = repository.looked_at()
    plans = []
    for way in ways:
        plan = repository.plan(*way, coverage=data)
        forecasts = (
            repository.forecast(plan, workers=workers, gate_times=(), step_time=None)
            for workers in _WORKERS
        )
        plans.append(Planned(plan, tuple(forecasts)))
    material = Material(
        settings=repository.settings,
        graph=looked_at.graph,
        lanes=looked_at.lanes,
        violations=found.violations,
        diagnostics=found.diagnostics,
        idle_waivers=found.idle_waivers,
        cycles=found.cycles or (),
        known_circles=frozenset() if found.baseline is None else found.baseline.judged.circles,
        plans=tuple(plans),
        commit=repository.commit_label(),
        day=day.isoformat(),
        coverage=data,
        runs=() if repository.git is None else repository.status().runs,
        trend=trend,
    )
    options.write(html_page(page_document(material)))
    return 0

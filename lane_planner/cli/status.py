"""`lane-planner status`: what runs did, and what the one under way is doing."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from lane_planner.base.errors import UsageError
from lane_planner.cli.options import Common, common

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lane_planner.executor.records.status import News

# Columns of a table in a file or a pipe: enough to give none of it up.
_UNSEEN_WIDTH = 160


@click.command()
@common("text", "json")
@click.argument("run", type=click.IntRange(min=1), required=False)
@click.option("--metrics", is_flag=True, help="Tell how promotions go, in figures, instead.")
@click.option("--follow", "-f", is_flag=True, help="Watch the run that is under way to its end.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.05, max=3600.0),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How long --follow waits between two looks.",
)
def command(options: Common, run: int | None, metrics: bool, follow: bool, interval: float) -> int:
    """Show the runs of this repository: what was done, is under way, or was rolled back.

    All of the last run is told, or of run RUN: its steps, gates, branches and pull requests.

    With --follow a live table on a terminal, else a line an event; with --format json a line of
    JSON an event. It ends with 0 when the run does, however that ended, or if none is under way.
    """
    if metrics and (follow or run is not None):
        raise UsageError("--metrics tells of all runs: give neither --follow nor a run with it")
    if follow and run is not None:
        raise UsageError("--follow watches the run that is under way: give no run with it")
    if follow and options.output is not None:
        raise UsageError("--follow writes as things happen: redirect its output, without --output")
    repository = options.open()
    if metrics:
        figures = repository.metrics()
        if options.format == "json":
            from lane_planner.report.documents import to_json

            options.write(to_json(figures))
        else:
            from lane_planner.report.promotions import metrics_text

            options.write(metrics_text(figures))
        return 0
    if follow:
        from lane_planner.executor.records.signals import undoable_termination

        try:
            with undoable_termination():  # so that the terminal gets its cursor back
                _follow(options, repository.follow(lambda: time.sleep(interval)))
        except KeyboardInterrupt:
            return 0  # whoever watches has seen enough: that is no failure, and the run goes on
        return 0
    found = repository.status(run)
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.executor.records.journal import utc_now
        from lane_planner.report.runs import status_text

        seen = options.output is None and sys.stdout.isatty()
        width = options.width if seen else _UNSEEN_WIDTH
        verbose = options.verbosity > 0
        options.write(status_text(found, width=width, now=utc_now(), verbose=verbose, wrapped=seen))
    return 0


def _follow(options: Common, news: Iterator[News]) -> None:
    """Show what becomes of a run as it does."""
    from lane_planner.executor.records.journal import utc_now
    from lane_planner.report.runs import EventLines, LiveView, ended_text

    last: News | None = None
    if options.format == "json":
        from lane_planner.report.documents import to_json_line

        for last in news:
            options.write("".join(to_json_line(event) for event in last.events))
    else:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=sys.stdout)
        if console.is_terminal and not console.is_dumb_terminal:
            view = LiveView()
            # Without its refreshing thread: each look at the journal draws the table anew.
            with Live(console=console, auto_refresh=False) as live:
                for last in news:
                    live.update(view.drawn(last, utc_now()), refresh=True)
        else:
            lines = EventLines(verbose=options.verbosity > 0)
            for last in news:
                options.write("".join(f"{line}\n" for line in lines.lines(last.events)))
    if options.format == "json":
        # Standard output is for events.
        if last is None:
            options.note("no run is under way")
        elif last.run.status == "interrupted":
            options.note(ended_text(last.run, utc_now()))
    elif last is None:
        options.write("no run is under way\n")
    else:
        options.write(f"{ended_text(last.run, utc_now())}\n")

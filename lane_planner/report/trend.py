"""The trend as text with sparklines, and as documents: JSON, comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from lane_planner.base.text import encodable, plural, printable
from lane_planner.planner.trend import Sample, Trend, TrendProgress
from lane_planner.report.tables import table

_BARS = "▁▂▃▄▅▆▇█"
_SPARKS = 40  # columns of a sparkline
_SHOWN = 20  # samples that a person will read; -v lists all

_COUNTS: tuple[tuple[str, Callable[[Sample], int]], ...] = (
    ("modules", lambda sample: sample.figures.modules),
    ("unlaned", lambda sample: sample.figures.unlaned),
    ("violations", lambda sample: sample.figures.violations),
    ("waived", lambda sample: sample.figures.waived),
    ("cycles", lambda sample: sample.figures.cycles),
    ("eager_cycles", lambda sample: sample.figures.eager),
    ("missing", lambda sample: sample.figures.missing),
)
"""Name of each figure of a sample beside its lanes, and what it is."""


class TrendSample(msgspec.Struct, frozen=True):
    """A commit and its figures.

    Attributes:
        commit: full id.
        date: when it was committed, ISO 8601 in UTC.
        configuration: whether its figures follow its own configuration or today's.
        lanes: how many modules each lane has, by name.
        left: how many of the lane that is to be emptied are still to be promoted; None: there is
            no such lane.
        modules: files that may hold a module.
        unlaned: modules in no lane.
        violations: import sites that a lane forbids (LP101) and no waiver covers.
        waived: those that a waiver covers on the day of the commit.
        cycles: circular imports (LP201 and LP202).
        eager_cycles: those that eager imports alone make (LP201).
        missing: imports of first-party modules that do not exist (LP301), but for optional ones.
    """

    commit: str
    date: str
    configuration: Literal["commit", "today"]
    lanes: dict[str, int]
    left: int | None
    modules: int
    unlaned: int
    violations: int
    waived: int
    cycles: int
    eager_cycles: int
    missing: int


class TrendDocument(msgspec.Struct, frozen=True):
    """How a repository changed over its history.

    Attributes:
        lanes: names of the lanes in any sample, in the order in which they appear.
        samples: oldest first.
        progress: of the lane that is to be emptied; None: no lane promotes to another.
    """

    lanes: tuple[str, ...]
    samples: tuple[TrendSample, ...]
    progress: TrendProgress | None


def trend_document(trend: Trend) -> TrendDocument:
    """Return the trend as a JSON document."""
    progress = trend.progress
    samples = tuple(
        TrendSample(
            sample.commit,
            _moment(sample),
            "commit" if sample.own_configuration else "today",
            {found.name: found.modules for found in sample.figures.lanes},
            None if progress is None else sample.left(progress.lane),
            **{name: count(sample) for name, count in _COUNTS},
        )
        for sample in trend.samples
    )
    return TrendDocument(trend.lanes, samples, progress)


def trend_csv(trend: Trend) -> str:
    """Return a sample a line (RFC 4180), lanes as columns `lane:NAME`; empty: no such lane then."""
    file = io.StringIO()
    writer = csv.writer(file)
    counts = [name for name, _ in _COUNTS]
    lanes = [encodable(f"lane:{name}") for name in trend.lanes]
    writer.writerow(["commit", "date", "configuration", *lanes, "left", *counts])
    for sample in trend.samples:
        modules = {found.name: found.modules for found in sample.figures.lanes}
        writer.writerow(
            [sample.commit, _moment(sample), "commit" if sample.own_configuration else "today"]
            + [modules.get(name, "") for name in trend.lanes]
            + [None if trend.progress is None else sample.left(trend.progress.lane)]
            + [count(sample) for _, count in _COUNTS]
        )
    return file.getvalue()


def trend_text(trend: Trend, *, width: int, verbose: bool = False) -> str:
    """Return what changed, each figure with a sparkline, the samples, and the progress.

    Args:
        trend: the trend.
        width: columns of the terminal.
        verbose: whether all samples are listed, not the last ones alone.
    """
    samples = trend.samples
    first, last = samples[0], samples[-1]
    lines = [
        f"{plural(len(samples), 'sample')} from {_day(first)} ({first.commit[:12]}) "
        f"to {_day(last)} ({last.commit[:12]})"
    ]
    rows: list[tuple[str, ...]] = []
    for name, counts in _series(trend):
        shown = f"{counts[-1] - counts[0]:+,}" if counts[-1] != counts[0] else "0"
        spark = sparkline(counts, min(_SPARKS, max(8, width - 50)))
        rows.append((printable(name), f"{counts[0]:,}", f"{counts[-1]:,}", shown, spark))
    headers: tuple[str, ...] = ("figure", "first", "last", "change", "trend")
    lines += ["", table(headers, rows, width=width, right=headers[1:4])]
    listed = samples if verbose else samples[-_SHOWN:]
    lane = None if trend.progress is None else trend.progress.lane
    headers = ("date", "commit", "violations", "cycles", "missing")
    rows = [
        (
            _day(sample), sample.commit[:12], f"{sample.figures.violations:,}",
            f"{sample.figures.cycles:,}", f"{sample.figures.missing:,}",
        )
        for sample in listed
    ]  # fmt: skip
    if lane is not None:
        headers = (*headers, printable(f"left in {lane}"))
        left = (sample.left(lane) for sample in listed)
        rows = [(*r, "" if n is None else f"{n:,}") for r, n in zip(rows, left, strict=True)]
    lines += ["", table(headers, rows, width=width, right=headers[2:])]
    if len(listed) < len(samples):
        lines.append(f"… and {plural(len(samples) - len(listed), 'earlier sample')} (-v lists all)")
    if trend.progress is not None:
        lines += ["", *_progress(trend.progress)]
    return "\n".join(lines) + "\n"


def sparkline(counts: Sequence[int], most: int) -> str:
    """Return counts as bars between the lowest and the highest, at most so many.

    Args:
        counts: at least one.
        most: columns; of more counts evenly many are left out, never the first or the last.
    """
    if len(counts) > most:
        step = (len(counts) - 1) / (most - 1)
        counts = [counts[round(index * step)] for index in range(most)]
    low, high = min(counts), max(counts)
    if low == high:
        return _BARS[0] * len(counts)
    return "".join(_BARS[round((n - low) / (high - low) * (len(_BARS) - 1))] for n in counts)


def _series(trend: Trend) -> list[tuple[str, list[int]]]:
    found = []
    for lane in trend.lanes:
        counts = [
            sum(figures.modules for figures in sample.figures.lanes if figures.name == lane)
            for sample in trend.samples
        ]
        found.append((f"lane {lane}", counts))
    for name, count in _COUNTS:
        counts = [count(sample) for sample in trend.samples]
        if any(counts) or name in ("violations", "cycles"):
            found.append((name.replace("_", " "), counts))
    return found


def _progress(progress: TrendProgress) -> list[str]:
    if progress.left is None:
        return [printable(progress.reason)]
    rate = ""
    if progress.rate_per_week is not None:
        rate = (
            f", {progress.rate_per_week:+,.1f} a week over the last {progress.days:.0f} days "
            f"({plural(progress.samples, 'sample')})"
        )
    left = plural(progress.left, "module")
    lines = [f"{left} left to promote from {printable(progress.lane)}{rate}"]
    return [*lines, printable(progress.reason)]


def _moment(sample: Sample) -> str:
    return sample.date.strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(sample: Sample) -> str:
    return sample.date.date().isoformat()

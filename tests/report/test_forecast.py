"""The forecast as text: figures, where they come from, and a chart that fits."""

from __future__ import annotations

import re

import pytest

from lane_planner.planner.forecast import GateTime, forecast
from lane_planner.report.forecast import forecast_text
from tests.planner.test_forecast import job


def test_figures_and_chart() -> None:
    times = {
        "a": GateTime("a", 4000, "stated"),
        "b": GateTime("b", 90.5, "journal", 3),
        "c\n": GateTime("c\n", 60, "timeout"),
    }
    batches = [job(1, steps=2, gates=("b", "c\n")), job(2, 1, gates=("a",)), job(3, gates=("a",))]
    text = forecast_text(forecast(batches, times, step_seconds=1, workers=2), width=60)
    assert re.sub(" ─+\n", "", text) == (
        "3 pull requests, 2 steps, 4 gate runs; 2 workers\n"
        "work 2 h 15 min, elapsed 1 h 09 min (1.15 hours); no schedule is shorter than 1 h 09 min\n"
        "critical path 1 h 09 min: batches 1 → 2\n"
        "\n"
        " what       seconds   times   from\n"
        " a step           1       2   beside its gates\n"
        " gate a       4,000       2   stated\n"
        " gate b        90.5       1   journal: the median of 3 runs\n"
        " gate c\\n        60       1   timeout: the most that it can\n"
        "                              take\n"
        "\n"
        "batch  worker  0                                  1 h 09 min\n"
        "    1       1  ##\n"
        f"    3       2  {'#' * 43}\n"
        f"    2       1   {'#' * 44}\n"
    )


@pytest.mark.parametrize("width", [1, 40, 80, 200])
@pytest.mark.parametrize("workers", [1, 3, 50])
def test_chart_fits(width: int, workers: int) -> None:
    batches = [job(n, steps=n % 4, gates=("a",) * (n % 2)) for n in range(1, 46)]
    found = forecast(batches, {"a": GateTime("a", 0.5, "stated")}, workers=workers)
    lines = forecast_text(found, width=width).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("batch  worker"))
    chart = lines[start + 1 : -1]
    assert len(chart) == 30
    assert all("#" in line for line in chart)
    assert max(map(len, chart)) <= max(width, 35)
    assert lines[-1] == "… and 15 more, which begin later"


def test_no_time_and_nothing_to_do() -> None:
    text = forecast_text(forecast([job(1)], {}), width=80)
    assert "critical path 0.0 s: batch 1\n" in text
    assert text.endswith("#\n")
    assert "batch  worker" not in forecast_text(forecast([], {}), width=80)


def test_long_critical_path() -> None:
    batches = [job(n, *([n - 1] if n > 1 else []), steps=1) for n in range(1, 41)]
    text = forecast_text(forecast(batches, {}), width=80)
    assert "batches 1 → 2 → 3 → 4 → 5 → 6 → … 28 more … → 35 → 36 → 37 → 38 → 39 → 40\n" in text

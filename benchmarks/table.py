"""The measurements as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.timing import Case, Sample, Spread

HEADER = ("run", "wall s", "min–max", "CPU s", "× wall", "× CPU", "beside", "aim")


def rows(
    cases: Sequence[Case], samples: Mapping[str, Sequence[Sample]]
) -> list[tuple[Case, dict[str, Any]]]:
    """Return each case with its figures: spreads, and ratios of medians to the case beside it."""
    found = []
    for case in cases:
        wall, cpu = _spreads(samples[case.name])
        figures: dict[str, Any] = {"wall": wall._asdict(), "cpu": cpu._asdict()}
        if case.beside is not None:
            other_wall, other_cpu = _spreads(samples[case.beside])
            ratio = wall.median / other_wall.median
            figures["beside"] = case.beside
            figures["wall_ratio"] = ratio
            figures["cpu_ratio"] = cpu.median / other_cpu.median
            if case.aim is not None:
                figures["aim"] = case.aim
                figures["met"] = ratio <= case.aim
        found.append((case, figures))
    return found


def markdown(table: Sequence[tuple[Case, Mapping[str, Any]]]) -> str:
    """Return the table of `rows` in Markdown."""
    lines = [HEADER, ("---",) + ("---:",) * 5 + ("---",) * 2]
    for case, figures in table:
        wall, cpu = figures["wall"], figures["cpu"]
        compared = "wall_ratio" in figures
        lines.append(
            (
                case.name,
                f"{wall['median']:.3f}",
                f"{wall['low']:.3f}–{wall['high']:.3f}",
                f"{cpu['median']:.3f}",
                f"{figures['wall_ratio']:.2f}" if compared else "",
                f"{figures['cpu_ratio']:.2f}" if compared else "",
                figures.get("beside", ""),
                f"≤ {figures['aim']:g}: {'met' if figures['met'] else 'missed'}"
                if "aim" in figures
                else "",
            )
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _spreads(samples: Sequence[Sample]) -> tuple[Spread, Spread]:
    return Spread.of([s.wall for s in samples]), Spread.of([s.cpu for s in samples])

"""The measurements as rows, and the rows as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.timing import Case, Sample, Spread

_HEADER = ("run", "wall s", "min–max", "CPU s", "× wall", "× CPU", "beside", "aim")


class Row(NamedTuple):
    """One case's figures; the ratios are those of medians, to the case that it stands beside."""

    wall: Spread
    cpu: Spread
    beside: str | None
    wall_ratio: float | None
    cpu_ratio: float | None
    aim: float | None

    @property
    def verdict(self) -> str:
        """Whether the aim was met, in words; "" without an aim."""
        if self.aim is None or self.wall_ratio is None:
            return ""
        return f"≤ {self.aim:.3g}: {'met' if self.wall_ratio <= self.aim else 'missed'}"

    def document(self) -> dict[str, Any]:
        """Return it with names for all figures."""
        return {**self._asdict(), "wall": self.wall._asdict(), "cpu": self.cpu._asdict()}


def rows(cases: Sequence[Case], samples: Mapping[str, Sequence[Sample]]) -> list[tuple[str, Row]]:
    """Return each case's name and figures, in order."""
    spreads = {
        name: (Spread.of([s.wall for s in taken]), Spread.of([s.cpu for s in taken]))
        for name, taken in samples.items()
    }
    found = []
    for case in cases:
        wall, cpu = spreads[case.name]
        by_wall = by_cpu = None
        if case.beside is not None:
            by_wall, by_cpu = (
                ours.median / theirs.median
                for ours, theirs in zip((wall, cpu), spreads[case.beside], strict=True)
            )
        found.append((case.name, Row(wall, cpu, case.beside, by_wall, by_cpu, case.aim)))
    return found


def markdown(table: Sequence[tuple[str, Row]]) -> str:
    """Return the table of `rows`."""
    lines: list[Sequence[str]] = [_HEADER, ("---", *("---:",) * 5, "---", "---")]
    for name, row in table:
        spread = f"{row.wall.low:.3f}–{row.wall.high:.3f}"
        ratios = ("" if r is None else f"{r:.2f}" for r in (row.wall_ratio, row.cpu_ratio))
        lines.append(
            (
                name, f"{row.wall.median:.3f}", spread, f"{row.cpu.median:.3f}", *ratios,
                row.beside or "", row.verdict,
            )
        )  # fmt: skip
    return lined(lines)


def lined(lines: Iterable[Sequence[str]]) -> str:
    """Return lines of cells as a table in Markdown; the second line says how they are aligned."""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

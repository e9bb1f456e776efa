"""What carrying a plan out takes, as text with a Gantt chart."""

from __future__ import annotations

from lane_planner.base.text import duration, plural, printable
from lane_planner.planner.forecast import Forecast, GateTime
from lane_planner.report.tables import table

# What a person will read of it; the rest is counted.
_BARS = 30
_CRITICAL = 12

_NARROWEST = 20  # columns of the chart itself, however narrow the terminal


def forecast_text(found: Forecast, *, width: int) -> str:
    """Return figures, assumptions and the schedule.

    Args:
        found: the forecast.
        width: columns of the terminal.
    """
    lines = [
        f"{plural(found.pull_requests, 'pull request')}, {plural(found.steps, 'step')}, "
        f"{plural(found.gate_runs, 'gate run')}; {plural(found.workers, 'worker')}",
        f"work {duration(found.work_seconds)}, elapsed {duration(found.elapsed_seconds)} "
        f"({found.hours:.2f} hours); no schedule is shorter than "
        f"{duration(found.lower_bound_seconds)}",
    ]
    if found.critical_path:
        path = list(map(str, found.critical_path))
        if len(path) > _CRITICAL:
            half = _CRITICAL // 2
            left_out = f"… {len(path) - 2 * half:,} more …"
            path = [*path[:half], left_out, *path[-half:]]
        lines.append(
            f"critical path {duration(found.critical_path_seconds)}: "
            f"{'batches' if len(path) > 1 else 'batch'} {' → '.join(path)}"
        )
    rows = [("a step", f"{found.step_seconds:,g}", f"{found.steps:,}", "beside its gates")]
    rows += [
        (printable(f"gate {time.gate}"), f"{time.seconds:,g}", f"{time.runs:,}", _source(time))
        for time in found.assumptions
    ]
    headers = ("what", "seconds", "times", "from")
    lines += ["", table(headers, rows, width=width, right=headers[1:3])]
    return "\n".join([*lines, *_gantt(found, width)]) + "\n"


def _source(time: GateTime) -> str:
    if time.source == "journal":
        return f"journal: the median of {plural(time.samples, 'run')}"
    return "timeout: the most that it can take" if time.source == "timeout" else time.source


def _gantt(found: Forecast, width: int) -> list[str]:
    """Return the bars, one a line, on a scale from the beginning to the end of the schedule."""
    if not found.bars:
        return []
    shown = found.bars[:_BARS]
    batches = max(len("batch"), *(len(str(bar.batch)) for bar in shown))
    workers = max(len("worker"), *(len(str(bar.worker)) for bar in shown))
    room = max(_NARROWEST, width - batches - workers - 4)
    end = duration(found.elapsed_seconds)
    lines = ["", f"{'batch':>{batches}}  {'worker':>{workers}}  0{end:>{room - 1}}"]
    scale = room / found.elapsed_seconds if found.elapsed_seconds else 0.0
    for bar in shown:
        first = min(int(bar.start * scale), room - 1)
        last = max(first + 1, min(round(bar.end * scale), room))
        drawn = f"{' ' * first}{'#' * (last - first)}"
        lines.append(f"{bar.batch:>{batches}}  {bar.worker:>{workers}}  {drawn}")
    if len(found.bars) > _BARS:
        lines.append(f"… and {len(found.bars) - _BARS:,} more, which begin later")
    return lines

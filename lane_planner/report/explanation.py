"""Where one module stands, as text."""

from __future__ import annotations

from lane_planner.base.text import plural, printable
from lane_planner.planner.explain import Explanation, Neighbour
from lane_planner.planner.schema import Cause
from lane_planner.report.text import MEANINGS, listed


def explanation_text(found: Explanation) -> str:
    """Return an explanation for people: place, neighbours, and the reasons one by one."""
    lane = f"lane {found.lane}" if found.lane else "in no lane"
    lines = [f"{printable(found.module)} ({printable(found.path)}), {lane}"]
    if found.target is None:
        lines.append("it is not promoted any further")
    elif not found.causes and found.destination is not None:
        lines.append(f"it can be promoted to {found.target}: {printable(found.destination)}")
    elif found.destination is None:
        lines.append("it holds no code of its own to promote")
    else:
        lines.append(f"it cannot be promoted to {found.target}:")
        lines += [f"  {line}" for cause in found.causes for line in _reason(cause)]
    lines += listed("needs to be promoted before or with it", map(printable, found.needs))
    lines += listed("imports", map(_neighbour, found.imports))
    lines += listed("is imported by", map(_neighbour, found.importers))
    lines.append(
        f"{plural(len(found.imports), 'import')}, {plural(len(found.importers), 'importing site')}"
    )
    return "\n".join(lines) + "\n"


def _reason(cause: Cause) -> list[str]:
    place = f"{cause.path}:{cause.line}" if cause.line else cause.path
    what = cause.detail or MEANINGS.get(cause.code, "")
    names = f"{cause.importer} imports {cause.imported}" if cause.imported else cause.importer
    lines = [printable(f"{cause.code} {place}: {names}: {what}")]
    if len(cause.chain) > 2 or (len(cause.chain) == 2 and cause.chain[0] != cause.importer):
        lines.append(printable(f"      by way of {' → '.join(cause.chain)}"))
    return lines


def _neighbour(found: Neighbour) -> str:
    marks = [found.lane or "no lane", f"line {found.line}"]
    marks += [found.kind] if found.kind != "eager" else []
    marks += ["optional"] if found.optional else []
    marks += ["missing"] if not found.resolved else []
    return f"{printable(found.module)} ({', '.join(marks)})"

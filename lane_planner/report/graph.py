"""The import graph as text: one line an import, for grep and people."""

from __future__ import annotations

from lane_planner.base.text import plural, printable
from lane_planner.graph.graph import ImportGraph
from lane_planner.rules.lanes import LaneMap


def graph_text(graph: ImportGraph, lanes: LaneMap) -> str:
    """Return each import site as path:line: importer → imported, and the counts by lane."""
    lines = []
    for site in graph.sites:
        marks = [
            mark
            for mark, given in (
                (site.kind, site.kind != "eager"),
                ("optional", site.optional),
                ("dynamic", site.dynamic),
                ("external", site.external),
                (site.fault or "", site.fault is not None),
            )
            if given
        ]
        shown = f" ({', '.join(marks)})" if marks else ""
        path = printable(graph.modules[site.importer].path)
        names = printable(f"{site.importer} → {site.imported}")
        lines.append(f"{path}:{site.line}: {names}{shown}")
    counts: dict[str, int] = {}
    for module in graph.table.by_path.values():
        lane = lanes.of_path(module.path) or "(no lane)"
        counts[lane] = counts.get(lane, 0) + 1
    by_lane = ", ".join(f"{lane} {count:,}" for lane, count in sorted(counts.items()))
    lines.append(
        f"{plural(len(graph.table.by_path), 'module')} ({by_lane}), "
        f"{plural(len(graph.sites), 'import')}"
    )
    return "\n".join(lines) + "\n"

"""The import graph as text: one line an import, for grep and people."""

from __future__ import annotations

from lane_planner.base.text import plural, printable
from lane_planner.graph.graph import ImportGraph
from lane_planner.report.drawing import Drawing
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


def packages_text(drawing: Drawing) -> str:
    """Return each arrow between packages with its imports, and the counts.

    Args:
        drawing: made with a depth.
    """
    lines = []
    for arrow in drawing.arrows:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in arrow.kinds)
        forbidden = f"; {arrow.violations:,} forbidden" if arrow.violations else ""
        names = printable(f"{arrow.importer} → {arrow.imported}")
        lines.append(f"{names}: {plural(arrow.count, 'import')} ({kinds}{forbidden})")
    internal = sum(node.internal for node in drawing.nodes)
    lines.append(
        f"{plural(len(drawing.nodes), 'package')} of "
        f"{plural(sum(node.modules for node in drawing.nodes), 'module')}, "
        f"{plural(sum(arrow.count for arrow in drawing.arrows), 'import')} between them and "
        f"{internal:,} inside"
    )
    return "\n".join(lines) + "\n"

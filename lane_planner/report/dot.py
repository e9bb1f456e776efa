"""A drawing as a graph in the DOT language of Graphviz."""

from __future__ import annotations

from collections.abc import Mapping

from lane_planner.report.drawing import Arrow, Drawing, Node
from lane_planner.report.xml import allowed

_SHAPES = {
    "module": "box",
    "package": "folder",
    "namespace": "folder",
    "group": "folder",
    "missing": "box",
    "external": "ellipse",
}
_STYLES = {"eager": "solid", "deferred": "dashed", "typing": "dotted"}
_FORBIDDEN = "#cc0000"


def dot_text(drawing: Drawing) -> str:
    """Return a drawing in DOT: groups as clusters, violations red.

    Arrows of deferred imports are dashed, of imports for type checkers dotted; what is imported and
    not there has a dashed line around it. Nodes are `n0`, `n1`, …; their labels are the names.

    Args:
        drawing: what is drawn.
    """
    ids = {node.name: f"n{number}" for number, node in enumerate(drawing.nodes)}
    by_name = {node.name: node for node in drawing.nodes}
    lines = [
        "digraph imports {",
        "  rankdir=LR;",
        # Without it Graphviz 2.42 ranks cluster by cluster, and loses arrows that circle between
        # them ("trouble in init_rank").
        "  newrank=true;",
        '  node [fontname="sans-serif", fontsize=10];',
        '  edge [fontname="sans-serif", fontsize=9];',
    ]
    grouped: set[str] = set()
    for number, (title, names) in enumerate(drawing.groups):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(title)};"]
        lines += [f"    {ids[name]}{_node(by_name[name])};" for name in names]
        lines.append("  }")
        grouped.update(names)
    lines += [f"  {ids[n.name]}{_node(n)};" for n in drawing.nodes if n.name not in grouped]
    lines += [
        f"  {ids[arrow.importer]} -> {ids[arrow.imported]}{_arrow(arrow)};"
        for arrow in drawing.arrows
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _node(node: Node) -> str:
    values = {"label": node.name, "shape": _SHAPES[node.kind]}
    if node.kind == "missing":
        values["style"] = "dashed"
    if node.path:
        values["tooltip"] = node.path
    return _attributes(values)


def _arrow(arrow: Arrow) -> str:
    values: dict[str, str] = {}
    if arrow.count > 1:
        values |= {"label": str(arrow.count), "weight": str(arrow.count)}
    if arrow.kind != "eager":
        values["style"] = _STYLES[arrow.kind]
    if arrow.violations:
        values |= {"color": _FORBIDDEN, "fontcolor": _FORBIDDEN, "penwidth": "2"}
        values["tooltip"] = f"{arrow.violations} of {arrow.count} marked"
    return _attributes(values)


def _attributes(values: Mapping[str, str]) -> str:
    if not values:
        return ""
    return f" [{', '.join(f'{name}={_quoted(value)}' for name, value in values.items())}]"


def _quoted(text: str) -> str:
    # A label obeys backslashes (\N is the node's name) and HTML's names of characters; and Graphviz
    # writes into SVG whatever it holds.
    shown = allowed(text).replace("&", "&amp;")
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'

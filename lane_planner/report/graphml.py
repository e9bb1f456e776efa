"""A drawing as GraphML, for tools that work on graphs."""

from __future__ import annotations

from lane_planner.report.drawing import Arrow, Drawing, Node
from lane_planner.report.xml import as_attributes, as_content

# Key, its type, and what it is of; in the order in which they are written.
_KEYS = (
    ("lane", "string", "node"),
    ("path", "string", "node"),
    ("kind", "string", "node"),
    ("modules", "int", "node"),
    ("internal", "int", "node"),
    ("kind", "string", "edge"),
    ("count", "int", "edge"),
    ("eager", "int", "edge"),
    ("deferred", "int", "edge"),
    ("typing", "int", "edge"),
    ("violation", "boolean", "edge"),
    ("violations", "int", "edge"),
)


def graphml_text(drawing: Drawing) -> str:
    """Return a drawing as GraphML with a final newline; the ids of nodes are their names.

    Args:
        drawing: what is written.
    """
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ]
    for name, kind, of in _KEYS:
        key = {"id": f"{of}_{name}", "for": of, "attr.name": name, "attr.type": kind}
        lines.append(f"  <key{as_attributes(key)}/>")
    lines.append('  <graph id="imports" edgedefault="directed">')
    for node in drawing.nodes:
        lines += [f"    <node{as_attributes({'id': node.name})}>", *_node(node), "    </node>"]
    for arrow in drawing.arrows:
        ends = as_attributes({"source": arrow.importer, "target": arrow.imported})
        lines += [f"    <edge{ends}>", *_arrow(arrow), "    </edge>"]
    return "\n".join([*lines, "  </graph>", "</graphml>"]) + "\n"


def _node(node: Node) -> list[str]:
    values: dict[str, object] = {
        "lane": node.lane,
        "path": node.path or None,
        "kind": node.kind,
        "modules": node.modules,
        "internal": node.internal,
    }
    return _data("node", values)


def _arrow(arrow: Arrow) -> list[str]:
    kinds = dict(arrow.kinds)
    values: dict[str, object] = {
        "kind": arrow.kind,
        "count": arrow.count,
        "eager": kinds.get("eager", 0),
        "deferred": kinds.get("deferred", 0),
        "typing": kinds.get("typing", 0),
        "violation": "true" if arrow.violations else "false",
        "violations": arrow.violations,
    }
    return _data("edge", values)


def _data(of: str, values: dict[str, object]) -> list[str]:
    """Return the values that are there."""
    return [
        f"      <data{as_attributes({'key': f'{of}_{name}'})}>{as_content(str(value))}</data>"
        for name, value in values.items()
        if value is not None
    ]

"""A drawing as a flowchart of Mermaid, which GitHub draws in Markdown."""

from __future__ import annotations

import re

from lane_planner.base.text import plural, printable
from lane_planner.report.drawing import Arrow, Drawing, Node

MOST_ARROWS = 500
"""`maxEdges` of Mermaid's configuration, unless a page sets another."""

MOST_TEXT = 50_000
"""`maxTextSize`, in characters."""

# All of ASCII that Mermaid, its Markdown or HTML could give a meaning becomes a reference: `#35;`;
# so do the hyphen or number in front that would make a list of the label, and underscores that
# are not between letters: they would make it bold.
_MARKUP = re.compile(
    r"[^A-Za-z0-9_ ./,()\x80-\U0010ffff-]|^(?:-|[0-9](?=[0-9]*[.)]))"
    r"|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_"
)
_FORBIDDEN = "stroke:#cc0000,stroke-width:3px"


def mermaid_text(drawing: Drawing) -> str:
    """Return a drawing as a Mermaid flowchart: groups as subgraphs, violations thick and red.

    Arrows of imports that do not run with their module are dotted.

    Args:
        drawing: what is drawn.
    """
    ids = {node.name: f"n{number}" for number, node in enumerate(drawing.nodes)}
    by_name = {node.name: node for node in drawing.nodes}
    lines = ["flowchart LR"]
    grouped: set[str] = set()
    for number, (title, names) in enumerate(drawing.groups):
        lines.append(f'  subgraph g{number}["{_escaped(title)}"]')
        lines += [f"    {ids[name]}{_node(by_name[name])}" for name in names]
        lines.append("  end")
        grouped.update(names)
    lines += [f"  {ids[n.name]}{_node(n)}" for n in drawing.nodes if n.name not in grouped]
    lines += [
        f"  {ids[arrow.importer]} {_arrow(arrow)} {ids[arrow.imported]}" for arrow in drawing.arrows
    ]
    marked = [str(number) for number, arrow in enumerate(drawing.arrows) if arrow.violations]
    if marked:
        lines.append(f"  linkStyle {','.join(marked)} {_FORBIDDEN}")
    missing = [ids[node.name] for node in drawing.nodes if node.kind == "missing"]
    if missing:
        lines += ["  classDef missing stroke-dasharray:4", f"  class {','.join(missing)} missing"]
    return "\n".join(lines) + "\n"


def too_large(drawing: Drawing, text: str) -> str | None:
    """Return what to tell a person whose flowchart Mermaid will not draw; None: it will.

    Args:
        drawing: what is drawn.
        text: as Mermaid gets it.
    """
    over = []
    if len(drawing.arrows) > MOST_ARROWS:
        over.append(f"{plural(len(drawing.arrows), 'arrow')}, of {MOST_ARROWS:,} that it draws")
    if len(text) > MOST_TEXT:
        over.append(f"{plural(len(text), 'character')}, of {MOST_TEXT:,} that it reads")
    if not over:
        return None
    return (
        f"too large for Mermaid's defaults: {' and '.join(over)}; --depth N draws packages "
        "instead of modules, and --format dot has no bounds"
    )


def _node(node: Node) -> str:
    label = f'"{_escaped(node.name)}"'
    return f"([{label}])" if node.kind == "external" else f"[{label}]"


def _arrow(arrow: Arrow) -> str:
    line = "-->" if arrow.kind == "eager" else "-.->"
    return f"{line}|{arrow.count}|" if arrow.count > 1 else line


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda match: f"#{ord(match.group())};", printable(text))

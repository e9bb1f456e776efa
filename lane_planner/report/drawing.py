"""The import graph as nodes and arrows, for formats that draw it; whole, or by packages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from lane_planner.config.settings import Settings
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.rules.cycles import CYCLE_KINDS, Cycle
from lane_planner.rules.lanes import LaneMap
from lane_planner.scan.records import Kind

# An arrow that stands for several imports is drawn as the first kind that is among them.
_STRONGEST: tuple[Kind, ...] = ("eager", "deferred", "typing")


class Node(msgspec.Struct, frozen=True):
    """A module, or what stands for several.

    Attributes:
        name: of the module or package; of a package whose modules are in several lanes, with the
            lane in parentheses.
        lane: where it is; None: in no lane.
        path: the file, or a namespace package's directory; "" where there is none.
        kind: "module", "package", "namespace", "missing" (imported, but not there), "external", or
            "group" for a package that stands for what is in it.
        modules: how many of the repository's modules it stands for.
        internal: how many import sites lead from it to itself.
    """

    name: str
    lane: str | None
    path: str
    kind: str
    modules: int = 1
    internal: int = 0


class Arrow(msgspec.Struct, frozen=True):
    """All imports from one node to another.

    Attributes:
        importer: name of a node.
        imported: name of another.
        kinds: how many import sites there are of each kind that occurs, strongest first.
        violations: how many of them the lanes forbid, waived or not; of the drawing of a cycle, how
            many it would be broken without.
    """

    importer: str
    imported: str
    kinds: tuple[tuple[Kind, int], ...]
    violations: int = 0

    @property
    def kind(self) -> Kind:
        """The strongest kind among them."""
        return self.kinds[0][0]

    @property
    def count(self) -> int:
        """How many import sites there are."""
        return sum(count for _, count in self.kinds)


class Drawing(msgspec.Struct, frozen=True):
    """Nodes and arrows.

    Attributes:
        nodes: by name.
        arrows: by importer and imported node.
        groups: titles, and names of the nodes that are drawn together; no node is in two.
    """

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]


def graph_drawing(
    graph: ImportGraph, lanes: LaneMap, settings: Settings, depth: int | None = None
) -> Drawing:
    """Return the modules and imports that the JSON of the graph has, drawn by lane.

    Args:
        graph: the graph; external imports are drawn if they are in it.
        lanes: the lanes by path and name.
        settings: which lane may import which.
        depth: draw packages of so many parts of the name instead of what is in them; None: modules.
    """
    sites = [site for site in graph.sites if site.fault != "LP302"]  # it names no module
    nodes = _nodes(graph, lanes, sites)
    allowed = {
        (importer, imported): settings.allowed(importer, imported)
        for importer in {node.lane for node in nodes.values()}
        for imported in {node.lane for node in nodes.values()}
    }
    shown = nodes if depth is None else _grouped(graph, nodes, depth)
    kinds: defaultdict[tuple[str, str], Counter[Kind]] = defaultdict(Counter)
    forbidden: Counter[tuple[str, str]] = Counter()
    internal: Counter[str] = Counter()
    for site in sites:
        importer, imported = shown[site.importer], shown[site.imported]
        ends = (importer.name, imported.name)
        lane, other = nodes[site.importer].lane, nodes[site.imported].lane
        if ends[0] == ends[1]:
            internal[ends[0]] += 1
            continue
        kinds[ends][site.kind] += 1
        forbidden[ends] += not site.external and not allowed[lane, other]
    counts = Counter(
        shown[name].name for name, node in nodes.items() if node.kind not in ("missing", "external")
    )
    found = {node.name: node for node in shown.values()}
    drawn = tuple(
        msgspec.structs.replace(node, modules=counts[name], internal=internal[name])
        for name, node in sorted(found.items())
    )
    members: dict[str, list[str]] = {lane.name: [] for lane in settings.lanes}
    for node in drawn:
        if node.lane is not None:
            members[node.lane].append(node.name)
    return Drawing(
        drawn,
        tuple(_arrow(ends, kinds[ends], forbidden[ends]) for ends in sorted(kinds)),
        tuple((lane, tuple(names)) for lane, names in members.items() if names),
    )


def cycles_drawing(cycles: Iterable[Cycle], graph: ImportGraph) -> Drawing:
    """Return each cycle with all imports that count in it; those that break it are marked.

    Args:
        cycles: circular imports; the modules of one that is inside of another are drawn once.
        graph: what they import.
    """
    nodes: dict[str, Node] = {}
    sites: set[ImportSite] = set()
    breakers: dict[tuple[str, str], int] = {}
    groups = []
    # The larger ones first: an eager cycle may be a part of one that needs deferred imports.
    for cycle in sorted(cycles, key=lambda cycle: (-len(cycle.modules), cycle.code, cycle.modules)):
        here = set(cycle.modules)
        fresh = tuple(name for name in cycle.modules if name not in nodes)
        if fresh:
            groups.append((f"{cycle.code} {cycle.example[0]}", fresh))
        for name in fresh:
            module = graph.modules[name]
            nodes[name] = Node(name, None, module.path, "package" if module.package else "module")
        sites.update(
            site
            for name in cycle.modules
            for site in graph.sites_in(name)
            if site.resolved and site.imported in here and site.kind in CYCLE_KINDS[cycle.code]
            if site.imported != name
        )
        for breaker in cycle.breakers:
            ends = (breaker.importer, breaker.imported)
            breakers[ends] = max(breakers.get(ends, 0), len(breaker.lines))
    kinds: defaultdict[tuple[str, str], Counter[Kind]] = defaultdict(Counter)
    for site in sites:
        kinds[site.importer, site.imported][site.kind] += 1
    arrows = tuple(_arrow(ends, kinds[ends], breakers.get(ends, 0)) for ends in sorted(kinds))
    return Drawing(tuple(nodes[name] for name in sorted(nodes)), arrows, tuple(sorted(groups)))


class DrawnPackage(msgspec.Struct, frozen=True):
    """A package of `graph --depth`.

    Attributes:
        name: its name; of one whose modules are in several lanes, with the lane in parentheses.
        lane: its lane; None: it is in none.
        kind: "group", which stands for what is in it, or "missing" (imported, but not there) or
            "external".
        modules: how many of the repository's modules it stands for.
        internal: how many import sites lead from it to itself.
    """

    name: str
    lane: str | None
    kind: str
    modules: int
    internal: int


class DrawnImport(msgspec.Struct, frozen=True):
    """All imports from one package to another.

    Attributes:
        importer: name of a package.
        imported: name of another.
        count: how many import sites there are.
        kinds: how many of each kind that occurs, strongest first.
        violations: how many of them the lanes forbid, waived or not.
    """

    importer: str
    imported: str
    count: int
    kinds: dict[Kind, int]
    violations: int


class DrawingDocument(msgspec.Struct, frozen=True):
    """The import graph by packages.

    Attributes:
        packages: sorted by name.
        imports: sorted by importer and imported package.
    """

    packages: tuple[DrawnPackage, ...]
    imports: tuple[DrawnImport, ...]


def drawing_document(drawing: Drawing) -> DrawingDocument:
    """Return the graph by packages as a JSON document.

    Args:
        drawing: made with a depth.
    """
    return DrawingDocument(
        tuple(
            DrawnPackage(node.name, node.lane, node.kind, node.modules, node.internal)
            for node in drawing.nodes
        ),
        tuple(
            DrawnImport(
                arrow.importer, arrow.imported, arrow.count, dict(arrow.kinds), arrow.violations
            )
            for arrow in drawing.arrows
        ),
    )


def _nodes(graph: ImportGraph, lanes: LaneMap, sites: Iterable[ImportSite]) -> dict[str, Node]:
    """Return a node for each module, and for each name that is imported and no module."""
    nodes = {}
    for name, module in graph.modules.items():
        kind = "namespace" if module.namespace else "package" if module.package else "module"
        nodes[name] = Node(name, lanes.of_path(module.path), module.path, kind)
    for site in sites:
        if site.imported not in nodes:
            kind = "external" if site.external else "missing"
            nodes[site.imported] = Node(site.imported, lanes.of_imported(graph, site), "", kind, 0)
    return nodes


def _grouped(graph: ImportGraph, nodes: dict[str, Node], depth: int) -> dict[str, Node]:
    """Return for each module what stands for it: its package, by lane where that is in several."""
    packages = {name: _package(graph, name, depth) for name in nodes}
    lanes: defaultdict[str, set[str]] = defaultdict(set)
    for name, package in packages.items():
        lanes[package].add(nodes[name].lane or "no lane")
    found = {}
    for name, package in packages.items():
        node = nodes[name]
        label = package
        if len(lanes[package]) > 1:  # one node would hide what they import from each other
            label = f"{package} ({node.lane or 'no lane'})"
        own = nodes.get(package)
        path = "" if own is None or own.lane != node.lane else own.path
        found[name] = Node(label, node.lane, path, "group")
    # What stands for nothing of the repository keeps saying why.
    real = {found[name].name for name in nodes if nodes[name].kind not in ("missing", "external")}
    return {
        name: node if node.name in real else msgspec.structs.replace(node, kind=nodes[name].kind)
        for name, node in found.items()
    }


def _package(graph: ImportGraph, name: str, depth: int) -> str:
    module = graph.modules.get(name)
    if module is not None and not module.importable:
        # It has its path for a name, and is drawn with the package around it.
        if not module.home:
            return name
        name = module.home
    return ".".join(name.split(".")[:depth])


def _arrow(ends: tuple[str, str], kinds: Counter[Kind], violations: int) -> Arrow:
    ordered = tuple((kind, kinds[kind]) for kind in _STRONGEST if kinds[kind])
    return Arrow(*ends, ordered, violations)

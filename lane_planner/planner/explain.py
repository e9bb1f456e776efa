"""What there is to know about one module: lane, imports, importers, blockers, place in the plan."""

from __future__ import annotations

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.planner.hop import Facts, Hop
from lane_planner.planner.order import blocked_modules, closure
from lane_planner.planner.schema import Cause
from lane_planner.scan.modules import Module


class Neighbour(msgspec.Struct, frozen=True):
    """A module at the other end of an import.

    Attributes:
        module: its name.
        lane: its lane; None for first-party code in no lane.
        line: of the import, in the importer's file.
        kind: when the import runs.
        optional: whether its failure is caught.
        resolved: whether the module exists.
    """

    module: str
    lane: str | None
    line: int
    kind: str
    optional: bool
    resolved: bool


class Explanation(msgspec.Struct, frozen=True):
    """Where a module stands.

    Attributes:
        module: its name.
        path: its file.
        lane: its lane, or None.
        target: the next lane, or None.
        destination: path after its promotion; None without a next lane.
        imports: what it imports, by line.
        importers: who imports it, by name and line.
        causes: why it cannot be promoted, sorted; empty if it can, or has nowhere to go.
        needs: modules that have to be promoted before or with it, sorted.
    """

    module: str
    path: str
    lane: str | None
    target: str | None
    destination: str | None
    imports: tuple[Neighbour, ...]
    importers: tuple[Neighbour, ...]
    causes: tuple[Cause, ...]
    needs: tuple[str, ...]


def find_module(graph: ImportGraph, wanted: str, paths: tuple[str, ...] = ()) -> Module:
    """Return the module that a name or a path means.

    Args:
        graph: the repository.
        wanted: dotted name, or path below the root.
        paths: other readings of the words as a path.

    Raises:
        UsageError: there is none.
    """
    for reading in (wanted, *paths):
        found = graph.modules.get(reading) or graph.module_at(reading)
        found = found or graph.module_at(f"{reading.rstrip('/')}/__init__.py")
        if found is not None:
            return found
    raise UsageError(unknown(graph, wanted))


def unknown(graph: ImportGraph, wanted: str) -> str:
    """Return the message for a name that no module has: what may have been meant.

    Args:
        graph: the repository.
        wanted: the name.
    """
    shown = printable(wanted)
    ends = [name for name in graph.modules if name.endswith(f".{wanted}")]
    if not ends:
        return f"no module or path is called {shown or repr(shown)}: see `lane-planner graph`"
    if len(ends) == 1:
        return f"no module or path is called {shown}: did you mean {printable(ends[0])}?"
    some = ", ".join(map(printable, ends[:3]))
    more = f" and {len(ends) - 3} more" if len(ends) > 3 else ""
    return f"{shown} is ambiguous: {some}{more}; give the full name"


def explain(facts: Facts, module: Module, hop: Hop | None) -> Explanation:
    """Return where a module stands.

    Args:
        facts: the repository.
        module: the module.
        hop: the hop out of its lane; None if it is in none that promotes.
    """
    graph = facts.graph
    name = module.name
    movable = hop is not None and name in hop.targets
    blocked = blocked_modules(hop) if hop is not None and movable else {}
    return Explanation(
        module=name,
        path=module.path,
        lane=facts.lanes.of_path(module.path),
        target=hop.target.name if hop is not None else None,
        destination=hop.targets[name] if hop is not None and movable else None,
        imports=tuple(_neighbour(facts, site, site.imported) for site in graph.sites_in(name)),
        importers=tuple(_neighbour(facts, site, site.importer) for site in graph.sites_of(name)),
        causes=blocked[name].causes if name in blocked else (),
        needs=tuple(sorted(closure(hop, [name]) - {name})) if hop is not None and movable else (),
    )


def _neighbour(facts: Facts, site: ImportSite, name: str) -> Neighbour:
    if name == site.importer:
        lane = facts.lanes.of_module(facts.graph, name)
    else:
        lane = facts.lanes.of_imported(facts.graph, site)
    return Neighbour(name, lane, site.line, site.kind, site.optional, site.resolved)

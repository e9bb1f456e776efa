"""What there is to know about one module: lane, imports, importers, blockers, place in the plan."""

from __future__ import annotations

from collections import deque

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.planner.hop import Facts, Hop, Need, blocked_names, ring
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


class Reason(msgspec.Struct, frozen=True):
    """A module in the tree of reasons why another one is blocked.

    The tree is kept flat, depth first: a chain of needs may be as long as the lane is large, and
    nothing that nests so deep can be written as JSON.

    Attributes:
        module: its name.
        depth: how many needs lie between it and the explained module; 0 for that module.
        parent: index of the reason that needs it; -1 for the explained module.
        path: file of the import by which its parent needs it; the module's own file where there is
            no such import.
        line: line of that import; 0 where there is none.
        link: what the parent has to do with it: "imports", "imported by", "circle" (of eager
            imports, which lands as one step), "together" (in one step although no rule orders
            them); "" for the explained module.
        need: the same in words, of which the parent is the subject; "" for the explained module.
        causes: root causes: its own, sorted; empty if it only needs what has some.
    """

    module: str
    depth: int
    parent: int
    path: str
    line: int
    link: str
    need: str
    causes: tuple[Cause, ...]


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
        reasons: the tree that leads to every root cause; empty if nothing blocks it.
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
    reasons: tuple[Reason, ...] = ()


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
        reasons=reasons(facts, hop, name) if hop is not None and name in blocked else (),
    )


def reasons(facts: Facts, hop: Hop, name: str) -> tuple[Reason, ...]:
    """Return the tree of reasons why a module is blocked.

    Every module that it needs, directly or not, and that has causes of its own is in the tree
    once, at the end of a shortest chain of needs; what leads to none is not. Among chains of one
    length the one over the lesser names counts. Modules that one other needs stand in the order of
    path, line and name.

    Args:
        facts: the repository.
        hop: the hop out of the module's lane.
        name: the module.
    """
    above, children = _search(hop, name)
    of: dict[str, tuple[str, str]] = {}
    for parent, needs in children.items():
        imports = {(site.imported, site.line) for site in facts.graph.sites_in(parent)}
        for need in needs:
            of[need.needed] = _words(facts, hop, parent, need, imports)
    found: list[Reason] = []
    place: dict[str, int] = {}
    pending = [Need(name, hop.paths[name], 0)]
    while pending:
        at = pending.pop()
        parent_index = place[above[at.needed]] if at.needed in above else -1
        depth = found[parent_index].depth + 1 if found else 0
        place[at.needed] = len(found)
        link, words = of.get(at.needed, ("", ""))
        own = hop.causes.get(at.needed, ())
        found.append(Reason(at.needed, depth, parent_index, at.path, at.line, link, words, own))
        pending.extend(reversed(children.get(at.needed, ())))
    return tuple(found)


def _search(hop: Hop, name: str) -> tuple[dict[str, str], dict[str, list[Need]]]:
    """Search needs breadth-first for modules with causes of their own.

    Returns:
        (who needs each module of the tree, what each module of the tree needs in it).
    """
    blocked = blocked_names(hop)
    following = dict(ring(hop.together))
    above: dict[str, str] = {}
    reached: dict[str, Need] = {}
    sequence = [name]
    queue = deque(sequence)
    while queue:
        at = queue.popleft()
        needs = {need.needed: need for need in hop.needs.get(at, ())}
        if at in following:  # it has no import to show, unless a rule orders the two besides
            needs.setdefault(following[at], Need(following[at], hop.paths[following[at]], 0))
        for needed in sorted(needs):
            if needed in blocked and needed not in above and needed != name:
                above[needed] = at
                reached[needed] = needs[needed]
                sequence.append(needed)
                queue.append(needed)
    leading: set[str] = set()
    children: dict[str, list[Need]] = {}
    for at in reversed(sequence):
        if at in hop.causes or at in leading:
            leading.add(at)
            if at != name:
                leading.add(above[at])
                children.setdefault(above[at], []).append(reached[at])
    for found in children.values():
        found.sort(key=lambda need: (need.path, need.line, need.needed))
    return above, children


def _words(
    facts: Facts, hop: Hop, name: str, need: Need, imports: set[tuple[str, int]]
) -> tuple[str, str]:
    """Return how a module needs another one, in a word and in words.

    Args:
        facts: the repository.
        hop: the hop.
        name: the module that needs.
        need: what it needs.
        imports: what it imports, each with the line.
    """
    a, b = hop.source.name, hop.target.name
    if not need.line:
        return "together", "has to land in one step with it"
    other, allowed = need.needed, facts.settings.allowed
    if not allowed(b, a) and need.path == hop.paths[name] and (other, need.line) in imports:
        return "imports", f"imports it, and {b} may not import {a}"
    back = any(s.imported == name and s.line == need.line for s in facts.graph.sites_in(other))
    if not allowed(a, b) and need.path == hop.paths[other] and back:
        return "imported by", f"is imported by it, and {a} may not import {b}"
    return "circle", "is in a circular import with it, and these land in one step"


def _neighbour(facts: Facts, site: ImportSite, name: str) -> Neighbour:
    if name == site.importer:
        lane = facts.lanes.of_module(facts.graph, name)
    else:
        lane = facts.lanes.of_imported(facts.graph, site)
    return Neighbour(name, lane, site.line, site.kind, site.optional, site.resolved)

"""Carrying a plan out on the graph alone, to see that every step leaves it no worse.

Independent of how the plan was made: it knows the lane rules, not the precedences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from lane_planner.graph.graph import components
from lane_planner.graph.resolve import ImportSite
from lane_planner.planner.hop import Facts, Hop

_KINDS = (("LP201", ("eager",)), ("LP202", ("eager", "deferred")))


def simulate(facts: Facts, hop: Hop, steps: Sequence[Collection[str]]) -> tuple[str, ...]:
    """Land steps one after the other and say what gets worse.

    A step is at fault where an import becomes a violation that was none before, where a promoted
    module has a violation or is in an eager circle (unless circles land together), or where a
    circle closes that was open. A move gives every import the same ends as before; so only
    imports that touch a moved module can become violations, and only imports that meant nothing
    before can close a circle.

    Args:
        facts: the repository before the first step.
        hop: where each module goes.
        steps: names of the modules of each step.

    Returns:
        What is wrong, in words, in the order of the steps; empty for a valid plan.
    """
    graph, settings = facts.graph, facts.settings
    moved: set[str] = set()
    faults: list[str] = []
    violated = {id(site) for site in graph.sites if not _allowed(facts, hop, moved, site)}
    circles = _Circles(facts, hop.arriving)
    whole = _whole_circles(facts, hop) if settings.cycles == "together" else {}
    for number, modules in enumerate(steps, 1):
        moved.update(modules)
        for name in modules:
            for site in graph.sites_in(name):
                if not site.external and not _allowed(facts, hop, moved, site):
                    faults.append(
                        f"step {number} leaves {hop.renamed[name]} with a forbidden import of "
                        f"{site.imported} (line {site.line})"
                    )
            for site in graph.sites_of(name):
                if site.importer in moved or not site.resolved or id(site) in violated:
                    continue
                if not _allowed(facts, hop, moved, site):
                    faults.append(
                        f"step {number} makes the import of {name} by {site.importer} "
                        f"(line {site.line}) a violation"
                    )
        faults.extend(f"step {number} {what}" for what in circles.after(modules))
        torn = {circle for name in modules for circle in [whole.get(name)] if circle}
        faults.extend(
            f"step {number} tears {circle[0]} and {len(circle) - 1} more of its circle apart"
            for circle in sorted(torn)
            if not moved.issuperset(circle)
        )
    if settings.cycles == "block":
        inside = {name for part in graph.components(("eager",)) for name in part}
        faults.extend(f"{name} is promoted in a circle" for name in sorted(moved & inside))
    return tuple(faults)


def _whole_circles(facts: Facts, hop: Hop) -> dict[str, tuple[str, ...]]:
    """Return, for each module in an eager circle, the members that move with it, sorted."""
    candidates = frozenset(hop.candidates)
    found = {}
    for part in facts.graph.components(("eager",)):
        members = tuple(name for name in part if name in candidates)
        found.update(dict.fromkeys(members, members))
    return found


def _allowed(facts: Facts, hop: Hop, moved: Collection[str], site: ImportSite) -> bool:
    if site.external or site.fault == "LP302":
        return True
    lanes = facts.lanes
    importer: str | None = hop.target.name
    if site.importer not in moved:
        importer = lanes.of_path(facts.graph.modules[site.importer].path)
    imported: str | None = hop.target.name
    if not (site.resolved and site.imported in moved):
        imported = lanes.of_imported(facts.graph, site)
    return facts.settings.allowed(importer, imported)


class _Circles:
    """Watches for circles that close when a moved module gives a dangling import a meaning."""

    def __init__(self, facts: Facts, arriving: Iterable[tuple[ImportSite, str]]) -> None:
        self._pending: dict[str, list[ImportSite]] = {}
        for site, name in arriving:
            self._pending.setdefault(name, []).append(site)
        self._edges = {code: facts.graph.edges(kinds) for code, kinds in _KINDS}
        self._parts = {code: frozenset(components(edges)) for code, edges in self._edges.items()}
        self._facts = facts

    def after(self, modules: Collection[str]) -> list[str]:
        """Return what closes when some modules have moved."""
        arrived = [(site, name) for name in sorted(modules) for site in self._pending.get(name, ())]
        faults: list[str] = []
        for code, kinds in _KINDS:
            new = {(s.importer, name) for s, name in arrived if s.kind in kinds}
            new -= self._edges[code]
            if not new:
                continue
            self._edges[code] |= new
            parts = frozenset(components(self._edges[code]))
            faults.extend(
                f"closes a circle of {len(part)} modules, {part[0]} among them ({code})"
                for part in sorted(parts - self._parts[code])
            )
            self._parts[code] = parts
        return faults

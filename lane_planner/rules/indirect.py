"""LP102: allowed imports that lead, over others, into a lane that the importer may not import.

A chain begins with an import that leaves a lane and is allowed, ends at the first module of the
forbidden lane, and comes through neither of the two lanes in between: a module that imports one of
its own lane which does that is not reported again. So the ends of chains are those of
import-linter's forbidden contracts, as which they are tested.

Only what runs leads on: imports for type checkers execute nothing, and are no part of any chain
(import-linter's `exclude_type_checking_imports`). Deferred, optional and dynamic ones are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

import msgspec

from lane_planner.config.settings import Settings
from lane_planner.graph.chains import Edge, Ways, along
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.rules.excuses import Excuses
from lane_planner.rules.lanes import LaneMap
from lane_planner.rules.violations import Violation

CODE = "LP102"
_KINDS = ("eager", "deferred")
# Shared imports that are worked out: as many as a person will read.
_SHARED = 20

_Key = tuple[str, str, str | None]  # importer, what it imports, forbidden lane
_Lane = str | None


class Shared(msgspec.Struct, frozen=True):
    """An import that many chains lead over.

    Attributes:
        importer: the importing module.
        imported: the imported module.
        path: the importer's file.
        line: of the first site, from 1.
        chains: how many of the shortest chains lead over it, that lead over none listed before.
        breaks: how many of these have no other way into the lane: they are over when it is gone.
        example: a shortest one of these chains.
    """

    importer: str
    imported: str
    path: str
    line: int
    chains: int
    breaks: int
    example: tuple[str, ...]


class Indirect(msgspec.Struct, frozen=True):
    """Indirect violations.

    Attributes:
        violations: one for each import of another module, by path, line, column and lane, and each
            forbidden lane that it leads into.
        excused: the sites that are let through and without that would be part of a chain.
    """

    violations: tuple[Violation, ...]
    excused: frozenset[ImportSite]


def indirect_violations(
    graph: ImportGraph, settings: Settings, lanes: LaneMap, excuses: Excuses
) -> Indirect:
    """Return the imports that lead into a lane which the importer's own may not import (LP102).

    A site that is let through is no part of a chain, wherever in it. An import that leads into
    the lane over such sites alone is reported with the status of the first of them.

    Args:
        graph: the repository.
        settings: the lanes.
        lanes: the lanes by path and name.
        excuses: what lets sites through.
    """
    excused = excuses.excused(graph, CODE)
    everything: dict[Edge, ImportSite] = {}
    counted: dict[Edge, ImportSite] = {}
    for site in graph.sites:
        if site.resolved and site.kind in _KINDS:
            edge = (site.importer, site.imported)
            everything.setdefault(edge, site)
            if site not in excused:
                counted.setdefault(edge, site)
    search = _Search(graph, settings, lanes)
    chains, _ = search.chains(Ways(counted))
    found = [_violation(graph, lanes, key, chain, counted) for key, chain in chains.items()]
    live: frozenset[ImportSite] = frozenset()
    if excused:
        further, edges = search.chains(
            Ways(everything), {(site.importer, site.imported) for site in excused}
        )
        live = frozenset(
            s for s in excused if s.kind in _KINDS and (s.importer, s.imported) in edges
        )
        for key, chain in further.items():
            if key not in chains:
                over = (everything[e] for e in pairwise(chain))
                first = next(site for site in over if (site.importer, site.imported) not in counted)
                violation = _violation(graph, lanes, key, chain, everything)
                status = excuses.status(first, CODE)
                found.append(msgspec.structs.replace(violation, status=status))
    found.sort(key=lambda v: (v.path, v.line, v.column, v.chain[1], v.imported_lane or ""))
    return Indirect(tuple(found), live)


def shared_imports(
    graph: ImportGraph,
    settings: Settings,
    lanes: LaneMap,
    excuses: Excuses,
    violations: Iterable[Violation],
) -> tuple[Shared, ...]:
    """Return the imports whose removal breaks most chains, those of most chains first.

    Each chain is counted once, at the import that most of the chains not yet counted lead over;
    of several the one that is nearest to the forbidden lane, then by names. That is the greedy
    cover: it need not be the fewest imports.

    Args:
        graph: the repository.
        settings: the lanes.
        lanes: the lanes by path and name.
        excuses: what lets sites through.
        violations: the indirect ones that are to be grouped.

    Returns:
        At most twenty.
    """
    waiting = [violation for violation in violations if violation.chain]
    if not waiting:
        return ()
    excused = excuses.excused(graph, CODE)
    sites: dict[Edge, ImportSite] = {}
    for site in graph.sites:
        if site.resolved and site.kind in _KINDS and site not in excused:
            sites.setdefault((site.importer, site.imported), site)
    ways, search = Ways(sites), _Search(graph, settings, lanes)
    found = []
    for edge, group in _cover(waiting)[:_SHARED]:
        site = sites[edge]
        found.append(
            Shared(
                *edge,
                graph.modules[edge[0]].path,
                site.line,
                len(group),
                search.broken(ways, group, edge),
                min((v.chain for v in group), key=lambda chain: (len(chain), chain)),
            )
        )
    return tuple(found)


class _Search:
    """The search for chains between all lanes.

    Args:
        graph: the repository.
        settings: the lanes.
        lanes: the lanes by path and name.
    """

    def __init__(self, graph: ImportGraph, settings: Settings, lanes: LaneMap) -> None:
        self._settings = settings
        self._lane_of: dict[str, _Lane] = {
            name: lanes.of_path(module.path) for name, module in graph.modules.items()
        }
        self._members: dict[_Lane, list[str]] = {}
        for name, lane in self._lane_of.items():
            self._members.setdefault(lane, []).append(name)

    def chains(
        self, ways: Ways, asked: Collection[Edge] = ()
    ) -> tuple[dict[_Key, tuple[str, ...]], set[Edge]]:
        """Return the shortest chain of each import that leads into a forbidden lane.

        Args:
            ways: the imports.
            asked: imports about which it is asked whether they are part of any chain.

        Returns:
            The chains, and those of the imports that are.
        """
        found: dict[_Key, tuple[str, ...]] = {}
        live: set[Edge] = set()
        for lane in self._settings.lanes:
            exits = self._exits(ways, lane.name)
            for other in self._forbidden(lane.name) if exits else ():
                towards = ways.towards(self._members[other], self._members[lane.name])
                for importer, imported in exits:
                    if imported in towards:
                        chain = (importer, *along(imported, towards))
                        found[importer, imported, other] = chain
                if asked:
                    live |= self._live(ways, exits, towards, other, asked)
        return found, live

    def broken(self, ways: Ways, group: Iterable[Violation], edge: Edge) -> int:
        """Return how many chains of a group have no way left when an import is gone."""
        towards: dict[tuple[str, _Lane], dict[str, str]] = {}
        count = 0
        for violation in group:
            pair = (violation.importer_lane, violation.imported_lane)
            if pair not in towards:
                towards[pair] = ways.towards(
                    self._members[pair[1]], self._members[pair[0]], without=edge
                )
            count += violation.edge == edge or violation.chain[1] not in towards[pair]
        return count

    def _exits(self, ways: Ways, lane: str) -> list[Edge]:
        """Return the imports of a lane's modules that leave it and are allowed."""
        allowed = {
            other: other != lane and self._settings.allowed(lane, other) for other in self._members
        }
        return [
            (importer, imported)
            for importer in self._members.get(lane, ())
            for imported in ways.imports_of(importer)
            if allowed[self._lane_of[imported]]
        ]

    def _forbidden(self, lane: str) -> list[_Lane]:
        """Return the lanes, and None for what is in none, that a lane may not import."""
        return [other for other in self._members if not self._settings.allowed(lane, other)]

    def _live(
        self,
        ways: Ways,
        exits: Sequence[Edge],
        towards: Mapping[str, str],
        other: _Lane,
        asked: Collection[Edge],
    ) -> set[Edge]:
        """Return the imports, of those asked for, that chains from some exits lead over."""
        inside = ways.between((imported for _, imported in exits), towards)
        first = set(exits)
        return {
            (importer, imported)
            for importer, imported in asked
            if ((importer, imported) in first and imported in towards)
            or (importer in inside and (imported in towards or self._lane_of[imported] == other))
        }


def _violation(
    graph: ImportGraph,
    lanes: LaneMap,
    key: _Key,
    chain: tuple[str, ...],
    sites: Mapping[Edge, ImportSite],
) -> Violation:
    importer, imported, other = key
    site = sites[importer, imported]
    module = graph.modules[importer]
    lane = lanes.of_path(module.path)
    assert lane is not None  # chains begin in lanes
    where = f"lane {other}" if other else "first-party code in no lane"
    return Violation(
        code=CODE,
        importer=importer,
        imported=chain[-1],
        importer_lane=lane,
        imported_lane=other,
        path=module.path,
        line=site.line,
        column=site.column,
        kind=site.kind,
        status="new",
        message=f"{lane} may not lead into {where}: {' → '.join(chain)}",
        chain=chain,
    )


def _cover(violations: Sequence[Violation]) -> list[tuple[Edge, list[Violation]]]:
    """Return imports with the violations that are counted at them, greedily, most first."""
    over: dict[Edge, set[int]] = {}
    distance: Counter[Edge] = Counter()
    for number, violation in enumerate(violations):
        chain = violation.chain
        for index, edge in enumerate(pairwise(chain)):
            over.setdefault(edge, set()).add(number)
            distance[edge] = max(distance[edge], len(chain) - index)
    heap = [(-len(numbers), distance[edge], edge) for edge, numbers in over.items()]
    heapify(heap)
    done: set[int] = set()
    found = []
    while heap:
        size, far, edge = heappop(heap)
        left = over[edge] - done
        if not left:
            continue
        if len(left) < -size:
            heappush(heap, (-len(left), far, edge))
            continue
        done |= left
        found.append((edge, [violations[number] for number in sorted(left)]))
    return found

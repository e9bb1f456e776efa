"""LP201 and LP202: modules that import each other in a circle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import msgspec

from lane_planner.graph.circles import Edge, breaking_imports, shortest_circle
from lane_planner.graph.graph import ImportGraph, components
from lane_planner.graph.resolve import ImportSite
from lane_planner.scan.records import FileRecord, Kind
from lane_planner.scan.usage import RATINGS, Rating, hardest, rate_imports

CYCLE_KINDS: dict[str, tuple[Kind, ...]] = {"LP201": ("eager",), "LP202": ("eager", "deferred")}
"""Code of a circular import → kinds of the imports that count in it."""

# What an import that does not run with its module is rated.
_RATED: dict[Kind, Rating] = {"deferred": "deferrable", "typing": "typing"}

Read = Callable[[Collection[str]], Mapping[str, bytes]]
"""Returns the contents of files by path; those that cannot be read are left out."""


class Breaker(msgspec.Struct, frozen=True):
    """An import whose removal helps to break a cycle.

    Attributes:
        importer: the importing module.
        imported: the imported module.
        path: the importer's file.
        line: of the first site that counts in the cycle, from 1.
        lines: of all of them, in order.
        rating: how hard the hardest of them goes.
    """

    importer: str
    imported: str
    path: str
    line: int
    lines: tuple[int, ...]
    rating: Rating


class Cycle(msgspec.Struct, frozen=True):
    """A strongly connected component of more than one module.

    Attributes:
        code: "LP201" where eager imports alone make it, "LP202" where deferred ones are needed.
        modules: sorted.
        example: a shortest circle in it, its first module again at the end.
        breakers: imports whose removal leaves no circle in it, by importer and imported module.
        exact: whether it is proved that no fewer do.
    """

    code: str
    modules: tuple[str, ...]
    example: tuple[str, ...]
    breakers: tuple[Breaker, ...]
    exact: bool


def cyclic_components(
    graph: ImportGraph, without: Collection[ImportSite] = ()
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (code, modules) of each cycle, LP201 before LP202, each sorted.

    Imports for type checkers never run and make no cycle. A component that deferred imports make
    larger is reported at both sizes: what is eager in it breaks first.

    Args:
        graph: the graph.
        without: sites that are taken for not there.
    """
    eager = components(_edges(graph, "LP201", without))
    known = set(eager)
    wider = (part for part in components(_edges(graph, "LP202", without)) if part not in known)
    return tuple([("LP201", part) for part in eager] + [("LP202", part) for part in wider])


def _edges(graph: ImportGraph, code: str, without: Collection[ImportSite]) -> set[Edge]:
    if not without:
        return graph.edges(CYCLE_KINDS[code])
    return {
        (site.importer, site.imported)
        for site in graph.sites
        if site.resolved and site.kind in CYCLE_KINDS[code] and site not in without
    }


def circular_sites(graph: ImportGraph) -> frozenset[ImportSite]:
    """Return the sites that circles consist of, those that need deferred imports among them."""
    part_of = {
        name: index
        for index, part in enumerate(graph.components(CYCLE_KINDS["LP202"]))
        for name in part
    }
    return frozenset(
        site
        for site in graph.sites
        if site.resolved
        and site.kind in CYCLE_KINDS["LP202"]
        and site.importer in part_of
        and part_of[site.importer] == part_of.get(site.imported)
    )


def cycles(
    graph: ImportGraph,
    records: Mapping[str, FileRecord],
    read: Read,
    without: Collection[ImportSite] = (),
) -> tuple[Cycle, ...]:
    """Return the cycles of a repository, LP201 before LP202, each sorted by its modules.

    Args:
        graph: the graph.
        records: what each file says, by path.
        read: asked for the files of imports that may be breakers; for those alone.
        without: sites that are taken for not there; names that they import are still in use.
    """
    successors: dict[str, dict[str, list[str]]] = {}
    for code in CYCLE_KINDS:
        following = successors.setdefault(code, {})
        for importer, imported in sorted(_edges(graph, code, without)):
            following.setdefault(importer, []).append(imported)
    ratings = _Ratings(graph, records, read, without)
    found = []
    for code, modules in cyclic_components(graph, without):
        following = successors[code]
        edges = [(name, other) for name in modules for other in following.get(name, ())]
        breakers = breaking_imports(modules, edges, partial(ratings.ranks, code))
        ratings.learn(code, breakers.edges)
        found.append(
            Cycle(
                code,
                modules,
                shortest_circle(modules, following),
                tuple(ratings.breaker(code, edge) for edge in breakers.edges),
                breakers.exact,
            )
        )
    return tuple(found)


class _Ratings:
    """How hard imports go, each file read when it is first asked about.

    Args:
        graph: the graph.
        records: what each file says, by path.
        read: as for `cycles`.
        without: as for `cycles`.
    """

    def __init__(
        self,
        graph: ImportGraph,
        records: Mapping[str, FileRecord],
        read: Read,
        without: Collection[ImportSite],
    ) -> None:
        self._graph = graph
        self._records = records
        self._read = read
        self._without = without
        self._eager: dict[Edge, Rating] = {}

    def ranks(self, code: str, edges: Sequence[Edge]) -> dict[Edge, int]:
        """Return how hard imports go in a cycle of some code, as `Ranks` has it."""
        self.learn(code, edges)
        return {edge: RATINGS.index(self._rating(code, edge)) for edge in edges}

    def breaker(self, code: str, edge: Edge) -> Breaker:
        """Return an import that was learned, with its sites."""
        lines = tuple(site.line for site in self._sites(code, edge))
        path = self._graph.modules[edge[0]].path
        return Breaker(*edge, path, lines[0], lines, self._rating(code, edge))

    def learn(self, code: str, edges: Sequence[Edge]) -> None:
        """Rate the eager sites of imports that are not known yet."""
        wanted: dict[str, dict[str, tuple[int, ...]]] = {}
        for importer, imported in edges:
            sites = self._sites(code, (importer, imported))
            eager = tuple(site.line for site in sites if site.kind == "eager")
            if eager and (importer, imported) not in self._eager:
                wanted.setdefault(importer, {})[imported] = eager
        if not wanted:
            return
        modules = self._graph.modules
        contents = self._read({modules[importer].path for importer in wanted})
        for importer, imports in wanted.items():
            content = contents.get(modules[importer].path)
            ratings: Mapping[str, Rating] = dict.fromkeys(imports, "needed")
            if content is not None:
                ratings = rate_imports(
                    content, modules[importer], imports, known=modules, taken=self._taken(importer)
                )
            self._eager.update(((importer, name), rating) for name, rating in ratings.items())

    def _rating(self, code: str, edge: Edge) -> Rating:
        return hardest(
            _RATED.get(site.kind) or self._eager[edge] for site in self._sites(code, edge)
        )

    def _sites(self, code: str, edge: Edge) -> list[ImportSite]:
        importer, imported = edge
        return [
            site
            for site in self._graph.sites_in(importer)
            if site.imported == imported
            and site.resolved
            and site.kind in CYCLE_KINDS[code]
            and not (self._without and site in self._without)
        ]

    def _taken(self, name: str) -> frozenset[str]:
        """Return the names that other files import from a module; "*": all."""
        places: dict[str, set[tuple[int, int]]] = {}
        for site in self._graph.sites_of(name):
            places.setdefault(site.importer, set()).add((site.line, site.column))
        return frozenset(
            taken
            for importer, found in places.items()
            for raw in self._records[self._graph.modules[importer].path].imports
            if (raw.line, raw.column) in found
            for taken in raw.names or ()
        )

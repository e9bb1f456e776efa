"""LP201 and LP202: modules that import each other in a circle."""

from __future__ import annotations

import msgspec

from lane_planner.graph.circles import breaking_imports, shortest_circle
from lane_planner.graph.graph import ImportGraph, components

_RUNS = ("eager", "deferred")


class Cycle(msgspec.Struct, frozen=True):
    """A strongly connected component of more than one module.

    Attributes:
        code: "LP201" where eager imports alone make it, "LP202" where deferred ones are needed.
        modules: sorted.
        example: a shortest circle in it, its first module again at the end.
        breakers: few imports, (importer, imported), whose removal leaves no circle in it.
    """

    code: str
    modules: tuple[str, ...]
    example: tuple[str, ...]
    breakers: tuple[tuple[str, str], ...]


def cyclic_components(graph: ImportGraph) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (code, modules) of each cycle, LP201 before LP202, each sorted.

    Imports for type checkers never run and make no cycle. A component that deferred imports make
    larger is reported at both sizes: what is eager in it breaks first.
    """
    eager = components(graph.edges(("eager",)))
    known = set(eager)
    wider = (part for part in components(graph.edges(_RUNS)) if part not in known)
    return tuple([("LP201", part) for part in eager] + [("LP202", part) for part in wider])


def cycles(graph: ImportGraph) -> tuple[Cycle, ...]:
    """Return the cycles of a repository, LP201 before LP202, each sorted by its modules."""
    edges = {"LP201": graph.edges(("eager",)), "LP202": graph.edges(_RUNS)}
    successors: dict[str, dict[str, list[str]]] = {}
    for code, pairs in edges.items():
        following = successors.setdefault(code, {})
        for importer, imported in sorted(pairs):
            following.setdefault(importer, []).append(imported)
    return tuple(
        Cycle(
            code,
            modules,
            shortest_circle(modules, successors[code]),
            breaking_imports(
                modules,
                [(name, other) for name in modules for other in successors[code].get(name, ())],
            ),
        )
        for code, modules in cyclic_components(graph)
    )

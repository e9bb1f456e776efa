"""Shortest chains of imports from one group of modules into another, past what lies between."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

Edge = tuple[str, str]


class Ways:
    """Imports that chains may lead along.

    grimp answers for one pair of modules, or two packages; this is asked for groups of any shape,
    for all of whose chains one search backward from the group that they lead to is enough.

    Args:
        edges: (importer, imported).
    """

    def __init__(self, edges: Iterable[Edge]) -> None:
        self._following: dict[str, list[str]] = {}
        self._preceding: dict[str, list[str]] = {}
        for importer, imported in sorted(edges):
            self._following.setdefault(importer, []).append(imported)
            self._preceding.setdefault(imported, []).append(importer)

    def imports_of(self, importer: str) -> list[str]:
        """Return what a module imports, sorted."""
        return self._following.get(importer, [])

    def towards(
        self, goals: Collection[str], barred: Collection[str], without: Edge | None = None
    ) -> dict[str, str]:
        """Return, for each module from which a chain leads to a goal, the next one on it.

        The chain is a shortest one, and of these the first by the names along it. Breadth-first
        search, layer by layer, each in the order of names.

        Args:
            goals: where chains end; a chain ends at the first goal that it meets.
            barred: modules that no chain leads through.
            without: an import that is not used.
        """
        following: dict[str, str] = {}
        preceding = self._preceding
        layer = sorted(goals)
        seen = {*goals, *barred}
        while layer:
            further = []
            for node in layer:
                for importer in preceding.get(node, ()):
                    if importer not in seen and (importer, node) != without:
                        seen.add(importer)
                        following[importer] = node
                        further.append(importer)
            further.sort()
            layer = further
        return following

    def between(self, starts: Iterable[str], towards: Mapping[str, str]) -> frozenset[str]:
        """Return the modules that chains from some modules to the goals lead through.

        Args:
            starts: where they begin; those that lead to no goal are passed over.
            towards: what `towards` returned for the goals.
        """
        found = {start for start in starts if start in towards}
        waiting = sorted(found)
        while waiting:
            for imported in self._following.get(waiting.pop(), ()):
                if imported in towards and imported not in found:
                    found.add(imported)
                    waiting.append(imported)
        return frozenset(found)


def along(start: str, towards: Mapping[str, str]) -> tuple[str, ...]:
    """Return the chain from a module to the goal that `Ways.towards` found for it."""
    chain = [start]
    while chain[-1] in towards:
        chain.append(towards[chain[-1]])
    return tuple(chain)

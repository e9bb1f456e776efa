"""The cheapest edges whose removal leaves no circle, by looking at every order of the nodes.

An acyclic graph is one whose nodes can be put in an order in which every edge leads forward. So
what has to go is, in some order, just the edges that lead backward (or from a node to itself).
Orders that begin with the same set of nodes go on alike, whence a table over sets (E. L. Lawler,
"A comment on minimum feedback arc sets", 1964). Nothing of the product is imported here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations

Edge = tuple[str, str]
Price = tuple[int, ...]


def cheapest(edges: Mapping[Edge, Price]) -> Price:
    """Return what the cheapest set of edges that breaks all circles costs.

    Args:
        edges: what each edge costs; all prices are of one length, and compare like tuples.
    """
    nodes = sorted({node for edge in edges for node in edge})
    width = max((len(price) for price in edges.values()), default=1)
    best: dict[frozenset[str], Price] = {frozenset(): (0,) * width}
    for size in range(1, len(nodes) + 1):
        for chosen in map(frozenset, combinations(nodes, size)):
            best[chosen] = min(
                _sum(
                    best[chosen - {last}],
                    *(price for (a, b), price in edges.items() if a == last and b in chosen),
                )
                for last in chosen
            )
    return best[frozenset(nodes)]


def breaks(edges: Collection[Edge], removed: Collection[Edge]) -> bool:
    """Tell whether no circle is left: taking away what nothing leads to takes all away."""
    left = set(edges) - set(removed)
    while left:
        heads = {head for _, head in left}
        rest = {edge for edge in left if edge[0] in heads}
        if rest == left:
            return False
        left = rest
    return True


def _sum(*prices: Price) -> Price:
    return tuple(map(sum, zip(*prices, strict=True)))

"""Shortest circles in a strongly connected component, and imports whose removal breaks it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping


def shortest_circle(nodes: Iterable[str], edges: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return a shortest circle among some nodes, starting and ending with its least node.

    Breadth-first search from each node that several import, cut off at the best length so far;
    of equally short circles the one that is found first, in the order of names, is taken.

    Args:
        nodes: the nodes of one strongly connected component.
        edges: successors of each node; others than the given nodes are passed over.

    Returns:
        The nodes in order, the first one again at the end; empty if there is no circle.
    """
    inside = set(nodes)
    successors = {node: sorted(inside.intersection(edges.get(node, ()))) for node in inside}
    # A circle through a module that only one other imports leads through that one too: starting
    # from the others finds them all, and a long chain costs nothing.
    importers = Counter(node for following in successors.values() for node in following)
    starts = [node for node in sorted(inside) if importers[node] > 1] or sorted(inside)[:1]
    best: tuple[str, ...] = ()
    for start in starts:
        limit = len(best) - 2 if best else len(inside)
        found = _circle_from(start, successors, limit)
        if found:
            best = found
            if len(best) == 3:
                break
    if not best:
        return ()
    first = best.index(min(best))
    return (*best[first:-1], *best[:first], best[first])


def _circle_from(start: str, successors: Mapping[str, list[str]], limit: int) -> tuple[str, ...]:
    """Return a shortest circle through a node over at most `limit` imports, or nothing."""
    came: dict[str, str] = {}
    depth = {start: 0}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        if depth[node] >= limit:
            return ()
        for following in successors[node]:
            if following == start:
                path = [start, node]
                while path[-1] != start:
                    path.append(came[path[-1]])
                return tuple(reversed(path)) if node != start else (start, start)
            if following not in depth:
                depth[following] = depth[node] + 1
                came[following] = node
                queue.append(following)
    return ()


def breaking_imports(
    nodes: Iterable[str], edges: Iterable[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Return few imports whose removal leaves no circle among some modules, sorted.

    grimp nominates breakers between the children of one package; so each module is made a child
    of a package of its own making. Its answer is an approximation of the minimum feedback arc
    set (Eades, Lin and Smyth, 1993).

    Args:
        nodes: the modules of one strongly connected component.
        edges: (importer, imported); those that leave the component are passed over.
    """
    import grimp

    names = sorted(nodes)
    number = {name: f"all.m{index:06d}" for index, name in enumerate(names)}
    native = grimp.ImportGraph()
    native.add_module("all")
    for importer, imported in sorted(edges):
        if importer in number and imported in number:
            native.add_import(importer=number[importer], imported=number[imported])
    back = {child: name for name, child in number.items()}
    nominated = native.nominate_cycle_breakers("all")
    return tuple(sorted((back[importer], back[imported]) for importer, imported in nominated))

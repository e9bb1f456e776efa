"""Shortest circles in a strongly connected component, and the fewest edges that break it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import msgspec

from lane_planner.graph.graph import components

Edge = tuple[str, str]


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


class Breakers(NamedTuple):
    """Edges whose removal leaves no circle.

    Attributes:
        edges: sorted; none of them could be left out.
        exact: whether it is proved that no smaller set does.
    """

    edges: tuple[Edge, ...]
    exact: bool


Ranks = Callable[[Sequence[Edge]], Mapping[Edge, int]]
"""Tells how hard edges are to remove: 0 and up, the higher the harder."""


def breaking_imports(
    nodes: Iterable[str], edges: Iterable[Edge], ranks: Ranks | None = None
) -> Breakers:
    """Return the fewest edges whose removal leaves no circle: a minimum feedback arc set.

    The graph is taken apart into strongly connected components, and those at the nodes that hold
    their parts together: every circle lies in one part. Nodes with one way in or out are
    contracted. Each part that is left is searched by branch and bound: a shortest circle must
    lose one of its edges, and circles with no edge in common must lose one each (the set cover
    of A. Baharev, H. Schichl, A. Neumaier and T. Achterberg, "An exact method for the minimum
    feedback arc set problem", ACM Journal of Experimental Algorithmics 26, 2021, without the
    integer programme). The search looks at a fixed number of decisions, the fewer the larger
    the part, so that the same graph gives the same answer everywhere.

    Where that is not enough the answer is the best that the search found, or else that of P.
    Eades, X. Lin and W. Smyth, "A fast and effective heuristic for the feedback arc set problem",
    Information Processing Letters 47, 1993: an ordering whose backward edges are at most half of
    all (m/2 - n/6 where no two nodes have edges both ways). Of these, edges that are not needed
    are left out.

    Where the set is proved smallest, of equally small ones that is taken whose hardest edges are
    fewest, as far as the same search finds it, in parts that are not too large to ask for
    `ranks`; what is left open is settled by names.

    Args:
        nodes: the nodes; edges that leave them are passed over.
        edges: (importer, imported).
        ranks: asked, once a part, for the edges that may be in a smallest set of it; None: all
            are equally hard.
    """
    names = sorted(set(nodes))
    number = {name: index for index, name in enumerate(names)}
    whole = {
        (number[a], number[b]): _Arc(1, ((a, b),))
        for a, b in sorted(set(edges))
        if a in number and b in number
    }
    found, exact = _fewest(whole)
    if ranks is None or not exact or not found:
        return Breakers(tuple(sorted(found)), exact)
    chosen: list[Edge] = []
    taken = set(found)
    for part in _parts(_without_loops(whole, chosen)):
        own = [edge for arc in part.values() for edge in arc.edges if edge in taken]
        chosen += own if len(part) > _RANKED else _easiest(part, own, ranks)
    return Breakers(tuple(sorted(chosen)), exact)


class _Arc(NamedTuple):
    """What leads from one node to another.

    Attributes:
        weight: what its removal costs.
        edges: the given edges that are removed with it.
    """

    weight: int
    edges: tuple[Edge, ...]


_Arcs = dict[tuple[int, int], _Arc]

# What the search of a part may cost, at its nodes times its nodes and arcs for each look: about a
# second.
_EFFORT = 60_000_000
# Edges of a part for whose ranks it is worth reading files.
_RANKED = 300


def _easiest(part: _Arcs, own: list[Edge], ranks: Ranks) -> list[Edge]:
    """Return a set as small as a smallest one of a part, with few hard edges.

    Args:
        part: its arcs, each of one edge and of weight 1.
        own: a smallest set.
        ranks: as for `breaking_imports`.
    """
    packing = _Packing(sorted(part), [1] * len(part))
    bound, _ = packing.pack(bytearray(len(part)), len(part) + 1)
    arcs = [arc for _, arc in sorted(part.items())]
    candidates = [
        arc.edges[0]
        # Where circles with no edge in common are as many as the edges of a smallest set, each
        # of its edges is in one of them.
        for index, arc in enumerate(arcs)
        if bound < len(own) or packing.used[index]
    ]
    ranked = ranks(candidates)
    base = len(part) + 1
    hardest = max(ranked.values())
    # More edges cost more than harder ones, one harder edge more than all that are easier.
    weights = {edge: base ** (hardest + 1) + base**rank for edge, rank in ranked.items()}
    never = base ** (hardest + 3)
    weighted = {
        ends: _Arc(weights.get(arc.edges[0], never), arc.edges) for ends, arc in part.items()
    }
    found, _ = _fewest(weighted)
    if sum(weights.get(e, never) for e in found) < sum(weights[e] for e in own):
        return found
    return own


def _fewest(arcs: _Arcs) -> tuple[list[Edge], bool]:
    """Return the edges of a cheapest set of arcs that breaks all circles, and if that is proved."""
    found: list[Edge] = []
    exact = True
    work = [_without_loops(arcs, found)]
    while work:
        for part in _parts(work.pop()):
            kernel = _contracted(part, found)
            if len(kernel) < len(part):
                work.append(kernel)  # it may fall into parts now
                continue
            removed, proved = _searched(part)
            exact = exact and proved
            for ends in removed:
                found += part[ends].edges
    return found, exact


def _without_loops(arcs: _Arcs, found: list[Edge]) -> _Arcs:
    """Return the arcs between different nodes; the edges of the others are found already."""
    for (tail, head), arc in arcs.items():
        if tail == head:
            found += arc.edges
    return {ends: arc for ends, arc in arcs.items() if ends[0] != ends[1]}


def _parts(arcs: _Arcs) -> list[_Arcs]:
    """Return the arcs of each part that every circle stays in, in a fixed order.

    The blocks (biconnected components) of a strongly connected graph are strongly connected.
    """
    component = {node: index for index, nodes in enumerate(components(arcs)) for node in nodes}
    inner: dict[int, list[tuple[int, int]]] = {}
    for tail, head in sorted(arcs):
        if tail in component and component[tail] == component.get(head):
            inner.setdefault(component[tail], []).append((tail, head))
    parts = [block for ends in inner.values() for block in _blocks(ends)]
    return sorted(({ends: arcs[ends] for ends in sorted(part)} for part in parts), key=min)


def _blocks(ends: list[tuple[int, int]]) -> list[set[tuple[int, int]]]:
    """Return the arcs of each block of a strongly connected graph.

    Args:
        ends: all of its arcs.
    """
    if len(ends) == len({tail for tail, _ in ends}):
        return [set(ends)]  # one circle and nothing else: not worth the loading of networkx
    import networkx

    every = set(ends)
    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_edges_from(ends)
    return [
        {arc for a, b in pairs for arc in ((a, b), (b, a)) if arc in every}
        for pairs in networkx.biconnected_component_edges(graph)
    ]


def _contracted(part: _Arcs, found: list[Edge]) -> _Arcs:
    """Return a part without the nodes that one arc alone leads to, or from, where that is dear.

    If that arc costs no less than all those on the other side of the node, some cheapest set
    removes them instead of it; so both of its ends can be one node. Arcs that come to lie side by
    side are one; an arc that comes to lead from a node to itself is removed.

    Args:
        part: its arcs; none leads from a node to itself.
        found: takes the edges that are removed.
    """
    out: dict[int, dict[int, _Arc]] = {}
    into: dict[int, dict[int, _Arc]] = {}
    for (tail, head), arc in part.items():
        out.setdefault(tail, {})[head] = arc
        into.setdefault(head, {})[tail] = arc
        out.setdefault(head, {})
        into.setdefault(tail, {})
    waiting = sorted(out, reverse=True)
    while waiting:
        node = waiting.pop()
        if node not in out:
            continue
        for ahead, behind in ((out, into), (into, out)):
            if len(behind[node]) != 1:
                continue
            ((other, arc),) = behind[node].items()
            if arc < _together(ahead[node].values()):
                continue
            waiting.append(other)
            del behind[node], ahead[other][node]
            for end, moved in ahead.pop(node).items():
                del behind[end][node]
                if end == other:
                    found += moved.edges
                    continue
                waiting.append(end)
                parallel = [moved] if end not in ahead[other] else [moved, ahead[other][end]]
                ahead[other][end] = behind[end][other] = _together(parallel)
            break
    return {(tail, head): arc for tail, heads in out.items() for head, arc in heads.items()}


def _together(arcs: Iterable[_Arc]) -> _Arc:
    found = list(arcs)
    return _Arc(
        sum(arc.weight for arc in found), tuple(sorted(edge for arc in found for edge in arc.edges))
    )


def _searched(part: _Arcs) -> tuple[list[tuple[int, int]], bool]:
    """Return a cheap set of arcs that breaks all circles of a part, and if it is proved cheapest.

    Args:
        part: a strongly connected part; none of its arcs leads from a node to itself.
    """
    ends = sorted(part, key=lambda pair: part[pair])
    weights = [part[pair].weight for pair in ends]
    best = min(
        (_by_ordering(ends, weights, backward=backward) for backward in (False, True)),
        key=lambda arcs: (sum(weights[arc] for arc in arcs), arcs),
    )
    nodes = len({node for pair in ends for node in pair})
    budget = _EFFORT // (nodes * (nodes + len(ends)))
    packing = _Packing(ends, weights)
    if budget:
        best, exact = _branch_and_bound(packing, best, budget)
        if not exact:  # what was removed for one circle may have become needless
            best = _by_ordering(ends, weights, passed_over=frozenset(best))
    else:  # what one look at it would cost is too much, but modules may import each other
        price = sum(weights[arc] for arc in best)
        exact = packing.pack(bytearray(len(ends)), price, longest=2)[0] >= price
    return [ends[arc] for arc in best], exact


_FREE, _REMOVED, _KEPT = range(3)


class _Choice(msgspec.Struct):
    """A circle that must lose one of some arcs; they are tried in turn.

    Attributes:
        arcs: those of its arcs about which nothing is decided yet.
        tried: index of the one that is removed now; those before it are kept.
    """

    arcs: list[int]
    tried: int = -1


def _branch_and_bound(packing: _Packing, best: list[int], budget: int) -> tuple[list[int], bool]:
    """Return a cheapest set of arcs that breaks all circles, or the best that is found.

    Args:
        packing: the bounds.
        best: a set that breaks all circles.
        budget: how many sets of decisions may be looked at.

    Returns:
        The set, sorted, and whether it is proved that none is cheaper.
    """
    weights = packing.weights
    state = bytearray(len(weights))
    price = sum(weights[arc] for arc in best)
    spent = 0
    choices: list[_Choice] = []
    for _ in range(budget):
        bound, circle = packing.pack(state, price - spent)
        if not circle:
            if spent < price and bound == 0:
                best = [arc for arc, decided in enumerate(state) if decided == _REMOVED]
                price = spent
        elif spent + bound < price:
            choices.append(_Choice([arc for arc in circle if state[arc] == _FREE]))
        while choices:
            choice = choices[-1]
            if choice.tried >= 0:
                state[choice.arcs[choice.tried]] = _KEPT
                spent -= weights[choice.arcs[choice.tried]]
            choice.tried += 1
            if choice.tried < len(choice.arcs):
                state[choice.arcs[choice.tried]] = _REMOVED
                spent += weights[choice.arcs[choice.tried]]
                break
            for arc in choice.arcs:
                state[arc] = _FREE
            choices.pop()
        else:
            return sorted(best), True
    return sorted(best), False


class _Packing:
    """Circles of a part that have no undecided arc in common: each costs one of its arcs.

    Sets of nodes are the bits of an integer.

    Args:
        ends: the nodes that each arc leads from and to.
        weights: what the removal of each arc costs.

    Attributes:
        weights: as given.
        used: for each arc whether a circle of the last packing has it.
    """

    def __init__(self, ends: Sequence[tuple[int, int]], weights: Sequence[int]) -> None:
        index = {node: at for at, node in enumerate(sorted({n for pair in ends for n in pair}))}
        self.weights = weights
        self.used = bytearray(len(ends))
        self._ends = [(index[tail], index[head]) for tail, head in ends]
        self._arc = {pair: arc for arc, pair in enumerate(self._ends)}
        self._count = len(index)
        self._out: list[int] = []
        self._into: list[int] = []

    def pack(
        self, state: bytearray, limit: int, longest: int | None = None
    ) -> tuple[int, list[int]]:
        """Return what breaking all circles costs at least, and a circle to begin with.

        Every circle that is found takes from the weights of its arcs what the least of them has
        left: that is what it costs, whatever the others do.

        Args:
            state: what is decided about each arc.
            limit: the cost from which on it does not matter how much more it is.
            longest: the number of arcs up to which circles are looked for; None: all.

        Returns:
            The bound, and the arcs of a circle with fewest undecided ones; no arcs where there
            is no circle, or one (then the bound is the limit) whose arcs are all kept.
        """
        count = self._count
        self._out, self._into = [0] * count, [0] * count
        for (tail, head), decided in zip(self._ends, state, strict=True):
            if decided != _REMOVED:
                self._out[tail] |= 1 << head
                self._into[head] |= 1 << tail
        self.used = bytearray(len(state))
        left = list(self.weights)
        bound = 0
        first: list[int] = []
        fewest = len(state) + 1
        alive = (1 << count) - 1
        for length in (2, 3, count) if longest is None else (longest,):
            for node in range(count):
                while bound < limit and (circle := self._circle(node, alive, length)):
                    free = [arc for arc in circle if state[arc] == _FREE]
                    if not free:
                        return limit, []
                    if len(free) < fewest:
                        first, fewest = circle, len(free)
                    cost = min(left[arc] for arc in free)
                    bound += cost
                    for arc in free:
                        self.used[arc] = 1
                        left[arc] -= cost
                        if not left[arc]:
                            tail, head = self._ends[arc]
                            self._out[tail] &= ~(1 << head)
                            self._into[head] &= ~(1 << tail)
                if length == count:
                    alive &= ~(1 << node)  # no circle leads through it any more
        return bound, sorted(first)

    def _circle(self, start: int, alive: int, longest: int) -> list[int]:
        """Return the arcs of a shortest circle through a node and others that are alive."""
        out, into = self._out, self._into
        layer = seen = out[start] & alive
        layers = [layer]
        while not layer & into[start]:
            if len(layers) + 1 >= longest:
                return []
            following = 0
            while layer:
                low = layer & -layer
                following |= out[low.bit_length() - 1]
                layer ^= low
            layer = following & alive & ~seen
            if not layer:
                return []
            seen |= layer
            layers.append(layer)
        circle = []
        head = start
        for layer in reversed(layers):
            tails = into[head] & layer
            tail = (tails & -tails).bit_length() - 1
            circle.append(self._arc[tail, head])
            head = tail
        circle.append(self._arc[start, head])
        return circle


def _by_ordering(
    ends: Sequence[tuple[int, int]],
    weights: Sequence[int],
    *,
    backward: bool = False,
    passed_over: Collection[int] = frozenset(),
) -> list[int]:
    """Return the arcs that lead back in an ordering of the nodes, without those not needed.

    Args:
        ends: the nodes that each arc leads from and to.
        weights: what the removal of each arc costs.
        backward: whether the ordering is made of the arcs turned round.
        passed_over: arcs that the ordering does not heed; where the others make no circle, they
            all lead forward.
    """
    out: dict[int, list[int]] = {node: [] for pair in ends for node in pair}
    into: dict[int, list[int]] = {node: [] for node in out}
    for arc, (tail, head) in enumerate(ends):
        if arc not in passed_over:
            out[tail].append(arc)
            into[head].append(arc)
    if backward:
        turned = [(head, tail) for tail, head in ends]
        order = _ordering(turned, weights, into, out)[::-1]
    else:
        order = _ordering(ends, weights, out, into)
    place = {node: at for at, node in enumerate(order)}
    # The nodes that can be reached from each, as bits; the last are known first.
    reached = {node: 1 << at for node, at in place.items()}
    for tail, head in sorted(ends, key=lambda pair: -place[pair[0]]):
        if place[head] > place[tail]:
            reached[tail] |= reached[head]
    removed = []
    for arc in reversed(range(len(ends))):
        tail, head = ends[arc]
        if place[head] > place[tail]:
            continue
        mark = 1 << place[tail]
        if reached[head] & mark:
            removed.append(arc)
            continue
        for node, nodes in reached.items():
            if nodes & mark:
                reached[node] = nodes | reached[head]
    return sorted(removed)


def _ordering(
    ends: Sequence[tuple[int, int]],
    weights: Sequence[int],
    out: Mapping[int, Sequence[int]],
    into: Mapping[int, Sequence[int]],
) -> list[int]:
    """Return nodes in the order of Eades, Lin and Smyth.

    What leads nowhere goes to the end and what nothing leads to to the front; else the node with
    the most leading from it beyond what leads to it goes to the front.

    Args:
        ends: the nodes that each arc leads from and to.
        weights: of the arcs.
        out: the arcs that lead from each node.
        into: the arcs that lead to each node.
    """
    leaving = {node: sum(weights[arc] for arc in arcs) for node, arcs in out.items()}
    coming = {node: sum(weights[arc] for arc in arcs) for node, arcs in into.items()}
    front: list[int] = []
    back: list[int] = []
    placed: set[int] = set()

    def turn(node: int) -> tuple[int, int, int]:
        """Return what sorts what leads nowhere first, then what nothing leads to, then the rest."""
        urgency = 0 if not leaving[node] else 1 if not coming[node] else 2
        return urgency, coming[node] - leaving[node], node

    heap = [turn(node) for node in sorted(out)]
    heapify(heap)
    while heap:
        urgency, difference, node = heappop(heap)
        if node in placed or (urgency == 2 and difference != coming[node] - leaving[node]):
            continue
        placed.add(node)
        (front if leaving[node] else back).append(node)
        for arcs, end, sums in ((out[node], 1, coming), (into[node], 0, leaving)):
            for arc in arcs:
                other = ends[arc][end]
                if other in placed:
                    continue
                sums[other] -= weights[arc]
                heappush(heap, turn(other))
    return front + back[::-1]

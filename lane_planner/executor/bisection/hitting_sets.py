"""The cheapest set that has something in common with each of some sets, by branch and bound.

Minimum hitting set is set cover seen from the other side, and NP-hard (Karp, "Reducibility among
combinatorial problems", 1972). What is dominated is left out first; Chvátal's greedy set ("A greedy
heuristic for the set-covering problem", 1979) is the bound to begin with, and sets that have no
choice in common give the lower one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from lane_planner.executor.bisection.units import Units, bits, union


class HittingSet(NamedTuple):
    """What is to be dropped.

    Attributes:
        mask: the set.
        exact: whether it is known to be the cheapest.
        nodes: how many nodes of branch and bound are left to look at.
    """

    mask: int
    exact: bool
    nodes: int


def hitting_set(units: Units, sets: Collection[int], nodes: int) -> HittingSet:
    """Return the cheapest set, with all that need it, that has a unit of each set.

    Sets that have nothing in common, directly or by what needs them, are looked at apart.

    Args:
        units: the items.
        sets: the sets to hit.
        nodes: how many nodes of branch and bound to look at.
    """
    least: list[int] = []
    for mask in sorted(set(sets), key=int.bit_count):
        if all(other & ~mask for other in least):
            least.append(mask)
    parts: list[tuple[int, list[int]]] = []
    for mask in least:
        reach, together = units.needing(mask), [mask]
        apart = []
        for other, masks in parts:
            if other & reach:
                reach |= other
                together = masks + together
            else:
                apart.append((other, masks))
        parts = [*apart, (reach, together)]
    drop, exact = 0, True
    for _, masks in parts:
        part = _Branching(units, masks, nodes)
        drop |= part.best
        nodes = max(part.nodes, 0)
        exact = exact and part.nodes >= 0
    return HittingSet(drop, exact, nodes)


class _Branching:
    """The cheapest hitting set by branch and bound.

    The greedy one comes first; it stays if the nodes are used up before a cheaper one is found.

    Args:
        units: the items.
        sets: the sets to hit.
        nodes: how many nodes to look at.

    Attributes:
        best: the cheapest set found.
        nodes: how many nodes were left; below 0: it was given up.
    """

    def __init__(self, units: Units, sets: Sequence[int], nodes: int) -> None:
        self._units = units
        self._sets = sets
        self._choices = self._undominated()
        self.nodes = nodes
        self.best = self._greedy()
        self._least = units.cost(self.best)
        stack = [(0, (1 << len(sets)) - 1)]
        while stack and self.nodes >= 0:
            self.nodes -= 1
            drop, open_sets = stack.pop()
            cost = units.cost(drop)
            if not open_sets:
                if cost < self._least:
                    self.best, self._least = drop, cost
                continue
            branches = self._branches(drop, open_sets, cost)
            stack.extend(reversed(branches))

    def _undominated(self) -> dict[int, int]:
        """Return what can be dropped, by unit, with the sets that it hits, without what is worse.

        A unit is no better than another one that hits as much, and whose dropping costs no more
        than the unit by itself or takes nothing else along.
        """
        units = self._units
        hits: dict[int, int] = {}
        for at, mask in enumerate(self._sets):
            for unit in bits(mask):
                hits[unit] = hits.get(unit, 0) | 1 << at
        # What is dropped with a unit hits as well.
        full = {
            unit: union(hits.get(other, 0) for other in bits(units.above[unit])) for unit in hits
        }
        price = {unit: units.cost(units.above[unit]) for unit in hits}
        kept: list[int] = []
        for unit in sorted(hits, key=lambda unit: (price[unit], unit)):
            if not any(
                full[unit] & ~full[other] == 0
                and (
                    price[other] <= units.costs[unit]
                    or units.above[other] & ~units.above[unit] == 0
                )
                for other in kept
            ):
                kept.append(unit)
        return {unit: full[unit] for unit in kept}

    def _greedy(self) -> int:
        """Return a hitting set: what hits most for its price first, nothing in it superfluous."""
        units = self._units
        drop, open_sets, chosen = 0, (1 << len(self._sets)) - 1, []
        while open_sets:
            unit = min(
                (unit for unit in self._choices if self._choices[unit] & open_sets),
                key=lambda unit: (
                    units.cost(units.above[unit] & ~drop)
                    / (1 << len(units.items))
                    / (self._choices[unit] & open_sets).bit_count(),
                    -unit,
                ),
            )
            chosen.append(unit)
            drop |= units.above[unit]
            open_sets &= ~self._choices[unit]
        for unit in list(chosen):
            others = [other for other in chosen if other != unit]
            if union(self._choices[other] for other in others) == (1 << len(self._sets)) - 1:
                chosen = others
        return units.needing(sum(1 << unit for unit in chosen))

    def _branches(self, drop: int, open_sets: int, cost: int) -> list[tuple[int, int]]:
        """Return what can come of a choice: a unit of the set with the fewest is dropped."""
        units = self._units
        reached, bound = 0, cost
        fewest: list[int] = []
        options: list[list[int]] = []
        for at in bits(open_sets):
            # Also those that are not in the set themselves, but that a unit of it needs.
            choices = [unit for unit in self._choices if self._choices[unit] >> at & 1]
            options.append(choices)
        for choices in sorted(options, key=len):
            reach = union(units.above[unit] for unit in choices)
            if not reach & reached:
                reached |= reach
                bound += min(units.cost(units.above[unit] & ~drop) for unit in choices)
            if not fewest:
                fewest = choices
        if bound >= self._least:
            return []
        found = sorted(fewest, key=lambda unit: (units.cost(units.above[unit] & ~drop), unit))
        return [(drop | units.above[unit], open_sets & ~self._choices[unit]) for unit in found]

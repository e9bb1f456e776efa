"""Items that need one another, as the bits of integers.

A unit is an item, or items that need each other: a strongly connected component of the needs. The
lowest bit comes first in a topological order, which has what is needed before what needs it (Kahn,
"Topological sorting of large networks", 1962, with a heap, so that the earliest item goes first).
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from lane_planner.planner.order import condensed


class Units(msgspec.Struct, frozen=True):
    """The items with their needs, as bits.

    Attributes:
        items: in the given order.
        members: positions of each unit's items, ascending.
        unit: the unit of each item, by name.
        close: each unit with all that it needs.
        above: each unit with all that need it.
        before: what each unit needs itself.
        costs: what dropping a unit costs: its items first, then how early they are. The sum over a
            set is least for the set to be preferred.
    """

    items: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    unit: Mapping[str, int]
    close: tuple[int, ...]
    above: tuple[int, ...]
    before: tuple[int, ...]
    costs: tuple[int, ...]

    @classmethod
    def of(cls, items: Sequence[str], needs: Mapping[str, Collection[str]]) -> Units:
        """Return the items, units sorted by need, then by their first item."""
        position = {item: index for index, item in enumerate(items)}
        edges = [
            (item, need)
            for item in items
            for need in sorted(needs.get(item, ()))
            if need in position
        ]
        groups, needed = condensed(items, edges)
        members = [tuple(sorted(position[name] for name in group)) for group in groups]
        rank = {group: at for at, group in enumerate(_sorted(members, needed))}
        sequence = sorted(rank, key=rank.__getitem__)
        close: list[int] = []
        before: list[int] = []
        above = [1 << at for at in range(len(sequence))]
        for at, group in enumerate(sequence):
            earlier = [rank[other] for other in needed[group]]
            before.append(sum(1 << other for other in earlier))
            mask = 1 << at
            for other in earlier:
                mask |= close[other]
            close.append(mask)
            for other in bits(mask):
                above[other] |= 1 << at
        size = len(items)
        return cls(
            tuple(items),
            tuple(members[group] for group in sequence),
            {items[index]: rank[group] for group in rank for index in members[group]},
            tuple(close),
            tuple(above),
            tuple(before),
            tuple(
                sum((1 << size) + (1 << (size - 1 - index)) for index in members[group])
                for group in sequence
            ),
        )

    @property
    def all(self) -> int:
        """All units."""
        return (1 << len(self.members)) - 1

    def closed(self, mask: int) -> int:
        """Return a set with all that it needs."""
        found = 0
        for unit in bits(mask):
            found |= self.close[unit]
        return found

    def needing(self, mask: int) -> int:
        """Return a set with all that need it."""
        found = 0
        for unit in bits(mask):
            found |= self.above[unit]
        return found

    def cost(self, mask: int) -> int:
        """Return what dropping a set costs."""
        return sum(self.costs[unit] for unit in bits(mask))

    def names(self, mask: int) -> tuple[str, ...]:
        """Return the items of a set, in their order."""
        return tuple(
            self.items[index]
            for index in sorted(index for unit in bits(mask) for index in self.members[unit])
        )


def _sorted(members: Sequence[tuple[int, ...]], needed: Sequence[set[int]]) -> Iterator[int]:
    """Yield groups, what is needed first, otherwise the one with the earliest item."""
    missing = [len(earlier) for earlier in needed]
    following: list[list[int]] = [[] for _ in needed]
    for group, earlier in enumerate(needed):
        for other in earlier:
            following[other].append(group)
    ready = [(members[group], group) for group, count in enumerate(missing) if count == 0]
    heapq.heapify(ready)
    while ready:
        _, group = heapq.heappop(ready)
        yield group
        for other in following[group]:
            missing[other] -= 1
            if missing[other] == 0:
                heapq.heappush(ready, (members[other], other))


def union(masks: Iterable[int]) -> int:
    """Return the set of all that is in any of some sets."""
    found = 0
    for mask in masks:
        found |= mask
    return found


def first(mask: int, count: int) -> int:
    """Return the first units of a set."""
    found = 0
    for unit in bits(mask):
        if count <= 0:
            break
        found |= 1 << unit
        count -= 1
    return found


def bits(mask: int) -> Iterator[int]:
    """Yield the units of a set, the lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low

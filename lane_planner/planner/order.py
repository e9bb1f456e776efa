"""What can move, in steps and waves.

Needs form a graph. Its strongly connected components land as one step; a module that is blocked
blocks all that need it; the waves are the longest paths of needs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

import msgspec

from lane_planner.graph.graph import components
from lane_planner.planner.hop import Hop, Need
from lane_planner.planner.schema import BlockedModule, Cause


def blocked_modules(hop: Hop) -> dict[str, BlockedModule]:
    """Return the modules that cannot move, with causes, by name, sorted.

    A module that only needs blocked ones gets, for each of those, an LP403 and the nearest root
    cause with the chain that leads to it.
    """
    nearest = _nearest(hop)
    blocked = {}
    for name in sorted(nearest):
        found = set(hop.causes.get(name, ()))
        for need in _all_needs(hop, name):
            if need.needed in nearest:
                root = nearest[need.needed]
                chain = (name, *root.chain)
                found.add(msgspec.structs.replace(root, chain=chain))
                found.add(
                    Cause("LP403", name, need.needed, need.path, need.line, chain,
                          f"{need.needed} is blocked")
                )  # fmt: skip
        blocked[name] = BlockedModule(name, tuple(sorted(found)))
    return blocked


def _all_needs(hop: Hop, name: str) -> tuple[Need, ...]:
    return hop.needs.get(name, ()) + _group_needs(hop).get(name, ())


def _group_needs(hop: Hop) -> dict[str, tuple[Need, ...]]:
    return {
        name: tuple(Need(other, "", 0) for other in group if other != name)
        for group in hop.together
        for name in group
    }


def _nearest(hop: Hop) -> dict[str, Cause]:
    """Return the nearest root cause of each blocked module, its chain starting at the module.

    Breadth-first from all modules that have causes of their own; ties go to the lesser name.
    """
    needed_by: dict[str, set[str]] = {}
    groups = _group_needs(hop)
    for name in hop.candidates:
        for need in hop.needs.get(name, ()) + groups.get(name, ()):
            needed_by.setdefault(need.needed, set()).add(name)
    nearest = {name: causes[0] for name, causes in hop.causes.items()}
    queue = deque(sorted(nearest))
    while queue:
        name = queue.popleft()
        for dependent in sorted(needed_by.get(name, ())):
            if dependent not in nearest:
                root = nearest[name]
                nearest[dependent] = msgspec.structs.replace(root, chain=(dependent, *root.chain))
                queue.append(dependent)
    return nearest


def closure(hop: Hop, goals: Iterable[str]) -> frozenset[str]:
    """Return the modules that have to move so that some can: themselves and all they need."""
    groups = _group_needs(hop)
    found: set[str] = set()
    pending = sorted(goals)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(n.needed for n in hop.needs.get(name, ()) + groups.get(name, ()))
    return frozenset(found)


class Ordered(msgspec.Struct, frozen=True):
    """Modules that land together, and their place.

    Attributes:
        modules: names, sorted.
        wave: from 1.
        after: indexes of the steps that must have landed, sorted.
        unlocks: how many modules wait for this step, directly or not.
    """

    modules: tuple[str, ...]
    wave: int
    after: tuple[int, ...]
    unlocks: int


def order(
    hop: Hop, moving: Collection[str], rewrites: Mapping[str, Collection[str]]
) -> tuple[Ordered, ...]:
    """Return the steps in which modules land.

    The order is by wave (longest path of needs), then by most modules unlocked, then by fewest
    files rewritten, then by name.

    Args:
        hop: needs and groups.
        moving: the modules to move; all that they need are among them.
        rewrites: importers of each module, for the order inside a wave.
    """
    inside = frozenset(moving)
    edges = [
        (name, need.needed)
        for name in sorted(inside)
        for need in hop.needs.get(name, ())
        if need.needed in inside
    ]
    ties = [
        pair
        for group in hop.together
        for pair in zip(group, (*group[1:], group[0]), strict=True)
        if len(group) > 1
    ]
    groups = list(components(edges + ties))
    grouped = {name for group in groups for name in group}
    groups += [(name,) for name in sorted(inside - grouped)]
    of = {name: index for index, group in enumerate(groups) for name in group}
    before: list[set[int]] = [set() for _ in groups]
    for name, needed in edges:
        if of[name] != of[needed]:
            before[of[name]].add(of[needed])
    sequence = _topological(before)
    wave = [1] * len(groups)
    for index in sequence:
        for earlier in before[index]:
            wave[index] = max(wave[index], wave[earlier] + 1)
    waiting = _waiting(groups, before, sequence)
    touched = [len({path for name in group for path in rewrites.get(name, ())}) for group in groups]
    ranked = sorted(range(len(groups)), key=lambda i: (wave[i], -waiting[i], touched[i], groups[i]))
    place = {index: rank for rank, index in enumerate(ranked)}
    return tuple(
        Ordered(groups[i], wave[i], tuple(sorted(place[b] for b in before[i])), waiting[i])
        for i in ranked
    )


def _topological(before: list[set[int]]) -> list[int]:
    """Return indexes so that each comes behind all that are before it (Kahn, 1962)."""
    missing = [len(earlier) for earlier in before]
    following: list[list[int]] = [[] for _ in before]
    for index, earlier in enumerate(before):
        for other in earlier:
            following[other].append(index)
    ready = deque(index for index, count in enumerate(missing) if count == 0)
    sequence = []
    while ready:
        index = ready.popleft()
        sequence.append(index)
        for other in following[index]:
            missing[other] -= 1
            if missing[other] == 0:
                ready.append(other)
    return sequence


def _waiting(
    groups: list[tuple[str, ...]], before: list[set[int]], sequence: list[int]
) -> list[int]:
    """Return how many modules wait for each group, directly or not, by bit sets."""
    sizes = [len(group) for group in groups]
    waiting = [0] * len(groups)  # bit sets of groups
    for index in reversed(sequence):
        mine = waiting[index] | 1 << index
        for earlier in before[index]:
            waiting[earlier] |= mine
    single = all(size == 1 for size in sizes)
    return [bits.bit_count() if single else sum(sizes[i] for i in _bits(bits)) for bits in waiting]


def _bits(bits: int) -> Iterable[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low

"""What can move, in steps and waves.

Needs form a graph. Its strongly connected components land as one step; a module that is blocked
blocks all that need it; the waves are the longest paths of needs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from lane_planner.graph.graph import components
from lane_planner.planner.hop import Facts, Hop, dependents, ring
from lane_planner.planner.ranking import Ranking
from lane_planner.planner.schema import BlockedModule, Cause, Score

_USUAL = Ranking()


def blocked_modules(hop: Hop) -> dict[str, BlockedModule]:
    """Return the modules that cannot move, with causes, by name, sorted.

    A module that needs blocked ones gets, for each of those, an LP403 and the nearest root cause
    with the chain that leads to it. A needed module that is blocked only by way of the module
    itself tells nothing, and is passed over.
    """
    nearest = _nearest(hop)
    blocked = {}
    for name in sorted(nearest):
        found = set(hop.causes.get(name, ()))
        for need in hop.needs.get(name, ()):
            root = nearest.get(need.needed)
            if root is None or _leads_through(nearest, need.needed, name):
                continue
            chain, left_out = _chain(nearest, need.needed)
            chain = (name, *chain)
            more = f"; the chain has {left_out} modules more in its middle" if left_out else ""
            detail = f"{need.needed} is blocked{more}"
            found.add(msgspec.structs.replace(root.cause, chain=chain))
            found.add(Cause("LP403", name, need.needed, need.path, need.line, chain, detail))
        if not found:  # it needs nothing that is blocked, but has to land with what is
            chain, _ = _chain(nearest, name)
            found.add(msgspec.structs.replace(nearest[name].cause, chain=chain))
        blocked[name] = BlockedModule(name, tuple(sorted(found)))
    return blocked


# Chains longer than twice this many names are told by their two ends.
_END = 25


class _Root(NamedTuple):
    """The nearest root cause of a blocked module, and the way to it.

    Attributes:
        cause: the cause, its chain starting at the module that has it.
        via: the needed module that leads to it; None for the module that has it.
        depth: how many needs lie between.
        tail: the last names of the chain from here to the cause, at most `_END`.
    """

    cause: Cause
    via: str | None
    depth: int
    tail: tuple[str, ...]


def _nearest(hop: Hop) -> dict[str, _Root]:
    """Return the nearest root cause of each blocked module.

    Breadth-first from all modules that have causes of their own; ties go to the lesser name.
    """
    needing = dependents(hop)
    nearest = {
        name: _Root(causes[0], None, 0, causes[0].chain) for name, causes in hop.causes.items()
    }
    queue = deque(sorted(nearest))
    while queue:
        name = queue.popleft()
        root = nearest[name]
        for dependent in needing.get(name, ()):
            if dependent not in nearest:
                tail = (dependent, *root.tail) if len(root.tail) < _END else root.tail
                nearest[dependent] = _Root(root.cause, name, root.depth + 1, tail)
                queue.append(dependent)
    return nearest


def _chain(nearest: Mapping[str, _Root], name: str) -> tuple[tuple[str, ...], int]:
    """Return the chain from a module to its root cause, and how many names it leaves out."""
    root = nearest[name]
    length = root.depth + len(root.cause.chain)
    if len(root.tail) == length:
        return root.tail, 0
    head: list[str] = []
    at: str | None = name
    while at is not None and len(head) < min(_END, length - len(root.tail)):
        head.append(at)
        at = nearest[at].via
    return (*head, *root.tail), length - len(head) - len(root.tail)


def _leads_through(nearest: Mapping[str, _Root], name: str, through: str) -> bool:
    """Tell whether the way from a module to its root cause leads through another one.

    Depths fall along the way, so it is left where it is nearer to the cause than the other.
    """
    end = nearest[through].depth
    at: str | None = name
    while at is not None and nearest[at].depth > end:
        at = nearest[at].via
    return at == through


def closure(hop: Hop, goals: Iterable[str]) -> frozenset[str]:
    """Return the modules that have to move so that some can: themselves and all they need."""
    following = dict(ring(hop.together))
    found: set[str] = set()
    pending = sorted(goals)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(need.needed for need in hop.needs.get(name, ()))
            if name in following:
                pending.append(following[name])
    return frozenset(found)


class Ordered(msgspec.Struct, frozen=True):
    """Modules that land together, and their place.

    Attributes:
        modules: names, sorted.
        wave: from 1.
        after: indexes of the steps that must have landed, sorted.
        score: what its place in the wave is chosen by.
    """

    modules: tuple[str, ...]
    wave: int
    after: tuple[int, ...]
    score: Score


def order(
    facts: Facts, hop: Hop, moving: Collection[str], ranking: Ranking = _USUAL
) -> tuple[Ordered, ...]:
    """Return the steps in which modules land.

    The order is by wave (longest path of needs), then as the ranking says, then by name.

    Args:
        facts: the repository.
        hop: needs and groups.
        moving: the modules to move; all that they need are among them.
        ranking: how the steps of one wave are compared.
    """
    inside = frozenset(moving)
    edges = [
        (name, need.needed)
        for name in sorted(inside)
        for need in hop.needs.get(name, ())
        if need.needed in inside
    ]
    # A group moves as a whole or not at all: what blocks or needs one of it does so with all.
    ties = ring(group for group in hop.together if inside.issuperset(group))
    groups, before = condensed(inside, edges + ties)
    sequence = topological(before)
    wave = [1] * len(groups)
    for index in sequence:
        for earlier in before[index]:
            wave[index] = max(wave[index], wave[earlier] + 1)
    sizes = [len(group) for group in groups]
    scores = [
        ranking.score(
            group,
            [hop.paths[name] for name in group],
            unlock=unlock,
            importers=len(importing_files(facts, group)),
        )
        for group, unlock in zip(groups, _waiting(sizes, before, sequence), strict=True)
    ]
    ranked = sorted(range(len(groups)), key=lambda i: (wave[i], *ranking.key(scores[i]), groups[i]))
    rank = {index: rank for rank, index in enumerate(ranked)}
    return tuple(
        Ordered(groups[i], wave[i], tuple(sorted(rank[b] for b in before[i])), scores[i])
        for i in ranked
    )


def condensed(
    names: Collection[str], edges: Sequence[tuple[str, str]]
) -> tuple[list[tuple[str, ...]], list[set[int]]]:
    """Return groups of names that lead to each other, and what leads from group to group.

    Args:
        names: all names.
        edges: (name, needed name), both among the names.

    Returns:
        The strongly connected components, sorted, then the names that are in none; and for each
        the indexes of the groups that it needs.
    """
    groups = list(components(edges))
    grouped = {name for group in groups for name in group}
    groups += [(name,) for name in sorted(set(names) - grouped)]
    of = {name: index for index, group in enumerate(groups) for name in group}
    needed: list[set[int]] = [set() for _ in groups]
    for name, other in edges:
        if of[name] != of[other]:
            needed[of[name]].add(of[other])
    return groups, needed


def importing_files(facts: Facts, names: Collection[str]) -> set[str]:
    """Return the files that import some modules, without the files of these."""
    modules, own = facts.graph.modules, frozenset(names)
    return {
        modules[importer].path
        for name in names
        for importer in facts.graph.importers_of(name)
        if importer not in own
    }


def topological(before: list[set[int]]) -> list[int]:
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


# Bits of one pass: what waits for each group of as many is found in one go.
_PASS = 4096


def _waiting(sizes: list[int], before: list[set[int]], sequence: list[int]) -> list[int]:
    """Return how many modules wait for each group, directly or not.

    Counting descendants exactly takes a bit for each pair; passes over some thousand groups at a
    time, last in the sequence first, keep the memory in proportion to the groups.
    """
    found = [0] * len(sizes)
    single = all(size == 1 for size in sizes)
    for end in range(len(sequence), 0, -_PASS):
        chosen = sequence[max(0, end - _PASS) : end]
        position = {index: bit for bit, index in enumerate(chosen)}
        bits = dict.fromkeys(chosen, 0)
        # Nobody behind the chosen groups can have them waiting.
        for index in reversed(sequence[:end]):
            mine = bits.pop(index, 0)
            if not mine and index not in position:
                continue
            if single:
                found[index] += mine.bit_count()
            else:
                found[index] += sum(sizes[chosen[bit]] for bit in _bits(mine))
            if index in position:
                mine |= 1 << position[index]
            for earlier in before[index]:
                bits[earlier] = bits.get(earlier, 0) | mine
    return found


def _bits(bits: int) -> Iterable[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low

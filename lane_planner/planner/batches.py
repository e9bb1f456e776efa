"""Steps → batches: what lands together as one pull request, so that no two of them collide.

Two pull requests that edit one file conflict. Of the steps that are ready, those that edit a file
in common stand in one batch, or the later one waits for the next wave; so no two batches of one
wave edit a common file.

The fewest batches are looked for by first-fit decreasing, which never takes more than 11/9 of the
fewest possible plus one (Johnson, 1973; Dósa, 2007), and exactly the fewest where steps move one
file each: once with the steps of each package tied together, once without. The ties are kept if
they cost no batch.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec


class Footprint(msgspec.Struct, frozen=True):
    """What a step needs to know of itself to find its batch.

    Attributes:
        package: the directory of its first module; mates should land together.
        size: how many files it moves.
        files: paths that it edits: moved from, moved to, rewritten (as they stand today).
        packages: paths of `__init__.py` files that it makes unless they are there already.
        after: indexes of the steps that must have landed in an earlier wave.
    """

    package: str
    size: int
    files: frozenset[str]
    packages: tuple[str, ...]
    after: tuple[int, ...]


class Placed(msgspec.Struct, frozen=True):
    """Steps that land as one batch.

    Attributes:
        wave: from 1.
        steps: their indexes, in the order given.
        files: all that they edit.
    """

    wave: int
    steps: tuple[int, ...]
    files: frozenset[str]


class _Group(msgspec.Struct):
    """Steps that have to be in one batch if they are in the same wave."""

    steps: list[int]
    size: int


def place(footprints: Sequence[Footprint], most: int) -> tuple[Placed, ...]:
    """Return the batches of steps, wave after wave.

    A step lands in the first wave in which all that it waits for has landed, unless it edits a
    file that a batch of that wave edits and that has no room for it: then in the next.

    Args:
        footprints: the steps, best first.
        most: how many files a batch may move; a step that moves more is a batch of its own.
    """
    missing = [len(step.after) for step in footprints]
    following: list[list[int]] = [[] for _ in footprints]
    for index, step in enumerate(footprints):
        for earlier in step.after:
            following[earlier].append(index)
    ready = [index for index, count in enumerate(missing) if count == 0]
    there: set[str] = set()  # of the packages: those that are made by now
    batches: list[Placed] = []
    wave = 0
    while ready:
        wave += 1
        edits = {
            i: footprints[i].files.union(p for p in footprints[i].packages if p not in there)
            for i in ready
        }
        groups = _groups(footprints, edits, most)
        placed: set[int] = set()
        for steps in _packed(footprints, groups, most):
            files = frozenset().union(*(edits[index] for index in steps))
            batches.append(Placed(wave, tuple(sorted(steps)), files))
            placed.update(steps)
            there.update(files)
        waiting = [index for index in ready if index not in placed]
        for index in placed:
            for later in following[index]:
                missing[later] -= 1
                if missing[later] == 0:
                    waiting.append(later)
        ready = sorted(waiting)
    return tuple(batches)


def _groups(
    footprints: Sequence[Footprint], edits: Mapping[int, Collection[str]], most: int
) -> list[_Group]:
    """Return the groups of one wave; what finds no room is in none."""
    groups: list[_Group] = []
    for component in _components(edits):
        size = sum(footprints[index].size for index in component)
        if size <= most or len(component) == 1:
            groups.append(_Group(component, size))
        else:
            groups += _divided(footprints, edits, component, most)
    return groups


def _components(edits: Mapping[int, Collection[str]]) -> list[list[int]]:
    """Return the steps that edit files in common, directly or by way of others."""
    parent = {index: index for index in edits}

    def find(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    owner: dict[str, int] = {}
    for index, files in edits.items():
        for path in files:
            other = owner.setdefault(path, index)
            a, b = find(index), find(other)
            if a != b:
                parent[max(a, b)] = min(a, b)
    found: dict[int, list[int]] = {}
    for index in edits:
        found.setdefault(find(index), []).append(index)
    return list(found.values())


def _divided(
    footprints: Sequence[Footprint],
    edits: Mapping[int, Collection[str]],
    component: Sequence[int],
    most: int,
) -> list[_Group]:
    """Take as much of a component that is too large as one wave can hold.

    Package by package, the package of the best step first: each step joins the group that edits
    its files, and makes one of the groups that do; where that grows too large, it waits.
    """
    rank: dict[str, int] = {}
    for index in component:
        rank.setdefault(footprints[index].package, index)
    owner: dict[str, _Group] = {}
    groups: list[_Group] = []
    for index in sorted(component, key=lambda i: (rank[footprints[i].package], i)):
        files = edits[index]
        met = {id(group): group for path in files if (group := owner.get(path)) is not None}
        joined = sorted(met.values(), key=lambda group: group.steps[0])
        size = footprints[index].size + sum(group.size for group in joined)
        if size > most and joined:
            continue
        if joined:
            # The largest takes over the others, so that each file changes hands seldom.
            home = max(joined, key=lambda group: len(group.steps))
            for group in joined:
                if group is not home:
                    home.steps += group.steps
                    for path in (path for i in group.steps for path in edits[i]):
                        owner[path] = home
                    group.steps = []
        else:
            home = _Group([], 0)
            groups.append(home)
        home.steps.append(index)
        home.size = size
        owner.update(dict.fromkeys(files, home))
    return [group for group in groups if group.steps]


def _packed(
    footprints: Sequence[Footprint], groups: Sequence[_Group], most: int
) -> list[list[int]]:
    """Return the steps of each batch, that of the best step first."""
    tied = _first_fit(_tied(footprints, groups, most), most)
    loose = _first_fit(groups, most)
    chosen = tied if len(tied) <= len(loose) else loose
    return sorted((sorted(group.steps) for group in chosen), key=lambda steps: steps[0])


def _tied(footprints: Sequence[Footprint], groups: Sequence[_Group], most: int) -> list[_Group]:
    """Tie groups of one package together, as far as a batch holds them."""
    found: list[_Group] = []
    last: dict[str, _Group] = {}
    for group in sorted(groups, key=lambda group: min(group.steps)):
        package = footprints[min(group.steps)].package
        mates = last.get(package)
        if mates is not None and mates.size + group.size <= most:
            mates.steps = mates.steps + group.steps
            mates.size += group.size
        else:
            last[package] = _Group(list(group.steps), group.size)
            found.append(last[package])
    return found


def _first_fit(groups: Iterable[_Group], most: int) -> list[_Group]:
    """Fill batches, the largest groups first, each into the first one that has room."""
    bins: list[_Group] = []
    by_room: dict[int, list[int]] = {}  # heaps of the indexes of batches
    for group in sorted(groups, key=lambda group: (-group.size, min(group.steps))):
        fitting = [room for room, heap in by_room.items() if room >= group.size and heap]
        if fitting:
            room = min(fitting, key=lambda room: by_room[room][0])
            index = heapq.heappop(by_room[room])
            bins[index].steps += group.steps
            bins[index].size += group.size
        else:
            index = len(bins)
            bins.append(_Group(list(group.steps), group.size))
        left = most - bins[index].size
        if left > 0:
            heapq.heappush(by_room.setdefault(left, []), index)
    return bins

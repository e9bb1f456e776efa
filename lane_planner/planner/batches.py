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
from collections.abc import Iterable, Mapping, Sequence

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


class _Group:
    """Steps that have to be in one batch because they edit files in common.

    Groups grow together; `now` is the one that a group has become a part of.
    """

    def __init__(self, wave: int) -> None:
        self.wave = wave
        self.steps: list[int] = []
        self.size = 0
        self._into: _Group | None = None

    def now(self) -> _Group:
        group = self
        while group._into is not None:
            if group._into._into is not None:
                group._into = group._into._into
            group = group._into
        return group

    def take(self, other: _Group) -> None:
        self.steps += other.steps
        self.size += other.size
        other._into = self


def place(footprints: Sequence[Footprint], most: int) -> tuple[Placed, ...]:
    """Return the batches of steps, wave after wave.

    A step lands in the first wave in which all that it waits for has landed, unless it edits a
    file that a batch of that wave edits and that has no room for it: then in the next. Time grows
    with the files that the steps edit, however many of them edit the same one.

    Args:
        footprints: the steps, best first; each behind those that it waits for.
        most: how many files a batch may move; a step that moves more is a batch of its own.
    """
    wave_of: list[int] = [0] * len(footprints)
    last: dict[str, _Group] = {}  # the latest group that edits a file
    maker: dict[str, _Group] = {}  # the group that makes a package
    groups: list[_Group] = []
    for index in _by_package(footprints):
        step = footprints[index]
        wave = max((wave_of[earlier] for earlier in step.after), default=0) + 1
        editing = [last[path].now() for path in step.files if path in last]
        wave = max([wave, *(group.wave for group in editing)])
        while True:
            met = {id(group): group for group in editing if group.wave == wave}
            for path in (*step.packages, *step.files):
                group = maker.get(path)
                if group is not None and group.wave == wave:
                    met[id(group.now())] = group.now()
            for path in step.packages:
                group = last.get(path)
                if group is not None and group.wave == wave:
                    met[id(group.now())] = group.now()
            if not met or step.size + sum(group.size for group in met.values()) <= most:
                break
            wave += 1
        joined = sorted(met.values(), key=lambda group: (-len(group.steps), group.steps[0]))
        home = joined[0] if joined else _Group(wave)
        if not joined:
            groups.append(home)
        for group in joined[1:]:
            home.take(group)
        home.steps.append(index)
        home.size += step.size
        wave_of[index] = wave
        last.update(dict.fromkeys(step.files, home))
        for path in step.packages:
            if path not in maker or maker[path].wave > wave:
                maker[path] = home
    waves: dict[int, list[_Group]] = {}
    for group in groups:
        if group.now() is group:
            waves.setdefault(group.wave, []).append(group)
    return tuple(
        Placed(wave, tuple(steps), _edited(footprints, steps, wave, maker))
        for wave, found in sorted(waves.items())
        for steps in _packed(footprints, found, most)
    )


def _by_package(footprints: Sequence[Footprint]) -> list[int]:
    """Return the steps with those of each package together, that of the best step first.

    Each stays behind those that it waits for.
    """
    depth = [0] * len(footprints)
    best: dict[tuple[int, str], int] = {}
    for index, step in enumerate(footprints):
        depth[index] = max((depth[earlier] for earlier in step.after), default=0) + 1
        best.setdefault((depth[index], step.package), index)
    return sorted(
        range(len(footprints)),
        key=lambda i: (depth[i], best[depth[i], footprints[i].package], i),
    )


def _edited(
    footprints: Sequence[Footprint], steps: Iterable[int], wave: int, maker: Mapping[str, _Group]
) -> frozenset[str]:
    """Return what some steps of a wave edit; what is made before it is not made again."""
    found: set[str] = set()
    for index in steps:
        found |= footprints[index].files
        found.update(path for path in footprints[index].packages if maker[path].wave == wave)
    return frozenset(found)


def _packed(
    footprints: Sequence[Footprint], groups: Sequence[_Group], most: int
) -> list[list[int]]:
    """Return the steps of each batch, that of the best step first."""
    loose = [(group.size, sorted(group.steps)) for group in groups]
    tied = _first_fit(_tied(footprints, loose, most), most)
    free = _first_fit(loose, most)
    return sorted(map(sorted, tied if len(tied) <= len(free) else free))


_Item = tuple[int, list[int]]  # how many files some steps move, and the steps


def _tied(footprints: Sequence[Footprint], items: Iterable[_Item], most: int) -> list[_Item]:
    """Tie steps of one package together, as far as a batch holds them."""
    found: list[_Item] = []
    last: dict[str, int] = {}  # index of the tie that a package's steps may join
    for size, steps in sorted(items, key=lambda item: item[1]):
        package = footprints[steps[0]].package
        index = last.get(package)
        if index is not None and found[index][0] + size <= most:
            found[index] = (found[index][0] + size, found[index][1] + steps)
        else:
            last[package] = len(found)
            found.append((size, steps))
    return found


def _first_fit(items: Iterable[_Item], most: int) -> list[list[int]]:
    """Fill batches, the largest items first, each into the first one that has room."""
    batches: list[list[int]] = []
    by_room: dict[int, list[int]] = {}  # heaps of the indexes of batches
    for size, steps in sorted(items, key=lambda item: (-item[0], item[1])):
        fitting = [room for room, heap in by_room.items() if room >= size and heap]
        if fitting:
            room = min(fitting, key=lambda room: by_room[room][0])
            index = heapq.heappop(by_room[room])
            batches[index] = batches[index] + steps
        else:
            room, index = most, len(batches)
            batches.append(steps)
        if room > size:
            heapq.heappush(by_room.setdefault(room - size, []), index)
    return batches

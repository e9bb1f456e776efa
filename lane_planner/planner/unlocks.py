"""What to mend first: how many modules each fix frees, alone and together with those before it.

A module can move once the causes of all that it needs are mended. So the fixes that it waits for
are those of its own causes and of all modules that it needs; a fix alone frees the modules that
wait for nothing else.
"""

from __future__ import annotations

import heapq
import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import plural, printable
from lane_planner.graph.circles import breaking_imports
from lane_planner.graph.graph import ImportGraph, components
from lane_planner.graph.resolve import ImportSite
from lane_planner.planner.hop import Facts, Hop, blocked_names, relaxed, ring
from lane_planner.planner.order import condensed, topological
from lane_planner.planner.schema import Cause, Fix, PackageUnlock, Unlock

Pair = tuple[str, str]

# A module that waits for more fixes than this is looked at again once some of them are made.
_MOST = 32


class Obstacles(msgspec.Struct, frozen=True):
    """What stands in the way of a hop, as fixes.

    Attributes:
        fixes: sorted by code, importer and imported.
        of: index of the fix that mends a cause of a module, by (module, cause).
    """

    fixes: tuple[Fix, ...]
    of: Mapping[tuple[str, Cause], int]

    def owners(self) -> dict[str, frozenset[int]]:
        """Return the fixes of each module's own causes, by name."""
        found: dict[str, set[int]] = {}
        for (name, _), index in self.of.items():
            found.setdefault(name, set()).add(index)
        return {name: frozenset(indexes) for name, indexes in found.items()}


def obstacles(facts: Facts, hop: Hop) -> Obstacles:
    """Return what has to be mended so that all modules of a hop could move.

    One fix mends all imports of one module by another, a module that is missing wherever it is
    imported, a circle, or a fault of a file.

    Args:
        facts: the repository.
        hop: a hop opened on it.
    """
    circle_of = {n: part for part in facts.graph.components(("eager",)) for n in part}
    codes: dict[Pair, set[str]] = {}
    for found in hop.causes.values():
        for cause in found:
            codes.setdefault((cause.importer, cause.imported), set()).add(cause.code)
    groups: dict[tuple[str, str, str], list[tuple[str, Cause]]] = {}
    for name, found in hop.causes.items():
        for cause in found:
            key = _key(facts, cause, codes, circle_of)
            groups.setdefault(key, []).append((name, cause))
    edges = sorted(facts.graph.edges(("eager",))) if circle_of else []
    made = sorted(
        (_fix(facts, key, causes, circle_of, edges), key) for key, causes in groups.items()
    )
    of = {entry: i for i, (_, key) in enumerate(made) for entry in groups[key]}
    return Obstacles(tuple(fix for fix, _ in made), of)


def _key(
    facts: Facts,
    cause: Cause,
    codes: Mapping[Pair, Collection[str]],
    circle_of: Mapping[str, tuple[str, ...]],
) -> tuple[str, str, str]:
    if not cause.imported:
        return (cause.code, cause.importer, "")
    part = circle_of.get(cause.importer)
    if cause.code == "LP201" and part is not None and cause.imported in part:
        return ("LP201", part[0], "")
    pair = (cause.importer, cause.imported)
    if codes[pair] == {"LP301"} and cause.imported not in facts.graph.modules:
        return ("LP301", "", cause.imported)
    return (min(codes[pair]), *pair)


def _fix(
    facts: Facts,
    key: tuple[str, str, str],
    causes: Iterable[tuple[str, Cause]],
    circle_of: Mapping[str, tuple[str, ...]],
    edges: Sequence[Pair],
) -> Fix:
    code, importer, imported = key
    found = sorted((cause for _, cause in causes), key=lambda c: (c.path, c.line, c))
    first = found[0]
    lines = tuple(sorted({c.line for c in found if c.path == first.path and c.line}))
    place = f"{first.path}:{first.line}" if first.line else first.path
    breakers: tuple[Pair, ...] = ()
    name = f"{code}:{importer}:{imported}"
    if not imported and first.imported:
        part = circle_of[importer]
        inside = frozenset(part)
        own = [(a, b) for a, b in edges if a in inside and b in inside]
        breakers = breaking_imports(part, own).edges
        a, b = breakers[0]
        site = next(s for s in facts.graph.sites_in(a) if s.imported == b and s.kind == "eager")
        path = facts.graph.modules[a].path
        more = f" and {len(breakers) - 1} more" if len(breakers) > 1 else ""
        what = (
            f"break the circle of {len(part)} modules: {a} imports {b} ({path}:{site.line}){more}"
        )
        return Fix(code, a, b, path, site.line, f"LP201:{importer}", (site.line,), breakers, what)
    if not imported:
        name = f"{code}:{importer}"
        what = {
            "LP401": f"make room for {place}: {first.detail}",
            "LP404": f"cover {place} by tests: {first.detail}",
            "LP406": f"give {place} a name of its own: {first.detail}",
            "LP901": f"mend {place}, which does not parse: {first.detail}",
            "LP902": f"mend {place}, which cannot be decoded: {first.detail}",
        }[code]
    elif not importer:
        name = f"{code}:{imported}"
        count = len({(c.path, c.line) for c in found})
        what = f"add the missing {imported}, or remove {plural(count, 'import')} of it, as {place}"
    else:
        what = f"remove the import of {imported} in {place}: {first.detail}"
    return Fix(code, first.importer, imported, first.path, first.line, name, lines, (), what)


def mended(facts: Facts, hop: Hop, found: Obstacles, chosen: Collection[int]) -> Hop:
    """Return a hop as it would be if some fixes were made.

    An import that is removed leaves no need behind, and no circle that it closed.

    Args:
        facts: the repository.
        hop: a hop opened on it.
        found: what stands in its way.
        chosen: indexes of the fixes.
    """
    graph, settings = facts.graph, facts.settings
    without = removed_imports(facts, found, chosen)
    pairs = {(site.importer, site.imported) for site in without}
    whole = {pair for pair in pairs if _all_in(graph.sites_in(pair[0]), pair[1], without)}
    outside = _out_of_circles(facts, without)
    gone = frozenset(chosen)

    def stays(name: str, cause: Cause) -> bool:
        if found.of.get((name, cause)) in gone or (cause.importer, cause.imported) in whole:
            return False
        return not (cause.code == "LP201" and name == cause.importer and name in outside)

    a, b = hop.source.name, hop.target.name
    both_ways = not settings.allowed(b, a) and not settings.allowed(a, b)
    needs = dict(hop.needs)
    for importer, imported in whole:
        if both_ways and importer in graph.imports_of(imported):
            continue  # they need each other for the other import's sake
        path = graph.modules[importer].path
        for name, other in ((importer, imported), (imported, importer)):
            if name in needs:
                needs[name] = tuple(n for n in needs[name] if n.needed != other or n.path != path)
    arriving = tuple(entry for entry in hop.arriving if entry[0] not in without)
    hop = msgspec.structs.replace(hop, needs=needs, arriving=arriving)
    return relaxed(facts, hop, stays, without)


def removed_imports(
    facts: Facts, found: Obstacles, chosen: Collection[int]
) -> frozenset[ImportSite]:
    """Return the imports that some fixes take away; those that are missing are taken for removed.

    Args:
        facts: the repository.
        found: what stands in the way of a hop.
        chosen: indexes of the fixes.
    """
    pairs: set[Pair] = set()
    broken: set[Pair] = set()
    gone = frozenset(chosen)
    for index in gone:
        broken.update(found.fixes[index].breakers)
    for (_, cause), index in found.of.items():
        if index in gone and cause.imported and not found.fixes[index].breakers:
            pairs.add((cause.importer, cause.imported))
    return frozenset(
        site
        for importer, imported in broken | pairs
        for site in facts.graph.sites_in(importer)
        if site.imported == imported and ((importer, imported) in pairs or site.kind == "eager")
    )


def without_imports(facts: Facts, removed: Collection[ImportSite]) -> Facts:
    """Return what is known of a repository, without some imports.

    Args:
        facts: the repository.
        removed: import sites of it.
    """
    if not removed:
        return facts
    graph = facts.graph
    left = ImportGraph(graph.table, [site for site in graph.sites if site not in removed])
    return msgspec.structs.replace(facts, graph=left)


def _all_in(sites: Iterable[ImportSite], imported: str, some: Collection[ImportSite]) -> bool:
    return all(site in some for site in sites if site.imported == imported)


def _out_of_circles(facts: Facts, without: Collection[ImportSite]) -> set[str]:
    """Return the modules that are in an eager circle now, and without some imports would not be."""
    found: set[str] = set()
    removed = {(site.importer, site.imported) for site in without}
    touched = {name for pair in removed for name in pair}
    for part in facts.graph.components(("eager",)):
        inside = frozenset(part)
        if len(inside & touched) < 2:
            continue
        own = {
            (site.importer, site.imported)
            for name in part
            for site in facts.graph.sites_in(name)
            if site.kind == "eager" and site.imported in inside
        }
        if not removed.isdisjoint(own):
            found |= inside.difference(*components(own - removed))
    return found


class _Waiting:
    """Groups of modules that wait for the same fixes, and which these are."""

    def __init__(self, hop: Hop, own: Mapping[str, frozenset[int]]) -> None:
        blocked = blocked_names(hop)
        edges = [
            (name, need.needed)
            for name in sorted(blocked)
            for need in hop.needs.get(name, ())
            if need.needed in blocked
        ]
        edges += [pair for pair in ring(hop.together) if blocked.issuperset(pair)]
        self.groups, self.needed = condensed(blocked, edges)
        self.own = [frozenset().union(*(own.get(n, ()) for n in group)) for group in self.groups]
        self.sequence = topological(self.needed)

    def fixes(self) -> list[frozenset[int] | None]:
        """Return the fixes that each group waits for; None for more than `_MOST`."""
        found: list[frozenset[int] | None] = [None] * len(self.groups)
        for index in self.sequence:
            mine: set[int] | None = set(self.own[index])
            for other in self.needed[index]:
                theirs = found[other]
                mine = None if mine is None or theirs is None else mine | theirs
                if mine is None or len(mine) > _MOST:
                    mine = None
                    break
            found[index] = None if mine is None else frozenset(mine)
        return found


def _alone(
    facts: Facts, hop: Hop, found: Obstacles, waiting: _Waiting, circles: _Circles
) -> tuple[int, ...]:
    """Return how many modules each fix frees if it alone is made."""
    freed: list[list[str]] = [[] for _ in found.fixes]
    for group, fixes in zip(waiting.groups, waiting.fixes(), strict=True):
        if fixes is not None and len(fixes) == 1:
            freed[next(iter(fixes))] += group
    blocked = sum(map(len, waiting.groups))
    return tuple(
        blocked - len(blocked_names(mended(facts, hop, found, [index])))
        if circles.concern(found.fixes[index], names)
        else len(names)
        for index, names in enumerate(freed)
    )


class _Circles:
    """Tells for which fixes counting what waits for them is not enough."""

    def __init__(self, facts: Facts, hop: Hop) -> None:
        self._part = {n: part for part in facts.graph.components(("eager",)) for n in part}
        self._closing = hop.closing

    def concern(self, fix: Fix, freed: Iterable[str]) -> bool:
        """Tell whether a fix opens a circle, or frees what may close one."""
        part = self._part.get(fix.importer)
        return (part is not None and fix.imported in part) or not self._closing.isdisjoint(freed)


class Unlocks(msgspec.Struct, frozen=True):
    """What to mend, and what for.

    Attributes:
        source: lane that is left.
        target: lane that is reached.
        blocked: how many modules cannot move.
        unlocks: fixes in the order in which they free most.
        alone: every fix with what it frees alone, most first; the running total is the same.
        packages: directories with what mending every file below frees, most first.
    """

    source: str
    target: str
    blocked: int
    unlocks: tuple[Unlock, ...]
    alone: tuple[Unlock, ...]
    packages: tuple[PackageUnlock, ...]


def unlocks_of(facts: Facts, hop: Hop, most: int = 100) -> Unlocks:
    """Return what to mend so that more modules of a hop can move.

    The list is greedy: the fix that frees most given those before it; where none frees anything
    alone, all that the module waits for that waits for fewest. Choosing the best set of fixes is a
    densest subhypergraph problem, and hard (Chlamtáč et al., 2018).

    Args:
        facts: the repository.
        hop: a hop opened on it.
        most: how many fixes the list may have.
    """
    found, waiting, alone, listed = _listed(facts, hop, most)
    ranked = sorted(range(len(alone)), key=lambda index: (-alone[index], index))
    return Unlocks(
        hop.source.name,
        hop.target.name,
        sum(map(len, waiting.groups)),
        listed,
        tuple(Unlock(found.fixes[index], alone[index], alone[index]) for index in ranked),
        _package_unlocks(hop, waiting),
    )


def best_unlocks(facts: Facts, hop: Hop, most: int = 100) -> tuple[Unlock, ...]:
    """Return the list of `unlocks_of` alone, for a plan: that of packages takes as long again."""
    return _listed(facts, hop, most)[3]


def _listed(
    facts: Facts, hop: Hop, most: int
) -> tuple[Obstacles, _Waiting, Sequence[int], tuple[Unlock, ...]]:
    """Return what keeps modules, who waits, what each fix frees alone, and the greedy list."""
    found = obstacles(facts, hop)
    circles = _Circles(facts, hop)
    waiting = _Waiting(hop, found.owners())
    alone = _alone(facts, hop, found, waiting, circles)
    order = _greedy(hop, found, waiting, alone, most)
    totals = _totals(facts, hop, found, waiting, order, circles)
    blocked = sum(map(len, waiting.groups))
    listed = tuple(
        Unlock(found.fixes[index], alone[index], blocked - left)
        for index, left in zip(order, totals, strict=True)
    )
    return found, waiting, alone, listed


def _greedy(
    hop: Hop, found: Obstacles, waiting: _Waiting, alone: Sequence[int], most: int
) -> list[int]:
    own = found.owners()
    order: list[int] = []
    made: set[int] = set()
    while len(order) < most:
        known = [
            (set(fixes), len(group))
            for group, fixes in zip(waiting.groups, waiting.fixes(), strict=True)
            if fixes is not None
        ]
        if not known:
            break
        picked = _pick(known, alone, most - len(order))
        assert picked, "what is known waits for something"
        order += picked
        made.update(picked)
        left = {name: indexes - made for name, indexes in own.items()}
        own = {name: indexes for name, indexes in left.items() if indexes}
        # What waited for too much to look at may wait for less by now.
        waiting = _Waiting(
            msgspec.structs.replace(hop, causes={n: hop.causes[n] for n in own}), own
        )
    return order


def _pick(known: list[tuple[set[int], int]], alone: Sequence[int], most: int) -> list[int]:
    """Return fixes in the order in which they free most of some groups of modules."""
    holding: dict[int, list[int]] = {}
    gain: dict[int, int] = {}
    for index, (fixes, size) in enumerate(known):
        for fix in fixes:
            holding.setdefault(fix, []).append(index)
        if len(fixes) == 1:
            only = next(iter(fixes))
            gain[only] = gain.get(only, 0) + size
    best = [(-count, -alone[fix], fix) for fix, count in gain.items()]
    heapq.heapify(best)
    small = [(len(fixes), -size, index) for index, (fixes, size) in enumerate(known)]
    heapq.heapify(small)
    order: list[int] = []
    made: set[int] = set()

    def make(fix: int) -> None:
        order.append(fix)
        made.add(fix)
        for index in holding.get(fix, ()):
            fixes, size = known[index]
            fixes.discard(fix)
            if len(fixes) == 1:
                only = next(iter(fixes))
                gain[only] = gain.get(only, 0) + size
                heapq.heappush(best, (-gain[only], -alone[only], only))
            elif fixes:
                heapq.heappush(small, (len(fixes), -size, index))

    while len(order) < most:
        while best and (best[0][2] in made or -best[0][0] != gain[best[0][2]]):
            heapq.heappop(best)
        if best:
            make(heapq.heappop(best)[2])
            continue
        while small and len(known[small[0][2]][0]) != small[0][0]:
            heapq.heappop(small)
        if not small or not small[0][0]:
            break
        for fix in sorted(known[small[0][2]][0], key=lambda fix: (-alone[fix], fix)):
            make(fix)
    return order[:most]


def _totals(
    facts: Facts,
    hop: Hop,
    found: Obstacles,
    waiting: _Waiting,
    order: Sequence[int],
    circles: _Circles,
) -> list[int]:
    """Return how many modules are still blocked after each fix of a sequence."""
    standing = _Standing(waiting)
    totals: list[int] = []
    for count, index in enumerate(order, 1):
        freed = standing.make(index)
        if circles.concern(found.fixes[index], freed):
            later = mended(facts, hop, found, order[:count])
            # A cause that nothing was known of before is mended by no known fix.
            own = {
                name: frozenset(found.of.get((name, cause), -1) for cause in causes)
                for name, causes in later.causes.items()
            }
            standing = _Standing(_Waiting(later, own))
        totals.append(standing.blocked)
    return totals


class _Standing:
    """What is still blocked while fixes are made one after the other.

    Attributes:
        blocked: how many modules are.
    """

    def __init__(self, waiting: _Waiting) -> None:
        self._groups = waiting.groups
        self._own = [set(indexes) for indexes in waiting.own]
        self._needed = [len(needed) for needed in waiting.needed]
        self._dependents: list[list[int]] = [[] for _ in waiting.groups]
        self._holding: dict[int, list[int]] = {}
        for index, needed in enumerate(waiting.needed):
            for other in needed:
                self._dependents[other].append(index)
            for fix in waiting.own[index]:
                self._holding.setdefault(fix, []).append(index)
        self.blocked = sum(map(len, waiting.groups))

    def make(self, fix: int) -> list[str]:
        """Make a fix and return the modules that it frees."""
        pending: list[int] = []
        for index in self._holding.get(fix, ()):
            self._own[index].discard(fix)
            if not self._own[index] and not self._needed[index]:
                pending.append(index)
        freed: list[str] = []
        while pending:
            index = pending.pop()
            freed += self._groups[index]
            for other in self._dependents[index]:
                self._needed[other] -= 1
                if not self._own[other] and not self._needed[other]:
                    pending.append(other)
        self.blocked -= len(freed)
        return freed


def _package_unlocks(hop: Hop, waiting: _Waiting) -> tuple[PackageUnlock, ...]:
    """Return how many modules are freed by mending every file of a directory, most first.

    A directory that frees no more than one directory in it is left out.
    """
    places = {
        name: frozenset(posixpath.dirname(cause.path) for cause in found)
        for name, found in hop.causes.items()
    }
    around: list[tuple[str, ...]] = [()] * len(waiting.groups)
    freed: dict[tuple[str, ...], int] = {}
    for index in waiting.sequence:
        ways = [around[other] for other in waiting.needed[index]]
        for name in waiting.groups[index]:
            ways += [tuple(place.split("/")) for place in places.get(name, ())]
        around[index] = _shared(ways)
        for depth in range(1, len(around[index]) + 1):
            directory = around[index][:depth]
            freed[directory] = freed.get(directory, 0) + len(waiting.groups[index])
    files: dict[tuple[str, ...], set[str]] = {}
    for found in hop.causes.values():
        for cause in found:
            parts = tuple(posixpath.dirname(cause.path).split("/"))
            for depth in range(1, len(parts) + 1):
                files.setdefault(parts[:depth], set()).add(cause.path)
    inner: dict[tuple[str, ...], int] = {}
    for directory, count in freed.items():
        inner[directory[:-1]] = max(count, inner.get(directory[:-1], 0))
    kept = [
        PackageUnlock("/".join(directory), count, len(files.get(directory, ())))
        for directory, count in freed.items()
        if count > inner.get(directory, 0)
    ]
    return tuple(sorted(kept, key=lambda entry: (-entry.frees, entry.files, entry.directory)))


def _shared(ways: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the longest common beginning of some paths."""
    low, high = min(ways), max(ways)
    for index, part in enumerate(low):
        if index >= len(high) or high[index] != part:
            return low[:index]
    return low


def fixes_named(found: Obstacles, wanted: Iterable[str]) -> frozenset[int]:
    """Return the indexes of the fixes that a user means.

    Args:
        found: what stands in the way.
        wanted: ids of fixes; names or paths of modules: all that has to be mended in them;
            directories, with a slash at the end: in all files below.

    Raises:
        UsageError: one of them means nothing.
    """
    chosen: set[int] = set()
    for text in wanted:
        matching = {index for index, fix in enumerate(found.fixes) if fix.id == text} or {
            index
            for (_, cause), index in found.of.items()
            if text in (cause.importer, cause.path)
            or (text.endswith("/") and cause.path.startswith(text))
        }
        if not matching:
            raise UsageError(
                f"there is nothing to mend that is called {printable(text)}: "
                "`lane-planner unlocks` lists what there is"
            )
        chosen |= matching
    return frozenset(chosen)

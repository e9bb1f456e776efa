"""Which items of a batch to drop so that the rest passes, with few runs of the gate.

Failing sets and sets to drop are each other's hitting sets (Reiter, "A theory of diagnosis from
first principles", 1987): what is dropped must hit every set that fails. So the search keeps failing
sets, drops the cheapest set that hits all of them, runs the rest, and if it fails, finds another
failing set in it (implicit hitting sets: Moreno-Centeno and Karp, 2013). When the rest passes,
nothing larger can: that is the proof, and it does not need the failing sets to be minimal.

Single bad items, the usual case, are found by group testing: a group is as large as to fail every
second time, a group that fails is split where its first bad item is as likely on the left as on
the right, and what comes behind the first bad item goes back to the others (Sobel and Groll, 1959;
Hwang, 1972). The sets that fail on the way have no items in common, so they prove as many drops.

A minimal failing set is found by its last items, one after the other, by binary search for the
shortest beginning that fails (QuickXplain: Junker, 2004, in the form of Marques-Silva, Janota and
Belov, 2013).

Sets are integers, a bit for each unit: an item, or items that need each other. The lowest bit
comes first in an order that has what is needed before what needs it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from lane_planner.planner.order import condensed


class Verdict(NamedTuple):
    """What a run of the gate said.

    Attributes:
        passed: whether it passed.
        suspects: items that its output seems to name; a hint, never relied on.
    """

    passed: bool
    suspects: frozenset[str] = frozenset()


class Dropped(msgspec.Struct, frozen=True):
    """An item that is not kept, and the reason.

    Attributes:
        item: its name.
        because: a set that fails and would be kept but for this item and the dropped ones that
            need it, in the order of the items: `frozenset(because)` is what was run. Or, if the
            item is not among them, the one dropped item that it needs. Empty if the runs were used
            up before it could be told.
        minimal: whether all smaller parts of the set are known to pass; for a need, True.
    """

    item: str
    because: tuple[str, ...]
    minimal: bool


class Kept(msgspec.Struct, frozen=True):
    """What is kept: it passed as a whole, in a run, or is empty.

    Attributes:
        kept: items, in their order.
        dropped: all others, in their order.
        runs: how often the gate was run.
        exact: whether no larger set passes, and none as large that is to be preferred. False if a
            limit was reached, or if the answers look as if they depended on chance.
    """

    kept: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    runs: int
    exact: bool


Run = Callable[[frozenset[str]], Verdict]


def largest_good(
    items: Sequence[str],
    needs: Mapping[str, Collection[str]],
    run: Run,
    *,
    rate: float | None = None,
    whole: Verdict | None = None,
    confirm: bool = True,
    limit: int | None = None,
) -> Kept:
    """Return the largest set of items that passes.

    A set that is run has all that its items need. Failing is taken to be monotone: what has a
    failing part fails, and nothing at all passes. So a part of a set that passed is not run, nor is
    a set with a part that failed, and no set is run twice. Among several largest sets, it is the
    one that keeps the first item, in their order, in which they differ.

    Without needs, hints and rate it takes at most

        (d + 1) · (⌈log2 n⌉ + 3) + the sum of (k + 1) · (⌈log2 n⌉ + 2) over the sets

    runs, where d of n items are bad by themselves and the sets are the minimal ones of k > 1 items
    that fail only together; for one bad item ⌈log2 n⌉ + 3. These are limits that the tests hold it
    to, not theorems. Hints, however wrong, double them at worst. With a good rate and nothing but
    single bad items it is close to n · H(rate), H being the binary entropy in bits, which no method
    undercuts on average.

    No answer is asked for twice, so what an unreliable gate says stays free of contradictions, and
    the search ends as with any other. Such a gate shows in failing sets without a small reason: all
    parts pass, the whole fails. The result is then not called exact, and passed in a run all the
    same.

    Args:
        items: names, each once.
        needs: the items that an item needs, by name; names that are no items are passed over.
        run: runs the gate on a set that is not empty.
        rate: how many items in one are thought to be bad by themselves, between 0 and 1; None: one
            among them all, until more is known, so that all are run first.
        whole: what the gate said of all items, if it was run on them already; it does not count.
        confirm: whether to find a minimal failing set for each dropped item, which takes about
            half a run for each, rather than only to prove that so many have to be dropped.
        limit: how many runs are made at most; None: a number that only an unreliable gate, or a
            confusion of hundreds of failing sets, comes near to.

    Raises:
        ValueError: an item is there twice, or the rate is not between 0 and 1.
    """
    if len(set(items)) != len(items):
        raise ValueError("an item is there twice")
    if rate is not None and not 0 < rate < 1:
        raise ValueError(f"the rate {rate} is not between 0 and 1")
    units = _Units.of(items, needs)
    oracle = _Oracle(units, run, 8 * len(items) + 200 if limit is None else limit)
    search = _Search(units, oracle, rate)
    if whole is not None and items:
        oracle.learn(units.all, whole)
    try:
        drop = search.solve()
        if confirm:
            search.explain(drop)
        spent = False
    except _Spent:
        # Confirming may use up the last runs: the set was found all the same.
        spent = search.solved is None
        drop = units.all & ~oracle.best if search.solved is None else search.solved
    return Kept(
        units.names(units.all & ~drop),
        tuple(search.dropped(drop)),
        oracle.runs,
        not (spent or search.doubtful),
    )


class _Units(msgspec.Struct, frozen=True):
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
    def of(cls, items: Sequence[str], needs: Mapping[str, Collection[str]]) -> _Units:
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
            for other in _bits(mask):
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
        for unit in _bits(mask):
            found |= self.close[unit]
        return found

    def needing(self, mask: int) -> int:
        """Return a set with all that need it."""
        found = 0
        for unit in _bits(mask):
            found |= self.above[unit]
        return found

    def cost(self, mask: int) -> int:
        """Return what dropping a set costs."""
        return sum(self.costs[unit] for unit in _bits(mask))

    def names(self, mask: int) -> tuple[str, ...]:
        """Return the items of a set, in their order."""
        return tuple(
            self.items[index]
            for index in sorted(index for unit in _bits(mask) for index in self.members[unit])
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


class _Spent(Exception):
    """The limit of runs is reached."""


class _Oracle:
    """The gate, with a memory.

    Args:
        units: the items.
        run: the gate.
        limit: how many runs are made at most.

    Attributes:
        runs: how many were made.
        best: the set to be preferred among those that passed.
        suspects: units that the output of failing runs named.
    """

    def __init__(self, units: _Units, run: Run, limit: int) -> None:
        self._units = units
        self._run = run
        self._limit = limit
        self._passed: list[int] = []
        self._failed: list[int] = []
        self.runs = 0
        self.best = 0
        self.suspects = 0

    def known(self, mask: int) -> bool | None:
        """Return whether a closed set passes; None: only a run could tell."""
        if not mask or any(mask & ~passed == 0 for passed in self._passed):
            return True
        if any(failed & ~mask == 0 for failed in self._failed):
            return False
        return None

    def passes(self, mask: int) -> bool:
        """Return whether a closed set passes, by a run if need be.

        Raises:
            _Spent: it would have been one run too many.
        """
        known = self.known(mask)
        if known is not None:
            return known
        if self.runs >= self._limit:
            raise _Spent
        self.runs += 1
        verdict = self._run(frozenset(self._units.names(mask)))
        self.learn(mask, verdict)
        return verdict.passed

    def learn(self, mask: int, verdict: Verdict) -> None:
        """Take down what the gate said of a set of which nothing was known."""
        if verdict.passed:
            self._passed = [other for other in self._passed if other & ~mask]
            self._passed.append(mask)
            everything = self._units.all
            self.best = min(self.best, mask, key=lambda kept: self._units.cost(everything & ~kept))
            return
        self._failed = [other for other in self._failed if mask & ~other]
        self._failed.append(mask)
        for name in verdict.suspects:
            unit = self._units.unit.get(name)
            if unit is not None and mask >> unit & 1:
                self.suspects |= 1 << unit

    def cleared(self) -> int:
        """Return the units of all sets that passed."""
        found = 0
        for passed in self._passed:
            found |= passed
        return found


class _Conflict(msgspec.Struct):
    """A set that fails.

    Attributes:
        mask: the set, closed.
        culprit: the unit in it that is held to be the reason.
        minimal: whether all smaller closed sets in it pass; None: found out in vain.
    """

    mask: int
    culprit: int
    minimal: bool | None


class _Rate:
    """How many units in one are bad, as it shows.

    Args:
        bad: how many bad ones the guess is worth.
        of: among how many.
    """

    def __init__(self, bad: float, of: float) -> None:
        self._bad = bad
        self._of = of

    def see(self, bad: int, good: int) -> None:
        """Count units that turned out bad and good."""
        self._bad += bad
        self._of += bad + good

    def trust(self, guess: float) -> None:
        """Let what was seen count for more: of the guess, leave what so many units are worth."""
        self._of -= guess

    @property
    def good(self) -> float:
        """How likely a unit is to be good."""
        return 1 - min(max(self._bad / self._of, 1e-9), 0.999)

    def group(self, size: int) -> int:
        """Return how many of some units to run so that it fails every second time."""
        # Golomb's choice (1966): the least m for which q^m + q^(m + 1) ≤ 1.
        best = max(1, math.ceil(math.log(1 / (1 + self.good)) / math.log(self.good)))
        if size <= best:
            return size
        # Rather two equal groups than one and a crumb: so says dynamic programming.
        return (size + 1) // 2 if size < 2 * best else best

    def split(self, size: int) -> int:
        """Return how many of some units, one of which is bad, to run first."""
        whole = self.good**size
        if size == 2:
            return 1
        share = (1 + whole) / 2
        first = round(math.log(share) / math.log(self.good))
        if whole > _FEW:
            # Not likely to have several bad ones: no more runs than halving takes.
            half = 1 << ((size - 1).bit_length() - 1)
            first = min(max(first, size - half), half)
        return min(max(first, 1), size - 1)


# A set that passes less often than this is not worth being run, nor halved when it failed.
_FEW = 0.1
# All that is left is run at once, with all that passed, if it passes at least this often.
_WORTH = 0.4
# A minimal failing set of more units than this is taken for chance; finding it would cost much.
_WIDE = 4
# How often a set without its suspects may fail before hints must have been right in return.
_TRIES = 2
# How many units the guess of the rate counts for, if the caller has none.
_GUESS = 40
# Hints are taken to be right more often than not, until they show what they are worth.
_HINTED = (1.2, 2.0)
# Nodes that a search may look at for the cheapest sets to drop; then it takes good ones.
_NODES = 50_000


class _Search:
    """The search for what to drop.

    Args:
        units: the items.
        oracle: the gate.
        rate: how many items in one are thought to be bad; None: unknown.

    Attributes:
        doubtful: whether the result may not be exact.
        solved: what is dropped, as soon as it is known.
    """

    def __init__(self, units: _Units, oracle: _Oracle, rate: float | None) -> None:
        self._units = units
        self._oracle = oracle
        self._conflicts: list[_Conflict] = []
        size = max(1, len(units.members))
        # Below 1, so that all items are run first.
        self._plain = _Rate(0.9, size) if rate is None else _Rate(2, 2 / rate)
        # What the guess counts for above what it should once more than one bad unit is known of.
        self._surplus = max(0, size - _GUESS) if rate is None else 0
        self._hinted = _Rate(*_HINTED)
        self._tries = _TRIES
        self._nodes = _NODES
        self.doubtful = False
        self.solved: int | None = None

    def solve(self) -> int:
        """Return the units to drop.

        Raises:
            _Spent: the limit of runs is reached.
        """
        everything = self._units.all
        self._explore(everything)
        while True:
            drop = self._cheapest()
            if self._oracle.passes(everything & ~drop):
                self.solved = drop
                return drop
            self._explore(everything & ~drop)

    def _explore(self, within: int) -> None:
        """Find failing sets in a set, unless it passes: a culprit of each is left aside at once."""
        oracle, units = self._oracle, self._units
        aside, clean = units.all & ~within, oracle.cleared()
        failing = [within] if oracle.known(within) is False else []
        while True:
            failing = [mask for mask in failing if not mask & aside]
            left = within & ~aside & ~clean
            if failing:
                mask = min(failing, key=lambda mask: ((mask & left).bit_count(), mask.bit_count()))
                unknown = mask & left
                if unknown & (unknown - 1) == 0:
                    conflict = self._told(mask, unknown) if unknown else self._shrunk(mask)
                    self._conflicts.append(conflict)
                    aside |= units.above[conflict.culprit]
                    continue
                chosen = self._part(mask, unknown)
            elif left:
                chosen = self._group(within & ~aside, left)
            else:
                return
            if oracle.passes(chosen):
                self._see(0, chosen & left)
                clean |= chosen
            else:
                failing.append(chosen)

    def _told(self, mask: int, unknown: int) -> _Conflict:
        """Return the failing set of a unit that alone can be the reason."""
        culprit = unknown.bit_length() - 1
        self._see(unknown, 0)
        return _Conflict(mask, culprit, self._units.close[culprit] == mask and self._tight(mask))

    def _tight(self, mask: int) -> bool:
        """Tell whether all smaller closed sets are known to pass."""
        return all(self._oracle.known(mask & ~(1 << unit)) for unit in self._tops(mask))

    def _tops(self, mask: int) -> list[int]:
        """Return the units of a closed set that no other one in it needs."""
        return [unit for unit in _bits(mask) if self._units.above[unit] & mask == 1 << unit]

    def _see(self, bad: int, good: int) -> None:
        hinted = self._oracle.suspects
        right = (bad & hinted).bit_count()
        self._hinted.see(right, (good & hinted).bit_count())
        self._plain.see((bad & ~hinted).bit_count(), (good & ~hinted).bit_count())
        self._tries += 2 * right

    def _group(self, rest: int, left: int) -> int:
        """Return the set to run next when nothing is known to fail.

        Args:
            rest: all that is not left aside.
            left: the units of it that were in no set that passed.
        """
        hinted = left & self._oracle.suspects
        plain = left & ~hinted
        share = self._hinted.good ** hinted.bit_count() * self._plain.good ** plain.bit_count()
        if share >= _WORTH:
            return rest
        if self._surplus and self._conflicts and not hinted:
            # One bad item is the usual case; if there are more, what was seen tells how many.
            self._plain.trust(self._surplus)
            self._surplus = 0
            return rest
        if plain and self._oracle.suspects and self._tries:
            # Where failing runs name the bad ones, the more is run, the more are named.
            self._tries -= 1
            return rest & ~self._units.needing(hinted)
        if hinted:
            return self._units.closed(_first(hinted, self._hinted.group(hinted.bit_count())))
        return self._units.closed(_first(plain, self._plain.group(plain.bit_count())))

    def _part(self, mask: int, unknown: int) -> int:
        """Return the part of a failing set to run next.

        Args:
            mask: the set.
            unknown: the units in it that may be the reason, at least two.
        """
        hinted = unknown & self._oracle.suspects
        plain = unknown & ~hinted
        if hinted and plain:
            without = mask & ~self._units.needing(hinted)
            if self._tries and without & plain:
                self._tries -= 1
                return without
            chosen = self._units.closed(_first(hinted, self._hinted.group(hinted.bit_count())))
            if unknown & ~chosen:
                return chosen
        rate = self._plain if plain else self._hinted
        return self._units.closed(_first(unknown, rate.split(unknown.bit_count())))

    def _shrunk(self, mask: int, likely: int | None = None) -> _Conflict:
        """Return a minimal failing set in a failing set.

        Its last unit is its culprit. If it takes too many units, it is given up, and what is left
        of the set is returned.

        Args:
            mask: the set.
            likely: the unit that may be the whole reason.
        """
        oracle, close = self._oracle, self._units.close
        if likely is not None and not oracle.passes(close[likely]):
            mask = close[likely]
            if self._tight(mask):
                return _Conflict(mask, likely, True)
        base, culprit = 0, -1
        for _ in range(_WIDE):
            # The units of the set in their order; the shortest beginning that fails is looked for.
            units = list(_bits(mask & ~base))
            low, high = 0, len(units)
            while high - low > 1:
                middle = (low + high) // 2
                if oracle.passes(base | sum(1 << unit for unit in units[:middle])):
                    low = middle
                else:
                    high = middle
            last = units[high - 1]
            culprit = max(culprit, last)
            mask = base | sum(1 << unit for unit in units[:high])
            base |= close[last]
            if mask == base or not oracle.passes(base):
                return _Conflict(base, culprit, True)
        self.doubtful = True
        return _Conflict(mask, culprit, None)

    def _cheapest(self) -> int:
        """Return the cheapest units to drop so that no known failing set is left.

        Sets that are not minimal may make it cheaper than the culprits are together. Then these
        sets are made minimal one by one, the largest first.
        """
        while True:
            masks = [conflict.mask for conflict in self._conflicts]
            drop, exact, self._nodes = _hitting_set(self._units, masks, self._nodes)
            missed = [
                conflict
                for conflict in self._conflicts
                if conflict.minimal is False and not drop >> conflict.culprit & 1
            ]
            if not missed:
                self.doubtful |= not exact
                return drop
            loose = [conflict for conflict in self._conflicts if conflict.minimal is False]
            widest = max(loose, key=lambda conflict: conflict.mask.bit_count())
            at = self._conflicts.index(widest)
            self._conflicts[at] = self._shrunk(widest.mask, widest.culprit)

    def explain(self, drop: int) -> None:
        """Find a minimal failing set for each unit that is dropped, but not for a need's sake.

        Raises:
            _Spent: the limit of runs is reached.
        """
        for unit in _bits(drop):
            reason = self._reason(unit, drop)
            if reason is not None and reason.minimal is False:
                self._conflicts.append(self._shrunk(reason.mask, unit))

    def _reason(self, unit: int, drop: int) -> _Conflict | None:
        """Return the least set that fails with a dropped unit, and with no other of them."""
        found = [conflict for conflict in self._conflicts if conflict.mask & drop == 1 << unit]
        found.sort(key=lambda conflict: (not conflict.minimal, conflict.mask.bit_count()))
        return found[0] if found else None

    def dropped(self, drop: int) -> Iterable[Dropped]:
        """Yield what is dropped, and why, in the order of the items."""
        units = self._units
        for item in units.names(drop):
            unit = units.unit[item]
            if needed := units.before[unit] & drop:
                yield Dropped(item, units.names(needed)[:1], True)
                continue
            reason = self._reason(unit, drop)
            if reason is None:
                yield Dropped(item, (), False)
            else:
                yield Dropped(item, units.names(reason.mask), bool(reason.minimal))


def _hitting_set(units: _Units, sets: Collection[int], nodes: int) -> tuple[int, bool, int]:
    """Return the cheapest set, with all that need it, that has a unit of each set.

    Sets that have nothing in common, directly or by what needs them, are looked at apart.

    Args:
        units: the items.
        sets: the sets to hit.
        nodes: how many nodes of branch and bound to look at.

    Returns:
        The set, whether it is known to be the cheapest, and how many nodes are left.
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
    return drop, exact, nodes


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

    def __init__(self, units: _Units, sets: Sequence[int], nodes: int) -> None:
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
            for unit in _bits(mask):
                hits[unit] = hits.get(unit, 0) | 1 << at
        # What is dropped with a unit hits as well.
        full = {
            unit: _union(hits.get(other, 0) for other in _bits(units.above[unit])) for unit in hits
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
            if _union(self._choices[other] for other in others) == (1 << len(self._sets)) - 1:
                chosen = others
        return units.needing(sum(1 << unit for unit in chosen))

    def _branches(self, drop: int, open_sets: int, cost: int) -> list[tuple[int, int]]:
        """Return what can come of a choice: a unit of the set with the fewest is dropped."""
        units = self._units
        reached, bound = 0, cost
        fewest: list[int] = []
        options: list[list[int]] = []
        for at in _bits(open_sets):
            # Also those that are not in the set themselves, but that a unit of it needs.
            choices = [unit for unit in self._choices if self._choices[unit] >> at & 1]
            options.append(choices)
        for choices in sorted(options, key=len):
            reach = _union(units.above[unit] for unit in choices)
            if not reach & reached:
                reached |= reach
                bound += min(units.cost(units.above[unit] & ~drop) for unit in choices)
            if not fewest:
                fewest = choices
        if bound >= self._least:
            return []
        found = sorted(fewest, key=lambda unit: (units.cost(units.above[unit] & ~drop), unit))
        return [(drop | units.above[unit], open_sets & ~self._choices[unit]) for unit in found]


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def _first(mask: int, count: int) -> int:
    """Return the first units of a set."""
    found = 0
    for unit in _bits(mask):
        if count <= 0:
            break
        found |= 1 << unit
        count -= 1
    return found


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low

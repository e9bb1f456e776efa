"""Which items of a batch to drop so that the rest passes, with few runs of the gate.

Failing sets and sets to drop are each other's hitting sets (Reiter, "A theory of diagnosis from
first principles", 1987): what is dropped must hit every set that fails. So the search keeps failing
sets, drops the cheapest set that hits all of them, runs the rest, and if it fails, finds another
failing set in it (implicit hitting sets: Moreno-Centeno and Karp, 2013). When the rest passes,
nothing larger can: that is the proof, and it does not need the failing sets to be minimal.

Single bad items, the usual case, are found by group testing (`group_testing`): what comes behind
the first bad item of a group goes back to the others. The sets that fail on the way have no items
in common, so they prove as many drops.

A minimal failing set is found by its last items, one after the other, by binary search for the
shortest beginning that fails (QuickXplain: Junker, 2004, in the form of Marques-Silva, Janota and
Belov, 2013).

Sets are integers, a bit for each unit: an item, or items that need each other (`units`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from lane_planner.executor.bisection.group_testing import Groups
from lane_planner.executor.bisection.hitting_sets import hitting_set
from lane_planner.executor.bisection.oracle import Oracle, Run, Spent, Verdict
from lane_planner.executor.bisection.units import Units, bits

__all__ = ["Dropped", "Kept", "Run", "Verdict", "largest_good"]

# A minimal failing set of more units than this is taken for chance; finding it would cost much.
_WIDE = 4
# Nodes that a search may look at for the cheapest sets to drop; then it takes good ones.
_NODES = 50_000


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
    units = Units.of(items, needs)
    oracle = Oracle(units, run, 8 * len(items) + 200 if limit is None else limit)
    search = _Search(units, oracle, rate)
    if whole is not None and items:
        oracle.learn(units.all, whole)
    try:
        drop = search.solve()
        if confirm:
            search.explain(drop)
        spent = False
    except Spent:
        # Confirming may use up the last runs: the set was found all the same.
        spent = search.solved is None
        drop = units.all & ~oracle.best if search.solved is None else search.solved
    return Kept(
        units.names(units.all & ~drop),
        tuple(search.dropped(drop)),
        oracle.runs,
        not (spent or search.doubtful),
    )


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

    def __init__(self, units: Units, oracle: Oracle, rate: float | None) -> None:
        self._units = units
        self._oracle = oracle
        self._conflicts: list[_Conflict] = []
        self._groups = Groups(units, oracle, rate)
        self._nodes = _NODES
        self.doubtful = False
        self.solved: int | None = None

    def solve(self) -> int:
        """Return the units to drop.

        Raises:
            Spent: the limit of runs is reached.
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
                chosen = self._groups.part(mask, unknown)
            elif left:
                chosen = self._groups.group(within & ~aside, left, some_bad=bool(self._conflicts))
            else:
                return
            if oracle.passes(chosen):
                self._groups.see(0, chosen & left)
                clean |= chosen
            else:
                failing.append(chosen)

    def _told(self, mask: int, unknown: int) -> _Conflict:
        """Return the failing set of a unit that alone can be the reason."""
        culprit = unknown.bit_length() - 1
        self._groups.see(unknown, 0)
        return _Conflict(mask, culprit, self._units.close[culprit] == mask and self._tight(mask))

    def _tight(self, mask: int) -> bool:
        """Tell whether all smaller closed sets are known to pass."""
        return all(self._oracle.known(mask & ~(1 << unit)) for unit in self._tops(mask))

    def _tops(self, mask: int) -> list[int]:
        """Return the units of a closed set that no other one in it needs."""
        return [unit for unit in bits(mask) if self._units.above[unit] & mask == 1 << unit]

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
            units = list(bits(mask & ~base))
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
            drop, exact, self._nodes = hitting_set(self._units, masks, self._nodes)
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
            Spent: the limit of runs is reached.
        """
        for unit in bits(drop):
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

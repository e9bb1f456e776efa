"""How many items to run together, where each is bad with some probability: group testing.

A group is as large as to fail every second time (Golomb, "Run-length encodings", 1966, has the
size), and a group that fails is split where its first bad item is as likely on the left as on the
right (Sobel and Groll, "Group testing to eliminate efficiently all defectives in a binomial
sample", 1959; Hwang, "A method for detecting all defective members in a population by group
testing", 1972).
"""

from __future__ import annotations

import math

from lane_planner.executor.bisection.oracle import Oracle
from lane_planner.executor.bisection.units import Units, first

# A set that passes less often than this is not worth being halved when it failed.
_FEW = 0.1
# All that is left is run at once, with all that passed, if it passes at least this often.
_WORTH = 0.4
# How often a set without its suspects may fail before hints must have been right in return.
_TRIES = 2
# How many units the guess of the rate counts for, if the caller has none.
_GUESS = 40
# Hints are taken to be right more often than not, until they show what they are worth.
_HINTED = (1.2, 2.0)


class Rate:
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
        ahead = round(math.log(share) / math.log(self.good))
        if whole > _FEW:
            # Not likely to have several bad ones: no more runs than halving takes.
            half = 1 << ((size - 1).bit_length() - 1)
            ahead = min(max(ahead, size - half), half)
        return min(max(ahead, 1), size - 1)


class Groups:
    """What to run next, by how many are bad, as it shows, and by what failing runs named.

    Args:
        units: the items.
        oracle: the gate.
        rate: how many items in one are thought to be bad; None: unknown.
    """

    def __init__(self, units: Units, oracle: Oracle, rate: float | None) -> None:
        self._units = units
        self._oracle = oracle
        size = max(1, len(units.members))
        # Below 1, so that all items are run first.
        self._plain = Rate(0.9, size) if rate is None else Rate(2, 2 / rate)
        # What the guess counts for above what it should once more than one bad unit is known of.
        self._surplus = max(0, size - _GUESS) if rate is None else 0
        self._hinted = Rate(*_HINTED)
        self._tries = _TRIES

    def see(self, bad: int, good: int) -> None:
        """Count units that turned out bad and good."""
        hinted = self._oracle.suspects
        right = (bad & hinted).bit_count()
        self._hinted.see(right, (good & hinted).bit_count())
        self._plain.see((bad & ~hinted).bit_count(), (good & ~hinted).bit_count())
        self._tries += 2 * right

    def group(self, rest: int, left: int, *, some_bad: bool) -> int:
        """Return the set to run next when nothing is known to fail.

        Args:
            rest: all that is not left aside.
            left: the units of it that were in no set that passed.
            some_bad: whether any bad unit was found yet.
        """
        hinted = left & self._oracle.suspects
        plain = left & ~hinted
        share = self._hinted.good ** hinted.bit_count() * self._plain.good ** plain.bit_count()
        if share >= _WORTH:
            return rest
        if self._surplus and some_bad and not hinted:
            # One bad item is the usual case; if there are more, what was seen tells how many.
            self._plain.trust(self._surplus)
            self._surplus = 0
            return rest
        if plain and self._oracle.suspects and self._tries:
            # Where failing runs name the bad ones, the more is run, the more are named.
            self._tries -= 1
            return rest & ~self._units.needing(hinted)
        if hinted:
            return self._units.closed(first(hinted, self._hinted.group(hinted.bit_count())))
        return self._units.closed(first(plain, self._plain.group(plain.bit_count())))

    def part(self, mask: int, unknown: int) -> int:
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
            chosen = self._units.closed(first(hinted, self._hinted.group(hinted.bit_count())))
            if unknown & ~chosen:
                return chosen
        rate = self._plain if plain else self._hinted
        return self._units.closed(first(unknown, rate.split(unknown.bit_count())))

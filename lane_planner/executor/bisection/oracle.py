"""A gate that is asked of sets of items, and remembers: failing is taken to be monotone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lane_planner.executor.bisection.units import Units


class Verdict(NamedTuple):
    """What a run of the gate said.

    Attributes:
        passed: whether it passed.
        suspects: items that its output seems to name; a hint, never relied on.
    """

    passed: bool
    suspects: frozenset[str] = frozenset()


Run = Callable[[frozenset[str]], Verdict]
"""Runs the gate on items, at least one, and all that they need."""


class Spent(Exception):
    """The limit of runs is reached."""


class Oracle:
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

    def __init__(self, units: Units, run: Run, limit: int) -> None:
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
            Spent: it would have been one run too many.
        """
        known = self.known(mask)
        if known is not None:
            return known
        if self.runs >= self._limit:
            raise Spent
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

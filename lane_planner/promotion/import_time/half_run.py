"""Whether a promotion lets a module be found half run that was not before.

Where a module stands decides which packages run before it. So a promotion can change in which
order modules begin, of those that move and of those that stay, and in a circle of imports the order
decides whether a name is there when it is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

import msgspec

from lane_planner.promotion.import_time.import_order import Half, Outcome, Process, TooMuch
from lane_planner.promotion.import_time.view import View, circles
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.packages import Packages
from lane_planner.promotion.relocation import Relocation
from lane_planner.promotion.workspace import packages_around

# How many modules are followed for one promotion, each as often as it is run: half a second.
_BUDGET = 20_000
# How many modules outside of circles are looked at that import what moves.
_MOST_IMPORTERS = 200


class Found(msgspec.Struct, frozen=True):
    """What a promotion does to the order in which modules begin.

    Attributes:
        refusal: why it cannot be made; None: it can.
        notes: what may go wrong, and what goes wrong and is caught.
    """

    refusal: Refused | None = None
    notes: tuple[str, ...] = ()


# A check and the notes both ask, each once.
_found: WeakKeyDictionary[Packages, Found] = WeakKeyDictionary()


def half_run(relocation: Relocation) -> Found:
    """Compare what importing each module first comes to, before a promotion and after it.

    Args:
        relocation: the promotion.
    """
    found = _found.get(relocation.packages)
    if found is None:
        found = _found[relocation.packages] = _Comparison(relocation).found()
    return found


class _Changes:
    """Which modules are imported after other packages than before, by their names after.

    Only packages whose code imports something of the repository count: what another one does is
    over before anything else begins.

    Attributes:
        modules: those modules.
        packages: the packages that run for one of them no more, or did not.
    """

    def __init__(self, relocation: Relocation, before: View, after: View) -> None:
        self.modules: set[str] = set()
        self.packages: set[str] = set()
        renamed = relocation.renaming.renamed
        arrived = set(renamed.values())
        for old, new in renamed.items():
            had = {renamed.get(up, up) for up in packages_around(old) if before.edges(up)}
            has = {up for up in packages_around(new) if after.edges(up)}
            if had != has:
                self.modules.add(new)
                self.packages |= had ^ has
            if not relocation.before.by_name[old].package:
                continue
            if before.edges(old):
                stay = _below(old, relocation.before.by_name, renamed)
                self.modules.update(stay)
                self.packages.update([new] if stay else ())
            if after.edges(new):
                here = _below(new, relocation.after.by_name, arrived)
                self.modules.update(here)
                self.packages.update([new] if here else ())


def _below(package: str, modules: Iterable[str], but: Iterable[str]) -> list[str]:
    start = f"{package}."
    return [name for name in modules if name.startswith(start) and name not in but]


class _Comparison:
    def __init__(self, relocation: Relocation) -> None:
        self._relocation = relocation
        self._views = {False: View(relocation, after=False), True: View(relocation, after=True)}
        self._outcomes: dict[tuple[bool, str], Outcome] = {}
        self._leading: dict[bool, set[str]] = {False: set(), True: set()}
        self._left = _BUDGET
        self._notes: dict[str, None] = {}

    def found(self) -> Found:
        before, after = self._views[False], self._views[True]
        changes = _Changes(self._relocation, before, after)
        found = self._at_top_no_more()
        if changes.modules:
            found += self._follow(sorted(changes.modules | changes.packages), after=True)
        if not found:
            return Found()
        # Whatever begins a circle runs all of it. If none of its modules minds being the first
        # one, it does not matter which one is; else it may for all that lead to it.
        try:
            minding = self._compare(sorted(name for circle in found for name in circle))
            if minding:
                self._compare(self._importers(changes.modules | changes.packages))
        except TooMuch:
            self._note("so many modules import each other that not every order was looked at")
        except Refused as refusal:
            return Found(refusal)
        return Found(None, tuple(self._notes))

    def _at_top_no_more(self) -> list[list[str]]:
        """Return the packages, as circles of one, that are in another package from now on.

        A package at the top can use its submodules by its own name while it is run. In another
        package it is not to be found by that name before it was run to its end.
        """
        found: list[list[str]] = []
        for old, new in sorted(self._relocation.renaming.renamed.items()):
            below = f"{new}."
            uses_own = any(name.startswith(below) for name in self._views[True].edges(new))
            if uses_own and "." in new and "." not in old:
                self._leading[False].add(old)
                self._leading[True].add(new)
                found.append([new])
        return found

    def _note(self, note: str) -> None:
        self._notes[note] = None

    def _compare(self, names: Iterable[str]) -> bool:
        """Compare what importing some modules first comes to.

        Args:
            names: their names after the promotion.

        Returns:
            Whether one of them cannot be imported first.

        Raises:
            Refused: one cannot that could.
            TooMuch: it takes too long.
        """
        minding = False
        for name in names:
            old = self._views[True].before(name)
            if old is None or not self._views[True].modules[name].importable:
                continue
            now = self._outcome(name, after=True)
            minding = minding or now.failed is not None
            if now.failed is None and not now.caught and not now.unsure:
                continue
            was = self._outcome(old, after=False)
            if was.failed is not None:
                continue
            if now.failed is not None:
                raise self._refused(name, now.failed)
            for half in _new(now.caught, was.caught):
                self._note(f"{self._said(name, half)}: the `try` around it catches that")
            for half in _new(now.unsure, was.unsure):
                self._note(f"{self._said(name, half)}: look whether it is bound by then")
        return minding

    def _outcome(self, name: str, *, after: bool) -> Outcome:
        """Return what importing a module first comes to.

        That is what importing the outermost package around it comes to, as far as that goes.
        """
        for up in reversed(list(packages_around(name))):
            if up in self._views[after].modules:
                outcome = self._followed(up, after=after)
                if outcome.failed is not None or name in outcome.ran:
                    return outcome
        return self._followed(name, after=after)

    def _followed(self, name: str, *, after: bool) -> Outcome:
        known = self._outcomes.get((after, name))
        if known is None:
            view = self._views[after]
            self._follow([name], after=after)
            process = Process(view, self._leading[after], self._spend)
            known = self._outcomes[after, name] = process.first(name)
        return known

    def _follow(self, names: Iterable[str], *, after: bool) -> list[list[str]]:
        """Return the circles of imports that importing some modules leads to.

        All that leads to one is followed from now on.
        """
        ups = (up for name in names for up in (name, *packages_around(name)))
        known = self._leading[after]
        found, leading = circles(self._views[after], [up for up in ups if up not in known])
        known |= leading
        return found

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooMuch

    def _importers(self, names: Iterable[str]) -> list[str]:
        """Return some modules and those whose import leads to one, the nearest first."""
        view, workspace = self._views[True], self._relocation.workspace
        renamed = self._relocation.renaming.renamed
        found = dict.fromkeys(sorted(names))
        near = list(found)
        while near and len(found) < _MOST_IMPORTERS:
            near = sorted(
                {
                    new
                    for name in near
                    for importer in workspace.importers_of(view.before(name) or name)
                    if (new := renamed.get(importer, importer)) not in found
                    and name in view.edges(new)
                }
            )
            found |= dict.fromkeys(near)
        return list(found)[:_MOST_IMPORTERS]

    # Words.

    def _place(self, name: str, line: int) -> tuple[str, int]:
        """Return where a module stands before the promotion, and a line of it."""
        view = self._views[True]
        old = view.before(name)
        by_name = self._relocation.before.by_name
        return (view.modules[name] if old is None else by_name[old]).path, line

    def _refused(self, root: str, half: Half) -> Refused:
        taker = half.chain[-1]
        if taker == f"{half.taken}.{half.name}":
            path, line = self._place(taker, half.line)
            what = f"{taker} uses itself by that name while it is run, and would not be found"
            return Refused(path, line, f"{what}: import what it uses with `from` first")
        path, line = self._place(half.taken, half.at)
        return Refused(
            path,
            line,
            f"{self._reason(root, half)}: promote them together, or defer one of the two imports",
        )

    def _said(self, root: str, half: Half) -> str:
        path, line = self._place(half.taken, half.at)
        return f"{path}:{line}: {self._reason(root, half)}"

    def _reason(self, root: str, half: Half) -> str:
        path, line = self._place(half.chain[-1], half.line)
        first = "imported first" if half.taken == root else f"if {root} is imported first"
        bound = f"line {half.bound} binds it" if half.bound else "it is there"
        return (
            f"{half.taken}, {first}, would run {' → '.join(half.chain)}, which takes {half.name} "
            f"from it at {path}:{line} before {bound}"
        )


def _new(now: Iterable[Half], was: Iterable[Half]) -> Iterator[Half]:
    """Yield what is found half run now and was not: by the name that is taken."""
    known = {(half.name, half.line) for half in was}
    return (half for half in now if (half.name, half.line) not in known)

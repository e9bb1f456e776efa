"""What a change brought: the findings of one state of a repository that another has not.

A finding is known by what it is about, not by its line: code, importer and imported module, and of
several alike how many there are; a circular import by its modules, whoever takes one apart making
no new one. So it is the baseline's way of telling, with a state of the repository for the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

import msgspec

from lane_planner.rules.baseline import Baseline, Circle, Entry, Judged, judge
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.excuses import Leftover
from lane_planner.rules.violations import Violation
from lane_planner.scan.modules import ModuleTable

Found = TypeVar("Found")


class Since(msgspec.Struct, frozen=True):
    """What findings are compared with.

    Attributes:
        ref: as the user said it.
        commit: where it and what is checked out parted: full id.
        older: how many violations and circular imports counted there already.
        note: what is to be known of the comparison; "" if nothing is.
    """

    ref: str
    commit: str
    older: int
    note: str = ""


class State(msgspec.Struct, frozen=True):
    """What `check` says of one state of a repository, its own baseline looked at.

    Attributes:
        violations: whatever their status.
        circles: circular imports that count; None: not asked for.
        diagnostics: faults of files.
        leftovers: what is of no use in waivers, ignores and baseline.
    """

    violations: tuple[Violation, ...]
    circles: tuple[Circle, ...] | None
    diagnostics: tuple[Diagnostic, ...]
    leftovers: tuple[Leftover, ...]


def names_after(
    before: ModuleTable, now: ModuleTable, moved: Mapping[str, str]
) -> Callable[[str], str]:
    """Return what tells the present name of what had a name before.

    Args:
        before: the modules then.
        now: the modules now.
        moved: new path by old path, of files that were moved.
    """
    names = {}
    for path, module in before.by_path.items():
        found = now.by_path.get(moved.get(path, path))
        if found is not None and found.name != module.name:
            names[module.name] = found.name

    def after(name: str) -> str:
        """Return the name; what is no module goes with the package around it."""
        if name in names:
            return names[name]
        module = before.by_name.get(name)
        if module is not None and not module.namespace:
            return name
        above, dot, _ = name.rpartition(".")
        while dot:
            if above in names:
                return names[above] + name[len(above) :]
            above, dot, _ = above.rpartition(".")
        return name

    return after


def brought(
    now: State, before: State, after: Callable[[str], str], moved: Mapping[str, str]
) -> State:
    """Return what counts now and did not before; its violations are all new.

    Of more findings alike than before, the last ones are what was brought.

    Args:
        now: the state that is looked at.
        before: the one that it is compared with.
        after: tells the present name of a module that had a name before.
        moved: new path by old path, of files that were moved.
    """
    judged = _judged(now, before, after)
    circles = now.circles
    if circles is not None:
        circles = tuple(circle for circle in circles if circle not in judged.circles)
    told = [(one.code, after(one.module), one.message) for one in before.diagnostics]
    left = [_identity(leftover, moved) for leftover in before.leftovers]
    return State(
        tuple(violation for violation in judged.violations if violation.status == "new"),
        circles,
        tuple(_beyond(now.diagnostics, told, lambda one: (one.code, one.module, one.message))),
        tuple(_beyond(now.leftovers, left, lambda one: _identity(one, {}))),
    )


def _judged(now: State, before: State, after: Callable[[str], str]) -> Judged:
    counts = Counter(
        (violation.code, (after(violation.edge[0]), after(violation.edge[1])))
        for violation in before.violations
        if violation.status == "new"
    )
    known = [Entry(*key, count) for key, count in counts.items()]
    known += [
        Entry(code, tuple(sorted(map(after, modules)))) for code, modules in before.circles or ()
    ]
    counted = [violation for violation in now.violations if violation.status == "new"]
    return judge(counted, now.circles, Baseline.of(known), chains=True)


def _identity(leftover: Leftover, moved: Mapping[str, str]) -> Leftover:
    path = leftover.path
    return msgspec.structs.replace(
        leftover, path=None if path is None else moved.get(path, path), line=None, column=None
    )


def _beyond(
    found: Iterable[Found], known: Iterable[Hashable], key: Callable[[Found], Hashable]
) -> Iterable[Found]:
    """Yield what there is more of than is known, the last of it."""
    left = Counter(known)
    for one in found:
        left[key(one)] -= 1
        if left[key(one)] < 0:
            yield one

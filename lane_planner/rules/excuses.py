"""What lets imports through that a rule forbids: waivers of the configuration, comments in place.

Both take sites out of what is judged: out of LP101 one by one, out of the chains of LP102 and the
circles of LP201 and LP202 like imports that are not there.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from lane_planner.config.globs import name_glob
from lane_planner.config.settings import Waiver
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.scan.records import FileRecord, Ignore

IGNORABLE = ("LP101", "LP102", "LP201", "LP202")
"""The rules that can be ignored in place, and waived."""

# A site leaves circles of both codes: to leave those of one alone would turn them into the other.
_CIRCLES = frozenset({"LP201", "LP202"})

Status = Literal["new", "baseline", "waived", "ignored"]


class Excuses:
    """The waivers that hold, and the ignores that have a reason.

    Args:
        waivers: in the order of the configuration.
        today: the day on which they are judged.
        graph: the repository, for the places of ignores.
        records: what each file says, by path.
    """

    def __init__(
        self,
        waivers: Iterable[Waiver],
        today: datetime.date,
        graph: ImportGraph,
        records: Mapping[str, FileRecord],
    ) -> None:
        self._globs = [
            (name_glob(waiver.importer), name_glob(waiver.imported))
            for waiver in waivers
            if waiver.expires is None or today <= waiver.expires
        ]
        self._known: dict[tuple[str, str], bool] = {}
        self._ignored: dict[Place, frozenset[str]] = {}
        for path, record in records.items():
            for ignore in record.ignores:
                codes = held(ignore)
                for line, column in ignore.statements if codes else ():
                    key = (graph.table.by_path[path].name, line, column)
                    self._ignored[key] = self._ignored.get(key, frozenset()) | codes

    def __bool__(self) -> bool:
        """Whether there is anything that could let an import through."""
        return bool(self._globs or self._ignored)

    def status(self, site: ImportSite, code: str) -> Status:
        """Return whether a rule lets a site through, and why."""
        if self._ignored and code in self._ignored.get(
            (site.importer, site.line, site.column), frozenset()
        ):
            return "ignored"
        return "waived" if self._waived(site.importer, site.imported) else "new"

    def excused(self, graph: ImportGraph, code: str) -> frozenset[ImportSite]:
        """Return the sites of imports of modules that a rule lets through."""
        if not self:
            return frozenset()
        return frozenset(
            site for site in graph.sites if site.resolved and self.status(site, code) != "new"
        )

    def _waived(self, importer: str, imported: str) -> bool:
        if not self._globs:
            return False
        known = self._known.get((importer, imported))
        if known is None:
            known = any(from_(importer) and to(imported) for from_, to in self._globs)
            self._known[importer, imported] = known
        return known


def held(ignore: Ignore) -> frozenset[str]:
    """Return the rules that an ignore lets its statements through; without a reason none."""
    if not ignore.reason:
        return frozenset()
    codes = frozenset(IGNORABLE if ignore.codes is None else ignore.codes).intersection(IGNORABLE)
    return codes | _CIRCLES if codes & _CIRCLES else codes


class Leftover(msgspec.Struct, frozen=True, omit_defaults=True):
    """A waiver, an ignore or an entry of the baseline that is of no use, or of less than it says.

    Attributes:
        kind: what it is.
        problem: "expired", "unmatched" (nothing is as it says), "less" (not all is, any more) or
            "malformed" (it says nothing that could be).
        reason: the same in words.
        importer: glob of a waiver.
        imported: likewise.
        entry: of the baseline.
        path: file of an ignore.
        line: from 1.
        column: in characters, from 0.
    """

    kind: Literal["waiver", "ignore", "baseline"]
    problem: Literal["expired", "unmatched", "less", "malformed"]
    reason: str
    importer: str | None = None
    imported: str | None = None
    entry: str | None = None
    path: str | None = None
    line: int | None = None
    column: int | None = None


Place = tuple[str, int, int]
"""Importer, line and column of an import statement."""

Uses = Callable[[str], Iterable[Place]]
"""Returns the statements that a rule, by its code, would report or build on without any excuse."""


def idle_ignores(
    graph: ImportGraph, records: Mapping[str, FileRecord], uses: Uses, asked: Iterable[str]
) -> tuple[Leftover, ...]:
    """Return the ignores that let nothing through, or not all that they say, by path and line.

    Args:
        graph: the repository.
        records: what each file says, by path.
        uses: asked for each rule whose ignores are judged.
        asked: the rules that were looked at; an ignore that names another one is not judged.
    """
    judged = [code for code in IGNORABLE if code in set(asked)]
    places: dict[str, frozenset[Place]] = {}

    def used(code: str, path: str, ignore: Ignore) -> bool:
        if code not in places:
            places[code] = frozenset(uses(code))
        name = graph.table.by_path[path].name
        return any((name, *statement) in places[code] for statement in ignore.statements)

    found = []
    for path, record in records.items():
        for ignore in record.ignores:
            complaint = _complaint(path, ignore, judged, used)
            for problem, reason in complaint:
                found.append(
                    Leftover(
                        "ignore", problem, reason,
                        path=path, line=ignore.line, column=ignore.column,
                    )
                )  # fmt: skip
    return tuple(found)


_Problem = Literal["unmatched", "less", "malformed"]


def _complaint(
    path: str, ignore: Ignore, judged: list[str], used: Callable[[str, str, Ignore], bool]
) -> list[tuple[_Problem, str]]:
    if ignore.codes == ():
        return [("malformed", "names no rule: write # lane: ignore[LP101] and a reason")]
    if not ignore.reason:
        return [("malformed", "has no reason, and lets nothing through without one: add it")]
    if not ignore.statements:
        return [("unmatched", "stands at no import")]
    if ignore.codes is None:
        idle = not any(used(code, path, ignore) for code in judged)
        return [("unmatched", "lets nothing through")] if idle else []
    idle_codes: list[str] = []
    complaints: list[tuple[_Problem, str]] = []
    for code in ignore.codes:
        if code not in IGNORABLE:
            known = ", ".join(IGNORABLE)
            complaints.append(("malformed", f"names {code}, but only {known} can be ignored"))
        elif code in judged and not used(code, path, ignore):
            idle_codes.append(code)
    if idle_codes:
        whole = len(idle_codes) == len(ignore.codes)
        complaints.append(
            ("unmatched" if whole else "less", f"lets nothing of {', '.join(idle_codes)} through")
        )
    return complaints

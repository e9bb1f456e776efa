"""LP101: imports from a lane that the importer's lane may not import."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable

import msgspec

from lane_planner.config.globs import name_glob
from lane_planner.config.settings import Settings, Waiver
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.rules.excuses import Excuses, Status
from lane_planner.rules.lanes import LaneMap
from lane_planner.scan.records import Kind

__all__ = ["Status", "Violation", "direct_violations", "idle_waivers"]


class Violation(msgspec.Struct, frozen=True, omit_defaults=True):
    """An import that a rule forbids.

    Attributes:
        code: "LP101"; "LP102" where it is allowed, but leads to one that is not.
        importer: name of the importing module.
        imported: name of the imported module; for LP102, of the one that the chain leads to.
        importer_lane: its lane.
        imported_lane: its lane; None for first-party code in no lane.
        path: the importer's file.
        line: from 1.
        column: in characters, from 0.
        kind: when the import runs.
        status: whether it counts.
        message: what is wrong, in words.
        chain: for LP102 the shortest chain, from the importer over what the site imports to the
            imported module; else empty.
    """

    code: str
    importer: str
    imported: str
    importer_lane: str
    imported_lane: str | None
    path: str
    line: int
    column: int
    kind: Kind
    status: Status
    message: str
    chain: tuple[str, ...] = ()

    @property
    def edge(self) -> tuple[str, str]:
        """The importer, and the module that the site itself imports."""
        return (self.importer, self.chain[1] if self.chain else self.imported)


def direct_violations(
    graph: ImportGraph, settings: Settings, lanes: LaneMap, excuses: Excuses
) -> tuple[Violation, ...]:
    """Return the sites that import from a lane which their own may not import (LP101).

    Args:
        graph: the repository.
        settings: the lanes.
        lanes: the lanes by path and name.
        excuses: what lets sites through.

    Returns:
        One a site and imported module, by path, line, column and imported name.
    """
    importer_lanes: dict[str, str | None] = {}
    imported_lanes: dict[tuple[str, bool], str | None] = {}
    verdicts: dict[tuple[str, str | None], bool] = {}
    found = []
    for site in graph.sites:
        if site.external or site.fault == "LP302":
            continue
        importer = site.importer
        if importer not in importer_lanes:
            importer_lanes[importer] = lanes.of_path(graph.modules[importer].path)
        lane = importer_lanes[importer]
        if lane is None:
            continue
        known = (site.imported, site.fault is None)
        if known not in imported_lanes:
            imported_lanes[known] = lanes.of_imported(graph, site)
        other = imported_lanes[known]
        pair = (lane, other)
        if pair not in verdicts:
            verdicts[pair] = settings.allowed(lane, other)
        if not verdicts[pair]:
            found.append(_violation(graph, site, lane, other, excuses))
    found.sort(key=lambda v: (v.path, v.line, v.column, v.imported))
    return tuple(found)


def _violation(
    graph: ImportGraph, site: ImportSite, lane: str, other: str | None, excuses: Excuses
) -> Violation:
    where = f"lane {other}" if other else "first-party code in no lane"
    missing = "" if site.resolved else " (no such module)"
    return Violation(
        code="LP101",
        importer=site.importer,
        imported=site.imported,
        importer_lane=lane,
        imported_lane=other,
        path=graph.modules[site.importer].path,
        line=site.line,
        column=site.column,
        kind=site.kind,
        status=excuses.status(site, "LP101"),
        message=f"{lane} may not import {where}: {site.importer} imports {site.imported}{missing}",
    )


def idle_waivers(
    violations: Iterable[Violation],
    settings: Settings,
    today: datetime.date,
    others: Callable[[], Iterable[tuple[str, str]]] = tuple,
) -> tuple[tuple[Waiver, str], ...]:
    """Return the waivers that no longer hold or that match no violation, with why, in order.

    Args:
        violations: all of them, whatever their status.
        settings: the waivers.
        today: the day on which they are judged.
        others: asked, once and only where it matters, for further (importer, imported) that a
            waiver lets through: imports of circles and chains.
    """
    pairs = sorted({(v.importer, v.imported) for v in violations if not v.chain})
    further: list[tuple[str, str]] | None = None
    idle = []
    for waiver in settings.waivers:
        if waiver.expires is not None and waiver.expires < today:
            idle.append((waiver, f"expired on {waiver.expires.isoformat()}"))
            continue
        from_, to = name_glob(waiver.importer), name_glob(waiver.imported)
        if any(from_(importer) and to(imported) for importer, imported in pairs):
            continue
        if further is None:
            further = sorted(others())
        if not any(from_(importer) and to(imported) for importer, imported in further):
            idle.append((waiver, "matches no violation"))
    return tuple(idle)

"""All that `check` asks of one state of a repository, a working tree's or a commit's."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping

import msgspec

from lane_planner.config.settings import Settings
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.rules.diagnostics import Diagnostic, diagnostics
from lane_planner.rules.excuses import Excuses, Leftover, Place, idle_ignores
from lane_planner.rules.lanes import LaneMap
from lane_planner.rules.violations import Violation, direct_violations, idle_waivers
from lane_planner.scan.records import FileRecord, SyntaxFault

Circle = tuple[str, tuple[str, ...]]
"""Code and sorted modules of a circular import."""


class Checked(msgspec.Struct, frozen=True):
    """What the rules say of one state of a repository, before any baseline.

    Attributes:
        violations: whatever their status, by path, line, column, code and imported name.
        diagnostics: faults of the files themselves, by path and line.
        leftovers: waivers and ignores that are of no use.
        excuses: what lets imports through.
        outside: sites that are let through, and so in no circle.
        circles: circular imports without them; None: not asked for.
    """

    violations: tuple[Violation, ...]
    diagnostics: tuple[Diagnostic, ...]
    leftovers: tuple[Leftover, ...]
    excuses: Excuses
    outside: frozenset[ImportSite] = frozenset()
    circles: tuple[Circle, ...] | None = None


def check(
    graph: ImportGraph,
    records: Mapping[str, FileRecord],
    settings: Settings,
    lanes: LaneMap,
    today: datetime.date,
    *,
    faults: Mapping[str, SyntaxFault],
    cycles: bool,
    transitive: bool,
) -> Checked:
    """Return what the rules say.

    Args:
        graph: the repository.
        records: what each file says, by path.
        settings: its configuration.
        lanes: the lanes by path and name.
        today: the day on which waivers are judged.
        faults: why files do not parse, by path, as far as that was asked.
        cycles: whether circular imports are looked for.
        transitive: whether indirect violations are.
    """
    excuses = Excuses(settings.waivers, today, graph, records)
    violations = direct_violations(graph, settings, lanes, excuses)
    chained: frozenset[ImportSite] = frozenset()
    asked = ["LP101", "LP201", "LP202"]
    if transitive:
        from lane_planner.rules.indirect import indirect_violations

        indirect = indirect_violations(graph, settings, lanes, excuses)
        chained = indirect.excused
        asked.append("LP102")
        violations = tuple(sorted((*violations, *indirect.violations), key=_order))
    circles = None
    outside: frozenset[ImportSite] = frozenset()
    if cycles:
        from lane_planner.rules.cycles import cyclic_components

        outside = excuses.excused(graph, "LP201")
        circles = cyclic_components(graph, outside)

    def uses(code: str) -> Iterable[Place]:
        if code == "LP101":
            return {(v.importer, v.line, v.column) for v in violations if v.code == code}
        return _places(chained if code == "LP102" else _circular(graph))

    def others() -> Iterable[tuple[str, str]]:
        return {(site.importer, site.imported) for site in (*chained, *_circular(graph))}

    leftovers = [
        Leftover(
            "waiver",
            "expired" if waiver.expires is not None and waiver.expires < today else "unmatched",
            why,
            importer=waiver.importer,
            imported=waiver.imported,
        )
        for waiver, why in idle_waivers(violations, settings, today, others)
    ]
    return Checked(
        violations,
        diagnostics(graph, records, faults),
        (*leftovers, *idle_ignores(graph, records, uses, asked)),
        excuses,
        outside,
        circles,
    )


def _order(violation: Violation) -> tuple[object, ...]:
    return (
        violation.path, violation.line, violation.column, violation.code, violation.chain[1:2],
        violation.imported,
    )  # fmt: skip


def _places(sites: Collection[ImportSite]) -> Iterable[Place]:
    return {(site.importer, site.line, site.column) for site in sites}


def _circular(graph: ImportGraph) -> frozenset[ImportSite]:
    # Asked only for a waiver or an ignore that nothing else has a use for.
    from lane_planner.rules.cycles import circular_sites

    return circular_sites(graph)

"""Results as JSON documents, in the shapes that DESIGN section 8 fixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lane_planner.base.text import UNSEEN, encodable
from lane_planner.graph.graph import ImportGraph
from lane_planner.rules.cycles import Cycle
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.lanes import LaneMap
from lane_planner.rules.violations import Violation
from lane_planner.scan.records import FileRecord

if TYPE_CHECKING:
    from lane_planner.rules.baseline import Compared
    from lane_planner.rules.excuses import Leftover
    from lane_planner.rules.indirect import Shared
    from lane_planner.rules.since import Since

Document = dict[str, Any]


def to_json(document: object) -> str:
    """Return a document as JSON text on several lines, with a final newline.

    File names that are not valid Unicode stand in it escaped, as `printable` writes them; control
    characters and bidirectional overrides are JSON escapes.
    """
    return _inert(msgspec.json.format(_encoded(document), indent=2)) + "\n"


def to_json_line(document: object) -> str:
    """Return a document as JSON text on one line, with a final newline; see `to_json`."""
    return _inert(_encoded(document)) + "\n"


def _encoded(document: object) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(encodable(msgspec.to_builtins(document)))


def _inert(encoded: bytes) -> str:
    # JSON lets these stand as they are; a terminal would act on them.
    return UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", encoded.decode("utf-8"))


def graph_document(
    graph: ImportGraph,
    lanes: LaneMap,
    faults: Collection[str],
    records: Mapping[str, FileRecord],
) -> Document:
    """Return the graph: modules, and one entry for each import site and imported module.

    Args:
        graph: the graph; external imports are in the document if they are in it.
        lanes: the lanes by path.
        faults: paths of files that do not parse.
        records: what each file says, by path.
    """
    modules = [
        {
            "name": module.name,
            "path": module.path,
            "lane": lanes.of_path(module.path),
            "package": module.package,
            "namespace": module.namespace,
            "importable": module.importable,
            "parses": module.path not in faults
            and (module.namespace or records[module.path].undecodable is None),
        }
        for module in graph.modules.values()
    ]
    imports = [
        {
            "importer": site.importer,
            "imported": site.imported,
            "line": site.line,
            "column": site.column,
            "kind": site.kind,
            "optional": site.optional,
            "dynamic": site.dynamic,
            "resolved": site.resolved,
            "external": site.external,
        }
        for site in graph.sites
        if site.fault != "LP302"  # it names no module at all: a diagnostic
    ]
    return {"modules": modules, "imports": imports}


def check_document(
    violations: Iterable[Violation],
    diagnostics: Iterable[Diagnostic],
    cycles: Iterable[Cycle] | None,
    extra: Mapping[str, int],
    baseline: Compared | None = None,
    *,
    stale: Iterable[Leftover] = (),
    shared: Iterable[Shared] | None = None,
    waived_cycles: Iterable[Cycle] = (),
    since: Since | None = None,
) -> Document:
    """Return what `check` found.

    Args:
        violations: forbidden imports.
        diagnostics: faults of files.
        cycles: circular imports; None: not asked for.
        extra: further counts for the summary.
        baseline: what the baseline says of them; None: there is none.
        stale: what is of no use in waivers, baseline and ignores.
        shared: imports that indirect violations lead over; None: these were not asked for.
        waived_cycles: circular imports that are let through.
        since: what all this was compared with; None: with nothing.
    """
    violations, diagnostics = list(violations), list(diagnostics)
    status = Counter(violation.status for violation in violations)
    codes = Counter(diagnostic.code for diagnostic in diagnostics)
    document: Document = {
        "violations": violations,
        "diagnostics": diagnostics,
        "stale": list(stale),
        "summary": {
            "new": status["new"],
            "baseline": status["baseline"],
            "waived": status["waived"],
            "ignored": status["ignored"],
            **dict(sorted(codes.items())),
            **extra,
        },
    }
    if cycles is not None:
        document["cycles"] = cycle_entries(cycles)
        document["summary"]["cycles"] = len(document["cycles"])
    if baseline is not None:
        document["baseline"] = _baseline_entry(baseline)
        document["summary"]["stale"] = len(baseline.judged.stale)
        for entry in document.get("cycles", ()):
            known = (entry["code"], tuple(entry["modules"])) in baseline.judged.circles
            entry["status"] = "baseline" if known else "new"
    for entry in cycle_entries(waived_cycles):
        document["cycles"].append({**entry, "status": "waived"})
    if shared is not None:
        document["shared"] = list(shared)
        document["summary"]["LP102"] = sum(v.code == "LP102" for v in violations)
    if since is not None:
        document["diff"] = {"ref": since.ref, "commit": since.commit, "older": since.older}
    return document


def _baseline_entry(baseline: Compared) -> Document:
    entry: Document = {
        "path": baseline.path,
        "stale": [
            {"entry": str(stale.entry), "reason": stale.reason} for stale in baseline.judged.stale
        ],
    }
    update = baseline.update
    if update is not None:
        entry["update"] = {
            "removed": update.removed,
            "narrowed": update.narrowed,
            "added": update.added,
        }
    return entry


def cycle_entries(cycles: Iterable[Cycle]) -> list[Document]:
    """Return cycles as entries; a breaker is an importer, what it imports, where and how hard."""
    return [
        {
            "code": cycle.code,
            "modules": list(cycle.modules),
            "example": list(cycle.example),
            "breakers": list(cycle.breakers),
            "exact": cycle.exact,
        }
        for cycle in cycles
    ]

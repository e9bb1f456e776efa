"""Results as JSON documents, in the shapes that DESIGN section 8 fixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET, UnsetType

from lane_planner.base.text import UNSEEN, encodable
from lane_planner.graph.graph import ImportGraph
from lane_planner.rules.cycles import Cycle
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.excuses import Leftover
from lane_planner.rules.indirect import Shared
from lane_planner.rules.lanes import LaneMap
from lane_planner.rules.violations import Violation
from lane_planner.scan.records import FileRecord, Kind

if TYPE_CHECKING:
    from lane_planner.rules.baseline import Compared
    from lane_planner.rules.since import Since

CycleStatus = Literal["new", "baseline", "waived"]


class GraphModule(msgspec.Struct, frozen=True, gc=False):
    """A module of the graph.

    Attributes:
        name: dotted name; for a file that nobody can import by name, its path.
        path: the file below the root; for a namespace package, the directory.
        lane: its lane; None: it is in none.
        package: whether it is a package.
        namespace: whether it is a package without `__init__.py`.
        importable: whether an import statement can name it.
        parses: whether its file can be decoded and parses.
    """

    name: str
    path: str
    lane: str | None
    package: bool
    namespace: bool
    importable: bool
    parses: bool


class GraphImport(msgspec.Struct, frozen=True, gc=False):
    """One import statement's import of one module, however many names it takes from there.

    Attributes:
        importer: name of the importing module.
        imported: name of the imported module; where there is no such module, or it is external, as
            it is written, made absolute.
        line: of the statement's first character, from 1.
        column: in characters, from 0.
        kind: when it runs.
        optional: whether it stands inside a `try` that catches its failure.
        dynamic: whether it is an `import_module` or `__import__` call.
        resolved: whether the imported module is one of the repository's.
        external: whether it is not first-party; such imports are there with `--external`.
    """

    importer: str
    imported: str
    line: int
    column: int
    kind: Kind
    optional: bool
    dynamic: bool
    resolved: bool
    external: bool


class GraphDocument(msgspec.Struct, frozen=True):
    """The import graph.

    Attributes:
        modules: sorted by name.
        imports: those of one module after the other; relative imports that climb beyond the top
            name no module, and are diagnostics of `check`.
    """

    modules: tuple[GraphModule, ...]
    imports: tuple[GraphImport, ...]


class CheckedCycle(Cycle, frozen=True):
    """A circular import as `check` tells of it.

    Attributes:
        status: whether it counts; only where there is a baseline, or a waiver or an ignore lets it
            through.
    """

    status: CycleStatus | UnsetType = UNSET


class StaleEntry(msgspec.Struct, frozen=True):
    """An entry of the baseline of which less is left than it stands for.

    Attributes:
        entry: as it stands in the file.
        reason: why, in words.
    """

    entry: str
    reason: str


class BaselineUpdate(msgspec.Struct, frozen=True):
    """How `--update-baseline` changed the baseline.

    Attributes:
        removed: how many import sites and circular imports it no longer covers.
        narrowed: how many circular imports it still covers, with fewer modules or imports.
        added: how many import sites and circular imports it covers now.
    """

    removed: int
    narrowed: int
    added: int


class BaselineDocument(msgspec.Struct, frozen=True):
    """What the baseline says of the findings.

    Attributes:
        path: its file.
        stale: entries of which less is left, in order.
        update: how it was changed; only with `--update-baseline`.
    """

    path: str
    stale: tuple[StaleEntry, ...]
    update: BaselineUpdate | UnsetType = UNSET


class DiffDocument(msgspec.Struct, frozen=True):
    """What findings were compared with.

    Attributes:
        ref: as the user said it.
        commit: where it and what is checked out parted: full id.
        older: how many violations and circular imports counted there already, and are left out.
    """

    ref: str
    commit: str
    older: int


class CheckDocument(msgspec.Struct, frozen=True):
    """What `check` found.

    Attributes:
        violations: imports that the lanes forbid, by place; only new ones make the exit code 1.
        diagnostics: faults of the files themselves, by place.
        stale: waivers, ignores and entries of the baseline that are of no use; with `--strict` they
            make the exit code 1 too.
        summary: counts by name: violations of each status (`new`, `baseline`, `waived`,
            `ignored`), diagnostics of each code that there is, `modules` that were looked at,
            `opaque` imports, whose module cannot be read off the source; with `--cycles` `cycles`,
            where there is a baseline its `stale` entries, with `--transitive` `LP102`.
        cycles: circular imports; only with `--cycles`. New ones make the exit code 1.
        baseline: only where there is one.
        shared: imports that most indirect violations lead over; only with `--transitive`.
        diff: only with `--diff`.
    """

    violations: tuple[Violation, ...]
    diagnostics: tuple[Diagnostic, ...]
    stale: tuple[Leftover, ...]
    summary: dict[str, int]
    cycles: tuple[CheckedCycle, ...] | UnsetType = UNSET
    baseline: BaselineDocument | UnsetType = UNSET
    shared: tuple[Shared, ...] | UnsetType = UNSET
    diff: DiffDocument | UnsetType = UNSET


class CyclesDocument(msgspec.Struct, frozen=True):
    """What `cycles` found.

    Attributes:
        cycles: LP201 before LP202, each sorted by its modules.
    """

    cycles: tuple[Cycle, ...]


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
) -> GraphDocument:
    """Return the graph: modules, and one entry for each import site and imported module.

    Args:
        graph: the graph; external imports are in the document if they are in it.
        lanes: the lanes by path.
        faults: paths of files that do not parse.
        records: what each file says, by path.
    """
    modules = tuple(
        GraphModule(
            module.name,
            module.path,
            lanes.of_path(module.path),
            module.package,
            module.namespace,
            module.importable,
            module.path not in faults
            and (module.namespace or records[module.path].undecodable is None),
        )
        for module in graph.modules.values()
    )
    imports = tuple(
        GraphImport(
            site.importer,
            site.imported,
            site.line,
            site.column,
            site.kind,
            site.optional,
            site.dynamic,
            site.resolved,
            site.external,
        )
        for site in graph.sites
        if site.fault != "LP302"  # it names no module at all: a diagnostic
    )
    return GraphDocument(modules, imports)


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
) -> CheckDocument:
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
    violations, diagnostics = tuple(violations), tuple(diagnostics)
    status = Counter(violation.status for violation in violations)
    codes = Counter(diagnostic.code for diagnostic in diagnostics)
    summary = {
        "new": status["new"],
        "baseline": status["baseline"],
        "waived": status["waived"],
        "ignored": status["ignored"],
        **dict(sorted(codes.items())),
        **extra,
    }
    circles: tuple[CheckedCycle, ...] | UnsetType = UNSET
    if cycles is not None:
        counted = [_checked(cycle, baseline) for cycle in cycles]
        summary["cycles"] = len(counted)
        circles = (*counted, *(_with_status(cycle, "waived") for cycle in waived_cycles))
    if baseline is not None:
        summary["stale"] = len(baseline.judged.stale)
    if shared is not None:
        summary["LP102"] = sum(v.code == "LP102" for v in violations)
    return CheckDocument(
        violations,
        diagnostics,
        tuple(stale),
        summary,
        circles,
        UNSET if baseline is None else _baseline_entry(baseline),
        UNSET if shared is None else tuple(shared),
        UNSET if since is None else DiffDocument(since.ref, since.commit, since.older),
    )


def _checked(cycle: Cycle, baseline: Compared | None) -> CheckedCycle:
    if baseline is None:
        return _with_status(cycle, UNSET)
    known = (cycle.code, cycle.modules) in baseline.judged.circles
    return _with_status(cycle, "baseline" if known else "new")


def _with_status(cycle: Cycle, status: CycleStatus | UnsetType) -> CheckedCycle:
    return CheckedCycle(**msgspec.structs.asdict(cycle), status=status)


def _baseline_entry(baseline: Compared) -> BaselineDocument:
    update = baseline.update
    return BaselineDocument(
        baseline.path,
        tuple(StaleEntry(str(one.entry), one.reason) for one in baseline.judged.stale),
        UNSET if update is None else BaselineUpdate(update.removed, update.narrowed, update.added),
    )

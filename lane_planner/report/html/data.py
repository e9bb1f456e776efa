"""What the page shows, as a plain document that is small enough to stand in it.

Every text stands once, in `texts`; everything else refers to it by its index. The first of them are
the names of the modules, sorted, so an index below their number is a module. Texts are escaped as
for a terminal (`printable`): a name can neither reorder what stands beside it nor be unencodable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lane_planner.base.text import printable, thousandths
from lane_planner.base.version import __version__
from lane_planner.config.settings import Settings
from lane_planner.executor.records.journal import Run
from lane_planner.graph.graph import ImportGraph
from lane_planner.planner.forecast import Forecast
from lane_planner.planner.schema import Cause, Fix, Plan, PlannedStep
from lane_planner.planner.trend import Trend
from lane_planner.report.text import MEANINGS
from lane_planner.report.trend import trend_document
from lane_planner.rules.cycles import Cycle
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.lanes import LaneMap
from lane_planner.rules.violations import Violation
from lane_planner.scan.modules import Module

SCHEMA = "lane-planner/page/1"

PACKAGE, NAMESPACE, NOT_IMPORTABLE, BROKEN = 1, 2, 4, 8
"""What `flags` of a module are made of."""

KINDS = {"eager": 1, "deferred": 2, "typing": 4}
"""What the kinds of an import are made of; with them `OPTIONAL`, where all its sites are."""

OPTIONAL = 8

Document = dict[str, Any]


class Planned(msgspec.Struct, frozen=True):
    """A plan with what carrying it out takes.

    Attributes:
        plan: of the repository as it is.
        forecasts: one for each number of workers, fewest first.
    """

    plan: Plan
    forecasts: tuple[Forecast, ...] = ()


class Material(msgspec.Struct, frozen=True):
    """All that the page is made of.

    Attributes:
        settings: the configuration.
        graph: the modules and the imports between them.
        lanes: the lanes by path.
        violations: forbidden imports, whatever their status, by path and line.
        diagnostics: faults of files, those that do not parse among them, by path and line.
        idle_waivers: waivers that cover nothing, each with why.
        cycles: circular imports.
        known_circles: (code, modules) of those that the baseline covers.
        plans: in the order of the lanes that are left.
        commit: the commit that was looked at, "…-dirty" with uncommitted changes; None: none.
        day: the day on which waivers were judged, ISO 8601.
        coverage: fraction of each file's lines that tests run, by path; None: there is no data.
        runs: what the journal holds, oldest first; empty: there is none.
        trend: figures of the history; None: they were not asked for, or nothing is committed.
    """

    settings: Settings
    graph: ImportGraph
    lanes: LaneMap
    violations: tuple[Violation, ...]
    diagnostics: tuple[Diagnostic, ...]
    idle_waivers: tuple[str, ...]
    cycles: tuple[Cycle, ...]
    known_circles: frozenset[tuple[str, tuple[str, ...]]]
    plans: tuple[Planned, ...]
    commit: str | None
    day: str
    coverage: Mapping[str, float] | None = None
    runs: tuple[Run, ...] = ()
    trend: Trend | None = None


def page_document(material: Material) -> Document:
    """Return the page's data; the same material gives the same document.

    Args:
        material: what it is made of.

    Returns:
        Builtin types. The keys are those that the script reads; what they hold is said where each
        of them is made.
    """
    texts = _Texts(material.graph)
    # `texts` grows while the rest is made, and is the same list to the end.
    return {
        "schema": SCHEMA,
        "tool": __version__,
        "commit": material.commit,
        "config": material.settings.digest,
        "day": material.day,
        "meanings": MEANINGS,
        "lanes": _lanes(material),
        "unlaned": material.settings.unlaned,
        "modules": _modules(material),
        "imports": _imports(material.graph, texts),
        "violations": _violations(material, texts),
        "diagnostics": [
            [d.code, texts.of(d.module), d.line, int(d.optional), texts.of(d.message)]
            for d in material.diagnostics
        ],
        "waivers": [printable(waiver) for waiver in material.idle_waivers],
        "cycles": [_cycle(cycle, material.known_circles, texts) for cycle in material.cycles],
        "plans": [_plan(planned, texts) for planned in material.plans],
        "runs": [_run(run) for run in material.runs],
        "trend": None if material.trend is None else _trend(material.trend),
        "texts": texts.all,
    }


class _Texts:
    """Texts by index, names of modules first.

    Args:
        graph: the modules.
    """

    def __init__(self, graph: ImportGraph) -> None:
        self._graph = graph
        self._known = {name: number for number, name in enumerate(graph.modules)}
        self.all = [printable(name) for name in graph.modules]

    def of(self, text: str) -> int:
        """Return the index of a text; of a module's name, the module."""
        number = self._known.get(text)
        if number is None:
            number = self._known[text] = len(self.all)
            self.all.append(printable(text))
        return number

    def file(self, path: str) -> int:
        """Return the index of the module that a file holds, or of its path."""
        module = self._graph.module_at(path)
        return self.of(path if module is None else module.name)


def _lanes(material: Material) -> list[Document]:
    """Return the lanes; lanes that they may import and promote to are indices."""
    lanes = material.settings.lanes
    number = {lane.name: index for index, lane in enumerate(lanes)}
    return [
        {
            "name": printable(lane.name),
            "paths": [printable(path) for path in lane.paths],
            "imports": sorted(number[name] for name in lane.imports),
            "to": None if lane.promotes_to is None else number[lane.promotes_to],
        }
        for lane in lanes
    ]


def _modules(material: Material) -> Document:
    """Return columns, one entry a module.

    `path` is 0 for "a/b.py", 1 for "a/b/__init__.py" and 2 for "a/b" of a module "a.b", else the
    path; `lane` an index, -1 for none; `covered` in thousandths, -1 where there is no figure.
    """
    number = {lane.name: index for index, lane in enumerate(material.settings.lanes)}
    broken = {d.path for d in material.diagnostics if d.code in ("LP901", "LP902")}
    paths: list[int | str] = []
    lanes: list[int] = []
    flags: list[int] = []
    covered: list[int] = []
    for module in material.graph.modules.values():
        paths.append(_path(module))
        lane = material.lanes.of_path(module.path)
        lanes.append(-1 if lane is None else number[lane])
        flags.append(
            PACKAGE * module.package
            | NAMESPACE * module.namespace
            | NOT_IMPORTABLE * (not module.importable)
            | BROKEN * (module.path in broken)
        )
        figure = None if material.coverage is None else material.coverage.get(module.path)
        covered.append(-1 if figure is None else thousandths(figure))
    least = material.settings.coverage
    return {
        "path": paths,
        "lane": lanes,
        "flags": flags,
        "covered": None if material.coverage is None else covered,
        "minimum": None if least is None else thousandths(least.min),
    }


def _path(module: Module) -> int | str:
    path = printable(module.path)
    stem = printable(module.name).replace(".", "/")
    usual = (f"{stem}.py", f"{stem}/__init__.py", stem)
    return usual.index(path) if path in usual else path


def _imports(graph: ImportGraph, texts: _Texts) -> list[list[int]]:
    """Return for each module what it imports: imported, first line, kinds, again and again."""
    found: list[list[int]] = []
    for name in graph.modules:
        targets: dict[str, tuple[int, int]] = {}
        for site in graph.sites_in(name):
            if not site.resolved or site.imported == name:
                continue
            line, kinds = targets.get(site.imported, (site.line, OPTIONAL))
            kinds |= KINDS[site.kind]
            if not site.optional:
                kinds &= ~OPTIONAL
            targets[site.imported] = (min(line, site.line), kinds)
        found.append(
            [
                number
                for imported, (line, kinds) in sorted(targets.items())
                for number in (texts.of(imported), line, kinds)
            ]
        )
    return found


def _violations(material: Material, texts: _Texts) -> list[list[Any]]:
    """Return code, importer, imported, their lanes (-1: none), line, kind, status, message.

    The message of an LP101 says no more than the rest of it, and is left out: -1.
    """
    number = {lane.name: index for index, lane in enumerate(material.settings.lanes)}
    return [
        [
            v.code, texts.of(v.importer), texts.of(v.imported),
            number[v.importer_lane],
            -1 if v.imported_lane is None else number[v.imported_lane],
            v.line, v.kind, v.status, -1 if v.code == "LP101" else texts.of(v.message),
        ]
        for v in material.violations
    ]  # fmt: skip


def _cycle(cycle: Cycle, known: frozenset[tuple[str, tuple[str, ...]]], texts: _Texts) -> Document:
    return {
        "code": cycle.code,
        "modules": [texts.of(name) for name in cycle.modules],
        "example": [texts.of(name) for name in cycle.example],
        "breakers": [
            [texts.of(b.importer), texts.of(b.imported), list(b.lines), b.rating]
            for b in cycle.breakers
        ],
        "exact": cycle.exact,
        "known": (cycle.code, cycle.modules) in known,
    }


def _plan(planned: Planned, texts: _Texts) -> Document:
    """Return a plan; steps are named by their place in it, which is the order of landing."""
    plan = planned.plan
    place = {step.id: number for number, step in enumerate(plan.steps)}
    gates = sorted({step.gates for step in plan.steps})
    causes = _Causes(texts)
    return {
        "hops": [[printable(hop.source), printable(hop.target)] for hop in plan.hops],
        "summary": msgspec.to_builtins(plan.summary),
        "assumed": [printable(text) for text in plan.assumed],
        "gates": [[printable(name) for name in names] for names in gates],
        "steps": [_step(step, place, gates, texts) for step in plan.steps],
        "batches": [
            {
                "id": b.id, "hop": b.hop, "wave": b.wave, "steps": [place[s] for s in b.steps],
                "modules": b.modules, "moved": b.moved, "rewritten": b.rewritten, "lines": b.lines,
                "gates": [printable(name) for name in b.gates], "after": list(b.after),
            }
            for b in plan.batches
        ],
        "blocked": [
            [texts.of(entry.module), entry.hop, [causes.reference(cause) for cause in entry.causes]]
            for entry in plan.blocked
        ],
        "causes": causes.all,
        "blocking": _blocking(plan, texts),
        "unlocks": [_fix(u.fix, texts) | {"frees": u.frees, "total": u.running_total}
                    for u in plan.unlocks],
        "forecasts": [_forecast(found) for found in planned.forecasts],
    }  # fmt: skip


def _step(
    step: PlannedStep,
    place: Mapping[str, int],
    gates: Sequence[tuple[str, ...]],
    texts: _Texts,
) -> list[Any]:
    """Return id, hop, wave, batch, modules, moves, rewrites, after, index of the gates.

    A move is the module or path that it takes away, and the path where it stands then.
    """
    return [
        step.id, step.hop, step.wave, step.batch,
        [texts.of(name) for name in step.modules],
        [[texts.file(move.source), printable(move.target)] for move in step.moves],
        [texts.file(path) for path in step.rewrites],
        [place[name] for name in step.after],
        gates.index(step.gates),
    ]  # fmt: skip


class _Causes:
    """Causes of blocking, each once: many modules wait for the same one."""

    def __init__(self, texts: _Texts) -> None:
        self._texts = texts
        self._known: dict[tuple[int | str, ...], int] = {}
        self.all: list[tuple[int | str, ...]] = []

    def reference(self, cause: Cause) -> list[int]:
        """Return the index of a cause, and behind it the chain that leads to it.

        In `all` stands code, importer, imported (-1: nothing), line, detail (-1: none), file. Of an
        LP403 only the code does, importer and imported: how it is put follows from the chain.
        """
        texts = self._texts
        importer, imported = texts.of(cause.importer), -1
        if cause.imported:
            imported = texts.of(cause.imported)
        key: tuple[int | str, ...] = (cause.code, importer, imported)
        if cause.code != "LP403":
            detail = texts.of(cause.detail) if cause.detail else -1
            key += (cause.line, detail, texts.file(cause.path))
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self.all)
            self.all.append(key)
        if cause.code == "LP403":  # the root cause beside it has the same chain
            return [number]
        return [number, *(texts.of(name) for name in cause.chain)]


def _blocking(plan: Plan, texts: _Texts) -> list[list[int]]:
    """Return modules with how many others wait for a cause in them, most first.

    Counted are the nearest root causes, one for each needed module, as a plan tells them.
    """
    waiting: Counter[tuple[int, str]] = Counter()
    for entry in plan.blocked:
        if entry.hop == 0:
            roots = {c.importer for c in entry.causes if c.code != "LP403"} - {entry.module}
            waiting.update((texts.of(name), name) for name in roots)
    ranked = sorted(waiting.items(), key=lambda item: (-item[1], item[0][1]))
    return [[number, count] for (number, _), count in ranked]


def _fix(fix: Fix, texts: _Texts) -> Document:
    return {
        "code": fix.code,
        "importer": texts.of(fix.importer),
        "imported": texts.of(fix.imported) if fix.imported else -1,
        "file": texts.file(fix.path),
        "lines": list(fix.lines) or ([fix.line] if fix.line else []),
        "id": printable(fix.id),
        "what": printable(fix.what),
    }


def _forecast(found: Forecast) -> Document:
    """Return a forecast; times are in seconds, a bar is batch, worker, start and end."""
    return {
        "workers": found.workers,
        "runs": found.gate_runs,
        "work": found.work_seconds,
        "elapsed": found.elapsed_seconds,
        "least": found.lower_bound_seconds,
        "critical": list(found.critical_path),
        "critical_seconds": found.critical_path_seconds,
        "bars": [[bar.batch, bar.worker, bar.start, bar.end] for bar in found.bars],
        "step": found.step_seconds,
        "gates": [
            [printable(time.gate), time.seconds, time.source, time.samples, time.runs]
            for time in found.assumptions
        ],
    }


def _run(run: Run) -> Document:
    """Return a run; what gates printed, processes and paths of this machine stay out of it."""
    return {
        "id": run.id,
        "title": printable(run.begun.title),
        "mode": run.begun.mode,
        "base": run.base,
        "status": run.status,
        "started": run.started,
        "ended": run.ended,
        "reason": None if run.reason is None else printable(run.reason),
        "steps": [[printable(step.id), step.commit] for step in run.steps],
        "dropped": [[printable(step), printable(why)] for step, why in run.dropped.items()],
        "branches": [[printable(name), commit] for name, commit in run.branches.items()],
        "pulls": [
            [printable(branch), number, printable(url)]
            for branch, (number, url) in run.pull_requests.items()
        ],
        "gates": [
            [printable(gate.name), round(gate.seconds, 3), int(gate.passed), gate.verdict]
            for gate in run.gates
        ],
    }  # fmt: skip


def _trend(trend: Trend) -> Document:
    """Return samples of the history, oldest first, and how fast a lane empties.

    Of a sample: commit; seconds of 1970, when it was committed; whether its own configuration
    counts; modules of each lane, None where there was no such lane; left in the lane that is to be
    emptied, None likewise; modules, unlaned, violations, waived, cycles, eager ones, missing.
    """
    document = trend_document(trend)
    progress = document.progress
    return {
        "lanes": [printable(name) for name in document.lanes],
        "samples": [
            [
                told.commit, int(sample.date.timestamp()), int(sample.own_configuration),
                [told.lanes.get(name) for name in document.lanes], told.left,
                told.modules, told.unlaned, told.violations, told.waived, told.cycles,
                told.eager_cycles, told.missing,
            ]
            for sample, told in zip(trend.samples, document.samples, strict=True)
        ],
        "progress": None if progress is None else {
            "lane": printable(progress.lane),
            "left": progress.left,
            "rate": progress.rate_per_week,
            "samples": progress.samples,
            "days": progress.days,
            "empty": None if progress.empty_on is None else progress.empty_on.isoformat(),
            "reason": printable(progress.reason),
        },
    }  # fmt: skip

"""Findings of `check` and `cycles` in the one shape that all formats for machines are made from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from lane_planner.base.text import plural
from lane_planner.config.settings import Settings
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.rules.baseline import Compared
from lane_planner.rules.codes import next_step
from lane_planner.rules.cycles import CYCLE_KINDS, Cycle
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.violations import Violation

FAULTS = ("LP901", "LP902")
"""Codes of files that could not be read as Python: these are faults of the run, not findings."""

PLAIN = ("note", "optional")
"""Status of what never counts: faults of files that are no violations."""

_NO_LANE = "(no lane)"
_BREAKERS = 5  # imports that a message names
_LONGEST = 12  # modules of a circle that it names


class Place(msgspec.Struct, frozen=True):
    """A place in a file.

    Attributes:
        path: the file, below the root.
        line: from 1.
        column: in characters, from 0.
        text: what stands there, in words.
    """

    path: str
    line: int
    column: int
    text: str = ""


class Finding(msgspec.Struct, frozen=True):
    """Something that was found.

    Attributes:
        code: of its rule.
        status: "new" if it counts; else why it does not, such as "baseline" or "waived".
        name: what it is, without place and lines: the same as long as the finding is.
        message: what is wrong, in words.
        place: where.
        module: name of the module that it is about.
        group: what it is listed under: two lanes, or a kind of finding.
        related: other places that belong to it, in order.
        fingerprint: of 64 hexadecimal digits, made of the code, the modules and the number of the
            finding among those of the same modules: no edit that leaves these alone changes it,
            and no two findings of a run share it.
        advice: what to do about it, in words.
    """

    code: str
    status: str
    name: str
    message: str
    place: Place
    module: str
    group: str
    related: tuple[Place, ...]
    fingerprint: str
    advice: str

    @property
    def counts(self) -> bool:
        """Whether it makes the exit code 1."""
        return self.status == "new"

    @property
    def circular(self) -> bool:
        """Whether it is a circular import."""
        return self.code in CYCLE_KINDS


class Report(msgspec.Struct, frozen=True):
    """What a command found, ready to be written.

    Attributes:
        command: "check" or "cycles".
        codes: of the rules that were asked, whether or not they found something.
        findings: violations, then circular imports.
        notes: faults of the files that do not count, such as imports of missing modules.
        faults: files that could not be read as Python.
        modules: how many modules were looked at; None: it is not said.
        remarks: what a person should know beside, such as waivers that cover nothing.
        verbose: whether what does not count was asked for.
        prefix: where the root is below the top of the work tree, "" or "sub/dir/": other tools
            name files from there.
    """

    command: Literal["check", "cycles"]
    codes: tuple[str, ...]
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    faults: tuple[Diagnostic, ...] = ()
    modules: int | None = None
    remarks: tuple[str, ...] = ()
    verbose: bool = False
    prefix: str = ""

    @property
    def new(self) -> tuple[Finding, ...]:
        """The findings that count."""
        return tuple(finding for finding in self.findings if finding.counts)

    @property
    def summary(self) -> str:
        """The counts in one line: `2 violations and 1 circular import in 18 modules`."""
        found = Counter(
            "circular import" if finding.circular else "violation" for finding in self.new
        )
        asked = dict.fromkeys(
            "circular import" if code in CYCLE_KINDS else "violation" for code in self.codes
        )
        old = len(self.findings) - len(self.new)
        new = "new " if old else ""
        parts = [
            plural(found[what], new + what) if found[what] else f"no {new}{what}" for what in asked
        ]
        where = "" if self.modules is None else f" in {plural(self.modules, 'module')}"
        known = f"; {old:,} known or waived" if old else ""
        return f"{' and '.join(parts)}{where}{known}"


def check_report(
    violations: Iterable[Violation],
    diagnostics: Iterable[Diagnostic],
    cycles: Iterable[Cycle] | None,
    graph: ImportGraph,
    settings: Settings,
    *,
    modules: int,
    idle_waivers: Iterable[str] = (),
    baseline: Compared | None = None,
    verbose: bool = False,
    prefix: str = "",
) -> Report:
    """Return what `check` found.

    Args:
        violations: forbidden imports, sorted.
        diagnostics: faults of files, sorted.
        cycles: circular imports; None: not asked for.
        graph: where their imports stand.
        settings: the lanes: from them follows what can be done.
        modules: how many modules were looked at.
        idle_waivers: waivers that cover nothing, each with why.
        baseline: what the baseline says of them; None: there is none.
        verbose: whether what does not count was asked for.
        prefix: as in `Report`.
    """
    fingerprints = _Fingerprints()
    found = [_violation(violation, settings, fingerprints) for violation in violations]
    known = frozenset() if baseline is None else baseline.judged.circles
    for cycle in cycles or ():
        status = "baseline" if (cycle.code, cycle.modules) in known else "new"
        found.append(_cycle(cycle, graph, settings, status, fingerprints))
    seen = list(diagnostics)
    codes = dict.fromkeys(("LP101", *(finding.code for finding in found)))
    if cycles is not None:
        codes.update(dict.fromkeys(CYCLE_KINDS))
    remarks = [f"waiver {waiver}" for waiver in idle_waivers]
    if baseline is not None:
        remarks += [f"baseline {stale.entry} {stale.reason}" for stale in baseline.judged.stale]
    return Report(
        "check",
        tuple(sorted(codes)),
        tuple(found),
        tuple(_note(one, settings, fingerprints) for one in seen if one.code not in FAULTS),
        tuple(one for one in seen if one.code in FAULTS),
        modules,
        tuple(remarks),
        verbose,
        prefix,
    )


def cycles_report(
    cycles: Iterable[Cycle],
    graph: ImportGraph,
    settings: Settings,
    *,
    verbose: bool = False,
    prefix: str = "",
) -> Report:
    """Return what `cycles` found.

    Args:
        cycles: circular imports.
        graph: where their imports stand.
        settings: the lanes.
        verbose: whether what does not count was asked for.
        prefix: as in `Report`.
    """
    fingerprints = _Fingerprints()
    found = tuple(_cycle(cycle, graph, settings, "new", fingerprints) for cycle in cycles)
    return Report("cycles", tuple(CYCLE_KINDS), found, verbose=verbose, prefix=prefix)


def fingerprint(parts: Iterable[str], number: int) -> str:
    """Return a fingerprint, 64 hexadecimal digits.

    Args:
        parts: what the finding is about.
        number: of the finding among those about the same, from 1.
    """
    # Each with its length: a name may hold whatever would stand between two.
    text = "".join(f"{len(part)}:{part}" for part in (*parts, str(number)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Fingerprints:
    """Numbers findings about the same modules in the order in which they come."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, ...]] = Counter()

    def number(self, *parts: str) -> tuple[str, int]:
        """Return the next fingerprint of some parts, and its number."""
        self._seen[parts] += 1
        return fingerprint(parts, self._seen[parts]), self._seen[parts]


def _violation(violation: Violation, settings: Settings, fingerprints: _Fingerprints) -> Finding:
    mark, number = fingerprints.number(violation.code, violation.importer, violation.imported)
    again = f" ({number})" if number > 1 else ""
    return Finding(
        violation.code,
        violation.status,
        f"{violation.importer} imports {violation.imported}{again}",
        violation.message,
        Place(violation.path, violation.line, violation.column),
        violation.importer,
        f"{violation.importer_lane} → {violation.imported_lane or _NO_LANE}",
        (),
        mark,
        _advice(violation, settings),
    )


def _cycle(
    cycle: Cycle, graph: ImportGraph, settings: Settings, status: str, fingerprints: _Fingerprints
) -> Finding:
    mark, _ = fingerprints.number(cycle.code, *cycle.modules)
    sites = _example_sites(cycle, graph)
    places = tuple(
        Place(
            graph.modules[site.importer].path,
            site.line,
            site.column,
            f"{site.importer} imports {site.imported}",
        )
        for site in sites
    )
    kind = "eager" if cycle.code == "LP201" else "with deferred imports"
    breakers = ", ".join(
        f"{breaker.importer} → {breaker.imported} ({breaker.path}:{breaker.line}, {breaker.rating})"
        for breaker in cycle.breakers[:_BREAKERS]
    )
    more = len(cycle.breakers) - _BREAKERS
    return Finding(
        cycle.code,
        status,
        f"circle of {_ends(cycle.modules, ', ')}",
        f"circular import of {plural(len(cycle.modules), 'module')}, {kind}: "
        f"{_ends(cycle.example, ' → ')}",
        places[0],
        cycle.example[0],
        "circular imports",
        places[1:],
        mark,
        _advice(cycle, settings)
        + (f"; breaks without: {breakers}" if len(cycle.breakers) > 1 else "")
        + (f" and {more:,} more" if more > 0 else ""),
    )


def _advice(finding: Violation | Cycle | Diagnostic, settings: Settings) -> str:
    return f"next: {next_step(finding, settings)}"


def _ends(names: tuple[str, ...], between: str) -> str:
    """Return names in a row; of many, the ends."""
    if len(names) <= _LONGEST:
        return between.join(names)
    half = _LONGEST // 2
    left_out = f"… {len(names) - 2 * half:,} more …"
    return between.join((*names[:half], left_out, *names[-half:]))


def _example_sites(cycle: Cycle, graph: ImportGraph) -> tuple[ImportSite, ...]:
    steps = zip(cycle.example, cycle.example[1:], strict=False)
    return tuple(
        next(
            site
            for site in graph.sites_in(importer)
            if site.imported == imported and site.resolved and site.kind in CYCLE_KINDS[cycle.code]
        )
        for importer, imported in steps
    )


def _note(diagnostic: Diagnostic, settings: Settings, fingerprints: _Fingerprints) -> Finding:
    mark, _ = fingerprints.number(diagnostic.code, diagnostic.module, diagnostic.message)
    return Finding(
        diagnostic.code,
        "optional" if diagnostic.optional else "note",
        f"{diagnostic.module}: {diagnostic.message}",
        f"{diagnostic.module}: {diagnostic.message}",
        Place(diagnostic.path, diagnostic.line, diagnostic.column),
        diagnostic.module,
        "files",
        (),
        mark,
        _advice(diagnostic, settings),
    )

"""Findings and cycles as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lane_planner.base.text import plural, printable
from lane_planner.rules.codes import next_step
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.violations import Violation

if TYPE_CHECKING:
    from lane_planner.config.settings import Settings
    from lane_planner.report.source import Sources
    from lane_planner.rules.baseline import Compared, Update
    from lane_planner.rules.cycles import Breaker, Cycle
    from lane_planner.rules.excuses import Leftover
    from lane_planner.rules.indirect import Shared
    from lane_planner.rules.since import Since

# Lines of one kind that a person will read; the rest is counted.
_SHOWN = 20


def check_text(
    violations: Sequence[Violation],
    diagnostics: Sequence[Diagnostic],
    idle_waivers: Sequence[str],
    *,
    settings: Settings,
    modules: int,
    opaque: int,
    syntax: bool,
    verbose: bool,
    cycles: Sequence[Cycle] | None = None,
    baseline: Compared | None = None,
    ignores: Sequence[Leftover] = (),
    shared: Sequence[Shared] | None = None,
    waived_cycles: int = 0,
    since: Since | None = None,
    sources: Sources | None = None,
) -> str:
    """Return violations as path:line:column: code message, and a summary of the rest.

    Args:
        violations: forbidden imports, sorted.
        diagnostics: faults of files, sorted.
        idle_waivers: waivers that cover nothing.
        settings: the lanes: from them follows what can be done.
        modules: how many modules were looked at.
        opaque: how many dynamic imports cannot be read.
        syntax: whether every file was parsed as a whole.
        verbose: whether diagnostics, and what is waived or in the baseline, are listed too.
        cycles: circular imports; None: not asked for.
        baseline: what the baseline says of them; None: there is none.
        ignores: those that are of no use.
        shared: imports that new indirect violations lead over; None: these were not asked for.
        waived_cycles: how many circular imports are let through.
        since: what all this was compared with; None: with nothing.
        sources: the lines of the imports, to be shown below them to a person; None: they are not
            shown.
    """
    counted = [v for v in violations if v.status == "new"]
    lines = []
    for v in violations if verbose else counted:
        if v.chain and not verbose:
            continue  # they stand by the imports that they share
        lines.append(
            f"{printable(v.path)}:{v.line}:{v.column + 1}: {v.code} {printable(v.message)}"
            + ("" if v.status == "new" else f" ({v.status})")
        )
        if sources is not None:
            lines += _excerpt(v, sources)
        if v.status == "new":
            lines.append(_next(v, settings))
    lines += _shared(shared or (), sum(bool(v.chain) for v in counted))
    if verbose:
        lines += [
            f"{printable(d.path)}:{d.line}:{d.column + 1}: {d.code} {printable(d.message)}"
            + (" (optional)" if d.optional else "")
            for d in diagnostics
        ]
    lines += [f"waiver {printable(waiver)}" for waiver in idle_waivers]
    lines += [
        printable(f"{one.path}:{one.line}:{(one.column or 0) + 1}: ignore {one.reason}")
        for one in ignores
    ]
    if baseline is not None:
        lines += _stale(baseline, verbose)
    old = sum(v.status == "baseline" for v in violations)
    new = "new " if old else ""
    pairs = Counter((v.importer_lane, v.imported_lane or "(no lane)") for v in counted)
    if pairs:
        shown = ", ".join(
            f"{a} → {b} {n:,}" for (a, b), n in sorted(pairs.items(), key=lambda i: (-i[1], i[0]))
        )
        what = plural(len(counted), f"{new}violation")
        lines.append(f"{what} in {plural(modules, 'module')}: {shown}")
    else:
        lines.append(f"no {new}violation in {plural(modules, 'module')}")
    codes = Counter((d.code, d.optional) for d in diagnostics)
    quiet = [
        plural(count, what)
        for count, what in (
            (old, "baseline violation"),
            (sum(v.status == "waived" for v in violations), "waived violation"),
            (sum(v.status == "ignored" for v in violations), "ignored violation"),
            (waived_cycles, "waived circular import"),
            (codes["LP301", False], "missing import"),
            (codes["LP301", True], "missing optional import"),
            (codes["LP302", False] + codes["LP302", True], "too high relative import"),
        )
        if count
    ]
    if quiet:
        hint = "" if verbose else " (-v lists them)"
        lines.append(f"also seen: {', '.join(quiet)}{hint}")
    if since is not None:
        older = plural(since.older, "finding")
        lines.append(f"since {printable(since.ref)} ({since.commit[:12]}): {older} older")
    text = "\n".join(lines) + "\n"
    if cycles is not None:
        known = frozenset() if baseline is None else baseline.judged.circles
        fresh = [cycle for cycle in cycles if (cycle.code, cycle.modules) not in known]
        text += cycles_text(fresh, settings, known=len(cycles) - len(fresh), sources=sources)
    if baseline is not None and baseline.update is not None:
        text += f"{printable(baseline.path)}: {_updated(baseline.update)}\n"
    return text + _unseen(Counter(d.code for d in diagnostics), opaque, syntax)


def _unseen(codes: Counter[str], opaque: int, syntax: bool) -> str:
    """Return the line that says what cannot be seen, so that silence is never less than all."""
    parts = [
        text.format(plural(count, what))
        for count, what, text in (
            (opaque, "opaque dynamic import", "what {} load"),
            (codes["LP406"], "module", "who uses {} under a name that nobody can import"),
            (codes["LP901"], "unparsable file", "parts of {}"),
            (codes["LP902"], "undecodable file", "anything in {}"),
        )
        if count
    ]
    if not syntax:
        parts.append("whether files parse (--syntax tells)")
    return f"not seen: {'; '.join(parts)}\n" if parts else ""


def _shared(shared: Sequence[Shared], chains: int) -> list[str]:
    """Return indirect violations by the imports that they lead over."""
    lines = []
    for one in shared:
        where = f"{printable(one.path)}:{one.line}"
        what = plural(one.chains, "indirect violation")
        only = "" if one.breaks == one.chains else f" ({one.breaks:,} of them by no other way)"
        lines.append(
            f"{where}: LP102 {printable(one.importer)} → {printable(one.imported)}: {what}{only}"
        )
        lines.append(f"  such as {printable(' → '.join(one.example))}")
        lines.append(
            f"  next: take out the import at {where}, or pass {printable(one.imported)} in"
        )
    left = chains - sum(one.chains for one in shared)
    if left:
        lines.append(f"… and {plural(left, 'more indirect violation')} (-v lists them)")
    return lines


def _excerpt(violation: Violation, sources: Sources) -> list[str]:
    from lane_planner.report.source import excerpt

    source = sources.get((violation.path, violation.line))
    return excerpt(source, violation.line, violation.column, violation.imported, violation.code)


def _next(finding: Violation | Cycle, settings: Settings) -> str:
    return f"  next: {printable(next_step(finding, settings))}"


def _stale(baseline: Compared, verbose: bool) -> list[str]:
    """Return a line for each entry of the baseline that covers less than it could."""
    stale = baseline.judged.stale
    shown = stale if verbose else stale[:_SHOWN]
    lines = [f"baseline {printable(f'{one.entry} {one.reason}')}" for one in shown]
    if len(stale) > len(shown):
        lines.append(f"… and {plural(len(stale) - len(shown), 'more stale baseline entry')}")
    if stale:
        lines.append("`check --update-baseline` takes out of the baseline what is gone")
    return lines


def _updated(update: Update) -> str:
    parts = [f"{update.removed:,} removed", f"{update.added:,} added"]
    if update.narrowed:
        parts.insert(1, f"{update.narrowed:,} narrowed")
    return ", ".join(parts)


def cycles_text(
    cycles: Sequence[Cycle], settings: Settings, *, known: int = 0, sources: Sources | None = None
) -> str:
    """Return each cycle with its size, a shortest circle and imports that break it.

    Args:
        cycles: those that are shown.
        settings: the lanes.
        known: how many others are in the baseline.
        sources: the lines of the imports that break them, to be shown below these; None: they are
            not shown.
    """
    also = f"also seen: {plural(known, 'circular import')} in the baseline\n" if known else ""
    if not cycles:
        return f"no {'new ' if known else ''}circular import\n{also}"
    lines = []
    for cycle in cycles:
        kind = "eager" if cycle.code == "LP201" else "with deferred imports"
        lines.append(f"{cycle.code} {plural(len(cycle.modules), 'module')}, {kind}")
        lines.append("  " + printable(" → ".join(cycle.example)))
        for breaker in shown_breakers(cycle):
            lines.append(
                f"  breaks without: {printable(breaker.importer)} → {printable(breaker.imported)} "
                f"({printable(breaker.path)}:{breaker.line}, {breaker.rating})"
            )
            if sources is not None:
                lines += _breaker_excerpt(breaker, cycle.code, sources)
        if len(cycle.breakers) > _SHOWN:
            lines.append(f"  … and {len(cycle.breakers) - _SHOWN} more imports")
        if not cycle.exact:
            lines.append(f"  at most {plural(len(cycle.breakers), 'import')}, not proved fewest")
        lines.append(_next(cycle, settings))
    eager = sum(cycle.code == "LP201" for cycle in cycles)
    lines.append(
        f"{plural(len(cycles), 'new circular import' if known else 'circular import')}: "
        f"{eager} eager, {len(cycles) - eager} deferred"
    )
    return "\n".join(lines) + "\n" + also


def shown_breakers(cycle: Cycle) -> Sequence[Breaker]:
    """Return the imports of a cycle that its text names, with where they stand."""
    return cycle.breakers[:_SHOWN]


def _breaker_excerpt(breaker: Breaker, code: str, sources: Sources) -> list[str]:
    from lane_planner.report.source import excerpt

    source = sources.get((breaker.path, breaker.line))
    indent = 0 if source is None else len(source) - len(source.lstrip())
    lines = excerpt(source, breaker.line, indent, breaker.imported, code)
    return [f"    {line}" for line in lines]


MEANINGS = {
    "LP101": "imports what the target lane may not import",
    "LP102": "leads into a lane that may not be imported",
    "LP201": "is in an eager circular import",
    "LP202": "would close a circular import",
    "LP301": "imports a module that does not exist",
    "LP302": "imports beyond the top-level package",
    "LP401": "a file already stands at the destination",
    "LP402": "would break an importer whose lane may not import the target",
    "LP403": "needs a module that is itself blocked",
    "LP404": "too little test coverage",
    "LP405": "a gate failed",
    "LP406": "cannot be imported by its name, or shares it",
    "LP901": "does not parse",
    "LP902": "cannot be decoded",
}
"""What each code says of a module that cannot be promoted."""


def listed(title: str, entries: Iterable[str]) -> list[str]:
    """Return a titled list of a bounded number of entries, or nothing where there are none."""
    entries = list(entries)
    if not entries:
        return []
    lines = [f"{title} ({len(entries):,}):", *(f"  {entry}" for entry in entries[:_SHOWN])]
    if len(entries) > _SHOWN:
        lines.append(f"  … and {len(entries) - _SHOWN:,} more")
    return lines

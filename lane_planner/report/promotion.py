"""The result of `promote`, as the document that DESIGN section 8 fixes and as text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lane_planner.base.text import plural, printable
from lane_planner.executor.carry_out import Outcome
from lane_planner.executor.promote import Analysis
from lane_planner.gates.command import GateResult
from lane_planner.planner.schema import Cause
from lane_planner.promotion.references.ledger import LedgerEntry, summary
from lane_planner.promotion.values import merged_ledger
from lane_planner.report.application import pull_request_lines, pull_request_url


class Candidate(msgspec.Struct, frozen=True):
    """What was to be promoted, and what was found of it.

    Attributes:
        module_path: path of the module's file, or of the package's directory.
        source_lane: lane that it leaves.
        target_lane: lane that it was to reach.
        test_coverage: the least of its modules' coverage, 0 to 1; None: it is not known of all.
        import_violations: what of its imports is in the way, in words.
        guardian_aligned: whether the gate of the name "guardian" passed; true where none applies,
            None where it did not run.
        performance_ok: likewise, of the name "performance".
        validation_errors: everything that is in the way, in words.
    """

    module_path: str
    source_lane: str
    target_lane: str
    test_coverage: float | None
    import_violations: tuple[str, ...]
    guardian_aligned: bool | None
    performance_ok: bool | None
    validation_errors: tuple[str, ...]


class PromotionDocument(msgspec.Struct, frozen=True):
    """How a promotion went.

    Attributes:
        success: whether it was carried out; of a dry run, whether it can be.
        phase: how far it came: "analyse"; "move", where a dry run ends; "gates", where it failed
            and was rolled back; "complete".
        dry_run: whether it was only to be shown.
        candidate: what was to be promoted.
        diff: what changes; "" if nothing was worked out.
        test_results: of the gates, in the order in which they ran.
        branch: the branch that was made; None: none was.
        commit: what it is at; None: there is none.
        pr_url: address of the pull request; None: there is none.
        evidence: paths of the evidence as JSON and as Markdown; None: there is none.
        modules: the modules that move, sorted.
        causes: why it cannot be promoted, sorted.
        ledger: places beside Python references that name what moves, sorted.
    """

    success: bool
    phase: str
    dry_run: bool
    candidate: Candidate
    diff: str
    test_results: tuple[GateResult, ...]
    branch: str | None
    commit: str | None
    pr_url: str | None
    evidence: tuple[str, ...] | None
    modules: tuple[str, ...]
    causes: tuple[Cause, ...]
    ledger: tuple[LedgerEntry, ...]


def promotion_document(
    analysis: Analysis, outcome: Outcome | None, *, dry_run: bool, phase: str
) -> PromotionDocument:
    """Return the result of a promotion.

    Args:
        analysis: what was worked out.
        outcome: how carrying it out ended; None if it was not.
        dry_run: whether it was only to be shown.
        phase: the phase that was reached.
    """
    success = analysis.ready if outcome is None else outcome.success
    results = outcome.gates if outcome is not None else ()
    known = [entry.fraction for entry in analysis.coverage]
    covered = None if not known or None in known else min(f for f in known if f is not None)
    violations = tuple(cause_text(one) for one in analysis.causes if one.code in _IMPORT_CODES)
    return PromotionDocument(
        success=success,
        phase=phase,
        dry_run=dry_run,
        candidate=Candidate(
            module_path=analysis.goal.directory or _single_path(analysis),
            source_lane=analysis.source,
            target_lane=analysis.target,
            test_coverage=covered,
            import_violations=violations,
            guardian_aligned=_gate_verdict(analysis, outcome, "guardian"),
            performance_ok=_gate_verdict(analysis, outcome, "performance"),
            validation_errors=tuple(validation_errors(analysis, outcome)),
        ),
        diff=analysis.diff,
        test_results=tuple(
            msgspec.structs.replace(gate, seconds=round(gate.seconds, 3)) for gate in results
        ),
        branch=outcome.branch if outcome is not None and outcome.success else None,
        commit=outcome.commit if outcome is not None else None,
        pr_url=pull_request_url(outcome),
        evidence=outcome.evidence if outcome is not None and outcome.success else None,
        modules=tuple(analysis.modules),
        causes=analysis.causes,
        ledger=merged_ledger(analysis.steps),
    )


_IMPORT_CODES = frozenset({"LP101", "LP102", "LP402", "LP403"})


def _single_path(analysis: Analysis) -> str:
    moves = [move for step in analysis.steps for move in step.moves]
    names = dict(pair for step in analysis.steps for pair in step.renamed)
    if len(moves) == 1 and len(names) == 1:
        return moves[0].source
    cause = next((c for c in analysis.causes if c.importer == analysis.goal.modules[0]), None)
    return cause.path if cause else analysis.goal.modules[0]


def validation_errors(analysis: Analysis, outcome: Outcome | None = None) -> list[str]:
    """Return everything that stands in a promotion's way, in words."""
    errors = [cause_text(cause) for cause in analysis.causes]
    if analysis.refusal is not None:
        errors.append(analysis.refusal)
    if outcome is not None and outcome.reason:
        errors.append(outcome.reason)
    return errors


def cause_text(cause: Cause) -> str:
    """Return a cause as one line: place, code, what is wrong."""
    place = f"{cause.path}:{cause.line}" if cause.line else cause.path
    what = f"{cause.importer} imports {cause.imported}" if cause.imported else cause.importer
    return printable(f"{place}: {cause.code} {what}{f': {cause.detail}' if cause.detail else ''}")


def _gate_verdict(analysis: Analysis, outcome: Outcome | None, name: str) -> bool | None:
    """Return whether a gate passed: True where it does not apply, None if it did not run."""
    if all(gate.name != name for gate in analysis.gates):
        return True
    results = [gate.passed for gate in outcome.gates if gate.name == name] if outcome else []
    return all(results) if results else None


def promotion_text(
    analysis: Analysis, outcome: Outcome | None, *, analyse_only: bool, verbose: bool = False
) -> str:
    """Return the result of a promotion for people.

    Args:
        analysis: what was worked out.
        outcome: how carrying it out ended; None if it was not.
        analyse_only: whether the changes are not to be shown.
        verbose: whether each place of the ledger is to be.
    """
    lines = [
        f"promote {printable(analysis.goal.name)} from {analysis.source} to {analysis.target}: "
        + plural(len(analysis.modules), "module")
    ]
    for entry in analysis.coverage:
        if entry.fraction is not None:
            lines.append(f"  {printable(entry.module)}: {entry.fraction:.1%} covered")
    errors = validation_errors(analysis, outcome)
    if errors:
        lines.append("cannot be promoted:" if outcome is None else "failed, and rolled back:")
        lines += [f"  {error}" for error in errors[:40]]
        if len(errors) > 40:
            lines.append(f"  … and {len(errors) - 40} more (--format json has all)")
    ledger = _ledger_lines(merged_ledger(analysis.steps), verbose=verbose)
    if outcome is None:
        if analysis.steps and not analyse_only:
            lines += ["", analysis.diff.rstrip("\n"), ""]
        for step in analysis.steps:
            rewritten = sum(write.reason == "rewritten" for write in step.writes)
            shims = sum(write.reason == "shim" for write in step.writes)
            lines.append(
                f"{step.title}: {plural(len(step.moves), 'file')} moved, "
                f"{plural(rewritten, 'file')} rewritten"
                + (f", {plural(shims, 'shim')} left" if shims else "")
            )
            lines += [f"  note: {printable(note)}" for note in step.notes[:20]]
        lines += ledger
        if analysis.gates:
            names = ", ".join(printable(gate.name) for gate in analysis.gates)
            lines.append(f"gates that would run: {names}")
        if analysis.ready:
            lines.append(
                "ready to be promoted" if analyse_only else "nothing was changed; --apply does it"
            )
        return "\n".join(lines) + "\n"
    for gate in outcome.gates:
        lines.append(
            f"  gate {printable(gate.name)} ({gate.phase}): {gate.verdict} in {gate.seconds:.1f} s"
        )
        if not gate.passed:
            lines += [f"    | {printable(line)}" for line in gate.output.splitlines()[-20:]]
    if outcome.success:
        lines += ledger
        lines.append(f"branch {printable(outcome.branch)} at {(outcome.commit or '')[:12]}")
        lines += [f"evidence {path}" for path in outcome.evidence]
        if outcome.pull_request is not None:
            lines += pull_request_lines(outcome.pull_request)
        lines += [printable(note) for note in outcome.notes]
    return "\n".join(lines) + "\n"


def _ledger_lines(entries: Sequence[LedgerEntry], *, verbose: bool) -> list[str]:
    if not entries:
        return []
    if not verbose:
        return [f"{summary(entries)} (-v lists them)"]
    return [
        f"{summary(entries)}:",
        *(
            f"  {printable(e.path)}:{e.line}:{e.column + 1}: {printable(e.text)}: "
            f"{e.status}, {printable(e.reason)}"
            for e in entries
        ),
    ]

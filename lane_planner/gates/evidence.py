"""The evidence of a promotion: what changed, what was checked, and how it is told to people."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

import msgspec

from lane_planner.base.markdown import as_name, as_row, as_text
from lane_planner.base.text import encodable, plural, printable, thousandths
from lane_planner.gates.command import GateResult
from lane_planner.promotion.references.ledger import STATUSES, LedgerEntry, summary
from lane_planner.promotion.values import FileMove, Promotion, merged_ledger

SCHEMA = "lane-planner/evidence/1"

# Rows of a table, and lines of a failed gate's output, that a pull request's reader will read.
_ROWS = 25
_LEDGER_ROWS = 50
_OUTPUT_LINES = 40
_COMMAND = 300  # characters


class Renamed(msgspec.Struct, frozen=True, order=True):
    """A promoted module's dotted names.

    Attributes:
        before: before the move.
        after: after it.
    """

    before: str
    after: str


class ModuleCoverage(msgspec.Struct, frozen=True):
    """A module's test coverage.

    Attributes:
        module: dotted name before the move.
        fraction: of its lines, 0 to 1; None if the data lacks the module.
    """

    module: str
    fraction: float | None


class ModuleImports(msgspec.Struct, frozen=True):
    """What a promoted module imports.

    Attributes:
        module: dotted name before the move.
        before: (imported module, kind), on the base commit.
        after: likewise, on the result.
    """

    module: str
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a reviewer needs to trust a promotion without repeating it.

    Attributes:
        schema: the format's name.
        title: the pull request's title.
        base: commit that the promotion starts from.
        result: commit that it ends with.
        modules: promoted modules, sorted.
        moves: moved files, sorted.
        rewritten: files whose references follow, after the move, sorted.
        made: new `__init__.py` files, sorted.
        shims: new files at the old paths of modules, sorted.
        deleted: files that went away without a new place, sorted.
        coverage: by module, sorted.
        coverage_min: the fraction that is asked for; None: none is.
        imports: by module, sorted.
        gates: results in the order in which the gates ran.
        notes: what a person should know, in order.
        ledger: places beside Python references that name what moved, sorted.
    """

    schema: str = SCHEMA
    title: str
    base: str
    result: str
    modules: tuple[Renamed, ...]
    moves: tuple[FileMove, ...]
    rewritten: tuple[str, ...]
    made: tuple[str, ...]
    shims: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    coverage: tuple[ModuleCoverage, ...] = ()
    coverage_min: float | None = None
    imports: tuple[ModuleImports, ...] = ()
    gates: tuple[GateResult, ...] = ()
    notes: tuple[str, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()


def evidence_of(
    title: str,
    promotions: Sequence[Promotion],
    *,
    base: str,
    result: str,
    gates: Sequence[GateResult],
    coverage: Iterable[ModuleCoverage] = (),
    coverage_min: float | None = None,
    imports: Iterable[ModuleImports] = (),
) -> Evidence:
    """Return the evidence of promotions that were carried out one after the other.

    A file that several of them rewrite is listed once; so is a note.
    """
    made = {w.path for p in promotions for w in p.writes if w.reason == "made"}
    shims = {w.path for p in promotions for w in p.writes if w.reason == "shim"}
    rewritten = {w.path for p in promotions for w in p.writes} - made - shims
    return Evidence(
        title=title,
        base=base,
        result=result,
        modules=tuple(sorted(Renamed(*names) for p in promotions for names in p.renamed)),
        moves=tuple(sorted(move for p in promotions for move in p.moves)),
        rewritten=tuple(sorted(rewritten)),
        made=tuple(sorted(made)),
        shims=tuple(sorted(shims)),
        deleted=tuple(sorted({path for p in promotions for path in p.deletes})),
        coverage=tuple(sorted(coverage, key=lambda entry: entry.module)),
        coverage_min=coverage_min,
        imports=tuple(sorted(imports, key=lambda entry: entry.module)),
        gates=tuple(gates),
        notes=tuple(dict.fromkeys(note for p in promotions for note in p.notes)),
        ledger=merged_ledger(promotions),
    )


def to_json(evidence: Evidence) -> bytes:
    """Return the evidence as one JSON object, indented, with a final newline.

    Names that are not valid Unicode (a file name may be any bytes) stand in it escaped, as
    `printable` writes them.
    """
    plain = encodable(msgspec.to_builtins(evidence))
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def to_markdown(evidence: Evidence) -> str:
    """Return the evidence as GitHub-flavoured Markdown, the body of a pull request.

    Nothing that a name, a note or a gate's output holds can act as markup or mention a user.
    Long tables are cut, saying so: the JSON has everything.
    """
    sections = [
        f"# {as_text(evidence.title)}",
        _summary(evidence),
        _modules(evidence),
        _imports(evidence),
        _gates(evidence),
        _bullets("Notes", [as_text(note) for note in evidence.notes]),
        _ledger(evidence),
        _files(evidence),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _summary(evidence: Evidence) -> str:
    counts = [
        f"{plural(len(evidence.moves), 'file')} moved",
        f"{len(evidence.rewritten):,} rewritten",
        f"{len(evidence.made):,} made",
    ]
    if evidence.shims:
        counts.append(plural(len(evidence.shims), "shim"))
    if evidence.deleted:
        counts.append(f"{len(evidence.deleted):,} deleted")
    failed = [gate for gate in evidence.gates if not gate.passed]
    passed = len(evidence.gates) - len(failed)
    gates = "no gate applied" if not evidence.gates else f"{passed} of {len(evidence.gates)} passed"
    rows = [
        ("base", as_name(evidence.base)),
        ("result", as_name(evidence.result)),
        ("files", ", ".join(counts)),
        ("gates", gates),
    ]
    if evidence.coverage_min is not None:
        rows.append(("coverage asked for", _percent(evidence.coverage_min)))
    return _table(("", ""), rows)


def _modules(evidence: Evidence) -> str:
    coverage = {entry.module: entry.fraction for entry in evidence.coverage}
    rows = []
    for module in evidence.modules:
        row = [as_name(module.before), as_name(module.after)]
        if coverage:
            row.append(_percent(coverage.get(module.before)))
        rows.append(row)
    header = ["before", "after", *(["coverage"] if coverage else [])]
    return _section("Modules", header, rows)


def _imports(evidence: Evidence) -> str:
    rows = []
    for entry in evidence.imports:
        before, after = set(entry.before), set(entry.after)
        gone = [f"{as_name(name)} {as_text(kind)}" for name, kind in sorted(before - after)]
        come = [f"{as_name(name)} {as_text(kind)}" for name, kind in sorted(after - before)]
        if gone or come:
            rows.append([as_name(entry.module), "<br>".join(gone), "<br>".join(come)])
    if not rows:
        return "Imports: the same before and after." if evidence.imports else ""
    return _section("Imports that changed", ["module", "before", "after"], rows)


def _gates(evidence: Evidence) -> str:
    rows = [
        [as_text(gate.name), gate.phase, _verdict(gate), f"{gate.seconds:.1f} s", _command(gate)]
        for gate in evidence.gates
    ]
    parts = [_section("Gates", ["gate", "phase", "result", "time", "command"], rows)]
    for gate in evidence.gates:
        if (not gate.passed or gate.flaky) and gate.output.strip():
            which = " when it failed" if gate.flaky else ""
            parts.append(
                f"Output of {as_text(gate.name)}{which} (its end):\n\n{_fenced(gate.output)}"
            )
    return "\n\n".join(part for part in parts if part)


def _files(evidence: Evidence) -> str:
    moved = {move.target: move.source for move in evidence.moves}
    rows = [[as_name(source), "moved to", as_name(target)] for target, source in moved.items()]
    rows += [["", "rewritten", as_name(path)] for path in evidence.rewritten]
    rows += [["", "made", as_name(path)] for path in evidence.made]
    rows += [["", "shim", as_name(path)] for path in evidence.shims]
    rows += [[as_name(path), "deleted", ""] for path in evidence.deleted]
    if not rows:
        return ""
    table = _table(("before", "", "after"), rows)
    return f"<details><summary>{plural(len(rows), 'file')}</summary>\n\n{table}\n\n</details>"


def _ledger(evidence: Evidence) -> str:
    """Return what a person has to do first, then the rest, each in the order of the files."""
    ranked = sorted(evidence.ledger, key=lambda entry: STATUSES.index(entry.status))
    rows = [
        [
            as_name(entry.path), f"{entry.line}:{entry.column + 1}", as_name(entry.text),
            entry.status, as_text(entry.reason),
        ]
        for entry in ranked
    ]  # fmt: skip
    if not rows:
        return ""
    table = _table(("file", "place", "names", "status", "why"), rows, _LEDGER_ROWS)
    return f"## Where else it is named\n\n{summary(evidence.ledger)}.\n\n{table}"


def _verdict(gate: GateResult) -> str:
    return gate.verdict if gate.passed else f"**{gate.verdict}**"


def _command(gate: GateResult) -> str:
    # With the paths of a thousand tests in it, nobody reads it here.
    command = shlex.join(gate.command)
    return as_name(command if len(command) <= _COMMAND else f"{command[:_COMMAND]} …")


def _section(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"## {title}\n\n{_table(header, rows)}" if rows else ""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], most: int = _ROWS) -> str:
    lines = [as_row(header), as_row(["---"] * len(header)), *map(as_row, rows[:most])]
    if len(rows) > most:
        lines.append(f"\n… and {len(rows) - most:,} more.")
    return "\n".join(lines)


def _bullets(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    lines = [f"- {item}" for item in items[:_ROWS]]
    if len(items) > _ROWS:
        lines.append(f"- … and {len(items) - _ROWS:,} more.")
    return f"## {title}\n\n" + "\n".join(lines)


def _percent(fraction: float | None) -> str:
    return "no data" if fraction is None else f"{thousandths(fraction) / 10:.1f} %"


def _fenced(output: str) -> str:
    lines = output.strip("\n").split("\n")
    shown = "\n".join(printable(line.rstrip("\r")) for line in lines[-_OUTPUT_LINES:])
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"

"""Plans and their differences, for people, spreadsheets, pull requests and pipes."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from lane_planner.base.markdown import as_name, as_row, as_text
from lane_planner.base.text import encodable, plural, printable
from lane_planner.planner.diff import CausesChanged, PlanDiff, Side
from lane_planner.planner.schema import (
    BlockedModule,
    Cause,
    Fix,
    Plan,
    PlannedHop,
    PlannedMove,
    PlannedStep,
    Score,
    Summary,
)
from lane_planner.report.documents import to_json, to_json_line
from lane_planner.report.tables import table
from lane_planner.report.text import MEANINGS, listed

# What a person will read of one kind; the rest is counted.
_WAVES = 20
_CAUSES = 5
_UNLOCKS = 10
_UNLOCKS_IN_MARKDOWN = 20

# Where a spreadsheet might take a text for a formula: at its beginning (the list of OWASP, with the
# full-width signs that some of them fold), and behind what some of them part cells at, to which the
# quotes of cells between commas mean nothing.
_FORMULA = re.compile(r"(\A|[;\t\r\n])(?=[=+\-@\t\r\n＝＋－＠'])")


# --- text ---


def plan_text(plan: Plan, *, width: int, verbose: bool = False) -> str:
    """Return a plan's figures, waves, commonest causes of blocking and most useful fixes.

    Args:
        plan: the plan.
        width: columns of the terminal.
        verbose: whether every step is listed, with what its place is chosen by.
    """
    summary, single = plan.summary, len(plan.hops) == 1
    route = _route(plan.hops)
    if not summary.candidates:
        source = printable(plan.hops[0].source)
        lines = [f"{route}: nothing to do, lane {source} holds no module"]
    else:
        lines = [
            f"{route}: {summary.promotable:,} of {plural(summary.candidates, 'module')} can be "
            f"promoted{'' if single else ' all the way'}, in {plural(summary.steps, 'step')}, "
            f"{plural(summary.waves, 'wave')} and {plural(summary.batches, 'batch')}; "
            f"{plural(summary.rewritten_files, 'file')} to be rewritten"
        ]
    if single and summary.structural != summary.promotable:
        lines.append(
            f"{summary.structural:,} ready in structure, {summary.promotable:,} of them covered"
        )
    if summary.excluded:
        lines.append(f"{plural(summary.excluded, 'module')} excluded")
    lines += listed("assumed, so the plan is not for carrying out", map(printable, plan.assumed))
    for number, hop in enumerate(plan.hops):
        steps = [step for step in plan.steps if step.hop == number]
        blocked = [entry for entry in plan.blocked if entry.hop == number]
        if not single and summary.candidates:
            lines += ["", _hop_heading(number, hop, steps, blocked)]
        lines += _waves(steps, width)
        if verbose and steps:
            lines += ["", *map(_step, steps)]
        lines += _blocked(blocked, width)
    lines += _unlocks(plan, width)
    return "\n".join(lines) + "\n"


def _route(hops: Sequence[PlannedHop]) -> str:
    return printable(" → ".join([hops[0].source, *(hop.target for hop in hops)]))


def _hop_heading(
    number: int, hop: PlannedHop, steps: Sequence[PlannedStep], blocked: Sequence[BlockedModule]
) -> str:
    modules = sum(len(step.modules) for step in steps)
    return (
        f"hop {number + 1}, {_route([hop])}: {plural(modules, 'module')} can be promoted, in "
        f"{plural(len(steps), 'step')}, {plural(len({s.wave for s in steps}), 'wave')} and "
        f"{plural(len({s.batch for s in steps}), 'batch')}; {len(blocked):,} blocked"
    )


def _waves(steps: Sequence[PlannedStep], width: int) -> list[str]:
    if not steps:
        return []
    waves: dict[int, list[PlannedStep]] = {}
    for step in steps:
        waves.setdefault(step.wave, []).append(step)
    rows = []
    for wave, members in list(waves.items())[:_WAVES]:
        names = [name for step in members[:3] for name in step.modules[:1]]
        rows.append(
            (
                str(wave),
                f"{len({step.batch for step in members}):,}",
                f"{len(members):,}",
                f"{sum(len(step.modules) for step in members):,}",
                f"{len({path for step in members for path in step.rewrites}):,}",
                printable(", ".join(names)),
            )
        )
    headers = ("wave", "batches", "steps", "modules", "files rewritten", "first modules")
    lines = ["", table(headers, rows, width=width, right=headers[:-1])]
    if len(waves) > _WAVES:
        lines.append(f"… and {plural(len(waves) - _WAVES, 'more wave')}")
    needed = Counter(gate for step in steps for gate in step.gates)
    if needed:
        counts = sorted(needed.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{printable(gate)} {count:,}" for gate, count in counts)
        lines += ["", f"steps that need each gate: {shown}"]
    return lines


def _step(step: PlannedStep) -> str:
    parts = [f"{step.id} wave {step.wave} batch {step.batch}"]
    score = step.score
    if score is not None:
        parts += ["preferred"] if score.preferred else []
        parts += [f"unlocks {score.unlock:,}", f"rewrites {score.importers:,}"]
        parts += [f"recency {score.recency:g} d"] if score.recency is not None else []
        parts += [f"churn {score.churn:,}"] if score.churn is not None else []
        parts += [f"score {score.total:g}"] if score.total is not None else []
    more = f" and {len(step.modules) - 1:,} more" if len(step.modules) > 1 else ""
    return f"{', '.join(parts)}: {printable(step.modules[0])}{more}"


def _blocked(blocked: Sequence[BlockedModule], width: int) -> list[str]:
    counts = blocked_by_code(blocked)
    if not counts:
        return []
    rows = [(code, f"{count:,}", MEANINGS.get(code, "")) for code, count in counts]
    headers = ("code", "modules blocked", "meaning")
    shown = table(headers, rows, width=width, right=headers[1:2])
    return ["", f"{plural(len(blocked), 'module')} blocked:", "", shown]


def blocked_by_code(blocked: Iterable[BlockedModule]) -> list[tuple[str, int]]:
    """Return how many modules each code blocks by a cause of their own, or LP403; by code."""
    counts = Counter(
        code
        for entry in blocked
        for code in {c.code for c in entry.causes if c.code == "LP403" or _own(entry.module, c)}
    )
    return sorted(counts.items())


def _own(module: str, cause: Cause) -> bool:
    """Tell whether a cause is a module's own, and not one of a module that it needs."""
    return len(cause.chain) <= 2 and module in (cause.importer, cause.imported)


def _unlocks(plan: Plan, width: int) -> list[str]:
    if not plan.unlocks:
        return []
    rows = [
        (f"{unlock.frees:,}", f"{unlock.running_total:,}", printable(_words(unlock.fix)))
        for unlock in plan.unlocks[:_UNLOCKS]
    ]
    headers = ("frees", "running total", "what to mend")
    shown = table(headers, rows, width=width, right=headers[:-1])
    left = len(plan.unlocks) - _UNLOCKS
    more = f", the first {_UNLOCKS} of {len(plan.unlocks):,}" if left > 0 else ""
    return ["", f"what to mend first{more}:", "", shown]


def _words(fix: Fix) -> str:
    return fix.what or " ".join(part for part in (fix.code, fix.importer, fix.imported) if part)


# --- one line a move ---


class MoveLine(msgspec.Struct, frozen=True):
    """A move of a plan.

    Attributes:
        source: path below the root, when its hop begins.
        target: path below the root, after the move.
        module: its name before the move.
        step: id of its step.
        hop: index into the plan's hops.
        wave: of the step.
        batch: of the step.
        score: what the place of the step is chosen by.
    """

    source: str
    target: str
    module: str
    step: str
    hop: int
    wave: int
    batch: int
    score: Score | None


def plan_jsonl(plan: Plan) -> str:
    """Return a plan's moves as JSON, one line each, in landing order."""
    return "".join(
        to_json_line(
            MoveLine(
                move.source,
                move.target,
                module,
                step.id,
                step.hop,
                step.wave,
                step.batch,
                step.score,
            )
        )
        for step, move, module in _moves(plan)
    )


def plan_csv(plan: Plan) -> str:
    """Return a plan's moves as comma-separated values (RFC 4180), in landing order.

    Texts that cannot be encoded as UTF-8 stand escaped, as in JSON. A ' stands in a text wherever a
    spreadsheet might take what follows for a formula, or what follows is a ' in such a place.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    parts = Score.__struct_fields__
    writer.writerow(
        ["source", "target", "module", "step", "hop", "wave", "batch"]
        + [f"score_{part}" for part in parts]
    )
    for step, move, module in _moves(plan):
        score = {} if step.score is None else msgspec.structs.asdict(step.score)
        writer.writerow(
            [_cell(text) for text in (move.source, move.target, module, step.id)]
            + [step.hop, step.wave, step.batch, *(_figure(score.get(part)) for part in parts)]
        )
    return file.getvalue()


def _cell(text: str) -> str:
    return _FORMULA.sub(r"\1'", encodable(text))


def _figure(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _moves(plan: Plan) -> Iterator[tuple[PlannedStep, PlannedMove, str]]:
    """Yield each move with its step and the name of its module before it."""
    for step in plan.steps:
        yield from ((step, move, name) for move, name in zip(step.moves, _names(step), strict=True))


def _names(step: PlannedStep) -> list[str]:
    """Return the modules of a step in the order of its moves.

    A name is the end of its path, from a source root that the plan does not tell; one that cannot
    be imported is its path. Whatever is neither is taken in order.
    """
    left = sorted(step.modules, key=lambda name: (-len(name), name))
    found: list[str | None] = []
    for move in step.moves:
        dotted = move.source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        name = next((n for n in left if f".{dotted}".endswith(f".{n}") or n == move.source), None)
        if name is not None:
            left.remove(name)
        found.append(name)
    rest = iter(sorted(left))
    return [next(rest) if name is None else name for name in found]


# --- Markdown ---


def plan_markdown(plan: Plan) -> str:
    """Return a plan as GitHub-flavoured Markdown, for a pull request or a wiki.

    Nothing that a name holds can act as Markdown or HTML.
    """
    route = " → ".join(as_name(n) for n in (plan.hops[0].source, *(h.target for h in plan.hops)))
    sections = [
        f"## Promotion plan: {route}",
        _markdown_summary(plan),
        _markdown_batches(plan),
        _markdown_blocked(plan),
        _markdown_unlocks(plan),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _markdown_summary(plan: Plan) -> str:
    rows = [
        ("commit", "none" if plan.commit is None else as_name(plan.commit)),
        ("configuration", as_name(plan.config)),
        *((title, f"{count:,}") for title, count in _figures(plan.summary)),
    ]
    if plan.assumed:
        rows.append(("assumed", ", ".join(map(as_name, plan.assumed))))
    return _markdown_table(("figure", "value"), rows, right=("value",))


def _figures(summary: Summary) -> list[tuple[str, int]]:
    return [
        (field.replace("_", " "), count) for field, count in msgspec.structs.asdict(summary).items()
    ]


def _markdown_batches(plan: Plan) -> str:
    if not plan.batches:
        return ""
    headers = (
        "batch", "wave", "modules", "files moved", "files rewritten", "import statements changed",
        "gates", "waits for",
    )  # fmt: skip
    rows = [
        (
            str(batch.id),
            str(batch.wave),
            f"{batch.modules:,}",
            f"{batch.moved:,}",
            f"{batch.rewritten:,}",
            f"{batch.lines:,}",
            ", ".join(map(as_name, batch.gates)),
            ", ".join(map(str, batch.after)),
        )
        for batch in plan.batches
    ]
    return "### Batches\n\n" + _markdown_table(headers, rows, right=headers[:-2])


def _markdown_blocked(plan: Plan) -> str:
    counts = blocked_by_code(plan.blocked)
    if not counts:
        return ""
    rows = [(as_text(code), f"{count:,}", MEANINGS.get(code, "")) for code, count in counts]
    drawn = _markdown_table(
        ("code", "modules blocked", "meaning"), rows, right=("modules blocked",)
    )
    return f"### Blocked\n\n{drawn}"


def _markdown_unlocks(plan: Plan) -> str:
    if not plan.unlocks:
        return ""
    rows = [
        (as_text(_words(unlock.fix)), f"{unlock.frees:,}", f"{unlock.running_total:,}")
        for unlock in plan.unlocks[:_UNLOCKS_IN_MARKDOWN]
    ]
    headers = ("fix", "frees", "running total")
    drawn = _markdown_table(headers, rows, right=headers[1:])
    more = len(plan.unlocks) - len(rows)
    end = f"\n\n… and {more:,} more." if more else ""
    return f"### What to mend first\n\n{drawn}{end}"


def _markdown_table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str]
) -> str:
    marks = ["---:" if header in right else "---" for header in headers]
    return "\n".join([as_row(headers), as_row(marks), *map(as_row, rows)])


PLAN_WRITERS: Mapping[str, Callable[[Plan], str]] = {
    "json": to_json,
    "jsonl": plan_jsonl,
    "csv": plan_csv,
    "markdown": plan_markdown,
}
"""How a plan is written in each format but text, which is as wide as the terminal."""


# --- differences ---


def diff_text(found: PlanDiff, names: tuple[str, str], *, width: int) -> str:
    """Return how two plans differ, for people.

    Args:
        found: the difference.
        names: of the plans' files.
        width: columns of the terminal.
    """
    sides = (found.before, found.after)
    lines = [
        f"{title} {printable(name)}: {_side(side)}"
        for title, name, side in zip(("before", "after "), names, sides, strict=True)
    ]
    rows = [
        (title, f"{old:,}", f"{new:,}", f"{new - old:+,}" if new != old else "")
        for (title, old), (_, new) in zip(*(_figures(s.summary) for s in sides), strict=True)
    ]
    headers = ("", "before", "after", "change")
    lines += ["", table(headers, rows, width=width, right=headers[1:]), ""]
    for title, modules, verb in (
        ("become promotable", found.gained, "was"),
        ("are no longer promotable", found.lost, "now"),
    ):
        lines += listed(
            f"modules that {title}",
            [
                f"{_place(entry)}{f' ({verb} {_codes(entry.codes)})' if entry.codes else ''}"
                for entry in modules
            ],
        )
    lines += listed(
        "modules in another wave or batch",
        [
            f"{_place(entry)}: wave {_change(entry.wave_before, entry.wave_after)}, "
            f"batch {_change(entry.batch_before, entry.batch_after)}"
            for entry in found.rescheduled
        ],
    )
    lines += listed(
        "modules whose step changed",
        [f"{_place(entry)}: {', '.join(entry.parts)}" for entry in found.steps_changed],
    )
    if found.reordered:
        lines.append("steps that are in both plans land in another order")
    lines += listed(
        "blocked modules whose causes changed",
        ["\n    ".join(_causes_changed(entry)) for entry in found.causes_changed],
    )
    verdict = "promote the same with the same steps" if found.same else "differ"
    lines.append(f"the plans {verdict}")
    return "\n".join(lines) + "\n"


def _side(side: Side) -> str:
    route = _route(side.hops) if side.hops else "no hop"
    return (
        f"{route}, commit {printable(side.commit or 'none')}, configuration "
        f"{printable(side.config)}"
    )


def _place(entry: msgspec.Struct) -> str:
    fields = msgspec.structs.asdict(entry)
    return printable(f"{fields['module']} ({fields['source']} → {fields['target']})")


def _codes(codes: Sequence[str]) -> str:
    return printable(", ".join(codes)) if codes else "not in the plan"


def _change(old: int, new: int) -> str:
    return f"{old:,}" if old == new else f"{old:,} → {new:,}"


def _causes_changed(entry: CausesChanged) -> list[str]:
    codes = [_codes(entry.codes_before), _codes(entry.codes_after)]
    lines = [f"{_place(entry)}: {' → '.join(dict.fromkeys(codes))}"]
    signed = [("-", cause) for cause in entry.removed] + [("+", cause) for cause in entry.added]
    for sign, cause in signed[:_CAUSES]:
        place = f"{cause.path}:{cause.line}" if cause.line else cause.path
        what = f" imports {cause.imported}" if cause.imported else ""
        lines.append(printable(f"{sign} {cause.code} {place}: {cause.importer}{what}"))
    if len(signed) > _CAUSES:
        lines.append(f"… and {len(signed) - _CAUSES:,} more")
    return lines

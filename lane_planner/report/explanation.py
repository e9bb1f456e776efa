"""Where one module stands, as text."""

from __future__ import annotations

from collections.abc import Sequence

from lane_planner.base.text import plural, printable
from lane_planner.planner.explain import Explanation, Neighbour, Reason
from lane_planner.planner.schema import Cause
from lane_planner.report.text import MEANINGS, listed

# Root causes that a person will read; the rest is counted.
_CAUSES = 20
# Levels of indentation; what lies deeper is not indented further, and names its module.
_LEVELS = 8
# Names at each end of a long chain.
_ENDS = 3


def explanation_text(found: Explanation) -> str:
    """Return an explanation for people: place, the reasons as a tree, and neighbours."""
    lane = f"lane {found.lane}" if found.lane else "in no lane"
    lines = [f"{printable(found.module)} ({printable(found.path)}), {lane}"]
    if found.target is None:
        lines.append("it is not promoted any further")
    elif not found.causes and found.destination is not None:
        lines.append(f"it can be promoted to {found.target}: {printable(found.destination)}")
    elif found.destination is None:
        lines.append("it holds no code of its own to promote")
    else:
        lines.append(f"it cannot be promoted to {found.target}:")
        lines += reason_lines(found.reasons)
    lines += listed("needs to be promoted before or with it", map(printable, found.needs))
    lines += listed("imports", map(_neighbour, found.imports))
    lines += listed("is imported by", map(_neighbour, found.importers))
    lines.append(
        f"{plural(len(found.imports), 'import')}, {plural(len(found.importers), 'importing site')}"
    )
    return "\n".join(lines) + "\n"


def reason_lines(reasons: Sequence[Reason]) -> list[str]:
    """Return a tree of reasons as indented lines, with the nearest of its root causes.

    Modules without causes that lead to one other only are told as one chain.

    Args:
        reasons: the tree, depth first.
    """
    shown, left = _nearest(reasons)
    kept = set(shown)
    for index in shown:
        at = reasons[index].parent
        while at >= 0 and at not in kept:
            kept.add(at)
            at = reasons[at].parent
    branches = dict.fromkeys(kept, 0)
    for index in kept - {0}:
        branches[reasons[index].parent] += 1
    lines = []
    levels = {-1: -1}
    chain: list[Reason] = []
    for index in sorted(kept):
        reason = reasons[index]
        if index:
            chain.append(reason)
            if index not in shown and branches[index] == 1:
                continue  # what it leads to is the next one
        start = chain[0].parent if chain else -1
        level = levels[index] = levels[start] + 1
        if chain:
            subject = "it" if level <= _LEVELS else printable(reasons[start].module)
            lines.append(f"{_indent(level)}{subject} {_link(chain)}")
            chain = []
        lines += [
            f"{_indent(level + 1)}{_cause(reason.module, cause)}" for cause in shown.get(index, ())
        ]
    if left:
        lines.append(f"  … and {plural(left, 'more root cause')}: --format json")
    return lines


def _nearest(reasons: Sequence[Reason]) -> tuple[dict[int, list[Cause]], int]:
    """Return the root causes to show, by index of their reason, and how many are left out."""
    shown: dict[int, list[Cause]] = {}
    said: set[tuple[str, ...]] = set()
    for index in sorted(range(len(reasons)), key=lambda index: reasons[index].depth):
        for cause in reasons[index].causes:
            # What closes an eager circle closes one with deferred imports too.
            what = (cause.importer, cause.imported, cause.path, str(cause.line), cause.detail)
            if what not in said and len(said) < _CAUSES:
                shown.setdefault(index, []).append(cause)
            said.add(what)
    return shown, len(said) - sum(map(len, shown.values()))


def _indent(level: int) -> str:
    return "  " * min(level, _LEVELS + 1)


def _link(chain: Sequence[Reason]) -> str:
    """Return how a module needs the last one of a chain, by way of the others."""
    verbs = {
        "imports": "imports",
        "imported by": "is imported by",
        "circle": "is in a circular import with",
        "together": "has to land in one step with",
    }
    kinds = {reason.link for reason in chain}
    verb = verbs[chain[0].link] if len(kinds) == 1 else "needs"
    names = [_named(reason) for reason in chain]
    if len(names) > 2 * _ENDS + 1:
        left_out = f"… {plural(len(names) - 2 * _ENDS, 'more module')} …"
        names = [*names[:_ENDS], left_out, *names[-_ENDS:]]
    when = "in one step with it" if kinds <= {"circle", "together"} else "first, or with it"
    which = "which has" if len(chain) == 1 else "which have"
    return f"{verb} {' → '.join(names)}, {which} to be promoted {when}, and cannot:"


def _named(reason: Reason) -> str:
    name = printable(reason.module)
    return f"{name} ({printable(reason.path)}:{reason.line})" if reason.line else name


def _cause(module: str, cause: Cause) -> str:
    place = f"{cause.path}:{cause.line}" if cause.line else cause.path
    what = cause.detail or MEANINGS.get(cause.code, "")
    if cause.code in ("LP901", "LP902"):  # the detail says how, not what
        what = f"{MEANINGS[cause.code]}: {what}"
    if cause.imported:
        imported = "it" if cause.imported == module else cause.imported
        verb = f"{cause.importer} imports" if cause.importer != module else "imports"
        what = f"{verb} {imported}: {what}"
    return printable(f"{place}: {what} ({cause.code})")


def _neighbour(found: Neighbour) -> str:
    marks = [found.lane or "no lane", f"line {found.line}"]
    marks += [found.kind] if found.kind != "eager" else []
    marks += ["optional"] if found.optional else []
    marks += ["missing"] if not found.resolved else []
    return f"{printable(found.module)} ({', '.join(marks)})"

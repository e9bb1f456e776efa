"""Names that try to mean something to every format, and reports that are made of them."""

from __future__ import annotations

from pathlib import Path

from lane_planner.config.settings import Lane, Settings
from lane_planner.graph.graph import ImportGraph, build_graph
from lane_planner.graph.resolve import ImportSite
from lane_planner.report.findings import Report, check_report
from lane_planner.rules.cycles import Breaker, Cycle
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.violations import Status, Violation
from lane_planner.scan.records import FileRecord

NAMES = (
    "plain",
    "two\nlines",
    "carriage\rreturn",
    "tab\there",
    "null\0esc\x1b[31mred",
    "quote\"s and 'these'",
    "<b>&amp;</b>",
    "]]>",
    "<!-- -->",
    "::error file=x::gone",
    "##[error]gone",
    "100%0A,a:b",
    "pipe|back`tick``s",
    "[link](javascript:alert)",
    "*bold* _under_ __init__ ~~gone~~",
    "@someone #1 http://example.org www.example.org",
    "lone\udcffsurrogate",
    "right\u202eto left\u200f",
    "\ufeff\ufffe\uffff",
    "back\\slash\\",
    "{0} {braces}",
    "#35; #quot; &lt;",
    "é \u4e2d\u6587 \U0001f600",
    "end",
    " blanks at the ends ",
    "1. list",
    "- list",
)

SETTINGS = Settings(
    Path(), lanes=(Lane("low", ("low",), promotes_to="high"), Lane("high", ("high",)))
)


def violation(
    importer: str,
    imported: str,
    *,
    line: int = 1,
    status: Status = "new",
    path: str | None = None,
    lanes: tuple[str, str] = ("low", "high"),
) -> Violation:
    """Return an import that is forbidden."""
    message = f"{lanes[0]} may not import lane {lanes[1]}: {importer} imports {imported}"
    return Violation(
        "LP101", importer, imported, *lanes, path or f"low/{importer}.py", line, 4, "eager", status,
        message,
    )  # fmt: skip


def hostile_report(*, verbose: bool = False) -> Report:
    """Return a report in which every name stands wherever a name can stand."""
    violations = []
    for number, name in enumerate(NAMES):
        path = f"low/{number} {name}.py"
        status: Status = ("new", "baseline", "waived")[number % 3]
        violations += [
            violation(name, f"high.{name}", status=status, path=path, lanes=(name, "high")),
            violation(f"low.{number}", name, path=path, line=2),
        ]
    faults = [Diagnostic("LP901", name, f"low/{name}.py", 3, 0, False, name) for name in NAMES]
    notes = [Diagnostic("LP301", name, f"low/{name}.py", 4, 0, True, name) for name in NAMES]
    graph = circle(NAMES)
    return check_report(
        violations,
        [*faults, *notes],
        [cycle_of(NAMES)],
        graph,
        SETTINGS,
        modules=3,
        idle_waivers=NAMES,
        verbose=verbose,
        prefix="sub dir/",
    )


def cycle_of(names: tuple[str, ...]) -> Cycle:
    """Return the cycle that `circle` has."""
    ordered = tuple(sorted(names))
    example = (*ordered, ordered[0])
    breaker = Breaker(ordered[0], ordered[1], f"low/{ordered[0]}.py", 7, (7,), "unused")
    return Cycle("LP201", ordered, example, (breaker,), True)


def circle(names: tuple[str, ...]) -> ImportGraph:
    """Return a graph in which each module imports the next one."""
    files = {f"low/{name}.py": FileRecord() for name in names}
    empty = build_graph(files)
    table = empty.table
    for name in names:
        module = table.by_path[f"low/{name}.py"]
        table.by_name[name] = module
    ordered = sorted(names)
    return ImportGraph(
        table,
        [
            ImportSite(name, other, 7, 0, "eager", False, False)
            for name, other in zip(ordered, [*ordered[1:], *ordered[:1]], strict=True)
        ],
    )

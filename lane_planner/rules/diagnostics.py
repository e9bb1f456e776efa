"""What is wrong in the files themselves: LP301, LP302, LP406, LP901, LP902."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lane_planner.graph.graph import ImportGraph
from lane_planner.scan.records import FileRecord, SyntaxFault


class Diagnostic(msgspec.Struct, frozen=True):
    """A fault of one file that is no violation of a lane rule.

    Attributes:
        code: LP301, LP302, LP406, LP902, or with `--syntax` LP901.
        module: name of the module (its path where nobody can import it).
        path: its file.
        line: from 1.
        column: in characters, from 0.
        optional: for an import: whether its failure is caught.
        message: what is wrong, in words.
    """

    code: str
    module: str
    path: str
    line: int
    column: int
    optional: bool
    message: str


def diagnostics(
    graph: ImportGraph,
    records: Mapping[str, FileRecord],
    faults: Mapping[str, SyntaxFault],
) -> tuple[Diagnostic, ...]:
    """Return the faults of all files, by path, line, column and code.

    Args:
        graph: the repository.
        records: what each file says, by path.
        faults: why files do not parse, by path, as far as that was asked.
    """
    found = []
    for site in graph.sites:
        if site.fault is None:
            continue
        what = (
            f"no module {site.imported}"
            if site.fault == "LP301"
            else f"relative import {site.imported} climbs beyond the top-level package"
        )
        path = graph.modules[site.importer].path
        found.append(
            Diagnostic(site.fault, site.importer, path, site.line, site.column, site.optional, what)
        )
    for module in graph.modules.values():
        if module.shadowed_by is not None:
            what = f"{module.shadowed_by} has the same name and is imported instead"
            found.append(Diagnostic("LP406", module.name, module.path, 1, 0, False, what))
        record = records.get(module.path)
        undecodable = None if record is None else record.undecodable
        fault = faults.get(module.path)
        if fault is not None and undecodable is None:  # what is no text does not parse either
            found.append(
                Diagnostic("LP901", module.name, module.path, fault.line, 0, False, fault.message)
            )
        if undecodable is not None:
            found.append(Diagnostic("LP902", module.name, module.path, 1, 0, False, undecodable))
    return tuple(sorted(found, key=lambda d: (d.path, d.line, d.column, d.code, d.message)))

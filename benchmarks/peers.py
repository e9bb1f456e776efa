"""The peers' configurations, which say what the lanes say, and what their answers hold."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from lane_planner.config.settings import Lane, Settings

Pair = tuple[str, str]
Place = tuple[str, int]

_CHAIN = re.compile(r"(?m)^-\s+(\S+) -> (\S+) \(l\.")


def forbidden(lanes: Sequence[Lane], lane: Lane) -> list[Lane]:
    """Return the lanes that a lane may not import, in the order of the configuration."""
    return [other for other in lanes if other is not lane and other.name not in lane.imports]


def importlinter_config(settings: Settings) -> str:
    """Return a configuration of import-linter: one contract a lane, direct imports only.

    Args:
        settings: lanes that are one top-level package each.
    """
    packages = {lane.name: lane.paths[0] for lane in settings.lanes}
    lines = ["[importlinter]", "root_packages =", *(f"    {name}" for name in packages.values())]
    lines.append("exclude_type_checking_imports = False")
    for lane in settings.lanes:
        others = forbidden(settings.lanes, lane)
        if not others:
            continue  # a contract must forbid something
        lines += [
            "",
            f"[importlinter:contract:{lane.name}]",
            f"name = {lane.name}",
            "type = forbidden",
            f"source_modules = {packages[lane.name]}",
            "forbidden_modules =",
            *(f"    {packages[other.name]}" for other in others),
            "allow_indirect_imports = True",
        ]
    return "\n".join(lines) + "\n"


def tach_config(settings: Settings) -> str:
    """Return a configuration of tach: one module a lane, the rest of the code unchecked.

    Args:
        settings: as for `importlinter_config`.
    """
    packages = {lane.name: lane.paths[0] for lane in settings.lanes}
    lines = [
        'source_roots = ["."]',
        "exclude = []",
        "ignore_type_checking_imports = false",
        'root_module = "ignore"',
    ]
    for lane in settings.lanes:
        allowed = [packages[other.name] for other in settings.lanes if other.name in lane.imports]
        lines += [
            "",
            "[[modules]]",
            f"path = {json.dumps(packages[lane.name])}",
            f"depends_on = {json.dumps(allowed)}",
        ]
    return "\n".join(lines) + "\n"


def importlinter_pairs(text: str) -> set[Pair]:
    """Return the (importer, imported) that `lint-imports` reports.

    Args:
        text: its output, on a terminal so wide that no line was broken.
    """
    return {(importer, imported) for importer, imported in _CHAIN.findall(text)}


def tach_places(text: str) -> tuple[set[Place], set[str]]:
    """Return the (path, line) that `tach check` reports, and the files that it did not read.

    Args:
        text: its output as JSON.
    """
    places: set[Place] = set()
    skipped: set[str] = set()
    for entry in json.loads(text):
        located = entry.get("Located")
        if located is None:
            fault = entry["Global"]["details"]["Configuration"].get("SkippedFileIoError")
            if fault is not None:
                skipped.add(fault["file_path"])
        elif "UndeclaredDependency" in located["details"].get("Code", {}):
            places.add((located["file_path"], located["original_line_number"]))
    return places, skipped

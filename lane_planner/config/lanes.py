"""The `[lanes]` table: what each lane says, and whether the lanes agree with each other."""

from __future__ import annotations

from collections.abc import Sequence

from lane_planner.config.document import Table, suggestion
from lane_planner.config.paths import normal_path, path_fault
from lane_planner.config.settings import Lane

_LIKE_LETTERS = str.maketrans("-.", "__")
_KEYS = ("paths", "imports", "promotes_to")


def read_lanes(top: Table, outer: Sequence[str]) -> tuple[Lane, ...]:
    """Read the lanes of a configuration.

    Args:
        top: the table that holds `lanes`.
        outer: the keys of that table.

    Returns:
        The lanes in the order of the file.

    Raises:
        UsageError: there are none, a lane says what no lane can, names one that does not exist,
            shares a path with another, or lanes promote in a circle.
    """
    table = top.table("lanes")
    if not table.values:
        raise top.error(
            ("lanes",), 'there are no lanes, add a table such as [lanes.core] with paths = ["core"]'
        )
    lanes = tuple(_read_lane(table, name, outer) for name in table.values)
    _refuse_shared_paths(table, lanes)
    _refuse_circles(table, lanes)
    return lanes


def _read_lane(lanes: Table, name: str, outer: Sequence[str]) -> Lane:
    # It becomes part of branch names and command lines.
    if not f"_{name}".translate(_LIKE_LETTERS).isidentifier() or name.startswith(("-", ".")):
        raise lanes.error((name,), f'lane name "{name}": use letters, digits, "_", "-" and "."')
    table = lanes.table(name)
    table.only(_KEYS, outer)
    paths = tuple(_lane_path(table, index, path) for index, path in enumerate(table.texts("paths")))
    if not paths:
        raise table.error(("paths",), f"{table.label('paths')} is empty, name a directory")
    imports = table.texts("imports", ())
    for index, imported in enumerate(imports):
        _require_lane(lanes, imported, table, "imports", index)
    promotes_to = table.text("promotes_to") if "promotes_to" in table else None
    if promotes_to is not None:
        _require_lane(lanes, promotes_to, table, "promotes_to")
    return Lane(name, paths, frozenset(imports) - {name}, promotes_to)


def _lane_path(table: Table, index: int, path: str) -> str:
    normal = normal_path(path)
    fault = path_fault(path)
    if fault is None and normal == ".":
        fault = "is the whole repository, name the directories of the lane"
    if fault is not None:
        raise table.error(("paths", index), f'{table.label("paths")}: "{path}" {fault}')
    return normal


def _require_lane(lanes: Table, name: str, table: Table, key: str, *item: int) -> None:
    if name not in lanes:
        advice = suggestion(name, lanes.values) or f"the lanes are {', '.join(lanes.values)}"
        raise table.error((key, *item), f'{table.label(key)}: no lane is called "{name}", {advice}')


def _refuse_shared_paths(table: Table, lanes: Sequence[Lane]) -> None:
    owners: dict[str, str] = {}
    for lane in lanes:
        for index, path in enumerate(lane.paths):
            if path in owners:
                raise table.error(
                    (lane.name, "paths", index),
                    f'"{path}" is already a path of lane {owners[path]}, keep one of the two',
                )
            owners[path] = lane.name


def _refuse_circles(table: Table, lanes: Sequence[Lane]) -> None:
    following = {lane.name: lane.promotes_to for lane in lanes}
    for lane in lanes:
        walked: list[str] = [lane.name]
        target = lane.promotes_to
        while target is not None and target not in walked:
            walked.append(target)
            target = following[target]
        if target is not None:
            circle = [*walked[walked.index(target) :], target]
            raise table.error(
                (target, "promotes_to"),
                f"lanes promote in a circle, {' → '.join(circle)}: remove one promotes_to",
            )

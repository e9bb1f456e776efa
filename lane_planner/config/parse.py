"""From the text of a configuration to settings, without reading any file."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import msgspec

from lane_planner.config.document import Document, Table, type_name
from lane_planner.config.gates import read_gates
from lane_planner.config.globs import directory_glob_fault
from lane_planner.config.lanes import read_lanes
from lane_planner.config.paths import normal_path, path_fault, read_file_path, read_globs
from lane_planner.config.settings import BASELINE_NAME, Coverage, Settings, Waiver

_KEYS = (
    "source_roots",
    "exclude",
    "cycles",
    "transitive",
    "unlaned",
    "unresolved",
    "aliases",
    "lanes",
    "batch",
    "coverage",
    "gates",
    "waivers",
    "tests",
    "baseline",
)
_WAIVER_KEYS = ("importer", "imported", "reason", "expires")


def parse_settings(text: str, *, root: Path, source: Path, table: tuple[str, ...] = ()) -> Settings:
    """Read a configuration.

    Args:
        text: TOML.
        root: the directory that its paths are relative to.
        source: the file that it comes from, for messages.
        table: where in the file it stands; `("tool", "lane_planner")` in pyproject.toml.

    Returns:
        The settings, complete with their digest.

    Raises:
        UsageError: the text is not TOML or says something that has no meaning; the message is
            one line, `file:line: what, what to do`.
    """
    top = Document(text, source).table(table)
    top.only(_KEYS)
    defaults = Settings(root=root)
    settings = Settings(
        root=root,
        source_roots=_source_roots(top, defaults.source_roots),
        exclude=read_globs(top, "exclude"),
        lanes=read_lanes(top, _KEYS),
        cycles=top.choice("cycles", ("block", "together"), defaults.cycles),
        transitive=top.boolean("transitive", defaults.transitive),
        unlaned=top.choice("unlaned", ("allow", "forbid"), defaults.unlaned),
        unresolved=top.choice("unresolved", ("block", "note"), defaults.unresolved),
        aliases=_aliases(top.table("aliases")),
        max_files=_max_files(top.table("batch"), defaults.max_files),
        coverage=_coverage(top.table("coverage")) if "coverage" in top else None,
        gates=read_gates(top.tables("gates"), _KEYS),
        waivers=tuple(_waiver(waiver) for waiver in top.tables("waivers")),
        mirrored_tests=_mirrored(top.table("tests"), defaults.mirrored_tests),
        baseline=read_file_path(top, "baseline", BASELINE_NAME) if "baseline" in top else None,
        source=source,
    )
    return msgspec.structs.replace(settings, digest=digest(settings))


def digest(settings: Settings) -> str:
    """Return the "sha256:…" of what settings mean.

    Where the configuration stands does not count, nor does the baseline, of which no plan knows,
    nor an order without a meaning (of lanes, imports, aliases, source roots and waivers). The
    order of a lane's paths counts, as the first is where modules arrive; so do those of gates and
    of globs.

    Args:
        settings: their own digest is not looked at.
    """
    meaning = msgspec.structs.asdict(settings)
    for unread in ("root", "source", "digest", "baseline"):
        del meaning[unread]
    meaning["source_roots"] = sorted(settings.source_roots)
    meaning["aliases"] = dict(settings.aliases)
    meaning["lanes"] = {lane.name: lane for lane in settings.lanes}
    meaning["waivers"] = sorted(_canonical(waiver) for waiver in settings.waivers)
    return f"sha256:{hashlib.sha256(_canonical(meaning)).hexdigest()}"


def _canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _source_roots(top: Table, default: tuple[str, ...]) -> tuple[str, ...]:
    paths = top.texts("source_roots", default)
    if not paths:
        raise top.error(("source_roots",), 'source_roots is empty, write ["."] for the root')
    for index, path in enumerate(paths):
        fault = path_fault(path)
        if fault is not None:
            raise top.error(("source_roots", index), f'source_roots: "{path}" {fault}')
    return tuple(dict.fromkeys(normal_path(path) for path in paths))


def _mirrored(tests: Table, default: tuple[str, ...]) -> tuple[str, ...]:
    tests.only(("mirrored",), _KEYS)
    patterns = tests.texts("mirrored", default)
    for index, pattern in enumerate(patterns):
        fault = directory_glob_fault(pattern)
        if fault is not None:
            raise tests.error(
                ("mirrored", index), f'{tests.label("mirrored")}: the glob "{pattern}" {fault}'
            )
    return patterns


def _aliases(table: Table) -> tuple[tuple[str, str], ...]:
    for key, value in table.values.items():
        if isinstance(value, dict):
            raise table.error((key,), f'{table.label(key)} is a table, quote dotted names: "a.b"')
        for name in (key, table.text(key)):
            if not all(part.isidentifier() for part in name.split(".")):
                raise table.error(
                    (key,), f'aliases: "{name}" is no module name, write a dotted name such as a.b'
                )
    return tuple(sorted((key, table.text(key)) for key in table.values))


def _max_files(batch: Table, default: int) -> int:
    batch.only(("max_files",), _KEYS)
    most = batch.integer("max_files", default)
    if most < 1:
        raise batch.error(("max_files",), f"{batch.label('max_files')} is {most}, write 1 or more")
    return most


def _coverage(table: Table) -> Coverage:
    table.only(("min", "data", "measure"), _KEYS)
    defaults = Coverage()
    least = table.number("min", defaults.min)
    if not 0 <= least <= 1:
        raise table.error(
            ("min",), f"{table.label('min')} is {least:g}, write a fraction from 0 to 1, as 0.75"
        )
    measure = table.boolean("measure", defaults.measure)
    return Coverage(least, table.text("data", defaults.data), measure)


def _waiver(table: Table) -> Waiver:
    table.only(_WAIVER_KEYS, _KEYS)
    names = {key: table.text(key) for key in ("importer", "imported")}
    for key, name in names.items():
        if "/" in name:
            raise table.error(
                (key,), f'{table.label(key)}: "{name}" is a path, write a dotted name such as a.b.*'
            )
    expires = _day(table, "expires") if "expires" in table else None
    return Waiver(names["importer"], names["imported"], table.text("reason"), expires)


def _day(table: Table, key: str) -> datetime.date:
    value = table.values[key]
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    wanted = "write a day such as 2026-12-31"
    if not isinstance(value, str):
        raise table.error((key,), f"{table.label(key)} is {type_name(value)}, {wanted}")
    try:
        return datetime.date.fromisoformat(value)
    except ValueError as error:
        raise table.error((key,), f'{table.label(key)}: "{value}" is no day, {wanted}') from error

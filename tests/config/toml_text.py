"""Writes settings as TOML, for the round trip."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping

import msgspec

from lane_planner.config.settings import Benchmark, Settings


def toml_value(value: object) -> str:
    """Return a value as TOML; JSON's escapes serve for the ASCII that it leaves."""
    if isinstance(value, str):
        if any(ord(char) > 0xFFFF for char in value):
            return "".join(['"', *(f"\\U{ord(char):08X}" for char in value), '"'])
        return json.dumps(value).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = (f"{toml_value(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    assert isinstance(value, Iterable)
    return f"[{', '.join(toml_value(item) for item in value)}]"


def settings_text(settings: Settings) -> str:
    """Return a lanes.toml that means the settings."""
    lines = [
        _pair(key, getattr(settings, key))
        for key in ("source_roots", "exclude", "cycles", "transitive", "unlaned", "unresolved")
    ]
    if settings.baseline is not None:
        lines.append(_pair("baseline", settings.baseline))
    lines.append(_pair("aliases", dict(settings.aliases)))
    for lane in settings.lanes:
        lines.append(f"[lanes.{toml_value(lane.name)}]")
        lines += [_pair("paths", lane.paths), _pair("imports", sorted(lane.imports))]
        if lane.promotes_to is not None:
            lines.append(_pair("promotes_to", lane.promotes_to))
    lines += ["[batch]", _pair("max_files", settings.max_files)]
    lines += ["[tests]", _pair("mirrored", settings.mirrored_tests)]
    if settings.coverage is not None:
        lines += ["[coverage]", _pair("min", settings.coverage.min)]
        lines.append(_pair("data", settings.coverage.data))
        lines.append(_pair("measure", settings.coverage.measure))
    for gate in settings.gates:
        lines.append("[[gates]]")
        said = msgspec.structs.asdict(gate)
        said.update(_benchmark(said.pop("benchmark")))
        lines += [_pair(key, value) for key, value in said.items()]
    for waiver in settings.waivers:
        lines.append("[[waivers]]")
        values = msgspec.structs.asdict(waiver).items()
        lines += [_pair(key, value) for key, value in values if value is not None]
    return "\n".join(lines) + "\n"


def _benchmark(benchmark: Benchmark | None) -> dict[str, object]:
    if benchmark is None:
        return {}
    values = msgspec.structs.asdict(benchmark)
    where = values.pop("where")
    if benchmark.metric != "pytest-benchmark":
        values["metric"] = {benchmark.metric: where}
    if benchmark.output is None:
        del values["output"]
    return {"kind": "benchmark", **values}


def _pair(key: str, value: object) -> str:
    return f"{key} = {toml_value(value)}"

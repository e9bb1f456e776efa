"""The configuration: every key, as the schema has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lane_planner.config.schema import json_schema
from tools.reference.markdown import anchor, code, either, page, prose, table

_Schema = Mapping[str, Any]

_INTRO = """\
The keys of `lanes.toml`, or of `[tool.lane_planner]` in pyproject.toml, as in the JSON schema that
`lane-planner config schema` prints. [Configuration](../configuration.md) explains what needs more
words than fit here."""


def configuration_page() -> str:
    """Return the page of all keys."""
    schema: _Schema = json_schema()
    tables = list(_tables(schema["properties"]))
    links = {key: f"[{code(written)}](#{anchor(written)})" for key, written, _ in tables}
    sections = [f"## Top level\n\n{_keys(schema, links)}"]
    for _, written, inner in tables:
        parts = [f"## {code(written)}", prose(inner["description"]), _keys(inner, {})]
        sections.append("\n\n".join(parts))
    return page("Configuration keys", _INTRO, sections)


def _tables(properties: _Schema) -> Iterator[tuple[str, str, _Schema]]:
    """Yield the tables below the top level: key, how TOML writes them, schema."""
    for key, schema in properties.items():
        if "properties" in schema:
            yield key, f"[{key}]", schema
        elif "properties" in schema.get("items", {}):
            yield key, f"[[{key}]]", schema["items"]
        elif "properties" in schema.get("additionalProperties", {}):
            yield key, f"[{key}.NAME]", schema["additionalProperties"]


def _keys(schema: _Schema, links: Mapping[str, str]) -> str:
    """Return the keys of a table, those that are tables themselves by their links."""
    required: Sequence[str] = schema.get("required", ())
    rows = []
    for key, value in schema["properties"].items():
        default = code(_toml(value["default"])) if "default" in value else ""
        rows.append(
            (
                links.get(key, code(key)),
                "table" if key in links else _type(value),
                "required" if key in required else default,
                prose(value["description"]),
            )
        )
    return table(("key", "value", "default", "meaning"), rows)


def _type(schema: _Schema) -> str:
    if "enum" in schema:
        return either([code(_toml(choice)) for choice in schema["enum"]])
    if "oneOf" in schema:
        return either([code(_written(choice)) for choice in schema["oneOf"]])
    kind = schema["type"]
    if kind == "array":
        least = schema.get("minItems", 0)
        return "list of texts" + (f", {least} or more" if least else "")
    if kind == "object":
        return "table of texts"
    if kind == "string":
        return "date" if schema.get("format") == "date" else "text"
    if kind == "boolean":
        return either([code("true"), code("false")])
    return f"{kind}, {_limits(schema)}"


def _limits(schema: _Schema) -> str:
    if "exclusiveMinimum" in schema:
        return f"above {schema['exclusiveMinimum']:,}, at most {schema['maximum']:,.0f}"
    if "maximum" in schema:
        return f"{schema['minimum']:,} to {schema['maximum']:,}"
    return f"{schema['minimum']:,} or more"


def _written(choice: _Schema) -> str:
    """Return a choice as TOML writes it: a text, or a table of one key."""
    if "const" in choice:
        return _toml(choice["const"])
    (key,) = choice["properties"]
    return f'{{ {key} = "…" }}'


def _toml(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    # Texts, whole numbers, truth values and lists of texts are written in TOML as in JSON.
    return json.dumps(value, ensure_ascii=False)

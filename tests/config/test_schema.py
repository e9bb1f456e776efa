"""The schema and the parser read the same configurations, as far as a schema can tell."""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from lane_planner.base.errors import UsageError
from lane_planner.config.load import parse_settings
from lane_planner.config.presets import PRESETS
from lane_planner.config.propose import Survey, propose
from lane_planner.config.schema import json_schema
from lane_planner.config.settings import Settings
from tests.cli.shop import CONFIG, PROJECT, run
from tests.config.test_parse import ERRORS, settings_values
from tests.config.toml_text import settings_text

SCHEMA: dict[str, Any] = json.loads(json.dumps(json_schema()))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())

# A place where a key can stand → what makes such a place, and where its schema is.
_LANE = '[lanes.a]\npaths = ["a"]\n'
_GATE = '[[gates]]\nname = "g"\ncommand = ["c"]\n'
_WAIVER = '[[waivers]]\nimporter = "a"\nimported = "b"\nreason = "r"\n'
PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "top": ("zzzzzz = 1\n" + _LANE, ()),
    "lane": (_LANE + "zzzzzz = 1\n", ("lanes", "additionalProperties")),
    "batch": (_LANE + "[batch]\nzzzzzz = 1\n", ("batch",)),
    "tests": (_LANE + "[tests]\nzzzzzz = 1\n", ("tests",)),
    "coverage": (_LANE + "[coverage]\nzzzzzz = 1\n", ("coverage",)),
    "gate": (_LANE + _GATE + "zzzzzz = 1\n", ("gates", "items")),
    "waiver": (_LANE + _WAIVER + "zzzzzz = 1\n", ("waivers", "items")),
}


def document(text: str) -> Any:
    """Return TOML as an editor's schema sees it: days are texts."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return value.isoformat() if isinstance(value, datetime.date) else value

    return plain(tomllib.loads(text))


def parse(text: str) -> Settings:
    return parse_settings(text, root=Path(), source=Path("lanes.toml"))


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("text", "where"), PLACES.values(), ids=PLACES)
def test_the_keys_are_those_of_the_parser(text: str, where: tuple[str, ...]) -> None:
    """The parser lists the keys that it knows when it meets another."""
    with pytest.raises(UsageError) as raised:
        parse(text)
    known = re.search(r"known are ([\w, ]+)$", raised.value.message)
    assert known, raised.value.message
    schema = SCHEMA
    for step in where:
        schema = (
            schema["properties"][step] if step in schema.get("properties", {}) else schema[step]
        )
    assert set(schema["properties"]) == set(known[1].split(", "))
    assert schema["additionalProperties"] is False


def test_every_table_of_the_parser_is_among_the_places() -> None:
    nested = {
        key
        for key, schema in SCHEMA["properties"].items()
        if "properties" in schema
        or "properties" in schema.get("items", {})
        or isinstance(schema.get("additionalProperties"), dict)
    }
    assert nested == {where[0] for _, where in PLACES.values() if where} | {"aliases"}


EXAMPLES = {
    "the preset": PRESETS["lukhas"],
    "our own": (PROJECT / "lanes.toml").read_text(),
    "a proposal": propose(Survey(("a/x.py", "b/x.py", "tests/test_x.py"))).text(),
    "of the tests": CONFIG,
    "a benchmark": _LANE + _GATE + 'kind = "benchmark"\nmetric = { json = "a.0" }\noutput = "o"\n',
}


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
def test_examples_are_valid(text: str) -> None:
    parse(text)
    assert [error.message for error in VALIDATOR.iter_errors(document(text))] == []


@given(settings_values())
def test_whatever_the_parser_reads_is_valid(settings: Settings) -> None:
    text = settings_text(settings)
    parse(text)
    assert [error.message for error in VALIDATOR.iter_errors(document(text))] == []


# Faults that need more than a look at one value: which names there are, globs, paths, circles.
_ONLY_THE_PARSER = re.compile(
    "unknown lane|promotes|path|lane name|baseline|mirrored|source root|exclude|alias|glob|day|"
    "gates? |command|expr|output|metric|phase|scope|better|waiver|expires|nan|NUL|regex|json|group|"
    "data a date|bad when|a wave before|a placeholder|benchmark of tests|a report without a file"
)


def test_wrong_configurations_fail() -> None:
    """Of what the parser refuses, the schema refuses what stands in one value."""
    refused: list[str] = []
    passed: list[str] = []
    for name, (text, _, _) in ERRORS.items():
        try:
            found = document(text)
        except (ValueError, RecursionError):
            continue  # no TOML: no editor comes as far as the schema
        (passed if VALIDATOR.is_valid(found) else refused).append(name)
    assert len(refused) > 60
    assert [name for name in passed if not _ONLY_THE_PARSER.search(name)] == []


def test_the_command_prints_it(tmp_path: Path) -> None:
    assert run(tmp_path, "config", "schema").json == SCHEMA
    assert run(tmp_path, "config", "schema", "-o", "x.json").out == ""
    assert json.loads((tmp_path / "x.json").read_text()) == SCHEMA

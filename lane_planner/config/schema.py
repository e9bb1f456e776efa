"""The JSON schema of lanes.toml, for editors: what the parser reads, as far as a schema can say it.

Draft 7, the newest that the TOML language servers of common editors (taplo, Even Better TOML)
read whole. Choices, defaults and limits are those of the settings themselves; which keys there are,
a test holds to the parser. What needs the file as a whole (lanes that exist, circles of promotion,
paths in two lanes) only the parser tells.
"""

from __future__ import annotations

import typing
from pathlib import Path

from lane_planner.config.gates import LONGEST_TIMEOUT, MOST_RETRIES, MOST_ROUNDS
from lane_planner.config.settings import (
    BASELINE_NAME,
    Benchmark,
    Coverage,
    Gate,
    Settings,
)

Schema = dict[str, object]


def json_schema() -> Schema:
    """Return the schema of a lanes.toml, which is that of [tool.lane_planner] too."""
    defaults = Settings(root=Path())
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "lanes.toml",
        "description": "Lanes of a Python repository, for lane-planner.",
        "type": "object",
        "additionalProperties": False,
        "required": ["lanes"],
        "properties": {
            "source_roots": _texts(
                "Directories that module names start from; the longest that holds a file counts.",
                default=list(defaults.source_roots), least=1,
            ),
            "exclude": _texts(
                "Globs, in gitignore syntax, of files to leave out altogether.", default=[]
            ),
            "cycles": _choice(
                Settings, "cycles", defaults.cycles,
                "What an eager circular import does to a promotion: it blocks its modules, or they "
                "land together as one step.",
            ),
            "transitive": _boolean(
                "Whether chains of allowed imports into a lane that may not be imported count "
                "(LP102).",
                defaults.transitive,
            ),
            "unlaned": _choice(
                Settings, "unlaned", defaults.unlaned,
                "Whether a lane may import first-party code that is in no lane.",
            ),
            "unresolved": _choice(
                Settings, "unresolved", defaults.unresolved,
                "What an import of a first-party module that does not exist does to a promotion: "
                "it blocks its module, unless the import is optional, or is noted.",
            ),
            "aliases": {
                "description": "Written prefix of module names → the prefix that it stands for, "
                "where code plays with `sys.path`.",
                "type": "object",
                "additionalProperties": _text("The prefix that it stands for."),
            },
            "baseline": _text(
                "File of the findings that `check` knows already, below the root; without this "
                "key the default beside the configuration, where it is there.",
                default=BASELINE_NAME,
            ),
            "lanes": {
                "description": "The lanes of trust, by name.",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": _lane(),
            },
            "batch": _table(
                "How moves are put together.",
                max_files=_integer(
                    "The most files that are moved in one batch.", defaults.max_files, 1
                ),
            ),
            "tests": _table(
                "Tests that belong to modules.",
                mirrored=_texts(
                    "Directories of tests that are laid out like a lane: names with `*` and `?`, "
                    "`**` for any number of directories, `{lane}` for the lane's; none: `[]`.",
                    default=list(defaults.mirrored_tests),
                ),
            ),
            "coverage": _coverage(),
            "gates": {
                "description": "Commands that must succeed before a promotion stays, in order.",
                "type": "array",
                "items": _gate(),
            },
            "waivers": {
                "description": "Leave for some imports to break a rule until a day.",
                "type": "array",
                "items": _table(
                    "Leave for some imports to break a rule until a day.",
                    required=("importer", "imported", "reason"),
                    importer=_text("Glob of the importer's dotted name; `*` also matches dots."),
                    imported=_text("Glob of the imported module's dotted name."),
                    reason=_text("Why; it is shown in reports."),
                    expires={
                        "description": "The last day on which it holds; without it, for ever.",
                        "type": "string",
                        "format": "date",
                    },
                ),
            },
        },
    }  # fmt: skip


def _lane() -> Schema:
    return _table(
        "A lane of trust, or a support package that never moves.",
        required=("paths",),
        paths=_texts(
            "Directories, or single files, below the root; promoted modules arrive in the first.",
            least=1,
        ),
        imports=_texts("The lanes that it may import, besides itself.", default=[]),
        promotes_to=_text("The next lane; without it, none: its modules stay."),
    )


def _coverage() -> Schema:
    defaults = Coverage()
    return _table(
        "What test coverage a module needs; without this table, none.",
        min=_number("The fraction of its lines that tests reach.", defaults.min, 0, 1),
        data=_text(
            "Coverage data: coverage.py's JSON or database, lcov, or Cobertura XML.",
            default=defaults.data,
        ),
        measure=_boolean(
            "Whether modules that the data lacks are measured, by the tests that reach them.",
            defaults.measure,
        ),
    )


def _gate() -> Schema:
    gate, benchmark = Gate("", ()), Benchmark("regex")
    schema = _table(
        "A command that must succeed before a promotion stays.",
        required=("name", "command"),
        name=_text("How it is called in plans, evidence and messages."),
        kind={
            "description": "Whether its exit status counts alone, or a number beside the base's.",
            "enum": ["command", "benchmark"],
            "default": "command",
        },
        command=_texts(
            "Program and arguments; no shell reads them. `{tests}` stands for the tests that reach "
            "what changed, `{modules}` for the moved files.",
            least=1,
        ),
        phase=_choice(Gate, "phase", gate.phase, "Whether it runs ahead of the move or after it."),
        when=_texts("Globs of moved paths that it is for; without them, all.", default=[]),
        scope=_choice(Gate, "scope", gate.scope, "Whether it runs for each batch, or once a wave."),
        timeout={
            "description": "Seconds that an attempt may take.",
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": LONGEST_TIMEOUT,
            "default": gate.timeout,
        },
        retries=_integer(
            "How often it is run again where it failed, or ran out of time.",
            gate.retries, 0, MOST_RETRIES,
        ),
        metric={
            "description": "Of a benchmark, which needs it: how the number is read. "
            "`pytest-benchmark`: the shortest time of each benchmark of such a report; `json`: the "
            "number at that path, such as `results.0.seconds`; `regex`: the group `value` of the "
            "last match.",
            "oneOf": [
                {"const": "pytest-benchmark"},
                _table("A number of a JSON file.", required=("json",), json=_text("Its path.")),
                _table(
                    "What the last match of an expression says.", required=("regex",),
                    regex=_text("An expression with a group `value`."),
                ),
            ],
        },
        output=_text(
            "Of a benchmark: the file that the command writes, below the root; for `regex` what it "
            "prints is read unless this is given."
        ),
        better=_choice(
            Benchmark, "better", benchmark.better, "Of a benchmark: which numbers are better."
        ),
        budget=_number(
            "Of a benchmark: the loss that is allowed, as a fraction of the base commit's number.",
            benchmark.budget, 0, 1,
        ),
        rounds=_integer(
            "Of a benchmark: how often each tree is measured.", benchmark.rounds, 1, MOST_ROUNDS
        ),
    )  # fmt: skip
    numbers = ("metric", "output", "better", "budget", "rounds")
    schema["if"] = {"properties": {"kind": {"const": "benchmark"}}, "required": ["kind"]}
    schema["then"] = {"required": ["metric"], "properties": {"phase": {"const": "after"}}}
    schema["else"] = {"not": {"anyOf": [{"required": [key]} for key in numbers]}}
    return schema


def _table(description: str, *, required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    table: Schema = {
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    if required:
        table["required"] = list(required)
    return table


def _text(description: str, default: str | None = None) -> Schema:
    schema: Schema = {"description": description, "type": "string", "minLength": 1}
    return schema if default is None else {**schema, "default": default}


def _texts(description: str, *, default: list[str] | None = None, least: int = 0) -> Schema:
    schema: Schema = {
        "description": description,
        "type": "array",
        "items": {"type": "string", "minLength": 1},
    }
    if least:
        schema["minItems"] = least
    return schema if default is None else {**schema, "default": default}


def _choice(owner: type, field: str, default: str, description: str) -> Schema:
    options = typing.get_args(typing.get_type_hints(owner)[field])
    return {"description": description, "enum": list(options), "default": default}


def _boolean(description: str, default: bool) -> Schema:
    return {"description": description, "type": "boolean", "default": default}


def _integer(description: str, default: int, least: int, most: int | None = None) -> Schema:
    schema: Schema = {
        "description": description, "type": "integer", "minimum": least, "default": default,
    }  # fmt: skip
    return schema if most is None else {**schema, "maximum": most}


def _number(description: str, default: float, least: float, most: float) -> Schema:
    return {
        "description": description, "type": "number", "minimum": least, "maximum": most,
        "default": default,
    }  # fmt: skip

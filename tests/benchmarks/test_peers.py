"""The peers' configurations say what the lanes say, and their answers are read as they mean."""

from __future__ import annotations

import configparser
import json
import tomllib
from pathlib import Path

from benchmarks.peers import importlinter_config, importlinter_pairs, tach_config, tach_places
from lane_planner.config.settings import Lane, Settings

SETTINGS = Settings(
    root=Path(),
    lanes=(
        Lane("candidate", ("candidate",), frozenset({"core", "matriz"}), "core"),
        Lane("core", ("core",), frozenset({"matriz"})),
        Lane("matriz", ("engine",)),
    ),
)


def test_importlinter_forbids_what_the_lanes_do_not_allow() -> None:
    config = configparser.ConfigParser()
    config.read_string(importlinter_config(SETTINGS))
    assert config["importlinter"]["root_packages"].split() == ["candidate", "core", "engine"]
    forbidden = {
        section["source_modules"]: section["forbidden_modules"].split()
        for name, section in config.items()
        if name.startswith("importlinter:contract:")
    }
    assert forbidden == {"core": ["candidate"], "engine": ["candidate", "core"]}


def test_tach_allows_what_the_lanes_allow() -> None:
    config = tomllib.loads(tach_config(SETTINGS))
    allowed = {module["path"]: module["depends_on"] for module in config["modules"]}
    assert allowed == {"candidate": ["core", "engine"], "core": ["engine"], "engine": []}
    assert config["root_module"] == "ignore"


def test_importlinter_pairs_are_those_of_broken_contracts() -> None:
    text = (
        "Analyzed 9 files, 3 dependencies.\n\ncore KEPT [0.1s]\n"
        "core is not allowed to import candidate:\n\n"
        "-   core.a -> candidate.b (l.3, l.9)\n\n-   core.a -> candidate.c (l.4)\n"
    )
    assert importlinter_pairs(text) == {("core.a", "candidate.b"), ("core.a", "candidate.c")}


def test_tach_places_are_forbidden_lines_and_files_not_read() -> None:
    undeclared = {"UndeclaredDependency": {"dependency": "candidate.b"}}
    located = {
        "file_path": "core/a.py",
        "line_number": 5,
        "original_line_number": 3,
        "details": {"Code": undeclared},
    }
    skipped = {"details": {"Configuration": {"SkippedFileIoError": {"file_path": "core/odd.py"}}}}
    text = json.dumps([{"Located": located}, {"Global": skipped}])
    assert tach_places(text) == ({("core/a.py", 3)}, {"core/odd.py"})

"""The lukhas preset says what DESIGN section 1 says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lane_planner.config.globs import PathGlobs
from lane_planner.config.load import parse_settings
from lane_planner.config.presets import PRESETS
from lane_planner.config.settings import Coverage, Lane, Settings


@pytest.fixture(scope="module")
def lukhas() -> Settings:
    return parse_settings(PRESETS["lukhas"], root=Path("."), source=Path("lanes.toml"))


def test_lanes(lukhas: Settings) -> None:
    support = {"matriz", "universal_language"}
    assert lukhas.lanes == (
        Lane("candidate", ("candidate",), frozenset(support | {"core"}), "core"),
        Lane("core", ("core",), frozenset(support), "lukhas"),
        Lane("lukhas", ("lukhas",), frozenset(support | {"core"}), "products"),
        Lane("products", ("products",), frozenset(support | {"core", "lukhas"})),
        Lane("matriz", ("matriz",)),
        Lane("universal_language", ("universal_language",)),
    )


def test_gates(lukhas: Settings) -> None:
    assert [(gate.name, gate.phase, gate.command, gate.timeout) for gate in lukhas.gates] == [
        ("guardian", "before", ("pytest", "tests/ethics/"), 120),
        ("performance", "before", ("make", "test-performance"), 180),
        ("unit", "after", ("pytest", "tests/unit/"), 120),
        ("integration", "after", ("pytest", "tests/integration/"), 180),
        ("lane-guard", "after", ("make", "lane-guard"), 60),
        ("smoke", "after", ("make", "smoke"), 120),
    ]
    assert lukhas.coverage == Coverage(0.75, "coverage.json")
    assert lukhas.max_files == 50


@pytest.mark.parametrize(
    ("path", "gates"),
    [
        ("candidate/consciousness/a.py", {"guardian"}),
        ("candidate/consciousness.py", {"guardian"}),
        ("candidate/ethics_engine/a.py", {"guardian"}),
        ("candidate/a/memory/b.py", {"performance"}),
        ("candidate/working_memory.py", {"performance"}),
        ("matriz/a.py", {"performance"}),
        ("candidate/identity/ethics.py", {"guardian", "performance"}),
        ("candidate/a/b.py", set()),
    ],
)
def test_gates_for_some_paths_only(lukhas: Settings, path: str, gates: set[str]) -> None:
    with_paths = [gate for gate in lukhas.gates if gate.when]
    assert {gate.name for gate in with_paths if PathGlobs(gate.when).matches(path)} == gates


def test_commented_examples_are_right() -> None:
    text = PRESETS["lukhas"].replace("# [[", "[[")
    for key in ("aliases", "importer", "imported", "reason", "expires"):
        text = text.replace(f"# {key} =", f"{key} =")
    settings = parse_settings(text, root=Path("."), source=Path("lanes.toml"))
    assert len(settings.waivers) == 1
    assert settings.aliases == (("core", "candidate.core"),)

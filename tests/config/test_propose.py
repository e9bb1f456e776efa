"""Proposals load, and fit the repository that they are for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.config.load import parse_settings
from lane_planner.config.presets import PRESETS
from lane_planner.config.propose import propose
from lane_planner.config.settings import Settings

CASES: dict[str, tuple[list[str], tuple[str, ...], dict[str, tuple[str, ...]]]] = {
    "packages at the root": (
        ["a/__init__.py", "b/x/y.py", "setup.py", "manage.py"],
        (".",),
        {"a": ("a",), "b": ("b",)},
    ),
    "tests, docs and scripts are in no lane": (
        ["a/x.py", "tests/test_x.py", "docs/conf.py", "scripts/run.py", ".ci/x.py", "my-x/a.py"],
        (".",),
        {"a": ("a",)},
    ),
    "src layout": (["src/a/x.py", "src/b.py"], ("src",), {"a": ("src/a",)}),
    "src layout with tests": (
        ["src/a/x.py", "tests/test_x.py"],
        ("src", "."),
        {"a": ("src/a",)},
    ),
    "src that is a package": (["src/__init__.py", "src/a/x.py"], (".",), {"src": ("src",)}),
    "src inside a package": (["a/__init__.py", "a/src/x.py"], (".",), {"a": ("a",)}),
    "src of a test": (["a/x.py", "tests/data/src/b/x.py"], (".",), {"a": ("a",)}),
    "many src directories, one lane in two": (
        ["libs/p/src/a/x.py", "libs/q/src/a/y.py", "libs/q/src/b/y.py"],
        ("libs/p/src", "libs/q/src"),
        {"a": ("libs/p/src/a", "libs/q/src/a"), "b": ("libs/q/src/b",)},
    ),
    "single modules": (
        ["a.py", "b.py", "setup.py", "conftest.py", "test_a.py"],
        (".",),
        {"a": ("a.py",), "b": ("b.py",)},
    ),
    "nothing": ([], (".",), {"app": ("app",)}),
    "only tests": (["tests/test_a.py"], (".",), {"app": ("app",)}),
    "names beyond ASCII": (
        ["módulo/x.py", "a·b/x.py"],
        (".",),
        {"a·b": ("a·b",), "módulo": ("módulo",)},
    ),
    "names that cannot be written": (
        ["a\udc80/x.py", "b\n/x.py", "d\\/src/x.py", "c/x.py"],
        (".",),
        {"c": ("c",)},
    ),
    "core and products alone are nobody's": (
        ["core/x.py", "products/x.py"],
        (".",),
        {"core": ("core",), "products": ("products",)},
    ),
}


@pytest.mark.parametrize(("paths", "roots", "lanes"), CASES.values(), ids=CASES.keys())
def test_proposal(
    paths: list[str], roots: tuple[str, ...], lanes: dict[str, tuple[str, ...]]
) -> None:
    settings = load(propose(paths))
    assert settings.source_roots == roots
    assert {lane.name: lane.paths for lane in settings.lanes} == lanes
    assert all(settings.allowed(a, b) for a in lanes for b in lanes)


@pytest.mark.parametrize("two", [("candidate", "core"), ("lukhas", "products")])
def test_lukhas_repository(two: tuple[str, str]) -> None:
    assert propose([f"{top}/a.py" for top in two]) == PRESETS["lukhas"]


def test_many_lanes_stay_readable() -> None:
    text = propose([f"package_number_{number}/x.py" for number in range(40)])
    assert max(map(len, text.splitlines())) <= 100
    assert len(load(text).lanes) == 40


def test_commented_examples_are_right() -> None:
    head, mark, tail = propose(["a/x.py"]).partition("# [coverage]")
    settings = load(head + (mark + tail).replace("# [", "[").replace("\n# ", "\n"))
    assert settings.coverage is not None
    assert [gate.name for gate in settings.gates] == ["unit"]


PARTS = st.sampled_from(["a", "b", "src", "tests", "candidate", "core", "x y", "é", "__init__"])
PATHS = st.lists(PARTS | st.text("aé·-.\"'\\", min_size=1), min_size=1, max_size=4).map(
    lambda parts: f"{'/'.join(parts)}.py"
)


@given(st.lists(PATHS))
def test_any_proposal_loads(paths: list[str]) -> None:
    text = propose(paths)
    load(text)
    assert text == propose(sorted(paths) * 2)


def load(text: str) -> Settings:
    return parse_settings(text, root=Path("."), source=Path("lanes.toml"))

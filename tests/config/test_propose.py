"""Proposals load, and fit the repository that they are for."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.config.load import parse_settings
from lane_planner.config.presets import PRESETS
from lane_planner.config.propose import Survey, propose, roots_of_packages
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
    "src that is a package": (
        ["src/__init__.py", "src/a/x.py"],
        (".",),
        {"a": ("src/a",), "src": ("src",)},
    ),
    "src inside a package": (
        ["a/__init__.py", "a/src/x.py"],
        (".",),
        {"a": ("a",), "src": ("a/src",)},
    ),
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
    settings = load(text(paths))
    assert settings.source_roots == roots
    assert {lane.name: lane.paths for lane in settings.lanes} == lanes
    assert not any(lane.imports for lane in settings.lanes)  # nothing imports anything


@pytest.mark.parametrize("two", [("candidate", "core"), ("lukhas", "products")])
def test_lukhas_repository(two: tuple[str, str]) -> None:
    assert text([f"{top}/a.py" for top in two]) == PRESETS["lukhas"]


Imports = dict[tuple[str, str], int]

# imports of files by files → lane → what it may import, from the lowest lane up
IMPORTS: dict[str, tuple[Imports, list[tuple[str, set[str]]]]] = {
    "one way": (
        {("a/x.py", "b/x.py"): 1, ("b/x.py", "c/x.py"): 1},
        [("c", set()), ("b", {"c"}), ("a", {"b"})],
    ),
    "the rarer way is left out": (
        {("a/x.py", "b/x.py"): 2, ("b/x.py", "a/x.py"): 1, ("c/x.py", "c/y.py"): 1},
        [("b", set()), ("c", set()), ("a", {"b"})],
    ),
    "as often each way": (
        {("a/x.py", "b/x.py"): 3, ("b/x.py", "a/x.py"): 2, ("c/x.py", "a/x.py"): 1},
        [("a", {"b"}), ("b", {"a"}), ("c", {"a"})],
    ),
    "three in a circle": (
        {("a/x.py", "b/x.py"): 1, ("b/x.py", "c/x.py"): 1, ("c/x.py", "a/x.py"): 1},
        [("a", {"b"}), ("b", {"c"}), ("c", {"a"})],
    ),
    "over a circle": (
        {("a/x.py", "b/x.py"): 1, ("b/x.py", "c/x.py"): 1, ("c/x.py", "b/x.py"): 1},
        [("b", {"c"}), ("c", {"b"}), ("a", {"b"})],
    ),
    "tests and docs do not count": (
        {("tests/x.py", "a/x.py"): 1, ("a/x.py", "tests/x.py"): 1, ("b", "c/x.py"): 1},
        [("a", set()), ("c", set()), ("b", {"c"})],
    ),
}


@pytest.mark.parametrize(("imports", "lanes"), IMPORTS.values(), ids=IMPORTS)
def test_lanes_may_import_what_they_do(imports: Imports, lanes: list[tuple[str, set[str]]]) -> None:
    paths = ["a/x.py", "b/x.py", "c/x.py", "c/y.py", "tests/x.py"]
    settings = load(text(paths, imports))
    assert [(lane.name, set(lane.imports)) for lane in settings.lanes] == lanes


def test_what_is_left_out_is_told() -> None:
    imports = {("a/x.py", "b/x.py"): 4, ("b/x.py", "a/x.py"): 1}
    found = text(["a/x.py", "b/x.py"], imports).replace("\n# ", " ")
    assert (
        "not in `imports`: a. Imports of it today: 1 statement, which `check` reports; a imports "
        "b in 4 statements" in found
    )


def test_one_package_is_told_apart_by_what_is_in_it() -> None:
    paths = [
        "src/p/__init__.py", "src/p/main.py", "src/p/errors.py", "src/p/words.py",
        "src/p/web/x.py", "src/p/db/x.py", "src/p/tests/test_x.py", "setup.py",
    ]  # fmt: skip
    imports = {
        ("src/p/main.py", "src/p/web/x.py"): 1,
        ("src/p/__init__.py", "src/p/main.py"): 1,
        ("src/p/web/x.py", "src/p/db/x.py"): 1,
        ("src/p/db/x.py", "src/p/errors.py"): 1,
        ("src/p/errors.py", "src/p/words.py"): 1,
        ("src/p/web/x.py", "src/p/__init__.py"): 1,
    }
    settings = load(text(paths, imports))
    assert [(lane.name, lane.paths, set(lane.imports)) for lane in settings.lanes] == [
        ("p-base", ("src/p/errors.py", "src/p/words.py"), set()),
        ("db", ("src/p/db",), {"p-base"}),
        ("p", ("src/p",), {"web"}),
        ("web", ("src/p/web",), {"db", "p"}),
    ]


def test_a_staging_area_promotes() -> None:
    imports = {
        ("p/labs/x.py", "p/core/x.py"): 2,
        ("p/labs/x.py", "p/util/x.py"): 1,
        ("p/core/x.py", "p/labs/x.py"): 9,
    }
    found = text(["p/labs/x.py", "p/core/x.py", "p/util/x.py"], imports)
    settings = load(found)
    assert {lane.name: (set(lane.imports), lane.promotes_to) for lane in settings.lanes} == {
        "core": (set(), None),
        "util": (set(), None),
        "labs": ({"core", "util"}, "core"),
    }
    assert "# a guess by its name: what is ready moves to core" in found
    assert "nothing that is trusted should" in found.replace("\n# ", " ")


@pytest.mark.parametrize(
    "paths", [["a/__init__.py", "a/x.py", "a/y.py"], ["a.py"]], ids=["package", "module"]
)
def test_nothing_to_tell_apart(paths: list[str]) -> None:
    proposal = propose(Survey(tuple(paths)))
    assert "has no lanes to tell apart yet" in proposal.by_hand
    head, _, example = proposal.by_hand.partition("#\n")
    settings = load(example.replace("# ", "").replace("#\n", "\n"))
    assert [lane.promotes_to for lane in settings.lanes] == [None, "core"]
    assert head.startswith("# One package")


# texts of files in the root, test files → the gates that are written, and those in comments
GATES: dict[str, tuple[dict[str, str], list[str], set[str], list[str], list[str]]] = {
    "nothing": ({}, [], set(), [], ["unit"]),
    "pytest in pyproject": (
        {"pyproject.toml": "[tool.pytest.ini_options]\n"}, [], set(), ["tests", "everything"], [],
    ),
    "pytest.ini": ({"pytest.ini": ""}, [], set(), ["tests", "everything"], []),
    "pytest in tox.ini": (
        {"tox.ini": "[tox]\n[pytest]\n"}, [], set(), ["tests", "everything"], ["tox"],
    ),
    "pytest in setup.cfg": (
        {"setup.cfg": "[tool:pytest]\n"}, [], set(), ["tests", "everything"], [],
    ),
    "a broken pyproject": ({"pyproject.toml": "="}, [], set(), [], ["unit"]),
    "tests": ({}, ["tests/test_a.py"], {"pytest"}, ["tests", "everything"], []),
    "tests of both": (
        {}, ["tests/test_a.py"], {"pytest", "unittest"}, ["tests", "everything"], [],
    ),
    "tests of unittest": ({}, ["test/test_a.py"], {"unittest"}, ["tests"], []),
    "targets": (
        {"Makefile": "test: x\n\tpytest\nX := 1\nsmoke:\n"}, [], set(), ["make-test"],
        ["make-smoke"],
    ),
    "targets beside pytest": (
        {"Makefile": "check:\n", "pytest.ini": ""}, [], set(), ["tests", "everything"],
        ["make-check"],
    ),
    "tox": ({"tox.ini": "[tox]\n"}, [], set(), ["tox"], []),
    "nox": ({"noxfile.py": ""}, [], set(), ["nox"], []),
}  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "tests", "modules", "written", "aside"), GATES.values(), ids=GATES
)
def test_gates(
    texts: dict[str, str], tests: list[str], modules: set[str], written: list[str], aside: list[str]
) -> None:
    survey = Survey(("a/x.py", *tests), {}, texts, modules=frozenset(modules))
    found = propose(survey).text()
    assert [gate.name for gate in load(found).gates] == written
    whole = load(re.sub("^# (?=name|command|scope|timeout|\\[\\[)", "", found, flags=re.MULTILINE))
    assert sorted(gate.name for gate in whole.gates) == sorted([*written, *aside])


def test_coverage_data_that_is_there() -> None:
    settings = load(propose(Survey(("a/x.py",), data=frozenset({".coverage", "lcov.info"}))).text())
    assert settings.coverage is not None
    assert (settings.coverage.min, settings.coverage.data) == (0.75, ".coverage")
    assert load(text(["a/x.py"])).coverage is None


def test_tests_elsewhere() -> None:
    settings = load(text(["a/x.py", "test/a/test_x.py"]))
    assert settings.mirrored_tests == ("test/**/{lane}",)
    assert (
        load(text(["a/x.py", "tests/test_x.py"])).mirrored_tests == Settings(Path()).mirrored_tests
    )


@pytest.mark.parametrize(
    ("paths", "packages", "roots"),
    [
        (["p/x.py"], ["p"], (".",)),
        (["src/p/x.py", "src/p/p/x.py"], ["p"], ("src",)),
        (["back/end/p/__init__.py", "q.py"], ["p", "q"], ("back/end", ".")),
        (["tests/data/p/x.py", "lib/here/p/x.py"], ["p"], ("lib/here",)),
        (["lib/n/p/x.py"], ["n.p"], ("lib",)),
        (["a/x.py"], ["p"], ()),
        (["one/p/x.py", "two/p/x.py"], ["p"], ("one", "two")),
    ],
)
def test_roots_of_packages(paths: list[str], packages: list[str], roots: tuple[str, ...]) -> None:
    assert roots_of_packages(paths, packages) == roots


def test_many_lanes_stay_readable() -> None:
    paths = [f"package_number_{number}/x.py" for number in range(40)]
    imports = {(a, b): 1 for a in paths for b in paths if a < b}
    found = text(paths, imports)
    assert max(map(len, found.splitlines())) <= 100
    assert len(load(found).lanes) == 40


def test_commented_examples_are_right() -> None:
    head, mark, tail = text(["a/x.py"]).partition("# [coverage]")
    settings = load(head + (mark + tail).replace("# [", "[").replace("\n# ", "\n"))
    assert settings.coverage is not None
    assert [gate.name for gate in settings.gates] == ["unit"]


PARTS = st.sampled_from(["a", "b", "src", "tests", "candidate", "core", "x y", "é", "__init__"])
PATHS = st.lists(PARTS | st.text("aé·-.\"'\\", min_size=1), min_size=1, max_size=4).map(
    lambda parts: f"{'/'.join(parts)}.py"
)


@given(st.lists(PATHS), st.randoms(use_true_random=False))
def test_any_proposal_loads(paths: list[str], chance: Random) -> None:
    names = [*paths, "a", "b"]
    imports = {
        (chance.choice(names), chance.choice(names)): chance.randrange(1, 4) for _ in range(8)
    }
    found = text(paths, imports)
    load(found)
    assert found == text(sorted(paths) * 2, dict(reversed(imports.items())))


def text(paths: list[str], imports: Imports | None = None) -> str:
    return propose(Survey(tuple(paths), imports or {})).text()


def load(text: str) -> Settings:
    return parse_settings(text, root=Path("."), source=Path("lanes.toml"))

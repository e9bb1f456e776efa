"""The tests that can reach what changed, and no others."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.gates.pytest_files import PytestFiles
from lane_planner.gates.selection import Selection, select_tests
from lane_planner.graph.graph import ImportGraph, build_graph
from lane_planner.scan.source import scan_text


def graph_of(files: dict[str, str], source_roots: tuple[str, ...] = (".",)) -> ImportGraph:
    records = {path: scan_text(text) for path, text in files.items() if path.endswith(".py")}
    return build_graph(records, source_roots=source_roots)


FILES = {
    "core/__init__.py": "",
    "core/a.py": "LIMIT = 1",
    "core/b.py": "from core.a import LIMIT",
    "core/lazy.py": "def f():\n    from . import a",
    "core/typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import core.a",
    "core/named.py": "import importlib\nimportlib.import_module('core.a')",
    "core/other.py": "",
    "core/alone/__init__.py": "from core import other",
    "core/alone/x.py": "",
    "core/data/table.csv": "",
    "lib/plugin.py": "",
    "top_module.py": "",
    "test_top.py": "",
    "tests/unit/test_a.py": "import core.a",
    "tests/unit/test_b.py": "from core import b",
    "tests/unit/test_lazy.py": "import core.lazy",
    "tests/unit/test_typed.py": "import core.typed",
    "tests/unit/test_named.py": "import core.named",
    "tests/unit/test_other.py": "import core.other",
    "tests/unit/test_gone.py": "try:\n    import candidate.a\nexcept ImportError: pass",
    "tests/alone/test_x.py": "import core.alone.x",
    "tests/plugged/conftest.py": "import lib.plugin",
    "tests/plugged/deep/test_p.py": "",
    "tests/package/__init__.py": "import lib.plugin",
    "tests/package/test_q.py": "",
    "tests/odd-name/test_o.py": "import core.other",
    "candidate/__init__.py": "",
}
GRAPH = graph_of(FILES)
TESTS = PytestFiles().among(FILES)
REACH_A = [f"tests/unit/test_{name}.py" for name in ("a", "b", "lazy", "named", "typed")]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(["core/a.py"], REACH_A, id="imports of every kind"),
        pytest.param(["tests/unit/test_b.py"], ["tests/unit/test_b.py"], id="a test itself"),
        pytest.param(["test_top.py"], ["test_top.py"], id="a test in the root"),
        pytest.param(
            ["core/other.py"],
            ["tests/alone/test_x.py", "tests/odd-name/test_o.py", "tests/unit/test_other.py"],
            id="the package that a module is in runs too",
        ),
        pytest.param(
            ["lib/plugin.py"],
            ["tests/package/test_q.py", "tests/plugged/deep/test_p.py"],
            id="conftest.py and __init__.py around a test",
        ),
        pytest.param(
            ["tests/plugged/conftest.py"], ["tests/plugged/deep/test_p.py"], id="a conftest.py"
        ),
        pytest.param(
            ["core/__init__.py"],
            [*REACH_A, "tests/alone/test_x.py", "tests/odd-name/test_o.py",
             "tests/unit/test_other.py"],
            id="a package's own file",
        ),
        pytest.param(["candidate/a.py"], ["tests/unit/test_gone.py"], id="a file that is gone"),
        pytest.param(["core/a.pyi"], REACH_A, id="a stub"),
        pytest.param(
            ["core/alone/x.json", "core/alone/deep/y.json"], ["tests/alone/test_x.py"],
            id="data, by the modules around it",
        ),
        pytest.param(["tests/plugged/x.json"], ["tests/plugged/deep/test_p.py"], id="tests' data"),
        pytest.param(["README.md", "docs/x.md", "lanes.toml"], [], id="no module around it"),
        pytest.param(["top_module.py"], [], id="what no test reaches"),
    ],
)  # fmt: skip
def test_by_the_import_graph(changed: list[str], expected: list[str]) -> None:
    selection = select_tests(changed, graph=GRAPH, tests=TESTS)
    assert selection == Selection(tuple(sorted(expected)), "imports")


@pytest.mark.parametrize("path", ["pyproject.toml", "pytest.ini", "setup.cfg"])
def test_settings_of_the_tests_reach_them_all(path: str) -> None:
    assert select_tests([path], graph=GRAPH, tests=TESTS) == Selection(TESTS, "all")


def test_a_test_whose_imports_are_unknown_always_runs() -> None:
    opaque = ["tests/unit/test_other.py", "core/b.py"]
    selection = select_tests(["top_module.py"], graph=GRAPH, tests=TESTS, opaque=opaque)
    assert selection.tests == ("tests/unit/test_other.py",)
    assert not select_tests([], graph=GRAPH, tests=TESTS, opaque=opaque).tests


def test_names_start_from_source_roots() -> None:
    files = {"src/core/b.py": "", "test_x.py": "try:\n  import core.a\nexcept ImportError: ..."}
    graph = graph_of(files, ("src",))
    found = select_tests(["src/core/a.py"], graph=graph, tests=["test_x.py"], source_roots=["src"])
    assert found.tests == ("test_x.py",)


CONTEXTS = {
    # test_b ran nothing of a.py, though it reaches it; test_other did, by a name in a string
    "core/a.py": frozenset({"tests/unit/test_lazy.py", "tests/unit/test_other.py"}),
    "core/b.py": frozenset({"tests/unit/test_b.py", "tests/gone/test_g.py"}),
    "tests/plugged/conftest.py": frozenset({"tests/unit/test_b.py"}),
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param(
            ["core/a.py"],
            ["tests/unit/test_a.py",  # imports it itself
             "tests/unit/test_lazy.py", "tests/unit/test_other.py",  # ran it
             "tests/unit/test_named.py", "tests/unit/test_typed.py"],  # unknown, and may reach it
            id="known",
        ),
        pytest.param(["core/b.py"], ["tests/unit/test_b.py"], id="a test that is gone"),
        pytest.param(
            ["core/lazy.py"], ["tests/unit/test_lazy.py"], id="unknown, so by the import graph"
        ),
        pytest.param(
            ["tests/plugged/conftest.py"], ["tests/plugged/deep/test_p.py"], id="a conftest.py"
        ),
        pytest.param(["tests/unit/test_b.py"], ["tests/unit/test_b.py"], id="a test itself"),
    ],
)  # fmt: skip
def test_by_contexts(changed: list[str], expected: list[str]) -> None:
    selection = select_tests(changed, graph=GRAPH, tests=TESTS, contexts=CONTEXTS)
    assert selection == Selection(tuple(sorted(expected)), "contexts")


def test_contexts_that_are_empty_are_none() -> None:
    assert select_tests(["core/a.py"], graph=GRAPH, tests=TESTS, contexts={}).how == "imports"


NAMES = ["p", "p.a", "p.q", "p.q.b", "ns.c", "d", "t.test_1", "t.u.test_2", "test_3"]
PATHS = {
    name: "/".join(name.split(".")) + ("/__init__.py" if name in ("p", "p.q", "t") else ".py")
    for name in [*NAMES, "t", "t.conftest"]
}


@given(
    st.sets(st.tuples(st.sampled_from(sorted(PATHS)), st.sampled_from(NAMES[:6])), max_size=12),
    st.sets(st.sampled_from(sorted(PATHS))),
)
def test_as_walking_forward_from_each_test(
    imports: set[tuple[str, str]], changed: set[str]
) -> None:
    """The selection, which walks back from what changed, against walking on from every test."""
    files = {
        path: "".join(f"import {to}\n" for importer, to in sorted(imports) if importer == name)
        for name, path in PATHS.items()
    }
    expected = set()
    for name, path in PATHS.items():
        if not posixpath.basename(path).startswith("test_"):
            continue
        ahead, run = [name, *(["t.conftest", "t"] if name.startswith("t.") else [])], set()
        while ahead:
            now = ahead.pop()
            if now in run:
                continue
            run.add(now)
            parts = now.split(".")
            ahead += [".".join(parts[:depth]) for depth in range(1, len(parts))]
            ahead += [to for importer, to in imports if importer == now]
        if run & changed:
            expected.add(path)
    found = select_tests(
        [PATHS[name] for name in sorted(changed)],
        graph=graph_of(files),
        tests=PytestFiles().among(files),
    )
    assert set(found.tests) == expected

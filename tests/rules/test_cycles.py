"""LP201 and LP202, their examples and what breaks them; faults of files."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.graph import circles as feedback
from lane_planner.graph.circles import shortest_circle
from lane_planner.graph.graph import components
from lane_planner.report.text import cycles_text
from lane_planner.rules.cycles import Cycle, cycles, cyclic_components
from lane_planner.rules.diagnostics import diagnostics
from lane_planner.scan.records import SyntaxFault
from tests.oracles.brute_force import circles
from tests.planner.worlds import facts_of, model_settings

LATER = "def later():\n    import core.{}\n"
TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import core.{}\n"


def found(files: Mapping[str, str]) -> tuple[Cycle, ...]:
    return cycles_in({f"core/{name}.py": text for name, text in files.items()})


def cycles_in(files: Mapping[str, str], asked: list[str] | None = None) -> tuple[Cycle, ...]:
    """Return the cycles of some files; the paths that are read go into `asked`."""

    def read(paths: Collection[str]) -> dict[str, bytes]:
        if asked is not None:
            asked.extend(sorted(paths))
        return {path: files[path].encode() for path in paths}

    facts = facts_of(files, model_settings())
    return cycles(facts.graph, facts.records, read)


def shown(files: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return code, modules and example of each cycle by their last names."""
    return [
        (c.code, "".join(m[-1] for m in c.modules), "".join(m[-1] for m in c.example))
        for c in found(files)
    ]


@pytest.mark.parametrize(
    ("proves", "files", "expected"),
    [
        ("none", {"a": "import core.b", "b": ""}, []),
        ("two eager", {"a": "import core.b", "b": "import core.a"}, [("LP201", "ab", "aba")]),
        ("one is deferred", {"a": "import core.b", "b": LATER.format("a")},
         [("LP202", "ab", "aba")]),
        ("both are deferred", {"a": LATER.format("b"), "b": LATER.format("a")},
         [("LP202", "ab", "aba")]),
        ("typing never runs", {"a": "import core.b", "b": TYPING.format("a")}, []),
        ("eager beside deferred", {"a": "import core.b", "b": LATER.format("a") + "import core.a"},
         [("LP201", "ab", "aba")]),
        ("a deferred import makes an eager circle larger",
         {"a": "import core.b", "b": "import core.a\nimport core.c", "c": LATER.format("a")},
         [("LP201", "ab", "aba"), ("LP202", "abc", "aba")]),
        ("two circles", {"a": "import core.b", "b": "import core.a", "c": "import core.d",
                         "d": LATER.format("c")},
         [("LP201", "ab", "aba"), ("LP202", "cd", "cdc")]),
        ("the shortest is the example",
         {"a": "import core.b", "b": "import core.c", "c": "import core.a, core.d",
          "d": "import core.c"},
         [("LP201", "abcd", "cdc")]),
        ("a module that imports itself", {"a": "import core.a"}, []),
        ("an import that leads nowhere", {"a": "import core.b", "b": "from core import gone"}, []),
    ],
)  # fmt: skip
def test_cycles(proves: str, files: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    assert shown(files) == expected, proves


def test_a_package_in_a_circle_with_its_own_module() -> None:
    files = {"core/p/__init__.py": "from .m import X", "core/p/m.py": "import core.p"}
    (cycle,) = cycles_in(files)
    assert cycle.modules == ("core.p", "core.p.m")
    assert len(cycle.breakers) == 1


def test_a_cycle_has_its_components_order() -> None:
    files = {"core/b.py": "import core.c", "core/c.py": "import core.b",
             "core/a.py": LATER.format("z"), "core/z.py": "import core.a"}  # fmt: skip
    graph = facts_of(files, model_settings()).graph
    expected = (("LP201", ("core.b", "core.c")), ("LP202", ("core.a", "core.z")))
    assert cyclic_components(graph) == expected
    assert [(cycle.code, cycle.modules) for cycle in cycles_in(files)] == list(expected)


names = st.sampled_from("abcdefg")
graphs = st.frozensets(st.tuples(names, names).filter(lambda e: e[0] != e[1]), max_size=16)


@settings(max_examples=200, deadline=None)
@given(graphs)
def test_components_are_those_of_the_oracle(edges: frozenset[tuple[str, str]]) -> None:
    assert {frozenset(part) for part in components(edges)} == circles(edges)
    assert list(components(edges)) == sorted(tuple(sorted(part)) for part in circles(edges))


@settings(max_examples=200, deadline=None)
@given(graphs)
def test_the_example_is_a_shortest_circle(edges: frozenset[tuple[str, str]]) -> None:
    graph: networkx.DiGraph[str] = networkx.DiGraph(list(edges))
    following = {a: sorted(graph.successors(a)) for a in graph}
    for part in components(edges):
        every = [c for c in networkx.simple_cycles(graph) if set(c) <= set(part)]
        example = shortest_circle(part, following)
        assert len(example) - 1 == min(map(len, every))
        assert example[0] == example[-1] == min(example)
        assert set(itertools.pairwise(example)) <= edges
        assert sorted(example[:-1]) in [sorted(circle) for circle in every]
        assert shortest_circle(reversed(part), following) == example


def broken(files: Mapping[str, str]) -> list[tuple[str, str, tuple[int, ...], str]]:
    """Return importer, imported, lines and rating of each breaker of the last cycle."""
    cycle = found(files)[-1]
    assert cycle.exact
    for breaker in cycle.breakers:
        assert breaker.path == breaker.importer.replace(".", "/") + ".py"
        assert breaker.line == breaker.lines[0]
    return [(b.importer[-1], b.imported[-1], b.lines, b.rating) for b in cycle.breakers]


USED = "import core.{0}\ncore.{0}.f()\n"
IN_FUNCTION = "import core.{0}\ndef g():\n    core.{0}.f()\n"
IN_ANNOTATION = "import core.{0}\ndef g(x: core.{0}.T): ...\n"


@pytest.mark.parametrize(
    ("proves", "files", "expected"),
    [
        ("the first name of two that are needed", {"a": USED.format("b"), "b": USED.format("a")},
         [("a", "b", (1,), "needed")]),
        ("a function uses it", {"a": USED.format("b"), "b": IN_FUNCTION.format("a")},
         [("b", "a", (1,), "deferrable")]),
        ("an annotation rather than a function",
         {"a": IN_FUNCTION.format("b"), "b": IN_ANNOTATION.format("a")},
         [("b", "a", (1,), "typing")]),
        ("nothing uses it", {"a": IN_ANNOTATION.format("b"), "b": "import core.a"},
         [("b", "a", (1,), "unused")]),
        ("the hardest of its sites, all lines",
         {"a": USED.format("b"), "b": "import core.a as x\nfrom core.a import T, f\n" +
          "def g(x: T): ...\ndef h(): f()\n"}, [("b", "a", (1, 2), "deferrable")]),
        ("a deferred site is no part of an eager cycle",
         {"a": USED.format("b"), "b": "def h():\n    import core.a\nimport core.a as x\n"},
         [("b", "a", (3,), "unused")]),
        ("it is part of the wider one",
         {"a": USED.format("b"), "b": "def h():\n    import core.a\n"},
         [("b", "a", (2,), "deferrable")]),
        ("what another file imports from there is needed",
         {"a": USED.format("b"), "b": "from core.a import f", "c": "from core.b import f"},
         [("a", "b", (1,), "needed")]),
        ("so is all, by a star",
         {"a": USED.format("b"), "b": "from core.a import f", "c": "from core.b import *"},
         [("a", "b", (1,), "needed")]),
        ("another name is not", {"a": USED.format("b"), "b": "from core.a import f\ng = 1",
                                 "c": "from core.b import g"}, [("b", "a", (1,), "unused")]),
        ("a dynamic import may be for anything",
         {"a": USED.format("b"), "b": "import importlib\nimportlib.import_module('core.a')"},
         [("a", "b", (1,), "needed")]),
    ],
)  # fmt: skip
def test_breakers(
    proves: str, files: dict[str, str], expected: list[tuple[str, str, tuple[int, ...], str]]
) -> None:
    assert broken(files) == expected, proves


def test_only_files_of_imports_that_may_be_breakers_are_read() -> None:
    asked: list[str] = []
    files = {
        "core/a.py": "import core.b",
        "core/b.py": "import core.a\nimport core.c",
        "core/c.py": "import core.d\nimport core.e",
        "core/d.py": "import core.c",
        "core/e.py": "",
        "core/f.py": "import core.a",
        "core/g.py": LATER.format("h"),
        "core/h.py": LATER.format("g"),
    }
    assert len(cycles_in(files, asked)) == 3
    assert asked == ["core/a.py", "core/b.py", "core/c.py", "core/d.py"]


def test_a_file_that_cannot_be_read_leaves_its_imports_needed() -> None:
    facts = facts_of({"core/a.py": "import core.b", "core/b.py": "import core.a"}, model_settings())
    (cycle,) = cycles(facts.graph, facts.records, lambda paths: {})
    assert [(b.importer, b.rating) for b in cycle.breakers] == [("core.a", "needed")]


def test_what_is_not_proved_is_said() -> None:
    files = {a: "".join(f"import core.{b}\n" for b in to) for a, to in
             {"c": "f", "d": "cf", "e": "dc", "f": "e"}.items()}  # fmt: skip
    (cycle,) = found(files)
    assert "proved" not in cycles_text([cycle], model_settings())
    assert "  breaks without: core.f → core.e (core/f.py:1, unused)\n" in cycles_text(
        [cycle], model_settings()
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feedback, "_EFFORT", 0)
        (cycle,) = found(files)
    assert not cycle.exact
    assert "  at most 2 imports, not proved fewest\n" in cycles_text([cycle], model_settings())


@pytest.mark.parametrize(("nodes", "edges"), [((), ()), (("a",), ()), (("a", "b"), (("a", "b"),))])
def test_where_there_is_no_circle(
    nodes: tuple[str, ...], edges: tuple[tuple[str, str], ...]
) -> None:
    following: dict[str, list[str]] = {}
    for a, b in edges:
        following.setdefault(a, []).append(b)
    assert shortest_circle(nodes, following) == ()
    assert components(edges) == ()


def test_diagnostics_are_the_faults_of_files_in_order() -> None:
    files: dict[str, str | bytes] = {
        "core/z.py": "import core.gone\nfrom ... import y\n",
        "core/a.py": "try:\n    import core.gone\nexcept ImportError:\n    pass\n",
        "core/b.py": b"\xff",
        "core/c.py": "",
        "core/c/__init__.py": "",
        "core/d.py": "\ndef f(:\n",
    }
    facts = facts_of(files, model_settings(), faults={"core/d.py": SyntaxFault(2, "bad")})
    entries = diagnostics(facts.graph, facts.records, facts.faults)
    assert [(d.code, d.module, d.path, d.line, d.optional) for d in entries] == [
        ("LP301", "core.a", "core/a.py", 2, True),
        ("LP902", "core.b", "core/b.py", 1, False),
        ("LP406", "core/c.py", "core/c.py", 1, False),
        ("LP901", "core.d", "core/d.py", 2, False),
        ("LP301", "core.z", "core/z.py", 1, False),
        ("LP302", "core.z", "core/z.py", 2, False),
    ]
    assert diagnostics(facts.graph, facts.records, {}) == tuple(
        d for d in entries if d.code != "LP901"
    )

"""LP201 and LP202, their examples and what breaks them; faults of files."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.graph.circles import breaking_imports, shortest_circle
from lane_planner.graph.graph import components
from lane_planner.rules.cycles import Cycle, cycles, cyclic_components
from lane_planner.rules.diagnostics import diagnostics
from lane_planner.scan.records import SyntaxFault
from tests.oracles.brute_force import circles
from tests.planner.worlds import facts_of, model_settings

LATER = "def later():\n    import core.{}\n"
TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import core.{}\n"


def found(files: Mapping[str, str]) -> tuple[Cycle, ...]:
    texts = {f"core/{name}.py": text for name, text in files.items()}
    return cycles(facts_of(texts, model_settings()).graph)


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
    (cycle,) = cycles(facts_of(files, model_settings()).graph)
    assert cycle.modules == ("core.p", "core.p.m")
    assert len(cycle.breakers) == 1


def test_a_cycle_has_its_components_order() -> None:
    files = {"core/b.py": "import core.c", "core/c.py": "import core.b",
             "core/a.py": LATER.format("z"), "core/z.py": "import core.a"}  # fmt: skip
    graph = facts_of(files, model_settings()).graph
    expected = (("LP201", ("core.b", "core.c")), ("LP202", ("core.a", "core.z")))
    assert cyclic_components(graph) == expected
    assert [(cycle.code, cycle.modules) for cycle in cycles(graph)] == list(expected)


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


@settings(max_examples=200, deadline=None)
@given(graphs)
def test_without_the_breakers_no_circle_is_left(edges: frozenset[tuple[str, str]]) -> None:
    for part in components(edges):
        breakers = breaking_imports(part, edges)
        inside = {(a, b) for a, b in edges if a in part and b in part}
        assert set(breakers) <= inside
        assert breakers == tuple(sorted(set(breakers)))
        left: networkx.DiGraph[str] = networkx.DiGraph(list(inside - set(breakers)))
        assert networkx.is_directed_acyclic_graph(left)
        for kept in breakers:  # nothing is removed for nothing, or little: at most half
            assert kept in inside
        assert len(breakers) <= len(inside) // 2
        assert breakers == breaking_imports(part, sorted(edges, reverse=True))


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

"""The questions that the import graph answers."""

from __future__ import annotations

import random

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.graph.graph import ImportGraph, build_graph, components
from lane_planner.scan.source import scan_text

FILES = {
    "p/__init__.py": "from . import a",
    "p/a.py": "import p.b\nfrom p import gone\nimport p.missing",
    "p/b.py": "def f():\n    import p.c",
    "p/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import p.a",
    "p/d-1.py": "import p.c, p.b\nimport p.b",
    "q.py": "import os",
}


def graph_of(files: dict[str, str], *, external: bool = False) -> ImportGraph:
    return build_graph({p: scan_text(text) for p, text in files.items()}, external=external)


GRAPH = graph_of(FILES)


def test_sites_come_by_importer_and_by_imported() -> None:
    assert [(s.imported, s.line) for s in GRAPH.sites_in("p/d-1.py")] == [
        ("p.c", 1), ("p.b", 1), ("p.b", 2),
    ]  # fmt: skip
    assert [(s.importer, s.line) for s in GRAPH.sites_of("p.b")] == [
        ("p.a", 1), ("p/d-1.py", 1), ("p/d-1.py", 2),
    ]  # fmt: skip
    assert [s.importer for s in GRAPH.sites_of("p.missing")] == ["p.a"]
    assert GRAPH.sites_in("nobody") == GRAPH.sites_of("nobody") == ()


def test_importers_and_imports_are_sorted_and_only_what_exists() -> None:
    assert GRAPH.imports_of("p.a") == ("p", "p.b")
    assert GRAPH.imports_of("p/d-1.py") == ("p.b", "p.c")
    assert GRAPH.importers_of("p.b") == ("p.a", "p/d-1.py")
    assert GRAPH.importers_of("p.missing") == ()
    assert GRAPH.imports_of("q") == ()


@pytest.mark.parametrize(
    ("kinds", "edges"),
    [
        (("eager",), {("p", "p.a"), ("p.a", "p"), ("p.a", "p.b"), ("p/d-1.py", "p.b"),
                      ("p/d-1.py", "p.c")}),
        (("deferred",), {("p.b", "p.c")}),
        (("typing",), {("p.c", "p.a")}),
        ((), set()),
    ],
)  # fmt: skip
def test_edges_by_kind(kinds: tuple[str, ...], edges: set[tuple[str, str]]) -> None:
    assert GRAPH.edges(kinds) == edges


def test_edges_of_all_kinds_unless_told() -> None:
    assert GRAPH.edges() == GRAPH.edges(("eager", "deferred", "typing"))
    assert len(GRAPH.edges()) == 7


def test_components_by_kind() -> None:
    assert GRAPH.components(("eager",)) == (("p", "p.a"),)
    assert GRAPH.components(("eager", "deferred")) == (("p", "p.a"),)
    assert GRAPH.components(("eager", "deferred", "typing")) == (("p", "p.a", "p.b", "p.c"),)


def test_module_at_a_path() -> None:
    module = GRAPH.module_at("p/d-1.py")
    assert module is not None
    assert (module.name, module.importable) == ("p/d-1.py", False)
    package = GRAPH.module_at("p/__init__.py")
    assert package is not None
    assert (package.name, package.package, package.namespace) == ("p", True, False)
    assert GRAPH.module_at("p") is None
    assert GRAPH.module_at("p/gone.py") is None


@pytest.mark.parametrize(
    ("importer", "imported", "chain"),
    [
        ("p", "p.b", ("p", "p.a", "p.b")),
        ("p", "p.c", ("p", "p.a", "p.b", "p.c")),
        ("p/d-1.py", "p.a", ("p/d-1.py", "p.c", "p.a")),
        ("p.b", "q", None),
        ("p", "p.missing", None),
        ("nobody", "p", None),
    ],
)
def test_shortest_chains(importer: str, imported: str, chain: tuple[str, ...] | None) -> None:
    assert GRAPH.shortest_chain(importer, imported) == chain


def test_to_networkx_has_all_modules_and_sites() -> None:
    found = graph_of(FILES, external=True).to_networkx()
    assert set(found.nodes) == set(GRAPH.modules)
    assert set(found.edges) == GRAPH.edges()
    assert [site.line for site in found["p/d-1.py"]["p.b"]["sites"]] == [1, 2]


def test_the_order_of_files_does_not_matter() -> None:
    paths = sorted(FILES)
    for seed in range(5):
        random.Random(seed).shuffle(paths)
        other = graph_of({path: FILES[path] for path in paths})
        assert other.sites == GRAPH.sites
        assert list(other.modules.items()) == list(GRAPH.modules.items())


def test_an_empty_repository() -> None:
    graph = build_graph({})
    assert graph.sites == ()
    assert dict(graph.modules) == {}
    assert graph.edges() == set()
    assert graph.components(("eager",)) == ()


nodes = st.integers(0, 6)


@settings(max_examples=100, deadline=None)
@given(st.frozensets(st.tuples(nodes, nodes).filter(lambda e: e[0] != e[1]), max_size=14))
def test_queries_agree_with_networkx(edges: frozenset[tuple[int, int]]) -> None:
    files = {
        f"m{n}.py": "".join(f"import m{b}\n" for a, b in sorted(edges) if a == n) for n in range(7)
    }
    graph = graph_of(files)
    plain: networkx.DiGraph[str] = networkx.DiGraph([(f"m{a}", f"m{b}") for a, b in edges])
    plain.add_nodes_from(f"m{n}" for n in range(7))
    assert graph.edges() == set(plain.edges)
    for node in plain:
        assert graph.imports_of(node) == tuple(sorted(plain.successors(node)))
        assert graph.importers_of(node) == tuple(sorted(plain.predecessors(node)))
        for other in plain:
            if node == other:
                continue
            chain = graph.shortest_chain(node, other)
            if not networkx.has_path(plain, node, other):
                assert chain is None
                continue
            assert chain is not None
            assert networkx.is_path(plain, list(chain))
            assert (chain[0], chain[-1]) == (node, other)
            assert len(chain) - 1 == networkx.shortest_path_length(plain, node, other)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_components_are_those_of_networkx(pairs: list[tuple[int, int]]) -> None:
    edges = [(f"m{a}", f"m{b}") for a, b in pairs]
    plain: networkx.DiGraph[str] = networkx.DiGraph(edges)
    expected = sorted(
        tuple(sorted(part))
        for part in networkx.strongly_connected_components(plain)
        if len(part) > 1
    )
    assert components(edges) == tuple(expected)


def test_components_of_a_long_ring_need_no_recursion() -> None:
    size = 100_000
    (part,) = components((f"m{n:06}", f"m{(n + 1) % size:06}") for n in range(size))
    assert len(part) == size

"""Our graph beside grimp's: the same, or the difference is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fixtures.build import build
from lane_planner.config.settings import Settings
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.verify import UNEXPLAINED, compare_with_grimp
from lane_planner.planner.facts import Scanned, scan_repository
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.sources import WorkingTree


def scanned(root: Path, files: dict[str, str]) -> Scanned:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return scan_repository(WorkingTree(root, None), Settings(root), ScanCache(None))


FILES = {
    "a/__init__.py": "from . import b\n",
    "a/b.py": "import c.d\nfrom c import e\nimport json\n",
    "c/__init__.py": "",
    "c/d.py": "",
    "c/e.py": "def f():\n    from a import b\n",
    "c/built.so": "",
}


def test_the_same_graph_has_no_difference(tmp_path: Path) -> None:
    (found,) = compare_with_grimp(scanned(tmp_path, FILES).graph, tmp_path, (".",))
    assert found.packages == ("a", "c")
    assert (found.unreadable, found.modules, found.shared) == (None, 5, 4)
    assert found.differences == ()
    assert found.agrees


EXPLAINED = {
    "a dynamic import": ("import importlib\nimportlib.import_module('c.d')\n", "dynamic", True),
    "a module that imports itself": ("import a.x\n", "imports itself", False),
    "a missing module": ("import c.missing\n", "LP301", False),
    "a compiled module": ("from c import built\n", "compiled", False),
}


@pytest.mark.parametrize(("source", "reason", "ours"), EXPLAINED.values(), ids=EXPLAINED)
def test_differences_are_explained(tmp_path: Path, source: str, reason: str, ours: bool) -> None:
    (found,) = compare_with_grimp(
        scanned(tmp_path, FILES | {"a/x.py": source}).graph, tmp_path, (".",)
    )
    assert [(reason in d.reason, d.importer, d.ours) for d in found.differences] == [
        (True, "a.x", ours)
    ]
    assert found.agrees


def test_a_planted_difference_is_unexplained(tmp_path: Path) -> None:
    graph = scanned(tmp_path, FILES).graph
    fewer = ImportGraph(graph.table, [s for s in graph.sites if s.imported != "c.d"])
    (found,) = compare_with_grimp(fewer, tmp_path, (".",))
    assert [(d.reason, d.importer, d.imported) for d in found.differences] == [
        (UNEXPLAINED, "a.b", "c.d")
    ]
    assert not found.agrees


def test_what_grimp_cannot_read_is_said(tmp_path: Path) -> None:
    files = FILES | {"broken/__init__.py": "def (\n", "bare/x.py": ""}
    found = {
        c.packages: c for c in compare_with_grimp(scanned(tmp_path, files).graph, tmp_path, (".",))
    }
    assert found["a", "c"].unreadable is None
    assert "do not parse" in (found["broken",].unreadable or "")
    assert "__init__.py" in (found["bare",].unreadable or "")


def test_a_package_that_the_interpreter_has_too_is_read_where_it_stands(tmp_path: Path) -> None:
    files = {"pytest/__init__.py": "from . import own\n", "pytest/own.py": "1 / 0\n"}
    before = set(sys.modules)
    (found,) = compare_with_grimp(scanned(tmp_path, files).graph, tmp_path, (".",))
    assert (found.modules, found.shared) == (2, 1)
    assert not {name for name in set(sys.modules) - before if name.startswith("pytest.own")}


@pytest.mark.slow
def test_the_clean_fixture_agrees(tmp_path: Path) -> None:
    build(tmp_path, clean=True, git=False)
    found = compare_with_grimp(scanned(tmp_path, {}).graph, tmp_path, (".",))
    assert [c.unreadable for c in found] == [None]
    assert found[0].modules > 3_800
    assert found[0].shared > 2_000
    assert found[0].agrees

"""`make corpus`: the standard library and large packages from PyPI, whole."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from lane_planner.config.settings import Settings
from lane_planner.graph.verify import Comparison, compare_with_grimp
from lane_planner.planner.facts import scan_repository
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.sources import WorkingTree
from tests.corpus.compare import compare_files

pytestmark = pytest.mark.corpus

CORPUS = Path(__file__).parents[2] / "build" / "corpus" / "packages"


@pytest.mark.parametrize("package", ["django", "sympy", "celery", "sqlalchemy", "networkx"])
def test_slices_equal_whole_modules_in_a_package(package: str) -> None:
    found = compare_files((CORPUS / package).rglob("*.py"))
    print(package, found)
    assert found.files > 150
    assert found.differing == ()


def test_slices_equal_whole_modules_in_the_standard_library() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    files = [path for path in library.rglob("*.py") if "site-packages" not in path.parts]
    found = compare_files(files)
    print("standard library", found)
    assert found.files > 800
    assert found.differing == ()


def test_the_graph_equals_grimps_but_for_explained_differences() -> None:
    found = _compared(CORPUS)
    print(found)
    assert found.shared > 10_000
    assert found.agrees


def _compared(root: Path) -> Comparison:
    scanned = scan_repository(WorkingTree(root, None), Settings(root), ScanCache(None))
    return compare_with_grimp(scanned.graph, root, (".",))[0]

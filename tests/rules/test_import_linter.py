"""LP101 and LP102 beside import-linter's forbidden contracts, made from the same lanes.

import-linter reads what grimp reads: no dynamic imports, of a missing module the package around it,
only what has an `__init__.py` in each directory, and files that nobody can import by name. These
are taken out before the comparison, imports of missing modules only where we say LP301 of them.
"""

from __future__ import annotations

import copy
import datetime
import importlib.util
import random
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import grimp
import msgspec
import pytest
from grimp.application.config import settings as grimp_settings
from grimp.application.ports.filesystem import AbstractFileSystem
from grimp.application.ports.packagefinder import AbstractPackageFinder
from importlinter.configuration import configure
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

from fixtures.build import build
from lane_planner.config.load import load_settings
from lane_planner.config.settings import Lane, Settings
from lane_planner.graph.graph import ImportGraph
from lane_planner.planner.facts import scan_repository
from lane_planner.rules.excuses import Excuses
from lane_planner.rules.indirect import indirect_violations
from lane_planner.rules.lanes import LaneMap
from lane_planner.rules.violations import direct_violations
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.sources import WorkingTree

pytestmark = pytest.mark.long

# Pure Python, from PyPI, and installed wherever the tests run.
PACKAGES = ("networkx", "libcst", "hypothesis", "rich")
configure()  # as its own API does when it is loaded

DAY = datetime.date(2026, 6, 15)


class Case(NamedTuple):
    """A repository that both can read.

    Attributes:
        graph: our graph, of what grimp looks at.
        theirs: grimp's graph, with and without imports for type checkers.
    """

    graph: ImportGraph
    theirs: tuple[grimp.ImportGraph, grimp.ImportGraph]


def read(root: Path) -> Case:
    """Read the packages at the top of a directory, once each."""
    source = WorkingTree(root, None)
    scanned = scan_repository(source, Settings(root), ScanCache(None))
    packages = {path.parent.name: path.parent for path in root.glob("*/__init__.py")}
    theirs = (built(packages, typing=True), built(packages, typing=False))
    modules = scanned.graph.modules
    seen = theirs[0].modules & modules.keys()
    sites = [
        site
        for site in scanned.graph.sites
        if not site.dynamic and site.importer in seen and (site.fault or site.imported in seen)
    ]
    graph = ImportGraph(scanned.graph.table, sites)
    for one, kinds in zip(
        theirs, (("eager", "deferred", "typing"), ("eager", "deferred")), strict=True
    ):
        ours = graph.edges(kinds)
        for importer in sorted(one.modules):
            for imported in sorted(one.find_modules_directly_imported_by(importer)):
                if (importer, imported) not in ours:
                    assert (
                        importer not in modules
                        or importer == imported
                        or any(
                            site.fault is not None and site.imported.startswith(f"{imported}.")
                            for site in graph.sites_in(importer)
                        )
                    ), (importer, imported)
                    one.remove_import(importer=importer, imported=imported)
    return Case(graph, theirs)


def built(packages: Mapping[str, Path], *, typing: bool) -> grimp.ImportGraph:
    """Return grimp's graph of some directories, whatever else is installed under their names."""

    class Directories(AbstractPackageFinder):
        def determine_package_directories(
            self, package_name: str, file_system: AbstractFileSystem
        ) -> set[str]:
            del file_system
            return {str(packages[package_name])}

    before = grimp_settings.PACKAGE_FINDER
    grimp_settings.configure(PACKAGE_FINDER=Directories())
    try:
        first, *others = sorted(packages)
        return grimp.build_graph(
            first, *others, cache_dir=None, exclude_type_checking_imports=not typing
        )
    finally:
        grimp_settings.configure(PACKAGE_FINDER=before)


def name_of(lane: Lane) -> str:
    """Return the dotted name of a lane's only path."""
    (path,) = lane.paths
    return path.removesuffix(".py").replace("/", ".")


def session(graph: grimp.ImportGraph) -> dict[str, object]:
    """Return what import-linter's configuration says above its contracts."""
    roots = sorted({name.partition(".")[0] for name in graph.modules})
    return {"root_packages": roots, "include_external_packages": "False"}


Chains = dict[tuple[str, str, str], tuple[str, ...]]
"""Shortest chains by importer, what it imports, and the lane that this leads into."""


def told(
    graph: grimp.ImportGraph, lane: Lane, other: Lane, *, indirect: bool
) -> list[tuple[str, ...]]:
    """Return the chains that import-linter tells of a lane that may not import another one."""
    options = {
        "source_modules": [name_of(lane)],
        "forbidden_modules": [name_of(other)],
        "allow_indirect_imports": str(not indirect),
    }
    checked = ForbiddenContract("lanes", session(graph), options).check(graph, False)
    return [
        (chain[0]["importer"], *(link["imported"] for link in chain))
        for found in checked.metadata["invalid_chains"]
        for chain in found["chains"]
    ]


def indirect_chains(
    graph: grimp.ImportGraph, settings: Settings, direct: Iterable[tuple[str, str]]
) -> Chains:
    """Return all chains that import-linter tells, mending what it tells until it has no more.

    Of chains that share an import it tells one: the first import of that is taken away, and it is
    asked again. Imports that are forbidden themselves are taken away before: what they lead to is
    not told again.
    """
    found: Chains = {}
    for lane in settings.lanes:
        own = copy.deepcopy(graph)
        for importer, imported in direct:
            if name_in(importer, lane):
                own.remove_import(importer=importer, imported=imported)
        for other in settings.lanes:
            if settings.allowed(lane.name, other.name):
                continue
            taken: list[tuple[str, str]] = []
            while chains := told(own, lane, other, indirect=True):
                for chain in chains:
                    key = (chain[0], chain[1], other.name)
                    found[key] = min(found.get(key, chain), chain, key=len)
                    taken.append((chain[0], chain[1]))
                    own.remove_import(importer=chain[0], imported=chain[1])
            for importer, imported in set(taken):
                own.add_import(importer=importer, imported=imported)
    return found


class Ours(NamedTuple):
    """What we say of the same lanes.

    Attributes:
        direct: importer, imported module and the lane of that.
        indirect: the chains.
    """

    direct: frozenset[tuple[str, str, str]]
    indirect: Chains


def ours(graph: ImportGraph, settings: Settings) -> Ours:
    lanes = LaneMap(settings)
    excuses = Excuses((), DAY, graph, {})
    direct = direct_violations(graph, settings, lanes, excuses)
    indirect = indirect_violations(graph, settings, lanes, excuses).violations
    return Ours(
        frozenset(
            (v.importer, v.imported, str(v.imported_lane))
            for v in direct
            if v.imported in graph.modules
        ),
        {(v.importer, v.chain[1], str(v.imported_lane)): v.chain for v in indirect},
    )


def compare(case: Case, settings: Settings) -> tuple[int, int]:
    """Compare all that both say of some lanes, and return how many imports and chains that is."""
    with_typing, without_typing = case.theirs
    here = ours(case.graph, settings)
    direct = {
        (*chain, other.name)
        for lane in settings.lanes
        for other in settings.lanes
        if not settings.allowed(lane.name, other.name)
        for chain in told(with_typing, lane, other, indirect=False)
    }
    assert here.direct == direct
    known = [
        (importer, imported)
        for importer, imported, _ in here.direct
        if without_typing.direct_import_exists(importer=importer, imported=imported)
    ]
    indirect = indirect_chains(without_typing, settings, known)
    assert here.indirect.keys() == indirect.keys()
    for key, chain in here.indirect.items():
        assert len(chain) <= len(indirect[key]), key
    return len(direct), len(indirect)


def name_in(name: str, lane: Lane) -> bool:
    return name == name_of(lane) or name.startswith(f"{name_of(lane)}.")


def lanes_below(case: Case, most: int, seed: int, *, layers: bool = False) -> tuple[Lane, ...]:
    """Return the largest second-level packages as lanes that may import some of each other."""
    sizes: dict[str, int] = {}
    paths: dict[str, str] = {}
    for name, module in case.graph.modules.items():
        parts = name.split(".")
        if len(parts) == 2 and name in case.theirs[0].modules:
            paths[name] = module.path.removesuffix("/__init__.py")
        sizes[".".join(parts[:2])] = sizes.get(".".join(parts[:2]), 0) + 1
    names = sorted(paths, key=lambda name: (-sizes[name], name))[:most]
    draw = random.Random(seed)
    draw.shuffle(names)
    return tuple(
        Lane(
            name,
            (paths[name],),
            frozenset(names[index + 1 :] if layers else [n for n in names if draw.random() < 0.6]),
        )
        for index, name in enumerate(names)
    )


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Each package alone in a directory, read by both."""
    found = {}
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None
        root = tmp_path_factory.mktemp(name)
        shutil.copytree(
            Path(spec.origin).parent, root / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyi"),
        )  # fmt: skip
        found[name] = read(root)
    return found


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_from_pypi(packages: dict[str, Case], name: str) -> None:
    case = packages[name]
    figures = []
    for seed in range(3):
        lanes = lanes_below(case, 12, seed)
        figures.append(compare(case, Settings(Path(), lanes=lanes)))
    print(name, len(case.graph.modules), "modules:", figures)
    assert sum(direct for direct, _ in figures) > 1
    assert sum(indirect for _, indirect in figures) > 100


def test_the_clean_fixture(tmp_path: Path) -> None:
    root = tmp_path / "clean"
    build(root, clean=True, git=False)
    case = read(root)
    settings = load_settings(root, root / "lanes.toml")
    present = [lane for lane in settings.lanes if name_of(lane) in case.theirs[0].modules]
    figures = [compare(case, msgspec.structs.replace(settings, lanes=tuple(present)))]
    figures += [
        compare(case, Settings(Path(), lanes=lanes_below(case, most, most))) for most in (12, 30)
    ]
    print("fixture", len(case.graph.modules), "modules:", figures)
    assert all(direct > 10 for direct, _ in figures)
    assert figures[-1][1] > 10


@pytest.mark.parametrize("name", PACKAGES)
def test_layers(packages: dict[str, Case], name: str) -> None:
    """Layers are lanes that may import all below them.

    A chain that comes through a third layer is broken there; import-linter tells it there alone.
    """
    case = packages[name]
    lanes = lanes_below(case, 8, 1, layers=True)
    here = ours(case.graph, Settings(Path(), lanes=lanes))
    graph = copy.deepcopy(case.theirs[0])
    options = {"layers": [name_of(lane) for lane in lanes]}
    checked = LayersContract("layers", session(graph), options).check(graph, False)
    theirs = {
        (found["importer"], found["imported"]) for found in checked.metadata["invalid_dependencies"]
    }
    lane_of = {a: next(x.name for x in lanes if name_in(a, x)) for a, _, _ in here.direct}
    direct = {(lane_of[importer], lane) for importer, _, lane in here.direct}
    assert direct <= theirs
    assert checked.kept == (not here.direct and not here.indirect)

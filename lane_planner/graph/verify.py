"""Our import graph beside the one that grimp builds from the same files, difference by difference.

grimp reads packages whose directories all have `__init__.py` and whose files all parse; where it
can, both graphs must agree but for what grimp does not look at, and each difference is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite

UNEXPLAINED = "unexplained"

Edge = tuple[str, str]


class Difference(msgspec.Struct, frozen=True, order=True):
    """An import that one graph has and the other has not.

    Attributes:
        reason: why; "unexplained" is a fault of one of the two.
        importer: name of the importing module.
        imported: name of the imported module.
        ours: whether it is in our graph (else in grimp's).
    """

    reason: str
    importer: str
    imported: str
    ours: bool


class Comparison(msgspec.Struct, frozen=True):
    """How the graphs of some packages compare.

    Attributes:
        packages: the top-level packages, sorted.
        unreadable: why grimp cannot read them; None if it can.
        modules: how many modules both know.
        unseen: how many of our modules grimp does not see (below directories without
            `__init__.py`, or under names that nobody can import).
        shared: how many imports, module to module, both have.
        differences: the others, by reason.
    """

    packages: tuple[str, ...]
    unreadable: str | None
    modules: int
    unseen: int
    shared: int
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether every difference is explained."""
        return all(difference.reason != UNEXPLAINED for difference in self.differences)


def compare_with_grimp(
    graph: ImportGraph, root: Path, source_roots: Sequence[str]
) -> tuple[Comparison, ...]:
    """Compare the graph with grimp's.

    Args:
        graph: our graph of the files below the root.
        root: where they are.
        source_roots: directories below it that names start from.

    Returns:
        One comparison of all packages that grimp can read, together, and one for each that it
        cannot.
    """
    directories = {
        module.name: root / Path(module.path).parent
        for module in graph.modules.values()
        if module.package and not module.namespace and "." not in module.name
    }
    readable: dict[str, Path] = {}
    comparisons: list[Comparison] = []
    for name, directory in sorted(directories.items()):
        why = _unreadable({name: directory}, root)
        if why is None:
            readable[name] = directory
        else:
            comparisons.append(Comparison((name,), why, 0, 0, 0, ()))
    bare = sorted(
        module.name
        for module in graph.modules.values()
        if module.namespace and "." not in module.name
    )
    reason = "has no __init__.py at its top, which grimp asks for"
    comparisons += [Comparison((name,), reason, 0, 0, 0, ()) for name in bare]
    if readable:
        comparisons.insert(0, _compare(graph, readable))
    return tuple(comparisons)


def _build(directories: Mapping[str, Path]) -> tuple[set[str], set[Edge]]:
    """Return the modules and imports that grimp finds in some directories.

    grimp would look packages up in the running interpreter, where another package may have the
    name; this finder gives it the directories instead, so nothing analysed is ever imported.
    """
    import logging

    import grimp
    from grimp.application.config import settings
    from grimp.application.ports.filesystem import AbstractFileSystem
    from grimp.application.ports.packagefinder import AbstractPackageFinder

    class Directories(AbstractPackageFinder):
        def determine_package_directories(
            self, package_name: str, file_system: AbstractFileSystem
        ) -> set[str]:
            del file_system
            return {str(directories[package_name])}

    # What it skips is counted in the comparison; without a handler it would print to our stderr.
    logging.getLogger("grimp").addHandler(logging.NullHandler())
    before = settings.PACKAGE_FINDER
    settings.configure(PACKAGE_FINDER=Directories())
    try:
        first, *others = sorted(directories)
        found = grimp.build_graph(first, *others, cache_dir=None)
    finally:
        settings.configure(PACKAGE_FINDER=before)
    edges = {
        (importer, imported)
        for importer in found.modules
        for imported in found.find_modules_directly_imported_by(importer)
    }
    return set(found.modules), edges


def _unreadable(directories: Mapping[str, Path], root: Path) -> str | None:
    from grimp.exceptions import GrimpException, SourceSyntaxError

    try:
        _build(directories)
    except SourceSyntaxError:
        # It names one of them, by chance: its workers race.
        return "grimp stops at files that do not parse"
    except (GrimpException, OSError, ValueError) as error:
        # Also what its file reading raises, such as an encoding that it does not know.
        said = str(error).replace(f"{root}/", "").partition("\n")[0]
        return f"grimp stops at it: {said}"
    return None


def _compare(graph: ImportGraph, directories: Mapping[str, Path]) -> Comparison:
    modules, theirs = _build(directories)
    known = {name for name, module in graph.modules.items() if not module.namespace}
    own = {name for name in known if graph.modules[name].name.partition(".")[0] in directories}
    below = {
        module.name
        for module in graph.table.by_path.values()
        if any(module.path.startswith(f"{name}/") for name in directories)
    }
    both = own & modules
    ours: dict[Edge, list[ImportSite]] = {}
    for site in graph.sites:
        if site.resolved and site.importer in both and site.imported in both:
            ours.setdefault((site.importer, site.imported), []).append(site)
    theirs = {edge for edge in theirs if edge[0] in both and edge[1] in both}
    shadowing = {m.shadowed_by for m in graph.modules.values() if m.shadowed_by}
    clashing = frozenset(name for name in both if graph.modules[name].path in shadowing)
    differences = [
        Difference(_why_ours(edge, sites, clashing), *edge, True)
        for edge, sites in ours.items()
        if edge not in theirs
    ]
    differences += [
        Difference(_why_theirs(graph, edge, clashing), *edge, False)
        for edge in theirs - ours.keys()
    ]
    return Comparison(
        tuple(sorted(directories)),
        None,
        len(both),
        len((own | below) - modules),
        len(ours.keys() & theirs),
        tuple(sorted(differences)),
    )


_CLASH = "two files have the importer's name, and grimp reads the one that Python does not"


def _why_ours(edge: Edge, sites: Iterable[ImportSite], clashing: frozenset[str]) -> str:
    if edge[0] in clashing:
        return _CLASH
    if all(site.dynamic for site in sites):
        return "a dynamic import, which grimp does not look for"
    return UNEXPLAINED


def _why_theirs(graph: ImportGraph, edge: Edge, clashing: frozenset[str]) -> str:
    importer, imported = edge
    if importer == imported:
        return "a module that imports itself, which is no edge here"
    if importer in clashing:
        return _CLASH
    for site in graph.sites_in(importer):
        if site.fault is not None and site.imported.rpartition(".")[0] == imported:
            return (
                f"{site.fault}: names a missing module, for which grimp takes the package around it"
            )
        if site.resolved and site.imported.rpartition(".")[0] == imported:
            target = graph.modules[site.imported]
            if not target.namespace and not target.path.endswith(".py"):
                return "names a compiled module, for which grimp takes the package around it"
    return UNEXPLAINED


def counted(comparison: Comparison) -> tuple[tuple[str, int], ...]:
    """Return the reasons of a comparison's differences with how often each stands, sorted."""
    return tuple(sorted(Counter(d.reason for d in comparison.differences).items()))

"""Which test files can reach what changed: by coverage contexts, or by the import graph.

A selection is of files, not of single tests: names of tests come and go with their parameters, and
a file is what the import graph knows. It serves gates that are to be fast; what no import and no
context shows (a module named in a string, or read as a file) only the whole suite finds.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from lane_planner.gates.pytest_files import SETTINGS_FILES
from lane_planner.graph.graph import ImportGraph
from lane_planner.scan.modules import SourceRoots


class Selection(msgspec.Struct, frozen=True):
    """The test files that can reach what changed.

    Attributes:
        tests: their paths, sorted.
        how: by what they were found; "all": what changed are settings of the tests themselves.
    """

    tests: tuple[str, ...]
    how: Literal["contexts", "imports", "all"]


def select_tests(
    changed: Collection[str],
    *,
    graph: ImportGraph,
    tests: Collection[str],
    contexts: Mapping[str, frozenset[str]] | None = None,
    opaque: Collection[str] = (),
    source_roots: Iterable[str] = (".",),
) -> Selection:
    """Return the test files that can reach a changed file.

    A test file reaches what it imports, whatever the kind of the import, the `__init__.py` of each
    package on the way, and the `conftest.py` and `__init__.py` of the directories around it. It is
    selected if

    - it has changed itself,
    - it has an import whose module cannot be read off the source,
    - by the import graph it reaches a changed file of which no context is known; or
    - where the contexts know of the changed file: one of its tests ran a line of it, it imports it
      itself (a constant is no line that a test runs), or the contexts do not know the test file
      and it reaches the changed file by the import graph.

    Of a `conftest.py` the contexts say too little: its hooks run outside of tests.

    A changed file that is no module counts for the modules of the nearest directory around it that
    has any; in the root, a file that may hold pytest's settings selects every test, and another
    one none. A file that is gone counts for those who import it, or its package, by name.

    Args:
        changed: paths of files, before and after a move; those that stand elsewhere or nowhere now
            among them.
        graph: of the tree that the tests are to run on.
        tests: paths of all test files in it.
        contexts: by path of a file, the test files that ran it (`read_contexts`); None: no data.
        opaque: paths of files with an import that cannot be read off the source.
        source_roots: directories that module names start from.
    """
    suite = frozenset(tests)
    if any(path in SETTINGS_FILES for path in changed):
        return Selection(tuple(sorted(suite)), "all")
    known_tests = frozenset[str]().union(*contexts.values()) if contexts else frozenset[str]()
    found = set(suite.intersection(changed))
    if changed:
        found |= suite.intersection(opaque)
    reach = _Reach(graph, suite, SourceRoots(tuple(source_roots)))
    unknown: set[str] = set()  # modules of which no context is known
    known: set[str] = set()
    for path in changed:
        modules = reach.modules_of(path)
        ran = contexts.get(path) if contexts else None
        if ran is None or posixpath.basename(path) == "conftest.py":
            unknown |= modules
        else:
            known |= modules
            found |= ran & suite
    found |= reach.tests_importing(known)
    found |= reach.tests_reaching(unknown)
    found |= reach.tests_reaching(known) - known_tests
    return Selection(tuple(sorted(found)), "contexts" if contexts else "imports")


class _Reach:
    """The import graph from its far end: who reaches a module."""

    def __init__(self, graph: ImportGraph, tests: frozenset[str], roots: SourceRoots) -> None:
        self._graph = graph
        self._tests = tests
        self._roots = roots
        self._inside: dict[str, list[str]] = {}  # package → the modules right below it
        self._beside: dict[str, set[str]] = {}  # directory → the modules right in it
        for name, module in graph.modules.items():
            if module.importable:
                self._inside.setdefault(name.rpartition(".")[0], []).append(name)
            if not module.namespace:
                self._beside.setdefault(posixpath.dirname(module.path), set()).add(name)

    def tests_importing(self, modules: Iterable[str]) -> set[str]:
        """Return the test files that are, or import by statements of their own, some modules."""
        names = set(modules)
        for name in tuple(names):
            names.update(self._graph.importers_of(name))
        return {self._graph.modules[name].path for name in names} & self._tests

    def modules_of(self, path: str) -> set[str]:
        """Return the names of the modules that a change of a file changes.

        For a file that is gone, these are its importers.
        """
        module = self._graph.module_at(path)
        if module is not None:
            return {module.name}
        if path.endswith(".pyi"):  # beside its source, whose stub it is
            return self.modules_of(path.removesuffix("i"))
        if path.endswith(".py"):
            return self._importers_of_gone(self._roots.dotted(path))
        for directory in _directories_around(path):
            if directory in self._beside:
                return set(self._beside[directory])
        return set()

    def tests_reaching(self, modules: Iterable[str]) -> set[str]:
        """Return the test files that reach one of some modules."""
        reached = set(modules)
        ahead = list(reached)
        while ahead:
            name = ahead.pop()
            # Whoever imports a module runs the packages that it is in.
            for other in (*self._graph.importers_of(name), *self._inside.get(name, ())):
                if other not in reached:
                    reached.add(other)
                    ahead.append(other)
        paths = {self._graph.modules[name].path for name in reached}
        return {test for test in self._tests if not paths.isdisjoint(_run_with(test))}

    def _importers_of_gone(self, name: str) -> set[str]:
        package = name.rpartition(".")[0]
        return {
            site.importer
            for imported in (name, package)
            if imported
            for site in self._graph.sites_of(imported)
        }


def _run_with(test: str) -> Iterator[str]:
    """Yield the files that pytest runs with a test file, wherever they exist."""
    yield test
    for directory in (*_directories_around(test), ""):
        yield posixpath.join(directory, "conftest.py")
        yield posixpath.join(directory, "__init__.py")


def _directories_around(path: str) -> Iterator[str]:
    """Yield the directories that a path is in, the nearest first, without the root."""
    directory = posixpath.dirname(path)
    while directory:
        yield directory
        directory = posixpath.dirname(directory)

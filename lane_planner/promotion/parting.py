"""Which modules and packages a promotion parts from each other, and which files may notice.

A submodule is an attribute of its package because importing it makes it one. Where just one of the
two moves, the attribute is gone; where the packages around a module change, what their code loads
is loaded no more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cached_property, lru_cache

from lane_planner.promotion.references.mentions import Mentions
from lane_planner.promotion.relocation import Relocation
from lane_planner.promotion.workspace import packages_around
from lane_planner.scan.records import FileRecord


class Parting:
    """A package, submodules of which just one side moves, and what to look for in files.

    Args:
        package: its dotted name.
        children: the submodules' last names.
    """

    def __init__(self, package: str, children: list[str]) -> None:
        self.package = package
        self.children = children
        self.names = frozenset(map(_encoded, children))
        self.chains = frozenset(_encoded(f"{package}.{child}") for child in children)


class Partings:
    """All that a promotion parts.

    Args:
        relocation: the promotion.

    Attributes:
        submodules: packages and the submodules that part from them.
        left: packages that moved modules leave, by the package around.
        unrun: what else no import runs any more for where something was, by the package around.
        around: names of the packages around what moves that do not move.
        stubs: names of moved packages in whose place a made one stays.
        run_no_more: names of the modules that some import loaded only for where something was.
        broken_off: by package, what a string looks like that ends, or goes on, where the name of
            a moved submodule would be.
    """

    def __init__(self, relocation: Relocation) -> None:
        workspace, renamed = relocation.workspace, relocation.renaming.renamed
        self._relocation = relocation
        self._workspace = workspace
        self._importing: dict[str, set[str]] = {}
        self._sharing_names: dict[str, set[str]] = {}
        named = _named(relocation)
        self.broken_off = {
            package: _broken_off(package)
            for package in sorted({name.rpartition(".")[0] for name in named})
        }
        self.submodules = [Parting(*pair) for pair in _parted(relocation).items()]
        self.around = {up for name in named for up in packages_around(name) if up not in renamed}
        # A shim loads what moved, with all that it imports: it leaves nothing unloaded.
        shimmed = {workspace.table.by_path[path].name for path in relocation.layout.shimmed}
        self.stubs = {n for n in renamed if n in relocation.after.by_name and n not in shimmed}
        # The packages around what moves, and all that their code imports; likewise what the code
        # of a package imports that moves and leaves something behind.
        self.run_no_more = self.run_by(self.around | self.stubs) - self.stubs
        self.left = [Parting(*pair) for pair in _by_package(self.around).items()]
        self.unrun = [
            Parting(*pair) for pair in _by_package(self.run_no_more - self.around).items()
        ]

    def run_by(self, names: Collection[str]) -> set[str]:
        """Return some modules and all that importing them runs, up to what moves."""
        renamed = self._relocation.renaming.renamed
        found: set[str] = set()
        new = set(names)
        while new:
            found |= new
            imported = {
                site.imported
                for name in new
                for site in self._workspace.sites_in(name)
                if site.resolved and site.kind == "eager"
            }
            new = {up for name in imported for up in (name, *packages_around(name))}
            new -= found | renamed.keys()
        return found

    @cached_property
    def leading_here(self) -> set[str]:
        """The modules whose import leads to that of a moved module, or of what it leaves."""
        found: set[str] = set()
        below = tuple(f"{name}." for name in self.stubs)
        new = set(self._relocation.renaming.renamed)
        if below:
            new.update(name for name in self._workspace.table.by_name if name.startswith(below))
        while new:
            found |= new
            importers = (self._workspace.importers_of(name) for name in new)
            new = {importer for some in importers for importer in some} - found
        return found

    def affected(self, mentions: Mentions) -> set[str]:
        """Return the paths, before the move, of files that refer to what comes or goes, or may.

        Args:
            mentions: where the commit that the workspace started from names modules of the lane.
        """
        relocation, workspace = self._relocation, self._workspace
        before, renamed = workspace.table, relocation.renaming.renamed
        affected = {path for path in relocation.layout.moved if path in workspace.records}
        changed = before.by_name.keys() ^ relocation.after.by_name.keys()
        for name in changed | renamed.keys() | set(renamed.values()):
            affected |= workspace.naming(name)
            affected.update(
                before.by_name[importer].path for importer in workspace.importers_of(name)
            )
        for name in renamed:
            for place in mentions.of_name(name):
                path = workspace.now(place.path)
                if path in workspace.records and relocation.packages.moved(place.text) == name:
                    affected.add(path)
        for package, pattern in self.broken_off.items():
            affected |= workspace.matching(pattern, mentions.just(package))
        for parting in (*self.submodules, *self.left):
            affected |= self._reaching(parting)
        leading = {before.by_name[name].path for name in self.leading_here}
        for parting in self.unrun:
            affected |= self._reaching(parting) & leading
        return affected - relocation.layout.deleted

    def importing(self, package: str) -> set[str]:
        """Return the paths of files that import a package or one around it."""
        known = self._importing.get(package)
        if known is None:
            by_name = self._workspace.table.by_name
            names = {
                name
                for up in (package, *packages_around(package))
                for name in self._workspace.importers_of(up)
            }
            known = self._importing[package] = {by_name[name].path for name in names}
        return known

    def sharing_names(self, package: str) -> set[str]:
        """Return the files that see a package's names as their own: itself, and star importers."""
        known = self._sharing_names.get(package)
        if known is None:
            by_name, records = self._workspace.table.by_name, self._workspace.records
            module = by_name[package]
            known = set() if module.namespace else {module.path}
            importers = (by_name[name].path for name in self._workspace.importers_of(package))
            known.update(path for path in importers if has_star(records[path]))
            self._sharing_names[package] = known
        return known

    def _reaching(self, parting: Parting) -> set[str]:
        """Return files that may reach a submodule through its package, without importing it."""
        workspace, traits = self._workspace, self._workspace.traits
        importing = self.importing(parting.package)
        binding = workspace.binding(parting.package.partition(".")[0])
        sharing = self.sharing_names(parting.package)
        workspace.contents(importing | binding | sharing)  # all at once
        found = {p for p in importing if not parting.names.isdisjoint(traits(p).attributes)}
        found.update(p for p in binding if not parting.chains.isdisjoint(traits(p).chains))
        found.update(p for p in sharing if not parting.names.isdisjoint(traits(p).words))
        return found


def has_star(record: FileRecord) -> bool:
    """Tell whether a file has a `from … import *`."""
    return any(raw.names == ("*",) for raw in record.imports)


def _named(relocation: Relocation) -> list[str]:
    """Return the names of the moved modules that have one, before the move: others have paths."""
    by_name = relocation.before.by_name
    return [name for name in relocation.renaming.renamed if by_name[name].importable]


def _parted(relocation: Relocation) -> dict[str, list[str]]:
    """Return, by package, the last names of its submodules that part from it.

    Just one of the two moves, so that the submodule is no attribute of the package any more
    where nothing but the import system made it one.
    """
    renaming = relocation.renaming
    pairs = set()
    for name in _named(relocation):
        package, _, last = name.rpartition(".")
        if package and package not in renaming.renamed:
            pairs.add((package, last))
        if relocation.before.by_name[name].package:
            staying = renaming.staying_below(name)
            pairs.update((name, child.rpartition(".")[2]) for child in staying)
    return _by_package(f"{package}.{last}" for package, last in pairs)


def _by_package(names: Iterable[str]) -> dict[str, list[str]]:
    """Return last names by the package in front of them; first names are left out."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        package, _, last = name.rpartition(".")
        if package:
            found.setdefault(package, []).append(last)
    return found


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


# Kept by package: a workspace remembers which files they match.
@lru_cache(maxsize=1 << 12)
def _broken_off(package: str) -> re.Pattern[bytes]:
    written = rf"[\"']{re.escape(package)}\.?(?:[\"']\s*\\?\s*\+?\s*[\"']|[{{%])"
    return re.compile(_encoded(written))

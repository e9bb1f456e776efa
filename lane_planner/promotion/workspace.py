"""The repository as it is at one point of a run of promotions, in memory.

It starts as a commit. Each promotion that is composed on it is taken over, so that the next one
sees the files, names and imports that the former ones left. Nothing is written anywhere.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import copy

from lane_planner.config.settings import Settings
from lane_planner.graph.resolve import BeyondTop, ImportSite, Resolver, absolute_name
from lane_planner.promotion.mirrors import directories_of
from lane_planner.promotion.traits import Traits
from lane_planner.rules.lanes import LaneMap, lane_paths
from lane_planner.scan.modules import Module, ModuleTable, is_name, name_modules
from lane_planner.scan.records import FileRecord

Reader = Callable[[Iterable[str]], Mapping[str, bytes]]
"""Returns the contents of files of the commit, by path."""


class Workspace:
    """Files, modules and imports at one point of a run.

    Args:
        settings: the configuration.
        lanes: its lanes.
        records: what each file of the commit says, by path.
        tracked: paths of all files of the commit, modules or not.
        made: those among them that hold a made `__init__.py`.
        read: reads files of the commit.

    Attributes:
        records: what each file says now, by path.
        tracked: paths of all files now.
        made: paths of made `__init__.py` files now.
        directories: paths of the directories of the commit, those with nothing but others in them
            among them.
        beside: paths now of stubs and built files beside their sources, which name nothing.
        table: the modules now; a stub beside its source is one that nobody can import, as it has
            imports that are to follow.
    """

    def __init__(
        self,
        settings: Settings,
        lanes: LaneMap,
        records: Mapping[str, FileRecord],
        tracked: Iterable[str],
        made: Iterable[str],
        read: Reader,
    ) -> None:
        self.settings = settings
        self.lanes = lanes
        self.records = dict(records)
        self.tracked = set(tracked)
        self.made = set(made)
        self._names: dict[str, str] = {}  # dotted name, by path
        self._ups: dict[str, tuple[str, ...]] = {}
        self._homes: dict[str, str] = {}
        self._files = _by_directory(sorted(self.tracked))  # so that what is found first is the same
        self.directories = frozenset(directories_of(self.tracked))
        self._modules = _by_directory(self.records)
        self.table = self.name(self.records)
        self.beside = {
            path
            for path in self.records
            if path not in self.table.by_path or _is_stub(self.table.by_path[path])
        }
        for path in self.beside - self.table.by_path.keys():
            del self.records[path]
        self._read = read
        self._contents: dict[str, bytes] = {}  # read or written, by path now
        self._traits: dict[str, Traits] = {}
        self._matching: dict[re.Pattern[bytes], set[str]] = {}  # paths in the commit
        self._origins: dict[str, str] = {}  # path in the commit, by path now, of moved files
        self._moved: dict[str, str] = {}  # and the other way round
        self._resolver = self.resolver(self.table)
        self._sites: dict[str, list[ImportSite]] = {}  # as far as they were asked for
        self._imported: dict[str, set[str]] = {}  # modules, by importer
        self._importers: dict[str, set[str]] = {}
        self._naming: dict[str, set[str]] = {}
        self._binding: dict[str, set[str]] = {}
        # Whatever moves is below one of these, so imports of anything else need not be entered.
        self._tops = self.table.tops | {w.partition(".")[0] for w, _ in settings.aliases}
        for module in self.table.by_path.values():
            self._enter(module)

    def fork(self) -> Workspace:
        """Return another workspace at the same point, which goes its own way from here."""
        other = copy(self)
        for shared in ("records", "tracked", "made", "beside", "_contents", "_traits", "_matching"):
            setattr(other, shared, copy(getattr(self, shared)))
        for shared in ("_origins", "_moved", "_sites", "_imported"):
            setattr(other, shared, copy(getattr(self, shared)))
        for grown in ("_files", "_modules", "_importers", "_naming", "_binding"):
            sets: dict[str, set[str]] = getattr(self, grown)
            setattr(other, grown, {key: set(values) for key, values in sets.items()})
        return other

    def name(self, paths: Iterable[str]) -> ModuleTable:
        """Return the modules that some files are, and the stubs beside them."""
        files = list(paths)
        table = name_modules(files, self.settings.source_roots, lane_paths(self.settings))
        for path in files:
            if path.endswith(".pyi") and path not in table.by_path:
                directory, _, file = path.rpartition("/")
                home = self.lanes.roots().dotted(directory) if directory else ""
                package = file == "__init__.pyi"
                stub = Module(path, path, package, False, False, home)
                table.by_name[path] = table.by_path[path] = stub
        return table

    def named_after(self, gone: Collection[str], new: Collection[str]) -> ModuleTable:
        """Return the modules after some files went and others came; its names are in no order.

        Only names that can change are worked out again: those of the files themselves, all below
        them, which a module beside a directory hides, and the packages around them.

        Args:
            gone: paths of Python files that are there now.
            new: paths of Python files that are not, or are among `gone`.
        """
        changed = {self._dotted(path) for path in (*gone, *new)}
        around = {up for name in changed for up in packages_around(name)}
        below = tuple(f"{name}." for name in changed)
        homes = {name.rpartition(".")[0] for name in changed | around} | changed | around
        tops = {f"{name.partition('.')[0]}." for name in changed}
        listing = self._listing_after(gone, new)
        region: set[str] = set()
        # The packages and first names around are there as long as a file below them is.
        first_below: dict[str, str] = {}
        names = changed | around  # of what may be a namespace package in the region
        for directory, files in listing.items():
            ups = self._around(directory)
            home = self._homes[directory]
            inside = home.startswith(below)
            if inside:
                names.update(ups)
            if inside or home in homes:
                region.update(
                    path
                    for path in files
                    if inside or (name := self._dotted(path)) in names or name.startswith(below)
                )
            wanted = [up for up in ups if up in around or up in tops]
            if wanted and files:
                first = min(files)
                for up in wanted:
                    first_below[up] = min(first, first_below.get(up, first))
        again = self.name(region.union(first_below.values()))
        by_name, by_path = dict(self.table.by_name), dict(self.table.by_path)
        for path in region.union(gone):
            if path in by_path:
                by_name.pop(by_path.pop(path).name, None)
        for name in names:
            by_name.pop(name, None)
        for module in again.by_name.values():
            if module.path in region or (module.namespace and module.name in names):
                by_name[module.name] = module
                if not module.namespace:
                    by_path[module.path] = module
        kept = {top for top in self.table.tops if f"{top}." not in tops}
        return ModuleTable(by_name, by_path, frozenset(kept | again.tops))

    def _listing_after(
        self, gone: Collection[str], new: Collection[str]
    ) -> dict[str, Collection[str]]:
        """Return the Python files in each directory after some went and others came."""
        listing: dict[str, Collection[str]] = dict(self._modules)
        arriving = _by_directory(new)
        for directory in {posixpath.dirname(path) for path in (*gone, *new)}:
            here = self._modules.get(directory, set()).difference(gone)
            listing[directory] = here | arriving.get(directory, set())
        return listing

    def _dotted(self, path: str) -> str:
        """Return the dotted name of a module file, of whatever kind, importable or not."""
        known = self._names.get(path)
        if known is None:
            directory, _, file = path.rpartition("/")
            if not file.endswith(".py"):
                file = f"{file.partition('.')[0]}.py"  # a built file or a stub
            known = self.lanes.roots().dotted(f"{directory}/{file}" if directory else file)
            self._names[path] = known
        return known

    def _around(self, directory: str) -> tuple[str, ...]:
        """Return a directory and the packages around it if they can be imported, by name.

        In front stands its first name with a dot behind it, importable or not.
        """
        known = self._ups.get(directory)
        if known is None:
            name = self.lanes.roots().dotted(directory) if directory else ""
            known = (f"{name.partition('.')[0]}.",)
            if all(map(is_name, name.split("."))):
                known += (name, *packages_around(name))
            self._ups[directory] = known
            self._homes[directory] = name
        return known

    def files_in(self, directory: str) -> set[str]:
        """Return the paths of the tracked files directly in a directory now."""
        return self._files.get(directory, set())

    def files_called(self, name: str) -> list[str]:
        """Return the paths of the tracked files of a name now, sorted."""
        paths = ((posixpath.join(directory, name), here) for directory, here in self._files.items())
        return sorted(path for path, here in paths if path in here)

    def files_below(self, directory: str) -> Iterator[str]:
        """Yield the paths of the tracked files in a directory and the ones below it now."""
        start = f"{directory}/"
        for other, files in self._files.items():
            if other == directory or other.startswith(start):
                yield from files

    def differing_in_case(self, path: str) -> str | None:
        """Return a directory around a path as it is spelled now, if the path spells it otherwise.

        Args:
            path: a file that need not be there.
        """
        directory = posixpath.dirname(path)
        while directory and not self._files.get(directory):
            folded, size = directory.casefold(), len(directory)
            for other, files in self._files.items():
                start = other[:size]
                whole = other[size : size + 1] in ("", "/")
                if files and whole and start != directory and start.casefold() == folded:
                    return start
            directory = posixpath.dirname(directory)
        return None

    def resolver(self, table: ModuleTable) -> Resolver:
        """Return what resolves imports against some modules."""
        return Resolver(table, self.settings.aliases)

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of files as they are now, by path."""
        wanted = list(paths)
        missing = {
            path: self._origins.get(path, path) for path in wanted if path not in self._contents
        }
        if missing:
            found = self._read(sorted(missing.values()))
            self._contents.update((path, found[origin]) for path, origin in missing.items())
        return {path: self._contents[path] for path in wanted}

    def traits(self, path: str) -> Traits:
        """Return what is written in a file, as far as it shows without reading it as code."""
        known = self._traits.get(path)
        if known is None or known.content is not self._contents.get(path):
            content = self.contents([path])[path]
            known = self._traits[path] = Traits(content, self.records.get(path))
        return known

    def opaque(self) -> list[str]:
        """Return the paths of files that import what cannot be read off them, sorted."""
        return sorted(path for path, record in self.records.items() if record.opaque)

    def matching(self, pattern: re.Pattern[bytes], origins: Iterable[str]) -> set[str]:
        """Return which of some files of the commit match a pattern, by their paths now.

        Args:
            pattern: what to look for; it is looked for once, in the files as they are then.
            origins: paths in the commit, the same ones for the same pattern.
        """
        known = self._matching.get(pattern)
        if known is None:
            paths = {path: self.now(path) for path in origins}
            there = {path: now for path, now in paths.items() if now in self.records}
            contents = self.contents(now for now in there.values() if now is not None)
            known = {path for path, now in there.items() if pattern.search(contents[now or ""])}
            self._matching[pattern] = known
        found = (self.now(path) for path in known)
        return {path for path in found if path is not None and path in self.records}

    def origin(self, path: str) -> str:
        """Return the path that a file has in the commit."""
        return self._origins.get(path, path)

    def now(self, origin: str) -> str | None:
        """Return the path that a file of the commit has now, or None if it is gone."""
        if origin in self._moved:
            return self._moved[origin]
        return origin if origin in self.tracked else None

    def sites_in(self, name: str) -> list[ImportSite]:
        """Return the import sites of a module now."""
        if name not in self._sites:
            module = self.table.by_name.get(name)
            record = None if module is None or module.namespace else self.records.get(module.path)
            if module is None or record is None:
                return []
            self._sites[name] = self._resolver.sites(module, record, external=True)
        return self._sites[name]

    def importers_of(self, name: str) -> set[str]:
        """Return the names of the modules that import a module now."""
        return self._importers.get(name, set())

    def naming(self, name: str) -> set[str]:
        """Return the paths of files whose imports name something that is or could be a module."""
        return self._naming.get(name, set())

    def binding(self, first: str) -> set[str]:
        """Return the paths of files with an `import first.b`, which can bind the name `first`."""
        return self._binding.get(first, set())

    def take_over(
        self,
        table: ModuleTable,
        records: Mapping[str, FileRecord],
        moved: Mapping[str, str],
        written: Mapping[str, bytes],
        deleted: Iterable[str],
        made: Iterable[str],
        affected: Iterable[str],
    ) -> None:
        """Become the repository as it is after a promotion.

        Args:
            table: the modules after it.
            records: new records, by path after it, of moved and written files.
            moved: path after, by path before.
            written: new contents, by path after.
            deleted: paths that are gone.
            made: paths of `__init__.py` files that it makes.
            affected: paths before it of the files whose imports may resolve differently.
        """
        before = [path for path in set(affected) if path in self.table.by_path]
        for path in before:
            self._leave(self.table.by_path[path])
        for path in {*moved, *deleted}:
            self.records.pop(path, None)
            self.tracked.discard(path)
            self.made.discard(path)
            for listing in (self._files, self._modules):
                listing.get(posixpath.dirname(path), set()).discard(path)
        origins = {new: self.origin(old) for old, new in moved.items()}
        contents = {new: self._contents[old] for old, new in moved.items() if old in self._contents}
        for path in {*moved, *deleted}:
            self._origins.pop(path, None)
            self._contents.pop(path, None)
        self._origins.update(origins)
        self._moved.update((origin, path) for path, origin in origins.items())
        self._contents.update(contents)
        self._contents.update(written)
        self.records.update(records)
        self.tracked.update(moved.values(), written)
        _list_in(self._files, (*moved.values(), *written))
        _list_in(self._modules, records)
        self.made.update(made)
        self.table = table
        beside = {moved.get(path, path) for path in self.beside.difference(deleted)}
        self.beside = {
            path for path in beside if path not in table.by_path or _is_stub(table.by_path[path])
        }
        self._resolver = self.resolver(table)
        after = {moved.get(path, path) for path in before} | set(records)
        for path in after:
            if path in table.by_path:
                self._enter(table.by_path[path])

    def _names_in(self, module: Module, record: FileRecord) -> set[str]:
        """Return the dotted names below first-party ones that the imports of a file name.

        Each is named as a module or as part of one.
        """
        names: set[str] = set()
        for raw in record.imports:
            base = raw.module
            if base.startswith("."):
                try:
                    base = absolute_name(module, raw)
                except BeyondTop:
                    continue
            if base.partition(".")[0] not in self._tops:
                continue
            for prefix, meant in self.settings.aliases:
                if base == prefix or base.startswith(f"{prefix}."):
                    names.add(meant + base[len(prefix) :])
            names.add(base)
            names.update(f"{base}.{name}" for name in raw.names or ())
        return names

    def _enter(self, module: Module) -> None:
        record = self.records.get(module.path)
        if record is None or not record.imports:
            return
        imported = {
            target.imported
            for raw in record.imports
            if raw.module.startswith(".") or raw.module.partition(".")[0] in self._tops
            for target in self._resolver.targets(module, raw)
            if target.fault is None and not target.external
        }
        imported.discard(module.name)
        self._imported[module.name] = imported
        for name in imported:
            self._importers.setdefault(name, set()).add(module.name)
        for name in self._names_in(module, record):
            self._naming.setdefault(name, set()).add(module.path)
        for first in _firsts(record):
            self._binding.setdefault(first, set()).add(module.path)

    def _leave(self, module: Module) -> None:
        self._sites.pop(module.name, None)
        for name in self._imported.pop(module.name, ()):
            self._importers[name].discard(module.name)
        record = self.records.get(module.path)
        if record is not None:
            for name in self._names_in(module, record):
                self._naming[name].discard(module.path)
            for first in _firsts(record):
                self._binding[first].discard(module.path)


def _is_stub(module: Module) -> bool:
    """Tell whether a module is a stub that nobody can import, as those beside their sources."""
    return module.path.endswith(".pyi") and not module.importable


def _by_directory(paths: Iterable[str]) -> dict[str, set[str]]:
    listing: dict[str, set[str]] = {}
    _list_in(listing, paths)
    return listing


def _list_in(listing: dict[str, set[str]], paths: Iterable[str]) -> None:
    for path in paths:
        listing.setdefault(posixpath.dirname(path), set()).add(path)


def packages_around(name: str) -> Iterator[str]:
    """Yield the dotted names of the packages around a module, from the inside."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _firsts(record: FileRecord) -> set[str]:
    return {r.module.partition(".")[0] for r in record.imports if r.names is None and not r.dynamic}

"""Modules to promote → a `Promotion`: every move, every edit, and the proof that all imports hold.

The proofs (`lane_planner.promotion.proof`): the imports of every file that is touched, or whose
imports name something that comes or goes, are resolved again after the move; they must be the old
ones with the moved modules renamed, import for import, kind for kind. And a rewritten file binds
the same names in the same scopes as before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property, lru_cache

import msgspec

from lane_planner.config.settings import Lane
from lane_planner.graph.resolve import ImportSite
from lane_planner.planner.landed import INIT, directories_around
from lane_planner.promotion.history import seen_as_rename
from lane_planner.promotion.imports import ChangedBinding, Place, import_edits
from lane_planner.promotion.mentions import Mentions
from lane_planner.promotion.names import NAMING_WORDS, Unreadable, names_of
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.packages import Packages
from lane_planner.promotion.proof import Version, prove_imports, prove_names
from lane_planner.promotion.references import References, references
from lane_planner.promotion.risks import risks
from lane_planner.promotion.shims import Shims, shim_content
from lane_planner.promotion.text import (
    OverlappingEdits,
    SourceText,
    import_statements,
)
from lane_planner.promotion.uses import Uses, rebound_reason, uses
from lane_planner.promotion.values import MADE_INIT, FileMove, FileWrite, Promotion
from lane_planner.promotion.workspace import Workspace, packages_around
from lane_planner.scan.decode import Undecodable
from lane_planner.scan.lexer import UnmatchedQuote, import_words, statement_end
from lane_planner.scan.modules import Module, ModuleTable
from lane_planner.scan.records import FileRecord, RawImport
from lane_planner.scan.recovery import without_unmatched_quotes
from lane_planner.scan.shims import Shim, read_shim
from lane_planner.scan.source import scan_source

# `find_spec(".b", "a")`: a relative name that the scan does not take for an import
_RELATIVE_SPEC = re.compile(r"find_spec\(\s*[\"']\.")
# What a string that names a module stands in; a file with none of these has no such string.
_NAMING = re.compile("|".join((*NAMING_WORDS, r"sys\s*\.\s*modules")))
# A line that reads like an import; it may be prose.
_UNREAD = re.compile(r"(?m)^[^\S\n]*(?:from|import)[^\S\n]+(?P<name>\w+(?:\.\w+)+)")
# pytest collects these by their paths: a second one would be run, and nobody imports them.
_OF_TESTS = re.compile(r"conftest\.py|test_.*\.py|.*_test\.py")


class Composed(msgspec.Struct, frozen=True):
    """A promotion, and what `Workspace.take_over` needs to go on from it.

    Attributes:
        promotion: the promotion.
        table: the modules after it.
        records: records of moved and written files, by path after it.
        affected: paths before it of files whose imports may resolve differently.
    """

    promotion: Promotion
    table: ModuleTable
    records: dict[str, FileRecord]
    affected: frozenset[str]


def compose(
    workspace: Workspace,
    source: Lane,
    target: Lane,
    moves: Iterable[FileMove],
    mentions: Mentions,
    *,
    name: str,
    shims: Shims | None = None,
    rewrite_text: bool = False,
) -> Composed:
    """Work out a promotion on the repository as it is now.

    Args:
        workspace: the repository; it is not changed.
        source: lane that is left.
        target: lane that is reached.
        moves: files that move, modules and what lies beside them.
        mentions: where the commit that the workspace started from names modules of the lane.
        name: what to call the promotion.
        shims: what to leave at the old paths of moved modules; None: nothing.
        rewrite_text: whether names in text are rewritten too, where they are certain.

    Raises:
        Refused: a reference cannot be rewritten surely, or the proof fails.
    """
    composition = _Composition(
        workspace, source, target, sorted(moves), mentions, shims, rewrite_text
    )
    return composition.compose(name)


class _Parting:
    """A package, submodules of which just one side moves, and what to look for in files.

    Args:
        package: its dotted name.
        children: the submodules' last names.
    """

    def __init__(self, package: str, children: list[str]) -> None:
        self.package = package
        self.children = children
        self.names = frozenset(child.encode("utf-8", "surrogateescape") for child in children)
        spelled = r"\s*\.\s*".join(map(re.escape, package.split(".")))
        words = f"(?:{'|'.join(map(re.escape, children))})"
        self.word = _bytes_pattern(rf"(?<!\w){words}(?!\w)")
        self.attribute = _bytes_pattern(rf"\.\s*{words}(?!\w)")
        # The most usual ways to write an import are no use of the name.
        self.chain = _bytes_pattern(
            rf"(?<!import )(?<!from )(?<![\w.]){spelled}\s*\.\s*{words}(?!\w)"
        )


def _by_package(names: Iterable[str]) -> dict[str, list[str]]:
    """Return last names by the package in front of them; first names are left out."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        package, _, last = name.rpartition(".")
        if package:
            found.setdefault(package, []).append(last)
    return found


def _bytes_pattern(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode("utf-8", "surrogateescape"))


# Kept by package: a workspace remembers which files they match.
@lru_cache(maxsize=1 << 12)
def _broken_off(package: str) -> re.Pattern[bytes]:
    """Return what a string looks like that ends, or goes on, where a submodule's name would be."""
    return _bytes_pattern(rf"[\"']{re.escape(package)}\.?(?:[\"']\s*\\?\s*\+?\s*[\"']|[{{%])")


class _Composition:
    def __init__(
        self,
        workspace: Workspace,
        source: Lane,
        target: Lane,
        moves: list[FileMove],
        mentions: Mentions,
        shims: Shims | None,
        rewrite_text: bool,
    ) -> None:
        self.workspace = workspace
        self.rewrite_text = rewrite_text
        self.source = source
        self.target = target
        self.moves = moves
        self.mentions = mentions
        self.moved = {move.source: move.target for move in moves}
        self.notes: list[str] = []
        self.shims = shims
        self.shimmed = self._shimmed() if shims is not None else set()
        self._layout()
        before = workspace.table
        self.after = workspace.named_after(*self._modules_that_go_and_come())
        self.renamed = {
            before.by_path[old].name: self.after.by_path[new].name
            for old, new in self.moved.items()
            if old in before.by_path and new in self.after.by_path
        }
        self.renaming = Renaming(before, self.renamed, workspace.resolver(before))
        self.packages = Packages(self.renaming, self._content, workspace.sites_in)
        self._broken_off = {
            package: _broken_off(package)
            for package in sorted({name.rpartition(".")[0] for name in self.renamed})
        }
        self.tops = {name.partition(".")[0] for name in self.renamed}
        self.parting = [_Parting(package, last) for package, last in self._parting().items()]
        self.around = {
            up for name in self.renamed for up in packages_around(name) if up not in self.renamed
        }
        # A shim loads what moved, with all that it imports: it leaves nothing unloaded.
        shimmed = {workspace.table.by_path[path].name for path in self.shimmed}
        self.stubs = {n for n in self.renamed if n in self.after.by_name and n not in shimmed}
        self.run_no_more = self._run_no_more()
        self.left = [_Parting(*pair) for pair in _by_package(self.around).items()]
        self.unrun = [
            _Parting(*pair) for pair in _by_package(self.run_no_more - self.around).items()
        ]

    def compose(self, name: str) -> Composed:
        self._refuse_bad_places()
        self._refuse_taken_shims()
        self._refuse_unlisted()
        self._refuse_stand_ins()
        self._refuse_half_run()
        affected = self._affected()
        self.workspace.contents(affected)  # all at once: each reading costs a process
        writes: list[FileWrite] = []
        records: dict[str, FileRecord] = {}
        for path in sorted(affected):
            content = self._rewritten(path)
            after = self.moved.get(path, path)
            if content is not None:
                writes.append(FileWrite(after, content, "rewritten"))
                records[after] = scan_source(content)
                if not self._is_shim(path):  # which is made anew
                    self._prove_names(path, content, records[after])
        for old, new in self.moved.items():
            if old in self.workspace.records and new not in records:
                records[new] = self.workspace.records[old]
        for path in self.made:
            writes.append(FileWrite(path, MADE_INIT, "made"))
            records[path] = FileRecord()
        for shim, path in self._new_shims():
            content = shim_content(shim, package=posixpath.basename(path) == INIT)
            writes.append(FileWrite(path, content, "shim"))
            records[path] = scan_source(content)
        found = self._references({write.path: write.content for write in writes})
        for path, content in found.contents.items():
            writes = [write for write in writes if write.path != path]
            writes.append(FileWrite(path, content, "rewritten"))
        for path in found.touched:
            after = self.moved.get(path, path)
            records[after] = scan_source(found.contents[after])
        affected |= found.touched
        prove_imports(self.workspace, self.renaming, self.after, self.moved, affected, records)
        self._prove_shims(records)
        self._say_what_runs()
        self.notes.extend(risks(self.workspace, self.moved, self.renamed))
        lost = self._lost_to_history(writes)
        if lost:
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            self.notes.append(
                f"in one commit git would not see {lost[0].target} as {lost[0].source} "
                f"renamed{more}: the move and what is written are two commits"
            )
        promotion = Promotion(
            source_lane=self.source.name,
            target_lane=self.target.name,
            name=name,
            modules=tuple(sorted(self.renamed)),
            renamed=tuple(sorted(self.renamed.items())),
            moves=tuple(self.moves),
            writes=tuple(sorted(writes)),
            deletes=tuple(sorted(self.deleted)),
            notes=tuple(self.notes),
            ledger=found.entries,
            two_commits=bool(lost),
        )
        return Composed(promotion, self.after, records, frozenset(affected))

    def _lost_to_history(self, writes: Iterable[FileWrite]) -> list[FileMove]:
        """Return the moves that git would not see as renames in one commit with some writes."""
        contents = {write.path: write.content for write in writes}
        return [
            move
            for move in self.moves
            if move.source in contents  # somebody stays at the old path
            or (
                move.target in contents
                and not seen_as_rename(self._content(move.source), contents[move.target])
            )
        ]

    # Files.

    def _layout(self) -> None:
        """Decide which `__init__.py` files are made and which go away."""
        workspace = self.workspace
        staying = workspace.tracked - self.moved.keys()
        arriving = set(self.moved.values())
        self.deleted = {
            path
            for path in arriving - self.moved.keys()
            if path in workspace.made or self._is_shim(path)
        }
        made: set[str] = set()
        for move in self.moves:
            if move.source not in workspace.records:
                continue  # a data file makes no package
            for old, new in directories_around(move.source, move.target, self.target):
                init = f"{new}/{INIT}"
                had = f"{old}/{INIT}"
                if had in workspace.tracked and init not in staying | arriving:
                    made.add(init)
        homes = {posixpath.dirname(path) for path in self.moved}
        for directory in sorted({up for home in homes for up in _upward(home)}):
            init = f"{directory}/{INIT}"
            if self.workspace.lanes.of_path(init) != self.source.name:
                continue
            modules = any(
                path.endswith(".py")
                and (path not in self.moved or path in self.shimmed)
                and path not in workspace.made
                for path in workspace.files_below(directory)
            )
            if init in self.shimmed:
                continue
            if init in self.moved and modules:
                made.add(init)  # what stays behind is still a package's
            elif init in workspace.made and not modules and init not in self.moved:
                self.deleted.add(init)
        self.made = sorted(made)

    def _modules_that_go_and_come(self) -> tuple[set[str], set[str]]:
        records = self.workspace.records
        modules = records.keys() | self.workspace.beside
        gone = {path for path in (*self.moved, *self.deleted) if path in modules}
        new = {target for source, target in self.moved.items() if source in records}
        return gone, new.union(self.made, self.shimmed)

    def _parting(self) -> dict[str, list[str]]:
        """Return, by package, the last names of its submodules that part from it.

        Just one of the two moves, so that the submodule is no attribute of the package any more
        where nothing but the import system made it one.
        """
        pairs = set()
        for name in self.renamed:
            package, _, last = name.rpartition(".")
            if package and package not in self.renamed:
                pairs.add((package, last))
            if self.workspace.table.by_name[name].package:
                staying = self.renaming.staying_below(name)
                pairs.update((name, child.rpartition(".")[2]) for child in staying)
        return _by_package(f"{package}.{last}" for package, last in pairs)

    def _run_no_more(self) -> set[str]:
        """Return the modules that some import loaded only because of where something was.

        These are the packages around what moves, and all that their code imports; likewise what
        the code of a package imports that moves and leaves something behind.
        """
        return self._run_by(self.around | self.stubs) - self.stubs

    def _run_by(self, names: Collection[str]) -> set[str]:
        """Return some modules and all that importing them runs, up to what moves."""
        found: set[str] = set()
        new = set(names)
        while new:
            found |= new
            imported = {
                site.imported
                for name in new
                for site in self.workspace.sites_in(name)
                if site.resolved and site.kind == "eager"
            }
            new = {up for name in imported for up in (name, *packages_around(name))}
            new -= found | self.renamed.keys()
        return found

    def _refuse_half_run(self) -> None:
        """Refuse to part a module from a package that it runs, and that runs it.

        Until now whoever imports the module runs the package first, which comes back to the
        module while it has not begun. From its new place the module begins first, and the
        package would find it half done.
        """
        for name in sorted(self.renamed):
            taking = self._taking_from(name)
            left = self.around.intersection(packages_around(name)) if taking else set()
            for site in self.workspace.sites_in(name) if left else ():
                first = self._run_first(site, left)
                importer = min(taking & self._run_by(first), default=None) if first else None
                if importer is not None:
                    raise Refused(
                        self.workspace.table.by_name[name].path,
                        site.line,
                        f"{self.renamed[name]}, imported first, would run {importer} by way of "
                        f"its import of {site.imported}, and {importer} takes names from it before "
                        "it has them: promote the package with it, or defer one of the two imports",
                    )

    def _run_first(self, site: ImportSite, packages: Collection[str]) -> list[str]:
        """Return those of some packages whose own code an import runs."""
        if site.kind != "eager" or not site.resolved or site.imported in self.renamed:
            return []
        table, made = self.workspace.table.by_name, self.workspace.made
        return [
            up
            for up in (site.imported, *packages_around(site.imported))
            if up in packages and not table[up].namespace and table[up].path not in made
        ]

    def _taking_from(self, name: str) -> set[str]:
        """Return the modules that take names from a moved one while they are imported."""
        found: set[str] = set()
        for importer in self.workspace.importers_of(name):
            module = self.workspace.table.by_name[importer]
            for raw in self.workspace.records[module.path].imports:
                takes = raw.kind == "eager" and raw.names is not None
                if takes and self.renaming.taken_from(module, raw) == name:
                    found.add(importer)
        return found

    def _refuse_bad_places(self) -> None:
        for move in self.moves:
            taken = move.target in self.workspace.tracked
            if taken and move.target not in self.moved and move.target not in self.deleted:
                raise Refused(move.source, 1, f"{move.target} is there already")
            for other in self.workspace.files_in(posixpath.dirname(move.target)):
                if other.casefold() == move.target.casefold() and other != move.target:
                    raise Refused(
                        move.source, 1, f"{move.target} would differ from {other} only in case"
                    )
            directory = self.workspace.differing_in_case(move.target)
            if directory is not None:
                raise Refused(
                    move.source, 1, f"{move.target} would differ from {directory} only in case"
                )
            module = self.workspace.table.by_path.get(move.source)
            new = self.after.by_path.get(move.target)
            hidden = None if new is None else self.workspace.table.by_name.get(new.name)
            if (
                hidden is not None
                and not hidden.namespace
                and hidden.path not in self.moved
                and hidden.path not in self.deleted
                and hidden.path != move.target
            ):
                raise Refused(move.source, 1, f"{move.target} would hide {hidden.path}")
            if module is not None and module.importable and (new is None or not new.importable):
                raise Refused(move.source, 1, f"nobody could import {move.target} by name")

    # Shims.

    def _shimmed(self) -> set[str]:
        """Return the paths where a shim is to stand: of moved modules, but for those of tests."""
        by_path = self.workspace.table.by_path
        return {
            path
            for path in self.moved
            if path in by_path
            and by_path[path].importable
            and path.endswith(".py")
            and not _OF_TESTS.fullmatch(posixpath.basename(path))
            and path not in self.moved.values()
        }

    def _is_shim(self, path: str) -> bool:
        record = self.workspace.records.get(path)
        return record is not None and record.shim is not None

    def _refuse_taken_shims(self) -> None:
        """Refuse to put a module in the place of a shim that is still imported.

        The import would get another module, by the same name.
        """
        origin = {target: source for source, target in self.moved.items()}
        for path in sorted(filter(self._is_shim, self.deleted)):
            name = self.workspace.table.by_path[path].name
            for importer in sorted(self.workspace.importers_of(name)):
                what = f"{path} is a shim that {importer} imports: let that import the new name"
                raise Refused(origin[path], 1, what)

    def _new_shims(self) -> list[tuple[Shim, str]]:
        """Return the shims to make and their paths."""
        if self.shims is None:
            return []
        by_path = self.workspace.table.by_path
        found: dict[str, Shim] = {}
        # What is in a package comes before the package.
        for path in sorted(self.shimmed, key=lambda p: (-p.count("/"), p.endswith(INIT), p)):
            old = by_path[path].name
            shim = self.shims.of(old, self.renamed[old])
            if not f"{shim.old}{shim.new}".isascii():
                raise Refused(path, 1, f"a shim is ASCII, and {old} is not: promote it without")
            home, _, last = old.rpartition(".")
            bound = self.packages.bound(home, last)
            if bound.to == "else":
                raise Refused(
                    bound.path,
                    bound.line,
                    f"{last} is bound here, and importing the shim of {old} would take its place: "
                    "promote it without",
                )
            if shim.kind == "alias" and by_path[path].package:
                other = self._no_alias_below(posixpath.dirname(path), shim, found)
                if other is not None:
                    shim = msgspec.structs.replace(shim, kind="reexport")
                    what = f"as an alias it would hide {other}"
                    self.notes.append(f"the shim of {old} is a re-export: {what}")
            around = self._shim_at(f"{posixpath.dirname(path)}/{INIT}")
            if around is not None and (around.kind, shim.kind) == ("alias", "reexport"):
                # The import system would put it into the new package, which the old name is.
                what = f"{around.old} is an alias, and a re-export in it would"
                raise Refused(path, 1, f"{what} take the place of {shim.new}: promote it without")
            found[path] = shim
        return [(shim, path) for path, shim in sorted(found.items())]

    def _shim_at(self, path: str) -> Shim | None:
        """Return the shim that stands somewhere before the move."""
        if not self._is_shim(path):
            return None
        return read_shim(SourceText(self._content(path)).text)

    def _no_alias_below(
        self, directory: str, package: Shim, found: Mapping[str, Shim]
    ) -> str | None:
        """Return a file that keeps a package's shim from being an alias, or None.

        All that stays in it has to be an alias of what has the same name in the new package, in
        packages that have an `__init__.py`.
        """
        workspace = self.workspace
        inside = {
            path
            for path in (*workspace.files_below(directory), *self.made)
            if path.startswith(f"{directory}/")
            and (path in workspace.records or path in self.made)
            and (path not in self.moved or path in self.shimmed)
            and path not in self.deleted
        } - {f"{directory}/{INIT}"}
        for path in sorted(inside):
            shim = found.get(path) or self._shim_at(path)
            if (
                shim is None
                or shim.kind != "alias"
                or shim.new != f"{package.new}{shim.old[len(package.old) :]}"
            ):
                return path
            below = posixpath.dirname(path)
            while f"{below}/{INIT}" in inside:
                below = posixpath.dirname(below)
            if below != directory:
                return path
        return None

    def _prove_shims(self, records: Mapping[str, FileRecord]) -> None:
        """Make sure that each shim imports its new module, and nothing else of the repository."""
        resolver = self.workspace.resolver(self.after)
        for path in sorted(self.shimmed):
            module, record = self.after.by_path[path], records[path]
            sites = resolver.sites(module, record, external=False)
            found = {(site.imported, site.fault) for site in sites}
            if found != {(record.shim, None)} or not module.importable:
                others = sorted(name for name, _ in found if name != record.shim)
                what = f"would import {others[0]}" if others else f"would not reach {record.shim}"
                raise Refused(path, 1, f"its shim {what}: promote it without")

    # References.

    def _affected(self) -> set[str]:
        """Return the paths, before the move, of files that refer to what comes or goes, or may."""
        workspace, before = self.workspace, self.workspace.table
        affected = {path for path in self.moved if path in workspace.records}
        changed = before.by_name.keys() ^ self.after.by_name.keys()
        for name in changed | self.renamed.keys() | set(self.renamed.values()):
            affected |= workspace.naming(name)
            affected.update(
                before.by_name[importer].path for importer in workspace.importers_of(name)
            )
        for name in self.renamed:
            for place in self.mentions.of_name(name):
                path = workspace.now(place.path)
                if path in workspace.records and self.packages.moved(place.text) == name:
                    affected.add(path)
        for package, pattern in self._broken_off.items():
            affected |= workspace.matching(pattern, self.mentions.just(package))
        for parting in (*self.parting, *self.left):
            affected |= self._reaching(parting)
        leading = {before.by_name[name].path for name in self._leading_here}
        for parting in self.unrun:
            affected |= self._reaching(parting) & leading
        return affected - self.deleted

    def _reaching(self, parting: _Parting) -> set[str]:
        """Return files that may reach a submodule through its package, without importing it."""
        workspace = self.workspace
        found = self._with_attribute(parting, self._importing(parting.package))
        binding = workspace.binding(parting.package.partition(".")[0])
        wanted = (
            (parting.chain, self._with_attribute(parting, binding)),
            (parting.word, self._sharing_names(parting.package)),
        )
        return found.union(
            path
            for pattern, paths in wanted
            for path, content in workspace.contents(paths).items()
            if pattern.search(content)
        )

    def _with_attribute(self, parting: _Parting, paths: Collection[str]) -> set[str]:
        self.workspace.contents(paths)  # all at once
        attributes = self.workspace.attributes
        return {path for path in paths if not parting.names.isdisjoint(attributes(path))}

    def _importing(self, package: str) -> set[str]:
        """Return the files that import a package or one around it."""
        names: set[str] = set()
        while package:
            names |= self.workspace.importers_of(package)
            package = package.rpartition(".")[0]
        return {self.workspace.table.by_name[name].path for name in names}

    def _sharing_names(self, package: str) -> set[str]:
        """Return the files that see a package's names as their own: itself, and star importers."""
        workspace = self.workspace
        module = workspace.table.by_name[package]
        paths = set() if module.namespace else {module.path}
        for importer in workspace.importers_of(package):
            path = workspace.table.by_name[importer].path
            if _has_star(workspace.records[path]):
                paths.add(path)
        return paths

    def _content(self, path: str) -> bytes:
        return self.workspace.contents([path])[path]

    def _rewritten(self, path: str) -> bytes | None:
        """Return a file's content after the move, or None if it does not change."""
        workspace = self.workspace
        place = Place(workspace.table.by_path[path], self.after.by_path[self.moved.get(path, path)])
        content = self._content(path)
        record = workspace.records[path]
        try:
            source = SourceText(content)
        except Undecodable:
            return None  # it has no imports either; the proof sees to it
        shim = read_shim(source.text)
        if shim is not None:  # it follows whole, with the names in its header
            if shim.new not in self.renamed:
                return None
            if content != shim_content(shim, package=place.before.package):
                raise Refused(path, 1, f"this shim of {shim.new} was edited: remove it first")
            shim = msgspec.structs.replace(shim, new=self.renamed[shim.new])
            return shim_content(shim, package=place.before.package)
        self._refuse_rebound(source, place.before, record)
        edits, bindings = import_edits(source, record, place, self.renaming)
        self._refuse_exported(place.before, bindings)
        self._refuse_unread(source, place.before, record)
        found = self._uses(source, record, place, bindings)
        if found is not None:
            edits += found.edits
        if not edits:
            return None
        try:
            changed = source.edited(edits)
        except OverlappingEdits as error:
            line = int(str(error))
            raise Refused(path, line, "two references overlap: rewrite one by hand") from error
        except UnicodeEncodeError as error:
            raise Refused(
                path, 1, f"the file's encoding does not take the edit: {error}"
            ) from error
        if found is not None and names_of(SourceText(changed).text).spelling != found.spelling:
            raise Refused(path, 1, "its names do not come out as they must: rewrite it by hand")
        return changed

    def _prove_names(self, path: str, content: bytes, record: FileRecord) -> None:
        before = self.workspace.table
        prove_names(
            Version(SourceText(self._content(path)), self.workspace.records[path]),
            Version(SourceText(content), record),
            Place(before.by_path[path], self.after.by_path[self.moved.get(path, path)]),
            before,
            self.renamed,
        )

    def _uses(
        self, source: SourceText, record: FileRecord, place: Place, bindings: list[ChangedBinding]
    ) -> Uses | None:
        """Return what changes beside import statements; None where it need not be looked for."""
        path = place.before.path
        if not bindings and not self._may_use(source, place.before, record):
            return None
        try:
            names = names_of(source.text)
        except Unreadable as error:
            if bindings:
                raise Refused(
                    path,
                    bindings[0].line,
                    "the file does not parse, so its uses of the module cannot be followed",
                ) from error
            self.notes.append(
                f"{path} does not parse: look at line {error.line} and the rest of it for other "
                "uses of the module"
            )
            return None
        loading = [
            self.renaming.target(place.before, raw, None).imported
            for raw in record.imports
            if raw.dynamic
        ]
        leads = place.before.name in self._leading_here
        loading.extend(self.run_no_more if leads else self.around)
        return uses(source, names, place, bindings, self.renaming, self.packages, loading)

    @cached_property
    def _leading_here(self) -> set[str]:
        """Return the modules whose import leads to that of a moved module, or of what it leaves."""
        found: set[str] = set()
        below = tuple(f"{name}." for name in self.stubs)
        new = set(self.renamed)
        if below:
            new.update(name for name in self.workspace.table.by_name if name.startswith(below))
        while new:
            found |= new
            importers = (self.workspace.importers_of(name) for name in new)
            new = {importer for some in importers for importer in some} - found
        return found

    def _may_use(self, source: SourceText, module: Module, record: FileRecord) -> bool:
        """Tell whether a file, its import statements apart, may refer to a moved module."""
        if module.path in self.moved or any(
            self._dynamically(module, raw) for raw in record.imports
        ):
            return True
        rest = "\n".join(source.text[slice(*part)] for part in _outside_imports(source, record))
        code = rest.encode("utf-8", "surrogateescape")
        if _RELATIVE_SPEC.search(rest) or any(
            pattern.search(code) for pattern in self._broken_off.values()
        ):
            return True
        binds = _has_star(record) or any(
            module.path in self.workspace.binding(top) for top in self.tops
        )
        if (binds and self._names_moved(rest, r"(?<![\w.])")) or (
            _NAMING.search(rest) and self._names_moved(rest, "(?<=[\"'])")
        ):
            return True
        for parting in (*self.parting, *self.left, *self.unrun):
            if not parting.word.search(code):
                continue
            if module.path in self._sharing_names(parting.package):
                return True
            reaches = binds or module.path in self._importing(parting.package)
            if reaches and parting.attribute.search(code):
                return True
        return False

    def _names_moved(self, text: str, before: str) -> bool:
        """Tell whether a text has a dotted name that means a moved module or something in it.

        Args:
            text: the text.
            before: pattern of what stands in front of it.
        """
        for name in self.renamed:
            if name in text:
                for found in re.finditer(rf"{before}{re.escape(name)}(?:\.\w+)*", text):
                    if self.packages.moved(found.group()) == name:
                        return True
        return False

    def _dynamically(self, module: Module, raw: RawImport) -> bool:
        if not raw.dynamic:
            return False
        target = self.renaming.target(module, raw, None)
        return target.imported in self.renamed or raw.module.startswith(".")

    def _refuse_unread(self, source: SourceText, module: Module, record: FileRecord) -> None:
        """Refuse an import of a moved module that does not parse."""
        stretches = _outside_imports(source, record)
        found = [
            hit
            for hit in _UNREAD.finditer(source.text)
            if self.packages.moved(hit["name"]) is not None
            and any(start <= hit.start("name") < end for start, end in stretches)
        ]
        if not found:
            return
        text = source.text
        try:
            words = import_words(text)
        except UnmatchedQuote:
            words = import_words(without_unmatched_quotes(text))
        code = {source.line_of(word.start) for word in words}
        for hit in found:
            line = source.line_of(hit.start("name"))
            if line in code:
                raise Refused(module.path, line, "this import does not parse: mend it first")

    def _refuse_rebound(self, source: SourceText, module: Module, record: FileRecord) -> None:
        """Refuse a name of a submodule that a package makes something else.

        That is what `from package import name` and `import package.name as n` give at run time.
        """
        for raw in record.imports:
            if raw.dynamic:
                continue
            for name in raw.names or (None,):
                submodule = self.renaming.bound_module(module, raw, name)
                bound = None if submodule is None else self.packages.rebound(submodule)
                if submodule is None or bound is None:
                    continue
                if name is not None or _renames(source, raw):
                    raise Refused(module.path, raw.line, rebound_reason(submodule, bound))

    def _refuse_exported(self, module: Module, bindings: Iterable[ChangedBinding]) -> None:
        """Refuse to change a first name that other files import from this one."""
        firsts = {
            binding.old.partition(".")[0]: binding.line
            for binding in bindings
            if binding.old.partition(".")[0] != binding.new.partition(".")[0]
        }
        if not firsts:
            return
        for importer in sorted(self.workspace.importers_of(module.name)):
            other = self.workspace.table.by_name[importer]
            for raw in self.workspace.records[other.path].imports:
                for name in raw.names or ():
                    if name in firsts and (
                        self.renaming.target(other, raw, name).imported == module.name
                    ):
                        raise Refused(
                            module.path,
                            firsts[name],
                            f"{other.path}:{raw.line} imports {name} from here: rewrite it by hand",
                        )

    def _refuse_unlisted(self) -> None:
        """Refuse where a package's `__all__` lists a submodule that parts from it.

        `from package import *` imports such a submodule by its name.
        """
        for package, child in ((p.package, child) for p in self.parting for child in p.children):
            line = self.packages.lists(package, child)
            if line is None or self.packages.bound(package, child).to != "nothing":
                continue
            path = self.workspace.table.by_name[package].path
            if self._sharing_names(package) - {path}:
                raise Refused(
                    path,
                    line,
                    f"__all__ lists {child} and {package} does not import it: "
                    f"add `from {package} import {child}` first",
                )
            self.notes.append(f"{path}:{line}: __all__ lists {child}, which is there no more")

    def _refuse_stand_ins(self) -> None:
        """Refuse a package that stands in for another one whose name the package around binds.

        Importing a submodule makes it an attribute of the package around: the stand-in would take
        the place of what that package's own code made the name.
        """
        before, after = self.workspace.table.by_name, self.after.by_name
        origin = {new: old for old, new in self.renamed.items()}
        found = set(self.stubs)
        found |= (after.keys() - before.keys()) - origin.keys()
        made = (self.workspace.table.by_path[path].name for path in self.workspace.made)
        found |= {n for n in made if n in after and n.rpartition(".")[0] in origin} - origin.keys()
        for name in sorted(found):
            home, _, last = name.rpartition(".")
            bound = self.packages.bound(origin.get(home, home), last)
            if bound.to != "nothing":
                raise Refused(
                    bound.path,
                    bound.line,
                    f"{last} is bound here, and a package {name} that stands in for it would take "
                    "its place: promote what is in it together",
                )

    # What else there is to say.

    def _references(self, written: Mapping[str, bytes]) -> References:
        return references(
            self.workspace,
            self.mentions,
            self.renamed,
            self.moved,
            self.target,
            means=self.packages.moved,
            gone=self.deleted,
            written=written,
            rewrite=self.rewrite_text,
        )

    def _say_what_runs(self) -> None:
        for move in self.moves:
            if move.source not in self.workspace.records:
                continue
            for old, new in directories_around(move.source, move.target, self.target):
                had, has = f"{old}/{INIT}", f"{new}/{INIT}"
                if self.moved.get(had) == has or had == move.source:
                    continue
                runs_before = had in self.workspace.tracked and had not in self.workspace.made
                runs_after = has in self.workspace.tracked and has not in self.workspace.made
                module = self.after.by_path[move.target].name
                if runs_before:
                    self.notes.append(f"importing {module} no longer runs {had}")
                if runs_after and has not in self.moved.values():
                    self.notes.append(f"importing {module} now runs {has}")


def _renames(source: SourceText, raw: RawImport) -> bool:
    """Tell whether an `import a.b` has an `as`."""
    start = source.offset_of(raw.line, raw.column)
    statement = source.text[start : statement_end(source.text, start + len("import"))]
    return re.search(rf"\b{re.escape(raw.module)}\s+as\b", statement) is not None


def _has_star(record: FileRecord) -> bool:
    return any(raw.names == ("*",) for raw in record.imports)


def _outside_imports(source: SourceText, record: FileRecord) -> list[tuple[int, int]]:
    """Return the stretches of a text between its import statements, as offsets."""
    parts, position = [], 0
    for start, end in import_statements(source, record):
        parts.append((position, start))
        position = end
    return [*parts, (position, len(source.text))]


def _upward(directory: str) -> Iterable[str]:
    while directory:
        yield directory
        directory = posixpath.dirname(directory)

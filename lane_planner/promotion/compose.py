"""Modules to promote → a `Promotion`: every move, every edit, and the proof that all imports hold.

The proof: the imports of every file that is touched, or whose imports name something that comes
or goes, are resolved again after the move; they must be the old ones with the moved modules
renamed, import for import, kind for kind.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import msgspec

from lane_planner.config.settings import Lane
from lane_planner.graph.resolve import ImportSite, Resolver, Target
from lane_planner.promotion.imports import ChangedBinding, Place, import_edits
from lane_planner.promotion.mentions import Mentions
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.text import Edit, OverlappingEdits, SourceText
from lane_planner.promotion.uses import uses
from lane_planner.promotion.values import MADE_INIT, FileMove, FileWrite, Promotion
from lane_planner.promotion.workspace import Workspace
from lane_planner.scan.decode import Undecodable
from lane_planner.scan.modules import Module, ModuleTable
from lane_planner.scan.records import FileRecord, RawImport
from lane_planner.scan.source import scan_source

_INIT = "__init__.py"


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
) -> Composed:
    """Work out a promotion on the repository as it is now.

    Args:
        workspace: the repository; it is not changed.
        source: lane that is left.
        target: lane that is reached.
        moves: files that move, modules and what lies beside them.
        mentions: where the commit that the workspace started from names modules of the lane.
        name: what to call the promotion.

    Raises:
        Refused: a reference cannot be rewritten surely, or the proof fails.
    """
    return _Composition(workspace, source, target, sorted(moves), mentions).compose(name)


class _Composition:
    def __init__(
        self,
        workspace: Workspace,
        source: Lane,
        target: Lane,
        moves: list[FileMove],
        mentions: Mentions,
    ) -> None:
        self.workspace = workspace
        self.source = source
        self.target = target
        self.moves = moves
        self.mentions = mentions
        self.moved = {move.source: move.target for move in moves}
        self.notes: list[str] = []
        self._layout()
        before = workspace.table
        self.after = workspace.name(self._paths_after())
        self.renamed = {
            before.by_path[old].name: self.after.by_path[new].name
            for old, new in self.moved.items()
            if old in before.by_path and new in self.after.by_path
        }
        self.renaming = Renaming(before, self.renamed, workspace.resolver(before))

    def compose(self, name: str) -> Composed:
        self._refuse_bad_places()
        affected = self._affected()
        writes: list[FileWrite] = []
        records: dict[str, FileRecord] = {}
        for path in sorted(affected):
            content = self._rewritten(path)
            after = self.moved.get(path, path)
            if content is not None:
                writes.append(FileWrite(after, content, "rewritten"))
                records[after] = scan_source(content)
        for old, new in self.moved.items():
            if old in self.workspace.records and new not in records:
                records[new] = self.workspace.records[old]
        for path in self.made:
            writes.append(FileWrite(path, MADE_INIT, "made"))
            records[path] = FileRecord()
        self._prove(affected, records)
        self._say_what_runs()
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
        )
        return Composed(promotion, self.after, records, frozenset(affected))

    # Files.

    def _layout(self) -> None:
        """Decide which `__init__.py` files are made and which go away."""
        workspace = self.workspace
        staying = workspace.tracked - self.moved.keys()
        arriving = set(self.moved.values())
        self.deleted = {path for path in arriving if path in workspace.made}
        made: set[str] = set()
        for move in self.moves:
            if move.source not in workspace.records:
                continue  # a data file makes no package
            for old, new in _directories(move.source, move.target, self.target):
                init = f"{new}/{_INIT}"
                had = f"{old}/{_INIT}"
                if had in workspace.tracked and init not in staying | arriving:
                    made.add(init)
        homes = {posixpath.dirname(path) for path in self.moved}
        for directory in sorted({up for home in homes for up in _upward(home)}):
            init = f"{directory}/{_INIT}"
            if self.workspace.lanes.of_path(init) != self.source.name:
                continue
            modules = [
                path
                for path in staying
                if path.startswith(f"{directory}/")
                and path.endswith(".py")
                and path not in workspace.made
            ]
            if init in self.moved and modules:
                made.add(init)  # what stays behind is still a package's
            elif init in workspace.made and not modules and init not in self.moved:
                self.deleted.add(init)
        self.made = sorted(made)

    def _paths_after(self) -> list[str]:
        gone = self.moved.keys() | self.deleted
        paths = [path for path in self.workspace.records if path not in gone]
        paths += [new for old, new in self.moved.items() if old in self.workspace.records]
        return paths + self.made

    def _refuse_bad_places(self) -> None:
        for move in self.moves:
            taken = move.target in self.workspace.tracked
            if taken and move.target not in self.moved and move.target not in self.deleted:
                raise Refused(move.source, 1, f"{move.target} is there already")
            module = self.workspace.table.by_path.get(move.source)
            new = self.after.by_path.get(move.target)
            if module is not None and module.importable and (new is None or not new.importable):
                raise Refused(move.source, 1, f"nobody could import {move.target} by name")

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
                if path in workspace.records:
                    affected.add(path)
            affected |= self._reaching(name)
        return affected

    def _reaching(self, name: str) -> set[str]:
        """Return files that import a package around a module and may reach it as an attribute."""
        workspace = self.workspace
        package, _, last = name.rpartition(".")
        importers: set[str] = set()
        while package:
            importers |= workspace.importers_of(package)
            package = package.rpartition(".")[0]
        paths = [workspace.table.by_name[importer].path for importer in importers]
        word = re.compile(rb"\.\s*" + re.escape(last.encode("utf-8")) + rb"\b")
        contents = workspace.contents(paths)
        return {path for path, content in contents.items() if word.search(content)}

    def _rewritten(self, path: str) -> bytes | None:
        """Return a file's content after the move, or None if it does not change."""
        workspace = self.workspace
        before = workspace.table.by_path[path]
        after = self.after.by_path[self.moved.get(path, path)]
        content = workspace.contents([path])[path]
        record = workspace.records[path]
        try:
            source = SourceText(content)
        except Undecodable:
            return None  # it has no imports either; the proof sees to it
        self._refuse_rebound(before, record)
        edits, bindings = import_edits(source, record, Place(before, after), self.renaming)
        edits += self._use_edits(source, before, record, edits, bindings)
        if not edits:
            return None
        try:
            changed = source.edited(edits)
        except OverlappingEdits as error:
            line = int(str(error))
            raise Refused(path, line, "two references overlap: rewrite one by hand") from error
        except UnicodeEncodeError as error:
            raise Refused(
                path, 1, f"the new name has no place in the file's encoding: {error}"
            ) from error
        return changed if changed != content else None

    def _use_edits(
        self,
        source: SourceText,
        module: Module,
        record: FileRecord,
        edits: list[Edit],
        bindings: list[ChangedBinding],
    ) -> list[Edit]:
        if not bindings and not self._may_use(source, module, record):
            return []
        try:
            found = uses(source, module, bindings, self.renaming)
        except Refused as refusal:
            if bindings or "does not parse" not in refusal.reason:
                raise
            self.notes.append(
                f"{module.path} does not parse: look at line {refusal.line} and the rest of it for "
                "other uses of the module"
            )
            return []
        self.notes.extend(
            f"{module.path}:{named.line}: a string names {named.text} and was left as it is"
            for named in found.named
        )
        return list(found.edits)

    def _may_use(self, source: SourceText, module: Module, record: FileRecord) -> bool:
        """Tell whether a file's text, import statements apart, may refer to a moved module."""
        imports = {raw.line for raw in record.imports if not raw.dynamic}
        lines = source.text.split("\n")
        rest = "\n".join(line for number, line in enumerate(lines, 1) if number not in imports)
        for name in self.renamed:
            if name in rest:
                return True
            package, _, last = name.rpartition(".")
            if not re.search(rf"\.\s*{re.escape(last)}\b", rest):
                continue
            while package:
                if module.name in self.workspace.importers_of(package):
                    return True
                package = package.rpartition(".")[0]
        return False

    def _refuse_rebound(self, module: Module, record: FileRecord) -> None:
        """Refuse `from package import name` where the package makes `name` something else.

        The package's own binding is what the statement gives at run time, not the submodule.
        """
        for raw in record.imports:
            for name in raw.names or ():
                target = self.renaming.target(module, raw, name)
                if target.imported not in self.renamed or not self._submodule(module, raw, name):
                    continue
                package = self.workspace.table.by_name.get(target.imported.rpartition(".")[0])
                if package is None or package.namespace or package.name in self.renamed:
                    continue
                if package.name == module.name:
                    continue
                line = self._bound_at(package, name)
                if line is not None:
                    raise Refused(
                        module.path,
                        raw.line,
                        f"{package.path}:{line} makes {name} something else than the module "
                        f"{target.imported}: promote the package with it, or rename one of them",
                    )

    def _submodule(self, module: Module, raw: RawImport, name: str) -> bool:
        """Tell whether one name of a `from` import is a submodule of what it is imported from."""
        target = self.renaming.target(module, raw, name)
        if target.fault is not None or target.external:
            return False
        return target.imported == f"{self.renaming.written(module, raw)}.{name}"

    def _bound_at(self, package: Module, name: str) -> int | None:
        """Return the line on which a package binds a name to what is not its submodule, or None."""
        content = self.workspace.contents([package.path])[package.path]
        if not re.search(rb"\b" + re.escape(name.encode("utf-8")) + rb"\b", content):
            return None
        for raw in self.workspace.records[package.path].imports:
            if name in (raw.names or ()) and not self._submodule(package, raw, name):
                return raw.line
        pattern = re.compile(
            rf"^(?:(?:async\s+)?def|class)\s+{re.escape(name)}\b|^{re.escape(name)}\s*(?::[^=\n]*)?=[^=]",
            re.MULTILINE,
        )
        try:
            source = SourceText(content)
        except Undecodable:
            return None
        found = pattern.search(source.text)
        return source.line_of(found.start()) if found else None

    # The proof.

    def _prove(self, affected: Collection[str], records: Mapping[str, FileRecord]) -> None:
        workspace = self.workspace
        resolver = workspace.resolver(self.after)
        for path in sorted(affected):
            before = workspace.table.by_path[path]
            after = self.after.by_path[self.moved.get(path, path)]
            old = workspace.records[path]
            new = records.get(after.path, old)
            expected = self._predicted(before, after, old, resolver)
            found = Counter(map(_meaning, resolver.sites(after, new, external=True)))
            if expected != found:
                lost, gained = sorted(expected - found, key=str), sorted(found - expected, key=str)
                what = " and ".join(
                    part
                    for part in (
                        f"loses the import of {lost[0][0]}" if lost else "",
                        f"gets an import of {gained[0][0]}" if gained else "",
                    )
                    if part
                )
                line = next(
                    (
                        s.line
                        for s in workspace.sites_in(before.name)
                        if lost and self.renamed.get(s.imported, s.imported) == lost[0][0]
                    ),
                    1,
                )
                raise Refused(path, line, f"{after.name} {what} by the move")

    def _predicted(
        self, before: Module, after: Module, record: FileRecord, resolver: Resolver
    ) -> Counter[tuple[object, ...]]:
        """Return the meanings that a file's imports must have after the move."""
        expected: Counter[tuple[object, ...]] = Counter()
        statements: dict[tuple[int, int], set[tuple[object, ...]]] = {}
        for raw in record.imports:
            names: tuple[str | None, ...] = raw.names or (None,)
            for name in names:
                target = self._after_move(before, after, raw, name, resolver)
                if target.imported == after.name:
                    continue
                meaning = (
                    target.imported, target.fault, target.external, raw.kind, raw.optional,
                    raw.dynamic,
                )  # fmt: skip
                seen = statements.setdefault((raw.line, raw.column), set())
                if meaning[:2] not in {known[:2] for known in seen}:
                    seen.add(meaning)
                    expected[meaning] += 1
        return expected

    def _after_move(
        self, before: Module, after: Module, raw: RawImport, name: str | None, resolver: Resolver
    ) -> Target:
        target = self.renaming.target(before, raw, name)
        if target.fault == "LP302":
            return target
        if not target.external and target.fault is None and target.imported in self.renamed:
            return Target(self.renamed[target.imported], None, False)
        written = self.renaming.written(before, raw)
        names = None if name is None else (name,)
        now = resolver.targets(after, RawImport(written, names, raw.line, raw.column))[0]
        if target.external or now.imported in self.renamed.values() or now == target:
            return now
        if target.fault is not None or now.fault is None:
            return now  # a missing module that a made package now stands for
        raise Refused(
            before.path,
            raw.line,
            f"{target.imported} would not exist any more: import what it holds",
        )

    # What else there is to say.

    def _say_what_runs(self) -> None:
        for move in self.moves:
            if move.source not in self.workspace.records:
                continue
            for old, new in _directories(move.source, move.target, self.target):
                had, has = f"{old}/{_INIT}", f"{new}/{_INIT}"
                if self.moved.get(had) == has or had == move.source:
                    continue
                runs_before = had in self.workspace.tracked and had not in self.workspace.made
                runs_after = has in self.workspace.tracked and has not in self.workspace.made
                module = self.after.by_path[move.target].name
                if runs_before:
                    self.notes.append(f"importing {module} no longer runs {had}")
                if runs_after and has not in self.moved.values():
                    self.notes.append(f"importing {module} now runs {has}")


def _meaning(site: ImportSite) -> tuple[object, ...]:
    return (site.imported, site.fault, site.external, site.kind, site.optional, site.dynamic)


def _directories(source: str, target: str, lane: Lane) -> list[tuple[str, str]]:
    """Return (before, after) of the directories around a moved file, inside its lane, from the top."""
    old, new = posixpath.dirname(source), posixpath.dirname(target)
    pairs = []
    while new == lane.paths[0] or new.startswith(f"{lane.paths[0]}/"):
        pairs.append((old, new))
        if new == lane.paths[0]:
            break
        old, new = posixpath.dirname(old), posixpath.dirname(new)
    return pairs[::-1]


def _upward(directory: str) -> Iterable[str]:
    while directory:
        yield directory
        directory = posixpath.dirname(directory)

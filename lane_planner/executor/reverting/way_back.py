"""A step on its way back: what would not work any more without it, and the proof of the rest.

The imports of all files have to be the ones of today under the mapping that leads back, one for one
and kind for kind. What was forbidden or led nowhere before the step may do so again; anything else
that would is told with its place.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator

from lane_planner.base.text import printable
from lane_planner.executor.reverting.landings import Landing
from lane_planner.executor.reverting.restoring import Ground, Obstacle, Restored
from lane_planner.executor.shims import nearest_module
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.planner.facts import excluded
from lane_planner.promotion.imports import Place
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.proof import Version, prove_imports, prove_names
from lane_planner.promotion.text import SourceText
from lane_planner.promotion.values import Promotion
from lane_planner.promotion.workspace import Workspace
from lane_planner.rules.cycles import cyclic_components
from lane_planner.scan.decode import Undecodable
from lane_planner.scan.modules import ModuleTable
from lane_planner.scan.records import FileRecord
from lane_planner.scan.source import scan_source
from lane_planner.scan.syntax import syntax_fault

_WORD = re.compile(r"[\w./-]*\w")


class WayBack:
    """A step taken back, before it is: what the repository becomes.

    Args:
        ground: the repository with the step.
        restored: what changes.
        landing: the step.
    """

    def __init__(self, ground: Ground, restored: Restored, landing: Landing) -> None:
        self._ground = ground
        self._workspace = workspace = ground.workspace
        self._restored = restored
        self._landing = landing
        self._moved = {move.source: move.target for move in restored.moves}
        gone = {*self._moved, *restored.deletes}
        kept = {path: r for path, r in workspace.records.items() if path not in gone}
        self._new = {new: workspace.records[old] for old, new in self._moved.items()
                     if old in workspace.records}  # fmt: skip
        globs = excluded(workspace.settings)
        for write in restored.writes:
            inside = globs is None or not globs.matches(write.path)
            if write.path.endswith((".py", ".pyi")) and inside:
                self._new[write.path] = scan_source(write.content)
        self._records: dict[str, FileRecord] = dict(sorted((kept | self._new).items()))
        self._after: ModuleTable = workspace.name(self._records)
        self._dangling: set[str] = set()  # paths of files with imports that led nowhere before
        by_path = workspace.table.by_path
        self._renamed = {
            by_path[old].name: self._after.by_path[new].name
            for old, new in self._moved.items()
            if old in by_path and new in self._after.by_path
        }

    def promotion(self) -> Promotion:
        """Return what taking the step back changes."""
        restored, landing, workspace = self._restored, self._landing, self._workspace
        along = [
            move
            for move in restored.moves
            if move.source in workspace.beside
            or workspace.lanes.of_path(move.source) != landing.target
        ]
        by_path = workspace.table.by_path
        stubs = {by_path[path].name for path in workspace.beside if path in by_path}
        others = {by_path[move.source].name for move in along if move.source in by_path}
        return Promotion(
            source_lane=landing.target,
            target_lane=landing.source,
            name=landing.title,
            modules=tuple(sorted(self._renamed.keys() - others)),
            renamed=tuple(sorted((o, n) for o, n in self._renamed.items() if o not in stubs)),
            moves=restored.moves,
            writes=restored.writes,
            deletes=restored.deletes,
            two_commits=landing.two_commits,
            along=tuple(along),
        )

    def troubles(self) -> Iterator[tuple[Obstacle, tuple[str, ...]]]:
        """Yield what would not work any more, and the paths of the modules at both its ends."""
        resolver = self._workspace.resolver(self._after)
        before = self._graph(self._workspace.table, self._workspace.sites_in)

        def sites_in(name: str) -> Iterable[ImportSite]:
            module = self._after.by_name[name]
            record = None if module.namespace else self._records.get(module.path)
            return [] if record is None else resolver.sites(module, record, external=False)

        after = self._graph(self._after, sites_in)
        origins = {new: old for old, new in self._moved.items()}
        known = {self._meant(site) for site in before.sites if self._is_bad(before, site)}
        circles = {frozenset(self._name(name) for name in part) for _, part in
                   cyclic_components(before)}  # fmt: skip
        bad = [
            site
            for site in after.sites
            if self._is_bad(after, site) and (site.importer, site.imported) not in known
        ]
        earlier = self._earlier({after.modules[site.importer].path for site in bad})
        for site in bad:
            path = after.modules[site.importer].path
            shown = origins.get(path, path)
            end = after.modules.get(site.imported)
            if site.imported in earlier[path]:
                if not site.resolved:
                    self._dangling.add(shown)
                continue
            what = f"{printable(site.importer)} imports {printable(site.imported)}"
            if site.resolved:
                lanes = self._workspace.lanes
                what += f": {lanes.of_path(path)} may not import {lanes.of_imported(after, site)}"
            else:
                what += ", which would not be there any more"
            origin = self._workspace.origin(shown)
            paths = [shown] if end is None else [shown, origins.get(end.path, end.path)]
            paths = [p for p in paths if p not in self._moved]
            yield Obstacle(origin, site.line, what), tuple(paths)
        for code, part in cyclic_components(after):
            if not any(circle.issuperset(part) for circle in circles):
                inside = frozenset(part)
                site = next(s for s in after.sites_in(part[0]) if s.imported in inside)
                path = after.modules[part[0]].path
                what = f"{code}: {printable(part[0])} would be in a circle of {len(part)} modules"
                origin = self._workspace.origin(origins.get(path, path))
                yield Obstacle(origin, site.line, what), ()
        yield from ((obstacle, ()) for obstacle in self._left_in_merged())

    def _graph(
        self, table: ModuleTable, sites_in: Callable[[str], Iterable[ImportSite]]
    ) -> ImportGraph:
        sites = (s for name in table.by_name for s in sites_in(name) if not s.external)
        return ImportGraph(table, sites)

    def _name(self, name: str) -> str:
        return self._renamed.get(name, name)

    def _meant(self, site: ImportSite) -> tuple[str, str]:
        return self._name(site.importer), self._name(site.imported)

    def _is_bad(self, graph: ImportGraph, site: ImportSite) -> bool:
        if site.fault is not None:
            return True
        lanes = self._workspace.lanes
        importer = lanes.of_path(graph.modules[site.importer].path)
        return not self._workspace.settings.allowed(importer, lanes.of_imported(graph, site))

    def _earlier(self, paths: Collection[str]) -> dict[str, set[str]]:
        """Return what files imported before the step, whatever that led to.

        Args:
            paths: after it is taken back.
        """
        if not paths:
            return {}
        listed = self._ground.git.out("ls-tree", "-r", "-z", self._landing.before).split(b"\0")
        fields = (line.partition(b"\t") for line in listed if line.startswith(b"100"))
        blobs = {os.fsdecode(name): head[12:].decode("ascii") for head, _, name in fields}
        contents = self._ground.read(blobs[path] for path in paths if path in blobs)
        resolver = self._workspace.resolver(self._after)
        found = {}
        for path in paths:
            record = scan_source(contents[blobs[path]]) if path in blobs else FileRecord()
            sites = resolver.sites(self._after.by_path[path], record, external=False)
            found[path] = {site.imported for site in sites}
        return found

    def _left_in_merged(self) -> Iterator[Obstacle]:
        """Yield where files that were changed since name what would not be there any more."""
        paths = self._moved.keys()
        back = {new: old for old, new in self._moved.items()}
        for path, merged in sorted(self._restored.merged.items()):
            now = back.get(path, path)
            origin = self._workspace.origin(now)
            if path.endswith(".py") and syntax_fault(merged.now) is None:
                fault = syntax_fault(merged.after)
                if fault is not None:
                    what = f"merged with what it was, it would not parse: {fault.message}"
                    yield Obstacle(origin, fault.line, what)
            table = self._workspace.table
            was = Counter(text for text, _ in _names(merged.before, self._renamed, paths, table))
            found = list(_names(merged.after, self._renamed, paths, table))
            counts = Counter(text for text, _ in found)
            lines, after = merged.now.split(b"\n"), merged.after.split(b"\n")
            for text, number in found:
                if counts[text] > was[text]:
                    line = after[number - 1]
                    shown = lines.index(line) + 1 if line in lines else number
                    what = f"it names {printable(text)} since, which would not be there any more"
                    yield Obstacle(origin, shown, what)

    def prove(self) -> None:
        """Prove that nothing changes but what the step had changed.

        Raises:
            Refused: it does.
        """
        workspace, after = self._workspace, self._after
        renaming = Renaming(workspace.table, self._renamed, workspace.resolver(workspace.table))
        origins = {new: old for old, new in self._moved.items()}
        forward = {new: old for old, new in self._renamed.items()}
        paths = [
            path
            for path in workspace.table.by_path
            if path in workspace.records
            and path not in self._restored.deletes
            and self._moved.get(path, path) in after.by_path
        ]
        sure = [path for path in paths if path not in self._dangling]
        prove_imports(workspace, renaming, after, self._moved, sure, self._new)
        if self._dangling:
            # What an import that led nowhere has come to mean, only the step's own way tells.
            then = workspace.fork()
            self.take_over(then)
            renaming = Renaming(after, forward, then.resolver(after))
            changed = {self._moved.get(path, path) for path in self._dangling}
            now = {path: workspace.records[path] for path in paths}
            prove_imports(then, renaming, workspace.table, origins, changed, now)
        for write in self._restored.writes:
            path = origins.get(write.path, write.path)
            if write.reason != "rewritten" or write.path not in self._new:
                continue
            record = workspace.records[path]
            if record.shim is not None or path not in workspace.table.by_path:
                continue  # which is made anew
            try:
                new = Version(SourceText(workspace.contents([path])[path]), record)
                old = Version(SourceText(write.content), self._new[write.path])
            except Undecodable:
                continue  # it has no imports either; the proof of imports sees to it
            place = Place(after.by_path[write.path], workspace.table.by_path[path])
            # The same proof as of the step itself: what is now is what it is to become, moved.
            try:
                prove_names(old, new, place, after, forward)
            except Refused as refusal:
                raise Refused(workspace.origin(path), refusal.line, refusal.reason) from refusal

    def take_over(self, workspace: Workspace) -> None:
        """Let a workspace with the step become what it is without."""
        restored = self._restored
        workspace.take_over(
            self._after,
            self._new,
            self._moved,
            {write.path: write.content for write in restored.writes},
            restored.deletes,
            [write.path for write in restored.writes if write.content == MADE_INIT],
            list(workspace.table.by_path),
        )


def _names(
    content: bytes, renamed: Collection[str], paths: Collection[str], table: ModuleTable
) -> Iterator[tuple[str, int]]:
    """Yield the names and paths of some modules in a text, with their lines, from 1."""
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        for found in _WORD.findall(line):
            if found in paths:
                yield found, number
            elif (name := nearest_module(found, table.by_name)) in renamed:
                yield name, number

"""Modules to promote → a `Promotion`: every move, every edit, and the proof that all imports hold.

What moves and how it is called then is a `Relocation`; what is refused beside rewriting, which
shims are left and what is said have modules of their own. Here files are rewritten, and proved.

The proofs (`lane_planner.promotion.proof`): the imports of every file that is touched, or whose
imports name something that comes or goes, are resolved again after the move; they must be the old
ones with the moved modules renamed, import for import, kind for kind. And a rewritten file binds
the same names in the same scopes as before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

import msgspec

from lane_planner.config.settings import Lane
from lane_planner.planner.landed import INIT
from lane_planner.promotion.companions import MirroredTests, files_beside, mirrored_tests
from lane_planner.promotion.imports import ChangedBinding, Place, import_edits
from lane_planner.promotion.layout import is_shim, lay_out
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.names.names_reader import Unreadable, names_of
from lane_planner.promotion.names.naming_calls import NAMING_CALLS, NAMING_WORDS
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.notes import listed_no_more, lost_to_history, two_commits, what_runs
from lane_planner.promotion.parting import Partings, has_star
from lane_planner.promotion.proof import Version, prove_imports, prove_names
from lane_planner.promotion.references.mentions import Mentions
from lane_planner.promotion.references.references import References, references
from lane_planner.promotion.refusals import check_bindings, check_imports, check_promotion
from lane_planner.promotion.relocation import Relocation, relocate
from lane_planner.promotion.risks import risks
from lane_planner.promotion.shims import Shims, shim_content
from lane_planner.promotion.shims_left import LeftShims, prove_shims, shims_left
from lane_planner.promotion.text import OverlappingEdits, SourceText
from lane_planner.promotion.uses import Uses, uses
from lane_planner.promotion.values import FileMove, FileWrite, Promotion
from lane_planner.promotion.workspace import Workspace
from lane_planner.scan.decode import Undecodable
from lane_planner.scan.modules import Module, ModuleTable
from lane_planner.scan.records import FileRecord, RawImport
from lane_planner.scan.shims import read_shim
from lane_planner.scan.source import scan_source

# `find_spec(".b", "a")`: a relative name that the scan does not take for an import
_RELATIVE_SPEC = re.compile(r"find_spec\(\s*[\"']\.")
# What a string that names a module stands in; a file with none of these has no such string.
_NAMING = re.compile("|".join((*NAMING_WORDS, r"sys\s*\.\s*modules")))


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
        moves: files that move: modules, and the data of whole packages. What belongs to them goes
            along: stubs and built files, and the tests that are laid out like them.
        mentions: where the commit that the workspace started from names modules of the lane.
        name: what to call the promotion.
        shims: what to leave at the old paths of moved modules; None: nothing.
        rewrite_text: whether names in text are rewritten too, where they are certain.

    Raises:
        Refused: a reference cannot be rewritten surely, or the proof fails.
    """
    own = tuple(sorted(moves))
    beside = files_beside(workspace, own)
    tests = mirrored_tests(workspace, source, target, (*own, *beside))

    def composed(tests: MirroredTests) -> Composed:
        layout = lay_out(
            workspace, source, target, own,
            shims=shims is not None, along=(*beside, *tests.moves), mirrors=tests.mirrors,
        )  # fmt: skip
        relocation = relocate(workspace, source, target, layout)
        return _composed(relocation, mentions, tests, name, shims, rewrite_text)

    try:
        return composed(tests)
    except Refused as refusal:
        if not tests.moves:
            raise
        # Nobody asked for the tests to move: what only they stand in the way of goes without.
        return composed(tests.held_back(str(refusal)))


def _composed(
    relocation: Relocation,
    mentions: Mentions,
    tests: MirroredTests,
    name: str,
    shims: Shims | None,
    rewrite_text: bool,
) -> Composed:
    workspace, layout = relocation.workspace, relocation.layout
    renamed = relocation.renaming.renamed
    partings = Partings(relocation)
    check_promotion(relocation, partings)
    notes = list(listed_no_more(relocation, partings))
    affected = partings.affected(mentions)
    workspace.contents(affected)  # all at once: each reading costs a process
    rewriter = _Rewriter(relocation, partings)
    writes, records = _written(rewriter, affected)
    notes += rewriter.notes
    if shims is not None:
        left = shims_left(relocation, shims)
        notes += left.notes
        shim_files = _shim_files(left)
        writes += shim_files
        records |= {shim.path: scan_source(shim.content) for shim in shim_files}
    found = _references(
        relocation, mentions, {write.path: write.content for write in writes}, rewrite_text
    )
    writes = [write for write in writes if write.path not in found.contents]
    writes += [FileWrite(path, text, "rewritten") for path, text in found.contents.items()]
    for path in found.touched:
        after = relocation.path_after(path)
        records[after] = scan_source(found.contents[after])
    affected |= found.touched
    prove_imports(workspace, relocation.renaming, relocation.after, layout.moved, affected, records)
    prove_shims(relocation, records)
    notes += what_runs(relocation)
    explained = {*tests.stays, *(move.source for move in tests.moves)}
    notes += risks(
        workspace, layout.moved, renamed, explained,
        mentions=mentions, means=relocation.packages.moved,
    )  # fmt: skip
    notes += tests.notes
    lost = lost_to_history(relocation, writes)
    if lost:
        notes.append(two_commits(lost))
    by_path, along = relocation.before.by_path, frozenset(layout.along)
    promotion = Promotion(
        source_lane=relocation.source.name,
        target_lane=relocation.target.name,
        name=name,
        modules=tuple(
            sorted(
                by_path[move.source].name
                for move in layout.moves
                if move.source in by_path and move not in along
            )
        ),
        renamed=tuple(sorted(renamed.items())),
        moves=layout.moves,
        writes=tuple(sorted(writes)),
        deletes=tuple(sorted(layout.deleted)),
        notes=tuple(notes),
        ledger=found.entries,
        two_commits=bool(lost),
        along=layout.along,
    )
    return Composed(promotion, relocation.after, records, frozenset(affected))


def _written(
    rewriter: _Rewriter, affected: Iterable[str]
) -> tuple[list[FileWrite], dict[str, FileRecord]]:
    """Return what becomes of some files, what is made, and records of all that moved or changed."""
    relocation = rewriter.relocation
    writes: list[FileWrite] = []
    records: dict[str, FileRecord] = {}
    for path in sorted(affected):
        content = rewriter.rewritten(path)
        if content is not None:
            after = relocation.path_after(path)
            writes.append(FileWrite(after, content, "rewritten"))
            records[after] = scan_source(content)
            if not is_shim(relocation.workspace, path):  # which is made anew
                rewriter.prove(path, content, records[after])
    before = relocation.workspace.records
    for old, new in relocation.layout.moved.items():
        if old in before and new not in records:
            records[new] = before[old]
    for path in relocation.layout.made:
        writes.append(FileWrite(path, MADE_INIT, "made"))
        records[path] = FileRecord()
    return writes, records


def _shim_files(left: LeftShims) -> list[FileWrite]:
    return [
        FileWrite(path, shim_content(shim, package=posixpath.basename(path) == INIT), "shim")
        for path, shim in left.by_path.items()
    ]


def _references(
    relocation: Relocation, mentions: Mentions, written: Mapping[str, bytes], rewrite_text: bool
) -> References:
    return references(
        relocation.workspace,
        mentions,
        relocation.renaming.renamed,
        relocation.layout.moved,
        relocation.target,
        means=relocation.packages.moved,
        gone=relocation.layout.deleted,
        written=written,
        rewrite=rewrite_text,
    )


class _Rewriter:
    """Makes files follow a move.

    Args:
        relocation: the move.
        partings: what it parts.

    Attributes:
        relocation: the move.
        notes: what a person should know of the files that were rewritten.
    """

    def __init__(self, relocation: Relocation, partings: Partings) -> None:
        self.relocation = relocation
        self.notes: list[str] = []
        self._partings = partings
        self._workspace = relocation.workspace
        self._renaming = relocation.renaming
        self._renamed = relocation.renaming.renamed
        self._tops = {name.partition(".")[0] for name in self._renamed}

    def rewritten(self, path: str) -> bytes | None:
        """Return a file's content after the move, or None if it does not change."""
        workspace = self._workspace
        place = Place(
            workspace.table.by_path[path],
            self.relocation.after.by_path[self.relocation.path_after(path)],
        )
        content = self.relocation.content(path)
        record = workspace.records[path]
        try:
            source = SourceText(content)
        except Undecodable:
            return None  # it has no imports either; the proof sees to it
        shim = read_shim(source.text)
        if shim is not None:  # it follows whole, with the names in its header
            if shim.new not in self._renamed:
                return None
            if content != shim_content(shim, package=place.before.package):
                raise Refused(path, 1, f"this shim of {shim.new} was edited: remove it first")
            shim = msgspec.structs.replace(shim, new=self._renamed[shim.new])
            return shim_content(shim, package=place.before.package)
        check_imports(self.relocation, source, place.before, record)
        edits, bindings = import_edits(source, record, place, self._renaming)
        check_bindings(self.relocation, source, place.before, record, bindings)
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

    def prove(self, path: str, content: bytes, record: FileRecord) -> None:
        """Prove that a rewritten file is the same with the moved modules renamed."""
        before = self._workspace.table
        prove_names(
            Version(SourceText(self.relocation.content(path)), self._workspace.records[path]),
            Version(SourceText(content), record),
            Place(
                before.by_path[path],
                self.relocation.after.by_path[self.relocation.path_after(path)],
            ),
            before,
            self._renamed,
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
                    f"the file {error.reason}, so its uses of the module cannot be followed",
                ) from error
            self.notes.append(
                f"{path} {error.reason}: look at line {error.line} and the rest of it for other "
                "uses of the module"
            )
            return None
        loading = [
            self._renaming.target(place.before, raw, None).imported
            for raw in record.imports
            if raw.dynamic
        ]
        leads = place.before.name in self._partings.leading_here
        loading.extend(self._partings.run_no_more if leads else self._partings.around)
        return uses(
            source, names, place, bindings, self._renaming, self.relocation.packages, loading
        )

    def _may_use(self, source: SourceText, module: Module, record: FileRecord) -> bool:
        """Tell whether a file, its import statements apart, may refer to a moved module."""
        partings = self._partings
        if module.path in self.relocation.layout.moved or any(
            self._dynamically(module, raw) for raw in record.imports
        ):
            return True
        traits = self._workspace.traits(module.path)
        rest = traits.code
        if _RELATIVE_SPEC.search(rest) or any(
            pattern.search(traits.content) for pattern in self._partings.broken_off.values()
        ):
            return True
        binds = has_star(record) or any(
            module.path in self._workspace.binding(top) for top in self._tops
        )
        if binds and self._names_moved(rest, r"(?<![\w.])"):
            return True
        # It may call one of these by another name.
        imported = {name for raw in record.imports for name in raw.names or ()}
        naming = not imported.isdisjoint(NAMING_CALLS) or _NAMING.search(rest) is not None
        if naming and self._names_moved(rest, "(?<=[\"'])"):
            return True
        for parting in (*partings.submodules, *partings.left, *partings.unrun):
            if parting.names.isdisjoint(traits.words_of_code):
                continue
            if module.path in partings.sharing_names(parting.package):
                return True
            reaches = binds or module.path in partings.importing(parting.package)
            if reaches and not parting.names.isdisjoint(traits.attributes_of_code):
                return True
        return False

    def _names_moved(self, text: str, before: str) -> bool:
        """Tell whether a text has a dotted name that means a moved module or something in it.

        Args:
            text: the text.
            before: pattern of what stands in front of it.
        """
        for name in self._renamed:
            if name in text:
                for found in re.finditer(rf"{before}{re.escape(name)}(?:\.\w+)*", text):
                    if self.relocation.packages.moved(found.group()) == name:
                        return True
        return False

    def _dynamically(self, module: Module, raw: RawImport) -> bool:
        if not raw.dynamic:
            return False
        target = self._renaming.target(module, raw, None)
        return target.imported in self._renamed or raw.module.startswith(".")

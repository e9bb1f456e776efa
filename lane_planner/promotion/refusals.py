"""What keeps a promotion from being made although no edit of its own would go wrong.

Each check stands alone: it looks at a promotion, or at one file of it, and raises `Refused`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from lane_planner.promotion.import_time.half_run import half_run
from lane_planner.promotion.imports import ChangedBinding
from lane_planner.promotion.layout import is_shim
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.parting import Partings
from lane_planner.promotion.relocation import Relocation
from lane_planner.promotion.text import SourceText, outside_imports
from lane_planner.promotion.uses import rebound_reason
from lane_planner.promotion.values import FileMove
from lane_planner.scan.lexer import UnmatchedQuote, import_words, statement_end
from lane_planner.scan.modules import Module
from lane_planner.scan.records import FileRecord, RawImport
from lane_planner.scan.recovery import without_unmatched_quotes

# A line that reads like an import; it may be prose.
_UNREAD = re.compile(r"(?m)^[^\S\n]*(?:from|import)[^\S\n]+(?P<name>\w+(?:\.\w+)+)")


def check_promotion(relocation: Relocation, partings: Partings) -> None:
    """Look at where files go and at what the packages around them do.

    Args:
        relocation: the promotion.
        partings: what it parts.

    Raises:
        Refused: it cannot be made, whatever the references are.
    """
    _refuse_bad_places(relocation)
    _refuse_taken_shims(relocation)
    _refuse_unlisted(relocation, partings)
    _refuse_stand_ins(relocation, partings)
    _refuse_half_run(relocation)


def check_imports(
    relocation: Relocation, source: SourceText, module: Module, record: FileRecord
) -> None:
    """Look at what a file's imports mean at run time, before they are rewritten.

    Args:
        relocation: the promotion.
        source: the file's text before the move.
        module: what it is before the move.
        record: its imports before the move.

    Raises:
        Refused: a name of a submodule is made something else by its package.
    """
    # That is what `from package import name` and `import package.name as n` give at run time.
    for raw in record.imports:
        if raw.dynamic:
            continue
        for name in raw.names or (None,):
            submodule = relocation.renaming.bound_module(module, raw, name)
            bound = None if submodule is None else relocation.packages.rebound(submodule)
            if submodule is None or bound is None:
                continue
            if name is not None or _renames(source, raw):
                raise Refused(module.path, raw.line, rebound_reason(submodule, bound))


def check_bindings(
    relocation: Relocation,
    source: SourceText,
    module: Module,
    record: FileRecord,
    bindings: Iterable[ChangedBinding],
) -> None:
    """Look at what rewriting a file's imports leaves to be desired.

    Args:
        relocation: the promotion.
        source: the file's text before the move.
        module: what it is before the move.
        record: its imports before the move.
        bindings: names that its rewritten imports bind differently.

    Raises:
        Refused: another file imports such a name from it, or an import of a moved module does
            not parse.
    """
    _refuse_exported(relocation, module, bindings)
    _refuse_unread(relocation, source, module, record)


# Promotions.


def _refuse_bad_places(relocation: Relocation) -> None:
    workspace, layout = relocation.workspace, relocation.layout
    _refuse_alike(layout.moves)
    for move in layout.moves:
        taken = move.target in workspace.tracked
        if taken and move.target not in layout.moved and move.target not in layout.deleted:
            raise Refused(move.source, 1, f"{move.target} is there already")
        for other in workspace.files_in(posixpath.dirname(move.target)):
            if other.casefold() == move.target.casefold() and other != move.target:
                raise Refused(
                    move.source, 1, f"{move.target} would differ from {other} only in case"
                )
        directory = workspace.differing_in_case(move.target)
        if directory is not None:
            raise Refused(
                move.source, 1, f"{move.target} would differ from {directory} only in case"
            )
        module = workspace.table.by_path.get(move.source)
        new = relocation.after.by_path.get(move.target)
        hidden = None if new is None else workspace.table.by_name.get(new.name)
        if (
            hidden is not None
            and not hidden.namespace
            and hidden.path not in layout.moved
            and hidden.path not in layout.deleted
            and hidden.path != move.target
        ):
            raise Refused(move.source, 1, f"{move.target} would hide {hidden.path}")
        if module is not None and module.importable and (new is None or not new.importable):
            raise Refused(move.source, 1, f"nobody could import {move.target} by name")


def _refuse_alike(moves: Iterable[FileMove]) -> None:
    """Refuse destinations, or directories on the way to them, that differ only in case.

    A file system that takes no notice of case cannot hold both.
    """
    known: dict[str, tuple[str, FileMove]] = {}  # path as it is spelled, by what it folds to
    for move in moves:
        path = move.target
        while path:
            spelled, other = known.setdefault(path.casefold(), (path, move))
            if spelled != path:
                raise Refused(
                    move.source,
                    1,
                    f"{move.target} would differ from {other.target}, where {other.source} moves "
                    "to, only in case",
                )
            path = posixpath.dirname(path)


def _refuse_taken_shims(relocation: Relocation) -> None:
    """Refuse to put a module in the place of a shim that is still imported.

    The import would get another module, by the same name.
    """
    workspace, layout = relocation.workspace, relocation.layout
    origin = {target: source for source, target in layout.moved.items()}
    for path in sorted(path for path in layout.deleted if is_shim(workspace, path)):
        name = workspace.table.by_path[path].name
        for importer in sorted(workspace.importers_of(name)):
            what = f"{path} is a shim that {importer} imports: let that import the new name"
            raise Refused(origin[path], 1, what)


def _refuse_unlisted(relocation: Relocation, partings: Partings) -> None:
    """Refuse where a package's `__all__` lists a submodule that parts from it.

    `from package import *` imports such a submodule by its name.
    """
    for package, child, line in unbound_listed(relocation, partings):
        path = relocation.before.by_name[package].path
        if partings.sharing_names(package) - {path}:
            raise Refused(
                path,
                line,
                f"__all__ lists {child} and {package} does not import it: "
                f"add `from {package} import {child}` first",
            )


def unbound_listed(relocation: Relocation, partings: Partings) -> Iterator[tuple[str, str, int]]:
    """Yield submodules that part from a package whose `__all__` lists them and that binds none.

    Args:
        relocation: the promotion.
        partings: what it parts.

    Yields:
        The package's name, the submodule's last name and the line of the `__all__`.
    """
    packages = relocation.packages
    for parting in partings.submodules:
        for child in parting.children:
            line = packages.lists(parting.package, child)
            if line is not None and packages.bound(parting.package, child).to == "nothing":
                yield parting.package, child, line


def _refuse_stand_ins(relocation: Relocation, partings: Partings) -> None:
    """Refuse a package that stands in for another one whose name the package around binds.

    Importing a submodule makes it an attribute of the package around: the stand-in would take
    the place of what that package's own code made the name.
    """
    workspace = relocation.workspace
    before, after = workspace.table.by_name, relocation.after.by_name
    origin = {new: old for old, new in relocation.renaming.renamed.items()}
    found = set(partings.stubs)
    found |= (after.keys() - before.keys()) - origin.keys()
    made = (workspace.table.by_path[path].name for path in workspace.made)
    found |= {n for n in made if n in after and n.rpartition(".")[0] in origin} - origin.keys()
    for name in sorted(found):
        home, _, last = name.rpartition(".")
        bound = relocation.packages.bound(origin.get(home, home), last)
        if bound.to != "nothing":
            raise Refused(
                bound.path,
                bound.line,
                f"{last} is bound here, and a package {name} that stands in for it would take "
                "its place: promote what is in it together",
            )


def _refuse_half_run(relocation: Relocation) -> None:
    """Refuse to let a module be found half run that was not before."""
    refusal = half_run(relocation).refusal
    if refusal is not None:
        raise refusal


# Files.


def _refuse_exported(
    relocation: Relocation, module: Module, bindings: Iterable[ChangedBinding]
) -> None:
    """Refuse to change a first name that other files import from this one."""
    firsts = {
        binding.old.partition(".")[0]: binding.line
        for binding in bindings
        if binding.old.partition(".")[0] != binding.new.partition(".")[0]
    }
    if not firsts:
        return
    workspace = relocation.workspace
    for importer in sorted(workspace.importers_of(module.name)):
        other = workspace.table.by_name[importer]
        for raw in workspace.records[other.path].imports:
            for name in raw.names or ():
                if name in firsts and (
                    relocation.renaming.target(other, raw, name).imported == module.name
                ):
                    raise Refused(
                        module.path,
                        firsts[name],
                        f"{other.path}:{raw.line} imports {name} from here: rewrite it by hand",
                    )


def _refuse_unread(
    relocation: Relocation, source: SourceText, module: Module, record: FileRecord
) -> None:
    """Refuse an import of a moved module that does not parse."""
    stretches = outside_imports(source, record)
    found = [
        hit
        for hit in _UNREAD.finditer(source.text)
        if relocation.packages.moved(hit["name"]) is not None
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


def _renames(source: SourceText, raw: RawImport) -> bool:
    """Tell whether an `import a.b` has an `as`."""
    start = source.offset_of(raw.line, raw.column)
    statement = source.text[start : statement_end(source.text, start + len("import"))]
    return re.search(rf"\b{re.escape(raw.module)}\s+as\b", statement) is not None

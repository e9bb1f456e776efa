"""Which shims a promotion leaves at the old paths of modules, and that they reach the new ones."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

import msgspec

from lane_planner.planner.landed import INIT
from lane_planner.promotion.layout import is_shim
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.relocation import Relocation
from lane_planner.promotion.shims import Shims
from lane_planner.promotion.text import SourceText
from lane_planner.scan.records import FileRecord
from lane_planner.scan.shims import Shim, read_shim


class LeftShims(msgspec.Struct, frozen=True):
    """The shims of a promotion.

    Attributes:
        by_path: the shims, by the path that each stands at, sorted.
        notes: what a person should know of them, in order.
    """

    by_path: Mapping[str, Shim]
    notes: tuple[str, ...]


def shims_left(relocation: Relocation, shims: Shims) -> LeftShims:
    """Return the shims that a promotion leaves.

    Args:
        relocation: the promotion; its layout says where shims are to stand.
        shims: what they are to do.

    Raises:
        Refused: there cannot be a shim at one of the places.
    """
    by_path, renamed = relocation.before.by_path, relocation.renaming.renamed
    shimmed = relocation.layout.shimmed
    found: dict[str, Shim] = {}
    notes: list[str] = []
    # What is in a package comes before the package.
    for path in sorted(shimmed, key=lambda p: (-p.count("/"), p.endswith(INIT), p)):
        old = by_path[path].name
        shim = shims.of(old, renamed[old])
        if not f"{shim.old}{shim.new}".isascii():
            raise Refused(path, 1, f"a shim is ASCII, and {old} is not: promote it without")
        home, _, last = old.rpartition(".")
        bound = relocation.packages.bound(home, last)
        if bound.to == "else":
            raise Refused(
                bound.path,
                bound.line,
                f"{last} is bound here, and importing the shim of {old} would take its place: "
                "promote it without",
            )
        if shim.kind == "alias" and by_path[path].package:
            other = _no_alias_below(relocation, posixpath.dirname(path), shim, found)
            if other is not None:
                shim = msgspec.structs.replace(shim, kind="reexport")
                what = f"as an alias it would hide {other}"
                notes.append(f"the shim of {old} is a re-export: {what}")
        around = _shim_at(relocation, f"{posixpath.dirname(path)}/{INIT}")
        if around is not None and (around.kind, shim.kind) == ("alias", "reexport"):
            # The import system would put it into the new package, which the old name is.
            what = f"{around.old} is an alias, and a re-export in it would"
            raise Refused(path, 1, f"{what} take the place of {shim.new}: promote it without")
        found[path] = shim
    return LeftShims(dict(sorted(found.items())), tuple(notes))


def prove_shims(relocation: Relocation, records: Mapping[str, FileRecord]) -> None:
    """Make sure that each shim imports its new module, and nothing else of the repository.

    Args:
        relocation: the promotion.
        records: records of moved and written files, by path after it.

    Raises:
        Refused: one does not.
    """
    resolver = relocation.workspace.resolver(relocation.after)
    for path in sorted(relocation.layout.shimmed):
        module, record = relocation.after.by_path[path], records[path]
        sites = resolver.sites(module, record, external=False)
        found = {(site.imported, site.fault) for site in sites}
        if found != {(record.shim, None)} or not module.importable:
            others = sorted(name for name, _ in found if name != record.shim)
            what = f"would import {others[0]}" if others else f"would not reach {record.shim}"
            raise Refused(path, 1, f"its shim {what}: promote it without")


def _shim_at(relocation: Relocation, path: str) -> Shim | None:
    """Return the shim that stands somewhere before the move."""
    if not is_shim(relocation.workspace, path):
        return None
    return read_shim(SourceText(relocation.content(path)).text)


def _no_alias_below(
    relocation: Relocation, directory: str, package: Shim, found: Mapping[str, Shim]
) -> str | None:
    """Return a file that keeps a package's shim from being an alias, or None.

    All that stays in it has to be an alias of what has the same name in the new package, in
    packages that have an `__init__.py`.
    """
    workspace, layout = relocation.workspace, relocation.layout
    inside = {
        path
        for path in (*workspace.files_below(directory), *layout.made)
        if path.startswith(f"{directory}/")
        and (path in workspace.records or path in layout.made)
        and (path not in layout.moved or path in layout.shimmed)
        and path not in layout.deleted
    } - {f"{directory}/{INIT}"}
    for path in sorted(inside):
        shim = found.get(path) or _shim_at(relocation, path)
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

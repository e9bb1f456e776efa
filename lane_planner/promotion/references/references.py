"""The files of a workspace that name what a promotion moves, read and written for the ledger."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath

import msgspec

from lane_planner.config.settings import Lane, Settings
from lane_planner.planner.landed import directories_around
from lane_planner.promotion.references.formats import settings_files
from lane_planner.promotion.references.ledger import (
    Change,
    LedgerEntry,
    Moved,
    Naming,
    is_ignored,
    listed,
    persisted,
)
from lane_planner.promotion.references.mentions import Mentions, NamedAt
from lane_planner.promotion.workspace import Workspace

_LINK = "a symbolic link to what moves: it is left as it is"


class References(msgspec.Struct, frozen=True):
    """What a promotion's ledger holds, and what it rewrites.

    Attributes:
        entries: sorted.
        contents: new contents, by path after the promotion.
        touched: paths before it of the modules among them.
    """

    entries: tuple[LedgerEntry, ...]
    contents: dict[str, bytes]
    touched: frozenset[str]


def references(
    workspace: Workspace,
    mentions: Mentions,
    renamed: Mapping[str, str],
    moved: Mapping[str, str],
    target: Lane,
    *,
    means: Callable[[str], str | None],
    gone: Iterable[str],
    written: Mapping[str, bytes],
    rewrite: bool,
) -> References:
    """List what names the moved modules and files, and rewrite what is certain.

    Args:
        workspace: the repository before the promotion; it is not changed.
        mentions: where the commit that it started from names modules of the lane.
        renamed: dotted name after, by the one before.
        moved: path after, by path before.
        target: lane that is reached.
        means: returns the moved module that a dotted name means, or None.
        gone: paths of files that the promotion deletes.
        written: what the promotion writes, by path after.
        rewrite: whether all that is certain is rewritten; else what travels with its module.
    """
    deleted = frozenset(gone)
    change = _change(workspace, renamed, moved, target, means, deleted, rewrite)
    entries: list[LedgerEntry] = []
    namings: list[Naming] = []
    for origin, places in _by_file(mentions, change).items():
        path = workspace.now(origin)
        if path is None or path in deleted or path in workspace.made:
            continue
        record = workspace.records.get(path)
        if record is not None and record.shim is not None:
            continue  # it follows whole, or names what it keeps
        after = moved.get(path, path)
        if origin in mentions.links:
            entries.extend(
                LedgerEntry(after, 1, 0, text, "symbolic link", "ignored", _LINK)
                for text, _ in places
            )
            continue
        keys = frozenset(key for _, key in places)
        lines = tuple((place.line, place.text) for found in places.values() for place in found)
        namings.append(Naming(path, after, keys, lines, path in workspace.records))
    # Their patterns may cover what moves without naming it.
    known = {naming.path for naming in namings} | mentions.links
    for path in sorted(settings_files(change.config) & workspace.tracked - known - deleted):
        namings.append(Naming(path, moved.get(path, path), frozenset()))
    wanted = [
        n.path
        for n in namings
        if n.path == change.baseline or not is_ignored(n.path, change.generated)
    ]
    contents = workspace.contents(wanted)  # all at once: each reading costs a process
    changed: dict[str, bytes] = {}
    touched: set[str] = set()
    for naming in namings:
        content = written.get(naming.after, contents.get(naming.path))
        found = listed(naming, content, change)
        entries.extend(found.entries)
        if found.content is not None:
            changed[naming.after] = found.content
            if naming.read:
                touched.add(naming.path)
    by_path = workspace.table.by_path
    for old, new in moved.items():
        if old in by_path and by_path[old].name in renamed:
            content = written.get(new) or workspace.contents([old])[old]
            entries.extend(persisted(new, content, renamed[by_path[old].name]))
    return References(tuple(sorted(set(entries))), changed, frozenset(touched))


def _by_file(mentions: Mentions, change: Change) -> dict[str, dict[tuple[str, str], list[NamedAt]]]:
    """Return, by the path in the commit, the places that may name something, by text and key."""
    found: dict[str, dict[tuple[str, str], list[NamedAt]]] = {}

    def enter(key: str, places: Iterable[NamedAt]) -> None:
        for place in places:
            found.setdefault(place.path, {}).setdefault((place.text, key), []).append(place)

    for name, module in change.modules.items():
        if module.itself:
            enter(name, mentions.of_name(name))
        else:
            enter(name, mentions.outside_python(name))
    for path, file in change.paths.items():
        if file.itself and file.whole:
            enter(path, mentions.of_path(path))
        elif file.itself or file.whole:
            enter(path, mentions.exactly(path))
        else:
            enter(path, mentions.outside_python(path))
    return found


def _change(
    workspace: Workspace,
    renamed: Mapping[str, str],
    moved: Mapping[str, str],
    target: Lane,
    means: Callable[[str], str | None],
    gone: frozenset[str],
    rewrite: bool,
) -> Change:
    table, settings = workspace.table, workspace.settings
    roots = workspace.lanes.roots()
    paths: dict[str, Moved] = {}
    modules: dict[str, Moved] = {}
    leaving = moved.keys() | gone | workspace.made
    inside: dict[str, str] = {}  # directory after, by directory before
    for old, new in moved.items():
        inside.update(directories_around(old, new, target)[1:])
    for directory, after in inside.items():
        whole = all(path in leaving for path in workspace.files_below(directory))
        paths[directory] = Moved(after, itself=False, whole=whole)
        modules[roots.dotted(directory)] = Moved(roots.dotted(after), itself=False, whole=whole)
    for name, new in renamed.items():
        around = modules.get(name)
        package = table.by_name[name].package
        modules[name] = Moved(new, whole=around is None or not package or around.whole)
    for old, new in moved.items():
        paths[old] = Moved(new)
        stem, end = posixpath.splitext(old)
        module = end == ".py" and posixpath.basename(old) != "__init__.py"
        if module and next(workspace.files_below(stem), None) is None:
            paths[stem] = Moved(posixpath.splitext(new)[0], whole=False)
    generated = frozenset({settings.coverage.data} if settings.coverage else ())
    return Change(
        modules,
        paths,
        means,
        workspace.tracked,
        None if settings.source is None else _below_root(settings, settings.source),
        _below_root(settings, settings.baseline_file),
        generated,
        rewrite,
    )


def _below_root(settings: Settings, file: PurePath) -> str | None:
    """Return the path of a file below the root; None: it is not there."""
    if not file.is_relative_to(settings.root):
        return None
    return file.relative_to(settings.root).as_posix()

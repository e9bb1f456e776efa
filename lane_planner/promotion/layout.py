"""The files of a promotion: what moves, which packages are made for it, and what goes away."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from lane_planner.config.settings import Lane
from lane_planner.planner.landed import INIT, directories_around
from lane_planner.promotion.mirrors import Mirror
from lane_planner.promotion.values import FileMove
from lane_planner.promotion.workspace import Workspace

# pytest collects these by their paths: a second one would be run, and nobody imports them.
_OF_TESTS = re.compile(r"conftest\.py|test_.*\.py|.*_test\.py")


class Layout(msgspec.Struct, frozen=True):
    """Where files are after a promotion.

    Attributes:
        moves: sorted.
        moved: path after, by path before.
        made: paths of the `__init__.py` files that are made, sorted.
        deleted: paths of files that go away without a new place.
        shimmed: old paths of moved modules at which a shim is to stand.
        along: those of the moves that are of files which go along with modules, sorted.
    """

    moves: tuple[FileMove, ...]
    moved: Mapping[str, str]
    made: tuple[str, ...]
    deleted: frozenset[str]
    shimmed: frozenset[str]
    along: tuple[FileMove, ...] = ()


def lay_out(
    workspace: Workspace,
    source: Lane,
    target: Lane,
    moves: Iterable[FileMove],
    *,
    shims: bool,
    along: Iterable[FileMove] = (),
    mirrors: Sequence[Mirror] = (),
) -> Layout:
    """Decide which `__init__.py` files are made and which files go away.

    Args:
        workspace: the repository before the promotion.
        source: lane that is left.
        target: lane that is reached.
        moves: files that move.
        shims: whether shims are left where they were.
        along: files that go along with them.
        mirrors: directories of tests, some of which may be among those.
    """
    own = tuple(moves)
    shimmed = _shimmed(workspace, {m.source: m.target for m in own}) if shims else frozenset()
    companions = tuple(sorted(set(along).difference(own)))
    ordered = tuple(sorted((*own, *companions)))
    moved = {move.source: move.target for move in ordered}
    arriving = set(moved.values())
    deleted = {
        path
        for path in arriving - moved.keys()
        if path in workspace.made or is_shim(workspace, path)
    }
    made = _made_for(workspace, target, ordered, mirrors)
    homes = {posixpath.dirname(path) for path in moved}
    for directory in sorted({up for home in homes for up in _upward(home)}):
        init = f"{directory}/{INIT}"
        parted = workspace.lanes.of_path(init) == source.name or any(
            init.startswith(f"{mirror.source}/") for mirror in mirrors
        )
        if not parted or init in shimmed:
            continue
        modules = any(
            path.endswith(".py")
            and (path not in moved or path in shimmed)
            and path not in workspace.made
            for path in workspace.files_below(directory)
        )
        if init in moved and modules:
            made.add(init)  # what stays behind is still a package's
        elif init in workspace.made and not modules and init not in moved:
            deleted.add(init)
    return Layout(ordered, moved, tuple(sorted(made)), frozenset(deleted), shimmed, companions)


def may_become_package(workspace: Workspace, directory: str) -> bool:
    """Tell whether an `__init__.py` may be made in a directory of tests.

    With one, pytest would give new names to the tests that are there, and they would not find
    what is beside them.

    Args:
        workspace: the repository before the move.
        directory: it need not be there.
    """
    return not any(path.endswith(".py") for path in workspace.files_in(directory))


def is_shim(workspace: Workspace, path: str) -> bool:
    """Tell whether a shim stands somewhere before the move."""
    record = workspace.records.get(path)
    return record is not None and record.shim is not None


def _made_for(
    workspace: Workspace, target: Lane, moves: Iterable[FileMove], mirrors: Sequence[Mirror]
) -> set[str]:
    """Return the `__init__.py` files that moved modules need: where their packages have one."""
    moved = {move.source: move.target for move in moves}
    there = (workspace.tracked - moved.keys()).union(moved.values())
    made: set[str] = set()
    for source, new_path in moved.items():
        if source not in workspace.records:
            continue  # a data file makes no package
        for old, new in directories_around(source, new_path, target):
            init = f"{new}/{INIT}"
            if f"{old}/{INIT}" in workspace.tracked and init not in there:
                made.add(init)
        for old, new in _mirrored_around(source, new_path, mirrors):
            init = f"{new}/{INIT}"
            if (
                f"{old}/{INIT}" in workspace.tracked
                and init not in there
                and may_become_package(workspace, new)
            ):
                made.add(init)
    return made


def _mirrored_around(
    source: str, target: str, mirrors: Iterable[Mirror]
) -> Iterator[tuple[str, str]]:
    """Yield (before, after) of the directories around a moved test, up to that of the lane."""
    for mirror in mirrors:
        if source.startswith(f"{mirror.source}/") and target.startswith(f"{mirror.target}/"):
            directory = posixpath.dirname(source)
            while len(directory) >= len(mirror.source):
                yield directory, f"{mirror.target}{directory[len(mirror.source) :]}"
                directory = posixpath.dirname(directory)
            return


def _shimmed(workspace: Workspace, moved: Mapping[str, str]) -> frozenset[str]:
    """Return the paths where a shim is to stand: of moved modules, but for those of tests."""
    by_path = workspace.table.by_path
    arriving = set(moved.values())
    return frozenset(
        path
        for path in moved
        if path in by_path
        and by_path[path].importable
        and path.endswith(".py")
        and not _OF_TESTS.fullmatch(posixpath.basename(path))
        and path not in arriving
    )


def _upward(directory: str) -> Iterator[str]:
    while directory:
        yield directory
        directory = posixpath.dirname(directory)

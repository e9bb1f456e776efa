"""The files that move along with modules: what lies beside them, and the tests laid out alike.

A stub or a built file is part of its module. A test is one of its own: it moves where it goes on
finding what it finds today, its fixtures and the files beside it; else it stays, and a note says
why.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from lane_planner.config.settings import Lane
from lane_planner.planner.landed import INIT
from lane_planner.promotion.layout import is_shim, may_become_package
from lane_planner.promotion.mirrors import Mirror, directories_of, mirrors_in
from lane_planner.promotion.names.syntax import tree_of
from lane_planner.promotion.values import FileMove
from lane_planner.promotion.workspace import Workspace

CONFTEST = "conftest.py"
_TEST = re.compile(r"test_.*\.py|.*_test\.py")
# What a directory holds for what is in it: these follow the rest of it.
_FOLLOWING = (CONFTEST, INIT)
# How the names of stubs and of built files end.
_BESIDE = (".pyi", ".pyx", ".so", ".pyd")


class MirroredTests(msgspec.Struct, frozen=True):
    """The tests that are laid out like what moves.

    Attributes:
        moves: those that move along, and what goes with them, sorted.
        mirrors: the directories that they are in.
        stays: why each of the others stays, by path.
        notes: what a person should know, in order.
    """

    moves: tuple[FileMove, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    stays: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()

    def held_back(self, reason: str) -> MirroredTests:
        """Return the same tests with none of them moving.

        Args:
            reason: why.
        """
        tests = (move.source for move in self.moves if _is_test(move.source))
        stays = {**self.stays, **dict.fromkeys(tests, reason)}
        return MirroredTests((), self.mirrors, stays, tuple(_said(stays)))


def files_beside(workspace: Workspace, moves: Iterable[FileMove]) -> tuple[FileMove, ...]:
    """Return the moves of the stubs and built files of modules that move, sorted.

    Args:
        workspace: the repository before the move.
        moves: of the modules.
    """
    known = {move.source: move.target for move in moves}
    found: set[FileMove] = set()
    for source, target in known.items():
        module = workspace.table.by_path.get(source)
        if module is None:
            continue
        stem, new = _stem(source), posixpath.dirname(target)
        for path in workspace.files_in(posixpath.dirname(source)) - known.keys():
            own = path in workspace.table.by_path and path not in workspace.beside
            if path.endswith(_BESIDE) and not own and _stem(path) == stem:
                found.add(FileMove(path, posixpath.join(new, posixpath.basename(path))))
    return tuple(sorted(found))


def mirrored_tests(
    workspace: Workspace, source: Lane, target: Lane, moves: Iterable[FileMove]
) -> MirroredTests:
    """Return the tests that are laid out like modules that move, and what becomes of them.

    Args:
        workspace: the repository before the move.
        source: lane that is left.
        target: lane that is reached.
        moves: what moves otherwise.
    """
    mirrors = mirrors_in(
        workspace.directories, workspace.settings.mirrored_tests, workspace.lanes.roots(),
        source, target,
    )  # fmt: skip
    moved = {move.source: move.target for move in moves}
    if not mirrors or not moved:
        return MirroredTests()
    along = _Along(workspace, source, moved)
    for mirror in mirrors:
        along.find(mirror)
    along.settle()
    return MirroredTests(
        tuple(sorted(FileMove(path, new) for path, new in along.moving.items())),
        mirrors,
        along.stays,
        (*_said(along.stays), *along.arriving()),
    )


def _said(stays: Mapping[str, str]) -> Iterator[str]:
    for path, reason in sorted(stays.items()):
        yield f"{path} stays: {reason}"


def _stem(path: str) -> str:
    """Return the last name of the module that a file is or belongs to."""
    stem, _, end = posixpath.basename(path).rpartition(".")
    return stem.partition(".")[0] if end in ("so", "pyd") else stem  # x.cpython-311-darwin.so


class _Along:
    """Settles which files of mirrors move along.

    A test that stays can keep others: what it shares a `conftest.py` with. So they are looked at
    again until nothing changes.

    Args:
        workspace: the repository before the move.
        source: lane that is left.
        moved: path after, by path before, of what moves otherwise.

    Attributes:
        moving: path after, by path before, of what moves along.
        stays: why each of the tests stays that do, by path.
    """

    def __init__(self, workspace: Workspace, source: Lane, moved: Mapping[str, str]) -> None:
        self.moving: dict[str, str] = {}
        self.stays: dict[str, str] = {}
        self._workspace = workspace
        self._source = source
        self._moved = moved
        self._wanted: dict[str, Mirror] = {}  # by path
        self._whole: list[tuple[Mirror, str]] = []  # directories that are to move as a whole
        self._sets_up: dict[str, bool] = {}  # by path of a conftest.py

    def find(self, mirror: Mirror) -> None:
        """Find what is laid out like what moves in one directory of tests."""
        workspace = self._workspace
        start = f"{mirror.lane_path}/"
        below = [
            path[len(start) :]
            for path in self._moved
            if path.startswith(start) and path in workspace.table.by_path
        ]
        for module in sorted(below):
            directory, stem = posixpath.dirname(module), _stem(module)
            for name in (f"test_{stem}.py", f"{stem}_test.py"):
                self._want(posixpath.join(mirror.source, directory, name), mirror)
        for directory in sorted(directories_of(below)):
            whole = f"{mirror.source}/{directory}"
            if whole in workspace.directories and self._is_emptied(f"{start}{directory}"):
                self._whole.append((mirror, whole))
                for path in sorted(workspace.files_below(whole)):
                    self._want(path, mirror)

    def settle(self) -> None:
        """Work out what moves and what stays."""
        while True:
            self.moving = self._follow()
            found = dict(self._kept())
            if not found:
                return
            self.stays.update(found)

    def arriving(self) -> Iterator[str]:
        """Yield which fixtures moved tests come under, and which tests moved fixtures reach."""
        workspace = self._workspace
        for path, new in sorted(self.moving.items()):
            if _is_test(path):
                for directory in _upward(posixpath.dirname(new), self._mirror(path).target):
                    conftest = posixpath.join(directory, CONFTEST)
                    if conftest in workspace.tracked and self._does_set_up(conftest):
                        yield f"{new} comes under the fixtures of {conftest}"
            elif posixpath.basename(path) == CONFTEST and self._does_set_up(path):
                others = sorted(
                    other
                    for other in workspace.files_below(posixpath.dirname(new))
                    if _is_test(other)
                )
                if others:
                    yield f"{new} brings its fixtures to {others[0]}, which was there before"

    def _want(self, path: str, mirror: Mirror) -> None:
        workspace = self._workspace
        if path not in workspace.tracked or path in self._moved or path in workspace.made:
            return
        lane = workspace.lanes.of_path(path)
        # What is in the lane that is left moves by itself; of no other does a test change lanes.
        if lane != self._source.name and lane == workspace.lanes.of_path(_after(path, mirror)):
            self._wanted.setdefault(path, mirror)

    def _is_emptied(self, directory: str) -> bool:
        """Tell whether no module of a package stays."""
        workspace = self._workspace
        return not any(
            path in workspace.records
            and path not in self._moved
            and path not in workspace.made
            and not is_shim(workspace, path)
            for path in workspace.files_below(directory)
        )

    def _mirror(self, path: str) -> Mirror:
        found = self._wanted.get(path)
        return found or next(m for m in self._mirrors if path.startswith(f"{m.source}/"))

    @cached_property
    def _mirrors(self) -> list[Mirror]:
        found = set(self._wanted.values())
        return sorted(found, key=lambda mirror: (-len(mirror.source), mirror.source))

    def _follow(self) -> dict[str, str]:
        """Return what moves, with the `conftest.py` and `__init__.py` of emptied directories."""
        workspace = self._workspace
        kept = [
            whole
            for _, whole in self._whole
            if any(path.startswith(f"{whole}/") and _is_test(path) for path in self.stays)
        ]
        moving: dict[str, str] = {}
        for path, mirror in self._wanted.items():
            name = posixpath.basename(path)
            waits = not _is_test(path) and any(path.startswith(f"{whole}/") for whole in kept)
            if path not in self.stays and name not in _FOLLOWING and not waits:
                moving[path] = _after(path, mirror)
        homes = {
            (up, self._mirror(path))
            for path in moving
            for up in _upward(posixpath.dirname(path), self._mirror(path).source)
        }
        # What two of them take goes with the longest, which comes last.
        for directory, mirror in sorted(homes, key=lambda home: (len(home[1].source), home)):
            left = (
                path
                for path in workspace.files_below(directory)
                if path not in moving and posixpath.basename(path) not in _FOLLOWING
            )
            if next(left, None) is None:
                for path in workspace.files_below(directory):
                    follows = posixpath.basename(path) in _FOLLOWING
                    if follows and path not in workspace.made and path not in self.stays:
                        moving[path] = _after(path, mirror)
        return moving

    def _kept(self) -> Iterator[tuple[str, str]]:
        """Yield the files that cannot move with all that moves now, and why."""
        for path, new in sorted(self.moving.items()):
            if new in self._workspace.tracked and new not in self._workspace.made:
                yield path, f"{new} is there already"
            elif _is_test(path):
                reason = self._left(path) or self._needed(path) or self._refused(path, new)
                if reason is not None:
                    yield path, reason

    def _left(self, path: str) -> str | None:
        """Return why a test would lose what a `conftest.py` around it sets up, or None."""
        for directory in _upward(posixpath.dirname(path), self._mirror(path).source):
            conftest = posixpath.join(directory, CONFTEST)
            if (
                conftest in self._workspace.tracked
                and conftest not in self.moving
                and self._does_set_up(conftest)
            ):
                return f"it would leave the fixtures of {conftest}"
        return None

    def _does_set_up(self, conftest: str) -> bool:
        """Tell whether a `conftest.py` holds more than a docstring: what it imports counts too."""
        if conftest not in self._sets_up:
            content = self._workspace.contents([conftest])[conftest]
            tree = tree_of(content)
            # Of one that does not parse nobody knows.
            self._sets_up[conftest] = tree is None or not all(map(_is_string, tree.body))
        return self._sets_up[conftest]

    def _needed(self, path: str) -> str | None:
        """Return why a test would not find a file or directory beside it any more, or None."""
        workspace = self._workspace
        directory = posixpath.dirname(path)
        content = workspace.contents([path])[path]
        record = workspace.records.get(path)
        # Outside of a package pytest lets a test import what is beside it.
        firsts = set()
        if record is not None and not self._in_package(path):
            firsts = {raw.module.partition(".")[0] for raw in record.imports}
        for other in self._imported_beside(path):
            if other not in self.moving:
                return f"it needs {other}, which stays"
        for other in sorted(workspace.files_in(directory) - self.moving.keys()):
            name = posixpath.basename(other)
            if name in _FOLLOWING or other == path:
                continue
            spelled = name.encode("utf-8", "surrogateescape")
            if (other in workspace.records and _stem(other) in firsts) or (
                other not in workspace.records and spelled in content
            ):
                return f"it needs {other}, which stays"
        for below in sorted(self._directories_that_stay(directory)):
            name = posixpath.basename(below)
            spelled = re.escape(name.encode("utf-8", "surrogateescape"))
            named = b"__file__" in content and re.search(rb"[\"'/]" + spelled + rb"[\"'/]", content)
            if name == _stem(path) or named or name in firsts:
                return f"it needs {below}, which stays"
        return None

    def _imported_beside(self, path: str) -> list[str]:
        """Return the files that a test imports relatively and that have no other name for it.

        From a directory that is not in packages all the way up, pytest gives a test a shorter
        name than the one that an absolute import would have to use.
        """
        workspace = self._workspace
        module, record = workspace.table.by_path.get(path), workspace.records.get(path)
        if module is None or record is None:
            return []
        home = posixpath.dirname(path)
        top = home[: len(home) - len(workspace.lanes.roots().split(home)[1])].rstrip("/")
        around = [up for up in _upward(home, top) if up != top]
        if all(posixpath.join(up, INIT) in workspace.tracked for up in around):
            return []
        resolver = workspace.resolver(workspace.table)
        return sorted(
            workspace.table.by_name[target.imported].path
            for raw in record.imports
            if raw.module.startswith(".")
            for target in resolver.targets(module, raw)
            if target.fault is None
            and not target.external
            and not workspace.table.by_name[target.imported].namespace
        )

    def _directories_that_stay(self, directory: str) -> set[str]:
        """Return the directories directly in one of which something stays."""
        start = f"{directory}/"
        return {
            f"{start}{path[len(start) :].partition('/')[0]}"
            for path in self._workspace.files_below(directory)
            if "/" in path[len(start) :] and path not in self.moving
        }

    def _refused(self, path: str, new: str) -> str | None:
        """Return why pytest would not take a test at its new place, or None.

        Outside of packages it takes the bare name of a test for that of a module: there cannot be
        two of one name.
        """
        workspace = self._workspace
        directory, name = posixpath.split(new)
        if not self._in_package(path) or self._will_be_package(path, new):
            return None  # as it is today
        record = workspace.records.get(path)
        if record is not None and any(raw.module.startswith(".") for raw in record.imports):
            return f"it imports relatively, and {directory} has no {INIT}"
        for same in workspace.files_called(name):
            if same not in self.moving and not self._in_package(same):
                return f"pytest would refuse it beside {same}, as neither would be in a package"
        for same, there in sorted(self.moving.items()):
            first = same < path and posixpath.basename(there) == name
            if first and not self._will_be_package(same, there):
                return f"pytest would refuse it beside {there}, as neither is in a package"
        return None

    def _in_package(self, path: str) -> bool:
        return posixpath.join(posixpath.dirname(path), INIT) in self._workspace.tracked

    def _will_be_package(self, path: str, new: str) -> bool:
        """Tell whether the directory that a test arrives in has an `__init__.py` then."""
        if self._in_package(new):
            return True
        there = may_become_package(self._workspace, posixpath.dirname(new))
        return self._in_package(path) and there


def _is_test(path: str) -> bool:
    return _TEST.fullmatch(posixpath.basename(path)) is not None


def _is_string(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _after(path: str, mirror: Mirror) -> str:
    return f"{mirror.target}{path[len(mirror.source) :]}"


def _upward(directory: str, top: str) -> Iterator[str]:
    """Yield a directory and those around it, up to one of them."""
    while directory != top:
        yield directory
        directory = posixpath.dirname(directory)
    yield top

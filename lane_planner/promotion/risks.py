"""What a promotion may break that no reference shows: paths, put together names, neighbours."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping

from lane_planner.promotion.naming import Refused
from lane_planner.promotion.workspace import Workspace

_OWN_PLACE = re.compile(
    rb"\b(?:__file__|__path__|pkg_resources|importlib\.resources|get_data"
    rb"|spec_from_file_location)\b"
)
# So far up that it leaves what moves along: the depth of the file counts.
_UPWARD = re.compile(
    rb"\b__file__\b[^\n]*?(?:\.parents\b|\.parent\s*\.parent\b|\.\.)"
    rb"|\bdirname\(\s*(?:[\w.]+\.)?dirname\([^\n]*\b__file__\b"
)


def risks(
    workspace: Workspace, moved: Mapping[str, str], renamed: Collection[str]
) -> Iterator[str]:
    """Yield what a person should look at, a line each.

    Args:
        workspace: the repository before the move.
        moved: path after, by path before.
        renamed: names before the move of the modules that move.

    Raises:
        Refused: a file counts directories upwards from itself, and moves to another depth.
    """
    modules = sorted(moved.keys() & workspace.records.keys())
    workspace.contents(modules)  # all at once
    for path in modules:
        content = workspace.contents([path])[path]
        yield from _own_place(path, moved[path], content)
        yield from _left_beside(workspace, path, moved, content)
        yield from _tests_of(workspace, path, moved)
    yield from _put_together(workspace, renamed)


def _own_place(path: str, target: str, content: bytes) -> Iterator[str]:
    upward = _UPWARD.search(content)
    if upward is not None and path.count("/") != target.count("/"):
        raise Refused(
            path,
            _line(content, upward.start()),
            f"directories are counted upwards from this file, and {target} is at another depth",
        )
    said: set[bytes] = set()
    for found in _OWN_PLACE.finditer(content):
        if found.group() not in said:
            said.add(found.group())
            word = found.group().decode("ascii")
            line = _line(content, found.start())
            yield f"{path}:{line}: {word} depends on where the file is"


def _left_beside(
    workspace: Workspace, path: str, moved: Mapping[str, str], content: bytes
) -> Iterator[str]:
    """Yield the files beside a module that it names and that stay."""
    for other in sorted(workspace.files_in(posixpath.dirname(path))):
        if other in moved or other in workspace.records:
            continue
        name = posixpath.basename(other).encode("utf-8", "surrogateescape")
        found = content.find(name)
        if found >= 0:
            yield f"{path}:{_line(content, found)}: {other} is named and stays"


def _tests_of(workspace: Workspace, path: str, moved: Mapping[str, str]) -> Iterator[str]:
    """Yield what pytest finds by its place: fixtures around a test, and tests laid out alike."""
    directory, name = posixpath.split(path)
    if name == "__init__.py":
        return
    stem = name.removesuffix(".py")
    if stem.startswith("test_") or stem.endswith("_test"):
        up = directory
        while up:
            conftest = f"{up}/conftest.py"
            if conftest in workspace.tracked and conftest not in moved:
                yield f"{path} leaves the fixtures of {conftest}"
            up = posixpath.dirname(up)
        return
    below = directory.partition("/")[2]
    homes = {f"tests/{below}".rstrip("/"), f"tests/{directory}", f"{directory}/tests"}
    for home in sorted(homes):
        test = f"{home}/test_{stem}.py"
        if test in workspace.tracked and test not in moved:
            yield f"{test} is laid out like {path} and stays"


def _put_together(workspace: Workspace, renamed: Collection[str]) -> Iterator[str]:
    """Yield the imports of a computed name, in files that hold the last name of what moves."""
    lasts = {
        name.rpartition(".")[2].encode("utf-8", "surrogateescape"): name for name in sorted(renamed)
    }
    for path in workspace.opaque():
        for last in sorted(lasts.keys() & workspace.quoted(path)):
            opaque = workspace.records[path].opaque[0]
            yield (
                f"{path}:{opaque.line}: {opaque.call} is given a name that is put together: "
                f"it may be {lasts[last]}"
            )


def _line(content: bytes, offset: int) -> int:
    return content.count(b"\n", 0, offset) + 1

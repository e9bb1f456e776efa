"""What a promotion may break that no reference shows: paths, put together names, neighbours."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from lane_planner.promotion.names.computed import Match, Own, PutTogether, match, put_together
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.own_place import loaded_from, reached
from lane_planner.promotion.references.mentions import Mentions
from lane_planner.promotion.workspace import Workspace

_OWN_PLACE = re.compile(
    rb"\b(?:__file__|__path__|pkg_resources|importlib\.resources|get_data"
    rb"|spec_from_file_location)\b"
)
# In a file that does not parse: further up than its own directory.
_UPWARD = re.compile(
    rb"\b__file__\b[^\n]*?(?:\.parents\b|\.parent\s*\.parent\b|\.\.)"
    rb"|\bdirname\(\s*(?:[\w.]+\.)?dirname\([^\n]*\b__file__\b"
)


def risks(
    workspace: Workspace,
    moved: Mapping[str, str],
    renamed: Collection[str],
    explained: Collection[str] = (),
    *,
    mentions: Mentions,
    means: Callable[[str], str | None],
) -> Iterator[str]:
    """Yield what a person should look at, a line each.

    Args:
        workspace: the repository before the move.
        moved: path after, by path before.
        renamed: names before the move of the modules that move.
        explained: paths of tests that were looked at already.
        mentions: what the commit's files name.
        means: returns the moved module that a dotted name means, or None.

    Raises:
        Refused: a file counts directories upwards from itself, and moves to another depth.
    """
    modules = sorted(moved.keys() & workspace.records.keys())
    workspace.contents(modules)  # all at once
    for path in modules:
        content = workspace.contents([path])[path]
        yield from _own_place(workspace, path, moved, content)
        yield from _loaded_by_path(workspace, mentions, path, moved[path])
        yield from _left_beside(workspace, path, moved, content)
        if path not in explained:
            yield from _tests_of(workspace, path, moved, explained)
    yield from _put_together(workspace, mentions, renamed, means)


def _own_place(
    workspace: Workspace, path: str, moved: Mapping[str, str], content: bytes
) -> Iterator[str]:
    target = moved[path]
    if path.count("/") != target.count("/") and _OWN_PLACE.search(content):
        line = _reaches_out(workspace, path, moved, content)
        if line is not None:
            raise Refused(
                path,
                line,
                f"directories are counted upwards from this file, and {target} is at another depth",
            )
    said: set[bytes] = set()
    for found in _OWN_PLACE.finditer(content):
        if found.group() not in said:
            said.add(found.group())
            word = found.group().decode("ascii")
            line = _line(content, found.start())
            yield f"{path}:{line}: {word} depends on where the file is"


def _reaches_out(
    workspace: Workspace, path: str, moved: Mapping[str, str], content: bytes
) -> int | None:
    """Return the line on which a file looks beyond the directories that move along, or None."""
    found = reached(content)
    if found is None:
        upward = _UPWARD.search(content)
        return None if upward is None else _line(content, upward.start())
    return next(
        (one.line for one in found if not _moves_along(workspace, path, moved, one.up)), None
    )


def _moves_along(workspace: Workspace, path: str, moved: Mapping[str, str], up: int | None) -> bool:
    """Tell whether what a file can see from a directory above it stays where it is, seen from it.

    Args:
        workspace: the repository before the move.
        path: the file.
        moved: path after, by path before.
        up: how far above, as in `Reached`.
    """
    if up == 1:
        return True  # what it names there and what stays is told by itself
    if up is None or up > min(path.count("/"), moved[path].count("/")):
        return False
    old, new = path.rsplit("/", up)[0], moved[path].rsplit("/", up)[0]
    return all(
        moved.get(other) == f"{new}{other[len(old) :]}"
        for other in workspace.files_below(old)
        if other not in workspace.made
    )


def _loaded_by_path(
    workspace: Workspace, mentions: Mentions, path: str, target: str
) -> Iterator[str]:
    """Yield where a module is loaded by its path, written out."""
    for origin in sorted({place.path for place in mentions.exactly(path)}):
        other = workspace.now(origin)
        if other is None or other not in workspace.records:
            continue
        content = workspace.contents([other])[other]
        if b"spec_from_file_location" in content:
            for line in loaded_from(content, path):
                yield (
                    f"{other}:{line}: spec_from_file_location loads {path}, which becomes {target}"
                )


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


def _tests_of(
    workspace: Workspace, path: str, moved: Mapping[str, str], explained: Collection[str]
) -> Iterator[str]:
    """Yield what pytest finds by its place: fixtures around a test, and tests laid out alike."""
    directory, name = posixpath.split(path)
    if name == "__init__.py":
        return
    stem = name.removesuffix(".py")
    if stem.startswith("test_") or stem.endswith("_test"):
        up = directory
        while up:
            conftest = f"{up}/conftest.py"
            around = moved[path].startswith(f"{up}/")
            if conftest in workspace.tracked and conftest not in moved and not around:
                yield f"{path} leaves the fixtures of {conftest}"
            up = posixpath.dirname(up)
        return
    below = directory.partition("/")[2]
    homes = {f"tests/{below}".rstrip("/"), f"tests/{directory}", f"{directory}/tests"}
    for home in sorted(homes):
        test = f"{home}/test_{stem}.py"
        if test in workspace.tracked and test not in moved and test not in explained:
            yield f"{test} is laid out like {path} and stays"


class _Name(NamedTuple):
    """A moved module: its name, all spellings of it, and whether it is a package."""

    name: str
    spellings: list[str]
    package: bool


def _put_together(
    workspace: Workspace,
    mentions: Mentions,
    renamed: Collection[str],
    means: Callable[[str], str | None],
) -> Iterator[str]:
    """Yield where a name is put together that may be that of a moved module."""
    by_name = workspace.table.by_name
    names = [
        _Name(name, _spellings(workspace, name), by_name[name].package) for name in sorted(renamed)
    ]
    paths = _computing(workspace, mentions)
    workspace.contents(paths)  # all at once
    for path in paths:
        content = workspace.contents([path])[path]
        record = workspace.records[path]
        found = put_together(content, frozenset(opaque.call for opaque in record.opaque))
        may_be: dict[tuple[int, str], set[str]] = {}
        if found is None and record.opaque:
            first = record.opaque[0]
            may_be[first.line, first.call] = set(_quoted(workspace, path, renamed))
        module = workspace.table.by_path[path]
        own = Own(module.name, module.name if module.package else module.name.rpartition(".")[0])
        for one in found or ():
            if one.start and means(one.start) is not None:
                continue  # it was rewritten
            hits = may_be.setdefault((one.line, one.call), set())
            loose = _matching(one, names, own, Match.HOLES)
            hits |= _matching(one, names, own, Match.SAID)
            # Of a mere variable that is given to `patch` nobody knows that it is a name at all.
            imports = any(one.call == opaque.call for opaque in record.opaque)
            if loose and (not one.bare or imports):
                hits |= loose.intersection(_quoted(workspace, path, loose))
        for (line, call), hits in sorted(may_be.items()):
            if hits:
                more = f" and {len(hits) - 1} more" if len(hits) > 1 else ""
                yield (
                    f"{path}:{line}: {call} is given a name that is put together: "
                    f"it may be {min(hits)}{more}"
                )


def _computing(workspace: Workspace, mentions: Mentions) -> list[str]:
    """Return the paths of the files that may put names of modules together, sorted."""
    found = set(workspace.opaque())
    if mentions.computing is None:
        found.update(path for path in workspace.records if path.endswith((".py", ".pyi")))
    else:
        now = map(workspace.now, mentions.computing)
        found.update(path for path in now if path in workspace.records)
    return sorted(path for path in found if path in workspace.table.by_path)


def _spellings(workspace: Workspace, name: str) -> list[str]:
    """Return the names under which the configuration lets a module be imported."""
    aliases = workspace.settings.aliases
    starts = [(alias, meant) for alias, meant in aliases if f"{name}.".startswith(f"{meant}.")]
    return [name, *(f"{alias}{name[len(meant) :]}" for alias, meant in starts)]


def _matching(one: PutTogether, names: Iterable[_Name], own: Own, how: Match) -> set[str]:
    return {
        name.name
        for name in names
        if any(
            match(skeleton, spelled, own, inside=name.package or not one.module) is how
            for skeleton in one.skeletons
            for spelled in name.spellings
        )
    }


def _quoted(workspace: Workspace, path: str, names: Collection[str]) -> Iterator[str]:
    """Yield the modules whose last names stand in a file's strings."""
    quoted = workspace.traits(path).quoted
    for name in names:
        if name.rpartition(".")[2].encode("utf-8", "surrogateescape") in quoted:
            yield name


def _line(content: bytes, offset: int) -> int:
    return content.count(b"\n", 0, offset) + 1

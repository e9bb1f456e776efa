"""Every place outside Python references that names what moves, and what is to be done about it.

A place is a token: a moved module's dotted name, with or without an attribute behind it, or a
moved file's path. What stands around it, and the file's format, decide whether it surely means
what moves. Nothing here reads a file: bytes and names come in, entries and edited bytes go out.
"""

from __future__ import annotations

import codecs
import fnmatch
import posixpath
import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.config.globs import name_glob
from lane_planner.promotion.references.formats import (
    BASELINE,
    Place,
    format_of,
    ignored_reason,
    patterns_in,
    places_of,
    settings_files,
)
from lane_planner.promotion.references.mentions import PYTHON_ENDS
from lane_planner.promotion.text import Edit, SourceText
from lane_planner.rules.baseline import read_baseline
from lane_planner.scan.decode import Undecodable

Status = Literal["needs a person", "rewritten", "ignored"]
STATUSES: tuple[Status, ...] = ("needs a person", "rewritten", "ignored")
"""In the order in which they matter to a person."""


class LedgerEntry(msgspec.Struct, frozen=True, order=True):
    """A place that names something that moves.

    Attributes:
        path: the file, below the root, after the promotion.
        line: from 1.
        column: in characters from 0, before what the ledger itself rewrites; 0 in files that are
            ignored.
        text: the name as it stood there.
        format: of the file, or of the part of it: "toml", "python string".
        status: whether it was rewritten, is left to a person, or is of no concern.
        reason: why it has this status.
    """

    path: str
    line: int
    column: int
    text: str
    format: str
    status: Status
    reason: str


class Moved(msgspec.Struct, frozen=True):
    """What becomes of a module, file or directory.

    Attributes:
        new: its name or path after the move.
        itself: whether it moves; False: something in it does.
        whole: whether nothing that is in it stays.
    """

    new: str
    itself: bool = True
    whole: bool = True


class Change(msgspec.Struct, frozen=True):
    """A promotion as far as the ledger has to know it.

    Attributes:
        modules: by dotted name before.
        paths: of files and directories, by path before.
        means: returns the moved module that a dotted name means, or None.
        tracked: paths of all files before.
        config: path of the lanes' configuration.
        baseline: path of the baseline.
        generated: paths of files that tools write, besides those known by name.
        rewrite: whether to rewrite whatever is certain; else only what travels with a module.
    """

    modules: Mapping[str, Moved]
    paths: Mapping[str, Moved]
    means: Callable[[str], str | None]
    tracked: Container[str]
    config: str | None = None
    baseline: str | None = None
    generated: frozenset[str] = frozenset()
    rewrite: bool = False


class Naming(msgspec.Struct, frozen=True):
    """A file that may name what moves.

    Attributes:
        path: before the move.
        after: and after it.
        keys: what it may name, of `Change.modules` and `Change.paths`.
        lines: where it did so in the commit, each with the text.
        read: whether its imports were read and rewritten, as those of a Python module are.
    """

    path: str
    after: str
    keys: frozenset[str]
    lines: tuple[tuple[int, str], ...] = ()
    read: bool = False


class Listed(NamedTuple):
    """The entries of a file, and its new content, or None if it does not change."""

    entries: tuple[LedgerEntry, ...]
    content: bytes | None


_LOGGER_NAMED = "a logger's name: what sets levels by it has to follow; --rewrite-text rewrites it"
ASK = "--rewrite-text rewrites it"
"""Reason of a place that could be rewritten, but was not asked to be."""

_QUOTES = "\"'`"
_BEFORE = frozenset("\"'`([{,:;=|&<>!\n\t\r ")
_AFTER = frozenset("\"'`()]},:;=|&<>!#\n\t\r ")
_WILD = frozenset("*?[{$%")
_EMPHASIS = frozenset("*_?[~$%{")  # what Markdown and prose put beside a name
_ESCAPES = frozenset("nrt\"'\\\n")
_MYPY_HEADER = re.compile(r"\[[^\]\n]*\bmypy-\Z")
_CLIMBS = re.compile(r"(?<![\w./])(?:\.{1,2}/)+\Z")
_ATTRIBUTES = re.compile(r"(?:\.\w+)*")
_PATH_REST = re.compile(r"[\w./*?\[\]{}-]*")
_OTHER_FILE = re.compile(r"[./-]\w")
_ALL_IN_IT = re.compile(r"/?|/\*{1,2}|/(?:\*\*/)?\*(?:\.py)?")
_LOGGER = re.compile(r"getLogger\(\s*[\"']\Z")
_TASK = re.compile(r"@(?:\w+\.)*(?:shared_)?task\([^)]*\bname\s*=\s*[\"']\Z")
# Longest stretch in front of a token that is looked at.
_LOOK_BACK = 200

_PERSISTED = re.compile(
    r"(?P<logger>\bgetLogger\(\s*__name__\s*\))"
    r"|(?P<task>^[ \t]*@(?:\w+\.)*(?:shared_)?task\b(?!\([^)]*\bname\s*=))"
    r"|(?P<pickle>\bdef[ \t]+__reduce(?:_ex)?__\b|\bcopyreg\.\w+)",
    re.MULTILINE,
)
_PERSISTED_BYTES = re.compile(rb"getLogger|task\b|__reduce|copyreg")


def listed(naming: Naming, content: bytes | None, change: Change) -> Listed:
    """Return what a file names of what moves, and its content with the certain names rewritten.

    Args:
        naming: the file.
        content: its bytes, its Python references rewritten; None: not read, as it is ignored.
        change: the promotion.
    """
    ignored = None
    if naming.path != change.baseline:  # which may be large
        ignored = ignored_reason(naming.path, content, change.generated)
    if ignored is not None or content is None:
        return Listed(tuple(_unread(naming, "ignored", ignored or "")), None)
    named = any(key.encode("utf-8", "surrogateescape") in content for key in naming.keys)
    if not named and naming.path not in settings_files(change.config):
        return Listed((), None)
    python = naming.path.endswith(PYTHON_ENDS)
    try:
        source = SourceText(content) if python else _remembered(content)
    except Undecodable as error:
        return Listed(tuple(_unread(naming, "needs a person", str(error))), None)
    entries, edits = _tokens(naming, source, change)
    if edits:
        try:
            edited = source.edited(edits)
            if naming.path == change.baseline:
                edited = _sorted_again(edited, naming.path)
            return Listed(tuple(entries), edited)
        except UnicodeEncodeError as error:
            why = f"its encoding does not take the edit: {error.reason}"
        except UsageError as error:
            why = error.message
        entries = [
            msgspec.structs.replace(e, status="needs a person", reason=why)
            if e.status == "rewritten"
            else e
            for e in entries
        ]
    return Listed(tuple(entries), None)


def _sorted_again(content: bytes, path: str) -> bytes:
    """Return a baseline in which names changed in its own order, with its own newlines.

    Raises:
        UsageError: it is no baseline.
    """
    newline = "\r\n" if b"\r\n" in content else "\n"
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    text = read_baseline(content, path).text()
    return mark + text.replace("\n", newline).encode("utf-8")


# A document that names many modules is looked at for each of them.
@lru_cache(maxsize=8)
def _remembered(content: bytes) -> SourceText:
    return SourceText(content)


def is_ignored(path: str, generated: Collection[str]) -> bool:
    """Tell whether a file is ignored whatever it holds, so that nobody needs to read it.

    Args:
        path: of the file.
        generated: paths of files that tools write, besides those known by name.
    """
    return ignored_reason(path, None, generated) is not None


def persisted(path: str, content: bytes, new: str) -> list[LedgerEntry]:
    """Return where a moved module's name goes out of the program, to come back later.

    Args:
        path: its file after the move.
        content: its bytes.
        new: its dotted name after the move.
    """
    if not _PERSISTED_BYTES.search(content):
        return []
    try:
        source = SourceText(content)
    except Undecodable:
        return []  # it cannot be imported, so nothing in it has a name
    entries = []
    for found in _PERSISTED.finditer(source.text):
        start = found.end() - len(found.group().lstrip())
        status: Status = "needs a person"
        if found.lastgroup == "logger":
            status = "ignored"
            why = f"the logger is called {new} now: levels set by name elsewhere miss it"
        elif found.lastgroup == "task":
            why = f"the task's default name begins with {new} now: queued messages have the old one"
        else:
            why = "pickles made before the move hold the old name and cannot be loaded"
        text = found.group().strip()
        entries.append(
            LedgerEntry(path, *_position(source, start), text, "persisted name", status, why)
        )
    return entries


def _unread(naming: Naming, status: Status, why: str) -> Iterator[LedgerEntry]:
    kind = format_of(naming.path, None)
    for line, text in sorted(set(naming.lines)):
        yield LedgerEntry(naming.after, line, 0, text, kind, status, why)


def _position(source: SourceText, offset: int) -> tuple[int, int]:
    line = source.line_of(offset)
    return line, offset - source.offset_of(line, 0)


class _Token(NamedTuple):
    """A name or path in a text: offsets of the part that is replaced, and of the whole."""

    key: str
    start: int
    end: int
    moved: Moved
    dotted: bool
    pattern: bool  # whether it ends as a pattern for all that is in it


def _tokens(
    naming: Naming, source: SourceText, change: Change
) -> tuple[list[LedgerEntry], list[Edit]]:
    text = source.text
    kind = BASELINE if naming.path == change.baseline else format_of(naming.path, text)
    entries: list[LedgerEntry] = []
    edits: list[Edit] = []
    spans: list[tuple[int, int]] = []
    place_at: Callable[[int], Place] | None = None
    for token in _found(naming, text, kind, change):
        if place_at is None:
            place_at = places_of(kind, naming.path, text, change.config)
        place = place_at(token.start)
        if place.kind == "code" and not token.moved.itself:
            continue
        named = _persisted_name(kind, text, token.start)
        why = place.reason or _doubt(naming, text, token, place, change)
        if named == "task":
            why = why or "a task's name: messages that are queued by it stay as they are"
        wanted = change.rewrite or (place.travels and place.kind == "value")
        status: Status = "ignored" if place.kind == "ignored" else "needs a person"
        if why is None and wanted:
            status = "rewritten"
            why = "travels with the module" if place.travels else "asked for by --rewrite-text"
            edits.append(Edit(token.start, token.start + len(token.key), token.moved.new))
        shown = text[token.start : token.end]
        label = kind if place.part is None else f"{kind} {place.part}"
        entries.append(
            LedgerEntry(
                naming.after,
                *_position(source, token.start),
                shown,
                label,
                status,
                why or (_LOGGER_NAMED if named == "logger" else ASK),
            )
        )
        spans.append((token.start, token.end))
    if naming.path in settings_files(change.config):
        place_at = place_at or places_of(kind, naming.path, text, change.config)
        for start, glob, place in patterns_in(text, place_at):
            end = start + len(glob)
            if any(start < last and first < end for first, last in spans):
                continue  # it begins with a name, and that is what is said of it
            left = _no_longer_covered(glob, change)
            if left is not None:
                label = kind if place.part is None else f"{kind} {place.part}"
                position = _position(source, start)
                entries.append(
                    LedgerEntry(naming.after, *position, glob, label, "needs a person", left)
                )
    return entries, edits


def _no_longer_covered(glob: str, change: Change) -> str | None:
    """Return what a glob matches before a move and not after it, in words; None: nothing."""
    if "/" in glob:
        covers = _path_glob(glob)
        pairs = [
            (old, moved.new) for old, moved in change.paths.items() if moved.itself and moved.whole
        ]
    else:
        covers = _name_glob(glob)
        pairs = [(old, moved.new) for old, moved in change.modules.items() if moved.itself]
    lost = sorted((old, new) for old, new in pairs if covers(old) and not covers(new))
    if not lost:
        return None
    more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
    old, new = lost[0]
    return f"a pattern that covers {old}{more}, and will not cover {new}: move it, or add to it"


_name_glob = lru_cache(maxsize=1 << 10)(name_glob)


@lru_cache(maxsize=1 << 10)
def _path_glob(glob: str) -> Callable[[str], bool]:
    """Return the test for a glob of paths, of a file or of a directory around it.

    Tools differ in what `*` stops at. Here it stops at nothing: too many places are better shown
    than too few.
    """
    glob = re.sub(r"^(?:\./|/)", "", glob).rstrip("/")
    # `**/` is also no directory, and patterns may be held against whole paths from the file
    # system's root.
    spellings = {glob, glob.replace("**/", ""), re.sub(r"^\*+/", "", glob)}
    matches = [re.compile(fnmatch.translate(spelling)).match for spelling in sorted(spellings)]

    def covers(path: str) -> bool:
        while path:
            if any(match(path) for match in matches):
                return True
            path = posixpath.dirname(path)
        return False

    return covers


def _found(naming: Naming, text: str, kind: str, change: Change) -> Iterator[_Token]:
    for start, key in _occurrences(text, naming.keys):
        if key in change.modules:
            token = _name_at(text, start, key, change)
            if token is not None and (token.moved.itself or kind != "python"):
                yield token
        else:
            token = _path_at(text, start, key, change.paths[key])
            if token is not None:
                yield token


def _name_at(text: str, start: int, key: str, change: Change) -> _Token | None:
    if text[start - 1 : start] == ".":
        return None  # the end of another name
    behind = start + len(key)
    end = _end(_ATTRIBUTES, text, behind)
    name = change.means(text[start:end])
    if name is None:
        # A package that stays, or whose code is nowhere; what is in it is none of its names.
        name = key
        if end > behind or change.modules[key].itself:
            return None
    moved = change.modules.get(name)
    if moved is None:
        return None
    everything = text.startswith(".*", end)
    return _Token(name, start, end + 2 * everything, moved, True, everything)


def _path_at(text: str, start: int, key: str, moved: Moved) -> _Token | None:
    behind = start + len(key)
    end = _end(_PATH_REST, text, behind)
    rest = text[behind:end]
    everything = not moved.itself and rest != "" and _ALL_IN_IT.fullmatch(rest) is not None
    if not everything and _OTHER_FILE.match(rest) and not _WILD.intersection(rest):
        return None  # another path
    return _Token(key, start, end if everything else behind, moved, False, everything)


def _occurrences(text: str, keys: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield where keys stand as whole words, of several at one place the longest."""
    found: list[tuple[int, int, str]] = []
    for key in keys:
        start = text.find(key)
        while start >= 0:
            end = start + len(key)
            if not (_is_word(text[start - 1 : start]) or _is_word(text[end : end + 1])):
                found.append((start, -end, key))
            start = text.find(key, end)
    position = 0
    for start, end, key in sorted(found):
        if start >= position:
            yield start, key
            position = -end


def _is_word(char: str) -> bool:
    return char == "_" or char.isalnum()


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return start if found is None else found.end()


def _doubt(naming: Naming, text: str, token: _Token, place: Place, change: Change) -> str | None:
    """Return why it is not certain that a token means what moves and nothing else, or None."""
    moved = token.moved
    if place.kind == "code":
        return (
            "code that reaches it without an import that is known"
            if naming.read
            else "Python that is not read here: look at its imports"
        )
    exact = token.end == token.start + len(token.key)
    just_it = place.alone and token.dotted and moved.itself and exact
    if not moved.whole and not just_it and (exact or token.pattern):
        if moved.itself and not token.dotted:
            return "a path without its ending, or the beginning of a pattern"
        return "something in it stays, and it names both"
    prose = place.kind == "prose"
    before = text[max(0, token.start - _LOOK_BACK) : token.start]
    why = _left(naming, before, token, prose) or _right(text, token, prose)
    if why is None and not token.dotted:
        here = posixpath.dirname(naming.path)
        while here:
            if f"{here}/{token.key}" in change.tracked:
                return f"{here}/{token.key} is there too"
            here = posixpath.dirname(here)
    if why is None and prose:
        last = before[-1:]
        quoted = last != "" and last in _QUOTES and text[token.end : token.end + 1] == last
        whole = text[token.start : token.end]
        if not quoted and whole.count(".") < 2 and "/" not in whole:
            return "too short a name to be sure of in prose"
    return why


def _left(naming: Naming, before: str, token: _Token, prose: bool) -> str | None:
    last = before[-1:]
    if not last or last in _BEFORE or (prose and last in _EMPHASIS):
        return None
    if token.dotted:
        header = _MYPY_HEADER.search(before)
        return None if header else "part of a longer name"
    climbs = _CLIMBS.search(before)
    if climbs is not None:
        homes = {posixpath.dirname(path) for path in (naming.path, naming.after)}
        if all(posixpath.normpath(posixpath.join(h, climbs.group())) == "." for h in homes):
            return None
        return "a relative path that may lead elsewhere"
    anchored = last == "/" and (len(before) == 1 or before[-2] in "\n !")
    if anchored and (
        posixpath.basename(naming.path) == "CODEOWNERS"
        or (format_of(naming.path, None) == "ignore list" and "/" not in naming.path)
    ):
        return None
    return "part of a longer path or of an address"


def _right(text: str, token: _Token, prose: bool) -> str | None:
    next_ = text[token.end : token.end + 1]
    if not next_ or next_ in _AFTER or (prose and next_ in _EMPHASIS):
        return None
    following = text[token.end + 1 : token.end + 2]
    if next_ == "\\" and following in _ESCAPES:
        return None
    if prose and next_ in ".?" and (not following or following.isspace() or following in "\"')*_`"):
        return None  # the end of a sentence
    if next_ in _WILD:
        return "a pattern, which may match more than what moves"
    return "the beginning of a longer name or path"


def _persisted_name(kind: str, text: str, start: int) -> str | None:
    """Return what a Python string gives a name to that goes out of the program, or None."""
    if kind != "python":
        return None
    before = text[max(0, start - _LOOK_BACK) : start]
    if _LOGGER.search(before):
        return "logger"
    return "task" if _TASK.search(before) else None


def summary(entries: Collection[LedgerEntry]) -> str:
    """Return how many places there are, by status, in words."""
    counts = dict.fromkeys(STATUSES, 0)
    for entry in entries:
        counts[entry.status] += 1
    verb = "places name" if len(entries) != 1 else "place names"
    need = "needs" if counts["needs a person"] == 1 else "need"
    return (
        f"{len(entries):,} {verb} it: {counts['rewritten']:,} rewritten, "
        f"{counts['needs a person']:,} {need} a person, {counts['ignored']:,} ignored"
    )

"""The names of a file: where they are used, what binds them, and its strings."""

from __future__ import annotations

from typing import Literal

import msgspec

from lane_planner.promotion.names.bindings import Scope


class Chain(msgspec.Struct, frozen=True):
    """A name that is used, with the attributes that are read off it: `a.b.c`.

    Attributes:
        scope: where it stands.
        parts: the names.
        line: from 1.
        start: offset of the first name; -1 where it stands in a string that spells it otherwise.
        ends: offset behind each name.
        place: its place in `Names.spelling`.
    """

    scope: Scope
    parts: tuple[str, ...]
    line: int
    start: int
    ends: tuple[int, ...]
    place: int


Role = Literal["name", "start of a name", "other"]


class String(msgspec.Struct, frozen=True):
    """A string.

    Attributes:
        value: what it says; of an f-string, what it begins with.
        role: whether it stands where a module or something in one is named, as a whole or as the
            beginning of what is put together.
        line: from 1.
        start: offset of its first character, prefix and quotes included.
        body: offset behind its opening quotes; -1 if they are not found.
        end: offset behind it.
        anchor: what a relative name in it starts from, as in `RawImport`.
        top: attributes that are read at once off the package that `__import__` returns for it;
            None: nothing hangs on what is returned.
        place: its place in `Names.spelling`.
    """

    value: str
    role: Role
    line: int
    start: int
    body: int
    end: int
    anchor: str | None
    top: tuple[str, ...] | None
    place: int


class Names(msgspec.Struct, frozen=True):
    """The names of a file.

    Attributes:
        module: its outermost scope.
        scopes: all scopes.
        chains: uses of names that an import binds, or nothing in the file.
        strings: in the order in which they are read.
        stars: modules, as written, of `from … import *`.
        spelling: every use of a name and every string, in the order in which they are read.
        listed: strings in `__all__`, and the line of each.
    """

    module: Scope
    scopes: tuple[Scope, ...]
    chains: tuple[Chain, ...]
    strings: tuple[String, ...]
    stars: tuple[str, ...]
    spelling: tuple[str, ...]
    listed: dict[str, int]

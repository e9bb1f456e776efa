"""What one file says about its imports, before anything is resolved."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["eager", "deferred", "typing"]


class RawImport(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An import as written: one a statement and written module.

    Attributes:
        module: the module as written, leading dots for a relative import ("." for `from . …`).
        names: what a `from` import names, in order ("*" alone for a star); None for
            `import a.b` and for dynamic imports.
        line: line of the first character of the statement, from 1.
        column: its column in characters, from 0.
        kind: when it runs (DESIGN section 3).
        optional: inside a `try` that catches its failure.
        dynamic: an `import_module` or `__import__` call with a literal.
        anchor: for a dynamic relative import, what it is relative to: "__package__", "__name__"
            or the literal package.
    """

    module: str
    names: tuple[str, ...] | None
    line: int
    column: int
    kind: Kind = "eager"
    optional: bool = False
    dynamic: bool = False
    anchor: str | None = None


class OpaqueImport(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A dynamic import whose module cannot be read off the source.

    Attributes:
        line: line of the first character of its statement, from 1.
        column: its column in characters, from 0.
        call: the called name as written.
    """

    line: int
    column: int
    call: str


class Ignore(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A comment that asks for import statements to be let through.

    Attributes:
        line: of the comment, from 1.
        column: of its "#", in characters, from 0.
        codes: the rules that it names, as written; None: it names none, and means all that it can.
        reason: as written; "" if there is none.
        statements: line and column of the import statements that it stands at.
    """

    line: int
    column: int
    codes: tuple[str, ...] | None
    reason: str
    statements: tuple[tuple[int, int], ...]


class FileRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that one file's content says; a pure function of its bytes.

    Attributes:
        imports: in source order.
        opaque: in source order.
        undecodable: why the bytes are not text (LP902), or None.
        shim: the module that the file is a shim for (`lane_planner.scan.shims`), or None.
        ignores: in source order.
    """

    imports: tuple[RawImport, ...] = ()
    opaque: tuple[OpaqueImport, ...] = ()
    undecodable: str | None = None
    shim: str | None = None
    ignores: tuple[Ignore, ...] = ()


class SyntaxFault(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why a file does not parse (LP901).

    Attributes:
        line: where the parser gave up, from 1.
        message: the parser's words.
    """

    line: int
    message: str

"""What single statements say, whoever reads them."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Written(NamedTuple):
    """One imported module as written; see `RawImport` for the fields."""

    module: str
    names: tuple[str, ...] | None


class CallNames(NamedTuple):
    """The names under which a file can call for a dynamic import.

    Attributes:
        import_module: names bound to `importlib.import_module`.
        importlib: names bound to the `importlib` module.
    """

    import_module: frozenset[str]
    importlib: frozenset[str]


class DynamicCall(NamedTuple):
    """An `import_module` or `__import__` call.

    Attributes:
        module: the literal module, leading dots for a relative one; None if it is opaque.
        anchor: what a relative one is relative to, as in `RawImport`.
        deferred: it stands in a lambda.
        call: the called name as written.
    """

    module: str | None
    anchor: str | None
    deferred: bool
    call: str


Condition = Literal["typing", "not typing", "main"]

"""What binds the names of a file, and in which scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec


class PlainImport(msgspec.Struct, frozen=True):
    """A name bound by `import a.b`: it is bound to `a`.

    Attributes:
        line: of the statement, from 1.
        start: offset of the dotted name.
        module: the dotted name.
    """

    line: int
    start: int
    module: str


class NamedImport(msgspec.Struct, frozen=True):
    """A name bound by `import a.b as n`, `from a import b` or `from a import b as n`.

    Attributes:
        line: of the statement, from 1.
        module: what stands behind `import` or `from`, with leading dots.
        name: what is imported from it; None for `import a.b as n`.
    """

    line: int
    module: str
    name: str | None


class OtherBinding(msgspec.Struct, frozen=True):
    """A name bound by anything but an import.

    Attributes:
        line: from 1.
    """

    line: int


Binding = PlainImport | NamedImport | OtherBinding


class Scope:
    """A part of a file in which a name means one thing.

    Args:
        kind: what makes it; comprehensions and lambdas are functions.
        parent: the scope around it; None for the module.

    Attributes:
        bound: what binds each name in it, in source order.
    """

    def __init__(self, kind: Literal["module", "class", "function"], parent: Scope | None) -> None:
        self.kind = kind
        self.parent = parent
        self.bound: dict[str, list[Binding]] = {}
        self._global: set[str] = set()
        self._nonlocal: set[str] = set()

    def declare(self, names: Iterable[str], *, everywhere: bool) -> None:
        """Take `global` or `nonlocal` names; they are bound in another scope.

        Args:
            names: the names.
            everywhere: whether they are global.
        """
        (self._global if everywhere else self._nonlocal).update(names)

    def bind(self, name: str, binding: Binding) -> None:
        """Take a binding; that of a `global` or `nonlocal` name goes to the scope which has it.

        Args:
            name: what is bound.
            binding: what binds it.
        """
        scope = self
        if name in self._global:
            scope = self.top()
        elif name in self._nonlocal:
            scope = self.owner_of(name) or self
        scope.bound.setdefault(name, []).append(binding)

    def declared(self, name: str) -> bool:
        """Tell whether a name is declared global or nonlocal here."""
        return name in self._global or name in self._nonlocal

    def top(self) -> Scope:
        """Return the module's scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def path_of(self, name: str) -> list[Scope]:
        """Return the scopes that are searched for a name used here, from this one to the module."""
        if name in self._global:
            return [self.top()]
        path: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            own = scope is self and name not in self._nonlocal
            if own or (scope is not self and scope.kind != "class"):
                path.append(scope)
            scope = scope.parent
        return path

    def owner_of(self, name: str) -> Scope | None:
        """Return the scope that binds a name used here, or None if none in the file does."""
        return next((scope for scope in self.path_of(name) if name in scope.bound), None)

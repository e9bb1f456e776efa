"""What packages make of the names of their submodules.

`from pkg import name` gives what `pkg/__init__.py` binds to `name`, and the submodule `pkg.name`
only where it binds nothing; so a submodule can leave, or stay behind, unnoticed or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Literal

import msgspec

from lane_planner.graph.resolve import ImportSite
from lane_planner.promotion.names.bindings import NamedImport
from lane_planner.promotion.names.names import Names
from lane_planner.promotion.names.names_reader import Unreadable, names_of
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.text import SourceText
from lane_planner.scan.decode import Undecodable
from lane_planner.scan.modules import Module
from lane_planner.scan.records import RawImport

_WORD = re.compile(r"\w+")
# By these a module can have names that do not stand in it.
_MAKES_NAMES = re.compile(rb"\*|__getattr__|globals|setattr|exec|vars")
_ALL = frozenset({"*"})


class Bound(msgspec.Struct, frozen=True):
    """What a package's own code binds a submodule's name to.

    Attributes:
        to: nothing, the submodule itself, or something else.
        path: the file that binds it to something else, else the package's.
        line: where, from 1.
    """

    to: Literal["nothing", "submodule", "else"]
    path: str
    line: int = 1


class Packages:
    """The code of packages before a move.

    Args:
        renaming: the modules, and what moves.
        read: returns the content of a file, by path.
        sites: returns the import sites of a module, by name.
    """

    def __init__(
        self,
        renaming: Renaming,
        read: Callable[[str], bytes],
        sites: Callable[[str], Iterable[ImportSite]],
    ) -> None:
        self._renaming = renaming
        self._read = read
        self._sites = sites
        self._words: dict[str, frozenset[str]] = {}
        self._known: dict[tuple[str, str, str], Bound] = {}

    def bound(self, package: str, child: str, module: str | None = None) -> Bound:
        """Return what a package binds the name of a submodule to.

        Args:
            package: its dotted name.
            child: the last name of the submodule.
            module: the submodule; None: the one of that name.
        """
        key = (package, child, module or f"{package}.{child}")
        if key not in self._known:
            self._known[key] = self._bound(*key, frozenset())
        return self._known[key]

    def rebound(self, module: str) -> Bound | None:
        """Return what else a module's package makes of its name, where the two part or meet.

        There `from pkg import name` and `pkg.name` mean one thing before the move and another
        after it.

        Args:
            module: its dotted name before the move.
        """
        package, _, child = module.rpartition(".")
        renamed = self._renaming.renamed
        found = [self.bound(package, child)] if self._renaming.parted(package, child) else []
        if module in renamed and package not in renamed:
            home, _, last = renamed[module].rpartition(".")
            found.append(self.bound(home, last, module))
        return next((bound for bound in found if bound.to == "else"), None)

    def moved(self, dotted: str) -> str | None:
        """Return the moved module that a dotted name outside of imports means, or None.

        A name behind a package that its code does not have is that of a submodule that is missing;
        as in an import, it stays.

        Args:
            dotted: a module, or something in a module.
        """
        module = self._renaming.module_of(dotted)
        if module is None or module not in self._renaming.renamed:
            return None
        rest = dotted[len(module) + 1 :].partition(".")[0]
        if rest and self._renaming.table.by_name[module].package:
            return module if self._has_word(module, rest) else None
        return module

    def _has_word(self, package: str, word: str) -> bool:
        words = self._words.get(package)
        if words is None:
            module = self._renaming.table.by_name[package]
            content = b"" if module.namespace else self._read(module.path)
            words = frozenset(_WORD.findall(content.decode("utf-8", "replace")))
            if not module.path.endswith(".py") or _MAKES_NAMES.search(content):
                words = _ALL
            self._words[package] = words
        return words is _ALL or word in words

    def lists(self, package: str, child: str) -> int | None:
        """Return the line on which a package's `__all__` lists a name, or None.

        Args:
            package: its dotted name.
            child: the name.
        """
        module = self._renaming.table.by_name.get(package)
        if module is None or module.namespace or b"__all__" not in self._read(module.path):
            return None
        names = self._names(module, child)
        return None if names is None else names.listed.get(child)

    def loads(self, package: str, child: str) -> bool:
        """Tell whether importing a package goes on importing one of its submodules.

        Args:
            package: its dotted name.
            child: the last name of the submodule.
        """
        submodule = f"{package}.{child}"
        return any(
            site.imported == submodule or site.imported.startswith(f"{submodule}.")
            for site in self._sites(package)
            if site.kind == "eager"
            and site.resolved
            and site.imported not in self._renaming.renamed
        )

    def run_after(self, names: Iterable[str]) -> set[str]:
        """Return all modules that importing some modules runs after the move.

        Args:
            names: the modules, as all that is returned by their names before it.
        """
        by_name = self._renaming.table.by_name
        found: set[str] = set()
        new = {up for name in names for up in self._run_with(name)}
        while new:
            found |= new
            imported = {
                site.imported
                for name in new
                if name in by_name
                for site in self._sites(name)
                if site.resolved and site.kind == "eager"
            }
            new = {up for name in imported for up in self._run_with(name)} - found
        return found

    def _run_with(self, name: str) -> Iterator[str]:
        """Yield a module and the packages that importing it runs after the move."""
        yield name
        around = self._renaming.renamed.get(name, name)
        while "." in around:
            around = around.rpartition(".")[0]
            if around in self._origins:
                yield self._origins[around]
            elif around not in self._renaming.renamed:
                yield around

    @cached_property
    def _origins(self) -> dict[str, str]:
        return {new: old for old, new in self._renaming.renamed.items()}

    def _bound(self, package: str, name: str, submodule: str, seen: frozenset[str]) -> Bound:
        module = self._renaming.table.by_name.get(package)
        if module is None or module.namespace or package in seen:
            return Bound("nothing", "")
        names = self._names(module, name)
        found = Bound("nothing", module.path)
        if names is None:
            return found
        for binding in names.module.bound.get(name, ()):
            if not isinstance(binding, NamedImport):
                return Bound("else", module.path, binding.line)
            raw = RawImport(binding.module, None, binding.line, 0)
            if self._renaming.bound_module(module, raw, binding.name) != submodule:
                return Bound("else", module.path, binding.line)
            if not self._is_typing(package, binding.line):
                found = Bound("submodule", module.path, binding.line)
        if not name.startswith("_"):
            for star in names.stars:
                target = self._renaming.target(module, RawImport(star, None, 1, 0), None)
                if target.fault is None and not target.external:
                    other = self._bound(target.imported, name, submodule, seen | {package})
                    if other.to == "else":
                        return other
                    if other.to == "submodule":
                        found = other
        return found

    def _is_typing(self, package: str, line: int) -> bool:
        sites = self._sites(package)
        return any(site.line == line and site.kind == "typing" for site in sites)

    def _names(self, module: Module, name: str) -> Names | None:
        """Return the names of a file; None where it has no such name, or says nothing at all.

        Raises:
            Refused: what it says cannot be told.
        """
        if module.namespace or not module.path.endswith(".py"):
            return None
        content = self._read(module.path)
        word = re.escape(name.encode("utf-8", "surrogateescape"))
        if not re.search(rb"(?<!\w)" + word + rb"(?!\w)|import\s*\(?\s*\*", content):
            return None
        try:
            return names_of(SourceText(content).text)
        except Undecodable:
            return None  # importing it fails before it binds anything
        except Unreadable as error:
            if error.runs:
                what = f"the file {error.reason}, so what it makes of {name} cannot be told"
                raise Refused(module.path, error.line, what) from error
            return None

"""Uses of moved modules inside a file: attribute chains, and strings in known call positions.

These need the whole file: `import a.b.c` binds `a`, and `a.b.c.f` anywhere in its scope means the
module; `patch("a.b.c.f")` names it in a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import msgspec

from lane_planner.graph.resolve import BeyondTop, absolute_name
from lane_planner.promotion.imports import ChangedBinding, Place
from lane_planner.promotion.names.bindings import Binding, NamedImport, PlainImport, Scope
from lane_planner.promotion.names.names import Chain, Names, String
from lane_planner.promotion.names.naming_calls import whole_names
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.packages import Bound, Packages
from lane_planner.promotion.text import Edit, SourceText
from lane_planner.scan.records import RawImport


class Uses(msgspec.Struct, frozen=True):
    """What has to change in a file beside its import statements.

    Attributes:
        edits: replacements.
        spelling: what `Names.spelling` must be after them.
    """

    edits: tuple[Edit, ...]
    spelling: tuple[str, ...]


def uses(
    source: SourceText,
    names: Names,
    place: Place,
    bindings: Iterable[ChangedBinding],
    renaming: Renaming,
    packages: Packages,
    loading: Iterable[str] = (),
) -> Uses:
    """Return the edits that make a file's uses of moved modules follow.

    Args:
        source: the file's text before the move.
        names: its names.
        place: its module before and after.
        bindings: names that its rewritten import statements bind differently.
        renaming: what moves.
        packages: what packages bind.
        loading: names of modules that it may find loaded, and not by its own statements.

    Raises:
        Refused: a use cannot be rewritten surely.
    """
    changed = {binding.start: binding for binding in bindings}
    finder = _Uses(source, names, place, changed, renaming, packages, tuple(loading))
    finder.find()
    return Uses(tuple(sorted(set(finder.edits))), tuple(finder.spelling))


class _Loaded(NamedTuple):
    before: frozenset[str]
    after: frozenset[str]


class _Uses:
    def __init__(
        self,
        source: SourceText,
        names: Names,
        place: Place,
        changed: dict[int, ChangedBinding],
        renaming: Renaming,
        packages: Packages,
        loading: tuple[str, ...],
    ) -> None:
        self.source = source
        self.names = names
        self.place = place
        self.module = place.before
        self.changed = changed
        self.renaming = renaming
        self.packages = packages
        self.loading = loading
        self.edits: list[Edit] = []
        self.spelling = list(names.spelling)

    def find(self) -> None:
        self._check_bindings()
        for chain in self.names.chains:
            self._chain(chain)
        for string in self.names.strings:
            self._string(string)

    def _refused(self, line: int, reason: str) -> Refused:
        return Refused(self.module.path, line, reason)

    # Bindings whose first name changes.

    def _check_bindings(self) -> None:
        for scope in self.names.scopes:
            for first, bindings in scope.bound.items():
                for change in self._changes(bindings):
                    if change.new.partition(".")[0] != first:
                        self._check_binding(scope, first, bindings, change)
        for change in self.changed.values():
            old, new = change.old.partition(".")[0], change.new.partition(".")[0]
            if old != new and any(s.declared(old) or s.declared(new) for s in self.names.scopes):
                raise self._refused(
                    change.line, f"{old} or {new} is declared global or nonlocal: rewrite by hand"
                )

    def _changes(self, bindings: Iterable[Binding]) -> list[ChangedBinding]:
        plain = [b for b in bindings if isinstance(b, PlainImport)]
        return [self.changed[b.start] for b in plain if b.start in self.changed]

    def _check_binding(
        self, scope: Scope, first: str, bindings: list[Binding], change: ChangedBinding
    ) -> None:
        top = change.new.partition(".")[0]
        if scope.kind == "class":
            raise self._refused(
                change.line, f"the class has {first} as an attribute: rewrite by hand"
            )
        for name, found in ((first, bindings), (top, scope.bound.get(top, []))):
            if any(not isinstance(binding, PlainImport) for binding in found):
                raise self._refused(
                    change.line, f"{name} is the name of something else here: rewrite by hand"
                )
        outer = scope.parent
        while outer is not None:
            if outer.kind != "class" and any(
                not isinstance(b, PlainImport) for b in outer.bound.get(top, ())
            ):
                raise self._refused(
                    change.line, f"{top} is the name of something else around: rewrite by hand"
                )
            outer = outer.parent
        if scope.parent is None and self.module.package:
            submodule = f"{self.module.name}.{top}"
            if submodule in self.renaming.table.by_name:
                raise self._refused(
                    change.line, f"`import {change.new}` would hide the submodule {submodule}"
                )

    # Attribute chains and bare names.

    def _chain(self, chain: Chain) -> None:
        first = chain.parts[0]
        owner = chain.scope.owner_of(first)
        if owner is None:
            self._unbound(chain)
            return
        bindings = owner.bound[first]
        if any(isinstance(binding, PlainImport) for binding in bindings):
            self._through_top(chain, owner, bindings)
        for binding in bindings:
            if isinstance(binding, NamedImport):
                raw = RawImport(binding.module, None, binding.line, 0)
                meaning = self.renaming.bound_module(self.module, raw, binding.name)
                if meaning is not None:
                    self._check_hops(chain, meaning)

    def _unbound(self, chain: Chain) -> None:
        """Refuse a name that nothing in the file binds, where it may reach what moves."""
        first = chain.parts[0]
        packages = {self.module.name} if self.module.package else set()
        for star in self.names.stars:
            target = self.renaming.target(self.module, RawImport(star, None, 1, 0), None)
            packages.add(target.imported)
        for package in sorted(packages):
            if self.renaming.parted(package, first):
                raise self._refused(
                    chain.line,
                    f"{first} is {package}.{first} without an import of that name: "
                    f"add `from {package} import {first}` first",
                )
        module = self.renaming.module_of(".".join(chain.parts))
        if module in self.renaming.renamed and self.names.stars:
            raise self._refused(
                chain.line, f"where {first} comes from is not seen: add `import {module}` first"
            )

    def _check_hops(self, chain: Chain, meaning: str, imported: Iterable[str] = ()) -> None:
        """Refuse a chain that steps from a package to a submodule that would not be there.

        Args:
            chain: the chain.
            meaning: the module that its first name is.
            imported: what is imported by that name, and stays.
        """
        package = meaning
        for child in chain.parts[1:]:
            submodule = f"{package}.{child}"
            if submodule not in self.renaming.table.by_name:
                return
            if any(_holds(submodule, name) for name in imported):
                there = True
            elif self.renaming.parted(package, child):
                there = self.packages.bound(package, child).to == "submodule"
            else:
                there = not self._is_lost(package, child)
            if not there:
                used = ".".join(chain.parts)
                reaches = f"reaches {submodule}" if used != submodule else "is used here"
                raise self._refused(
                    chain.line,
                    f"{used} {reaches} without importing it: add `import {submodule}` first",
                )
            package = submodule

    def _is_lost(self, package: str, child: str) -> bool:
        """Tell whether a submodule may be loaded no more: only what moves led to it.

        Importing `a.b.c` loads `a.b`, so a file in `a.b`, or one that imports `a.b.c`, can use
        `a.b` without importing it.
        """
        submodule = f"{package}.{child}"
        loaded = self._loaded
        new = self.renaming.renamed.get(submodule, submodule)
        if new in loaded.after or self.packages.loads(package, child):
            return False
        if self.module.name == self.place.after.name and submodule not in loaded.before:
            return False
        return submodule not in self._run

    @cached_property
    def _run(self) -> set[str]:
        """The modules that importing the file runs after the move, by their names before it."""
        targets = (
            self.renaming.target(self.module, RawImport(module, None, 1, 0), name)
            for module, name in self._imports()
        )
        here = (target.imported for target in targets if target.fault is None)
        return self.packages.run_after((self.module.name, *here))

    @cached_property
    def _loaded(self) -> _Loaded:
        """Return what the imports of the file itself load before the move, and after it."""
        targets = [
            self.renaming.target(self.module, RawImport(module, None, 1, 0), name).imported
            for module, name in self._imports()
        ]
        renamed = self.renaming.renamed
        return _Loaded(
            frozenset(up for name in (*targets, *self.loading) for up in _with_packages(name)),
            frozenset(
                up
                for target in (*targets, self.module.name)
                for up in _with_packages(renamed.get(target, target))
            ),
        )

    def _imports(self) -> Iterator[tuple[str, str | None]]:
        for scope in self.names.scopes:
            for bindings in scope.bound.values():
                for binding in bindings:
                    if isinstance(binding, PlainImport):
                        yield binding.module, None
                    elif isinstance(binding, NamedImport):
                        yield binding.module, binding.name
        for star in self.names.stars:
            yield star, None

    def _through_top(self, chain: Chain, owner: Scope, bindings: list[Binding]) -> None:
        """Follow a chain that begins with the first name of an `import a.b`."""
        changes = self._changes(bindings)
        module = self.renaming.module_of(".".join(chain.parts))
        if module is None or module not in self.renaming.renamed:
            self._stays(chain, module, bindings, changes)
            kept = [b.module for b in bindings if isinstance(b, PlainImport)]
            self._check_hops(chain, chain.parts[0], kept)
        elif any(_holds(module, change.old) for change in changes):
            self._follow(chain, owner, module)
        else:
            self._check_hops(chain, chain.parts[0])
            self._stays(chain, module.rpartition(".")[0], bindings, changes)

    def _stays(
        self,
        chain: Chain,
        module: str | None,
        bindings: list[Binding],
        changes: list[ChangedBinding],
    ) -> None:
        """Refuse a chain that stays but is bound, or loaded, only by an import that moves."""
        if not changes:
            return
        first = chain.parts[0]
        kept = [b.module for b in bindings if isinstance(b, PlainImport) and not self._changed(b)]
        kept += [c.new for c in changes if c.new.partition(".")[0] == first]
        if not kept:
            raise self._refused(
                chain.line,
                f"{first} is used here and bound only by an import that moves: "
                f"add `import {module or first}` first",
            )
        loaded = [*kept, *self._loaded_at_top()]
        if (
            module is not None
            and any(_holds(module, change.old) for change in changes)
            and not any(_holds(module, name) for name in loaded)
        ):
            raise self._refused(
                chain.line,
                f"{module} is used here and imported only by an import that moves: "
                f"add `import {module}` first",
            )

    def _changed(self, binding: PlainImport) -> bool:
        return binding.start in self.changed

    def _loaded_at_top(self) -> Iterator[str]:
        """Yield the modules that stay and that the module's own scope imports."""
        for bindings in self.names.module.bound.values():
            for binding in bindings:
                if isinstance(binding, PlainImport) and not self._changed(binding):
                    yield binding.module
                elif isinstance(binding, NamedImport):
                    raw = RawImport(binding.module, None, binding.line, 0)
                    target = self.renaming.target(self.module, raw, binding.name)
                    if target.imported not in self.renaming.renamed:
                        yield target.imported

    def _follow(self, chain: Chain, owner: Scope, module: str) -> None:
        """Rewrite a chain that reaches a moved module through the binding of its first name."""
        first, spelled = chain.parts[0], ".".join(chain.parts)
        new = self.renaming.renamed[module]
        self._refuse_rebound(chain.line, module)
        top = new.partition(".")[0]
        if top != first:
            for scope in chain.scope.path_of(top):
                if any(not isinstance(b, PlainImport) for b in scope.bound.get(top, ())):
                    raise self._refused(
                        chain.line, f"{top} is the name of something else here: rewrite by hand"
                    )
                if scope is owner:
                    break
        count = module.count(".") + 1
        end = chain.ends[count - 1]
        written = self.source.text[chain.start : end] if chain.start >= 0 else ""
        if re.sub(r"[\s\\]", "", written) != module:
            raise self._refused(
                chain.line, f"{module} is not written in one piece: rewrite by hand"
            )
        self.edits.append(Edit(chain.start, end, new))
        self.spelling[chain.place] = new + spelled[len(module) :]

    def _refuse_rebound(self, line: int, module: str) -> None:
        bound = self.packages.rebound(module)
        if bound is not None:
            raise self._refused(line, rebound_reason(module, bound))

    # Strings.

    def _string(self, string: String) -> None:
        if string.role == "other":
            return
        if string.value.startswith("."):
            self._relative_string(string)
        else:
            self._naming_string(string)

    def _naming_string(self, string: String) -> None:
        value = string.value.partition(":")[0]  # "a.b:f"
        if string.role == "start of a name":
            whole = whole_names(value)
            if whole in self.renaming.renamed and self.renaming.staying_below(whole):
                raise self._refused(
                    string.line,
                    f"a name that begins with {whole!r} is put together here: some of {whole} "
                    "moves and some stays",
                )
            value = whole
        module = self.packages.moved(value)
        if module is None:
            return
        new = self.renaming.renamed[module]
        if value != module:
            self._refuse_rebound(string.line, module)
        below = module.split(".")[1:]
        if string.top is not None and not (
            below == new.split(".")[1:] == list(string.top[: len(below)])
        ):
            raise self._refused(
                string.line,
                f"__import__({value!r}) returns {module.partition('.')[0]}: "
                "use importlib.import_module",
            )
        self._replace(string, module, new)

    def _relative_string(self, string: String) -> None:
        if string.role != "name" or string.anchor is None:
            return
        raw = RawImport(string.value, None, string.line, 0, dynamic=True, anchor=string.anchor)
        target = self.renaming.target(self.module, raw, None)
        if target.fault is not None or target.external:
            return
        new = self.renaming.renamed.get(target.imported, target.imported)
        try:
            stays = absolute_name(self.place.after, raw) == new
        except BeyondTop:
            stays = False
        if not stays:
            self._replace(string, string.value, new)

    def _replace(self, string: String, old: str, new: str) -> None:
        text, end = self.source.text, string.body + len(old)
        whole = string.body >= 0 and text.startswith(old, string.body)
        if not whole or text[end] not in ("'", '"', string.value[len(old) : len(old) + 1]):
            raise self._refused(
                string.line, f"the string {string.value!r} holds escapes or is in pieces: mend it"
            )
        self.edits.append(Edit(string.body, end, new))
        self.spelling[string.place] = new + string.value[len(old) :]


def rebound_reason(module: str, bound: Bound) -> str:
    """Return why a reference to a module through its package is refused.

    Args:
        module: its dotted name before the move.
        bound: what the package makes of its name.
    """
    return (
        f"{bound.path}:{bound.line} makes {module.rpartition('.')[2]} something else than the "
        f"module {module}: promote the package with it, or rename one of them"
    )


def _with_packages(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]


def _holds(package: str, name: str) -> bool:
    """Tell whether importing `name` imports `package`."""
    return name == package or name.startswith(f"{package}.")

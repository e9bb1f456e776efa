"""What each import of a repository means: a module of it, nothing that exists, or something else.

The meanings are those of DESIGN section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from lane_planner.scan.modules import Module, ModuleTable
from lane_planner.scan.records import FileRecord, Kind, RawImport


class ImportSite(msgspec.Struct, frozen=True, gc=False):
    """One import statement's import of one module.

    Attributes:
        importer: name of the importing module.
        imported: name of the imported module; of an unresolved one the written module, made
            absolute; of an external one the written module.
        line: line of the statement's first character, from 1.
        column: its column in characters, from 0.
        kind: when it runs.
        optional: inside a `try` that catches its failure.
        dynamic: an `import_module` or `__import__` call.
        fault: "LP301" for a first-party module that does not exist, "LP302" for a relative import
            beyond the top, else None.
        external: the imported module is not first-party.
    """

    importer: str
    imported: str
    line: int
    column: int
    kind: Kind
    optional: bool
    dynamic: bool
    fault: str | None = None
    external: bool = False

    @property
    def resolved(self) -> bool:
        """Whether the imported module is one of the repository's."""
        return self.fault is None and not self.external


class Target(NamedTuple):
    """What one written name comes to; the fields are those of `ImportSite`."""

    imported: str
    fault: str | None
    external: bool


class BeyondTop(Exception):
    """A relative import climbs beyond the top-level package."""


class Resolver:
    """Resolves written imports against the modules of a repository.

    Args:
        table: the modules.
        aliases: (written module prefix, prefix it stands for), applied to absolute imports.
    """

    def __init__(self, table: ModuleTable, aliases: Sequence[tuple[str, str]] = ()) -> None:
        self._modules = table.by_name
        self._tops = table.tops
        # the longest prefix first: it is the most particular
        self._aliases = sorted(aliases, key=lambda pair: (-len(pair[0]), pair))
        self._known: dict[tuple[str, tuple[str, ...] | None], tuple[Target, ...]] = {}

    def sites(self, module: Module, record: FileRecord, *, external: bool) -> list[ImportSite]:
        """Return the import sites of a module, one a statement and imported module, in order.

        Args:
            module: the importer.
            record: its imports as written.
            external: whether imports of what is not first-party are wanted.
        """
        found: list[ImportSite] = []
        name = module.name
        for raw in record.imports:
            for target in self.targets(module, raw):
                if (target.external and not external) or target.imported == name:
                    continue
                site = ImportSite(
                    name, target.imported, raw.line, raw.column, raw.kind, raw.optional,
                    raw.dynamic, target.fault, target.external,
                )  # fmt: skip
                if not _repeated(found, site):
                    found.append(site)
        return found

    def absolute(self, module: Module, raw: RawImport) -> str:
        """Return the module that an import names, made absolute, aliases applied.

        Raises:
            BeyondTop: it climbs beyond the top.
        """
        return absolute_name(module, raw) if raw.module[:1] == "." else self._alias(raw.module)

    def targets(self, module: Module, raw: RawImport) -> tuple[Target, ...]:
        """Return what an import of a module means: one target for each name it may import."""
        if raw.module[:1] == ".":
            try:
                absolute = self.absolute(module, raw)
            except BeyondTop:
                return (Target(raw.module, "LP302", False),)
            return self._absolute(absolute, raw.names, relative=True)
        known = self._known.get((raw.module, raw.names))
        if known is None:
            known = self._absolute(self._alias(raw.module), raw.names, relative=False)
            self._known[raw.module, raw.names] = known
        return known

    def _alias(self, written: str) -> str:
        for prefix, meant in self._aliases:
            if written == prefix or written.startswith(f"{prefix}."):
                return meant + written[len(prefix) :]
        return written

    def _absolute(
        self, module: str, names: tuple[str, ...] | None, *, relative: bool
    ) -> tuple[Target, ...]:
        found = self._modules.get(module)
        if names is None or names == ("*",):
            return (self._one(module, relative),)
        targets: list[Target] = []
        for name in names:
            if f"{module}.{name}" in self._modules:
                targets.append(Target(f"{module}.{name}", None, False))
            elif found is not None and found.namespace:
                targets.append(Target(module, "LP301", False))  # nothing else can be in it
            else:
                targets.append(self._one(module, relative))
        return tuple(dict.fromkeys(targets))

    def _one(self, module: str, relative: bool) -> Target:
        if module in self._modules:
            return Target(module, None, False)
        if relative or module.partition(".")[0] in self._tops:
            return Target(module, "LP301", False)
        return Target(module, None, True)


def absolute_name(module: Module, raw: RawImport) -> str:
    """Return the absolute name of the module that a relative import names.

    Args:
        module: the importer.
        raw: its import, with leading dots.

    Raises:
        BeyondTop: there are more dots than packages.
    """
    tail = raw.module.lstrip(".")
    level = len(raw.module) - len(tail)
    home = module.home
    if raw.anchor == "__name__":
        home = module.name if module.importable else module.home
    elif raw.anchor not in (None, "__package__"):
        home = raw.anchor or ""
    parts = home.split(".") if home else []
    if level > len(parts):
        raise BeyondTop(raw.module)
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{tail}" if tail else base


def _repeated(found: list[ImportSite], site: ImportSite) -> bool:
    for earlier in reversed(found):
        if (earlier.line, earlier.column) != (site.line, site.column):
            return False
        if earlier.imported == site.imported and earlier.fault == site.fault:
            return True
    return False


def resolve_all(
    table: ModuleTable,
    records: dict[str, FileRecord],
    aliases: Sequence[tuple[str, str]] = (),
    *,
    external: bool = False,
) -> Iterable[ImportSite]:
    """Yield the import sites of all files, by importer's name, line and column."""
    resolver = Resolver(table, aliases)
    for module in table.by_name.values():
        record = None if module.namespace else records.get(module.path)
        if record is not None and record.imports:
            yield from resolver.sites(module, record, external=external)

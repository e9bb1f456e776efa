"""What names mean before a move, and what they have to become."""

from __future__ import annotations

from collections.abc import Mapping

from lane_planner.graph.resolve import BeyondTop, Resolver, Target, absolute_name
from lane_planner.scan.modules import Module, ModuleTable
from lane_planner.scan.records import RawImport


class Refused(Exception):
    """A reference that cannot be rewritten surely.

    Args:
        path: the file, as it stands before the move.
        line: from 1.
        reason: why, and what to do.
    """

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class Renaming:
    """The names of moved modules, before and after.

    Args:
        table: the modules before the move.
        renamed: name after, by name before.
        resolver: of the modules before the move.
    """

    def __init__(self, table: ModuleTable, renamed: Mapping[str, str], resolver: Resolver) -> None:
        self.table = table
        self.renamed = renamed
        self._resolver = resolver

    def target(self, module: Module, raw: RawImport, name: str | None) -> Target:
        """Return what one name of an import means before the move.

        Args:
            module: the importer, before the move.
            raw: the import as written.
            name: one of its names; None for `import a.b`.
        """
        names = None if name is None else (name,)
        one = RawImport(raw.module, names, 0, 0, dynamic=raw.dynamic, anchor=raw.anchor)
        return self._resolver.targets(module, one)[0]

    def taken_from(self, module: Module, raw: RawImport) -> str | None:
        """Return the module, made absolute, that a `from` import takes names from, or None.

        Args:
            module: the importer, before the move.
            raw: the import as written.
        """
        try:
            return self._resolver.absolute(module, raw)
        except BeyondTop:
            return None

    def written(self, module: Module, raw: RawImport) -> str:
        """Return the absolute module that an import names, aliases not applied.

        Raises:
            BeyondTop: it climbs beyond the top.
        """
        return absolute_name(module, raw) if raw.module.startswith(".") else raw.module

    def module_of(self, dotted: str) -> str | None:
        """Return the longest prefix of a dotted name that is a module before the move, or None."""
        while dotted:
            if dotted in self.table.by_name:
                return dotted
            dotted = dotted.rpartition(".")[0]
        return None

    def bound_module(self, module: Module, raw: RawImport, name: str | None) -> str | None:
        """Return the module that an import statement binds a name to, or None if it is none.

        Args:
            module: the importer, before the move.
            raw: the import as written; of `names` nothing is read.
            name: what is imported from it; None for `import a.b as n`.
        """
        target = self.target(module, raw, name)
        if target.fault is not None or target.external:
            return None
        if name is not None and target == self.target(module, raw, None):
            return None  # something in the module
        return target.imported

    def parted(self, package: str, child: str) -> bool:
        """Tell whether just one of a package and one of its submodules moves.

        Args:
            package: its dotted name before the move.
            child: the last name of the submodule.
        """
        submodule = f"{package}.{child}"
        if submodule not in self.table.by_name:
            return False
        return (package in self.renamed) != (submodule in self.renamed)

    def staying_below(self, package: str) -> list[str]:
        """Return the modules directly in a package that do not move."""
        start = f"{package}."
        return [
            name
            for name in self.table.by_name
            if name.startswith(start) and name not in self.renamed and "." not in name[len(start) :]
        ]

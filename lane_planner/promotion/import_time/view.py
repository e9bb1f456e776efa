"""The modules of a repository before a promotion or after it, and what their imports mean then.

The texts are those before it: after it their imports are read as they will be rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from lane_planner.graph.resolve import BeyondTop, absolute_name
from lane_planner.promotion.import_time.on_import import Outline, Plain, outline_of
from lane_planner.promotion.relocation import Relocation
from lane_planner.promotion.workspace import packages_around
from lane_planner.scan.modules import Module
from lane_planner.scan.records import RawImport

_EMPTY = Outline((), {}, frozenset(), frozenset(), makes_names=False)


class Meant(msgspec.Struct, frozen=True):
    """What one import statement comes to.

    Attributes:
        module: the module that it runs.
        names: the names that it takes from that, by those written.
    """

    module: str
    names: dict[str, str]


class View:
    """The modules of a repository before a promotion or after it, and what they import at once.

    Args:
        relocation: the promotion.
        after: whether they are those after it.

    Attributes:
        modules: by name.
    """

    def __init__(self, relocation: Relocation, *, after: bool) -> None:
        self._relocation = relocation
        self._after = after
        self.modules: Mapping[str, Module] = (
            relocation.after.by_name if after else relocation.before.by_name
        )
        self._renamed: Mapping[str, str] = relocation.renaming.renamed if after else {}
        layout = relocation.layout
        self._origins = {new: old for old, new in layout.moved.items()} if after else {}
        self._made = frozenset(layout.made) if after else frozenset()
        self._shims = {}
        if after:
            shimmed = {relocation.before.by_path[path].name: path for path in layout.shimmed}
            self._shims = {name: self._renamed[name] for name in shimmed if name in self._renamed}
        self._edges: dict[str, tuple[str, ...]] = {}
        self._meanings: dict[tuple[str, str, str | None, tuple[str, ...]], list[Meant]] = {}

    def before(self, name: str) -> str | None:
        """Return how a module is called before the promotion; None: it is not there.

        Args:
            name: how it is called here.
        """
        module = self._module_before(name)
        return None if module is None else module.name

    def _module_before(self, name: str) -> Module | None:
        module = self.modules.get(name)
        if module is None or module.namespace or name in self._shims:
            return None
        if module.path in self._made:
            return None
        return self._relocation.before.by_path.get(self._origins.get(module.path, module.path))

    def edges(self, name: str) -> tuple[str, ...]:
        """Return the modules that a module's own imports run at once, packages around included.

        Args:
            name: the module; one that imports nothing of the repository can be forgotten here.
        """
        known = self._edges.get(name)
        if known is None:
            known = self._edges[name] = tuple(dict.fromkeys(self._imported(name)))
        return known

    def _imported(self, name: str) -> Iterator[str]:
        if name in self._shims:
            targets = [self._shims[name]]
        else:
            module = self._module_before(name)
            if module is None or module.path in self._relocation.workspace.made:
                return
            targets = [
                self._renamed.get(site.imported, site.imported)
                for site in self._relocation.workspace.sites_in(module.name)
                if site.kind == "eager" and site.resolved
            ]
        for target in targets:
            for up in (target, *packages_around(target)):
                if up in self.modules and up != name:
                    yield up

    def outline(self, name: str) -> Outline | None:
        """Return what importing a module does; None where nobody can tell.

        Args:
            name: the module.
        """
        if name in self._shims:
            body = Plain(1, RawImport(self._shims[name], None, 1, 0), None)
            return Outline((body,), {}, frozenset(), frozenset(), makes_names=True)
        known = self.modules.get(name)
        if known is None or known.namespace or known.path in self._made:
            return _EMPTY
        module = self._module_before(name)
        if module is None or not module.path.endswith(".py"):
            return None
        record = self._relocation.workspace.records.get(module.path)
        if record is None:
            return None
        return outline_of(self._relocation.content(module.path), record)

    def meant(self, name: str, raw: RawImport, names: tuple[str, ...]) -> list[Meant]:
        """Return what an import of a module means, in the order in which it is carried out.

        Args:
            name: the importer.
            raw: the import as written.
            names: what a `from` import names; else empty.
        """
        key = (name, raw.module, raw.anchor, names)
        found = self._meanings.get(key)
        if found is None:
            found = self._meanings[key] = self._meant(name, raw, names)
        return found

    def _meant(self, name: str, raw: RawImport, names: tuple[str, ...]) -> list[Meant]:
        importer = self._module_before(name)
        if importer is None:  # a shim
            return [Meant(raw.module, {})]
        renaming = self._relocation.renaming
        module = renaming.taken_from(importer, raw)
        if module is None:
            return []
        renamed = self._renamed
        if not names or names == ("*",):
            return [Meant(renamed.get(module, module), {n: n for n in names})]
        found: dict[str, dict[str, str]] = {}
        for one in names:
            submodule = f"{module}.{one}"
            if submodule in renamed:
                home, _, last = renamed[submodule].rpartition(".")
                found.setdefault(home, {})[one] = last
            else:
                stays = submodule in renaming.table.by_name
                home = module if stays else renamed.get(module, module)
                found.setdefault(home, {})[one] = one
        if len(found) > 1:  # the statement becomes several: the one that can stay is the first
            now = self._means_now(importer, raw)
            if now in found:
                found = {now: found.pop(now), **found}
        return [Meant(home, said) for home, said in found.items()]

    def _means_now(self, importer: Module, raw: RawImport) -> str:
        """Return what the text of an import, unchanged, means where its file stands then."""
        if not raw.module.startswith("."):
            return raw.module
        place = self._relocation.after.by_path[self._relocation.path_after(importer.path)]
        try:
            return absolute_name(place, raw)
        except BeyondTop:
            return ""

    def spelled(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Return a chain that begins with the first name of an `import a.b` as it is written then.

        Args:
            parts: its names before the promotion.
        """
        module = self._relocation.renaming.module_of(".".join(parts)) if self._renamed else None
        if module is None or module not in self._renamed:
            return parts
        return (*self._renamed[module].split("."), *parts[module.count(".") + 1 :])


def circles(view: View, starts: Iterable[str]) -> tuple[list[list[str]], set[str]]:
    """Return the circles of imports that can be reached, and all that leads to one.

    Args:
        view: the modules.
        starts: where to start from.

    Returns:
        The circles, each of two modules at least; and the modules reached that are in one or lead
        to one.
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []
    leading: set[str] = set()
    for start in starts:
        if start in order:
            continue
        order[start] = low[start] = len(order)
        open_.append(start)
        path = [(start, iter(view.edges(start)))]
        while path:
            name, edges = path[-1]
            for target in edges:
                if target not in order:
                    order[target] = low[target] = len(order)
                    open_.append(target)
                    path.append((target, iter(view.edges(target))))
                    break
                if target in low:  # it is still open
                    low[name] = min(low[name], order[target])
            else:
                path.pop()
                if path:
                    outer = path[-1][0]
                    low[outer] = min(low[outer], low[name])
                if low[name] == order[name]:
                    members = [open_.pop()]
                    while members[-1] != name:
                        members.append(open_.pop())
                    if len(members) > 1:
                        found.append(members)
                        leading.update(members)
                    elif not leading.isdisjoint(view.edges(name)):
                        leading.add(name)
                    for member in members:
                        del low[member]
    return found, leading

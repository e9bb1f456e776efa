"""The import graph of a repository: immutable, sorted, asked with verbs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from lane_planner.graph.resolve import ImportSite, resolve_all
from lane_planner.scan.modules import Module, ModuleTable, name_modules
from lane_planner.scan.records import FileRecord

if TYPE_CHECKING:
    import grimp
    import networkx

_Node = TypeVar("_Node", str, int)


class ImportGraph:
    """Modules and the imports between them.

    networkx and grimp's native graph stand behind the queries that need them, and are loaded only
    then.

    Args:
        table: the modules.
        sites: import sites, external ones perhaps among them.
    """

    def __init__(self, table: ModuleTable, sites: Iterable[ImportSite]) -> None:
        self._table = table
        self._modules = MappingProxyType(table.by_name)
        self._sites = tuple(sites)
        self._components: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}

    @property
    def modules(self) -> Mapping[str, Module]:
        """All modules by name, sorted."""
        return self._modules

    @property
    def table(self) -> ModuleTable:
        """The modules as they were named."""
        return self._table

    @property
    def sites(self) -> tuple[ImportSite, ...]:
        """All import sites, by importer, line and column."""
        return self._sites

    def module_at(self, path: str) -> Module | None:
        """Return the module that a file holds, or None."""
        return self._table.by_path.get(path)

    @cached_property
    def _by_importer(self) -> dict[str, tuple[ImportSite, ...]]:
        return _grouped(self._sites, "importer")

    @cached_property
    def _by_imported(self) -> dict[str, tuple[ImportSite, ...]]:
        return _grouped((site for site in self._sites if not site.external), "imported")

    def sites_in(self, importer: str) -> tuple[ImportSite, ...]:
        """Return the import sites of a module, by line and column."""
        return self._by_importer.get(importer, ())

    def sites_of(self, imported: str) -> tuple[ImportSite, ...]:
        """Return the sites that import a module (or name a missing one), by importer and line."""
        return self._by_imported.get(imported, ())

    def imports_of(self, importer: str) -> tuple[str, ...]:
        """Return the names of the modules that a module imports, sorted."""
        return tuple(sorted({s.imported for s in self.sites_in(importer) if s.resolved}))

    def importers_of(self, imported: str) -> tuple[str, ...]:
        """Return the names of the modules that import a module, sorted."""
        return tuple(sorted({s.importer for s in self.sites_of(imported) if s.resolved}))

    def edges(
        self, kinds: Collection[str] = ("eager", "deferred", "typing")
    ) -> set[tuple[str, str]]:
        """Return (importer, imported) for the resolved sites of some kinds."""
        return {(s.importer, s.imported) for s in self._sites if s.resolved and s.kind in kinds}

    def components(self, kinds: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """Return the strongly connected components of more than one module, sorted.

        Args:
            kinds: the kinds of import that count.
        """
        known = self._components.get(tuple(kinds))
        if known is None:
            known = self._components[tuple(kinds)] = components(self.edges(kinds))
        return known

    def to_networkx(self) -> networkx.DiGraph[str]:
        """Return a new networkx graph of all modules and resolved imports.

        Each node has its module's `path`, each edge its `sites`, a tuple of import sites.
        """
        import networkx

        graph: networkx.DiGraph[str] = networkx.DiGraph()
        graph.add_nodes_from(
            (module.name, {"path": module.path}) for module in self.modules.values()
        )
        sites: dict[tuple[str, str], list[ImportSite]] = {}
        for site in self._sites:
            if site.resolved:
                sites.setdefault((site.importer, site.imported), []).append(site)
        for (importer, imported), found in sites.items():
            graph.add_edge(importer, imported, sites=tuple(found))
        return graph

    @cached_property
    def _native(self) -> grimp.ImportGraph:
        import grimp

        native = grimp.ImportGraph()
        for name in self.modules:
            native.add_module(name)
        for importer, imported in sorted(self.edges()):
            native.add_import(importer=importer, imported=imported)
        return native

    def shortest_chain(self, importer: str, imported: str) -> tuple[str, ...] | None:
        """Return a shortest chain of imports from one module to another, both ends included.

        Returns:
            The names along the chain; None if there is none.
        """
        if importer not in self.modules or imported not in self.modules:
            return None
        return self._native.find_shortest_chain(importer=importer, imported=imported)


def _grouped(sites: Iterable[ImportSite], end: str) -> dict[str, tuple[ImportSite, ...]]:
    groups: dict[str, list[ImportSite]] = {}
    for site in sites:
        groups.setdefault(getattr(site, end), []).append(site)
    return {name: tuple(group) for name, group in groups.items()}


def components(edges: Iterable[tuple[_Node, _Node]]) -> tuple[tuple[_Node, ...], ...]:
    """Return the strongly connected components of more than one node, each and all sorted.

    Tarjan's algorithm (1972) in Pearce's form (2016), without recursion. It walks plain lists: to
    build a networkx graph of the edges first takes several times as long as to look at them, and
    planning asks many times.

    Args:
        edges: (node, node that it leads to).
    """
    following: dict[_Node, list[_Node]] = {}
    for node, other in edges:
        following.setdefault(node, []).append(other)
    rank: dict[_Node, int] = {}  # the earliest node that a node is known to lead to and back from
    done: set[_Node] = set()
    stack: list[_Node] = []
    found: list[tuple[_Node, ...]] = []
    for root, first_others in following.items():
        if root in rank:
            continue
        rank[root] = len(rank)
        path = [(root, rank[root], iter(first_others))]
        while path:
            node, first, others = path[-1]
            for other in others:
                if other in done or other not in following:
                    continue  # it leads nowhere, or to nothing that leads back
                if other not in rank:
                    rank[other] = len(rank)
                    path.append((other, rank[other], iter(following[other])))
                    break
                rank[node] = min(rank[node], rank[other])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    rank[above] = min(rank[above], rank[node])
                stack.append(node)
                if rank[node] == first:
                    part = [stack.pop()]
                    while stack and rank[stack[-1]] >= first:
                        part.append(stack.pop())
                    done.update(part)
                    if len(part) > 1:
                        found.append(tuple(sorted(part)))
    return tuple(sorted(found))


def build_graph(
    records: Mapping[str, FileRecord],
    *,
    source_roots: tuple[str, ...] = (".",),
    lane_paths: Iterable[str] = (),
    aliases: tuple[tuple[str, str], ...] = (),
    external: bool = False,
) -> ImportGraph:
    """Name the modules of files and resolve their imports.

    Args:
        records: what each file says, by path.
        source_roots: directories that names start from.
        lane_paths: paths of lanes; their first names are first-party even without a file.
        aliases: (written prefix, prefix it stands for).
        external: whether to keep imports of what is not first-party.
    """
    table = name_modules(records, source_roots, lane_paths)
    return ImportGraph(table, resolve_all(table, dict(records), aliases, external=external))

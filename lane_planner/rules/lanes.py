"""Which lane a file or a name is in."""

from __future__ import annotations

from lane_planner.config.settings import Lane, Settings
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.scan.modules import SourceRoots


class LaneMap:
    """The lanes of a repository, asked by path, by dotted name and by import site.

    Args:
        settings: the configuration.
    """

    def __init__(self, settings: Settings) -> None:
        self._roots = SourceRoots(settings.source_roots)
        # the longest path first: a nested path belongs to the lane that names it
        by_path = [(path, lane) for lane in settings.lanes for path in lane.paths]
        self._by_path = sorted(by_path, key=lambda pair: (-len(pair[0]), pair[0]))
        by_name = [(self._roots.dotted(path), lane) for path, lane in by_path]
        self._by_name = sorted(by_name, key=lambda pair: (-len(pair[0]), pair[0]))
        self._known: dict[str, Lane | None] = {}  # by name
        self._held: dict[str, tuple[str, Lane] | None] = {}  # by path

    def of_path(self, path: str) -> str | None:
        """Return the name of the lane that holds a file or directory, or None."""
        lane_path = self.lane_path(path)
        return None if lane_path is None else lane_path[1].name

    def lane_path(self, path: str) -> tuple[str, Lane] | None:
        """Return the lane's path that holds a file, and the lane; None if no lane does."""
        if path not in self._held:
            self._held[path] = next(
                (
                    (lane_path, lane)
                    for lane_path, lane in self._by_path
                    if path.startswith(f"{lane_path}/") or lane_path in (path, ".")
                ),
                None,
            )
        return self._held[path]

    def of_name(self, name: str) -> str | None:
        """Return the lane that a dotted name would be in, whether or not it exists."""
        if name not in self._known:
            self._known[name] = next(
                (
                    lane
                    for prefix, lane in self._by_name
                    if name == prefix or name.startswith(f"{prefix}.") or not prefix
                ),
                None,
            )
        lane = self._known[name]
        return None if lane is None else lane.name

    def of_module(self, graph: ImportGraph, name: str) -> str | None:
        """Return the lane of a module of the graph, by its path; of any other name by prefix."""
        module = graph.modules.get(name)
        return self.of_name(name) if module is None else self.of_path(module.path)

    def of_imported(self, graph: ImportGraph, site: ImportSite) -> str | None:
        """Return the lane of what a site imports; of an unresolved one, by prefix."""
        if site.resolved:
            return self.of_path(graph.modules[site.imported].path)
        return None if site.external else self.of_name(site.imported)

    def roots(self) -> SourceRoots:
        """Return the source roots that names start from."""
        return self._roots


def lane_paths(settings: Settings) -> tuple[str, ...]:
    """Return the paths of all lanes, in the order of the configuration."""
    return tuple(path for lane in settings.lanes for path in lane.paths)

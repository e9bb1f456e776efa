"""What a promotion does to the modules of a repository: where they stand and how they are called.

Everything else of a promotion (what is refused, rewritten, left or said) is worked out from this.
"""

from __future__ import annotations

import msgspec

from lane_planner.config.settings import Lane
from lane_planner.promotion.layout import Layout
from lane_planner.promotion.naming import Renaming
from lane_planner.promotion.packages import Packages
from lane_planner.promotion.workspace import Workspace
from lane_planner.scan.modules import ModuleTable


class Relocation(msgspec.Struct, frozen=True):
    """Files at new places, and the modules that they are.

    Attributes:
        workspace: the repository before the move; it is not changed.
        source: lane that is left.
        target: lane that is reached.
        layout: the files.
        after: the modules after the move.
        renaming: what moves, by name.
        packages: the code of packages before the move.
    """

    workspace: Workspace
    source: Lane
    target: Lane
    layout: Layout
    after: ModuleTable
    renaming: Renaming
    packages: Packages

    @property
    def before(self) -> ModuleTable:
        """The modules before the move."""
        return self.workspace.table

    def content(self, path: str) -> bytes:
        """Return what a file holds before the move."""
        return self.workspace.contents([path])[path]

    def path_after(self, path: str) -> str:
        """Return where a file stands after the move."""
        return self.layout.moved.get(path, path)


def relocate(workspace: Workspace, source: Lane, target: Lane, layout: Layout) -> Relocation:
    """Work out how modules are called once files are at their new places.

    Args:
        workspace: the repository before the move.
        source: lane that is left.
        target: lane that is reached.
        layout: the files.
    """
    before = workspace.table
    after = workspace.named_after(*_gone_and_new(workspace, layout))
    renamed = {
        before.by_path[old].name: after.by_path[new].name
        for old, new in layout.moved.items()
        if old in before.by_path and new in after.by_path and old not in workspace.beside
    }
    renaming = Renaming(before, renamed, workspace.resolver(before))

    def read(path: str) -> bytes:
        return workspace.contents([path])[path]

    packages = Packages(renaming, read, workspace.sites_in)
    return Relocation(workspace, source, target, layout, after, renaming, packages)


def _gone_and_new(workspace: Workspace, layout: Layout) -> tuple[set[str], set[str]]:
    """Return the paths of Python files that go, and of those that come."""
    records = workspace.records
    modules = records.keys() | workspace.beside
    gone = {path for path in (*layout.moved, *layout.deleted) if path in modules}
    new = {target for source, target in layout.moved.items() if source in records}
    return gone, new.union(layout.made, layout.shimmed)

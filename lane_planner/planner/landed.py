"""The repository as planning sees it once some modules have been promoted.

Nothing is rewritten here: what each import means is known, and a promotion changes no meaning. So
the imports are written down again with the new names, and named and resolved like any others.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping

import msgspec

from lane_planner.config.settings import Lane
from lane_planner.graph.graph import build_graph
from lane_planner.graph.resolve import BeyondTop, Resolver
from lane_planner.planner.hop import Facts, Hop, giving_way
from lane_planner.rules.lanes import lane_paths
from lane_planner.scan.modules import Module
from lane_planner.scan.records import FileRecord, RawImport

INIT = "__init__.py"


def landed(facts: Facts, hop: Hop, names: Collection[str]) -> Facts:
    """Return what is known of a repository after some modules of a hop have moved.

    Args:
        facts: the repository before.
        hop: where each module goes.
        names: the modules that moved, whatever stood in their way.
    """
    moving = frozenset(names)
    table = facts.graph.table
    moved = {hop.paths[name]: hop.targets[name] for name in moving}
    renamed = {name: hop.renamed[name] for name in moving}
    made = _made(facts, moved, hop.target)
    resolver = Resolver(table, facts.settings.aliases)
    known = {(site.importer, site.line, site.column, site.imported) for site in facts.graph.sites}
    replaced = giving_way(facts).intersection(moved.values())
    records: dict[str, FileRecord] = dict.fromkeys(made, FileRecord())
    for path, record in facts.records.items():
        if path in replaced:
            continue
        target = moved.get(path, path)
        records[target] = record
        if record.imports:
            raws = tuple(_written(resolver, table.by_path[path], record, renamed, known))
            records[target] = msgspec.structs.replace(record, imports=raws)
        if record.shim in renamed:
            shim = renamed[record.shim]
            records[target] = msgspec.structs.replace(records[target], shim=shim)
    made |= facts.made - replaced
    kept = _directories_of(path for path in records if path not in made)
    for path in [path for path in made if posixpath.dirname(path) not in kept]:
        del records[path]  # of an emptied package
    records = dict(sorted(records.items()))
    # The names stand as they are meant: an alias would change them once more.
    settings = msgspec.structs.replace(facts.settings, aliases=())
    graph = build_graph(
        records, source_roots=settings.source_roots, lane_paths=lane_paths(settings)
    )
    coverage = facts.coverage
    if coverage is not None:
        coverage = {moved.get(path, path): share for path, share in coverage.items()}
    return Facts(
        graph=graph,
        records=records,
        faults={moved.get(path, path): fault for path, fault in facts.faults.items()},
        coverage=coverage,
        made=frozenset(made.intersection(records)),
        settings=settings,
        lanes=facts.lanes,
    )


def directories_around(source: str, target: str, lane: Lane) -> list[tuple[str, str]]:
    """Return (before, after) of the directories around a moved file, from its lane's top down.

    Args:
        source: the file's path before the move.
        target: and after it.
        lane: the lane that is reached.
    """
    old, new = posixpath.dirname(source), posixpath.dirname(target)
    pairs = []
    while new == lane.paths[0] or new.startswith(f"{lane.paths[0]}/"):
        pairs.append((old, new))
        if new == lane.paths[0]:
            break
        old, new = posixpath.dirname(old), posixpath.dirname(new)
    return pairs[::-1]


def inits_around(facts: Facts, source: str, target: str, lane: Lane) -> list[str]:
    """Return the `__init__.py` that a moved file needs: where its packages have one today.

    Args:
        facts: the repository.
        source: the file's path before the move.
        target: and after it.
        lane: the lane that is reached.
    """
    return [
        f"{new}/{INIT}"
        for old, new in directories_around(source, target, lane)
        if f"{old}/{INIT}" in facts.records and f"{new}/{INIT}" != target
    ]


def _made(facts: Facts, moved: Mapping[str, str], lane: Lane) -> set[str]:
    arriving = set(moved.values())
    staying = facts.records.keys() - moved.keys()
    made = {
        init
        for source, target in moved.items()
        for init in inits_around(facts, source, target, lane)
        if init not in staying and init not in arriving
    }
    # A package whose own `__init__.py` left stays one while modules are left in it.
    kept = _directories_of(path for path in staying if path not in facts.made)
    return made.union(
        source
        for source in moved
        if posixpath.basename(source) == INIT and posixpath.dirname(source) in kept
    )


def _directories_of(paths: Iterable[str]) -> set[str]:
    """Return the directories that hold some Python files, directly or not."""
    found: set[str] = set()
    for path in paths:
        if path.endswith(".py"):
            directory = posixpath.dirname(path)
            while directory and directory not in found:
                found.add(directory)
                directory = posixpath.dirname(directory)
    return found


def _written(
    resolver: Resolver,
    module: Module,
    record: FileRecord,
    renamed: Mapping[str, str],
    known: Collection[tuple[str, int, int, str]],
) -> Iterable[RawImport]:
    """Yield a file's imports, absolute, with the names that what they mean has after the move.

    What is not in the graph is external, or taken for removed.
    """
    for raw in record.imports:
        try:
            base = resolver.absolute(module, raw)
        except BeyondTop:
            yield raw
            continue
        for name in raw.names or (None,):
            one = msgspec.structs.replace(raw, names=None if name is None else (name,))
            target = resolver.targets(module, one)[0]
            site = (module.name, raw.line, raw.column, target.imported)
            if site not in known and target.imported != module.name:
                continue
            # What a package lacks today may arrive as a module of it: there the name is kept.
            names = (name,) if target.imported == base and name is not None else None
            meant = renamed.get(target.imported, target.imported)
            yield msgspec.structs.replace(raw, module=meant, names=names, anchor=None)

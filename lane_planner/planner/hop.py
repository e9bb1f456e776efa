"""One hop, from a lane to the next: what may move, what blocks it, what needs what.

DESIGN section 6 derives all of it from the lane rules: let modules of lane A move to lane B.

- A module that moves may then import only what B may import: what is elsewhere and not allowed
  blocks it (LP101); what is in A and not allowed has to move before it or with it.
- Whoever stays behind may then import the moved module only if its lane may import B: else the
  module is blocked (LP402), or, where the importer is in A, the importer has to move before or
  with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.config.settings import Lane, Settings
from lane_planner.graph.graph import ImportGraph, components
from lane_planner.graph.resolve import ImportSite, Resolver
from lane_planner.planner.schema import Cause
from lane_planner.rules.lanes import LaneMap
from lane_planner.scan.modules import Module, is_name
from lane_planner.scan.records import FileRecord, RawImport, SyntaxFault


class Facts(msgspec.Struct, frozen=True):
    """What planning needs to know of a repository.

    Attributes:
        graph: its modules and imports.
        records: what each file says, by path.
        faults: why files do not parse, by path.
        coverage: fraction of each file's lines that tests run, by path; None: not asked for.
        made: paths of `__init__.py` files that earlier promotions made: they give way.
        settings: the configuration.
        lanes: its lanes by path and name.
    """

    graph: ImportGraph
    records: Mapping[str, FileRecord]
    faults: Mapping[str, SyntaxFault]
    coverage: Mapping[str, float] | None
    made: frozenset[str]
    settings: Settings
    lanes: LaneMap


def giving_way(facts: Facts) -> frozenset[str]:
    """Return the paths of files that are moved nowhere, and onto which a module may move.

    These are made `__init__.py` files, and shims of modules that have moved on.
    """
    return facts.made.union(path for path, record in facts.records.items() if record.shim)


class Need(msgspec.Struct, frozen=True, order=True):
    """That a module can only move after, or together with, another one.

    Attributes:
        needed: name of the other module.
        path: file of the import that makes it so.
        line: its line.
    """

    needed: str
    path: str
    line: int


class Hop(msgspec.Struct, frozen=True):
    """The promotion of one lane's modules to the next, before any order is chosen.

    Attributes:
        source: lane that is left.
        target: lane that is reached.
        candidates: names of all modules of the source lane, sorted.
        paths: path before the move, by name.
        targets: path after the move, by name.
        renamed: name after the move, by name.
        causes: causes of its own for each module that cannot move whatever else moves, sorted.
        needs: what each module needs, one entry a needed module, sorted.
        together: groups that have to land as one step although no rule orders them.
        arriving: the sites that name in vain, today, what a module will be called after its move,
            as they will be, each with the module's name before it.
        closing: the modules whose arrival would close a circle if all of them moved.
    """

    source: Lane
    target: Lane
    candidates: tuple[str, ...]
    paths: dict[str, str]
    targets: dict[str, str]
    renamed: dict[str, str]
    causes: dict[str, tuple[Cause, ...]]
    needs: dict[str, tuple[Need, ...]]
    together: tuple[tuple[str, ...], ...]
    arriving: tuple[tuple[ImportSite, str], ...]
    closing: frozenset[str]


def next_lane(settings: Settings, source: str | None, target: str | None) -> tuple[Lane, Lane]:
    """Return the lanes of a hop.

    Args:
        settings: the configuration.
        source: the lane to leave; None: the one that promotes to `target`, or the first that
            promotes at all.
        target: the lane to reach; None: the next one.

    Raises:
        UsageError: there is no such lane, or the target is not the next one.
    """
    for name in (source, target):
        if name is not None and settings.lane(name) is None:
            known = ", ".join(lane.name for lane in settings.lanes)
            raise UsageError(f"no lane is called {name!r}; the lanes are {known}")
    if source is None:
        promoting = [lane for lane in settings.lanes if lane.promotes_to is not None]
        fitting = [lane for lane in promoting if target in (None, lane.promotes_to)]
        if not fitting:
            what = f"no lane promotes to {target!r}" if promoting else "no lane promotes to another"
            raise UsageError(f"{what}: set promotes_to in the configuration")
        source = fitting[0].name
    lane = settings.lane(source)
    assert lane is not None
    if lane.promotes_to is None:
        raise UsageError(f"lane {source} promotes to no other lane")
    if target is not None and target != lane.promotes_to:
        raise UsageError(
            f"{target} is not the next lane after {source}: {source} promotes to "
            f"{lane.promotes_to}, one lane at a time"
        )
    reached = settings.lane(lane.promotes_to)
    assert reached is not None
    return lane, reached


def route(settings: Settings, source: str | None, target: str | None) -> tuple[Lane, ...]:
    """Return the lanes from one to another along promotions, both ends included.

    Args:
        settings: the configuration.
        source: the lane to leave; None: as in `next_lane`.
        target: the lane to reach; None: the next one.

    Raises:
        UsageError: there is no such lane, or promotions do not lead from one to the other.
    """
    if source is None or target is None or settings.lane(source) is None:
        return next_lane(settings, source, target)
    lanes: list[Lane] = []
    lane = settings.lane(source)
    while lane is not None:  # lanes do not promote in a circle: the configuration sees to it
        lanes.append(lane)
        if lane.name == target and len(lanes) > 1:
            return tuple(lanes)
        lane = settings.lane(lane.promotes_to) if lane.promotes_to is not None else None
    if len(lanes) < 2 or settings.lane(target) is None:
        return next_lane(settings, source, target)
    way = " → ".join(lane.name for lane in lanes)
    raise UsageError(f"{target} does not come after {source}: the way is {way}")


def along_promotions(settings: Settings) -> list[Lane]:
    """Return the lanes so that each stands behind all that promote to it."""
    found: list[Lane] = []
    waiting = list(settings.lanes)
    while waiting:
        reached = {lane.promotes_to for lane in waiting}
        found += [lane for lane in waiting if lane.name not in reached]
        waiting = [lane for lane in waiting if lane.name in reached]
    return found


def target_path(facts: Facts, path: str, target: Lane) -> str:
    """Return where a file of a lane stands after its promotion."""
    found = facts.lanes.lane_path(path)
    assert found is not None
    lane_path = found[0]
    below = path[len(lane_path) + 1 :] if path != lane_path else path.rpartition("/")[2]
    if lane_path == ".":
        below = path
    return f"{target.paths[0]}/{below}" if target.paths[0] != "." else below


def open_hop(facts: Facts, source: Lane, target: Lane) -> Hop:
    """Work out what may move from a lane to the next, and what stands in its way.

    Args:
        facts: the repository.
        source: lane to leave.
        target: lane to reach.
    """
    graph, lanes = facts.graph, facts.lanes
    yielding = giving_way(facts)
    candidates = tuple(
        module.name
        for module in graph.modules.values()
        if not module.namespace
        and lanes.of_path(module.path) == source.name
        and module.path not in yielding
    )
    roots = lanes.roots()
    paths = {name: graph.modules[name].path for name in candidates}
    targets = {name: target_path(facts, path, target) for name, path in paths.items()}
    renamed = {
        name: roots.dotted(path) if graph.modules[name].importable else path
        for name, path in targets.items()
    }
    causes = _Causes(facts)
    _file_causes(facts, candidates, causes)
    _place_causes(facts, target, candidates, targets, renamed, causes)
    needs = _import_causes(facts, source, target, candidates, causes)
    arriving = tuple(_arrivals(facts, renamed))
    hop = Hop(
        source, target, candidates, paths, targets, renamed, causes.sorted(), needs, (), arriving,
        frozenset(),
    )  # fmt: skip
    closing = frozenset(_new_circles(facts, hop, candidates))
    return _without_new_circles(facts, msgspec.structs.replace(hop, closing=closing))


class _Causes:
    """Causes as they are found, by module."""

    def __init__(self, facts: Facts) -> None:
        self._modules = facts.graph.modules
        self._found: dict[str, set[Cause]] = {}

    def of_file(self, name: str, code: str, line: int, detail: str) -> None:
        cause = Cause(code, name, "", self._modules[name].path, line, (name,), detail)
        self._found.setdefault(name, set()).add(cause)

    def of_site(self, name: str, code: str, site: ImportSite, detail: str) -> None:
        path = self._modules[site.importer].path
        other = site.imported if name == site.importer else site.importer
        cause = Cause(code, site.importer, site.imported, path, site.line, (name, other), detail)
        self._found.setdefault(name, set()).add(cause)

    def sorted(self) -> dict[str, tuple[Cause, ...]]:
        return {name: tuple(sorted(found)) for name, found in sorted(self._found.items())}


def _file_causes(facts: Facts, candidates: Collection[str], causes: _Causes) -> None:
    minimum = facts.settings.coverage.min if facts.settings.coverage else 0.0
    shadowing = {m.shadowed_by: m.path for m in facts.graph.modules.values() if m.shadowed_by}
    for name in candidates:
        module = facts.graph.modules[name]
        record = facts.records.get(module.path)
        if module.shadowed_by is not None:
            causes.of_file(name, "LP406", 0, f"{module.shadowed_by} has the same name")
        elif not module.importable:
            causes.of_file(name, "LP406", 0, "nobody can import a file of that name")
        elif module.path in shadowing:
            causes.of_file(name, "LP406", 0, f"{shadowing[module.path]} has the same name")
        if record is not None and record.undecodable is not None:
            causes.of_file(name, "LP902", 0, record.undecodable)
        elif module.path in facts.faults:
            fault = facts.faults[module.path]
            causes.of_file(name, "LP901", fault.line, fault.message)
        if facts.coverage is not None and facts.settings.coverage is not None:
            covered = facts.coverage.get(module.path)
            if covered is None:
                causes.of_file(name, "LP404", 0, "no coverage data for the module")
            elif covered < minimum:
                causes.of_file(name, "LP404", 0, f"{covered:.1%} covered, {minimum:.1%} needed")


def _place_causes(
    facts: Facts,
    target: Lane,
    candidates: Collection[str],
    targets: Mapping[str, str],
    renamed: Mapping[str, str],
    causes: _Causes,
) -> None:
    modules, paths = facts.graph.modules, facts.graph.table.by_path
    yielding = giving_way(facts)
    claims: dict[str, list[str]] = {}
    for name in candidates:
        claims.setdefault(renamed[name], []).append(name)
    for name in candidates:
        if targets[name] in paths and targets[name] not in yielding:
            causes.of_file(name, "LP401", 0, f"{targets[name]} is there already")
            continue
        if facts.lanes.of_path(targets[name]) != target.name:
            causes.of_file(name, "LP406", 0, f"{targets[name]} would not be in lane {target.name}")
        if not modules[name].importable:
            continue
        new = renamed[name]
        if not all(map(is_name, new.split("."))):
            causes.of_file(name, "LP406", 0, f"nobody could import {targets[name]} by name")
        holder = modules.get(new)
        replaces = holder is None or holder.path in yielding
        if holder is not None and not replaces and not (holder.namespace and modules[name].package):
            causes.of_file(name, "LP406", 0, f"{holder.path} has the name {new} already")
        for rival in claims[new]:
            if rival != name:
                causes.of_file(name, "LP406", 0, f"{rival} would get the same name")
                break
        for above in _above(new):
            hiding = modules.get(above)
            if hiding is not None and not hiding.package:
                causes.of_file(name, "LP406", 0, f"{hiding.path} would hide {targets[name]}")
            for other in claims.get(above, ()):
                if not modules[other].package:  # it arrives, and hides the directory
                    what = f"{targets[other]} would hide {targets[name]}"
                    causes.of_file(name, "LP406", 0, what)
                    causes.of_file(other, "LP406", 0, what)


def _above(name: str) -> Iterable[str]:
    parent = name.rpartition(".")[0]
    while parent:
        yield parent
        parent = parent.rpartition(".")[0]


def _import_causes(
    facts: Facts, source: Lane, target: Lane, candidates: Collection[str], causes: _Causes
) -> dict[str, tuple[Need, ...]]:
    graph, lanes, settings = facts.graph, facts.lanes, facts.settings
    inside = frozenset(candidates)
    a, b = source.name, target.name
    forward = not settings.allowed(b, a)  # what is left behind may not be imported any more
    backward = not settings.allowed(a, b)  # what is left behind may not import what moved
    needs: dict[str, dict[str, Need]] = {}

    def need(name: str, other: str, site: ImportSite) -> None:
        path = graph.modules[site.importer].path
        entry = Need(other, path, site.line)
        known = needs.setdefault(name, {}).get(other)
        needs[name][other] = entry if known is None else min(known, entry)

    for site in graph.sites:
        if site.external:
            continue
        u, v = site.importer, site.imported
        if site.resolved and u in inside and v in inside:
            if forward:
                need(u, v, site)
            if backward:
                need(v, u, site)
            continue
        if u in inside:
            if site.fault is not None and not site.optional and settings.unresolved == "block":
                causes.of_site(u, site.fault, site, f"no module {v}")
            if site.fault == "LP302":
                continue
            lane = lanes.of_imported(graph, site)
            if not settings.allowed(b, lane):
                where = f"lane {lane}" if lane else "first-party code in no lane"
                causes.of_site(u, "LP101", site, f"{b} may not import {where}")
        elif site.resolved and v in inside:
            lane = lanes.of_path(graph.modules[u].path)
            if settings.allowed(lane, a) and not settings.allowed(lane, b):
                causes.of_site(v, "LP402", site, f"{lane} may not import {b}")
    for component in graph.components(("eager",)):
        circle = frozenset(component)
        members = tuple(sorted(inside & circle))
        following = dict(ring([members]))
        for name in members:
            site = next(
                s for s in graph.sites_in(name) if s.kind == "eager" and s.imported in circle
            )
            if settings.cycles == "block":
                causes.of_site(name, "LP201", site, f"in a circle of {len(circle)} modules")
            elif name in following:  # needing each other in a ring, they are one step
                need(name, following[name], site)
    return {name: tuple(sorted(found.values())) for name, found in sorted(needs.items())}


def dependents(hop: Hop) -> dict[str, tuple[str, ...]]:
    """Return which modules need each module, by name, sorted.

    The modules of a group that has to land together need each other in a ring.
    """
    found: dict[str, set[str]] = {}
    for name, needs in hop.needs.items():
        for need in needs:
            found.setdefault(need.needed, set()).add(name)
    for name, following in ring(hop.together):
        found.setdefault(following, set()).add(name)
    return {name: tuple(sorted(others)) for name, others in found.items()}


def ring(groups: Iterable[tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return each name of each group with the one that follows it, the last with the first."""
    return [
        pair
        for group in groups
        if len(group) > 1
        for pair in zip(group, (*group[1:], group[0]), strict=True)
    ]


def blocked_names(hop: Hop) -> set[str]:
    """Return the modules that have causes, or need such modules."""
    return with_dependents(hop, hop.causes)


def with_dependents(hop: Hop, names: Iterable[str]) -> set[str]:
    """Return some modules and all that need them, directly or not."""
    needing = dependents(hop)
    found = set(names)
    pending = list(found)
    while pending:
        for name in needing.get(pending.pop(), ()):
            if name not in found:
                found.add(name)
                pending.append(name)
    return found


def relaxed(
    facts: Facts,
    hop: Hop,
    stays: Callable[[str, Cause], bool],
    without: Collection[ImportSite] = (),
) -> Hop:
    """Return a hop without some of its causes, and with those that come of it.

    Args:
        facts: the repository.
        hop: a hop opened on it.
        stays: tells which causes of which modules stay.
        without: imports that are taken for removed when new circles are looked for.
    """
    kept = {
        name: tuple(cause for cause in found if stays(name, cause))
        for name, found in hop.causes.items()
    }
    causes = {name: found for name, found in kept.items() if found}
    return _without_new_circles(facts, msgspec.structs.replace(hop, causes=causes), without)


def _without_new_circles(facts: Facts, hop: Hop, without: Collection[ImportSite] = ()) -> Hop:
    """Block modules whose arrival gives a dangling import a meaning that closes a circle.

    Only what can move arrives; so this is repeated until nothing more is blocked.
    """
    while True:
        blocked = blocked_names(hop)
        if hop.closing <= blocked:
            return hop  # where fewer arrive, no more circles close
        moving = [name for name in hop.candidates if name not in blocked]
        found = _new_circles(facts, hop, moving, without)
        if not found:
            return hop
        causes = dict(hop.causes)
        for name, more in found.items():
            causes[name] = tuple(sorted({*causes.get(name, ()), *more}))
        hop = msgspec.structs.replace(hop, causes=dict(sorted(causes.items())))


def _new_circles(
    facts: Facts, hop: Hop, names: Iterable[str], without: Collection[ImportSite] = ()
) -> dict[str, tuple[Cause, ...]]:
    """Return the causes of those modules whose arrival closes a circle, by name."""
    moving, gone = frozenset(names), frozenset(without)
    arriving = [(site, name) for site, name in hop.arriving if name in moving]
    if not arriving:
        return {}
    graph = facts.graph
    if gone:
        graph = ImportGraph(graph.table, [site for site in graph.sites if site not in gone])
    causes = _Causes(facts)
    for code, kinds in (("LP201", ("eager",)), ("LP202", ("eager", "deferred"))):
        old = graph.edges(kinds)
        new = {(site.importer, name): site for site, name in arriving if site.kind in kinds}
        if not new:
            continue
        grown = {name: part for part in components(old | new.keys()) for name in part}
        known = {name: part for part in graph.components(kinds) for name in part}
        for (importer, name), site in sorted(new.items()):
            part = grown.get(name)
            if part is None or part is not grown.get(importer) or part == known.get(name):
                continue
            what = f"{importer} names {hop.renamed[name]}, which would close a circle"
            causes.of_site(name, code, site, what)
    return causes.sorted()


def _arrivals(facts: Facts, renamed: Mapping[str, str]) -> Iterable[tuple[ImportSite, str]]:
    """Yield the sites that name, in vain today, what a moved module will be called."""
    table = facts.graph.table
    yielding = giving_way(facts)
    coming: dict[str, list[str]] = {}
    for name, new in renamed.items():
        holder = table.by_name.get(new)
        if holder is None or holder.namespace or holder.path in yielding:
            coming.setdefault(new, []).append(name)
    stand_ins = {
        new: Module(new, new, False, False, True, new.rpartition(".")[0]) for new in coming
    }
    grown = msgspec.structs.replace(table, by_name=table.by_name | stand_ins)
    aliases = facts.settings.aliases
    resolver = Resolver(grown, aliases)
    # Most imports name nothing under the first name of anything that comes.
    tops = {new.partition(".")[0] for new in coming}
    tops.update(written.partition(".")[0] for written, _ in aliases)
    for module in table.by_name.values():
        record = None if module.namespace else facts.records.get(module.path)
        if record is None or not record.imports:
            continue
        home = module.home.partition(".")[0]
        for raw in record.imports:
            first = raw.module.partition(".")[0] or home
            if first not in tops and raw.anchor is None:
                continue
            targets = {target.imported for target in resolver.targets(module, raw)}
            if raw.names is not None:
                # The package may arrive without the submodule: then `from` means the package.
                package = RawImport(raw.module, ("*",), raw.line, raw.column)
                targets.update(target.imported for target in resolver.targets(module, package))
            for new in sorted(targets & coming.keys()):
                site = ImportSite(
                    module.name, new, raw.line, raw.column, raw.kind, raw.optional, raw.dynamic
                )
                yield from ((site, name) for name in coming[new] if name != module.name)

"""Promoting one module or package: analysis, edits, and the run that makes the branch."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import plural, printable
from lane_planner.base.threads import beside
from lane_planner.config.settings import Gate, Lane
from lane_planner.executor.carry_out import Job, Outcome, carry_out, in_order
from lane_planner.executor.gating.selecting import TestSelector
from lane_planner.executor.gating.trials import Step
from lane_planner.executor.publishing import Publisher
from lane_planner.executor.records.journal import Event
from lane_planner.executor.run import Carried
from lane_planner.executor.shims import ShimChoice, left_shims
from lane_planner.executor.snapshot import Snapshot
from lane_planner.gates.evidence import (
    Evidence,
    ModuleCoverage,
    ModuleImports,
    evidence_of,
)
from lane_planner.gates.select import applying
from lane_planner.planner.explain import unknown
from lane_planner.planner.hop import Hop, giving_way, open_hop, relaxed
from lane_planner.planner.order import Ordered, blocked_modules, closure, order
from lane_planner.planner.schema import Cause
from lane_planner.promotion.compose import Composed, compose
from lane_planner.promotion.diff import unified_diff
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.references.mentions import Mentions
from lane_planner.promotion.shims import Shims
from lane_planner.promotion.values import NEW_FILES, FileMove, FileWrite, Promotion
from lane_planner.promotion.workspace import Workspace


class Goal(msgspec.Struct, frozen=True):
    """What a user asked to promote.

    Attributes:
        name: dotted name, or path where nobody can import the file, without its lane.
        modules: names of its modules, sorted.
        directory: for a package, its directory; None for a single module.
        lane: the lane that it is in.
    """

    name: str
    modules: tuple[str, ...]
    directory: str | None
    lane: str


class Analysis(msgspec.Struct, frozen=True):
    """Whether and how a goal can be promoted.

    Attributes:
        goal: what was asked for.
        source: lane that is left.
        target: lane that is reached.
        modules: what moves: the goal and, if asked for, what it needs; sorted.
        causes: why it cannot be promoted, sorted; empty if it can.
        refusal: why its references cannot be rewritten; None if they can.
        coverage: fraction of each module's lines that tests run; None: not known.
        steps: the promotions in order; empty if there are causes or a refusal.
        diff: all that would change.
        imports: by module, what it imports before and after.
        gates: the configured gates that apply, in their order.
    """

    goal: Goal
    source: str
    target: str
    modules: tuple[str, ...]
    causes: tuple[Cause, ...]
    refusal: str | None
    coverage: tuple[ModuleCoverage, ...]
    steps: tuple[Promotion, ...]
    diff: str
    imports: tuple[ModuleImports, ...]
    gates: tuple[Gate, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way but the gates that are commands."""
        return not self.causes and self.refusal is None


def find_goal(snapshot: Snapshot, wanted: str, paths: Iterable[str] = ()) -> Goal:
    """Return what a user's words name.

    Args:
        snapshot: the repository.
        wanted: a dotted name, or a path below the root. A package means all that is in it.
        paths: other readings of the words as a path, such as relative to the current directory.

    Raises:
        UsageError: they name nothing, several things, or nothing in a lane.
    """
    graph, lanes = snapshot.facts.graph, snapshot.facts.lanes
    yielding = giving_way(snapshot.facts)
    module = graph.modules.get(wanted)
    readings = [posixpath.normpath(path) for path in (wanted, *paths)]
    if module is None:
        module = next((m for m in map(graph.module_at, readings) if m is not None), None)
        directory = next(
            (
                path
                for path in readings
                if path not in (".", "..")
                and any(p.startswith(f"{path}/") for p in snapshot.facts.records)
            ),
            None,
        )
        if module is None and directory is None:
            raise UsageError(_unknown(snapshot, wanted, readings))
    elif module.package:
        directory = module.path if module.namespace else posixpath.dirname(module.path)
    else:
        directory = None
    if module is not None and directory is None:
        names: tuple[str, ...] = (module.name,)
        path, name = module.path, module.name
        if path in yielding:
            new = printable(snapshot.facts.records[path].shim or "another module")
            raise UsageError(f"{printable(name)} is a shim: promote {new}, which it stands for")
    else:
        assert directory is not None
        names = tuple(
            sorted(
                m.name
                for m in graph.table.by_path.values()
                if m.path.startswith(f"{directory}/") and m.path not in yielding
            )
        )
        path, name = directory, lanes.roots().dotted(directory)
    found = lanes.lane_path(path)
    if found is None:
        raise UsageError(f"{printable(wanted)} is in no lane: only modules of lanes are promoted")
    lane_path, lane = found
    if path == lane_path and directory is not None:
        raise UsageError(
            f"{printable(wanted)} is the whole lane {lane.name}: "
            "use `lane-planner plan` and `lane-planner apply`"
        )
    inside = [path for path in snapshot.submodules if path.startswith(f"{directory}/")]
    if directory is not None and inside:
        raise UsageError(
            f"{printable(min(inside))} is a submodule, which stays where it is: "
            f"promote the modules of {printable(directory)} one by one"
        )
    if not names:
        raise UsageError(f"{printable(wanted)} holds no module to promote")
    prefix = lanes.roots().dotted(lane_path)
    short = name.removeprefix(f"{prefix}.") if prefix else name
    return Goal(short.removeprefix(f"{lane_path}/"), names, directory, lane.name)


def _unknown(snapshot: Snapshot, wanted: str, readings: Iterable[str]) -> str:
    shown = printable(wanted)
    top = snapshot.git.directory
    # What is neither the root, nor above it, nor elsewhere.
    below = [path for path in readings if path.partition("/")[0] not in ("", ".", "..")]
    if any(os.path.islink(top / path) for path in below):
        return f"{shown} is a symbolic link: name what it leads to"
    if any(path in snapshot.blobs for path in below):
        return f"{shown} is a file but no module: name a Python module or a package"
    below += [f"{path.replace('.', '/')}{end}" for path in below for end in (".py", "/__init__.py")]
    for path in below:
        if os.path.lexists(top / path):
            return f"{shown} is no module of commit {snapshot.commit[:12]}: commit it first"
    return unknown(snapshot.facts.graph, wanted)


def analyse(
    snapshot: Snapshot,
    goal: Goal,
    source: Lane,
    target: Lane,
    *,
    with_dependencies: bool,
    shims: ShimChoice | None = None,
    rewrite_text: bool = False,
) -> Analysis:
    """Work out whether and how a goal can be promoted. Nothing is written.

    Args:
        snapshot: the repository.
        goal: what to promote.
        source: lane that is left.
        target: lane that is reached.
        with_dependencies: whether what it needs is promoted before it.
        shims: what to leave at the old paths; None: nothing.
        rewrite_text: whether names in text are rewritten too, where they are certain.

    Raises:
        UsageError: the shims that are asked for cannot be.
    """
    # git looks through the commit's files while the rest is worked out.
    with beside() as pool:
        mentions = pool.submit(snapshot.mentions, source)
        return _analyse(
            snapshot, goal, open_hop(snapshot.facts, source, target), mentions.result,
            left_shims(snapshot, shims, source, target), with_dependencies, rewrite_text,
        )  # fmt: skip


def _analyse(
    snapshot: Snapshot,
    goal: Goal,
    hop: Hop,
    mentions: Callable[[], Mentions],
    left: Shims | None,
    with_dependencies: bool,
    rewrite_text: bool,
) -> Analysis:
    facts = snapshot.facts
    hop = msgspec.structs.replace(hop, together=(*hop.together, goal.modules))
    moving = closure(hop, goal.modules)
    causes = set(_blockers(hop, moving))
    # A lack of coverage does not keep a person from seeing what would change.
    in_the_way = causes
    if any(cause.code == "LP404" for cause in causes):
        in_the_way = set(_blockers(relaxed(facts, hop, lambda _, c: c.code != "LP404"), moving))
    if not with_dependencies:
        missing = set(_missing(snapshot, hop, goal))
        causes, in_the_way = causes | missing, in_the_way | missing
        moving = frozenset(goal.modules)
    steps: tuple[Promotion, ...] = ()
    imports: tuple[ModuleImports, ...] = ()
    diff, refusal = "", None
    if not in_the_way:
        try:
            ordered = order(facts, hop, moving)
            composed = list(
                _compose_all(snapshot, hop, goal, ordered, mentions, left, rewrite_text)
            )
        except Refused as error:
            refusal = f"{printable(error.path)}:{error.line}: {error.reason}"
        else:
            steps = tuple(step.promotion for step, _ in composed)
            diff = whole_diff(snapshot, steps)
            imports = tuple(entry for _, entries in composed for entry in entries)
    moves = [move for step in steps for move in step.moves]
    return Analysis(
        goal=goal,
        source=hop.source.name,
        target=hop.target.name,
        modules=tuple(sorted(moving)),
        causes=tuple(sorted(causes)),
        refusal=refusal,
        coverage=tuple(_coverage(snapshot, moving)),
        steps=steps,
        diff=diff,
        imports=imports,
        gates=tuple(
            gate
            for phase in ("before", "after")
            for gate in applying(facts.settings.gates, phase, moves)
        ),
    )


def _blockers(hop: Hop, moving: Collection[str]) -> Iterable[Cause]:
    blocked = blocked_modules(hop)
    for name in sorted(moving):
        if name in hop.causes:
            yield from hop.causes[name]
        elif name in blocked:
            yield from (c for c in blocked[name].causes if c.code == "LP403")


def _missing(snapshot: Snapshot, hop: Hop, goal: Goal) -> Iterable[Cause]:
    """Yield what a goal needs to have promoted before or with it, as what breaks without."""
    graph = snapshot.facts.graph
    inside = frozenset(goal.modules)
    for name in goal.modules:
        for need in hop.needs.get(name, ()):
            if need.needed in inside:
                continue
            forward = any(
                s.line == need.line and s.imported == need.needed for s in graph.sites_in(name)
            )
            if forward:
                yield Cause(
                    "LP101", name, need.needed, need.path, need.line, (name, need.needed),
                    f"{hop.target.name} may not import {hop.source.name}: promote {need.needed} "
                    "first, or use --with-dependencies",
                )  # fmt: skip
            else:
                yield Cause(
                    "LP402", need.needed, name, need.path, need.line, (name, need.needed),
                    f"{hop.source.name} may not import {hop.target.name}: promote {need.needed} "
                    "first, or use --with-dependencies",
                )  # fmt: skip


def _coverage(snapshot: Snapshot, moving: Collection[str]) -> Iterable[ModuleCoverage]:
    data = snapshot.facts.coverage
    if data is not None:
        modules = snapshot.facts.graph.modules
        for name in sorted(moving):
            yield ModuleCoverage(name, data.get(modules[name].path))


def step_moves(
    snapshot: Snapshot,
    workspace: Workspace,
    hop: Hop,
    modules: Sequence[str],
    directory: str | None,
) -> list[FileMove]:
    """Return the files that move with some modules, data files beside a whole package included.

    Args:
        snapshot: the repository at the base commit.
        workspace: the repository as it is now.
        hop: where each module goes.
        modules: names before the move.
        directory: a package's directory that moves as a whole; None: just the modules.
    """
    found = snapshot.facts.graph.modules
    moves = {FileMove(found[name].path, hop.targets[name]) for name in modules}
    if directory is not None:
        known = {move.source for move in moves}
        lane_path = snapshot.facts.lanes.lane_path(directory)
        assert lane_path is not None
        top = hop.target.paths[0]
        moves.update(
            FileMove(path, f"{top}/{path[len(lane_path[0]) + 1 :]}")
            for path in workspace.tracked
            if path.startswith(f"{directory}/")
            and path not in known
            and path not in workspace.records
        )
    return sorted(moves)


def _compose_all(
    snapshot: Snapshot,
    hop: Hop,
    goal: Goal,
    ordered: Iterable[Ordered],
    mentions: Callable[[], Mentions],
    shims: Shims | None,
    rewrite_text: bool,
) -> Iterable[tuple[Composed, list[ModuleImports]]]:
    workspace = snapshot.workspace()
    for step in ordered:
        whole = set(goal.modules) <= set(step.modules)
        moves = step_moves(
            snapshot, workspace, hop, step.modules, goal.directory if whole else None
        )
        name = goal.name if whole else step_name(snapshot, step.modules)
        composed = compose(
            workspace, hop.source, hop.target, moves, mentions(),
            name=name, shims=shims, rewrite_text=rewrite_text,
        )  # fmt: skip
        promotion = composed.promotion
        before = {name: _imported(workspace, name) for name, _ in promotion.renamed}
        advance(workspace, composed)
        imports = [
            ModuleImports(old, before[old], _imported(workspace, new))
            for old, new in promotion.renamed
        ]
        yield composed, imports


def whole_diff(snapshot: Snapshot, steps: Sequence[Promotion]) -> str:
    """Return what several promotions, each made on top of the one before, change together.

    Their diffs one after the other would not do: git reads every file of a patch as it was
    before all of it.
    """
    whole = steps[0] if len(steps) == 1 else together(steps)
    moved = {move.target: move.source for move in whole.moves}
    wanted = {*moved.values(), *whole.deletes}
    wanted |= {w.path for w in whole.writes if w.reason == "rewritten" and w.path not in moved}
    return unified_diff(whole, snapshot.read(sorted(wanted)))


def together(steps: Sequence[Promotion]) -> Promotion:
    """Return promotions, each made on top of the one before, as a single one."""
    origin: dict[str, str] = {}  # path now → path before all, of files that moved
    content: dict[str, bytes] = {}
    made: dict[str, str] = {}  # why, by path
    deleted: set[str] = set()
    for step in steps:
        for path in step.deletes:
            content.pop(path, None)
            if path in made:
                del made[path]
            else:
                deleted.add(origin.pop(path, path))
        before = [
            (move, origin.pop(move.source, move.source), content.pop(move.source, None))
            for move in step.moves
        ]
        for move, first, text in before:
            origin[move.target] = first
            if text is not None:
                content[move.target] = text
        for write in step.writes:
            content[write.path] = write.content
            if write.reason in NEW_FILES:
                made[write.path] = write.reason
    return msgspec.structs.replace(
        steps[-1],
        modules=tuple(sorted(name for step in steps for name in step.modules)),
        renamed=tuple(sorted(pair for step in steps for pair in step.renamed)),
        moves=tuple(sorted(FileMove(first, path) for path, first in origin.items())),
        writes=tuple(
            FileWrite(path, text, made.get(path, "rewritten"))
            for path, text in sorted(content.items())
        ),
        deletes=tuple(sorted(deleted)),
    )


def step_name(snapshot: Snapshot, modules: Sequence[str]) -> str:
    """Return what to call a step: its first module without its lane, and how many more."""
    lanes = snapshot.facts.lanes
    found = lanes.lane_path(snapshot.facts.graph.modules[modules[0]].path)
    assert found is not None
    first = modules[0].removeprefix(f"{lanes.roots().dotted(found[0])}.")
    return first if len(modules) == 1 else f"{first}+{len(modules) - 1}"


def advance(workspace: Workspace, composed: Composed) -> None:
    """Let a workspace become what it is after a promotion that was composed on it."""
    promotion = composed.promotion
    workspace.take_over(
        composed.table,
        composed.records,
        {move.source: move.target for move in promotion.moves},
        {write.path: write.content for write in promotion.writes},
        promotion.deletes,
        [write.path for write in promotion.writes if write.reason == "made"],
        composed.affected,
    )


def _imported(workspace: Workspace, name: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({(site.imported, site.kind) for site in workspace.sites_in(name)}))


def require_committed(dirty: Collection[str], moves: Iterable[FileMove]) -> None:
    """Refuse to move files whose working copies differ from the commit.

    Args:
        dirty: paths of all such files.
        moves: what is to move.

    Raises:
        UsageError: one does; its changes would not be in the promotion.
    """
    changed = sorted(move.source for move in moves if move.source in dirty)
    if changed:
        more = f" and {plural(len(changed) - 1, 'more file')}" if len(changed) > 1 else ""
        raise UsageError(
            f"{printable(changed[0])}{more} to be moved has uncommitted changes: "
            "commit or stash them first"
        )


def promote(
    snapshot: Snapshot,
    analysis: Analysis,
    *,
    observe: Callable[[Event], None] = lambda event: None,
    log_file: Path | None = None,
    publisher: Publisher | None = None,
    order: str = "",
) -> Outcome:
    """Make the branch of an analysed promotion, or leave everything as it was.

    Args:
        snapshot: the repository; it has to be at the commit that is checked out.
        analysis: a goal that is ready.
        observe: told of each event when the journal holds it.
        log_file: another file that the promotion log's lines are added to.
        publisher: opens the pull request; None: none is wanted.
        order: what was asked for, to go on with after a kill.

    Raises:
        UsageError: files to be moved have uncommitted changes, or the branch is there already.
        EnvironmentFailure: git or the disk failed; everything was undone, unless the pull request
            alone could not be had: then the run can be resumed.
    """
    moves = tuple(move for step in analysis.steps for move in step.moves)
    require_committed(set(snapshot.git.changed_paths()), moves)
    last = analysis.steps[-1]
    steps = [Step(f"s{i:04d}", promotion) for i, promotion in enumerate(analysis.steps, 1)]
    named = Promotion(
        analysis.source, analysis.target, analysis.goal.name, last.modules, (), (), (), ()
    )
    job = Job(
        base_commit=snapshot.commit,
        branch=named.branch,
        title=named.title,
        # A module is promoted more than once on its way up.
        plan_id=f"promote {analysis.goal.name} to {analysis.target}",
        moves=moves,
        gates=analysis.gates,
        order=order,
    )
    return carry_out(
        snapshot.git,
        snapshot.facts.settings,
        job,
        in_order(steps),
        select=TestSelector(snapshot),
        evidence=lambda carried: promotion_evidence(
            snapshot, carried, analysis.coverage, analysis.imports
        ),
        observe=observe,
        log_file=log_file,
        publisher=publisher,
    )


def promotion_evidence(
    snapshot: Snapshot,
    carried: Carried,
    coverage: Iterable[ModuleCoverage],
    imports: Iterable[ModuleImports],
) -> Evidence:
    """Return the evidence of a run: what changed, what was checked, what it covers."""
    settings = snapshot.facts.settings
    promotions = [step.promotion for step in carried.steps]
    return evidence_of(
        carried.title,
        promotions,
        base=carried.base,
        result=carried.commit,
        gates=carried.gates,
        coverage=coverage,
        coverage_min=settings.coverage.min if settings.coverage else None,
        imports=imports,
    )

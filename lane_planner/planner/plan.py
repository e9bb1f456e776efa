"""Facts → plan: the hop is opened, what can move is ordered, and the result is simulated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from lane_planner import __version__
from lane_planner.base.errors import LanePlannerError
from lane_planner.planner.hop import Facts, Hop
from lane_planner.planner.order import Ordered, blocked_modules, closure, order
from lane_planner.planner.schema import (
    SCHEMA,
    BlockedModule,
    Plan,
    PlannedHop,
    PlannedMove,
    PlannedStep,
    Summary,
)
from lane_planner.planner.simulate import simulate


class PlanningFault(LanePlannerError):
    """The plan that was made does not hold in simulation: a fault of the tool, not of its user."""


def make_plan(
    facts: Facts,
    hop: Hop,
    *,
    commit: str | None,
    goals: Collection[str] | None = None,
    gates_for: Callable[[Collection[str]], Iterable[str]] = lambda paths: (),
) -> Plan:
    """Return the plan of one hop, simulated.

    Args:
        facts: the repository.
        hop: what may move and what stands in its way.
        commit: the commit that was analysed; None outside git.
        goals: modules to promote with what they need; None: all that can move.
        gates_for: names of the gates that apply to paths before and after their move.

    Raises:
        PlanningFault: the simulation found what the planner should have prevented.
    """
    blocked = blocked_modules(hop)
    wanted = hop.candidates if goals is None else sorted(closure(hop, goals))
    moving = frozenset(name for name in wanted if name not in blocked)
    ordered = order(hop, moving, _importing_files(facts, moving))
    faults = simulate(facts, hop, [step.modules for step in ordered])
    if faults:
        raise PlanningFault(
            f"the plan is not valid, please report it: {faults[0]} "
            f"({len(faults)} such findings in simulation)"
        )
    steps = _steps(facts, hop, ordered, gates_for)
    shown = [blocked[name] for name in wanted if name in blocked]
    return Plan(
        schema=SCHEMA,
        tool=__version__,
        commit=commit,
        config=facts.settings.digest,
        hops=(PlannedHop(hop.source.name, hop.target.name),),
        summary=_summary(facts, wanted, shown, steps, ordered),
        steps=steps,
        blocked=tuple(shown),
    )


def _summary(
    facts: Facts,
    wanted: Collection[str],
    blocked: Collection[BlockedModule],
    steps: tuple[PlannedStep, ...],
    ordered: tuple[Ordered, ...],
) -> Summary:
    # A file counts once, although its path changes when it moves in between.
    moving = [name for step in ordered for name in step.modules]
    files = _importing_files(facts, moving)
    moved_with = {
        name: names for step in ordered for names in (frozenset(step.modules),) for name in names
    }
    rewritten = {
        importer
        for name in moving
        for importer in files[name]
        if not _in_step(facts, importer, moved_with[name])
    }
    return Summary(
        candidates=len(wanted),
        promotable=len(moving),
        blocked=len(blocked),
        waves=max((step.wave for step in steps), default=0),
        steps=len(steps),
        batches=max((step.batch for step in steps), default=0),
        rewritten_files=len(rewritten),
    )


def _in_step(facts: Facts, path: str, modules: Collection[str]) -> bool:
    module = facts.graph.module_at(path)
    return module is not None and module.name in modules


def _importing_files(facts: Facts, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    modules = facts.graph.modules
    return {
        name: tuple(modules[importer].path for importer in facts.graph.importers_of(name))
        for name in names
    }


def _steps(
    facts: Facts,
    hop: Hop,
    ordered: tuple[Ordered, ...],
    gates_for: Callable[[Collection[str]], Iterable[str]],
) -> tuple[PlannedStep, ...]:
    modules = facts.graph.modules
    where: dict[str, str] = {}  # paths of files that have moved already
    batches = _batches(facts.settings.max_files, ordered)
    steps = []
    for index, step in enumerate(ordered):
        moves = sorted(PlannedMove(modules[n].path, hop.targets[n]) for n in step.modules)
        own = {move.source for move in moves}
        importers = {
            modules[importer].path
            for name in step.modules
            for importer in facts.graph.importers_of(name)
        }
        rewrites = sorted(where.get(path, path) for path in importers - own)
        where.update((move.source, move.target) for move in moves)
        gates = ["coverage"] if facts.settings.coverage is not None else []
        gates += gates_for([path for move in moves for path in (move.source, move.target)])
        steps.append(
            PlannedStep(
                id=f"s{index + 1:04d}",
                hop=0,
                wave=step.wave,
                batch=batches[index],
                modules=step.modules,
                moves=tuple(moves),
                rewrites=tuple(rewrites),
                after=tuple(f"s{earlier + 1:04d}" for earlier in step.after),
                gates=tuple(gates),
            )
        )
    return tuple(steps)


def _batches(max_files: int, ordered: tuple[Ordered, ...]) -> list[int]:
    """Return the batch of each step: steps of one wave in their order, up to `max_files` moved."""
    batches: list[int] = []
    number = files = wave = 0
    for step in ordered:
        if step.wave != wave or files + len(step.modules) > max_files:
            number, files, wave = number + 1, 0, step.wave
        files += len(step.modules)
        batches.append(number)
    return batches


def check_plan(plan: Plan, facts: Facts, hop: Hop) -> tuple[str, ...]:
    """Return what is wrong with carrying out a plan on a repository; nothing if it holds.

    Args:
        plan: the plan.
        facts: the repository, at the commit on which the plan is to be carried out.
        hop: its hop, opened on these facts.
    """
    faults: list[str] = []
    candidates = frozenset(hop.candidates)
    seen: dict[str, str] = {}
    ids: set[str] = set()
    for step in plan.steps:
        if step.id in ids or not step.modules:
            faults.append(f"step {step.id} stands twice or is empty")
        if not ids.issuperset(step.after):
            faults.append(f"step {step.id} comes before a step that it waits for")
        ids.add(step.id)
        for name in step.modules:
            if name not in candidates:
                faults.append(f"{name} of step {step.id} is no module of lane {hop.source.name}")
            elif name in seen:
                faults.append(f"{name} moves in steps {seen[name]} and {step.id}")
            elif name in hop.causes:
                faults.append(f"{name} of step {step.id} is blocked: {hop.causes[name][0].code}")
            seen[name] = step.id
        expected = _expected_moves(facts, hop, step.modules)
        if step.moves != expected:
            faults.append(f"the moves of step {step.id} are not those of its modules")
    if not faults:
        faults.extend(simulate(facts, hop, [step.modules for step in plan.steps]))
    return tuple(faults)


def _expected_moves(facts: Facts, hop: Hop, names: Iterable[str]) -> tuple[PlannedMove, ...]:
    modules: Mapping[str, object] = facts.graph.modules
    known = [name for name in names if name in modules and name in hop.targets]
    return tuple(sorted(PlannedMove(facts.graph.modules[n].path, hop.targets[n]) for n in known))

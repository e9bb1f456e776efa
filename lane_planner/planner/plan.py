"""Facts → plan: hops are opened, what can move is ordered and batched, the result is simulated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from lane_planner.base.errors import LanePlannerError
from lane_planner.base.version import __version__
from lane_planner.config.settings import Lane
from lane_planner.planner.batches import Footprint, Placed, place
from lane_planner.planner.hop import (
    Facts,
    Hop,
    blocked_names,
    open_hop,
    relaxed,
    with_dependents,
)
from lane_planner.planner.landed import inits_around, landed
from lane_planner.planner.order import (
    Ordered,
    blocked_modules,
    closure,
    importing_files,
    order,
)
from lane_planner.planner.ranking import Ranking
from lane_planner.planner.schema import (
    SCHEMA,
    BlockedModule,
    Plan,
    PlannedBatch,
    PlannedHop,
    PlannedMove,
    PlannedStep,
    Summary,
    sealed,
)
from lane_planner.planner.simulate import simulate
from lane_planner.planner.unlocks import best_unlocks

GatesFor = Callable[[Collection[str]], Iterable[str]]
"""Returns the names of the gates that apply to paths before and after their move."""


class PlanningFault(LanePlannerError):
    """The plan that was made does not hold in simulation: a fault of the tool, not of its user."""


class Choice(msgspec.Struct, frozen=True):
    """What a user wants of a plan.

    Attributes:
        goals: modules to promote with what they need; None: all that can move.
        excluded: modules that stay, and with them all that needs them.
        top: only so many modules: the best steps with what they need; None: all.
        ranking: how steps are compared; its preferred modules bring what they need along.
    """

    goals: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    top: int | None = None
    ranking: Ranking = Ranking()

    def after(self, renamed: Mapping[str, str], arrived: frozenset[str]) -> Choice:
        """Return what is wanted of the next hop.

        Args:
            renamed: name after the hop, by name before it.
            arrived: names of the modules whose way goes on.
        """
        ranking = msgspec.structs.replace(
            self.ranking, preferred=frozenset(renamed.get(n, n) for n in self.ranking.preferred)
        )
        excluded = frozenset(renamed.get(name, name) for name in self.excluded)
        return Choice(goals=arrived, excluded=excluded, ranking=ranking)


_ALL = Choice()


def make_plan(
    facts: Facts,
    hop: Hop,
    *,
    commit: str | None,
    choice: Choice = _ALL,
    onward: Sequence[Lane] = (),
    gates_for: GatesFor = lambda paths: (),
    assumed: Iterable[str] = (),
) -> Plan:
    """Return the plan of one hop or several, simulated.

    Args:
        facts: the repository.
        hop: what may move and what stands in its way.
        commit: the commit that was analysed; None outside git.
        choice: what is wanted.
        onward: the lanes that what moves is promoted to after that, in order.
        gates_for: the gates of paths.
        assumed: what of the facts is an assumption.

    Raises:
        PlanningFault: the simulation found what the planner should have prevented.
    """
    draft = _Draft(gates_for)
    travelling = draft.add(facts, hop, choice)
    unlocks = best_unlocks(facts, _narrowed(hop, draft.wanted))
    for lane in onward:
        facts = landed(facts, hop, draft.moving)
        renamed, reached = hop.renamed, hop.target
        choice = choice.after(renamed, frozenset(renamed[name] for name in travelling))
        hop = open_hop(facts, reached, lane)
        travelling = draft.add(facts, hop, choice)
    summary = Summary(
        candidates=len(draft.wanted),
        promotable=len(travelling) if onward else len(draft.moving),
        blocked=len(draft.blocked),
        waves=max((step.wave for step in draft.steps), default=0),
        steps=len(draft.steps),
        batches=len(draft.batches),
        rewritten_files=len(draft.rewritten),
        structural=draft.structural,
        excluded=draft.excluded,
    )
    return sealed(
        Plan(
            schema=SCHEMA,
            tool=__version__,
            commit=commit,
            config=facts.settings.digest,
            hops=tuple(draft.hops),
            summary=summary,
            steps=tuple(draft.steps),
            batches=tuple(draft.batches),
            blocked=tuple(draft.blocked),
            unlocks=unlocks,
            assumed=tuple(assumed),
        )
    )


class _Draft:
    """A plan as it grows, hop by hop."""

    def __init__(self, gates_for: GatesFor) -> None:
        self._gates_for = gates_for
        self.hops: list[PlannedHop] = []
        self.steps: list[PlannedStep] = []
        self.batches: list[PlannedBatch] = []
        self.blocked: list[BlockedModule] = []
        self.rewritten: set[str] = set()
        self.moving: frozenset[str] = frozenset()  # in the hop that was added last
        self.wanted: tuple[str, ...] = ()  # of the first hop
        self.structural = 0
        self.excluded = 0
        self._origins: dict[str, str] = {}  # path before all hops, by path now
        self._landed_in: dict[str, str] = {}  # id of the step, by name now
        self._edited_in: dict[str, int] = {}  # id of the last batch, by path before all hops

    def add(self, facts: Facts, hop: Hop, choice: Choice) -> frozenset[str]:
        """Plan one hop and return those of its goals that arrive."""
        blocked = blocked_modules(hop)
        goals = frozenset(hop.candidates) if choice.goals is None else choice.goals
        wanted = sorted(closure(hop, goals.intersection(hop.candidates)))
        left_out = with_dependents(hop, choice.excluded)
        moving = frozenset(n for n in wanted if n not in blocked and n not in left_out)
        ranking = choice.ranking
        if ranking.preferred:
            preferred = closure(hop, ranking.preferred.intersection(hop.candidates))
            ranking = msgspec.structs.replace(ranking, preferred=preferred)
        ordered = order(facts, hop, moving, ranking)
        if choice.top is not None and len(moving) > choice.top:
            goals = moving = _best(hop, ordered, choice.top)
            wanted = sorted(moving)
            ordered = order(facts, hop, moving, ranking)
        footprints = _footprints(facts, hop, ordered)
        placed = place(footprints, facts.settings.max_files)
        sequence = [index for batch in placed for index in batch.steps]
        faults = simulate(facts, hop, [ordered[index].modules for index in sequence])
        if faults:
            raise PlanningFault(
                f"the plan is not valid, please report it: {faults[0]} "
                f"({len(faults)} such findings in simulation)"
            )
        number = len(self.hops)
        shown = [name for name in wanted if name in blocked and name not in left_out]
        self.blocked += [msgspec.structs.replace(blocked[name], hop=number) for name in shown]
        self.hops.append(PlannedHop(hop.source.name, hop.target.name))
        if not number:
            self.wanted = tuple(wanted)
            self.structural = _structural(facts, hop, wanted, left_out)
            self.excluded = sum(name in left_out for name in wanted)
        self._add_steps(facts, hop, ordered, placed)
        self.moving = moving
        return goals & moving

    def _add_steps(
        self, facts: Facts, hop: Hop, ordered: Sequence[Ordered], placed: Sequence[Placed]
    ) -> None:
        modules = facts.graph.modules
        number = len(self.hops) - 1
        waves = self.steps[-1].wave if self.steps else 0
        ids: dict[int, str] = {}
        batch_of: dict[str, int] = {}
        where: dict[str, str] = {}  # path now, by path when the hop begins
        arrived: dict[str, str] = {}
        settings = facts.settings
        known = ["coverage", *(gate.name for gate in settings.gates)]
        for batch in placed:
            wave, batch_id = waves + batch.wave, len(self.batches) + 1
            steps: list[PlannedStep] = []
            for index in batch.steps:
                step = ordered[index]
                ids[index] = f"s{len(self.steps) + 1:04d}"
                batch_of[ids[index]] = batch_id
                moves = _moves(hop, step.modules)
                rewrites = importing_files(facts, step.modules)
                self.rewritten.update(self._origins.get(path, path) for path in rewrites)
                gates = ["coverage"] if settings.coverage is not None else []
                gates += self._gates_for([p for move in moves for p in (move.source, move.target)])
                former = {self._landed_in[n] for n in step.modules if n in self._landed_in}
                steps.append(
                    PlannedStep(
                        id=ids[index],
                        hop=number,
                        wave=wave,
                        batch=batch_id,
                        modules=step.modules,
                        moves=moves,
                        rewrites=tuple(sorted(where.get(path, path) for path in rewrites)),
                        after=tuple(sorted(former.union(ids[i] for i in step.after))),
                        gates=tuple(gates),
                        score=step.score,
                    )
                )
                self.steps.append(steps[-1])
                where.update((move.source, move.target) for move in moves)
                arrived.update((hop.renamed[name], ids[index]) for name in step.modules)
            names = frozenset(name for step in steps for name in step.modules)
            own = {modules[name].path for name in names}
            own |= {hop.targets[name] for name in names}
            needed = {gate for step in steps for gate in step.gates}
            files = {self._origins.get(path, path) for path in batch.files}
            waits = {self._edited_in[path] for path in files if path in self._edited_in}
            waits |= {self._batch(batch_of, s) for step in steps for s in step.after}
            self.batches.append(
                PlannedBatch(
                    id=batch_id,
                    hop=number,
                    wave=wave,
                    steps=tuple(step.id for step in steps),
                    modules=len(names),
                    moved=len(names),
                    rewritten=len(batch.files - own),
                    lines=_lines(facts, names),
                    gates=tuple(gate for gate in known if gate in needed),
                    after=tuple(sorted(waits - {batch_id})),
                )
            )
            self._edited_in.update(dict.fromkeys(files, batch_id))
        self._origins.update(
            (path, self._origins.get(old, old)) for old, path in list(where.items())
        )
        self._landed_in = {**self._landed_in, **arrived}

    def _batch(self, batch_of: Mapping[str, int], step: str) -> int:
        known = batch_of.get(step)
        return self.steps[int(step[1:]) - 1].batch if known is None else known


def _narrowed(hop: Hop, wanted: Collection[str]) -> Hop:
    """Return a hop of some modules, among which is all that they need."""
    if len(wanted) == len(hop.candidates):
        return hop
    inside = frozenset(wanted)
    return msgspec.structs.replace(
        hop,
        candidates=tuple(sorted(inside)),
        causes={name: causes for name, causes in hop.causes.items() if name in inside},
        needs={name: needs for name, needs in hop.needs.items() if name in inside},
    )


def _best(hop: Hop, ordered: Sequence[Ordered], top: int) -> frozenset[str]:
    """Return the modules of the best steps and what they need, at most so many if any can be."""
    chosen: frozenset[str] = frozenset()
    for step in ordered:
        wider = chosen | closure(hop, step.modules)
        if len(wider) > top and chosen:
            break
        chosen = wider
    return chosen


def _structural(facts: Facts, hop: Hop, wanted: Collection[str], left_out: Collection[str]) -> int:
    """Return how many modules could move if all were covered by tests."""
    if facts.coverage is not None:
        hop = relaxed(facts, hop, lambda _, cause: cause.code != "LP404")
    blocked = blocked_names(hop)
    return sum(name not in blocked and name not in left_out for name in wanted)


def _footprints(facts: Facts, hop: Hop, ordered: Iterable[Ordered]) -> list[Footprint]:
    found = []
    for step in ordered:
        moves = _moves(hop, step.modules)
        files = importing_files(facts, step.modules)
        files.update(path for move in moves for path in (move.source, move.target))
        made = {
            init
            for move in moves
            for init in inits_around(facts, move.source, move.target, hop.target)
            if init not in facts.records
        }
        package = moves[0].source.rpartition("/")[0]
        found.append(
            Footprint(package, len(moves), frozenset(files), tuple(sorted(made)), step.after)
        )
    return found


def _moves(hop: Hop, names: Iterable[str]) -> tuple[PlannedMove, ...]:
    return tuple(sorted(PlannedMove(hop.paths[name], hop.targets[name]) for name in names))


def _lines(facts: Facts, moving: Collection[str]) -> int:
    """Return how many import statements have to change when some modules move.

    A relative import changes where one of its two ends moves, an absolute one where what it
    imports does.
    """
    graph = facts.graph
    relative: dict[str, set[tuple[int, int]]] = {}
    found: set[tuple[str, int, int]] = set()
    for name in moving:
        for site in (*graph.sites_in(name), *graph.sites_of(name)):
            if not site.resolved:
                continue
            path = graph.modules[site.importer].path
            if path not in relative:
                record = facts.records.get(path)
                raws = () if record is None else record.imports
                relative[path] = {(r.line, r.column) for r in raws if r.module[:1] == "."}
            if (site.line, site.column) in relative[path]:
                changes = (site.importer in moving) != (site.imported in moving)
            else:
                changes = site.imported in moving
            if changes:
                found.add((path, site.line, site.column))
    return len(found)


def check_plan(plan: Plan, facts: Facts, hop: Hop, number: int = 0) -> tuple[str, ...]:
    """Return what is wrong with carrying a hop of a plan out on a repository; nothing if it holds.

    Args:
        plan: the plan.
        facts: the repository, at the commit on which the plan is to be carried out.
        hop: the hop, opened on these facts.
        number: its index in the plan.
    """
    faults: list[str] = []
    candidates = frozenset(hop.candidates)
    seen: dict[str, str] = {}
    ids = {step.id for step in plan.steps if step.hop < number}
    steps = [step for step in plan.steps if step.hop == number]
    for step in steps:
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
        expected = _moves(hop, (name for name in step.modules if name in hop.paths))
        if step.moves != expected:
            faults.append(f"the moves of step {step.id} are not those of its modules")
    if not faults:
        faults.extend(simulate(facts, hop, [step.modules for step in steps]))
    return tuple(faults)

"""Taking back steps that have landed: on a branch, in a commit each, what depends on them first.

What each step changed is put back (`restoring`), and proved by what proves a promotion: the imports
of all files are the ones of today under the mapping that leads back, one for one and kind for kind,
and a file that was rewritten differs from today's in the renamed modules alone. What would not work
any more without the step is either another step, which has to go back before it, or later work:
then nothing is done, and it is told where that stands.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import takewhile

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.executor.apply import ApplyOptions
from lane_planner.executor.carry_out import Job, Outcome, carry_out, in_order
from lane_planner.executor.gating.selecting import TestSelector
from lane_planner.executor.gating.trials import Step
from lane_planner.executor.orders import Order, kept_plan
from lane_planner.executor.promote import require_committed, whole_diff
from lane_planner.executor.publishing import Publisher
from lane_planner.executor.records.journal import Event
from lane_planner.executor.records.promotion_log import StepName
from lane_planner.executor.reverting.landings import MADE_BLOB, Landing, Landings
from lane_planner.executor.reverting.named_since import named_since
from lane_planner.executor.reverting.restoring import Ground, Obstacle, restore
from lane_planner.executor.reverting.way_back import WayBack
from lane_planner.executor.snapshot import Snapshot
from lane_planner.executor.storage.places import plan_path
from lane_planner.planner.schema import read_plan
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.values import Promotion

_PLAN_ID = re.compile("[0-9a-f]{64}")
_COMMIT = re.compile("[0-9a-f]{4,64}")
_BLAMED = re.compile(r"^([0-9a-f]{40,64}) \d+ \d+", re.MULTILINE)
_SHOWN = 10  # choices


class Dependent(msgspec.Struct, frozen=True):
    """A step that has to go back before another.

    Attributes:
        landing: the step.
        reason: why, in words.
    """

    landing: Landing
    reason: str


class Reversal(msgspec.Struct, frozen=True):
    """Whether and how steps can be taken back.

    Attributes:
        snapshot: the repository that they are taken out of.
        wanted: the steps that were asked for, newest first.
        dependents: those that have to go back with them, newest first.
        with_dependents: whether these may.
        obstacles: later work that is in the way, sorted.
        landings: all that go back, in the order in which they do.
        steps: what that changes, in the same order; empty if there are obstacles.
        diff: all of it together.
    """

    snapshot: Snapshot
    wanted: tuple[Landing, ...]
    dependents: tuple[Dependent, ...]
    with_dependents: bool
    obstacles: tuple[Obstacle, ...]
    landings: tuple[Landing, ...]
    steps: tuple[Promotion, ...]
    diff: str

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way but gates."""
        return not self.obstacles and (self.with_dependents or not self.dependents)

    @property
    def name(self) -> str:
        """What is taken back: the oldest step that was asked for, and how many more were."""
        first = self.wanted[-1].title
        return first if len(self.wanted) == 1 else f"{first}+{len(self.wanted) - 1}"

    @property
    def branch(self) -> str:
        """The branch's name."""
        first = self.wanted[-1]
        return f"revert/{first.target}-to-{first.source}/{self.name}"

    @property
    def title(self) -> str:
        """The title of the evidence and the pull request."""
        first = self.wanted[-1]
        return f"revert({first.target}→{first.source}): {self.name}"


def choose(
    git: Git, landings: Landings, wanted: str, paths: Iterable[str] = (), *, plan: str = ""
) -> Landing:
    """Return the step that has landed that a user's words name.

    Args:
        git: the repository.
        landings: what its history says of steps.
        wanted: a step's id, a module's dotted name or path, before or after, a directory that it
            was or is in, or a commit.
        paths: other readings of the words as a path, such as relative to the current directory.
        plan: how the ids of the plans begin that are looked at.

    Raises:
        UsageError: they name none, or several, or one that is reverted already or cannot be told.
    """
    there = [one for one in landings.there if one.name.plan.startswith(plan)]
    found = [one for one in there if one.name.step == wanted]
    readings = {wanted, *(posixpath.normpath(path) for path in (wanted, *paths))}
    if not found:
        found = [one for one in there if not readings.isdisjoint(_called(one))]
        found = found or [one for one in there if any(_reaches(one, path) for path in readings)]
    if not found and _COMMIT.fullmatch(wanted):
        commit = git.commit_id(wanted)
        found = [one for one in there if commit in (one.after, one.brought)]
    if len(found) == 1:
        return found[0]
    shown = printable(wanted)
    if found:
        listed = "; ".join(f"{one.name}: {printable(one.title)}" for one in found[:_SHOWN])
        raise UsageError(
            f"{shown} may be one of {len(found)} steps ({listed}): name the commit, or one of the "
            "plans with --plan"
        )
    for name, why in landings.unclear.items():
        if name.step == wanted and name.plan.startswith(plan):
            raise UsageError(f"it cannot be told what {name} changed: {why}")
    for gone in landings.gone:
        called = _called(gone.landing) if gone.landing is not None else set()
        known = gone.name.step == wanted or not readings.isdisjoint(called)
        if known and gone.name.plan.startswith(plan):
            raise UsageError(f"{gone.name} is taken back already, by commit {gone.commit[:12]}")
    raise UsageError(
        f"no step that has landed in what is checked out is called {shown}: give its id, a module "
        "that it moved, or its commit; what is not merged yet goes with `rollback` alone"
    )


def _called(landing: Landing) -> set[str]:
    """Return the paths and the dotted names of what a step moved."""
    paths = {path for move in landing.moves for path in (move.source, move.target)}
    names = {name for pair in landing.names for name in pair}
    return paths | names


def _reaches(landing: Landing, directory: str) -> bool:
    """Tell whether a step moved something out of a directory, or into it."""
    start = f"{directory}/"
    return any(start in (m.source[: len(start)], m.target[: len(start)]) for m in landing.moves)


def work_out(
    snapshot: Snapshot,
    landings: Landings,
    wanted: Iterable[Landing],
    *,
    with_dependents: bool = False,
) -> Reversal:
    """Work out whether and how steps can be taken back. Nothing is written.

    Args:
        snapshot: the repository at the commit that is checked out.
        landings: what its history says of steps.
        wanted: the steps.
        with_dependents: whether steps that depend on them go back too.

    Raises:
        EnvironmentFailure: git fails, or lacks what was there before a step.
    """
    asked = {one.name for one in wanted}
    why: dict[StepName, str] = {}
    while True:
        _grow(snapshot.git, landings, asked, why)
        going = [one for one in landings.there if one.name in asked or one.name in why]
        staying = {one.name for one in landings.there} - asked - why.keys()
        line = _Line(Ground(snapshot), staying, landings)
        for landing in going:
            line.take(landing)
            if line.dependents or line.obstacles:
                break
        if not line.dependents:
            break
        why.update(line.dependents)
    places = {(found.path, found.line) for found in line.obstacles}
    named = named_since(snapshot, going, line.notes)
    obstacles = line.obstacles | {one for one in named if (one.path, one.line) not in places}
    steps = () if obstacles else tuple(line.noted())
    return Reversal(
        snapshot=snapshot,
        wanted=tuple(one for one in going if one.name in asked),
        dependents=tuple(Dependent(one, why[one.name]) for one in going if one.name in why),
        with_dependents=with_dependents,
        obstacles=tuple(sorted(obstacles)),
        landings=tuple(going),
        steps=steps,
        diff=whole_diff(snapshot, steps) if steps else "",
    )


def _grow(
    git: Git, landings: Landings, asked: Collection[StepName], why: dict[StepName, str]
) -> None:
    """Add the steps that depend on others by their plans, or by having moved on what these left."""
    known = {one.name: one for one in landings.there}
    age = {one.name: number for number, one in enumerate(landings.there)}  # 0: the newest
    plans: dict[str, Mapping[str, tuple[str, ...]]] = {}
    queue = sorted([*asked, *why])
    while queue:
        name = queue.pop()
        for other in landings.there[: age[name]]:
            if other.name in asked or other.name in why:
                continue
            plan = other.name.plan
            if plan not in plans:
                plans[plan] = _waits(git, plan)
            if plan == name.plan and name.step in plans[plan].get(other.name.step, ()):
                why[other.name] = f"by the plan it lands after {name}"
            elif gone := known[name].touched & _gone(other):
                why[other.name] = f"it moves or deletes {printable(min(gone))}, which {name} left"
            else:
                continue
            queue.append(other.name)


def _waits(git: Git, plan_id: str) -> Mapping[str, tuple[str, ...]]:
    """Return the steps that each step of a plan waits for, if the plan was kept."""
    # An id out of a commit's message is anything.
    if not _PLAN_ID.fullmatch(plan_id) or not plan_path(git, plan_id).exists():
        return {}
    content, path = kept_plan(git, Order(plan_id, ApplyOptions()))
    return {step.id: step.after for step in read_plan(content, str(path)).steps}


def _gone(landing: Landing) -> set[str]:
    """Return the paths that a step left empty, or to a made `__init__.py`."""
    return {
        change.path
        for change in landing.changes
        if change.before is not None
        and change.before.blob != MADE_BLOB
        and (change.after is None or change.after.blob == MADE_BLOB)
    }


class _Line:
    """A repository in memory, from which steps are taken back.

    Args:
        ground: the repository.
        staying: names of the steps that stay.
        landings: all steps.

    Attributes:
        dependents: why, by name, of steps that would have to go back before; found on the way.
        obstacles: later work, likewise.
        notes: what a person should know, by path and line.
    """

    def __init__(self, ground: Ground, staying: Collection[StepName], landings: Landings) -> None:
        self.dependents: dict[StepName, str] = {}
        self.obstacles: set[Obstacle] = set()
        self.notes: list[str] = []
        self._ground = ground
        self._staying = staying
        self._landings = landings
        self._taken: list[Promotion] = []

    def noted(self) -> Iterator[Promotion]:
        """Yield the promotions, the last of them with the notes."""
        for number, promotion in enumerate(self._taken, 1):
            notes = tuple(self.notes) if number == len(self._taken) else ()
            yield msgspec.structs.replace(promotion, notes=notes)

    def take(self, landing: Landing) -> None:
        """Take a step back, or learn what is in the way."""
        restored = restore(self._ground, landing)
        for obstacle in restored.obstacles:
            changer = None
            if obstacle in restored.conflicts:
                lines = restored.conflicts[obstacle]
                changer = self._changed_by(obstacle, lines, landing)
            if changer is None:
                self.obstacles.add(obstacle)
            else:
                self.dependents.setdefault(changer.name, str(obstacle))
        if self.obstacles or self.dependents:
            return
        back = WayBack(self._ground, restored, landing)
        movers = self._movers(landing)
        for obstacle, paths in back.troubles():
            mover = next((movers[path] for path in paths if path in movers), None)
            if mover is None:
                self.obstacles.add(obstacle)
            else:
                self.dependents.setdefault(mover.name, str(obstacle))
        if self.obstacles or self.dependents:
            return
        try:
            back.prove()
        except Refused as refusal:
            self.obstacles.add(Obstacle(refusal.path, refusal.line, refusal.reason))
            return
        self._taken.append(back.promotion())
        back.take_over(self._ground.workspace)
        self._ground.take(restored)

    def _movers(self, landing: Landing) -> dict[str, Landing]:
        """Return the later steps that stay, by the paths that they moved files to."""
        later = reversed(list(self._later_than(landing)))
        return {move.target: one for one in later for move in one.moves}

    def _changed_by(self, conflict: Obstacle, lines: int, landing: Landing) -> Landing | None:
        """Return the newest later step that stays and changed some lines, or None if none did."""
        snapshot = self._ground.snapshot
        done = snapshot.git.ask(
            "blame", "--porcelain", "-L", f"{conflict.line},+{lines}", snapshot.commit,
            "--", conflict.path,
        )  # fmt: skip
        if done.exit_code != 0:  # an empty file has no line
            return None
        told = done.stdout.decode("utf-8", "replace")
        commits = set(_BLAMED.findall(told))
        for one in self._later_than(landing):
            if commits & {one.after, one.brought} and conflict.path in one.touched:
                return one
        return None

    def _later_than(self, landing: Landing) -> Iterator[Landing]:
        later = takewhile(lambda one: one.name != landing.name, self._landings.there)
        return (one for one in later if one.name in self._staying)


def revert(
    reversal: Reversal,
    *,
    gates: bool = True,
    publisher: Publisher | None = None,
    order: str = "",
    observe: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """Make the branch that takes steps back, or leave everything as it was.

    Args:
        reversal: what is to go back; it is ready.
        gates: whether the configured gates that run after moves do.
        publisher: opens the pull request; None: none is wanted.
        order: what was asked for, to go on with after a kill.
        observe: told of each event when the journal holds it.

    Raises:
        UsageError: files to be moved have uncommitted changes, or the branch is there already.
        EnvironmentFailure: git or the disk failed; everything was undone, unless the pull request
            alone could not be had: then the run can be resumed.
    """
    snapshot, settings = reversal.snapshot, reversal.snapshot.facts.settings
    moves = tuple(move for promotion in reversal.steps for move in promotion.moves)
    require_committed(set(snapshot.git.changed_paths()), moves)
    steps = [
        Step(str(landing.name), promotion, _title(promotion), landing.name)
        for landing, promotion in zip(reversal.landings, reversal.steps, strict=True)
    ]
    job = Job(
        base_commit=snapshot.commit,
        branch=reversal.branch,
        title=reversal.title,
        plan_id=f"revert {reversal.name}",
        moves=moves,
        gates=tuple(gate for gate in settings.gates if gate.phase == "after") if gates else (),
        order=order,
    )
    return carry_out(
        snapshot.git, settings, job, in_order(steps),
        select=TestSelector(snapshot), observe=observe, publisher=publisher,
    )  # fmt: skip


def _title(promotion: Promotion) -> str:
    return f"revert({promotion.source_lane}→{promotion.target_lane}): {promotion.name}"

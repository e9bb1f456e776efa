"""What is wanted of a plan, as a user says it, and as planning takes it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.config.globs import PathGlobs, name_glob
from lane_planner.config.settings import Settings
from lane_planner.repository.tree import Tree

if TYPE_CHECKING:
    from lane_planner.planner.diff import PlanDiff
    from lane_planner.planner.hop import Facts, Hop
    from lane_planner.planner.plan import Choice
    from lane_planner.planner.schema import Plan
    from lane_planner.scan.modules import Module


class Wanted(msgspec.Struct, frozen=True):
    """What of a plan is wanted, as a user says it.

    Attributes:
        module: name or path of the module that is to be promoted, with what must move with it;
            None: see `only`.
        only: globs of dotted names or paths; only these modules and what they need move.
        exclude: likewise, of modules that stay, with all that needs them.
        prefer: likewise, of modules that come first, with what they need.
        top: only so many modules that can move, those that unlock most first, with what they
            need; None: all.
        weights: what the order inside a wave is made of, as `parse_weights` reads it.
        fixed: what is taken for mended, as `fixes_named` reads it.
        promoted: names or paths of modules that are taken for moved to the next lane.
    """

    module: str | None = None
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    top: int | None = None
    weights: str | None = None
    fixed: tuple[str, ...] = ()
    promoted: tuple[str, ...] = ()


ALL = Wanted()


def plan_in(content: bytes, where: str) -> Plan:
    """Return the plan that a file holds.

    Args:
        content: JSON.
        where: the file's name, for messages.

    Raises:
        UsageError: it is no plan.
    """
    from lane_planner.planner.schema import read_plan

    try:
        return read_plan(content, where)
    except RecursionError:
        raise UsageError(f"{where} is not a plan: it is nested too deeply") from None


def compare_plans(before: Plan, after: Plan) -> PlanDiff:
    """Return how two plans differ; see `lane_planner.planner.diff`."""
    from lane_planner.planner.diff import diff_plans

    return diff_plans(before, after)


def choice(tree: Tree, facts: Facts, hop: Hop, wanted: Wanted, goal: Module | None) -> Choice:
    """Return what planning is to choose.

    Args:
        tree: the repository, for its history.
        facts: what is known of it.
        hop: from lane to lane.
        wanted: what a user wants.
        goal: the module that is wanted; None: see `wanted`.

    Raises:
        UsageError: a glob matches no module, or the goal is none that could be promoted.
    """
    from lane_planner.planner.plan import Choice
    from lane_planner.planner.ranking import Ranking, parse_weights, read_history

    goals = _matching(facts, hop, "--only", wanted.only)
    if goal is not None:
        if goal.name not in hop.targets:
            raise UsageError(
                f"{printable(goal.name)} is no module of lane {hop.source.name} that could be "
                "promoted"
            )
        goals = frozenset({goal.name})
    weights = None if wanted.weights is None else parse_weights(wanted.weights)
    history = None
    if weights is not None and not {"recency", "churn"}.isdisjoint(weights):
        history = read_history(tree.require_git())
    return Choice(
        goals=goals,
        excluded=_matching(facts, hop, "--exclude", wanted.exclude) or frozenset(),
        top=wanted.top,
        ranking=Ranking(
            _matching(facts, hop, "--prefer", wanted.prefer) or frozenset(), weights, history
        ),
    )


def _matching(facts: Facts, hop: Hop, option: str, globs: tuple[str, ...]) -> frozenset[str] | None:
    """Return the candidates that globs match, or None without globs."""
    if not globs:
        return None
    paths = PathGlobs([glob for glob in globs if "/" in glob])
    names = [name_glob(glob) for glob in globs if "/" not in glob]
    chosen = frozenset(
        name
        for name in hop.candidates
        if any(matches(name) for matches in names) or paths.matches(hop.paths[name])
    )
    if not chosen:
        shown = printable(", ".join(globs))
        raise UsageError(f"{option} {shown} matches no module of lane {hop.source.name}")
    return chosen


def gates_for(settings: Settings) -> Callable[[Collection[str]], list[str]]:
    """Return what tells the names of the gates that moved paths have to pass."""
    globs = [(gate.name, PathGlobs(gate.when) if gate.when else None) for gate in settings.gates]

    def names(paths: Collection[str]) -> list[str]:
        return [name for name, when in globs if when is None or any(map(when.matches, paths))]

    return names

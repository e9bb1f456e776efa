"""What if: facts as they would be with some fixes made and some modules promoted."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.config.settings import Lane
from lane_planner.planner.explain import find_module
from lane_planner.planner.hop import Facts, Hop, along_promotions, open_hop
from lane_planner.planner.landed import landed
from lane_planner.planner.unlocks import (
    fixes_named,
    mended,
    obstacles,
    removed_imports,
    without_imports,
)


class Assumption(msgspec.Struct, frozen=True):
    """What a user wants to be taken for so.

    Attributes:
        fixed: what is mended; see `fixes_named`.
        promoted: names or paths of modules that have moved to the next lane.
    """

    fixed: tuple[str, ...] = ()
    promoted: tuple[str, ...] = ()


class Assumed(msgspec.Struct, frozen=True):
    """A repository as it would be.

    Attributes:
        facts: what is known of it.
        hop: the hop on it.
        what: ids of the fixes and names of the modules, sorted.
    """

    facts: Facts
    hop: Hop
    what: tuple[str, ...]


def assume(facts: Facts, source: Lane, target: Lane, assumption: Assumption) -> Assumed:
    """Return a repository, and a hop opened on it, as they would be.

    Args:
        facts: the repository as it is.
        source: lane to leave.
        target: lane to reach.
        assumption: what is taken for so.

    Raises:
        UsageError: what is assumed means nothing.
    """
    what = []
    if assumption.promoted:
        facts, names = _promoted(facts, assumption.promoted)
        what += [f"promoted:{name}" for name in names]
    hop = open_hop(facts, source, target)
    if assumption.fixed:
        found = obstacles(facts, hop)
        chosen = fixes_named(found, assumption.fixed)
        what += [f"fixed:{found.fixes[index].id}" for index in chosen]
        hop = mended(facts, hop, found, chosen)
        facts = without_imports(facts, removed_imports(facts, found, chosen))
    return Assumed(facts, hop, tuple(sorted(what)))


def _promoted(facts: Facts, wanted: Iterable[str]) -> tuple[Facts, list[str]]:
    """Return the facts after modules have moved, and the names that they had."""
    by_lane: dict[str, set[str]] = {}
    for text in wanted:
        module = find_module(facts.graph, text)
        left = facts.lanes.of_path(module.path)
        if left is None or module.namespace:
            what = "is a package without code of its own" if module.namespace else "is in no lane"
            raise UsageError(f"--assume-promoted {printable(text)}: it {what}")
        by_lane.setdefault(left, set()).add(module.name)
    names = sorted(name for found in by_lane.values() for name in found)
    # The last lane first: what moves into a lane is not to move on.
    for lane in reversed(along_promotions(facts.settings)):
        if lane.name not in by_lane:
            continue
        target = facts.settings.lane(lane.promotes_to) if lane.promotes_to is not None else None
        if target is None:
            raise UsageError(
                f"--assume-promoted {printable(min(by_lane[lane.name]))}: lane {lane.name} "
                "promotes to no other"
            )
        hop = open_hop(facts, lane, target)
        strange = sorted(by_lane[lane.name].difference(hop.candidates))
        if strange:
            raise UsageError(
                f"--assume-promoted {printable(strange[0])}: it is made by earlier promotions, and "
                "gives way to the real one"
            )
        facts = landed(facts, hop, by_lane[lane.name])
    return facts, names

"""Shims that promotions leave, and that are taken away again: which there are, who needs them."""

from __future__ import annotations

import datetime
import hashlib
import posixpath
from collections.abc import Callable, Collection, Iterable

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import plural
from lane_planner.config.settings import Lane
from lane_planner.executor.carry_out import Job, Outcome, carry_out, in_order
from lane_planner.executor.gating.selecting import TestSelector
from lane_planner.executor.gating.trials import Step
from lane_planner.executor.records.journal import Event
from lane_planner.executor.snapshot import Snapshot
from lane_planner.planner.landed import INIT
from lane_planner.promotion.diff import unified_diff
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.references.mentions import find_mentions
from lane_planner.promotion.shims import Shims
from lane_planner.promotion.values import FileWrite, Promotion
from lane_planner.scan.shims import Shim, ShimKind, read_shim


class ShimChoice(msgspec.Struct, frozen=True):
    """What a user wants to be left at the old paths of promoted modules.

    Attributes:
        kind: what the shims do.
        expires: their last day; None: none.
    """

    kind: ShimKind
    expires: datetime.date | None = None


class Place(msgspec.Struct, frozen=True, order=True):
    """A line of a file.

    Attributes:
        path: below the root.
        line: from 1.
    """

    path: str
    line: int


class FoundShim(msgspec.Struct, frozen=True):
    """A shim of a commit.

    Attributes:
        path: its file.
        shim: what it says of itself.
        expired: whether its last day is over.
        imported: where first-party code imports it, sorted.
        mentioned: where other text names it, sorted.
        inside: whether first-party code imports something in the package that it is: that runs it.
    """

    path: str
    shim: Shim
    expired: bool
    imported: tuple[Place, ...]
    mentioned: tuple[Place, ...]
    inside: bool

    @property
    def used(self) -> bool:
        """Whether Python code imports it, runs it or names it; prose does not count."""
        named = any(place.path.endswith(".py") for place in self.mentioned)
        return bool(self.imported) or named or self.inside


def left_shims(
    snapshot: Snapshot, choice: ShimChoice | None, source: Lane, target: Lane
) -> Shims | None:
    """Return the shims that a promotion is to leave, dated by the commit that it starts from.

    Args:
        snapshot: the commit.
        choice: what is wanted; None: no shims.
        source: lane that is left.
        target: lane that is reached.

    Raises:
        UsageError: shims would be violations, or have expired when they are made.
    """
    if choice is None:
        return None
    if not snapshot.facts.settings.allowed(source.name, target.name):
        raise UsageError(
            f"{source.name} may not import {target.name}: a shim left there would be a violation"
        )
    made = _day_of(snapshot.git, snapshot.commit)
    if choice.expires is not None and choice.expires < made:
        raise UsageError(f"shims made on {made} cannot expire on {choice.expires}, before that")
    expires = None if choice.expires is None else choice.expires.isoformat()
    return Shims(choice.kind, made.isoformat(), expires)


def _day_of(git: Git, commit: str) -> datetime.date:
    # Not the clock: the same commit gives the same shims.
    seconds = int(git.out("show", "--no-patch", "--format=%ct", commit))
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()


def shims_in(snapshot: Snapshot, today: datetime.date) -> tuple[FoundShim, ...]:
    """Return the shims of a commit, by old name.

    Args:
        snapshot: the commit.
        today: the day on which they are judged.
    """
    facts = snapshot.facts
    by_path = facts.graph.table.by_path
    paths = [path for path, record in facts.records.items() if record.shim and path in by_path]
    shims: dict[str, Shim] = {}
    for path, content in snapshot.read(sorted(paths)).items():
        shim = read_shim(content.decode("utf-8", "replace"))
        if shim is not None:  # its header is ASCII, whatever else stands in the file
            shims[path] = shim
    if not shims:
        return ()
    homes = {shim.old.rpartition(".")[0] for shim in shims.values()}
    mentions = find_mentions(snapshot.git, snapshot.commit, homes).mentions()
    targets = {site.imported for site in facts.graph.sites if site.resolved}
    known = {shim.old for shim in shims.values()} | facts.graph.modules.keys()
    found = []
    for path, shim in sorted(shims.items(), key=lambda item: item[1]):
        imported = {
            Place(facts.graph.modules[site.importer].path, site.line)
            for site in facts.graph.sites
            if site.imported == by_path[path].name and site.resolved
        }
        mentioned = {
            Place(place.path, place.line)
            for place in mentions.of_name(shim.old)
            if place.path not in shims and nearest_module(place.text, known) == shim.old
        }
        found.append(
            FoundShim(
                path,
                shim,
                shim.expired(today),
                tuple(sorted(imported)),
                tuple(sorted(mentioned - imported)),
                any(name.startswith(f"{shim.old}.") for name in targets),
            )
        )
    return tuple(found)


def nearest_module(name: str, known: Collection[str]) -> str:
    """Return the longest prefix of a dotted name that is a module, or the empty name.

    Args:
        name: the name, with or without something in the module behind.
        known: names of modules.
    """
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


class ShimReview(msgspec.Struct, frozen=True):
    """The shims of a commit, and what is to become of them.

    Attributes:
        snapshot: the commit.
        shims: all of them, by old name.
        leaving: paths of those that are to go, sorted.
        change: what their going changes; None: none goes.
        diff: the same for people; empty: none goes.
    """

    snapshot: Snapshot
    shims: tuple[FoundShim, ...]
    leaving: tuple[str, ...]
    change: Promotion | None
    diff: str


def review(
    snapshot: Snapshot, today: datetime.date, *, expired: bool = False, unused: bool = False
) -> ShimReview:
    """Return the shims of a commit, and what taking some away changes. Nothing is written.

    Args:
        snapshot: the commit.
        today: the day on which they are judged.
        expired: whether those whose last day is over are to go.
        unused: whether those that no Python code imports or names are to go.
    """
    shims = shims_in(snapshot, today)
    leaving = sorted(
        found.path for found in shims if (expired and found.expired) or (unused and not found.used)
    )
    if not leaving:
        return ShimReview(snapshot, shims, (), None, "")
    change = _without(snapshot, leaving)
    touched = {*change.deletes, *(write.path for write in change.writes)}
    diff = unified_diff(change, snapshot.read(sorted(touched)))
    return ShimReview(snapshot, shims, tuple(leaving), change, diff)


def _without(snapshot: Snapshot, leaving: Collection[str]) -> Promotion:
    """Return what taking shims away changes.

    A package that something stays in keeps a made `__init__.py`; one that only shims were in goes.
    """
    facts = snapshot.facts
    gone = frozenset(leaving)
    rewritten: list[FileWrite] = []
    deleted = set(gone)
    for home in {up for path in gone for up in _upward(posixpath.dirname(path))}:
        init = f"{home}/{INIT}"
        stays = any(
            path.startswith(f"{home}/") and path not in gone and path not in facts.made
            for path in facts.records
        )
        if init in gone and stays:
            deleted.discard(init)
            rewritten.append(FileWrite(init, MADE_INIT, "rewritten"))
        elif init in facts.made and not stays:
            deleted.add(init)
    return Promotion("", "", "shims", (), (), (), tuple(sorted(rewritten)), tuple(sorted(deleted)))


def _upward(directory: str) -> Iterable[str]:
    while directory:
        yield directory
        directory = posixpath.dirname(directory)


def remove_shims(
    found: ShimReview, *, observe: Callable[[Event], None] = lambda event: None
) -> Outcome:
    """Take shims away on a branch of its own, in one commit, or leave everything as it was.

    Args:
        found: the shims, of which some are to go.
        observe: told of each event when the journal holds it.

    Raises:
        UsageError: none is to go, or the branch is there already.
        EnvironmentFailure: git or the disk failed; everything was undone.
    """
    snapshot, change = found.snapshot, found.change
    if change is None:
        raise UsageError("there is no shim to remove")
    told = "\0".join((snapshot.commit, *found.leaving)).encode("utf-8", "surrogateescape")
    mark = hashlib.sha256(told).hexdigest()[:12]
    title = f"remove {plural(len(found.leaving), 'shim')}"
    settings = snapshot.facts.settings
    job = Job(
        base_commit=snapshot.commit,
        branch=f"shims/remove-{mark}",
        title=title,
        plan_id=f"shims remove {mark}",
        moves=(),
        gates=settings.gates,
    )
    steps = in_order([Step("s0001", change, title)])
    return carry_out(
        snapshot.git, settings, job, steps, select=TestSelector(snapshot), observe=observe
    )

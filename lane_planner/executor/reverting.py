"""Taking back steps that have landed: on a branch, in a commit each, what depends on them first.

What each step changed is put back (`lane_planner.executor.restoring`), and proved by what proves a
promotion: the imports of all files are the ones of today under the mapping that leads back, one for
one and kind for kind, and a file that was rewritten differs from today's in the renamed modules
alone. What would not work any more without the step is either another step, which has to go back
before it, or later work: then nothing is done, and it is told where that stands.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.executor.apply import ApplyOptions
from lane_planner.executor.carry_out import Job, Outcome, carry_out, in_order
from lane_planner.executor.journal import Event
from lane_planner.executor.landings import MADE_BLOB, Landing, Landings
from lane_planner.executor.orders import Order, kept_plan
from lane_planner.executor.places import plan_path
from lane_planner.executor.promote import require_committed, whole_diff
from lane_planner.executor.promotion_log import StepName
from lane_planner.executor.publishing import Publisher
from lane_planner.executor.restoring import Ground, Obstacle, Restored, restore
from lane_planner.executor.selecting import TestSelector
from lane_planner.executor.snapshot import Snapshot
from lane_planner.executor.trials import Step
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import ImportSite
from lane_planner.planner.facts import excluded
from lane_planner.planner.schema import read_plan
from lane_planner.promotion.imports import Place
from lane_planner.promotion.mentions import Mentions, NamedAt, find_mentions
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.proof import Version, prove_imports, prove_names
from lane_planner.promotion.text import SourceText
from lane_planner.promotion.values import MADE_INIT, Promotion
from lane_planner.promotion.workspace import Workspace
from lane_planner.rules.cycles import cyclic_components
from lane_planner.scan.decode import Undecodable
from lane_planner.scan.lexer import strings_and_comments
from lane_planner.scan.modules import ModuleTable
from lane_planner.scan.records import FileRecord
from lane_planner.scan.source import scan_source
from lane_planner.scan.syntax import syntax_fault

_PLAN_ID = re.compile("[0-9a-f]{64}")
_COMMIT = re.compile("[0-9a-f]{4,64}")
_PROSE = (".md", ".rst", ".txt", ".adoc")
_TRIPLE = ('"""', "'''")
_WORD = re.compile(r"[\w./-]*\w")
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
        wanted: a step's id, a module's dotted name or path, before or after, or a commit.
        paths: other readings of the words as a path, such as relative to the current directory.
        plan: how the ids of the plans begin that are looked at.

    Raises:
        UsageError: they name none, or several, or one that is reverted already or cannot be told.
    """
    there = [one for one in landings.there if one.name.plan.startswith(plan)]
    found = [one for one in there if one.name.step == wanted]
    if not found:
        readings = {wanted, *(posixpath.normpath(path) for path in (wanted, *paths))}
        found = [one for one in there if not readings.isdisjoint(_called(one))]
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
    for name, commit in landings.reverted.items():
        if name.step == wanted and name.plan.startswith(plan):
            raise UsageError(f"{name} is taken back already, by commit {commit[:12]}")
    raise UsageError(
        f"no step that has landed in what is checked out is called {shown}: give its id, a module "
        "that it moved, or its commit; what is not merged yet goes with `rollback` alone"
    )


def _called(landing: Landing) -> set[str]:
    """Return the paths and the dotted names of what a step moved."""
    paths = {path for move in landing.moves for path in (move.source, move.target)}
    names = {name for pair in landing.names for name in pair}
    return paths | names


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
    named = _mentioned(snapshot, going, line.notes)
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
        self.obstacles.update(restored.obstacles)
        if self.obstacles:
            return
        back = _Back(self._ground, restored, landing)
        movers = self._later_than(landing)
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

    def _later_than(self, landing: Landing) -> dict[str, Landing]:
        """Return the later steps that stay, by the paths that they moved files to."""
        later = takewhile(lambda one: one.name != landing.name, self._landings.there)
        staying = [one for one in later if one.name in self._staying]
        return {move.target: one for one in reversed(staying) for move in one.moves}


class _Back:
    """One step taken back, before it is: what the repository becomes.

    Args:
        ground: the repository with the step.
        restored: what changes.
        landing: the step.
    """

    def __init__(self, ground: Ground, restored: Restored, landing: Landing) -> None:
        self._ground = ground
        self._workspace = workspace = ground.workspace
        self._restored = restored
        self._landing = landing
        self._moved = {move.source: move.target for move in restored.moves}
        gone = {*self._moved, *restored.deletes}
        kept = {path: r for path, r in workspace.records.items() if path not in gone}
        self._new = {new: workspace.records[old] for old, new in self._moved.items()
                     if old in workspace.records}  # fmt: skip
        globs = excluded(workspace.settings)
        for write in restored.writes:
            inside = globs is None or not globs.matches(write.path)
            if write.path.endswith((".py", ".pyi")) and inside:
                self._new[write.path] = scan_source(write.content)
        self._records: dict[str, FileRecord] = dict(sorted((kept | self._new).items()))
        self._after: ModuleTable = workspace.name(self._records)
        self._dangling: set[str] = set()  # paths of files with imports that led nowhere before
        by_path = workspace.table.by_path
        self._renamed = {
            by_path[old].name: self._after.by_path[new].name
            for old, new in self._moved.items()
            if old in by_path and new in self._after.by_path
        }

    def promotion(self) -> Promotion:
        """Return what taking the step back changes."""
        restored, landing = self._restored, self._landing
        along = [m for m in restored.moves if m.source not in self._workspace.table.by_path]
        return Promotion(
            source_lane=landing.target,
            target_lane=landing.source,
            name=landing.title,
            modules=tuple(sorted(self._renamed)),
            renamed=tuple(sorted(self._renamed.items())),
            moves=restored.moves,
            writes=restored.writes,
            deletes=restored.deletes,
            two_commits=landing.two_commits,
            along=tuple(along),
        )

    def troubles(self) -> Iterator[tuple[Obstacle, tuple[str, ...]]]:
        """Yield what would not work any more, and the paths of the modules at both its ends."""
        resolver = self._workspace.resolver(self._after)
        before = self._graph(self._workspace.table, self._workspace.sites_in)

        def sites_in(name: str) -> Iterable[ImportSite]:
            module = self._after.by_name[name]
            record = None if module.namespace else self._records.get(module.path)
            return [] if record is None else resolver.sites(module, record, external=False)

        after = self._graph(self._after, sites_in)
        origins = {new: old for old, new in self._moved.items()}
        known = {self._meant(site) for site in before.sites if self._is_bad(before, site)}
        circles = {frozenset(self._name(name) for name in part) for _, part in
                   cyclic_components(before)}  # fmt: skip
        bad = [
            site
            for site in after.sites
            if self._is_bad(after, site) and (site.importer, site.imported) not in known
        ]
        earlier = self._earlier({after.modules[site.importer].path for site in bad})
        for site in bad:
            path = after.modules[site.importer].path
            shown = origins.get(path, path)
            end = after.modules.get(site.imported)
            if site.imported in earlier[path]:
                if not site.resolved:
                    self._dangling.add(shown)
                continue
            what = f"{printable(site.importer)} imports {printable(site.imported)}"
            if site.resolved:
                lanes = self._workspace.lanes
                what += f": {lanes.of_path(path)} may not import {lanes.of_imported(after, site)}"
            else:
                what += ", which would not be there any more"
            origin = self._workspace.origin(shown)
            paths = [shown] if end is None else [shown, origins.get(end.path, end.path)]
            paths = [p for p in paths if p not in self._moved]
            yield Obstacle(origin, site.line, what), tuple(paths)
        for code, part in cyclic_components(after):
            if not any(circle.issuperset(part) for circle in circles):
                inside = frozenset(part)
                site = next(s for s in after.sites_in(part[0]) if s.imported in inside)
                path = after.modules[part[0]].path
                what = f"{code}: {printable(part[0])} would be in a circle of {len(part)} modules"
                origin = self._workspace.origin(origins.get(path, path))
                yield Obstacle(origin, site.line, what), ()
        yield from ((obstacle, ()) for obstacle in self._left_in_merged())

    def _graph(
        self, table: ModuleTable, sites_in: Callable[[str], Iterable[ImportSite]]
    ) -> ImportGraph:
        sites = (s for name in table.by_name for s in sites_in(name) if not s.external)
        return ImportGraph(table, sites)

    def _name(self, name: str) -> str:
        return self._renamed.get(name, name)

    def _meant(self, site: ImportSite) -> tuple[str, str]:
        return self._name(site.importer), self._name(site.imported)

    def _is_bad(self, graph: ImportGraph, site: ImportSite) -> bool:
        if site.fault is not None:
            return True
        lanes = self._workspace.lanes
        importer = lanes.of_path(graph.modules[site.importer].path)
        return not self._workspace.settings.allowed(importer, lanes.of_imported(graph, site))

    def _earlier(self, paths: Collection[str]) -> dict[str, set[str]]:
        """Return what files imported before the step, whatever that led to.

        Args:
            paths: after it is taken back.
        """
        if not paths:
            return {}
        listed = self._ground.git.out("ls-tree", "-r", "-z", self._landing.before).split(b"\0")
        fields = (line.partition(b"\t") for line in listed if line.startswith(b"100"))
        blobs = {os.fsdecode(name): head[12:].decode("ascii") for head, _, name in fields}
        contents = self._ground.read(blobs[path] for path in paths if path in blobs)
        resolver = self._workspace.resolver(self._after)
        found = {}
        for path in paths:
            record = scan_source(contents[blobs[path]]) if path in blobs else FileRecord()
            sites = resolver.sites(self._after.by_path[path], record, external=False)
            found[path] = {site.imported for site in sites}
        return found

    def _left_in_merged(self) -> Iterator[Obstacle]:
        """Yield where files that were changed since name what would not be there any more."""
        paths = self._moved.keys()
        back = {new: old for old, new in self._moved.items()}
        for path, merged in sorted(self._restored.merged.items()):
            now = back.get(path, path)
            origin = self._workspace.origin(now)
            if path.endswith(".py") and syntax_fault(merged.now) is None:
                fault = syntax_fault(merged.after)
                if fault is not None:
                    what = f"merged with what it was, it would not parse: {fault.message}"
                    yield Obstacle(origin, fault.line, what)
            table = self._workspace.table
            was = Counter(text for text, _ in _names(merged.before, self._renamed, paths, table))
            found = list(_names(merged.after, self._renamed, paths, table))
            counts = Counter(text for text, _ in found)
            lines, after = merged.now.split(b"\n"), merged.after.split(b"\n")
            for text, number in found:
                if counts[text] > was[text]:
                    line = after[number - 1]
                    shown = lines.index(line) + 1 if line in lines else number
                    what = f"it names {printable(text)} since, which would not be there any more"
                    yield Obstacle(origin, shown, what)

    def prove(self) -> None:
        """Prove that nothing changes but what the step had changed.

        Raises:
            Refused: it does.
        """
        workspace, after = self._workspace, self._after
        renaming = Renaming(workspace.table, self._renamed, workspace.resolver(workspace.table))
        origins = {new: old for old, new in self._moved.items()}
        forward = {new: old for old, new in self._renamed.items()}
        paths = [
            path
            for path in workspace.table.by_path
            if path in workspace.records
            and path not in self._restored.deletes
            and self._moved.get(path, path) in after.by_path
        ]
        sure = [path for path in paths if path not in self._dangling]
        prove_imports(workspace, renaming, after, self._moved, sure, self._new)
        if self._dangling:
            # What an import that led nowhere has come to mean, only the step's own way tells.
            then = workspace.fork()
            self.take_over(then)
            renaming = Renaming(after, forward, then.resolver(after))
            changed = {self._moved.get(path, path) for path in self._dangling}
            now = {path: workspace.records[path] for path in paths}
            prove_imports(then, renaming, workspace.table, origins, changed, now)
        for write in self._restored.writes:
            path = origins.get(write.path, write.path)
            if write.reason != "rewritten" or write.path not in self._new:
                continue
            record = workspace.records[path]
            if record.shim is not None or path not in workspace.table.by_path:
                continue  # which is made anew
            try:
                new = Version(SourceText(workspace.contents([path])[path]), record)
                old = Version(SourceText(write.content), self._new[write.path])
            except Undecodable:
                continue  # it has no imports either; the proof of imports sees to it
            place = Place(after.by_path[write.path], workspace.table.by_path[path])
            # The same proof as of the step itself: what is now is what it is to become, moved.
            try:
                prove_names(old, new, place, after, forward)
            except Refused as refusal:
                raise Refused(workspace.origin(path), refusal.line, refusal.reason) from refusal

    def take_over(self, workspace: Workspace) -> None:
        """Let a workspace with the step become what it is without."""
        restored = self._restored
        workspace.take_over(
            self._after,
            self._new,
            self._moved,
            {write.path: write.content for write in restored.writes},
            restored.deletes,
            [write.path for write in restored.writes if write.content == MADE_INIT],
            list(workspace.table.by_path),
        )


def _names(
    content: bytes, renamed: Collection[str], paths: Collection[str], table: ModuleTable
) -> Iterator[tuple[str, int]]:
    """Yield the names and paths of some modules in a text, with their lines, from 1."""
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        for found in _WORD.findall(line):
            if found in paths:
                yield found, number
            elif (name := _nearest(found, table.by_name)) in renamed:
                yield name, number


def _nearest(name: str, known: Collection[str]) -> str:
    """Return the longest prefix of a dotted name that is a module, or the empty name."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def _mentioned(
    snapshot: Snapshot, going: Sequence[Landing], notes: list[str]
) -> Iterator[Obstacle]:
    """Yield where files that no step touched have come to name what goes back.

    Args:
        snapshot: the repository.
        going: the steps that go back.
        notes: learns where nothing but prose does.
    """
    touched = {change.path for one in going for change in one.changes}
    known = snapshot.facts.graph.modules
    prefixes = sorted({name for one in going for name in _prefixes(snapshot, one)})
    now = find_mentions(snapshot.git, snapshot.commit, prefixes).mentions()
    for landing in going:
        places = [p for p in _places(now, landing, known) if p.path not in touched]
        if not places:
            continue
        then = find_mentions(snapshot.git, landing.after, prefixes).mentions()
        before = Counter((place.text, place.path) for place in _places(then, landing, known))
        counts = Counter((place.text, place.path) for place in places)
        new = [p for p in places if counts[p.text, p.path] > before[p.text, p.path]]
        contents = snapshot.read(sorted({place.path for place in new}))
        for place in new:
            if _is_prose(place, contents[place.path]):
                notes.append(
                    f"{place.path}:{place.line} names {place.text}, which is where it was again"
                )
            else:
                what = f"it names {printable(place.text)} since, which would not be there any more"
                yield Obstacle(place.path, place.line, what)


def _prefixes(snapshot: Snapshot, landing: Landing) -> Iterator[str]:
    """Yield what the names and paths begin with that a step gave."""
    lane = snapshot.facts.settings.lane(landing.target)
    assert lane is not None  # so landings are found
    for path in (*lane.paths, *(posixpath.dirname(move.target) for move in landing.moves)):
        yield path
        yield snapshot.facts.lanes.roots().dotted(path)


def _places(mentions: Mentions, landing: Landing, known: Collection[str]) -> Iterator[NamedAt]:
    """Yield where what a step moved is named as it is called since."""
    for _, name in landing.names:
        yield from (p for p in mentions.of_name(name) if _nearest(p.text, known) == name)
    for move in landing.moves:
        yield from mentions.exactly(move.target)


def _is_prose(place: NamedAt, content: bytes) -> bool:
    """Tell whether a place is in a document, a comment or a text of several lines."""
    if place.path.lower().endswith(_PROSE):
        return True
    if not place.path.endswith((".py", ".pyi")):
        return False
    try:
        text = SourceText(content).text
    except Undecodable:
        return False
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[: place.line - 1])
    named = text.find(place.text, start)
    return any(
        first <= named < last and text.startswith(("#", *_TRIPLE), first)
        for first, last in strings_and_comments(text)
    )


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

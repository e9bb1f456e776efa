"""How a repository changed: its lanes, violations and cycles at some commits of its history.

A commit's files are read from git's objects, and what follows from a tree, a configuration and this
program is remembered, so that only new commits are worked out.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.base.memory import keep, recall
from lane_planner.base.text import plural
from lane_planner.base.version import __version__
from lane_planner.config.load import settings_in
from lane_planner.config.settings import Settings
from lane_planner.graph.graph import ImportGraph
from lane_planner.graph.resolve import resolve_all
from lane_planner.planner.facts import Scanned, excluded, facts_of
from lane_planner.planner.history import Commit, seen_dates
from lane_planner.planner.hop import giving_way, next_lane
from lane_planner.rules.cycles import cyclic_components
from lane_planner.rules.excuses import Excuses
from lane_planner.rules.lanes import LaneMap, lane_paths
from lane_planner.rules.violations import direct_violations
from lane_planner.scan.cache import ScanCache, content_key
from lane_planner.scan.cluster import Cluster
from lane_planner.scan.modules import ModuleTable, name_modules
from lane_planner.scan.records import FileRecord
from lane_planner.scan.sources import Blobs, Entry, tree_changes
from lane_planner.scan.tree import Progress, TreeScan, scan_tree, silent

_FORMAT = "trend 1"
_REMEMBERED = 20_000  # samples; the file stays below some megabytes
_READ_AT_ONCE = 5_000  # files, whose contents are held in memory

Changes = Mapping[str, Entry | None]
"""Files that came or changed since another commit, by path; None: gone."""

# A rate is of the last quarter, and only told where it is more than noise: from so many samples
# over so many days, and more than twice its own standard error.
_QUARTER = datetime.timedelta(days=91)
_LEAST_SAMPLES = 4
_LEAST_DAYS = 28.0
_SURE = 2.0
_FARTHEST = datetime.timedelta(days=3650)  # beyond that a date means nothing
_DAY = 86_400.0


class LaneFigures(msgspec.Struct, frozen=True, array_like=True):
    """A lane at a commit.

    Attributes:
        name: of the lane.
        modules: how many files it has that may hold a module.
        left: how many of them are still to be promoted: all but shims and made `__init__.py` files.
    """

    name: str
    modules: int
    left: int


class Figures(msgspec.Struct, frozen=True, array_like=True):
    """A repository at a commit.

    Attributes:
        modules: files that may hold a module.
        lanes: in the order of the configuration.
        unlaned: modules in no lane.
        violations: import sites that a lane forbids (LP101) and no waiver covers.
        waived: those that a waiver covers on the day of the commit.
        cycles: circular imports (LP201 and LP202).
        eager: those that eager imports alone make (LP201).
        missing: imports of first-party modules that do not exist (LP301), but for optional ones.
    """

    modules: int
    lanes: tuple[LaneFigures, ...]
    unlaned: int
    violations: int
    waived: int
    cycles: int
    eager: int
    missing: int


class Sample(msgspec.Struct, frozen=True):
    """A commit and its figures.

    Attributes:
        commit: full id.
        date: when it was committed, in UTC.
        figures: what is in it.
        own_configuration: whether they follow the commit's own configuration.
    """

    commit: str
    date: datetime.datetime
    figures: Figures
    own_configuration: bool = False

    def left(self, lane: str) -> int | None:
        """Return how many modules of a lane are still to be promoted; None: no such lane then."""
        return next((found.left for found in self.figures.lanes if found.name == lane), None)


class TrendProgress(msgspec.Struct, frozen=True):
    """How fast a lane empties.

    Attributes:
        lane: its name.
        left: modules still to be promoted at the last sample; None: it has no such lane.
        rate_per_week: by how many that changes in a week: the slope of the least-squares line
            through the samples of the last 91 days; None: too few to tell.
        samples: how many these are.
        days: how many days they span.
        empty_on: the day on which none would be left at that rate; None: it does not support one.
        reason: the same in words.
    """

    lane: str
    left: int | None
    rate_per_week: float | None
    samples: int
    days: float
    empty_on: datetime.date | None
    reason: str


class Trend(msgspec.Struct, frozen=True):
    """The figures of a history.

    Attributes:
        samples: oldest first, at least one.
        lanes: names of the lanes in any of them, in the order in which they appear.
        progress: of the lane that is to be emptied; None: no lane promotes to another.
        computed: how many samples had to be worked out; the others were remembered.
    """

    samples: tuple[Sample, ...]
    lanes: tuple[str, ...]
    progress: TrendProgress | None
    computed: int


def make_trend(
    git: Git,
    settings: Settings,
    commits: Sequence[Commit],
    made_init: bytes,
    *,
    lane: str | None = None,
    own_configuration: bool = False,
    records: ScanCache,
    memory: Path | None = None,
    cluster: Cluster | None = None,
    progress: Progress = silent,
) -> Trend:
    """Return the figures of some commits.

    Args:
        git: the repository, seen from the root.
        settings: today's configuration.
        commits: oldest first, at least one.
        made_init: content by which a made `__init__.py` is known.
        lane: the lane that is to be emptied; None: the first that promotes to another.
        own_configuration: whether each commit is judged by the configuration that it holds, where
            that can be read.
        records: what is known of file contents; it learns the rest, and is not saved.
        memory: file that keeps figures from run to run; None: nothing is kept.
        cluster: as for `scan_tree`.
        progress: told how far it is.

    Raises:
        UsageError: there is no such lane, or the configuration is not in the repository.
        EnvironmentFailure: git fails.
    """
    goal = _goal(settings, lane)
    kept = (recall(memory, dict[bytes, Figures]) if memory is not None else None) or {}
    own = _settings_at(git, settings, commits) if own_configuration else {}
    keys = [_key(commit, own.get(commit.id, settings), made_init) for commit in commits]
    wanted = dict(zip(keys, commits, strict=True))
    new = {key: commit for key, commit in wanted.items() if key not in kept}
    used = {key: kept[key] for key in wanted if key in kept}
    reader = _Reader(git, made_init, records, cluster)
    changes = tree_changes(git, [commit.tree for commit in new.values()])
    reader.learn(changes, settings, progress)
    for number, (key, commit) in enumerate(new.items(), start=1):
        used[key] = reader.figures(commit, own.get(commit.id, settings), changes[number - 1])
        progress("sampling", number, len(new))
    samples = [
        Sample(commit.id, commit.date, used[key], commit.id in own)
        for key, commit in zip(keys, commits, strict=True)
    ]
    if memory is not None and new:
        used = {key: used[key] for key in wanted}
        older = {key: value for key, value in kept.items() if key not in used}
        room = max(0, _REMEMBERED - len(used))
        keep(memory, dict(list(older.items())[len(older) - min(room, len(older)) :]) | used)
    names = dict.fromkeys(found.name for s in reversed(samples) for found in s.figures.lanes)
    empties = None if goal is None else progress_of(samples, goal)
    return Trend(tuple(samples), tuple(names), empties, len(new))


def _goal(settings: Settings, lane: str | None) -> str | None:
    """Return the lane that is to be emptied.

    Raises:
        UsageError: there is no such lane, or it promotes to no other.
    """
    if lane is None and all(found.promotes_to is None for found in settings.lanes):
        return None
    return next_lane(settings, lane, None)[0].name


def progress_of(samples: Sequence[Sample], lane: str) -> TrendProgress:
    """Return how fast a lane empties, by the last quarter of a year.

    Args:
        samples: oldest first, at least one.
        lane: its name.
    """
    dates = seen_dates(sample.date for sample in samples)
    last, left = dates[-1], samples[-1].left(lane)
    recent = [
        (date, count)
        for date, sample in zip(dates, samples, strict=True)
        if last - date <= _QUARTER and (count := sample.left(lane)) is not None
    ]
    times = [(date - last).total_seconds() / _DAY for date, _ in recent]
    days = max(times, default=0.0) - min(times, default=0.0)

    def answer(rate: float | None, empty_on: datetime.date | None, reason: str) -> TrendProgress:
        shown = None if rate is None else round(rate * 7, 2)
        return TrendProgress(lane, left, shown, len(recent), round(days, 2), empty_on, reason)

    if left is None:
        return answer(None, None, f"the last sample has no lane {lane}")
    if left == 0:
        return answer(None, None, f"lane {lane} is empty")
    if len(recent) < _LEAST_SAMPLES or days < _LEAST_DAYS:
        return answer(
            None, None,
            f"too little to tell a rate: {plural(len(recent), 'sample')} over {days:.0f} days "
            f"of the last 91, and {_LEAST_SAMPLES} over {_LEAST_DAYS:.0f} are needed",
        )  # fmt: skip
    slope, error = _line(times, [float(count) for _, count in recent])
    if slope >= 0:
        grows = "grows" if slope > _SURE * error else "does not shrink"
        return answer(slope, None, f"lane {lane} {grows}: it will not be empty at this rate")
    if -slope <= _SURE * error:
        return answer(slope, None, "the count goes up and down too much to tell when it ends")
    to_go = left / -slope
    if to_go > _FARTHEST.days:
        return answer(slope, None, "at this rate it takes more than ten years")
    day = (last + datetime.timedelta(days=math.ceil(to_go))).date()
    return answer(slope, day, f"at this rate lane {lane} is empty by {day.isoformat()}")


def _line(times: Sequence[float], counts: Sequence[float]) -> tuple[float, float]:
    """Return the slope of the least-squares line, and its standard error.

    Args:
        times: not all the same.
        counts: one for each, at least three.
    """
    middle, mean = math.fsum(times) / len(times), math.fsum(counts) / len(counts)
    spread = math.fsum((time - middle) ** 2 for time in times)
    pairs = list(zip(times, counts, strict=True))
    slope = math.fsum((time - middle) * (count - mean) for time, count in pairs) / spread
    rest = math.fsum((count - mean - slope * (time - middle)) ** 2 for time, count in pairs)
    return slope, math.sqrt(rest / (len(times) - 2) / spread)


class _Reader:
    """Works out the figures of commits; of each, only what differs from the last is read.

    Args:
        git: the repository, seen from the root.
        made_init: content by which a made `__init__.py` is known.
        records: what is known of file contents.
        cluster: as for `scan_tree`.
    """

    def __init__(
        self, git: Git, made_init: bytes, records: ScanCache, cluster: Cluster | None
    ) -> None:
        self._git = git
        self._made_init = made_init
        self._mark = content_key(made_init)
        self._records = records
        self._cluster = cluster
        self._files: dict[str, Entry] = {}
        self._table: ModuleTable | None = None
        self._firsts: frozenset[str] = frozenset()
        self._inner: dict[bytes, FileRecord] = {}
        self._last: tuple[Settings, tuple[bool, ...], TreeScan, Figures] | None = None

    def learn(
        self, changes: Sequence[Changes], settings: Settings, progress: Progress = silent
    ) -> None:
        """Read the files that commits have, a great many at once and not commit by commit.

        Args:
            changes: what each commit has otherwise than the one before.
            settings: says which files are of use; what those of a commit want besides is read
                when it is asked for.
            progress: told how far it is.

        Raises:
            EnvironmentFailure: git cannot read them.
        """
        unknown: dict[bytes, Entry] = {}
        for entry in (entry for change in changes for entry in change.values()):
            if entry is not None and entry.blob is not None and entry.path.endswith(".py"):
                unknown.setdefault(entry.blob, entry)
        globs = excluded(settings)
        entries = [
            entry
            for blob, entry in unknown.items()
            if self._records.record(blob) is None and not (globs and globs.matches(entry.path))
        ]
        for first in range(0, len(entries), _READ_AT_ONCE):
            part = entries[first : first + _READ_AT_ONCE]
            scan_tree(
                Blobs(self._git, part), self._records, cluster=self._cluster, progress=progress
            )

    def figures(self, commit: Commit, settings: Settings, changes: Changes) -> Figures:
        """Return the figures of a commit.

        Args:
            commit: the commit.
            settings: what it is judged by.
            changes: what it has otherwise than the commit that was asked for before.

        Raises:
            EnvironmentFailure: git cannot read it.
        """
        for path, entry in changes.items():
            if entry is None:
                self._files.pop(path, None)
            else:
                self._files[path] = entry
        known = self._last
        if known is not None and known[0].digest != settings.digest:
            known = None  # other files may be left out
        globs = excluded(settings)
        looked_at = self._files if known is None else changes
        new = [
            self._files[path]
            for path in looked_at
            if path in self._files and not (globs and globs.matches(path))
        ]
        scan = scan_tree(Blobs(self._git, new), self._records)
        if known is not None:
            scan = _changed(known[2], changes, scan)
        active = _active(settings, commit.date)
        if known is not None and known[1] == active and self._same(known[2], scan, changes):
            figures = known[3]
        else:
            graph = self._graph(scan, settings, None if known is None else known[2])
            source = Blobs(self._git, [self._files[path] for path in scan.records])
            scanned = Scanned(source, scan, graph, LaneMap(settings))
            figures = _figures(scanned, settings, self._made_init, commit.date.date())
        self._last = (settings, active, scan, figures)
        return figures

    def _graph(self, scan: TreeScan, settings: Settings, before: TreeScan | None) -> ImportGraph:
        """Return the graph of a commit, as `build_graph` makes it.

        Args:
            scan: its files.
            settings: what it is judged by.
            before: the files of the commit before, if that is judged by the same.
        """
        table = self._table
        if table is None or before is None or before.records.keys() != scan.records.keys():
            table = name_modules(scan.records, settings.source_roots, lane_paths(settings))
        firsts = table.tops.union(
            (name.partition(".")[0] for name in table.by_name),
            (written.partition(".")[0] for written, _ in settings.aliases),
        )
        if firsts != self._firsts:
            self._inner.clear()
        self._table, self._firsts = table, firsts
        records = {}
        for path, record in scan.records.items():
            key = scan.keys.get(path)
            if key is None:
                records[path] = record
                continue
            if key not in self._inner:
                self._inner[key] = _inner(record, firsts)
            records[path] = self._inner[key]
        return ImportGraph(table, resolve_all(table, records, settings.aliases))

    def _same(self, before: TreeScan, after: TreeScan, changes: Changes) -> bool:
        """Tell whether two commits say the same, but for where in a file it stands."""
        for path in changes:
            old, record = before.records.get(path), after.records.get(path)
            if old is None or record is None:
                if old is not record:
                    return False
                continue  # a file that is left out
            marks = {before.keys.get(path) == self._mark, after.keys.get(path) == self._mark}
            if len(marks) > 1 or _meaning(old) != _meaning(record):
                return False
        return True


def _inner(record: FileRecord, firsts: Collection[str]) -> FileRecord:
    """Return a record without the imports of other projects, which most are.

    Args:
        record: what a file says.
        firsts: first names of all that is not of another project.
    """
    imports = tuple(
        raw
        for raw in record.imports
        if raw.module[:1] == "." or raw.module.partition(".")[0] in firsts
    )
    return msgspec.structs.replace(record, imports=imports)


def _changed(before: TreeScan, changes: Changes, new: TreeScan) -> TreeScan:
    """Return the scan of a commit from that of the one before.

    Args:
        before: of that one.
        changes: what the commit has otherwise.
        new: of the files that came or changed.
    """
    records, keys = dict(before.records), dict(before.keys)
    for path in changes:
        if path not in new.records:
            records.pop(path, None)
        if path not in new.keys:
            keys.pop(path, None)
    records |= new.records
    if new.records.keys() - before.records.keys():
        records = dict(sorted(records.items()))
    return TreeScan(records, keys | new.keys)


def _meaning(record: FileRecord) -> tuple[object, ...]:
    imports = [
        (raw.module, raw.names, raw.kind, raw.optional, raw.dynamic, raw.anchor)
        for raw in record.imports
    ]
    # Two imports of a statement are one site, of two statements two.
    places = [(raw.line, raw.column) for raw in record.imports]
    apart = [a == b for a, b in pairwise(places)]
    return imports, apart, record.undecodable is None, bool(record.shim), record.ignores


def _figures(scanned: Scanned, settings: Settings, made_init: bytes, day: datetime.date) -> Figures:
    graph, lanes = scanned.graph, scanned.lanes
    yielding = giving_way(facts_of(scanned, settings, {}, made_init))
    modules: Counter[str | None] = Counter()
    left: Counter[str | None] = Counter()
    for path in graph.table.by_path:
        lane = lanes.of_path(path)
        modules[lane] += 1
        left[lane] += path not in yielding
    excuses = Excuses(settings.waivers, day, graph, scanned.scan.records)
    violations = Counter(v.status for v in direct_violations(graph, settings, lanes, excuses))
    excused = violations["waived"] + violations["ignored"]
    circles = Counter(code for code, _ in cyclic_components(graph))
    return Figures(
        modules=len(graph.table.by_path),
        lanes=tuple(
            LaneFigures(lane.name, modules[lane.name], left[lane.name]) for lane in settings.lanes
        ),
        unlaned=modules[None],
        violations=violations.total() - excused,
        waived=excused,
        cycles=circles.total(),
        eager=circles["LP201"],
        missing=sum(site.fault == "LP301" and not site.optional for site in graph.sites),
    )


def _active(settings: Settings, date: datetime.datetime) -> tuple[bool, ...]:
    """Tell of each waiver whether it holds on a day."""
    day = date.date()
    return tuple(w.expires is None or day <= w.expires for w in settings.waivers)


def _key(commit: Commit, settings: Settings, made_init: bytes) -> bytes:
    """Return what figures are remembered under: all that they follow from."""
    parts = (
        _FORMAT, __version__, sys.version_info[:3], commit.tree, settings.digest,
        _active(settings, commit.date), [lane.name for lane in settings.lanes],
        content_key(made_init),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).digest()


def _settings_at(git: Git, settings: Settings, commits: Iterable[Commit]) -> dict[str, Settings]:
    """Return the configuration that each commit holds, of those where it can be read.

    Raises:
        UsageError: today's is not a file of the repository.
    """
    file = settings.source
    top = git.toplevel.resolve()
    if file is None or not file.is_relative_to(top) or "\n" in str(file):
        raise UsageError(
            f"--config-at-commit: the configuration {file} is not in the repository, put it there"
        )
    path = file.relative_to(top).as_posix()
    ids = [commit.id for commit in commits]
    asked = "".join(f"{commit}:{path}\n" for commit in ids)
    answers = git.out("cat-file", "--batch-check", stdin=asked.encode("utf-8", "surrogateescape"))
    known: dict[bytes, Settings | None] = {}
    found: dict[str, Settings] = {}
    for commit, answer in zip(ids, answers.splitlines(), strict=True):
        blob, _, kind = answer.partition(b" ")
        if not kind.startswith(b"blob"):
            continue
        if blob not in known:
            content = git.out("cat-file", "blob", blob.decode("ascii"))
            try:
                known[blob] = settings_in(content, settings.root, file)
            except UsageError:
                # Of another version, or broken then: the sample says which one counted.
                known[blob] = None
        mine = known[blob]
        if mine is not None:
            found[commit] = mine
    return found

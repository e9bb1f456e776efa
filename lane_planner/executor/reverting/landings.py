"""Steps that have landed: found in the history of a commit, with what each of them changed.

A step's commit says so by its trailers, which a merge and a rebase keep. A squash puts several
messages into one, or drops them; then the promotion log knows the step's own commit, and as long as
git still has that, it tells what the step changed. What cannot be told surely is kept as such.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from lane_planner.base.git import Git
from lane_planner.executor.records.promotion_log import Logged, StepName
from lane_planner.executor.snapshot import Snapshot
from lane_planner.executor.storage.git_write import Entry
from lane_planner.planner.hop import Facts, target_path
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.mirrors import directories_of, mirrors_in
from lane_planner.promotion.values import FileMove
from lane_planner.rules.lanes import LaneMap
from lane_planner.scan.cache import content_key

_SAID = r"Lane-(Step|Reverts): "
# `git merge --squash` indents what it quotes. A module listed in a message has an arrow behind it.
_PAIR = re.compile(rf"^ {{0,4}}Lane-Plan: (.+)\n {{0,4}}{_SAID}(\S+)[ \t]*$", re.MULTILINE)
_TITLE = re.compile(
    r"promote\(.+?→.+?\): (.+?)(?: \((?:the move|what follows it)\))?(?: \(#\d+\))?"
)
MADE_BLOB = content_key(MADE_INIT).hex()
"""The id of what a made `__init__.py` holds."""

_HALVES = (" (the move)", " (what follows it)")


class Change(NamedTuple):
    """What a step did to a file; None: it was not there.

    Attributes:
        path: below the root.
        before: the file before the step.
        after: and after it.
    """

    path: str
    before: Entry | None
    after: Entry | None


class Landing(msgspec.Struct, frozen=True):
    """A step that has landed.

    Attributes:
        name: of the step.
        title: what it promoted, without the lanes.
        source: lane that it left.
        target: lane that it reached.
        before: the commit before it.
        after: the commit after it, its own or what another person made of it.
        brought: the commit of the history that it came with.
        changes: by path.
        moves: among the changes, files that moved.
        names: dotted names before and after, of the modules among them.
        two_commits: whether the moves were a commit of their own.
    """

    name: StepName
    title: str
    source: str
    target: str
    before: str
    after: str
    brought: str
    changes: tuple[Change, ...]
    moves: tuple[FileMove, ...]
    names: tuple[tuple[str, str], ...]
    two_commits: bool = False

    @property
    def touched(self) -> frozenset[str]:
        """Paths of the files that it left behind changed, made or moved."""
        return frozenset(change.path for change in self.changes if change.after is not None)


class Gone(msgspec.Struct, frozen=True):
    """A step that had landed and was taken back.

    Attributes:
        name: of the step.
        commit: the commit that took it back.
        landing: the step, if it can be told what it changed.
    """

    name: StepName
    commit: str
    landing: Landing | None


class Landings(msgspec.Struct, frozen=True):
    """What a history says of steps.

    Attributes:
        there: those that have landed and not been reverted, newest first.
        gone: those that were reverted since.
        unclear: why it cannot be told what a step changed.
    """

    there: tuple[Landing, ...]
    gone: tuple[Gone, ...]
    unclear: dict[StepName, str]


class _Span(msgspec.Struct):
    """The commits of a step."""

    name: StepName
    subject: str
    before: str | None
    after: str
    brought: str
    two_commits: bool = False
    named: bool = True  # by a commit of the history
    reverted: str | None = None  # by that commit


class _Commit(NamedTuple):
    commit: str
    parents: tuple[str, ...]
    subject: str
    promotes: tuple[StepName, ...]
    reverts: tuple[StepName, ...]


def find_landings(snapshot: Snapshot, logged: Sequence[Logged]) -> Landings:
    """Return the steps that have landed in the history of a commit.

    Args:
        snapshot: the repository at the commit.
        logged: the promotion log, oldest first.

    Raises:
        EnvironmentFailure: git fails.
    """
    git = snapshot.git
    spans, reverted, unclear = _spans(git, snapshot.commit, logged)
    changes = _changes(git, spans)
    gone = {name: Gone(name, commit, None) for name, commit in reverted.items()}
    found: list[tuple[_Span, Landing]] = []
    for span in spans:
        made = _landing(snapshot.facts, span, changes.get(span.after))
        if not isinstance(made, str):
            found.append((span, made))
        elif span.named and span.reverted is None:
            unclear[span.name] = made
    # What only the log speaks of may have been done again, by another run.
    done = {
        move
        for span, landing in found
        if span.named and span.reverted is None
        for move in landing.moves
    }
    there = []
    for span, landing in found:
        if span.reverted is None and _is_back(snapshot, landing):
            path = landing.moves[0].source
            span.reverted = _last_change(git, snapshot.commit, path)
        if span.reverted is not None:
            gone[span.name] = Gone(span.name, span.reverted, landing)
        elif span.named or done.isdisjoint(landing.moves):
            there.append(landing)
    return Landings(tuple(there), tuple(gone.values()), unclear)


def _is_back(snapshot: Snapshot, landing: Landing) -> bool:
    """Tell whether a step was taken back by a commit that does not say so, as by `git revert`."""
    records = snapshot.facts.records
    return all(
        move.target not in snapshot.blobs
        and move.source in snapshot.blobs
        and move.source not in snapshot.facts.made
        and (move.source not in records or records[move.source].shim is None)
        for move in landing.moves
    )


def _last_change(git: Git, head: str, path: str) -> str:
    said = git.out("log", "-1", "--format=%H", head, "--", f":(literal){path}")
    return said.decode("ascii").strip()


def _spans(
    git: Git, head: str, logged: Sequence[Logged]
) -> tuple[list[_Span], dict[StepName, str], dict[StepName, str]]:
    known = {StepName(line.plan, line.step): line for line in logged if not line.reverts}
    spans: dict[StepName, _Span] = {}
    reverted: dict[StepName, str] = {}
    unclear: dict[StepName, str] = {}
    for commit in _history(git, head):
        for name in commit.reverts:
            if name not in spans and name not in unclear:
                reverted.setdefault(name, commit.commit)
        if len(commit.promotes) == 1 and commit.promotes[0] not in unclear:
            span = _span(commit, commit.promotes[0])
            span.reverted = reverted.get(span.name)
            _take(spans, span)
            continue
        new = [n for n in commit.promotes if n not in reverted and n not in unclear]
        # Of steps in one commit, those of a plan are in its order.
        for name in sorted(set(new), reverse=True):
            if name in spans:
                continue
            own = _own_commits(git, name, known.get(name), commit.commit)
            if own is None:
                unclear[name] = (
                    f"commit {commit.commit[:12]} holds it with other steps, and its own commit "
                    "is not here any more"
                )
            else:
                spans[name] = own
    return _with_unnamed(git, head, known, spans, reverted, unclear), reverted, unclear


def _span(commit: _Commit, name: StepName) -> _Span:
    before = commit.parents[0] if commit.parents else None
    return _Span(name, commit.subject, before, commit.commit, commit.commit)


def _take(spans: dict[StepName, _Span], older: _Span) -> None:
    """Take a commit of a step, of which a newer one may be known."""
    newer = spans.setdefault(older.name, older)
    halves = (older.subject.endswith(_HALVES[0]), newer.subject.endswith(_HALVES[1]))
    if newer is older or newer.before != older.after or not all(halves):
        return  # the same step came twice, by two ways: the newer one counts
    newer.before, newer.two_commits = older.before, True


def _with_unnamed(
    git: Git,
    head: str,
    known: Mapping[StepName, Logged],
    spans: dict[StepName, _Span],
    reverted: Mapping[StepName, str],
    unclear: Mapping[StepName, str],
) -> list[_Span]:
    """Return the spans, newest first, with the steps that only the log knows.

    A squash with a message of its own names no step. One whose files are where it moved them has
    landed all the same.
    """
    there: set[str] = set()
    missing = [n for n in known if n not in spans and n not in reverted and n not in unclear]
    if missing:
        listed = git.out("ls-tree", "-r", "-z", "--name-only", "--full-tree", head).split(b"\0")
        there = {os.fsdecode(path) for path in listed}
    for name in missing:
        own = _own_commits(git, name, known[name], "")
        if own is None or own.before is None:
            continue
        arrived = [path for path in _arrived(git, own) if path in there]
        if not arrived or arrived != _arrived(git, own):
            continue
        came = git.out(
            "log", "-1", "--format=%H", "--diff-filter=A", "--no-renames", head,
            "--", f":(top,literal){arrived[0]}",
        )  # fmt: skip
        if came.strip():
            own.brought, own.named = came.decode("ascii").strip(), False
            spans[name] = own
    order = git.out("rev-list", "--topo-order", head).decode("ascii").split() if spans else []
    place = {commit: number for number, commit in enumerate(order)}
    ranks = {name: number for number, name in enumerate(known)}
    return sorted(
        spans.values(),
        key=lambda span: (place[span.brought], -ranks.get(span.name, -1), span.name.plan),
    )


def _arrived(git: Git, span: _Span) -> list[str]:
    """Return the paths, from the top, of the files that a step's commits add."""
    assert span.before is not None
    listed = git.out(
        "diff-tree", "-r", "-z", "--no-renames", "--name-only", "--diff-filter=A",
        span.before, span.after,
    )  # fmt: skip
    return [os.fsdecode(path) for path in listed.split(b"\0") if path]


def _own_commits(git: Git, name: StepName, line: Logged | None, brought: str) -> _Span | None:
    """Return a step's own commits, if the log knows them and git still has them."""
    if line is None or git.commit_id(line.commit) != line.commit:
        return None
    spans: dict[StepName, _Span] = {}
    for commit in _history(git, line.commit, 2):
        if commit.promotes == (name,):
            _take(spans, _span(commit, name))
    found = spans.get(name)
    if found is None or found.after != line.commit:
        return None
    found.brought = brought
    return found


def _history(git: Git, head: str, most: int | None = None) -> Iterator[_Commit]:
    """Yield the commits of a history that speak of steps, newest first."""
    limit = () if most is None else (f"--max-count={most}",)
    said = git.out(
        "-c", "log.showSignature=false", "log", "--topo-order", "-z", "--encoding=UTF-8",
        "--format=%H%n%P%n%s%n%B", "-E", f"--grep=^ *{_SAID}", *limit, head, "--",
    )  # fmt: skip
    for text in said.decode("utf-8", "replace").split("\0"):
        if not text:
            continue
        commit, parents, subject, message = text.split("\n", 3)
        pairs = [(what, StepName(plan, step)) for plan, what, step in _PAIR.findall(message)]
        yield _Commit(
            commit,
            tuple(parents.split()),
            subject,
            tuple(dict.fromkeys(name for what, name in pairs if what == "Step")),
            tuple(dict.fromkeys(name for what, name in pairs if what == "Reverts")),
        )


def _changes(git: Git, spans: Iterable[_Span]) -> dict[str, tuple[Change, ...] | None]:
    """Return what commits changed, by the last one of each step; None: also above the root."""
    asked = [
        f"{span.after} {span.before}\n"
        for span in spans
        if span.before is not None and git.commit_id(span.before) is not None
    ]
    if not asked:
        return {}
    found: dict[str, list[Change]] = {line.split()[0]: [] for line in asked}
    beyond: set[str] = set()
    prefix = os.fsencode(git.prefix)
    told = iter(
        git.out(
            "diff-tree", "--stdin", "-r", "-z", "--no-renames", "--full-index",
            stdin="".join(asked).encode("ascii"),
        ).split(b"\0")
    )  # fmt: skip
    commit = ""
    for field in told:
        if not field.startswith(b":"):
            commit = field.decode("ascii")
            continue
        path = next(told)
        if not path.startswith(prefix):
            beyond.add(commit)
            continue
        modes = field[1:].decode("ascii").split(" ")
        sides = [
            None if mode == "000000" else Entry(mode, blob)
            for mode, blob in zip(modes[:2], modes[2:4], strict=True)
        ]
        found[commit].append(Change(os.fsdecode(path[len(prefix) :]), sides[0], sides[1]))
    return {key: None if key in beyond else tuple(made) for key, made in found.items()}


def _landing(facts: Facts, span: _Span, changes: tuple[Change, ...] | None) -> Landing | str:
    """Return a step that has landed, or why it cannot be told what it changed."""
    if span.before is None or changes is None:
        return f"commit {span.after[:12]} changes more than the repository, or has no parent here"
    half = next((half for half in _HALVES if span.subject.endswith(half)), None)
    if half is not None and not span.two_commits:
        return f"commit {span.after[:12]} is only a half of it, and the other is not beside it"
    source, target, moves = _moved(facts, changes)
    if not moves:
        return f"commit {span.after[:12]} moves no module to another lane"
    dotted = facts.lanes.roots().dotted
    names = tuple(
        (dotted(move.source), dotted(move.target)) for move in moves if move.source.endswith(".py")
    )
    title = _TITLE.fullmatch(span.subject)
    return Landing(
        name=span.name,
        title=title[1] if title else _called(facts.lanes, source, moves),
        source=source,
        target=target,
        before=span.before,
        after=span.after,
        brought=span.brought,
        changes=changes,
        moves=moves,
        names=names,
        two_commits=span.two_commits,
    )


def _called(lanes: LaneMap, lane: str, moves: Iterable[FileMove]) -> str:
    """Return what to call a step: its first module without its lane, and how many more."""
    own = [move.source for move in moves if lanes.of_path(move.source) == lane]
    modules = [path for path in own if path.endswith(".py")] or own
    found = lanes.lane_path(modules[0])
    assert found is not None  # it is in the lane
    dotted = lanes.roots().dotted
    name = dotted(modules[0]).removeprefix(f"{dotted(found[0])}.")
    return name if len(modules) == 1 else f"{name}+{len(modules) - 1}"


def _moved(facts: Facts, changes: Iterable[Change]) -> tuple[str, str, tuple[FileMove, ...]]:
    """Return the lanes of a step, and the files that it moved between them and along.

    A file that went from where its lane has it to where the next one would is one that moved.
    """
    settings, lanes = facts.settings, facts.lanes
    by_path = {change.path: change for change in changes}
    for lane in settings.lanes:
        other = settings.lane(lane.promotes_to) if lane.promotes_to else None
        if other is None:
            continue
        inside = [path for path in by_path if lanes.of_path(path) == lane.name]
        pairs = {path: target_path(facts, path, other) for path in inside}
        moves = {FileMove(*pair) for pair in pairs.items() if _is_move(by_path, *pair)}
        if not moves:
            continue
        globs = settings.mirrored_tests
        directories = frozenset(directories_of(by_path))
        for mirror in mirrors_in(directories, globs, lanes.roots(), lane, other):
            for path in by_path:
                if path.startswith(f"{mirror.source}/") and path not in pairs:
                    after = f"{mirror.target}{path[len(mirror.source) :]}"
                    if _is_move(by_path, path, after):
                        moves.add(FileMove(path, after))
        return lane.name, other.name, tuple(sorted(moves))
    return "", "", ()


def _is_move(by_path: Mapping[str, Change], source: str, target: str) -> bool:
    left, reached = by_path[source], by_path.get(target)
    if reached is None or left.before is None or reached.after is None:
        return False
    if left.before.mode != reached.after.mode or reached.after.blob == MADE_BLOB:
        return False
    # Two files that were there and stay, both rewritten, are in places of the same shape too: at
    # one of them there is nothing, or a made `__init__.py` or a shim that stands in.
    gone = left.after is None or left.after.blob == MADE_BLOB
    return gone or reached.before is None or reached.before.blob == MADE_BLOB

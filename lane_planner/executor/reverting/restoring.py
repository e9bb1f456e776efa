"""What a step changed, put back: the files of a commit as they were before the step.

A file that is as the step left it gets the bytes from before. One that was changed since is merged:
the step's change is taken out of what it is now. What cannot be put back surely is an obstacle.
"""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.base.process import Completed
from lane_planner.base.text import plural, printable
from lane_planner.executor.reverting.landings import MADE_BLOB, Change, Landing
from lane_planner.executor.snapshot import Snapshot
from lane_planner.planner.landed import INIT
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.values import FileMove, FileWrite
from lane_planner.promotion.workspace import Workspace
from lane_planner.scan.cache import content_key
from lane_planner.scan.sources import CommitTree, Entry

_MARKER = 60  # characters; no file has lines of so many
_COMMITS = 5  # that a conflict names


class Obstacle(msgspec.Struct, frozen=True, order=True):
    """Why a step cannot be taken back.

    Attributes:
        path: the file, as it is checked out.
        line: from 1.
        reason: why, and what to do.
    """

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)}:{self.line}: {self.reason}"


class Ground:
    """A repository in memory, from which steps are taken back one after the other.

    Args:
        snapshot: the repository at the commit to start from.

    Attributes:
        snapshot: as given.
        workspace: the repository as it is now.
        blobs: id of each file's blob now, by path.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.workspace: Workspace = snapshot.workspace()
        self.blobs = {path: blob.hex() for path, blob in snapshot.blobs.items()}

    @property
    def git(self) -> Git:
        """The repository, seen from the root."""
        return self.snapshot.git

    def take(self, restored: Restored) -> None:
        """Change the blobs as a step is taken back; the workspace is changed by its owner."""
        for path in restored.deletes:
            self.blobs.pop(path, None)
        came = {move.target: self.blobs.pop(move.source) for move in restored.moves}
        self.blobs.update(came)
        for write in restored.writes:
            self.blobs[write.path] = content_key(write.content).hex()

    def read(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of blobs, by id.

        Raises:
            EnvironmentFailure: git has one of them no more.
        """
        wanted = sorted(set(blobs))
        if not wanted:
            return {}
        entries = [Entry(f"blob {blob[:12]}", None, bytes.fromhex(blob)) for blob in wanted]
        tree = CommitTree(self.git, self.snapshot.commit)
        return {
            (entry.blob or b"").hex(): content
            for entry, content in tree.contents(entries)
            if isinstance(content, bytes)
        }


class Merged(NamedTuple):
    """A file that was changed since the step.

    Attributes:
        before: its content before the step.
        now: what it is now.
        after: what it becomes.
    """

    before: bytes
    now: bytes
    after: bytes


class Restored(msgspec.Struct, frozen=True):
    """What taking a step back changes.

    Attributes:
        moves: sorted.
        writes: sorted; "made" are files that are not there now.
        deletes: sorted.
        merged: by path after, the files that were changed since.
        obstacles: why it cannot be taken back, sorted; the rest is then of no use.
        conflicts: those among them where a line that the step changed was changed since, with
            the number of lines, from theirs, that it is one of.
    """

    moves: tuple[FileMove, ...]
    writes: tuple[FileWrite, ...]
    deletes: tuple[str, ...]
    merged: dict[str, Merged]
    obstacles: tuple[Obstacle, ...]
    conflicts: dict[Obstacle, int] = {}


def restore(ground: Ground, landing: Landing) -> Restored:
    """Work out what taking a step back changes. Nothing is written.

    Args:
        ground: the repository as it is now; it is not changed.
        landing: the step.

    Raises:
        EnvironmentFailure: git fails, or lacks what was there before the step.
    """
    work = _Restoring(ground, landing)
    work.files()
    work.packages()
    return Restored(
        tuple(sorted(work.moves)),
        tuple(FileWrite(path, *written) for path, written in sorted(work.writes.items())),
        tuple(sorted(work.deletes)),
        work.merged,
        tuple(sorted(work.obstacles)),
        work.conflicts,
    )


class _Restoring:
    def __init__(self, ground: Ground, landing: Landing) -> None:
        self.moves: list[FileMove] = []
        self.writes: dict[str, tuple[bytes, str]] = {}
        self.deletes: set[str] = set()
        self.merged: dict[str, Merged] = {}
        self.obstacles: list[Obstacle] = []
        self.conflicts: dict[Obstacle, int] = {}
        self._ground = ground
        self._landing = landing
        self._by_path = {change.path: change for change in landing.changes}
        self._contents = ground.read(
            change.before.blob
            for change in landing.changes
            if change.before is not None and change.before.mode.startswith("100")
        )
        self._unneeded: set[str] = set()  # made `__init__.py` that go if nothing needs them

    def files(self) -> None:
        """Put back what the step moved, wrote, made and deleted."""
        moved = {path for move in self._landing.moves for path in (move.source, move.target)}
        for move in self._landing.moves:
            self._moved(move)
        for change in self._landing.changes:
            if change.path not in moved:
                self._changed(change)

    def _moved(self, move: FileMove) -> None:
        left, reached = self._by_path[move.source], self._by_path[move.target]
        assert left.before is not None and reached.after is not None  # so moves are found
        now = self._ground.blobs.get(move.target)
        if now is None:
            self._obstacle(move.target, "it is not there any more", gone=True)
            return
        if not self._vacate(left):
            return
        self.moves.append(FileMove(move.target, move.source))
        if left.before.blob != reached.after.blob or now != reached.after.blob:
            self._rewrite(move.target, move.source, left, reached)
        if reached.before is not None:
            # A made `__init__.py` or a shim, which the file took the place of.
            self._put(move.target, reached)

    def _vacate(self, left: Change) -> bool:
        """Take away what the step left at a file's old place; tell whether that can be."""
        there = self._ground.blobs.get(left.path)
        if there is None:
            return True
        if there == MADE_BLOB or (left.after is not None and there == left.after.blob):
            self.deletes.add(left.path)
            return True
        what = "is new" if left.after is None else "was changed"
        self._obstacle(left.path, f"{what} since the step, and its file belongs there")
        return False

    def _changed(self, change: Change) -> None:
        there = self._ground.blobs.get(change.path)
        if change.after is None:
            if there is None:
                self._put(change.path, change)
            elif change.before is None or there not in (change.before.blob, MADE_BLOB):
                self._obstacle(change.path, "the step deleted it, and it is there again")
        elif change.before is None:
            if there == change.after.blob == MADE_BLOB:
                self._unneeded.add(change.path)
            elif there == change.after.blob:
                self.deletes.add(change.path)
            elif there is not None:
                self._obstacle(change.path, "the step made it, and it was changed since")
        elif there is None:
            self._obstacle(change.path, "the step changed it, and it is not there any more", True)
        elif there != change.before.blob or change.before.mode != change.after.mode:
            self._rewrite(change.path, change.path, change, change)

    def _rewrite(self, path: str, home: str, left: Change, reached: Change) -> None:
        """Take a step's change out of a file.

        Args:
            path: where it is.
            home: where it was before the step.
            left: what the step did to its old place.
            reached: and to its new one.
        """
        before, after = left.before, reached.after
        assert before is not None and after is not None
        if before.mode != after.mode:
            self._obstacle(path, f"the step changed its mode from {before.mode} to {after.mode}")
            return
        if before.blob == after.blob:
            return  # it only moved, and keeps what was changed since
        if not before.mode.startswith("100") or path in self._ground.snapshot.links:
            self._obstacle(path, "it is no regular file, and its content changes")
            return
        old = self._contents[before.blob]
        if self._ground.blobs[path] == after.blob:
            self.writes[home] = (old, "rewritten")
            return
        now = self._ground.workspace.contents([path])[path]
        base = self._ground.read([after.blob])[after.blob]
        result = merge(self._ground.git, base, now, old)
        if isinstance(result, Conflict):
            self._obstacle(path, "what the step changed there was changed since", line=result.line)
            self.conflicts[self.obstacles[-1]] = result.lines
            return
        if result != now:
            self.writes[home] = (result, "rewritten")
        self.merged[home] = Merged(old, now, result)

    def _put(self, path: str, change: Change) -> None:
        assert change.before is not None
        if change.before.mode != "100644":
            self._obstacle(path, f"it cannot be put back with mode {change.before.mode}")
        else:
            self.writes[path] = (self._contents[change.before.blob], "made")

    def _obstacle(self, path: str, reason: str, gone: bool = False, line: int = 1) -> None:
        ground = self._ground
        origin = ground.workspace.origin(path)
        commits = [f"{short} ({printable(title)})" for short, title in self._since(origin)]
        if commits:
            what = "commit" if len(commits) == 1 else plural(len(commits), "commit")
            listed = ", ".join(commits[:_COMMITS]) + (", …" if len(commits) > _COMMITS else "")
            reason += f" by {what}{' ' if len(commits) == 1 else ': '}{listed}"
        elif not gone:
            reason += ": mend it by hand"
        self.obstacles.append(Obstacle(origin, line, reason))

    def _since(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield the commits that changed a file since the step, newest first."""
        said = self._ground.git.out(
            "-c", "log.showSignature=false", "log", "-z", f"--max-count={_COMMITS + 1}",
            "--format=%h%n%s", f"{self._landing.brought}..{self._ground.snapshot.commit}",
            "--", f":(literal){path}",
        )  # fmt: skip
        for text in said.decode("utf-8", "replace").split("\0"):
            if text:
                short, _, title = text.partition("\n")
                yield short, title.strip()

    def packages(self) -> None:
        """Make the `__init__.py` that a package needs, and take away those that none needs."""
        workspace = self._ground.workspace
        leaving = {move.source for move in self.moves}
        coming = {move.target for move in self.moves} | self.writes.keys()
        there = (workspace.tracked - leaving - self.deletes) | coming
        holding = {
            up
            for path in there
            if path.endswith((".py", ".pyi"))
            and path not in self._unneeded
            and (path not in workspace.made or path in coming)
            for up in _upward(path)
        }
        # Also one that an earlier step made goes with the last module that needed it.
        around = {f"{up}/{INIT}" for path in leaving for up in _upward(path)} - leaving
        for init in self._unneeded | (around & workspace.made):
            if posixpath.dirname(init) not in holding and init not in coming:
                self.deletes.add(init)
        for path in leaving:
            # Later modules are left in a package of which the step had brought the real one.
            home, _, file = path.rpartition("/")
            if file == INIT and path not in self.writes and home in holding:
                self.writes[path] = (MADE_INIT, "made")
        homes = [move.target for move in self.moves if move.target in _modules(self._landing)]
        wanted = {f"{up}/{INIT}" for path in homes for up in _upward(path)} - there
        wanted -= self.writes.keys()
        if wanted:
            listed = self._ground.git.out(
                "ls-tree", "-z", "--name-only", self._landing.before, "--", *sorted(wanted)
            )
            for name in filter(None, listed.split(b"\0")):
                self.writes[os.fsdecode(name)] = (MADE_INIT, "made")


def _modules(landing: Landing) -> set[str]:
    return {move.source for move in landing.moves if move.source.endswith((".py", ".pyi"))}


def _upward(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


class Conflict(NamedTuple):
    """Where both versions of a text changed.

    Attributes:
        line: the first line, from 1.
        lines: how many they are, at least one.
    """

    line: int
    lines: int


def merge(git: Git, base: bytes, ours: bytes, theirs: bytes) -> bytes | Conflict:
    """Return a text with the change from one version to another made to it too.

    Args:
        git: any repository.
        base: what both are changed from.
        ours: the text.
        theirs: the other version.

    Returns:
        The merged text; or where in the text both changed the same.

    Raises:
        EnvironmentFailure: git or the disk failed.
    """
    # A directory of its own: the run's scratch files belong to whoever holds the run lock.
    try:
        with tempfile.TemporaryDirectory(prefix="lane-planner-") as directory:
            files = [Path(directory, name) for name in ("now", "after", "before")]
            for file, content in zip(files, (ours, base, theirs), strict=True):
                file.write_bytes(content)
            done = _merge_files(git, files)
            if done.exit_code == 0:
                return done.stdout
            if done.exit_code > 127:  # no number of conflicts
                if b"binary" in done.stderr:
                    return Conflict(1, 1)
                said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
                raise EnvironmentFailure(f"git cannot merge: {said}")
            # git ends a last line that has no end, in a conflict.
            ended = all(content.endswith(b"\n") for content in (ours, base, theirs))
            apart = _by_lines(_merge_files(git, files, "--diff3").stdout) if ended else None
    except OSError as error:
        raise EnvironmentFailure(f"cannot merge: {error.strerror or error}") from error
    return _conflict(done.stdout.split(b"\n"), ours.split(b"\n")) if apart is None else apart


def _merge_files(git: Git, files: Iterable[Path], *options: str) -> Completed:
    return git.ask("merge-file", "-p", f"--marker-size={_MARKER}", *options, *map(str, files))


def _by_lines(merged: bytes) -> bytes | None:
    """Return a merged text with its conflicts solved line by line, or None if they cannot be.

    git takes changes of neighbouring lines for one; two steps that rewrite an import each, one
    below the other, are none, nor is an import that a person added above. Nothing is guessed: what
    one version changed line for line has to stand unchanged in the other.

    Args:
        merged: as git writes it with all three versions in a conflict.
    """
    result: list[bytes] = []
    sides: list[list[bytes]] = []
    for line in merged.splitlines(keepends=True):
        if line.startswith(b"<" * _MARKER):
            sides = [[]]
        elif line.startswith((b"|" * _MARKER, b"=" * _MARKER)):
            sides.append([])
        elif line.startswith(b">" * _MARKER):
            ours, base, theirs = sides
            solved = _substituted(ours, base, theirs) or _substituted(theirs, base, ours)
            if solved is None:
                return None
            result += solved
            sides = []
        elif sides:
            sides[-1].append(line)
        else:
            result.append(line)
    return b"".join(result)


def _substituted(text: list[bytes], base: list[bytes], other: list[bytes]) -> list[bytes] | None:
    """Return a text with the lines replaced that another version replaced, or None if it cannot be.

    Args:
        text: a version of the base.
        base: the lines that both come from.
        other: a version with a line for each line of the base.
    """
    if len(base) != len(other):
        return None
    blocks = SequenceMatcher(None, base, text, autojunk=False).get_matching_blocks()
    place = {first + n: second + n for first, second, size in blocks for n in range(size)}
    result = list(text)
    for number, (was, new) in enumerate(zip(base, other, strict=True)):
        if was != new:
            if number not in place:
                return None
            result[place[number]] = new
    return result


def _conflict(merged: list[bytes], ours: list[bytes]) -> Conflict:
    """Return where in a text the first conflict is."""
    first = next(n for n, line in enumerate(merged) if line.startswith(b"<" * _MARKER))
    own = []
    for line in merged[first + 1 :]:
        if line.startswith((b"|" * _MARKER, b"=" * _MARKER)):
            break
        own.append(line)
    # What was merged before it may have more or fewer lines than the text.
    found = [n for n in range(len(ours)) if ours[n : n + len(own)] == own]
    start = min(found, key=lambda n: abs(n - first), default=first)
    return Conflict(start + 1, max(1, len(own)))

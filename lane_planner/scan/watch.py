"""Waiting until something changes that a look at a working tree would see.

What the operating system tells is only a hint: a look at the files, the same that every run takes,
decides. So ignore rules and excludes hold without being known here, a directory that is moved as a
whole is seen though its files are not named, and so is, a little later, what no event told of.
"""

from __future__ import annotations

import datetime
import math
import os
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.scan.sources import SUFFIXES, Entry, Source

if TYPE_CHECKING:
    import threading

# Events are gathered until none has come for the one time, and for no longer than the other. What
# was written before that is old enough for its status to be trusted (`ScanCache`).
_QUIET_MS = 100
_LONGEST_MS = 2_000
# Without an event there is a look as soon as events are listened for, and then every so many
# seconds: network file systems tell nothing, nor does what lies outside the root, such as a git
# directory above it, and the system may lose events when there are too many.
_WAKE_MS = 500
_IDLE = 10.0
_IDLE_OUTSIDE = 2.0
# What decides in a git directory which files count.
_GIT_FILES = frozenset({"index", "HEAD", "exclude", "sparse-checkout", "config.worktree"})

# What watchfiles ends with at a name that is no UTF-8. It would end again at once: to look at such
# a directory is an event of it, too.
_NO_UTF_8 = "Unable to decode path"


class Look(NamedTuple):
    """What a look at a working tree saw.

    Attributes:
        entries: its files.
        files: other files that count, each with its times and size; None: it is not there.
        day: on which it was.
    """

    entries: tuple[Entry, ...]
    files: tuple[tuple[str, tuple[int, int, int, int] | None], ...]
    day: datetime.date


class Watch:
    """The files of a repository, and what else its findings follow from.

    Args:
        root: the directory that is watched.
        source: its files; set it anew when what is excluded changes.
        files: other files that count: the configuration, the baseline.
        git_dir: the git directory; None outside git.
    """

    def __init__(
        self, root: Path, source: Source, files: Sequence[Path], git_dir: Path | None
    ) -> None:
        self.root = root
        self.source = source
        self.files = files
        self._git_dir = git_dir
        self._seen: Look | None = None

    def see(self) -> None:
        """Look, before the work that a later change is to repeat: what changes meanwhile counts."""
        try:
            self._seen = self._look()
        except EnvironmentFailure:
            self._seen = None  # the work tells why; whatever happens next counts as a change

    def _look(self) -> Look:
        found = tuple((str(file), _status(file)) for file in self.files)
        # When a day ends, waivers may.
        return Look(tuple(self.source.entries()), found, datetime.date.today())

    def changes(self, stop: threading.Event | None = None) -> Iterator[frozenset[str]]:
        """Yield whenever something has changed since the last look, with what events told of.

        Args:
            stop: ends the waiting when it is set.

        Raises:
            EnvironmentFailure: the directory cannot be watched.
            KeyboardInterrupt: the user has seen enough.
        """
        outside = [self._git_dir] if self._git_dir is not None else []
        outside += self.files
        inside = all(path.is_relative_to(self.root) for path in outside)
        idle = _IDLE if inside else _IDLE_OUTSIDE
        looked = -math.inf
        for paths in self._events(stop):
            if paths is None:
                idle, looked = _IDLE_OUTSIDE, -math.inf
            elif paths or time.monotonic() - looked >= idle:
                differs = self._differs(paths)
                looked = time.monotonic()
                if differs:
                    yield paths

    def _events(self, stop: threading.Event | None) -> Iterator[frozenset[str] | None]:
        """Yield the paths that events told of, none every now and then, None when no more will.

        Raises:
            EnvironmentFailure: the directory cannot be watched.
        """
        import watchfiles

        try:
            for found in watchfiles.watch(
                self.root,
                watch_filter=self._counts,
                debounce=_LONGEST_MS,
                step=_QUIET_MS,
                rust_timeout=_WAKE_MS,
                yield_on_timeout=True,
                stop_event=stop,
                ignore_permission_denied=True,
            ):
                yield frozenset(
                    os.path.relpath(path, self.root).replace(os.sep, "/") for _, path in found
                )
            return
        except (OSError, RuntimeError) as error:  # the latter is what its native part raises
            if _NO_UTF_8 not in str(error):
                raise EnvironmentFailure(
                    f"cannot watch {self.root}: {error}; where the system allows too few watches, "
                    "raise fs.inotify.max_user_watches"
                ) from error
        yield None
        while stop is None or not stop.is_set():
            time.sleep(_WAKE_MS / 1_000)
            yield frozenset()

    def _differs(self, paths: Collection[str]) -> bool:
        try:
            now = self._look()
        except EnvironmentFailure:
            return self._seen is not None  # for the next run to tell, once
        if self._seen is None or now != self._seen:
            return True
        # Two writes within a tick of the clock leave the same status: the event tells them apart.
        known = {entry.path for entry in now.entries}
        return not known.isdisjoint(paths)

    def _counts(self, change: int, path: str) -> bool:
        """Tell whether an event can be of anything that counts."""
        import watchfiles

        parts = path.split(os.sep)
        if ".git" in parts:
            return parts[-1] in _GIT_FILES
        if path.endswith(SUFFIXES) or parts[-1] == ".gitignore":
            return True
        if Path(path) in self.files:
            return True
        # A directory: what came or went with it is told of by nothing else.
        return change == watchfiles.Change.deleted or os.path.isdir(path)


def _status(file: Path) -> tuple[int, int, int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino

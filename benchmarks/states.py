"""What a measured process finds: no cache, a warm one, edited files, new file times."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SETTLED = 3.0
"""Seconds after which a file's times tell that it has not changed, on every file system."""


class States:
    """Puts a repository into the states that are measured.

    Args:
        files: the files whose times change.
        shared: those of them that all commands read; edits are spread over them.
        level: runs a command once, untimed, so that its caches are as the files are.
        stage: puts files into git's index as they are.
    """

    def __init__(
        self,
        files: Sequence[Path],
        shared: Sequence[Path],
        level: Callable[[Sequence[str]], object],
        stage: Callable[[Sequence[Path]], object],
    ) -> None:
        self._files = files
        self._shared = shared
        self._level = level
        self._stage = stage
        self._edits = 0
        newest = max(max(s.st_mtime, s.st_ctime) for s in map(os.lstat, files))
        self._changed = time.monotonic() - max(0.0, time.time() - newest)

    @contextmanager
    def as_is(self) -> Iterator[None]:
        """Change nothing."""
        yield

    @contextmanager
    def without(self, cache: Path) -> Iterator[None]:
        """Remove a cache."""
        shutil.rmtree(cache, ignore_errors=True)
        yield

    @contextmanager
    def warm(self, argv: Sequence[str]) -> Iterator[None]:
        """Let file times settle, and a command fill its caches."""
        time.sleep(max(0.0, self._changed + SETTLED - time.monotonic()))
        self._level(argv)
        yield

    @contextmanager
    def edited(self, argv: Sequence[str], count: int, *, staged: bool = False) -> Iterator[None]:
        """As `warm`; then append an import to files that are spread over all, and take it back.

        Args:
            argv: the command that is to be warm.
            count: how many files are edited.
            staged: whether the edits are staged, as a hook finds them before a commit.
        """
        with self.warm(argv):
            step = len(self._shared) // count
            chosen = self._shared[step // 2 :: step][:count]
            kept = [(path, path.read_bytes(), os.stat(path)) for path in chosen]
            self._edits += 1
            try:
                for path, content, _ in kept:
                    path.write_bytes(content + b"\nimport edit_%d\n" % self._edits)
                if staged:
                    self._stage(chosen)
                yield
            finally:
                for path, content, status in kept:
                    path.write_bytes(content)
                    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
                if staged:
                    self._stage(chosen)
                self._changed = time.monotonic()

    @contextmanager
    def touched(self, argv: Sequence[str]) -> Iterator[None]:
        """As `warm`; then give every file a new time, as a fresh checkout does."""
        with self.warm(argv):
            for path in self._files:
                os.utime(path)
            self._changed = time.monotonic()
            yield

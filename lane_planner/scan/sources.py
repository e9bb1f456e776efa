"""Where the bytes of a repository's files come from: its working tree, or one of its commits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.config.globs import PathGlobs

# What can stand behind a module's name: source, Cython, stub, compiled.
SUFFIXES = (".py", ".pyi", ".pyx", ".so", ".pyd")

# Outside git these directories hold no code of the repository.
_SKIPPED_DIRECTORIES = frozenset(
    {
        "__pycache__", "node_modules", "CVS", "__pypackages__", "site-packages", "venv", "env",
        "_darcs",
    }
)  # fmt: skip


class FileStat(NamedTuple):
    """What tells, without reading a file, that it has not changed: nanoseconds, bytes, inode."""

    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int


class Entry(NamedTuple):
    """A file that may hold a module.

    Attributes:
        path: below the root, "/"-separated; undecodable bytes stand as surrogates.
        stat: in a working tree; else None.
        blob: its git blob id as bytes, in a commit, or where a sparse checkout leaves it out of
            the working tree; else None.
    """

    path: str
    stat: FileStat | None
    blob: bytes | None


class Source(Protocol):
    """A set of files; reading is safe in other processes."""

    def entries(self) -> list[Entry]:
        """Return the files that may hold modules, sorted by path."""
        ...

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | OSError]]:
        """Yield each entry with its bytes, or with why it cannot be read."""
        ...


class WorkingTree:
    """The files below a directory that git tracks or would not ignore; outside git, a walk.

    What a sparse checkout leaves out is read from git's index: it is part of the repository, and
    without it what imports it would import what is not there.

    Args:
        root: the directory.
        git: the repository that holds it, or None.
        excluded: the files to leave out; None: none.
    """

    def __init__(self, root: Path, git: Git | None, excluded: PathGlobs | None = None) -> None:
        self._root = root
        self._git = git
        self._excluded = excluded

    def entries(self) -> list[Entry]:
        """Return the regular files that may hold modules, sorted by path; links are not followed.

        Raises:
            EnvironmentFailure: git or the file system fails.
        """
        paths = dict.fromkeys(self._walk(), False) if self._git is None else _listed(self._git)
        base = f"{self._root}/"
        found = []
        left_out = []
        for path in sorted(paths):
            if self._excluded is not None and self._excluded.matches(path):
                continue
            try:
                status = os.lstat(base + path)
            except (FileNotFoundError, NotADirectoryError):
                if paths[path]:
                    left_out.append(path)
                continue  # else tracked, but deleted in the working tree
            except OSError as error:
                raise EnvironmentFailure(f"cannot read {path}: {error.strerror}") from error
            if stat.S_ISREG(status.st_mode):
                key = FileStat(
                    status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
                )
                found.append(Entry(path, key, None))
        if left_out and self._git is not None:
            blobs = _staged(self._git)
            found += [Entry(path, None, blobs[path]) for path in left_out if path in blobs]
            found.sort(key=lambda entry: entry.path)
        return found

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | OSError]]:
        """Yield each entry with its bytes, or with why it cannot be read.

        Raises:
            EnvironmentFailure: git cannot read an object.
        """
        base = f"{self._root}/"
        wanted = list(entries)
        left_out = [entry for entry in wanted if entry.blob is not None]
        texts: dict[Entry, bytes] = {}
        if left_out and self._git is not None:
            texts.update(_objects(self._git, left_out))
        for entry in wanted:
            if entry in texts:
                yield entry, texts[entry]
                continue
            try:
                with open(base + entry.path, "rb", buffering=0) as file:
                    yield entry, file.readall()
            except OSError as error:
                yield entry, error

    def _walk(self) -> Iterator[str]:
        def fail(error: OSError) -> None:
            raise EnvironmentFailure(f"cannot read {error.filename}: {error.strerror}") from error

        for directory, names, files in os.walk(self._root, onerror=fail):
            names[:] = sorted(
                name
                for name in names
                if not name.startswith(".")
                and name not in _SKIPPED_DIRECTORIES
                and not os.path.exists(os.path.join(directory, name, "pyvenv.cfg"))
            )
            below = os.path.relpath(directory, self._root).replace(os.sep, "/")
            prefix = "" if below == "." else f"{below}/"
            yield from (prefix + file for file in files if file.endswith(SUFFIXES))


class CommitTree:
    """The files of a commit, read from git's objects; the working tree plays no part.

    Args:
        git: the repository, seen from the root.
        commit: full id of the commit.
        excluded: the files to leave out; None: none.
    """

    def __init__(self, git: Git, commit: str, excluded: PathGlobs | None = None) -> None:
        self._git = git
        self._commit = commit
        self._excluded = excluded

    def entries(self) -> list[Entry]:
        """Return the regular files that may hold modules, sorted by path.

        Raises:
            EnvironmentFailure: git fails, or has no such commit.
        """
        if self._git.commit_id(self._commit) is None:
            raise EnvironmentFailure(
                f"commit {self._commit[:12]} is not in the repository any more: has its branch "
                "been rewritten?"
            )
        listing = self._git.out("ls-tree", "-r", "-z", self._commit)
        found = []
        for line in listing.split(b"\0"):
            head, _, name = line.partition(b"\t")
            if not head.startswith(b"100"):
                continue  # a symbolic link, a submodule or the empty end
            path = os.fsdecode(name)
            if path.endswith(SUFFIXES) and not (self._excluded and self._excluded.matches(path)):
                found.append(Entry(path, None, bytes.fromhex(head[12:].decode("ascii"))))
        return sorted(found)

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | OSError]]:
        """Yield each entry with its bytes.

        Raises:
            EnvironmentFailure: git cannot read an object.
        """
        yield from _objects(self._git, list(entries))


def _objects(git: Git, wanted: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Yield each entry with the bytes of its blob."""
    ids = "".join(f"{(entry.blob or b'').hex()}\n" for entry in wanted)
    answer = git.out("cat-file", "--batch", stdin=ids.encode("ascii"))
    position = 0
    for entry in wanted:
        end = answer.index(b"\n", position)
        fields = answer[position:end].split()
        if len(fields) != 3:
            raise EnvironmentFailure(f"git has no object for {entry.path}: run `git fsck`")
        size = int(fields[2])
        yield entry, answer[end + 1 : end + 1 + size]
        position = end + 1 + size + 1


def _listed(git: Git) -> dict[str, bool]:
    """Return the files below the directory, each with whether the working tree may lack it."""
    listing = git.out(
        "ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard", "--",
        *(f"*{suffix}" for suffix in SUFFIXES),
    )  # fmt: skip
    return {
        os.fsdecode(line[2:]): line[:1] == b"S"  # "skip-worktree", as sparse checkouts mark it
        for line in listing.split(b"\0")
        if line and line[-1:] != b"/"
    }


def _staged(git: Git) -> dict[str, bytes]:
    """Return the blobs of the regular files in the index, by path."""
    listing = git.out("ls-files", "-z", "--stage", "--", *(f"*{suffix}" for suffix in SUFFIXES))
    found = {}
    for line in listing.split(b"\0"):
        head, _, name = line.partition(b"\t")
        if head.startswith(b"100"):
            found[os.fsdecode(name)] = bytes.fromhex(head.split()[1].decode("ascii"))
    return found

"""Where the bytes of a repository's files come from: its working tree, or one of its commits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
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
        globs = self._excluded
        return sorted(
            entry
            for entry in _in_tree(self._git, self._commit)
            if not (globs and globs.matches(entry.path))
        )

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | OSError]]:
        """Yield each entry with its bytes.

        Raises:
            EnvironmentFailure: git cannot read an object.
        """
        yield from _objects(self._git, list(entries))


class Blobs:
    """Files that are known already, read from git's objects.

    Args:
        git: the repository.
        entries: the files, each with its blob.
    """

    def __init__(self, git: Git, entries: Iterable[Entry]) -> None:
        self._git = git
        self._entries = tuple(entries)

    def entries(self) -> list[Entry]:
        """Return the files, sorted by path."""
        return sorted(self._entries)

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | OSError]]:
        """Yield each entry with its bytes.

        Raises:
            EnvironmentFailure: git cannot read an object.
        """
        yield from _objects(self._git, list(entries))


def tree_changes(git: Git, trees: Sequence[str]) -> list[dict[str, Entry | None]]:
    """Return what each of some trees has otherwise than the one before it.

    To list what differs takes git a fraction of the time that listing every tree takes.

    Args:
        git: the repository, seen from the root.
        trees: full ids of the trees of commits, of which the first is compared with nothing.

    Returns:
        For each tree the regular files that may hold modules and that came or changed, by path;
        None stands for one that is gone.

    Raises:
        EnvironmentFailure: git fails, or has no such tree.
    """
    if not trees:
        return []
    first: dict[str, Entry | None] = {entry.path: entry for entry in _in_tree(git, trees[0])}
    pairs = "".join(f"{before} {after}\n" for before, after in pairwise(trees))
    listing = git.out(
        "diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--relative",
        stdin=pairs.encode("ascii"),
    )  # fmt: skip
    found = [first]
    position = 0
    while position < len(listing):
        if listing[position : position + 1] != b":":  # the two trees, before what differs in them
            position = listing.index(b"\n", position) + 1
            found.append({})
            continue
        end = listing.index(b"\0", position)
        _, mode, _, blob, _ = listing[position:end].split(b" ")
        position = listing.index(b"\0", end + 1) + 1
        path = os.fsdecode(listing[end + 1 : position - 1])
        if path.endswith(SUFFIXES):
            regular = mode.startswith(b"100")
            entry = Entry(path, None, bytes.fromhex(blob.decode("ascii"))) if regular else None
            found[-1][path] = entry
    if len(found) != len(trees):
        raise EnvironmentFailure(
            f"git compared {len(found) - 1} of {len(trees) - 1} trees in {git.directory}: "
            "run `git fsck`"
        )
    return found


def _in_tree(git: Git, tree: str) -> Iterator[Entry]:
    """Yield the regular files of a tree, or of a commit, that may hold modules."""
    for line in git.out("ls-tree", "-r", "-z", tree).split(b"\0"):
        head, _, name = line.partition(b"\t")
        if not head.startswith(b"100"):
            continue  # a symbolic link, a submodule or the empty end
        path = os.fsdecode(name)
        if path.endswith(SUFFIXES):
            yield Entry(path, None, bytes.fromhex(head[12:].decode("ascii")))


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

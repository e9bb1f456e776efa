"""Commits made from edits without a checkout, and the transaction that makes a branch of them.

Nothing of the user's is touched: trees are built in an index of our own, in the state directory,
and commits are made by git's plumbing, which runs no hook and signs nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import plural, printable
from lane_planner.executor.storage.files import remove
from lane_planner.executor.storage.places import commits_path
from lane_planner.promotion.values import NEW_FILES, Promotion

DATES = ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE")
"""The variables that say when a commit is made."""

_IDENTITY_VARIABLES = (
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    *DATES,
)

# A split or sparse index would put a part of ours among the user's files, or leave paths out.
_PLAIN_INDEX = (
    "-c",
    "core.splitIndex=false",
    "-c",
    "core.sparseCheckout=false",
    "-c",
    "index.sparse=false",
)

_MODULES_IN_MESSAGE = 20

# The hooks that can refuse or change a commit, or a branch. The others only tell of one.
_JUDGING = ("pre-commit", "prepare-commit-msg", "commit-msg", "reference-transaction")


class Entry(NamedTuple):
    """A file as a tree holds it.

    Attributes:
        mode: "100644", "100755", "120000" (symlink) or "160000" (submodule).
        blob: id of its content; for a submodule, of its commit.
    """

    mode: str
    blob: str


class Edit(NamedTuple):
    """What becomes of one path.

    Attributes:
        path: below the top of the repository, as git's bytes.
        mode: the new mode; None: the path goes away.
        blob: id of content that the repository has already; None with `content`.
        content: new content; None with `blob`.
    """

    path: bytes
    mode: str | None
    blob: str | None
    content: bytes | None


class Tree:
    """The files of a commit: what they are, and whether edits fit them.

    Args:
        entries: by path below the top of the repository.
    """

    def __init__(self, entries: Mapping[bytes, Entry]) -> None:
        self._entries = dict(entries)
        self._directories = Counter(up for path in entries for up in _ancestors(path))

    def __getitem__(self, path: bytes) -> Entry:
        return self._entries[path]

    def __contains__(self, path: bytes) -> bool:
        return path in self._entries

    def edits(self, promotion: Promotion, prefix: bytes) -> tuple[Edit, ...]:
        """Return the edits that a promotion makes to this tree, sorted by path.

        Moved files keep their mode and content, and rewritten ones their mode; all moves happen
        at once.

        Args:
            promotion: what is wanted.
            prefix: path of its root below the top of the repository: b"" or b"sub/dir/".

        Raises:
            EnvironmentFailure: the promotion does not fit the tree: a file that it moves,
                rewrites or deletes is missing, one that it makes is there, or it says two things
                of one path. Nothing is edited.
        """
        gone = self._leaving(promotion, prefix)
        result: dict[bytes, Edit] = {path: Edit(path, None, None, None) for path in gone}
        for move in promotion.moves:
            source, target = _inside(prefix, move.source), _inside(prefix, move.target)
            placed = result.get(target)
            if placed is not None and placed.mode is not None:
                raise _misfit(f"two files move to {_shown(target)}")
            if placed is None and target in self:
                raise _misfit(f"{_shown(target)}, where a file moves to, is there already")
            entry = self[source]
            result[target] = Edit(target, entry.mode, entry.blob, None)
        written: set[bytes] = set()
        for write in promotion.writes:
            path = _inside(prefix, write.path)
            if path in written:
                raise _misfit(f"{_shown(path)} is written twice")
            written.add(path)
            mode = self._mode_after(result, path)
            if (mode is None) != (write.reason in NEW_FILES):
                state = "there already" if mode else "missing"
                raise _misfit(f"{_shown(path)}, which is to be {write.reason}, is {state}")
            if mode is not None and not mode.startswith("100"):
                raise _misfit(f"{_shown(path)}, which is to be rewritten, is not a regular file")
            result[path] = Edit(path, mode or "100644", None, write.content)
        edits = tuple(result[path] for path in sorted(result))
        self._check_directories(edits)
        return edits

    def apply(self, edits: Sequence[Edit], blobs: Mapping[bytes, str]) -> None:
        """Take edits over.

        Args:
            edits: as `edits` returned them.
            blobs: id of each new content.
        """
        for edit in edits:
            if edit.path in self._entries:
                del self._entries[edit.path]
                self._directories.subtract(_ancestors(edit.path))
            if edit.mode is not None:
                self._entries[edit.path] = Entry(edit.mode, _blob(edit, blobs))
                self._directories.update(_ancestors(edit.path))

    def _leaving(self, promotion: Promotion, prefix: bytes) -> set[bytes]:
        gone: set[bytes] = set()
        sources = [(move.source, "moves") for move in promotion.moves]
        for name, act in [*sources, *((path, "is deleted") for path in promotion.deletes)]:
            path = _inside(prefix, name)
            if path in gone:
                raise _misfit(f"{_shown(path)} moves or is deleted twice")
            if path not in self:
                raise _misfit(f"{_shown(path)}, which {act}, is missing")
            if self[path].mode == "160000":
                raise _misfit(f"{_shown(path)}, which {act}, is a submodule")
            gone.add(path)
        return gone

    def _mode_after(self, result: Mapping[bytes, Edit], path: bytes) -> str | None:
        if path in result:
            return result[path].mode
        return self[path].mode if path in self else None

    def _check_directories(self, edits: Sequence[Edit]) -> None:
        # git's index would drop whatever stands in the way, without a word.
        gone = {edit.path for edit in edits if edit.mode is None}
        come = {edit.path for edit in edits if edit.mode is not None}
        left = Counter(up for path in gone for up in _ancestors(path))
        made = {up for path in come for up in _ancestors(path)}
        for path in sorted(made):
            if path in come or (path in self and path not in gone):
                raise _misfit(f"{_shown(path)} is a file, and other files would stand below it")
        for path in sorted(come):
            if self._directories[path] > left[path]:
                raise _misfit(f"{_shown(path)}, where a file is put, is a directory")


class TreeWriter:
    """A line of commits that grows from a base commit, one promotion a commit.

    It holds a temporary index in the scratch directory, which is the holder's of the run lock, so
    there is one at a time; use it as a context manager, or call `discard`. Commits stay
    unreferenced until branches are created.

    Args:
        git: the repository, seen from the root that promotions' paths are relative to.
        base_commit: full id of the commit to start from.
        environ: where git's identity variables (`GIT_AUTHOR_NAME` and the like) are looked up
            before its configuration; the process's environment by default.

    Attributes:
        head: the commit that the next promotion builds on.

    Raises:
        EnvironmentFailure: git does not know who commits, the state directory cannot be written,
            or the base commit cannot be read.
    """

    def __init__(
        self, git: Git, base_commit: str, *, environ: Mapping[str, str] | None = None
    ) -> None:
        self.head = base_commit
        self._git = git
        self._prefix = os.fsencode(git.prefix)
        self._place = commits_path(git)
        self._index = self._place / "index"
        self._scratch = self._place / "blobs"
        self._env = {**identity(git, environ), "GIT_INDEX_FILE": str(self._index)}
        remove(self._place)  # what a killed run left
        try:
            self._scratch.mkdir(parents=True)
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot write {git.state_dir}: {error.strerror or error}"
            ) from error
        try:
            self._tree_id = _text(git.out("rev-parse", "--verify", f"{base_commit}^{{tree}}"))
            self._tree = Tree(_listed(git, base_commit))
            git.out(*_PLAIN_INDEX, "read-tree", self._tree_id, env=self._env)
        except BaseException:
            self.discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def commit(self, promotion: Promotion, message: str) -> str:
        """Make the next commit and return its id.

        Args:
            promotion: what changes; it has to fit the tree of `head` exactly.
            message: the whole commit message (`message_of`).

        Raises:
            EnvironmentFailure: the promotion does not fit or changes nothing, or git failed.
        """
        edits = self._tree.edits(promotion, self._prefix)
        blobs = self._write_blobs([e.content for e in edits if e.content is not None])
        lines = [self._index_line(edit, blobs) for edit in edits]
        git, env = self._git, self._env
        git.out(*_PLAIN_INDEX, "update-index", "-z", "--index-info", stdin=b"".join(lines), env=env)
        # In a partial clone the blobs of files that only move need not be here.
        tree = _text(git.out(*_PLAIN_INDEX, "write-tree", "--missing-ok", env=env))
        if tree == self._tree_id:
            raise _misfit("it changes nothing")
        commit = _text(
            git.out(
                "-c",
                "i18n.commitEncoding=UTF-8",
                "commit-tree",
                tree,
                "-p",
                self.head,
                "-F",
                "-",
                stdin=message.encode("utf-8"),
                env=env,
            )
        )
        self._tree.apply(edits, blobs)
        self._tree_id, self.head = tree, commit
        return commit

    def discard(self) -> None:
        """Remove the temporary index; the commits made stay, unreferenced."""
        remove(self._place)

    def _write_blobs(self, contents: Sequence[bytes]) -> dict[bytes, str]:
        distinct = list(dict.fromkeys(contents))
        if not distinct:
            return {}
        names = []
        try:
            for number, content in enumerate(distinct):
                file = self._scratch / str(number)
                file.write_bytes(content)
                names.append(_quoted(file))
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot write {self._scratch}: {error.strerror or error}"
            ) from error
        # Without filters: the content is what the commit is to hold, byte for byte.
        listed = b"\n".join(names) + b"\n"
        ids = _text(
            self._git.out("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listed)
        ).split("\n")
        return dict(zip(distinct, ids, strict=True))

    def _index_line(self, edit: Edit, blobs: Mapping[bytes, str]) -> bytes:
        if edit.mode is None:
            return b"0 %s\t%s\0" % (b"0" * len(self.head), edit.path)
        return b"%s %s\t%s\0" % (edit.mode.encode(), _blob(edit, blobs).encode(), edit.path)


def identity(git: Git, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the identity variables to commit with, having made sure that git accepts them.

    Args:
        git: the repository.
        environ: where to look for them; the process's environment by default.

    Raises:
        EnvironmentFailure: neither they nor git's configuration say who commits.
    """
    found = os.environ if environ is None else environ
    env = {name: found[name] for name in _IDENTITY_VARIABLES if name in found}
    for role in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        # Without this setting git makes up an address from the host's name.
        done = git.ask("-c", "user.useConfigOnly=true", "var", role, env=env)
        if done.exit_code != 0:
            raise EnvironmentFailure(
                "git does not know who commits: run `git config user.name NAME` and "
                "`git config user.email ADDRESS`"
            )
    return env


def committer(git: Git, environ: Mapping[str, str] | None = None) -> str:
    """Return the name and address of whoever commits.

    Args:
        git: the repository.
        environ: as for `identity`.

    Raises:
        EnvironmentFailure: neither the variables nor git's configuration say it.
    """
    said = git.out("var", "GIT_COMMITTER_IDENT", env=identity(git, environ))
    return said.decode("utf-8", "replace").rpartition(">")[0] + ">"


def passed_over(git: Git) -> tuple[str, ...]:
    """Return what a user has set up for commits that ours go without, each in a line.

    No hook runs: it would find no checkout and no index of its user's to judge, and one that fails
    or writes could not be undone. Nothing is signed: a run that was killed has to come to the same
    commits again, and nobody may be there to be asked for a pass phrase.
    """
    notes = []
    # Not `git rev-parse --git-path hooks`: we tell git that there are none.
    done = git.ask("config", "-z", "--type=path", "--get-all", "core.hooksPath")
    paths = done.stdout.split(b"\0")[:-2]  # the last one is ours
    place = git.toplevel / os.fsdecode(paths[-1]) if paths else git.common_dir / "hooks"
    there = [name for name in _JUDGING if os.access(place / name, os.X_OK)]
    if there:
        hooks = "hook" if len(there) == 1 else "hooks"
        notes.append(f"{hooks} {', '.join(there)} did not run on the new commits")
    done = git.ask("config", "--type=bool", "--get", "commit.gpgSign")
    if done.stdout == b"true\n":
        notes.append("the new commits are not signed, though commit.gpgSign is set")
    return tuple(notes)


def message_of(
    promotion: Promotion,
    *,
    plan_id: str,
    step_id: str,
    title: str | None = None,
    reverts: bool = False,
) -> str:
    """Return the commit message of a step: title, what it does, trailers.

    Args:
        promotion: what the step does.
        plan_id: value of the `Lane-Plan` trailer.
        step_id: value of the `Lane-Step` trailer.
        title: the first line; the promotion's own by default.
        reverts: whether it takes that step back; the trailer is then `Lane-Reverts`.
    """
    made = sum(write.reason in NEW_FILES for write in promotion.writes)
    rewritten = len(promotion.writes) - made
    lines = [
        printable(title or promotion.title),
        "",
        f"{plural(len(promotion.moves), 'file')} moved, {rewritten:,} rewritten, "
        f"{made:,} made, {len(promotion.deletes):,} deleted.",
        "",
    ]
    # Indented, no module's name can read as a trailer.
    for before, after in promotion.renamed[:_MODULES_IN_MESSAGE]:
        lines.append(f"    {printable(before)} -> {printable(after)}")
    if len(promotion.renamed) > _MODULES_IN_MESSAGE:
        lines.append(f"    and {len(promotion.renamed) - _MODULES_IN_MESSAGE:,} more")
    if promotion.renamed:
        lines.append("")
    trailer = "Lane-Reverts" if reverts else "Lane-Step"
    lines += [f"Lane-Plan: {printable(plan_id)}", f"{trailer}: {printable(step_id)}", ""]
    return "\n".join(lines)


def require_free_branch(git: Git, branch: str) -> None:
    """Make sure that a branch of that name can be created.

    Raises:
        UsageError: the name is no branch name, or a branch of that name, or one that git cannot
            keep beside it, is there.
    """
    ref = f"refs/heads/{branch}"
    odd = branch[:1] in ("", "-") or "\0" in branch or not _is_utf8(branch)
    if odd or git.ask("check-ref-format", ref).exit_code != 0:
        raise UsageError(f"{printable(branch)!r} cannot be the name of a branch")
    encoded = os.fsencode(ref)
    parents = [up for up in _ancestors(encoded) if up.count(b"/") >= 2]
    patterns = [os.fsdecode(name) for name in (encoded, *parents)]
    there = git.out("for-each-ref", "--format=%(refname)", *patterns).split(b"\n")
    for name in there:
        shown = printable(os.fsdecode(name.removeprefix(b"refs/heads/")))
        if name == encoded:
            raise UsageError(
                f"branch {shown} exists already: delete it (`git branch -D`) or finish it first"
            )
        if name.startswith(encoded + b"/") or name in parents:
            raise UsageError(
                f"branch {printable(branch)} cannot stand beside branch {shown}: rename or "
                f"delete that one first"
            )


def create_branches(git: Git, branches: Mapping[str, str], *, reason: str) -> None:
    """Create branches, all in one transaction.

    Args:
        git: the repository.
        branches: full ids of the commits that they are to be at, by names that must not exist.
        reason: for the reflog.

    Raises:
        EnvironmentFailure: one exists by now, or git cannot write them; nothing changed.
    """
    commands = (f"create refs/heads/{name}\0{commit}\0" for name, commit in branches.items())
    _update_refs(git, "".join(commands), reason)


def require_not_checked_out(git: Git, branches: Iterable[str]) -> None:
    """Make sure that no work tree is on one of some branches: without it, it would be on nothing.

    `git branch -D` sees to that; `git update-ref`, which takes many in a transaction, does not.

    Args:
        git: the repository.
        branches: their names.

    Raises:
        UsageError: one is.
    """
    wanted = {f"refs/heads/{name}": name for name in branches}
    if not wanted:
        return
    place = ""
    for line in git.out("worktree", "list", "--porcelain").split(b"\n"):
        what, _, value = os.fsdecode(line).partition(" ")
        if what == "worktree":
            place = value
        elif what == "branch" and value in wanted:
            raise UsageError(
                f"branch {printable(wanted[value])} is checked out in {printable(place)}: nothing "
                "was undone; check out another one there first"
            )


def delete_branches(git: Git, branches: Mapping[str, str], *, reason: str) -> None:
    """Delete branches that still are at their commits, all in one transaction.

    Args:
        git: the repository.
        branches: full ids of the commits that they are at, by name.
        reason: for the reflog.

    Raises:
        UsageError: one is checked out somewhere; nothing changed.
        EnvironmentFailure: one is elsewhere or gone, or git cannot write them; nothing changed.
    """
    require_not_checked_out(git, branches)
    commands = (f"delete refs/heads/{name}\0{commit}\0" for name, commit in branches.items())
    _update_refs(git, "".join(commands), reason)


def _update_refs(git: Git, commands: str, reason: str) -> None:
    if not commands:
        return
    git.out(
        "update-ref",
        "-m",
        f"lane-planner: {printable(reason)}",
        "--stdin",
        "-z",
        stdin=os.fsencode(f"start\0{commands}prepare\0commit\0"),
        env=identity(git),  # for the reflog
    )


def _listed(git: Git, commit: str) -> dict[bytes, Entry]:
    entries = {}
    for line in git.out("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        if line:
            fields, _, path = line.partition(b"\t")
            mode, _, blob = fields.decode("ascii").split(" ")
            entries[path] = Entry(mode, blob)
    return entries


def _inside(prefix: bytes, name: str) -> bytes:
    path = os.fsencode(name)
    parts = path.split(b"/")
    if b"\0" in path or any(part in (b"", b".", b"..") for part in parts):
        raise _misfit(f"{printable(name)!r} is no path below the root")
    if any(part.lower() == b".git" for part in parts):
        raise _misfit(f"{printable(name)!r} lies in a git directory")
    return prefix + path


def _ancestors(path: bytes) -> Iterator[bytes]:
    end = path.rfind(b"/")
    while end > 0:
        yield path[:end]
        end = path.rfind(b"/", 0, end)


def _blob(edit: Edit, blobs: Mapping[bytes, str]) -> str:
    if edit.content is not None:
        return blobs[edit.content]
    assert edit.blob is not None  # an edit that keeps a path has one or the other
    return edit.blob


def _quoted(path: Path) -> bytes:
    # A line that begins with a quote is read as a C string; only so can it hold any byte.
    escaped = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"%s"' % escaped.replace(b"\n", b"\\n")


def _shown(path: bytes) -> str:
    return printable(os.fsdecode(path))


def _misfit(what: str) -> EnvironmentFailure:
    return EnvironmentFailure(f"the promotion does not fit the commit it builds on: {what}")


def _is_utf8(text: str) -> bool:
    return os.fsencode(text).decode("utf-8", "replace") == text


def _text(output: bytes) -> str:
    return output.decode("ascii").strip()

"""Questions to git, asked so that nothing of the user's checkout, index or hooks is touched."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.base.process import Completed, run

# fsmonitor and hooks name programs in the repository's own configuration: analysing a repository
# must not run them, and a hook that fails must not break a run that touches nothing of its owner's.
# Optional locks would let `git status` rewrite the user's index. The rest changes what is printed,
# and where git looks.
_SAFE = tuple(
    part
    for setting in (
        "core.fsmonitor=false", "core.hooksPath=/dev/null", "gc.auto=0", "grep.column=false",
        "grep.fullName=false", "log.showSignature=false", "submodule.recurse=false",
    )
    for part in ("-c", setting)
)  # fmt: skip

_OURS = {
    "GIT_NO_REPLACE_OBJECTS": "1",  # what is rewritten into a commit is what the repository holds
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}

_SHALLOW = (
    "this clone is shallow, fetch its history (`git fetch --unshallow`, in CI a fetch depth of 0)"
)

_OLDEST = (2, 30)
_VERSION = re.compile(r"git version (\d+)\.(\d+)")


# What ties git to one repository: `git rev-parse --local-env-vars`, and what git sets for hooks.
REPOSITORY_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)

# How git gets to a server, where it and its programs look, and settings are the user's affair, even
# those given for one command (`git -c`, or CI's GIT_CONFIG_COUNT). GIT_CONFIG is not one of them:
# it names the only file that `git config` reads.
_KEPT = (
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_ATTR_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_LFS_",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSL_",
)


def environment_for_git() -> dict[str, str]:
    """Return our environment less the variables that would bend what git does or answers.

    A hook or an alias runs us with GIT_DIR, GIT_INDEX_FILE and the like set for its own
    repository, and ours is the one that a path names. Others, as GIT_EXTERNAL_DIFF or
    GIT_ICASE_PATHSPECS, change answers.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }


@cache
def _environment() -> dict[str, str]:
    return environment_for_git() | _OURS


class Git:
    """A git repository, seen from one directory of it.

    Attributes:
        directory: where commands run; listings are relative to it.
        toplevel: the top of the work tree that holds the directory.
        common_dir: the git directory that all work trees of the repository share.
    """

    def __init__(self, directory: Path, toplevel: Path, common_dir: Path) -> None:
        self.directory = directory
        self.toplevel = toplevel
        self.common_dir = common_dir

    @staticmethod
    def find(directory: Path) -> Git | None:
        """Return the repository that holds a directory, or None if none does.

        Raises:
            EnvironmentFailure: git is missing or too old, or refuses the repository.
        """
        environment = _environment()
        if shutil.which("git", path=environment.get("PATH")) is None:
            raise EnvironmentFailure("git is not on PATH: install it, or add its directory to PATH")

        # Before all else: what an older git makes of our questions is no answer.
        _require_version(run(["git", "--version"], cwd=directory, env=environment))

        def asked(*options: str) -> Completed:
            argv = ["git", *_SAFE, "rev-parse", *options]
            return run(argv, cwd=directory, env=environment)

        done = asked("--show-toplevel", "--git-common-dir")
        if done.exit_code != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            if "not a git repository" in said or "must be run in a work tree" in said:
                return None
            raise EnvironmentFailure(f"git cannot read {directory}: {_complaint(said)}")
        lines = done.stdout.removesuffix(b"\n").split(b"\n")
        if len(lines) != 2:  # a directory's name holds a newline: one answer at a time
            answers = (asked("--show-toplevel"), asked("--git-common-dir"))
            lines = [answer.stdout.removesuffix(b"\n") for answer in answers]
        top, common = map(os.fsdecode, lines)
        return Git(directory, Path(top), (directory / common).resolve())

    @staticmethod
    def require(directory: Path) -> Git:
        """Return the repository that holds a directory.

        Raises:
            UsageError: the directory is in no git repository.
        """
        found = Git.find(directory)
        if found is None:
            Git.refuse_bare(directory)
            raise UsageError(
                f"{directory} is not in a git repository: run `git init` and commit first"
            )
        return found

    @staticmethod
    def refuse_bare(directory: Path) -> None:
        """Refuse a directory of a repository without a checkout.

        Raises:
            UsageError: it is one.
        """
        done = Git(directory, directory, directory).ask("rev-parse", "--is-bare-repository")
        if done.stdout == b"true\n":
            raise UsageError(f"{directory} is a bare git repository: run it in a checkout of it")

    @property
    def state_dir(self) -> Path:
        """The tool's own directory inside the git directory; it may not exist yet."""
        return self.common_dir / "lane-planner"

    @property
    def prefix(self) -> str:
        """The directory's path below the top of the work tree: "" or "sub/dir/"."""
        below = self.directory.resolve().relative_to(self.toplevel.resolve()).as_posix()
        return "" if below == "." else f"{below}/"

    def branch(self) -> str | None:
        """Return the name of the branch that is checked out, or None if none is."""
        done = self.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return os.fsdecode(done.stdout).rstrip("\n") if done.exit_code == 0 else None

    def argv(self, *arguments: str) -> list[str]:
        """Return the full command line of a git command."""
        return ["git", *_SAFE, *arguments]

    def ask(
        self, *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Run a git command and return how it ended, whatever its exit status.

        Args:
            arguments: the command and its arguments.
            stdin: what it reads.
            env: variables added to the cleaned environment.
        """
        return run(
            self.argv(*arguments),
            cwd=self.directory,
            env=_environment() | dict(env or {}),
            stdin=stdin,
        )

    def out(
        self, *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a git command that has to succeed and return what it printed.

        Raises:
            EnvironmentFailure: it failed; the message holds git's own words.
        """
        done = self.ask(*arguments, stdin=stdin, env=env)
        if done.exit_code != 0:
            said = _complaint(done.stderr.decode("utf-8", "replace"))
            raise EnvironmentFailure(
                f"git {_command(arguments)} failed in {self.directory}: {said}"
            )
        return done.stdout

    def commit_id(self, revision: str = "HEAD") -> str | None:
        """Return the full id of a commit, or None if there is no such commit."""
        done = self.ask(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        return done.stdout.decode("ascii").strip() if done.exit_code == 0 else None

    def merge_base(self, revision: str) -> str:
        """Return the commit at which what is checked out and another one parted.

        Raises:
            UsageError: there is no such commit, or none is checked out.
            EnvironmentFailure: they have no commit in common, as far as this clone knows.
        """
        commit = self.commit_id(revision)
        if commit is None:
            hint = "fetch it, or name another one" if not self.is_shallow() else _SHALLOW
            raise UsageError(f"no commit is called {revision} here: {hint}")
        done = self.ask("merge-base", commit, self.head())
        found = done.stdout.decode("ascii").split()
        if done.exit_code == 0 and found:
            return found[0]
        if done.exit_code > 1:
            said = _complaint(done.stderr.decode("utf-8", "replace"))
            raise EnvironmentFailure(f"git merge-base failed in {self.directory}: {said}")
        if self.is_shallow():
            raise EnvironmentFailure(f"where {revision} and HEAD parted is not here: {_SHALLOW}")
        raise EnvironmentFailure(f"{revision} and HEAD have no commit in common: name another one")

    def is_shallow(self) -> bool:
        """Tell whether the clone was cut off at some depth."""
        return self.out("rev-parse", "--is-shallow-repository") == b"true\n"

    def content(self, commit: str, path: str) -> bytes | None:
        """Return what a commit's file holds, or None if it has no file there.

        Args:
            commit: full id.
            path: relative to the directory.
        """
        done = self.ask("cat-file", "blob", f"{commit}:./{path}")
        return done.stdout if done.exit_code == 0 else None

    def files(self, commit: str) -> frozenset[str]:
        """Return the paths of a commit's files, those below the directory and relative to it."""
        listing = self.out("ls-tree", "-r", "-z", "--name-only", commit)
        return frozenset(os.fsdecode(path) for path in listing.split(b"\0") if path)

    def head(self) -> str:
        """Return the id of the commit that is checked out.

        Raises:
            UsageError: the repository has no commit yet.
            EnvironmentFailure: the commit cannot be read.
        """
        commit = self.commit_id()
        if commit is None:
            done = self.ask("rev-parse", "--verify", "--quiet", "HEAD")
            if done.exit_code == 0:  # there is one, but not in the object store
                raise EnvironmentFailure(
                    f"git cannot read commit {done.stdout.decode('ascii')[:12]}, which is checked "
                    f"out in {self.toplevel}: run `git fsck`"
                )
            raise UsageError(f"{self.toplevel} has no commit yet: commit the modules first")
        return commit

    def changed_paths(self) -> tuple[str, ...]:
        """Return the paths, relative to the directory, that differ from the checked-out commit.

        Untracked files that are not ignored count; the result is sorted.
        """
        fields = self.out(
            "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--", "."
        )
        prefix = len(self.prefix)
        found = {os.fsdecode(entry[3:])[prefix:] for entry in fields.split(b"\0") if entry}
        return tuple(sorted(found))


def _require_version(done: Completed) -> None:
    said = done.stdout.decode("utf-8", "replace").strip()
    found = _VERSION.match(said)
    if found is not None and (int(found[1]), int(found[2])) < _OLDEST:
        raise EnvironmentFailure(
            f"git {'.'.join(map(str, _OLDEST))} or newer is needed, and the one on PATH says "
            f"`{said.partition(chr(10))[0]}`: install a newer one"
        )


def _command(arguments: Sequence[str]) -> str:
    """Return which command of git arguments are of, past settings ("-c", "name=value")."""
    first = 0
    while arguments[first] == "-c":
        first += 2
    return arguments[first]


def _complaint(stderr: str) -> str:
    """Return in one line why git failed, as it says itself.

    That is its first line, which may go on in the next one, or be that of a program that git runs:
    then git's own last word is added. What it advises about ownership is kept.
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("hint:", "warning:"))] or lines
    if not told:
        return "no message"
    parts = told[:2] if told[0].endswith(":") else told[:1]
    text = " ".join(parts)
    last = next((line for line in reversed(told) if line.startswith("fatal:")), None)
    if last is not None and not told[0].startswith("fatal:"):
        text = f"{text}; {last}"
    advice = next((line for line in lines if "--add safe.directory" in line), None)
    return text if advice is None else f"{text}; if you trust it: {advice}"

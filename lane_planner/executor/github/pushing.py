"""The branches of one remote: looked up, pushed and deleted, and why that may be refused."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.base.process import Completed
from lane_planner.base.text import printable
from lane_planner.executor.github.network import Patience, first_line, run_online
from lane_planner.executor.github.remotes import urls_of

PushProblem = Literal[
    "protected", "declined", "hook", "moved", "permission", "network", "timeout", "other"
]

_T = TypeVar("_T")

_PUSH_SECONDS = 1800.0  # a pre-push hook may run tests
# Whatever the user has set for own pushes: tags and submodules would go along.
_PUSH_OPTIONS = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no")

# Before the push was sent, or, in the server's words, after.
_OVERTAKEN = re.compile(r"stale info|but expected|reference already exists|incorrect old value")
_PROTECTED = re.compile(r"GH006|GH013|protected branch|rule violations")
_NO_PERMISSION = re.compile(
    r"Permission (?:to \S+ )?denied|Authentication failed|could not read (?:Username|Password)"
    r"|returned error: 40[13]|Repository not found|Write access to repository not granted"
    r"|Host key verification failed",
    re.IGNORECASE,
)
_NO_NETWORK = re.compile(
    r"Could not resolve|Failed to connect|Couldn't connect|Connection (?:refused|reset|timed out"
    r"|closed)|Operation timed out|Network is unreachable|No route to host"
    r"|returned error: (?:429|5\d\d)"
    r"|hung up unexpectedly|early EOF|unexpected disconnect|SSL_|gnutls_|RPC failed",
    re.IGNORECASE,
)


class PushRefused(EnvironmentFailure):
    """A branch could not be pushed or deleted; the remote branch is as it was.

    Args:
        problem: "protected" by GitHub's rules, "declined" by a hook there, "hook" for the user's
            own pre-push hook, "moved" by somebody else, "permission", "network", "timeout" or
            "other".
        message: the line for the user.
    """

    def __init__(self, problem: PushProblem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


class RemoteBranches:
    """The branches of a remote. Whatever is done to them can be done again.

    Args:
        git: our repository.
        remote: the remote's name.
        patience: how what the network thwarts is tried again.

    Attributes:
        shown: the remote's name, printable.
    """

    def __init__(self, git: Git, remote: str, patience: Patience) -> None:
        self.shown = printable(remote)
        self._git = git
        self._remote = remote
        self._patience = patience

    def commit_of(self, branch: str) -> str | None:
        """Return the id of the commit that a branch is at, None without one.

        Raises:
            PushRefused: the remote cannot be asked.
        """
        return self._patiently(lambda: self._look_up(branch))

    def move(self, branch: str, commit: str | None, *, expected: str | None) -> bool:
        """Bring a branch to a commit, backwards too, or delete it.

        The user's pre-push hook has its say, as in every push of the user's own: what it guards
        against, secrets going out, is worth as much here.

        Args:
            branch: its name.
            commit: full id of a commit of ours; None: the branch is to be gone.
            expected: where it has to be before; None: not there.

        Returns:
            Whether anything was done: if the branch is there already, or gone, nothing is.

        Raises:
            PushRefused: it is elsewhere, or the push was refused or failed; it is as it was.
        """
        tried = False

        def act() -> bool:
            nonlocal tried
            there = self._look_up(branch)
            if there == commit:
                return tried  # a try of ours may fail only after it took effect
            if there != expected:
                raise PushRefused(
                    "moved",
                    f"{printable(branch)} has changed on {self.shown}: expected "
                    f"{_at(expected)}, found {_at(there)}",
                )
            tried = True
            self._push_once(branch, commit, expected)
            return True

        return self._patiently(act)

    def _patiently(self, act: Callable[[], _T]) -> _T:
        """Do what the network may thwart for a while."""
        number = 1
        while True:
            try:
                return act()
            except PushRefused as error:
                if error.problem != "network" or number >= self._patience.tries:
                    raise
            self._patience.rest(number)
            number += 1

    def _look_up(self, branch: str) -> str | None:
        ref = f"refs/heads/{branch}"
        urls = urls_of(self._git, self._remote)
        # Where pushes go is where a branch has to be looked for; a mirror to fetch from may lag.
        asked = self._remote if urls.fetch == urls.push else urls.push
        done = run_online(self._git.argv("ls-remote", "--", asked, ref), self._git.directory)
        if done.exit_code != 0 or done.timed_out:
            what = f"{self.shown} cannot be asked for {printable(branch)}"
            raise _timed_out(done, what) or self._failed(done, what)
        for line in os.fsdecode(done.stdout).splitlines():
            commit, _, name = line.partition("\t")
            if name == ref:
                return commit
        return None

    def _push_once(self, branch: str, commit: str | None, expected: str | None) -> None:
        ref = f"refs/heads/{branch}"
        # Not through Git, for which no hook exists.
        argv = ["git", "-c", "gc.auto=0", "push", *_PUSH_OPTIONS]
        argv += [f"--force-with-lease={ref}:{expected or ''}", "--", self._remote]
        argv.append(f"{commit or ''}:{ref}")
        done = run_online(argv, self._git.directory, timeout=_PUSH_SECONDS)
        if done.exit_code == 0 and not done.timed_out:
            return
        what = f"{printable(branch)} was not {'deleted' if commit is None else 'pushed'}"
        raise (
            _timed_out(done, what)
            or self._declined(done, what, ref)
            or self._hook_declined(done, what)
            or self._failed(done, what)
        )

    def _declined(self, done: Completed, what: str, ref: str) -> PushRefused | None:
        """Return what the remote had against it, None if it said nothing of the branch."""
        verdict = _verdict(done.stdout, ref)
        if verdict is None:
            return None
        told = _told_by_remote(done.stderr.decode("utf-8", "replace")) or verdict
        if _OVERTAKEN.search(f"{verdict} {told}"):
            return PushRefused(
                "moved", f"{what}: somebody else pushed to it on {self.shown} meanwhile"
            )
        if _PROTECTED.search(f"{verdict} {told}"):
            return PushRefused("protected", f"{what}: {self.shown} protects it: {told}")
        if verdict.startswith("[remote"):
            return PushRefused("declined", f"{what}: {self.shown} declined it: {told}")
        return PushRefused("other", f"{what}: {told}")

    def _hook_declined(self, done: Completed, what: str) -> PushRefused | None:
        """Return what the user's own hook had against it, None if it was not the hook."""
        if done.exit_code != 1 or (hook := self._pre_push_hook()) is None:
            return None
        said = done.stderr.decode("utf-8", "replace")
        quoted = first_line(said, passing_over="error: failed to push")
        return PushRefused(
            "hook", f"{what}: the pre-push hook {printable(str(hook))} declined it: {quoted}"
        )

    def _failed(self, done: Completed, what: str) -> PushRefused:
        said = done.stderr.decode("utf-8", "replace")
        quoted = first_line(said, passing_over="warning:")
        if _NO_PERMISSION.search(said):
            return PushRefused("permission", f"{what}: no permission on {self.shown}: {quoted}")
        if _NO_NETWORK.search(said):
            return PushRefused("network", f"{what}: {self.shown} cannot be reached: {quoted}")
        return PushRefused("other", f"{what}: git says: {quoted}")

    def _pre_push_hook(self) -> Path | None:
        # Not through Git, for which no hook exists.
        argv = ["git", "rev-parse", "--git-path", "hooks/pre-push"]
        done = run_online(argv, self._git.directory)
        hook = self._git.directory / os.fsdecode(done.stdout.removesuffix(b"\n"))
        return hook if done.exit_code == 0 and os.access(hook, os.X_OK) else None


def _timed_out(done: Completed, what: str) -> PushRefused | None:
    if not done.timed_out:
        return None
    return PushRefused("timeout", f"{what}: git did not end in {done.seconds:.0f} seconds")


def _verdict(output: bytes, ref: str) -> str | None:
    """Return what `git push --porcelain` says of a ref that it could not update."""
    for line in os.fsdecode(output).splitlines():
        flag, _, rest = line.partition("\t")
        names, _, summary = rest.partition("\t")
        if flag == "!" and names.endswith(f":{ref}"):
            return printable(summary)
    return None


def _told_by_remote(said: str) -> str | None:
    """Return the line of the server's that tells most, None if it said nothing."""
    lines = (line.strip() for line in said.splitlines())
    words = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    told = [line for line in words if line]
    telling = (line for line in told if line.startswith(("error:", "GH")))
    found = next(telling, next(iter(told), None))
    return None if found is None else printable(found.removeprefix("error:").strip())


def _at(commit: str | None) -> str:
    return "no such branch" if commit is None else commit[:12]

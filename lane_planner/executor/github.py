"""Branches on GitHub and their pull requests, through git and GitHub's own program, `gh`.

Every request is one of GitHub's REST interface, sent with `gh api`: it is documented, it is the
same for all versions of gh, and its answer shows what back-off needs, the status and the headers.
`gh pr create` and its like ask several GraphQL questions that differ between versions, look at the
checkout, and tell a failure only in words.

Whatever is done here can be done again: each act looks first, and does what is missing.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from email.utils import parsedate_to_datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.base.git import Git, environment_for_git
from lane_planner.base.process import Completed, run
from lane_planner.base.text import encodable, plural, printable

State = Literal["OPEN", "CLOSED", "MERGED"]
PushProblem = Literal[
    "protected", "declined", "hook", "moved", "permission", "network", "timeout", "other"
]

MAX_TITLE = 256
"""Characters that GitHub allows in a title."""

MAX_BODY = 65_536
"""Characters that GitHub allows in a body."""

_PAGE = 100
_OLDEST_GH = (2, 0)
_REQUEST_SECONDS = 60.0
_PUSH_SECONDS = 1800.0  # a pre-push hook may run tests
_LONGEST_PAUSE = 900.0
_LABEL_COLOR = "ededed"

# They would make gh colour, page or comment its answers.
_DROPPED = ("GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_REPO")
_OURS = {
    "GH_DEBUG": "",  # set, so that DEBUG is not looked at
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_PROMPT_DISABLED": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "NO_COLOR": "1",
}

_T = TypeVar("_T")

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_SCP_LIKE = re.compile(r"(?:[^/:@]+@)?(?P<host>[^/:@]+):(?!//)(?P<path>.+)")
_SCHEMES = ("https", "http", "ssh", "git+ssh", "ssh+git", "git")
_OTHER_NAMES = {"ssh.github.com": "github.com", "www.github.com": "github.com"}

_LIMITED = re.compile(r"rate limit|abuse detection|submitted too quickly", re.IGNORECASE)
_LOGIN_UNSURE = re.compile(
    r"scope|api call failed|timeout|authentication failed|failed to log in", re.IGNORECASE
)
_CREDENTIALS = re.compile(r"://[^/@\s]+@")
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


class PullRequest(msgspec.Struct, frozen=True):
    """A pull request as GitHub has it.

    Attributes:
        number: within its repository.
        url: its page.
        state: whether it is open, was merged, or was closed without.
        title: one line.
        body: Markdown.
        base: name of the branch it goes into.
        head: name of the branch it comes from.
        commit: id of the commit that GitHub takes for the head of that branch.
        draft: whether it is one.
        labels: their names, sorted.
    """

    number: int
    url: str
    state: State
    title: str
    body: str
    base: str
    head: str
    commit: str
    draft: bool
    labels: tuple[str, ...]


class Ensured(msgspec.Struct, frozen=True):
    """What `GitHub.ensure` found or did.

    Attributes:
        pull_request: as it is now.
        outcome: "made"; "updated" or "unchanged", one that was open; "closed" or "merged", one
            that ended before, which is left alone.
        notes: what could not be had, one sentence each: a reviewer, a label, a draft.
    """

    pull_request: PullRequest
    outcome: Literal["made", "updated", "unchanged", "closed", "merged"]
    notes: tuple[str, ...]


class NoGitHub(NamedTuple):
    """There are no pull requests to be had.

    Attributes:
        reason: why not, without a final full stop.
    """

    reason: str


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


class Refused(EnvironmentFailure):
    """GitHub understood a request and refused it.

    Args:
        message: the line for the user.
        status: of HTTP, 300 to 499.
        said: GitHub's own words.
        fields: names of the fields that it found invalid.
    """

    def __init__(self, message: str, status: int, said: str, fields: frozenset[str]) -> None:
        super().__init__(message)
        self.status = status
        self.said = said
        self.fields = fields


class _Unsure(EnvironmentFailure):
    """A request failed, and may have taken effect all the same."""


class _Answer(NamedTuple):
    """An answer of GitHub: status, headers with names in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Lost(NamedTuple):
    """No answer came, for a reason."""

    reason: str


class Place(NamedTuple):
    """Where a repository is: the host that gh knows it by, its owner and its name."""

    host: str
    owner: str
    name: str


class _Named(msgspec.Struct):
    name: str


class _User(msgspec.Struct):
    login: str


class _Team(msgspec.Struct):
    slug: str


class _Repository(msgspec.Struct):
    full_name: str
    default_branch: str = ""
    archived: bool = False
    permissions: dict[str, bool] | None = None


class _Fork(msgspec.Struct):
    full_name: str


class _Side(msgspec.Struct):
    ref: str
    sha: str = ""
    repo: _Fork | None = None  # a fork may be gone


class _Pull(msgspec.Struct):
    number: int
    html_url: str
    state: str
    title: str
    base: _Side
    head: _Side
    body: str | None = None
    draft: bool = False
    merged_at: str | None = None
    labels: list[_Named] = []
    user: _User | None = None  # an account may be gone
    requested_reviewers: list[_User] = []
    requested_teams: list[_Team] = []

    def public(self) -> PullRequest:
        state: State = "OPEN"
        if self.state != "open":
            state = "MERGED" if self.merged_at else "CLOSED"
        return PullRequest(
            number=self.number,
            url=self.html_url,
            state=state,
            title=self.title,
            body=self.body or "",
            base=self.base.ref,
            head=self.head.ref,
            commit=self.head.sha,
            draft=self.draft,
            labels=tuple(sorted(label.name for label in self.labels)),
        )


class _Comment(msgspec.Struct):
    body: str | None = None


class _Client:
    """Requests to one host through gh, repeated as GitHub asks for it.

    Args:
        host: a host that gh is logged in to. gh would send a login that the environment holds
            to any other host as well.
        directory: where gh runs.
        pause: waits that many seconds.
        tries: how often a request is made at most.
    """

    def __init__(
        self, host: str, directory: Path, pause: Callable[[float], None], tries: int
    ) -> None:
        self.host = host
        self.directory = directory
        self.tries = tries
        self.pause = pause

    def get(self, doing: str, path: str, kind: type[_T]) -> _T:
        """Ask a question."""
        return self._read(self._call(doing, "GET", path, None), kind)

    def pages(self, doing: str, path: str, kind: type[_T]) -> list[_T]:
        """Ask for a whole list."""
        found: list[_T] = []
        separator = "&" if "?" in path else "?"
        for page in count(1):
            asked = f"{path}{separator}per_page={_PAGE}&page={page}"
            part = self._read(self._call(doing, "GET", asked, None), list[kind])  # type: ignore[valid-type]
            found += part
            if len(part) < _PAGE:
                return found
        raise AssertionError("pages are counted without end")

    def change(self, doing: str, method: str, path: str, payload: Any, kind: type[_T]) -> _T:
        """Make a change that comes to the same if it is made twice."""
        return self._read(self._call(doing, method, path, payload), kind)

    def add(self, doing: str, path: str, payload: Any, kind: type[_T]) -> _T:
        """Make something that would be there twice if it were asked for twice.

        Raises:
            _Unsure: it may be there now, or not.
        """
        return self._read(self._call(doing, "POST", path, payload, unsure=True), kind)

    def until_sure(self, add: Callable[[], _T], look: Callable[[], _T | None]) -> _T:
        """Add something once, looking for it whenever it is unsure whether it is there.

        Raises:
            EnvironmentFailure: it is not there after all tries.
        """
        for number in range(1, self.tries + 1):
            try:
                return add()
            except _Unsure as error:
                self.pause(_growing(number))
                if (found := look()) is not None:
                    return found
                last = error
        raise EnvironmentFailure(f"{last.message}, {plural(self.tries, 'time')}") from last

    def _call(
        self, doing: str, method: str, path: str, payload: Any, *, unsure: bool = False
    ) -> bytes:
        for number in range(1, self.tries + 1):
            answer = self._once(method, path, payload)
            pause = _growing(number)
            if isinstance(answer, _Lost):
                said = answer.reason
                failure: type[EnvironmentFailure] = _Unsure
            elif answer.status < 300:
                return answer.body
            elif (asked := _asked_to_wait(answer, number)) is not None:
                # It was turned away at the door: nothing has taken effect.
                said, pause, failure = _said(answer), asked, EnvironmentFailure
            elif answer.status < 500:
                self._refuse(doing, answer)
            else:
                said, failure = f"HTTP {answer.status}", _Unsure
            if failure is _Unsure and unsure:
                raise _Unsure(f"{self.host} did not {doing}: {said}")
            if pause > _LONGEST_PAUSE:
                raise failure(
                    f"{self.host} did not {doing}, and asks to wait "
                    f"{plural(round(pause / 60), 'minute')}: {said}"
                )
            if number < self.tries:
                self.pause(pause)
        raise failure(f"{self.host} did not {doing}: {said}, {plural(self.tries, 'time')}")

    def _once(self, method: str, path: str, payload: Any) -> _Answer | _Lost:
        argv = ["gh", "api", "--include", "--hostname", self.host, "--method", method]
        argv += ["-H", "Accept: application/vnd.github+json"]
        stdin = None
        if payload is not None:
            argv += ["--input", "-"]
            stdin = msgspec.json.encode(encodable(payload))
        done = _run([*argv, path], self.directory, _REQUEST_SECONDS, stdin=stdin)
        if done.timed_out:
            return _Lost(f"no answer within {_REQUEST_SECONDS:.0f} seconds")
        answer = _parsed(done.stdout)
        if answer is None:
            if done.exit_code == 4:  # gh's own sign for it
                raise EnvironmentFailure(_no_login(self.host))
            return _Lost(_line(done.stderr))
        if answer.status < 300 and done.exit_code != 0:
            return _Lost(f"the answer broke off ({_line(done.stderr)})")
        return answer

    def _refuse(self, doing: str, answer: _Answer) -> NoReturn:
        if answer.status == 401:
            raise EnvironmentFailure(_no_login(self.host))
        said = _said(answer)
        message = f"{self.host} did not {doing}: {said} (HTTP {answer.status})"
        raise Refused(message, answer.status, said, _invalid_fields(answer))

    def _read(self, body: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise EnvironmentFailure(
                f"{self.host} answered what cannot be understood: {printable(str(error))}"
            ) from error


class GitHub:
    """The repository on GitHub that a remote stands for; `find_github` makes it.

    Attributes:
        place: where it is.
        remote: the remote's name.
        default_branch: what pull requests go into if nothing else is said.
    """

    def __init__(
        self, git: Git, client: _Client, remote: str, place: Place, default_branch: str
    ) -> None:
        self.place = place
        self.remote = remote
        self.default_branch = default_branch
        self._git = git
        self._client = client
        self._shown = printable(remote)
        self._path = f"repos/{place.owner}/{place.name}"
        self._full_name = f"{place.owner}/{place.name}"
        self._labels: set[str] = set()

    def remote_commit(self, branch: str) -> str | None:
        """Return the id of the commit that a branch is at on the remote, None without one.

        Raises:
            PushRefused: the remote cannot be asked.
        """
        return self._patiently(lambda: self._look_up(branch))

    def push(self, branch: str, commit: str, *, expected: str | None, hooks: bool = True) -> bool:
        """Bring a branch on the remote to a commit.

        Args:
            branch: its name.
            commit: full id of a commit of ours.
            expected: where it has to be on the remote; None: not there. Wherever it was, it is
                moved, backwards too.
            hooks: whether the user's pre-push hook has its say, as in every push of the user's
                own. What it guards against, secrets going out, is worth as much here.

        Returns:
            Whether anything was pushed: if the branch is at the commit already, nothing is.

        Raises:
            PushRefused: it is elsewhere, or the push was refused or failed; nothing was pushed.
        """
        return self._move(branch, commit, expected, hooks)

    def delete(self, branch: str, expected: str, *, hooks: bool = True) -> bool:
        """Delete a branch on the remote, if it still is at a commit.

        Args:
            branch: its name.
            expected: where it has to be.
            hooks: as for `push`.

        Returns:
            Whether anything was deleted: if the branch is not there, nothing is.

        Raises:
            PushRefused: it is elsewhere, or the push was refused or failed; it is still there.
        """
        return self._move(branch, None, expected, hooks)

    def find(self, head: str) -> PullRequest | None:
        """Return the newest open pull request of a branch, or else its newest one.

        Raises:
            EnvironmentFailure: GitHub cannot be asked.
        """
        found = self._find(head)
        return None if found is None else found.public()

    def open_ones(self, prefix: str) -> tuple[PullRequest, ...]:
        """Return the open pull requests of branches whose names begin so, by number.

        Raises:
            EnvironmentFailure: GitHub cannot be asked.
        """
        listed = self._client.pages(
            "list open pull requests", f"{self._path}/pulls?state=open", _Pull
        )
        # A list in pages may show one twice, if another is made in between.
        ours = {p.number: p for p in listed if self._is_ours(p) and p.head.ref.startswith(prefix)}
        return tuple(ours[number].public() for number in sorted(ours))

    def ensure(
        self,
        head: str,
        base: str,
        title: str,
        body: str,
        *,
        labels: Sequence[str] = (),
        reviewers: Sequence[str] = (),
        draft: bool = False,
        anew: bool = False,
    ) -> Ensured:
        """See to it that a branch has a pull request that reads so.

        An open one is brought up to date: base, title and body become as given, missing labels are
        added. Whether it is a draft stays as people left it, and reviewers are asked for only
        while nobody was asked and nobody has reviewed. One that was merged or closed is neither
        opened again nor followed by another.

        Args:
            head: name of the branch, which is on the remote.
            base: name of the branch it goes into, which is there too.
            title: one line; cut if it is too long for GitHub.
            body: Markdown; cut if it is too long for GitHub.
            labels: names; those that the repository lacks are made.
            reviewers: "@user" or "@organisation/team", with or without the "@".
            draft: whether a new one is a draft.
            anew: make another one although there is one that was merged or closed.

        Returns:
            The pull request, what was done to it, and what could not be had.

        Raises:
            Refused: GitHub does not take it: nothing to merge, a branch that is not there.
            EnvironmentFailure: GitHub cannot be asked or told.
        """
        notes: list[str] = []
        title = _shortened_title(printable(title))
        body = _shortened_body(body, notes)
        found = self._find(head)
        if found is not None and found.state != "open" and not anew:
            return Ensured(found.public(), "merged" if found.merged_at else "closed", ())
        outcome: Literal["made", "updated", "unchanged"] = "unchanged"
        if found is None or found.state != "open":
            ended = 0 if found is None else found.number
            found, outcome = self._create(head, base, title, body, draft, ended, notes), "made"
        # One that another run made meanwhile may read otherwise.
        changes = _differences(found, base, title, body)
        if changes:
            found = self._patch(found.number, changes)
            outcome = "made" if outcome == "made" else "updated"
        if self._add_labels(found, labels, notes) and outcome == "unchanged":
            outcome = "updated"
        self._ask_for_reviews(found, reviewers, notes)
        return Ensured(found.public(), outcome, tuple(notes))

    def state(self, number: int) -> State:
        """Return whether a pull request is open, merged or closed.

        Raises:
            Refused: there is none of that number.
            EnvironmentFailure: GitHub cannot be asked.
        """
        return self._get(number).public().state

    def close(self, number: int, comment: str = "") -> PullRequest:
        """Close a pull request that is open, saying why.

        Args:
            number: of the pull request.
            comment: Markdown, put under it first, unless one that reads so is there; "" for none.

        Returns:
            It as it is now; one that had ended is left alone, without a comment.

        Raises:
            Refused: there is none of that number, or GitHub does not allow it.
            EnvironmentFailure: GitHub cannot be asked or told.
        """
        pull = self._get(number)
        if pull.state != "open":
            return pull.public()
        if comment:
            self._comment(number, _shortened_body(comment, []))
        return self._patch(number, {"state": "closed"}).public()

    # -- the branch on the remote

    def _asked(self) -> str:
        # Where pushes go is where a branch has to be looked for; a mirror to fetch from may lag.
        fetch, push = _urls(self._git, self.remote)
        return self.remote if fetch == push else push

    def _patiently(self, act: Callable[[], _T]) -> _T:
        """Do what the network may thwart for a while."""
        for number in range(1, self._client.tries + 1):
            try:
                return act()
            except PushRefused as error:
                if error.problem != "network" or number == self._client.tries:
                    raise
                self._client.pause(_growing(number))
        raise AssertionError("the last try returns or raises")

    def _look_up(self, branch: str) -> str | None:
        ref = f"refs/heads/{branch}"
        argv = self._git.argv("ls-remote", "--", self._asked(), ref)
        done = _run(argv, self._git.directory, _REQUEST_SECONDS)
        if done.exit_code != 0 or done.timed_out:
            raise self._no_push(done, f"{self._shown} cannot be asked for {printable(branch)}")
        for line in os.fsdecode(done.stdout).splitlines():
            commit, _, name = line.partition("\t")
            if name == ref:
                return commit
        return None

    def _move(self, branch: str, commit: str | None, expected: str | None, hooks: bool) -> bool:
        tried = False

        def act() -> bool:
            nonlocal tried
            there = self._look_up(branch)
            if there == commit:
                return tried  # a try of ours may fail only after it took effect
            if there != expected:
                raise PushRefused(
                    "moved",
                    f"{printable(branch)} has changed on {self._shown}: expected "
                    f"{_at(expected)}, found {_at(there)}",
                )
            tried = True
            self._push_once(branch, commit, expected, hooks)
            return True

        return self._patiently(act)

    def _push_once(
        self, branch: str, commit: str | None, expected: str | None, hooks: bool
    ) -> None:
        ref = f"refs/heads/{branch}"
        argv = ["git", "-c", "gc.auto=0"] if hooks else self._git.argv()
        argv += [
            "push",
            "--porcelain",
            # The user's settings for own pushes: tags and submodules would go along.
            "--no-follow-tags",
            "--recurse-submodules=no",
            f"--force-with-lease={ref}:{expected or ''}",
            "--",
            self.remote,
            f"{commit or ''}:{ref}",
        ]
        done = _run(argv, self._git.directory, _PUSH_SECONDS)
        if done.exit_code == 0 and not done.timed_out:
            return
        act = "deleted" if commit is None else "pushed"
        raise self._no_push(done, f"{printable(branch)} was not {act}", ref=ref, hooks=hooks)

    def _no_push(
        self, done: Completed, what: str, *, ref: str = "", hooks: bool = False
    ) -> PushRefused:
        if done.timed_out:
            return PushRefused("timeout", f"{what}: git did not end in {done.seconds:.0f} seconds")
        said = done.stderr.decode("utf-8", "replace")
        verdict = _verdict(done.stdout, ref)
        if verdict is not None:
            told = _told_by_remote(said) or verdict
            if _OVERTAKEN.search(f"{verdict} {told}"):
                return PushRefused(
                    "moved", f"{what}: somebody else pushed to it on {self._shown} meanwhile"
                )
            if _PROTECTED.search(f"{verdict} {told}"):
                return PushRefused("protected", f"{what}: {self._shown} protects it: {told}")
            if verdict.startswith("[remote"):
                return PushRefused("declined", f"{what}: {self._shown} declined it: {told}")
            return PushRefused("other", f"{what}: {told}")
        quoted = _telling(said)
        if done.exit_code == 1 and hooks and (hook := self._pre_push_hook()) is not None:
            own = [line for line in said.splitlines() if not line.startswith("error: failed to pu")]
            return PushRefused(
                "hook",
                f"{what}: the pre-push hook {printable(str(hook))} declined it: "
                f"{_line(chr(10).join(own).encode())}",
            )
        if _NO_PERMISSION.search(said):
            return PushRefused("permission", f"{what}: no permission on {self._shown}: {quoted}")
        if _NO_NETWORK.search(said):
            return PushRefused("network", f"{what}: {self._shown} cannot be reached: {quoted}")
        return PushRefused("other", f"{what}: git says: {quoted}")

    def _pre_push_hook(self) -> Path | None:
        # Not through Git, for which no hook exists.
        argv = ["git", "rev-parse", "--git-path", "hooks/pre-push"]
        done = _run(argv, self._git.directory, _REQUEST_SECONDS)
        hook = self._git.directory / os.fsdecode(done.stdout.removesuffix(b"\n"))
        return hook if done.exit_code == 0 and os.access(hook, os.X_OK) else None

    # -- pull requests

    def _is_ours(self, pull: _Pull) -> bool:
        # A branch of the same name in a fork is another one.
        repo = pull.head.repo
        return repo is not None and repo.full_name.casefold() == self._full_name.casefold()

    def _get(self, number: int) -> _Pull:
        doing = f"tell of pull request #{number}"
        return self._client.get(doing, f"{self._path}/pulls/{number}", _Pull)

    def _find(self, head: str) -> _Pull | None:
        asked = quote(f"{self.place.owner}:{head}", safe="")
        doing = f"look for pull requests of {printable(head)}"
        listed = self._client.pages(doing, f"{self._path}/pulls?state=all&head={asked}", _Pull)
        # GitHub leaves out a filter that it does not understand.
        ours = [pull for pull in listed if self._is_ours(pull) and pull.head.ref == head]
        return max(ours, key=lambda pull: (pull.state == "open", pull.number), default=None)

    def _create(
        self,
        head: str,
        base: str,
        title: str,
        body: str,
        draft: bool,
        ended: int,
        notes: list[str],
    ) -> _Pull:
        payload = {"title": title, "head": head, "base": base, "body": body, "draft": draft}
        doing = f"make a pull request of {printable(head)}"

        def look() -> _Pull | None:
            found = self._find(head)
            return found if found is not None and found.number > ended else None

        def add() -> _Pull:
            try:
                return self._client.add(doing, f"{self._path}/pulls", payload, _Pull)
            except Refused as error:
                if error.status != 422:
                    raise
                said = error.said.casefold()
                if "already exists" in said and (found := look()) is not None:
                    return found
                if payload["draft"] and "draft" in said:
                    notes.append("it is no draft: the repository does not allow drafts")
                    payload["draft"] = False
                    return add()
                self._tell_missing_branch(error, {"head": head, "base": base})
                raise

        return self._client.until_sure(add, look)

    def _tell_missing_branch(self, error: Refused, branches: dict[str, str]) -> None:
        for field in sorted(error.fields & branches.keys()):
            branch = branches[field]
            if self.remote_commit(branch) is None:
                raise Refused(
                    f"branch {printable(branch)} is not on {self._shown}: push it first",
                    error.status,
                    error.said,
                    error.fields,
                ) from error
            # It is there: GitHub has not yet taken note of what was pushed a moment ago.
            raise _Unsure(error.message) from error

    def _patch(self, number: int, changes: dict[str, str]) -> _Pull:
        doing = f"change pull request #{number}"
        path = f"{self._path}/pulls/{number}"
        return self._client.change(doing, "PATCH", path, changes, _Pull)

    def _comment(self, number: int, comment: str) -> None:
        path = f"{self._path}/issues/{number}/comments"

        def look() -> _Comment | None:
            listed = self._client.pages(f"list comments on #{number}", path, _Comment)
            same = (c for c in listed if _same_text(c.body or "", comment))
            return next(same, None)

        def add() -> _Comment:
            return self._client.add(f"comment on #{number}", path, {"body": comment}, _Comment)

        if look() is None:
            self._client.until_sure(add, look)

    def _add_labels(self, pull: _Pull, labels: Sequence[str], notes: list[str]) -> bool:
        """Add the labels that are missing, in place; tell whether there were any to add."""
        there = {label.name.casefold() for label in pull.labels}
        wanted = [name for name in dict.fromkeys(labels) if name.casefold() not in there]
        if not wanted:
            return False
        usable = []
        for name in wanted:
            try:
                self._have_label(name)
                usable.append(name)
            except EnvironmentFailure as error:
                notes.append(f"it has no label {printable(name)}: {error.message}")
        if not usable:
            return False
        try:
            pull.labels = self._client.change(
                f"label #{pull.number}",
                "POST",
                f"{self._path}/issues/{pull.number}/labels",
                {"labels": usable},
                list[_Named],
            )
        except EnvironmentFailure as error:
            notes.append(f"it has not got its labels: {error.message}")
            return False
        return True

    def _have_label(self, name: str) -> None:
        if name.casefold() in self._labels:
            return
        doing = f"look for label {printable(name)}"
        try:
            self._client.get(doing, f"{self._path}/labels/{quote(name, safe='')}", _Named)
        except Refused as error:
            if error.status != 404:
                raise
            self._make_label(name)
        self._labels.add(name.casefold())

    def _make_label(self, name: str) -> None:
        payload = {"name": name, "color": _LABEL_COLOR}
        doing = f"make label {printable(name)}"
        try:
            self._client.change(doing, "POST", f"{self._path}/labels", payload, _Named)
        except Refused as error:
            # Another run made it, or a try of ours that seemed to fail.
            if "already_exists" not in error.said:
                raise

    def _ask_for_reviews(self, pull: _Pull, reviewers: Sequence[str], notes: list[str]) -> None:
        if not reviewers or pull.requested_reviewers or pull.requested_teams:
            return
        author = pull.user.login.casefold() if pull.user else ""
        wanted: list[tuple[str, str]] = []
        for name in dict.fromkeys(name.removeprefix("@") for name in reviewers):
            organisation, slash, team = name.partition("/")
            if not slash:
                if name.casefold() != author:  # nobody reviews what is their own
                    wanted.append(("reviewers", name))
            elif organisation.casefold() == self.place.owner.casefold():
                wanted.append(("team_reviewers", team))
            else:
                notes.append(
                    f"{printable(name)} is not asked for a review: no team of {self.place.owner}"
                )
        if not wanted:
            return
        try:
            path = f"{self._path}/pulls/{pull.number}/reviews?per_page=1"
            doing = f"list reviews of #{pull.number}"
            if self._client.get(doing, path, list[dict[str, Any]]):
                return
            self._request(pull, wanted)
        except Refused as error:
            if len(wanted) == 1:
                notes.append(_not_asked(wanted[0][1], error))
                return
            # One name that GitHub does not take spoils the whole request.
            for one in wanted:
                try:
                    self._request(pull, [one])
                except EnvironmentFailure as failure:
                    notes.append(_not_asked(one[1], failure))
        except EnvironmentFailure as error:
            notes.append(f"nobody is asked for a review: {error.message}")

    def _request(self, pull: _Pull, wanted: Iterable[tuple[str, str]]) -> None:
        payload: dict[str, list[str]] = {}
        for kind, name in wanted:
            payload.setdefault(kind, []).append(name)
        self._client.change(
            f"ask for reviews of #{pull.number}",
            "POST",
            f"{self._path}/pulls/{pull.number}/requested_reviewers",
            payload,
            _Pull,
        )


def find_github(
    git: Git,
    *,
    remote: str | None = None,
    pause: Callable[[float], None] = time.sleep,
    tries: int = 6,
) -> GitHub | NoGitHub:
    """Find the repository on GitHub that pull requests of a repository go to.

    Args:
        git: the repository.
        remote: the remote that stands for it; by default "origin", or the only one.
        pause: waits that many seconds, between tries of what failed for a while.
        tries: how often anything is tried at most.

    Returns:
        The repository, or why pull requests cannot be made.

    Raises:
        UsageError: there is no remote of the name given.
        EnvironmentFailure: git failed.
    """
    chosen = _remote(git, remote)
    if isinstance(chosen, NoGitHub):
        return chosen
    places = _places(git, chosen)
    if isinstance(places, NoGitHub):
        return places
    if (missing := _gh_missing(git)) is not None:
        return missing
    failures = []
    for place in places:
        found = _at_place(git, chosen, place, pause, tries)
        if isinstance(found, GitHub):
            return found
        failures.append(found)
    return failures[0]


def place_of(url: str) -> Place | None:
    """Return what a remote's URL says of where its repository is.

    Args:
        url: as `https://host/owner/name.git`, `ssh://git@host:22/owner/name` or
            `git@host:owner/name`.

    Returns:
        The place, or None if the URL is of no such kind: a directory, for example.
    """
    if "://" in url:
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return None
        if parts.scheme.lower() not in _SCHEMES:
            return None
        path = parts.path
    else:
        match = _SCP_LIKE.fullmatch(url)
        if match is None:
            return None
        host, path = match["host"], match["path"]
    names = path.strip("/").removesuffix(".git").split("/")
    if not _HOST.fullmatch(host) or len(names) != 2:
        return None
    owner, name = names
    if not all(_NAME.fullmatch(part) and part not in (".", "..") for part in names):
        return None
    host = host.lower()
    return Place(_OTHER_NAMES.get(host, host), owner, name)


def _remote(git: Git, wanted: str | None) -> str | NoGitHub:
    names = os.fsdecode(git.out("remote")).split()
    if wanted is not None:
        if wanted not in names:
            raise UsageError(f"there is no remote {printable(wanted)}: see `git remote`")
        return wanted
    if not names:
        return NoGitHub("the repository has no remote")
    if len(names) > 1 and "origin" not in names:
        shown = ", ".join(map(printable, names))
        return NoGitHub(f"of the remotes {shown}, none is named origin")
    return "origin" if "origin" in names else names[0]


def _urls(git: Git, remote: str) -> tuple[str, str]:
    """Return where a remote is fetched from and pushed to, with `insteadOf` resolved."""
    fetch = git.out("remote", "get-url", "--", remote)
    push = git.out("remote", "get-url", "--push", "--", remote)
    return os.fsdecode(fetch.removesuffix(b"\n")), os.fsdecode(push.removesuffix(b"\n"))


def _places(git: Git, remote: str) -> list[Place] | NoGitHub:
    """Return the places that a remote's URLs may mean, the likeliest first."""
    fetch, push = _urls(git, remote)
    written = git.ask("config", "--get", f"remote.{remote}.url").stdout.removesuffix(b"\n")
    # The last is for a directory or a mirror that stands in for GitHub through `insteadOf`.
    found = [_resolved(git, url) for url in (push, fetch, os.fsdecode(written))]
    pushed, fetched = found[:2]
    if pushed and fetched and _named(pushed) != _named(fetched):
        return NoGitHub(
            f"{printable(remote)} is fetched from {fetched.owner}/{fetched.name} and pushed to "
            f"{pushed.owner}/{pushed.name}, and pull requests between forks are not made"
        )
    places = list(dict.fromkeys(place for place in found if place is not None))
    return places or NoGitHub(f"the URL of {printable(remote)} is not one of GitHub")


def _named(place: Place) -> tuple[str, str]:
    return place.owner.casefold(), place.name.casefold()


def _resolved(git: Git, url: str) -> Place | None:
    place = place_of(url)
    by_ssh = "://" not in url or "ssh" in url.partition("://")[0].lower()
    if place is None or not by_ssh or shutil.which("ssh") is None:
        return place
    # The host may be an alias of ssh's configuration: one for each account is common.
    done = _run(["ssh", "-G", "--", place.host], git.directory, _REQUEST_SECONDS)
    match = re.search(rb"^hostname (\S+)$", done.stdout, re.MULTILINE)
    if done.exit_code != 0 or match is None:
        return place
    host = match[1].decode("ascii", "replace").lower()
    return place._replace(host=_OTHER_NAMES.get(host, host)) if _HOST.fullmatch(host) else place


def _gh_missing(git: Git) -> NoGitHub | None:
    if shutil.which("gh") is None:
        return NoGitHub("gh, GitHub's program, is not on PATH: see https://cli.github.com")
    done = _run(["gh", "--version"], git.directory, _REQUEST_SECONDS)
    match = re.match(rb"gh version v?(\d+)\.(\d+)", done.stdout)
    if done.exit_code != 0 or match is None:
        return NoGitHub("the gh on PATH does not tell its version as GitHub's does")
    version = (int(match[1]), int(match[2]))
    if version < _OLDEST_GH:
        shown, oldest = (".".join(map(str, one)) for one in (version, _OLDEST_GH))
        return NoGitHub(f"gh is of version {shown}, and {oldest} is needed")
    return None


def _at_place(
    git: Git, remote: str, place: Place, pause: Callable[[float], None], tries: int
) -> GitHub | NoGitHub:
    status = _run(
        ["gh", "auth", "status", "--hostname", place.host], git.directory, _REQUEST_SECONDS
    )
    said = (status.stdout + status.stderr).decode("utf-8", "replace").replace(place.host, "")
    # gh asks GitHub too, and finds fault with a login that may do all we need (scopes), or with
    # the network; our own question tells these better. To a host that it does not know, nothing
    # may be sent: gh would send a login from the environment along.
    unsure = status.exit_code != 0 or status.timed_out
    if unsure and not status.timed_out and not _LOGIN_UNSURE.search(said):
        return NoGitHub(_no_login(place.host))
    directory = git.directory
    client = _Client(place.host, directory, pause, min(tries, 3))
    try:
        doing = f"tell of {place.owner}/{place.name}"
        known = client.get(doing, f"repos/{place.owner}/{place.name}", _Repository)
    except EnvironmentFailure as error:
        return NoGitHub(error.message)
    if unsure and known.permissions is None:  # anybody may read it
        return NoGitHub(_no_login(place.host))
    if known.archived:
        return NoGitHub(f"{place.owner}/{place.name} on {place.host} is archived")
    # A repository that was renamed answers to its old name, but only when it is read.
    owner, _, name = known.full_name.partition("/")
    if not (_NAME.fullmatch(owner) and _NAME.fullmatch(name)):
        return NoGitHub(f"{place.host} answers as no GitHub does")
    client = _Client(place.host, directory, pause, tries)
    return GitHub(git, client, remote, Place(place.host, owner, name), known.default_branch)


def _run(argv: list[str], cwd: Path, timeout: float, *, stdin: bytes | None = None) -> Completed:
    inherited = {k: v for k, v in environment_for_git().items() if k not in _DROPPED}
    return run(argv, cwd=cwd, env=inherited | _OURS, stdin=stdin, timeout=timeout)


def _parsed(output: bytes) -> _Answer | None:
    """Return the answer that `gh api --include` printed, None if it printed none."""
    status = re.match(rb"HTTP/[\d.]+ (\d{3})\b", output)
    if status is None:
        return None
    parts = re.split(rb"\r?\n\r?\n", output, maxsplit=1)
    lines = parts[0].decode("latin-1").splitlines()[1:]
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return _Answer(int(status[1]), headers, parts[1] if len(parts) == 2 else b"")


def _asked_to_wait(answer: _Answer, number: int) -> float | None:
    """Return how many seconds GitHub wants to be left alone, None if that is not its trouble."""
    headers = answer.headers
    used_up = headers.get("x-ratelimit-remaining") == "0"
    limited = "retry-after" in headers or used_up or _LIMITED.search(_said(answer))
    if answer.status != 429 and not (answer.status == 403 and limited):
        return None
    if headers.get("retry-after", "").isdecimal():
        return max(1.0, float(headers["retry-after"]))
    if used_up and headers.get("x-ratelimit-reset", "").isdecimal() and "date" in headers:
        try:
            now = parsedate_to_datetime(headers["date"]).timestamp()
        except ValueError:
            return 60.0 * _growing(number)
        return max(1.0, int(headers["x-ratelimit-reset"]) - now + 1)
    # What GitHub recommends when it names no time.
    return 60.0 * _growing(number)


def _growing(number: int) -> float:
    return 2.0 ** (number - 1)


def _said(answer: _Answer) -> str:
    """Return GitHub's words in one printable line."""
    try:
        document = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        document = None
    if not isinstance(document, dict):
        return f"HTTP {answer.status}"
    errors = document.get("errors")
    words = [document.get("message")]
    for error in errors if isinstance(errors, list) else [errors]:
        if isinstance(error, dict):
            fallback = " ".join(str(error[key]) for key in ("field", "code") if key in error)
            words.append(error.get("message") or fallback)
        else:
            words.append(error)
    said = [" ".join(word.split()) for word in words if isinstance(word, str) and word.strip()]
    return printable(": ".join(dict.fromkeys(said))) or f"HTTP {answer.status}"


def _invalid_fields(answer: _Answer) -> frozenset[str]:
    try:
        document = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return frozenset()
    errors = document.get("errors") if isinstance(document, dict) else None
    listed = errors if isinstance(errors, list) else []
    invalid = (e for e in listed if isinstance(e, dict) and e.get("code") == "invalid")
    return frozenset(str(error.get("field")) for error in invalid)


def _verdict(output: bytes, ref: str) -> str | None:
    """Return what `git push --porcelain` says of a ref that it could not update."""
    for line in os.fsdecode(output).splitlines():
        flag, _, rest = line.partition("\t")
        names, _, summary = rest.partition("\t")
        if flag == "!" and names.endswith(f":{ref}"):
            return printable(summary)
    return None


def _told_by_remote(said: str) -> str | None:
    lines = (line.strip() for line in said.splitlines())
    words = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    told = [line for line in words if line]
    telling = (line for line in told if line.startswith(("error:", "GH")))
    found = next(telling, next(iter(told), None))
    return None if found is None else printable(found.removeprefix("error:").strip())


def _telling(said: str) -> str:
    """Return the first line of git's that says what is wrong."""
    lines = [_CREDENTIALS.sub("://", line).strip() for line in said.splitlines()]
    shown = [line for line in lines if line and not line.startswith("warning:")]
    return printable(shown[0]) if shown else "no message"


def _line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").split("\n")
    told = (_CREDENTIALS.sub("://", line).strip() for line in lines)
    return printable(next((line for line in told if line), "no message"))


def _no_login(host: str) -> str:
    return f"gh is not logged in to {host}: run `gh auth login --hostname {host}`"


def _not_asked(name: str, error: EnvironmentFailure) -> str:
    said = error.said if isinstance(error, Refused) else error.message
    return f"{printable(name)} is not asked for a review: {said}"


def _at(commit: str | None) -> str:
    return "no such branch" if commit is None else commit[:12]


def _differences(pull: _Pull, base: str, title: str, body: str) -> dict[str, str]:
    changes = {}
    if pull.base.ref != base:
        changes["base"] = base
    if pull.title != title:
        changes["title"] = title
    if not _same_text(pull.body or "", body):
        changes["body"] = body
    return changes


def _same_text(one: str, other: str) -> bool:
    # GitHub's own editor ends lines as forms do, and white space at the end may not be kept.
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def _shortened_title(title: str) -> str:
    title = title.strip()
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1].rstrip()}…"


def _shortened_body(body: str, notes: list[str]) -> str:
    body = body.encode("utf-8", "backslashreplace").decode("utf-8")  # names of files may be odd
    if len(body) <= MAX_BODY:
        return body
    excess = f"GitHub allows {MAX_BODY:,} characters, and it has {len(body):,}"
    notes.append(f"its text is cut: {excess}")
    # In front, where no code block or folded part can swallow it.
    said = f"> This text is cut at its end: {excess}.\n\n"
    kept = body[: MAX_BODY - len(said)]
    return said + (kept.rpartition("\n")[0] or kept)

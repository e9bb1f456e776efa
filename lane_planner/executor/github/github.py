"""The repository on GitHub that a remote stands for: its branches and its pull requests.

Whatever is done here can be done again: each act looks first, and does what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.executor.github.gh import Gh, Refused, Unsure, login_to, no_login, why_no_gh
from lane_planner.executor.github.network import Patience
from lane_planner.executor.github.pull_request import (
    Ensured,
    Label,
    PullAnswer,
    PullRequest,
    State,
    differences,
    fitting_body,
    fitting_title,
    same_text,
)
from lane_planner.executor.github.pushing import RemoteBranches
from lane_planner.executor.github.remotes import (
    NoGitHub,
    Place,
    chosen_remote,
    place_named,
    places_of,
)

__all__ = ["TAKEN_BACK", "GitHub", "NoGitHub", "find_github"]

TAKEN_BACK = "Rolled back by lane-planner."
"""The comment under a pull request that was closed because its run was rolled back."""

_LABEL_COLOR = "ededed"


class _Repository(msgspec.Struct, frozen=True):
    full_name: str
    default_branch: str = ""
    archived: bool = False
    permissions: dict[str, bool] | None = None


class _Comment(msgspec.Struct, frozen=True):
    body: str | None = None


class GitHub:
    """The repository on GitHub that a remote stands for; `find_github` makes it.

    Attributes:
        place: where it is.
        remote: the remote's name.
        default_branch: what pull requests go into if nothing else is said.
    """

    def __init__(
        self, place: Place, default_branch: str, remote: str, branches: RemoteBranches, gh: Gh
    ) -> None:
        self.place = place
        self.remote = remote
        self.default_branch = default_branch
        self._branches = branches
        self._gh = gh
        self._path = f"repos/{place.full_name}"
        self._labels: set[str] = set()

    def remote_commit(self, branch: str) -> str | None:
        """Return the id of the commit that a branch is at on the remote, None without one.

        Raises:
            PushRefused: the remote cannot be asked.
        """
        return self._branches.commit_of(branch)

    def push(self, branch: str, commit: str, *, expected: str | None) -> bool:
        """Bring a branch on the remote to a commit, if the user's pre-push hook has no objection.

        Args:
            branch: its name.
            commit: full id of a commit of ours.
            expected: where it has to be on the remote; None: not there. Wherever it was, it is
                moved, backwards too.

        Returns:
            Whether anything was pushed: if the branch is at the commit already, nothing is.

        Raises:
            PushRefused: it is elsewhere, or the push was refused or failed; nothing was pushed.
        """
        return self._branches.move(branch, commit, expected=expected)

    def delete(self, branch: str, expected: str) -> bool:
        """Delete a branch on the remote, if it still is at a commit.

        Args:
            branch: its name.
            expected: where it has to be.

        Returns:
            Whether anything was deleted: if the branch is not there, nothing is.

        Raises:
            PushRefused: it is elsewhere, or the push was refused or failed; it is still there.
        """
        return self._branches.move(branch, None, expected=expected)

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
        listed = self._gh.pages(
            "list open pull requests", f"{self._path}/pulls?state=open", PullAnswer
        )
        # A list in pages may show one twice, if another is made in between.
        ours = {
            p.number: p
            for p in listed
            if p.is_from(self.place.full_name) and p.head.ref.startswith(prefix)
        }
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
    ) -> Ensured:
        """See to it that a branch has a pull request that reads so.

        An open one is brought up to date: base, title and body become as given, missing labels are
        added. Whether it is a draft stays as people left it, and reviewers are asked for only
        while nobody was asked and nobody has reviewed. One that was merged or closed is neither
        opened again nor followed by another, but for one that was closed with `TAKEN_BACK`: it was
        not people who ended it.

        Args:
            head: name of the branch, which is on the remote.
            base: name of the branch it goes into, which is there too.
            title: one line; cut if it is too long for GitHub.
            body: Markdown; cut if it is too long for GitHub.
            labels: names; those that the repository lacks are made.
            reviewers: "@user" or "@organisation/team", with or without the "@".
            draft: whether a new one is a draft.

        Returns:
            The pull request, what was done to it, and what could not be had.

        Raises:
            Refused: GitHub does not take it: nothing to merge, a branch that is not there.
            EnvironmentFailure: GitHub cannot be asked or told.
        """
        title, (body, cut) = fitting_title(title), fitting_body(body)
        notes = [*cut]
        found = self._find(head)
        if found is not None and found.state != "open" and not self._taken_back(found):
            return Ensured(found.public(), "merged" if found.merged_at else "closed", ())
        outcome: Literal["made", "updated", "unchanged"] = "unchanged"
        if found is None or found.state != "open":
            ended = 0 if found is None else found.number
            found, outcome = self._create(head, base, title, body, draft, ended, notes), "made"
        # One that another run made meanwhile may read otherwise.
        changes = differences(found, base, title, body)
        if changes:
            found = self._patch(found.number, changes)
            outcome = "made" if outcome == "made" else "updated"
        labelled = self._labelled(found, labels, notes)
        if labelled.labels != found.labels and outcome == "unchanged":
            outcome = "updated"
        self._ask_for_reviews(labelled, reviewers, notes)
        return Ensured(labelled.public(), outcome, tuple(notes))

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
            self._comment(number, fitting_body(comment)[0])
        return self._patch(number, {"state": "closed"}).public()

    def _get(self, number: int) -> PullAnswer:
        doing = f"tell of pull request #{number}"
        return self._gh.get(doing, f"{self._path}/pulls/{number}", PullAnswer)

    def _find(self, head: str) -> PullAnswer | None:
        asked = quote(f"{self.place.owner}:{head}", safe="")
        doing = f"look for pull requests of {printable(head)}"
        listed = self._gh.pages(doing, f"{self._path}/pulls?state=all&head={asked}", PullAnswer)
        # GitHub leaves out a filter that it does not understand.
        ours = [
            pull for pull in listed if pull.is_from(self.place.full_name) and pull.head.ref == head
        ]
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
    ) -> PullAnswer:
        payload = {"title": title, "head": head, "base": base, "body": body, "draft": draft}
        doing = f"make a pull request of {printable(head)}"

        def look() -> PullAnswer | None:
            found = self._find(head)
            return found if found is not None and found.number > ended else None

        def add() -> PullAnswer:
            try:
                return self._gh.add(doing, f"{self._path}/pulls", payload, PullAnswer)
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

        return self._gh.until_sure(add, look)

    def _tell_missing_branch(self, error: Refused, branches: dict[str, str]) -> None:
        for field in sorted(error.fields & branches.keys()):
            branch = branches[field]
            if self.remote_commit(branch) is None:
                raise Refused(
                    f"branch {printable(branch)} is not on {self._branches.shown}: push it first",
                    error.status,
                    error.said,
                    error.fields,
                ) from error
            # It is there: GitHub has not yet taken note of what was pushed a moment ago.
            raise Unsure(error.message) from error

    def _patch(self, number: int, changes: dict[str, str]) -> PullAnswer:
        doing = f"change pull request #{number}"
        path = f"{self._path}/pulls/{number}"
        return self._gh.change(doing, "PATCH", path, changes, PullAnswer)

    def _comment(self, number: int, comment: str) -> None:
        path = f"{self._path}/issues/{number}/comments"

        def add() -> _Comment:
            return self._gh.add(f"comment on #{number}", path, {"body": comment}, _Comment)

        if self._commented(number, comment) is None:
            self._gh.until_sure(add, lambda: self._commented(number, comment))

    def _commented(self, number: int, comment: str) -> _Comment | None:
        path = f"{self._path}/issues/{number}/comments"
        listed = self._gh.pages(f"list comments on #{number}", path, _Comment)
        return next((one for one in listed if same_text(one.body or "", comment)), None)

    def _taken_back(self, pull: PullAnswer) -> bool:
        return not pull.merged_at and self._commented(pull.number, TAKEN_BACK) is not None

    def _labelled(self, pull: PullAnswer, labels: Sequence[str], notes: list[str]) -> PullAnswer:
        """Add the labels that are missing, as far as they can be had."""
        there = {label.name.casefold() for label in pull.labels}
        wanted = [name for name in dict.fromkeys(labels) if name.casefold() not in there]
        usable = []
        for name in wanted:
            try:
                self._have_label(name)
                usable.append(name)
            except EnvironmentFailure as error:
                notes.append(f"it has no label {printable(name)}: {error.message}")
        if not usable:
            return pull
        try:
            now = self._gh.change(
                f"label #{pull.number}",
                "POST",
                f"{self._path}/issues/{pull.number}/labels",
                {"labels": usable},
                tuple[Label, ...],
            )
        except EnvironmentFailure as error:
            notes.append(f"it has not got its labels: {error.message}")
            return pull
        return msgspec.structs.replace(pull, labels=now)

    def _have_label(self, name: str) -> None:
        if name.casefold() in self._labels:
            return
        doing = f"look for label {printable(name)}"
        try:
            self._gh.get(doing, f"{self._path}/labels/{quote(name, safe='')}", Label)
        except Refused as error:
            if error.status != 404:
                raise
            self._make_label(name)
        self._labels.add(name.casefold())

    def _make_label(self, name: str) -> None:
        payload = {"name": name, "color": _LABEL_COLOR}
        doing = f"make label {printable(name)}"
        try:
            self._gh.change(doing, "POST", f"{self._path}/labels", payload, Label)
        except Refused as error:
            # Another run made it, or a try of ours that seemed to fail.
            if "already_exists" not in error.said:
                raise

    def _ask_for_reviews(
        self, pull: PullAnswer, reviewers: Sequence[str], notes: list[str]
    ) -> None:
        if not reviewers or pull.requested_reviewers or pull.requested_teams:
            return
        author = pull.author.casefold()
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
            if self._gh.get(doing, path, list[dict[str, Any]]):
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

    def _request(self, pull: PullAnswer, wanted: Iterable[tuple[str, str]]) -> None:
        payload: dict[str, list[str]] = {}
        for kind, name in wanted:
            payload.setdefault(kind, []).append(name)
        self._gh.change(
            f"ask for reviews of #{pull.number}",
            "POST",
            f"{self._path}/pulls/{pull.number}/requested_reviewers",
            payload,
            PullAnswer,
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
    chosen = chosen_remote(git, remote)
    if isinstance(chosen, NoGitHub):
        return chosen
    places = places_of(git, chosen)
    if isinstance(places, NoGitHub):
        return places
    if (reason := why_no_gh(git.directory)) is not None:
        return NoGitHub(reason)
    failures: list[NoGitHub] = []
    for place in places:
        found = _at_place(git, chosen, place, Patience(pause, tries))
        if isinstance(found, GitHub):
            return found
        failures.append(found)
    return failures[0]


def _at_place(git: Git, remote: str, place: Place, patience: Patience) -> GitHub | NoGitHub:
    login = login_to(place.host, git.directory)
    if login == "none":
        return NoGitHub(no_login(place.host))
    # The run goes on without pull requests: it is not kept waiting for long.
    asking = Gh(place.host, git.directory, patience._replace(tries=min(patience.tries, 3)))
    try:
        doing = f"tell of {place.full_name}"
        known = asking.get(doing, f"repos/{place.full_name}", _Repository)
    except EnvironmentFailure as error:
        return NoGitHub(error.message)
    if login == "unsure" and known.permissions is None:  # anybody may read it
        return NoGitHub(no_login(place.host))
    if known.archived:
        return NoGitHub(f"{place.full_name} on {place.host} is archived")
    # A repository that was renamed answers to its old name, but only when it is read.
    now = place_named(place.host, known.full_name)
    if now is None:
        return NoGitHub(f"{place.host} answers as no GitHub does")
    branches = RemoteBranches(git, remote, patience)
    gh = Gh(place.host, git.directory, patience)
    return GitHub(now, known.default_branch, remote, branches, gh)


def _not_asked(name: str, error: EnvironmentFailure) -> str:
    said = error.said if isinstance(error, Refused) else error.message
    return f"{printable(name)} is not asked for a review: {said}"

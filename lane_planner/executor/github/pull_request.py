"""Pull requests as values: as GitHub tells of them, as we want them, and how the two differ."""

from __future__ import annotations

from typing import Literal

import msgspec

from lane_planner.base.text import printable

State = Literal["OPEN", "CLOSED", "MERGED"]

MAX_TITLE = 256
"""Characters that GitHub allows in a title."""

MAX_BODY = 65_536
"""Characters that GitHub allows in a body."""


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


class Label(msgspec.Struct, frozen=True):
    """A label."""

    name: str


class _User(msgspec.Struct, frozen=True):
    login: str


class _Team(msgspec.Struct, frozen=True):
    slug: str


class _Fork(msgspec.Struct, frozen=True):
    full_name: str


class _Side(msgspec.Struct, frozen=True):
    ref: str
    sha: str = ""
    repo: _Fork | None = None  # a fork may be gone


class PullAnswer(msgspec.Struct, frozen=True):
    """A pull request as GitHub's REST interface tells of it; what is not listed is passed over."""

    number: int
    html_url: str
    state: str
    title: str
    base: _Side
    head: _Side
    body: str | None = None
    draft: bool = False
    merged_at: str | None = None
    labels: tuple[Label, ...] = ()
    user: _User | None = None  # an account may be gone
    requested_reviewers: tuple[_User, ...] = ()
    requested_teams: tuple[_Team, ...] = ()

    @property
    def author(self) -> str:
        """The login of who made it; "" if the account is gone."""
        return self.user.login if self.user else ""

    def is_from(self, full_name: str) -> bool:
        """Tell whether its branch is of a repository, "owner/name", and not of a fork."""
        repo = self.head.repo
        return repo is not None and repo.full_name.casefold() == full_name.casefold()

    def public(self) -> PullRequest:
        """Return it as the rest of the tool sees it."""
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


def differences(pull: PullAnswer, base: str, title: str, body: str) -> dict[str, str]:
    """Return what to change of a pull request for it to read so, by field.

    Args:
        pull: as it is.
        base: name of the branch it is to go into.
        title: that it is to have, as `fitting_title` returns it.
        body: likewise, as `fitting_body` does.
    """
    changes = {}
    if pull.base.ref != base:
        changes["base"] = base
    if pull.title != title:
        changes["title"] = title
    if not same_text(pull.body or "", body):
        changes["body"] = body
    return changes


def same_text(one: str, other: str) -> bool:
    """Tell whether two texts are the same to GitHub."""
    # GitHub's own editor ends lines as forms do, and white space at the end may not be kept.
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def fitting_title(title: str) -> str:
    """Return a title in one line, cut if it is too long for GitHub."""
    title = printable(title).strip()
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1].rstrip()}…"


def fitting_body(body: str) -> tuple[str, tuple[str, ...]]:
    """Return a body, cut if it is too long for GitHub, and what a person should know of that.

    Args:
        body: Markdown; what cannot be encoded, as in names of files, is escaped.
    """
    body = body.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(body) <= MAX_BODY:
        return body, ()
    excess = f"GitHub allows {MAX_BODY:,} characters, and it has {len(body):,}"
    # In front, where no code block or folded part can swallow it.
    said = f"> This text is cut at its end: {excess}.\n\n"
    kept = body[: MAX_BODY - len(said)]
    return said + (kept.rpartition("\n")[0] or kept), (f"its text is cut: {excess}",)

"""Branches on their way to reviewers: pushed, and each with a pull request.

Nothing here is done twice: what is on the remote already is left, and a pull request is looked up
before it is made. So a run that was killed in between is simply gone on with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.base.text import plural, printable
from lane_planner.executor.gating.trials import Step
from lane_planner.executor.github.codeowners import owners, read_codeowners
from lane_planner.executor.github.github import TAKEN_BACK, GitHub, NoGitHub, find_github
from lane_planner.executor.records.journal import Event, PullRequestMade, PushIntended, Run
from lane_planner.executor.run import Carried
from lane_planner.executor.storage.places import evidence_paths
from lane_planner.gates.evidence import Evidence
from lane_planner.promotion.values import Promotion


class PullRequests(msgspec.Struct, frozen=True, kw_only=True):
    """What pull requests are wanted.

    Attributes:
        onto: name of the branch that they go into; None: the remote's default branch.
        remote: name of the remote; None: the only one, or "origin".
        draft: whether they are drafts.
        labels: names of their labels.
        reviewers: whether the code owners of what changes are asked for reviews.
        max_open: the most that may be open of this tool's; None: any number.
    """

    onto: str | None = None
    remote: str | None = None
    draft: bool = False
    labels: tuple[str, ...] = ()
    reviewers: bool = True
    max_open: int | None = None


class Opened(msgspec.Struct, frozen=True):
    """What became of a branch.

    Attributes:
        branch: its name.
        number: of its pull request; None: it has none.
        url: likewise.
        outcome: what was done to the pull request; "closed" or "merged": nothing, as people have
            done that to it; "waiting": nothing, as enough are open.
        notes: what could not be had.
    """

    branch: str
    number: int | None
    url: str | None
    outcome: Literal["made", "updated", "unchanged", "closed", "merged", "waiting"]
    notes: tuple[str, ...] = ()


class Ready(NamedTuple):
    """A branch that is to have a pull request.

    Attributes:
        carried: what is on it.
        body: Markdown.
        onto: name of the branch before it in a stack; None: the first one.
    """

    carried: Carried
    body: str
    onto: str | None


class Publisher:
    """Pushes branches and opens their pull requests.

    Args:
        git: the repository.
        wanted: what pull requests are wanted.
        pause: waits for some seconds, when GitHub asks for it.

    Attributes:
        notes: what a person should know.
    """

    def __init__(
        self, git: Git, wanted: PullRequests, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.notes: list[str] = []
        self._git = git
        self._wanted = wanted
        self._github = find_github(git, remote=wanted.remote, pause=pause)
        if isinstance(self._github, NoGitHub):
            self.notes.append(
                f"no pull requests: {self._github.reason}; their texts are beside the branches"
            )

    def publish(
        self, ready: Iterable[Ready], record: Callable[[Event], None]
    ) -> tuple[Opened, ...]:
        """Push branches and see to their pull requests, in order.

        Args:
            ready: the branches.
            record: writes events into the journal.

        Raises:
            EnvironmentFailure: a push is refused, or GitHub cannot be asked or told.
        """
        github = self._github
        if isinstance(github, NoGitHub):
            return ()
        first = self._base(github)
        open_now: set[str] = set()
        if self._wanted.max_open is not None:
            open_now = {one.head for one in github.open_ones("promote/")}
        found: list[Opened] = []
        for one in ready:
            branch = one.carried.branch
            most = self._wanted.max_open
            if most is not None and branch not in open_now and len(open_now) >= most:
                found.append(Opened(branch, None, None, "waiting"))
                continue
            opened = self._one(github, one, one.onto or first, record)
            open_now.add(branch)
            found.append(opened)
        waiting = sum(one.outcome == "waiting" for one in found)
        if waiting:
            self.notes.append(
                f"{plural(waiting, 'branch')} without a pull request, as {len(open_now)} are open: "
                "when some are merged, the same command opens more"
            )
        return tuple(found)

    def _one(
        self, github: GitHub, ready: Ready, onto: str, record: Callable[[Event], None]
    ) -> Opened:
        carried = ready.carried
        there = github.remote_commit(carried.branch)
        record(PushIntended(carried.branch, carried.commit))
        github.push(carried.branch, carried.commit, expected=there)
        done = github.ensure(
            carried.branch, onto, carried.title, ready.body,
            labels=self._wanted.labels, reviewers=self._reviewers(carried),
            draft=self._wanted.draft,
        )  # fmt: skip
        made = done.pull_request
        record(PullRequestMade(carried.branch, made.number, made.url))
        return Opened(carried.branch, made.number, made.url, done.outcome, done.notes)

    def _base(self, github: GitHub) -> str:
        onto = self._wanted.onto
        if onto is not None:
            if github.remote_commit(onto) is not None:
                return onto
            self.notes.append(
                f"branch {printable(onto)} is not on {github.remote}: pull requests go into "
                f"{github.default_branch}"
            )
        return github.default_branch

    def _reviewers(self, carried: Carried) -> tuple[str, ...]:
        if not self._wanted.reviewers:
            return ()
        text = read_codeowners(self._git, carried.base)
        if text is None:
            return ()
        paths = {
            path
            for step in carried.steps
            for move in step.promotion.moves
            for path in (move.source, move.target)
        }
        return owners(text, sorted(f"{self._git.prefix}{path}" for path in paths))


def left_to_publish(git: Git, run: Run) -> Ready:
    """Return the branch of a run that ended before it had its pull request.

    Args:
        git: the repository.
        run: a run that made one branch.

    Raises:
        EnvironmentFailure: its evidence cannot be read.
    """
    paths = evidence_paths(git, run.branch)
    try:
        document, body = (path.read_bytes() for path in paths)
        evidence = msgspec.json.decode(document, type=Evidence)
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {error.filename}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise EnvironmentFailure(f"{paths[0]} is no evidence: {error}") from error
    # For the reviewers; the rest of what moved is in the text.
    moved = Promotion("", "", "", (), (), evidence.moves, (), ())
    commit = run.branches[run.branch]
    carried = Carried(
        run.branch, evidence.title, run.base, commit, (Step("", moved),), (commit,), evidence.gates
    )
    return Ready(carried, body.decode("utf-8"), None)


def withdraw(git: Git, remote: str | None, pushed: dict[str, str], numbers: dict[str, int]) -> None:
    """Close pull requests and delete branches from the remote, as a run is rolled back.

    Args:
        git: the repository.
        remote: name of the remote, as for `PullRequests`.
        pushed: full ids of the commits that branches were pushed at, by name.
        numbers: of pull requests, by branch.

    Raises:
        EnvironmentFailure: GitHub cannot be reached, or somebody has pushed to a branch.
    """
    if not pushed and not numbers:
        return
    github = find_github(git, remote=remote)
    if isinstance(github, NoGitHub):
        raise EnvironmentFailure(
            f"{plural(len(pushed), 'branch')} of the run were pushed, and {github.reason}: "
            "nothing was undone"
        )
    for branch, commit in pushed.items():
        at = github.remote_commit(branch)
        if at is not None and at != commit:
            raise EnvironmentFailure(
                f"branch {printable(branch)} has moved on to {at[:12]} on {github.remote}: nothing "
                "was undone"
            )
    for branch in sorted(numbers, reverse=True):
        if github.state(numbers[branch]) == "OPEN":
            github.close(numbers[branch], TAKEN_BACK)
    for branch, commit in sorted(pushed.items(), reverse=True):
        github.delete(branch, commit)

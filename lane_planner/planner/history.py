"""Which commits of a history are looked at, when the whole of it would be too much."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Literal

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git

Unit = Literal["commit", "day", "week", "month", "merge"]

_EVERY = re.compile(r"(?:(\d{1,9})\s*(?:commits?)?|(commit|day|week|month|merge)s?)")
_BACK = re.compile(r"(\d+)\s*(day|week|month|year)s?(?:\s+ago)?")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
# What `datetime` can hold; git takes any number of seconds.
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799


class Commit(msgspec.Struct, frozen=True):
    """A commit, as far as sampling asks.

    Attributes:
        id: full id.
        tree: id of its tree.
        date: when it was committed, in UTC.
        parents: how many it has.
    """

    id: str
    tree: str
    date: datetime.datetime
    parents: int


class Every(msgspec.Struct, frozen=True):
    """How densely a history is sampled.

    Attributes:
        unit: "merge" takes merge commits; "day", "week" (ISO) and "month" the last commit of each.
        count: of commits, how many there are from one sample to the next.
    """

    unit: Unit
    count: int = 1

    def __str__(self) -> str:
        if self.unit == "commit" and self.count != 1:
            return f"{self.count} commits"
        return self.unit


def parse_every(text: str) -> Every:
    """Return what "10 commits", "10", "day", "week", "month" or "merge" says.

    Raises:
        UsageError: it is none of them.
    """
    found = _EVERY.fullmatch(text.strip().lower())
    if found is None or (found[1] is not None and int(found[1]) < 1):
        raise UsageError(
            f"--every {text!r} does not parse: write a number of commits, day, week, month or merge"
        )
    if found[1] is not None:
        return Every("commit", int(found[1]))
    unit: Unit = msgspec.convert(found[2], Unit)
    return Every(unit)


def commits_between(
    git: Git, since: str | None, until: str | None, *, first_parent: bool = True
) -> tuple[Commit, ...]:
    """Return the commits of a part of history, oldest first.

    Args:
        git: the repository.
        since: a commit, which is then the first one; a date (ISO 8601, UTC unless it says so); or
            "6 weeks", counted back from the last commit; None: from the beginning.
        until: a commit or a date, of which the whole day counts; None: what is checked out.
        first_parent: whether only the first parent of a merge is followed.

    Raises:
        UsageError: they name nothing, or there is no commit between them.
        EnvironmentFailure: git fails.
    """
    tip = git.head()
    last = None
    if until is not None:
        commit = git.commit_id(until)
        if commit is not None:
            tip = commit
        else:
            last = _date("--until", until, None, end=True)
    follow = ("--first-parent",) if first_parent else ()
    start = None if since is None else git.commit_id(since)
    arguments = [*follow, "--topo-order", "--reverse", "--format=%H %T %ct %P", tip]
    found: list[Commit] = []
    if start is not None:
        if git.ask("merge-base", "--is-ancestor", start, tip).exit_code != 0:
            raise UsageError(
                f"--since {since} is no ancestor of {until or 'the checked-out commit'}"
            )
        found += _commits(git.out("log", "--no-walk", "--format=%H %T %ct %P", start, "--"))
        arguments.append(f"^{start}")
    found += _commits(git.out("log", *arguments, "--"))
    dates = seen_dates(commit.date for commit in found)
    if last is not None:
        found = [commit for commit, date in zip(found, dates, strict=True) if date <= last]
    if since is not None and start is None and found:
        dates = seen_dates(commit.date for commit in found)
        first = _date("--since", since, dates[-1], end=False)
        found = [commit for commit, date in zip(found, dates, strict=True) if date >= first]
    if not found:
        raise UsageError("there is no commit in that time: give another --since or --until")
    return tuple(found)


def seen_dates(dates: Iterable[datetime.datetime]) -> list[datetime.datetime]:
    """Return for the date of each commit, oldest first, the latest of it and those before it.

    The clocks of those who commit differ; what comes later in history is not put before.
    """
    return list(accumulate(dates, max))


def sampled(commits: Sequence[Commit], every: Every) -> tuple[Commit, ...]:
    """Return the commits to look at, oldest first; the first and the last are always among them.

    Args:
        commits: oldest first.
        every: how densely; commits are counted from the last one back.
    """
    if not commits:
        return ()
    ends = {0, len(commits) - 1}
    if every.unit == "commit":
        chosen = set(range(len(commits) - 1, -1, -every.count))
    elif every.unit == "merge":
        chosen = {index for index, commit in enumerate(commits) if commit.parents > 1}
    else:
        last: dict[tuple[int, ...], int] = {}
        for index, date in enumerate(seen_dates(c.date for c in commits)):
            last[_period(date, every.unit)] = index
        chosen = set(last.values())
    return tuple(commits[index] for index in sorted(chosen | ends))


def _period(date: datetime.datetime, unit: Unit) -> tuple[int, ...]:
    if unit == "week":
        return tuple(date.isocalendar()[:2])
    return (date.year, date.month) if unit == "month" else (date.year, date.month, date.day)


def _commits(listing: bytes) -> list[Commit]:
    found = []
    for line in listing.decode("ascii").splitlines():
        commit, tree, seconds, *parents = line.split(" ")
        at = min(max(int(seconds), _EARLIEST), _LATEST)
        date = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=at)
        found.append(Commit(commit, tree, date, len([parent for parent in parents if parent])))
    return found


def _date(
    option: str, text: str, newest: datetime.datetime | None, *, end: bool
) -> datetime.datetime:
    back = _BACK.fullmatch(text.strip().lower())
    try:
        if back is not None and newest is not None:
            return newest - datetime.timedelta(days=int(back[1]) * _DAYS[back[2]])
        found = datetime.datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is no commit and no date: write a branch, a tag, a commit or a "
            "date such as 2026-01-31" + (', or "6 weeks"' if newest is not None else "")
        ) from None
    if end and len(text.strip()) <= len("2026-01-31"):
        found = found.replace(hour=23, minute=59, second=59)
    return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)

"""Which remote stands for the repository on GitHub, and where its URLs lead."""

from __future__ import annotations

import os
import re
import shutil
from typing import NamedTuple
from urllib.parse import urlsplit

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.executor.github.network import run_online

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_SCP_LIKE = re.compile(r"(?:[^/:@]+@)?(?P<host>[^/:@]+):(?!//)(?P<path>.+)")
_SCHEMES = ("https", "http", "ssh", "git+ssh", "ssh+git", "git")
_OTHER_NAMES = {"ssh.github.com": "github.com", "www.github.com": "github.com"}


class NoGitHub(NamedTuple):
    """There are no pull requests to be had.

    Attributes:
        reason: why not, without a final full stop.
    """

    reason: str


class Place(NamedTuple):
    """Where a repository is.

    Attributes:
        host: the name that gh knows it by, in lower case.
        owner: a user or an organisation.
        name: of the repository.
    """

    host: str
    owner: str
    name: str

    @property
    def full_name(self) -> str:
        """Owner and name, as GitHub writes them."""
        return f"{self.owner}/{self.name}"


class RemoteUrls(NamedTuple):
    """Where a remote is fetched from and pushed to, with `insteadOf` resolved."""

    fetch: str
    push: str


def chosen_remote(git: Git, wanted: str | None) -> str | NoGitHub:
    """Return the name of the remote that stands for the repository on GitHub.

    Args:
        git: the repository.
        wanted: its name, if the user has given one; None: "origin", or the only one.

    Raises:
        UsageError: there is no remote of the name given.
        EnvironmentFailure: git failed.
    """
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


def urls_of(git: Git, remote: str) -> RemoteUrls:
    """Return where a remote is fetched from and pushed to.

    Args:
        git: the repository.
        remote: the remote's name.

    Raises:
        EnvironmentFailure: git failed.
    """
    fetch = git.out("remote", "get-url", "--", remote)
    push = git.out("remote", "get-url", "--push", "--", remote)
    return RemoteUrls(*(os.fsdecode(url.removesuffix(b"\n")) for url in (fetch, push)))


def places_of(git: Git, remote: str) -> list[Place] | NoGitHub:
    """Return the places that a remote's URLs may mean, the likeliest first; at least one.

    Args:
        git: the repository.
        remote: the remote's name.

    Raises:
        EnvironmentFailure: git failed.
    """
    urls = urls_of(git, remote)
    written = git.ask("config", "--get", f"remote.{remote}.url").stdout.removesuffix(b"\n")
    # The last is for a directory or a mirror that stands in for GitHub through `insteadOf`.
    found = [_resolved(git, url) for url in (urls.push, urls.fetch, os.fsdecode(written))]
    pushed, fetched = found[:2]
    if pushed and fetched and pushed.full_name.casefold() != fetched.full_name.casefold():
        return NoGitHub(
            f"{printable(remote)} is fetched from {fetched.full_name} and pushed to "
            f"{pushed.full_name}, and pull requests between forks are not made"
        )
    places = list(dict.fromkeys(place for place in found if place is not None))
    return places or NoGitHub(f"the URL of {printable(remote)} is not one of GitHub")


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
    full_name = path.strip("/").removesuffix(".git")
    return place_named(host, full_name) if _HOST.fullmatch(host) else None


def place_named(host: str, full_name: str) -> Place | None:
    """Return a place by its host and "owner/name", or None if that is no name of GitHub's."""
    names = full_name.split("/")
    if len(names) != 2 or not all(_NAME.fullmatch(x) and x not in (".", "..") for x in names):
        return None
    return Place(_host_for_gh(host), *names)


def _host_for_gh(host: str) -> str:
    return _OTHER_NAMES.get(host.lower(), host.lower())


def _resolved(git: Git, url: str) -> Place | None:
    place = place_of(url)
    by_ssh = "://" not in url or "ssh" in url.partition("://")[0].lower()
    if place is None or not by_ssh or shutil.which("ssh") is None:
        return place
    # The host may be an alias of ssh's configuration: one for each account is common.
    done = run_online(["ssh", "-G", "--", place.host], git.directory)
    match = re.search(rb"^hostname (\S+)$", done.stdout, re.MULTILINE)
    if done.exit_code != 0 or match is None:
        return place
    host = match[1].decode("ascii", "replace")
    return place._replace(host=_host_for_gh(host)) if _HOST.fullmatch(host) else place

"""Pull requests through the real gh, against a GitHub of our own, and pushes to a real repository."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.base.git import Git
from lane_planner.executor.github import gh, network, pushing
from lane_planner.executor.github.gh import Refused
from lane_planner.executor.github.github import TAKEN_BACK, GitHub, NoGitHub, find_github
from lane_planner.executor.github.pull_request import MAX_BODY
from lane_planner.executor.github.pushing import PushRefused
from lane_planner.executor.github.remotes import Place, place_of
from tests.executor.github_server import (
    HOST,
    NOW_SECONDS,
    SECONDARY_LIMIT,
    URL,
    Answer,
    FakeGitHub,
    Fault,
    github_for_gh,
    invalid,
    log_in,
    put_on_github,
)
from tests.executor.repositories import git, new_repository

needs_gh = pytest.mark.skipif(
    shutil.which("gh") is None, reason="gh, GitHub's own program, is not installed"
)

HEAD = "promote/candidate-to-core/a.mod"

# Requests that a fault may hit.
READING = {"method": "GET", "path": "pulls"}
MAKING = {"method": "POST", "path": "pulls"}
CHANGING = {"method": "PATCH", "path": r"pulls/\d+"}


class World:
    """A clone with branches, its repository on GitHub, and the pauses that were made."""

    def __init__(self, root: Path, server: FakeGitHub) -> None:
        self.root = root
        self.server = server
        self.pauses: list[float] = []
        self.main = self.commit_of("main")

    def find(self, **options: Any) -> GitHub | NoGitHub:
        return find_github(Git.require(self.root), pause=self.pauses.append, **options)

    def github(self) -> GitHub:
        found = self.find()
        assert isinstance(found, GitHub), found
        self.server.requests.clear()
        return found

    def reason(self, **options: Any) -> str:
        found = self.find(**options)
        assert isinstance(found, NoGitHub), found
        return found.reason

    def commit_of(self, revision: str) -> str:
        return git(self.root, "rev-parse", revision).decode().strip()

    def new_commit(self, parent: str, message: str) -> str:
        made = git(self.root, "commit-tree", f"{parent}^{{tree}}", "-p", parent, "-m", message)
        return made.decode().strip()

    def published(self, *branches: str) -> None:
        """Put branches on GitHub, each one commit on top of the one before."""
        parent = self.main
        for branch in branches:
            parent = self.new_commit(parent, branch)
            git(self.root, "push", "--quiet", "origin", f"{parent}:refs/heads/{branch}")

    def fail(self, answer: Answer | None, **fields: Any) -> None:
        self.server.faults.append(Fault(answer, **fields))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a repository "on GitHub", without any gh."""
    root = new_repository(tmp_path / "repo", {"a.py": b"", "sub/b.py": b""})
    put_on_github(root, tmp_path / "hub.git")
    log_in(tmp_path / "gh", monkeypatch)
    return root


@pytest.fixture
def world(repo: Path, tmp_path: Path) -> Iterator[World]:
    """The clone, gh that is logged in, and GitHub."""
    with github_for_gh(tmp_path / "hub.git", tmp_path / "gh") as server:
        yield World(repo, server)


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Put a program in front of all others."""
    directory = tmp_path / "bin"
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")


def hook(directory: Path, name: str, script: str) -> Path:
    path = directory / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


# -- which repository


PLACES = [
    ("https://github.com/owner/name.git", Place("github.com", "owner", "name")),
    ("https://github.com/owner/name", Place("github.com", "owner", "name")),
    ("https://GitHub.com/Owner/Name/", Place("github.com", "Owner", "Name")),
    ("https://user:secret@github.com/owner/na.me", Place("github.com", "owner", "na.me")),
    ("https://git.example.com:8443/owner/name", Place("git.example.com", "owner", "name")),
    ("http://www.github.com/owner/name", Place("github.com", "owner", "name")),
    ("ssh://git@github.com/owner/name.git", Place("github.com", "owner", "name")),
    ("ssh://git@ssh.github.com:443/owner/name.git", Place("github.com", "owner", "name")),
    ("git+ssh://git@github.com/owner/name", Place("github.com", "owner", "name")),
    ("git@github.com:owner/name.git", Place("github.com", "owner", "name")),
    ("git@github.com:/owner/name.git", Place("github.com", "owner", "name")),
    ("github.com:owner/name", Place("github.com", "owner", "name")),
    ("org-1234@github.com:owner/.github", Place("github.com", "owner", ".github")),
    ("git://github.com/owner/name.git", Place("github.com", "owner", "name")),
    ("/srv/git/name.git", None),
    ("../name.git", None),
    ("./a:b/c", None),
    ("file:///srv/owner/name.git", None),
    ("https://github.com/owner", None),
    ("https://gitlab.com/group/sub/name.git", None),
    ("https://github.com/owner/..", None),
    ("https://github.com/owner/na me", None),
    ("https://github.com/owner/name?x=../../y", Place("github.com", "owner", "name")),
    ("https://-oProxyCommand=x/owner/name", None),
    ("-oProxyCommand=x:owner/name", None),
    ("https://[::1/owner/name", None),
    ("", None),
]


@pytest.mark.parametrize(("url", "place"), PLACES)
def test_where_a_url_leads(url: str, place: Place | None) -> None:
    assert place_of(url) == place


def test_no_remote(repo: Path) -> None:
    git(repo, "remote", "remove", "origin")
    assert find_github(Git.require(repo)) == NoGitHub("the repository has no remote")


def test_several_remotes_none_of_them_origin(repo: Path) -> None:
    git(repo, "remote", "rename", "origin", "mine")
    git(repo, "remote", "add", "theirs", URL)
    assert find_github(Git.require(repo)) == NoGitHub(
        "of the remotes mine, theirs, none is named origin"
    )


def test_a_remote_that_is_not_there_is_wrong_usage(repo: Path) -> None:
    with pytest.raises(UsageError, match="there is no remote upstream: see `git remote`"):
        find_github(Git.require(repo), remote="upstream")


def test_a_remote_that_is_no_repository_on_a_host(repo: Path) -> None:
    git(repo, "remote", "set-url", "origin", "../hub.git")
    assert find_github(Git.require(repo)) == NoGitHub("the URL of origin is not one of GitHub")


def test_a_fork_to_push_to(repo: Path) -> None:
    git(repo, "config", "remote.origin.url", f"https://{HOST}/up/name.git")
    git(repo, "config", "remote.origin.pushurl", f"https://{HOST}/me/name.git")
    found = find_github(Git.require(repo))
    assert isinstance(found, NoGitHub)
    assert found.reason.startswith("origin is fetched from up/name and pushed to me/name, and")


def test_no_gh(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    found = shutil.which("git")
    assert found is not None
    (tools / "git").symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    assert find_github(Git.require(repo)) == NoGitHub(
        "gh, GitHub's program, is not on PATH: see https://cli.github.com"
    )


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'gh version 1.14.0 (2021-08-04)'", "gh is of version 1.14, and 2.0 is needed"),
        ("echo 'NodeGH 3.0'", "the gh on PATH does not tell its version as GitHub's does"),
        ("exit 1", "the gh on PATH does not tell its version as GitHub's does"),
    ],
)
def test_a_gh_that_will_not_do(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    program(tmp_path, monkeypatch, "gh", script)
    assert find_github(Git.require(repo)) == NoGitHub(reason)


@needs_gh
class TestFind:
    """The repository that a remote stands for."""

    def test_found(self, world: World) -> None:
        found = world.find()
        assert isinstance(found, GitHub)
        assert (found.place, found.remote) == (Place(HOST, "owner", "name"), "origin")
        assert found.default_branch == "main"
        assert world.pauses == []

    def test_a_named_remote_and_the_only_one(self, world: World) -> None:
        git(world.root, "remote", "rename", "origin", "hub")
        for options in ({}, {"remote": "hub"}):
            found = world.find(**options)
            assert isinstance(found, GitHub) and found.remote == "hub"

    def test_from_a_directory_below_the_top(self, world: World) -> None:
        found = find_github(Git.require(world.root / "sub"))
        assert isinstance(found, GitHub)
        assert found.remote_commit("main") == world.main

    def test_an_alias_of_git(self, world: World) -> None:
        git(world.root, "config", f"url.https://{HOST}/.insteadOf", "hub:")
        git(world.root, "remote", "set-url", "origin", "hub:owner/name")
        found = world.find()
        assert isinstance(found, GitHub) and found.place == Place(HOST, "owner", "name")

    def test_an_alias_of_ssh(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path, monkeypatch, "ssh", f'[ "$3" = work ] && echo "hostname {HOST}"')
        git(world.root, "remote", "set-url", "origin", "git@work:owner/name.git")
        found = world.find()
        assert isinstance(found, GitHub) and found.place == Place(HOST, "owner", "name")

    def test_an_ssh_that_knows_no_aliases(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path, monkeypatch, "ssh", "exit 255")
        git(world.root, "remote", "set-url", "origin", f"git@{HOST}:owner/name.git")
        found = world.find()
        assert isinstance(found, GitHub) and found.place == Place(HOST, "owner", "name")

    def test_the_new_name_of_a_renamed_repository(self, world: World) -> None:
        world.server.full_name, world.server.old_names = "Owner/new", {"owner/name"}
        github = world.github()
        assert github.place == Place(HOST, "Owner", "new")
        world.published(HEAD)
        assert github.ensure(HEAD, "main", "t", "b").outcome == "made"

    def test_a_host_that_gh_is_not_logged_in_to_is_not_sent_the_login(self, world: World) -> None:
        for host in ("git.elsewhere.example", "scope.example"):
            git(world.root, "remote", "set-url", "origin", f"https://{host}/owner/name")
            assert world.reason() == (
                f"gh is not logged in to {host}: run `gh auth login --hostname {host}`"
            )
        assert world.server.requests == []

    def test_nobody_is_logged_in_anywhere(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("GH_ENTERPRISE_TOKEN")
        assert world.reason().startswith(f"gh is not logged in to {HOST}: run")

    def test_a_login_that_no_longer_holds(self, world: World) -> None:
        world.server.login_holds = False
        assert world.reason().startswith(f"gh is not logged in to {HOST}: run")

    def test_a_login_that_gh_finds_too_small_may_do(self, world: World) -> None:
        world.server.scopes = "repo"
        world.github()

    def test_no_such_repository(self, world: World) -> None:
        world.server.full_name = "owner/other"
        assert world.reason() == f"{HOST} did not tell of owner/name: Not Found (HTTP 404)"

    def test_a_name_that_is_none_of_github(self, world: World) -> None:
        world.fail(Answer(200, {"full_name": "../../x"}), method="GET", path="")
        world.fail(Answer(200, {"full_name": "../../x"}), method="GET", path="")
        assert world.reason() == f"{HOST} answers as no GitHub does"

    def test_an_archived_one(self, world: World) -> None:
        world.server.archived = True
        assert world.reason() == f"owner/name on {HOST} is archived"

    def test_not_reachable(self, world: World) -> None:
        world.fail(None, times=99)
        reason = world.reason()
        assert reason.startswith(f"{HOST} did not tell of owner/name: ") and "EOF" in reason
        assert world.pauses == [1, 2]  # the run goes on without: it is not kept waiting for long

    def test_no_server_at_all(self, world: World) -> None:
        world.server.socket.unlink()
        assert world.reason().endswith(", 3 times")

    def test_an_answer_that_is_none_of_github(self, world: World) -> None:
        world.fail(Answer(200, {"name": 1}), method="GET", path="")
        world.fail(Answer(200, {"name": 1}), method="GET", path="")
        assert "answered what cannot be understood" in world.reason()

    def test_an_environment_that_would_bend_the_answers(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {
            "GH_FORCE_TTY": "100%",
            "CLICOLOR_FORCE": "1",
            "GH_DEBUG": "api",
            "DEBUG": "1",
            "GH_REPO": "x/y",
            "GIT_DIR": "/nowhere",
            "LC_ALL": "de_DE.UTF-8",
        }.items():
            monkeypatch.setenv(name, value)
        github = find_github(Git.require(world.root))
        assert isinstance(github, GitHub)
        assert github.find(HEAD) is None
        assert github.remote_commit("main") == world.main


@pytest.mark.parametrize("url", ["https://me:se@cret@host/x", "https://token@host/x"])
def test_credentials_in_a_message_stay_secret(url: str) -> None:
    said = f"\n  fatal: unable to access '{url}': 403\nmore"
    assert network.first_line(said) == "fatal: unable to access 'https://host/x': 403"


def test_a_date_that_is_none() -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1", "date": "never"}
    assert gh._asked_to_wait(gh._Answer(403, headers, b""), 2) == 120


# -- branches


@needs_gh
class TestPush:
    """Branches on the remote."""

    def test_there_and_back(self, world: World) -> None:
        github = world.github()
        commit = world.new_commit(world.main, "one")
        assert github.remote_commit(HEAD) is None
        assert github.push(HEAD, commit, expected=None)
        assert github.remote_commit(HEAD) == commit == world.server.commit(HEAD)
        assert not github.push(HEAD, commit, expected=None)
        assert github.push(HEAD, world.main, expected=commit)  # backwards
        assert github.delete(HEAD, world.main)
        assert not github.delete(HEAD, world.main)
        assert github.remote_commit(HEAD) is None
        assert git(world.root, "branch", "--list").split() == [b"*", b"main"]

    def test_a_name_that_ends_like_another(self, world: World) -> None:
        github = world.github()
        git(world.root, "push", "--quiet", "origin", "main:refs/heads/x/refs/heads/y")
        assert github.remote_commit("y") is None

    @pytest.mark.parametrize("expected", ["none", "other"])
    def test_somebody_else_pushed(self, world: World, expected: str) -> None:
        github = world.github()
        world.published(HEAD)
        mine = world.new_commit(world.main, "mine")
        there = world.server.commit(HEAD)
        lease = None if expected == "none" else world.main
        said = "no such branch" if lease is None else world.main[:12]
        with pytest.raises(PushRefused) as caught:
            github.push(HEAD, mine, expected=lease)
        assert caught.value.problem == "moved"
        assert caught.value.message == (
            f"{HEAD} has changed on origin: expected {said}, found {there and there[:12]}"
        )
        with pytest.raises(PushRefused) as caught:
            github.delete(HEAD, mine)
        assert caught.value.problem == "moved"
        assert world.server.commit(HEAD) == there

    def test_somebody_else_deleted_it(self, world: World) -> None:
        with pytest.raises(PushRefused, match="found no such branch") as caught:
            world.github().push(HEAD, world.new_commit(world.main, "x"), expected=world.main)
        assert caught.value.problem == "moved"

    @pytest.mark.parametrize("when", ["before git asks", "after git asks"])
    def test_somebody_else_pushes_between_look_and_push(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
    ) -> None:
        github = world.github()
        commit = world.new_commit(world.main, "x")
        theirs = f"--git-dir={world.server.bare} update-ref refs/heads/{HEAD} {world.main}"
        if when == "after git asks":
            hook(world.root / ".git", "pre-push", f"git {theirs}")
        else:
            real = shutil.which("git")
            push = f'case "$*" in *--porcelain*) {real} {theirs};; esac'
            program(tmp_path, monkeypatch, "git", f'{push}\nexec {real} "$@"')
        with pytest.raises(PushRefused) as caught:
            github.push(HEAD, commit, expected=None)
        assert caught.value.problem == "moved"
        assert caught.value.message == (
            f"{HEAD} was not pushed: somebody else pushed to it on origin meanwhile"
        )
        assert world.server.commit(HEAD) == world.main

    def test_a_name_that_cannot_stand_beside_another(self, world: World) -> None:
        world.published("promote")
        with pytest.raises(PushRefused, match="'refs/heads/promote' exists; cannot create") as got:
            world.github().push(HEAD, world.main, expected=None)
        assert got.value.problem == "declined"

    @pytest.mark.parametrize(
        ("name", "script", "problem", "words"),
        [
            (
                "pre-receive",
                "echo; echo 'error: GH006: Protected branch update failed for refs/heads/x.';"
                "echo 'error: required'; exit 1",
                "protected",
                "origin protects it: GH006: Protected branch update failed for refs/heads/x.",
            ),
            (
                "pre-receive",
                "echo 'error: GH013: Repository rule violations found for refs/heads/x.'; exit 1",
                "protected",
                "origin protects it: GH013: Repository rule violations found for refs/heads/x.",
            ),
            (
                "update",
                "echo 'Welcome'; echo 'no \x1b[31mred\x1b[0m code'; exit 1",
                "declined",
                "origin declined it: hook declined to update refs/heads/" + HEAD,
            ),
            (
                "pre-receive",
                "printf 'no \\033[31mred code'; exit 1",
                "declined",
                "origin declined it: no \\x1b[31mred code",
            ),
            ("pre-receive", "exit 1", "declined", "it: [remote rejected] (pre-receive hook declin"),
        ],
    )
    def test_github_declines(
        self, world: World, name: str, script: str, problem: str, words: str
    ) -> None:
        hook(world.server.bare, name, f"exec >&2; {script}")
        with pytest.raises(PushRefused) as caught:
            world.github().push(HEAD, world.new_commit(world.main, "x"), expected=None)
        assert caught.value.problem == problem
        assert caught.value.message.startswith(f"{HEAD} was not pushed: ")
        assert words in caught.value.message
        assert world.server.commit(HEAD) is None and world.pauses == []

    def test_the_users_own_hook_declines(self, world: World) -> None:
        path = hook(world.root / ".git", "pre-push", "echo tests; echo 'a secret!' >&2; exit 3")
        github = world.github()
        commit = world.new_commit(world.main, "x")
        with pytest.raises(PushRefused) as caught:
            github.push(HEAD, commit, expected=None)
        assert caught.value.problem == "hook"
        assert caught.value.message == (
            f"{HEAD} was not pushed: the pre-push hook {path} declined it: a secret!"
        )
        path.write_text("#!/bin/sh\nexit 1\n")
        with pytest.raises(PushRefused, match="declined it: no message"):
            github.push(HEAD, commit, expected=None)
        path.unlink()
        assert github.push(HEAD, commit, expected=None)

    def test_the_users_own_hook_elsewhere_has_its_say(self, world: World, tmp_path: Path) -> None:
        git(world.root, "config", "core.hooksPath", str(tmp_path / "hooks"))
        seen = tmp_path / "seen"
        hook(tmp_path, "pre-push", f"cat > {seen}")
        commit = world.new_commit(world.main, "x")
        assert world.github().push(HEAD, commit, expected=None)
        assert f"refs/heads/{HEAD}" in seen.read_text() and commit in seen.read_text()

    def test_the_users_settings_for_own_pushes(self, world: World) -> None:
        git(world.root, "config", "push.followTags", "true")
        git(world.root, "config", "push.recurseSubmodules", "only")
        git(world.root, "tag", "-a", "-m", "x", "v1")
        world.github().push(HEAD, world.new_commit(world.main, "x"), expected=None)
        assert git(world.server.bare, "tag") == b""

    @pytest.mark.parametrize(
        ("said", "problem", "words"),
        [
            (
                "ERROR: Permission to owner/name.git denied to somebody.",
                "permission",
                "no permission on origin: ERROR: Permission to owner/name.git denied to somebody.",
            ),
            ("git@github.com: Permission denied (publickey).", "permission", "(publickey)"),
            ("ERROR: Repository not found.", "permission", "Repository not found"),
            ("nonsense", "other", "git says: nonsense"),
        ],
    )
    def test_ssh_is_turned_away(
        self,
        world: World,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        said: str,
        problem: str,
        words: str,
    ) -> None:
        github = world.github()
        git(world.root, "remote", "set-url", "origin", f"git@{HOST}:owner/name.git")
        program(tmp_path, monkeypatch, "ssh", f"echo '{said}' >&2; exit 255")
        with pytest.raises(PushRefused) as caught:
            github.push(HEAD, world.main, expected=None)
        assert caught.value.problem == problem and words in caught.value.message
        assert world.pauses == []

    def test_no_network(self, world: World) -> None:
        github = world.github()
        # A port that nothing listens on; the secret of the URL stays one.
        git(world.root, "remote", "set-url", "origin", "https://me:secret@127.0.0.1:1/owner/name")
        with pytest.raises(PushRefused) as caught:
            github.push(HEAD, world.main, expected=None)
        assert caught.value.problem == "network"
        assert "origin cannot be reached: " in caught.value.message
        assert "secret" not in caught.value.message
        assert world.pauses == [1, 2, 4, 8, 16]

    def test_a_push_that_fails_after_it_took_effect(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit = world.new_commit(world.main, "x")
        real, flag = shutil.which("git"), tmp_path / "failed"
        program(
            tmp_path,
            monkeypatch,
            "git",
            f'{real} "$@" || exit; case "$*" in *--porcelain*) [ -e {flag} ] && exit; touch {flag};'
            " echo 'fatal: the remote end hung up unexpectedly' >&2; exit 128;; esac",
        )
        assert world.github().push(HEAD, commit, expected=None)
        assert flag.exists() and world.pauses == [1]
        assert world.server.commit(HEAD) == commit

    def test_a_push_that_does_not_end(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        hook(world.root / ".git", "pre-push", "sleep 60")
        monkeypatch.setattr(pushing, "_PUSH_SECONDS", 0.3)
        with pytest.raises(PushRefused, match="git did not end in 0 seconds") as caught:
            world.github().push(HEAD, world.new_commit(world.main, "x"), expected=None)
        assert caught.value.problem == "timeout"

    def test_looked_for_where_pushes_go(self, world: World, tmp_path: Path) -> None:
        mirror = tmp_path / "mirror.git"
        git(world.root, "clone", "--quiet", "--bare", str(world.server.bare), str(mirror))
        git(world.root, "config", "--unset-all", f"url.{world.server.bare.as_uri()}.insteadOf")
        git(world.root, "config", f"url.{mirror.as_uri()}.insteadOf", URL)
        git(world.root, "config", f"url.{world.server.bare.as_uri()}.pushInsteadOf", URL)
        github = world.github()
        commit = world.new_commit(world.main, "x")
        assert github.push(HEAD, commit, expected=None)
        assert github.remote_commit(HEAD) == commit


# -- pull requests


@needs_gh
class TestPullRequests:
    """Pull requests, looked for before they are made."""

    def test_made_and_left_alone_the_next_time(self, world: World) -> None:
        github = world.github()
        world.published(HEAD)
        made = github.ensure(HEAD, "main", "promote(a→b): x", "# Evidence\n\nall well ✓\n")
        pull = made.pull_request
        assert (made.outcome, made.notes) == ("made", ())
        assert (pull.number, pull.state, pull.draft) == (1, "OPEN", False)
        assert (pull.base, pull.head, pull.commit) == ("main", HEAD, world.commit_of(pull.commit))
        assert pull.url == f"https://{HOST}/owner/name/pull/1"
        assert (pull.title, pull.body) == ("promote(a→b): x", "# Evidence\n\nall well ✓\n")
        again = github.ensure(HEAD, "main", "promote(a→b): x", "# Evidence\n\nall well ✓\n")
        assert (again.outcome, again.pull_request) == ("unchanged", pull)
        assert github.find(HEAD) == pull and github.state(1) == "OPEN"
        assert world.server.count("POST", "pulls") == 1
        assert world.server.count("PATCH", ".*") == 0
        assert world.pauses == []

    def test_what_differs_is_brought_up_to_date(self, world: World) -> None:
        github = world.github()
        world.published("below", HEAD)
        github.ensure(HEAD, "below", "old", "old")
        done = github.ensure(HEAD, "main", "new", "new")
        assert done.outcome == "updated"
        pull = done.pull_request
        assert (pull.number, pull.base, pull.title, pull.body) == (1, "main", "new", "new")
        assert len(world.server.pulls) == 1

    def test_line_ends_of_githubs_editor_are_no_difference(self, world: World) -> None:
        world.published(HEAD)
        world.server.pull(HEAD, body="one\r\ntwo")
        assert world.github().ensure(HEAD, "main", "title", "one\ntwo\n").outcome == "unchanged"

    def test_one_without_a_body(self, world: World) -> None:
        world.published(HEAD)
        world.server.pull(HEAD, body=None)
        assert world.github().ensure(HEAD, "main", "title", "").outcome == "unchanged"

    @pytest.mark.parametrize(("merged", "outcome"), [(False, "closed"), (True, "merged")])
    def test_one_that_ended_is_left_alone(self, world: World, merged: bool, outcome: str) -> None:
        world.published(HEAD)
        world.server.pull(HEAD, state="closed", merged=merged)
        github = world.github()
        done = github.ensure(HEAD, "main", "new", "new", labels=["x"], reviewers=["y"])
        assert (done.outcome, done.pull_request.title) == (outcome, "title")
        assert done.pull_request.state == github.state(1) == outcome.upper()
        assert {method for method, _ in world.server.requests} == {"GET"}

    def test_one_that_was_taken_back_is_followed_by_another(self, world: World) -> None:
        world.published(HEAD)
        github = world.github()
        github.ensure(HEAD, "main", "t", "b")
        github.close(1, TAKEN_BACK)
        again = github.ensure(HEAD, "main", "t", "b")
        assert (again.outcome, again.pull_request.number) == ("made", 2)
        assert github.ensure(HEAD, "main", "t", "b").outcome == "unchanged"
        github.close(2, "not wanted")
        assert github.ensure(HEAD, "main", "t", "b").outcome == "closed"

    def test_one_that_was_merged_after_all_is_not(self, world: World) -> None:
        world.published(HEAD)
        world.server.pull(HEAD, state="closed", merged=True, comments=[TAKEN_BACK])
        assert world.github().ensure(HEAD, "main", "t", "b").outcome == "merged"

    def test_the_newest_open_one_else_the_newest(self, world: World) -> None:
        world.published(HEAD, "other")
        first, second = (world.server.pull(HEAD, base=base) for base in ("main", "other"))
        world.server.pull(HEAD, state="closed")
        github = world.github()
        found = github.find(HEAD)
        assert found is not None and found.number == 2
        first.state = second.state = "closed"
        found = github.find(HEAD)
        assert found is not None and found.number == 3
        assert github.find("other") is None

    def test_branches_of_forks_are_others(self, world: World) -> None:
        world.published(HEAD)
        world.server.pull(HEAD, head_repository="somebody/name")
        world.server.pull(HEAD, head_repository="owner/another")  # passes GitHub's filter
        world.server.pull(HEAD, head_repository="gone")
        github = world.github()
        assert github.find(HEAD) is None
        assert github.open_ones("promote/") == ()
        assert github.ensure(HEAD, "main", "t", "b").pull_request.number == 4

    def test_open_ones_by_prefix_through_all_pages(self, world: World) -> None:
        for number in range(1, 251):
            head = f"promote/{number}" if number % 100 == 1 else f"feature/{number}"
            world.server.pull(head, state="closed" if number == 101 else "open")
        assert [pull.number for pull in world.github().open_ones("promote/")] == [1, 201]
        assert world.server.count("GET", "pulls") == 3

    def test_odd_names_of_branches(self, world: World) -> None:
        odd = "promote/a&b=c+d%20#é{owner}"
        world.published(odd)
        github = world.github()
        assert github.ensure(odd, "main", "t", "b").outcome == "made"
        assert github.ensure(odd, "main", "t", "b").outcome == "unchanged"
        assert github.remote_commit(odd) == world.server.commit(odd)

    def test_texts_that_look_like_options_or_fields(self, world: World) -> None:
        world.published(HEAD)
        body = "@/etc/passwd\n--title=x\n\udcff"
        pull = world.github().ensure(HEAD, "main", "-t\n@x\udcff", body).pull_request
        assert pull.title == "-t\\n@x\\xff"
        assert pull.body == "@/etc/passwd\n--title=x\n\\udcff"

    def test_texts_that_are_too_long(self, world: World) -> None:
        world.published(HEAD)
        github = world.github()
        body = "```\n" + "é line of evidence ✓\n" * 5000
        done = github.ensure(HEAD, "main", "t" * 300, body)
        assert done.notes == (
            f"its text is cut: GitHub allows 65,536 characters, and it has {len(body):,}",
        )
        pull = done.pull_request
        assert len(pull.title) == 256 and pull.title.endswith("t…")
        assert len(pull.body) <= MAX_BODY
        assert pull.body.startswith("> This text is cut at its end: GitHub allows 65,536 charac")
        assert pull.body.endswith("\né line of evidence ✓")
        assert github.ensure(HEAD, "main", "t" * 300, body).outcome == "unchanged"

    def test_drafts(self, world: World) -> None:
        github = world.github()
        world.published("one", "two")
        one = github.ensure("one", "main", "t", "b", draft=True)
        assert one.pull_request.draft and one.notes == ()
        world.server.pulls[1].draft = False  # a person found it ready
        assert github.ensure("one", "main", "t", "b", draft=True).outcome == "unchanged"
        world.server.drafts = False
        two = github.ensure("two", "one", "t", "b", draft=True)
        assert not two.pull_request.draft
        assert two.notes == ("it is no draft: the repository does not allow drafts",)

    def test_nothing_to_merge(self, world: World) -> None:
        git(world.root, "push", "--quiet", "origin", f"main:refs/heads/{HEAD}")
        with pytest.raises(Refused) as caught:
            world.github().ensure(HEAD, "main", "t", "b")
        assert caught.value.message == (
            f"{HOST} did not make a pull request of {HEAD}: Validation Failed: "
            f"No commits between main and {HEAD} (HTTP 422)"
        )

    def test_not_allowed_to_make_any(self, world: World) -> None:
        world.published(HEAD)
        world.fail(Answer(403, {"message": "Resource not accessible"}), **MAKING)
        with pytest.raises(Refused, match=r"Resource not accessible \(HTTP 403\)") as caught:
            world.github().ensure(HEAD, "main", "t", "b")
        assert (caught.value.status, caught.value.said) == (403, "Resource not accessible")
        assert world.pauses == []

    @pytest.mark.parametrize(("head", "base"), [("missing", "main"), (HEAD, "missing")])
    def test_a_branch_that_is_not_there(self, world: World, head: str, base: str) -> None:
        world.published(HEAD)
        with pytest.raises(Refused, match="branch missing is not on origin: push it first"):
            world.github().ensure(head, base, "t", "b")
        assert world.pauses == []

    def test_a_branch_that_github_has_not_yet_taken_note_of(self, world: World) -> None:
        world.published(HEAD)
        world.fail(invalid(field="head", code="invalid"), method="POST", path="pulls", times=2)
        assert world.github().ensure(HEAD, "main", "t", "b").outcome == "made"
        assert world.pauses == [1, 2]

    def test_another_run_makes_it_at_the_same_time(self, world: World) -> None:
        world.published(HEAD)
        github = world.github()
        # The first look finds nothing, and then it is there.
        world.fail(Answer(200, []), method="GET", path="pulls")
        world.server.pull(HEAD, title="theirs")
        done = github.ensure(HEAD, "main", "mine", "b")
        assert (done.pull_request.number, done.pull_request.title) == (1, "mine")
        assert len(world.server.pulls) == 1

    def test_state_of_one_that_is_not_there(self, world: World) -> None:
        with pytest.raises(Refused, match=r"tell of pull request #7: Not Found \(HTTP 404\)"):
            world.github().state(7)


@needs_gh
class TestLabelsAndReviewers:
    """What a pull request has besides, and may lack."""

    def test_labels_are_made_and_added_once(self, world: World) -> None:
        world.published("one", "two")
        world.server.labels = {"Promotion"}
        github = world.github()
        labels = ["promotion", "lane: core/x y", "promotion"]
        done = github.ensure("one", "main", "t", "b", labels=labels)
        assert done.pull_request.labels == ("Promotion", "lane: core/x y")
        assert world.server.labels == {"Promotion", "lane: core/x y"}
        world.server.pulls[1].labels.append("by a person")
        world.server.requests.clear()
        again = github.ensure("one", "main", "t", "b", labels=labels)
        assert again.outcome == "unchanged"
        assert again.pull_request.labels == ("Promotion", "by a person", "lane: core/x y")
        assert {method for method, _ in world.server.requests} == {"GET"}
        github.ensure("two", "main", "t", "b", labels=labels)
        assert world.server.count("GET", "labels/.*") == 0  # known by now

    def test_a_label_that_cannot_be_made(self, world: World) -> None:
        world.published(HEAD)
        world.server.labels, world.server.may_label = {"old"}, False
        done = world.github().ensure(HEAD, "main", "t", "b", labels=["new", "old"])
        assert (done.outcome, done.pull_request.labels) == ("made", ("old",))
        assert done.notes == (
            f"it has no label new: {HOST} did not make label new: "
            "Resource not accessible by personal access token (HTTP 403)",
        )

    def test_a_label_that_comes_later(self, world: World) -> None:
        world.published(HEAD)
        world.server.pull(HEAD)
        done = world.github().ensure(HEAD, "main", "title", "body", labels=["late"])
        assert (done.outcome, done.pull_request.labels) == ("updated", ("late",))

    def test_a_label_that_cannot_be_looked_for(self, world: World) -> None:
        world.published(HEAD)
        world.fail(Answer(403, {"message": "No"}), method="GET", path="labels/x")
        done = world.github().ensure(HEAD, "main", "t", "b", labels=["x"])
        assert (done.outcome, done.pull_request.labels) == ("made", ())
        assert done.notes == (f"it has no label x: {HOST} did not look for label x: No (HTTP 403)",)

    def test_a_label_made_by_a_try_that_seemed_to_fail(self, world: World) -> None:
        world.published(HEAD)
        world.fail(None, after=True, method="POST", path="labels")
        done = world.github().ensure(HEAD, "main", "t", "b", labels=["new"])
        assert (done.pull_request.labels, done.notes) == (("new",), ())

    def test_labels_that_are_not_taken(self, world: World) -> None:
        world.published(HEAD)
        world.fail(Answer(410, {"message": "Issues are disabled"}), path=r"issues/\d+/labels")
        done = world.github().ensure(HEAD, "main", "t", "b", labels=["new"])
        assert done.outcome == "made"
        assert done.notes == (
            f"it has not got its labels: {HOST} did not label #1: Issues are disabled (HTTP 410)",
        )

    def test_reviewers_are_asked(self, world: World) -> None:
        world.published(HEAD)
        world.server.collaborators, world.server.teams = {"ann", "bob"}, {"core"}
        names = ["@ann", "bob", "@Owner/core", "@planner", "@ann"]
        done = world.github().ensure(HEAD, "main", "t", "b", reviewers=names)
        assert (done.outcome, done.notes) == ("made", ())
        pull = world.server.pulls[1]
        assert (pull.reviewers, pull.teams) == (["ann", "bob"], ["core"])
        assert world.server.count("POST", "pulls/1/requested_reviewers") == 1

    def test_reviewers_who_cannot_be_asked_do_not_spoil_the_rest(self, world: World) -> None:
        world.published(HEAD)
        world.server.collaborators = {"ann"}
        names = ["@stranger", "@ann", "@owner/unknown", "@elsewhere/core"]
        done = world.github().ensure(HEAD, "main", "t", "b", reviewers=names)
        assert done.outcome == "made"
        assert world.server.pulls[1].reviewers == ["ann"]
        said = "is not asked for a review: Reviews may only be requested from collaborators."
        assert done.notes == (
            "elsewhere/core is not asked for a review: no team of owner",
            f"stranger {said}",
            f"unknown {said}",
        )

    def test_one_reviewer_who_cannot_be_asked(self, world: World) -> None:
        world.published(HEAD)
        done = world.github().ensure(HEAD, "main", "t", "b", reviewers=["@stranger"])
        assert len(done.notes) == 1
        assert world.server.count("POST", "pulls/1/requested_reviewers") == 1

    def test_nobody_is_asked_twice(self, world: World) -> None:
        world.published("asked", "reviewed", "neither")
        world.server.collaborators = {"ann", "bob"}
        asked = world.server.pull("asked", reviewers=["bob"])
        reviewed = world.server.pull("reviewed", reviews=["bob"])
        neither = world.server.pull("neither")  # a run ended before it asked
        github = world.github()
        for head in ("asked", "reviewed", "neither"):
            github.ensure(head, "main", "title", "body", reviewers=["@ann"])
        assert [p.reviewers for p in (asked, reviewed, neither)] == [["bob"], [], ["ann"]]

    def test_the_author_alone_is_nobody_to_ask(self, world: World) -> None:
        world.published(HEAD)
        done = world.github().ensure(HEAD, "main", "t", "b", reviewers=["@Planner"])
        assert done.notes == ()
        assert world.server.count("POST", "pulls/1/requested_reviewers") == 0

    def test_github_fails_when_reviewers_are_asked(self, world: World) -> None:
        world.published(HEAD)
        world.server.collaborators = {"ann"}
        world.fail(Answer(502), path=".*/requested_reviewers", times=99)
        done = world.github().ensure(HEAD, "main", "t", "b", reviewers=["@ann"])
        assert done.outcome == "made"
        assert done.notes == (
            f"nobody is asked for a review: {HOST} did not ask for reviews of #1: HTTP 502, 6 times",
        )


@needs_gh
class TestClose:
    """Pull requests closed with a word why."""

    def test_closed_with_a_comment_once(self, world: World) -> None:
        pull = world.server.pull(HEAD)
        github = world.github()
        assert github.close(1, "rolled back").state == "CLOSED"
        assert github.close(1, "rolled back").state == "CLOSED"
        assert (pull.state, pull.comments) == ("closed", ["rolled back"])

    def test_closed_without_a_comment(self, world: World) -> None:
        pull = world.server.pull(HEAD)
        world.github().close(1)
        assert (pull.state, pull.comments) == ("closed", [])

    def test_one_that_was_merged_is_left_alone(self, world: World) -> None:
        pull = world.server.pull(HEAD, state="closed", merged=True)
        assert world.github().close(1, "rolled back").state == "MERGED"
        assert pull.comments == []

    def test_a_run_ended_between_comment_and_close(self, world: World) -> None:
        pull = world.server.pull(HEAD, comments=["rolled back\r\n"])
        world.github().close(1, "rolled back")
        assert (pull.state, pull.comments) == ("closed", ["rolled back\r\n"])

    def test_the_connection_closes_after_the_comment(self, world: World) -> None:
        pull = world.server.pull(HEAD)
        world.fail(None, after=True, path="issues/1/comments", method="POST")
        world.github().close(1, "rolled back")
        assert pull.comments == ["rolled back"]


# -- what fails for a while


def limited(**headers: str) -> Answer:
    """Return GitHub's answer to too many requests."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(403, {"message": SECONDARY_LIMIT}, named)


def used_up(resets: int) -> Answer:
    """Return GitHub's answer to more requests than an hour has."""
    headers = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(resets)))
    return Answer(403, {"message": "API limit exceeded"}, headers)


@needs_gh
class TestBackOff:
    """What fails for a while is tried again, and nothing is made twice."""

    @pytest.mark.parametrize("which", [READING, MAKING, CHANGING], ids=["read", "make", "change"])
    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize(
        ("answer", "pauses"),
        [
            (None, [1, 2]),
            (Answer(502, {"message": "Server Error"}), [1, 2]),
            (Answer(500), [1, 2]),
            (Answer(200, {"number": 1}, broken=True), [1, 2]),
        ],
        ids=["closed", "502", "500", "broken"],
    )
    def test_twice(
        self,
        world: World,
        which: dict[str, str],
        after: bool,
        answer: Answer | None,
        pauses: list[float],
    ) -> None:
        world.published(HEAD)
        if which is CHANGING:
            world.server.pull(HEAD, title="old")
        world.fail(answer, after=after, times=2, **which)
        github = world.github()
        done = github.ensure(HEAD, "main", "title", "body")
        assert done.outcome == ("updated" if which is CHANGING else "made")
        assert done.pull_request.title == "title"
        assert len(world.server.pulls) == 1
        # What was made although it seemed to fail is found before it is tried again.
        made_at_once = which is MAKING and after
        assert world.pauses == (pauses[:1] if made_at_once else pauses)

    @pytest.mark.parametrize(
        ("answer", "pauses"),
        [
            (limited(Retry_After="7"), [7, 7]),
            (limited(Retry_After="0"), [1, 1]),
            (limited(), [60, 120]),
            (limited(Retry_After="soon"), [60, 120]),
            (Answer(429, {"message": "Too many"}, (("Retry-After", "9"),)), [9, 9]),
            (Answer(429), [60, 120]),
            (used_up(NOW_SECONDS + 40), [41, 41]),
            (used_up(NOW_SECONDS - 40), [1, 1]),
        ],
        ids=["named", "at once", "no time", "no number", "429", "429 bare", "used up", "reset"],
    )
    def test_limited_twice(self, world: World, answer: Answer, pauses: list[float]) -> None:
        world.published(HEAD)
        world.fail(answer, times=2, **MAKING)
        assert world.github().ensure(HEAD, "main", "title", "body").outcome == "made"
        assert len(world.server.pulls) == 1
        assert world.pauses == pauses

    def test_limited_everywhere(self, world: World) -> None:
        world.published(HEAD)
        world.server.pull(HEAD, title="old")
        world.server.collaborators = {"ann"}
        github = world.github()
        for path in ("pulls", r"pulls/1", "labels/x", "labels", ".*/labels", ".*/reviews", ".*ers"):
            world.fail(limited(Retry_After="3"), path=path)
        done = github.ensure(HEAD, "main", "title", "b", labels=["x"], reviewers=["ann"])
        assert (done.outcome, done.notes) == ("updated", ())
        assert (world.server.pulls[1].labels, world.server.pulls[1].reviewers) == (["x"], ["ann"])
        assert world.pauses == [3] * 7

    def test_github_asks_for_more_patience_than_there_is(self, world: World) -> None:
        github = world.github()
        world.fail(limited(Retry_After="3600"))
        with pytest.raises(EnvironmentFailure) as caught:
            github.find(HEAD)
        assert caught.value.message == (
            f"{HOST} did not look for pull requests of {HEAD}, and asks to wait 60 minutes: "
            f"{SECONDARY_LIMIT}"
        )
        assert world.pauses == []

    def test_github_names_no_time_and_never_has_enough(self, world: World) -> None:
        github = world.github()
        world.fail(limited(), times=99)
        with pytest.raises(EnvironmentFailure) as caught:
            github.find(HEAD)
        assert caught.value.message == (
            f"{HOST} did not look for pull requests of {HEAD}: {SECONDARY_LIMIT}, 6 times"
        )
        assert world.pauses == [60, 120, 240, 480, 900]

    def test_it_never_gets_better(self, world: World) -> None:
        world.published(HEAD)
        github = world.github()
        world.fail(Answer(503), method="POST", path="pulls", times=99)
        with pytest.raises(EnvironmentFailure) as caught:
            github.ensure(HEAD, "main", "t", "b")
        assert caught.value.message == (
            f"{HOST} did not make a pull request of {HEAD}: HTTP 503, 6 times"
        )
        assert world.pauses == [1, 2, 4, 8, 16, 32]  # after the last, a last look
        assert world.server.count("POST", "pulls") == 6

    def test_an_ordinary_refusal_is_not_repeated(self, world: World) -> None:
        github = world.github()
        said = "Resource protected by \x1b[1mSAML\nenforcement"
        world.fail(Answer(403, {"message": said}))
        with pytest.raises(Refused) as caught:
            github.find(HEAD)
        # How gh itself shows an escape character depends on its version.
        assert re.fullmatch(
            rf"{HOST} did not look for pull requests of {HEAD}: "
            r"Resource protected by \S+\[1mSAML enforcement \(HTTP 403\)",
            caught.value.message,
        )
        assert caught.value.message.isprintable()
        assert world.pauses == []

    def test_the_login_ends_in_between(self, world: World) -> None:
        github = world.github()
        world.server.login_holds = False
        with pytest.raises(EnvironmentFailure, match=f"gh is not logged in to {HOST}: run `gh"):
            github.ensure(HEAD, "main", "t", "b")
        assert world.pauses == []

    def test_an_error_page_in_place_of_json(self, world: World) -> None:
        github = world.github()
        world.fail(Answer(404, "<html>"))
        with pytest.raises(Refused, match=r"of x: HTTP 404 \(HTTP 404\)"):
            github.find("x")

    def test_gh_hangs(self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        github = world.github()
        program(tmp_path, monkeypatch, "gh", "sleep 60")
        monkeypatch.setattr(network, "_REQUEST_SECONDS", 0.1)
        with pytest.raises(EnvironmentFailure, match="no answer within 0 seconds, 6 times"):
            github.find(HEAD)
        assert world.pauses == [1, 2, 4, 8, 16]

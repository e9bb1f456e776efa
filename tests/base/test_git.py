"""The environment in which git answers for the repository that a path names."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lane_planner.base import git as module
from lane_planner.base.git import REPOSITORY_VARIABLES, Git


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Forget the environment that was seen first, before and after a test."""
    module._environment.cache_clear()
    yield
    module._environment.cache_clear()


def test_every_variable_that_git_ties_to_a_repository_is_known() -> None:
    listed = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, check=True, text=True
    )
    assert set(listed.stdout.split()) <= REPOSITORY_VARIABLES


@pytest.mark.parametrize(
    "bending",
    [
        pytest.param({"GIT_CONFIG": "/dev/null"}, id="another file of settings"),
        pytest.param({"GIT_DIR": "/nowhere"}, id="another repository"),
        pytest.param({"GIT_NAMESPACE": "other"}, id="a part of it"),
        pytest.param(
            {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"},
            id="the user's own settings, which count",
        ),
    ],
)
def test_the_repository_s_own_settings_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bending: dict[str, str]
) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    git = Git.require(tmp_path)
    git.out("config", "remote.origin.url", "there")
    for name, value in bending.items():
        monkeypatch.setenv(name, value)
    module._environment.cache_clear()
    assert git.out("config", "--get", "remote.origin.url") == b"there\n"
    asked = git.ask("config", "--get", "a.b")
    assert (asked.stdout == b"c\n") == ("GIT_CONFIG_COUNT" in bending)


def test_how_git_gets_to_a_server_and_finds_its_programs_is_the_user_s_affair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = {
        "GIT_ASKPASS": "ask",
        "GIT_EXEC_PATH": "/opt/git/libexec",
        "GIT_HTTP_LOW_SPEED_LIMIT": "1",
        "GIT_PROXY_SSL_CERT": "cert",
        "GIT_SSH_COMMAND": "ssh -v",
        "GIT_SSL_CAINFO": "ca",
    }
    gone = {"GIT_EXTERNAL_DIFF": "x", "GIT_ICASE_PATHSPECS": "1", "GIT_TRACE": "1"}
    for name, value in (kept | gone).items():
        monkeypatch.setenv(name, value)
    made = module._environment()
    assert kept.items() <= made.items()
    assert not gone.keys() & made.keys()

"""Repositories to promote in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lane_planner.base import git as base_git
from tests.executor.repositories import ENVIRONMENT, FILES, make_dirty, new_repository


@pytest.fixture(autouse=True)
def fixed_git(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the tester's git configuration out, and the dates fixed."""
    for name, value in ENVIRONMENT.items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)
    base_git._environment.cache_clear()
    yield
    base_git._environment.cache_clear()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose checkout is dirty."""
    top = new_repository(tmp_path / "repo", FILES)
    make_dirty(top)
    return top

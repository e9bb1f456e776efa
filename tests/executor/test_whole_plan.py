"""The whole plan of the full fixture, carried out: the tree at its end is no worse than before."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from fixtures.build import build
from lane_planner.executor.apply import ApplyOptions
from lane_planner.report.documents import to_json
from lane_planner.repository.repository import Repository
from tests.executor.repositories import git

pytestmark = pytest.mark.long

_DAY = datetime.date(2026, 1, 1)


class _Checked:
    """What `check --cycles` finds in a tree, with modules told by where they are in the end.

    Args:
        root: the tree.
        moved: source of each move → its target.
    """

    def __init__(self, root: Path, moved: Mapping[str, str]) -> None:
        repository = Repository.open(root)
        modules = repository.graph().modules
        found = repository.check(today=_DAY, cycles=True)
        assert found.cycles is not None

        def place(name: str) -> str:
            if name not in modules:
                return name  # there is no such module
            path = modules[name].path
            return moved.get(path, path)

        self.violations = Counter(
            (one.code, place(one.importer), place(one.imported)) for one in found.violations
        )
        self.cycles = Counter(
            (one.code, frozenset(map(place, one.modules))) for one in found.cycles
        )


def test_the_tree_at_the_end_has_no_finding_that_the_base_had_not(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    build(root)
    repository = Repository.open(root)
    plan = repository.plan("candidate", "core", coverage=repository.coverage())
    moved = {move.source: move.target for step in plan.steps for move in step.moves}
    assert len(moved) > 1000
    before = _Checked(root, moved)
    result = Repository.open(root).apply(
        to_json(plan).encode(), "plan.json", ApplyOptions(gates=False)
    )
    assert (len(result.steps), result.left_out) == (len(plan.steps), ())

    (branch,) = result.branches
    tip = tmp_path / "tip"
    git(tmp_path, "clone", "--quiet", "--branch", branch.name, str(root), str(tip))
    after = _Checked(tip, {})
    assert after.violations - before.violations == Counter()
    assert after.cycles == before.cycles

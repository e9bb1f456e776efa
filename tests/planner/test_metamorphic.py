"""What has to stay the same in a plan when something else changes."""

from __future__ import annotations

import re

from hypothesis import given

from lane_planner.planner.schema import Plan, read_plan, sealed
from lane_planner.report.documents import to_json
from lane_planner.report.plans import plan_text
from tests.planner.worlds import Story, stories

_STEM = re.compile(r"\b([mkstnp])(\d?)\b")
_RENAMED = re.compile(r"\bq([mkstnp]\d?)\b")


def renamed(story: Story) -> Story:
    """Return a story whose modules have other names, in the same order."""
    files = {_STEM.sub(r"q\1\2", path): text for path, text in story.files.items()}
    texts = {path: _STEM.sub(r"q\1\2", text) for path, text in files.items()}
    coverage = story.coverage
    return Story(
        texts,
        story.settings,
        {_STEM.sub(r"q\1\2", path): fault for path, fault in story.faults.items()},
        None if coverage is None else {_STEM.sub(r"q\1\2", p): c for p, c in coverage.items()},
        story.world,
    )


def written(plan: Plan) -> str:
    return re.sub(r'"digest": ".*"', "", to_json(plan))


def by_modules(plan: Plan) -> dict[tuple[str, ...], object]:
    """Return what is planned for each step, ids and numbers left out."""
    name = {step.id: step.modules for step in plan.steps}
    return {
        step.modules: (
            step.moves,
            step.rewrites,
            {name[earlier] for earlier in step.after},
            step.gates,
            step.score,
        )
        for step in plan.steps
    }


@given(stories())
def test_other_names_change_nothing_but_names(story: Story) -> None:
    assert written(story.plan()) == _RENAMED.sub(r"\1", written(renamed(story).plan()))


@given(stories())
def test_a_module_that_has_nothing_to_do_with_it_changes_nothing(story: Story) -> None:
    plan = story.plan()
    files = {**story.files, "matriz/unrelated.py": "x = 1\n"}
    beside = Story(files, story.settings, story.faults, story.coverage, story.world).plan()
    assert written(plan) == written(beside)


@given(stories())
def test_one_more_module_to_move_is_one_more_step(story: Story) -> None:
    plan, home = story.plan(), story.world.source
    files = {**story.files, f"{home}/zz.py": "x = 1\n"}
    coverage = story.coverage
    if coverage is not None:
        coverage = {**coverage, f"{home}/zz.py": 1.0}
    more = Story(files, story.settings, story.faults, coverage, story.world).plan()
    steps = by_modules(more)
    del steps[(f"{home}.zz",)]
    assert steps == by_modules(plan)
    assert more.blocked == plan.blocked
    assert more.unlocks == plan.unlocks


@given(stories())
def test_no_two_batches_of_a_wave_touch_a_file(story: Story) -> None:
    plan = story.plan()
    owner: dict[tuple[int, str], int] = {}
    for step in plan.steps:
        for path in {*step.rewrites, *(p for m in step.moves for p in (m.source, m.target))}:
            assert owner.setdefault((step.wave, path), step.batch) == step.batch
    for batch in plan.batches:
        steps = [step for step in plan.steps if step.batch == batch.id]
        assert [step.id for step in steps] == list(batch.steps)
        assert {step.wave for step in steps} == {batch.wave}
        assert batch.moved == sum(len(step.moves) for step in steps)
        assert all(earlier < batch.id for earlier in batch.after)
        needed = {s.batch for step in steps for s in plan.steps if s.id in step.after}
        assert needed - {batch.id} <= set(batch.after)


@given(stories())
def test_a_plan_is_read_back_as_it_was_written(story: Story) -> None:
    plan = story.plan()
    again = read_plan(to_json(plan).encode(), "plan.json")
    assert again == plan
    assert sealed(again).digest == plan.digest
    assert plan_text(plan, width=80) == plan_text(again, width=80)

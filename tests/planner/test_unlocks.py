"""Unlocks: what a fix is said to free is what mending the files frees."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec
import pytest
from hypothesis import given

from lane_planner.base.errors import UsageError
from lane_planner.planner.assume import Assumption, assume
from lane_planner.planner.hop import Facts, Hop, blocked_names
from lane_planner.planner.plan import make_plan
from lane_planner.planner.schema import Fix
from lane_planner.planner.unlocks import Obstacles, obstacles, unlocks_of
from lane_planner.scan.records import SyntaxFault
from tests.planner.worlds import Story, facts_of, model_settings, opened, stories

# What mending means for the sources of a story; the rest is renaming and making room.
MENDABLE = {"LP101", "LP201", "LP202", "LP301", "LP302", "LP402", "LP404", "LP901"}


def repaired(story: Story, facts: Facts, found: Obstacles, chosen: Collection[int]) -> Story:
    """Return a story in whose files some fixes are made, with a text editor so to say."""
    lines = {path: text.split("\n") for path, text in story.files.items()}
    faults = dict(story.faults)
    coverage = None if story.coverage is None else dict(story.coverage)
    gone: set[tuple[str, str, bool]] = set()
    for index in chosen:
        fix = found.fixes[index]
        gone.update((a, b, True) for a, b in fix.breakers)
        for (_, cause), other in found.of.items():
            if other == index and cause.imported and not fix.breakers:
                gone.add((cause.importer, cause.imported, False))
        if fix.code == "LP901":
            del faults[fix.path]
        if fix.code == "LP404" and coverage is not None:
            coverage[fix.path] = 1.0
    for importer, imported, eager in gone:
        for site in facts.graph.sites_in(importer):
            if site.imported == imported and (site.kind == "eager" or not eager):
                own = lines[facts.graph.modules[importer].path]
                own[site.line - 1] = re.sub(r"\S.*", "pass", own[site.line - 1])
    files = {path: "\n".join(text) for path, text in lines.items()}
    return Story(files, story.settings, faults, coverage, story.world)


def movable(facts: Facts, hop: Hop) -> int:
    return make_plan(facts, hop, commit=None).summary.promotable


@given(stories())
def test_each_fix_alone_frees_what_it_is_said_to_free(story: Story) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    found = obstacles(facts, hop)
    said = {unlock.fix: unlock.frees for unlock in unlocks_of(facts, hop).alone}
    assert said.keys() == set(found.fixes)
    before = movable(facts, hop)
    for index, fix in enumerate(found.fixes):
        if fix.code in MENDABLE:
            better = repaired(story, facts, found, [index])
            assert movable(better.facts(), better.hop(better.facts())) - before == said[fix], fix


@given(stories())
def test_the_running_total_is_what_all_of_them_free(story: Story) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    found = obstacles(facts, hop)
    listed = unlocks_of(facts, hop).unlocks
    before = movable(facts, hop)
    made: list[int] = []
    for unlock in listed:
        if unlock.fix.code not in MENDABLE:
            break
        made.append(found.fixes.index(unlock.fix))
        better = repaired(story, facts, found, made)
        after = movable(better.facts(), better.hop(better.facts()))
        assert after - before == unlock.running_total


@given(stories())
def test_assuming_all_that_can_be_mended_frees_all(story: Story) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    found = obstacles(facts, hop)
    ids = tuple(fix.id for fix in found.fixes)
    assert len(set(ids)) == len(ids)
    if not ids:
        return
    assumed = assume(facts, hop.source, hop.target, Assumption(fixed=ids))
    # What arrives then may close a circle: nobody could have known of that before.
    left = blocked_names(assumed.hop)
    new = {c.code for causes in assumed.hop.causes.values() for c in causes}
    assert new <= {"LP201", "LP202"}
    assert movable(assumed.facts, assumed.hop) == len(hop.candidates) - len(left)


@given(stories())
def test_the_list_is_greedy_and_names_each_fix_once(story: Story) -> None:
    facts = story.facts()
    found = unlocks_of(facts, story.hop(facts))
    fixes = [unlock.fix for unlock in found.unlocks]
    assert len(set(fixes)) == len(fixes)
    totals = [unlock.running_total for unlock in found.unlocks]
    if all(fix.code not in ("LP201", "LP202") for fix in fixes):
        assert totals == sorted(totals)
    if found.unlocks and found.alone[0].frees:
        assert found.unlocks[0].frees == found.alone[0].frees
    assert [u.frees for u in found.alone] == sorted((u.frees for u in found.alone), reverse=True)


CHAIN = {
    "candidate/a.py": "import candidate.b\n",
    "candidate/b.py": "import candidate.c\nimport core.gone\n",
    "candidate/c.py": "import lukhas.x\ndef f():\n    import lukhas.x\n",
    "candidate/d.py": "import core.gone\n",
    "candidate/p/e.py": "import candidate.p.f\n",
    "candidate/p/f.py": "import lukhas.x\n",
    "lukhas/x.py": "",
}


def unlocked(files: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    facts = facts_of(files, model_settings())
    return {
        unlock.fix.id: (unlock.frees, unlock.running_total)
        for unlock in unlocks_of(facts, opened(facts)).unlocks
    }


def test_fixes_are_imports_missing_modules_and_files() -> None:
    assert unlocked(CHAIN) == {
        "LP101:candidate.p.f:lukhas.x": (2, 2),
        "LP101:candidate.c:lukhas.x": (1, 3),
        "LP301:core.gone": (1, 6),
    }
    facts = facts_of(CHAIN, model_settings())
    (fix,) = (f for f in obstacles(facts, opened(facts)).fixes if f.importer == "candidate.c")
    assert (fix.path, fix.line, fix.lines) == ("candidate/c.py", 1, (1, 3))
    assert fix.what == (
        "remove the import of lukhas.x in candidate/c.py:1: core may not import lane lukhas"
    )


def test_directories_mended_whole() -> None:
    facts = facts_of(CHAIN, model_settings())
    found = unlocks_of(facts, opened(facts)).packages
    assert [(p.directory, p.frees, p.files) for p in found] == [
        ("candidate", 6, 4),
        ("candidate/p", 2, 1),
    ]


def test_a_circle_is_one_fix_that_names_its_cheapest_cut() -> None:
    files = {
        "candidate/a.py": "import candidate.b\n",
        "candidate/b.py": "import candidate.c\nimport candidate.a\n",
        "candidate/c.py": "import candidate.a\n",
        "candidate/user.py": "import candidate.c\n",
    }
    facts = facts_of(files, model_settings())
    (unlock,) = unlocks_of(facts, opened(facts)).unlocks
    assert unlock.fix.id == "LP201:candidate.a"
    assert unlock.fix.breakers == (("candidate.a", "candidate.b"),)
    assert (unlock.frees, unlock.running_total) == (4, 4)


def test_a_removed_breaker_is_no_need_any_more() -> None:
    # Without the import of b, a is free of what blocks b.
    files = {
        "candidate/a.py": "import candidate.b\n",
        "candidate/b.py": "import candidate.a\nimport lukhas.x\n",
        "lukhas/x.py": "",
    }
    facts = facts_of(files, model_settings())
    alone = {u.fix.id: u.frees for u in unlocks_of(facts, opened(facts)).alone}
    assert alone == {"LP201:candidate.a": 1, "LP101:candidate.b:lukhas.x": 0}


def test_what_is_assumed_may_be_said_in_several_ways() -> None:
    facts = facts_of(CHAIN, model_settings())
    hop = opened(facts)
    for said in (
        "LP101:candidate.p.f:lukhas.x",
        "candidate.p.f",
        "candidate/p/f.py",
        "candidate/p/",
    ):
        assumed = assume(facts, hop.source, hop.target, Assumption(fixed=(said,)))
        assert assumed.what == ("fixed:LP101:candidate.p.f:lukhas.x",)
        assert movable(assumed.facts, assumed.hop) == 2
    with pytest.raises(UsageError, match=r"nothing to mend that is called candidate\.nope"):
        assume(facts, hop.source, hop.target, Assumption(fixed=("candidate.nope",)))


def test_modules_are_assumed_promoted_whatever_stands_in_their_way() -> None:
    facts = facts_of(CHAIN, model_settings())
    hop = opened(facts)
    assumed = assume(facts, hop.source, hop.target, Assumption(promoted=("candidate.c",)))
    assert assumed.what == ("promoted:candidate.c",)
    assert "core.c" in assumed.facts.graph.modules
    assert "candidate.c" not in assumed.facts.graph.modules
    for said, why in (
        ("candidate.p", "is a package without code of its own"),
        ("candidate.nope", "no module or path is called candidate.nope"),
    ):
        with pytest.raises(UsageError, match=why):
            assume(facts, hop.source, hop.target, Assumption(promoted=(said,)))


def test_more_fixes_than_one_look_holds_are_listed_all_the_same() -> None:
    lines = "".join(f"import lukhas.x{n:03}\n" for n in range(80))
    files = {"candidate/a.py": lines, "candidate/b.py": "import candidate.a\n"}
    files |= {f"lukhas/x{n:03}.py": "" for n in range(80)}
    facts = facts_of(files, model_settings())
    hop = opened(facts)
    found = unlocks_of(facts, hop)
    assert [unlock.running_total for unlock in found.unlocks] == [0] * 79 + [2]
    assert len(found.alone) == 80
    assert len(unlocks_of(facts, hop, 10).unlocks) == 10


def test_a_file_that_does_not_parse() -> None:
    facts = facts_of(
        {"candidate/a.py": "", "candidate/b.py": "import candidate.a\n"},
        model_settings(),
        faults={"candidate/a.py": SyntaxFault(3, "invalid syntax")},
    )
    (unlock,) = unlocks_of(facts, opened(facts)).unlocks
    assert msgspec.structs.replace(unlock.fix, what="") == Fix(
        "LP901", "candidate.a", "", "candidate/a.py", 3, "LP901:candidate.a", (3,)
    )
    assert (unlock.frees, unlock.running_total) == (2, 2)

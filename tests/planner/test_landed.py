"""The repository after a hop, as planning foresees it and as promotions make it."""

from __future__ import annotations

import msgspec
from hypothesis import assume, given

from lane_planner.config.settings import Lane
from lane_planner.graph.graph import build_graph
from lane_planner.planner.hop import Facts, open_hop
from lane_planner.planner.landed import landed
from lane_planner.planner.plan import Choice, make_plan
from lane_planner.promotion.compose import compose
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.values import FileMove
from lane_planner.rules.lanes import lane_paths
from tests.oracles.brute_force import World
from tests.planner.worlds import Story, facts_of, model_settings, opened, stories
from tests.promotion.trees import mentions_of, workspace_of

Edge = tuple[str, str, str, bool, str | None]


def edges(facts: Facts) -> set[Edge]:
    """Return the imports of modules of the repository, or of what it lacks."""
    return {
        (site.importer, site.imported, site.kind, site.optional, site.fault)
        for site in facts.graph.sites
        if not site.external
    }


def promoted(story: Story) -> Facts | None:
    """Return the facts after the story's plan was carried out, or None where a step is refused."""
    facts = story.facts()
    plan = story.plan()
    files = {path: text.encode() for path, text in story.files.items()}
    workspace = workspace_of(files, story.settings)
    mentions = mentions_of(files)
    hop = story.hop(facts)
    for step in plan.steps:
        moves = [FileMove(move.source, move.target) for move in step.moves]
        try:
            composed = compose(workspace, hop.source, hop.target, moves, mentions, name="x")
        except Refused:
            return None
        workspace.take_over(
            composed.table,
            composed.records,
            {move.source: move.target for move in moves},
            {write.path: write.content for write in composed.promotion.writes},
            composed.promotion.deletes,
            [w.path for w in composed.promotion.writes if w.reason == "made"],
            composed.affected,
        )
    graph = build_graph(workspace.records, lane_paths=lane_paths(story.settings))
    return msgspec.structs.replace(
        facts, graph=graph, records=workspace.records, made=frozenset(workspace.made)
    )


@given(stories())
def test_what_is_foreseen_is_what_promotions_make(story: Story) -> None:
    real = promoted(story)
    assume(real is not None)
    assert real is not None
    facts, plan = story.facts(), story.plan()
    names = [name for step in plan.steps for name in step.modules]
    foreseen = landed(facts, story.hop(facts), names)
    assert foreseen.records.keys() == real.records.keys()
    assert foreseen.made == real.made
    assert foreseen.graph.modules.keys() == real.graph.modules.keys()
    assert edges(foreseen) == edges(real)


@given(stories())
def test_later_hops_are_planned_on_what_the_first_leaves(story: Story) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    following = story.settings.lane(hop.target.promotes_to or "")
    assume(following is not None)
    assert following is not None
    plan = make_plan(facts, hop, commit=None, onward=[following])
    first = [step for step in plan.steps if step.hop == 0]
    assert [s.modules for s in first] == [s.modules for s in story.plan().steps]
    after = landed(facts, hop, [name for step in first for name in step.modules])
    second = open_hop(after, hop.target, following)
    arrived = {hop.renamed[name] for step in first for name in step.modules}
    for step in plan.steps:
        if step.hop == 1:
            assert set(step.modules) <= set(second.candidates)
            # Whoever has come by the plan waits for the step that brought it.
            brought = [s.id for s in first if {hop.renamed[n] for n in s.modules} & {*step.modules}]
            assert set(brought) <= set(step.after)
            assert step.wave > max((s.wave for s in first), default=0)
    moved = {name for step in plan.steps if step.hop == 1 for name in step.modules}
    stuck = {entry.module for entry in plan.blocked if entry.hop == 1}
    assert arrived <= moved | stuck
    assert plan.summary.promotable == len(arrived & moved)


FILES = {
    "candidate/p/__init__.py": "",
    "candidate/p/a.py": "import candidate.q\nfrom matriz import m\n",
    "candidate/q.py": "",
    "core/user.py": "import candidate.p.a\n",
    "matriz/m.py": "",
    "core/__init__.py": "",
}


def test_one_module_all_the_way_takes_with_it_what_must() -> None:
    facts = facts_of(FILES, model_settings())
    hop = opened(facts)
    settings = facts.settings
    lanes = [lane for name in ("lukhas", "products") if (lane := settings.lane(name))]
    plan = make_plan(
        facts, hop, commit=None, choice=Choice(goals=frozenset({"candidate.p.a"})), onward=lanes
    )
    assert [(step.hop, step.modules) for step in plan.steps] == [
        (0, ("candidate.q",)),
        (0, ("candidate.p.a",)),
        (1, ("core.user",)),
        (1, ("core.p.a",)),
        (2, ("lukhas.user",)),
        (2, ("lukhas.p.a",)),
    ]
    assert plan.blocked == ()
    assert [(hop.source, hop.target) for hop in plan.hops] == [
        ("candidate", "core"),
        ("core", "lukhas"),
        ("lukhas", "products"),
    ]
    assert [step.after for step in plan.steps] == [
        (),
        ("s0001",),
        (),
        ("s0002", "s0003"),
        ("s0003",),
        ("s0004", "s0005"),
    ]


def test_a_lane_of_one_file_lands() -> None:
    settings = msgspec.structs.replace(
        model_settings(),
        lanes=(
            Lane("low", ("low.py",), frozenset({"high"}), "high"),
            Lane("high", ("high",), frozenset()),
        ),
    )
    facts = facts_of({"low.py": "import high.x\n", "high/x.py": "", "t.py": "import low"}, settings)
    hop = opened(facts, "low")
    after = landed(facts, hop, ["low"])
    assert set(after.records) == {"high/low.py", "high/x.py", "t.py"}
    assert {site.imported for site in after.graph.sites} == {"high.low", "high.x"}


def test_lanes_of_several_directories_and_nested_ones() -> None:
    settings = msgspec.structs.replace(
        model_settings(),
        lanes=(
            Lane("low", ("lib/low", "extra"), frozenset({"high"}), "high"),
            Lane("high", ("lib", "more"), frozenset()),
        ),
    )
    files = {
        "lib/__init__.py": "",
        "lib/low/a.py": "from . import b\nimport extra.c\n",
        "lib/low/b.py": "from .. import top\n",
        "lib/top.py": "",
        "extra/c.py": "import more.d\n",
        "more/d.py": "",
        "tests/t.py": "from lib.low.a import x\nimport extra.c as c\n",
    }
    world = World((), (), {}, "low", "high")
    story = Story(files, settings, {}, None, world)
    plan = story.plan()
    assert plan.blocked == ()
    moves = {move.source: move.target for step in plan.steps for move in step.moves}
    assert moves["lib/low/a.py"] == "lib/a.py"
    assert moves["extra/c.py"] == "lib/c.py"
    real = promoted(story)
    assert real is not None
    facts = story.facts()
    names = [name for step in plan.steps for name in step.modules]
    foreseen = landed(facts, story.hop(facts), names)
    assert foreseen.records.keys() == real.records.keys()
    assert edges(foreseen) == edges(real)

"""Hops, orders, batches and simulation on repositories small enough to read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
import pytest

from lane_planner.base.errors import UsageError
from lane_planner.config.settings import Coverage, Lane, Settings
from lane_planner.planner.hop import Facts, Hop, next_lane, target_path
from lane_planner.planner.order import Ordered, closure, order
from lane_planner.planner.plan import Choice, PlanningFault, check_plan, make_plan
from lane_planner.planner.ranking import Ranking
from lane_planner.planner.schema import PlannedMove
from lane_planner.planner.simulate import simulate
from tests.planner.worlds import (
    MODEL,
    codes_of,
    facts_of,
    lanes_of,
    model_settings,
    opened,
    planned,
    steps_of,
)

MODEL_LANES = lanes_of(MODEL)


@pytest.mark.parametrize(
    ("source", "target", "hop"),
    [
        (None, None, ("candidate", "core")),
        (None, "lukhas", ("core", "lukhas")),
        ("core", None, ("core", "lukhas")),
        ("lukhas", "products", ("lukhas", "products")),
    ],
)
def test_the_lanes_of_a_hop(source: str | None, target: str | None, hop: tuple[str, str]) -> None:
    left, reached = next_lane(model_settings(), source, target)
    assert (left.name, reached.name) == hop


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("nowhere", None, "no lane is called 'nowhere'"),
        (None, "nowhere", "no lane is called 'nowhere'"),
        ("candidate", "lukhas", "lukhas is not the next lane after candidate"),
        ("core", "candidate", "candidate is not the next lane after core"),
        ("products", None, "products promotes to no other lane"),
        ("matriz", None, "matriz promotes to no other lane"),
        (None, "candidate", "no lane promotes to 'candidate'"),
    ],
)
def test_what_is_no_hop(source: str | None, target: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        next_lane(model_settings(), source, target)


def test_a_repository_whose_lanes_do_not_promote_has_no_hop() -> None:
    settings = Settings(root=Path("."), lanes=(Lane("core", ("core",)),))
    with pytest.raises(UsageError, match="set promotes_to"):
        next_lane(settings, None, None)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("src/candidate/a.py", "lib/core/a.py"),
        ("src/candidate/p/q/__init__.py", "lib/core/p/q/__init__.py"),
        ("attic/deep/a.py", "lib/core/a.py"),
        ("attic/deep/deep/a.py", "lib/core/deep/a.py"),
        ("loose.py", "lib/core/loose.py"),
    ],
)
def test_the_lanes_path_is_replaced_and_the_rest_is_kept(path: str, target: str) -> None:
    lanes = (
        Lane("candidate", ("src/candidate", "attic/deep", "loose.py"), promotes_to="core"),
        Lane("core", ("lib/core", "lib/more")),
    )
    settings = Settings(root=Path("."), source_roots=("src", "lib", "."), lanes=lanes)
    assert target_path(facts_of({path: ""}, settings), path, lanes[1]) == target


def test_names_follow_the_source_roots() -> None:
    lanes = (
        Lane("candidate", ("src/candidate",), frozenset({"core"}), "core"),
        Lane("core", ("lib/core",)),
    )
    settings = Settings(root=Path("."), source_roots=("src", "lib"), lanes=lanes)
    files = {"src/candidate/a.py": "from candidate import b", "src/candidate/b.py": ""}
    hop = opened(facts_of(files, settings))
    assert hop.candidates == ("candidate.a", "candidate.b")
    assert hop.renamed == {"candidate.a": "core.a", "candidate.b": "core.b"}
    assert hop.targets["candidate.a"] == "lib/core/a.py"


ABC = {"{}/a.py": "import {}.b", "{}/b.py": "import {}.c", "{}/c.py": "", "{}/d.py": ""}


def line_of(lane: str) -> dict[str, str]:
    """Return a → b → c, and d, in a lane."""
    return {path.format(lane): text.format(lane) for path, text in ABC.items()}


@pytest.mark.parametrize(
    ("lane", "order"),
    [("candidate", "c b a"), ("core", "a b c"), ("lukhas", "a b c")],
)
def test_the_rules_decide_what_goes_first(lane: str, order: str) -> None:
    plan = planned(facts_of(line_of(lane), model_settings()), lane)
    waves: dict[int, list[str]] = {}
    for step in plan.steps:
        waves.setdefault(step.wave, []).extend(step.modules)
    first, second, third = (f"{lane}.{name}" for name in order.split())
    assert waves == {1: [first, f"{lane}.d"], 2: [second], 3: [third]}
    assert [step.after for step in plan.steps] == [(), (), ("s0001",), ("s0003",)]


@pytest.mark.parametrize(
    ("proves", "forward", "back", "steps"),
    [
        ("each may import the other: any order", True, True, 4),
        ("neither may: all at once", False, False, 2),
        ("only upwards: dependencies first", True, False, 4),
        ("only downwards: dependents first", False, True, 4),
    ],
)
def test_permissions_between_the_two_lanes(
    proves: str, forward: bool, back: bool, steps: int
) -> None:
    may = dict.fromkeys(MODEL, frozenset[str]())
    may["candidate"] = frozenset({"core"} if forward else ())
    may["core"] = frozenset({"candidate"} if back else ())
    plan = planned(facts_of(line_of("candidate"), model_settings(may)))
    assert plan.summary.steps == steps, proves
    assert plan.summary.waves == (1 if forward == back else 3)
    assert plan.summary.blocked == 0


def test_inside_a_wave_what_unlocks_most_goes_first_then_the_fewest_rewrites_then_names() -> None:
    files = dict.fromkeys((f"candidate/{n}.py" for n in "abcz"), "")
    files |= {
        "candidate/u1.py": "import candidate.z",
        "candidate/u2.py": "import candidate.u1",
        "candidate/v.py": "import candidate.c",
        "tools/t.py": "import candidate.b",
        "tools/s.py": "import candidate.c",
    }
    steps = steps_of(planned(facts_of(files, model_settings())))
    first = [step[0][-1] for step in steps[:4]]
    assert first == ["z", "c", "a", "b"]  # 2 wait for z, 1 for c; a has no importer, b has one


def test_batches_hold_one_wave_and_no_more_than_the_maximum() -> None:
    files = {f"candidate/m{number}.py": "" for number in range(5)}
    files |= {"candidate/n.py": "import candidate.m0", "candidate/o.py": "import candidate.m0"}
    settings = msgspec.structs.replace(model_settings(), max_files=2)
    plan = planned(facts_of(files, settings))
    assert [(step.wave, step.batch) for step in plan.steps] == [
        (1, 1), (1, 1), (1, 2), (1, 2), (1, 3), (2, 4), (2, 4),
    ]  # fmt: skip
    assert plan.summary.batches == 4


def test_a_step_larger_than_a_batch_is_a_batch() -> None:
    ring = {f"candidate/m{n}.py": f"def f():\n import candidate.m{(n + 1) % 5}" for n in range(5)}
    settings = msgspec.structs.replace(model_settings(), max_files=2)
    plan = planned(facts_of({**ring, "candidate/z.py": ""}, settings))
    assert sorted(len(step.modules) for step in plan.steps) == [1, 5]
    assert len({step.batch for step in plan.steps}) == 2


def test_gates_and_coverage_are_named() -> None:
    settings = msgspec.structs.replace(model_settings(), coverage=Coverage())
    facts = facts_of({"candidate/a.py": ""}, settings, coverage={"candidate/a.py": 1.0})
    asked: list[list[str]] = []

    def gates_for(paths: object) -> list[str]:
        assert isinstance(paths, list)
        asked.append(paths)
        return ["unit", "smoke"]

    plan = make_plan(facts, opened(facts), commit="c0ffee", gates_for=gates_for)
    assert plan.commit == "c0ffee"
    assert plan.steps[0].gates == ("coverage", "unit", "smoke")
    assert asked == [["candidate/a.py", "core/a.py"]]


def test_rewrites_are_at_their_paths_when_the_step_lands() -> None:
    files = {**line_of("lukhas"), "tests/t.py": "import lukhas.b"}
    plan = planned(facts_of(files, model_settings()), "lukhas")
    rewrites = {step.modules[0]: step.rewrites for step in plan.steps}
    assert rewrites == {
        "lukhas.a": (),
        "lukhas.b": ("products/a.py", "tests/t.py"),
        "lukhas.c": ("products/b.py",),
        "lukhas.d": (),
    }
    assert plan.summary.rewritten_files == 3


def test_an_empty_lane_gives_an_empty_plan() -> None:
    plan = planned(facts_of({"core/a.py": ""}, model_settings()))
    assert (plan.steps, plan.blocked, plan.summary.candidates) == ((), (), 0)


def test_namespace_packages_and_made_inits_do_not_move() -> None:
    files = {"core/ns/a.py": "", "core/made/__init__.py": "", "core/made/b.py": ""}
    facts = facts_of(files, model_settings(), made=["core/made/__init__.py"])
    assert opened(facts, "core").candidates == ("core.made.b", "core.ns.a")


def test_a_made_init_gives_way() -> None:
    files = {"candidate/p/__init__.py": "", "core/p/__init__.py": "", "core/p/a.py": ""}
    there = facts_of(files, model_settings())
    made = facts_of(files, model_settings(), made=["core/p/__init__.py"])
    assert codes_of(planned(there)) == {"candidate.p": ("LP401",)}
    assert codes_of(planned(made)) == {}


CLOSING: Mapping[str, dict[str, str]] = {
    "a missing module arrives": {
        "core/u.py": "import core.p",
        "candidate/p.py": "import core.u",
    },
    "a name of a package becomes a module of it": {
        "core/__init__.py": "",
        "core/u.py": "from core import p",
        "candidate/p.py": "import core.u",
    },
    "a namespace package becomes a package": {
        "core/p/u.py": "import core.p",
        "candidate/p/__init__.py": "import core.p.u",
    },
    "a made package becomes the real one": {
        "core/p/__init__.py": "",
        "core/p/u.py": "import core.p",
        "candidate/p/__init__.py": "import core.p.u",
    },
    "a package arrives without what is imported from it": {
        "core/u.py": "from core.p import x",
        "candidate/p/__init__.py": "import core.u",
        "candidate/p/x.py": "import lukhas.z",
    },
    "two arrive, each harmless alone": {
        "core/u.py": "import core.p",
        "core/v.py": "import core.q",
        "candidate/p.py": "import core.v",
        "candidate/q.py": "import core.u",
    },
}


@pytest.mark.parametrize("case", CLOSING, ids=str)
def test_circles_that_arrivals_close_are_foreseen_and_found(case: str) -> None:
    made = [path for path in CLOSING[case] if path == "core/p/__init__.py"]
    facts = facts_of(CLOSING[case], model_settings(), made=made)
    hop = opened(facts)
    arriving = [name for name in hop.candidates if not name.endswith(".x")]
    assert all("LP201" in {cause.code for cause in hop.causes[name]} for name in arriving)
    assert simulate(facts, hop, [arriving])
    assert planned(facts).steps == ()


def test_a_circle_that_cannot_close_blocks_nobody() -> None:
    files = {
        "core/u.py": "def f():\n    import core.p",
        "candidate/p.py": "def f():\n    import core.q",
        "candidate/q.py": "import lukhas.z\nimport core.u",
    }
    settings = msgspec.structs.replace(model_settings(), unresolved="note")
    plan = planned(facts_of(files, settings))
    assert steps_of(plan) == [("candidate.p",)]
    assert codes_of(plan) == {"candidate.q": ("LP101",)}


@pytest.mark.parametrize("part", ["", "import lukhas.z"], ids=["it arrives", "it is blocked"])
def test_a_plain_import_does_not_mean_the_package_around_it(part: str) -> None:
    files = {
        "candidate/a.py": "import core.p.x",
        "candidate/p/__init__.py": "import candidate.a",
        "candidate/p/x.py": part,
    }
    settings = msgspec.structs.replace(model_settings(), unresolved="note")
    plan = planned(facts_of(files, settings))
    moved = {name for step in plan.steps for name in step.modules}
    assert moved == {"candidate.a", "candidate.p"} | ({"candidate.p.x"} if not part else set())


FAULTS: Mapping[str, tuple[dict[str, str], list[list[str]], str]] = {
    "a module before what it imports": (
        {"candidate/a.py": "import candidate.b", "candidate/b.py": ""},
        [["candidate.a"], ["candidate.b"]],
        "step 1 leaves core.a with a forbidden import of candidate.b (line 1)",
    ),
    "a module with a violation": (
        {"candidate/a.py": "\nimport lukhas.x", "lukhas/x.py": ""},
        [["candidate.a"]],
        "step 1 leaves core.a with a forbidden import of lukhas.x (line 2)",
    ),
    "a module with a violation by prefix": (
        {"candidate/a.py": "import lukhas.gone"},
        [["candidate.a"]],
        "step 1 leaves core.a with a forbidden import of lukhas.gone (line 1)",
    ),
    "an importer that may not follow": (
        {"candidate/a.py": "", "matriz/m.py": "import candidate.a"},
        [["candidate.a"]],
        "step 1 makes the import of candidate.a by matriz.m (line 1) a violation",
    ),
    "an eager circle": (
        {"candidate/a.py": "import candidate.b", "candidate/b.py": "import candidate.a"},
        [["candidate.a", "candidate.b"]],
        "candidate.a is promoted in a circle",
    ),
}


@pytest.mark.parametrize("case", FAULTS, ids=str)
def test_simulation_finds_what_is_planted(case: str) -> None:
    files, steps, message = FAULTS[case]
    may = {**MODEL, "matriz": frozenset({"candidate"})}
    facts = facts_of(files, model_settings(may))
    assert simulate(facts, opened(facts), steps)[0] == message


def test_a_circle_that_lands_together_may_not_be_torn() -> None:
    # Either lane may import the other, so that only the circle ties the two.
    may = {**MODEL, "core": frozenset({"candidate"})}
    files = {"candidate/a.py": "import candidate.b", "candidate/b.py": "import candidate.a"}
    settings = msgspec.structs.replace(model_settings(may), cycles="together")
    facts = facts_of(files, settings)
    assert steps_of(planned(facts)) == [("candidate.a", "candidate.b")]
    assert simulate(facts, opened(facts), [["candidate.a"], ["candidate.b"]])


def test_a_blocked_circle_is_no_part_of_a_plan_for_something_else() -> None:
    files = {
        "candidate/a.py": "import candidate.b",
        "candidate/b.py": "import candidate.a",
        "candidate/c.py": "",
    }
    facts = facts_of(files, msgspec.structs.replace(model_settings(), cycles="together"))
    hop = opened(facts)
    plan = make_plan(facts, hop, commit=None, choice=Choice(goals=frozenset(["candidate.c"])))
    assert steps_of(plan) == [("candidate.c",)]
    assert closure(hop, ["candidate.b"]) == {"candidate.a", "candidate.b"}


def test_a_plan_that_does_not_hold_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = facts_of(line_of("candidate"), model_settings())

    def wrong(
        facts: Facts, hop: Hop, moving: Collection[str], ranking: Ranking
    ) -> tuple[Ordered, ...]:
        return tuple(
            msgspec.structs.replace(step, after=())
            for step in reversed(order(facts, hop, moving, ranking))
        )

    monkeypatch.setattr("lane_planner.planner.plan.order", wrong)
    with pytest.raises(PlanningFault, match="the plan is not valid"):
        planned(facts)


def test_check_plan_says_what_is_wrong_and_only_that() -> None:
    facts = facts_of(line_of("candidate"), model_settings())
    plan = planned(facts)
    first, second, *rest = plan.steps
    swapped = msgspec.structs.replace(plan, steps=(second, first, *rest))
    faults = check_plan(swapped, facts, opened(facts))
    assert not any("moves" in fault for fault in faults), faults
    assert check_plan(plan, facts, opened(facts)) == ()


def test_check_plan_tells_moves_that_are_not_the_modules() -> None:
    facts = facts_of(line_of("candidate"), model_settings())
    plan = planned(facts)
    first = msgspec.structs.replace(
        plan.steps[0], moves=(PlannedMove("candidate/a.py", "core/a.py"),)
    )
    changed = msgspec.structs.replace(plan, steps=(first, *plan.steps[1:]))
    assert check_plan(changed, facts, opened(facts)) == (
        "the moves of step s0001 are not those of its modules",
    )


def test_check_plan_refuses_a_plan_for_another_repository() -> None:
    plan = planned(facts_of(line_of("candidate"), model_settings()))
    files = {**line_of("candidate"), "candidate/c.py": "import lukhas.x", "lukhas/x.py": ""}
    other = facts_of(files, model_settings())
    assert "candidate.c of step s0001 is blocked: LP101" in check_plan(plan, other, opened(other))
    gone = facts_of({"candidate/c.py": ""}, model_settings())
    assert check_plan(plan, gone, opened(gone))


def test_a_group_that_is_wanted_whole_moves_whole() -> None:
    # So a package is promoted: no rule ties its modules, but they are asked for together.
    files = {"candidate/p/__init__.py": "", "candidate/p/a.py": "", "candidate/z.py": ""}
    facts = facts_of(files, model_settings())
    group = ("candidate.p", "candidate.p.a")
    hop = msgspec.structs.replace(opened(facts), together=(group,))
    assert closure(hop, ["candidate.p.a"]) == set(group)
    assert steps_of(make_plan(facts, hop, commit=None)) == [group, ("candidate.z",)]


def test_a_group_with_a_blocked_module_is_blocked_and_says_why() -> None:
    files = {
        "candidate/p/__init__.py": "",
        "candidate/p/a.py": "import lukhas.x",
        "candidate/p/b.py": "",
        "lukhas/x.py": "",
    }
    facts = facts_of(files, model_settings())
    group = ("candidate.p", "candidate.p.a", "candidate.p.b")
    hop = msgspec.structs.replace(opened(facts), together=(group,))
    plan = make_plan(facts, hop, commit=None)
    assert plan.steps == ()
    assert [entry.module for entry in plan.blocked] == list(group)
    for entry in plan.blocked:
        assert "lukhas.x" in {cause.imported for cause in entry.causes}, entry

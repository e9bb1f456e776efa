"""Large lanes of simple shapes: no recursion, and time and memory grow with the repository.

Each shape is planned at two sizes; the larger may take longer by no more than its size, twice
over for what else the machine does.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import msgspec
import pytest

from lane_planner.graph.circles import shortest_circle
from lane_planner.graph.graph import components
from lane_planner.planner.plan import check_plan
from lane_planner.planner.schema import Plan
from lane_planner.rules.cycles import cycles
from lane_planner.scan.records import FileRecord, RawImport
from tests.planner.worlds import facts_of, model_settings, opened, planned

Shape = Callable[[int], dict[str, str]]


def chain(size: int) -> dict[str, str]:
    files = {f"candidate/m{n:05}.py": f"import candidate.m{n + 1:05}\n" for n in range(size - 1)}
    return {**files, f"candidate/m{size - 1:05}.py": ""}


def blocked_chain(size: int) -> dict[str, str]:
    return {**chain(size), f"candidate/m{size - 1:05}.py": "import lukhas.x", "lukhas/x.py": ""}


def star(size: int) -> dict[str, str]:
    files = {f"candidate/m{n:05}.py": "import candidate.hub\n" for n in range(size - 1)}
    return {**files, "candidate/hub.py": ""}


def blocked_star(size: int) -> dict[str, str]:
    return {**star(size), "candidate/hub.py": "import lukhas.x", "lukhas/x.py": ""}


def fan(size: int) -> dict[str, str]:
    lines = "".join(f"import candidate.m{n:05}\n" for n in range(size - 1))
    return {"candidate/hub.py": lines} | {f"candidate/m{n:05}.py": "" for n in range(size - 1)}


def eager_ring(size: int) -> dict[str, str]:
    return {
        f"candidate/m{n:05}.py": f"import candidate.m{(n + 1) % size:05}\n" for n in range(size)
    }


def deferred_ring(size: int) -> dict[str, str]:
    return {path: f"def f():\n    {text}" for path, text in eager_ring(size).items()}


def blocked_ring(size: int) -> dict[str, str]:
    files = deferred_ring(size)
    files["candidate/m00000.py"] += "    import lukhas.x\n"
    return {**files, "lukhas/x.py": ""}


def took(shape: Shape, size: int, **said: str) -> tuple[float, Plan]:
    """Return processor seconds to plan a shape, scanning left out, and the plan."""
    settings = msgspec.structs.replace(model_settings(), **said)
    facts = facts_of(shape(size), settings)
    gc.collect()
    start = time.process_time()
    plan = planned(facts)
    return time.process_time() - start, plan


SHAPES: list[tuple[Shape, int, dict[str, str]]] = [
    (chain, 5000, {}),
    (blocked_chain, 5000, {}),
    (star, 5000, {}),
    (blocked_star, 5000, {}),
    (fan, 5000, {}),
    (eager_ring, 3000, {}),
    (eager_ring, 3000, {"cycles": "together"}),
    (deferred_ring, 3000, {}),
    (blocked_ring, 3000, {}),
]


@pytest.mark.parametrize(
    ("shape", "size", "said"), SHAPES, ids=[f"{s.__name__}{n}" for n, (s, *_) in enumerate(SHAPES)]
)
def test_four_times_the_modules_take_no_more_than_a_dozen_times_as_long(
    shape: Shape, size: int, said: dict[str, str]
) -> None:
    small = min(took(shape, size // 4, **said)[0] for _ in range(2))
    large, plan = took(shape, size, **said)
    assert large < 12 * small + 0.5, f"{small:.2f} s → {large:.2f} s"
    assert plan.summary.candidates == size


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "steps", "waves"), [(chain, 20_000, 20_000), (star, 20_000, 2), (fan, 20_000, 401)]
)
def test_twenty_thousand_modules(shape: Shape, steps: int, waves: int) -> None:
    seconds, plan = took(shape, 20_000)
    assert (plan.summary.steps, plan.summary.waves) == (steps, waves)
    assert seconds < 30


@pytest.mark.slow
def test_a_blocked_chain_of_twenty_thousand_is_told_by_the_ends_of_its_chains() -> None:
    _, plan = took(blocked_chain, 20_000)
    assert plan.summary.blocked == 20_000
    longest = max((c.chain for entry in plan.blocked for c in entry.causes), key=len)
    assert len(longest) <= 100
    assert longest[-2:] == ("candidate.m19999", "lukhas.x")
    assert len(msgspec.json.encode(plan)) < 150_000_000


def test_a_component_of_three_thousand_is_one_step() -> None:
    facts = facts_of(deferred_ring(3000), model_settings())
    plan = planned(facts)
    assert [len(step.modules) for step in plan.steps] == [3000]
    assert check_plan(plan, facts, opened(facts)) == ()


def test_a_blocked_component_of_three_thousand_names_its_cause_everywhere() -> None:
    _, plan = took(blocked_ring, 3000)
    assert plan.summary.blocked == 3000
    for entry in plan.blocked:
        assert {cause.imported for cause in entry.causes if cause.code == "LP101"} == {"lukhas.x"}


def test_the_example_in_a_circle_of_three_thousand() -> None:
    facts = facts_of(eager_ring(3000), model_settings())
    start = time.process_time()
    (cycle,) = cycles(facts.graph, facts.records, lambda paths: {})
    assert time.process_time() - start < 10
    assert len(cycle.example) == 3001
    assert len(cycle.breakers) == 1


def test_the_shortest_circle_of_a_ladder_is_found_soon() -> None:
    # Two rings side by side with rungs both ways: every module has several importers.
    size = 1500
    following = {f"a{n:04}": [f"a{(n + 1) % size:04}", f"b{n:04}"] for n in range(size)}
    following |= {f"b{n:04}": [f"b{(n + 1) % size:04}", f"a{n:04}"] for n in range(size)}
    start = time.process_time()
    assert shortest_circle(following, following) == ("a0000", "b0000", "a0000")
    assert time.process_time() - start < 5


def test_components_of_a_deep_graph_need_no_recursion() -> None:
    edges = [(f"m{n:06}", f"m{n + 1:06}") for n in range(100_000)]
    assert components(edges) == ()
    (ring,) = components([*edges, ("m100000", "m000000")])
    assert len(ring) == 100_001


def test_a_module_with_ten_thousand_imports_of_one() -> None:
    lines = tuple(RawImport("candidate.a", None, n + 1, 0) for n in range(10_000))
    settings = model_settings()
    facts = facts_of({"candidate/a.py": "", "candidate/b.py": ""}, settings)
    from lane_planner.graph.graph import build_graph

    graph = build_graph({"candidate/a.py": FileRecord(), "candidate/b.py": FileRecord(lines)})
    start = time.process_time()
    plan = planned(msgspec.structs.replace(facts, graph=graph))
    assert time.process_time() - start < 5
    assert [step.modules for step in plan.steps] == [("candidate.a",), ("candidate.b",)]

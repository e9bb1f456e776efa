"""Why a module is blocked: a tree that leads to every root cause, and its words."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.graph.graph import build_graph
from lane_planner.planner.explain import Explanation, Reason, explain, reasons
from lane_planner.planner.hop import Facts, Hop
from lane_planner.report.documents import to_json
from lane_planner.report.explanation import explanation_text, reason_lines
from lane_planner.scan.records import FileRecord, RawImport, SyntaxFault
from tests.planner.test_against_oracle import needs
from tests.planner.worlds import Story, facts_of, model_settings, opened, stories

many = settings(max_examples=200, deadline=None)


def explained(facts: Facts, name: str, source: str = "candidate") -> Explanation:
    return explain(facts, facts.graph.modules[name], opened(facts, source))


def told(files: Mapping[str, str], name: str, source: str = "candidate", **said: str) -> list[str]:
    """Return the lines that tell why a module of some files is blocked."""
    configured = msgspec.structs.replace(model_settings(), **said)
    return reason_lines(explained(facts_of(files, configured), name, source).reasons)


# --- the tree, against brute force ---


def distances(hop: Hop, name: str) -> dict[str, int]:
    """Return how many needs lie between a module and each other one, by relaxation."""
    pairs = {(a, need.needed) for a, found in hop.needs.items() for need in found}
    far = {name: 0}
    for _ in hop.candidates:
        for a, b in pairs:
            if a in far:
                far[b] = min(far.get(b, far[a] + 1), far[a] + 1)
    return far


def reachable(story: Story, name: str) -> set[str]:
    """Return the modules that one needs, directly or not, by the rules alone."""
    found = {name}
    while True:
        more = {b for a in found for b in story.world.candidates if b != a and needs(story, a, b)}
        if more <= found:
            return found
        found |= more


@many
@given(stories(), st.data())
def test_every_root_cause_is_told_once_at_the_end_of_a_shortest_chain(
    story: Story, data: st.DataObject
) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    name = data.draw(st.sampled_from(story.world.candidates))
    found = explain(facts, facts.graph.modules[name], hop)
    tree = found.reasons
    expected = reachable(story, name) & hop.causes.keys()
    assert bool(tree) == bool(expected) == bool(found.causes)
    ends = Counter(reason.module for reason in tree if reason.causes)
    assert ends == dict.fromkeys(expected, 1)
    assert {r.module: r.causes for r in tree if r.causes} == {n: hop.causes[n] for n in expected}
    far = distances(hop, name)
    assert all(reason.depth == far[reason.module] for reason in tree)


@many
@given(stories(), st.data())
def test_the_tree_is_one_and_its_links_are_true(story: Story, data: st.DataObject) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    name = data.draw(st.sampled_from(story.world.candidates))
    tree = explain(facts, facts.graph.modules[name], hop).reasons
    parents = {reason.parent for reason in tree}
    for index, reason in enumerate(tree):
        assert reason.causes or index in parents, "it leads to no cause"
        if index == 0:
            assert (reason.module, reason.depth, reason.parent) == (name, 0, -1)
            assert (reason.path, reason.line, reason.need) == (hop.paths[name], 0, "")
            continue
        above = tree[reason.parent]
        assert reason.parent < index and reason.depth == above.depth + 1
        # depth first: all between a reason and its parent are below the parent
        assert all(other.depth > above.depth for other in tree[reason.parent + 1 : index])
        assert needs(story, above.module, reason.module)
        if reason.link == "circle":
            assert story.world.together
            continue
        ends = (above.module, reason.module)
        importer, imported = ends if reason.link == "imports" else ends[::-1]
        assert reason.path == hop.paths[importer]
        assert any(
            wish.importer == importer and wish.line == reason.line for wish in story.world.wishes
        )
        assert imported in facts.graph.imports_of(importer)
    siblings: dict[int, list[Reason]] = {}
    for reason in tree[1:]:
        siblings.setdefault(reason.parent, []).append(reason)
    for found in siblings.values():
        assert found == sorted(found, key=lambda r: (r.path, r.line, r.module))


@many
@given(stories(), st.data())
def test_no_cause_is_said_twice(story: Story, data: st.DataObject) -> None:
    facts = story.facts()
    hop = story.hop(facts)
    name = data.draw(st.sampled_from(story.world.candidates))
    tree = explain(facts, facts.graph.modules[name], hop).reasons
    lines = [line.strip() for line in reason_lines(tree)]
    said = [line.rpartition(" (")[0] for line in lines if line.endswith(")")]
    assert len(said) == len(set(said))
    codes = {cause.code for reason in tree for cause in reason.causes}
    assert all(any(line.endswith(f"({code})") for line in lines) for code in codes - {"LP202"})


def test_modules_that_land_together_say_so() -> None:
    files = {"candidate/a.py": "", "candidate/b.py": "", "candidate/c.py": "import lukhas.x"}
    facts = facts_of({**files, "lukhas/x.py": ""}, model_settings())
    hop = msgspec.structs.replace(
        opened(facts), together=(("candidate.a", "candidate.b", "candidate.c"),)
    )
    tree = reasons(facts, hop, "candidate.a")
    assert [(r.module, r.link, r.line) for r in tree] == [
        ("candidate.a", "", 0),
        ("candidate.b", "together", 0),
        ("candidate.c", "together", 0),
    ]
    assert reason_lines(tree) == [
        "  it has to land in one step with candidate.b → candidate.c, which have to be promoted "
        "in one step with it, and cannot:",
        "    candidate/c.py:1: imports lukhas.x: core may not import lane lukhas (LP101)",
    ]


# --- words ---


def test_a_cause_of_its_own_and_one_of_what_it_imports() -> None:
    files = {
        "candidate/x.py": "import lukhas.y\n\nimport candidate.z\n",
        "candidate/z.py": "import lukhas.y\n",
        "lukhas/y.py": "",
    }
    assert told(files, "candidate.x") == [
        "  candidate/x.py:1: imports lukhas.y: core may not import lane lukhas (LP101)",
        "  it imports candidate.z (candidate/x.py:3), which has to be promoted first, or with it, "
        "and cannot:",
        "    candidate/z.py:1: imports lukhas.y: core may not import lane lukhas (LP101)",
    ]


def test_where_dependents_move_first() -> None:
    files = {
        "core/x.py": "",
        "core/y.py": "import core.x\n",
        "tools/run.py": "import core.y\n",
        "products/shop.py": "import core.y\n",
    }
    found = explained(facts_of(files, model_settings()), "core.x", "core")
    assert not found.reasons
    files = {**files, "matriz/m.py": "import core.y\n"}
    may = {"matriz": frozenset({"core"}), "core": frozenset({"matriz"})}
    lanes = model_settings({"candidate": frozenset(), "lukhas": frozenset(), **may})
    assert reason_lines(explained(facts_of(files, lanes), "core.x", "core").reasons) == [
        "  it is imported by core.y (core/y.py:1), which has to be promoted first, or with it, "
        "and cannot:",
        "    matriz/m.py:1: matriz.m imports it: matriz may not import lukhas (LP402)",
    ]


def test_a_circle_that_lands_together() -> None:
    files = {
        "core/a.py": "import core.b\n",
        "core/b.py": "import core.c\n",
        "core/c.py": "import core.a\nimport products.p\n",
        "products/p.py": "",
    }
    lines = told(files, "core.a", "core", cycles="together")
    assert lines[-1].strip() == (
        "core/c.py:2: imports products.p: lukhas may not import lane products (LP101)"
    )
    assert "is imported by core.c (core/c.py:1)" in lines[0]
    lines = told(files, "core.b", "core", cycles="together")
    assert lines[0] == (
        "  it is in a circular import with core.c (core/b.py:1), which has to be promoted in one "
        "step with it, and cannot:"
    )


def test_faults_of_files() -> None:
    files = {"candidate/x.py": "import candidate.z\n", "candidate/z.py": "def\n"}
    fault = {"candidate/z.py": SyntaxFault(1, "invalid syntax")}
    facts = facts_of(files, model_settings(), faults=fault)
    assert reason_lines(explained(facts, "candidate.x").reasons)[-1] == (
        "    candidate/z.py:1: does not parse: invalid syntax (LP901)"
    )


def chain_of(size: int) -> dict[str, str]:
    files = {f"candidate/m{n}.py": f"import candidate.m{n + 1}\n" for n in range(size)}
    return {**files, f"candidate/m{size}.py": "import lukhas.y", "lukhas/y.py": ""}


def test_a_chain_is_one_line() -> None:
    lines = told(chain_of(3), "candidate.m0")
    assert lines[0] == (
        "  it imports candidate.m1 (candidate/m0.py:1) → candidate.m2 (candidate/m1.py:1) → "
        "candidate.m3 (candidate/m2.py:1), which have to be promoted first, or with it, and cannot:"
    )
    assert len(lines) == 2
    long = told(chain_of(30), "candidate.m0")[0]
    assert "→ candidate.m3 (candidate/m2.py:1) → … 24 more modules … → candidate.m28 (" in long
    assert "→ candidate.m30 (candidate/m29.py:1), which" in long


def test_the_nearest_twenty_causes_are_shown() -> None:
    files = {
        f"candidate/m{n:02}.py": f"import lukhas.y\nimport candidate.m{n + 1:02}\n"
        for n in range(30)
    }
    files = {**files, "candidate/m30.py": "", "lukhas/y.py": ""}
    lines = told(files, "candidate.m00")
    assert [line.strip()[:16] for line in lines if line.endswith("(LP101)")] == [
        f"candidate/m{n:02}.py" for n in range(20)
    ]
    assert lines[-1] == "  … and 10 more root causes: --format json"
    assert max(len(line) - len(line.lstrip()) for line in lines) == 18
    assert sum(line.startswith(" " * 18 + "candidate.m") for line in lines) == 11


def test_names_are_safe_on_a_terminal() -> None:
    files = {"candidate/x.py": "import candidate.z\n", "candidate/\x1b[31m.py": "import lukhas.y\n"}
    facts = facts_of({**files, "candidate/z.py": "", "lukhas/y.py": ""}, model_settings())
    (name,) = (name for name in facts.graph.modules if "\x1b" in name)
    text = explanation_text(explained(facts, name))
    assert "\x1b" not in text and "\\x1b" in text


def test_a_chain_of_fifty_thousand_modules() -> None:
    size = 50_000
    records = {
        f"candidate/m{n:05}.py": FileRecord((RawImport(f"candidate.m{n + 1:05}", None, 1, 0),))
        for n in range(size)
    }
    records[f"candidate/m{size:05}.py"] = FileRecord((RawImport("lukhas.x", None, 1, 0),))
    records["lukhas/x.py"] = FileRecord()
    facts = facts_of({}, model_settings())
    facts = msgspec.structs.replace(facts, records=records, graph=build_graph(records))
    hop = opened(facts)
    start = time.process_time()
    found = explain(facts, facts.graph.modules["candidate.m00000"], hop)
    text, document = explanation_text(found), to_json(found)
    assert time.process_time() - start < 10
    assert len(found.reasons) == size + 1
    assert [r.depth for r in found.reasons] == list(range(size + 1))
    assert "… 49,994 more modules …" in text
    assert len(msgspec.json.decode(document)["reasons"]) == size + 1


@pytest.mark.parametrize("shape", ["star", "ladder"])
def test_many_ways_to_a_cause_make_one(shape: str) -> None:
    size = 300
    if shape == "star":
        files = {f"candidate/m{n}.py": "import candidate.hub\n" for n in range(size)}
        lines = "".join(f"import candidate.m{n}\n" for n in range(size))
        files = {**files, "candidate/top.py": lines, "candidate/hub.py": "import lukhas.y\n"}
    else:
        files = {
            f"candidate/{side}{n}.py": f"import candidate.a{n + 1}\nimport candidate.b{n + 1}\n"
            for side in "ab"
            for n in range(size)
        }
        both = "import candidate.a0\nimport candidate.b0\n"
        end = {f"candidate/{side}{size}.py": "import candidate.hub\n" for side in "ab"}
        files = {**files, **end, "candidate/top.py": both, "candidate/hub.py": "import lukhas.y\n"}
    lines_told = told({**files, "lukhas/y.py": ""}, "candidate.top")
    assert len(lines_told) == 2
    assert lines_told[1].endswith("imports lukhas.y: core may not import lane lukhas (LP101)")

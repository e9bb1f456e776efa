"""What a user can say of a plan, what frees more, and plans that meet another commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shop import CONFIG, commit, run, shop, state
from tests.executor.repositories import git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shop(tmp_path / "repo")


def plan(root: Path, *arguments: str) -> Any:
    ran = run(root, "plan", "--format", "json", *arguments)
    assert ran.code in (0, 1), ran.err
    return ran.json


def modules(found: Any, hop: int = 0) -> list[str]:
    return [name for step in found["steps"] if step["hop"] == hop for name in step["modules"]]


def saved(root: Path, *arguments: str) -> Path:
    file = root.parent / "plan.json"
    assert run(root, "plan", "--format", "json", "-o", str(file), *arguments).code in (0, 1)
    return file


def test_what_is_excluded_stays_with_all_that_needs_it(root: Path) -> None:
    found = plan(root, "--exclude", "candidate.a")
    assert {"candidate.a", "candidate.b"}.isdisjoint(modules(found))
    assert "candidate.pkg" in modules(found)
    assert found["summary"]["excluded"] == 2
    assert {entry["module"] for entry in found["blocked"]}.isdisjoint({"candidate.a"})


def test_what_is_preferred_comes_first_with_what_it_needs(root: Path) -> None:
    first = modules(plan(root))
    found = plan(root, "--prefer", "candidate.deep*")
    assert sorted(modules(found)) == sorted(first)
    assert modules(found)[0].startswith("candidate.deep")
    assert [s["score"]["preferred"] for s in found["steps"] if "deep" in s["modules"][0]] == [
        True,
        True,
    ]
    late = plan(root, "--prefer", "candidate.b")
    assert modules(late)[0] == "candidate.a"


def test_weights_decide_the_order_and_are_shown(root: Path) -> None:
    (root / "candidate/deep/part.py").write_bytes(b"DEEP = 4\n")
    commit(root)
    found = plan(root, "--weights", "churn=1")
    assert modules(found)[0] == "candidate.deep.part"
    scores = {s["modules"][0]: s["score"] for s in found["steps"]}
    assert scores["candidate.deep.part"]["churn"] == 2
    assert scores["candidate.deep.part"]["total"] == 2.0
    assert scores["candidate.a"]["churn"] == 1
    assert scores["candidate.a"]["recency"] is not None
    assert plan(root)["steps"][0]["score"]["total"] is None
    lines = run(root, "plan", "--weights", "churn=1", "-v").out.splitlines()
    (first,) = (line for line in lines if line.startswith("s0001 "))
    assert first.startswith("s0001 wave 1 batch 1, unlocks 0, rewrites 0, recency 0 d, churn 2, ")
    assert first.endswith("score 2: candidate.deep.part")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--weights", "churn"), "--weights 'churn' does not parse at 'churn'"),
        (("--weights", "charm=1"), "does not parse at 'charm=1'"),
        (("--weights", "churn=nan"), "does not parse at 'churn=nan'"),
        (("--weights", "churn=1,churn=2"), "names churn twice"),
        (("--exclude", "nothing"), "--exclude nothing matches no module of lane candidate"),
        (("--prefer", "no*"), "--prefer no* matches no module"),
        (("--module", "candidate.nope"), "no module or path is called candidate.nope"),
        (("--module", "tests.test_a"), "tests.test_a is in no lane"),
        (("--module", "core.base", "--from", "candidate"), "core.base is no module of lane cand"),
        (("--assume-fixed", "LP101:x:y"), "there is nothing to mend that is called LP101:x:y"),
        (("--assume-promoted", "nope"), "no module or path is called nope"),
        (("--assume-promoted", "products.shop"), "lane products promotes to no other"),
    ],
)
def test_what_does_not_make_sense_is_refused(
    root: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = run(root, "plan", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.error()


def test_one_module_all_the_way(root: Path) -> None:
    found = plan(root, "--module", "candidate.b", "--to", "lukhas")
    assert found["hops"] == [
        {"source": "candidate", "target": "core"},
        {"source": "core", "target": "lukhas"},
    ]
    assert modules(found) == ["candidate.a", "candidate.b"]
    assert modules(found, 1) == ["core.b"]
    assert found["summary"]["promotable"] == 1
    ran = run(root, "plan", "--module", "candidate/b.py", "--to", "lukhas")
    assert "core → lukhas" in ran.out


def test_unlocks(root: Path) -> None:
    before = state(root)
    ran = run(root, "unlocks", "--format", "json")
    assert ran.code == 1
    found = ran.json
    assert found.keys() == {"source", "target", "blocked", "unlocks", "alone", "packages"}
    assert found["blocked"] == 4
    first = found["unlocks"][0]
    assert first["fix"]["id"] == "LP201:candidate.ring_one"
    assert (first["frees"], first["running_total"]) == (2, 2)
    assert {u["fix"]["code"] for u in found["alone"]} == {"LP101", "LP201", "LP401"}
    assert plan(root)["unlocks"] == found["unlocks"]
    text = run(root, "unlocks").out
    assert "candidate → core: 4 modules blocked, 3 things to mend" in text
    assert "break the circle of 2 modules" in text
    assert run(root, "unlocks", "--from", "core").out == (
        "core → lukhas: no module is blocked, there is nothing to mend\n"
    )
    assert state(root) == before


def test_what_if(root: Path) -> None:
    usual = plan(root)
    better = plan(root, "--assume-fixed", "LP201:candidate.ring_one")
    assert set(modules(better)) - set(modules(usual)) == {
        "candidate.ring_one",
        "candidate.ring_two",
    }
    assert better["assumed"] == ["fixed:LP201:candidate.ring_one"]
    later = plan(root, "--assume-promoted", "candidate.up")
    assert later["summary"]["candidates"] == usual["summary"]["candidates"] - 1
    assert later["assumed"] == ["promoted:candidate.up"]
    file = saved(root, "--assume-promoted", "candidate.up")
    refused = run(root, "apply", str(file))
    assert refused.code == 2
    assert "assumes what is not so (promoted:candidate.up)" in refused.error()
    assert run(root, "apply", str(file), "--rebase-plan").code == 2


def test_an_edited_plan_is_refused(root: Path) -> None:
    file = saved(root)
    document = json.loads(file.read_bytes())
    document["steps"][0]["gates"] = []
    document["summary"]["promotable"] += 1
    file.write_text(json.dumps(document))
    before = state(root)
    ran = run(root, "apply", str(file))
    assert ran.code == 2
    assert "the plan was edited after it was made: make a new plan, or give" in ran.error()
    assert state(root) == before
    assert run(root, "apply", str(file), "--rebase-plan", "--steps", "1").code == 0


def test_a_rearranged_plan_is_refused_even_so(root: Path) -> None:
    file = saved(root)
    document = json.loads(file.read_bytes())
    document["steps"][0]["moves"][0]["target"] = "core/../../elsewhere.py"
    file.write_text(json.dumps(document))
    ran = run(root, "apply", str(file), "--rebase-plan")
    assert ran.code == 2
    assert "the moves of step s0001 are not those of its modules" in ran.error()


def test_a_plan_of_another_commit_is_verified_anew(root: Path) -> None:
    file = saved(root)
    (root / "candidate/late.py").write_bytes(b"import candidate.pkg\n")
    (root / "candidate/deep/part.py").write_bytes(b"import lukhas.app\n")
    (root / "candidate/b.py").unlink()
    commit(root)
    refused = run(root, "apply", str(file))
    assert refused.code == 2
    assert "give --resume to go on with what still holds" in refused.error()
    ran = run(root, "apply", str(file), "--rebase-plan", "--format", "json")
    assert ran.code == 1
    assert {left["modules"][0]: left["reason"] for left in ran.json["left_out"]} == {
        "candidate.b": "candidate.b is no module of lane candidate any more",
        "candidate.deep.part": "candidate.deep.part is blocked by now: LP101",
    }
    git(root, "checkout", "-q", ran.json["branch"])
    assert (root / "core/a.py").exists()
    assert (root / "candidate/late.py").read_bytes() == b"import core.pkg\n"


def test_a_plan_of_several_hops_is_carried_out_hop_by_hop(root: Path) -> None:
    file = saved(root, "--module", "candidate.b", "--to", "products")
    first = run(root, "apply", str(file), "--format", "json")
    assert first.code == 0, first.err
    assert first.json["branch"].startswith("promote/candidate-to-core/")
    git(root, "merge", "-q", first.json["branch"])
    assert run(root, "apply", str(file)).code == 2
    second = run(root, "apply", str(file), "--rebase-plan", "--format", "json")
    assert second.code == 0, second.err
    assert second.json["branch"].startswith("promote/core-to-lukhas/")
    git(root, "merge", "-q", second.json["branch"])
    third = run(root, "apply", str(file), "--resume", "--format", "json")
    assert third.code == 0, third.err
    git(root, "merge", "-q", third.json["branch"])
    assert (root / "products/b.py").exists()
    assert run(root, "check").code == 1  # the violation that was there
    done = run(root, "apply", str(file), "--rebase-plan")
    assert done.error().endswith("the steps of the plan have landed already")


def test_half_of_a_plan_can_have_landed(root: Path) -> None:
    file = saved(root)
    first = run(root, "apply", str(file), "--steps", "2", "--format", "json")
    git(root, "merge", "-q", first.json["branch"])
    rest = run(root, "apply", str(file), "--rebase-plan", "--format", "json")
    assert rest.code == 0, rest.err
    count = len(json.loads(file.read_bytes())["steps"])
    assert len(first.json["steps"]) + len(rest.json["steps"]) == count


def test_the_same_commit_gives_the_same_plan(root: Path) -> None:
    texts = {run(root, "plan", "--format", "json").out for _ in range(2)}
    text = CONFIG.replace("[lanes.matriz]", "# a comment\n[lanes.matriz]")
    clone = root.parent / "clone"
    git(root, "clone", "-q", str(root), str(clone))
    texts.add(run(clone, "plan", "--format", "json").out)
    assert len(texts) == 1
    (clone / "lanes.toml").write_text(text)
    again = run(clone, "plan", "--format", "json").json
    assert again["config"] == json.loads(texts.pop())["config"]


def test_what_would_change_is_shown_although_what_it_needs_lacks_coverage(tmp_path: Path) -> None:
    text = CONFIG + '\n[coverage]\ndata = "coverage.json"\n'
    files = {"lanes.toml": text.encode(), ".gitignore": b"coverage.json\n"}
    root = shop(tmp_path / "repo", files)
    data = {"files": {"candidate/b.py": {"summary": {"num_statements": 4, "covered_lines": 4}}}}
    (root / "coverage.json").write_text(json.dumps(data))
    ran = run(root, "promote", "candidate.b", "core", "--with-dependencies")
    assert ran.code == 1
    assert "LP403 candidate.b imports candidate.a: candidate.a is blocked" in ran.out
    assert "rename to core/a.py" in ran.out
    assert "rename to core/b.py" in ran.out
    alone = run(root, "promote", "candidate.b", "core")
    assert alone.code == 1
    assert "rename to" not in alone.out

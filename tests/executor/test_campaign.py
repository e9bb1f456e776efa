"""Plans carried out in batches: how branches are made of them, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.executor.apply import ApplyOptions
from lane_planner.executor.campaign import Result
from lane_planner.executor.records.journal import Mode
from lane_planner.executor.records.status import status
from lane_planner.executor.recovery import roll_back
from lane_planner.repository.repository import Repository
from tests.executor.campaigns import (
    CHAIN,
    NAMES,
    campaign_repository,
    carried_out,
    failing_with,
    gate_text,
    moved,
    planned,
    tree_of,
)
from tests.executor.repositories import git, snapshot

ALL = {*NAMES, *CHAIN}
MODES: tuple[Mode, ...] = ("single", "stack", "wave")


def left(result: Result) -> dict[str, str]:
    """Return why modules are left out, by their last names."""
    return {name.rpartition(".")[2]: one.reason for one in result.left_out for name in one.modules}


def test_one_branch_has_a_commit_a_step(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r")
    result = carried_out(root)
    [made] = result.branches
    assert result.success and len(made.steps) == 20 == len(result.steps)
    assert git(root, "rev-list", "--count", f"main..{made.name}") == b"20\n"
    assert moved(root, made.commit) == ALL


def test_a_stack_has_a_branch_a_batch_each_on_the_one_before(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r")
    single = carried_out(root).branches[0]
    result = carried_out(root, "stack")
    assert len(result.branches) >= 5
    base = git(root, "rev-parse", "main").decode().strip()
    for made in result.branches:
        assert made.base == base
        count = git(root, "rev-list", "--count", f"{base}..{made.name}")
        assert int(count) == len(made.steps) <= 5
        base = made.commit
    assert tree_of(root, result.branches[-1].commit) == tree_of(root, single.commit)
    assert result.waiting == 0


def test_waves_are_branches_on_the_base_and_go_on_when_they_are_merged(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r")
    single = carried_out(root).branches[0]
    plan = planned(root)
    waiting = 20
    for _ in range(10):
        result = (
            carried_out(root, "wave", rebase=True) if waiting < 20 else carried_out(root, "wave")
        )
        base = git(root, "rev-parse", "main").decode().strip()
        for made in result.branches:
            assert made.base == base
            git(root, "merge", "--quiet", "--no-edit", made.name)  # no two of them conflict
        done = sum(len(made.steps) for made in result.branches)
        assert result.waiting == waiting - done
        waiting = result.waiting
        if not waiting:
            break
    assert plan != planned(root)
    assert tree_of(root, "main") == tree_of(root, single.commit)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("told", [True, False], ids=["named", "unnamed"])
def test_what_makes_a_gate_fail_is_left_out_with_what_waits_for_it(
    tmp_path: Path, mode: Mode, told: bool
) -> None:
    bad = failing_with(["m03"], ["m07"], ["c1"], ["m10", "m11"], told=told)
    root = campaign_repository(tmp_path / "r", gate_text("fast", bad))
    result = carried_out(root, mode)
    gone = left(result)
    assert gone.pop("m03") == "LP405: gate fast (after the move) failed with exit status 1"
    assert gone.pop("m07") == "LP405: gate fast (after the move) failed with exit status 1"
    if mode != "wave":  # the chain begins in the second wave
        assert gone.pop("c1").startswith("LP405: gate fast")
        assert gone.pop("c2").startswith("it waits for step s")
        assert gone.pop("c3").startswith("it waits for step s")
    together = [one for one in result.left_out if "together with" in one.reason]
    same_batch = any({"m10", "m11"} <= gone.keys() | moved(root, b.commit) for b in result.branches)
    if mode == "wave" and not same_batch:
        assert together == [] and gone == {}  # each is fine on its own branch
    else:
        assert len(gone) == 1 and gone.keys() < {"m10", "m11"}
    tip = result.branches[-1].commit
    if mode != "wave":
        assert moved(root, tip) == ALL - left(result).keys()
    for one in result.left_out:
        assert (one.code == "LP405") == one.reason.startswith("LP405") == (one.gate is not None)


def test_a_gate_of_a_wave_runs_once_on_all_of_it(tmp_path: Path) -> None:
    bad = failing_with(["m01", "m15"])
    root = campaign_repository(tmp_path / "r", gate_text("suite", bad, scope="wave"))
    for mode in MODES:
        result = carried_out(root, mode)
        gone = left(result)
        assert len(gone) == 1 and gone.keys() < {"m01", "m15"}, mode
        waves = 1 if mode == "wave" else 5
        assert waves < len(result.gates) <= waves + 12
        assert roll_back(Git.require(root)).run == result.run


def test_a_gate_that_fails_without_the_steps_leaves_nothing_to_do(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r", gate_text("broken", "raise SystemExit('no')"))
    before = snapshot(root)
    result = carried_out(root)
    assert not result.success and result.branches == ()
    assert result.reason == "gate broken (after the move) failed with exit status 1"
    assert all("without these steps already" in reason for reason in left(result).values()
               if "waits" not in reason)  # fmt: skip
    assert len(result.gates) <= 10  # no search for what is nobody's fault
    assert snapshot(root) == before
    assert status(Git.require(root)).runs[-1].status == "rolled-back"


def test_a_gate_before_the_move_keeps_back_what_it_guards(tmp_path: Path) -> None:
    gate = gate_text("guard", "raise SystemExit(1)", phase="before", when="**/m0*").replace(
        '"**/m0*"', '["**/m0*"]'
    )
    root = campaign_repository(tmp_path / "r", gate)
    result = carried_out(root)
    guarded = {name for name in NAMES if name.startswith("m0")}
    gone = left(result)
    assert guarded <= gone.keys() <= guarded | set(CHAIN)  # the chain needs m00
    assert all("on the base commit" in gone[name] for name in guarded)
    assert moved(root, result.branches[0].commit) == ALL - gone.keys()


def test_the_user_s_own_things_stay_as_they_are(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r", gate_text("fast", failing_with(["m03"])))
    plan = planned(root)
    (root / "main.py").write_bytes(b"stashed = 1\n")
    git(root, "stash", "--quiet")
    (root / "staged.py").write_bytes(b"staged = 1\n")
    git(root, "add", "staged.py")
    (root / "main.py").write_bytes(b"changed = 1\n")
    (root / "untracked.txt").write_bytes(b"mine\n")
    before = snapshot(root)
    for mode in MODES:
        made = Repository.open(root).apply(plan, "plan.json", ApplyOptions(mode=mode))
        assert made.success
        assert roll_back(Git.require(root)).branches
    after = snapshot(root)
    del before["git directory"], after["git directory"]  # directories of reflogs stay
    assert after == before


def test_a_file_to_be_moved_that_has_changed_is_refused(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r")
    plan = planned(root)
    (root / "candidate/m05.py").write_bytes(b"changed = 1\n")
    before = snapshot(root)
    with pytest.raises(UsageError, match="uncommitted changes"):
        Repository.open(root).apply(plan, "plan.json")
    assert snapshot(root) == before


def test_undoing_keeps_what_has_moved_on_or_is_merged(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r")
    result = carried_out(root, "stack")
    repository = Git.require(root)
    last = result.branches[-1].name
    git(root, "branch", "--force", last, "main")
    with pytest.raises(UsageError, match="has moved on"):
        roll_back(repository)
    git(root, "branch", "--force", last, result.branches[-1].commit)
    git(root, "merge", "--quiet", result.branches[0].name)
    with pytest.raises(UsageError, match="is merged"):
        roll_back(repository)
    git(root, "reset", "--quiet", "--hard", result.base)
    assert len(roll_back(repository).branches) == len(result.branches)
    with pytest.raises(UsageError, match="no run to undo"):
        roll_back(repository)


def test_a_gate_runs_only_the_tests_that_reach_what_changed(tmp_path: Path) -> None:
    gate = gate_text("fast", "import sys; print(*sys.argv[1:])")
    gate = gate.replace('"]', '", "{tests}", "and", "{modules}"]')
    root = campaign_repository(tmp_path / "r", gate)
    (root / "tests").mkdir()
    for name, text in {
        "test_m05.py": "import candidate.m05\n",
        "test_chain.py": "def test():\n    from candidate.c3 import NAME\n",
        "test_other.py": "import json\n",
    }.items():
        (root / "tests" / name).write_text(text, encoding="utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "tests")
    result = carried_out(root, "stack")
    ran = [gate for gate in result.gates if gate.attempts]
    assert ran and len(ran) < len(result.gates) == len(
        result.branches
    )  # some batches no test reaches
    for one in ran:
        tests, _, modules = one.output.strip().partition(" and ")
        reached = {"tests/test_m05.py"} if "core/m05.py" in modules else set()
        if set(modules.split()) & {"core/m00.py", *(f"core/{name}.py" for name in CHAIN)}:
            reached.add("tests/test_chain.py")
        assert set(tests.split()) == reached


def test_a_benchmark_is_measured_against_the_base_commit(tmp_path: Path) -> None:
    code = "import os; print('took', 1 + os.path.exists('core/m06.py'))"
    gate = gate_text("speed", code, kind="benchmark") + (
        "metric = { regex = 'took (?P<value>[0-9.]+)' }\nrounds = 1\n"
    )
    root = campaign_repository(tmp_path / "r", gate)
    before = snapshot(root)
    result = carried_out(root)
    assert left(result).keys() == {"m06"}
    [slow] = result.left_out
    assert slow.gate is not None and "100" in slow.gate.output
    roll_back(Git.require(root))
    after = snapshot(root)
    del before["git directory"], after["git directory"]
    assert after == before


def test_a_batch_is_not_judged_by_what_another_one_was_asked(tmp_path: Path) -> None:
    # One batch's tests fail by what moves, another's failed before: each is asked of its own.
    code = (
        "import sys; text = ''.join(open(path).read() for path in sys.argv[1:]); "
        "sys.exit('BROKEN' in text or 'core.m01' in text)"
    )
    gate = gate_text("fast", code).replace('"]', '", "{tests}"]')
    root = campaign_repository(tmp_path / "r", gate)
    (root / "tests").mkdir()
    (root / "tests/test_a.py").write_text("import candidate.m01\n", encoding="utf-8")
    (root / "tests/test_b.py").write_text("import candidate.m06  # BROKEN\n", encoding="utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "tests")
    gone = left(carried_out(root, "wave"))
    assert gone.pop("m01") == "LP405: gate fast (after the move) failed with exit status 1"
    assert "m06" in gone
    assert all(reason.endswith("without these steps already") for reason in gone.values())


def test_a_branch_s_evidence_has_every_gate_that_guards_it_and_none_that_failed(
    tmp_path: Path,
) -> None:
    root = campaign_repository(
        tmp_path / "r",
        gate_text("guard", "pass", phase="before"),
        gate_text("of m05", "pass", phase="before", when="m").replace('"m"', '["**/m05.py"]'),
        gate_text("fast", failing_with(["m03"])),
        gate_text("all", failing_with(["m07"]), scope="wave"),
    )
    for mode in MODES:
        result = carried_out(root, mode)
        assert not all(gate.passed for gate in result.gates)
        for made in result.branches:
            told = json.loads(Path(made.evidence[0]).read_bytes())["gates"]
            names = [gate["name"] for gate in told]
            assert all(gate["exit_code"] == 0 for gate in told)
            assert {"guard", "fast", "all"} <= set(names)
            assert ("of m05" in names) == ("core/m05.py" in files_of(root, made.commit, made.base))
        roll_back(Git.require(root))


def files_of(root: Path, commit: str, base: str) -> set[str]:
    return set(git(root, "diff", "--name-only", base, commit).decode().split())


def test_a_flaky_gate_is_tried_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"import os, sys; p = {str(mark)!r}; there = os.path.exists(p); open(p, 'w'); sys.exit(not there)"
    gate = gate_text("flaky", code) + "retries = 1\n"
    root = campaign_repository(tmp_path / "r", gate)
    result = carried_out(root)
    assert not result.left_out
    assert [gate.flaky for gate in result.gates].count(True) == 1


def test_nothing_to_go_on_with_is_told(tmp_path: Path) -> None:
    root = campaign_repository(tmp_path / "r")
    with pytest.raises(UsageError, match="none has begun"):
        Repository.open(root).resume()
    carried_out(root)
    with pytest.raises(UsageError, match="is done"):
        Repository.open(root).resume()

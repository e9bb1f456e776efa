"""`rollback STEP` as a user sees it, and pull requests of single branches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lane_planner.base.git import Git
from lane_planner.executor.records.status import status
from tests.cli.shop import run
from tests.executor.campaigns import campaign_repository, gate_text, tree_of
from tests.executor.github_server import (
    FakeGitHub,
    github_for_gh,
    log_in,
    put_on_github,
)
from tests.executor.repositories import git, snapshot
from tests.executor.reverting import reverting_repository, written

ENGINE = "candidate.pkg.engine"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a plan of twenty steps, all of which have landed."""
    made = campaign_repository(tmp_path / "r")
    planned = run(made, "plan", "--format", "json", "--output", ".git/plan.json", "--quiet")
    assert planned.code == 0, planned.err
    applied = run(made, "apply", ".git/plan.json", "--format", "json")
    assert applied.code == 0, applied.err
    git(made, "merge", "--quiet", "--no-ff", "-m", "merge", applied.json["branch"])
    return made


def test_steps_of_a_plan_go_back_with_what_depends_on_them(root: Path) -> None:
    before = snapshot(root)
    ran = run(root, "rollback", "core.c1")
    assert ran.code == 1
    assert "other steps that depend on it (2):" in ran.out
    assert "--with-dependents takes these back too\nnothing was changed\n" in ran.out
    assert snapshot(root) == before
    shown = run(root, "rollback", "core.c1", "--with-dependents", "--dry-run")
    assert shown.code == 0
    assert "rename from core/c1.py\nrename to candidate/c1.py\n" in shown.out
    assert shown.out.endswith("nothing was changed; without --dry-run it is done\n")
    assert snapshot(root) == before
    done = run(root, "rollback", "core.c1", "--with-dependents", "--format", "json")
    assert done.code == 0, done.err
    found = done.json
    assert [step["name"] for step in found["steps"]] == ["c3", "c2", "c1"]
    assert [step["name"] for step in found["dependents"]] == ["c3", "c2"]
    assert found["branch"] == "revert/core-to-candidate/c1" and len(found["commits"]) == 3
    assert found["success"] and not found["dry_run"] and found["pr_url"] is None
    listed = git(root, "ls-tree", "-r", "--name-only", found["commit"], "candidate/")
    assert listed.decode().split() == ["candidate/c1.py", "candidate/c2.py", "candidate/c3.py"]
    assert b"from candidate.c3 import" in git(root, "show", f"{found['commit']}:main.py")
    # It is a run like another one.
    undone = run(root, "rollback")
    assert undone.code == 0 and "branch revert/core-to-candidate/c1 is gone" in undone.out


def test_all_steps_go_back_to_where_the_plan_began(root: Path) -> None:
    names = ["m00", *(f"m{number:02}" for number in range(1, 16))]
    words = [f"core/{name}.py" for name in names]
    done = run(root, "rollback", *words, "--with-dependents", "--format", "json")
    assert done.code == 0, done.out
    assert len(done.json["steps"]) == 20
    assert done.json["branch"].endswith("+15")
    assert tree_of(root, done.json["commit"]) == tree_of(root, "HEAD^1")


def test_a_plans_steps_are_named_by_its_id(root: Path) -> None:
    logged = run(root, "log", "--format", "jsonl").out
    plan = logged.partition('"plan":"')[2][:64]
    done = run(root, "rollback", "s0020", "--plan", plan[:8], "--dry-run")
    assert done.code == 0 and f"s0020 of plan {plan[:12]}: " in done.out
    none = run(root, "rollback", "s0020", "--plan", "0" * 8)
    assert none.code == 2 and "no step that has landed in what is checked out" in none.error()


def test_options_of_steps_need_one(root: Path) -> None:
    for words in (["--dry-run"], ["--plan", "1"], ["--no-gates"], ["--with-dependents"], ["--pr"]):
        ran = run(root, "rollback", *words)
        assert ran.code == 2
        assert ran.error() == "these options are for steps that have landed: name one"


def test_later_work_is_told_with_its_place(root: Path) -> None:
    written(root, {"later.py": b"import os\nimport core.m05\n"})
    ran = run(root, "rollback", "core.m05")
    assert ran.code == 1
    assert "later work depends on it (1):\n  later.py:2: later imports core.m05" in ran.out
    assert ran.out.endswith("nothing was changed\n")
    told = run(root, "rollback", "core.m05", "--format", "json").json
    assert told["obstacles"][0]["path"] == "later.py" and told["success"] is False


def test_a_gate_that_fails_ends_with_its_own_code(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit(os.path.exists('candidate/m05.py') and 'm05 is back')"
    made = campaign_repository(tmp_path / "gated", gate_text("fast", code))
    applied = run(made, "promote", "candidate.m05", "core", "--apply", "--format", "json")
    assert applied.code == 0, applied.err
    git(made, "merge", "--quiet", "--ff-only", applied.json["branch"])
    before = snapshot(made)
    ran = run(made, "rollback", "core.m05")
    assert ran.code == 3
    assert "    | m05 is back" in ran.out
    assert "rolled back: gate fast (after the move) failed with exit status 1" in ran.out
    assert snapshot(made) == before
    assert run(made, "rollback", "core.m05", "--no-gates").code == 0
    assert "2 of 2 undone runs were undone completely" in run(made, "status", "--metrics").out


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose remote is on GitHub."""
    if shutil.which("gh") is None:
        pytest.skip("gh, GitHub's own program, is not installed")
    made = reverting_repository(tmp_path / "r")
    put_on_github(made, tmp_path / "hub.git")
    log_in(tmp_path / "gh", monkeypatch)
    return made


@pytest.fixture
def github(hub: Path, tmp_path: Path) -> Iterator[FakeGitHub]:
    """GitHub, and gh that is logged in."""
    with github_for_gh(tmp_path / "hub.git", tmp_path / "gh") as server:
        yield server


def test_a_revert_has_a_pull_request(hub: Path, github: FakeGitHub) -> None:
    made = run(hub, "promote", ENGINE, "core", "--apply", "--format", "json")
    git(hub, "merge", "--quiet", "--ff-only", made.json["branch"])
    git(hub, "push", "--quiet", "origin", "main")
    done = run(hub, "rollback", ENGINE, "--pr", "--draft", "--label", "lanes", "--format", "json")
    assert done.code == 0, done.err
    [pull] = github.pulls.values()
    assert done.json["pr_url"].endswith(f"/pull/{pull.number}")
    assert (pull.title, pull.head, pull.base, pull.draft, pull.labels) == (
        "revert(core→candidate): pkg.engine", "revert/core-to-candidate/pkg.engine", "main", True,
        ["lanes"],
    )  # fmt: skip
    assert pull.body is not None and "core.pkg.engine" in pull.body
    assert github.commit(pull.head) == done.json["commit"]
    undone = run(hub, "rollback")
    assert undone.code == 0, undone.err
    assert pull.state == "closed" and github.commit(pull.head) is None
    assert status(Git.require(hub)).runs[-1].status == "rolled-back"


def test_a_promotion_has_a_pull_request(hub: Path, github: FakeGitHub) -> None:
    made = run(hub, "promote", ENGINE, "core", "--apply", "--pr", "--format", "json")
    assert made.code == 0, made.err
    [pull] = github.pulls.values()
    assert made.json["pr_url"].endswith(f"/pull/{pull.number}")
    assert (pull.title, pull.head, pull.base, pull.draft) == (
        "promote(candidate→core): pkg.engine", "promote/candidate-to-core/pkg.engine", "main", False
    )  # fmt: skip
    [evidence] = [path for path in made.json["evidence"] if path.endswith(".md")]
    assert pull.body is not None and pull.body.strip() == Path(evidence).read_text().strip()
    assert run(hub, "rollback").code == 0
    assert pull.state == "closed" and github.commit(pull.head) is None


@pytest.mark.parametrize("act", ["promote", "rollback"])
def test_where_only_the_push_fails_the_branch_stays_to_be_pushed(
    hub: Path, github: FakeGitHub, tmp_path: Path, act: str
) -> None:
    words: tuple[str, ...] = ("promote", ENGINE, "core", "--apply", "--pr", "--draft")
    if act == "rollback":
        made = run(hub, "promote", ENGINE, "core", "--apply", "--format", "json")
        git(hub, "merge", "--quiet", "--ff-only", made.json["branch"])
        git(hub, "push", "--quiet", "origin", "main")
        words = ("rollback", ENGINE, "--pr", "--draft")
    hook = tmp_path / "hub.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no pushes today >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    refused = run(hub, *words)
    assert refused.code == 4
    assert "no pushes today" in refused.err
    assert "`lane-planner resume` goes on, `lane-planner rollback` undoes them" in refused.err
    assert github.pulls == {}
    hook.unlink()
    resumed = run(hub, "resume", "--format", "json")
    assert resumed.code == 0, resumed.err
    [pull] = github.pulls.values()
    assert github.commit(pull.head) == resumed.json["commit"]
    assert pull.draft and pull.base == "main"
    title = {"promote": "promote(candidate→core)", "rollback": "revert(core→candidate)"}[act]
    assert pull.title == f"{title}: pkg.engine"
    logged = run(hub, "log", "--format", "jsonl").out
    assert logged.count("\n") == (act == "promote")  # one, or none that is left
    assert run(hub, "resume").error().startswith("there is no run to go on with: run ")
    assert run(hub, "rollback").code == 0
    assert pull.state == "closed"


def test_a_campaign_on_one_branch_is_gone_on_with_too(
    hub: Path, github: FakeGitHub, tmp_path: Path
) -> None:
    hook = tmp_path / "hub.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    run(hub, "plan", "--from", "candidate", "--format", "json", "--output", ".git/plan.json")
    assert run(hub, "apply", ".git/plan.json", "--pr").code == 4
    hook.unlink()
    resumed = run(hub, "resume", "--format", "json")
    assert resumed.code == 0, resumed.err
    assert len(github.pulls) == 1


def test_a_pull_request_needs_a_branch(root: Path) -> None:
    ran = run(root, "promote", "core.m01", "core", "--pr")
    assert ran.code == 2
    assert ran.error() == "--pr is of no use without --apply"

"""A run ends with a branch, or with nothing changed: on real repositories, dirty ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure, LanePlannerError, UsageError
from lane_planner.base.git import Git
from lane_planner.config.settings import Gate
from lane_planner.executor import carry_out as module
from lane_planner.executor.carry_out import Outcome, carry_out, in_order
from lane_planner.executor.gating.trials import Step
from lane_planner.executor.records.journal import (
    BranchIntended,
    Event,
    GateFinished,
    GateStarted,
    Run,
    RunFinished,
    RunStarted,
    StepCommitted,
    StepIntended,
)
from lane_planner.executor.records.lock import run_lock
from lane_planner.executor.records.promotion_log import read
from lane_planner.executor.records.status import status
from lane_planner.executor.recovery import settle
from lane_planner.executor.run import Carried
from lane_planner.executor.storage.places import evidence_paths, lock_path
from lane_planner.gates.evidence import Evidence
from lane_planner.promotion.values import FileMove
from tests.executor.repositories import (
    ENVIRONMENT,
    FILES,
    git,
    job,
    new_repository,
    promotion,
    python_gate,
    second_promotion,
    settings,
    snapshot,
    steps,
)

BRANCH = "promote/candidate-to-core/a.mod"


def run(root: Path, *gates: Gate, **changes: object) -> Outcome:
    options = {k: changes.pop(k) for k in ("evidence", "observe") if k in changes}
    return carry_out(
        Git.require(root),
        settings(root),
        job(root, *gates, **changes),
        in_order(steps()),
        **options,  # type: ignore[arg-type]
    )


def last_run(root: Path) -> Run:
    return status(Git.require(root)).runs[-1]


def assert_untouched(root: Path, before: dict[str, object]) -> None:
    assert snapshot(root) == before
    assert status(Git.require(root)).leftovers == ()
    assert status(Git.require(root)).holder is None


def test_success_adds_a_branch_and_nothing_else(root: Path) -> None:
    before = snapshot(root)
    outcome = run(root)
    assert outcome.success
    after = snapshot(root)
    ref = f"{outcome.commit} commit\trefs/heads/{BRANCH}\n".encode()
    assert after.pop("refs") == ref.join(_around(before.pop("refs"), b"refs/heads/main\n"))
    added = _git_files(after) - _git_files(before)
    assert all(name.startswith(("refs/heads/promote", "logs/refs/heads/promote")) for name in added)
    del after["git directory"], before["git directory"]
    assert after == before


def _git_files(state: dict[str, object]) -> set[str]:
    names = state["git directory"]
    assert isinstance(names, list)
    return set(names)


def _around(refs: object, line: bytes) -> list[bytes]:
    assert isinstance(refs, bytes)
    end = refs.index(line) + len(line)
    return [refs[:end], refs[end:]]


def test_each_step_is_a_commit_with_trailers(root: Path) -> None:
    outcome = run(root)
    log = git(root, "log", "--format=%P|%an|%s|%(trailers:separator=%x2C)", f"main..{BRANCH}")
    first, second = (step.commit for step in outcome.steps)
    assert log.decode().splitlines() == [
        f"{first}|Test Person|promote(candidate→core): b|Lane-Plan: sha256:0123,Lane-Step: s0002",
        f"{outcome.base}|Test Person|promote(candidate→core): a.mod|"
        "Lane-Plan: sha256:0123,Lane-Step: s0001",
    ]
    assert outcome.commit == second == git(root, "rev-parse", BRANCH).decode().strip()
    changed = git(root, "diff", "--no-renames", "--name-status", "main", BRANCH).decode()
    assert changed.split("\n") == [
        "D\tcandidate/a/mod.py",
        "M\tcandidate/a/tool.py",
        "D\tcandidate/b.py",
        "A\tcore/a/__init__.py",
        "A\tcore/a/mod.py",
        "A\tcore/b.py",
        "",
    ]
    # The committed content moved, not what the user has in the checkout.
    assert git(root, "show", f"{BRANCH}:core/a/mod.py") == FILES["candidate/a/mod.py"]
    assert git(root, "ls-tree", BRANCH, "candidate/a/tool.py").startswith(b"100755 ")
    git(root, "fsck", "--strict")


def test_the_evidence_and_the_journal_tell_the_run(root: Path) -> None:
    events: list[Event] = []
    outcome = run(root, python_gate("print('fine')", phase="before"), observe=events.append)
    paths = evidence_paths(Git.require(root), BRANCH)
    assert outcome.evidence == tuple(str(path) for path in paths)
    told = json.loads(paths[0].read_text())
    assert told["schema"] == "lane-planner/evidence/1"
    assert (told["base"], told["result"]) == (outcome.base, outcome.commit)
    assert [gate["output"] for gate in told["gates"]] == ["fine\n"]
    assert "`core/a/mod.py`" in paths[1].read_text()
    assert [type(event) for event in events] == [
        RunStarted,
        GateStarted,
        GateFinished,
        *[StepIntended, StepCommitted] * 2,
        BranchIntended,
        RunFinished,
    ]
    told_run = last_run(root)
    assert (told_run.status, told_run.result) == ("done", outcome.commit)
    assert told_run.steps == outcome.steps
    assert told_run.gates == outcome.gates


def test_each_step_is_asked_for_on_the_commit_before_it(root: Path) -> None:
    asked = []
    remaining = steps()

    def next_step(commit: str) -> Step | None:
        asked.append(commit)
        return remaining.pop(0) if remaining else None

    outcome = carry_out(Git.require(root), settings(root), job(root), next_step)
    assert asked == [outcome.base, *(step.commit for step in outcome.steps)]


LOOK = "import os,sys; sys.exit(not (os.path.exists({!r}) and not os.path.exists({!r})))"
OLD, NEW = "candidate/a/mod.py", "core/a/mod.py"


def test_gates_see_the_base_before_and_the_result_after(root: Path) -> None:
    outcome = run(
        root,
        python_gate(LOOK.format(OLD, NEW), name="old", phase="before"),
        python_gate(LOOK.format(NEW, OLD), name="new"),
    )
    assert [(gate.name, gate.passed) for gate in outcome.gates] == [("old", True), ("new", True)]


def test_gates_import_the_moved_tree_even_where_the_checkout_is_installed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(root))
    code = "import sys, core.a.mod as m; sys.exit('lane-planner' not in m.__file__)"
    assert run(root, python_gate(code)).success


def test_gates_know_what_moves(root: Path) -> None:
    code = (
        "import os; e = os.environ; print(e['LANE_PLANNER'], e['LANE_PLANNER_PHASE'],"
        " e['LANE_PLANNER_MODULES'].split(), open(e['LANE_PLANNER_MODULES_FILE']).read().split(),"
        " sorted(k for k in e if k.startswith('GIT_DIR')), e['PYTHONDONTWRITEBYTECODE'])"
    )
    outcome = run(root, python_gate(code, phase="before"), python_gate(code))
    old, new = ["candidate/a/mod.py", "candidate/b.py"], ["core/a/mod.py", "core/b.py"]
    assert [gate.output for gate in outcome.gates] == [
        f"1 before {old} {old} [] 1\n",
        f"1 after {new} {new} [] 1\n",
    ]


def test_a_gate_cannot_spoil_the_tree_for_the_next_phase(root: Path) -> None:
    spoil = (
        "import os, shutil; open('core/__init__.py', 'w').write('spoilt'); os.mkdir('junk');"
        " open('junk/x', 'w'); os.chmod('junk', 0o500); os.unlink('.git');"
        " open('README.md', 'w')"
    )
    clean = (
        "import os, sys, subprocess;"
        " sys.exit(os.path.exists('junk') or bool(open('core/__init__.py').read())"
        " or subprocess.check_output(['git', 'status', '--porcelain']) != b'')"
    )
    before = snapshot(root)
    outcome = run(root, python_gate(spoil, phase="before"), python_gate(clean))
    assert [gate.passed for gate in outcome.gates] == [True, True], outcome.gates
    git(root, "branch", "-D", BRANCH)
    after = snapshot(root)
    del before["git directory"], after["git directory"]
    assert after == before


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_failing_gate_leaves_everything_as_it_was(root: Path, phase: str) -> None:
    before = snapshot(root)
    outcome = run(
        root,
        python_gate("print('why'); raise SystemExit(7)", name="unit", phase=phase),
        python_gate("", name="never", phase=phase),
    )
    assert not outcome.success
    assert outcome.reason == f"gate unit ({phase} the move) failed with exit status 7"
    assert [(gate.name, gate.exit_code, gate.output) for gate in outcome.gates] == [
        ("unit", 7, "why\n")
    ]
    assert (outcome.commit, outcome.evidence) == (None, ())
    assert not evidence_paths(Git.require(root), BRANCH)[0].exists()
    assert (last_run(root).status, last_run(root).reason) == ("rolled-back", outcome.reason)
    assert_untouched(root, before)


def test_a_gate_that_applies_to_no_moved_path_does_not_run(root: Path) -> None:
    outcome = run(root, python_gate("raise SystemExit(1)", when=("**/ethics/**",)))
    assert outcome.success and outcome.gates == ()


class Boom(Exception):
    """Raised by tests."""


@pytest.mark.parametrize("error", [Boom("boom"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
@pytest.mark.parametrize(
    "at",
    [RunStarted, StepIntended, StepCommitted, GateFinished, BranchIntended, RunFinished],
    ids=lambda kind: kind.__name__,
)
def test_a_failure_at_any_event_leaves_everything_as_it_was(
    root: Path, at: type, error: BaseException
) -> None:
    before = snapshot(root)

    def observe(event: Event) -> None:
        if isinstance(event, at):
            raise error

    with pytest.raises(type(error)):
        run(root, python_gate(""), observe=observe)
    assert last_run(root).status == "rolled-back"
    before["git directory"] = _without_empty_branch_directories(before)
    after = snapshot(root)
    after["git directory"] = _without_empty_branch_directories(after)
    assert after == before
    assert run(root).success


def _without_empty_branch_directories(state: dict[str, object]) -> list[str]:
    # git removes a deleted branch's file but keeps the empty directories around it.
    return sorted(
        name for name in _git_files(state) if not BRANCH.startswith(name.rpartition("heads/")[2])
    )


def evidence_fails(carried: Carried) -> Evidence:
    raise Boom("no evidence")


def test_evidence_that_cannot_be_built_leaves_everything_as_it_was(root: Path) -> None:
    before = snapshot(root)
    with pytest.raises(Boom):
        run(root, evidence=evidence_fails)
    assert_untouched(root, before)


def test_evidence_that_cannot_be_written_leaves_everything_as_it_was(root: Path) -> None:
    before = snapshot(root)
    place = evidence_paths(Git.require(root), BRANCH)[1]
    place.mkdir(parents=True)
    (place / "in the way").touch()
    with pytest.raises(EnvironmentFailure, match="cannot write"):
        run(root)
    assert (place / "in the way").exists()
    assert snapshot(root) == before


MISFITS: dict[str, tuple[dict[str, object], str]] = {
    "its source is missing": (
        {"moves": (FileMove("candidate/b.py", "core/b.py"), FileMove("candidate/c.py", "core/c"))},
        "candidate/c.py, which moves, is missing",
    ),
    "its target is there": (
        {"moves": (FileMove("candidate/b.py", "core/__init__.py"),)},
        "core/__init__.py, where a file moves to, is there already",
    ),
    "it changes nothing": ({"moves": (), "writes": ()}, "it changes nothing"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_step_that_does_not_fit_leaves_everything_as_it_was(root: Path, case: str) -> None:
    changes, message = MISFITS[case]
    before = snapshot(root)
    wrong = Step("s0002", promotion(**{"writes": (), **changes}))
    with pytest.raises(EnvironmentFailure, match=message):
        carry_out(
            Git.require(root),
            settings(root),
            job(root, moves=(*promotion().moves, *wrong.promotion.moves)),
            in_order([Step("s0001", promotion()), wrong]),
        )
    assert_untouched(root, before)


REFUSALS: dict[str, tuple[dict[str, object], type[LanePlannerError], str]] = {
    "unplanned move": ({"moves": ()}, EnvironmentFailure, "which was not planned"),
    "unknown base": ({"base_commit": "0" * 40}, UsageError, "there is no commit 0000"),
    "short base": ({"base_commit": "HEAD"}, UsageError, "there is no commit HEAD"),
    "branch exists": ({"branch": "main"}, UsageError, "branch main exists already"),
    "branch below a branch": ({"branch": "main/x"}, UsageError, "cannot stand beside branch main"),
    "branch above a branch": ({"branch": "deep"}, UsageError, "cannot stand beside branch deep/er"),
    "bad branch name": ({"branch": "a..b"}, UsageError, "cannot be the name of a branch"),
    "branch like an option": ({"branch": "-d"}, UsageError, "cannot be the name of a branch"),
    "branch not UTF-8": ({"branch": "a\udcff"}, UsageError, "cannot be the name of a branch"),
    "branch with NUL": ({"branch": "a\0b"}, UsageError, "cannot be the name of a branch"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_is_refused_before_anything_changes(root: Path, case: str) -> None:
    changes, kind, message = REFUSALS[case]
    git(root, "branch", "deep/er")
    before = snapshot(root)
    with pytest.raises(kind, match=message):
        run(root, **changes)
    assert_untouched(root, before)


def test_no_steps_and_twice_the_same_step_are_refused(root: Path) -> None:
    before = snapshot(root)
    repository = Git.require(root)
    with pytest.raises(UsageError, match="there is no step"):
        carry_out(repository, settings(root), job(root), in_order([]))
    twice = in_order([Step("s1", promotion()), Step("s1", second_promotion())])
    with pytest.raises(EnvironmentFailure, match="step s1 came twice"):
        carry_out(repository, settings(root), job(root), twice)
    assert_untouched(root, before)


def test_a_branch_that_appears_meanwhile_is_left_alone(root: Path) -> None:
    def observe(event: Event) -> None:
        if isinstance(event, BranchIntended):
            git(root, "branch", BRANCH, "main")

    with pytest.raises(EnvironmentFailure, match="update-ref failed"):
        run(root, observe=observe)
    assert git(root, "rev-parse", BRANCH) == git(root, "rev-parse", "main")
    assert last_run(root).status == "rolled-back"


def test_a_branch_that_somebody_moved_meanwhile_is_told_not_deleted(root: Path) -> None:
    def observe(event: Event) -> None:
        if isinstance(event, RunFinished):
            git(root, "branch", "--force", BRANCH, "main")
            raise Boom

    with pytest.raises(Boom) as caught:
        run(root, observe=observe)
    assert any("update-ref failed" in note for note in caught.value.__notes__)
    assert git(root, "rev-parse", BRANCH) == git(root, "rev-parse", "main")
    assert last_run(root).status == "failed"
    assert last_run(root).leftovers


def test_a_second_run_is_told_who_runs(root: Path) -> None:
    repository = Git.require(root)
    with (
        run_lock(lock_path(repository), command="promote x", since="2024-01-01T00:00:00Z"),
        pytest.raises(EnvironmentFailure) as caught,
    ):
        run(root)
    assert caught.value.message == (
        f"another run is under way in this repository: process {os.getpid()} (promote x), "
        "since 2024-01-01T00:00:00Z; wait for it to end"
    )
    assert run(root).success


def test_without_an_identity_nothing_begins(root: Path) -> None:
    git(root, "config", "--unset", "user.email")
    before = snapshot(root)
    with pytest.raises(EnvironmentFailure, match=r"git config user\.email ADDRESS"):
        run(root)
    assert_untouched(root, before)
    assert status(Git.require(root)).runs == ()


def test_the_root_may_be_a_directory_of_the_repository(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", FILES, root="services/brain")
    before = snapshot(root)
    where = "import os, sys; sys.exit(not os.getcwd().endswith('/worktree/services/brain'))"
    outcome = run(root, python_gate(where), python_gate(LOOK.format(NEW, OLD)))
    assert outcome.success, outcome.gates
    names = git(root, "ls-tree", "-r", "--full-tree", "--name-only", BRANCH).decode().split()
    assert "services/brain/core/a/mod.py" in names
    assert all(name.startswith("services/brain/") for name in names)
    git(root, "branch", "-D", BRANCH)
    after = snapshot(root)
    del before["git directory"], after["git directory"]
    assert after == before


def test_a_linked_work_tree_can_be_promoted_in(root: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "--quiet", "--detach", str(linked))
    before = snapshot(root), snapshot(linked)
    assert not run(linked, python_gate("raise SystemExit(1)")).success
    assert (snapshot(root), snapshot(linked)) == before
    assert run(linked, python_gate(LOOK.format(NEW, OLD))).success


def test_a_submodule_can_be_promoted_in(root: Path, tmp_path: Path) -> None:
    # Its git directory names the checkout as its work tree: git run there without care would
    # reset the user's files.
    outer = new_repository(tmp_path / "outer", {"x": b""})
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(root), "sub")
    inner = outer / "sub"
    git(inner, "config", "user.name", "Test Person")
    git(inner, "config", "user.email", "test@example.org")
    (inner / "README.md").write_bytes(b"not committed\n")
    before = snapshot(inner)
    spoil = "import os; os.unlink('.git'); open('README.md', 'w')"
    outcome = run(inner, python_gate(spoil, phase="before"), python_gate("raise SystemExit(1)"))
    assert [gate.passed for gate in outcome.gates] == [True, False]
    assert snapshot(inner) == before


def test_a_sparse_split_and_hooked_repository_is_promoted_in_as_any_other(root: Path) -> None:
    for name in ("reference-transaction", "post-checkout", "pre-commit", "post-index-change"):
        hook = root / ".git/hooks" / name
        hook.write_text('#!/bin/sh\necho ran >> "$(git rev-parse --git-common-dir)/hooked"\n')
        hook.chmod(0o755)
    git(root, "config", "core.splitIndex", "true")
    git(root, "config", "commit.gpgSign", "true")
    git(root, "config", "core.sparseCheckout", "true")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/sparse-checkout").write_text("/README.md\n")
    before = snapshot(root)
    outcome = run(root, python_gate(LOOK.format(NEW, OLD)))
    assert outcome.success, outcome.gates
    assert not (root / ".git/hooked").exists()
    assert not list((root / ".git").glob("sharedindex.*"))
    assert snapshot(root)["index"] == before["index"]


KILLER = """
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, {here!r})
    from lane_planner.base.git import Git
    from lane_planner.executor.records import journal
    from lane_planner.executor.carry_out import carry_out, in_order
    from tests.executor.repositories import job, python_gate, settings, steps

    root = Path({root!r})
    at = getattr(journal, {at!r})

    def observe(event):
        if isinstance(event, at):
            os.kill(os.getpid(), signal.{signal})

    code = {code!r}
    carry_out(Git.require(root), settings(root), job(root, python_gate(code)), in_order(steps()),
              observe=observe)
"""


def child(root: Path, *, at: str = "RunFinished", sent: str = "SIGKILL", code: str = "") -> str:
    here = str(Path(module.__file__).parents[2])
    return textwrap.dedent(KILLER).format(here=here, root=str(root), at=at, signal=sent, code=code)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("RunStarted", "interrupted"),
        ("StepIntended", "interrupted"),
        ("StepCommitted", "interrupted"),
        ("GateFinished", "interrupted"),
        ("BranchIntended", "interrupted"),
        ("RunFinished", "done"),
    ],
)
def test_after_a_kill_the_user_s_things_are_whole_and_the_next_run_works(
    root: Path, at: str, expected: str
) -> None:
    before = snapshot(root)
    done = subprocess.run([sys.executable, "-c", child(root, at=at)], env=ENVIRONMENT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert last_run(root).status == expected
    if expected == "done":
        git(root, "branch", "-D", BRANCH)
    left = snapshot(root)
    for key in ("refs", "head", "stash", "status", "index", "files", "config"):
        assert left[key] == before[key], key
    assert run(root, python_gate("")).success
    assert [r.status for r in status(Git.require(root)).runs] == [expected, "done"]
    git(root, "branch", "-D", BRANCH)
    assert_worktrees_and_refs(root, before)


@pytest.mark.parametrize("then", ["resume", "another run"])
def test_a_run_killed_when_its_branch_is_made_is_logged_later(
    root: Path, tmp_path: Path, then: str
) -> None:
    log = tmp_path / "log.jsonl"
    # The last time that a run asks for is that of its end.
    clock = f"""\
def late():
    if os.path.exists({str(root / ".git/refs/heads/promote")!r}):
        os.kill(os.getpid(), signal.SIGKILL)
    return journal.utc_now()

"""
    arguments = f"clock=late, log_file=Path({str(log)!r}))"
    script = child(root).replace("observe=observe)", arguments).replace("code =", f"{clock}code =")
    done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, check=False)
    assert done.returncode == -signal.SIGKILL
    repository = Git.require(root)
    assert last_run(root).status == "interrupted" and not read(repository)
    if then == "resume":
        assert settle(repository, last_run(root)).status == "done"
    else:
        assert run(root, python_gate(""), branch="promote/other").success
    found = [line for line in read(repository) if line.run == 1]
    assert [line.step for line in found] == [step.id for step in status(repository).runs[0].steps]
    assert status(repository).runs[0].status == "done"
    told = [json.loads(line)["step"] for line in log.read_bytes().splitlines()]
    assert told == [line.step for line in found]


def test_a_kill_inside_a_gate_leaves_what_the_next_run_clears(root: Path) -> None:
    before = snapshot(root)
    code = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    done = subprocess.run(
        [sys.executable, "-c", child(root, code=code)], env=ENVIRONMENT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    state = status(Git.require(root))
    assert state.runs[-1].status == "interrupted"
    assert len(state.leftovers) == 2
    assert run(root, python_gate("")).success
    git(root, "branch", "-D", BRANCH)
    assert_worktrees_and_refs(root, before)
    assert status(Git.require(root)).leftovers == ()


def assert_worktrees_and_refs(root: Path, before: dict[str, object]) -> None:
    after = snapshot(root)
    assert {k: after[k] for k in ("refs", "worktrees")} == {
        k: before[k] for k in ("refs", "worktrees")
    }


@pytest.mark.parametrize(("sent", "code"), [("SIGTERM", 143), ("SIGINT", -signal.SIGINT)])
@pytest.mark.parametrize("at", ["StepCommitted", "GateFinished", "BranchIntended", "RunFinished"])
def test_a_polite_end_undoes_the_run(root: Path, sent: str, code: int, at: str) -> None:
    before = snapshot(root)
    script = child(root, at=at, sent=sent)
    done = subprocess.run(
        [sys.executable, "-c", script], env=ENVIRONMENT, check=False, capture_output=True
    )
    assert done.returncode == code, done.stderr
    assert last_run(root).status == "rolled-back"
    assert last_run(root).reason == "it was interrupted"
    assert_worktrees_and_refs(root, before)
    assert run(root).success


def test_an_interrupt_during_a_gate_ends_the_gate(root: Path, tmp_path: Path) -> None:
    before = snapshot(root)
    marker = tmp_path / "pid"
    code = f"import os, time; open({str(marker)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", child(root, code=code)], env=ENVIRONMENT)
    wait_for(lambda: marker.exists() and marker.read_text() != "")
    assert status(Git.require(root)).runs[-1].status == "running"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)
    assert_untouched(root, before)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_run_in_another_thread_works(root: Path) -> None:
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(run(root)))
    thread.start()
    thread.join()
    assert outcomes[0].success


def test_a_state_directory_that_cannot_be_is_told(root: Path) -> None:
    before = snapshot(root)
    (root / ".git/lane-planner").write_bytes(b"")
    with pytest.raises(EnvironmentFailure, match="cannot write"):
        run(root)
    assert snapshot(root) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_git_directory_that_cannot_be_written_is_told(root: Path) -> None:
    before = snapshot(root)
    (root / ".git").chmod(0o500)
    try:
        with pytest.raises(EnvironmentFailure, match="Permission denied"):
            run(root)
    finally:
        (root / ".git").chmod(0o700)
    assert snapshot(root) == before


def test_an_object_store_that_cannot_be_written_leaves_everything_as_it_was(root: Path) -> None:
    before = snapshot(root)
    objects = root / ".git/objects"
    hidden = root / ".git/objects-hidden"

    def observe(event: Event) -> None:
        if isinstance(event, StepIntended):
            objects.rename(hidden)
            objects.touch()

    with pytest.raises(EnvironmentFailure, match="git hash-object failed"):
        try:
            run(root, observe=observe)
        finally:
            objects.unlink()
            hidden.rename(objects)
    assert_untouched(root, before)

"""Steps that have landed are taken back: all that they changed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.executor.records.promotion_log import read
from lane_planner.executor.records.status import status
from lane_planner.executor.shims import ShimChoice
from lane_planner.executor.storage.places import log_path
from lane_planner.repository.repository import Repository
from tests.executor.campaigns import gate_text, tree_of
from tests.executor.repositories import git, make_dirty, new_repository, snapshot
from tests.executor.reverting import (
    CONFIG,
    FILES,
    WAYS,
    differing,
    fast_forward,
    promoted,
    rebased,
    reversal,
    reverted,
    reverting_repository,
    squashed,
    written,
)

ENGINE = "candidate.pkg.engine"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with nothing promoted yet."""
    return reverting_repository(tmp_path / "r")


def landed(root: Path, name: str = ENGINE, target: str = "core") -> str:
    """Promote a module and merge it; return the commit before."""
    before = git(root, "rev-parse", "HEAD").decode().strip()
    fast_forward(root, promoted(root, name, target).branch)
    return before


@pytest.mark.parametrize("land", WAYS)
def test_all_files_are_as_they_were_whatever_way_they_landed(
    root: Path, land: Callable[[Path, str], None]
) -> None:
    before = git(root, "rev-parse", "HEAD").decode().strip()
    land(root, promoted(root, ENGINE).branch)
    after = git(root, "rev-parse", "HEAD").decode().strip()
    assert "core/pkg/engine.py" in differing(root, before, after)
    outcome = reverted(root, ENGINE)
    assert outcome.branch == "revert/core-to-candidate/pkg.engine"
    assert outcome.commit is not None and outcome.base == after
    assert differing(root, before, outcome.commit) <= {"other.txt"}
    message = git(root, "show", "--no-patch", "--format=%B", outcome.commit).decode()
    assert message.startswith("revert(core→candidate): pkg.engine\n")
    assert "\nLane-Plan: promote pkg.engine to core\nLane-Reverts: s0001\n" in message
    assert "Lane-Step" not in message
    done, undone = read(Git.require(root))
    assert undone.reverts and undone.name == done.name
    assert undone.modules == tuple((new, old) for old, new in done.modules)


def test_a_step_is_found_by_whatever_a_user_has_at_hand(root: Path) -> None:
    landed(root)
    commit = git(root, "rev-parse", "HEAD").decode().strip()
    words = ("s0001", ENGINE, "core.pkg.engine", "candidate/pkg/engine.py", "core/pkg/engine.py",
             "core/pkg", "candidate/pkg/", commit, commit[:8])  # fmt: skip
    for word in words:
        [found] = reversal(root, word).wanted
        assert (found.name.step, found.title) == ("s0001", "pkg.engine")
    for word in ("s0002", "core.late", "README.md", "deadbeef"):
        with pytest.raises(UsageError, match=r"no step that has landed .* is called"):
            reversal(root, word)


def test_the_same_id_of_two_plans_is_a_choice(root: Path) -> None:
    landed(root)
    landed(root, "candidate.pkg.helper")
    with pytest.raises(UsageError, match=r"s0001 may be one of 2 steps \(s0001 of \"promote"):
        reversal(root, "s0001")
    chosen = Repository.open(root).reversal(["s0001"], plan="promote pkg.h")
    assert [one.title for one in chosen.wanted] == ["pkg.helper"]


def test_later_changes_of_the_same_files_stay(root: Path) -> None:
    before = landed(root)
    for path in ("core/pkg/engine.py", "candidate/user.py", "main.py"):
        text = (root / path).read_bytes().replace(b"LINE_4 = 4\n", b"LINE_4 = 40  # changed\n")
        written(root, {path: text})
    outcome = reverted(root, ENGINE)
    assert outcome.commit is not None
    assert differing(root, before, outcome.commit) == {
        "candidate/pkg/engine.py", "candidate/user.py", "main.py"
    }  # fmt: skip
    for path in ("candidate/pkg/engine.py", "candidate/user.py", "main.py"):
        now = git(root, "show", f"{outcome.commit}:{path}")
        assert now == FILES[path].replace(b"LINE_4 = 4\n", b"LINE_4 = 40  # changed\n")
    listed = git(root, "ls-tree", outcome.commit, "candidate/pkg/engine.py").decode()
    assert listed.startswith("100755 ")


def test_what_the_step_changed_and_others_since_is_a_conflict(root: Path) -> None:
    landed(root)
    text = (root / "candidate/user.py").read_bytes()
    text = text.replace(b"from core.pkg import engine\n", b"from core.pkg import engine, late\n")
    commit = written(root, {"candidate/user.py": text, "core/pkg/late.py": b""}, "more of it")
    seen = snapshot(root)
    found = reversal(root, ENGINE)
    [obstacle] = found.obstacles
    assert not found.ready
    assert str(obstacle) == (
        "candidate/user.py:3: what the step changed there was changed since by commit "
        f"{commit[:7]} (more of it)"
    )
    assert snapshot(root) == seen


def test_lines_that_were_added_beside_a_rewritten_one_stay(root: Path) -> None:
    both = b"from candidate.pkg import engine\n"
    written(root, {"both.py": both})
    landed(root)
    written(root, {"both.py": b"import os\nfrom core.pkg import engine\nimport sys\n"})
    outcome = reverted(root, ENGINE)
    now = git(root, "show", f"{outcome.commit}:both.py")
    assert now == b"import os\nfrom candidate.pkg import engine\nimport sys\n"


def test_steps_that_rewrote_neighbouring_lines_go_back_alone(root: Path) -> None:
    both = b"from candidate.pkg import engine\nfrom candidate.pkg import helper\n"
    written(root, {"both.py": both})
    landed(root)
    landed(root, "candidate.pkg.helper")
    assert (root / "both.py").read_bytes() == both.replace(b"candidate", b"core")
    outcome = reverted(root, ENGINE)
    now = git(root, "show", f"{outcome.commit}:both.py")
    assert now == b"from candidate.pkg import engine\nfrom core.pkg import helper\n"


def test_a_step_that_rewrote_the_same_line_goes_back_first(root: Path) -> None:
    both = b"import os\nfrom candidate.pkg import engine as e, helper as h\n"
    # The first line of what is in conflict here need not be one that the other step changed.
    more = b"from candidate.pkg import helper\nfrom candidate.pkg import engine, helper as h\n"
    written(root, {"both.py": both, "more.py": more})
    before = landed(root, "candidate.pkg.helper")
    landed(root)
    [dependent] = reversal(root, "candidate.pkg.helper").dependents
    assert dependent.landing.title == "pkg.engine"
    assert dependent.reason.startswith("both.py:2: what the step changed there was changed since")
    outcome = reverted(root, "candidate.pkg.helper", with_dependents=True)
    assert outcome.commit is not None
    assert tree_of(root, outcome.commit) == tree_of(root, before)


def test_who_imports_or_names_it_since_is_told(root: Path) -> None:
    landed(root)
    written(root, {
        "core/new.py": b"import os\nimport core.pkg.engine\n",
        "tests/unit/test_new.py": (
            b"# core.pkg.engine is well\n"
            b'def test(mocker):\n    mocker.patch("core.pkg.engine.LATE")\n'
        ),
        "ci.yaml": b"run:\n- python core/pkg/engine.py\n",
        "docs.md": b"See core.pkg.engine.\n",
    })  # fmt: skip
    found = reversal(root, ENGINE)
    assert [(one.path, one.line) for one in found.obstacles] == [
        ("ci.yaml", 2), ("core/new.py", 2), ("tests/unit/test_new.py", 3)
    ]  # fmt: skip
    assert "core.new imports core.pkg.engine, which would not be there" in str(found.obstacles[1])


def test_an_import_that_led_nowhere_before_does_so_again(tmp_path: Path) -> None:
    top = new_repository(tmp_path / "empty", {
        "lanes.toml": CONFIG.encode(),
        "candidate/a.py": b"VALUE = 1\n",
        "main.py": b"try:\n    import core\n    import core.a\nexcept ImportError:\n    pass\n",
    })  # fmt: skip
    before = landed(top, "candidate.a")
    outcome = reverted(top, "core.a")
    assert outcome.commit is not None
    assert tree_of(top, outcome.commit) == tree_of(top, before)


def test_prose_that_names_it_since_is_a_note(root: Path) -> None:
    landed(root)
    written(root, {"docs.md": b"See\ncore.pkg.engine.\n"})
    found = reversal(root, ENGINE)
    assert found.ready
    assert found.steps[-1].notes == (
        "docs.md:2 names core.pkg.engine, which is where it was again",
    )


def test_a_name_that_came_into_a_rewritten_file_is_told(root: Path) -> None:
    landed(root)
    text = (root / "main.py").read_bytes()
    written(root, {"main.py": text.replace(b"LINE_3 = 3\n", b"LINE_3 = core.pkg.engine.LINE_2\n")})
    [obstacle] = reversal(root, ENGINE).obstacles
    assert (obstacle.path, obstacle.line) == ("main.py", 6)
    assert "it names core.pkg.engine since" in obstacle.reason


def test_steps_that_depend_on_it_go_back_first(root: Path) -> None:
    before = landed(root)
    middle = landed(root, "candidate.needs")
    found = reversal(root, ENGINE)
    assert not found.ready and found.obstacles == ()
    [dependent] = found.dependents
    assert dependent.landing.title == "needs"
    # The engine's step rewrote it where it was then.
    assert dependent.reason == (
        'it moves or deletes candidate/needs.py, which s0001 of "promote pkg.engine to core" left'
    )
    outcome = reverted(root, ENGINE, with_dependents=True)
    assert outcome.branch == "revert/core-to-candidate/pkg.engine"
    first, second = (step.commit for step in outcome.steps)
    assert first is not None and second is not None and second == outcome.commit
    assert tree_of(root, first) == tree_of(root, middle)
    assert tree_of(root, second) == tree_of(root, before)


def test_a_step_that_the_lanes_hold_it_to_goes_back_first(root: Path) -> None:
    # Upwards from core, what imports goes first: lukhas may import core, and not the other way.
    written(root, {"core/low.py": b"LOW = 1\n", "core/high.py": b"from core.low import LOW\n"})
    before = landed(root, "core.high", "lukhas")
    landed(root, "core.low", "lukhas")
    [dependent] = reversal(root, "core.high").dependents
    assert dependent.landing.title == "low"
    assert dependent.reason == (
        "lukhas/high.py:1: core.high imports lukhas.low: core may not import lukhas"
    )
    outcome = reverted(root, "core.high", with_dependents=True)
    assert outcome.commit is not None
    assert tree_of(root, outcome.commit) == tree_of(root, before)


def test_what_came_to_need_it_and_was_promoted_is_told_in_full(root: Path) -> None:
    landed(root)
    written(root, {"candidate/comer.py": b"import core.pkg.engine\n"})
    landed(root, "candidate.comer")
    found = reversal(root, ENGINE)
    [dependent] = found.dependents
    assert dependent.reason == (
        "core/comer.py:1: core.comer imports core.pkg.engine, which would not be there any more"
    )
    # Where it was before, it is an importer that nobody rewrote.
    [obstacle] = found.obstacles
    assert (obstacle.path, obstacle.line) == ("core/comer.py", 1)
    assert "candidate.comer imports core.pkg.engine" in obstacle.reason


def test_a_module_that_was_promoted_again_comes_back_all_the_way(root: Path) -> None:
    before = landed(root, "candidate.pkg.helper")
    landed(root, "core.pkg.helper", "lukhas")
    found = reversal(root, "candidate.pkg.helper")
    [dependent] = found.dependents
    assert "moves or deletes core/pkg/helper.py" in dependent.reason
    outcome = reverted(root, "candidate.pkg.helper", with_dependents=True)
    assert outcome.commit is not None
    assert tree_of(root, outcome.commit) == tree_of(root, before)


def test_what_is_taken_back_is_so_told_and_can_be_promoted_again(root: Path) -> None:
    before = landed(root)
    outcome = reverted(root, ENGINE)
    fast_forward(root, outcome.branch)
    assert outcome.commit is not None
    for word in ("s0001",):
        with pytest.raises(
            UsageError, match=f"taken back already, by commit {outcome.commit[:12]}"
        ):
            reversal(root, word)
    for branch in ("promote/candidate-to-core/pkg.engine", outcome.branch):
        git(root, "branch", "--quiet", "-D", branch)
    again = landed(root)
    assert tree_of(root, again) == tree_of(root, before)
    outcome = reverted(root, ENGINE)
    assert outcome.commit is not None
    assert tree_of(root, outcome.commit) == tree_of(root, before)


def test_what_a_person_took_back_is_so_told_and_in_nobodys_way(root: Path) -> None:
    before = landed(root)
    landed(root, "candidate.needs")
    git(root, "revert", "--no-edit", "HEAD")
    commit = git(root, "rev-parse", "HEAD").decode().strip()
    with pytest.raises(UsageError, match=f"taken back already, by commit {commit[:12]}"):
        Repository.open(root).reversal(["s0001"], plan="promote needs")
    with pytest.raises(UsageError, match="taken back already"):
        reversal(root, "core.needs")
    outcome = reverted(root, ENGINE)  # without what depended on it
    assert outcome.commit is not None
    assert tree_of(root, outcome.commit) == tree_of(root, before)


def test_the_parts_of_a_package_come_back_in_any_order(root: Path) -> None:
    before = landed(root)
    landed(root, "candidate.pkg.helper")
    outcome = reverted(root, ENGINE)
    assert outcome.commit is not None
    there = set(git(root, "ls-tree", "-r", "--name-only", outcome.commit).decode().split())
    # helper.py stays in core: its package is still needed there, and the other one is again.
    assert {"core/pkg/helper.py", "core/pkg/__init__.py", "candidate/pkg/__init__.py"} <= there
    assert "candidate/pkg/engine.py" in there and "core/pkg/engine.py" not in there
    fast_forward(root, outcome.branch)
    last = reverted(root, "candidate.pkg.helper")
    assert last.commit is not None
    assert tree_of(root, last.commit) == tree_of(root, before)


def test_a_whole_package_with_shims_comes_back(root: Path) -> None:
    before = git(root, "rev-parse", "HEAD").decode().strip()
    fast_forward(root, promoted(root, "candidate/pkg", shims=ShimChoice("reexport")).branch)
    assert b"core.pkg.engine" in (root / "candidate/pkg/engine.py").read_bytes()
    outcome = reverted(root, ENGINE)
    assert outcome.commit is not None
    assert tree_of(root, outcome.commit) == tree_of(root, before)


@pytest.mark.parametrize("land", [fast_forward, rebased, squashed])
def test_a_step_of_two_commits_comes_back_in_two(
    tmp_path: Path, land: Callable[[Path, str], None]
) -> None:
    root = reverting_repository(tmp_path / "two")
    # Rewritten all over, git would not see it as renamed in one commit.
    imports = "".join(f"from candidate.few import part_{n}\n" for n in range(40))
    files = {f"candidate/few/part_{n}.py": f"P = {n}\n".encode() for n in range(40)}
    written(root, {**files, "candidate/few/__init__.py": b"",
                   "candidate/few/all.py": imports.encode()})  # fmt: skip
    before = git(root, "rev-parse", "HEAD").decode().strip()
    outcome = promoted(root, "candidate/few")
    count = int(git(root, "rev-list", "--count", f"main..{outcome.branch}"))
    land(root, outcome.branch)
    undone = reverted(root, "candidate.few.all")
    assert undone.commit is not None
    assert differing(root, before, undone.commit) <= {"other.txt"}
    if land is not squashed:
        assert int(git(root, "rev-list", "--count", f"main..{undone.branch}")) == count == 2


def test_a_root_below_the_top_and_names_of_any_letters(tmp_path: Path) -> None:
    top = new_repository(tmp_path / "deep", {
        "lanes.toml": CONFIG.encode(),
        "candidate/größe.py": b"VALUE = 1\n" * 9,
        "candidate/a b.py": b"from candidate import gr\xc3\xb6\xc3\x9fe\n",
        "main.py": "import candidate.größe\n\n\ncandidate.größe.VALUE\n".encode(),
    }, root="below/the top")  # fmt: skip
    before = git(top, "rev-parse", "HEAD").decode().strip()
    outcome = promoted(top, "candidate.größe")
    squashed(top, outcome.branch)
    text = (top / "main.py").read_bytes()
    written(top, {"main.py": b"import os\n\n" + text})
    undone = reverted(top, "core/größe.py")
    assert undone.commit is not None
    listed = git(top, "diff-tree", "-r", "-z", "--full-index", "--name-only", before, undone.commit)
    assert listed.split(b"\0")[:-1] == [b"below/the top/main.py", b"below/the top/other.txt"]
    found = reversal(top, "core/größe.py")
    written(top, {"new.py": "import core.größe\n".encode()})
    [obstacle] = reversal(top, "core/größe.py").obstacles
    assert (found.obstacles, obstacle.path, obstacle.line) == ((), "new.py", 1)


def test_a_failing_gate_undoes_everything(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit(os.path.exists('candidate/pkg/engine.py') and 'it is back')"
    root = reverting_repository(tmp_path / "r", gate_text("fast", code))
    landed(root)
    seen = snapshot(root)
    found = reversal(root, ENGINE)
    outcome = Repository.open(root).revert(found)
    assert not outcome.success
    assert outcome.reason == "gate fast (after the move) failed with exit status 1"
    assert snapshot(root) == seen
    assert status(Git.require(root)).runs[-1].status == "rolled-back"
    assert Repository.open(root).revert(found, gates=False).success


def test_nothing_of_the_users_is_touched(root: Path) -> None:
    landed(root)
    (root / "candidate/a").mkdir()
    (root / "candidate/b.py").write_bytes(b"kept = 1\n")
    git(root, "add", "candidate/b.py")
    git(root, "commit", "--quiet", "-m", "b")
    make_dirty(root)
    seen = snapshot(root)
    outcome = reverted(root, ENGINE)
    now = snapshot(root)
    made = git(root, "for-each-ref", f"refs/heads/{outcome.branch}")
    refs, before = now.pop("refs"), seen.pop("refs")
    assert isinstance(refs, bytes) and isinstance(before, bytes)
    assert refs.replace(made, b"") == before
    for key in ("status", "stash", "index", "files", "head"):
        assert now[key] == seen[key]


def test_a_file_with_changes_of_its_own_is_not_moved(root: Path) -> None:
    landed(root)
    (root / "core/pkg/engine.py").write_bytes(b"mine = 1\n")
    found = reversal(root, ENGINE)
    with pytest.raises(UsageError, match=r"core/pkg/engine\.py to be moved has uncommitted"):
        Repository.open(root).revert(found)


def test_a_revert_is_a_rollback_that_succeeded_until_it_is_undone(root: Path) -> None:
    landed(root)
    repository = Repository.open(root)
    assert [line.step for line in repository.promotions()] == ["s0001"]
    reverted(root, ENGINE)
    assert b'"reverts":true' in log_path(Git.require(root)).read_bytes()
    assert repository.promotions() == ()
    figures = repository.metrics()
    assert (figures.promotions, figures.rolled_back, figures.not_rolled_back) == (0, 1, 0)
    repository.roll_back()
    assert [line.step for line in repository.promotions()] == ["s0001"]


def test_steps_that_cannot_be_told_apart_are_refused(root: Path) -> None:
    outcome = promoted(root, ENGINE)
    git(root, "checkout", "--quiet", outcome.branch)
    other = promoted(root, "candidate.pkg.helper")
    git(root, "checkout", "--quiet", "main")
    squashed(root, other.branch)
    [one] = reversal(root, ENGINE).wanted
    assert one.title == "pkg.engine"
    log_path(Git.require(root)).unlink()  # as in another clone
    with pytest.raises(UsageError, match=r"s0001 .*: commit \w+ holds it with other steps"):
        reversal(root, "s0001")

"""Several promotions as a single one, which is what a dry run shows; and what goes along."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lane_planner.executor.promote import together
from lane_planner.promotion.values import FileMove, FileWrite, Promotion
from tests.cli.shop import run
from tests.executor.repositories import git, new_repository, snapshot


def step(
    *moves: tuple[str, str],
    rewritten: dict[str, bytes] | None = None,
    made: tuple[str, ...] = (),
    deletes: tuple[str, ...] = (),
    module: str = "m",
) -> Promotion:
    """Return a promotion of some file moves."""
    writes = [FileWrite(path, text, "rewritten") for path, text in (rewritten or {}).items()]
    writes += [FileWrite(path, b"", "made") for path in made]
    files = tuple(FileMove(*move) for move in moves)
    return Promotion(
        "a", "b", module, (module,), ((module, f"b.{module}"),), files, tuple(writes), deletes
    )


def test_a_file_that_is_rewritten_and_then_moves() -> None:
    whole = together([
        step(("a/x.py", "b/x.py"), rewritten={"a/y.py": b"1", "t.py": b"1"}, module="x"),
        step(("a/y.py", "b/y.py"), rewritten={"t.py": b"2"}, module="y"),
    ])  # fmt: skip
    assert whole.moves == (FileMove("a/x.py", "b/x.py"), FileMove("a/y.py", "b/y.py"))
    assert whole.writes == (
        FileWrite("b/y.py", b"1", "rewritten"),
        FileWrite("t.py", b"2", "rewritten"),
    )
    assert whole.modules == ("x", "y")
    assert whole.renamed == (("x", "b.x"), ("y", "b.y"))


def test_a_made_file_that_gives_way_to_the_real_one() -> None:
    whole = together([
        step(("a/p/x.py", "b/p/x.py"), made=("b/p/__init__.py",)),
        step(("a/p/__init__.py", "b/p/__init__.py"), deletes=("b/p/__init__.py",)),
    ])  # fmt: skip
    assert whole.moves == (
        FileMove("a/p/__init__.py", "b/p/__init__.py"),
        FileMove("a/p/x.py", "b/p/x.py"),
    )
    assert whole.writes == ()
    assert whole.deletes == ()


def test_what_was_there_before_is_deleted_under_its_old_name() -> None:
    whole = together([step(("a/x.py", "b/x.py")), step(deletes=("b/x.py", "a/gone.py"))])
    assert whole.moves == ()
    assert whole.deletes == ("a/gone.py", "a/x.py")


COMPANIONS = {
    "lanes.toml": (
        b"[lanes.candidate]\npaths = ['candidate']\nimports = ['core']\npromotes_to = 'core'\n"
        b"[lanes.core]\npaths = ['core']\n"
    ),
    "candidate/feature/__init__.py": b"",
    "candidate/feature/engine.py": b"def run():\n    return 1\n",
    "candidate/feature/engine.pyi": b"from . import helper\ndef run() -> int: ...\n",
    "candidate/feature/engine.cpython-311-x86_64-linux-gnu.so": b"\0elf",
    "candidate/feature/helper.py": b"",
    "candidate/user.py": b"import core.late\n",
    "core/__init__.py": b"",
    "core/late.py": b"",
    "tests/unit/candidate/feature/test_engine.py": (
        b"from candidate.feature import engine\n\n\ndef test_run():\n    assert engine.run() == 1\n"
    ),
    "tests/unit/candidate/feature/conftest.py": b'"""Nothing."""\n',
    "ci.yaml": b"run: pytest tests/unit/candidate/feature/test_engine.py\n",
}
ARRIVED = {
    "core/feature/engine.py",
    "core/feature/engine.pyi",
    "core/feature/engine.cpython-311-x86_64-linux-gnu.so",
    "tests/unit/core/feature/test_engine.py",
    "tests/unit/core/feature/conftest.py",
}


@pytest.mark.parametrize("way", ["promote", "apply"])
def test_companions_move_in_the_same_commit(tmp_path: Path, way: str) -> None:
    root = new_repository(tmp_path / "repo", COMPANIONS)
    plan = tmp_path / "plan.json"
    if way == "promote":
        ran = run(root, "promote", "candidate.feature.engine", "core", "--apply")
    else:
        assert run(root, "plan", "--format", "json", "--output", str(plan)).code in (0, 1)
        moves = {
            m["target"] for s in msgspec.json.decode(plan.read_bytes())["steps"] for m in s["moves"]
        }
        assert moves.isdisjoint(ARRIVED - {"core/feature/engine.py"})
        ran = run(root, "apply", str(plan), "--no-gates")
    assert ran.code == 0, ran.err
    [branch] = git(root, "branch", "--list", "promote/*", "--format=%(refname)").decode().split()
    files = set(git(root, "ls-tree", "-r", "--name-only", branch).decode().split())
    assert files >= ARRIVED
    assert not files & {path.replace("core", "candidate", 1) for path in ARRIVED}
    commits = git(root, "log", "--format=%H", f"main..{branch}", "--", *sorted(ARRIVED))
    renamed = git(root, "show", "--name-status", "-M", "--format=", *commits.decode().split())
    for path in ARRIVED:
        assert any(
            line.startswith("R") and line.endswith(f"\t{path}")
            for line in renamed.decode().splitlines()
        ), path
    test = git(root, "show", f"{branch}:tests/unit/core/feature/test_engine.py")
    assert test.startswith(b"from core.feature import engine\n")
    stub = git(root, "show", f"{branch}:core/feature/engine.pyi")
    helper = {
        "promote": b"from candidate.feature import helper\n",
        "apply": b"from core.feature import helper\n",
    }
    assert stub.startswith(helper[way])


def test_a_companion_with_uncommitted_changes_is_refused(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", COMPANIONS)
    plan = tmp_path / "plan.json"
    assert run(root, "plan", "--format", "json", "--output", str(plan)).code in (0, 1)
    (root / "candidate/feature/engine.pyi").write_bytes(b"")
    before = snapshot(root)
    for ran in (
        run(root, "promote", "candidate.feature.engine", "core", "--apply"),
        run(root, "apply", str(plan), "--no-gates"),
    ):
        assert ran.code == 2
        assert "candidate/feature/engine.pyi" in ran.error()
        assert "uncommitted" in ran.error()
    assert {**snapshot(root), "git directory": ()} == {**before, "git directory": ()}


def test_the_ledger_has_the_paths_of_moved_tests(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", COMPANIONS)
    found = run(root, "promote", "candidate.feature.engine", "core", "--format", "json").json
    assert [entry["text"] for entry in found["ledger"] if entry["path"] == "ci.yaml"] == [
        "tests/unit/candidate/feature/test_engine.py"
    ]

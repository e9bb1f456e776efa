"""Bad input: one clear line, the right exit code, and nothing of the user's changed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shop import (
    CONFIG,
    FILES,
    NOT_PARSED,
    Ran,
    commit,
    process_environment,
    run,
    shop,
    spawn,
    state,
)
from tests.executor.repositories import git

# Every command, as a user would call it; `init` and `apply` have their own tests.
READING = {
    "check": ("check",),
    "check all": ("check", "--cycles", "--syntax", "-v"),
    "cycles": ("cycles",),
    "graph": ("graph",),
    "graph text": ("graph", "--format", "text"),
    "explain": ("explain", "candidate.a"),
    "plan": ("plan",),
    "plan json": ("plan", "--format", "json"),
    "forecast": ("forecast",),
    "verify": ("verify",),
}
HISTORY = {
    "status": ("status",),
    "promote": ("promote", "candidate.a", "core"),
    "promote analysis": ("promote", "candidate.a", "core", "--analyze-only"),
    "promote apply": ("promote", "candidate.a", "core", "--apply"),
}
ALL = {**READING, **HISTORY}

# What each command ends with in the repository of `shop`: it has a violation, a circle and
# blocked modules.
FINE = {
    "check": 1, "check all": 1, "cycles": 1, "graph": 0, "graph text": 0, "explain": 0, "plan": 1,
    "plan json": 1, "forecast": 0, "verify": 0, "status": 0, "promote": 0, "promote analysis": 0,
    "promote apply": 0,
}  # fmt: skip

every = pytest.mark.parametrize("command", ALL.values(), ids=ALL)
named = pytest.mark.parametrize(("name", "command"), ALL.items(), ids=ALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, made once: tests copy it, or only read it."""
    return shop(tmp_path_factory.mktemp("made") / "repo")


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of the repository."""
    copy = tmp_path / "repo"
    shutil.copytree(made, copy, symlinks=True, ignore=shutil.ignore_patterns("lane-planner"))
    git(copy, "update-index", "--refresh")
    return copy


def refused(
    cwd: Path, *arguments: str, code: int = 2, top: Path | None = None, **options: Any
) -> str:
    """Run the tool, make sure that it refuses and leaves all as it was, and return its line."""
    before = state(top or cwd)
    ran = run(cwd, *arguments, **options)
    assert ran.code == code, ran
    assert ran.out == ""
    assert state(top or cwd) == before
    return ran.error()


def unchanged(cwd: Path, *arguments: str, top: Path | None = None, **options: Any) -> Ran:
    """Run the tool, and make sure that all is as it was, but for a branch that it made."""
    before = state(top or cwd)
    ran = run(cwd, *arguments, **options)
    after = state(top or cwd)
    assert "internal error" not in ran.err
    if "--apply" in arguments and ran.code == 0:
        for key in ("refs", "git directory"):
            before.pop(key), after.pop(key)
    assert after == before
    return ran


# --- where it runs ---


@every
def test_no_configuration(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "x.py").write_bytes(b"")
    assert "run `lane-planner init`" in refused(tmp_path, *command)


@every
@pytest.mark.parametrize("kind", ["missing", "file", "loop"])
def test_root_is_no_directory(root: Path, command: tuple[str, ...], kind: str) -> None:
    os.symlink("loop", root.parent / "loop")
    name = {"missing": "nowhere", "file": "repo/lanes.toml", "loop": "loop"}[kind]
    assert name in refused(root.parent, *command, "--root", name, top=root)


@pytest.mark.parametrize(
    "command", [ALL[name] for name in ("check", "plan", "promote apply", "status")], ids=" ".join
)
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.toml", None, "No such file"),
        ("candidate", None, "Is a directory"),
        ("odd.toml", b"lanes = [", "odd.toml:1"),
        ("odd.toml", b"x = '" + b"a" * 10_000_000 + b"'\n", "odd.toml:1"),
        ("odd.toml", b"\0\n", "odd.toml:1"),
        ("odd.toml", b"a = 1\nb = '\xff'\n", "odd.toml:2"),
        ("odd.toml", b"[lanes.a]\npaths = ['\\u0000']\n", "odd.toml:2"),
        ("odd.toml", b"colour = 1\n", "colour"),
        ("odd.toml", b'[lanes."\x1b[31m"]\npaths = ["a"]\n', "odd.toml:1"),
        ("odd.toml", b'[lanes.a]\npaths = ["a"]\npromotes_to = "b"\n', "odd.toml:3"),
    ],
    ids=["missing", "directory", "syntax", "10 MB line", "NUL", "latin-1", "NUL path", "key",
         "escape", "lane"],
)  # fmt: skip
def test_configuration_is_wrong(
    made: Path,
    tmp_path: Path,
    command: tuple[str, ...],
    name: str,
    content: bytes | None,
    said: str,
) -> None:
    file = made / name if content is None else tmp_path / name
    if content is not None:
        file.write_bytes(content)
    message = refused(made, *command, "--config", str(file))
    assert said in message
    assert len(message) < 1100


@named
def test_not_a_git_repository(tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    if name in HISTORY:
        assert "is not in a git repository: run `git init`" in refused(tmp_path, *command)
    else:
        assert unchanged(tmp_path, *command).code == FINE[name]


@named
def test_no_commit_yet(tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    git(tmp_path, "init", "--quiet")
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    if command[0] == "promote":
        assert "has no commit yet: commit the modules first" in refused(tmp_path, *command)
    else:
        assert unchanged(tmp_path, *command).code == FINE[name]


@named
def test_empty_repository(tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    root = tmp_path / "repo"
    shop(root)
    for directory in ("candidate", "core", "lukhas", "products", "matriz", "tests"):
        shutil.rmtree(root / directory)
    commit(root)
    if command[0] in ("promote", "explain"):
        assert "candidate.a: see `lane-planner graph`" in refused(root, *command)
        return
    ran = unchanged(root, *command)
    assert ran.code == 0
    if name == "check":
        assert ran.out == f"no violation in 0 modules\n{NOT_PARSED}"
    elif name == "plan":
        assert ran.out == "candidate → core: nothing to do, lane candidate holds no module\n"


@every
def test_bare_repository(root: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    bare = tmp_path / "bare.git"
    git(root, "clone", "--quiet", "--bare", str(root), str(bare))
    assert "lanes.toml" in refused(bare, *command)
    assert "is a bare git repository" in refused(bare, "init")
    if command[0] in ("promote", "status"):
        (bare / "lanes.toml").write_text(CONFIG)
        assert "is a bare git repository" in refused(bare, *command)


@every
def test_git_is_missing(root: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    message = refused(root, *command, code=4, env={"PATH": str(tmp_path)})
    assert message == "git is not on PATH: install it, or add its directory to PATH"


def _detached(root: Path) -> Path:
    git(root, "checkout", "--quiet", "--detach")
    return root


def _linked(root: Path) -> Path:
    git(root, "worktree", "add", "--quiet", str(root.parent / "linked"), "-b", "side")
    return root.parent / "linked"


def _linked_of_bare(root: Path) -> Path:
    bare = root.parent / "bare.git"
    git(root, "clone", "--quiet", "--bare", str(root), str(bare))
    _configure(bare)
    git(bare, "worktree", "add", "--quiet", str(root.parent / "checkout"), "main")
    return root.parent / "checkout"


def _shallow(root: Path) -> Path:
    commit(root)
    git(root.parent, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    _configure(root.parent / "shallow")
    return root.parent / "shallow"


def _submodule(root: Path) -> Path:
    outer = shop(root.parent / "outer")
    allow = ("-c", "protocol.file.allow=always")
    git(outer, *allow, "submodule", "--quiet", "add", str(root), "candidate/sub")
    commit(outer)
    _configure(outer / "candidate/sub")
    return outer / "candidate/sub"


def _around_submodule(root: Path) -> Path:
    return _submodule(root).parents[1]


def _newline(root: Path) -> Path:
    return Path(shutil.move(root, root.parent / "a\nb"))


def _quotes(root: Path) -> Path:
    return Path(shutil.move(root, root.parent / 'it\'s "odd" \\ $HOME é'))


def _below_top(root: Path) -> Path:
    shutil.rmtree(root)
    return shop(root, root="sub/dir")


def _dirty(root: Path) -> Path:
    (root / "core/base.py").write_bytes(b"BASE = 2\n")
    git(root, "stash", "--quiet")
    (root / "core/base.py").write_bytes(b"BASE = 3\n")
    (root / "staged.py").write_bytes(b"staged = 1\n")
    git(root, "add", "staged.py")
    (root / "untracked.txt").write_bytes(b"mine\n")
    return root


def _configure(directory: Path) -> None:
    git(directory, "config", "user.name", "Test Person")
    git(directory, "config", "user.email", "test@example.org")


@pytest.mark.parametrize(
    "place",
    [_detached, _linked, _linked_of_bare, _shallow, _submodule, _around_submodule, _newline,
     _quotes, _below_top, _dirty],
)  # fmt: skip
def test_odd_places_are_fine(root: Path, place: Callable[[Path], Path]) -> None:
    """All commands work there, and change nothing but for the new branch."""
    there = place(root)
    for name, command in ALL.items():
        ran = unchanged(there, *command)
        assert (name, ran.code) == (name, FINE[name]), ran
        assert ran.err == "" or place is _dirty
    changed = git(there, "diff", "--stat", "HEAD", "promote/candidate-to-core/a").decode()
    assert "candidate/a.py => core/a.py" in changed or "{candidate => core}/a.py" in changed


@named
def test_from_a_subdirectory_and_with_root(
    made: Path, tmp_path: Path, name: str, command: tuple[str, ...]
) -> None:
    if "--apply" in command:
        return  # as `promote`; the repository is shared
    for ran in (
        unchanged(made / "candidate/pkg", *command, top=made),
        unchanged(tmp_path, *command, "--root", str(made), top=made),
    ):
        assert ran.code == FINE[name]
        assert ran.out == run(made, *command).out


@named
def test_git_variables_of_a_hook(root: Path, name: str, command: tuple[str, ...]) -> None:
    other = shop(root.parent / "other")
    before = state(other)
    variables = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    variables["GIT_INDEX_FILE"] = str(other / ".git/index")
    assert unchanged(root, *command, env=variables).code == FINE[name]
    assert state(other) == before


def test_in_a_real_hook(root: Path) -> None:
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lane_planner check --cycles >&2\n')
    hook.chmod(0o755)
    (root / "core/new.py").write_bytes(b"import lukhas.app\n")
    git(root, "add", "core/new.py")
    done = subprocess.run(
        ["git", "commit", "-m", "x"], cwd=root, env=process_environment(), capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"core/new.py:1:1: LP101" in done.stderr


# --- what is asked for ---


@pytest.mark.parametrize(
    ("module", "target", "code", "said"),
    [
        ("candidate.nowhere", "core", 2, "no module or path is called candidate.nowhere"),
        ("candidate/nowhere.py", "core", 2, "no module or path is called candidate/nowhere.py"),
        ("", "core", 2, "no module or path is called ''"),
        (".", "core", 2, "no module or path is called .:"),
        ("..", "core", 2, "no module or path is called ..:"),
        ("/", "core", 2, "no module or path is called /:"),
        ("a\0b", "core", 2, "no module or path is called a\\x00b"),
        ("a", "core", 2, "did you mean candidate.a?"),
        ("part", "core", 2, "part is ambiguous: candidate.deep.part, candidate.pkg.part; give"),
        ("candidate", "core", 2, "candidate is the whole lane candidate"),
        ("candidate/", "core", 2, "candidate/ is the whole lane candidate"),
        ("README.md", "core", 2, "README.md is a file but no module"),
        ("candidate/pkg/data.json", "core", 2, "is a file but no module"),
        ("tests.test_a", "core", 2, "is in no lane"),
        ("candidate.a", "nolane", 2, "no lane is called 'nolane'; the lanes are candidate, core"),
        ("candidate.a", "candidate", 2, "candidate is not the next lane after candidate"),
        ("candidate.a", "lukhas", 2, "lukhas is not the next lane after candidate"),
        ("core.last", "core", 2, "core is not the next lane after core"),
        ("products.shop", "products", 2, "lane products promotes to no other lane"),
        ("matriz.node", "core", 2, "lane matriz promotes to no other lane"),
        ("candidate.up", "core", 1, "candidate/up.py:1: LP101"),
        ("candidate.taken", "core", 1, "LP401 candidate.taken: core/taken.py is there already"),
        ("candidate.ring_one", "core", 1, "candidate/ring_one.py:1: LP201"),
        ("candidate.b", "core", 1, "promote candidate.a first, or use --with-dependencies"),
        ("lukhas.app", "products", 1, "lukhas/front.py:1: LP402"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--apply",), ("--analyze-only",)], ids=" ".join)
def test_goals_that_cannot_be(
    made: Path, module: str, target: str, code: int, said: str, options: tuple[str, ...]
) -> None:
    if code == 2:
        assert said in refused(made, "promote", module, target, *options)
    else:
        ran = unchanged(made, "promote", module, target, *options)
        assert ran.code == 1
        assert ran.err == ""
        assert said in ran.out


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("", "no module or path is called ''"),
        ("nowhere", "no module or path is called nowhere: see `lane-planner graph`"),
        ("a", "did you mean candidate.a?"),
        ("part", "part is ambiguous: candidate.deep.part, candidate.pkg.part"),
        ("x\0", "x\\x00"),
        ("\x1b[31m", "\\x1b[31m"),
        ("/", "no module or path is called /"),
    ],
)
def test_explaining_what_is_not_there(made: Path, module: str, said: str) -> None:
    assert said in refused(made, "explain", module)


@pytest.mark.parametrize(
    ("cwd", "wanted"),
    [
        (".", "candidate.pkg"),
        (".", "candidate/pkg"),
        (".", "candidate/pkg/"),
        (".", "./candidate//pkg/"),
        ("candidate", "pkg"),
        ("candidate", "pkg/"),
        ("candidate/pkg", "."),
        ("core", "../candidate/pkg"),
        (".", "{root}/candidate/pkg"),
    ],
)
def test_ways_to_name_a_package(made: Path, cwd: str, wanted: str) -> None:
    wanted = wanted.format(root=made)
    ran = unchanged(made / cwd, "promote", wanted, "core", "--format", "json", top=made)
    assert ran.code == 0
    assert ran.json["candidate"]["module_path"] == "candidate/pkg"
    assert ran.json["modules"] == ["candidate.pkg", "candidate.pkg.part"]


@pytest.mark.parametrize("wanted", ["part.py", "{root}/candidate/pkg/part.py", "./part.py"])
def test_ways_to_name_a_module(made: Path, wanted: str) -> None:
    wanted = wanted.format(root=made)
    for command in (("promote", wanted, "core", "--format", "json"), ("explain", wanted)):
        assert unchanged(made / "candidate/pkg", *command, top=made).code == 0


@pytest.mark.parametrize("wanted", ["candidate.new", "candidate/new.py", "candidate/fresh"])
def test_untracked_module(root: Path, wanted: str) -> None:
    (root / "candidate/new.py").write_bytes(b"NEW = 1\n")
    (root / "candidate/fresh").mkdir()
    (root / "candidate/fresh/one.py").write_bytes(b"")
    message = refused(root, "promote", wanted, "core", "--apply")
    assert message.startswith(f"{wanted} is no module of commit ")
    assert message.endswith(": commit it first")


def test_module_deleted_in_the_working_tree(root: Path) -> None:
    (root / "candidate/a.py").unlink()
    assert unchanged(root, "promote", "candidate.a", "core").code == 0
    message = refused(root, "promote", "candidate.a", "core", "--apply")
    assert message.startswith("candidate/a.py to be moved has uncommitted changes: commit or stash")
    assert "no module or path is called candidate.a" in refused(root, "explain", "candidate.a")


def test_dirty_files_among_those_to_move(root: Path) -> None:
    make_dirty_here(root)
    for name in ("candidate.a", "candidate/pkg"):
        message = refused(root, "promote", name, "core", "--apply")
        assert "uncommitted changes: commit or stash them first" in message


def make_dirty_here(root: Path) -> None:
    """Change a module and a data file, one staged and one not."""
    (root / "candidate/a.py").write_bytes(b"VALUE = 2\n")
    git(root, "add", "candidate/a.py")
    (root / "candidate/pkg/data.json").write_bytes(b"{}\n")


def test_branch_is_there_already(root: Path) -> None:
    git(root, "branch", "promote/candidate-to-core/a")
    message = refused(root, "promote", "candidate.a", "core", "--apply")
    assert message.startswith("branch promote/candidate-to-core/a exists already")
    git(root, "branch", "promote/candidate-to-core/deep/part")
    message = refused(root, "promote", "candidate.deep", "core", "--apply")
    assert "cannot stand beside branch" in message


def test_nobody_to_commit_as(root: Path) -> None:
    git(root, "config", "--unset", "user.name")
    message = refused(root, "promote", "candidate.a", "core", "--apply", code=4)
    assert "git config user.name" in message


@pytest.mark.parametrize(
    "arguments",
    [
        ("promote", "candidate.a"),
        ("promote", "candidate.a", "core", "more"),
        ("promote", "candidate.a", "core", "--format", "yaml"),
        ("plan", "--top", "0"),
        ("plan", "--top", "x"),
        ("plan", "--ignore", "all"),
        ("apply",),
        ("apply", "plan.json", "--steps", "-1"),
        ("check", "--today", "soon"),
        ("check", "--nope"),
        ("nope",),
    ],
    ids=" ".join,
)
def test_wrong_usage(made: Path, arguments: tuple[str, ...]) -> None:
    before = state(made)
    ran = run(made, *arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in ran.err
    assert state(made) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "nolane"), "no lane is called 'nolane'; the lanes are"),
        (("--to", "candidate"), "no lane promotes to 'candidate'"),
        (("--from", "products"), "lane products promotes to no other lane"),
        (
            ("--from", "lukhas", "--to", "candidate"),
            "candidate does not come after lukhas: the way is lukhas → products",
        ),
        (("--only", "nothing.*"), "--only nothing.* matches no module of lane candidate"),
        (("--only", "no/thing/**"), "--only no/thing/** matches no module of lane candidate"),
        (("--coverage", "none.json"), "cannot read coverage data none.json: No such file"),
        (("--coverage", "candidate"), "cannot read coverage data candidate: Is a directory"),
        (("--coverage", "README.md"), "neither coverage.py JSON, lcov nor Cobertura XML"),
    ],
)
def test_plans_that_cannot_be(made: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(made, "plan", *arguments)


def test_apply_and_analyze_only(made: Path) -> None:
    message = refused(made, "promote", "candidate.a", "core", "--apply", "--analyze-only")
    assert message == "--apply and --analyze-only exclude each other"


# --- coverage ---

COVERED = CONFIG + '\n[coverage]\nmin = 0.75\ndata = "coverage.json"\n'


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, 1, "LP404"),
        (b"{", 2, "coverage.json"),
        (b"\0\0", 2, "coverage.json"),
        (b"{}", 2, "coverage.json"),
        (b'{"files": []}', 2, "coverage.json"),
        (b"x" * 10_000_000, 2, "coverage.json"),
        (
            b'{"files": {"other/z.py": {"summary": {"num_statements": 2, "covered_lines": 2}}}}',
            2,
            "of which is in the repository: make it from this repository's root",
        ),
    ],
    ids=["missing", "cut short", "NUL", "empty", "list", "10 MB line", "other paths"],
)
def test_coverage_data(root: Path, content: bytes | None, code: int, said: str) -> None:
    (root / "lanes.toml").write_text(COVERED)
    (root / ".gitignore").write_bytes(b"coverage.json\n")
    commit(root)
    if content is not None:
        (root / "coverage.json").write_bytes(content)
    for command in (
        ("promote", "candidate.a", "core"),
        ("promote", "candidate.a", "core", "--apply"),
    ):
        if code == 2:
            message = refused(root, *command)
            assert said in message
            assert len(message) < 1100
        else:
            ran = unchanged(root, *command)
            assert (ran.code, said in ran.out) == (1, True)
    ran = unchanged(root, "plan")
    if content is None:
        assert (ran.code, ran.err) == (
            1,
            "no coverage data (coverage.json is missing): planned without\n",
        )
    else:
        assert said in ran.error()


# --- output ---


@every
def test_output_has_no_place(root: Path, command: tuple[str, ...]) -> None:
    assert "there is no directory no/such, make it" in refused(
        root, *command, "--output", "no/such/file"
    )
    assert "it is a directory" in refused(root, *command, "--output", "candidate")
    assert "there is no directory" in refused(root, *command, "--output", "lanes.toml/x")


@named
def test_output_to_a_file(made: Path, tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    if "--apply" in command:
        return  # as `promote`; the repository is shared
    file = tmp_path / "out"
    file.write_bytes(b"old")
    file.chmod(0o640)
    ran = unchanged(made, *command, "--output", str(file))
    assert (ran.code, ran.out) == (FINE[name], "")
    assert file.read_text() == run(made, *command, "--output", "-").out
    assert file.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["out"]


def test_output_into_a_device_that_is_full(made: Path) -> None:
    before = state(made)
    ran = spawn(made, "graph", "--output", "/dev/full")
    assert ran.code == 4
    assert ran.error() == "cannot write /dev/full: No space left on device"
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lane_planner", "graph"], cwd=made, stdout=full,
            env=process_environment(), stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert done.returncode == 4
    assert done.stderr == b"lane-planner: error: No space left on device\n"
    assert state(made) == before


@pytest.mark.parametrize("arguments", [("graph",), ("--help",), ("plan", "--help")], ids=" ".join)
def test_broken_pipe(made: Path, arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lane_planner", *arguments], cwd=made, stdout=write,
            env=process_environment(), stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_terminal_encoding_without_arrows(made: Path) -> None:
    ran = spawn(made, "plan", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert ran.code == 1
    assert ran.out.startswith("candidate \\u2192 core: 6 of 10 modules")
    assert ran.err == ""


# --- files ---

WEIRD: dict[str, bytes] = {
    "candidate/x.py/inner.py": b"import lukhas.app\n",
    "candidate/sp ace.py": b"import lukhas.app\n",
    "candidate/q\"uo'te.py": b"import lukhas.app\n",
    "candidate/new\nline.py": b"import lukhas.app\n",
    "candidate/\x1b[31mred.py": b"import lukhas.app\n",
    "candidate/\u202ebidi.py": b"import lukhas.app\n",
    "candidate/\u009b1mcsi.py": b"import lukhas.app\n",
    os.fsdecode(b"candidate/bytes\xff.py"): b"import lukhas.app\n",
    "candidate/nul.py": b"import lukhas.app\0\n",
    "candidate/big.py": b'BIG = "' + b"a" * 10_000_000 + b'"\n',
    "candidate/codec.py": b"# coding: nowhere\nimport lukhas.app\n",
    "candidate/parens.py": b"(" * 100_000 + b"\n",
    "candidate/minus.py": b"x = " + b"-" * 100_000 + b"1\n",
    "candidate/plus.py": b"x = " + b"1+" * 100_000 + b"1\n",
    "candidate/pkg/note\nbook.txt": b"x\n",
    "candidate/pkg/tab\there.txt": b"x\n",
    'candidate/pkg/a "quote".txt': b"x\n",
    os.fsdecode(b"candidate/pkg/bytes\xfe.txt"): b"x\n",
    "candidate/pkg/no newline.txt": b"x",
    "candidate/pkg/empty.txt": b"",
    "candidate/pkg/raw.bin": bytes(range(256)),
}


@pytest.fixture(scope="module")
def weird(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with all that a file system can hold; some of it is not committed."""
    root = shop(tmp_path_factory.mktemp("weird") / "repo", WEIRD)
    os.symlink("loop2", root / "candidate/loop1.py")
    os.symlink("loop1.py", root / "candidate/loop2")
    os.symlink("../candidate", root / "candidate/again")
    os.symlink("nowhere", root / "candidate/dangling.py")
    commit(root)
    (root / "core/base.py").unlink()
    os.mkfifo(root / "core/base.py")
    os.mkfifo(root / "candidate/pipe.py")
    return root


def _pipeless_state(root: Path) -> tuple[bytes, bytes, bytes]:
    return (
        git(root, "for-each-ref"),
        git(root, "--no-optional-locks", "status", "--porcelain", "-z"),
        (root / ".git/index").read_bytes(),
    )


@named
def test_odd_files(weird: Path, name: str, command: tuple[str, ...]) -> None:
    before = _pipeless_state(weird)
    for format in ("text", "json"):
        if "--apply" in command or "--format" in command:
            continue
        ran = run(weird, *command, "--format", format)
        assert ran.code == FINE[name], ran
        assert "Traceback" not in ran.err
        assert all(char.isprintable() or char in "\n\t" for char in ran.out)
        if format == "json":
            json.loads(ran.out)
    assert _pipeless_state(weird) == before


def test_odd_names_are_shown_escaped(weird: Path) -> None:
    out = run(weird, "check").out
    assert "candidate/new\\nline.py:1:1: LP101" in out
    assert "candidate/\\x1b[31mred.py:1:1: LP101" in out
    assert "candidate/\\u202ebidi.py:1:1: LP101" in out
    assert "candidate/\\x9b1mcsi.py:1:1: LP101" in out
    assert "candidate/bytes\\xff.py:1:1: LP101" in out
    assert "candidate/x.py/inner.py:1:1: LP101" in out
    raw = run(weird, "check", "--format", "json").out
    assert '"candidate/\\u001b[31mred.py"' in raw
    assert '"candidate/\\u202ebidi.py"' in raw
    assert '"candidate/\\u009b1mcsi.py"' in raw
    paths = {entry["path"] for entry in json.loads(raw)["violations"]}
    assert {"candidate/new\nline.py", "candidate/\u202ebidi.py"} <= paths


@pytest.mark.parametrize(
    ("wanted", "code", "said"),
    [
        ("candidate/x.py", 1, "LP406"),
        ("candidate/sp ace.py", 1, "LP406"),
        ("candidate/q\"uo'te.py", 1, "LP406"),
        ("candidate/new\nline.py", 1, "candidate/new\\nline.py: LP406"),
        ("candidate/\x1b[31mred.py", 1, "candidate/\\x1b[31mred.py: LP406"),
        (os.fsdecode(b"candidate/bytes\xff.py"), 1, "candidate/bytes\\xff.py: LP406"),
        ("candidate.nul", 1, "candidate/nul.py:1: LP901"),
        ("candidate.codec", 1, "candidate/codec.py"),
        ("candidate.parens", 1, "candidate/parens.py:1: LP901"),
        ("candidate.minus", 1, "candidate/minus.py:1: LP901"),
        ("candidate.plus", 1, "candidate/plus.py:1: LP901"),
        ("candidate/loop1.py", 2, "is a symbolic link"),
        ("candidate/dangling.py", 2, "is a symbolic link"),
        ("candidate/pipe.py", 2, "is no module of commit"),
        ("candidate.big", 0, "ready to be promoted"),
    ],
)
def test_promoting_odd_files(weird: Path, wanted: str, code: int, said: str) -> None:
    before = _pipeless_state(weird)
    ran = run(weird, "promote", wanted, "core", "--analyze-only")
    assert ran.code == code, ran
    assert said in (ran.error() if code == 2 else ran.out)
    assert _pipeless_state(weird) == before


def test_package_with_oddly_named_data_files(weird: Path) -> None:
    index = (weird / ".git/index").read_bytes()
    ran = run(weird, "promote", "candidate.pkg", "core", "--apply")
    assert ran.code == 0, ran
    try:
        listed = git(
            weird, "ls-tree", "-r", "-z", "--name-only", "promote/candidate-to-core/pkg", "core/pkg"
        )
        names = {os.fsdecode(name).rpartition("/")[2] for name in listed.split(b"\0") if name}
        odd = {name.rpartition("/")[2] for name in WEIRD if name.startswith("candidate/pkg/")}
        assert names == odd | {"__init__.py", "part.py", "data.json"}
        assert (weird / ".git/index").read_bytes() == index
    finally:
        git(weird, "branch", "-D", "promote/candidate-to-core/pkg")


# --- the tool's own files ---


@pytest.mark.parametrize("name", ["check", "plan", "promote"])
@pytest.mark.parametrize("kind", ["garbage", "other version", "cut short", "directory", "empty"])
def test_cache_is_not_ours(root: Path, name: str, kind: str) -> None:
    expected = run(root, "check").out
    (cache,) = (root / ".git/lane-planner/cache").iterdir()
    content = cache.read_bytes()
    cache.unlink()
    if kind == "directory":
        cache.mkdir()
    else:
        odd = {
            "garbage": b"\0" * 1000,
            "other version": content.replace(b"cache 1", b"cache 9"),
            "cut short": content[: len(content) // 2],
            "empty": b"",
        }
        cache.write_bytes(odd[kind])
    assert unchanged(root, *ALL[name]).code == FINE[name]
    assert run(root, "check").out == expected


def test_journal_is_damaged(root: Path) -> None:
    journal = root / ".git/lane-planner/journal.sqlite"
    journal.parent.mkdir(exist_ok=True)
    journal.write_bytes(b"no database at all" * 100)
    assert "journal.sqlite" in refused(root, "status", code=4)
    assert "journal.sqlite" in refused(root, "promote", "candidate.a", "core", "--apply", code=4)


def test_state_directory_is_a_file(root: Path) -> None:
    (root / ".git/lane-planner").write_bytes(b"")  # somebody else's: it stays
    assert unchanged(root, "check").code == 1
    assert unchanged(root, "status").code in (0, 4)
    assert "lane-planner" in refused(root, "promote", "candidate.a", "core", "--apply", code=4)


# --- permissions ---

# Root may do all. Without these two capabilities (dropped from what the next program may have)
# the kernel asks root too.
_AS_ANYONE = (
    "import ctypes, os, sys; drop = ctypes.CDLL(None).prctl; CAPBSET_DROP = 24; "
    "ok = not any(drop(CAPBSET_DROP, capability, 0, 0, 0) for capability in (1, 2)); "
    "os.execv(sys.argv[1], sys.argv[1:]) if ok else sys.exit(99)"
)
ANYONE = (sys.executable, "-c", _AS_ANYONE) if os.geteuid() == 0 else ()


def _may_be_anyone() -> bool:
    if os.geteuid() != 0:
        return True
    probe = [*ANYONE, sys.executable, "-c", ""]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


as_anyone = pytest.mark.skipif(
    not _may_be_anyone(), reason="root may do all, and this system does not let it do less"
)


@as_anyone
def test_unreadable_file(root: Path) -> None:
    (root / "candidate/up.py").chmod(0)
    ran = spawn(root, "check", "-v", prefix=ANYONE)
    assert (ran.code, ran.err) == (0, "")
    assert "candidate/up.py:1:1: LP902 " in ran.out
    assert "cannot be read: Permission denied" in ran.out


@as_anyone
def test_unreadable_directory(root: Path) -> None:
    (root / "candidate/pkg").chmod(0)
    ran = spawn(root, "check", prefix=ANYONE)
    (root / "candidate/pkg").chmod(0o755)
    assert ran.code == 4
    assert "candidate/pkg" in ran.error()
    assert "Permission denied" in ran.error()


@as_anyone
def test_read_only_git_directory(root: Path) -> None:
    for path in ((root / ".git"), *(root / ".git").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for name in ("check", "plan", "status", "promote", "promote apply"):
        command = ALL[name]
        ran = spawn(root, *command, prefix=ANYONE)
        if "--apply" in command:
            assert ran.code == 4
            assert "Permission denied" in ran.error()
        else:
            assert (ran.code, ran.err) == (FINE[name], "")
    for path in ((root / ".git"), *(root / ".git").rglob("*")):
        path.chmod(0o755)
    assert not (root / ".git/lane-planner").exists()


@as_anyone
def test_nothing_may_be_written(root: Path) -> None:
    (root / "lanes.toml").unlink()
    root.chmod(0o555)
    ran = spawn(root, "init", prefix=ANYONE)
    assert ran.code == 4
    assert "lanes.toml: Permission denied" in ran.error()
    root.chmod(0o755)
    assert spawn(root, "init", prefix=ANYONE).code == 0
    root.chmod(0o555)
    ran = spawn(root, "check", "--output", "result", prefix=ANYONE)
    assert ran.code == 4
    assert ran.error() == "cannot write result: permission denied"
    root.chmod(0o755)


# --- interrupts ---


# The workers are forked, and so find the slow function in place of the real one.
_SLOW = """
import sys, time
import lane_planner.scan.source
def scan_source(content):
    sys.stderr.write("+")
    sys.stderr.flush()
    time.sleep(60)
lane_planner.scan.source.scan_source = scan_source
import os
os.sched_getaffinity = lambda pid: {0, 1}
sys.argv = ["lane-planner", "check"]
from lane_planner.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("number", "group"),
    [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, False),
     (signal.SIGTERM, True), (signal.SIGKILL, False)],
)  # fmt: skip
def test_signals_while_workers_read(tmp_path: Path, number: signal.Signals, group: bool) -> None:
    """Ctrl-C reaches all processes; where only the first one is ended, its workers end too."""
    root = shop(tmp_path / "repo", {"candidate/big.py": b"x = 1\n" * 600_000})
    before = state(root)
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW], cwd=root, env=process_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.read(2) == b"++"  # both workers are at it
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, err = process.communicate(timeout=20)  # pipes close when the last worker has ended
    assert out == b""
    if number is signal.SIGINT:
        assert (process.returncode, err) == (130, b"lane-planner: error: interrupted\n")
    else:
        assert (process.returncode, err) == (-number, b"")
    assert state(root) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_while_a_gate_runs(root: Path, number: signal.Signals) -> None:
    gate = '\n[[gates]]\nname = "slow"\ncommand = ["sh", "-c", "touch {flag}; sleep 60"]\n'
    flag = root.parent / "started"
    (root / "lanes.toml").write_text(CONFIG + gate.format(flag=flag))
    commit(root)
    before = state(root)
    process = subprocess.Popen(
        [sys.executable, "-m", "lane_planner", "promote", "candidate.a", "core", "--apply"],
        cwd=root, env=process_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not flag.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert out == b""
    if number is signal.SIGINT:
        assert (process.returncode, err) == (130, b"lane-planner: error: interrupted\n")
    else:
        assert (process.returncode, err) == (143, b"")
    assert state(root) == before
    status = run(root, "status")
    assert "rolled-back" in status.out


# --- init ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "lanes.toml is there already: --force replaces it"),
        (("--preset", "lukhas"), "lanes.toml is there already: --force replaces it"),
        (("--preset", "nix"), "no preset is called 'nix'; the presets are lukhas"),
        (("--root", "nowhere"), "nowhere is not a directory"),
        (("--config", "no/dir/lanes.toml"), "no/dir"),
        (("--config", "candidate"), "is a directory"),
    ],
)
def test_init_refuses(made: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(made, "init", *arguments)


def test_init_beside_a_configuration_in_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.lane_planner.lanes.a]\npaths = ["a"]\n')
    assert "pyproject.toml configures this directory already" in refused(tmp_path, "init")


def test_init_among_odd_names(weird: Path, tmp_path: Path) -> None:
    shutil.copytree(
        weird, tmp_path / "odd", symlinks=True, ignore=shutil.ignore_patterns("base.py", "pipe.py")
    )
    odd = tmp_path / "odd"
    (odd / 'to"p\n').mkdir()
    (odd / 'to"p\n/x.py').write_bytes(b"")
    (odd / "lanes.toml").unlink()
    assert run(odd, "init").code == 0
    assert run(odd, "check").code in (0, 1)


# --- the last resort ---


def test_a_fault_of_ours_is_one_line_too(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("a\nb\x1b")

    monkeypatch.setattr("lane_planner.repository.repository.Repository.open", broken)
    ran = run(made, "check")
    assert ran.code == 4
    assert ran.err.startswith("lane-planner: error: internal error at test_bad_input.py:")
    assert ran.err.endswith(
        "LookupError: a b\\x1b; please report it, with what LANE_PLANNER_DEBUG=1 shows\n"
    )
    with pytest.raises(LookupError):
        run(made, "check", env={"LANE_PLANNER_DEBUG": "1"})


def test_current_directory_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = (
        f"import os, sys; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); "
        "sys.argv = ['lane-planner', 'check']; from lane_planner.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=process_environment(), capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        b"lane-planner: error: the current directory is gone: change to one that exists\n"
    )

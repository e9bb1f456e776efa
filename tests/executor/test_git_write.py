"""Commits hold exactly the edits, and an edit that does not fit is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.executor.storage.git_write import (
    Entry,
    Tree,
    TreeWriter,
    create_branches,
    delete_branches,
    message_of,
)
from lane_planner.promotion.values import FileMove, FileWrite, Promotion
from tests.executor.repositories import (
    ENVIRONMENT,
    FILES,
    git,
    new_repository,
    promotion,
    snapshot,
)

ODD_NAMES = [
    "with space.py",
    'quote".py',
    "back\\slash.py",
    "new\nline.py",
    "tab\t.py",
    "é-ünicode.py",
    os.fsdecode(b"not-utf8-\xff.py"),
    "-option.py",
    "glob*[x]?.py",
    ":(top)magic.py",
]


def only(**changes: object) -> Promotion:
    return promotion(**{"moves": (), "writes": (), "deletes": (), **changes})


def listing(root: Path, commit: str) -> dict[bytes, bytes]:
    lines = git(root, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")
    return {path: entry for entry, _, path in (line.partition(b"\t") for line in lines if line)}


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("below", ["", "sub dir/ü"])
def test_any_name_moves_and_is_written(tmp_path: Path, name: str, below: str) -> None:
    files = {f"candidate/{name}": b"#! content of its own", "candidate/other.py": b"old\n"}
    root = new_repository(tmp_path / "repo", files, root=below)
    base = git(root, "rev-parse", "HEAD").decode().strip()
    change = only(
        moves=(FileMove(f"candidate/{name}", f"core/{name}"),),
        writes=(FileWrite(f"core/made-{name}", b"made\r\n", "made"),),
        deletes=("candidate/other.py",),
    )
    repository = Git.require(root)
    with TreeWriter(repository, base) as writer:
        commit = writer.commit(change, message_of(change, plan_id="p", step_id="s"))
    prefix = os.fsencode(repository.prefix)
    before, after = listing(root, base), listing(root, commit)
    moved, made = os.fsencode(f"core/{name}"), os.fsencode(f"core/made-{name}")
    assert after.pop(prefix + moved) == before[prefix + os.fsencode(f"candidate/{name}")]
    mode, _, blob = after.pop(prefix + made).split(b" ")
    assert (mode, git(root, "cat-file", "blob", blob.decode())) == (b"100644", b"made\r\n")
    assert after == {}


def test_modes_are_kept_and_symlinks_move_as_they_are(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", {"a/run.py": b"#!x\n", "a/plain.py": b"x\n"})
    (root / "a/link.py").symlink_to("plain.py")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "link")
    change = only(
        moves=tuple(FileMove(f"a/{name}", f"b/{name}") for name in ("link.py", "run.py")),
        writes=(
            FileWrite("a/plain.py", b"y\n", "rewritten"),
            FileWrite("b/run.py", b"#!y\n", "rewritten"),
        ),
    )
    with TreeWriter(Git.require(root), git(root, "rev-parse", "HEAD").decode().strip()) as writer:
        commit = writer.commit(change, "m\n")
    modes = {path: entry[:6] for path, entry in listing(root, commit).items()}
    assert modes == {b"a/plain.py": b"100644", b"b/link.py": b"120000", b"b/run.py": b"100755"}
    assert git(root, "show", f"{commit}:b/run.py") == b"#!y\n"


def test_content_is_kept_byte_for_byte_whatever_filters_say(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", {".gitattributes": b"* text eol=lf\n", "a": b"x\n"})
    git(root, "config", "core.autocrlf", "true")
    change = only(writes=(FileWrite("b", b"one\r\ntwo\n\0", "made"), FileWrite("c", b"", "made")))
    with TreeWriter(Git.require(root), git(root, "rev-parse", "HEAD").decode().strip()) as writer:
        commit = writer.commit(change, "m\n")
    assert git(root, "cat-file", "blob", f"{commit}:b") == b"one\r\ntwo\n\0"
    assert git(root, "cat-file", "blob", f"{commit}:c") == b""


def entry(mode: str = "100644") -> Entry:
    return Entry(mode, "0" * 40)


def tree() -> Tree:
    names = [b"c/a.py", b"c/b.py", b"c/p/__init__.py", b"c/p/m.py", b"k/__init__.py", b"k/a.py"]
    modes = {b"c/link": entry("120000"), b"c/sub": entry("160000")}
    return Tree({name: entry() for name in names} | modes)


FITS: dict[str, tuple[Promotion, dict[str, str | None]]] = {
    "a real file replaces one that is deleted": (
        only(moves=(FileMove("c/p/__init__.py", "k/__init__.py"),), deletes=("k/__init__.py",)),
        {"c/p/__init__.py": None, "k/__init__.py": "100644"},
    ),
    "files change places": (
        only(moves=(FileMove("c/a.py", "c/b.py"), FileMove("c/b.py", "c/a.py"))),
        {"c/a.py": "100644", "c/b.py": "100644"},
    ),
    "a new file stands where one left": (
        only(moves=(FileMove("c/a.py", "k/n.py"),), writes=(FileWrite("c/a.py", b"", "made"),)),
        {"c/a.py": "100644", "k/n.py": "100644"},
    ),
    "a file becomes a directory": (
        only(moves=(FileMove("c/a.py", "c/a.py/x.py"),)),
        {"c/a.py": None, "c/a.py/x.py": "100644"},
    ),
    "a directory that empties becomes a file": (
        only(moves=(FileMove("c/p/m.py", "c/p"),), deletes=("c/p/__init__.py",)),
        {"c/p": "100644", "c/p/__init__.py": None, "c/p/m.py": None},
    ),
}


@pytest.mark.parametrize("case", FITS)
def test_edits_that_fit(case: str) -> None:
    change, expected = FITS[case]
    found = {edit.path.decode(): edit.mode for edit in tree().edits(change, b"")}
    assert found == expected


MISFITS: dict[str, tuple[Promotion, str]] = {
    "source missing": (only(moves=(FileMove("c/x.py", "k/x.py"),)), "c/x.py, which moves, is miss"),
    "target there": (only(moves=(FileMove("c/a.py", "k/a.py"),)), "k/a.py, where a file moves to"),
    "source moved twice": (
        only(moves=(FileMove("c/a.py", "k/x.py"), FileMove("c/a.py", "k/y.py"))),
        "c/a.py moves or is deleted twice",
    ),
    "source deleted too": (
        only(moves=(FileMove("c/a.py", "k/x.py"),), deletes=("c/a.py",)),
        "c/a.py moves or is deleted twice",
    ),
    "two to one target": (
        only(moves=(FileMove("c/a.py", "k/x.py"), FileMove("c/b.py", "k/x.py"))),
        "two files move to k/x.py",
    ),
    "deleted file missing": (only(deletes=("c/x.py",)), "c/x.py, which is deleted, is missing"),
    "rewritten file missing": (
        only(writes=(FileWrite("c/x.py", b"", "rewritten"),)),
        "c/x.py, which is to be rewritten, is missing",
    ),
    "rewritten file moved away": (
        only(
            moves=(FileMove("c/a.py", "k/x.py"),), writes=(FileWrite("c/a.py", b"", "rewritten"),)
        ),
        "c/a.py, which is to be rewritten, is missing",
    ),
    "made file there": (
        only(writes=(FileWrite("k/a.py", b"", "made"),)),
        "k/a.py, which is to be made, is there already",
    ),
    "written twice": (
        only(writes=(FileWrite("c/a.py", b"", "rewritten"),) * 2),
        "c/a.py is written twice",
    ),
    "symlink rewritten": (
        only(writes=(FileWrite("c/link", b"", "rewritten"),)),
        "c/link, which is to be rewritten, is not a regular file",
    ),
    "submodule moved": (
        only(moves=(FileMove("c/sub", "k/sub"),)),
        "c/sub, which moves, is a submodule",
    ),
    "below a file": (
        only(moves=(FileMove("c/a.py", "k/a.py/x.py"),)),
        "k/a.py is a file, and other files would stand below it",
    ),
    "below a new file": (
        only(writes=(FileWrite("n", b"", "made"), FileWrite("n/x", b"", "made"))),
        "n is a file, and other files would stand below it",
    ),
    "on a directory": (
        only(moves=(FileMove("c/a.py", "c/p"),)),
        "c/p, where a file is put, is a directory",
    ),
    "outside the root": (only(deletes=("../x",)), "'../x' is no path below the root"),
    "absolute": (only(deletes=("/etc/passwd",)), "'/etc/passwd' is no path below the root"),
    "empty part": (only(deletes=("c//a.py",)), "'c//a.py' is no path below the root"),
    "in the git directory": (
        only(writes=(FileWrite(".GIT/config", b"", "made"),)),
        "'.GIT/config' lies in a git directory",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_edits_that_do_not_fit(case: str) -> None:
    change, message = MISFITS[case]
    with pytest.raises(EnvironmentFailure) as caught:
        tree().edits(change, b"")
    assert message in caught.value.message


def test_a_misfit_leaves_the_writer_usable(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", FILES)
    with TreeWriter(Git.require(root), git(root, "rev-parse", "HEAD").decode().strip()) as writer:
        with pytest.raises(EnvironmentFailure):
            writer.commit(only(deletes=("nothing",)), "m\n")
        commit = writer.commit(promotion(), "m\n")
        assert writer.head == commit
    assert not [path for path in (root / ".git/lane-planner").rglob("*") if path.is_file()]


def test_the_state_directory_may_have_any_name(tmp_path: Path) -> None:
    root = new_repository(tmp_path / 'a "b\\c\nd', FILES)
    # `git rev-parse` prints such a name on two lines, so the repository is given as it is.
    repository = Git(root, root, root / ".git")
    with TreeWriter(repository, git(root, "rev-parse", "HEAD").decode().strip()) as writer:
        commit = writer.commit(promotion(), "m\n")
    assert git(root, "show", f"{commit}:candidate/b.py") == b"from core.a import mod\n"


def test_the_environment_may_say_who_commits(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", FILES)
    git(root, "config", "--unset", "user.name")
    git(root, "config", "--unset", "user.email")
    who = {
        f"GIT_{role}_{what}": f"{role.lower()}{'@example.org' if what == 'EMAIL' else ''}"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    base = git(root, "rev-parse", "HEAD").decode().strip()
    with TreeWriter(Git.require(root), base, environ=who) as writer:
        commit = writer.commit(promotion(), "m\n")
    told = git(root, "log", "-1", "--format=%an %ae %cn %ce", commit)
    assert told == b"author author@example.org committer committer@example.org\n"


def test_who_commits_is_never_guessed(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", FILES)
    git(root, "config", "--unset", "user.name")
    code = (
        "import sys; from pathlib import Path; from lane_planner.base.git import Git;"
        "from lane_planner.executor.storage.git_write import identity;"
        f"identity(Git.require(Path({str(root)!r})))"
    )
    here = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, env=ENVIRONMENT, check=False, capture_output=True
    )
    assert b"git config user.name NAME" in done.stderr


def test_a_message_cannot_forge_trailers_or_break() -> None:
    change = promotion(
        name="x\nLane-Plan: forged",
        renamed=tuple((f"candidate.m{n}\nLane-Step: x", f"core.m{n}") for n in range(25)),
    )
    message = message_of(change, plan_id="p\nq", step_id="s1")
    trailers = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=message.encode(),
        capture_output=True,
        check=True,
    ).stdout
    assert trailers == b"Lane-Plan: p\\nq\nLane-Step: s1\n"
    assert "    and 5 more" in message


def test_branches_are_created_and_deleted_only_as_expected(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", FILES)
    repository = Git.require(root)
    before = snapshot(root)
    head = repository.head()
    create_branches(repository, {"x/y": head}, reason="test\nof two lines")
    assert git(root, "log", "-g", "--format=%gs", "x/y") == b"lane-planner: test\\nof two lines\n"
    with pytest.raises(EnvironmentFailure, match="update-ref failed"):
        create_branches(repository, {"x/y": head}, reason="again")
    with pytest.raises(EnvironmentFailure, match="update-ref failed"):
        delete_branches(repository, {"x/y": "1" * 40}, reason="elsewhere")
    delete_branches(repository, {"x/y": head}, reason="done")
    assert snapshot(root)["refs"] == before["refs"]


def test_a_step_on_3_700_files_takes_little_time(tmp_path: Path) -> None:
    files = {f"candidate/p{n % 60}/m{n}.py": b"x = %d\n" % n for n in range(3_700)}
    root = new_repository(tmp_path / "repo", files)
    count = 20
    with TreeWriter(Git.require(root), git(root, "rev-parse", "HEAD").decode().strip()) as writer:
        started = time.perf_counter()
        for n in range(count):
            name = f"p{n % 60}/m{n}.py"
            change = only(
                moves=(FileMove(f"candidate/{name}", f"core/{name}"),),
                writes=tuple(
                    FileWrite(f"candidate/p{k % 60}/m{k}.py", b"y = %d\n" % n, "rewritten")
                    for k in range(1_000 + n, 1_010 + n)
                ),
            )
            writer.commit(change, "m\n")
        each = (time.perf_counter() - started) / count
    assert each < 0.4  # ten times what it takes, for slow machines

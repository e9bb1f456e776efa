"""A small repository to be promoted in wherever it lies, and the whole journey through it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Set
from pathlib import Path

from tests.cli.shop import run, spawn
from tests.executor.repositories import git, new_repository, snapshot

BRANCHES = "promote/candidate-to-core/"

# With KILL naming a file that is there, the gate removes it and kills who runs it, as soon as the
# file is there that is named in it.
_GATE = """\
import os, signal
assert os.path.exists('main.py') and not os.path.exists('untracked.txt')
mark = os.environ.get('KILL')
if mark and os.path.exists(mark) and os.path.exists(open(mark).read()):
    os.unlink(mark)
    os.kill(os.getppid(), signal.SIGKILL)
"""

CONFIG = f"""\
[lanes.candidate]
paths = ["candidate"]
imports = ["core"]
promotes_to = "core"

[lanes.core]
paths = ["core"]

[batch]
max_files = 2

[[gates]]
name = "whole"
command = {json.dumps([sys.executable, "-S", "-c", _GATE])}
"""

FILES: dict[str, bytes] = {
    "lanes.toml": CONFIG.encode(),
    "candidate/a.py": b"NAME = 'a'\n",
    "candidate/b.py": b"from candidate.a import NAME\n",
    "candidate/pkg/__init__.py": b"",
    "candidate/pkg/one.py": b"from candidate.b import NAME\n",
    "candidate/pkg/two.py": b"import json\n",
    "core/__init__.py": b"",
    "main.py": b"import candidate.a\nfrom candidate.pkg import one\nfrom candidate.pkg import two\n",
    "README.md": b"candidate.a\n",
}
AFTER = {
    "core/a.py": b"NAME = 'a'\n",
    "core/b.py": b"from core.a import NAME\n",
    "core/pkg/__init__.py": b"",
    "core/pkg/one.py": b"from core.b import NAME\n",
    "core/pkg/two.py": b"import json\n",
    "main.py": b"import core.a\nfrom core.pkg import one\nfrom core.pkg import two\n",
}


def small(
    directory: Path, more: Mapping[str, bytes | None] | None = None, *, root: str = ""
) -> Path:
    """Make the repository, with files added, replaced or (None) left out; return its root."""
    files = {name: text for name, text in {**FILES, **(more or {})}.items() if text is not None}
    return new_repository(directory, files, root=root)


def leave_things_about(root: Path) -> None:
    """Leave a stash, a staged file, a changed one, an untracked one and a hook behind."""
    own = ("-c", "core.hooksPath=/dev/null", "-c", "core.safecrlf=false", "-c", "gpg.program=false")
    (root / "README.md").write_bytes(b"stashed\n")
    git(root, *own, "stash", "--quiet")
    (root / "staged.py").write_bytes(b"staged = 1\n")
    git(root, *own, "add", "--sparse", "staged.py")
    (root / "README.md").write_bytes(b"changed\r\nand without an end")
    (root / "untracked.txt").write_bytes(b"mine\n")


def configure(directory: Path) -> None:
    """Say who commits in a clone."""
    git(directory, "config", "user.name", "Test Person")
    git(directory, "config", "user.email", "test@example.org")


def refused(root: Path, code: int, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Make sure that a command ends with one line and changes nothing; return the line."""
    before, ours = state(root), own_files(root)
    ran = run(root, *arguments, env=env)
    assert (ran.code, ran.out) == (code, ""), ran
    untouched(root, before, ours)
    return ran.error()


def common_dir(root: Path) -> Path:
    """Return the git directory that all work trees share."""
    return (root / os.fsdecode(git(root, "rev-parse", "--git-common-dir")).strip()).resolve()


def state(root: Path) -> dict[str, object]:
    """Return what is the user's: `snapshot`, and the files of the git directory that git shares.

    Directories of refs and logs may stay, empty, when a branch goes.
    """
    found = snapshot(root)
    del found["git directory"]
    common = common_dir(root)
    found["kept by git"] = {
        str(path.relative_to(common)): path.read_bytes()
        for path in sorted(common.rglob("*"))
        if path.is_file() and path.relative_to(common).parts[0] not in ("objects", "lane-planner")
    }
    return found


def own_files(root: Path) -> set[str]:
    """Return what the tool has left in its own directory, but for what it keeps on purpose."""
    kept = {"cache", "journal.sqlite", "journal.sqlite-shm", "journal.sqlite-wal", "run.lock"}
    kept |= {"plans", "evidence", "promotions.jsonl"}
    there = common_dir(root) / "lane-planner"
    return {path.name for path in there.iterdir()} - kept if there.is_dir() else set()


def planned(root: Path) -> str:
    """Write the plan to a file of its own, outside the repository, and return its path."""
    file = root.parent / f"{root.name}-plan.json"
    made = run(root, "plan", "--quiet", "--format", "json", "--output", str(file))
    assert (made.code, made.err) == (0, "")
    return str(file)


def branches(root: Path) -> dict[str, str]:
    """Return the commits of the branches that the tool made, by name."""
    listed = git(
        root, "for-each-ref", "--format=%(refname:short) %(objectname)", f"refs/heads/{BRANCHES}"
    )
    return dict(line.split(" ", 1) for line in listed.decode().splitlines())


def contents(root: Path, commit: str) -> dict[str, bytes]:
    """Return the files of a commit below the root, byte for byte."""
    prefix = git(root, "rev-parse", "--show-prefix").decode().rstrip("\n")
    found = {}
    for line in git(root, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
        kind, _, name = line.partition(b"\t")
        if b" blob " in kind and name.startswith(prefix.encode()):
            found[name.decode()[len(prefix) :]] = git(
                root, "cat-file", "blob", kind.split()[2].decode()
            )
    return found


def same(found: object, expected: object, what: str = "") -> None:
    """Make sure that two values are equal; of two tables, tell only where they differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        odd = {name: (found.get(name), expected.get(name)) for name in {*found, *expected}}
        odd = {name: (now, wanted) for name, (now, wanted) in odd.items() if now != wanted}
        assert not odd, f"{what}: {odd!r:.2000}"
    assert found == expected, f"{what}: {found!r:.1000} and not {expected!r:.1000}"


def untouched(root: Path, before: Mapping[str, object], ours: Set[str] = frozenset()) -> None:
    """Make sure that nothing of the user's differs from what it was, and what is left of ours."""
    for name, value in state(root).items():
        same(value, before[name], name)
    assert own_files(root) == ours


def only_added(root: Path, before: Mapping[str, object]) -> None:
    """Make sure that nothing of the user's changed, but for branches of ours that came."""
    after = state(root)
    assert own_files(root) == set()
    for name, value in before.items():
        if name == "refs":
            ours = [line for line in git(root, "for-each-ref").splitlines() if b"/promote/" in line]
            there = [line for line in git(root, "for-each-ref").splitlines() if line not in ours]
            same(b"".join(line + b"\n" for line in there), value)
        elif name == "kept by git":
            now = after[name]
            assert isinstance(now, dict) and isinstance(value, dict)
            same({k: v for k, v in now.items() if "/promote/" not in k}, value)
        else:
            same(after[name], value, name)


def there_and_back(root: Path, plan: str, *options: str, notes: str = "") -> dict[str, str]:
    """Carry a plan out, undo it, and return the branches that it made, with their commits.

    Neither may change anything of the user's, and the commits have to hold what they should.
    """
    before = state(root)
    if "-dirty" in Path(plan).read_text(encoding="utf-8"):
        options = (*options, "--rebase-plan")
    base = contents(root, "HEAD")
    expected = {p: t for p, t in base.items() if p not in FILES} | AFTER
    expected |= {
        p: t for p, t in FILES.items() if not p.startswith("candidate/") and p not in AFTER
    }
    ran = run(root, "apply", plan, *options)
    assert (ran.code, ran.err) == (0, notes), ran
    made = branches(root)
    assert made
    same(contents(root, list(made.values())[-1]), expected)
    only_added(root, before)
    told = run(root, "status")
    assert told.code == 0 and "done" in told.out
    rolled_back(root)
    assert branches(root) == {}
    untouched(root, before)
    return made


def journey(root: Path, plan: str, *options: str, notes: str = "") -> None:
    """Carry a plan out and undo it; kill a run, and go on with it; kill one, and undo it.

    Args:
        root: the repository's.
        plan: file of the plan.
        options: of `apply`.
        notes: what is told when branches are made.
    """
    before = state(root)
    made = there_and_back(root, plan, *options, notes=notes)
    for then in ("resume", "rollback"):
        killed(root, plan, *options)
        left = state(root)
        for name in before.keys() - {"worktrees", "kept by git"}:
            same(left[name], before[name], name)
        assert "was interrupted" in run(root, "status").out
        ended = run(root, then)
        assert (ended.code, ended.err) == (0, notes if then == "resume" else ""), ended
        assert branches(root) == (made if then == "resume" else {})
        only_added(root, before)
        if then == "resume":
            rolled_back(root)
        untouched(root, before)


def rolled_back(root: Path) -> None:
    """Undo the last run, which has to work."""
    undone = run(root, "rollback")
    assert (undone.code, undone.err) == (0, ""), undone


def killed(root: Path, plan: str, *options: str, once: str = "main.py") -> None:
    """Kill a run inside its first gate that finds some file."""
    if "-dirty" in Path(plan).read_text(encoding="utf-8"):
        options = (*options, "--rebase-plan")
    mark = root.parent / "kill"
    mark.write_text(once, encoding="ascii")
    ran = spawn(root, "apply", plan, *options, env={"KILL": str(mark)})
    assert ran.code == -signal.SIGKILL, ran

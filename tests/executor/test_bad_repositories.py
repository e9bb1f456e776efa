"""Repositories that are not as they usually are: promoted in as any other, or one clear line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.cli.shop import run
from tests.executor.campaigns import gate_text
from tests.executor.odd_places import (
    AFTER,
    FILES,
    branches,
    common_dir,
    configure,
    contents,
    journey,
    killed,
    leave_things_about,
    own_files,
    planned,
    refused,
    rolled_back,
    same,
    small,
    state,
    there_and_back,
    untouched,
)
from tests.executor.repositories import git


def linked(root: Path) -> Path:
    git(root, "worktree", "add", "--quiet", str(root.parent / "linked"), "-b", "side")
    return root.parent / "linked"


def base_in_another_work_tree(root: Path) -> Path:
    git(root, "checkout", "--quiet", "-b", "aside")
    git(root, "worktree", "add", "--quiet", str(root.parent / "other"), "main")
    git(root, "checkout", "--quiet", "--detach", "main")
    return root


def subdirectory(root: Path) -> Path:
    shutil.rmtree(root)
    return small(root, root="sub/dir é")


def shallow(root: Path) -> Path:
    git(root, "commit", "--quiet", "--allow-empty", "-m", "second")
    git(root.parent, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    configure(root.parent / "shallow")
    return root.parent / "shallow"


def alternates(root: Path) -> Path:
    git(root.parent, "clone", "--quiet", "--shared", str(root), "shared")
    configure(root.parent / "shared")
    return root.parent / "shared"


def separate_git_directory(root: Path) -> Path:
    git(root, "init", "--quiet", "--separate-git-dir", str(root.parent / "elsewhere.git"))
    return root


def worktree_config(root: Path) -> Path:
    git(root, "config", "extensions.worktreeConfig", "true")
    git(root, "config", "--worktree", "core.sparseCheckout", "false")
    git(root, "config", "--worktree", "core.autocrlf", "true")
    return root


def sparse(root: Path) -> Path:
    git(root, "sparse-checkout", "set", "--no-cone", "/lanes.toml", "/README.md", "/main.py")
    assert not (root / "candidate").exists()
    return root


def sparse_cone(root: Path) -> Path:
    git(root, "sparse-checkout", "init", "--cone", "--sparse-index")
    git(root, "sparse-checkout", "set", "core")
    assert not (root / "candidate").exists()
    return root


def fsmonitor(root: Path) -> Path:
    monitor = root / ".git/monitor"
    monitor.write_text("#!/bin/sh\ntouch .git/monitor-ran\nprintf 'token\\0/\\0'\n")
    monitor.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(monitor))
    git(root, "config", "core.untrackedCache", "true")
    git(root, "update-index", "--untracked-cache")
    git(root, "status")
    (root / ".git/monitor-ran").unlink()
    return root


def failing_hooks(root: Path) -> Path:
    for name in (
        "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit",
        "post-index-change", "pre-auto-gc", "pre-commit", "prepare-commit-msg", "pre-push",
        "reference-transaction",
    ):  # fmt: skip
        hook = root / ".git/own-hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(
            '#!/bin/sh\necho "$0" >> "$(git rev-parse --git-common-dir)/hooked"\nexit 1\n'
        )
        hook.chmod(0o755)
    git(root, "config", "core.hooksPath", str(root / ".git/own-hooks"))
    return root


def signed_commits(root: Path) -> Path:
    for name in ("commit.gpgSign", "tag.gpgSign", "push.gpgSign", "log.showSignature"):
        git(root, "config", name, "true")
    git(root, "config", "user.signingKey", "0000000000000000")
    git(root, "config", "gpg.program", "/bin/false")
    return root


def autocrlf(root: Path) -> Path:
    git(root, "config", "core.autocrlf", "true")
    git(root, "config", "core.safecrlf", "true")
    git(root, "rm", "--quiet", "-r", "--cached", ".")
    git(root, "reset", "--quiet", "--hard")
    assert b"\r\n" in (root / "main.py").read_bytes()
    return root


def eol_attributes(root: Path) -> Path:
    (root / ".gitattributes").write_bytes(b"* text=auto eol=crlf\n*.md ident\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "attributes")
    git(root, "rm", "--quiet", "-r", "--cached", ".")
    git(root, "reset", "--quiet", "--hard")
    assert b"\r\n" in (root / "candidate/a.py").read_bytes()
    return root


def own_filter(root: Path) -> Path:
    git(root, "config", "filter.upper.clean", "tr A-Z a-z")
    git(root, "config", "filter.upper.smudge", "tr a-z A-Z")
    git(root, "config", "filter.upper.required", "true")
    (root / ".gitattributes").write_bytes(b"*.txt filter=upper\n")
    (root / "candidate/pkg/data.txt").write_bytes(b"DATA\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "filtered")
    return root


def submodules(root: Path) -> Path:
    inner = small(root.parent / "inner")
    allow = ("-c", "protocol.file.allow=always")
    git(root, *allow, "submodule", "--quiet", "add", str(inner), "vendor/inner")
    git(root, "commit", "--quiet", "-m", "submodule")
    (root / "vendor/inner/README.md").write_bytes(b"changed inside\n")
    git(root, "config", "submodule.recurse", "true")
    return root


def inside_a_submodule(root: Path) -> Path:
    outer = small(root.parent / "outer")
    allow = ("-c", "protocol.file.allow=always")
    git(outer, *allow, "submodule", "--quiet", "add", str(root), "vendor/inner")
    git(outer, "commit", "--quiet", "-m", "submodule")
    configure(outer / "vendor/inner")
    return outer / "vendor/inner"


def assume_unchanged(root: Path) -> Path:
    git(root, "update-index", "--assume-unchanged", "candidate/a.py")
    git(root, "update-index", "--skip-worktree", "candidate/b.py")
    (root / "candidate/a.py").write_bytes(b"NAME = 'mine'\n")
    (root / "candidate/b.py").write_bytes(b"from candidate.a import NAME\nNAME += '.'\n")
    return root


def odd_settings(root: Path) -> Path:
    for name, value in {
        "advice.detachedHead": "true",
        "branch.autoSetupMerge": "always",
        "checkout.workers": "4",
        "clean.requireForce": "true",
        "color.ui": "always",
        "core.abbrev": "4",
        "core.bigFileThreshold": "1",
        "core.ignoreCase": "true",
        "core.logAllRefUpdates": "always",
        "core.pager": "false",
        "core.preloadIndex": "true",
        "core.quotePath": "true",
        "core.sharedRepository": "group",
        "core.splitIndex": "true",
        "core.warnAmbiguousRefs": "true",
        "diff.mnemonicPrefix": "true",
        "diff.noprefix": "true",
        "diff.external": "false",
        "feature.experimental": "true",
        "feature.manyFiles": "true",
        "grep.column": "true",
        "grep.fullName": "true",
        "grep.lineNumber": "true",
        "grep.patternType": "perl",
        "i18n.commitEncoding": "ISO-8859-1",
        "i18n.logOutputEncoding": "ISO-8859-1",
        "index.version": "4",
        "log.date": "relative",
        "log.decorate": "full",
        "log.follow": "true",
        "log.showSignature": "true",
        "status.branch": "true",
        "status.relativePaths": "true",
        "status.short": "true",
        "status.showStash": "true",
        "status.showUntrackedFiles": "no",
        "worktree.guessRemote": "true",
        "core.fsyncObjectFiles": "true",
    }.items():
        git(root, "config", name, value)
    return root


def odd_settings_below_the_top(root: Path) -> Path:
    return odd_settings(subdirectory(root))


def packed_and_ambiguous(root: Path) -> Path:
    git(root, "pack-refs", "--all")
    git(root, "gc", "--quiet", "--aggressive", "--prune=now")
    git(root, "tag", "HEAD")
    git(root, "branch", "heads/main")
    git(root, "tag", "main")
    return root


def replaced_objects(root: Path) -> Path:
    blob = git(root, "hash-object", "-w", "--stdin", stdin=b"import candidate.a as other\n")
    git(root, "replace", "HEAD:main.py", blob.decode().strip())
    return root


def sha256(root: Path) -> Path:
    shutil.rmtree(root / ".git")
    git(root, "init", "--quiet", "--initial-branch=main", "--object-format=sha256")
    configure(root)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "first")
    return root


def stale_locks(root: Path) -> Path:
    for name in ("index.lock", "HEAD.lock", "config.lock", "refs/heads/main.lock"):
        (root / ".git" / name).touch()  # what a git that was killed leaves
    return root


UNJUDGED = (
    "hooks pre-commit, prepare-commit-msg, commit-msg, reference-transaction did not run on the "
    "new commits\n"
)
NOTES: dict[Callable[[Path], Path], str] = {
    failing_hooks: UNJUDGED,
    signed_commits: "the new commits are not signed, though commit.gpgSign is set\n",
}
WHOLE_WAY: list[Callable[[Path], Path]] = [linked, failing_hooks]
FINE: list[Callable[[Path], Path]] = [
    base_in_another_work_tree, subdirectory, shallow, alternates, separate_git_directory,
    worktree_config, sparse_cone, fsmonitor, signed_commits, autocrlf, eol_attributes, own_filter,
    submodules, inside_a_submodule, assume_unchanged, odd_settings_below_the_top, packed_and_ambiguous,
    replaced_objects, sha256,
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("place", WHOLE_WAY, ids=lambda place: place.__name__)
def test_the_whole_way(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    root = place(small(tmp_path / "r"))
    plan = planned(root)
    leave_things_about(root)
    journey(root, plan, "--mode", "stack", notes=NOTES.get(place, ""))
    assert not (common_dir(root) / "hooked").exists()


@pytest.mark.parametrize("place", FINE, ids=lambda place: place.__name__)
def test_it_works_there(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    root = place(small(tmp_path / "r"))
    plan = planned(root)
    leave_things_about(root)
    there_and_back(root, plan, notes=NOTES.get(place, ""))


def test_a_file_system_monitor_is_not_run(tmp_path: Path) -> None:
    root = fsmonitor(small(tmp_path / "r"))
    plan = planned(root)
    for arguments in (
        ("apply", plan),
        ("rollback",),
        ("check",),
        ("promote", "candidate.a", "core"),
    ):
        ran = run(root, *arguments)
        assert (ran.code, ran.err) == (0, ""), ran
        assert not (root / ".git/monitor-ran").exists()


@pytest.mark.parametrize("where", [None, "hooks", "tools/hooks"])
def test_hooks_that_would_have_judged_are_named(tmp_path: Path, where: str | None) -> None:
    root = small(tmp_path / "r")
    place = root / ".git/hooks" if where is None else root / where
    place.mkdir(parents=True, exist_ok=True)
    if where is not None:
        git(root, "config", "core.hooksPath", where)
    promote = ("promote", "candidate.a", "core")
    for name in ("commit-msg", "post-commit"):
        (place / name).write_text("#!/bin/sh\nexit 1\n")
    assert run(root, *promote, "--apply").err == ""  # they may not be executed
    rolled_back(root)
    for name in ("commit-msg", "post-commit"):
        (place / name).chmod(0o755)
    assert run(root, *promote).err == ""  # a dry run commits nothing
    ran = run(root, *promote, "--apply")
    assert (ran.code, ran.err) == (0, "hook commit-msg did not run on the new commits\n")
    rolled_back(root)
    assert run(root, *promote, "--apply", "--quiet").err == ""


def test_an_intent_to_add_is_left_as_it_is(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    leave_things_about(root)
    (root / "later.py").write_bytes(b"later = 1\n")
    git(root, "add", "--intent-to-add", "later.py")
    there_and_back(root, plan)


def test_locks_that_a_killed_git_left_are_in_nobody_s_way(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    leave_things_about(root)
    stale_locks(root)
    there_and_back(root, plan)


def test_a_lock_on_packed_refs_keeps_the_branches_until_it_is_gone(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    before = state(root)
    assert run(root, "apply", planned(root)).code == 0
    lock = root / ".git/packed-refs.lock"
    lock.touch()
    assert "packed-refs.lock': File exists" in refused(root, 4, "rollback")
    lock.unlink()
    rolled_back(root)
    untouched(root, before)


@pytest.mark.parametrize("place", [odd_settings, odd_settings_below_the_top, sparse])
def test_nothing_is_overlooked_there(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    """What a promotion changes and tells does not hang on settings of git's."""
    below = "sub/dir é" if place is odd_settings_below_the_top else ""
    plainly = small(tmp_path / "plain", root=below)
    told = run(plainly, "promote", "candidate.a", "core", "-v")
    assert "README.md:1" in told.out
    there = place(small(tmp_path / "r"))
    assert run(there, "promote", "candidate.a", "core", "-v") == told
    checked = run(plainly, "check", "--cycles")
    assert checked.code == 0 and run(there, "check", "--cycles") == checked


def test_git_s_variables_for_another_repository_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    leave_things_about(root)
    other = small(tmp_path / "other")
    untouched_other = state(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    monkeypatch.setenv("GIT_NAMESPACE", "elsewhere")
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    there_and_back(root, plan)
    untouched(other, untouched_other)


def test_a_global_configuration_that_is_on_its_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    leave_things_about(root)
    told(monkeypatch, {"safe.bareRepository": "explicit", "user.useConfigOnly": "true"})
    there_and_back(root, plan)


def told(monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> None:
    """Configure the tool's git, and not the one of the tests."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (name, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)


# --- large files ---


def with_large_file(root: Path) -> Path:
    """Commit a file as git-lfs keeps it, and configure git-lfs, which is not installed."""
    large = root / "candidate/pkg/large.bin"
    (root / ".gitattributes").write_bytes(b"*.bin filter=lfs diff=lfs merge=lfs -text\n")
    large.write_bytes(
        b"version https://git-lfs.github.com/spec/v1\n"
        b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
        b"size 12345\n"
    )
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "large")
    os.utime(large, (1e9, 1e9))  # long settled, so that git need not look into it
    git(root, "update-index", "--refresh")
    git(root, "config", "filter.lfs.required", "true")
    for act in ("clean", "smudge"):
        git(root, "config", f"filter.lfs.{act}", f"no-such-git-lfs {act} -- %f")
    return large


def test_a_required_filter_that_is_missing_is_told(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    large = with_large_file(root)
    plan = planned(root)
    said = refused(root, 4, "apply", plan)
    assert "no-such-git-lfs" in said and "fatal: candidate/pkg/large.bin: smudge filter" in said
    assert "rolled-back" in run(root, "status").out
    before = state(root)
    assert run(root, "apply", plan, "--no-gates").code == 0  # without a work tree, without need
    (name,) = branches(root)
    pointer = contents(root, name)["candidate/pkg/large.bin"]
    assert pointer == contents(root, "HEAD")["candidate/pkg/large.bin"]
    rolled_back(root)
    untouched(root, before)
    os.utime(large)  # now git has to look, and cannot
    ran = run(root, "apply", plan)
    assert ran.code == 4 and "clean filter 'lfs' failed" in ran.error()
    assert branches(root) == {} and own_files(root) == set()


def test_what_the_user_tells_git_lfs_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = small(tmp_path / "r")
    with_large_file(root)
    smudge = "sh -c 'test \"$GIT_LFS_SKIP_SMUDGE\" = 1 && cat'"
    git(root, "config", "filter.lfs.smudge", smudge)
    git(root, "config", "filter.lfs.clean", "cat")
    plan = planned(root)
    assert "smudge filter" in refused(root, 4, "apply", plan)
    monkeypatch.setenv("GIT_LFS_SKIP_SMUDGE", "1")
    assert run(root, "apply", plan).code == 0


# --- what cannot be ---

ACTS = ("apply", "resume", "rollback", "promote")


@pytest.fixture(scope="module")
def usual_plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The plan of `small`, which is at the same commit wherever it is made."""
    return planned(small(tmp_path_factory.mktemp("usual") / "r"))


@pytest.fixture(scope="module")
def usual_branches(tmp_path_factory: pytest.TempPathFactory, usual_plan: str) -> dict[str, str]:
    """What comes of that plan, with fixed names and dates."""
    return there_and_back(small(tmp_path_factory.mktemp("usual") / "r"), usual_plan)


def act_on(name: str, plan: str) -> tuple[str, ...]:
    """Return the arguments of a command that would write."""
    return {
        "apply": ("apply", plan),
        "resume": ("resume",),
        "rollback": ("rollback",),
        "promote": ("promote", "candidate.a", "core", "--apply"),
    }[name]


@pytest.mark.parametrize("name", ACTS)
def test_a_bare_repository(tmp_path: Path, usual_plan: str, name: str) -> None:
    root = small(tmp_path / "r")
    bare = tmp_path / "bare.git"
    git(root, "clone", "--quiet", "--bare", str(root), str(bare))
    (bare / "lanes.toml").write_bytes(FILES["lanes.toml"])
    before = {path: path.read_bytes() for path in bare.rglob("*") if path.is_file()}
    ran = run(bare, *act_on(name, usual_plan))
    assert (ran.code, ran.out) == (2, "")
    assert ran.error() == f"{bare} is a bare git repository: run it in a checkout of it"
    assert {path: path.read_bytes() for path in bare.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ACTS)
def test_no_commit_yet(tmp_path: Path, usual_plan: str, name: str) -> None:
    root = small(tmp_path / "r")
    git(root, "update-ref", "-d", "HEAD")
    said = refused(root, 2, *act_on(name, usual_plan))
    expected = {"resume": "none has begun", "rollback": "no run to undo"}
    assert expected.get(name, "has no commit yet") in said


def calling_itself(version: str, directory: Path) -> dict[str, str]:
    """Return the environment in which git is the real one, but says that it is of a version."""
    program = directory / "bin/git"
    program.parent.mkdir()
    real = shutil.which("git")
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo \'git version {version}\' || exec {real} "$@"\n'
    )
    program.chmod(0o755)
    return {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("name", [*ACTS, "check", "status"])
def test_a_git_that_is_too_old(tmp_path: Path, usual_plan: str, name: str) -> None:
    root = small(tmp_path / "r")
    arguments = act_on(name, usual_plan) if name in ACTS else (name,)
    env = calling_itself("2.25.1", tmp_path)
    assert refused(root, 4, *arguments, env=env) == (
        "git 2.30 or newer is needed, and the one on PATH says `git version 2.25.1`: install a "
        "newer one"
    )


@pytest.mark.parametrize(
    ("version", "fine"),
    [("2.29.9", False), ("1.99.0", False), ("2.30.0", True), ("2.39.5 (Apple Git-154)", True),
     ("3.0.0-rc1", True), ("next", True)],
)  # fmt: skip
def test_versions_of_git(tmp_path: Path, version: str, fine: bool) -> None:
    root = small(tmp_path / "r")
    env = calling_itself(version, tmp_path)
    assert run(root, "status", env=env).code == (0 if fine else 4)


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"core.repositoryFormatVersion": "1", "extensions.refStorage": "later"}, "later"),
        ({"core.repositoryFormatVersion": "1", "extensions.unheardOf": "1"}, "unheardof"),
        ({"core.repositoryFormatVersion": "99"}, "99"),
    ],
    ids=["ref storage", "extension", "format"],
)
def test_a_repository_of_a_later_git(
    tmp_path: Path, usual_plan: str, name: str, settings: dict[str, str], said: str
) -> None:
    root = small(tmp_path / "r")
    arguments = act_on(name, usual_plan)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    config = (root / ".git/config").read_bytes()
    for key, value in settings.items():
        git(tmp_path, "config", "--file", str(root / ".git/config"), key, value)
    ran = run(root, *arguments)
    assert ran.code == 4
    assert said in ran.error() or "refstorage" in ran.error()
    (root / ".git/config").write_bytes(config)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_a_repository_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    leave_things_about(root)
    before = state(root)
    for path in (root, root / ".git"):
        os.chown(path, 65534, 65534)
    for name in ACTS:
        ran = run(root, *act_on(name, plan))
        assert ran.code == 4
        assert "dubious ownership" in ran.error()
        assert f"git config --global --add safe.directory {root}" in ran.error()
    told(monkeypatch, {"safe.directory": str(root)})
    assert run(root, "apply", plan).code == 0
    rolled_back(root)
    for path in (root, root / ".git"):
        os.chown(path, 0, 0)
    untouched(root, before)


@pytest.mark.parametrize("name", ["apply", "promote"])
def test_objects_that_are_gone(tmp_path: Path, usual_plan: str, name: str) -> None:
    root = alternates(small(tmp_path / "r"))
    arguments = act_on(name, usual_plan)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    (tmp_path / "r").rename(tmp_path / "gone")
    ran = run(root, *arguments)
    assert ran.code == 4
    assert ran.error().startswith("git cannot read commit ")
    assert ran.error().endswith(f"which is checked out in {root}: run `git fsck`")
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    (tmp_path / "gone").rename(tmp_path / "r")
    assert run(root, *arguments).code == 0


def test_a_partial_clone_fetches_what_it_lacks_or_says_that_it_cannot(
    tmp_path: Path, usual_plan: str
) -> None:
    origin = small(tmp_path / "r")
    git(origin, "config", "uploadpack.allowFilter", "true")
    there = tmp_path / "partial"
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--sparse",
        "--filter=blob:none",
        f"file://{origin}",
        str(there),
    )
    configure(there)
    assert not (there / "candidate").exists()
    origin.rename(tmp_path / "gone")
    said = refused(there, 4, "apply", usual_plan)
    assert "does not appear to be a git repository" in said
    assert "git cat-file failed" in refused(there, 4, "check")
    (tmp_path / "gone").rename(origin)
    there_and_back(there, usual_plan)


# --- branches ---


@pytest.mark.parametrize("taken", ["", "/below", "above"])
def test_the_name_of_the_branch_is_taken(tmp_path: Path, taken: str) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    assert run(root, "apply", plan).code == 0
    (name,) = branches(root)
    rolled_back(root)
    git(root, "branch", "promote" if taken == "above" else name + taken)
    leave_things_about(root)
    said = refused(root, 2, "apply", plan)
    assert ("exists already" if not taken else "cannot stand beside branch") in said


def test_the_base_branch_moved_after_planning(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    git(root, "commit", "--quiet", "--allow-empty", "-m", "more")
    said = refused(root, 2, "apply", plan)
    assert said.startswith("the plan was made on ") and "--resume" in said
    assert run(root, "apply", plan, "--rebase-plan").code == 0


@pytest.mark.parametrize("then", ["resume", "rollback"])
@pytest.mark.parametrize("what", ["moved", "vanished", "checked out elsewhere", "collected"])
def test_the_base_branch_changes_while_a_run_is_interrupted(
    tmp_path: Path, usual_plan: str, usual_branches: dict[str, str], then: str, what: str
) -> None:
    root = small(tmp_path / "r")
    killed(root, usual_plan)
    if what == "moved":
        git(root, "commit", "--quiet", "--allow-empty", "-m", "more")
        git(root, "mv", "candidate/a.py", "candidate/z.py")
        git(root, "commit", "--quiet", "-m", "another name")
    elif what == "vanished":
        git(root, "update-ref", "-d", "refs/heads/main")
    elif what == "checked out elsewhere":
        git(root, "checkout", "--quiet", "--detach")
        git(root, "worktree", "add", "--quiet", str(tmp_path / "other"), "main")
    else:
        git(root, "gc", "--quiet", "--prune=now")
    if what != "vanished":
        leave_things_about(root)
    before = state(root)
    ended = run(root, then)
    assert (ended.code, ended.err) == (0, ""), ended
    assert branches(root) == (usual_branches if then == "resume" else {})
    if then == "resume":
        rolled_back(root)
    after = state(root)
    for name in before.keys() - {"worktrees", "kept by git"}:  # those held the killed run's
        same(after[name], before[name], name)
    assert own_files(root) == set()
    assert b"lane-planner" not in git(root, "worktree", "list")


def test_a_base_commit_that_is_gone_is_told_and_the_run_can_be_undone(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    killed(root, plan)
    shutil.rmtree(root / ".git/lane-planner/worktree")
    git(root, "worktree", "prune")
    git(root, "commit", "--quiet", "--amend", "-m", "anew")
    git(root, "reflog", "expire", "--expire=now", "--all")
    git(root, "gc", "--quiet", "--prune=now")
    before = state(root)
    left = own_files(root)
    assert "is not in the repository any more" in refused(root, 4, "resume")
    assert own_files(root) == left
    rolled_back(root)
    untouched(root, before)


def test_a_branch_that_is_checked_out_elsewhere_is_not_taken_away(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    assert run(root, "apply", planned(root)).code == 0
    (name,) = branches(root)
    other = tmp_path / "other"
    git(root, "worktree", "add", "--quiet", str(other), name)
    assert str(other) in refused(root, 2, "rollback")
    git(root, "worktree", "remove", str(other))
    rolled_back(root)
    assert branches(root) == {}


@pytest.mark.parametrize("then", ["resume", "rollback"])
def test_a_stack_that_is_killed_between_its_branches(tmp_path: Path, then: str) -> None:
    root = small(tmp_path / "r")
    plan = planned(root)
    made = there_and_back(root, plan, "--mode", "stack")
    leave_things_about(root)
    before = state(root)
    killed(root, plan, "--mode", "stack", once="core/b.py")
    assert len(branches(root)) == 1 < len(made)
    assert "was interrupted" in run(root, "status").out
    ended = run(root, then)
    assert (ended.code, ended.err) == (0, ""), ended
    if then == "resume":
        assert branches(root) == made
        assert len(run(root, "log", "--format", "jsonl").out.splitlines()) == 5
        rolled_back(root)
    untouched(root, before)


def test_garbage_is_collected_while_a_run_is_under_way(tmp_path: Path) -> None:
    code = "import subprocess; subprocess.run(['git', 'gc', '--quiet', '--prune=now'], check=True)"
    root = small(
        tmp_path / "r", {"lanes.toml": FILES["lanes.toml"] + gate_text("gc", code).encode()}
    )
    plan = planned(root)
    before = state(root)
    ran = run(root, "apply", plan, "--mode", "wave")
    assert (ran.code, ran.err) == (0, ""), ran
    assert len(branches(root)) >= 1
    rolled_back(root)
    git(root, "worktree", "prune")
    assert state(root)["index"] == before["index"]


# --- submodules ---


def test_a_package_with_a_submodule_in_it_is_not_torn_apart(tmp_path: Path) -> None:
    root = small(tmp_path / "r")
    inner = small(tmp_path / "inner")
    allow = ("-c", "protocol.file.allow=always")
    git(root, *allow, "submodule", "--quiet", "add", str(inner), "candidate/pkg/sub")
    git(root, "commit", "--quiet", "-m", "submodule")
    goal = ("promote", "candidate.pkg", "core", "--with-dependencies")
    for arguments in (goal, (*goal, "--apply")):
        said = refused(root, 2, *arguments)
        assert said.startswith("candidate/pkg/sub is a submodule, which stays where it is")
    assert run(root, "apply", planned(root)).code == 0  # module by module
    (name,) = branches(root)
    assert b"160000 commit" in git(root, "ls-tree", name, "candidate/pkg/sub")


# --- gates ---


def with_gate(directory: Path, gate: str) -> Path:
    root = small(directory, {"lanes.toml": FILES["lanes.toml"] + gate.encode()})
    leave_things_about(root)
    return root


FAR_TOO_MUCH = "import sys\nfor _ in range(2**4): sys.stdout.write('x' * 2**24)\nsys.exit(1)"
FORKS = (
    "import os, time\nfor _ in range(3): os.fork()\nprint(os.getpid(), flush=True)\ntime.sleep(600)"
)


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        pytest.param('\n[[gates]]\nname = "g"\ncommand = ["no-such-program"]\n', "127", id="missing"),
        pytest.param('\n[[gates]]\nname = "g"\ncommand = ["./README.md"]\n', "126", id="no program"),
        pytest.param(
            '\n[[gates]]\nname = "g"\ncommand = ["sleep", "600"]\ntimeout = 1\n', "timed out",
            id="hangs",
        ),
        pytest.param(gate_text("g", FORKS) + "timeout = 1\n", "timed out", id="forks"),
        pytest.param(gate_text("g", FAR_TOO_MUCH), "exit status 1", id="a quarter of a gigabyte"),
    ],
)  # fmt: skip
def test_gates_that_fail_in_odd_ways(tmp_path: Path, gate: str, said: str) -> None:
    root = with_gate(tmp_path / "r", gate)
    before = state(root)
    ran = run(root, "promote", "candidate.a", "core", "--apply")
    assert (ran.code, ran.err) == (3, ""), ran
    assert said in ran.out and len(ran.out) < 100_000
    untouched(root, before)
    logged = run(root, "status", "--format", "json")
    assert logged.code == 0 and len(logged.out) < 100_000


def test_a_gate_that_writes_elsewhere_spoils_nothing_of_ours(tmp_path: Path) -> None:
    code = (
        "import os, subprocess\n"
        f"open({str(tmp_path / 'outside')!r}, 'w').write('gate')\n"
        "open('main.py', 'w').write('spoilt')\n"
        "os.unlink('core/a.py')\n"
        "subprocess.run(['git', 'add', '--all'], check=True)\n"
        "subprocess.run(['git', 'commit', '--quiet', '-m', 'mine'], check=True)\n"
        "open('../index', 'w').write('spoilt')\n"
        "open('../scratch/index', 'w').write('spoilt') if os.path.isdir('../scratch') else None\n"
    )
    root = with_gate(tmp_path / "r", gate_text("writes", code))
    plan = planned(root)
    (root / ".git/lane-planner/index").touch()
    assert (tmp_path / "outside").exists() is False
    before = state(root)
    ran = run(root, "apply", plan, "--rebase-plan")
    assert (ran.code, ran.err) == (0, ""), ran
    (made,) = branches(root).values()
    assert contents(root, made)["main.py"] == AFTER["main.py"]
    assert (tmp_path / "outside").read_text() == "gate"
    (root / ".git/lane-planner/index").unlink()
    rolled_back(root)
    untouched(root, before)

"""A repository on its way to another machine: a commit without its history, others as bundles."""

from __future__ import annotations

from pathlib import Path

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.executor.storage.files import remove, write_atomically

_NAME = "refs/lane-planner/carried"


def pack_commit(git: Git, commit: str) -> bytes:
    """Return a commit with its files and without its history, as a packfile.

    Args:
        git: a repository that has it.
        commit: full id.

    Raises:
        EnvironmentFailure: git failed.
    """
    # As git's own server sends a clone of depth 1.
    wanted = f"--shallow {commit}\n{commit}\n".encode("ascii")
    return git.out("pack-objects", "--revs", "--stdout", "-q", stdin=wanted)


def unpack_commit(directory: Path, commit: str, pack: bytes) -> Git:
    """Make a repository of a packed commit, as a shallow clone of it would be, without a checkout.

    Args:
        directory: where; what is there goes.
        commit: full id.
        pack: as from `pack_commit`.

    Raises:
        EnvironmentFailure: git or the disk failed.
    """
    remove(directory)
    git_directory = directory / ".git"
    try:
        git_directory.mkdir(parents=True)
    except OSError as error:
        raise EnvironmentFailure(f"cannot write {directory}: {error.strerror or error}") from error
    git = Git(directory, directory, git_directory)
    kind = "sha256" if len(commit) == 64 else "sha1"
    git.out("init", "--quiet", "--template=", f"--object-format={kind}")
    write_atomically(git_directory / "shallow", f"{commit}\n".encode("ascii"))
    git.out("index-pack", "--stdin", stdin=pack)
    git.out("update-ref", "refs/lane-planner/base", commit)
    return git


def bundle_commits(git: Git, base: str, commit: str) -> bytes:
    """Return the commits that lead from one to another as a git bundle, which needs the first.

    `git bundle create` takes names of branches alone, and these commits have none yet: the header
    is written here, as gitformat-bundle(5) has it, before a pack by git.

    Args:
        git: a repository that has them.
        base: full id of the first, which is not in the bundle.
        commit: full id of the last; another one.

    Raises:
        EnvironmentFailure: git failed.
    """
    wanted = f"{commit}\n^{base}\n".encode("ascii")
    pack = git.out("pack-objects", "--revs", "--thin", "--stdout", "-q", stdin=wanted)
    version = "# v2 git bundle\n"
    if len(commit) == 64:
        version = "# v3 git bundle\n@object-format=sha256\n"
    return f"{version}-{base}\n{commit} {_NAME}\n\n".encode("ascii") + pack


def unbundle_commits(git: Git, bundle: bytes) -> None:
    """Take the commits of a bundle into a repository.

    Args:
        git: a repository that has the commit that the bundle needs.
        bundle: as from `bundle_commits`.

    Raises:
        EnvironmentFailure: git or the disk failed.
    """
    file = git.common_dir / "carried.bundle"
    write_atomically(file, bundle)
    git.out("bundle", "unbundle", str(file))
    remove(file)

"""Which files were moved between a commit and the working tree."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping

from lane_planner.base.git import Git
from lane_planner.scan.cache import content_key

_EMPTY = content_key(b"")


def moved_files(
    git: Git, commit: str, before: Mapping[str, bytes], now: Mapping[str, bytes]
) -> dict[str, str]:
    """Return the new path of each file that was moved, by its old one.

    Files that git tracks are told by its rename detection, edited ones among them; those that it
    does not track yet by their content, where only one file had it and only one has it.

    Args:
        git: the repository, seen from the root.
        commit: full id.
        before: the content key of each file of the commit, by path.
        now: the same of the working tree.
    """
    # Not `git diff`, which writes the index anew where times of files have changed.
    listing = git.out(
        "diff-index", "--name-status", "-z", "-M", "-l1000", "--diff-filter=R", "--relative",
        "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", commit, "--",
    )  # fmt: skip
    fields = listing.split(b"\0")
    pairs = zip(fields[1::3], fields[2::3], strict=False)
    found = {os.fsdecode(old): os.fsdecode(new) for old, new in pairs}
    gone = {path: key for path, key in before.items() if path not in now and path not in found}
    taken = set(found.values())
    come = {path: key for path, key in now.items() if path not in before and path not in taken}
    old_times, new_times = Counter(gone.values()), Counter(come.values())
    place = {key: path for path, key in come.items()}
    for path, key in gone.items():
        if key != _EMPTY and old_times[key] == new_times[key] == 1:
            found[path] = place[key]
    return found

"""Who owns files, by GitHub's CODEOWNERS file: whom a change of them is shown to.

Its patterns are gitignore's with four differences: `dir/*` means the files in a directory and
not those below its directories, `!` and `[` are not part of the syntax, `#` begins a comment
wherever it stands, and case always counts. A line that GitHub cannot read is left out, alone.
See https://docs.github.com/articles/about-code-owners.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from lane_planner.base.git import Git
from lane_planner.config.globs import PathGlobs

CODEOWNERS_PATHS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where the file may be, below the top of the repository; the first that is there counts."""

MAX_SIZE = 3 * 1024 * 1024
"""Bytes above which GitHub does not read the file."""

_FIELD = re.compile(r"(?:\\.|\S)+")
_OWNER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9_.-]+)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

# Stands for "nothing further": it is in no path and in no pattern.
_END = "\0"


class _Rule(NamedTuple):
    globs: PathGlobs
    exact: bool
    owners: tuple[str, ...]

    def matches(self, path: str) -> bool:
        return self.globs.matches(f"{path}/{_END}" if self.exact else path)


def owners(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Return the owners of any of some files.

    Args:
        text: of a CODEOWNERS file.
        paths: of files, below the top of the repository, "/"-separated.

    Returns:
        Users ("@user") and teams ("@organisation/team"), each once and as first spelled: who owns
        the most of the files first, then by name. Owners given by e-mail are left out, because
        nobody can be asked for a review by it.
    """
    rules = _rules(text)
    owned: Counter[str] = Counter()
    for path in dict.fromkeys(paths):
        for rule in reversed(rules):
            if rule.matches(path):
                owned.update(rule.owners)
                break
    spelled: dict[str, str] = {}
    for rule in rules:
        for owner in rule.owners:
            spelled.setdefault(owner.casefold(), owner)
    totals: Counter[str] = Counter()
    for owner, count in owned.items():
        totals[owner.casefold()] += count
    found = sorted(totals, key=lambda owner: (-totals[owner], owner))
    return tuple(spelled[owner] for owner in found)


def read_codeowners(git: Git, commit: str) -> str | None:
    """Return the CODEOWNERS file of a commit, or None if it has none that GitHub would read.

    Args:
        git: the repository.
        commit: one of the branch that changes go into: GitHub looks there.

    Raises:
        EnvironmentFailure: git cannot read the commit.
    """
    listed = git.out("ls-tree", "-z", "-l", "--full-tree", commit, *CODEOWNERS_PATHS)
    blobs = {}
    for line in listed.decode("ascii").split("\0"):
        fields, _, path = line.partition("\t")
        if fields.startswith("100"):  # no symlink, no directory
            _, _, blob, size = fields.split()
            blobs[path] = (blob, int(size))
    for path in CODEOWNERS_PATHS:
        if path in blobs:
            blob, length = blobs[path]
            if length > MAX_SIZE:
                return None
            return git.out("cat-file", "blob", blob).decode("utf-8-sig", "surrogateescape")
    return None


def _rules(text: str) -> list[_Rule]:
    found = (_rule(line) for line in text.split("\n"))
    return [rule for rule in found if rule is not None]


def _rule(line: str) -> _Rule | None:
    fields = _FIELD.findall(line.partition("#")[0])
    if not fields:
        return None
    pattern, *named = fields
    if pattern.startswith("!") or "[" in pattern or pattern.endswith("\\") or _END in pattern:
        return None
    if not all(_OWNER.fullmatch(name) or _EMAIL.fullmatch(name) for name in named):
        return None
    exact = pattern.endswith("/*")
    try:
        globs = PathGlobs((f"{pattern}/{_END}" if exact else pattern,))
    except ValueError:
        return None
    people = (name for name in named if name.startswith("@"))
    return _Rule(globs, exact, tuple(dict.fromkeys(people)))

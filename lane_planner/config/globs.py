"""The two kinds of globs that a configuration holds: of paths, and of dotted names."""

from __future__ import annotations

import fnmatch
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

LANE_PART = "{lane}"
"""The part of a directory glob that stands for the path of a lane."""

_DIRECTORY_PART = re.compile(r"\*\*|[\w.*?-]+")
_PLAIN = re.compile(r"[\w./*?-]+")


class PathGlobs:
    """Path globs in gitignore syntax: the last one that matches decides, `!` negates.

    pathspec is imported here, when there is something to match, because it takes several times
    longer to import than a configuration takes to load.

    Args:
        patterns: each without a fault, as `glob_fault` tells.

    Raises:
        ValueError: a pattern has a fault.
    """

    __slots__ = ("_spec", "patterns")

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        self._spec = _compiled(self.patterns) if self.patterns else None

    def matches(self, path: str) -> bool:
        """Tell whether a path is meant; without patterns, none is.

        Args:
            path: of a file, relative to the root, "/"-separated.
        """
        return self._spec is not None and self._spec.match_file(path)


def glob_fault(pattern: str) -> str | None:
    """Return why a path glob is unusable or can match nothing, or None if it is well.

    Args:
        pattern: gitignore syntax.

    Returns:
        The end of a sentence that begins with the pattern.
    """
    parts = pattern.strip().removeprefix("!").removeprefix("/").removesuffix("/").split("/")
    if "" in parts:
        return "has an empty part, write a path such as archive/**"
    if "." in parts or ".." in parts:
        return 'has a "." or ".." part and matches nothing, write it relative to the root'
    return None if _PLAIN.fullmatch(pattern) else _syntax_fault(pattern)


def directory_glob_fault(pattern: str) -> str | None:
    """Return why the glob of a directory laid out like a lane is unusable, or None if it is well.

    Args:
        pattern: parts with `*` and `?`, `**` for any number of them, and `{lane}` as one of them.

    Returns:
        The end of a sentence that begins with the pattern.
    """
    parts = pattern.split("/")
    if parts.count(LANE_PART) != 1:
        return f"has to have one part that is {LANE_PART}, as tests/**/{LANE_PART}"
    for part in parts:
        if part in ("", ".", ".."):
            return f'has a part that is "{part}", write a path such as tests/**/{LANE_PART}'
        if part != LANE_PART and not _DIRECTORY_PART.fullmatch(part):
            return (
                f'has a part "{part}": only names with * and ?, ** and {LANE_PART} may stand here'
            )
    return None


def name_glob(pattern: str) -> Callable[[str], bool]:
    """Return the test for a dotted-name glob, where `*` also matches dots.

    Args:
        pattern: `*`, `?` and `[...]` as in `fnmatch.fnmatchcase`.
    """
    match = re.compile(fnmatch.translate(pattern)).match
    return lambda name: match(name) is not None


def _compiled(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    # The other backends are chosen by what else is installed; results must not depend on that.
    return GitIgnoreSpec.from_lines(patterns, backend="simple")


def _syntax_fault(pattern: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # `re` warns of classes that it reads otherwise than git
            (compiled,) = _compiled((pattern,)).patterns
    except (ValueError, re.error, FutureWarning):
        return "is not in gitignore syntax, see `git help ignore`"
    if compiled.include is not None:
        return None
    if pattern.startswith("#"):
        return "is a comment in gitignore syntax, write \\# for a name that begins with #"
    return "has a [ without its ], write \\[ for the character itself"

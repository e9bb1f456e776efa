"""Owners as GitHub finds them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.executor.github.codeowners import (
    CODEOWNERS_PATHS,
    MAX_SIZE,
    owners,
    read_codeowners,
)
from tests.executor.repositories import git, new_repository

# The pattern; paths that it matches; paths that it does not.
PATTERNS = [
    # Examples of GitHub's own page.
    ("*", ["a.py", "a/b.py", ".hidden", "a/.b"], []),
    ("*.js", ["a.js", "a/b/c.js"], ["a.jsx", "js"]),
    ("/build/logs/", ["build/logs/a", "build/logs/a/b"], ["a/build/logs/b", "build/logs"]),
    ("docs/*", ["docs/getting-started.md"], ["docs/build-app/troubleshooting.md", "a/docs/b"]),
    ("apps/", ["apps/a", "a/apps/b/c"], ["apps", "my-apps/a"]),
    ("/docs/", ["docs/a", "docs/a/b"], ["a/docs/b"]),
    ("**/logs", ["logs/a", "build/logs/a", "deeply/nested/logs/a/b"], ["logs2/a"]),
    # A name stands for itself and all below it, anchored if it has a slash inside or in front.
    ("docs", ["docs", "docs/a/b", "a/docs/b"], ["docs2"]),
    ("/docs", ["docs", "docs/a/b"], ["a/docs"]),
    ("a/b", ["a/b", "a/b/c"], ["x/a/b"]),
    ("core/a*", ["core/ab", "core/ab/c", "core/a"], ["x/core/ab", "core/b"]),
    # Stars at the end, which gitignore would let match directories.
    ("/*", ["a.py"], ["a/b.py"]),
    ("a/*/*", ["a/b/c"], ["a/b", "a/b/c/d"]),
    ("**/x/*", ["x/y", "a/x/y", "a/x/x/y"], ["x/y/z", "x"]),
    ("a/**/*", ["a/b", "a/b/c/d"], ["a", "b/a/c"]),
    ("a/**/b/*", ["a/b/c", "a/x/b/c", "a/b/c/b/d"], ["a/b/c/d"]),
    ("docs/**", ["docs/a", "docs/a/b"], ["docs", "a/docs/b"]),
    ("a/**/z", ["a/z", "a/b/c/z"], ["a/zz"]),
    ("**", ["a", "a/b"], []),
    ("a?c", ["abc"], ["ac", "a/c", "abbc"]),
    # Case counts, and names are taken as they are.
    ("Docs/", ["Docs/a"], ["docs/a"]),
    (r"with\ space.py", ["with space.py", "a/with space.py"], ["with", "space.py"]),
    (r"\*.py", ["*.py"], ["a.py"]),
    ("a.py", ["a.py"], ["axpy"]),
    ("(a)", ["(a)"], ["a"]),
    ("é.py", ["é.py"], ["e.py"]),
    (os.fsdecode(b"\xff.py"), [os.fsdecode(b"\xff.py")], ["\xff.py"]),
    # What GitHub does not know, or cannot match.
    ("!a.py", [], ["a.py", "b.py", "!a.py"]),
    ("[ab].py", [], ["a.py", "[ab].py"]),
    (r"\#a.py", [], ["#a.py", "a.py"]),
    (r"a\/b", [], ["a/b", r"a\/b"]),
    ("/", [], ["a", "a/b"]),
    ("./a", [], ["a"]),
]


@pytest.mark.parametrize(("pattern", "matched", "others"), PATTERNS, ids=[p[0] for p in PATTERNS])
def test_patterns(pattern: str, matched: list[str], others: list[str]) -> None:
    text = f"{pattern} @owner"
    assert [path for path in matched + others if owners(text, [path])] == matched


# What the file says; the path; its owners.
FILES = [
    ("nothing said", "", "a.py", ()),
    ("the last rule that matches decides", "* @all\n*.py @py\n", "a.py", ("@py",)),
    ("whatever is more precise", "/a.py @a\n* @all\n", "a.py", ("@all",)),
    ("a rule without owners takes them away", "* @all\n/apps/\n", "apps/a", ()),
    ("and leaves the others theirs", "* @all\n/apps/\n", "a", ("@all",)),
    ("all owners of the rule, sorted", "* @b @org/a @a\n", "a", ("@a", "@b", "@org/a")),
    ("nobody can be asked by e-mail", "* docs@example.com @a\n", "a", ("@a",)),
    ("only by e-mail: yet the last rule", "* @a\n*.py docs@example.com\n", "a.py", ()),
    ("a comment line", "# * @a\n  # * @b\n", "a", ()),
    ("a comment behind a rule", "* @a #@b @c\n", "a", ("@a",)),
    ("a comment without a space before it", "* @a#@b\n", "a", ("@a",)),
    ("tabs, spaces around, line ends of Windows", "\t *\t@a  @b \r\n\r\n", "a", ("@a", "@b")),
    ("no newline at the end", "* @a", "a", ("@a",)),
    ("a line with an owner that is none is left out", "* @a\n*.py bob\n", "a.py", ("@a",)),
    ("an owner that is none beside one that is", "* @a\n*.py bob @b\n", "a.py", ("@a",)),
    ("a lone @", "* @a\n*.py @\n", "a.py", ("@a",)),
    ("a line with a pattern that is none is left out", "* @a\n*.[ch] @b\n", "a.c", ("@a",)),
    ("a section of GitLab's", "[Docs]\n* @a\n", "a", ("@a",)),
    ("an account of an enterprise", "* @jo_corp\n", "a", ("@jo_corp",)),
    ("names once, however spelled", "* @Bob @bob\n", "a", ("@Bob",)),
    ("a backslash at the end", "* @a\nfoo\\\n", "foo", ("@a",)),
    ("a NUL", "* @a\n\0 @b\n", "a", ("@a",)),
]


@pytest.mark.parametrize(
    ("text", "path", "expected"), [case[1:] for case in FILES], ids=[case[0] for case in FILES]
)
def test_files(text: str, path: str, expected: tuple[str, ...]) -> None:
    assert owners(text, [path]) == expected


def test_who_owns_most_comes_first_then_the_name() -> None:
    text = "*.py @zoe @ann\n/core/ @org/core @Zoe\n*.md @bob\n"
    paths = ["a.py", "b.py", "core/c.py", "core/c.py", "d.md", "nobody.txt"]
    assert owners(text, paths) == ("@zoe", "@ann", "@bob", "@org/core")
    assert owners(text, reversed(paths)) == owners(text, paths)
    assert owners(text, []) == ()


@pytest.mark.parametrize("there", [CODEOWNERS_PATHS, CODEOWNERS_PATHS[1:], CODEOWNERS_PATHS[2:]])
def test_the_first_place_counts(tmp_path: Path, there: tuple[str, ...]) -> None:
    files = {path: f"* @{number}\n".encode() for number, path in enumerate(there)}
    root = new_repository(tmp_path / "repo", {"sub/a.py": b"", **files})
    repo = Git.require(root / "sub")
    assert read_codeowners(repo, repo.head()) == "* @0\n"


def test_of_the_commit_and_not_of_the_checkout(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "repo", {"CODEOWNERS": b"\xef\xbb\xbf* @a\n\xff @b\n"})
    (root / "CODEOWNERS").write_bytes(b"* @c\n")
    repo = Git.require(root)
    text = read_codeowners(repo, repo.head())
    assert text == os.fsdecode(b"* @a\n\xff @b\n")
    assert owners(text, ["a"]) == ("@a",)


def test_what_is_no_file_for_github(tmp_path: Path) -> None:
    big = b"#" * (MAX_SIZE + 1)
    root = new_repository(tmp_path / "repo", {"CODEOWNERS/a": b"* @a\n", "docs/CODEOWNERS": big})
    (root / ".github").mkdir()
    (root / ".github/CODEOWNERS").symlink_to("../real")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "second")
    repo = Git.require(root)
    assert read_codeowners(repo, repo.head()) is None
    git(root, "rm", "--quiet", "-r", ".")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "third")
    assert read_codeowners(repo, repo.head()) is None
    with pytest.raises(EnvironmentFailure, match="git ls-tree failed"):
        read_codeowners(repo, "1" * 40)

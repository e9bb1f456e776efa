"""Names that are put together: what git finds of them, what they can match, and where."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from lane_planner.base.git import Git
from lane_planner.promotion.names.computed import Match, Own, Part, Skeleton, match
from lane_planner.promotion.references.mentions import find_mentions
from tests.executor.repositories import new_repository
from tests.promotion.test_table import PUT_TOGETHER, WHEREVER

PLAIN = [
    "import_module('candidate.a')",
    "patch('candidate.a.b', new=x + y)",
    "monkeypatch.setattr(module, 'name', f'{x}')",
    "sys.modules['candidate.a']",
    "sys.modules[__name__]",
    "'candidate.a' in sys.modules",
    "mocker.patch.object(x, f'{y}')",
    "x = f'candidate.{y}' + z",
]


def test_git_finds_the_files_that_may_put_names_together(tmp_path: Path) -> None:
    calls = [
        f"patch({argument})" for argument in PUT_TOGETHER if "%" in argument or "'" in argument
    ]
    lines = [*(line for line, call in WHEREVER if call != "im"), *calls]
    files = {f"said/{number:03}.py": line for number, line in enumerate(lines)}
    files = {path: line for path, line in files.items() if line != "patch('app.other')"}
    plain = {f"plain/{number:03}.py": line for number, line in enumerate(PLAIN)}
    texts = files | plain | {"docs/x.md": lines[0]}
    root = new_repository(tmp_path / "repo", {p: f"{t}\n".encode() for p, t in texts.items()})
    git = Git.require(root)
    found = find_mentions(git, git.head(), ["candidate"]).mentions().computing
    assert found is not None
    assert {path: files[path] for path in files.keys() - found} == {}
    assert found == files.keys()


# What can stand behind a module's name, as long as three parts can make it.
_ENDS = ["", *(f".{''.join(w)}" for n in range(6) for w in itertools.product("ab.", repeat=n))]


def _by_pattern(skeleton: Skeleton, name: str, inside: bool) -> bool:
    """Tell by a regular expression over many names whether one of them fits."""
    pattern = re.compile(
        "".join("[a-z.]*" if part.kind == "hole" else re.escape(part.text) for part in skeleton)
    )
    return any(pattern.fullmatch(name + end) for end in (_ENDS if inside else [""]))


@pytest.mark.parametrize("inside", [False, True])
def test_matching_agrees_with_regular_expressions(inside: bool) -> None:
    texts = ["a", "b", ".", "a.", ".b"]
    parts = [Part("hole"), *(Part("constant", text) for text in texts)]
    own = Own("", "")
    for size in (1, 2, 3):
        for skeleton in itertools.product(parts, repeat=size):
            for name in ("a", "a.b", "ab.a"):
                found = match(skeleton, name, own, inside=inside)
                whole = _by_pattern(skeleton, name, inside)
                assert (found is not Match.NOT) == whole, (skeleton, name)

"""Type comments are read where CPython reads them, and proved like annotations."""

from __future__ import annotations

import ast

import pytest

from lane_planner.promotion.imports import Place
from lane_planner.promotion.names.names_reader import names_of
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.proof import Version, prove_names
from lane_planner.promotion.text import SourceText
from lane_planner.scan.modules import name_modules
from lane_planner.scan.source import scan_source

# Statements with places for type comments, `{}`; CPython says which of them hold one.
STATEMENTS = [
    "x = 1{}\n",
    "x = y = (1){}\n",
    "x = [\n    1,{}\n]{}\n",
    "x = 1; y = 2{}\n",
    "x += 1{}\n",
    "x: int = 1{}\n",
    "f(){}\n",
    "return_ = f(\n    1,{}\n)\n",
    "if x:{}\n    y = 1{}\n",
    "for a in b:{}\n    pass{}\n",
    "for a, b in (c):{}\n    x = 1{}\nelse:{}\n    pass\n",
    "async def f():\n    async for a in b:{}\n        pass\n    async with a:{}\n        pass\n",
    "with a as b:{}\n    pass\n",
    "with a as b, c as d:{}\n    pass\n",
    "def f():{}\n    pass\n",
    "def f(a, b):{}\n    pass\n",
    "def f(a, b):\n    {}\n    pass\n",
    "def f(a, b):\n\n    # said\n    {}\n    pass{}\n",
    "def f(a,{}\n      b=(1),{}\n      *c,{}\n      d=2,{}\n      **e{}\n      ):\n    pass\n",
    "def f(\n    a{}\n):\n    x = 1{}\n",
    "def f(\n    a,\n    {}\n    b\n):\n    pass\n",
    "class C:{}\n    x = 1{}\n    async def f(self) -> (int):{}\n        pass\n",
    "@f(1){}\ndef g(a, /, b, *, c):{}\n    pass\n",
    "def f(a={{'x': 1}}, *, b=lambda x: x):{}\n    pass\n",
]
COMMENTS = ["  # type: T{}", " #type:T{}", "  # type: T{} # noqa", "  # type: (T{}) -> S"]
NO_COMMENTS = ["  # type: ignore[T{}]", "  # type: the T{}", "  # typed: T{}", "  # T{}", ""]


def _by_cpython(text: str) -> set[str] | None:
    """Return the names in the type comments of a text; None: CPython wants none there."""
    try:
        tree = ast.parse(text, type_comments=True)
    except SyntaxError:
        return None
    found: set[str] = set()
    for node in ast.walk(tree):
        said = getattr(node, "type_comment", None)
        if said is not None:
            mode = (
                "func_type" if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else "eval"
            )
            try:
                parsed = ast.parse(said, mode=mode)
            except SyntaxError:
                continue
            found.update(part.id for part in ast.walk(parsed) if isinstance(part, ast.Name))
    return found


@pytest.mark.parametrize("statement", STATEMENTS)
def test_type_comments_are_read_where_cpython_reads_them(statement: str) -> None:
    places = statement.count("{}")
    compared = 0
    for place in range(places):
        for comment in (*COMMENTS, *NO_COMMENTS):
            said = ["" for _ in range(places)]
            said[place] = comment.replace("{}", "0")
            text = statement.format(*said)
            found = {
                part
                for chain in names_of(text).chains
                for part in chain.parts
                if part[0] in "TS" and text[chain.start :].startswith(part)
            }
            expected = _by_cpython(text)
            if expected is None:
                assert found == set(), text  # nothing that CPython takes for one
                continue
            compared += 1
            assert found == {name for name in expected if name[0] in "TS"}, text
    assert compared


_TABLE = name_modules(("candidate/x.py", "candidate/y.py", "user.py"), (".",), ())
_RENAMED = {"candidate.x": "core.x"}
_BEFORE = "import candidate.x\nz = 1  # type: {}\n"
_AFTER = "import core.x\nz = 1  # type: {}\n"


def _prove(before: str, after: str) -> None:
    versions = [Version(SourceText(t.encode()), scan_source(t.encode())) for t in (before, after)]
    user = _TABLE.by_path["user.py"]
    prove_names(versions[0], versions[1], Place(user, user), _TABLE, _RENAMED)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("candidate.x.T", "core.x.T"),
        ("List['candidate.x.T']  # noqa", "List['core.x.T']  # noqa"),
        ("the candidate.x", "the candidate.x"),
        ("ignore[candidate.x]", "ignore[candidate.x]"),
    ],
)
def test_a_type_comment_that_holds_is_taken(before: str, after: str) -> None:
    _prove(_BEFORE.format(before), _AFTER.format(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("candidate.x.T", "core.x.S"),
        ("candidate.y.T", "core.y.T"),
        ("List['candidate.x.T']", "List['core.x.S']"),
        ("List['candidate.x.T']", "List[core.x.T]"),
        ("the candidate.x", "the core.x"),
        ("ignore[candidate.x]", "ignored[core.x]"),
        ("candidate.x.T  # candidate.x", "core.x.T  # core.x"),
    ],
)
def test_a_type_comment_that_says_something_else_is_refused(before: str, after: str) -> None:
    with pytest.raises(Refused) as caught:
        _prove(_BEFORE.format(before), _AFTER.format(after))
    assert caught.value.line == 2


def test_a_type_comment_that_is_lost_or_whose_name_is_taken_is_refused() -> None:
    with pytest.raises(Refused, match="more or less type comments"):
        _prove(_BEFORE.format("candidate.x.T"), "import core.x\nz = 1\n")
    taken = "def f(core):\n    w = 1  # type: {}\n"
    with pytest.raises(Refused, match="core is also the name of something else"):
        _prove(
            "import candidate.x\n" + taken.format("candidate.x.T"),
            "import core.x\n" + taken.format("core.x.T"),
        )


def test_a_signature_in_a_comment_is_compared_part_by_part() -> None:
    text = "def f(a, *b):\n    # type: ({0}.T, *{0}.S) -> {0}.R\n    pass\n"
    _prove(
        "import candidate.x\n" + text.format("candidate.x"),
        "import core.x\n" + text.format("core.x"),
    )
    with pytest.raises(Refused):
        _prove(
            "import candidate.x\n" + text.format("candidate.x"),
            "import core.x\n" + text.format("core.x").replace("*core", "core"),
        )

"""Plain import statements are taken apart like all others, and every part is where it is said."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.promotion import statements
from lane_planner.promotion.statements import Unparsable, take_apart
from lane_planner.promotion.text import SourceText, import_statements
from lane_planner.scan.plain import is_plain
from lane_planner.scan.source import scan_source

_BLANK = st.sampled_from([" ", "\t ", " \\\n ", "\\\n "])
_GAP = st.sampled_from(["", " ", " \\\n"])
_NAME = st.sampled_from(["a", "as_", "b_1", "importlib", "imports", "fromage", "X"])
_DOTTED = st.lists(_NAME, min_size=1, max_size=3).map(".".join)


@st.composite
def _bound(draw: st.DrawFn, name: st.SearchStrategy[str]) -> str:
    written = draw(name)
    if draw(st.booleans()):
        return written
    return f"{written}{draw(_BLANK)}as{draw(_BLANK)}{draw(_NAME)}"


@st.composite
def _statements(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        modules = draw(st.lists(_bound(_DOTTED), min_size=1, max_size=3))
        return f"import{draw(_BLANK)}{f'{draw(_GAP)},{draw(_GAP)}'.join(modules)}"
    dots = draw(st.sampled_from(["", ".", "..", "...."]))
    if dots and draw(st.booleans()):
        start = f"from {dots}{draw(_GAP)}import"
    else:
        start = f"from{draw(_BLANK)}{dots}{draw(_DOTTED)}{draw(_BLANK)}import"
    if draw(st.integers(0, 5)) == 0:
        return f"{start} *"
    names = draw(st.lists(_bound(_NAME), min_size=1, max_size=3))
    if draw(st.booleans()):
        return f"{start}{draw(_BLANK)}{f'{draw(_GAP)},{draw(_GAP)}'.join(names)}"
    line = draw(st.sampled_from(["", "\n\t", "  # as x, y\n", " #\n\n"]))
    comma = draw(st.sampled_from(["", ",", " ,"]))
    return f"{start}{draw(_GAP)}({line}{f'{line},{line}'.join(names)}{comma}{line})"


@given(_statements(), st.sampled_from(["", "x = 1\n\n", "if y:\n    "]))
def test_plain_statements_are_taken_apart_as_libcst_does(statement: str, front: str) -> None:
    text = f"{front}{statement}\nz = 2\n"
    start, end = len(front), len(front) + len(statement)
    assert is_plain(statement)
    _same(text, start, end)


def test_the_imports_of_the_standard_library_are_taken_apart_as_libcst_does() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    taken = 0
    for path in sorted(library.glob("[a-d]*.py")):
        content = path.read_bytes()
        source = SourceText(content)
        for start, end in import_statements(source, scan_source(content)):
            statement = source.text[start:end].rstrip()
            if is_plain(statement):
                _same(source.text, start, start + len(statement))
                taken += 1
    assert taken > 200


@pytest.mark.parametrize(
    "statement",
    ["from . a import b", "import a . b as c", "from.a import b as été", "from a import(b)"],
)
def test_odd_statements_are_taken_apart_too(statement: str) -> None:
    found = take_apart(statement, 0, len(statement))
    words = [found.module, *(word for one in found.imported for word in one)]
    for word in words:
        if word is not None:
            written = statement[word.start : word.end]
            assert "".join(written.split()) == word.text


@pytest.mark.parametrize("statement", ["", "import", "from a import", "a = 1", "import a as b.c"])
def test_what_is_no_import_statement_is_not_taken_apart(statement: str) -> None:
    with pytest.raises(Unparsable):
        take_apart(statement, 0, len(statement))


def _same(text: str, start: int, end: int) -> None:
    found = take_apart(text, start, end)
    assert found == statements.parsed(text[start:end], start)
    for one in found.imported:
        assert text[one.name.start : one.name.end] == one.name.text

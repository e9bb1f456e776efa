"""Edits of a source text reach its bytes, and no others."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.promotion.text import Edit, OverlappingEdits, SourceText

LINES = st.lists(
    st.tuples(
        st.text(st.sampled_from("ab \t\f#'é§"), max_size=6), st.sampled_from(["\n", "\r\n", "\r"])
    ),
    max_size=8,
)
HEADS = st.sampled_from(
    [
        (b"", b"", "utf-8"),
        (codecs.BOM_UTF8, b"", "utf-8"),
        (codecs.BOM_UTF8, b"# coding: utf-8\n", "utf-8"),
        (b"", b"# coding: utf-8-sig\n", "utf-8"),
        (b"", b"# -*- coding: latin-1 -*-\n", "latin-1"),
        (b"", b"# coding=cp1252\r\n", "cp1252"),
    ]
)


def _characters(text: str) -> list[str]:
    """Split a text into characters, a CRLF being one."""
    found: list[str] = []
    for char in text:
        if char == "\n" and found and found[-1] == "\r":
            found[-1] = "\r\n"
        else:
            found.append(char)
    return found


@given(HEADS, LINES, st.data())
def test_an_edit_replaces_its_characters_and_keeps_every_other_byte(
    head: tuple[bytes, bytes, str], lines: list[tuple[str, str]], data: st.DataObject
) -> None:
    mark, cookie, encoding = head
    original = cookie.decode("ascii") + "".join(text + newline for text, newline in lines)
    source = SourceText(mark + original.encode(encoding))
    characters = _characters(original)
    assert len(source.text) == len(characters)
    start = data.draw(st.integers(0, len(characters)))
    end = data.draw(st.integers(start, len(characters)))
    edited = source.edited([Edit(start, end, "new")])
    expected = "".join([*characters[:start], "new", *characters[end:]])
    assert edited == mark + expected.encode(encoding)


@given(HEADS, LINES)
def test_no_edit_is_no_change(head: tuple[bytes, bytes, str], lines: list[tuple[str, str]]) -> None:
    mark, cookie, encoding = head
    content = mark + cookie + "".join(t + n for t, n in lines).encode(encoding)
    assert SourceText(content).edited([]) == content


def test_a_new_line_ends_like_the_line_that_it_follows() -> None:
    source = SourceText(b"a\r\nb\nc\rd")
    at = [source.text.index(char) + 1 for char in "abcd"]
    assert source.edited([Edit(i, i, "\nx") for i in at]) == b"a\r\nx\r\nb\nx\nc\rx\rd\rx"


def test_a_line_and_a_column_make_an_offset_and_back() -> None:
    source = SourceText("é = 1\r\n\r\nxy = 2\n".encode())
    assert source.text[source.offset_of(3, 1)] == "y"
    assert [source.line_of(offset) for offset in range(len(source.text))] == [1] * 6 + [2] + [3] * 7


def test_overlapping_edits_are_an_error_with_a_line() -> None:
    source = SourceText(b"one\ntwo\n")
    with pytest.raises(OverlappingEdits, match="2"):
        source.edited([Edit(4, 6, "x"), Edit(5, 7, "y")])


def test_the_same_edit_twice_is_one() -> None:
    assert SourceText(b"one").edited([Edit(0, 1, "x"), Edit(0, 1, "x")]) == b"xne"


def test_characters_that_the_encoding_lacks_are_an_error() -> None:
    source = SourceText(b"# coding: latin-1\nx = 1\n")
    with pytest.raises(UnicodeEncodeError):
        source.edited([Edit(18, 19, "\N{SNOWMAN}")])


def test_an_encoding_that_does_not_give_the_same_bytes_is_an_error() -> None:
    # A shift sequence more than needed decodes, and is not written again.
    source = SourceText(b"# coding: iso2022_jp\nx = '\x1b(B'\n")
    with pytest.raises(UnicodeEncodeError, match="same bytes"):
        source.edited([])

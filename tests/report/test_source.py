"""Source lines under findings: the name is underlined, and nothing in the line is obeyed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from lane_planner.report.source import excerpt, source_lines

MARKS = [
    ("import lukhas.app", 0, "lukhas.app", "lukhas.app"),
    ("import os, lukhas.app as app", 0, "lukhas.app", "lukhas.app"),
    ("    import lukhas.app", 4, "lukhas.app", "lukhas.app"),
    ("from lukhas import app", 0, "lukhas.app", "app"),
    ("from lukhas import apps, app", 0, "lukhas.app", "app"),
    ("from lukhas.app import NAME", 0, "lukhas.app", "lukhas.app"),
    ("from ..lukhas.app import NAME", 0, "pkg.lukhas.app", "..lukhas.app"),
    ("from . import app", 0, "pkg.app", "app"),
    ("from lukhas import (", 0, "lukhas.app", "lukhas"),
    ('x = import_module("lukhas.app")', 4, "lukhas.app", "lukhas.app"),
    ("import \\", 0, "lukhas.app", "import \\"),
    ("\timport lukhas.app", 1, "lukhas.app", "lukhas.app"),
]


@pytest.mark.parametrize(("source", "column", "name", "marked"), MARKS, ids=[m[0] for m in MARKS])
def test_the_imported_name_is_marked(source: str, column: int, name: str, marked: str) -> None:
    _, line, mark, _ = excerpt(source, 12, column, name, "LP101")
    assert line.startswith("12 | ")
    assert mark.startswith("   | ")
    assert mark.endswith("^ LP101")
    start, end = mark.index("^"), mark.rindex("^") + 1
    assert line[start:end] == marked


def test_wide_characters_take_two_columns() -> None:
    _, _, mark, _ = excerpt("x = '中'; import a", 1, 9, "a", "LP101")
    assert mark == "  | " + " " * 17 + "^ LP101"


def test_a_long_line_is_cut_around_the_name() -> None:
    source = f"x = '{'y' * 5000}'; import lukhas.app; {'z' * 5000}"
    _, line, mark, _ = excerpt(source, 1, source.index("import"), "lukhas.app", "LP101")
    assert len(line) < 200
    assert "… yyy" in line
    assert line.endswith("zzz …")
    assert line[mark.index("^") : mark.rindex("^") + 1] == "lukhas.app"


def test_a_name_longer_than_a_line_is_cut() -> None:
    name = "a" * 5000
    _, line, mark, _ = excerpt(f"import {name}", 1, 0, name, "LP101")
    assert max(len(line), len(mark)) < 200


def test_nothing_in_a_line_is_obeyed() -> None:
    lines = excerpt("import a  # \x1b[31m\u202e\udcff\r", 1, 0, "a", "LP101")
    assert all(line.isprintable() and line.encode("utf-8") for line in lines)


@pytest.mark.parametrize("source", [None, "", "import"])
def test_a_line_that_is_not_there_any_more_is_left_out(source: str | None) -> None:
    assert excerpt(source, 9, 10, "a", "LP101") == []


def test_lines_of_files_that_changed_since() -> None:
    contents = {
        "a.py": b"one\r\ntwo\rthree",
        "short.py": b"one\n",
        "bad.py": b"\xff\xfe",
        "cookie.py": "# coding: latin-1\nx = 'é'\n".encode("latin-1"),
        "bom.py": b"\xef\xbb\xbfimport a\n",
    }

    def read(paths: Collection[str]) -> Mapping[str, bytes]:
        assert "gone.py" in paths
        return {path: contents[path] for path in paths if path in contents}

    places = [("a.py", 1), ("a.py", 3), ("short.py", 7), ("bad.py", 1), ("gone.py", 1)]
    found = source_lines([*places, ("cookie.py", 2), ("bom.py", 1)], read)
    assert found == {
        ("a.py", 1): "one",
        ("a.py", 3): "three",
        ("cookie.py", 2): "x = 'é'",
        ("bom.py", 1): "import a",
    }

"""Which imports an inline ignore stands at, and what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.scan.records import Ignore
from lane_planner.scan.source import scan_source


def ignores(source: str) -> tuple[Ignore, ...]:
    return scan_source(source.encode()).ignores


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("import a  # lane: ignore[LP101] why\n", [(1, 0)]),
        ("\n  \nif x:\n    import a  # lane: ignore[LP101] why\n", [(4, 4)]),
        ("# lane: ignore[LP101] why\nimport a\n", [(2, 0)]),
        ("def f():\n    # lane: ignore[LP101] why\n    import a\n", [(3, 4)]),
        ("# lane: ignore[LP101] why\n# as is told here\n    # and here\nimport a\nimport b\n", [(4, 0)]),
        ("# lane: ignore[LP101] why\n\nimport a\n", []),
        ("# lane: ignore[LP101] why", []),
        ("# lane: ignore[LP101] why\n# and no more", []),
        ("import a\n# lane: ignore[LP101] why\n", []),
        ("x = 1  # lane: ignore[LP101] why\nimport a\n", []),
        ("from a import (  # lane: ignore[LP101] why\n    b,\n)\n", [(1, 0)]),
        ("from a import (\n    # lane: ignore[LP101] why\n    b,\n)\nimport c\n", [(1, 0)]),
        ("from a import (\n    b,  # lane: ignore[LP101] why\n)\n", [(1, 0)]),
        ("from a import (\n    b,\n)  # lane: ignore[LP101] why\n", [(1, 0)]),
        ("from a import \\\n    b  # lane: ignore[LP101] why\nimport c\n", [(1, 0)]),
        ("import a; import b  # lane: ignore[LP101] why\n", [(1, 0), (1, 10)]),
        ("if x: import a  # lane: ignore[LP101] why\n", [(1, 6)]),
        ("__import__(\n    'a',  # lane: ignore[LP101] why\n)\n", [(1, 0)]),
        ("import a, b  # lane: ignore[LP101] why\n", [(1, 0)]),
    ],
)  # fmt: skip
def test_where(source: str, at: list[tuple[int, int]]) -> None:
    (found,) = ignores(source)
    assert list(found.statements) == at
    assert (found.codes, found.reason) == (("LP101",), "why")


@pytest.mark.parametrize(
    ("comment", "codes", "reason"),
    [
        ("# lane: ignore[LP101] why it is so", ("LP101",), "why it is so"),
        ("#lane:ignore[LP101]why", ("LP101",), "why"),
        ("#  lane:  ignore [ LP101 ,LP102,LP101] : why", ("LP101", "LP102"), "why"),
        ("# lane: ignore why", None, "why"),
        ("# lane: ignore - see #12", None, "see #12"),
        ("# lane: ignore", None, ""),
        ("# lane: ignore[LP101]", ("LP101",), ""),
        ("# lane: ignore[] why", (), "why"),
        ("# lane: ignore[LP101 why", (), ""),
        ("# lane: ignore[lp101] why", ("lp101",), "why"),
        ("# noqa: F401  # lane: ignore[LP101] why", ("LP101",), "why"),
        ("# lane: ignore[LP101] why  # noqa: F401", ("LP101",), "why"),
    ],
)
def test_what(comment: str, codes: tuple[str, ...] | None, reason: str) -> None:
    (found,) = ignores(f"import a  {comment}\n")
    assert (found.codes, found.reason, found.statements) == (codes, reason, ((1, 0),))
    assert (found.line, found.column) == (
        1,
        10 + comment.index("#" if "noqa" not in comment[:9] else "# lane"),
    )


@pytest.mark.parametrize(
    "source",
    [
        'x = "# lane: ignore[LP101] why"\nimport a\n',
        '"""\n# lane: ignore[LP101] why\n"""\nimport a\n',
        "import a  # the fast lane: ignore what is behind\n",
        "import a  # lane: ignored\n",
        "import a  # lane: ignore-all\n",
        "import a  # lane ignore\n",
    ],
)
def test_what_is_none(source: str) -> None:
    assert ignores(source) == ()


def test_without_any_import_it_is_still_told() -> None:
    (found,) = ignores("x = 1  # lane: ignore[LP101] why\n")
    assert found == Ignore(1, 7, ("LP101",), "why", ())
    (found,) = ignores('# lane: ignore[LP101] why\nx = """never closed\n')
    assert (found.line, found.statements) == (1, ())


def test_a_file_that_does_not_parse() -> None:
    (found,) = ignores('import a  # lane: ignore[LP101] why\ndef f(:\n    """never closed\n')
    assert found.statements == ((1, 0),)


_LINES = st.sampled_from(
    ["import a", "from a import (", "    b,", ")", "x = 1", "", "# lane: ignore why", "# other",
     "    import c", "y = '''", "'''", "import d; import e", "__import__('f')", "from g import \\"]
)  # fmt: skip


@given(st.lists(st.tuples(_LINES, st.booleans()), max_size=8))
def test_statements_are_imports_and_imports_do_not_change(lines: list[tuple[str, bool]]) -> None:
    """Comments are not seen by anything but their own reader, whatever the file."""
    written = [f"{line}  # lane: ignore[LP101] why" if mark else line for line, mark in lines]
    found = scan_source("\n".join(written).encode())
    bare = scan_source("\n".join(line.replace("lane: ", "Lane: ") for line in written).encode())
    assert found.imports == bare.imports
    assert bare.ignores == ()
    places = {(one.line, one.column) for one in found.imports}
    assert all(places.issuperset(one.statements) for one in found.ignores)

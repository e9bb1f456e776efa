"""Statements that one expression reads are read as libcst reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.scan import plain, statements

# Pieces that make valid, odd and wrong statements alike.
_PIECES = st.sampled_from(
    [
        "a", "b_1", "match", "type", "print", "None", "é", "ß2", "1", "as", "import", "from", "async",
        ".", "..", "...", ",", ", ", "*", "(", ")", " ", "  ", "\n", "\\\n", "# note, c\n", "\t",
        " as ", ";", "=",
    ]
)  # fmt: skip
_TAILS = st.lists(_PIECES, max_size=12).map("".join)


@given(
    st.sampled_from(["import ", "from ", "from a import ", "from .b import (", "from.import "]),
    _TAILS,
)
def test_imports(head: str, tail: str) -> None:
    statement = (head + tail).rstrip(" \t\f\\\n")
    assert plain.parse_import(statement) == statements.parse_import(statement)


@given(st.sampled_from(["except", "except ", "except (", "except*", "except *"]), _TAILS)
def test_handlers(head: str, tail: str) -> None:
    header = f"{head}{tail}:"
    assert plain.catches_import_error_of(header) == statements.catches_import_error_of(header)


@pytest.mark.parametrize(
    "header",
    [
        "except:",
        "except ImportError:",
        "except (ValueError, ImportError,) as e :",
        "except builtins.ModuleNotFoundError:",
        "except (errors.ImportError):",
        "except ImportErrors:",
        "except (A, B):",
    ],
)
def test_usual_handlers(header: str) -> None:
    assert plain.catches_import_error_of(header) == statements.catches_import_error_of(header)


@pytest.mark.parametrize(
    "test",
    [
        "TYPE_CHECKING",
        "TC",
        "typing.TYPE_CHECKING",
        "t.TYPE_CHECKING",
        "not TYPE_CHECKING",
        "__name__ == '__main__'",
        '__name__ == "__main__"',
        "TYPE_CHECKING or x",
        "(TYPE_CHECKING)",
    ],
)
def test_conditions(test: str) -> None:
    names = frozenset({"TYPE_CHECKING", "TC"})
    assert plain.condition_of(test, names) == statements.condition_of(test, names)

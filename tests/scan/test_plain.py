"""Statements that an expression, or CPython's parser, reads are read as libcst reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.scan import cpython, plain, statements
from lane_planner.scan.written import CallNames

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


_CONDITIONS = st.recursive(
    st.sampled_from(
        [
            "TYPE_CHECKING", "TC", "typing.TYPE_CHECKING", "x", "f(TC)", "__name__ == '__main__'",
            "'__main__' == __name__", "__name__ != '__main__'", "__name__ == b'__main__'", "0", "1 < x",
        ]
    ),
    lambda inner: st.one_of(
        inner.map(lambda a: f"not {a}"),
        inner.map(lambda a: f"({a})"),
        st.tuples(inner, st.sampled_from(["and", "or", "if x else", "\n and"]), inner).map(" ".join),
        st.tuples(inner, inner).map(lambda two: "({}) == ({})".format(*two)),
    ),
)  # fmt: skip


@given(_CONDITIONS)
def test_nested_conditions(test: str) -> None:
    names = frozenset({"TYPE_CHECKING", "TC"})
    assert cpython.condition_of(test, names) == statements.condition_of(test, names)


_NAMES = CallNames(frozenset({"import_module", "im"}), frozenset({"importlib", "il"}))
_CALLED = st.sampled_from(
    [
        "import_module", "importlib.import_module", "il.import_module", "im", "__import__", "f", "x.im",
        "builtins.__import__", "x().importlib.import_module", "other.import_module", "importlib.f",
    ]
)  # fmt: skip
_EXPRESSIONS = st.recursive(
    st.sampled_from(
        [
            "'a.b'", "'.b'", "'..'", "''", "'1a'", "'a' 'b'", "f'a'", "b'a'", "u'a'", "r'a.b'", "x", "1",
            "0", "True", "-1", "1.0", "__package__", "__name__", "'pkg'", "None", "'\\d'", "*x", "**x",
            "package=__name__", "package='p'", "level=1", "level=x", "name='a.b'", "name=x", "fromlist=['a']",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(_CALLED, st.lists(inner, max_size=5).map(", ".join)).map(lambda c: f"{c[0]}({c[1]})"),
        inner.map(lambda a: f"(lambda: {a})"),
        inner.map(lambda a: f"(lambda x={a}: {a})"),
        inner.map(lambda a: f"[{a} for x in y]"),
        st.tuples(inner, inner).map(lambda two: f"{{{two[0]}: {two[1]}, 'b': f()}}"),
        st.tuples(inner, inner, inner).map(lambda three: "({} if {} else {})".format(*three)),
        st.tuples(inner, inner).map(lambda two: f"{two[0]}.get({two[1]}).c"),
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.sampled_from(
        ["{}", "x = {}", "return {}", "@{}", "if {}:", "elif {}:", "except {}:", "case {}:", "match {}:",
         "for x in {}:", "with {} as y:", "assert {}, 'no'", "def f(a={}, *, b: {} = 1) -> {}:",
         "class A({}):", "await {}", "x: {} = {}", "del {}", "print {}"]
    ),
    st.lists(_EXPRESSIONS, min_size=3, max_size=3),
)  # fmt: skip
def test_dynamic_calls(statement: str, parts: list[str]) -> None:
    source = statement.format(*parts)
    expected = statements.dynamic_calls_in(source, _NAMES)
    assert plain.dynamic_calls_in(source, _NAMES) == expected


@pytest.mark.parametrize(
    "source",
    [
        "x = importlib.import_module('a')",
        "getattr(il.import_module(f'{a}.b'), __import__('c.d'))",
        "import_module(\n    '.a',  # near\n    package=__package__,\n)",
        "lambda: im('\\d')",
    ],
)
def test_usual_calls_are_read_by_cpython(source: str) -> None:
    found = cpython.dynamic_calls_in(source, _NAMES)
    assert found == statements.dynamic_calls_in(source, _NAMES) != ()


@pytest.mark.parametrize(
    "read",
    [
        lambda: cpython.dynamic_calls_in("importlib.import_module('a') +", _NAMES),
        lambda: cpython.condition_of("TYPE_CHECKING and", frozenset()),
        lambda: cpython.catches_import_error_of("except (:"),
        lambda: cpython.parse_import("import \ufb01"),  # the ligature fi, spelled with two letters
        lambda: cpython.dynamic_calls_in("im('a\0')", _NAMES),
        lambda: cpython.dynamic_calls_in("im('\ud800')", _NAMES),
    ],
)
def test_what_cpython_does_not_read_is_left_to_libcst(read: Callable[[], object]) -> None:
    with pytest.raises(cpython.Refused):
        read()

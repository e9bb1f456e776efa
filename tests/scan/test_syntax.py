"""`syntax_fault` beside `ast.parse`, which it must always agree with."""

from __future__ import annotations

import ast
import re
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

from lane_planner.scan.records import SyntaxFault
from lane_planner.scan.syntax import syntax_fault


def _expected(content: bytes) -> SyntaxFault | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(content)
        except SyntaxError as error:
            return SyntaxFault(error.lineno or 1, error.msg)
        except ValueError as error:
            return SyntaxFault(1, str(error))
    return None


@pytest.mark.parametrize(
    "content",
    [
        b"def f(:\n",
        b"x = (\n",
        b"s = '''\n",
        b"if x:\n  y\n z\n",
        b"\tx\n",
        b"print 'x'\n",
        b"x = f'{'\n",
        b"<<<<<<< ours\n",
        b"x = 1\x00\n",
        b"# coding: no-such\n",
        b"x = '\xff'\n",
        b"a = 1\n" * 50 + b"b ==== 2\n",
    ],
)
def test_what_does_not_parse_is_told_as_ast_tells_it(content: bytes) -> None:
    assert syntax_fault(content) == _expected(content) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"def f(a, a): pass\n",
        b"nonlocal x\n",
        b"def f():\n    x = 1\n    global x\n",
        b"x = 1\nfrom __future__ import nested_scopes\n",
        b"from __future__ import braces\n",
        b"def f():\n    from x import *\n",
        b"[y := 1 for y in ()]\n",
        b"return 1\n",
    ],
)
def test_what_only_compiling_refuses_parses(content: bytes) -> None:
    assert syntax_fault(content) is None
    assert _expected(content) is None


def test_the_interpreters_own_samples_of_bad_syntax() -> None:
    spec = find_spec("test.test_syntax")
    if spec is None or spec.origin is None:
        pytest.skip("this Python comes without its tests")
    text = Path(spec.origin).read_text(encoding="utf-8")
    samples = [
        "\n".join(line[4:] for line in sample.splitlines()).encode()
        for sample in re.findall(r"^>>> .*\n(?:\.\.\. .*\n)*", text, re.MULTILINE)
    ]
    assert len(samples) > 100
    found = {sample: (syntax_fault(sample), _expected(sample)) for sample in samples}
    assert {s: pair for s, pair in found.items() if pair[0] != pair[1]} == {}
    assert sum(pair[0] is not None for pair in found.values()) > 60

"""Slices give what whole-module parsing gives: on generated programs and on the standard library."""

from __future__ import annotations

import email
import json
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.scan.source import scan_text
from tests.corpus.compare import compare_files
from tests.oracles.whole_module import scan_whole

LEAVES = st.sampled_from(
    [
        "import a",
        "import a.b as c, d.e",
        "from .x import (\n{i}  y,  # import no\n{i}  z as w,\n{i})",
        "from a import *",
        "x = 1; import late; from q import r",
        "from m \\\n{i}  import n",
        'y = """\nimport in_string\n  from s import t"""',
        "z = f'{q[\"import u\"]!r:>{width}}'",
        "k = importlib.import_module('dyn.a')",
        "call(\n{i}    lambda: __import__('dyn.b'),\n{i}    import_module(name),\n{i})",
        "# import commented",
        "d = {\n{i}  1: 2 if x\n{i}  else 3,\n{i}}",
        "pass",
        "match = case = 0",
        "return_ = [i\n{i}  for i in j\n{i}  if i]",
    ]
)
HEADERS = st.sampled_from(
    [
        ("def f(a, b={1: 2}):",),
        ("async def g(x=import_module('default')):",),
        ("@deco(import_module('decorator'))\n{i}class K(Base):",),
        ("if TYPE_CHECKING:", "else:"),
        ("if not typing.TYPE_CHECKING:", "elif x:", "else:"),
        ("if (x and\n{i}    TYPE_CHECKING):",),
        ("if __name__ == '__main__':",),
        ("try:", "except ImportError:", "else:", "finally:"),
        ("try:", "except (KeyError, Exception) as e:"),
        ("try:", "except ValueError:", "except:"),
        ("try:", "finally:"),
        ("for i in j:", "else:"),
        ("while x:",),
        ("with a as b, c:",),
        ("match x:\n{i}  case {'k': v} if import_module('guard'):",),
    ]
)


@st.composite
def programs(draw: st.DrawFn, depth: int = 0, indent: str = "") -> str:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        if depth < 4 and draw(st.booleans()):
            step = draw(st.sampled_from(["    ", "\t", "  "]))
            for header in draw(HEADERS):
                inner = indent + ("  " if header.startswith("match") else "") + step
                lines.append(indent + header.replace("{i}", indent))
                lines.append(draw(programs(depth=depth + 1, indent=inner)))
        else:
            lines.append(indent + draw(LEAVES).replace("{i}", indent))
    lines.append(f"{indent}pass")  # a block needs more than a comment
    return "\n".join(lines)


@given(programs())
@settings(max_examples=150, deadline=None)
def test_generated_programs(program: str) -> None:
    assert scan_text(program) == scan_whole(program)


@pytest.mark.parametrize("package", [email, json], ids=lambda p: p.__name__)
def test_packages_of_the_standard_library(package: ModuleType) -> None:
    assert package.__file__ is not None
    found = compare_files(Path(package.__file__).parent.glob("*.py"))
    assert found.files > 3
    assert found.differing == ()

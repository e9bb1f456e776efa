"""Real programs run the same after modules of theirs were promoted."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.corpus.programs import PROGRAMS, Figures, Program, measure

CORPUS = Path(__file__).parents[2] / "build" / "corpus" / "packages"

# A piece of a package that the tool itself needs, so that it is there wherever the tests run.
SMALL = Program(
    name="networkx.readwrite.json_graph",
    packages=("networkx",),
    candidate=("networkx/readwrite/json_graph",),
    target="networkx/promoted",
    tests=("networkx/readwrite/json_graph/tests/test_*.py",),
    imports=("networkx/readwrite/**/*.py",),
)


@pytest.mark.corpus
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_does_the_same_after_promotions(program: Program, tmp_path: Path) -> None:
    found = measure(program, CORPUS, tmp_path)
    print(found)
    assert found.promoted >= 15
    assert found.passed > 50
    assert found.rewritten >= 10
    _holds(found)


def test_a_small_program_does_the_same_after_promotions(tmp_path: Path) -> None:
    spec = find_spec("networkx")
    assert spec is not None and spec.origin is not None
    found = measure(SMALL, Path(spec.origin).parents[1], tmp_path)
    assert found.promoted >= 5
    assert found.passed > 20
    _holds(found)


def _holds(found: Figures) -> None:
    assert found.differences == ()
    assert found.stray_lines == ()
    assert found.stray_bytes == 0

"""Real programs run the same after modules of theirs were promoted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.corpus.conftest import FIGURES
from tests.corpus.programs import PROGRAMS, Figures, Program, measure

CORPUS = Path(__file__).parents[2] / "build" / "corpus" / "packages"

# A piece of a package that the tool itself needs, so that it is there wherever the tests run.
SMALL = Program(
    name="libcst._parser.parso",
    packages=("libcst",),
    candidate=("libcst/_parser/parso",),
    target="libcst/promoted",
    tests=("libcst/_parser/parso/tests/test_*.py",),
    at_least=5,
    imports=("libcst/_parser/parso/**/*.py", "libcst/_parser/*.py"),
)


def test_the_programs_come_to_two_hundred_modules() -> None:
    assert len(PROGRAMS) >= 5
    assert sum(program.at_least for program in PROGRAMS) >= 200


@pytest.mark.corpus
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_does_the_same_after_promotions(
    program: Program, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = measure(program, CORPUS, tmp_path)
    record_property(FIGURES, asdict(found))
    print(found)
    assert found.passed > 50
    assert found.rewritten >= 10
    assert found.promoted >= program.at_least
    _holds(found)


def test_a_small_program_does_the_same_after_promotions(tmp_path: Path) -> None:
    spec = find_spec("libcst")
    assert spec is not None and spec.origin is not None
    found = measure(SMALL, Path(spec.origin).parents[1], tmp_path)
    assert found.promoted >= SMALL.at_least
    assert found.rewritten >= 5
    assert found.passed > 20
    _holds(found)


def _holds(found: Figures) -> None:
    assert found.differences == ()
    assert found.stray_lines == ()
    assert found.stray_bytes == 0

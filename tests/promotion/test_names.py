"""The names of a file: where they stand in its text."""

from __future__ import annotations

import time

import pytest

from lane_planner.promotion.names.names_reader import names_of
from lane_planner.promotion.naming import Refused
from tests.promotion.trees import promoted

WIDE = ["a", "é", "߿", "ࠀ", "￿", "𐀀", "𝔸"]


@pytest.mark.parametrize("char", WIDE)
def test_places_on_a_line_with_wide_characters(char: str) -> None:
    text = f"x = '{char}'; y = ('{char * 3}', candidate.b.f, '{char}')\n"
    names = names_of(text)
    strings = [text[string.start : string.end] for string in names.strings]
    assert strings == [f"'{char}'", f"'{char * 3}'", f"'{char}'"]
    [chain] = names.chains
    assert text[chain.start : chain.ends[-1]] == "candidate.b.f"


def test_a_table_on_one_line_is_read_in_time_that_grows_with_it() -> None:
    def seconds(size: int) -> float:
        text = "x = [" + ", ".join(f"'é{i} is one of some words'" for i in range(size)) + "]\n"
        start = time.process_time()
        names_of(text)
        return time.process_time() - start

    # Of some runs the least: the garbage of other tests may be collected in any one of them.
    short, long = (min(seconds(size) for _ in range(5)) for size in (1500, 6000))
    assert long < 10 * short  # 16 times as long if each place is counted anew


def test_what_a_package_that_nests_too_deeply_binds_is_not_guessed() -> None:
    files = {
        "candidate/__init__.py": "",
        "candidate/p/__init__.py": "from .run import run\nx = " + " + ".join(["1"] * 2000) + "\n",
        "candidate/p/run.py": "def run(): ...\n",
        "app.py": "from candidate.p import run\n",
    }
    with pytest.raises(Refused, match="nests too deeply to be read, so what it makes of run"):
        promoted(files, ["candidate/p/run.py"])
    broken = files | {"candidate/p/__init__.py": "from .run import run\nx = (\n"}
    promoted(broken, ["candidate/p/run.py"])

"""How times and memory grow is told in multiples of the smallest fixture's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.growth import Grown, markdown, peak_memory
from benchmarks.timing import Spread

_HELD = 60_000_000
_HOLDING = f"import time\nheld = bytearray({_HELD})\ntime.sleep(0.5)\n"
_PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_HOLDING!r}])\n"


def grown(command: str, scale: int, wall: float, cpu: float) -> Grown:
    return Grown(command, scale, 100 * scale, Spread.of([wall]), Spread.of([cpu]), 2_000_000)


def test_a_file_s_share_is_compared_with_that_in_the_smallest() -> None:
    table = [
        grown("check", 1, 1.0, 2.0),
        grown("check", 10, 12.0, 21.0),
        grown("check", 27, 27.0, 81.0),
        grown("plan", 1, 3.0, 3.0),
    ]
    assert markdown(table).splitlines()[2:] == [
        "| check | 100 | 1.00 | 2.00 | 1.00 | 1.00 |  | 2 |",
        "| check | 1,000 | 12.00 | 21.00 | 1.20 | 1.05 | met | 2 |",
        "| check | 2,700 | 27.00 | 81.00 | 1.00 | 1.50 | missed | 2 |",
        "| plan | 100 | 3.00 | 3.00 | 1.00 | 1.00 |  | 2 |",
    ]


def test_the_memory_of_a_child_counts(tmp_path: Path) -> None:
    held = peak_memory((sys.executable, "-c", _PARENT), tmp_path, dict(os.environ))
    assert _HELD <= held <= 3 * _HELD

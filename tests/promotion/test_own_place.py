"""What a file says of its own place, beside what `test_table.py` shows of whole promotions."""

from __future__ import annotations

from lane_planner.promotion.own_place import Reached, reached


def test_a_string_that_is_repeated_is_not_made() -> None:
    content = b"from pathlib import Path\nP = Path(__file__).parent / ('x' * 9999999999999)\n"
    assert reached(content) == [Reached(2, 1)]

"""What is kept comes back, or nothing does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lane_planner.base.memory import keep, recall


class _Kept(msgspec.Struct):
    name: str
    numbers: list[int]


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "memory.bin"
    assert recall(file, _Kept) is None
    keep(file, _Kept("a", [1, 2]))
    assert recall(file, _Kept) == _Kept("a", [1, 2])
    keep(file, _Kept("b", []))
    assert recall(file, _Kept) == _Kept("b", [])


@pytest.mark.parametrize("size", range(0, 26, 5))
def test_a_file_cut_short_is_as_good_as_none(tmp_path: Path, size: int) -> None:
    file = tmp_path / "memory.bin"
    keep(file, _Kept("abc", [1, 2]))
    file.write_bytes(file.read_bytes()[:size])
    assert recall(file, _Kept) is None


def test_something_else_is_as_good_as_none(tmp_path: Path) -> None:
    file = tmp_path / "memory.bin"
    keep(file, {"another": "thing"})
    assert recall(file, _Kept) is None
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert recall(file, dict[str, str]) is None


def test_where_nothing_can_be_kept_nothing_happens(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("here", encoding="utf-8")
    keep(blocked / "memory.bin", _Kept("a", []))
    assert blocked.read_text(encoding="utf-8") == "here"

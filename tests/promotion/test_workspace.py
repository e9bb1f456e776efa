"""The modules after a promotion, worked out from those before it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lane_planner.config.settings import Lane, Settings
from lane_planner.promotion.workspace import Workspace
from lane_planner.rules.lanes import LaneMap
from lane_planner.scan.records import FileRecord

PATHS = st.builds(
    lambda directories, file: "/".join([*directories, file]),
    st.lists(st.sampled_from(["a", "b", "c-x", "src"]), max_size=3),
    st.sampled_from(
        ["a.py", "b.py", "__init__.py", "x-y.py", "b.so", "b.pyi", "__init__.pyi", "x.o.py"]
    ),
)


@given(
    st.sampled_from([(".",), (".", "src"), ("src",)]),
    st.sets(PATHS, min_size=1, max_size=14),
    st.sets(PATHS, max_size=3),
    st.data(),
)
def test_naming_what_changes_is_naming_everything(
    roots: tuple[str, ...], paths: set[str], more: set[str], data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.sampled_from(sorted(paths)), max_size=3))
    new = more - (paths - gone)
    lanes = (Lane("a", ("a",)), Lane("b", ("src/b",)))
    settings = Settings(root=Path("/nowhere"), source_roots=roots, lanes=lanes)
    records = dict.fromkeys(paths, FileRecord())
    workspace = Workspace(settings, LaneMap(settings), records, paths, (), lambda _: {})
    found = workspace.named_after(gone, new)
    expected = workspace.name((paths - gone) | new)
    assert found.by_name == expected.by_name
    assert found.by_path == expected.by_path
    assert found.tops == expected.tops

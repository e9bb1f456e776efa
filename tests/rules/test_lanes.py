"""Which lane a path and a name are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from lane_planner.config.settings import Lane, Settings
from lane_planner.graph.graph import build_graph
from lane_planner.rules.lanes import LaneMap, lane_paths
from lane_planner.scan.source import scan_text

SETTINGS = Settings(
    root=Path("."),
    source_roots=("src", "."),
    lanes=(
        Lane("core", ("src/core", "kernel")),
        Lane("vault", ("src/core/vault", "kernel/safe")),
        Lane("lukhas", ("lukhas", "tools/run.py")),
    ),
)
LANES = LaneMap(SETTINGS)


@pytest.mark.parametrize(
    ("path", "lane", "lane_path"),
    [
        ("src/core/a.py", "core", "src/core"),
        ("src/core/b/c/__init__.py", "core", "src/core"),
        ("src/core/vault/a.py", "vault", "src/core/vault"),
        ("src/core/vault/deep/a.py", "vault", "src/core/vault"),
        ("src/core/vaults/a.py", "core", "src/core"),
        ("src/core/vault", "vault", "src/core/vault"),
        ("kernel/a.py", "core", "kernel"),
        ("kernel/safe/a.py", "vault", "kernel/safe"),
        ("lukhas/a-b.py", "lukhas", "lukhas"),
        ("tools/run.py", "lukhas", "tools/run.py"),
        ("tools/other.py", None, None),
        ("core/a.py", None, None),
        ("src/corentin/a.py", None, None),
        ("src/a.py", None, None),
        ("a.py", None, None),
    ],
)
def test_the_longest_path_that_holds_a_file_counts(
    path: str, lane: str | None, lane_path: str | None
) -> None:
    assert LANES.of_path(path) == lane
    found = LANES.lane_path(path)
    assert (None if found is None else found[0]) == lane_path


@pytest.mark.parametrize(
    ("name", "lane"),
    [
        ("core", "core"),
        ("core.a", "core"),
        ("core.vault", "vault"),
        ("core.vault.gone", "vault"),
        ("core.vaults", "core"),
        ("kernel.safe.x", "vault"),
        ("kernel.x", "core"),
        ("lukhas.x", "lukhas"),
        ("tools.run", "lukhas"),
        ("tools", None),
        ("src.core", None),
        ("corentin", None),
        ("", None),
    ],
)
def test_names_are_told_by_prefix_below_their_source_root(name: str, lane: str | None) -> None:
    assert LANES.of_name(name) == lane


def test_a_module_is_in_the_lane_of_its_file_and_what_is_missing_in_that_of_its_name() -> None:
    files = {
        "src/core/a.py": "import lukhas.a-b, kernel.safe.gone, numpy",
        "lukhas/a-b.py": "import core.a\nimport kernel.safe.gone\nimport numpy\nimport lukhas.x.y",
        "lukhas/x/y.py": "from ... import beyond",
    }
    graph = build_graph(
        {path: scan_text(text) for path, text in files.items()},
        source_roots=SETTINGS.source_roots,
        lane_paths=lane_paths(SETTINGS),
        external=True,
    )
    assert LANES.of_module(graph, "lukhas/a-b.py") == "lukhas"
    assert LANES.of_module(graph, "core.a") == "core"
    assert LANES.of_module(graph, "kernel.safe.gone") == "vault"
    lanes = {s.imported: LANES.of_imported(graph, s) for s in graph.sites_in("lukhas/a-b.py")}
    assert lanes == {
        "core.a": "core", "kernel.safe.gone": "vault", "numpy": None, "lukhas.x.y": "lukhas",
    }  # fmt: skip


def test_the_paths_of_all_lanes_are_in_the_order_of_the_configuration() -> None:
    assert lane_paths(SETTINGS) == (
        "src/core", "kernel", "src/core/vault", "kernel/safe", "lukhas", "tools/run.py",
    )  # fmt: skip


@pytest.mark.parametrize("importer", ["core", "vault", "lukhas", None])
@pytest.mark.parametrize("imported", ["core", "vault", "lukhas", None])
@pytest.mark.parametrize("unlaned", ["allow", "forbid"])
def test_allowed_is_the_table_of_the_design(
    importer: str | None, imported: str | None, unlaned: str
) -> None:
    settings = Settings(
        root=Path("."),
        unlaned="forbid" if unlaned == "forbid" else "allow",
        lanes=(
            Lane("core", ("core",)),
            Lane("vault", ("vault",), frozenset({"core", "lukhas"})),
            Lane("lukhas", ("lukhas",), frozenset({"vault"})),
        ),
    )
    permitted = {("vault", "core"), ("vault", "lukhas"), ("lukhas", "vault")}
    expected = (
        importer is None  # unlaned code may import anything
        or importer == imported
        or (imported is None and unlaned == "allow")
        or (importer, imported) in permitted
    )
    assert settings.allowed(importer, imported) == expected

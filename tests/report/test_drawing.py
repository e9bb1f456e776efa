"""Graphs as dot, Mermaid and GraphML, read back: the same nodes and arrows as the JSON's."""

from __future__ import annotations

import datetime
import html
import itertools
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import networkx
import pytest

from lane_planner.base.text import printable
from lane_planner.config.settings import Settings
from lane_planner.graph.graph import build_graph
from lane_planner.report.documents import graph_document, to_json
from lane_planner.report.dot import dot_text
from lane_planner.report.drawing import (
    Arrow,
    Drawing,
    Node,
    cycles_drawing,
    drawing_document,
    graph_drawing,
)
from lane_planner.report.graph import packages_text
from lane_planner.report.graphml import graphml_text
from lane_planner.report.mermaid import MOST_ARROWS, MOST_TEXT, mermaid_text, too_large
from lane_planner.repository.repository import Repository
from lane_planner.rules.cycles import Breaker, Cycle, cycles
from lane_planner.rules.lanes import LaneMap
from lane_planner.scan.source import scan_source
from tests.cli.shop import shop
from tests.report.hostile import NAMES, circle, cycle_of

FILES = {
    "candidate/odd-name.py": b"import candidate.a\nimport candidate.pkg.part\n",
    "candidate/pkg/odd one.py": b"from candidate.deep import part\n",
    "candidate/many.py": (
        b"import lukhas.app\nimport lukhas.front\nimport lukhas.gone\n"
        b"def f():\n    import lukhas.app\n    import core.base\n"
        b"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import matriz.node\n"
        b"from ...... import beyond\n"
    ),
}

needs_graphviz = pytest.mark.skipif(shutil.which("gvpr") is None, reason="Graphviz is not there")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository.open(shop(tmp_path_factory.mktemp("drawn") / "repo", FILES))


def document(repository: Repository) -> Any:
    scanned = repository.scanned()
    told = graph_document(scanned.graph, scanned.lanes, (), scanned.scan.records)
    return json.loads(to_json(told))


def drawn(repository: Repository, depth: int | None = None, external: bool = False) -> Drawing:
    scanned = repository.scanned(external=external)
    return graph_drawing(scanned.graph, scanned.lanes, repository.settings, depth)


def hostile() -> Drawing:
    """Return a drawing in which every name stands wherever a name can stand."""
    kinds = ("module", "package", "missing", "external", "group")
    nodes = [Node(name, name, f"low/{name}", kinds[n % 5]) for n, name in enumerate(sorted(NAMES))]
    arrows = [
        Arrow(one.name, two.name, (("eager", 2), ("typing", 1)), n % 2)
        for n, (one, two) in enumerate(itertools.pairwise(nodes))
    ]
    return Drawing(
        tuple(nodes), tuple(arrows), tuple((node.name, (node.name,)) for node in nodes[:5])
    )


def through_graphviz(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the labels of nodes by id and the arrows, as Graphviz reads them."""
    program = (
        r"BEG_G { node_t n; edge_t e; for (n = fstnode($G); n; n = nxtnode(n)) {"
        r' printf("N\t%s\t%s\n", n.name, n.label);'
        r' for (e = fstout(n); e; e = nxtout(e)) printf("E\t%s\t%s\n", e.tail.name, e.head.name); } }'
    )
    done = subprocess.run(
        ["gvpr", program], input=text.encode("utf-8"), capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    labels: dict[str, str] = {}
    arrows = []
    for line in done.stdout.decode("utf-8").rstrip("\n").split("\n"):
        kind, one, two = line.split("\t")
        if kind == "N":
            labels[one] = html.unescape(re.sub(r"\\(.)", r"\1", two))
        else:
            arrows.append((one, two))
    return labels, arrows


def visible(name: str) -> str:
    """Return a name as it stands where XML is read or made."""
    return printable(name).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def names(drawing: Drawing) -> list[str]:
    return sorted(printable(node.name) for node in drawing.nodes)


def ends(drawing: Drawing) -> list[tuple[str, str]]:
    return sorted((printable(a.importer), printable(a.imported)) for a in drawing.arrows)


# --- the drawing ---


def test_the_json_is_drawn(repository: Repository) -> None:
    told, drawing = document(repository), drawn(repository)
    missing = {entry["imported"] for entry in told["imports"] if not entry["resolved"]}
    assert missing == {"lukhas.gone"}
    assert {node.name for node in drawing.nodes} == (
        {entry["name"] for entry in told["modules"]} | missing
    )
    for node in drawing.nodes:
        (entry,) = [e for e in told["modules"] if e["name"] == node.name] or [None]
        assert (entry is None) == (node.kind == "missing")
        if entry is not None:
            assert (node.lane, node.path) == (entry["lane"], entry["path"])
    sites = Counter((e["importer"], e["imported"], e["kind"]) for e in told["imports"])
    assert sites == Counter(
        {(a.importer, a.imported, kind): n for a in drawing.arrows for kind, n in a.kinds}
    )


def test_violations_are_those_of_check(repository: Repository) -> None:
    found = repository.check(today=datetime.date(2026, 1, 1)).violations
    sites = Counter((violation.importer, violation.imported) for violation in found)
    arrows = {(a.importer, a.imported): a.violations for a in drawn(repository).arrows}
    assert sites == Counter({pair: n for pair, n in arrows.items() if n})
    assert arrows["candidate.many", "lukhas.app"] == 2
    assert arrows["candidate.many", "lukhas.gone"] == 1


def test_external_imports_are_drawn_on_request(repository: Repository) -> None:
    assert {n.kind for n in drawn(repository).nodes} == {
        "module", "package", "namespace", "missing",
    }  # fmt: skip
    outside = [n for n in drawn(repository, external=True).nodes if n.kind == "external"]
    assert [(node.name, node.lane) for node in outside] == [
        ("typing", None),
        ("unittest.mock", None),
    ]


@pytest.mark.parametrize("depth", [1, 2, 3, 9])
def test_packages_keep_every_import_and_violation(repository: Repository, depth: int) -> None:
    whole, packed = drawn(repository), drawn(repository, depth)
    assert sum(a.count for a in packed.arrows) + sum(n.internal for n in packed.nodes) == (
        sum(arrow.count for arrow in whole.arrows)
    )
    assert sum(a.violations for a in packed.arrows) == sum(a.violations for a in whole.arrows)
    assert sum(n.modules for n in packed.nodes) == sum(n.kind != "missing" for n in whole.nodes)
    assert max(node.name.count(".") for node in packed.nodes) < depth


def test_lanes_at_depth_one(repository: Repository) -> None:
    assert json.loads(to_json(drawing_document(drawn(repository, 1)))) == {
        "packages": [
            {"name": n, "lane": lane, "kind": "group", "modules": modules, "internal": internal}
            for n, lane, modules, internal in [
                ("candidate", "candidate", 14, 7),
                ("core", "core", 4, 0),
                ("lukhas", "lukhas", 3, 1),
                ("matriz", "matriz", 2, 0),
                ("products", "products", 2, 0),
                ("tests", None, 2, 0),
            ]
        ],
        "imports": [
            {"importer": a, "imported": b, "count": n, "kinds": kinds, "violations": violations}
            for a, b, n, kinds, violations in [
                ("candidate", "core", 1, {"deferred": 1}, 0),
                ("candidate", "lukhas", 5, {"eager": 4, "deferred": 1}, 5),
                ("candidate", "matriz", 1, {"typing": 1}, 0),
                ("core", "matriz", 1, {"eager": 1}, 0),
                ("lukhas", "core", 1, {"eager": 1}, 0),
                ("products", "lukhas", 1, {"eager": 1}, 0),
                ("tests", "candidate", 1, {"eager": 1}, 0),
            ]
        ],
    }
    assert packages_text(drawn(repository, 1)).splitlines()[1:3] == [
        "candidate → lukhas: 5 imports (4 eager, 1 deferred; 5 forbidden)",
        "candidate → matriz: 1 import (1 typing)",
    ]


def test_a_package_in_two_lanes_is_two_nodes(tmp_path: Path) -> None:
    config = b'[lanes.low]\npaths = ["pkg"]\n[lanes.high]\npaths = ["pkg/high"]\n'
    files = {
        "lanes.toml": config,
        "pkg/a.py": b"import pkg.high.b\n",
        "pkg/high/b.py": b"",
    }
    drawing = drawn(Repository.open(shop(tmp_path / "repo", files)), 1)
    mine = [node for node in drawing.nodes if node.name.startswith("pkg")]
    assert [(node.name, node.lane) for node in mine] == [
        ("pkg (high)", "high"),
        ("pkg (low)", "low"),
    ]
    (arrow,) = [a for a in drawing.arrows if a.importer.startswith("pkg")]
    assert (arrow.importer, arrow.imported, arrow.violations) == ("pkg (low)", "pkg (high)", 1)


def test_what_nobody_can_import_is_drawn_with_its_package(repository: Repository) -> None:
    shown = {node.name for node in drawn(repository, 2).nodes}
    assert "candidate.pkg" in shown
    assert not any("odd" in name for name in shown)


def test_cycles_are_drawn_with_what_breaks_them() -> None:
    modules = ("one", "three", "two")
    drawing = cycles_drawing([cycle_of(modules)], circle(modules))
    assert drawing.groups == (("LP201 one", modules),)
    assert [(a.importer, a.imported, a.violations) for a in drawing.arrows] == [
        ("one", "three", 1), ("three", "two", 0), ("two", "one", 0),
    ]  # fmt: skip


def test_a_cycle_in_a_cycle_is_drawn_once() -> None:
    files = {
        "a.py": b"import b\n",
        "b.py": b"import a\ndef f():\n    import c\n",
        "c.py": b"import a\n",
    }
    records = {path: scan_source(content) for path, content in files.items()}
    graph = build_graph(records)
    found = cycles(graph, records, lambda paths: {path: files[path] for path in paths})
    assert [cycle.code for cycle in found] == ["LP201", "LP202"]
    drawing = cycles_drawing(found, graph)
    assert names(drawing) == ["a", "b", "c"]
    assert [(a.importer, a.imported, a.count) for a in drawing.arrows] == [
        ("a", "b", 1), ("b", "a", 1), ("b", "c", 1), ("c", "a", 1),
    ]  # fmt: skip


def test_all_imports_that_break_some_cycle_are_marked() -> None:
    """Of a → b, the eager circle is broken by one import, the one around it by both."""
    files = {
        "a.py": b"import b\ndef f():\n    import b\n",
        "b.py": b"import a\nimport c\n",
        "c.py": b"def f():\n    import a\n",
    }
    graph = build_graph({path: scan_source(content) for path, content in files.items()})
    eager = Breaker("a", "b", "a.py", 1, (1,), "unused")
    found = [
        Cycle("LP201", ("a", "b"), ("a", "b", "a"), (eager,), True),
        Cycle(
            "LP202", ("a", "b", "c"), ("a", "b", "a"),
            (msgspec.structs.replace(eager, lines=(1, 3)),), True,
        ),
    ]  # fmt: skip
    (arrow,) = (one for one in cycles_drawing(found, graph).arrows if one.violations)
    assert (arrow.importer, arrow.imported, arrow.count, arrow.violations) == ("a", "b", 2, 2)


# --- GraphML ---


def test_graphml_is_the_json(repository: Repository, tmp_path: Path) -> None:
    file = tmp_path / "imports.graphml"
    file.write_text(graphml_text(drawn(repository)), encoding="utf-8")
    found = networkx.read_graphml(file)
    told = document(repository)
    assert found.is_directed()
    assert set(found) == {e["name"] for e in told["modules"]} | {
        e["imported"] for e in told["imports"]
    }
    sites = Counter((e["importer"], e["imported"]) for e in told["imports"])
    assert {(a, b): data["count"] for a, b, data in found.edges(data=True)} == sites
    assert found.nodes["candidate.pkg"] == {
        "lane": "candidate", "path": "candidate/pkg/__init__.py", "kind": "package", "modules": 1,
        "internal": 0,
    }  # fmt: skip
    assert "lane" not in found.nodes["tests.test_a"]
    assert found.edges["candidate.many", "lukhas.app"] == {
        "kind": "eager", "count": 2, "eager": 1, "deferred": 1, "typing": 0, "violation": True,
        "violations": 2,
    }  # fmt: skip
    assert found.edges["candidate.many", "matriz.node"]["violation"] is False


def test_graphml_of_hostile_names(tmp_path: Path) -> None:
    drawing = hostile()
    found = networkx.parse_graphml(graphml_text(drawing))
    assert set(found) == {visible(name) for name in NAMES}
    assert found.number_of_edges() == len(drawing.arrows)
    assert {data["lane"] for _, data in found.nodes(data=True)} == set(found)


# --- dot ---


@needs_graphviz
def test_dot_is_the_json(repository: Repository) -> None:
    labels, arrows = through_graphviz(dot_text(drawn(repository)))
    told = document(repository)
    assert sorted(labels.values()) == sorted(
        {e["name"] for e in told["modules"]} | {e["imported"] for e in told["imports"]}
    )
    assert {(labels[a], labels[b]) for a, b in arrows} == {
        (e["importer"], e["imported"]) for e in told["imports"]
    }


@needs_graphviz
def test_dot_of_hostile_names() -> None:
    drawing = hostile()
    labels, arrows = through_graphviz(dot_text(drawing))
    assert sorted(labels.values()) == sorted(map(visible, NAMES))
    assert sorted((labels[a], labels[b]) for a, b in arrows) == sorted(
        (visible(arrow.importer), visible(arrow.imported)) for arrow in drawing.arrows
    )


@needs_graphviz
@pytest.mark.parametrize("depth", [None, 1, 2])
def test_dot_is_drawn(repository: Repository, depth: int | None) -> None:
    drawing = drawn(repository, depth)
    done = subprocess.run(
        ["dot", "-Tsvg"], input=dot_text(drawing).encode("utf-8"), capture_output=True, check=True,
        timeout=60,
    )  # fmt: skip
    root = ET.fromstring(done.stdout)
    every = [group.get("class") for group in root.iter("{http://www.w3.org/2000/svg}g")]
    kinds = Counter(kind for kind in every if kind is not None)
    assert kinds == {
        "graph": 1, "node": len(drawing.nodes), "edge": len(drawing.arrows),
        "cluster": len(drawing.groups),
    }  # fmt: skip


@needs_graphviz
def test_hostile_names_are_drawn_as_they_are() -> None:
    done = subprocess.run(
        ["dot", "-Tsvg"], input=dot_text(hostile()).encode("utf-8"), capture_output=True,
        check=True, timeout=60,
    )  # fmt: skip
    root = ET.fromstring(done.stdout)
    # It writes blanks as no-break spaces.
    shown = {
        "".join(text.itertext()).replace("\xa0", " ").strip()
        for text in root.iter("{http://www.w3.org/2000/svg}text")
    }
    assert {visible(name).strip() for name in NAMES} <= shown


# --- Mermaid ---

_LINES = (
    r"flowchart LR",
    r'  subgraph g\d+\["(?P<group>[^"]*)"\]',
    r"  end",
    r'(?:  |    )(?P<id>n\d+)(?:\["(?P<label>[^"]*)"\]|\(\["(?P<outside>[^"]*)"\]\))',
    r"  (?P<from>n\d+) (?:-->|-\.->)(?:\|\d+\|)? (?P<to>n\d+)",
    r"  linkStyle (?P<marked>\d+(?:,\d+)*) stroke:#cc0000,stroke-width:3px",
    r"  classDef missing stroke-dasharray:4",
    r"  class n\d+(?:,n\d+)* missing",
)


def read_mermaid(text: str) -> tuple[dict[str, str], list[tuple[str, str]], list[int]]:
    """Return labels by id, arrows and marked arrows; a line of any other form is an error."""
    labels: dict[str, str] = {}
    arrows, marked = [], []
    for line in text.rstrip("\n").split("\n"):
        (found,) = filter(None, (re.fullmatch(form, line) for form in _LINES))
        values = found.groupdict()
        if "id" in values:
            label = values["label"] or values["outside"]
            assert re.fullmatch(r"(?:[^#;`<>\"\[\]{}|:&%$*~@\\!?]|#\d+;)*", label)
            labels[values["id"]] = re.sub(r"#(\d+);", lambda m: chr(int(m[1])), label)
        elif "from" in values:
            arrows.append((values["from"], values["to"]))
        elif "marked" in values:
            marked = [int(number) for number in values["marked"].split(",")]
    return labels, arrows, marked


def test_mermaid_is_the_json(repository: Repository) -> None:
    drawing = drawn(repository)
    labels, arrows, marked = read_mermaid(mermaid_text(drawing))
    told = document(repository)
    assert {(labels[a], labels[b]) for a, b in arrows} == {
        (e["importer"], e["imported"]) for e in told["imports"]
    }
    assert sorted(labels.values()) == names(drawing)
    assert [arrows[number] for number in marked] == [
        arrow for arrow, one in zip(arrows, drawing.arrows, strict=True) if one.violations
    ]
    assert marked


def test_mermaid_of_hostile_names() -> None:
    drawing = hostile()
    labels, arrows, _ = read_mermaid(mermaid_text(drawing))
    assert sorted(labels.values()) == names(drawing)
    assert sorted((labels[a], labels[b]) for a, b in arrows) == ends(drawing)


def test_what_mermaid_does_not_draw_is_told() -> None:
    nodes = tuple(Node(f"m{number:04}", None, "", "module") for number in range(MOST_ARROWS + 2))
    arrows = [Arrow(one.name, two.name, (("eager", 1),)) for one, two in itertools.pairwise(nodes)]
    fits = Drawing(nodes, tuple(arrows[:MOST_ARROWS]), ())
    assert too_large(fits, mermaid_text(fits)) is None
    over = Drawing(nodes, tuple(arrows), ())
    warning = too_large(over, mermaid_text(over))
    assert warning is not None
    assert "501 arrows" in warning
    assert "--depth" in warning
    assert "characters" in (too_large(fits, "x" * (MOST_TEXT + 1)) or "")


def test_nothing_is_a_drawing_too() -> None:
    graph = build_graph({})
    nothing = graph_drawing(graph, LaneMap(Settings(root=Path("."))), Settings(root=Path(".")))
    assert nothing == Drawing((), (), ())
    assert mermaid_text(nothing) == "flowchart LR\n"
    assert networkx.parse_graphml(graphml_text(nothing)).number_of_nodes() == 0

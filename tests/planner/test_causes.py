"""Why a module cannot move: a small repository for each code, on each hop.

In the rows, `A` is the lane that is left and `B` the one that is reached. Lane `lab` may import A
only, and only A may import it; nobody may import lane `sealed`. `A.free` can always move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lane_planner.config.settings import Coverage, Lane, Settings
from lane_planner.planner.schema import Cause
from lane_planner.scan.records import SyntaxFault
from tests.planner.worlds import HOPS, MODEL, codes_of, facts_of, lanes_of, planned, steps_of

Files = Mapping[str, str | bytes]
OFF: Mapping[str, str] = {}


@dataclass(frozen=True)
class Row:
    """A repository and what blocks its modules.

    Attributes:
        proves: what the row is there for.
        files: `A/a.py` and so on.
        blocked: codes by module.
        steps: modules that land together, the steps of several only.
        settings: what differs from nothing said.
        coverage: fraction by path; None: not asked for.
        broken: files that do not parse.
        hops: for which hops it holds, by the lane that is left.
    """

    proves: str
    files: Files
    blocked: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[tuple[str, ...], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    coverage: Mapping[str, float] | None = None
    broken: tuple[str, ...] = ()
    hops: tuple[str, ...] = ("candidate", "core", "lukhas")


UP = ("candidate",)  # dependencies first
DOWN = ("core", "lukhas")  # dependents first
NOTE = {"unresolved": "note"}
FULL = {"A/free.py": 1.0}
TRY = "try:\n    {}\nexcept ImportError:\n    pass\n"
LATER = "def later():\n    {}\n"
TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {}\n"

ROWS = [
    Row("nothing in the way", {"A/a.py": "import os\nimport B.k\n", "B/k.py": ""}),
    # LP101
    Row("a violation before and after", {"A/a.py": "import sealed.x", "sealed/x.py": ""},
        {"A.a": "LP101"}),
    Row("a violation only after", {"A/a.py": "import lab.x", "lab/x.py": ""}, {"A.a": "LP101"}),
    Row("deferred", {"A/a.py": LATER.format("import lab.x"), "lab/x.py": ""}, {"A.a": "LP101"}),
    Row("typing", {"A/a.py": TYPING.format("import lab.x"), "lab/x.py": ""}, {"A.a": "LP101"}),
    Row("optional", {"A/a.py": TRY.format("import lab.x"), "lab/x.py": ""}, {"A.a": "LP101"}),
    Row("dynamic", {"A/a.py": "import importlib\nimportlib.import_module('lab.x')", "lab/x.py": ""},
        {"A.a": "LP101"}),
    Row("of a missing module, by its prefix", {"A/a.py": TRY.format("import lab.gone")},
        {"A.a": "LP101"}),
    Row("a missing module of the lane that is left", {"A/a.py": TRY.format("import A.gone")},
        {"A.a": "LP101"}, hops=UP),
    Row("which the next lane may import", {"A/a.py": TRY.format("import A.gone")}, hops=DOWN),
    Row("a namespace package stays", {"A/a.py": "import A.ns", "A/ns/b.py": ""},
        {"A.a": "LP101"}, hops=UP),
    Row("unlaned code, forbidden", {"A/a.py": "import tools.x", "tools/x.py": ""},
        {"A.a": "LP101"}, settings={"unlaned": "forbid"}),
    Row("unlaned code, allowed", {"A/a.py": "import tools.x", "tools/x.py": ""}),
    Row("what becomes allowed by the move", {"A/a.py": "import B.k", "B/k.py": ""}),
    Row("who imports a violator moves", {"A/a.py": "", "sealed/x.py": "import A.a"}),
    # LP201
    Row("an eager circle, dependencies first",
        {"A/a.py": "import A.b", "A/b.py": "from A import a", "A/c.py": "import A.a"},
        {"A.a": "LP201 LP403", "A.b": "LP201 LP403", "A.c": "LP201 LP403"}, hops=UP),
    Row("an eager circle, dependents first",
        {"A/a.py": "import A.b", "A/b.py": "import A.a", "A/c.py": "import A.a",
         "A/d.py": "", "A/e.py": "import A.b"},
        {"A.a": "LP201 LP403", "A.b": "LP201 LP403"}, hops=DOWN),
    Row("what a circle imports waits for it, dependents first",
        {"A/a.py": "import A.b\nimport A.d", "A/b.py": "import A.a", "A/d.py": ""},
        {"A.a": "LP201 LP403", "A.b": "LP201 LP403", "A.d": "LP201 LP403"}, hops=DOWN),
    Row("optional eager imports make circles too",
        {"A/a.py": TRY.format("import A.b"), "A/b.py": "import A.a"},
        {"A.a": "LP201 LP403", "A.b": "LP201 LP403"}),
    Row("a circle through another lane", {"A/a.py": "import B.k", "B/k.py": "import A.a"},
        {"A.a": "LP201"}),
    Row("circles that land together", {"A/a.py": "import A.b", "A/b.py": "import A.a"},
        steps=(("A.a", "A.b"),), settings={"cycles": "together"}),
    Row("a blocked circle under together",
        {"A/a.py": "import A.b\nimport sealed.x", "A/b.py": "import A.a", "sealed/x.py": ""},
        {"A.a": "LP101", "A.b": "LP101 LP403"}, settings={"cycles": "together"}),
    Row("an arrival that closes an eager circle",
        {"A/p.py": "import B.u", "B/u.py": "import B.p"}, {"A.p": "LP201 LP202"}, settings=NOTE),
    # LP202
    Row("a circle that needs a deferred import blocks nobody",
        {"A/a.py": "import A.b", "A/b.py": LATER.format("import A.a")}, steps=(("A.a", "A.b"),),
        hops=UP),
    Row("nor one that needs a deferred import, dependents first",
        {"A/a.py": "import A.b", "A/b.py": LATER.format("import A.a")}, steps=(("A.a", "A.b"),),
        hops=DOWN),
    Row("nor one that needs a typing import",
        {"A/a.py": "import A.b", "A/b.py": TYPING.format("import A.a")}, steps=(("A.a", "A.b"),)),
    Row("an arrival that closes a deferred circle",
        {"A/p.py": "import B.u", "B/u.py": LATER.format("import B.p")}, {"A.p": "LP202"}),
    Row("an arrival behind a typing import closes none",
        {"A/p.py": "import B.u", "B/u.py": TYPING.format("import B.p")}),
    # LP301, LP302
    Row("a missing module", {"A/a.py": "import B.gone", "B/k.py": ""}, {"A.a": "LP301"}),
    Row("a missing module, deferred", {"A/a.py": LATER.format("import B.gone"), "B/k.py": ""},
        {"A.a": "LP301"}),
    Row("a missing name of a namespace package", {"A/a.py": "from B import gone", "B/k.py": ""},
        {"A.a": "LP301"}),
    Row("a lane that is empty yet", {"A/a.py": "import B.gone"}, {"A.a": "LP301"}),
    Row("missing but optional", {"A/a.py": TRY.format("import B.gone"), "B/k.py": ""}),
    Row("missing, a note", {"A/a.py": "import B.gone", "B/k.py": ""}, settings=NOTE),
    Row("beyond the top", {"A/a.py": "from ..B import k", "B/k.py": ""}, {"A.a": "LP302"}),
    Row("beyond the top but optional", {"A/a.py": TRY.format("from ...x import y")}),
    Row("beyond the top, a note", {"A/a.py": "from ..x import y"}, settings=NOTE),
    # LP401
    Row("a file at the destination", {"A/a.py": "", "B/a.py": ""}, {"A.a": "LP401"}),
    Row("a package at the destination",
        {"A/p/__init__.py": "", "A/p/c.py": "", "B/p/__init__.py": ""}, {"A.p": "LP401"}),
    Row("no importer can stand aside", {"A/a.py": "", "A/b.py": "import A.a", "B/a.py": ""},
        {"A.a": "LP401", "A.b": "LP401 LP403"}, hops=UP),
    # LP402
    Row("an importer that may not follow", {"A/a.py": "", "lab/x.py": "import A.a"},
        {"A.a": "LP402"}),
    Row("a deferred importer", {"A/a.py": "", "lab/x.py": LATER.format("import A.a")},
        {"A.a": "LP402"}),
    Row("an importer that may not import it now either", {"A/a.py": "", "sealed/x.py": "import A.a"}),
    Row("unlaned importers import anything", {"A/a.py": "", "tools/x.py": "import A.a"},
        settings={"unlaned": "forbid"}),
    # LP403
    Row("what is needed is blocked, along a chain",
        {"A/a.py": "import sealed.x", "A/b.py": "import A.a", "A/c.py": LATER.format("import A.b"),
         "sealed/x.py": ""},
        {"A.a": "LP101", "A.b": "LP101 LP403", "A.c": "LP101 LP403"}, hops=UP),
    Row("what imports it is blocked, along a chain",
        {"A/a.py": "import A.b", "A/b.py": "import A.c", "A/c.py": "",
         "lab/x.py": "import A.a"},
        {"A.a": "LP402", "A.b": "LP402 LP403", "A.c": "LP402 LP403"}, hops=DOWN),
    # LP404
    Row("too little coverage, and none",
        {"A/a.py": "", "A/b.py": "", "A/c.py": ""}, {"A.a": "LP404", "A.b": "LP404"},
        settings={"coverage": Coverage(0.75)}, coverage={"A/a.py": 0.7499, "A/c.py": 0.75, **FULL}),
    Row("no minimum, but no data", {"A/a.py": "", "A/b.py": ""}, {"A.a": "LP404"},
        settings={"coverage": Coverage(0.0)}, coverage={"A/b.py": 0.0, **FULL}),
    Row("coverage is not asked for", {"A/a.py": ""}, coverage={"A/a.py": 0.0}),
    # LP406
    Row("a file that nobody can import", {"A/a-b.py": "", "A/x.original.py": "", "A/class.py": ""},
        {"A/a-b.py": "LP406", "A/x.original.py": "LP406", "A/class.py": "LP406"}),
    Row("a directory that nobody can import from", {"A/v-1/a.py": ""}, {"A/v-1/a.py": "LP406"}),
    Row("a module beside a package", {"A/x.py": "", "A/x/__init__.py": ""},
        {"A.x": "LP406", "A/x.py": "LP406"}),
    Row("a directory that is hidden", {"A/x.py": "", "A/x/y.py": ""},
        {"A.x": "LP406", "A/x/y.py": "LP406"}),
    Row("the name is a namespace package's", {"A/x.py": "", "B/x/k.py": ""}, {"A.x": "LP406"}),
    Row("a package may fill a namespace package", {"A/x/__init__.py": "", "B/x/k.py": ""}),
    Row("a module would hide the destination", {"A/x/y.py": "", "B/x.py": ""}, {"A.x.y": "LP406"}),
    Row("the name is a package's", {"A/x.py": "", "B/x/__init__.py": ""}, {"A.x": "LP406"}),
    # LP901, LP902
    Row("a file that does not parse",
        {"A/a.py": "import sealed.x\ndef f(:", "A/b.py": "", "sealed/x.py": "def f(:"},
        {"A.a": "LP101 LP901"}, broken=("A/a.py", "sealed/x.py")),
    Row("a file that cannot be decoded", {"A/a.py": b"import sealed.x\nX = '\xe9'\n", "A/b.py": ""},
        {"A.a": "LP902"}),
    Row("an importer of what cannot be decoded", {"A/a.py": b"\xff", "A/b.py": "import A.a"},
        {"A.a": "LP902", "A.b": "LP902 LP403"}, hops=UP),
]  # fmt: skip

CASES = [(row, source, target) for row in ROWS for source, target in HOPS if source in row.hops]


def settings_of(source: str, said: Mapping[str, Any]) -> Settings:
    may = dict(MODEL)
    may[source] = may[source] | {"lab"}
    may["lab"] = frozenset({source})
    may["sealed"] = frozenset()
    return Settings(root=Path("."), lanes=lanes_of(may), **said)


@pytest.mark.parametrize(
    ("row", "source", "target"), CASES, ids=[f"{a}, {row.proves}" for row, a, _ in CASES]
)
def test_what_blocks(row: Row, source: str, target: str) -> None:
    def real(text: str) -> str:
        return text.replace("A", source).replace("B", target)

    def filled(text: str) -> str:
        for short, lane in (("A.", source), ("B.", target)):
            text = text.replace(f" {short}", f" {lane}.").replace(f"..{short[0]} ", f"..{lane} ")
            text = text.replace(f"from {short[0]} ", f"from {lane} ")
        return text

    facts = facts_of(
        {
            real(path): filled(text) if isinstance(text, str) else text.replace(b"A.", b"")
            for path, text in {"A/free.py": "", **row.files}.items()
        },
        settings_of(source, row.settings),
        faults={real(path): SyntaxFault(1, "invalid syntax") for path in row.broken},
        coverage=None
        if row.coverage is None
        else {real(path): fraction for path, fraction in row.coverage.items()},
    )
    plan = planned(facts, source)
    assert codes_of(plan) == {
        real(name): tuple(sorted(codes.split())) for name, codes in row.blocked.items()
    }
    steps = steps_of(plan)
    assert (f"{source}.free",) in steps
    several = sorted(step for step in steps if len(step) > 1)
    assert several == [tuple(map(real, step)) for step in row.steps]
    moved = {name for step in steps for name in step}
    assert not moved & set(codes_of(plan))


def test_every_code_of_planning_has_a_row() -> None:
    shown = {code for row in ROWS for codes in row.blocked.values() for code in codes.split()}
    assert shown == {
        "LP101", "LP201", "LP202", "LP301", "LP302", "LP401", "LP402", "LP403", "LP404", "LP406",
        "LP901", "LP902",
    }  # fmt: skip


def causes(files: Files, name: str, **more: Any) -> tuple[Cause, ...]:
    plan = planned(facts_of(files, settings_of("candidate", {}), **more))
    return next(entry.causes for entry in plan.blocked if entry.module == name)


def test_a_cause_names_the_import_and_the_chain_to_it() -> None:
    files = {
        "candidate/x.py": "\nimport candidate.y",
        "candidate/y.py": "def f():\n    from candidate import z",
        "candidate/z.py": "import os\n\nfrom lukhas.deep import thing",
        "lukhas/deep.py": "",
    }
    why = "core may not import lane lukhas"
    at = ("LP101", "candidate.z", "lukhas.deep", "candidate/z.py", 3)
    assert causes(files, "candidate.z") == (Cause(*at, ("candidate.z", "lukhas.deep"), why),)
    chain = ("candidate.x", "candidate.y", "candidate.z", "lukhas.deep")
    assert causes(files, "candidate.x") == (
        Cause(*at, chain, why),
        Cause("LP403", "candidate.x", "candidate.y", "candidate/x.py", 2, chain,
              "candidate.y is blocked"),
    )  # fmt: skip


def test_the_cause_of_a_broken_importer_is_at_the_importer() -> None:
    files = {"candidate/a.py": "", "lab/x.py": "\nimport candidate.a"}
    assert causes(files, "candidate.a") == (
        Cause("LP402", "lab.x", "candidate.a", "lab/x.py", 2, ("candidate.a", "lab.x"),
              "lab may not import core"),
    )  # fmt: skip


def test_every_forbidden_import_is_a_cause() -> None:
    files = {
        "candidate/a.py": "import lukhas.x\nimport lukhas.y\ndef f():\n    import lukhas.x",
        "lukhas/x.py": "",
        "lukhas/y.py": "",
    }
    found = [(cause.imported, cause.line) for cause in causes(files, "candidate.a")]
    assert found == [("lukhas.x", 1), ("lukhas.x", 4), ("lukhas.y", 2)]


def test_faults_of_files_say_where_and_why() -> None:
    files: Files = {"candidate/a.py": "\ndef f(:", "candidate/b.py": b"\xff", "core/c.py": ""}
    fault = {"candidate/a.py": SyntaxFault(2, "invalid syntax")}
    (broken,) = causes(files, "candidate.a", faults=fault)
    assert broken == Cause("LP901", "candidate.a", "", "candidate/a.py", 2, ("candidate.a",),
                           "invalid syntax")  # fmt: skip
    (undecodable,) = causes(files, "candidate.b")
    assert (undecodable.code, undecodable.line, undecodable.chain) == ("LP902", 0, ("candidate.b",))
    assert undecodable.detail


def test_a_cause_is_never_the_module_itself_by_a_detour() -> None:
    files = {
        "candidate/a.py": "import lukhas.x\nimport candidate.b",
        "candidate/b.py": "def f():\n    import candidate.a\n    import candidate.c",
        "candidate/c.py": "def f():\n    import candidate.b",
        "lukhas/x.py": "",
    }
    assert [cause.chain for cause in causes(files, "candidate.a")] == [("candidate.a", "lukhas.x")]
    chains = {cause.chain for cause in causes(files, "candidate.b")}
    assert chains == {("candidate.b", "candidate.a", "lukhas.x")}


TWO = (
    Lane("candidate", ("candidate", "incubator"), frozenset({"core"}), "core"),
    Lane("core", ("core", "kernel"), frozenset(), None),
    Lane("vault", ("core/vault",), frozenset()),
)


@pytest.mark.parametrize(
    ("proves", "files", "blocked"),
    [
        ("two directories, two names", ("candidate/a.py", "incubator/b.py"), {}),
        ("two files for one place", ("candidate/a.py", "incubator/a.py"),
         {"candidate.a": ("LP406",), "incubator.a": ("LP406",)}),
        ("a module and a package for one name", ("candidate/a.py", "incubator/a/__init__.py"),
         {"candidate.a": ("LP406",), "incubator.a": ("LP406",)}),
        ("one arrival would hide another", ("incubator/x.py", "candidate/x/y.py"),
         {"incubator.x": ("LP406",), "candidate.x.y": ("LP406",)}),
        ("a file in the first directory of the target", ("candidate/a.py", "core/a.py"),
         {"candidate.a": ("LP401",)}),
        ("not one in its second", ("candidate/a.py", "kernel/a.py"), {}),
        ("the place belongs to a lane below the target", ("candidate/vault/a.py",),
         {"candidate.vault.a": ("LP406",)}),
        ("the place is free beside that lane", ("candidate/vaults/a.py", "core/vault/k.py"), {}),
    ],
)  # fmt: skip
def test_places(
    proves: str, files: tuple[str, ...], blocked: Mapping[str, tuple[str, ...]]
) -> None:
    facts = facts_of(dict.fromkeys(files, ""), Settings(root=Path("."), lanes=TWO))
    assert codes_of(planned(facts)) == blocked, proves


def test_a_place_that_no_import_can_name() -> None:
    lanes = (Lane("candidate", ("candidate",), frozenset({"core"}), "core"),
             Lane("core", ("core-2",)))  # fmt: skip
    facts = facts_of({"candidate/a.py": ""}, Settings(root=Path("."), lanes=lanes))
    assert codes_of(planned(facts)) == {"candidate.a": ("LP406",)}

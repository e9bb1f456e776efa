"""LP101 and the waivers that silence it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from lane_planner.config.settings import Settings, Waiver
from lane_planner.rules.excuses import Excuses
from lane_planner.rules.lanes import LaneMap
from lane_planner.rules.violations import Violation, direct_violations, idle_waivers
from tests.planner.worlds import MODEL, facts_of, model_settings

DAY = datetime.date(2026, 6, 15)


def found(
    files: Mapping[str, str], settings: Settings | None = None, today: datetime.date = DAY
) -> tuple[Violation, ...]:
    settings = settings or model_settings()
    facts = facts_of(files, settings)
    excuses = Excuses(settings.waivers, today, facts.graph, facts.records)
    return direct_violations(facts.graph, settings, LaneMap(settings), excuses)


TRY = "try:\n    {}\nexcept ImportError:\n    pass\n"
PERMITTED = [(a, b) for a, others in MODEL.items() for b in [*others, a]]


@pytest.mark.parametrize("importer", MODEL)
@pytest.mark.parametrize("imported", MODEL)
def test_each_pair_of_lanes(importer: str, imported: str) -> None:
    files = {f"{importer}/a.py": f"import {imported}.b", f"{imported}/b.py": ""}
    pairs = [(v.code, v.importer_lane, v.imported_lane) for v in found(files)]
    expected = [] if (importer, imported) in PERMITTED else [("LP101", importer, imported)]
    assert pairs == expected


@pytest.mark.parametrize(
    ("proves", "source", "imported"),
    [
        ("eager", "import lukhas.x", ["lukhas.x"]),
        ("deferred", "def f():\n    import lukhas.x", ["lukhas.x"]),
        ("typing", "import typing\nif typing.TYPE_CHECKING:\n    import lukhas.x", ["lukhas.x"]),
        ("optional", TRY.format("import lukhas.x"), ["lukhas.x"]),
        ("dynamic", "__import__('lukhas.x')", ["lukhas.x"]),
        ("missing", "import lukhas.gone", ["lukhas.gone"]),
        ("a name of a module", "from lukhas.x import y", ["lukhas.x"]),
        ("several of one statement", "from lukhas import y, x, x", ["lukhas.x", "lukhas.y"]),
        ("a namespace package", "import lukhas", ["lukhas"]),
        ("two sites", "import lukhas.x\nimport lukhas.x", ["lukhas.x", "lukhas.x"]),
        ("its own lane", "import core.other", []),
        ("a permitted lane", "import matriz.m", []),
        ("third party", "import numpy, os", []),
        ("in no lane", "import tools.t", []),
        ("beyond the top names nothing", "from ...lukhas import x", []),
    ],
)
def test_what_counts_as_an_import(proves: str, source: str, imported: list[str]) -> None:
    others = ("lukhas/x.py", "lukhas/y.py", "core/other.py", "matriz/m.py", "tools/t.py")
    violations = found({"core/a.py": source, **dict.fromkeys(others, "")})
    assert [v.imported for v in violations] == imported, proves


def test_a_violation_says_where_it_is() -> None:
    (violation,) = found({"core/a.py": "X = 1; import lukhas.x", "lukhas/x.py": ""})
    assert violation == Violation(
        code="LP101", importer="core.a", imported="lukhas.x", importer_lane="core",
        imported_lane="lukhas", path="core/a.py", line=1, column=7, kind="eager", status="new",
        message="core may not import lane lukhas: core.a imports lukhas.x",
    )  # fmt: skip


def test_violations_are_sorted_by_place_and_name() -> None:
    files = {
        "core/b.py": "import lukhas.y\nimport lukhas.x",
        "core/a.py": "from lukhas import y, x",
        "core/a-b.py": "import lukhas.x",
        "lukhas/x.py": "",
        "lukhas/y.py": "",
    }
    assert [(v.path, v.line, v.imported) for v in found(files)] == [
        ("core/a-b.py", 1, "lukhas.x"),
        ("core/a.py", 1, "lukhas.x"),
        ("core/a.py", 1, "lukhas.y"),
        ("core/b.py", 1, "lukhas.y"),
        ("core/b.py", 2, "lukhas.x"),
    ]


def test_code_in_no_lane() -> None:
    files = {"core/a.py": "import tools.t", "tools/t.py": "import lukhas.x", "lukhas/x.py": ""}
    forbidding = msgspec.structs.replace(model_settings(), unlaned="forbid")
    assert found(files) == ()
    (violation,) = found(files, forbidding)
    assert (violation.importer, violation.imported_lane) == ("core.a", None)
    assert "first-party code in no lane" in violation.message


FILES = {
    "core/a/b.py": "import lukhas.x",
    "core/c.py": "import lukhas.x\nimport lukhas.deep.y",
    "lukhas/x.py": "",
    "lukhas/deep/y.py": "",
}
BEFORE, AFTER = DAY - datetime.timedelta(days=1), DAY + datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("proves", "waiver", "waived"),
    [
        ("exact names", ("core.c", "lukhas.x", None), [("core.c", "lukhas.x")]),
        ("a star crosses dots", ("core.*", "lukhas.x", None),
         [("core.a.b", "lukhas.x"), ("core.c", "lukhas.x")]),
        ("stars on both sides", ("core.c", "*", None),
         [("core.c", "lukhas.x"), ("core.c", "lukhas.deep.y")]),
        ("a prefix alone matches nothing", ("core", "lukhas.x", None), []),
        ("the other way round", ("lukhas.x", "core.c", None), []),
        ("it holds until its day", ("core.c", "lukhas.x", AFTER), [("core.c", "lukhas.x")]),
        ("and on it", ("core.c", "lukhas.x", DAY), [("core.c", "lukhas.x")]),
        ("but not after it", ("core.c", "lukhas.x", BEFORE), []),
    ],
)  # fmt: skip
def test_waivers(
    proves: str,
    waiver: tuple[str, str, datetime.date | None],
    waived: list[tuple[str, str]],
) -> None:
    importer, imported, expires = waiver
    settings = msgspec.structs.replace(
        model_settings(), waivers=(Waiver(importer, imported, "why", expires),)
    )
    violations = found(FILES, settings)
    assert len(violations) == 3
    silent = [(v.importer, v.imported) for v in violations if v.status == "waived"]
    assert silent == waived, proves
    assert {v.status for v in violations} <= {"new", "waived"}


def test_idle_waivers_are_told_apart() -> None:
    waivers = (
        Waiver("core.c", "lukhas.x", "in use"),
        Waiver("core.c", "lukhas.gone", "matches nothing"),
        Waiver("core.c", "lukhas.x", "over", BEFORE),
        Waiver("core.c", "lukhas.x", "last day", DAY),
        Waiver("nobody.*", "*", "over, and matches nothing", BEFORE),
    )
    settings = msgspec.structs.replace(model_settings(), waivers=waivers)
    idle = idle_waivers(found(FILES, settings), settings, DAY)
    assert idle == (
        (waivers[1], "matches no violation"),
        (waivers[2], f"expired on {BEFORE.isoformat()}"),
        (waivers[4], f"expired on {BEFORE.isoformat()}"),
    )


def test_paths_of_a_repository_elsewhere_do_not_matter() -> None:
    settings = msgspec.structs.replace(model_settings(), root=Path("elsewhere"))
    assert found(FILES, settings) == found(FILES)

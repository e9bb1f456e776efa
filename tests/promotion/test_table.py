"""What follows, by the numbers of docs/architecture.md: whole repositories before and after."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import HealthCheck, given, settings

from lane_planner.config.settings import Lane
from lane_planner.promotion.compose import compose
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.text import SourceText, import_statements
from lane_planner.promotion.values import FileMove, Promotion
from lane_planner.scan.source import scan_source
from tests.promotion.test_behaviour import programs
from tests.promotion.test_rewrite import BASE, ENGINE, FOLLOWS, Follows
from tests.promotion.trees import (
    CANDIDATE,
    CORE,
    Tree,
    applied,
    compose_on,
    mentions_of,
    promoted,
    settings_of,
    tree,
    workspace_of,
)

INIT = "candidate/feature/__init__.py"


def _changed(files: dict[str, str | bytes], *moving: str) -> dict[str, str]:
    """Return the files that are there after a promotion and were not, or not so."""
    after, _ = promoted(files, moving)
    before = tree(files)
    return {path: text.decode() for path, text in after.items() if before.get(path) != text}


def _notes(files: dict[str, str | bytes], *moving: str) -> tuple[str, ...]:
    _, [promotion] = promoted(files, moving)
    return promotion.notes


def test_2_a_package_s_own_relative_imports_start_from_itself() -> None:
    files: dict[str, str | bytes] = {
        "candidate/__init__.py": "",
        "candidate/helper.py": "",
        INIT: "from . import helper\nfrom .. import helper as outer\n",
        "candidate/feature/helper.py": "from . import missing\nfrom .. import helper\n",
        "core/__init__.py": "",
    }
    assert _changed(files, INIT)["core/feature/__init__.py"] == (
        "from candidate.feature import helper\nfrom candidate import helper as outer\n"
    )
    assert _changed(files, "candidate/feature/helper.py")["core/feature/helper.py"] == (
        "from candidate.feature import missing\nfrom candidate import helper\n"
    )


def test_3_a_regular_package_inside_a_namespace_package_stays_one() -> None:
    files: dict[str, str | bytes] = {"candidate/n/p/__init__.py": "", "candidate/n/p/a.py": ""}
    assert sorted(_changed(files, "candidate/n/p/a.py")) == [
        "core/n/p/__init__.py",
        "core/n/p/a.py",
    ]


@pytest.mark.parametrize("listed", ["", "__all__ = ['run', 'feature']\n"])
def test_11_names_that_packages_export_stay_importable(listed: str) -> None:
    files = BASE | {
        INIT: f"from .engine import run\n{listed}",
        "candidate/__init__.py": f"from .feature import run\nfrom . import feature\n{listed}",
        "app/user.py": "from candidate import run, feature\nfrom candidate.feature import run as r\n"
        "feature.run()\n",
    }
    assert _changed(files, ENGINE).keys() == {"core/feature/engine.py", INIT}
    assert _changed(files, ENGINE)[INIT] == f"from core.feature.engine import run\n{listed}"


def test_12_star_imports_go_on_through_chains() -> None:
    files = BASE | {
        INIT: "from .engine import *\n",
        "candidate/__init__.py": "from candidate.feature import *\n",
        "app/user.py": "from candidate import *\nrun()\n",
    }
    assert _changed(files, ENGINE).keys() == {"core/feature/engine.py", INIT}
    assert _changed(files, ENGINE)[INIT] == "from core.feature.engine import *\n"


def test_21_a_package_s_init_moves_before_with_and_after_its_submodules() -> None:
    user = "from candidate.feature import run\nfrom candidate.feature.engine import VALUE\n"
    files: dict[str, str | bytes] = {
        "candidate/__init__.py": "",
        INIT: "from .engine import run\n",
        ENGINE: "VALUE = 1\n\n\ndef run():\n    from . import __name__ as n\n",
        "core/__init__.py": "",
        "user.py": user,
    }
    before, _ = promoted(files, [INIT], [ENGINE])
    after, _ = promoted(files, [ENGINE], [INIT])
    together, _ = promoted(files, [ENGINE, INIT])
    assert sorted(before) == sorted(after) == sorted(together)
    for found in (before, after, together):
        assert found["user.py"].decode() == user.replace("candidate", "core")
    assert together["core/feature/__init__.py"] == b"from .engine import run\n"
    # What was written out while the two were apart stays written out.
    assert before["core/feature/__init__.py"] == b"from core.feature.engine import run\n"
    assert after["core/feature/__init__.py"] == b"from core.feature.engine import run\n"


def _moved(files: Tree, *moves: tuple[str, str]) -> Tree:
    composed = compose(
        workspace_of(files),
        CANDIDATE,
        CORE,
        [FileMove(*move) for move in moves],
        mentions_of(files),
        name="moves",
    )
    return applied(files, composed.promotion)


def test_22_a_package_and_a_module_swap_names() -> None:
    files = tree(
        {
            "candidate/a/__init__.py": "A = 1\n",
            "candidate/b.py": "B = 1\n",
            "user.py": "from candidate.a import A\nimport candidate.b\nx = candidate.b.B\n"
            "from candidate import a, b\n",
        }
    )
    after = _moved(
        files,
        ("candidate/a/__init__.py", "candidate/b/__init__.py"),
        ("candidate/b.py", "candidate/a.py"),
    )
    assert after == tree(
        {
            "candidate/b/__init__.py": "A = 1\n",
            "candidate/a.py": "B = 1\n",
            "user.py": "from candidate.b import A\nimport candidate.a\nx = candidate.a.B\n"
            "from candidate import b as a, a as b\n",
        }
    )


@pytest.mark.parametrize(
    ("there", "moving", "reason"),
    [
        ("core/a/__init__.py", "candidate/a.py", "nobody could import"),
        ("core/a.py", "candidate/a/__init__.py", "would hide core/a.py"),
        ("core/A.py", "candidate/a.py", "only in case"),
        ("core/feature/x.py", "candidate/Feature/a.py", "differ from core/feature only in case"),
        ("core/f/g/x.py", "candidate/F/h/a.py", "differ from core/f only in case"),
    ],
)
def test_22_what_would_hide_or_clash_is_refused(there: str, moving: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        promoted({there: "", moving: ""}, [moving])


def test_23_a_module_that_nobody_imports() -> None:
    assert _changed(BASE | {"candidate/lonely.py": "x = 1\n"}, "candidate/lonely.py") == {
        "core/lonely.py": "x = 1\n"
    }


def test_24_two_that_import_each_other_through_their_packages() -> None:
    files = BASE | {
        ENGINE: "from . import helper\nimport candidate.feature.helper\n"
        "x = candidate.feature.helper\n",
        "candidate/feature/helper.py": "def f():\n    from .engine import x\n"
        "    from candidate.feature import engine\n",
    }
    after = _changed(files, ENGINE, "candidate/feature/helper.py")
    assert after == {
        "core/feature/engine.py": "from . import helper\nimport core.feature.helper\n"
        "x = core.feature.helper\n",
        "core/feature/helper.py": "def f():\n    from .engine import x\n"
        "    from core.feature import engine\n",
    }


def test_25_a_patched_re_export_stays_where_it_is_read() -> None:
    user = "from unittest.mock import patch\npatch('candidate.feature.run')\n"
    files = BASE | {INIT: "from .engine import run\n", "app/user.py": user}
    assert "app/user.py" not in _changed(files, ENGINE)


def test_26_names_that_are_put_together_are_listed() -> None:
    user = "from importlib import import_module\n\nimport_module('candidate.feature.' + name('engine'))\n"
    notes = _notes(BASE | {"app/user.py": user}, ENGINE)
    assert (
        "app/user.py:3: import_module is given a name that is put together: it may be "
        "candidate.feature.engine"
    ) in notes


def test_26_a_table_of_lazy_submodules_is_listed() -> None:
    init = (
        "import importlib\n_LAZY = {'run': '.engine'}\ndef __getattr__(name):\n"
        "    return getattr(importlib.import_module(_LAZY[name], __name__), name)\n"
    )
    notes = _notes(BASE | {INIT: init}, ENGINE)
    assert any(note.startswith(f"{INIT}:4: ") for note in notes)


def test_27_what_depends_on_the_place_is_noted_once_a_kind() -> None:
    engine = (
        "import importlib.resources\nfrom importlib.util import spec_from_file_location\n"
        "from pathlib import Path\nROOT = Path(__file__).resolve().parents[2]\n"
        "HERE = Path(__file__).parent / 'data.json'\n"
    )
    files = BASE | {ENGINE: engine, "candidate/feature/data.json": "{}"}
    notes = _notes(files, ENGINE)
    for line, word in ((1, "importlib.resources"), (2, "spec_from_file_location"), (4, "__file__")):
        assert f"{ENGINE}:{line}: {word} depends on where the file is" in notes
    assert f"{ENGINE}:5: candidate/feature/data.json is named and stays" in notes


@pytest.mark.parametrize(
    "upward",
    [
        "Path(__file__).resolve().parents[2]",
        "Path(__file__).parent.parent",
        "os.path.dirname(os.path.dirname(__file__))",
        "os.path.join(os.path.dirname(__file__), '..', 'data')",
    ],
)
def test_27_counting_directories_upwards_is_refused_at_another_depth(upward: str) -> None:
    lanes = (
        Lane("candidate", ("candidate",), frozenset({"core"}), "core"),
        Lane("core", ("src/core",)),
    )
    files = tree({"candidate/a.py": f"import os\nROOT = {upward}\n"})
    workspace = workspace_of(files, settings_of(source_roots=("src", "."), lanes=lanes))
    move = FileMove("candidate/a.py", "src/core/a.py")
    with pytest.raises(Refused, match="at another depth") as caught:
        compose(workspace, *lanes, [move], mentions_of(files), name="a")
    assert (caught.value.path, caught.value.line) == ("candidate/a.py", 2)
    assert any(
        "__file__" in note for note in _notes({"candidate/a.py": f"x = {upward}"}, "candidate/a.py")
    )


def test_30_the_old_path_is_gone_with_its_packages() -> None:
    files: dict[str, str | bytes] = {
        "candidate/__init__.py": "",
        "candidate/p/__init__.py": "",
        "candidate/p/q/__init__.py": "",
        "candidate/p/q/a.py": "",
        "core/__init__.py": "",
    }
    steps = [["candidate/p/q/a.py"], ["candidate/p/q/__init__.py"], ["candidate/p/__init__.py"]]
    for order in (steps, steps[::-1]):
        after, _ = promoted(files, *order)
        assert [path for path in after if path.startswith("candidate/")] == [
            "candidate/__init__.py"
        ]


def test_31_a_stub_beside_a_module_is_no_module_and_goes_along() -> None:
    stub = "candidate/feature/engine.pyi"
    files = tree(BASE | {stub: "from candidate.feature import helper\ndef run() -> int: ...\n"})
    workspace = workspace_of(files)
    composed = compose_on(workspace, mentions_of(files), [ENGINE, stub])
    after = applied(files, composed.promotion)
    assert after["core/feature/engine.pyi"] == files[stub]
    assert stub not in after
    assert "candidate.feature.engine" not in composed.table.by_name


def test_31_tests_and_fixtures_that_pytest_finds_by_place_are_noted() -> None:
    files = BASE | {
        "tests/feature/test_engine.py": "",
        "candidate/conftest.py": "",
        "candidate/feature/test_other.py": "",
    }
    assert f"tests/feature/test_engine.py is laid out like {ENGINE} and stays" in _notes(
        files, ENGINE
    )
    other = "candidate/feature/test_other.py"
    assert f"{other} leaves the fixtures of candidate/conftest.py" in _notes(files, other)


# Properties.


def _again(files: Tree, promotion: Promotion) -> Promotion:
    """Compose a promotion again on files that hold its rewritten contents already."""
    origin = {move.target: move.source for move in promotion.moves}
    written = {
        origin.get(write.path, write.path): write.content
        for write in promotion.writes
        if write.reason == "rewritten"
    }
    now = files | written
    composed = compose_on(workspace_of(now), mentions_of(now), [m.source for m in promotion.moves])
    return composed.promotion


def _foreign_lines(files: Tree, promotion: Promotion) -> list[str]:
    """Return the changed lines that hold no reference to what moves."""
    origin = {move.target: move.source for move in promotion.moves}
    words = {word for name in promotion.modules for word in name.split(".")}
    found = []
    for write in promotion.writes:
        if write.reason != "rewritten":
            continue
        source = SourceText(files[origin.get(write.path, write.path)])
        record = scan_source(files[origin.get(write.path, write.path)])
        imports: set[int] = set()
        for start, end in import_statements(source, record):
            imports.update(range(source.line_of(start), source.line_of(end) + 1))
        old, new = source.text.split("\n"), SourceText(write.content).text.split("\n")
        for tag, start, end, _, _ in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
            found += [
                old[line]
                for line in range(start, end)
                if tag in ("replace", "delete")
                and line + 1 not in imports
                and not any(word in old[line] for word in words)
            ]
    return found


@pytest.mark.parametrize("row", FOLLOWS, ids=lambda row: row.name)
def test_rewriting_again_changes_nothing_and_touches_references_only(row: Follows) -> None:
    files = tree(BASE | {row.path: row.before, "app/engine.py": "def run(): ...\n"})
    promotion = compose_on(workspace_of(files), mentions_of(files), [ENGINE]).promotion
    assert _again(files, promotion).writes == ()
    assert _foreign_lines(files, promotion) == []


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_programs_rewritten_again_do_not_change(program: tuple[Tree, list[list[str]]]) -> None:
    files, steps = program
    for paths in steps[:1]:
        try:
            promotion = compose_on(workspace_of(files), mentions_of(files), paths).promotion
        except Refused:
            return
        assert _foreign_lines(files, promotion) == []
        try:
            again = _again(files, promotion)
        except Refused:
            return  # half of it is there: what the packages export can be in doubt
        assert [write for write in again.writes if write.reason == "rewritten"] == []

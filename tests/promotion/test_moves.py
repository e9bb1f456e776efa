"""What moves, what is made and what goes away, and the moved files' own imports."""

from __future__ import annotations

import pytest

from lane_planner.config.settings import Lane
from lane_planner.promotion.compose import compose
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.values import FileMove
from tests.promotion.trees import (
    compose_on,
    mentions_of,
    promoted,
    settings_of,
    tree,
    workspace_of,
)

ENGINE = "candidate/feature/engine.py"
INIT = "candidate/feature/__init__.py"
HELPER = "candidate/feature/helper.py"


def test_a_moved_file_s_relative_imports_reach_what_stays() -> None:
    after, _ = promoted(
        {
            "candidate/__init__.py": "",
            "candidate/top.py": "",
            INIT: "NAME = 'f'\n",
            ENGINE: "from . import helper, NAME\nfrom .helper import f\nfrom .. import top\n"
            "from importlib import import_module\nh = import_module('.helper', __package__)\n"
            "from .missing import x\n",
            HELPER: "def f(): ...\n",
            "core/__init__.py": "",
        },
        [ENGINE],
    )
    assert after["core/feature/engine.py"].decode() == (
        "from candidate.feature import helper, NAME\nfrom candidate.feature.helper import f\n"
        "from candidate import top\n"
        "from importlib import import_module\n"
        "h = import_module('candidate.feature.helper', __package__)\n"
        "from candidate.feature.missing import x\n"
    )


def test_relative_imports_of_what_moves_along_stay() -> None:
    engine = "from . import helper\nfrom .helper import f\nfrom ..feature import helper as h\n"
    files = {
        "candidate/__init__.py": "",
        INIT: "from .engine import run\n",
        ENGINE: engine,
        HELPER: "",
        "candidate/feature/data.json": "{}",
        "core/__init__.py": "",
    }
    moving = [INIT, ENGINE, HELPER, "candidate/feature/data.json"]
    after, [promotion] = promoted(files, moving)
    assert after == tree(
        {
            "candidate/__init__.py": "",
            "core/feature/__init__.py": "from .engine import run\n",
            "core/feature/engine.py": engine,
            "core/feature/helper.py": "",
            "core/feature/data.json": "{}",
            "core/__init__.py": "",
        }
    )
    assert promotion.writes == ()


def test_two_modules_that_import_each_other_move_together() -> None:
    after, _ = promoted(
        {
            "candidate/a.py": "import candidate.b\ndef f():\n    return candidate.b.g()\n",
            "candidate/b.py": "from candidate import a\ndef g():\n    from candidate.a import f\n",
            "user.py": "from candidate import a, b\n",
        },
        ["candidate/a.py", "candidate/b.py"],
    )
    assert after == tree(
        {
            "core/a.py": "import core.b\ndef f():\n    return core.b.g()\n",
            "core/b.py": "from core import a\ndef g():\n    from core.a import f\n",
            "user.py": "from core import a, b\n",
        }
    )


def test_destination_packages_are_made_and_later_replaced_by_the_real_ones() -> None:
    files = {
        "candidate/__init__.py": "",
        "candidate/feature/__init__.py": "NAME = 'feature'\n",
        "candidate/feature/deep/__init__.py": "",
        "candidate/feature/deep/engine.py": "",
        "core/__init__.py": "",
    }
    steps = [
        ["candidate/feature/deep/engine.py"],
        ["candidate/feature/deep/__init__.py"],
        ["candidate/feature/__init__.py"],
    ]
    first, _ = promoted(files, *steps[:1])
    gone = "candidate/feature/deep/engine.py"
    assert first == tree({path: text for path, text in files.items() if path != gone}) | {
        "core/feature/__init__.py": MADE_INIT,
        "core/feature/deep/__init__.py": MADE_INIT,
        "core/feature/deep/engine.py": b"",
    }
    last, promotions = promoted(files, *steps)
    assert last == tree(
        {
            "candidate/__init__.py": "",
            "core/__init__.py": "",
            "core/feature/__init__.py": "NAME = 'feature'\n",
            "core/feature/deep/__init__.py": "",
            "core/feature/deep/engine.py": "",
        }
    )
    assert promotions[1].deletes == ("core/feature/deep/__init__.py",)


def test_namespace_packages_stay_namespace_packages() -> None:
    after, _ = promoted(
        {"candidate/feature/engine.py": "", "user.py": "import candidate.feature.engine\n"},
        [ENGINE],
    )
    assert after == tree({"core/feature/engine.py": "", "user.py": "import core.feature.engine\n"})


def test_a_stub_is_left_behind_for_what_stays_and_goes_with_the_last() -> None:
    files = {
        "candidate/__init__.py": "",
        INIT: "NAME = 1\n",
        ENGINE: "",
        HELPER: "",
        "core/__init__.py": "",
    }
    stub, _ = promoted(files, [INIT])
    assert stub[INIT] == MADE_INIT
    assert stub["core/feature/__init__.py"] == b"NAME = 1\n"
    one_left, _ = promoted(files, [INIT], [ENGINE])
    assert one_left[INIT] == MADE_INIT
    none_left, _ = promoted(files, [INIT], [ENGINE], [HELPER])
    assert sorted(none_left) == [
        "candidate/__init__.py",
        "core/__init__.py",
        "core/feature/__init__.py",
        "core/feature/engine.py",
        "core/feature/helper.py",
    ]


def test_a_package_that_leaves_a_submodule_behind_still_imports_it() -> None:
    after, _ = promoted(
        {
            "candidate/__init__.py": "",
            INIT: "from . import helper\nfrom .helper import f\n",
            HELPER: "",
            "core/__init__.py": "",
            "user.py": "from candidate import feature\nfrom candidate.feature import helper, f\n"
            "feature.helper.f()\n",
        },
        [INIT],
    )
    assert after["core/feature/__init__.py"] == (
        b"from candidate.feature import helper\nfrom candidate.feature.helper import f\n"
    )
    assert after["user.py"] == (
        b"from core import feature\nfrom candidate.feature import helper\n"
        b"from core.feature import f\nfeature.helper.f()\n"
    )


def test_a_submodule_left_behind_that_the_package_does_not_name_is_refused() -> None:
    with pytest.raises(Refused, match="without importing it"):
        promoted(
            {
                "candidate/__init__.py": "",
                INIT: "from .helper import f\n",
                HELPER: "def f(): ...\n",
                "user.py": "from candidate import feature\nfeature.helper.f()\n",
            },
            [INIT],
        )


def test_a_package_s_named_submodule_goes_on_being_reached_through_it() -> None:
    files = {
        "candidate/__init__.py": "",
        INIT: "from . import engine\n",
        ENGINE: "",
        "core/__init__.py": "",
        "user.py": "from candidate import feature\nimport candidate.feature as f\n"
        "feature.engine.run(f.engine)\n",
    }
    after, _ = promoted(files, [ENGINE])
    assert after["user.py"] == files["user.py"].encode()
    assert after[INIT] == b"from core.feature import engine\n"


def test_source_roots_and_nested_lanes() -> None:
    lanes = (
        Lane("candidate", ("src/acme/candidate",), frozenset({"core"}), "core"),
        Lane("core", ("src/acme/core",), frozenset({"candidate"})),
    )
    files = tree(
        {
            "src/acme/candidate/a.py": "",
            "src/user.py": "import acme.candidate.a\nx = acme.candidate.a.x, acme.other.y\n"
            "import acme.other\n",
            "src/acme/other.py": "",
        }
    )
    workspace = workspace_of(files, settings_of(source_roots=("src",), lanes=lanes))
    moves = [FileMove("src/acme/candidate/a.py", "src/acme/core/a.py")]
    composed = compose(workspace, *lanes, moves, mentions_of(files), name="a")
    [write] = composed.promotion.writes
    assert write.content == (
        b"import acme.core.a\nx = acme.core.a.x, acme.other.y\nimport acme.other\n"
    )


def test_an_alias_of_the_configuration_is_refused_where_it_would_have_to_change() -> None:
    files = {
        "candidate/a.py": "",
        "user.py": "import c.a\n",
        "other.py": "from candidate.a import x\n",
    }
    with pytest.raises(Refused) as caught:
        promoted(files, ["candidate/a.py"], settings=settings_of(aliases=[("c", "candidate")]))
    assert (caught.value.path, caught.value.line) == ("user.py", 1)
    assert "alias" in caught.value.reason


def test_destinations_that_are_taken_or_differ_only_in_case_are_refused() -> None:
    with pytest.raises(Refused, match="is there already"):
        promoted({"candidate/a.py": "", "core/a.py": ""}, ["candidate/a.py"])
    with pytest.raises(Refused, match="only in case"):
        promoted({"candidate/a.py": "", "core/A.py": ""}, ["candidate/a.py"])


def test_a_moved_file_that_looks_beside_itself_is_noted() -> None:
    _, [promotion] = promoted(
        {"candidate/a.py": "import os\n\nHERE = os.path.dirname(__file__)\n"}, ["candidate/a.py"]
    )
    assert "candidate/a.py:3: __file__ depends on where the file is" in promotion.notes


def test_strings_outside_known_positions_are_listed() -> None:
    _, [promotion] = promoted(
        {"candidate/a.py": "", "user.py": "x = 1\ny = 'candidate.a.f'\n"}, ["candidate/a.py"]
    )
    assert [(e.path, e.line, e.column, e.text) for e in promotion.ledger] == [
        ("user.py", 2, 5, "candidate.a.f")
    ]


def test_a_broken_file_that_names_the_module_is_noted() -> None:
    _, [promotion] = promoted(
        {"candidate/a.py": "", "user.py": "def (:\npatch('candidate.a.f')\n"}, ["candidate/a.py"]
    )
    assert any("user.py does not parse: look at line 1" in note for note in promotion.notes)


def test_what_runs_on_import_is_said() -> None:
    _, [promotion] = promoted(
        {INIT: "", ENGINE: "", "core/feature/__init__.py": "", "core/__init__.py": ""}, [ENGINE]
    )
    assert "importing core.feature.engine no longer runs candidate/feature/__init__.py" in (
        promotion.notes
    )
    assert "importing core.feature.engine now runs core/feature/__init__.py" in promotion.notes


def test_kinds_stay() -> None:
    user = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from candidate import a, b\n"
        "try:\n    from candidate import a, b\nexcept ImportError:\n    a = None\n"
        "def f():\n    from candidate import a, b\n"
    )
    files = tree({"candidate/a.py": "", "candidate/b.py": "", "user.py": user})
    workspace = workspace_of(files)
    composed = compose_on(workspace, mentions_of(files), ["candidate/a.py"])
    kinds = {
        (raw.module, raw.names, raw.kind, raw.optional)
        for raw in composed.records["user.py"].imports
    }
    for module, name in (("candidate", "b"), ("core", "a")):
        for kind, optional in (("typing", False), ("eager", True), ("deferred", False)):
            assert (module, (name,), kind, optional) in kinds


def test_a_refusal_leaves_the_workspace_as_it_was() -> None:
    files = tree(
        {
            "candidate/a.py": "",
            "candidate/b.py": "",
            "user.py": "import candidate.a; candidate.x\n",
        }
    )
    workspace = workspace_of(files)
    before = (workspace.table, dict(workspace.records), set(workspace.tracked))
    with pytest.raises(Refused):
        compose_on(workspace, mentions_of(files), ["candidate/a.py"])
    assert (workspace.table, workspace.records, workspace.tracked) == before
    composed = compose_on(workspace, mentions_of(files), ["candidate/b.py"])
    assert composed.promotion.writes == ()


def test_a_stub_that_would_hide_what_the_package_around_binds_is_refused() -> None:
    files = {
        "candidate/p/__init__.py": "from candidate.p import q\n",
        "candidate/p/q/__init__.py": "",
        "candidate/p/q/c.py": "",
    }
    with pytest.raises(Refused) as caught:
        promoted(files, ["candidate/p/q/__init__.py"])
    assert (caught.value.path, caught.value.line) == ("candidate/p/__init__.py", 1)
    after, _ = promoted(files, ["candidate/p/q/__init__.py", "candidate/p/q/c.py"])
    assert after["candidate/p/__init__.py"] == b"from core.p import q\n"


def test_a_made_package_that_would_hide_what_the_package_around_binds_is_refused() -> None:
    files = {
        "candidate/p/__init__.py": "from candidate.p import q\n",
        "candidate/p/q/__init__.py": "",
        "candidate/p/q/c.py": "",
        "core/__init__.py": "",
    }
    with pytest.raises(Refused, match=r"core\.p\.q"):
        promoted(files, ["candidate/p/q/c.py"], ["candidate/p/__init__.py"])
    with pytest.raises(Refused, match=r"core\.p\.q"):
        promoted(files, ["candidate/p/__init__.py"], ["candidate/p/q/c.py"])


def test_a_stub_that_is_named_somewhere_goes_all_the_same() -> None:
    files = {
        "candidate/__init__.py": "",
        "candidate/p/__init__.py": "",
        "candidate/p/a.py": "import candidate.p as n\n",
        "user.py": "import candidate.p as n\nn.x\n",
    }
    after, _ = promoted(files, ["candidate/p/__init__.py"], ["candidate/p/a.py"])
    assert "candidate/p/__init__.py" not in after


def test_a_missing_submodule_of_a_moved_package_stays_as_it_is_written() -> None:
    user = (
        "from importlib import import_module\n"
        "from unittest.mock import patch\n"
        "def f():\n"
        "    import_module('candidate.p.missing')\n"
        "    patch('candidate.p.missing.x')\n"
        "    patch('candidate.p.there.x')\n"
    )
    after, _ = promoted(
        {"candidate/p/__init__.py": "there = 1\n", "user.py": user}, ["candidate/p/__init__.py"]
    )
    assert after["user.py"].decode() == user.replace("candidate.p.there", "core.p.there")


HALF_RUN = {
    "candidate/feature/__init__.py": b"from . import sub\n",
    "candidate/feature/util.py": b"X = 1\n",
    "candidate/feature/sub/__init__.py": b"from .m import y\n",
    "candidate/feature/sub/m.py": b"from candidate.feature.util import X\ny = X\n",
}


def test_a_module_that_runs_a_package_that_takes_names_from_it_does_not_leave_it() -> None:
    # `import core.feature.sub.m` would run candidate/feature/__init__.py, and that would come
    # back for a name that is not there yet.
    with pytest.raises(
        Refused, match=r"imported first, would run candidate\.feature → candidate\.feature\.sub"
    ) as refused:
        promoted(tree(HALF_RUN), ["candidate/feature/sub/m.py"])
    assert (refused.value.path, refused.value.line) == ("candidate/feature/sub/m.py", 1)


def test_it_leaves_with_the_package_or_where_the_import_waits() -> None:
    promoted(tree(HALF_RUN), list(HALF_RUN))
    later = HALF_RUN | {
        "candidate/feature/sub/m.py": (
            b"def y():\n    from candidate.feature.util import X\n    return X\n"
        )
    }
    promoted(tree(later), ["candidate/feature/sub/m.py"])

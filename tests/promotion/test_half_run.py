"""Modules that a promotion would let be found half run, of those that move and those that stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from lane_planner.config.settings import Lane
from lane_planner.executor.promote import advance
from lane_planner.promotion.compose import Composed, compose
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.values import FileMove, Promotion
from tests.promotion.trees import applied, mentions_of, settings_of, tree, workspace_of


def _promoted(
    files: Mapping[str, str],
    *steps: Sequence[str],
    source: str = "pkg",
    target: str = "core",
) -> list[Promotion]:
    """Promote files of a package that is a lane, step by step; return the promotions."""
    lanes = (
        Lane("candidate", (source,), frozenset({"core"}), "core"),
        Lane("core", (target,), frozenset({"candidate"})),
    )
    now = tree(files)
    workspace = workspace_of(now, settings_of(lanes=lanes))
    promotions = []
    for paths in steps:
        moves = [FileMove(path, target + path.removeprefix(source)) for path in paths]
        composed: Composed = compose(workspace, *lanes, moves, mentions_of(now), name="a")
        promotions.append(composed.promotion)
        now = applied(now, composed.promotion)
        advance(workspace, composed)
    return promotions


def _refused(files: Mapping[str, str], *steps: Sequence[str], target: str = "core") -> Refused:
    """Return why the last of some steps is refused."""
    with pytest.raises(Refused) as caught:
        _promoted(files, *steps, target=target)
    _promoted(files, *steps[:-1], target=target)
    return caught.value


INIT, USER, COMMON = "pkg/__init__.py", "pkg/user.py", "pkg/common.py"
STAYING = {
    INIT: "from pkg.user import User\n",
    USER: "from pkg.common import Base\n\n\nclass User(Base):\n    pass\n",
    COMMON: "class Base:\n    pass\n",
}


def test_what_stays_does_not_come_to_be_imported_while_it_is_under_way() -> None:
    for steps in ([[COMMON], [INIT]], [[INIT], [COMMON]], [[INIT, COMMON]]):
        refused = _refused(STAYING, *steps)
        assert (refused.path, refused.line) == (USER, 1)
        assert refused.reason == (
            "pkg.user, imported first, would run core, which takes User from it at "
            f"{INIT if len(steps) == 1 or steps[1] == [INIT] else 'core/__init__.py'}:1 before "
            "line 4 binds it: promote them together, or defer one of the two imports"
        )
    _promoted(STAYING, [COMMON])
    _promoted(STAYING, [INIT])
    _promoted(STAYING, [INIT, USER, COMMON])
    _promoted(STAYING, [COMMON], [USER], [INIT])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (INIT, "from .user import User\n"),
        (INIT, "from .user import *\nX = User\n"),
        (INIT, "import pkg.user\nX = pkg.user.User\n"),
        (INIT, "from pkg import user\nX = [user.User]\n"),
        (INIT, "import importlib\nimportlib.import_module('pkg.user')\nfrom .user import User\n"),
        (INIT, "if True:\n    from pkg.user import User\n"),
        (USER, "from .common import *\nclass User(Base): ...\n"),
        (USER, "import pkg.common\nclass User(pkg.common.Base): ...\n"),
        (USER, "try:\n    from pkg.common import Base\nfinally:\n    pass\nUser = Base\n"),
        (USER, "try:\n    from pkg.common import Base\nexcept KeyError:\n    pass\nUser = Base\n"),
        (USER, "class User:\n    from pkg.common import Base\n"),
        (USER, "import sys\nif sys.platform:\n    from .common import Base\nUser = Base\n"),
        (COMMON, "class Base:\n    pass\n\n\ndef __getattr__(name):\n    return Base\n"),
    ],
)
def test_it_is_refused_however_it_is_written(path: str, text: str) -> None:
    _refused(STAYING | {path: text}, [INIT, COMMON])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (INIT, "def f():\n    from pkg.user import User\n"),
        (INIT, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .user import User\n"),
        (INIT, "if __name__ == '__main__':\n    from pkg.user import User\n"),
        (INIT, "import pkg.user\n\n\ndef f():\n    return pkg.user.User\n"),
        (INIT, "from pkg import user\nf = lambda: user.User\n"),
        (INIT, "from __future__ import annotations\nfrom pkg import user\nx: user.User\n"),
        (USER, "class User: ...\nfrom pkg.common import Base\n"),
        (USER, "def __getattr__(name): ...\nfrom pkg.common import Base\nclass User: ...\n"),
        (USER, "class User:\n    def base(self):\n        from pkg.common import Base\n"),
    ],
)
def test_it_is_not_where_the_name_is_there_or_the_import_waits(path: str, text: str) -> None:
    [promotion] = _promoted(STAYING | {path: text}, [INIT, COMMON])
    assert not any("before line" in note for note in promotion.notes)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (
            INIT,
            "try:\n    from pkg.user import User\nexcept ImportError:\n    User = None\n",
            "the `try` around it catches that",
        ),
        (
            INIT,
            "from contextlib import suppress\nwith suppress(ImportError):\n"
            "    from pkg.user import User\n",
            "the `try` around it catches that",
        ),
        (
            USER,
            "import sys\nif sys.platform == 'x':\n    User = 1\nfrom pkg.common import Base\n"
            "class User(Base): ...\n",
            "look whether it is bound by then",
        ),
        (
            USER,
            "exec('User = 1')\nfrom pkg.common import Base\nclass User(Base): ...\n",
            "look whether it is bound by then",
        ),
        (
            USER,
            "def f():\n    global User\n    User = 1\nf()\nfrom pkg.common import Base\n"
            "class User(Base): ...\n",
            "look whether it is bound by then",
        ),
        (
            USER,
            "from os import *\nfrom pkg.common import Base\nclass User(Base): ...\n",
            "look whether it is bound by then",
        ),
    ],
)
def test_what_is_caught_or_cannot_be_told_is_noted(path: str, text: str, said: str) -> None:
    [promotion] = _promoted(STAYING | {path: text}, [INIT, COMMON])
    assert [note.rpartition(": ")[2] for note in promotion.notes if USER in note] == [said]


INSIDE = {INIT: "", "pkg/user.py": STAYING[USER], COMMON: STAYING[COMMON], "app.py": ""}


def test_packages_around_the_new_place_run_first_as_before() -> None:
    for init in ("from pkg.user import User\n", "from .user import *\nfrom .common import Base\n"):
        files = STAYING | {INIT: init}
        _promoted(files, [USER], target="pkg/promoted")
        _promoted(files, [USER], [COMMON], target="pkg/promoted")
        _promoted(files, [USER, COMMON], target="pkg/promoted")


def test_a_destination_whose_own_package_imports_what_stays() -> None:
    files = {
        INIT: "",
        "pkg/user.py": "from pkg.common import Base\n\n\nclass User(Base):\n    pass\n",
        COMMON: STAYING[COMMON],
        "core/__init__.py": "from pkg.user import User\n",
    }
    refused = _refused(files, [COMMON])
    assert (refused.path, refused.line) == (USER, 1)
    assert "would run core, which takes User from it at core/__init__.py:1" in refused.reason
    _promoted(files, [USER])
    _promoted(files | {"core/__init__.py": "import pkg.user\n"}, [COMMON])


def test_what_cannot_be_imported_first_already_is_no_reason() -> None:
    files = {
        INIT: "",
        "pkg/a.py": "from pkg.b import y\nx = 1\n",
        "pkg/b.py": "from pkg.a import x\ny = 1\n",
        COMMON: "import pkg.a\n",
        "core/__init__.py": "",
    }
    _promoted(files, [COMMON])


def test_an_order_that_only_a_package_left_behind_gives_is_missed() -> None:
    # other.a has to be the first of the two, and pkg/__init__.py sees to it.
    files = {
        INIT: "import other.a\n",
        COMMON: "from other.b import y\n",
        "other/a.py": "x = 1\nfrom other.b import y\n",
        "other/b.py": "from other.a import x\ny = 1\n",
        "core/__init__.py": "",
        "app.py": "import pkg.common\n",
    }
    refused = _refused(files, [COMMON])
    assert (refused.path, refused.line) == ("other/b.py", 1)
    assert refused.reason.startswith(
        "other.b, if core.common is imported first, would run other.a, which takes y from it at "
        "other/a.py:2 before line 2 binds it"
    )


def test_one_name_may_be_taken_under_two() -> None:
    files = {
        INIT: "from pkg.common import Base as One, Base as Two\nfrom pkg.user import User\n",
        USER: "from pkg import One, Two\n\n\nclass User(One, Two):\n    pass\n",
        COMMON: STAYING[COMMON],
    }
    refused = _refused(files, [COMMON], [USER])
    assert (refused.path, refused.line) == (USER, 1)
    assert "would run pkg, which takes User from it at pkg/__init__.py:2" in refused.reason


def test_a_package_may_bind_the_name_of_a_submodule() -> None:
    files = {
        INIT: "from other import late\n",
        "other/__init__.py": "def late(): ...\n",
        "other/late.py": "from pkg.user import User\n",
    }
    _promoted(STAYING | files, [INIT, COMMON])
    _promoted(STAYING | files | {INIT: "from other import *\n"}, [INIT, COMMON])
    unsure = {"other/__init__.py": "import sys\nif sys.platform == 'x':\n    late = 1\n"}
    for bound in ({"other/__init__.py": ""}, unsure):
        refused = _refused(STAYING | files | bound, [INIT, COMMON])
        assert "would run core → other.late, which takes User from it" in refused.reason


def test_a_relative_name_means_another_module_from_another_package() -> None:
    text = "import importlib\n" + "".join(
        f"importlib.import_module('.middle', '{package}')\n" for package in ("other", "pkg")
    )
    files = {
        "other/__init__.py": "",
        "other/middle.py": "",
        "pkg/middle.py": "from pkg.user import User\n",
    }
    refused = _refused(STAYING | files | {INIT: text}, [INIT, COMMON])
    assert "would run core → pkg.middle, which takes User from it" in refused.reason


@pytest.mark.parametrize("form", ["import pkg.z{}\n", "from pkg.z{} import *\n"])
def test_a_circle_may_be_longer_than_python_recurses(form: str) -> None:
    size = 1200
    files = {f"pkg/z{i}.py": form.format(i + 1) for i in range(size)}
    files[USER] = f"{form.format(0)}\n\nclass User:\n    pass\n"
    files[f"pkg/z{size}.py"] = "import pkg.common\n"
    refused = _refused(STAYING | files, [INIT, COMMON])
    assert (refused.path, refused.line) == (USER, 1)
    assert "pkg.z1199 → pkg.z1200 → core, which takes User from it" in refused.reason


def test_a_package_is_not_found_by_its_name_in_another_one_before_its_end() -> None:
    files = {INIT: "import pkg.user\nX = pkg.user.User\n", USER: "class User: ...\n"}
    moving = [INIT, USER]
    refused = _refused(files, moving, target="core/promoted")
    assert (refused.path, refused.line) == (INIT, 2)
    assert refused.reason == (
        "core.promoted uses itself by that name while it is run, and would not be found: "
        "import what it uses with `from` first"
    )
    _promoted(files, moving)
    for text in ("from pkg import user\nX = user.User\n", "import pkg.user as u\nX = u.User\n"):
        _promoted(files | {INIT: text}, moving, target="core/promoted")
    _promoted(
        files | {INIT: "import pkg.user\n\n\ndef f(): return pkg.user\n"},
        moving,
        target="core/promoted",
    )


def test_a_star_import_takes_what_is_there() -> None:
    files = {
        INIT: "from .facade import User\n",
        "pkg/facade.py": "from pkg.user import *\n",
        USER: STAYING[USER],
        COMMON: STAYING[COMMON],
    }
    refused = _refused(files, [INIT, COMMON])
    assert (refused.path, refused.line) == ("pkg/facade.py", 1)
    assert "which takes User from it at pkg/__init__.py:1 before it is there" in refused.reason
    listed = {INIT: "from pkg.user import *\n", USER: "__all__ = ['User']\n" + STAYING[USER]}
    refused = _refused(STAYING | listed, [INIT, COMMON])
    assert "which takes User from it at pkg/__init__.py:1 before line 5 binds it" in refused.reason
    _promoted(STAYING | {INIT: "from pkg.user import *\n"}, [INIT, COMMON])


NODES = {
    INIT: "from pkg.nodes.expr import Param\n",
    "pkg/nodes/__init__.py": "",
    "pkg/nodes/expr.py": "class Param: ...\n",
    "pkg/helpers/__init__.py": "",
    "pkg/helpers/x.py": "def f(): return 1\n",
    "user.py": "import pkg as p\nfrom pkg.helpers.x import f\nkind = p.nodes.expr.Param\n",
}


def test_what_a_package_that_stays_loads_is_reached_as_before() -> None:
    _promoted(NODES, ["pkg/helpers/x.py"], source="pkg/helpers")
    further = {INIT: "import pkg.more\n", "pkg/more.py": "import pkg.nodes.expr\n"}
    _promoted(NODES | further, ["pkg/helpers/x.py"], source="pkg/helpers")
    moved = {"pkg/helpers/x.py": "import pkg as p\ndef f(): return p.nodes.expr.Param\n"}
    _promoted(NODES | moved, ["pkg/helpers/x.py"], source="pkg/helpers")


def test_what_only_the_package_that_is_left_loads_is_not() -> None:
    files = NODES | {
        INIT: "",
        "pkg/helpers/__init__.py": "import pkg.nodes.expr\n",
        "pkg/helpers/x.py": "def f(): return 1\n",
    }
    with pytest.raises(
        Refused, match=r"p\.nodes\.expr\.Param reaches pkg\.nodes without"
    ) as caught:
        _promoted(files, ["pkg/helpers/x.py"], source="pkg/helpers")
    assert (caught.value.path, caught.value.line) == ("user.py", 3)
    files["user.py"] = "import pkg\nfrom pkg.helpers.x import f\nkind = pkg.nodes\n"
    with pytest.raises(Refused, match=r"pkg\.nodes is used here without importing it: add"):
        _promoted(files, ["pkg/helpers/x.py"], source="pkg/helpers")

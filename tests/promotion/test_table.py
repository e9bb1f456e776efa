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


PUT_TOGETHER = {
    # What is put together, in app/user.py, and whether it may name candidate.feature.engine.
    "f'candidate.{x}.engine'": True,
    "f'app.{x}.engine'": False,
    "f'{x}.engine'": True,
    "f'{x}.feature.{y}'": True,
    "f'{x}.run'": False,
    "f'{x}.gine'": False,
    "f'{x}gine'": True,
    "f'candidate.feature.{x}'": True,
    "f'candidate.feature.engine_{x}'": False,
    "f'candidate.feature.engine{x}'": True,
    "f'app.{x}'": False,
    "f'candidate.{x!s}'": True,
    "f'candidate.{x!r}'": True,
    "f'candidate.{\"feature\"}.engine'": True,
    "f'candidate.{\"future\"}.engine'": False,
    "'candidate.' + x": True,
    "'candid' + 'ate.' + x + '.engine'": True,
    "x + '.engine'": True,
    "x + '.engines'": False,
    "'candidate.' + 'feature.engine'": True,
    "'candidate.' + 'feature.engines'": False,
    "'candidate.%s' % x": True,
    "'%s.engine' % x": True,
    "'%s.engine' % 'candidate.feature'": True,
    "'%s.engine' % 'candidate.future'": False,
    "'%(a)s.%(b)s.engine' % {'a': 'candidate', 'b': x}": True,
    "'%(a)s.%(b)s.engine' % {'a': 'core', 'b': x}": False,
    "'%s.%s.engine' % ('candidate', x)": True,
    "'%s.%s.engine' % ('app', x)": False,
    "'candidate.%02d.%s' % x": True,
    "'100%%.%s' % x": False,
    "'candidate.{}'.format(x)": True,
    "'{}.{}.engine'.format('candidate', x)": True,
    "'{1}.{0}.engine'.format('feature', 'candidate')": True,
    "'{1}.{0}.engine'.format('candidate', 'feature')": False,
    "'{a}.feature.{b.c}'.format(a='candidate', b=x)": True,
    "'{a}.feature.{b}'.format(a='app', b=x)": False,
    "'candidate.{'.format(x)": False,
    "'.'.join(['candidate', 'feature', 'engine'])": True,
    "'.'.join(('candidate', x))": True,
    "'.'.join(['candidate', *x, 'engine'])": True,
    "'.'.join(['app', *x, 'engine'])": False,
    "'candidate.feature.' + x if x else 'app.' + x": True,
    "'app.' + (x or 'engine')": False,
    "'candidate.feature.' + (x or 'engine')": True,
    "str('candidate.feature.' + x)": True,
    "(y := 'candidate.' + x)": True,
    "__name__ + '.engine'": False,
    "f'{x.__name__}.engine'": True,
    "x": False,
    "x.y['z']": False,
    "'app.other'": False,
}  # fmt: skip
_SAID = "is given a name that is put together: it may be candidate.feature.engine"


@pytest.mark.parametrize("argument", PUT_TOGETHER)
@pytest.mark.parametrize("call", ["import_module", "patch", "monkeypatch.setattr", "find_spec"])
def test_26_what_is_put_together_is_listed_where_it_can_match(call: str, argument: str) -> None:
    notes = _notes(BASE | {"app/user.py": f"import os\n\n{call}({argument})\n"}, ENGINE)
    expected = [f"app/user.py:3: {call} {_SAID}"] if PUT_TOGETHER[argument] else []
    assert [note for note in notes if "put together" in note] == expected


WHEREVER = [
    # A line that puts a name together, and what is given it.
    ("sys.modules['candidate.' + x]", "sys.modules"),
    ("sys.modules.pop(f'candidate.{x}', None)", "sys.modules.pop"),
    ("assert 'candidate.' + x not in sys.modules", "sys.modules"),
    ("patch.dict(sys.modules, {'candidate.' + x: None})", "patch.dict"),
    ("patch.dict('sys.modules', {'candidate.' + x: None})", "patch.dict"),
    ("monkeypatch.setitem(sys.modules, f'candidate.{x}', None)", "monkeypatch.setitem"),
    ("patch(\n    f'candidate.{x}')", "patch"),
    ("assert f'candidate.{x}' in sys.modules", "sys.modules"),
    ("importlib.import_module(package=y, name='candidate.' + x)", "importlib.import_module"),
    ("mocker.patch(target=f'candidate.{x}')", "mocker.patch"),
    ("pytest.importorskip('candidate.' + x)", "pytest.importorskip"),
    ("pkgutil.resolve_name('candidate.%s' % x)", "pkgutil.resolve_name"),
    ("__import__('candidate.' + x)", "__import__"),
    ("importlib.import_module('.' + x, 'candidate.feature')", "importlib.import_module"),
    ("importlib.import_module(f'..{x}.engine', 'candidate.other')", "importlib.import_module"),
    ("importlib.import_module(f'.{x}.engine', y)", "importlib.import_module"),
    ("from importlib import import_module as im; im('candidate.' + x)", "im"),
]


@pytest.mark.parametrize(("line", "call"), WHEREVER)
def test_26_wherever_a_module_is_named(line: str, call: str) -> None:
    notes = _notes(BASE | {"app/user.py": f"import importlib, sys\n{line}\n"}, ENGINE)
    assert [n for n in notes if "put together" in n] == [f"app/user.py:2: {call} {_SAID}"]


def test_26_what_starts_from_the_file_itself() -> None:
    text = (
        "from importlib import import_module\n"
        "import_module(f'{__name__}.{x}')\n"
        "import_module('.' + x, __package__)\n"
        "import_module(__package__ + '.' + x)\n"
        "import_module(__name__)\n"
    )
    lines = {
        INIT: ["2", "3", "4"],
        "candidate/feature/helper.py": ["3", "4"],
        "candidate/other.py": ["3", "4"],  # x can be feature.engine
        "app/__init__.py": [],
    }
    for path, expected in lines.items():
        notes = _notes(BASE | {path: text}, ENGINE)
        assert [n.split(":")[1] for n in notes if "put together" in n] == expected
    # What a module says of its own name follows by itself.
    assert not any(
        "put together" in n
        for n in _notes(BASE | {ENGINE: text[:36] + "import_module(f'{__name__}')\n"}, ENGINE)
    )


def test_26_several_modules_are_one_line() -> None:
    user = "from importlib import import_module\nimport_module(f'candidate.{a}'); import_module('candidate.' + b)\n"
    notes = _notes(BASE | {"app/user.py": user}, ENGINE, "candidate/feature/helper.py")
    assert [n for n in notes if "put together" in n] == [
        f"app/user.py:2: import_module {_SAID} and 1 more"
    ]


def test_26_names_in_variables_are_listed_where_the_last_name_is_quoted() -> None:
    user = "from importlib import import_module\nNAME = 'candidate.feature.engine'\n"
    for call, expected in (
        ("import_module(NAME)", 1),
        ("patch(f'{NAME}.run')", 1),
        ("patch(NAME)", 0),
        ("sys.modules[__name__]", 0),
    ):
        notes = _notes(BASE | {"app/user.py": f"{user}{call}\n"}, ENGINE)
        assert sum("put together" in n for n in notes) == expected


def test_26_what_was_rewritten_is_not_listed() -> None:
    user = "patch(f'candidate.feature.engine.{x}'); patch('candidate.feature.engine.' + x)\n"
    assert not any("put together" in n for n in _notes(BASE | {"app/user.py": user}, ENGINE))


def test_26_an_alias_of_the_configuration_names_it_too() -> None:
    files = BASE | {"app/user.py": "patch('c.feature.' + x); patch('d.feature.' + x)\n"}
    _, [promotion] = promoted(files, [ENGINE], settings=settings_of(aliases=[("c", "candidate")]))
    assert [n for n in promotion.notes if "put together" in n] == [f"app/user.py:1: patch {_SAID}"]


def test_26_only_what_is_no_import_can_name_something_in_a_module() -> None:
    user = (
        "import_module(f'candidate.{x}.run')\nsys.modules['candidate.%s.run' % x]\n"
        "patch(f'candidate.{x}.run')\nimport_module(f'{x}.engine.{y}')\npatch(f'{x}.engine.{y}')\n"
    )
    for engine, lines in (
        (ENGINE, ["3", "5"]),
        ("candidate/feature/engine/__init__.py", ["1", "2", "3", "4", "5"]),
    ):
        files = {"candidate/feature/__init__.py": "", engine: "", "app/user.py": user}
        notes = _notes(dict(files), engine)
        assert [n.split(":")[1] for n in notes if "put together" in n] == lines


def test_26_a_file_that_does_not_parse_is_listed_for_the_quoted_name() -> None:
    user = "from importlib import import_module; x = (]\nimport_module('candidate.' + 'engine')\n"
    assert f"app/user.py:2: import_module {_SAID}" in _notes(BASE | {"app/user.py": user}, ENGINE)


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


_DEEPER = (
    Lane("candidate", ("candidate",), frozenset({"core"}), "core"),
    Lane("core", ("src/core",)),
)


def _deeper(files: dict[str, str | bytes], *moving: str) -> Promotion:
    """Promote files to a lane one directory further down."""
    held = tree(files)
    workspace = workspace_of(held, settings_of(source_roots=("src", "."), lanes=_DEEPER))
    moves = [FileMove(path, f"src/core{path.removeprefix('candidate')}") for path in moving]
    return compose(workspace, *_DEEPER, moves, mentions_of(held), name="a").promotion


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ROOT = Path(__file__).resolve().parents[2]", 1),
        ("ROOT = Path(__file__).resolve().parents[1]", 1),
        ("ROOT = Path(__file__).parent.parent", 1),
        ("ROOT = os.path.dirname(os.path.dirname(__file__))", 1),
        ("ROOT = os.path.join(os.path.dirname(__file__), '..', 'data')", 1),
        ("ROOT = os.path.join(os.path.dirname(__file__), os.pardir)", 1),
        ("ROOT = os.path.abspath(os.path.join(__file__, '../..'))", 1),
        ("ROOT = os.path.join(os.path.dirname(__file__), *[os.pardir] * 2)", 1),
        ("ROOT = os.path.dirname(__file__) + '/../data'", 1),
        ("ROOT = f'{os.path.dirname(__file__)}/../data'", 1),
        ("ROOT = Path(__file__, '..', '..')", 1),
        ("ROOT = Path(__file__).parent.joinpath('..')", 1),
        ("ROOT = Path(__file__).with_name('x').parent.parent", 1),
        ("ROOT = os.path.split(os.path.split(__file__)[0])[0]", 1),
        ("ROOT = __file__.rsplit('/', 2)[0]", 1),
        ("ROOT = os.sep.join(__file__.split(os.sep)[:-2])", 1),
        ("HERE = Path(__file__).parent\nROOT = (HERE\n        / '..' / 'x')", 2),
        ("HERE = Path(__file__).parent\n\nROOT = HERE.parent", 3),
        ("d = __file__\nd = os.path.dirname(d)\nd = os.path.dirname(d)", 3),
        ("HERE: Path = Path(__file__).parent\ndef f():\n    return open(HERE.parent / 'x')", 3),
        ("def f():\n    return HERE.parent\nHERE = Path(__file__).parent", 2),
        ("class C:\n    def f(self):\n        self.d = Path(__file__).parent\n        return self.d.parent", 4),
        ("def f(here=Path(__file__).parent):\n    return here.parent", 2),
        ("if x:\n    d = Path(__file__).parent\nelse:\n    d = y\nz = d.parent", 5),
        ("try:\n    d = y\nexcept E:\n    d = Path(__file__).parent\nz = d.parent", 5),
        ("with x as y:\n    z = (d := Path(__file__).parent).parent", 2),
        ("z = [p.parent for p in [Path(__file__).parent.parent]]", 1),
        ("n = 2\nROOT = Path(__file__).parents[n]", 2),
        ("for p in Path(__file__).parents:\n    pass", 1),
        ("d = os.path.dirname(__file__)\nfor _ in range(3):\n    d = os.path.dirname(d)", 3),
        ("ROOT = os.path.dirname(__path__[0])", 1),
        ("ROOT = Path(__spec__.origin).parent.parent  # __file__", 1),
        ("print 'x'\nROOT = Path(__file__).parent.parent", 2),
    ],
)  # fmt: skip
def test_27_counting_directories_upwards_is_refused_at_another_depth(text: str, line: int) -> None:
    with pytest.raises(Refused, match="at another depth") as caught:
        _deeper({"candidate/a.py": text}, "candidate/a.py")
    assert (caught.value.path, caught.value.line) == ("candidate/a.py", line)
    same = _notes({"candidate/a.py": text}, "candidate/a.py")
    assert any("__file__" in note or "__path__" in note for note in same)


@pytest.mark.parametrize(
    "text",
    [
        "HERE = Path(__file__).parent / 'x' / '..' / 'y'",
        "HERE = Path(__file__).resolve().parents[0]",
        "HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'x', name)",
        "NAME = Path(__file__).stem.parent.parent",
        "NAME = os.path.basename(__file__) + '..'",
        "NAME = __file__.split('/')[-1]",
        "import other\nROOT = os.path.dirname(os.path.dirname(other.__file__))",
        "# Path(__file__).parent.parent\nHERE = '__file__ .. '",
        "d = os.path.dirname(__file__)\nd = other()\nz = os.path.dirname(d)",
        "d = Path(__file__).parent\ndef f(d):\n    return d.parent",
        "d = Path(__file__).parent\nfrom x import d\nz = d.parent",
        "HERE = (Path(__file__) / '..').name",
    ],
)
def test_27_looking_beside_itself_is_noted_only(text: str) -> None:
    promotion = _deeper({"candidate/a.py": text}, "candidate/a.py")
    assert any("__file__ depends on where the file is" in note for note in promotion.notes)


def test_27_looking_up_within_what_moves_along_is_noted_only() -> None:
    files: dict[str, str | bytes] = {
        "candidate/p/__init__.py": "",
        "candidate/p/q/__init__.py": "",
        "candidate/p/q/a.py": "from pathlib import Path\nTOP = Path(__file__).parent.parent\n",
        "candidate/p/data.json": "{}",
    }
    promotion = _deeper(files, *files)
    assert "candidate/p/q/a.py:2: __file__ depends on where the file is" in promotion.notes
    with pytest.raises(Refused, match="at another depth"):
        _deeper(files, *(path for path in files if not path.endswith("json")))
    beyond = files | {"candidate/p/q/a.py": "TOP = Path(__file__).parents[2]\n"}
    with pytest.raises(Refused, match="at another depth"):
        _deeper(beyond | {"candidate/other.py": ""}, *beyond)


def test_27_a_module_that_is_loaded_by_its_path_is_named() -> None:
    user = (
        "from importlib.util import spec_from_file_location as s, spec_from_file_location\n"
        "spec_from_file_location('x', 'candidate/feature/engine.py')\n"
        "spec_from_file_location('x', location=Path('./candidate/feature/engine.py'))\n"
        "spec_from_file_location('x', 'candidate/feature/engine_v2.py')\n"
        "open('candidate/feature/engine.py')\n"
    )
    notes = _notes(
        BASE | {"app/user.py": user, "app/other.py": "x = 'candidate/feature/engine.py'\n"}, ENGINE
    )
    assert [note for note in notes if "spec_from_file_location" in note] == [
        f"app/user.py:{line}: spec_from_file_location loads {ENGINE}, "
        "which becomes core/feature/engine.py"
        for line in (2, 3)
    ]


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

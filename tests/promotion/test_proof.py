"""The proof of a rewritten file refuses whatever is not the old file with modules renamed."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from lane_planner.promotion.imports import Place
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.proof import Version, prove_names
from lane_planner.promotion.text import SourceText
from lane_planner.scan.modules import ModuleTable, name_modules
from lane_planner.scan.source import scan_source

_PATHS = (
    "candidate/x.py",
    "candidate/y.py",
    "candidate/p/__init__.py",
    "candidate/p/q.py",
    "user.py",
)
_RENAMED = {"candidate.x": "core.x", "candidate.p": "core.p"}
_TABLE: ModuleTable = name_modules(_PATHS, (".",), ())


def _prove(before: str, after: str) -> None:
    versions = [Version(SourceText(t.encode()), scan_source(t.encode())) for t in (before, after)]
    user = _TABLE.by_path["user.py"]
    prove_names(versions[0], versions[1], Place(user, user), _TABLE, _RENAMED)


HOLDING = {
    "from": ("from candidate.x import f\n", "from core.x import f\n"),
    "from package as": ("from candidate import x as n\n", "from core import x as n\n"),
    "split": (
        "from candidate import x, y as n\nz = 1\n",
        "from candidate import y as n\nfrom core import x\nz = 1\n",
    ),
    "a submodule that stays": (
        "from candidate.p import q, f\n",
        "from candidate.p import q\nfrom core.p import f\n",
    ),
    "a first name with its uses": (
        "import candidate.x\ndef f(a=candidate.x.g):\n    return [candidate.x.h for _ in a]\n",
        "import core.x\ndef f(a=core.x.g):\n    return [core.x.h for _ in a]\n",
    ),
    "a first name that another import keeps": (
        "import candidate.x, candidate.y\nz = candidate.x.f(candidate.y.f)\n",
        "import core.x, candidate.y\nz = core.x.f(candidate.y.f)\n",
    ),
    "a parameter of the new first name elsewhere": (
        "import candidate.x\ndef f(core):\n    return core.y\nz = candidate.x.f\n",
        "import core.x\ndef f(core):\n    return core.y\nz = core.x.f\n",
    ),
    "a chain in an f-string and in an annotation": (
        "import candidate.x\nz: 'list[candidate.x.T]' = f'{candidate.x.f!r}'\n",
        "import core.x\nz: 'list[core.x.T]' = f'{core.x.f!r}'\n",
    ),
    "strings": (
        "patch('candidate.x.f'); patch(f'candidate.x.{n}'); load('.x', 'candidate')\n",
        "patch('core.x.f'); patch(f'core.x.{n}'); load('core.x', 'candidate')\n",
    ),
    "statement by statement": (
        "def f(:\n    from candidate import x, y  # c\nz = 1\n",
        "def f(:\n    from candidate import y  # c\n    from core import x\nz = 1\n",
    ),
}


@pytest.mark.parametrize("name", HOLDING)
def test_a_rewriting_that_holds_is_taken(name: str) -> None:
    _prove(*HOLDING[name])


class Failing(NamedTuple):
    """A rewriting that must not pass: the line in the text before, and words of the reason."""

    before: str
    after: str
    line: int
    reason: str


FAILING = {
    "another bound name": Failing(
        "from candidate.x import f as g\n", "from core.x import f as h\n", 1, "core.x.f"
    ),
    "another module": Failing("z = 1\nimport candidate.x as n\n", "z = 1\nimport core.y as n\n", 2, ""),
    "a lost name": Failing(
        "from candidate import x, y\n", "from candidate import y\n", 1, "not there"
    ),
    "a lost statement": Failing("z = 1\nimport candidate.x as n\n", "z = 1\n", 2, "not there"),
    "a new statement": Failing(
        "import candidate.x as n\n", "import core.x as n\nimport sys\n", 1, "new"
    ),
    "imports in another order": Failing("import sys\nimport os\n", "import os\nimport sys\n", 1, "sys"),
    "an import in another block": Failing(
        "if a:\n    b\n    from candidate import x\n",
        "if a:\n    b\nfrom core import x\n", 1, "new",
    ),
    "another attribute": Failing("n.f(\n  n.g)\n", "n.f(\n  n.h)\n", 2, "n.g became n.h"),
    "another string": Failing("z = 'candidate.y'\n", "z = 'core.y'\n", 1, "became"),
    "another number": Failing("z = 1\n", "z = True\n", 1, "became"),
    "another operator": Failing("z = a + b\n", "z = a - b\n", 1, "something else"),
    "another parameter": Failing("def f(a): pass\n", "def f(b): pass\n", 1, "became"),
    "a decorator less": Failing("@a\n@b\ndef f(): pass\n", "@b\ndef f(): pass\n", 3, "more or less"),
    "names in __all__": Failing("__all__ = ['candidate.x']\n", "__all__ = ['core.x']\n", 1, "__all__"),
    "a file that does not parse any more": Failing("z = 1\n", "z = (\n", 1, "parse"),
    "a use of the first name without an import": Failing(
        "import candidate.x\ncandidate.y.f()\n", "import core.x\ncandidate.y.f()\n", 1, "candidate"
    ),
    "a local variable of the new first name": Failing(
        "import candidate.x\ndef f(core):\n    return candidate.x.f\n",
        "import core.x\ndef f(core):\n    return core.x.f\n", 3, "core",
    ),
    "a local variable hidden by the new import": Failing(
        "def f(core):\n    import candidate.x\n    return core\n",
        "def f(core):\n    import core.x\n    return core\n", 2, "core",
    ),
    "a global taken for the new import": Failing(
        "from app import core\ndef f():\n    import candidate.x\n    return core\n",
        "from app import core\ndef f():\n    import core.x\n    return core\n", 3, "core",
    ),
    "a builtin or star name taken for the new import": Failing(
        "import candidate.x\nz = core\n", "import core.x\nz = core\n", 1, "core"
    ),
    "a quoted use of a name that is something else too": Failing(
        "import candidate.x\nz: 'candidate.x.T'\ndef f(core): pass\n",
        "import core.x\nz: 'core.x.T'\ndef f(core): pass\n", 2, "core",
    ),
    "a line without an import, where the file does not parse": Failing(
        "def f(:\nz =  1\n", "def f(:\nz = 1\n", 1, "a line without"
    ),
    "a word outside imports, where the file does not parse": Failing(
        "def f(:\nz = 1; import a\n", "def f(:\nz = 2; import a\n", 1, "outside"
    ),
    "a first name, where the file does not parse": Failing(
        "def f(:\nimport candidate.x\n", "def f(:\nimport core.x\n", 2, "first name"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILING)
def test_a_rewriting_that_changes_more_is_refused(name: str) -> None:
    before, after, line, reason = FAILING[name]
    with pytest.raises(Refused) as caught:
        _prove(before, after)
    assert (caught.value.path, caught.value.line) == ("user.py", line)
    assert reason in caught.value.reason

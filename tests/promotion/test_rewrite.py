"""How files follow a move, byte for byte: each row moves candidate.feature.engine to core.

The number in front of a row's name is that of its kind in docs/architecture.md, "What follows".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from lane_planner.promotion.naming import Refused
from tests.promotion.trees import promoted, tree

ENGINE = "candidate/feature/engine.py"
BASE: dict[str, str | bytes] = {
    "candidate/__init__.py": "",
    "candidate/feature/__init__.py": "",
    ENGINE: "VALUE = 1\n\n\ndef run():\n    return VALUE\n",
    "candidate/feature/helper.py": "VALUE = 2\n",
    "candidate/feature/engine_v2.py": "VALUE = 3\n",
    "core/__init__.py": "",
    "core/feature/__init__.py": "",
}


class Follows(NamedTuple):
    """A file before and after the move."""

    name: str
    before: str | bytes
    after: str | bytes
    path: str = "app/user.py"


def _same(name: str, text: str | bytes, path: str = "app/user.py") -> Follows:
    return Follows(name, text, text, path)


# None of these names the module in a type comment.
_NO_TYPE_COMMENTS = (
    "x = 1  # type: ignore[candidate.feature.engine]\n"
    "x = 1  # type: the kind of candidate.feature.engine.T\n"
    "x = 1  # type: (t := candidate.feature.engine.T)\n"
    "x = 1  # Type: candidate.feature.engine.T\n"
    "# type: candidate.feature.engine.T\n"
    "x: int = 1  # type: candidate.feature.engine.T\n"
    "x = '# type: candidate.feature.engine.T'\n"
    "x = 1  # type: Literal['candidate.feature.engine']\n"
    "def f(candidate):\n    x = 1  # type: candidate.feature.engine.T\n"
)

FOLLOWS = [
    # Absolute forms.
    Follows(
        "7 import with its uses",
        "import candidate.feature.engine\n\nx = candidate.feature.engine.run()\n",
        "import core.feature.engine\n\nx = core.feature.engine.run()\n",
    ),
    Follows(
        "6 import as",
        "import candidate.feature.engine as e\ne.run()\n",
        "import core.feature.engine as e\ne.run()\n",
    ),
    Follows(
        "10 from module",
        "from candidate.feature.engine import run, VALUE as v\n",
        "from core.feature.engine import run, VALUE as v\n",
    ),
    Follows(
        "10 from package",
        "from candidate.feature import engine\nengine.run()\n",
        "from core.feature import engine\nengine.run()\n",
    ),
    Follows(
        "10 from package as",
        "from candidate.feature import engine as e\n",
        "from core.feature import engine as e\n",
    ),
    Follows("12 star", "from candidate.feature.engine import *\n", "from core.feature.engine import *\n"),
    Follows(
        "18 several in one import",
        "import os, candidate.feature.engine, sys\ncandidate.feature.engine.run()\n",
        "import os, core.feature.engine, sys\ncore.feature.engine.run()\n",
    ),
    Follows(
        "7 another import goes on binding the first name",
        "import candidate.feature.engine\nimport candidate.feature.helper\n"
        "candidate.feature.engine.run(candidate.feature.helper.VALUE)\n",
        "import core.feature.engine\nimport candidate.feature.helper\n"
        "core.feature.engine.run(candidate.feature.helper.VALUE)\n",
    ),
    _same("9 prefixes are other modules", "import candidate.feature.engine_v2\n"
          "from candidate.feature import engine_v2\ncandidate.feature.engine_v2.VALUE\n"),
    _same("9 a module of the same last name", "from app import engine\nengine.run()\n"),
    _same("10 the package, not the module", "from candidate import feature\nfeature.helper\n"),
    # Mixed names.
    Follows(
        "4 mixed names are split in place",
        "from candidate.feature import engine, helper\nx = 1\n",
        "from candidate.feature import helper\nfrom core.feature import engine\nx = 1\n",
    ),
    Follows(
        "4 mixed, the last one moves",
        "from candidate.feature import helper, engine\n",
        "from candidate.feature import helper\nfrom core.feature import engine\n",
    ),
    Follows(
        "4 mixed, the middle one moves",
        "from candidate.feature import helper, engine, engine_v2\n",
        "from candidate.feature import helper, engine_v2\nfrom core.feature import engine\n",
    ),
    Follows(
        "4 mixed with as",
        "from candidate.feature import engine as e, helper as h\n",
        "from candidate.feature import helper as h\nfrom core.feature import engine as e\n",
    ),
    Follows(
        "4 mixed in parentheses with a trailing comma",
        "from candidate.feature import (\n    engine,\n    helper,\n)\n",
        "from candidate.feature import (\n    helper,\n)\nfrom core.feature import engine\n",
    ),
    Follows(
        "4 mixed with comments between the names",
        "from candidate.feature import (  # all\n    helper,  # h\n    engine,  # e\n)\n",
        "from candidate.feature import (  # all\n    helper,  # h\n      # e\n)\n"
        "from core.feature import engine\n",
    ),
    Follows(
        "4 mixed over a backslash",
        "from candidate.feature import engine, \\\n    helper\n",
        "from candidate.feature import helper\nfrom core.feature import engine\n",
    ),
    Follows(
        "4 all in parentheses move",
        "from candidate.feature import (\n    engine,  # e\n)\n",
        "from core.feature import (\n    engine,  # e\n)\n",
    ),
    Follows(
        "4 mixed with a comment behind",
        "from candidate.feature import engine, helper  # noqa: F401\n",
        "from candidate.feature import helper  # noqa: F401\nfrom core.feature import engine\n",
    ),
    Follows(
        "4 mixed before a semicolon",
        "from candidate.feature import engine, helper; x = 1\n",
        "from candidate.feature import helper; from core.feature import engine; x = 1\n",
    ),
    Follows(
        "4 mixed after a semicolon",
        "x = 1; from candidate.feature import engine, helper  # c\n",
        "x = 1; from candidate.feature import helper; from core.feature import engine  # c\n",
    ),
    Follows(
        "4 mixed behind a colon",
        "if True: from candidate.feature import engine, helper\n",
        "if True: from candidate.feature import helper; from core.feature import engine\n",
    ),
    # Blocks and layout.
    Follows(
        "5 blocks of all kinds",
        "try:\n    from candidate.feature import engine\nexcept ImportError:\n    engine = None\n"
        "def f():\n\tfrom candidate.feature.engine import run; return run\n"
        "if x: import candidate.feature.engine as e\n"
        "class C:\n    from candidate.feature import engine, helper\n"
        "with open(x) as y:\n    import candidate.feature.engine as g\n",
        "try:\n    from core.feature import engine\nexcept ImportError:\n    engine = None\n"
        "def f():\n\tfrom core.feature.engine import run; return run\n"
        "if x: import core.feature.engine as e\n"
        "class C:\n    from candidate.feature import helper\n    from core.feature import engine\n"
        "with open(x) as y:\n    import core.feature.engine as g\n",
    ),
    Follows(
        "15 the order stays",
        "import sys\nfrom candidate.feature.engine import run\nimport abc\n",
        "import sys\nfrom core.feature.engine import run\nimport abc\n",
    ),
    Follows(
        "13 docstring, future import and comments stay",
        '"""About things."""\n# c\nfrom __future__ import annotations\n\n'
        "from candidate.feature.engine import run  # noqa\n",
        '"""About things."""\n# c\nfrom __future__ import annotations\n\n'
        "from core.feature.engine import run  # noqa\n",
    ),
    Follows("13 no final newline", "from candidate.feature import engine, helper",
            "from candidate.feature import helper\nfrom core.feature import engine"),
    Follows("5 odd spaces", "from  candidate . feature   import   engine\n",
            "from  core.feature   import   engine\n"),
    Follows("13 tabs and form feeds", "\f\nif x:\n\t\ffrom candidate.feature import helper, engine\n",
            "\f\nif x:\n\t\ffrom candidate.feature import helper\n\t\ffrom core.feature import engine\n"),
    Follows("13 CRLF", b"x = 1\r\nfrom candidate.feature import engine, helper\r\ny = 2\r\n",
            b"x = 1\r\nfrom candidate.feature import helper\r\nfrom core.feature import engine\r\n"
            b"y = 2\r\n"),
    Follows("13 CR", b"x = 1\rfrom candidate.feature import engine, helper\ry = 2\r",
            b"x = 1\rfrom candidate.feature import helper\rfrom core.feature import engine\ry = 2\r"),
    Follows("13 mixed newlines", b"x = 1\r\nfrom candidate.feature import engine, helper\ny = 2\r\n",
            b"x = 1\r\nfrom candidate.feature import helper\nfrom core.feature import engine\n"
            b"y = 2\r\n"),
    Follows("13 byte order mark", b"\xef\xbb\xbffrom candidate.feature import engine\n",
            b"\xef\xbb\xbffrom core.feature import engine\n"),
    Follows("13 utf-8-sig cookie", b"# coding: utf-8-sig\nfrom candidate.feature import engine\n",
            b"# coding: utf-8-sig\nfrom core.feature import engine\n"),
    Follows("13 latin-1", b"# -*- coding: latin-1 -*-\ns = '\xe9'; import candidate.feature.engine\n"
            b"t = '\xe9', candidate.feature.engine.run()\n",
            b"# -*- coding: latin-1 -*-\ns = '\xe9'; import core.feature.engine\n"
            b"t = '\xe9', core.feature.engine.run()\n"),
    Follows("13 wide characters before a use",
            "import candidate.feature.engine\ns = 'é𝔸', candidate.feature.engine.run()\n",
            "import core.feature.engine\ns = 'é𝔸', core.feature.engine.run()\n"),
    # Chains.
    Follows("7 chains over lines and spaces",
            "import candidate.feature.engine\nx = (candidate\n     .feature .engine\n     .run())\n",
            "import core.feature.engine\nx = (core.feature.engine\n     .run())\n"),
    Follows("7 chains as targets, decorators, defaults, annotations and in f-strings",
            "import candidate.feature.engine\n"
            "candidate.feature.engine.VALUE = 2\n"
            "@candidate.feature.engine.run\n"
            "def f(a: candidate.feature.engine.T = candidate.feature.engine.VALUE) -> 'candidate.feature.engine.T':\n"
            "    return f'{candidate.feature.engine.run()}'\n",
            "import core.feature.engine\n"
            "core.feature.engine.VALUE = 2\n"
            "@core.feature.engine.run\n"
            "def f(a: core.feature.engine.T = core.feature.engine.VALUE) -> 'core.feature.engine.T':\n"
            "    return f'{core.feature.engine.run()}'\n"),
    Follows("5 import in a function",
            "def f():\n    import candidate.feature.engine\n"
            "    return [candidate.feature.engine.run() for _ in range(2)]\n",
            "def f():\n    import core.feature.engine\n"
            "    return [core.feature.engine.run() for _ in range(2)]\n"),
    Follows("8 a parameter of the new name elsewhere is no matter",
            "import candidate.feature.engine\ndef g(core):\n    return core\n"
            "y = candidate.feature.engine.run()\n",
            "import core.feature.engine\ndef g(core):\n    return core\n"
            "y = core.feature.engine.run()\n"),
    Follows("8 a local name of the old one elsewhere is no matter",
            "import candidate.feature.engine\ndef g(candidate):\n    return candidate.feature.engine\n",
            "import core.feature.engine\ndef g(candidate):\n    return candidate.feature.engine\n"),
    Follows("16 type checking and quoted annotations",
            "from typing import TYPE_CHECKING, cast\nif TYPE_CHECKING:\n"
            "    import candidate.feature.engine\nx: 'list[candidate.feature.engine.T]' = []\n"
            "y = cast('candidate.feature.engine.T', x)\n",
            "from typing import TYPE_CHECKING, cast\nif TYPE_CHECKING:\n"
            "    import core.feature.engine\nx: 'list[core.feature.engine.T]' = []\n"
            "y = cast('core.feature.engine.T', x)\n"),
    # 16: type comments are annotations.
    Follows("16 type comments of assignments",
            "import candidate.feature.engine\n"
            "x = f()  # type: candidate.feature.engine.Engine\n"
            "x = y = [\n]#type:List[candidate.feature.engine.Engine]\n"
            "x = 1; y = (2) \\\n # type: candidate.feature.engine.Engine, 'candidate.feature.engine.T'\n"
            "class C:\n\ta.b = None  # type: Dict[str, \"List['candidate.feature.engine.T']\"]  # noqa: candidate.feature.engine\n",
            "import core.feature.engine\n"
            "x = f()  # type: core.feature.engine.Engine\n"
            "x = y = [\n]#type:List[core.feature.engine.Engine]\n"
            "x = 1; y = (2) \\\n # type: core.feature.engine.Engine, 'core.feature.engine.T'\n"
            "class C:\n\ta.b = None  # type: Dict[str, \"List['core.feature.engine.T']\"]  # noqa: candidate.feature.engine\n"),
    Follows("16 type comments of functions",
            "import candidate.feature.engine\n"
            "def f(a, b):\n    # type: (candidate.feature.engine.Engine, int) -> None\n    pass\n"
            "async def f(): # type: () -> 'candidate.feature.engine.T' # noqa\n    pass\n"
            "def f(*a, **k):  # noqa\n\n    # kinds\n    # type: (*str, **candidate.feature.engine.C) -> None\n    'd'\n"
            "class C:\n    @x(lambda: 1)\n    def f(self, *, a=(1)):\n        # type: (int) -> candidate.feature.engine.C\n        return 1\n",
            "import core.feature.engine\n"
            "def f(a, b):\n    # type: (core.feature.engine.Engine, int) -> None\n    pass\n"
            "async def f(): # type: () -> 'core.feature.engine.T' # noqa\n    pass\n"
            "def f(*a, **k):  # noqa\n\n    # kinds\n    # type: (*str, **core.feature.engine.C) -> None\n    'd'\n"
            "class C:\n    @x(lambda: 1)\n    def f(self, *, a=(1)):\n        # type: (int) -> core.feature.engine.C\n        return 1\n"),
    Follows("16 type comments of parameters",
            "import candidate.feature.engine\n"
            "def f(a,  # type: candidate.feature.engine.A\n      b=(1),  # noqa\n      # type: candidate.feature.engine.B\n"
            "      *c,  # type: candidate.feature.engine.C\n      d=2,  # type: ignore\n"
            "      **e  # type: candidate.feature.engine.E\n      ):\n    # type: (...) -> candidate.feature.engine.R\n    pass\n",
            "import core.feature.engine\n"
            "def f(a,  # type: core.feature.engine.A\n      b=(1),  # noqa\n      # type: core.feature.engine.B\n"
            "      *c,  # type: core.feature.engine.C\n      d=2,  # type: ignore\n"
            "      **e  # type: core.feature.engine.E\n      ):\n    # type: (...) -> core.feature.engine.R\n    pass\n"),
    Follows("16 type comments of for and with",
            "import candidate.feature.engine\n"
            "for a in (b):  # type: candidate.feature.engine.A\n    pass\n"
            "with b as (c):  # type: candidate.feature.engine.A\n    pass\n"
            "async def f():\n    async for a in b :  # type: candidate.feature.engine.A\n        pass\n"
            "    async with (b as c,  # first\n                d):  # type: candidate.feature.engine.A\n        pass\n",
            "import core.feature.engine\n"
            "for a in (b):  # type: core.feature.engine.A\n    pass\n"
            "with b as (c):  # type: core.feature.engine.A\n    pass\n"
            "async def f():\n    async for a in b :  # type: core.feature.engine.A\n        pass\n"
            "    async with (b as c,  # first\n                d):  # type: core.feature.engine.A\n        pass\n"),
    Follows("16 type comments that are none, or name something else",
            "import candidate.feature.engine\nfrom app import other\n" + _NO_TYPE_COMMENTS,
            "import core.feature.engine\nfrom app import other\n" + _NO_TYPE_COMMENTS),
    _same("16 type comments of names that nothing binds", "x = 1  # type: candidate.feature.engine.T\n"),
    Follows("16 type comments use what imports bind",
            "import candidate.feature.engine as e\nfrom candidate.feature import engine\n"
            "x = 1  # type: e.T\ny = 2  # type: engine.T\n",
            "import core.feature.engine as e\nfrom core.feature import engine\n"
            "x = 1  # type: e.T\ny = 2  # type: engine.T\n"),
    Follows("16 type comments behind wide characters, with CRLF",
            "import candidate.feature.engine\r\nx = 'é𝔸'  # type: Dict['é', candidate.feature.engine.T] # é\r\n",
            "import core.feature.engine\r\nx = 'é𝔸'  # type: Dict['é', core.feature.engine.T] # é\r\n"),
    Follows("16 quoted names in a quoted annotation",
            "import candidate.feature.engine\nx: 'Dict[\"candidate.feature.engine.T\", int]' = 1\n",
            "import core.feature.engine\nx: 'Dict[\"core.feature.engine.T\", int]' = 1\n"),
    # Strings.
    Follows("25 strings in known positions",
            "import importlib, sys\nfrom unittest.mock import patch\n"
            "importlib.import_module('candidate.feature.engine')\n"
            "importlib.import_module(name=r'candidate.feature.engine')\n"
            "importlib.util.find_spec(\"candidate.feature.engine\")\n"
            "@patch('candidate.feature.engine.run')\n"
            "def test(monkeypatch, mocker):\n"
            "    monkeypatch.setattr('candidate.feature.engine.VALUE', 2)\n"
            "    mocker.patch(target='candidate.feature.engine.run')\n"
            "    sys.modules['candidate.feature.engine'] = None\n"
            "    sys.modules.pop('candidate.feature.engine', None)\n"
            "    monkeypatch.setitem(sys.modules, 'candidate.feature.engine', None)\n"
            "    with patch.dict(sys.modules, {'candidate.feature.engine': None}): pass\n"
            "    with patch.dict('sys.modules', {'candidate.feature.engine': None}): pass\n"
            "    assert 'candidate.feature.engine' not in sys.modules\n"
            "    patch('candidate.feature.engine_v2.VALUE'); patch('candidate.feature.helper.VALUE')\n",
            "import importlib, sys\nfrom unittest.mock import patch\n"
            "importlib.import_module('core.feature.engine')\n"
            "importlib.import_module(name=r'core.feature.engine')\n"
            "importlib.util.find_spec(\"core.feature.engine\")\n"
            "@patch('core.feature.engine.run')\n"
            "def test(monkeypatch, mocker):\n"
            "    monkeypatch.setattr('core.feature.engine.VALUE', 2)\n"
            "    mocker.patch(target='core.feature.engine.run')\n"
            "    sys.modules['core.feature.engine'] = None\n"
            "    sys.modules.pop('core.feature.engine', None)\n"
            "    monkeypatch.setitem(sys.modules, 'core.feature.engine', None)\n"
            "    with patch.dict(sys.modules, {'core.feature.engine': None}): pass\n"
            "    with patch.dict('sys.modules', {'core.feature.engine': None}): pass\n"
            "    assert 'core.feature.engine' not in sys.modules\n"
            "    patch('candidate.feature.engine_v2.VALUE'); patch('candidate.feature.helper.VALUE')\n"),
    Follows("25 strings given to calls under other names",
            "from importlib import import_module as load\nload('candidate.feature.engine')\n"
            "from unittest.mock import patch as replaced, \\\n  call as patched\n"
            "replaced('candidate.feature.engine.run')\n"
            "replaced.dict('candidate.feature.engine.TABLE', a=1)\n"
            "patched('candidate.feature.engine.run')\n",
            "from importlib import import_module as load\nload('core.feature.engine')\n"
            "from unittest.mock import patch as replaced, \\\n  call as patched\n"
            "replaced('core.feature.engine.run')\n"
            "replaced.dict('core.feature.engine.TABLE', a=1)\n"
            "patched('candidate.feature.engine.run')\n"),
    Follows("25 strings given to nothing but a call under another name",
            "from unittest.mock import patch as p\np('candidate.feature.engine.run')\n",
            "from unittest.mock import patch as p\np('core.feature.engine.run')\n"),
    Follows("26 names put together behind a whole module",
            "patch(f'candidate.feature.engine.{x}'); patch('candidate.feature.engine.' + x)\n"
            "patch('candidate.feature.engine.%s' % x); patch('candidate.feature.engine.{}'.format(x))\n"
            "patch('candidate.feature.engine'\n      '.run')\n",
            "patch(f'core.feature.engine.{x}'); patch('core.feature.engine.' + x)\n"
            "patch('core.feature.engine.%s' % x); patch('core.feature.engine.{}'.format(x))\n"
            "patch('core.feature.engine'\n      '.run')\n"),
    Follows("25 __import__ whose package is followed at once, or not needed",
            "__import__('candidate.feature.engine').feature.engine.run()\n"
            "__import__('candidate.feature.engine')\n"
            "m = __import__('candidate.feature.engine', fromlist=['run'])\n",
            "__import__('core.feature.engine').feature.engine.run()\n"
            "__import__('core.feature.engine')\n"
            "m = __import__('core.feature.engine', fromlist=['run'])\n"),
    _same("25 other strings and comments", "# candidate.feature.engine\nx = 'candidate.feature.engine'\n"
          "log('see candidate.feature.engine.run')\n"),
    # 14: pragmas stay with their lines.
    Follows("14 pragmas stay with their lines",
            "from candidate.feature.engine import run  # type: ignore[attr]  # noqa: F401\n"
            "from candidate.feature import engine, helper  # type: ignore\n"
            "import candidate.feature.engine as e  # pragma: no cover\n",
            "from core.feature.engine import run  # type: ignore[attr]  # noqa: F401\n"
            "from candidate.feature import helper  # type: ignore\nfrom core.feature import engine\n"
            "import core.feature.engine as e  # pragma: no cover\n"),
    # 17: del, global, conditional rebinding.
    Follows("17 del, global and rebinding of the imported name",
            "try:\n    from candidate.feature import engine\nexcept ImportError:\n    engine = None\n"
            "if engine is None:\n    import app.engine as engine\n"
            "def f():\n    global engine\n    from candidate.feature import engine\n    del engine\n"
            "def g():\n    global e\n    import candidate.feature.engine as e\n",
            "try:\n    from core.feature import engine\nexcept ImportError:\n    engine = None\n"
            "if engine is None:\n    import app.engine as engine\n"
            "def f():\n    global engine\n    from core.feature import engine\n    del engine\n"
            "def g():\n    global e\n    import core.feature.engine as e\n"),
    # 18: several in one import, with as.
    Follows("18 one of two, the other with as",
            "import candidate.feature.engine, candidate.feature.helper as h\n"
            "candidate.feature.engine.run(h)\n",
            "import core.feature.engine, candidate.feature.helper as h\ncore.feature.engine.run(h)\n"),
    Follows("18 one of two with as, the other goes on binding the first name",
            "import candidate.feature.helper, candidate.feature.engine as e\n"
            "candidate.feature.helper.run(e)\n",
            "import candidate.feature.helper, core.feature.engine as e\ncandidate.feature.helper.run(e)\n"),
    # 19: lazy imports.
    Follows("19 lazy attributes of a package",
            "def __getattr__(name):\n    if name == 'run':\n        from .engine import run\n"
            "        return run\n    if name == 'engine':\n        import importlib\n"
            "        return importlib.import_module('.engine', __name__)\n    raise AttributeError(name)\n",
            "def __getattr__(name):\n    if name == 'run':\n        from core.feature.engine import run\n"
            "        return run\n    if name == 'engine':\n        import importlib\n"
            "        return importlib.import_module('core.feature.engine', __name__)\n"
            "    raise AttributeError(name)\n",
            "candidate/feature/__init__.py"),
    Follows("19 lazy import statements, split too",
            "lazy import candidate.feature.engine as e\n"
            "lazy from candidate.feature import engine, helper\nlazy from candidate.feature.engine import run\n",
            "lazy import core.feature.engine as e\n"
            "lazy from candidate.feature import helper\nlazy from core.feature import engine\n"
            "lazy from core.feature.engine import run\n"),
    Follows("19 __lazy_modules__",
            "__lazy_modules__ = ['candidate.feature.engine', 'candidate.feature.helper']\n"
            "import candidate.feature.engine as e\n",
            "__lazy_modules__ = ['core.feature.engine', 'candidate.feature.helper']\n"
            "import core.feature.engine as e\n"),
    # 20: what does not parse for another version of Python.
    Follows("20 statements of Python 2 around",
            "print 'x'\nfrom candidate.feature.engine import run\nexec 'y'\n"
            "import candidate.feature.engine as e\n",
            "print 'x'\nfrom core.feature.engine import run\nexec 'y'\nimport core.feature.engine as e\n"),
    # 25: more strings, and those that name where the name is read.
    Follows("25 more calls that name a module",
            "import importlib, pkgutil, sys, pytest\nfrom unittest import mock\n"
            "def test(monkeypatch, mocker):\n"
            "    monkeypatch.delattr('candidate.feature.engine.VALUE')\n"
            "    monkeypatch.delitem(sys.modules, 'candidate.feature.engine')\n"
            "    mocker.patch('candidate.feature.engine.run')\n"
            "    mocker.patch.multiple('candidate.feature.engine', run=1)\n"
            "    mock.patch.dict('candidate.feature.engine.TABLE', a=1)\n"
            "    pytest.importorskip('candidate.feature.engine')\n"
            "    pkgutil.resolve_name('candidate.feature.engine:run')\n"
            "    importlib.util.find_spec('.engine', 'candidate.feature')\n"
            "    del sys.modules['candidate.feature.engine']\n",
            "import importlib, pkgutil, sys, pytest\nfrom unittest import mock\n"
            "def test(monkeypatch, mocker):\n"
            "    monkeypatch.delattr('core.feature.engine.VALUE')\n"
            "    monkeypatch.delitem(sys.modules, 'core.feature.engine')\n"
            "    mocker.patch('core.feature.engine.run')\n"
            "    mocker.patch.multiple('core.feature.engine', run=1)\n"
            "    mock.patch.dict('core.feature.engine.TABLE', a=1)\n"
            "    pytest.importorskip('core.feature.engine')\n"
            "    pkgutil.resolve_name('core.feature.engine:run')\n"
            "    importlib.util.find_spec('core.feature.engine', 'candidate.feature')\n"
            "    del sys.modules['core.feature.engine']\n"),
    Follows("25 patches stay with the module whose globals are read",
            "from unittest.mock import patch\nimport candidate.feature.engine as eng\n"
            "patch('candidate.feature.helper.engine'); patch('app.engine.run')\n"
            "patch.object(eng, 'run'); patch('candidate.feature.engine.run')\n",
            "from unittest.mock import patch\nimport core.feature.engine as eng\n"
            "patch('candidate.feature.helper.engine'); patch('app.engine.run')\n"
            "patch.object(eng, 'run'); patch('core.feature.engine.run')\n"),
    _same("25 patch.object takes no name", "from unittest import mock\n"
          "mock.patch.object('candidate.feature.engine', 'run')\n"),
    # 26: what may name it is not guessed.
    _same("26 names that are put together",
          "import importlib\nimportlib.import_module(f'candidate.feature.{name}')\n"
          "importlib.import_module('candidate.feature.' + name)\n"
          "importlib.import_module('.'.join(['candidate', 'feature', 'engine']))\n"
          "importlib.import_module('%s.engine' % 'candidate.feature')\n"),
    # Relative importers.
    Follows("1 relative importers", "from .engine import run\nfrom . import engine\nfrom . import helper, engine as e\n"
            "from ..feature.engine import VALUE\nfrom .. import feature\n",
            "from core.feature.engine import run\nfrom core.feature import engine\n"
            "from . import helper\nfrom core.feature import engine as e\n"
            "from core.feature.engine import VALUE\nfrom .. import feature\n",
            "candidate/feature/user.py"),
    Follows("1 relative without spaces", "from.engine import run\nfrom .import engine\n",
            "from core.feature.engine import run\nfrom core.feature import engine\n",
            "candidate/feature/user.py"),
    Follows("1 relative dynamic import",
            "from importlib import import_module\nimport_module('.engine', __package__)\n"
            "import_module('.engine', package='candidate.feature')\nimport_module('.helper', __package__)\n",
            "from importlib import import_module\nimport_module('core.feature.engine', __package__)\n"
            "import_module('core.feature.engine', package='candidate.feature')\nimport_module('.helper', __package__)\n",
            "candidate/feature/user.py"),
    Follows("11 re-export by the package", "from .engine import run\nfrom . import helper\n__all__ = ['run']\n",
            "from core.feature.engine import run\nfrom . import helper\n__all__ = ['run']\n",
            "candidate/feature/__init__.py"),
    Follows("20 a broken importer, statement by statement",
            "def broken(:\n    from candidate.feature.engine import run\nfrom candidate.feature import helper, engine\n",
            "def broken(:\n    from core.feature.engine import run\nfrom candidate.feature import helper\n"
            "from core.feature import engine\n"),
]  # fmt: skip


@pytest.mark.parametrize("row", FOLLOWS, ids=lambda row: row.name)
def test_a_file_follows_and_nothing_else_changes(row: Follows) -> None:
    before = BASE | {row.path: row.before, "app/engine.py": "def run(): ...\n"}
    after, _ = promoted(before, [ENGINE])
    expected = tree(before | {row.path: row.after})
    expected["core/feature/engine.py"] = expected.pop(ENGINE)
    assert after == expected


class RefusedRow(NamedTuple):
    """A file that cannot follow surely: the line and a word of the reason."""

    name: str
    text: str | bytes
    line: int
    reason: str
    path: str = "app/user.py"
    more: Mapping[str, str | bytes] = {}


_EXPORTS = {"candidate/feature/__init__.py": "from .engine import run as engine\n"}

REFUSED = [
    RefusedRow("7 the first name is used otherwise",
               "import candidate.feature.engine\n\ncandidate.feature.engine.run(candidate.feature.helper)\n",
               3, "add `import candidate.feature.helper`"),
    RefusedRow("7 only the package was loaded by the import",
               "import candidate.feature.engine\nimport candidate.other\nx = candidate.feature.CONST\n",
               3, "add `import candidate.feature`", more={"candidate/other.py": ""}),
    RefusedRow("8 the new first name is a local variable",
               "def f(core):\n    import candidate.feature.engine\n    candidate.feature.engine.run(core)\n",
               2, "core is the name of something else"),
    RefusedRow("8 the new first name is a parameter where it is used",
               "import candidate.feature.engine\ndef f(core):\n    candidate.feature.engine.run(core)\n",
               3, "core is the name of something else"),
    RefusedRow("8 the new first name is bound in the module",
               "import candidate.feature.engine\ncore = 1\n", 1, "core is the name of something else"),
    RefusedRow("8 the new first name means something else around the function",
               "from app import core\ndef f():\n    import candidate.feature.engine\n    core.x()\n",
               3, "core is the name of something else", more={"app/core.py": ""}),
    RefusedRow("17 the old first name is bound otherwise too",
               "try:\n    import candidate.feature.engine\nexcept ImportError:\n    candidate = None\n",
               2, "candidate is the name of something else"),
    RefusedRow("17 a global name", "def f():\n    global candidate\n    import candidate.feature.engine\n"
               "def g():\n    candidate.feature.engine.run()\n", 3, "global"),
    RefusedRow("5 an attribute of a class", "class C:\n    import candidate.feature.engine\n", 2, "class"),
    RefusedRow("8 a submodule would be hidden", "import candidate.feature.engine\n", 1, "hide the submodule",
               path="app/__init__.py", more={"app/core.py": ""}),
    RefusedRow("11 another file takes the first name from here", "import candidate.feature.engine\n", 1,
               "app/taker.py:1", more={"app/taker.py": "from app.user import candidate\n"}),
    RefusedRow("7 through the package, by import",
               "import candidate.feature\ncandidate.feature.engine.run()\n", 2,
               "add `import candidate.feature.engine`"),
    RefusedRow("10 through the package, by from",
               "from candidate import feature\n\nfeature.engine.run()\n", 3, "without importing it"),
    RefusedRow("6 through the package, by as", "import candidate.feature as f\nf.engine.run()\n", 2,
               "without importing it"),
    RefusedRow("7 through another import", "import candidate.feature.helper\ncandidate.feature.engine.run()\n",
               2, "without importing it"),
    RefusedRow("5 imported only in a function",
               "import candidate\ndef f():\n    import candidate.feature.engine\ncandidate.feature.engine.run()\n",
               4, "without importing it"),
    RefusedRow("7 loaded only by the code of the package that is left",
               "import support as s\nfrom candidate.feature.engine import run\ns.tool\n", 3,
               "add `import support.tool`",
               more={"support/tool.py": "", "candidate/feature/__init__.py": "import support.tool\n"}),
    RefusedRow("7 a package around the module, never imported by itself",
               "import candidate\nfrom candidate.feature.engine import run\ncandidate.feature.NAME\n", 3,
               "add `import candidate.feature`"),
    RefusedRow("7 a package around a module that another file imports",
               "import candidate\nimport app.other\ncandidate.feature.NAME\n", 3,
               "add `import candidate.feature`", more={"app/other.py": "import candidate.feature.engine as e\n"}),
    RefusedRow("7 loaded only by an import of the module elsewhere",
               "import candidate\ncandidate.feature.NAME\n", 2, "add `import candidate.feature`",
               more={"candidate/__init__.py": "from candidate.feature.engine import run\n"}),
    RefusedRow("11 the package rebinds the name by import", "from candidate.feature import engine\n", 1,
               "something else", more=_EXPORTS),
    RefusedRow("11 the package rebinds the name in a block", "from candidate.feature import engine\n", 1,
               "candidate/feature/__init__.py:2",
               more={"candidate/feature/__init__.py": "if True:\n    engine = 1\n"}),
    RefusedRow("12 the package rebinds the name by a star", "from candidate.feature import engine\n", 1,
               "something else", more={"candidate/feature/__init__.py": "from .helper import *\n",
                                       "candidate/feature/helper.py": "def engine(): ...\n"}),
    RefusedRow("11 the package rebinds the name of an import as",
               "import candidate.feature.engine as e\n", 1, "something else", more=_EXPORTS),
    RefusedRow("11 the new package binds the name", "from candidate.feature import engine\n", 1,
               "core/feature/__init__.py:1", more={"core/feature/__init__.py": "engine = None\n"}),
    RefusedRow("11 the package's own bare use", "from .engine import run\nx = engine.VALUE\n", 2,
               "without an import", path="candidate/feature/__init__.py"),
    RefusedRow("12 a star importer's bare use", "from candidate.feature import *\nengine.run()\n", 2,
               "without an import", more={"candidate/feature/__init__.py": "from .engine import run\n"}),
    RefusedRow("11 __all__ names the submodule", "__all__ = [\n    'engine']\n", 2, "__all__",
               path="candidate/feature/__init__.py", more={"app/star.py": "from candidate.feature import *\n"}),
    RefusedRow("12 star import gives the first name", "from app.names import *\ncandidate.feature.engine.run()\n",
               2, "is not seen", more={"app/names.py": "import candidate\n"}),
    RefusedRow("16 a type comment of what would not be imported any more",
               "import candidate.feature.engine\nx = 1  # type: candidate.feature.helper.T\n",
               2, "add `import candidate.feature.helper`"),
    RefusedRow("16 a type comment of what is reached through the package",
               "import candidate.feature\ndef f(a):\n    # type: (candidate.feature.engine.T) -> None\n    pass\n",
               3, "add `import candidate.feature.engine`"),
    RefusedRow("16 a type comment where the new first name is a parameter",
               "import candidate.feature.engine\ndef f(core):\n    x = 1  # type: candidate.feature.engine.T\n",
               3, "core is the name of something else"),
    RefusedRow("16 a type comment that is not written in one piece",
               "import candidate.feature.engine\nx = 1  # type: 'candidate.feature\\x2eengine.T'\n",
               2, "not written in one piece"),
    RefusedRow("26 a string in pieces", "patch('candidate.feature.'\n      'engine.run')\n",
               1, "pieces"),
    RefusedRow("26 a string with escapes", "from importlib import import_module\n"
               "import_module('candidate.feature\\x2eengine')\n", 2, "escapes"),
    RefusedRow("25 __import__ whose package is kept", "m = __import__('candidate.feature.engine')\n", 1,
               "import_module"),
    RefusedRow("17 the first name is deleted", "import candidate.feature.engine\ndel candidate\n", 1,
               "candidate is the name of something else"),
    RefusedRow("19 a lazy import that binds the first name", "lazy import candidate.feature.engine\n", 1,
               "does not parse"),
    RefusedRow("19 lazy attributes do not make a chain", "import candidate.feature\n"
               "candidate.feature.engine.run()\n", 2, "without importing it",
               more={"candidate/feature/__init__.py": "def __getattr__(name):\n    from . import engine\n"}),
    RefusedRow("20 an import that does not parse", "x = 1\n"
               "from candidate.feature.engine import run as\n", 2, "this import does not parse"),
    RefusedRow("20 a file that nests deeper than Python recurses",
               f"import candidate.feature.engine\nx = {' + '.join(['1'] * 2000)}\n", 1, "nests too deeply"),
    RefusedRow("20 a broken file that binds the first name", "import candidate.feature.engine\ndef broken(:\n",
               1, "does not parse"),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_what_cannot_follow_is_refused_with_its_place(row: RefusedRow) -> None:
    files = BASE | {"app/__init__.py": ""} | dict(row.more) | {row.path: row.text}
    with pytest.raises(Refused) as caught:
        promoted(files, [ENGINE])
    assert (caught.value.path, caught.value.line) == (row.path, row.line)
    assert row.reason in caught.value.reason

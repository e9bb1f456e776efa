"""What one file says of its imports: kinds, options, dynamic calls, positions, broken files."""

from __future__ import annotations

import textwrap

import pytest

from lane_planner.scan.records import FileRecord, RawImport
from lane_planner.scan.source import scan_source, scan_text
from tests.oracles.whole_module import scan_whole


def scan(source: str) -> FileRecord:
    return scan_text(textwrap.dedent(source).lstrip("\n"))


def said(source: str) -> list[str]:
    """Each import as `line:column module[names] marks`."""
    return [_said(raw) for raw in scan(source).imports]


def _said(raw: RawImport) -> str:
    names = "" if raw.names is None else f"[{','.join(raw.names)}]"
    marks: list[str] = [raw.kind] if raw.kind != "eager" else []
    marks += ["optional"] if raw.optional else []
    marks += ["dynamic"] if raw.dynamic else []
    marks += [f"from {raw.anchor}"] if raw.anchor else []
    return " ".join([f"{raw.line}:{raw.column}", raw.module + names, *marks])


# What it proves → source → the imports that it has.
CASES = {
    "plain": ("import a.b", ["1:0 a.b"]),
    "several in one statement": ("import a, b.c as d", ["1:0 a", "1:0 b.c"]),
    "from": ("from a.b import c, d as e", ["1:0 a.b[c,d]"]),
    "star": ("from a import *", ["1:0 a[*]"]),
    "relative": ("from . import a\nfrom ..b import c", ["1:0 .[a]", "2:0 ..b[c]"]),
    "parentheses with comments": (
        "from a import (\n    b,  # )\n    c,\n)\nimport d",
        ["1:0 a[b,c]", "5:0 d"],
    ),
    "backslashes": ("from a \\\n  import b, \\\n  c\nimport d", ["1:0 a[b,c]", "4:0 d"]),
    "semicolons": ("x = 1; import a; from b import c", ["1:7 a", "1:17 b[c]"]),
    "strings hold no imports": (
        '"""\nimport a\n"""\nx = "import b"; y = \'\'\'\nfrom c import d\'\'\'\nimport e',
        ["6:0 e"],
    ),
    "comments hold no imports": ("# import a\nimport b  # import c", ["2:0 b"]),
    "f-strings": ('x = f"{y[\'import z\']}"\ny = f"{y["import z"]}"\nimport b', ["3:0 b"]),
    "function": ("def f():\n    import a", ["2:4 a deferred"]),
    "async function, decorated": ("@d\nasync def f():\n    import a", ["3:4 a deferred"]),
    "one-line function": ("def f(): import a", ["1:9 a deferred"]),
    "class body is eager": ("class C:\n    import a", ["2:4 a"]),
    "method": ("class C:\n    def m(self):\n        import a", ["3:8 a deferred"]),
    "if, for, while, with are eager": (
        "if x:\n  import a\nfor y in z:\n  import b\nwhile q:\n  import c\nwith w:\n  import d",
        ["2:2 a", "4:2 b", "6:2 c", "8:2 d"],
    ),
    "match": ("match x:\n    case 1:\n        import a\n    case _: import b", ["3:8 a", "4:12 b"]),
    "match as a name": ("match = 1\nmatch.x\nmatch(y)\nimport a", ["4:0 a"]),
    "type checking": (
        "if TYPE_CHECKING:\n    import a\nelse:\n    import b",
        ["2:4 a typing", "4:4 b"],
    ),
    "typing.TYPE_CHECKING": ("if typing.TYPE_CHECKING: import a", ["1:25 a typing"]),
    "TYPE_CHECKING renamed": (
        "from typing import TYPE_CHECKING as TC\nif TC:\n    import a",
        ["1:0 typing[TYPE_CHECKING]", "3:4 a typing"],
    ),
    "not TYPE_CHECKING": (
        "if not TYPE_CHECKING:\n    import a\nelse:\n    import b",
        ["2:4 a", "4:4 b typing"],
    ),
    "elif behind not TYPE_CHECKING": (
        "if not TYPE_CHECKING:\n  import a\nelif x:\n  import b\nelse:\n  import c",
        ["2:2 a", "4:2 b typing", "6:2 c typing"],
    ),
    "TYPE_CHECKING and more": ("if TYPE_CHECKING and x:\n    import a", ["2:4 a typing"]),
    "TYPE_CHECKING or more": ("if TYPE_CHECKING or x:\n    import a", ["2:4 a"]),
    "TYPE_CHECKING in parentheses over lines": (
        "if (\n    TYPE_CHECKING\n):\n    import a",
        ["4:4 a typing"],
    ),
    "typing wins over deferred": (
        "def f():\n    if TYPE_CHECKING:\n        import a\nif TYPE_CHECKING:\n    def g():\n        import b",
        ["3:8 a typing", "6:8 b typing"],
    ),
    "main guard": (
        'if __name__ == "__main__":\n    import a\nelse:\n    import b',
        ["2:4 a deferred", "4:4 b"],
    ),
    "main guard turned round": ("if '__main__' == __name__:\n    import a", ["2:4 a deferred"]),
    "try ImportError": (
        "try:\n    import a\nexcept ImportError:\n    import b",
        ["2:4 a optional", "4:4 b optional"],
    ),
    "try in a tuple": (
        "try:\n    import a\nexcept (ValueError, ModuleNotFoundError):\n    pass",
        ["2:4 a optional"],
    ),
    "bare except": ("try: import a\nexcept: pass", ["1:5 a optional"]),
    "except Exception as": (
        "try:\n    import a\nexcept Exception as e:\n    raise",
        ["2:4 a optional"],
    ),
    "except builtins.ImportError": (
        "try:\n    import a\nexcept builtins.ImportError:\n    pass",
        ["2:4 a optional"],
    ),
    "except star": ("try:\n    import a\nexcept* ImportError:\n    pass", ["2:4 a optional"]),
    "other handlers do not catch it": (
        "try:\n    import a\nexcept ValueError:\n    import b\nfinally:\n    import c",
        ["2:4 a", "4:4 b", "6:4 c"],
    ),
    "else and finally are not protected": (
        "try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    import a\nfinally:\n    import b",
        ["6:4 a", "8:4 b"],
    ),
    "nested tries": (
        "try:\n    try:\n        import a\n    finally:\n        pass\nexcept ImportError:\n    pass\nimport b",
        ["3:8 a optional", "8:0 b"],
    ),
    "import_module": (
        'import importlib\nx = importlib.import_module("a.b")',
        ["1:0 importlib", "2:0 a.b dynamic"],
    ),
    "import_module, package=__package__": (
        'import_module(".b", package=__package__)\nimport_module("..c", __name__)\nimport_module(".d", "p.q")',
        [
            "1:0 .b dynamic from __package__",
            "2:0 ..c dynamic from __name__",
            "3:0 .d dynamic from p.q",
        ],
    ),
    "import_module renamed": (
        "from importlib import import_module as im\nimport importlib as il\nim('a')\nil.import_module('b')",
        ["1:0 importlib[import_module]", "2:0 importlib", "3:0 a dynamic", "4:0 b dynamic"],
    ),
    "__import__": (
        "x = __import__('a.b')\n__import__('c', level=1)",
        ["1:0 a.b dynamic", "2:0 .c dynamic from __package__"],
    ),
    "dynamic in a lambda": ("x = lambda: import_module('a')", ["1:0 a deferred dynamic"]),
    "dynamic default of a lambda": ("x = lambda y=import_module('a'): y", ["1:0 a dynamic"]),
    "dynamic in a default, a decorator, a condition": (
        "@deco(import_module('a'))\ndef f(x=import_module('b')):\n    if import_module('c'):\n        pass",
        ["1:0 a dynamic", "2:0 b dynamic", "3:4 c deferred dynamic"],
    ),
    "dynamic over lines": (
        "x = {\n    'k': [\n        import_module(\n            'a'\n        )\n    ]\n}\nimport b",
        ["1:0 a dynamic", "8:0 b"],
    ),
    "another object's import_module": ("self.import_module('a')\nloader.import_module('b')", []),
    "a function of its own": ("def import_module(x): pass\nimport_module('a')", []),
    "tabs": (
        "def f():\n\tif x:\n\t\timport a\n\timport b\nimport c",
        ["3:2 a deferred", "4:1 b deferred", "5:0 c"],
    ),
    "form feed": ("\fimport a\n\f\ndef f():\n    import b", ["1:1 a", "4:4 b deferred"]),
    "brackets with words of clauses": (
        "def f():\n    x = (1\n         if y\n         else {2: 3})\n    import a\n[z\n for z in w\n if z]\nimport b",
        ["5:4 a deferred", "9:0 b"],
    ),
    "unicode names": ("from módulo import función\nimport δ", ["1:0 módulo[función]", "2:0 δ"]),
}


@pytest.mark.parametrize(("source", "expected"), CASES.values(), ids=CASES)
def test_imports(source: str, expected: list[str]) -> None:
    assert [_said(raw) for raw in scan_text(source).imports] == expected


# libcst's positions pass over form feeds; CPython's and ours count them.
WHOLE = {name: case[0] for name, case in CASES.items() if name != "form feed"}


@pytest.mark.parametrize("source", WHOLE.values(), ids=WHOLE)
def test_imports_equal_whole_module(source: str) -> None:
    assert scan_text(source) == scan_whole(source)


OPAQUE = {
    "a variable": "import_module(name)",
    "an f-string": "import_module(f'a.{b}')",
    "a sum": "__import__('a' + b)",
    "relative to something unknown": "import_module('.a', package)",
    "relative to nothing": "import_module('.a')",
    "star arguments": "import_module(*args)",
    "no module name": "import_module('a b')",
}


@pytest.mark.parametrize("source", OPAQUE.values(), ids=OPAQUE)
def test_opaque_imports_are_listed_and_never_guessed(source: str) -> None:
    found = scan_text(f"x = 1\ny = {source}\n")
    assert found.imports == ()
    assert [(opaque.line, opaque.column) for opaque in found.opaque] == [(2, 0)]


BROKEN = {
    "unclosed bracket before": ("x = (1,\nimport a\nfrom b import c\n", ["2:0 a", "3:0 b[c]"]),
    "unclosed bracket in a call": ("f(\n  g(\ndef h():\n    import a\n", ["4:4 a deferred"]),
    "bad f-string": ("x = f'{'\nimport a\n", ["2:0 a"]),
    "bad indent": ("x = 1\n  y = 2\nimport a\n", ["3:0 a"]),
    "stray text": ("this is not code at all\nplease import it\nimport a\n", ["3:0 a"]),
    "merge markers": (
        "<<<<<<< ours\nimport a\n=======\nimport b\n>>>>>>> theirs\nimport c\n",
        ["2:0 a", "4:0 b", "6:0 c"],
    ),
    "Python 2": (
        "print 'x'\nimport a\nexec 'import b'\ntry:\n    import c\nexcept E, e:\n    pass\n",
        ["2:0 a", "5:4 c"],
    ),
    "triple quote cut off at the end": ('import a\nx = """text\nimport b\n', ["1:0 a"]),
    "triple quote cut off after a backslash": ('import a\nx = """text\nimport b \\', ["1:0 a"]),
    "stray triple quote": (
        'import a\nx = """ stray\nimport b\ndef f():\n    """import no"""\n    import c\n    return 1\n',
        ["1:0 a", "3:0 b", "6:4 c deferred"],
    ),
    "single quote not closed": ("x = 'abc\nimport a\n", ["2:0 a"]),
    "half an import": (
        "from a import\nimport b\nfrom c import (d,\nimport e\n",
        ["2:0 b", "4:0 e"],
    ),
    "missing colon": ("def f()\n    import a\nimport b\n", ["2:4 a deferred", "3:0 b"]),
    "lazy imports of a later Python": (
        "lazy import a\nlazy from b import c\n",
        ["1:5 a deferred", "2:5 b[c] deferred"],
    ),
    "NUL bytes": ("import a\n\0\nimport b\n", ["1:0 a", "3:0 b"]),
}


@pytest.mark.parametrize(("source", "expected"), BROKEN.values(), ids=BROKEN)
def test_every_statement_of_a_broken_file_that_can_be_read_is_read(
    source: str, expected: list[str]
) -> None:
    assert [_said(raw) for raw in scan_text(source).imports] == expected


ENCODED = {
    "utf-8": "import ä\n".encode(),
    "byte order mark": b"\xef\xbb\xbfimport a\n",
    "latin-1": "# -*- coding: latin-1 -*-\nx = 'ä'\nimport a\n".encode("latin-1"),
    "cookie on the second line": "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nimport a # €\n".encode(
        "cp1252"
    ),
    "a cookie with line ends": "# -*- coding: latin-1-dos -*-\nx = 'ä'\nimport a\n".encode(
        "latin-1"
    ),
    "another": b"# coding: utf-8-unix\nimport a\n",
    "carriage returns": b"x = 1\rimport a\rdef f():\r    import b\r",
    "mixed line ends": b"import a\r\nimport b\rimport c\n",
}


@pytest.mark.parametrize("content", ENCODED.values(), ids=ENCODED)
def test_encodings_and_line_ends(content: bytes) -> None:
    found = scan_source(content)
    assert found.undecodable is None
    assert found.imports


UNDECODABLE = {
    "bytes that are no utf-8": (b"import a\nx = '\xff'\n", "utf-8"),
    "unknown encoding": (b"# coding: klingon\nimport a\n", "klingon"),
    "not a text encoding": (b"# coding: hex\n00\n", "hex"),
    "byte order mark and another encoding": (b"\xef\xbb\xbf# coding: latin-1\n", "iso-8859-1"),
}


@pytest.mark.parametrize(("content", "named"), UNDECODABLE.values(), ids=UNDECODABLE)
def test_a_file_that_cannot_be_decoded_says_why(content: bytes, named: str) -> None:
    found = scan_source(content)
    assert found.imports == ()
    assert found.undecodable is not None
    assert named in found.undecodable.lower()


def test_a_cookie_on_the_third_line_is_a_comment() -> None:
    assert scan_source("\n\n# coding: latin-1\nimport ä\n".encode()).imports[0].module == "ä"


_CALL = "importlib.import_module('a')"


@pytest.mark.parametrize(
    "text",
    [
        f"x = {'f(' * 150}{_CALL}{')' * 150}\n",
        f"x = {_CALL}{' + 1' * 700}\n",
        f"x = {_CALL}{'.a()' * 300}\n",
        f"if {'not ' * 700}TYPE_CHECKING:\n    import a\n",
        f"if {' or '.join('x' * 700)}:\n    import a\n",
        f"try:\n    import a\nexcept {'a.' * 700}ImportError:\n    pass\n",
        f"from a import (\n{('# ' + '-' * 90 + chr(10)) * 30}    b as c,\n)\n",
    ],
)
def test_long_chains_are_read(text: str) -> None:
    assert [found.module for found in scan_text(text).imports] == ["a"]


@pytest.mark.parametrize("many", [3_000, 50_000])
@pytest.mark.parametrize(
    ("before", "link", "behind"),
    [
        ("x = ", "f(", _CALL),
        (f"x = {_CALL}", " + 1", ""),
        (f"x = {_CALL}", ".a()", ""),
        (f"x = {_CALL}", "[0]", ""),
        ("x = ", "lambda: ", _CALL),
        ("x = ", "-", _CALL),
        (f'x = {_CALL}, f"{{a', ".a()", '}"'),
        ("if ", "not ", "TYPE_CHECKING:\n    import a"),
        ("if x", " or x", ":\n    import a"),
        ("import ", "a.", "b"),
        ("from ", ".", " import b"),
    ],
)
def test_chains_without_end_end_nothing(before: str, link: str, behind: str, many: int) -> None:
    """CPython gives up on them, and libcst would take the process down."""
    deep = before + link * many + behind
    for ended in (f"{deep}\n", f"{deep} $ 1\n"):
        assert scan_text(f"{ended}import last\n").imports[-1].module == "last"


@pytest.mark.parametrize("level", ["99999999999", "10" * 2600, "0xFFFFFFFF", "1001", "2**9"])
@pytest.mark.parametrize("behind", ["", " $ 1"])
def test_a_level_that_no_package_has_is_opaque(level: str, behind: str) -> None:
    found = scan_text(f"__import__('a', g, l, [], {level}){behind}\nimport last\n")
    assert [one.module for one in found.imports] == ["last"]
    assert len(found.opaque) == (0 if behind else 1)


@pytest.mark.parametrize(
    ("level", "dots"), [("0", 0), ("2", 2), ("0x3", 3), ("1_0", 10), ("1000", 1000)]
)
def test_a_level_makes_dots(level: str, dots: int) -> None:
    found = scan_text(f"__import__('a', g, l, [], {level})\n").imports
    assert [one.module for one in found] == ["." * dots + "a"]

"""What an import's names are used for, case by case."""

from __future__ import annotations

import pytest

from lane_planner.scan.modules import Module
from lane_planner.scan.usage import RATINGS, Rating, hardest, rate_imports

PLAIN = Module("p.m", "p/m.py", False, False, True, "p")
PACKAGE = Module("p", "p/__init__.py", True, False, True, "p")
KNOWN = frozenset({"p", "p.m", "p.v", "p.v.w", "p.other"})


def rated(source: str, imported: str = "p.v", *, module: Module = PLAIN, line: int = 0) -> Rating:
    """Return the rating of an import; its line is that of the first statement unless given."""
    first = next(n for n, text in enumerate(source.split("\n"), 1) if "import" in text)
    lines = {imported: [line or first]}
    return rate_imports(source.encode(), module, lines, known=KNOWN)[imported]


UNUSED = [
    ("bound and never used", "from p.v import T"),
    ("a module", "import p.v"),
    ("a module under another name", "import p.v as v"),
    ("a submodule, relatively", "from . import v"),
    ("a parameter hides it", "from p.v import T\ndef f(T): return T"),
    ("a local hides it", "from p.v import T\ndef f():\n    T = 1\n    return T"),
    ("so in what stands in it", "from p.v import T\ndef f(T):\n    def g(): return T\n    return g"),
    ("a local import hides it", "from p.v import T\ndef f():\n    from q import T\n    return T"),
    ("a comprehension's target hides it", "from p.v import T\nx = [T for T in range(3)]"),
    ("a lambda's parameter hides it", "from p.v import T\nx = lambda T: T"),
    ("a `match` hides it", "from p.v import T\ndef f(x):\n    match x:\n        case [T]: return T"),
    ("an `except` hides it",
     "from p.v import T\ndef f():\n    try: g()\n    except E as T: return T"),
    ("another module's use", "import p.v\nimport p.other\np.other.f()"),
    ("an attribute of that name", "from p.v import T\nx.T()"),
    ("a keyword of that name", "from p.v import T\nf(T=1)"),
    ("documentation names it", 'from p.v import T\n"""T is not used."""'),
    ("`__all__` has others", 'from p.v import T\n__all__ = ["U"]\nU = 1'),
    ("another name of the statement is another module", "from p import v, other\nother.f()"),
]  # fmt: skip

TYPING = [
    ("quoted", 'from p.v import T\ndef f(x: "T") -> "T": ...'),
    ("all annotations are strings",
     "from __future__ import annotations\nfrom p.v import T\ndef f(x: T): ..."),
    ("not quoted", "from p.v import T\ndef f(x: T) -> list[T]: ..."),
    ("starred and keyword arguments", "from p.v import T\ndef f(*a: T, b: T, **c: T): ..."),
    ("quoted in part", 'from p.v import T\ndef f(x: list["T"]): ...'),
    ("quoted over two lines", 'from p.v import T\ndef f(x: """\n  list[\n  T]"""): ...'),
    ("by way of the package", "import p.v\ndef f(x: p.v.T): ..."),
    ("of a variable", "from p.v import T\nx: T = 1"),
    ("of a local variable", "from p.v import T\ndef f():\n    x: T = 1"),
    ("of an attribute", "from p.v import T\nclass C:\n    def f(self): self.x: T = 1"),
    ("of a field", "from p.v import T\nclass C:\n    x: T"),
    ("of a dataclass's field", "from p.v import T\n@dataclass(frozen=True)\nclass C:\n    x: T"),
    ("of a property", "from p.v import T\nclass C:\n    @property\n    def f(self) -> T: ..."),
    ("a type checker's own block",
     "from p.v import T\nif TYPE_CHECKING:\n    Alias = list[T]"),
    ("`async def`", "from p.v import T\nasync def f(x: T): ..."),
]  # fmt: skip

DEFERRABLE = [
    ("in a function", "from p.v import f\ndef g(): return f()"),
    ("in a method", "from p.v import f\nclass C:\n    def g(self): return f()"),
    ("in a nested function", "from p.v import f\ndef g():\n    def h(): return f()\n    return h"),
    ("a nested default", "from p.v import f\ndef g():\n    def h(x=f()): ...\n    return h"),
    ("in a nested class body", "from p.v import f\ndef g():\n    class C:\n        x = f()"),
    ("in a lambda", "from p.v import f\ng = lambda: f()"),
    ("a factory of a field",
     "from p.v import f\n@dataclass\nclass C:\n    x: int = field(default_factory=lambda: f())"),
    ("in a function and in annotations", "from p.v import T\ndef f(x: T): return T(x)"),
    ("in a comprehension of a function", "from p.v import f\ndef g(): return [f(x) for x in y]"),
    ("as an attribute chain", "import p.v\ndef g(): return p.v.f()"),
    ("the module's top, which only this import binds", "import p.v\ndef g(): return p.x"),
    ("a program's own block", "from p.v import f\nif __name__ == '__main__':\n    f()"),
    ("declared global in a function that hides it",
     "from p.v import T\ndef f(T):\n    def g():\n        global T\n        return T\n    return g"),
    ("called only by a program's own block",
     "from p.v import f\ndef g(): return f()\nif __name__ == '__main__':\n    g()"),
    ("a function that is not called at once", "from p.v import f\ndef g(): f()\nTABLE = {1: g}"),
]  # fmt: skip

NEEDED = [
    ("called", "from p.v import f\nf()"),
    ("a value", "from p.v import X\nY = X"),
    ("by way of the package", "import p.v\np.v.f()"),
    ("under another name", "import p.v as v\nv.f()"),
    ("a comprehension of the module", "from p.v import f\nx = [f(y) for y in z]"),
    ("a comprehension's iterable, though a target hides the name",
     "from p.v import T\nx = [T for T in T]"),
    ("a generator", "from p.v import f\nx = (f(y) for y in z)"),
    ("a class body", "from p.v import X\nclass C:\n    x = X"),
    ("a base class", "from p.v import C\nclass D(C): ..."),
    ("a metaclass", "from p.v import M\nclass D(metaclass=M): ..."),
    ("a default", "from p.v import X\ndef f(x=X): ..."),
    ("a keyword's default", "from p.v import X\ndef f(*, x=X): ..."),
    ("a lambda's default", "from p.v import X\nf = lambda x=X: x"),
    ("a decorator", "from p.v import d\n@d\ndef f(): ..."),
    ("a decorator that is called", "from p.v import d\n@d(1)\nclass C: ..."),
    ("a method's decorator", "from p.v import d\nclass C:\n    @d\n    def f(self): ..."),
    ("an `except`", "from p.v import E\ntry: pass\nexcept E: pass"),
    ("a `with`", "from p.v import c\nwith c(): pass"),
    ("an f-string", "from p.v import X\ny = f'{X}'"),
    ("a walrus", "from p.v import X\nif (y := X): pass"),
    ("a condition", "from p.v import X\nif X: pass"),
    ("an attribute is set", "import p.v\np.v.x = 1"),
    ("deleted", "from p.v import T\ndel T"),
    ("augmented", "from p.v import x\nx += 1"),
    ("bound again", "from p.v import T\nT = None"),
    ("bound again by a function", "from p.v import f\ndef f(): ..."),
    ("bound again by another import", "from p.v import T\nfrom q import T"),
    ("bound again by a `for`", "from p.v import T\nfor T in x: pass"),
    ("bound again through `global`", "from p.v import T\ndef f():\n    global T\n    T = 1"),
    ("in a `try`", "try:\n    from p.v import T\nexcept ImportError:\n    pass"),
    ("with a replacement", "try:\n    from p.v import T\nexcept ImportError:\n    T = None"),
    ("in a condition", "if x:\n    from p.v import T"),
    ("not for type checkers", "if TYPE_CHECKING:\n    pass\nelse:\n    from p.v import T"),
    ("used where type checkers do not look",
     "from p.v import T\nif TYPE_CHECKING:\n    pass\nelse:\n    T()"),
    ("in a class body itself", "class C:\n    from p.v import T"),
    ("a star", "from p.v import *"),
    ("in `__all__`", 'from p.v import T\n__all__ = ["T"]'),
    ("in an annotated `__all__`", 'from p.v import T\n__all__: list[str] = ["T"]'),
    ("added to `__all__`", 'from p.v import T\n__all__ = []\n__all__ += ["T"]'),
    ("appended to `__all__`", 'from p.v import T\n__all__ = []\n__all__.append("T")'),
    ("`__all__` is put together", "from p.v import T\n__all__ = [*names]"),
    ("marked as a re-export", "from p.v import T as T"),
    ("meant to look unused", "from p.v import T  # noqa: F401"),
    ("a package passed around", "import p.v\ndef f(): return g(p)"),
    ("an alias that may be a type", 'from p.v import T\nAlias = list["T"]'),
    ("`globals()`", 'from p.v import f\ndef g(): return globals()["f"]'),
    ("the module itself", "from p.v import f\ndef g(n): return getattr(sys.modules[__name__], n)"),
    ("hints are evaluated", "from p.v import T\ndef f(x: T): ...\ny = get_type_hints(f)"),
    ("a decorator may read annotations", "from p.v import T\n@app.get('/')\ndef f(x: T): ..."),
    ("a base may read a field's", "from p.v import T\nclass C(Model):\n    x: T"),
    ("a decorator may read a field's", "from p.v import T\n@define\nclass C:\n    x: T"),
    ("a function called at once", "from p.v import f\ndef g(): return f()\nx = g()"),
    ("a function called by one called at once",
     "from p.v import f\ndef g(): return f()\ndef h(): return g()\nx = h()"),
    ("a class made at once",
     "from p.v import f\nclass C:\n    def __init__(self): f()\nx = C()"),
    ("a class whose heir is made at once",
     "from p.v import f\nclass C:\n    def __init__(self): f()\nclass D(C): ...\nx = D()"),
    ("a decorator of the file's own", "from p.v import f\ndef d(g): return f(g)\n@d\ndef h(): ..."),
    ("a lambda that is called at once", "from p.v import f\ng = lambda: f()\nx = g()"),
    ("a lambda handed to a call", "from p.v import f\nx = sorted(y, key=lambda z: f(z))"),
    ("a function handed to a call", "from p.v import f\ndef g(z): return f(z)\nx = map(g, y)"),
    ("a function in a table that is used at once",
     "from p.v import f\ndef g(): f()\nTABLE = {1: g}\nx = TABLE[1]()"),
    ("it does not parse", "from p.v import T\nthis is no Python"),
    ("NUL", "from p.v import T\n\0"),
    ("too deep", "from p.v import T\nx = " + "-" * 5000 + "1"),
]  # fmt: skip

CASES = [
    (rating, proves, source)
    for rating, cases in zip(RATINGS, (UNUSED, TYPING, DEFERRABLE, NEEDED), strict=True)
    for proves, source in cases
]


@pytest.mark.parametrize(("expected", "proves", "source"), CASES, ids=[c[1] for c in CASES])
def test_ratings(expected: Rating, proves: str, source: str) -> None:
    line = 2 if source.startswith("from __future__") else 0
    assert rated(source, line=line) == expected, proves


@pytest.mark.parametrize("source", [case[1] for case in (*UNUSED, *TYPING, *DEFERRABLE)])
def test_whatever_a_package_binds_is_needed(source: str) -> None:
    line = 2 if source.startswith("from __future__") else 0
    assert rated(source.replace("from . ", "from p "), module=PACKAGE, line=line) == "needed"


@pytest.mark.parametrize(
    ("proves", "source", "imported", "expected"),
    [
        ("only its own names", "from p.v import w, T\nT()", "p.v.w", "unused"),
        ("only what is no module of its own", "from p.v import w, T\nw.f()", "p.v", "unused"),
        ("a package by a chain below it", "import p\ndef f(): p.v.f()", "p", "deferrable"),
        ("two dots", "from ..v import T\ndef f(x: T): ...", "p.v", "typing"),
        ("too many dots", "from ...v import T", "p.v", "needed"),
        ("a module that the line does not import", "import q", "p.v", "needed"),
        ("an alias of the configuration", "from lib.v import T", "p.v", "needed"),
        ("two modules of one package: this", "import p.v\nimport p.other\np.v.f()", "p.v", "needed"),
        ("two on a line", "import p.v; from p.v import T\ndef f(): T()", "p.v", "deferrable"),
    ],
)  # fmt: skip
def test_which_names_belong_to_a_module(
    proves: str, source: str, imported: str, expected: Rating
) -> None:
    module = Module("p.q.m", "p/q/m.py", False, False, True, "p.q")
    assert rated(source, imported, module=module) == expected, proves


def test_the_hardest_site_counts() -> None:
    source = b"import p.v as a\nimport p.v as b\nimport p.v as c\ndef f(x: b.T): c.g()\n"
    for lines, expected in (([1], "unused"), ([1, 2], "typing"), ([3, 1], "deferrable")):
        assert rate_imports(source, PLAIN, {"p.v": lines}) == {"p.v": expected}


def test_a_name_that_other_files_take_is_needed() -> None:
    source = b"from p.v import T\n"
    for taken, expected in (({"T"}, "needed"), ({"*"}, "needed"), ({"U"}, "unused")):
        assert rate_imports(source, PLAIN, {"p.v": [1]}, taken=taken) == {"p.v": expected}


def test_another_encoding() -> None:
    source = "# coding: latin-1\nfrom p.v import é\ndef f(x: é): ...\n".encode("latin-1")
    assert rate_imports(source, PLAIN, {"p.v": [2]}) == {"p.v": "typing"}


def test_hardest() -> None:
    assert hardest(["typing", "needed", "unused"]) == "needed"
    assert hardest(["typing", "unused"]) == "typing"
    assert hardest([]) == "unused"

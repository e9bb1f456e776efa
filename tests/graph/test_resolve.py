"""DESIGN section 4, sentence by sentence: what files are called and what imports mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pytest

from lane_planner.graph.graph import build_graph
from lane_planner.scan.records import FileRecord
from lane_planner.scan.source import scan_source, scan_text


class Case(NamedTuple):
    """A file with imports, in a repository, and what they mean.

    Attributes:
        says: the sentence of DESIGN section 4.
        source: of the importer.
        means: imported names; "?" behind what is missing, "!" behind what climbs beyond the top,
            "~" behind what is external.
        others: files beside the importer.
        path: of the importer.
        roots: source roots.
        lanes: paths of lanes.
        aliases: written prefix → what it stands for.
    """

    says: str
    source: str
    means: str
    others: tuple[str, ...] = ()
    path: str = "a/x.py"
    roots: tuple[str, ...] = (".",)
    lanes: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()


PKG = ("a/__init__.py", "a/b/__init__.py", "a/b/c.py")
SPACE = ("a/b/c.py",)

CASES = [
    Case("`import a.b.c` imports `a.b.c`", "import a.b.c", "a.b.c", PKG),
    Case("… and not what is around it", "import a.b.c as d", "a.b.c", PKG),
    Case("… of several, each", "import a.b, a.b.c", "a.b a.b.c", PKG),
    Case("`from a.b import n` imports `a.b.n` if that is a module", "from a.b import c", "a.b.c",
         PKG),
    Case("… else `a.b`", "from a.b import n", "a.b", PKG),
    Case("… each name for itself", "from a.b import c, n, m", "a.b.c a.b", PKG),
    Case("… under whatever name", "from a.b import c as n", "a.b.c", PKG),
    Case("… one entry a site and imported module", "from a.b import n, m, k", "a.b", PKG),
    Case("… in brackets", "from a.b import (\n    c,\n    n,\n)", "a.b.c a.b", PKG),
    Case("`from . import n` likewise, a module", "from . import c", "a.b.c", PKG, "a/b/x.py"),
    Case("`from . import n` likewise, a name", "from . import n", "a.b", PKG, "a/b/x.py"),
    Case("`from a import *` imports `a`", "from a.b import *", "a.b", PKG),
    Case("Relative imports climb from the package", "from .c import n", "a.b.c", PKG, "a/b/x.py"),
    Case("… once a dot more", "from ..b.c import n", "a.b.c", PKG, "a/b/x.py"),
    Case("… of which a package is its own", "from .c import n", "a.b.c", PKG, "a/b/__init__.py"),
    Case("… to the top", "from .. import b", "a.b", PKG, "a/b/x.py"),
    Case("beyond the top is LP302", "from ... import n", "...!", PKG, "a/b/x.py"),
    Case("beyond the top is LP302, with a module", "from ....m import n", "....m!", PKG,
         "a/b/x.py"),
    Case("… from a top-level module at once", "from . import n", ".!", PKG, "x.py"),
    Case("First-party: a top-level name under a source root that holds Python files",
         "import b.gone", "b.gone?", ("b/c.py",)),
    Case("… deep below counts", "import b.gone", "b.gone?", ("b/c/d/e.py",)),
    Case("… a top-level module counts", "import b.gone", "b.gone?", ("b.py",)),
    Case("… not what lies in a directory", "import c.gone", "c.gone~", ("b/c/d.py",)),
    Case("or the first name of a lane's path", "import lane.gone", "lane.gone?",
         lanes=("lane",)),
    Case("… below its source root", "import lane.gone, src.gone", "lane.gone? src.gone~",
         lanes=("src/lane/deep",), roots=("src", ".")),
    Case("… a lane may still be empty", "from lane import n", "lane?", lanes=("lane",)),
    Case("a file of a lane", "import tool.x", "tool.x?", lanes=("tool.py",)),
    Case("First-party but no such module: unresolved", "import a.gone", "a.gone?", PKG),
    Case("… keeps the written module", "from a.gone import n", "a.gone?", PKG),
    Case("… however deep", "import a.b.c.d", "a.b.c.d?", PKG),
    Case("… made absolute", "from .gone import n", "a.b.gone?", PKG, "a/b/x.py"),
    Case("`from a import n` of a namespace package without `a.n` is unresolved",
         "from a.b import n", "a.b?", SPACE),
    Case("… and with it is not", "from a.b import c", "a.b.c", SPACE),
    Case("… each name for itself", "from a.b import c, n", "a.b.c a.b?", SPACE),
    Case("… relative likewise", "from . import n", "a.b?", SPACE, "a/b/x.py"),
    Case("… but a star is the package", "from a.b import *", "a.b", SPACE),
    Case("A directory with modules but no `__init__.py` is a namespace package", "import a.b",
         "a.b", SPACE),
    Case("`__init__.py` names its directory", "import a.b", "a.b", PKG),
    Case("the written `__init__` is no module", "import a.b.__init__", "a.b.__init__?", PKG),
    Case("a directory without Python files is none", "import a.d", "a.d?", ("a/d/e/readme.txt",)),
    Case("A module's name is its path from its source root", "import c", "c", ("src/c.py",),
         roots=("src",)),
    Case("… default `.`", "import src.c", "src.c", ("src/c.py",)),
    Case("… the longest wins", "import d, c.d", "d c.d~", ("src/c/d.py", "src/c2.py"),
         roots=("src", "src/c", "."), lanes=("src/c",)),
    Case("… what lies outside all is named from the top", "import b.c", "b.c", ("b/c.py",),
         roots=("src",)),
    Case("A file nobody can import by name can import", "import a.b.c", "a.b.c", PKG, "a/x-1.py"),
    Case("… relatively too", "from .b import c", "a.b.c", PKG, "a/x-1.py"),
    Case("… not be imported", "import a.y.original", "a.y.original?", ("a/y.original.py",)),
    Case("… nor what lies in a directory that nobody can import", "import a.v1.c", "a.v1.c?",
         ("a/v-1/c.py",)),
    Case("… nor a keyword", "__import__('a.class')", "a.class?", ("a/class.py",)),
    Case("`a/b.py` beside `a/b/__init__.py`: the package wins", "import a.b.c", "a.b.c",
         ("a/b.py", *PKG)),
    Case("… but beats a directory without one", "import a.b.c, a.b", "a.b.c? a.b",
         ("a/b.py", "a/b/c.py")),
    Case("Compiled modules exist", "import a.m, a.n, a.o", "a.m a.n a.o",
         ("a/m.cpython-311-x86_64-linux-gnu.so", "a/n.pyd", "a/o.pyx")),
    Case("and stub-only modules", "import a.m", "a.m", ("a/m.pyi",)),
    Case("… with nothing known inside", "from a.m import anything", "a.m", ("a/m.pyi",)),
    Case("`aliases` maps a written prefix before resolving", "import core.b.c", "a.b.c", PKG,
         aliases=(("core", "a"),)),
    Case("… the prefix alone", "from core import n", "a.b", PKG, aliases=(("core", "a.b"),)),
    Case("… whole names only", "import corentin.b", "corentin.b~", PKG, aliases=(("core", "a"),)),
    Case("… the longest first", "import core.b.c, core.z", "a.b.c z.z~", PKG,
         aliases=(("core", "z"), ("core.b", "a.b"))),
    Case("… once", "import core.b", "a.b", PKG, aliases=(("core", "a"), ("a", "z"))),
    Case("… not relative imports", "from .b import c", "a.b.c", PKG, aliases=(("a", "z"),)),
    Case("… in dynamic imports too", "__import__('core.b.c')", "a.b.c", PKG,
         aliases=(("core", "a"),)),
    Case("The rest is external", "import os.path, numpy as np\nfrom x.y import z",
         "os.path~ numpy~ x.y~", PKG),
    Case("Importing a package from inside itself is an edge", "import a.b", "a.b", PKG,
         "a/b/x.py"),
    Case("… relatively", "from .. import b", "a.b", PKG, "a/b/x.py"),
    Case("a module importing itself is not", "import a.b.c\nfrom a.b import c\nfrom . import c", "",
         PKG, "a/b/c.py"),
    Case("… nor a package itself", "from . import n\nimport a.b", "", PKG, "a/b/__init__.py"),
    Case("dynamic: `import_module(literal)`", "import importlib\nimportlib.import_module('a.b.c')",
         "importlib~ a.b.c", PKG),
    Case("dynamic: relative to `__package__`",
         "from importlib import import_module\nimport_module('.c', package=__package__)",
         "importlib~ a.b.c", PKG, "a/b/x.py"),
    Case("dynamic: relative to `__name__`, of a package",
         "from importlib import import_module\nimport_module('.c', __name__)",
         "importlib~ a.b.c", PKG, "a/b/__init__.py"),
    Case("dynamic: relative to a literal",
         "from importlib import import_module\nimport_module('.c', package='a.b')",
         "importlib~ a.b.c", PKG, "a/x.py"),
    Case("dynamic: `__import__`", "__import__('a.b.c')", "a.b.c", PKG),
    Case("dynamic: with anything else it is opaque", "name = 'a.b'\n__import__(name)", "", PKG),
]  # fmt: skip


def records_of(paths: Iterable[str]) -> dict[str, FileRecord]:
    return {path: FileRecord() for path in paths if not path.endswith(".txt")}


@pytest.mark.parametrize("case", CASES, ids=[f"{i} {case.says}" for i, case in enumerate(CASES)])
def test_what_imports_mean(case: Case) -> None:
    record = scan_text(case.source)
    graph = build_graph(
        {**records_of(case.others), case.path: record},
        source_roots=case.roots,
        lane_paths=case.lanes,
        aliases=case.aliases,
        external=True,
    )
    importer = graph.module_at(case.path)
    assert importer is not None
    marks = {"LP301": "?", "LP302": "!", None: ""}
    found = [
        site.imported + ("~" if site.external else marks[site.fault])
        for site in graph.sites_in(importer.name)
    ]
    assert found == case.means.split()


@pytest.mark.parametrize(
    ("proves", "paths", "roots", "expected"),
    [
        ("modules, packages, namespace packages", ("a/__init__.py", "a/b.py", "s/t/u.py"), (".",),
         {"a": "a/__init__.py", "a.b": "a/b.py", "s": "s", "s.t": "s/t", "s.t.u": "s/t/u.py"}),
        ("names that nobody can import are paths",
         ("a-b.py", "x.y-z.py", "p/if.py", "q-1/__init__.py", "q-1/m.py", "1.py"), (".",),
         {"a-b.py": "a-b.py", "x.y-z.py": "x.y-z.py", "p/if.py": "p/if.py", "p": "p", "1.py": "1.py",
          "q-1/__init__.py": "q-1/__init__.py", "q-1/m.py": "q-1/m.py"}),
        ("the first source root wins a name", ("lib/a.py", "src/a.py"), ("src", "lib"),
         {"a": "src/a.py", "lib/a.py": "lib/a.py"}),
        ("source beside its stub and its built file", ("a.py", "a.pyi", "a.so"), (".",),
         {"a": "a.py"}),
        ("built beside its stub", ("a.pyi", "a.cpython-312-darwin.so"), (".",),
         {"a": "a.cpython-312-darwin.so"}),
        ("Unicode names", ("café/naïve.py",), (".",),
         {"café": "café", "café.naïve": "café/naïve.py"}),
    ],
)  # fmt: skip
def test_what_files_are_called(
    proves: str, paths: tuple[str, ...], roots: tuple[str, ...], expected: dict[str, str]
) -> None:
    graph = build_graph(records_of(paths), source_roots=roots)
    assert {module.name: module.path for module in graph.modules.values()} == expected, proves
    assert list(graph.modules) == sorted(graph.modules)
    for module in graph.modules.values():
        assert module.importable == all(part.isidentifier() for part in module.name.split("."))


def test_a_clash_tells_which_file_is_imported_instead() -> None:
    graph = build_graph(records_of(["a/b.py", "a/b/__init__.py", "a/c.py", "a/c/d.py"]))
    shadowed = {m.path: m.shadowed_by for m in graph.modules.values() if m.shadowed_by}
    assert shadowed == {"a/b.py": "a/b/__init__.py", "a/c/d.py": "a/c.py"}


@pytest.mark.parametrize(
    ("proves", "source", "expected"),
    [
        ("first character of the statement", "x = 1; from a import b", [(1, 7, "a.b")]),
        ("in characters, not bytes", "é = 1; import a.b", [(1, 7, "a.b")]),
        ("inside a block", "if x:\n\timport a.b", [(2, 1, "a.b")]),
        ("of several lines, the first", "\n\nfrom a import (\n  b,\n  b as c)", [(3, 0, "a.b")]),
        ("two statements are two sites", "import a.b; import a.b", [(1, 0, "a.b"), (1, 12, "a.b")]),
        ("a dynamic import's statement", "y = __import__('a.b')", [(1, 0, "a.b")]),
        ("one entry however many names", "import a.b, a.b as c", [(1, 0, "a.b")]),
    ],
)
def test_where_a_site_is(proves: str, source: str, expected: list[tuple[int, int, str]]) -> None:
    graph = build_graph({**records_of(["a/b.py"]), "x.py": scan_text(source)})
    sites = graph.sites_in("x")
    assert [(site.line, site.column, site.imported) for site in sites] == expected, proves


@pytest.mark.parametrize(
    ("proves", "content", "imported", "fails"),
    [
        ("a coding line", b"# coding: latin-1\nX = '\xe9'\nimport a.b\n", ["a.b"], False),
        ("a byte order mark", b"\xef\xbb\xbfimport a.b\n", ["a.b"], False),
        ("a file that does not parse still gives its imports",
         b"import a.b\ndef f(:\nimport a.gone\n", ["a.b", "a.gone"], False),
        ("a file that cannot be decoded gives none", b"import a.b\nX = '\xe9'\n", [], True),
    ],
)  # fmt: skip
def test_encodings_and_broken_files(
    proves: str, content: bytes, imported: list[str], fails: bool
) -> None:
    record = scan_source(content)
    assert (record.undecodable is not None) == fails
    graph = build_graph({**records_of(["a/b.py"]), "x.py": record})
    assert [site.imported for site in graph.sites_in("x")] == imported, proves


def test_external_imports_are_left_out_unless_asked_for() -> None:
    records = {
        "a/b.py": scan_text("import os\nimport a.c\nfrom ... import x"),
        "a/c.py": FileRecord(),
    }
    assert [s.imported for s in build_graph(records).sites] == ["a.c", "..."]
    every = build_graph(records, external=True)
    assert [(s.imported, s.external, s.resolved) for s in every.sites] == [
        ("os", True, False), ("a.c", False, True), ("...", False, False),
    ]  # fmt: skip
    assert every.imports_of("a.b") == ("a.c",)

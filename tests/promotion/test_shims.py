"""Shims: programs that use old names run after a promotion as they did before it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lane_planner.executor.promote import advance
from lane_planner.promotion.compose import compose
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.shims import Shims, shim_content
from lane_planner.promotion.values import Promotion
from lane_planner.scan.records import RawImport
from lane_planner.scan.shims import Shim, ShimKind, read_shim
from lane_planner.scan.source import scan_source
from tests.promotion.test_behaviour import Driver, programs
from tests.promotion.trees import (
    CANDIDATE,
    CORE,
    Tree,
    applied,
    mentions_of,
    moves_of,
    tree,
    workspace_of,
)

KINDS: tuple[ShimKind, ...] = ("alias", "reexport")
DAY = "2024-01-02"

FILES = {
    "candidate/a.py": (
        "import sys\n\nVALUE = 1\n_HIDDEN = 2\n__all__ = ['VALUE']\n\n\n"
        "def value():\n    return VALUE\n\n\n"
        "if __name__ == '__main__':\n    print(__name__, __spec__.name[-2:], sys.argv[1:])\n"
    ),
    "candidate/plain.py": "import os\n\nONE = 1\n_TWO = 2\n",
    "candidate/pkg/__init__.py": "from candidate.pkg.part import PART\n\nNAME = 'pkg'\n",
    "candidate/pkg/part.py": "PART = 3\n",
    "candidate/pkg/other.py": "from candidate.pkg import part\n\nOTHER = part.PART + 1\n",
    "candidate/pkg/deep/__init__.py": "",
    "candidate/pkg/deep/end.py": "END = 5\n",
    "candidate/pkg/__main__.py": "from candidate.pkg import NAME\n\nprint('main of', NAME)\n",
    "candidate/user.py": "from candidate.a import value\nimport candidate.pkg.part\n",
}
A = ["candidate/a.py"]
PKG = sorted(path for path in FILES if path.startswith("candidate/pkg/"))


def promoted(
    files: Tree, *steps: Sequence[str], kind: ShimKind | None = "alias"
) -> tuple[Tree, list[Promotion]]:
    """Promote files step by step, leaving shims."""
    workspace, mentions, promotions = workspace_of(files), mentions_of(files), []
    shims = None if kind is None else Shims(kind, DAY, "2024-07-01")
    for paths in steps:
        composed = compose(
            workspace, CANDIDATE, CORE, moves_of(paths), mentions, name="test", shims=shims
        )
        advance(workspace, composed)
        files = applied(files, composed.promotion)
        promotions.append(composed.promotion)
        assert workspace.tracked == files.keys()
        for path in workspace.records:
            assert workspace.contents([path])[path] == files[path]
            assert workspace.records[path] == scan_source(files[path])
    return files, promotions


def write(directory: Path, files: Tree) -> None:
    """Write files below a directory."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def python(
    directory: Path, files: Tree, *arguments: str, fails: bool = False
) -> tuple[list[str], str]:
    """Run Python in a directory with some files; return the lines that it prints, and stderr."""
    write(directory, files)
    done = subprocess.run(
        [sys.executable, "-B", *arguments], cwd=directory, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode != 0) is fails, done.stderr
    return done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_old_names_work_in_every_form_of_import(kind: ShimKind, tmp_path: Path) -> None:
    after, (promotion,) = promoted(tree(FILES), [*A, "candidate/plain.py", *PKG], kind=kind)
    assert after["candidate/user.py"] == b"from core.a import value\nimport core.pkg.part\n"
    shims = [write.path for write in promotion.writes if write.reason == "shim"]
    assert shims == sorted([*A, "candidate/plain.py", *PKG])
    program = """
import importlib, pickle, sys
import candidate.a, candidate.pkg.other, candidate.pkg.deep.end as end
import core.a, core.pkg.deep.end
from candidate.a import value, _HIDDEN
from candidate import a
from candidate.pkg import part, PART, deep
from candidate.a import *
assert (VALUE, _HIDDEN, PART, end.END, deep.end.END, part.PART) == (1, 2, 3, 5, 5, 3)
assert candidate.pkg.other.OTHER == 4 and value is core.a.value and a.value is value
assert importlib.import_module('candidate.pkg.part').PART == 3
core.a.later = 'set late'
assert candidate.a.later == 'set late' and 'later' in dir(candidate.a)
assert pickle.loads(b'ccandidate.a\\nvalue\\n.') is value
scope = {}
exec('from candidate.plain import *', scope)
assert scope['ONE'] == 1 and not {'_TWO', 'TYPE_CHECKING', 'importlib'} & scope.keys(), scope.keys()
for name in ('candidate.a', 'candidate.pkg'):
    try:
        sys.modules[name].missing
    except AttributeError as error:
        assert 'missing' in str(error)
    else:
        raise AssertionError
try:
    import candidate.pkg.nothing
except ModuleNotFoundError as error:
    assert error.name == 'candidate.pkg.nothing', error.name
assert core.pkg.part.__name__ == 'core.pkg.part' and core.pkg.deep.__name__ == 'core.pkg.deep'
loaded = {m.__name__ for n, m in list(sys.modules.items()) if n.startswith('candidate.')}
print(*sorted(loaded))
"""
    said, _ = python(tmp_path, after, "-c", program)
    if kind == "alias":  # no module was loaded by its old name, let alone twice
        assert said == ["core.a core.pkg core.pkg.deep core.pkg.deep.end core.pkg.other "
                        "core.pkg.part core.plain"]  # fmt: skip


def test_an_alias_is_the_new_module(tmp_path: Path) -> None:
    after, _ = promoted(tree(FILES), A, PKG)
    program = """
import sys
from unittest.mock import patch
import candidate.pkg.deep.end as old_end, candidate.a as old, candidate.pkg as old_pkg
import core.a as new, core.pkg as new_pkg, core.pkg.deep.end as new_end
assert old is new and old_pkg is new_pkg and old_end is new_end
assert sys.modules['candidate.a'] is new
with patch('candidate.a.VALUE', 7):
    print(new.value())
old.VALUE = 8
print(new.value())
"""
    assert python(tmp_path, after, "-c", program)[0] == ["7", "8"]


def test_a_re_export_is_patched_by_itself(tmp_path: Path) -> None:
    after, _ = promoted(tree(FILES), A, kind="reexport")
    program = """
from unittest.mock import patch
import candidate.a as old, core.a as new
with patch('candidate.a.VALUE', 7):
    print(old.VALUE, new.VALUE)
with patch('core.a.VALUE', 7):
    print(old.VALUE, new.VALUE)
print(old.VALUE, new.VALUE)
"""
    assert python(tmp_path, after, "-c", program)[0] == ["7 1", "7 7", "1 1"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_warning_names_the_new_module_at_the_importer(kind: ShimKind, tmp_path: Path) -> None:
    after, _ = promoted(tree(FILES), A, PKG, kind=kind)
    after["importer.py"] = b"\n\nimport candidate.a\n\nfrom candidate.pkg.part import PART\n"
    _, said = python(tmp_path, after, "-W", "always::DeprecationWarning", "importer.py")
    found = [line.rpartition("/")[2] for line in said.splitlines() if "Warning" in line]
    of_package = "DeprecationWarning: candidate.pkg is now core.pkg"
    assert found == [
        "importer.py:3: DeprecationWarning: candidate.a is now core.a",
        *([f"importer.py:5: {of_package}"] if kind == "alias" else ()),
        "importer.py:5: DeprecationWarning: candidate.pkg.part is now core.pkg.part",
    ]
    after["importer.py"] = b"import candidate.pkg\n\n\nfrom candidate.pkg import NAME\n"
    _, said = python(tmp_path, after, "-W", "always::DeprecationWarning", "importer.py")
    found = [line.rpartition("/")[2] for line in said.splitlines() if "Warning" in line]
    assert set(found) == {f"importer.py:{1 if kind == 'alias' else 4}: {of_package}"}
    after["importer.py"] = b"import candidate.a\n"
    write(tmp_path, after)
    strict = ("-W", "error::DeprecationWarning")
    _, said = python(tmp_path, {}, *strict, "importer.py", fails=True)
    assert said.splitlines()[-1] == "DeprecationWarning: candidate.a is now core.a"
    assert python(tmp_path, {}, *strict, "-c", "import candidate.user") == ([], "")


@pytest.mark.parametrize("kind", KINDS)
def test_old_names_run_as_programs(kind: ShimKind, tmp_path: Path) -> None:
    before = tree(FILES)
    expected = python(tmp_path / "before", before, "-m", "candidate.a", "x")
    assert expected == (["__main__ .a ['x']"], "")
    after, _ = promoted(before, A, PKG, kind=kind)
    assert python(tmp_path / "after", after, "-m", "candidate.a", "x") == expected
    assert python(tmp_path / "after", {}, "-m", "candidate.pkg") == (["main of pkg"], "")
    assert python(tmp_path / "after", {}, "-m", "candidate.pkg.other") == ([], "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_with_something_left_in_it(kind: ShimKind, tmp_path: Path) -> None:
    files = tree(FILES)
    moving = ["candidate/pkg/__init__.py", "candidate/pkg/part.py"]
    after, (promotion,) = promoted(files, moving, kind=kind)
    shim = read_shim(after["candidate/pkg/__init__.py"].decode())
    assert shim == Shim("candidate.pkg", "core.pkg", "reexport", DAY, "2024-07-01")
    said = [note for note in promotion.notes if "re-export" in note]
    assert said == (
        ["the shim of candidate.pkg is a re-export: as an alias it would hide "
         "candidate/pkg/__main__.py"] if kind == "alias" else []
    )  # fmt: skip
    program = """
from candidate.pkg import part, other, NAME
import candidate.pkg.deep.end, core.pkg, candidate.pkg.part
assert (NAME, other.OTHER, candidate.pkg.deep.end.END, part.PART) == ('pkg', 4, 5, 3)
assert other.__name__ == 'candidate.pkg.other' and core.pkg.part.__name__ == 'core.pkg.part'
assert not hasattr(core.pkg, 'other')
print((candidate.pkg.part is core.pkg.part))
"""
    assert python(tmp_path, after, "-c", program)[0] == [str(kind == "alias")]
    # What stays can be imported without a warning; what has moved, not.
    strict = ("-W", "error::DeprecationWarning", "-c")
    stays = "from candidate.pkg import other; import candidate.pkg.deep.end"
    assert python(tmp_path, {}, *strict, stays) == ([], "")
    _, error = python(tmp_path, {}, *strict, "from candidate.pkg import NAME", fails=True)
    assert error.splitlines()[-1] == "DeprecationWarning: candidate.pkg is now core.pkg"


def test_a_package_that_follows_what_was_in_it_becomes_an_alias(tmp_path: Path) -> None:
    inside = [path for path in PKG if path != "candidate/pkg/__init__.py"]
    after, _ = promoted(tree(FILES), inside, ["candidate/pkg/__init__.py"])
    assert b"kind: alias" in after["candidate/pkg/__init__.py"]
    program = "import candidate.pkg.deep.end as o, core.pkg.deep.end as n; print(o is n)"
    assert python(tmp_path, after, "-c", program)[0] == ["True"]


def test_an_alias_does_not_hide_a_directory_without_init(tmp_path: Path) -> None:
    files = tree({**FILES, "candidate/pkg/ns/far.py": "FAR = 1\n"})
    after, _ = promoted(files, [*PKG, "candidate/pkg/ns/far.py"])
    assert b"kind: reexport" in after["candidate/pkg/__init__.py"]
    program = """
import core.pkg.ns.far as new, candidate.pkg.ns.far as old, core
print(old is new, core.pkg.ns.far is new)
"""
    assert python(tmp_path, after, "-c", program)[0] == ["True True"]


def test_shims_are_told_by_their_first_lines() -> None:
    for kind in KINDS:
        for package in (False, True):
            shim = Shim("candidate.a", "core.a", kind, DAY, None)
            content = shim_content(shim, package=package)
            assert read_shim(content.decode("ascii")) == shim
            record = scan_source(content)
            assert record.shim == "core.a"
            named = {raw.module for raw in record.imports if raw.module.startswith("core")}
            assert named == {"core.a"}
            eager = [r for r in record.imports if r.module == "core.a" and r.kind == "eager"]
            assert [type(raw) for raw in eager] == [RawImport]
            header = content.split(b"\n", 2)
            assert scan_source(header[2]).shim is None
            assert scan_source(b"\n" + content).shim is None
            assert scan_source(b"\n".join((header[0], b"", header[2]))).shim is None


def test_shims_pass_the_usual_checks(tmp_path: Path) -> None:
    after: Tree = {}
    for kind in KINDS:
        found, _ = promoted(tree(FILES), A, PKG, kind=kind)
        after |= {f"{kind}_{path}" if path in A else path: c for path, c in found.items()}
    write(tmp_path, after)
    shims = [path for path, content in after.items() if scan_source(content).shim is not None]
    assert all(after[path].isascii() for path in shims)
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", *shims]
    done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# (files beside FILES, steps, what is said): promotions that no shim can follow.
REFUSED: dict[str, tuple[dict[str, str], list[list[str]], str]] = {
    "the package makes the name of its submodule something else": (
        {"candidate/pkg/__init__.py": "from candidate.pkg.part import PART as part\n"},
        [PKG],
        "candidate/pkg/__init__.py:1: part is bound here, and importing the shim of "
        "candidate.pkg.part would take its place: promote it without",
    ),
    "a name beyond ASCII": (
        {"candidate/\u00fcber.py": "X = 1\n"},
        [["candidate/\u00fcber.py"]],
        "candidate/\u00fcber.py:1: a shim is ASCII, and candidate.\u00fcber is not: promote it "
        "without",
    ),
    "a module of the repository has the name of one that shims import": (
        {"runpy.py": ""},
        [A],
        "candidate/a.py:1: its shim would import runpy: promote it without",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_shim_can_do_is_refused(case: str) -> None:
    files, steps, said = REFUSED[case]
    with pytest.raises(Refused) as refusal:
        promoted(tree({**FILES, **files}), *steps)
    assert str(refusal.value) == said
    promoted(tree({**FILES, **files}), *steps, kind=None)


def test_a_re_export_below_an_alias_is_refused() -> None:
    after, _ = promoted(tree(FILES), PKG)
    after["candidate/pkg/new.py"] = b""
    with pytest.raises(Refused, match=r"candidate.pkg is an alias, and a re-export in it would"):
        promoted(after, ["candidate/pkg/new.py"], kind="reexport")
    again, _ = promoted(after, ["candidate/pkg/new.py"])
    assert scan_source(again["candidate/pkg/new.py"]).shim == "core.pkg.new"


def test_tests_leave_no_shims() -> None:
    files = tree({**FILES, "candidate/test_a.py": "", "candidate/conftest.py": ""})
    after, (promotion,) = promoted(files, ["candidate/test_a.py", "candidate/conftest.py"])
    assert not {"candidate/test_a.py", "candidate/conftest.py"} & after.keys()
    assert promotion.writes == ()


def test_a_module_takes_the_place_of_a_shim_that_nobody_imports() -> None:
    shim = Shim("core.a", "support.a", "alias", DAY, None)
    files = tree({**FILES, "support/a.py": "VALUE = 9\n"})
    files["core/a.py"] = shim_content(shim, package=False)
    after, (promotion,) = promoted(files, A, kind=None)
    assert promotion.deletes == ("core/a.py",)
    assert after["core/a.py"] == files["candidate/a.py"]
    files["core/user.py"] = b"import core.a\n"
    with pytest.raises(Refused, match=r"core/a.py is a shim that core.user imports"):
        promoted(files, A, kind=None)


def test_a_shim_follows_what_it_stands_for() -> None:
    shim = Shim("old.a", "candidate.a", "reexport", DAY, "2024-03-01")
    files = tree(FILES)
    files["old/a.py"] = shim_content(shim, package=False)
    after, _ = promoted(files, A)
    assert read_shim(after["old/a.py"].decode()) == Shim(
        "old.a", "core.a", "reexport", DAY, "2024-03-01"
    )
    files["old/a.py"] += b"# mine\n"
    with pytest.raises(Refused, match=r"this shim of candidate.a was edited: remove it first"):
        promoted(files, A)


def test_without_shims_a_package_gets_a_made_init_as_before() -> None:
    after, _ = promoted(tree(FILES), ["candidate/pkg/__init__.py"], kind=None)
    assert after["candidate/pkg/__init__.py"] == MADE_INIT


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    """The process that runs generated programs."""
    made = Driver()
    yield made
    made.close()


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(program=programs(), kind=st.sampled_from(KINDS))
def test_generated_programs_do_the_same_by_both_names(
    driver: Driver, program: tuple[Tree, list[list[str]]], kind: ShimKind
) -> None:
    """Each module alone by either name, and all together by new names, then by old ones."""
    files, steps = program
    try:
        after, promotions = promoted(files, *steps, kind=kind)
    except Refused:
        return
    renamed = {old: new for step in promotions for old, new in step.renamed}
    names = sorted(
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in files
        if path != "__init__.py"
    )
    runs = [[(old, old)] for old in names]
    new_names = [[(old, renamed.get(old, old))] for old in names]
    runs.append([(f"{n} {old}", old) for n in range(2) for old in names])
    with tempfile.TemporaryDirectory() as top:
        write(Path(top, "before"), files)
        write(Path(top, "after"), after)
        expected = [driver.run(Path(top, "before"), run) for run in runs]
        mixed = [(f"0 {old}", renamed.get(old, old)) for old in names] + runs[-1][len(names) :]
        cases = [*zip(runs[:-1], expected, strict=False), *zip(new_names, expected, strict=False)]
        for run, said in [*cases, (mixed, expected[-1])]:
            if any(value.endswith(("Error", "import")) for value in said.values()):
                continue  # it may come to work where more is run
            found = driver.run(Path(top, "after"), run)
            if "circular import" not in found.values():  # the planner's part: here any module moves
                assert found == said, (run, steps, files)

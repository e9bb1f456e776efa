"""Converted modules of tach forbid what tach itself forbids, and what they cannot is told."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.adoption.linter_worlds import PACKAGE, assert_told, made_package, write_files
from tests.cli.shop import process_environment, run

WORLDS = 30


def tach_says(root: Path) -> set[tuple[str, int]]:
    """Return the files and lines that tach reports an error of."""
    done = subprocess.run(
        [sys.executable, "-m", "tach", "check", "--dependencies", "--output", "json"],
        cwd=root, env={k: v for k, v in process_environment().items() if k != "PYTHONWARNINGS"},
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    found = set()
    for diagnostic in json.loads(done.stdout):
        ((kind, detail),) = diagnostic.items()
        if detail["severity"] == "Error":
            assert kind == "Located", diagnostic
            found.add((detail["file_path"], detail["line_number"]))
    return found


def lanes_say(root: Path) -> set[tuple[str, int]]:
    """Return the files and lines that `check` reports."""
    ran = run(root, "check", "--format", "json")
    assert ran.code in (0, 1), ran
    return {(v["path"], v["line"]) for v in ran.json["violations"] if v["code"] == "LP101"}


def made_modules(name: str, chance: random.Random) -> str:
    """Return random modules, as a tach.toml."""
    paths = [f"{name}.{child}" for child in "abcd"]
    paths += chance.sample([f"{name}.a.one", f"{name}.b.two", f"{name}.loose", name], 2)
    layered = chance.random() < 0.5
    layers = ["top", "middle", "low"]
    lines = [f"layers = {json.dumps(layers)}" if layered else "", 'root_module = "ignore"']
    lines.append("ignore_type_checking_imports = false")
    for path in paths:
        lines += ["[[modules]]", f'path = "{path}"']
        if chance.random() < 0.8:
            depends: list[object] = [
                *chance.sample([p for p in paths if p != path], chance.randrange(3))
            ]
            written = [
                f'{{ path = "{p}", deprecated = true }}' if chance.random() < 0.3 else f'"{p}"'
                for p in depends
            ]
            lines.append(f"depends_on = [{', '.join(written)}]")
        if chance.random() < 0.2:
            lines.append("utility = true")
        if chance.random() < 0.2:
            lines.append("unchecked = true")
        if layered and chance.random() < 0.6:
            lines.append(f'layer = "{chance.choice(layers)}"')
    return "\n".join(lines) + "\n"


def test_the_same_imports_are_broken(tmp_path: Path) -> None:
    seen: set[int] = set()
    for number in range(WORLDS):
        chance = random.Random(number)
        name = f"world{number}"
        src = chance.choice(["", "src/"])
        files = made_package(name, chance, src)
        head = 'source_roots = ["src"]\n' if src else ""
        files["tach.toml"] = head + made_modules(name, chance)
        root = write_files(tmp_path / name, files)
        expected = tach_says(root)
        ran = run(root, "init", "--from-tach")
        if ran.code == 2 and "can become lanes" in ran.error():
            assert expected == set()
            continue
        assert ran.code == 0, (name, ran)
        assert lanes_say(root) == expected, (name, (root / "lanes.toml").read_text())
        seen.add(len(expected))
    assert len(seen) > 5  # the worlds are not all alike, or empty


MODULES = '[[modules]]\npath = "shop.web"\n[[modules]]\npath = "shop.db"\ndepends_on = []\n'
BROKEN = {("shop/db/store.py", 1)}

NOTES: dict[str, tuple[str, str]] = {
    "deprecated": (
        MODULES.replace("[]", '[{ path = "shop.web", deprecated = true }]'),
        "shop.db may import shop.web, which tach calls deprecated: no warning here",
    ),
    "interfaces": (MODULES + '[[interfaces]]\nexpose = ["x"]\n', "interfaces: lanes say which"),
    "strict": (MODULES + "strict = true\n", "shop.db is strict: lanes say which code"),
    "exclude": ('exclude = ["docs"]\n' + MODULES, "exclude is not carried over"),
    "typing": (MODULES, "imports under TYPE_CHECKING count"),
    "cycles": ("forbid_circular_dependencies = true\n" + MODULES, "`check --cycles` reports"),
    "exact": ("exact = true\n" + MODULES, "exact: lanes may have more"),
    "external": (MODULES + 'depends_on_external = ["x"]\n', "shop.db: depends_on_external"),
    "another key": (MODULES + "colour = 1\n", "shop.db: colour is not known here: left out"),
    "other tables": (MODULES + "[cache]\n[external]\n", "cache, external: nothing here stands"),
    "a missing module": (MODULES + '[[modules]]\npath = "shop.x"\n', "there is no module shop.x"),
    "a glob": (
        MODULES + '[[modules]]\npath = "shop.*"\n',
        "shop.* stands for the modules of today",
    ),
    "root": ('root_module = "forbid"\n' + MODULES, 'root_module = "forbid": no lane may import'),
    "root with modules": (
        'root_module = "allow"\n' + MODULES.replace("[]", '["<root>"]'),
        "lanes may import it, though only some modules might",
    ),
    "the root by a dot": (
        MODULES + '[[modules]]\npath = "."\ndepends_on = ["shop.db"]\n',
        "<root> has depends_on",
    ),
    "a module that may import all": (
        'root_module = "allow"\n' + MODULES,
        "shop.web has no depends_on, and may import code in no module: its lane may not",
    ),
    "visibility": (
        MODULES + 'visibility = ["shop.web"]\n',
        "shop.db has visibility, which tach asks of names in depends_on alone: here it holds",
    ),
    "what the root may": (
        MODULES + '[[modules]]\npath = "<root>"\ndepends_on = ["shop.db"]\n',
        "<root> has depends_on",
    ),
}


@pytest.mark.parametrize(("text", "said"), NOTES.values(), ids=NOTES)
def test_what_lanes_cannot_say_is_told(tmp_path: Path, text: str, said: str) -> None:
    root = write_files(tmp_path, {**PACKAGE, "tach.toml": text})
    assert_told(root, "--from-tach", said)


MEANS: dict[str, tuple[str, set[tuple[str, int]]]] = {
    "depends_on": (MODULES, BROKEN),
    "cannot_depend_on": (MODULES.replace("depends_on", "cannot_depend_on"), set()),
    "cannot_depend_on wins": (MODULES + 'cannot_depend_on = ["shop.web"]\n', BROKEN),
    "visibility": (
        MODULES.replace("depends_on = []\n", "").replace(
            'path = "shop.web"', 'path = "shop.web"\nvisibility = ["shop.x"]'
        ),
        BROKEN,
    ),
    "paths": ('[[modules]]\npaths = ["shop.web", "shop.db"]\ndepends_on = []\n', {*BROKEN, ("shop/web/__init__.py", 1)}),
    "a glob that one overrules": (
        '[[modules]]\npath = "shop.*"\ndepends_on = []\n' + MODULES,
        {*BROKEN, ("shop/db/store.py", 2)},
    ),
    "a closed layer": (
        'layers = ["a", { name = "b", closed = true }, "c"]\n[[modules]]\npath = "shop.web"\n'
        'layer = "a"\n[[modules]]\npath = "shop.db"\nlayer = "c"\n',
        {*BROKEN, ("shop/web/__init__.py", 1)},
    ),
    "root_module": ('root_module = "forbid"\n' + MODULES, {*BROKEN, ("shop/db/store.py", 2)}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "broken"), MEANS.values(), ids=MEANS)
def test_what_it_means(tmp_path: Path, text: str, broken: set[tuple[str, int]]) -> None:
    root = write_files(tmp_path, {**PACKAGE, "tach.toml": text})
    ran = run(root, "init", "--from-tach")
    assert ran.code == 0, ran
    assert lanes_say(root) == broken, (root / "lanes.toml").read_text()


GLOBS = (
    "*", "**", "shop.*", "shop.**", "*.*", "**.deep", "shop.**.core_x", "shop.core_*", "shop.core_?",
    "shop.{web,core_*}", "shop.[!c]*", "shop.core_x.**", "shop.**.*", "**.**", "shop**", "[t]op",
)  # fmt: skip
NAMED = (
    "shop", "shop.web", "shop.util", "shop.core_x", "shop.core_x.deep", "shop.core_x.deep.er",
    "shop.core_utils", "shop.ns.part", "top",
)  # fmt: skip


def globbed(importers: int) -> dict[str, str]:
    """Return a repository whose modules `me0`, `me1` … import all its others."""
    packages = {"shop", "shop.core_x", "shop.core_x.deep"}
    files = {
        f"{name.replace('.', '/')}{'/__init__' if name in packages else ''}.py": ""
        for name in NAMED
    }
    imports = "".join(f"import {name}\n" for name in NAMED)
    return {**files, **{f"me{number}.py": imports for number in range(importers)}}


@pytest.mark.parametrize("key", ["depends_on", "cannot_depend_on"])
def test_globs_mean_what_they_mean_to_tach(tmp_path: Path, key: str) -> None:
    text = "".join(f'[[modules]]\npath = "{name}"\n' for name in NAMED)
    for number, glob in enumerate(GLOBS):
        text += f'[[modules]]\npath = "me{number}"\n{key} = ["{glob}"]\n'
    root = write_files(tmp_path, {**globbed(len(GLOBS)), "tach.toml": text})
    expected = tach_says(root)
    assert run(root, "init", "--from-tach").code == 0
    assert lanes_say(root) == expected
    assert len({frozenset(n for f, n in expected if f == f"me{i}.py") for i in range(16)}) > 10


@pytest.mark.parametrize("glob", ["**", "shop.core_?", "shop.ns.*", "shop.core_x.**"])
def test_globs_name_the_modules_that_they_name_to_tach(tmp_path: Path, glob: str) -> None:
    # What is named by itself may overrule a glob only when it comes after it.
    text = f'[[modules]]\npath = "{glob}"\n[[modules]]\npath = "me0"\ndepends_on = []\n'
    root = write_files(tmp_path, {**globbed(1), "tach.toml": text})
    expected = tach_says(root)
    ran = run(root, "init", "--from-tach")
    assert ran.code == 0, ran
    assert lanes_say(root) == expected
    assert ("matches no module" in ran.err) == (not expected)


def test_globs_of_source_roots(tmp_path: Path) -> None:
    text = (
        'source_roots = ["packages/*/src"]\n[[modules]]\npaths = ["one", "two"]\ndepends_on = []\n'
    )
    files = {
        "packages/a/src/one/__init__.py": "import two\n", "packages/b/src/two/__init__.py": "",
        "packages/.old/src/two/__init__.py": "", "packages/c/lib/three.py": "", "tach.toml": text,
    }  # fmt: skip
    root = write_files(tmp_path, files)
    assert_told(
        root, "--from-tach", "source_roots: packages/*/src stands for the directories of today"
    )
    written = tomllib.loads((root / "lanes.toml").read_text())
    assert written["source_roots"] == ["packages/a/src", "packages/b/src"]
    assert lanes_say(root) == tach_says(root) == {("packages/a/src/one/__init__.py", 1)}


def test_domains(tmp_path: Path) -> None:
    domain = '[root]\ndepends_on = ["//shop.util"]\n[[modules]]\npath = "store"\ndepends_on = []\n'
    files = {**PACKAGE, "tach.toml": '[[modules]]\npaths = ["shop.web", "shop.util"]\n'}
    root = write_files(tmp_path, {**files, "shop/db/tach.domain.toml": domain})
    expected = tach_says(root)
    assert run(root, "init", "--from-tach").code == 0
    assert lanes_say(root) == expected == {("shop/db/store.py", 1), ("shop/db/store.py", 2)}


def test_in_pyproject(tmp_path: Path) -> None:
    text = MODULES.replace("[[modules]]", "[[tool.tach.modules]]")
    root = write_files(tmp_path, {**PACKAGE, "pyproject.toml": text})
    assert run(root, "init", "--from-tach").code == 0
    assert lanes_say(root) == BROKEN


REFUSED: dict[str, tuple[str, str]] = {
    "no TOML": ("= 1", "tach.toml: not valid TOML: "),
    "no modules": ("modules = 1", "modules is no list"),
    "modules of texts": ("modules = ['a']", "modules is no array of tables"),
    "no path": ("[[modules]]\npath = 'shop'\ndepends_on = [{}]", "an item without a path"),
    "an unknown layer": (MODULES + "layer = 'x'", 'there is no layer "x", add it to layers'),
    "no glob": (MODULES + 'cannot_depend_on = ["shop.[z-a]"]', '"shop.[z-a]" is no glob, bad char'),
    "roots that are nowhere": ("source_roots = ['x/*']\n" + MODULES, '"x/*" matches no directory'),
    "roots that no glob means": (
        "source_roots = ['x**']\n" + MODULES,
        '"x**" matches no directory',
    ),
    "a root outside": ("source_roots = ['..']\n" + MODULES, 'source_roots: ".." has a .. part'),
    "nothing": ("", "nothing in tach's configuration can become lanes"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_refused(tmp_path: Path, text: str, said: str) -> None:
    root = write_files(tmp_path, {**PACKAGE, "tach.toml": text})
    ran = run(root, "init", "--from-tach")
    assert ran.code == 2
    assert said in ran.error()
    assert not (root / "lanes.toml").exists()


def test_no_configuration(tmp_path: Path) -> None:
    ran = run(tmp_path, "init", "--from-tach")
    assert ran.code == 2
    assert "no configuration of tach in tach.toml or pyproject.toml" in ran.error()

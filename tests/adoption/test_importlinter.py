"""Converted contracts forbid what import-linter itself forbids, and what they cannot is told."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest

from tests.adoption.linter_worlds import (
    PACKAGE,
    Pair,
    assert_told,
    importlinter_says,
    made_contracts,
    made_package,
    write_files,
)
from tests.cli.shop import run

WORLDS = 60


def lanes_say(root: Path) -> set[Pair]:
    """Return the imports that `check` reports and no waiver covers."""
    ran = run(root, "check", "--format", "json")
    assert ran.code in (0, 1), ran
    found = ran.json["violations"]
    return {
        (v["importer"], v["imported"])
        for v in found
        if v["code"] == "LP101" and v["status"] == "new"
    }


def test_the_same_imports_are_broken(tmp_path: Path) -> None:
    roots = []
    for number in range(WORLDS):
        chance = random.Random(number)
        name = f"world{number}"
        files = made_package(name, chance)
        files[".importlinter"] = made_contracts(name, chance)
        roots.append(write_files(tmp_path / name, files))
    theirs = importlinter_says(roots, tmp_path)
    seen: set[int] = set()
    for root, expected in zip(roots, theirs, strict=True):
        ran = run(root, "init", "--from-importlinter")
        if ran.code == 2 and "can become lanes" in ran.error():
            assert expected == set()
            continue
        assert ran.code == 0, (root.name, ran)
        assert lanes_say(root) == expected, (root.name, (root / "lanes.toml").read_text())
        seen.add(len(expected))
    assert len(seen) > 10  # the worlds are not all alike, or empty


HEAD = "[importlinter]\nroot_package = shop\n"
LAYERS = "[importlinter:contract:1]\nname = L\ntype = layers\nlayers =\n    shop.web\n    shop.db\n"
FORBIDDEN = (
    "[importlinter:contract:2]\nname = F\ntype = forbidden\n"
    "source_modules = shop.db\nforbidden_modules = shop.web\n"
)

NOTES: dict[str, tuple[str, str]] = {
    "external package": (
        HEAD + LAYERS + FORBIDDEN + "    django\n",
        'forbidden contract "F": django is not of this repository, and lanes may import all such',
    ),
    "exhaustive": (HEAD + LAYERS + "exhaustive = true\n", 'layers contract "L" is exhaustive'),
    "acyclic": (
        HEAD + LAYERS + "[importlinter:contract:2]\nname = A\ntype = acyclic_siblings\n",
        "`check --cycles` reports circular imports",
    ),
    "a kind of one's own": (
        HEAD + LAYERS + "[importlinter:contract:2]\nname = A\ntype = mine\n",
        'mine contract "A" is of a kind that is not known here: left out',
    ),
    "an option that is new": (HEAD + LAYERS + "colour = red\n", "colour is not known here"),
    "an option of the whole": (HEAD + "colour = red\n" + LAYERS, "importlinter: colour is not"),
    "guidance": (HEAD + LAYERS + "broken_contract_guidance = Ask Ann\n", "Ask Ann"),
    "typing": (
        HEAD + "exclude_type_checking_imports = True\n" + LAYERS,
        "imports under TYPE_CHECKING count",
    ),
    "a missing layer": (HEAD + LAYERS + "    shop.api\n", "there is no module shop.api"),
    "a wildcard": (
        HEAD + LAYERS + FORBIDDEN.replace("= shop.web", "= shop.*.form"),
        "shop.*.form stands for the modules of today",
    ),
    "a wildcard without match": (
        HEAD + LAYERS + FORBIDDEN.replace("= shop.web", "= shop.*.none"),
        "shop.*.none matches no module",
    ),
    "an unmatched import": (
        HEAD + LAYERS + "ignore_imports =\n    shop.db -> shop.util\n",
        "ignores shop.db -> shop.util, which no import matches: left out",
    ),
    "an import that only makes chains": (
        HEAD + LAYERS + "ignore_imports =\n    shop.db.store -> shop.util\n",
        "which no rule forbids by itself: left out",
    ),
    "ignored by one contract only": (
        HEAD + LAYERS + "ignore_imports =\n    shop.db.store -> shop.web.form\n" + FORBIDDEN,
        'but forbidden contract "F" forbids it: not waived',
    ),
    "one contract follows chains": (
        HEAD + LAYERS + FORBIDDEN + "allow_indirect_imports = true\n",
        "allows indirect imports, and others do not",
    ),
    "alerting": (
        HEAD + LAYERS + "ignore_imports =\n    shop.db.store -> shop.web.form\n",
        "waivers that match nothing are reported and never fail",
    ),
    "overlapping layers": (
        HEAD + LAYERS + "    shop.db.store\n",
        "shop.db.store and shop.db overlap: left out",
    ),
    "a root elsewhere": (
        HEAD.replace("root_package = shop", "root_packages =\n    shop\n    other") + LAYERS,
        "root package other is not in this repository",
    ),
}


@pytest.mark.parametrize(("contracts", "said"), NOTES.values(), ids=NOTES)
def test_what_lanes_cannot_say_is_told(tmp_path: Path, contracts: str, said: str) -> None:
    root = write_files(tmp_path, {**PACKAGE, ".importlinter": contracts})
    assert_told(root, "--from-importlinter", said)


def test_converted_file(tmp_path: Path) -> None:
    ignored = "ignore_imports =\n    shop.db.** -> shop.web.*\n"
    root = write_files(tmp_path, {**PACKAGE, "setup.cfg": HEAD + LAYERS + ignored})
    assert run(root, "init", "--from-importlinter").code == 0
    text = (root / "lanes.toml").read_text()
    body = text[text.index("source_roots") :]
    assert body.split("\n\n") == [
        'source_roots = ["."]\n'
        "# the rules followed chains of imports, not only single ones\ntransitive = true",
        '# layers contract "L", layer 1\n[lanes.web]\npaths = ["shop/web"]\nimports = ["db"]',
        '# layers contract "L", layer 2\n[lanes.db]\npaths = ["shop/db"]\nimports = []',
        "# Imports that import-linter was told to ignore. They hold for ever, as they did there: "
        "add a day\n# to those that should end, as in expires = 2030-12-31.\n"
        '[[waivers]]\nimporter = "shop.db.*"\nimported = "shop.web.*"\n'
        'reason = "ignored in import-linter\'s layers contract \\"L\\""\n',
    ]
    assert lanes_say(root) == set()


def test_no_importer_may_be_allowed(tmp_path: Path) -> None:
    """An option that is there with nothing in it is not one that is missing."""
    contract = (
        "[importlinter:contract:1]\nname = P\ntype = protected\n"
        "protected_modules = shop.web\nallowed_importers =\n"
    )
    root = write_files(tmp_path, {**PACKAGE, ".importlinter": HEAD + contract})
    (expected,) = importlinter_says([root], tmp_path)
    ran = run(root, "init", "--from-importlinter")
    assert ran.code == 0, ran
    assert lanes_say(root) == expected == {("shop.db.store", "shop.web.form")}


def test_a_layer_below_a_package_that_is_still_to_come(tmp_path: Path) -> None:
    files = {f"src/{path}": text for path, text in PACKAGE.items()}
    layers = LAYERS + "    (shop.new.api)\n    (shop.other.api)\n    (apart.api)\n"
    root = write_files(tmp_path, {**files, ".importlinter": HEAD + layers})
    assert run(root, "init", "--from-importlinter").code == 0
    write_files(root, {"src/shop/new/api.py": "import shop.db.store\n"})
    assert lanes_say(root) == {
        ("shop.db.store", "shop.web.form"),
        ("shop.new.api", "shop.db.store"),
    }
    lanes = tomllib.loads((root / "lanes.toml").read_text())["lanes"]
    assert lanes["apart.api"]["paths"] == ["src/apart/api", "src/apart/api.py"]


TOML = """\
[tool.importlinter]
root_packages = ["shop"]
include_external_packages = true
[[tool.importlinter.contracts]]
name = "L"
type = "layers"
layers = ["shop.web", "shop.db"]
"""


@pytest.mark.parametrize("prefix", ["", "src/", "backend/"])
def test_contracts_in_pyproject(tmp_path: Path, prefix: str) -> None:
    """The source root is where the root package is, whatever it is called."""
    files = {f"{prefix}{path}": text for path, text in PACKAGE.items()}
    root = write_files(tmp_path, {**files, "pyproject.toml": TOML, "tests/test_a.py": ""})
    assert run(root, "init", "--from-importlinter").code == 0
    assert lanes_say(root) == {("shop.db.store", "shop.web.form")}


def test_contracts_in_a_named_file(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**PACKAGE, "ci/contracts.ini": HEAD + LAYERS})
    ran = run(root, "init", "--from-importlinter", "ci/contracts.ini")
    assert ran.code == 0, ran
    assert lanes_say(root) == {("shop.db.store", "shop.web.form")}


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "none": ({}, "no configuration of import-linter in setup.cfg, .importlinter, pyproject.toml"),
    "none in the files": ({"setup.cfg": "[x]\n", "pyproject.toml": ""}, "no configuration of"),
    "no INI": ({".importlinter": "x\n"}, ".importlinter: not an INI file: File contains no"),
    "no TOML": ({"pyproject.toml": "= 1"}, "pyproject.toml: not valid TOML: "),
    "no text": ({"pyproject.toml": "[tool]\nimportlinter = 1"}, "is not what import-linter reads"),
    "not UTF-8": ({".importlinter": "\udcff"}, "not UTF-8, save it in UTF-8"),
    "no root": ({".importlinter": "[importlinter]\n" + LAYERS}, "names no root_package, add one"),
    "no type": (
        {".importlinter": HEAD + "[importlinter:contract:1]\nname = x\n"},
        "contract 1: type is missing, or is no text",
    ),
    "no layers": (
        {".importlinter": HEAD + "[importlinter:contract:1]\nname = x\ntype = layers\n"},
        'layers contract "x": layers is missing',
    ),
    "half an ignored import": (
        {".importlinter": HEAD + LAYERS + "ignore_imports = shop.db\n"},
        'ignore_imports: "shop.db" is not "a.b -> c.d"',
    ),
    "numbers": (
        {"pyproject.toml": TOML.replace('["shop.web", "shop.db"]', "[1]")},
        "layers is no list of texts",
    ),
    "nothing for lanes": (
        {".importlinter": HEAD + FORBIDDEN.replace("= shop.web", "= django")},
        "nothing in import-linter's configuration can become lanes: forbidden contract",
    ),
}


@pytest.mark.parametrize(("files", "said"), REFUSED.values(), ids=REFUSED)
def test_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    root = write_files(tmp_path, PACKAGE)
    for name, text in files.items():
        (root / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    ran = run(root, "init", "--from-importlinter")
    assert ran.code == 2
    assert said in ran.error()
    assert not (root / "lanes.toml").exists()


def test_hundreds_of_violations_are_adopted_in_one_go(tmp_path: Path) -> None:
    """What is broken today goes into the baseline, and only what is new fails from then on."""
    files = dict(PACKAGE)
    for number in range(300):
        files[f"shop/db/old{number}.py"] = "import shop.web.form\n"
    root = write_files(tmp_path, {**files, ".importlinter": HEAD + LAYERS})
    assert run(root, "init", "--from-importlinter").code == 0
    assert run(root, "check").code == 1
    assert run(root, "check", "--update-baseline", "--allow-additions").code == 0
    assert run(root, "check").code == 0
    write_files(root, {"shop/db/new.py": "import shop.web\n"})
    ran = run(root, "check", "--format", "json")
    assert ran.code == 1
    assert [v["importer"] for v in ran.json["violations"] if v["status"] == "new"] == [
        "shop.db.new"
    ]

"""Made packages with made contracts, for the two linters to judge the same imports."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cli.shop import process_environment, run

Pair = tuple[str, str]

# What import-linter says itself: for each directory, the single imports that break a contract.
_DRIVER = """
import json, os, sys
from importlinter import configuration
from importlinter.application import use_cases
configuration.configure()
answers = []
for directory in sys.argv[2:]:
    os.chdir(directory)
    sys.path.insert(0, directory)
    options = use_cases.read_user_options()
    use_cases._register_contract_types(options)
    report = use_cases.create_report(options, cache_dir=None)
    pairs = set()
    for contract, check in report.get_contracts_and_checks():
        data = check.metadata
        for kind in ("invalid_dependencies", "invalid_chains"):
            for found in data.get(kind, ()):
                for route in found.get("routes", ()) or found.get("chains", ()):
                    links = route["chain"] if isinstance(route, dict) else route
                    if len(links) == 1:
                        pairs.add((links[0]["importer"], links[0]["imported"]))
                        if isinstance(route, dict):
                            assert not route["extra_firsts"] and not route["extra_lasts"], route
        for found in data.get("illegal_imports", ()):
            for link in found.illegal_links:
                pairs.add((link["importer"], link["imported"]))
    answers.append(sorted(pairs))
    sys.path.pop(0)
with open(sys.argv[1], "w") as file:
    json.dump(answers, file)
"""

PACKAGE = {
    "shop/__init__.py": "",
    "shop/web/__init__.py": "import shop.db.store",
    "shop/web/form.py": "",
    "shop/db/__init__.py": "",
    "shop/db/store.py": "from shop.web import form\nimport shop.util",
    "shop/util.py": "",
}
"""A package whose two halves import each other: contents by path."""


def importlinter_says(directories: Sequence[Path], scratch: Path) -> list[set[Pair]]:
    """Return the direct imports that import-linter finds broken, for each directory."""
    answer = scratch / "answer.json"
    environment = {k: v for k, v in process_environment().items() if k != "PYTHONWARNINGS"}
    subprocess.run(
        [sys.executable, "-c", _DRIVER, str(answer), *map(str, directories)],
        cwd=scratch, env=environment, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return [{(a, b) for a, b in pairs} for pairs in json.loads(answer.read_text())]


def write_files(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a directory."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def assert_told(root: Path, option: str, said: str) -> None:
    """Assert that a conversion tells something, in the file as on the terminal, and can be used."""
    ran = run(root, "init", option)
    assert ran.code == 0, ran
    notes = [line.removeprefix("note: ") for line in ran.err.splitlines() if line[:6] == "note: "]
    assert any(said in note for note in notes), ran.err
    written = " ".join((root / "lanes.toml").read_text().replace("\n#", "").split())
    assert all(" ".join(note.split()) in written for note in notes)
    assert run(root, "check").code in (0, 1)


def made_package(name: str, chance: random.Random, prefix: str = "") -> dict[str, str]:
    """Return the files of a package with packages `a` to `d` in it, and random imports."""
    modules = [name, f"{name}.loose"]
    for child in "abcd":
        modules += [f"{name}.{child}", f"{name}.{child}.one", f"{name}.{child}.two"]
        modules += [f"{name}.{child}.in", f"{name}.{child}.in.deep"][: chance.choice([0, 2])]
    modules = [module.replace(".in", ".inner") for module in modules]
    packages = {module.rpartition(".")[0] for module in modules}
    lines: dict[str, list[str]] = {module: [] for module in modules}
    for importer in modules:
        for imported in chance.sample(modules, chance.randrange(4)):
            if imported == importer:
                continue
            parent, _, tail = imported.rpartition(".")
            how = chance.randrange(3)
            if how == 0 and parent:
                lines[importer].append(f"from {parent} import {tail}")
            elif how == 1:
                lines[importer].append(f"def later():\n    import {imported}")
            else:
                lines[importer].append(f"import {imported}")
    files = {}
    for module, body in lines.items():
        path = module.replace(".", os.sep) + ("/__init__.py" if module in packages else ".py")
        files[prefix + path] = "\n".join(body) + "\n"
    return files


def made_contracts(name: str, chance: random.Random) -> str:
    """Return random contracts about such a package, as an .importlinter file."""
    blocks = [f"[importlinter]\nroot_package = {name}\n"]
    kinds = [_layers, _containers, _forbidden, _independence, _protected, _exact]
    for index, kind in enumerate(chance.sample(kinds, chance.randrange(1, 4))):
        lines = [f"[importlinter:contract:{index}]", f"name = number {index}", *kind(name, chance)]
        if chance.random() < 0.5:
            lines += ["unmatched_ignore_imports_alerting = none", "ignore_imports ="]
            lines += [f"    {said}" for said in _ignored(name, chance)]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _ignored(name: str, chance: random.Random) -> list[str]:
    ends = [f"{name}.{c}.{t}" for c in "abcd" for t in ("one", "two", "*", "**")]
    ends += [f"{name}.{c}" for c in "abcd"] + [f"{name}.**", f"{name}.*.one", f"{name}.loose"]
    return [
        f"{chance.choice(ends)} -> {chance.choice(ends)}" for _ in range(chance.randrange(1, 5))
    ]


def _layers(name: str, chance: random.Random) -> list[str]:
    children = chance.sample("abcd", 4)
    sign = chance.choice("|:")
    lines = [f"{name}.{children[0]}", f"{name}.{children[1]} {sign} {name}.{children[2]}"]
    lines += [f"({name}.absent)", f"{name}.{children[3]}"]
    return ["type = layers", "layers =", *(f"    {line}" for line in lines)]


def _containers(name: str, chance: random.Random) -> list[str]:
    inside = [f"{name}.{child}" for child in chance.sample("abcd", 2)]
    return [
        "type = layers", "containers =", *(f"    {line}" for line in inside), "layers =",
        *(f"    {line}" for line in ("one", "(inner)", "two")),
    ]  # fmt: skip


def _forbidden(name: str, chance: random.Random) -> list[str]:
    source = chance.choice([f"{name}.a", f"{name}.b.*", f"{name}.**", f"{name}.a.one"])
    target = chance.choice([f"{name}.c", f"{name}.d.one", f"{name}.*.two", f"{name}.a.inner.*"])
    lines = ["type = forbidden", f"source_modules = {source}", f"forbidden_modules = {target}"]
    return [*lines, f"allow_indirect_imports = {chance.choice(['true', 'false'])}"]


def _exact(name: str, chance: random.Random) -> list[str]:
    return [
        "type = forbidden", f"source_modules = {name}.a", f"forbidden_modules = {name}.b",
        "as_packages = false",
    ]  # fmt: skip


def _independence(name: str, chance: random.Random) -> list[str]:
    modules = chance.choice([[f"{name}.*"], [f"{name}.a", f"{name}.b", f"{name}.c.one"]])
    return ["type = independence", "modules =", *(f"    {module}" for module in modules)]


def _protected(name: str, chance: random.Random) -> list[str]:
    return [
        "type = protected", f"protected_modules = {name}.{chance.choice('ab')}",
        f"allowed_importers = {name}.{chance.choice(['c', 'd.one', 'd.*'])}",
        f"as_packages = {chance.choice(['true', 'true', 'false'])}",
    ]  # fmt: skip

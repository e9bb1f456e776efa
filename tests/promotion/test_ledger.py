"""What names a moved module outside of Python references: format by format, before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.config.settings import Coverage
from lane_planner.promotion.references.ledger import ASK, LedgerEntry, summary
from lane_planner.promotion.references.mentions import Mentions, NamedAt
from lane_planner.promotion.values import FileMove, Promotion, merged_ledger
from lane_planner.rules.baseline import HEADER, read_baseline
from tests.promotion.trees import (
    applied,
    compose_on,
    mentions_of,
    promoted,
    settings_of,
    tree,
    workspace_of,
)

ENGINE = "candidate/feature/engine.py"
OTHER = "candidate/feature/other.py"
SOURCES = {ENGINE: "RUN = 1\n", OTHER: "", "candidate/engine_v2.py": "", "candidate/lone.py": ""}


def listed(
    files: Mapping[str, str | bytes], *paths: str, rewrite: bool = True
) -> tuple[dict[str, bytes], tuple[LedgerEntry, ...]]:
    """Return the files after a promotion with their text, and its ledger."""
    before = tree({**SOURCES, **files})
    composed = compose_on(
        workspace_of(before), mentions_of(before), paths or (ENGINE,), rewrite_text=rewrite
    )
    return applied(before, composed.promotion), composed.promotion.ledger


# Each row: a file, and a text in which «old|new» is rewritten, with --rewrite-text only.
REWRITTEN = [
    ("a.toml", 'x = ["«candidate.feature.engine|core.feature.engine»:main"]\n'),
    ("a.toml", "'''\n«candidate.feature.engine|core.feature.engine».RUN\n'''\n"),
    ("pyproject.toml", '[project.scripts]\nrun = "«candidate.lone|core.lone»:main"\n'),
    ("setup.cfg", "[options.entry_points]\nx =\n  run = «candidate.lone|core.lone»:main\n"),
    ("app.ini", "[logger_x]\nqualname=«candidate.lone|core.lone»\n"),
    ("ci.yaml", "run: python -m «candidate.lone|core.lone» --fast\n"),
    ("ci.yml", "- '«candidate/lone.py|core/lone.py»'\n"),
    ("a.json", '{"«candidate.lone|core.lone»": "./«candidate/lone.py|core/lone.py»"}\n'),
    ("Makefile", "run:\n\tpython -m «candidate.lone|core.lone» && cat «candidate/lone.py|core/lone.py»"),
    ("go.sh", "MODULE=«candidate.lone|core.lone»\nexec python ./«candidate/lone.py|core/lone.py»\n"),
    ("bin/go", "#!/bin/sh\nexec python «candidate/lone.py|core/lone.py»\n"),
    ("CODEOWNERS", "/«candidate/lone.py|core/lone.py» @team\n"),
    (".github/CODEOWNERS", "«candidate/feature/engine.py|core/feature/engine.py» @team\n"),
    ("Dockerfile.dev", 'COPY «candidate/lone.py|core/lone.py» /app\nCMD ["-m", "«candidate.lone|core.lone»"]'),
    (".gitignore", "!/«candidate/lone.py|core/lone.py»\n"),
    ("README.md", "See `«candidate.lone|core.lone»` and «candidate/lone.py|core/lone.py».\n"),
    ("docs/x.rst", "**«candidate.feature.engine|core.feature.engine»**: candidate.lone too.\n"),
    ("docs/x.md", "[code](../«candidate/lone.py|core/lone.py»)\n"),
    ("notes.txt", "«candidate.feature.engine|core.feature.engine»\r\ncandidate.lone\r\n"),
    ("user.py", "x = '«candidate.lone|core.lone»'  # «candidate.lone.f.g|core.lone.f.g»\n"),
    ("user.py", '"""Like candidate.lone, `«candidate.lone|core.lone»`."""\n'),
    ("user.py", 'log.getLogger("«candidate.lone|core.lone»")\n'),
    ("stub.pyi", 'x: "«candidate.lone.T|core.lone.T»"\n'),
]  # fmt: skip


def split(text: str) -> tuple[str, str]:
    """Return a marked text before and after."""
    before, after = "", ""
    for part in text.replace("»", "«").split("«"):
        old, bar, new = part.partition("|")
        before += old
        after += new if bar else old
    return before, after


@pytest.mark.parametrize(("path", "marked"), REWRITTEN)
def test_exact_names_are_rewritten_on_request(path: str, marked: str) -> None:
    before, after = split(marked)
    now, ledger = listed({path: before}, ENGINE, "candidate/lone.py")
    assert now[path] == after.encode()
    rewritten = [entry for entry in ledger if entry.status == "rewritten"]
    assert len(rewritten) == marked.count("«")
    for entry in rewritten:
        line = before.replace("\r\n", "\n").split("\n")[entry.line - 1]
        assert line[entry.column :].startswith(entry.text)
    again, asked = listed({path: before}, ENGINE, "candidate/lone.py", rewrite=False)
    assert again[path] == before.encode()
    assert len(asked) == len(ledger)
    assert {entry.status for entry in asked} == {"needs a person"}


# Settings of tools for one module or path go with it, whether or not text is rewritten.
TRAVELLING = [
    ("pyproject.toml", '[tool.ruff.lint.per-file-ignores]\n"«candidate/lone.py|core/lone.py»" = []\n'),
    ("pyproject.toml", '[[tool.mypy.overrides]]\nmodule = [\n  "«candidate.lone|core.lone»",\n]\n'),
    ("pyproject.toml", '[tool.mypy]\noverrides = [{module = "«candidate.lone.*|core.lone.*»"}]\n'),
    ("pyproject.toml", '[tool.coverage.run]\nomit = ["«candidate/lone.py|core/lone.py»"]\n'),
    ("pyproject.toml", '[[tool.lane_planner.waivers]]\nimporter = "«candidate.lone|core.lone»"\n'),
    ("ruff.toml", '[lint.per-file-ignores]\n"«candidate/lone.py|core/lone.py»" = ["E501"]\n'),
    ("setup.cfg", "[mypy-«candidate.lone|core.lone»]\nignore_errors = true\n"),
    ("setup.cfg", "[flake8]\nper-file-ignores =\n  «candidate/lone.py|core/lone.py»:E501\n"),
    ("tox.ini", "[coverage:run]\nomit =\n  «candidate/lone.py|core/lone.py»\n"),
    ("mypy.ini", "[mypy-x,«candidate.lone|core.lone».*]\nignore_errors = true\n"),
    (".coveragerc", "[run]\nsource = «candidate.lone|core.lone»\n"),
    ("lanes.toml", '[[waivers]]\nimporter = "«candidate.lone|core.lone»"\nimported = "x"\n'),
    ("lanes.toml", '[[gates]]\nname = "x"\nwhen = ["«candidate/lone.py|core/lone.py»"]\n'),
    ("lanes.toml", '[[waivers]]\nimporter = "x"\nimported = "«candidate.lone|core.lone»"\n'),
    ("lanes.toml", 'exclude = ["«candidate/lone.py|core/lone.py»"]\n'),
    ("pyproject.toml", '[[tool.lane_planner.waivers]]\nimported = "«candidate.lone|core.lone»"\n'),
    ("pyproject.toml", '[tool.ruff.lint.extend-per-file-ignores]\n"«candidate/lone.py|core/lone.py»" = []\n'),
    ("pyproject.toml", '[tool.ruff]\nper-file-target-version = {"«candidate/lone.py|core/lone.py»" = "py311"}\n'),
    ("pyproject.toml", '[tool.ruff.lint.flake8-tidy-imports.banned-api]\n"«candidate.lone|core.lone»".msg = "no"\n'),
    (".ruff.toml", 'lint.per-file-ignores = {"./«candidate/lone.py|core/lone.py»" = []}\n'),
    ("pyproject.toml", '[[tool.mypy.overrides]]\nmodule = "«candidate.lone|core.lone»"\nignore_errors = true\n'),
    ("pyproject.toml", '[tool.mypy]\nfiles = ["«candidate/lone.py|core/lone.py»"]\n'),
    (".mypy.ini", "[mypy]\nstrict = True\n[mypy-«candidate.lone|core.lone»]\nstrict = False\n"),
    ("tox.ini", "[mypy-«candidate.lone|core.lone»,x.y]\nignore_errors = true\n"),
    ("pyproject.toml", "[tool.coverage.run]\nsource = ['«candidate.lone|core.lone»']\ninclude = ['«candidate/lone.py|core/lone.py»']\n"),
    ("pyproject.toml", "[tool.coverage.report]\ninclude = [\n  'x',\n  '«candidate/lone.py|core/lone.py»',\n]\n"),
    (".coveragerc", "[report]\nomit =\n    x/*\n    «candidate/lone.py|core/lone.py»\n"),
    ("setup.cfg", "[coverage:run]\ninclude =\n    «candidate/lone.py|core/lone.py»\n"),
    ("pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = ["«candidate/lone.py|core/lone.py»", "tests"]\n'),
    ("pyproject.toml", '[tool.pytest.ini_options]\nfilterwarnings = ["ignore::UserWarning:«candidate.lone|core.lone»"]\n'),
    ("pytest.ini", "[pytest]\nnorecursedirs = .git «candidate/lone.py|core/lone.py»\n"),
    ("setup.cfg", "[tool:pytest]\ntestpaths =\n    tests\n    «candidate/lone.py|core/lone.py»\n"),
    ("tox.ini", "[pytest]\ntestpaths = «candidate/lone.py|core/lone.py»\n"),
    ("tox.ini", "[flake8]\nextend-exclude = x,«candidate/lone.py|core/lone.py»\n"),
    (".importlinter", "[importlinter:contract:1]\nsource_modules =\n    «candidate.lone|core.lone»\nforbidden_modules =\n    x\n    «candidate.lone|core.lone»\n"),
    (".importlinter", "[importlinter:contract:1]\nignore_imports =\n    «candidate.lone|core.lone» -> x.y\n    x.y -> «candidate.lone|core.lone»\n"),
    ("setup.cfg", "[importlinter:contract:2]\nlayers =\n    x\n    («candidate.lone|core.lone»)\n"),
    ("pyproject.toml", '[[tool.importlinter.contracts]]\nmodules = ["«candidate.lone|core.lone»"]\nignore_imports = ["«candidate.lone|core.lone» -> x"]\n'),
    ("pyproject.toml", '[tool.pyright]\nexclude = ["«candidate/lone.py|core/lone.py»"]\n'),
    ("pyrightconfig.json", '{"strict": ["«candidate/lone.py|core/lone.py»"]}\n'),
    ("lanes-baseline.txt", "# ours\nLP101 «candidate.lone|core.lone» -> x.y  x3\n"),
    ("lanes-baseline.txt", "# ours\nLP101 x.y -> «candidate.lone|core.lone»\n"),
    ("lanes-baseline.txt", "# ours\nLP101 x.y -> «candidate.lone.gone|core.lone.gone»\n"),
    ("lanes-baseline.txt", "# ours\nLP201 «candidate.lone|core.lone» x.y\nLP202 a «candidate.lone|core.lone» x\n"),
]  # fmt: skip


@pytest.mark.parametrize("rewrite", [True, False])
@pytest.mark.parametrize(("path", "marked"), TRAVELLING)
def test_settings_of_a_module_travel_with_it(path: str, marked: str, rewrite: bool) -> None:
    before, after = split(marked)
    now, ledger = listed({path: before}, "candidate/lone.py", rewrite=rewrite)
    assert now[path] == after.encode()
    places = split(marked)[0].count("candidate.lone") + split(marked)[0].count("candidate/lone")
    assert [entry.reason for entry in ledger] == ["travels with the module"] * places


# What holds for a directory goes when the last of what is in it does, and stays until then.
OF_DIRECTORIES = [
    ("pytest.ini", "[pytest]\ntestpaths = «candidate/feature|core/feature»\n"),
    ("pytest.ini", "[pytest]\nnorecursedirs = «candidate/feature/*|core/feature/*»\n"),
    (".coveragerc", "[run]\nsource = «candidate/feature|core/feature»\n"),
    ("ruff.toml", '[lint.per-file-ignores]\n"«candidate/feature/**|core/feature/**»" = ["E501"]\n'),
    ("lanes.toml", '[[waivers]]\nimporter = "«candidate.feature.*|core.feature.*»"\n'),
    ("mypy.ini", "[mypy-«candidate.feature.*|core.feature.*»]\n"),
    (".importlinter", "[importlinter:contract:1]\nmodules =\n  «candidate.feature|core.feature»\n"),
]


@pytest.mark.parametrize(("path", "marked"), OF_DIRECTORIES)
def test_settings_of_a_directory_travel_with_all_of_it(path: str, marked: str) -> None:
    before, after = split(marked)
    now, ledger = listed({path: before}, ENGINE, rewrite=False)
    assert now[path] == before.encode()
    assert [(e.status, e.reason) for e in ledger] == [
        ("needs a person", "something in it stays, and it names both")
    ]
    now, ledger = listed({path: before}, ENGINE, OTHER, rewrite=False)
    assert now[path] == after.encode()
    assert [entry.status for entry in ledger] == ["rewritten"]


# A name here is of the package's own code, whatever else is in the package.
ALONE = [
    ("lanes.toml", '[[waivers]]\nimporter = "«candidate.feature|core.feature»"\n'),
    ("mypy.ini", "[mypy-«candidate.feature|core.feature»]\n"),
    ("pyproject.toml", '[[tool.mypy.overrides]]\nmodule = ["«candidate.feature|core.feature»"]\n'),
    ("lanes-baseline.txt", "# ours\nLP101 x -> «candidate.feature|core.feature»\n"),
]


@pytest.mark.parametrize(("path", "marked"), ALONE)
def test_settings_of_a_package_alone_travel_with_its_own_code(path: str, marked: str) -> None:
    before, after = split(marked)
    init = "candidate/feature/__init__.py"
    now, ledger = listed({init: "HERE = 1\n", path: before}, init, rewrite=False)
    assert now[path] == after.encode()
    assert [entry.status for entry in ledger] == ["rewritten"]


# Each row: a file, a text with one glob «in marks», and what it covers that it will not cover.
COVERED = [
    ("lanes.toml", '[[waivers]]\nimporter = "«candidate.*»"\n', "candidate.lone,"),
    ("lanes.toml", '[[waivers]]\nimporter = "x"\nimported = "«cand*.lo?e»"\n', "candidate.lone,"),
    ("lanes.toml", '[[gates]]\nwhen = ["«candidate/**»"]\n', "candidate/lone.py,"),
    ("pyproject.toml", '[[tool.mypy.overrides]]\nmodule = ["x.*", "«candidate.*»"]\n', "candidate.lone,"),
    ("mypy.ini", "[mypy-x.*,«*date.*»]\n", "candidate.lone,"),
    ("setup.cfg", "[mypy-«candidate.*»]\n", "candidate.lone,"),
    ("ruff.toml", '[lint.per-file-ignores]\n"**/*.py" = []\n"«candidate/*.py»" = []\n', "candidate/lone.py,"),
    ("ruff.toml", 'extend-exclude = ["«candidate/**/lone.py»"]\n', "candidate/lone.py,"),
    (".coveragerc", "[run]\nomit =\n  */lone.py\n  «*/candidate/*»\n", "candidate/lone.py,"),
    ("tox.ini", "[flake8]\nper-file-ignores =\n  «candidate/*»:E501\n", "candidate/lone.py,"),
    (".importlinter", "[importlinter:contract:1]\nignore_imports =\n  «candidate.*» -> x.*\n", "candidate.lone,"),
]  # fmt: skip


@pytest.mark.parametrize("rewrite", [True, False])
@pytest.mark.parametrize(("path", "marked", "covered"), COVERED)
def test_patterns_that_covered_a_module_need_a_person(
    path: str, marked: str, covered: str, rewrite: bool
) -> None:
    text = marked.replace("«", "").replace("»", "")
    now, [entry] = listed({path: text}, "candidate/lone.py", rewrite=rewrite)
    assert now[path] == text.encode()
    assert (entry.path, entry.status) == (path, "needs a person")
    assert entry.text == marked.partition("«")[2].partition("»")[0]
    assert text.split("\n")[entry.line - 1].find(entry.text) == entry.column
    assert f"covers {covered} and will not cover core" in entry.reason


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.toml", 'x = "candidate/*"\n'),
        ("sub/ruff.toml", 'exclude = ["candidate/*"]\n'),
        ("ruff.toml", 'exclude = ["*.py", "**/lone.py", "candidate/feature/*", "tests/*"]\n'),
        ("ruff.toml", '# exclude = ["candidate/*"]\nexclude = []\n'),
        ("lanes.toml", '[[waivers]]\nimporter = "*.lone"\nreason = "candidate.*"\n'),
        ("pyproject.toml", '[tool.other]\nexclude = ["candidate/*"]\n'),
    ],
)
def test_patterns_that_cover_as_much_as_before_are_not_told(path: str, text: str) -> None:
    assert listed({path: text}, "candidate/lone.py")[1] == ()


BASELINE = "lanes-baseline.txt"


def test_the_baseline_stays_sorted_and_whole() -> None:
    before = (
        "# one\n# two\n"
        "LP101 candidate.feature.engine -> candidate.lone  x2\n"
        "LP101 candidate.feature.other -> x\n"
        "LP101 core.a -> candidate.lone\n"
        "LP101 core.z -> x\n"
        "LP201 candidate.lone candidate.zed core.b\n"
    )
    now, ledger = listed({BASELINE: before}, ENGINE, "candidate/lone.py", rewrite=False)
    assert now[BASELINE].decode() == (
        "# one\n# two\n"
        "LP101 candidate.feature.other -> x\n"
        "LP101 core.a -> core.lone\n"
        "LP101 core.feature.engine -> core.lone  x2\n"
        "LP101 core.z -> x\n"
        "LP201 candidate.zed core.b core.lone\n"
    )
    assert [(e.line, e.format, e.status) for e in ledger] == [
        (line, "baseline entry", "rewritten") for line in (3, 3, 5, 7)
    ]
    assert read_baseline(now[BASELINE], BASELINE).text().encode() == now[BASELINE]


def test_the_baseline_is_taken_along_step_by_step() -> None:
    text = "LP101 candidate.lone -> candidate.feature.engine\nLP101 core.a -> candidate.lone\n"
    now, _ = promoted({**SOURCES, BASELINE: text}, ["candidate/lone.py"], [ENGINE])
    assert now[BASELINE] == (
        f"{HEADER}\nLP101 core.a -> core.lone\nLP101 core.lone -> core.feature.engine\n".encode()
    )


def test_a_baseline_of_another_name_and_any_size() -> None:
    lines = sorted(f"LP101 core.m{number} -> candidate.lone" for number in range(40_000))
    before = tree({**SOURCES, "ci/known.txt": "\r\n".join(["# ours", *lines, ""])})
    named = msgspec.structs.replace(settings_of(), baseline="ci/known.txt")
    composed = compose_on(workspace_of(before, named), mentions_of(before), ["candidate/lone.py"])
    after = applied(before, composed.promotion)["ci/known.txt"]
    assert len(after) > 1 << 20
    assert after == before["ci/known.txt"].replace(b"candidate.lone", b"core.lone")


def test_what_is_no_baseline_is_left_as_it_is() -> None:
    text = "<<<<<<< HEAD\nLP101 candidate.lone -> x\n"
    now, [entry] = listed({BASELINE: text}, "candidate/lone.py", rewrite=False)
    assert now[BASELINE] == text.encode()
    assert entry.status == "needs a person"
    assert entry.reason.startswith("lanes-baseline.txt:1: a merge conflict")


# Each row: a file, a text, and the reason why nobody but a person can tell.
LEFT = [
    ("a.toml", 'x = "candidate/feature/*"\n', "something in it stays"),
    ("a.toml", 'x = "candidate.feature.*"\n', "something in it stays"),
    ("a.toml", 'x = "candidate.feature"\n', "something in it stays"),
    ("a.toml", "[candidate.lone]\n", "a table's or key's own name"),
    ("a.toml", "# candidate.lone\n", "too short a name"),
    ("lanes.toml", '[lanes.x]\npaths = ["candidate/lone.py"]\n', "not of one module"),
    ("lanes.toml", '[[waivers]]\nimporter = "candidate.lone*"\n', "a pattern"),
    ("a.yaml", "x: candidate/lone.py?\n", "a pattern"),
    ("a.yaml", "x: ^candidate/lone\\.py$\n", "without its ending"),
    ("a.yaml", "x: 'candidate.lone.'\n", "the beginning of a longer"),
    ("a.yaml", "x: sub-candidate.lone\n", "part of a longer name"),
    ("a.yaml", "x: https://host/candidate/lone.py\n", "an address"),
    ("Makefile", "x:\n\tcat $(DIR)/candidate/lone.py\n", "an address"),
    ("Makefile", "x:\n\tcat candidate.lone$(X)\n", "a pattern"),
    ("sub/Makefile", "x:\n\tcat ./candidate/lone.py\n", "may lead elsewhere"),
    ("deep/x.sh", "cat candidate/lone.py\n", "deep/candidate/lone.py is there too"),
    ("README.md", "candidate.lone is a module.\n", "too short a name"),
    ("user.py", "x = f'candidate.lone.{x}'\n", "the beginning of a longer"),
    ("user.py", "x = 'run candidate.lone'\n", "too short a name"),
    ("user.py", "@app.task(name='candidate.lone')\ndef f(): ...\n", "a task's name"),
    ("user.py", "candidate = X()\ncandidate.lone\n", "code that reaches it"),
    ("fast.pyx", "import candidate.lone\n", "look at its imports"),
    ("page.html", "<p>candidate.lone</p>\n", "not known here"),
    ("latin.md", "caf\xe9 candidate.lone".encode("latin-1"), "can't decode"),
]


@pytest.mark.parametrize(("path", "text", "why"), LEFT)
def test_what_is_not_certain_is_left_to_a_person(path: str, text: str | bytes, why: str) -> None:
    files: dict[str, str | bytes] = {path: text, "deep/candidate/lone.py": ""}
    now, ledger = listed(files, ENGINE, "candidate/lone.py")
    assert now[path] == tree(files)[path]
    [entry] = ledger
    assert (entry.path, entry.status) == (path, "needs a person")
    assert why in entry.reason


@pytest.mark.parametrize(
    "text",
    [
        "candidate.lonely candidate.lone_v2 xcandidate.lone candidate.lonE old.candidate.lone\n",
        "candidate.feature.other candidate/feature/other.py candidate/lone.pyx\n",
        "candidate candidate/** core.lone candidate/lonely.py candidate/lone-x.py\n",
        "candidate/lone.py.bak candidate/feature.md candidate/lone/x candidate/feature-old/*\n",
    ],
)
@pytest.mark.parametrize("path", ["a.md", "a.yaml", "a.py"])
def test_longer_and_other_names_are_no_names_of_it(path: str, text: str) -> None:
    text = f"'''{text}'''" if path == "a.py" else text
    now, ledger = listed({path: text}, ENGINE, "candidate/lone.py")
    assert now[path] == text.encode()
    assert ledger == ()


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("poetry.lock", "candidate.lone", "a lock file"),
        ("data/x.pickle", b"\0candidate.lone\0", "a binary file"),
        ("app.min.js", "x" * (1 << 20) + " candidate.lone", "larger than 1 MB"),
        ("coverage.json", '{"candidate/lone.py": 1}', "a tool writes it"),
    ],
)
def test_what_tools_make_is_ignored(path: str, content: str | bytes, why: str) -> None:
    before = tree({**SOURCES, path: content})
    workspace = workspace_of(before, settings_of(coverage=Coverage()))
    composed = compose_on(workspace, mentions_of(before), ["candidate/lone.py"], rewrite_text=True)
    assert applied(before, composed.promotion)[path] == before[path]
    [entry] = composed.promotion.ledger
    assert (entry.path, entry.status) == (path, "ignored")
    assert why in entry.reason


def test_symbolic_links_are_ignored() -> None:
    files = tree({**SOURCES, "link.py": ENGINE})
    places = Mentions([NamedAt(ENGINE, "link.py", 1)], ["link.py"])
    [entry] = compose_on(workspace_of(files), places, [ENGINE]).promotion.ledger
    assert (entry.path, entry.format, entry.status) == ("link.py", "symbolic link", "ignored")


def test_notebooks_cell_by_cell() -> None:
    cells = [
        {"cell_type": "code", "source": ["import candidate.lone\n", "candidate.lone.run()\n"],
         "outputs": [{"text": ["candidate.lone says"]}]},
        {"source": ["about candidate.lone, `candidate.lone`"], "cell_type": "markdown"},
    ]  # fmt: skip
    text = json.dumps({"cells": cells, "metadata": {"x": "candidate.lone"}}, indent=1)
    now, ledger = listed({"a.ipynb": text}, "candidate/lone.py")
    after = json.loads(now["a.ipynb"])
    assert after["cells"][0]["source"] == ["import core.lone\n", "core.lone.run()\n"]
    assert after["cells"][1]["source"] == ["about candidate.lone, `core.lone`"]
    assert [(entry.format, entry.status) for entry in ledger] == [
        ("notebook code cell", "rewritten"),
        ("notebook code cell", "rewritten"),
        ("notebook output", "ignored"),
        ("notebook cell", "needs a person"),
        ("notebook cell", "rewritten"),
        ("notebook", "needs a person"),
    ]


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("a.toml", '"«candidate/feature/*|core/feature/*»" = 1\n'),
        ("a.toml", 'x = "«candidate.feature.*|core.feature.*»"\n'),
        ("CODEOWNERS", "/«candidate/feature/|core/feature/» @team\n"),
        (
            "a.yaml",
            "- «candidate/feature/**|core/feature/**»\n- «candidate.feature|core.feature»\n",
        ),
        ("a.yaml", "- candidate/feature/e*.py\n- candidate/feature/gone.py\n"),
    ],
)
def test_patterns_of_a_package_that_moves_whole(path: str, marked: str) -> None:
    before, after = split(marked)
    now, ledger = listed({path: before}, ENGINE, OTHER)
    assert now[path] == after.encode()
    assert sum(entry.status == "rewritten" for entry in ledger) == marked.count("«")


def test_a_package_is_whole_when_its_last_module_moves() -> None:
    files = {**SOURCES, "a.toml": 'x = "candidate/feature/*"\n'}
    now, promotions = promoted(files, [ENGINE], [OTHER], rewrite_text=True)
    assert now["a.toml"] == b'x = "core/feature/*"\n'
    assert [p.ledger[0].status for p in promotions] == ["needs a person", "rewritten"]
    [entry] = merged_ledger(promotions)
    assert entry.status == "rewritten"


def test_a_package_whose_own_code_moves_alone_is_not_certain() -> None:
    init = "candidate/feature/__init__.py"
    text = "a: candidate.feature\nb: candidate.feature.HERE\nc: candidate.feature.engine\n"
    now, ledger = listed({init: "HERE = 1\n", "a.yaml": text}, init)
    assert now["a.yaml"] == text.replace("candidate.feature.HERE", "core.feature.HERE").encode()
    assert [(entry.line, entry.status) for entry in ledger] == [
        (1, "needs a person"),
        (2, "rewritten"),
    ]


def test_encodings_marks_and_newlines_stay() -> None:
    files: dict[str, str | bytes] = {
        "a.yaml": "\ufeffx: 'ü candidate.lone'\r\ny: candidate.lone\n",
        "user.py": "# -*- coding: latin-1 -*-\r\nx = '\xfc', 'candidate.lone'\r\n".encode(
            "latin-1"
        ),
    }
    now, _ = listed(files, "candidate/lone.py")
    for path, content in tree(files).items():
        assert now[path] == content.replace(b"candidate.lone", b"core.lone")


def test_a_moved_file_is_listed_where_it_goes() -> None:
    files = {
        "candidate/lone.py": "import logging\nlogging.getLogger(__name__)\nx = 'candidate.lone'\n"
    }
    now, ledger = listed(files, "candidate/lone.py")
    assert b"'core.lone'" in now["core/lone.py"]
    assert [(e.path, e.line, e.column, e.format, e.status) for e in ledger] == [
        ("core/lone.py", 2, 8, "persisted name", "ignored"),
        ("core/lone.py", 3, 5, "python string", "rewritten"),
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("class A:\n    def __reduce__(self): ...\n", "def __reduce__"),
        ("import copyreg\ncopyreg.pickle(A, f)\n", "copyreg.pickle"),
        ("@app.task\ndef f(): ...\n", "@app.task"),
        ("@shared_task(bind=True)\ndef f(): ...\n", "@shared_task"),
    ],
)
def test_names_that_leave_the_program_are_risks(text: str, named: str) -> None:
    _, [entry] = listed({"candidate/lone.py": text}, "candidate/lone.py", rewrite=False)
    assert (entry.text, entry.status) == (named, "needs a person")


def test_a_task_with_a_name_of_its_own_is_no_risk() -> None:
    text = "@app.task(name='x')\ndef f(): ...\n"
    assert listed({"candidate/lone.py": text}, "candidate/lone.py")[1] == ()


def test_the_ledger_in_words() -> None:
    entry = LedgerEntry("a", 1, 0, "x", "toml", "needs a person", ASK)
    assert summary([entry]) == "1 place names it: 0 rewritten, 1 needs a person, 0 ignored"
    assert summary([entry] * 1200) == (
        "1,200 places name it: 0 rewritten, 1,200 need a person, 0 ignored"
    )


def test_ledgers_of_a_run_are_put_together() -> None:
    def step(old: str, new: str, status: str) -> Promotion:
        entry = LedgerEntry(f"{new}.md", 1, 2, "candidate", "markdown", status, "")  # type: ignore[arg-type]
        moves = (FileMove(f"{old}.md", f"{new}.md"),)
        return Promotion("a", "b", "x", (), (), moves, (), (), (), (entry,))

    found = merged_ledger([step("a", "b", "needs a person"), step("b", "c", "rewritten")])
    assert [(entry.path, entry.status) for entry in found] == [("c.md", "rewritten")]


FRAGMENTS = st.sampled_from(
    ["candidate.lone", "candidate/lone.py", "candidate.feature.engine", "candidate.lone_v2", "`",
     '"', "'", " ", "\n", "\r\n", ".", "/", "*", "-", ":", "#", "x", "ü", "\\", "[", "]", "{", "=",
     "candidate.feature", "core.lone", "../", "\ufeff", "(", ",", "@"]
)  # fmt: skip
PATHS = st.sampled_from(
    ["a.md", "a.toml", "pyproject.toml", "setup.cfg", "a.yaml", "a.json", "a.ipynb", "Makefile",
     "a.sh", "CODEOWNERS", "mypy.ini", ".gitignore", "a.xyz", "docs/a.rst", "lanes.toml", "a.pyi"]
)  # fmt: skip
NEW = {"candidate.lone": "core.lone", "candidate/lone.py": "core/lone.py",
       "candidate.feature.engine": "core.feature.engine"}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(PATHS, st.lists(FRAGMENTS, max_size=25).map("".join), st.booleans())
def test_nothing_but_names_changes_and_once_is_enough(path: str, text: str, rewrite: bool) -> None:
    files = {path: text}
    now, ledger = listed(files, ENGINE, "candidate/lone.py", rewrite=rewrite)
    rewritten = [entry for entry in ledger if entry.status == "rewritten"]
    # Replacing, line by line and from the right, just what the ledger says gives the same bytes.
    lines = text.removeprefix("\ufeff").split("\n")
    for entry in sorted(rewritten, reverse=True):
        line, start = lines[entry.line - 1], entry.column
        old = next(o for o in sorted(NEW, key=len, reverse=True) if line.startswith(o, start))
        assert entry.text.startswith(old)
        lines[entry.line - 1] = line[:start] + NEW[old] + line[start + len(old) :]
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    assert now[path] == (mark + "\n".join(lines)).encode()
    again, second = listed({path: now[path]}, ENGINE, "candidate/lone.py", rewrite=rewrite)
    assert again[path] == now[path]
    assert not any(entry.status == "rewritten" for entry in second)

"""coverage.py's own database gives the figures that `coverage json` gives of it, and no others."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from lane_planner.base.errors import UsageError
from lane_planner.gates.coverage import read_coverage
from lane_planner.gates.coverage_database import json_report

# What counts as a statement is coverage.py's business; here is some of what is odd about it.
ODD = '''\
"""A docstring is no statement."""

from __future__ import annotations
import os
from typing import (
    TYPE_CHECKING,
    Any,
)

if TYPE_CHECKING:
    import json


class Held:
    """Nor is this."""

    value: int = (
        1 +
        2
    )

    def used(self, many: Any) -> Any:
        if many:
            return [
                one
                for one in many
            ]
        else:
            return None

    def unused(self) -> None:  # pragma: no cover
        print("never")

    def todo(self) -> None: ...

    @property
    def decorated(
        self,
    ) -> str:
        """Not run."""
        try:
            text = f"""{self.value}
            {os.name}"""
        except ValueError:
            raise
        finally:
            pass
        return text


def generated():
    for number in range(3):
        yield number
    while True:
        break
    assert True, "never"
    DEBUG_ONLY = 1


match len(list(generated())):
    case 3: seen = Held().used([1]); lost = lambda: 0
    case _:
        seen = None
'''

RUN = "import candidate.odd\nimport candidate.half\nimport core.whole\ncandidate.half.f(0)\n"

FILES = {
    "candidate/__init__.py": "",
    "candidate/odd.py": ODD,
    "candidate/half.py": "def f(x):\n    if x:\n        return 1\n    return 2\n\ndef g():\n    pass\n",
    "candidate/idle.py": "import os\nVALUE = os.name\n",
    "core/whole.py": "VALUE = 1\n",
    "run.py": RUN,
}


def environment() -> dict[str, str]:
    """Return variables without those that a coverage run of this suite sets."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COV")}


def coverage(root: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "coverage", *arguments],
        cwd=root, env=environment(), check=True, capture_output=True,
    )  # fmt: skip


def tree(root: Path) -> Path:
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a database and the report of it, only to be read."""
    root = tree(tmp_path_factory.mktemp("measured").resolve() / "repo")
    coverage(root, "run", "--source=.", "run.py")
    coverage(root, "json", "-q")
    return root


CONFIGS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "lines": ({}, ()),
    "branches": ({}, ("--branch",)),
    "contexts": ({}, ("--branch", "--context=one")),
    "relative files, excluded lines, in pyproject.toml": (
        {
            "pyproject.toml": "[tool.coverage.run]\nrelative_files = true\n"
            '[tool.coverage.report]\nexclude_also = ["DEBUG_ONLY"]\nomit = ["candidate/half.py"]\n'
        },
        ("--branch",),
    ),
    "other exclusions in .coveragerc": (
        {".coveragerc": "[report]\nexclude_lines = def unused\n", "setup.cfg": "[coverage:x]\n"},
        (),
    ),
    "chosen contexts": ({".coveragerc": "[report]\ncontexts = two\n"}, ("--context=one",)),
    "a plugin that is code of the repository's": (
        {".coveragerc": "[run]\nplugins = planted\n"},
        (),
    ),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_the_figures_are_those_of_coverage_json(case: str, tmp_path: Path) -> None:
    config, options = CONFIGS[case]
    root = tree(tmp_path.resolve() / "repo")
    for name, text in config.items():
        if "plugins" not in text:
            (root / name).write_text(text)
    coverage(root, "run", "--source=.", *options, "run.py")
    coverage(root, "json", "-q")
    for name, text in config.items():
        (root / name).write_text(text)
    (root / "planted.py").write_text("open('loaded', 'w').close()\n")
    before = (root / ".coverage").read_bytes()
    expected = dict(read_coverage(root / "coverage.json", root).files)
    found = dict(read_coverage(root / ".coverage", root).files)
    assert found == expected
    assert len(found) >= 5
    assert (root / ".coverage").read_bytes() == before
    assert not (root / "loaded").exists()


def test_runs_that_were_combined(tmp_path: Path) -> None:
    root = tree(tmp_path.resolve() / "repo")
    coverage(root, "run", "-p", "--branch", "--context=one", "--source=candidate,core", "run.py")
    (root / "run.py").write_text("import candidate.half, candidate.idle\ncandidate.half.f(1)\n")
    coverage(root, "run", "-p", "--branch", "--context=two", "--source=candidate,core", "run.py")
    coverage(root, "combine", "-q")
    coverage(root, "json", "-q")
    found = read_coverage(root / ".coverage", root)
    assert found == read_coverage(root / "coverage.json", root)
    assert found.of("candidate/idle.py") == 1
    assert found.of("candidate/half.py") == 5 / 6


def test_another_checkout_and_sources_that_changed(measured: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "here")
    (root / "candidate/odd.py").unlink()
    (root / "candidate/half.py").write_text("def (\n")
    (root / "sub").mkdir()
    shutil.copy(measured / ".coverage", root / "sub/data")
    expected = dict(read_coverage(measured / "coverage.json", measured).files)
    del expected["candidate/odd.py"], expected["candidate/half.py"]
    assert dict(read_coverage(root / "sub/data", root).files) == expected


def test_files_that_the_configuration_maps(measured: Path, tmp_path: Path) -> None:
    root = tmp_path / "here"
    shutil.copytree(measured / "candidate", root / "src/candidate")
    (root / ".coveragerc").write_text(f"[paths]\nall =\n    src\n    {measured}\n")
    shutil.copy(measured / ".coverage", root)
    whole = dict(read_coverage(measured / "coverage.json", measured).files)
    expected = {f"src/{p}": f for p, f in whole.items() if p.startswith("candidate/")}
    assert dict(read_coverage(root / ".coverage", root).files) == expected


def test_many_files_are_shared_out(tmp_path: Path) -> None:
    from coverage import CoverageData

    (tmp_path / "candidate").mkdir()
    data = CoverageData(basename=str(tmp_path / ".coverage"))
    for number in range(120):
        path = tmp_path / f"candidate/m{number}.py"
        path.write_text("a = 1\nb = 2\nif a:\n    c = 3\n")
        data.add_lines({str(path): range(1, 1 + number % 5)})
    data.write()
    found = dict(read_coverage(tmp_path / ".coverage", tmp_path).files)
    assert found == {f"candidate/m{n}.py": n % 5 / 4 for n in range(120)}


def execute(sql: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.executescript(sql)
        connection.close()

    return spoil


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def begin(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:16])


def other(path: Path) -> None:
    path.unlink()
    execute("CREATE TABLE file (id)")(path)


def overwrite(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut short": (cut, "malformed"),
    "overwritten": (overwrite, "malformed"),
    "only the first words": (begin, "not one of coverage.py"),
    "another database": (other, "not one of coverage.py: no such table: coverage_schema"),
    "another version": (execute("UPDATE coverage_schema SET version = 99"), "wrong schema: 99"),
    "no version": (execute("DELETE FROM coverage_schema"), "a coverage data file"),
    "empty": (
        execute("DELETE FROM file; DELETE FROM arc; DELETE FROM line_bits"),
        "it says nothing of any file: run the tests under coverage.py first",
    ),
    "odd bits": (execute("UPDATE line_bits SET numbits = 'x'"), ""),
    "of other files": (
        execute("UPDATE file SET path = '/srv/other/' || id || '.py'"),
        "files, none of which is in the repository: make it from this repository's root",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_no_data_is_told_in_one_line(case: str, measured: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "repo")
    path = root / ".coverage"
    shutil.copy(measured / ".coverage", path)
    spoil, said = SPOILT[case]
    spoil(path)
    with pytest.raises(UsageError) as caught:
        read_coverage(path, root)
    message = caught.value.message
    assert message.startswith(f"coverage data {path}: ")
    assert said in message
    assert "\n" not in message and "lane-planner-" not in message


def test_a_wrong_coverage_configuration_is_told(measured: Path, tmp_path: Path) -> None:
    root = tree(tmp_path / "repo")
    shutil.copy(measured / ".coverage", root)
    (root / ".coveragerc").write_text("[report]\nexclude_lines = (\n")
    with pytest.raises(UsageError, match="Invalid"):
        read_coverage(root / ".coverage", root)


def test_without_coverage_py(
    measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coverage.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"pip install 'lane-planner\[coverage\]'"):
        read_coverage(measured / ".coverage", measured)


def test_modules_of_the_repository_are_not_taken_for_libraries(
    measured: Path, tmp_path: Path
) -> None:
    root = tree(tmp_path / "repo")
    shutil.copy(measured / ".coverage", root)
    for name in ("coverage", "msgspec", "json", "lane_planner"):
        (root / f"{name}.py").write_text("raise SystemExit('imported')\n")
    assert read_coverage(root / ".coverage", root).of("core/whole.py") == 1


# --- what coverage.py said is kept ---


def run_again(root: Path) -> None:
    (root / "run.py").write_text("import candidate.idle\n")
    coverage(root, "run", "--source=candidate", "run.py")


OMITTING = "[coverage:report]\nomit = candidate/half.py\n"

# Changes, each with how many sources coverage.py is asked about after it.
CHANGES: list[tuple[str, Callable[[Path], object], int]] = [
    ("nothing", lambda root: None, 0),
    ("a source", lambda root: (root / "core/whole.py").write_text("A = 1\nB = 2\n"), 1),
    ("nothing again", lambda root: None, 0),
    ("a file that does not parse", lambda root: (root / "core/whole.py").write_text("("), 1),
    ("which is known now", lambda root: None, 0),
    ("the configuration", lambda root: (root / "tox.ini").write_text(OMITTING), 5),
    ("the database", run_again, 4),
    ("the memory is odd", lambda root: (root.parent / "memory").write_bytes(b"\0" * 99), 4),
    (
        "the configuration names variables",
        lambda root: (root / "tox.ini").write_text(f"{OMITTING}# ${{HOME}}\n"),
        4,
    ),
    ("which are not looked up", lambda root: None, 4),
]


def test_only_what_changed_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(tmp_path.resolve() / "repo")
    (root / "run.py").write_text("import candidate.odd, core.whole\n")
    coverage(root, "run", "--source=candidate,core", "run.py")
    memory, asked = tmp_path.resolve() / "memory", list[int]()

    def counting(
        data: Path, at: Path, files: Mapping[str, Sequence[str]], more: list[str]
    ) -> bytes:
        asked.append(len(files))
        return json_report(data, at, files, more)

    monkeypatch.setattr("lane_planner.gates.coverage.json_report", counting)
    read_coverage(root / ".coverage", root, memory)
    assert asked == [5]
    for what, change, count in CHANGES:
        change(root)
        asked.clear()
        found = read_coverage(root / ".coverage", root, memory)
        assert sum(asked) == count, what
        assert found == read_coverage(root / ".coverage", root), what


def test_a_memory_that_cannot_be_written_is_done_without(measured: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = read_coverage(measured / ".coverage", measured, tmp_path / "file/memory")
    assert found == read_coverage(measured / "coverage.json", measured)

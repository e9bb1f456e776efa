"""What coverage data tells of which test ran what, from real runs of pytest-cov."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lane_planner.gates.contexts import after_moves, read_contexts
from lane_planner.promotion.values import FileMove

FILES = {
    "core/__init__.py": "",
    "core/a.py": "LIMIT = 1\ndef f(x):\n    if x:\n        return 2\n    return 3\n",
    "core/b.py": "from core.a import f\ndef g():\n    return f(1)\n",
    "core/idle.py": "VALUE = 1\n",
    "tests/test_a.py": (
        "import pytest\nfrom core.a import f\n"
        "@pytest.mark.parametrize('x', ['a::b|c', 'é'])\ndef test_f(x):\n    assert f(x)\n"
    ),
    "tests/sub/test_b.py": "import core.b\nclass TestG:\n    def test_g(self):\n        core.b.g()\n",
    "tests/test_idle.py": "import core.idle\ndef test_idle():\n    assert core.idle.VALUE\n",
}
EXPECTED = {
    "core/a.py": frozenset({"tests/test_a.py", "tests/sub/test_b.py"}),
    "core/b.py": frozenset({"tests/sub/test_b.py"}),
}


def run(root: Path, *arguments: str) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}
    subprocess.run(
        [sys.executable, "-m", *arguments], cwd=root, env=clean, check=True, capture_output=True
    )


@pytest.fixture(scope="module", params=["lines", "branches", "static"])
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a database, only to be read."""
    root = tmp_path_factory.mktemp("measured").resolve() / "repo"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    if request.param == "static":
        (root / ".coveragerc").write_text("[run]\ncontext = nightly\n")
    branch = ["--cov-branch"] if request.param == "branches" else []
    run(root, "pytest", "-p", "no:cacheprovider", "-q", "--rootdir=.", "--cov=core",
        "--cov-context=test", "--cov-report=", *branch, "tests")  # fmt: skip
    return root


def test_who_ran_what(measured: Path) -> None:
    assert read_contexts(measured / ".coverage", measured) == EXPECTED


def test_as_coverage_itself_says(measured: Path) -> None:
    from coverage import CoverageData

    data = CoverageData(basename=str(measured / ".coverage"))
    data.read()
    ran = {
        str(Path(file).relative_to(measured)): {
            context.partition("::")[0].removeprefix("nightly|")
            for contexts in data.contexts_by_lineno(file).values()
            for context in contexts
            if "::" in context
        }
        for file in data.measured_files()
    }
    assert read_contexts(measured / ".coverage", measured) == {
        file: frozenset(tests) for file, tests in ran.items() if tests
    }


def test_a_json_report_with_contexts(measured: Path, tmp_path: Path) -> None:
    run(measured, "coverage", "json", "--show-contexts", "-o", str(tmp_path / "with.json"))
    run(measured, "coverage", "json", "-o", str(tmp_path / "without.json"))
    assert read_contexts(tmp_path / "with.json", measured) == EXPECTED
    assert read_contexts(tmp_path / "without.json", measured) is None
    marked = tmp_path / "marked.json"
    marked.write_bytes(b"\xef\xbb\xbf\n" + (tmp_path / "with.json").read_bytes())
    assert read_contexts(marked, measured) == EXPECTED


def test_data_of_another_checkout(measured: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(measured, elsewhere)
    assert read_contexts(elsewhere / ".coverage", elsewhere) == EXPECTED


def test_data_without_tests(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    run(tmp_path, "coverage", "run", "a.py")
    assert read_contexts(tmp_path / ".coverage", tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"TN:\nSF:a.py\n", b"<coverage/>", b"{", b"{}", b"\xff", b"SQLite format 3\0broken"],
)
def test_files_that_tell_of_no_test(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").write_bytes(content)
    assert read_contexts(tmp_path / "data", tmp_path) is None
    assert read_contexts(tmp_path / "gone", tmp_path) is None
    assert read_contexts(tmp_path, tmp_path) is None


def test_what_is_known_of_a_file_moves_with_it() -> None:
    moves = [
        FileMove("candidate/a.py", "core/a.py"),
        FileMove("tests/candidate/test_a.py", "tests/core/test_a.py"),
    ]
    tests = frozenset({"tests/candidate/test_a.py", "tests/test_b.py"})
    moved = frozenset({"tests/core/test_a.py", "tests/test_b.py"})
    assert after_moves({"candidate/a.py": tests, "lib/b.py": tests}, moves) == {
        "candidate/a.py": moved,
        "core/a.py": moved,
        "lib/b.py": moved,
    }

"""`python -m tests.corpus.programs DIRECTORY [NAME...]`: promotions in real programs, run after it.

A package that ships its tests becomes a git repository. Lanes are laid over its directories by
configuration alone, a plan is made and carried out, and then everything is run that was run before:
each module is imported, alone, and the tests run. Nothing may come out differently, and no line may
change that holds no reference to something that moved.

DIRECTORY holds the packages, as `tests.corpus.install` puts them there. The figures are printed as
JSON, one program a line, and what they add up to on the standard error.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

_TOOL = Path(__file__).parents[2]
_NAMES_OF_GIT = {
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.invalid",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Program(NamedTuple):
    """A package to promote modules of.

    Attributes:
        name: what to call it.
        packages: top-level packages to copy; the first one has the lane.
        candidate: directories of the lane that is left.
        target: directory of the lane that is reached.
        tests: globs, below the root, of the test files to run.
        at_least: how many modules have to be promoted.
        staying: modules to leave where they are, as for `plan --exclude`.
        imports: globs, below the root, of the modules to import; all by default.
    """

    name: str
    packages: tuple[str, ...]
    candidate: tuple[str, ...]
    target: str
    tests: tuple[str, ...]
    at_least: int
    staying: tuple[str, ...] = ()
    imports: tuple[str, ...] = ("**/*.py",)

    @property
    def lanes(self) -> str:
        """The text of its `lanes.toml`: two lanes that may import each other."""
        return (
            "[lanes.candidate]\n"
            f"paths = {json.dumps(self.candidate)}\n"
            'imports = ["core"]\n'
            'promotes_to = "core"\n'
            "[lanes.core]\n"
            f"paths = [{json.dumps(self.target)}]\n"
            'imports = ["candidate"]\n'
        )


@dataclass(frozen=True)
class Figures:
    """What promoting modules of a program came to.

    Attributes:
        name: the program.
        candidates: how many modules its lane had.
        promoted: how many modules moved.
        rewritten: how many files changed beside their path.
        lines: how many lines changed in them, old and new ones.
        stray_bytes: bytes of changed lines that hold no reference to what moved.
        stray_lines: those lines.
        imported: how many modules were imported, each in a process of its own.
        broken_before: how many of them cannot be imported, before and after.
        tests: how many tests ran.
        passed: how many of them passed.
        differences: modules and tests that came out differently, with how.
        refused: why steps were left out, with how many modules that held back.
    """

    name: str
    candidates: int
    promoted: int
    rewritten: int
    lines: int
    stray_bytes: int
    stray_lines: tuple[str, ...]
    imported: int
    broken_before: int
    tests: int
    passed: int
    differences: tuple[str, ...]
    refused: Mapping[str, int]


class _Run(NamedTuple):
    """What running a tree came to."""

    imports: dict[str, str]
    tests: dict[str, str]


class _Promoted(NamedTuple):
    """What the tool did to a repository."""

    branch: str
    candidates: int
    moves: dict[str, str]
    refused: dict[str, int]


def measure(program: Program, packages: Path, work: Path) -> Figures:
    """Promote what can be promoted in a program, and compare how it runs.

    Args:
        program: the program.
        packages: directory that has its packages.
        work: an empty directory to work in.
    """
    repository = _repository(program, packages, work / "repository")
    before_files = _python_files(repository)
    selected = _selected(program.tests, repository)
    modules = _selected(program.imports, repository)
    before = _run(repository, modules, selected, work / "before")
    promoted = _promote(program, repository, work / "plan.json")
    _git(repository, "checkout", "--quiet", promoted.branch)
    after_files = _python_files(repository)
    moves = promoted.moves
    now = [moves.get(path, path) for path in selected]
    came = {moves.get(path, path) for path in modules} | after_files.keys() - before_files.keys()
    after = _run(repository, sorted(came), now, work / "after")
    strays = list(_strays(before_files, after_files, moves))
    changed = [
        path
        for path, text in before_files.items()
        if after_files.get(moves.get(path, path)) != text
    ]
    return Figures(
        name=program.name,
        candidates=promoted.candidates,
        promoted=len(moves),
        rewritten=sum(path in after_files or path in moves for path in changed),
        lines=sum(
            len(change.old) + len(change.new)
            for path in changed
            for change in _changes(before_files[path], after_files.get(moves.get(path, path), ""))
        ),
        stray_bytes=sum(len(line.encode()) for _, line in strays),
        stray_lines=tuple(f"{path}: {line.rstrip()}" for path, line in strays),
        imported=len(before.imports),
        broken_before=sum(said != "fine" for said in before.imports.values()),
        tests=len(before.tests),
        passed=sum(said == "passed" for said in before.tests.values()),
        differences=tuple(_differences(before, after, moves)),
        refused=promoted.refused,
    )


def _repository(program: Program, packages: Path, root: Path) -> Path:
    for package in program.packages:
        shutil.copytree(
            packages / package, root / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    (root / "lanes.toml").write_text(program.lanes, encoding="utf-8")
    _git(root, "init", "--quiet", "--initial-branch=main")
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--message", "base")
    return root


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, env=os.environ | _NAMES_OF_GIT, check=True)


def _python_files(root: Path) -> dict[str, str]:
    """Return the texts of all Python files, by path; Latin 1 keeps every byte of odd ones."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes().decode("latin-1")
        for path in root.rglob("*.py")
    }


def _selected(globs: Iterable[str], root: Path) -> list[str]:
    return sorted({path.relative_to(root).as_posix() for glob in globs for path in root.glob(glob)})


# Carrying the plan out.


def _promote(program: Program, root: Path, plan_file: Path) -> _Promoted:
    staying = [word for glob in program.staying for word in ("--exclude", glob)]
    _tool(root, "plan", "--format", "json", "--output", str(plan_file), *staying)
    plan = json.loads(plan_file.read_text(encoding="utf-8"))
    applied = json.loads(_tool(root, "apply", str(plan_file), "--no-gates", "--format", "json"))
    left_out = {step["step"]: step for step in applied["left_out"]}
    refused: dict[str, int] = {}
    roots: dict[str, str] = {}  # why a step is left out in the end, by its id
    for step in left_out.values():
        waits_for = re.fullmatch(r"it waits for step (\w+)", step["reason"])
        reason = roots[waits_for[1]] if waits_for else step["reason"]
        roots[step["step"]] = reason
        refused[reason] = refused.get(reason, 0) + len(step["modules"])
    moves = {
        move["source"]: move["target"]
        for step in plan["steps"]
        if step["id"] not in left_out
        for move in step["moves"]
    }
    return _Promoted(applied["branch"], plan["summary"]["candidates"], moves, refused)


def _tool(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lane_planner", *arguments, "--root", str(root), "--quiet"],
        cwd=_TOOL,
        env=os.environ | _NAMES_OF_GIT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise AssertionError(f"{arguments[0]} ends with {done.returncode}: {done.stderr}")
    return done.stdout


# Running what is there.

# Importing `a.b` begins with importing `a`, so modules share that and go on in a child each.
_IMPORTER = """
import importlib, json, os, signal, sys
root, names = json.load(sys.stdin)
sys.path.insert(0, root)
answers = os.fdopen(os.dup(1), "w")
nowhere = os.open(os.devnull, os.O_RDWR)
for stream in (0, 1, 2):
    os.dup2(nowhere, stream)
try:
    importlib.import_module(names[0].partition(".")[0])
except BaseException:  # noqa: each module says it for itself
    pass
for name in names:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        said = "fine"
        try:
            importlib.import_module(name)
        except BaseException as error:
            said = type(error).__name__
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    answers.write(json.dumps([name, said or "killed"]) + "\\n")
answers.close()
os._exit(0)
"""

_TESTER = """
import json, sys
import pytest

class Recorder:
    def __init__(self):
        self.said = {}

    def pytest_runtest_logreport(self, report):
        said = report.outcome if report.when == "call" or report.outcome != "passed" else None
        if hasattr(report, "wasxfail"):
            said = f"x{said}"
        if said is not None and self.said.get(report.nodeid) != "failed":
            self.said[report.nodeid] = said
        elif report.when == "teardown":
            self.said.setdefault(report.nodeid, "not called")

    def pytest_collectreport(self, report):
        if report.outcome != "passed":
            self.said[report.nodeid] = f"collecting {report.outcome}"

answer, *arguments = sys.argv[1:]
recorder = Recorder()
status = pytest.main(arguments, [recorder])
with open(answer, "w") as file:
    json.dump({"status": int(status), "tests": recorder.said}, file)
"""


def _run(root: Path, paths: Sequence[str], selected: Sequence[str], work: Path) -> _Run:
    """Import every module of a tree, run tests of it, and tell how each came out.

    Args:
        root: the tree.
        paths: its modules.
        selected: files with tests.
        work: directory for what is written meanwhile.
    """
    work.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    environment |= {
        "PYTHONPYCACHEPREFIX": str(work / "compiled"),  # none may stay for the next run
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(root),
    }
    imports: dict[str, str] = {}
    by_top: dict[str, list[str]] = {}
    for path in paths:
        name = _dotted(path)
        if all(map(str.isidentifier, name.split("."))):
            by_top.setdefault(name.partition(".")[0], []).append(name)
    for names in by_top.values():
        done = subprocess.run(
            [sys.executable, "-c", _IMPORTER],
            input=json.dumps([str(root), names]),
            capture_output=True,
            text=True,
            env=environment,
            cwd=work,
            check=True,
        )
        imports.update(json.loads(line) for line in done.stdout.splitlines())
    answer, settings = work / "tests.json", work / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-c", _TESTER, str(answer), "-q", "-p", "no:cacheprovider",
            "--rootdir", str(root), "-c", str(settings), "--tb=short", *selected,
        ],
        capture_output=True,
        text=True,
        env=environment,
        cwd=root,
        check=False,
    )  # fmt: skip
    (work / "pytest.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if not answer.exists():
        raise AssertionError(f"pytest did not end: {done.stderr[-2000:]}")
    return _Run(imports, json.loads(answer.read_text(encoding="utf-8"))["tests"])


def _differences(before: _Run, after: _Run, moves: Mapping[str, str]) -> Iterator[str]:
    renamed = {_dotted(old): _dotted(new) for old, new in moves.items()}
    expected = {renamed.get(name, name): said for name, said in before.imports.items()}
    for name, said in sorted(expected.items()):
        now = after.imports.get(name)
        # A package that moved leaves no module where nothing else of it stays.
        if now != said:
            yield f"import {name}: {said} before, {now} after"
    for name, said in sorted(after.imports.items()):
        if name not in expected and said != "fine":
            yield f"import {name}: {said}, and was not there before"
    tests = {}
    for test, said in before.tests.items():
        path, mark, rest = test.partition("::")
        tests[moves.get(path, path) + mark + rest] = said
    for test in sorted(tests.keys() | after.tests.keys()):
        was, now = tests.get(test), after.tests.get(test)
        if was != now:
            yield f"test {test}: {was} before, {now} after"


# What changed.


def _strays(
    before: Mapping[str, str], after: Mapping[str, str], moves: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield changed lines that hold no reference to something that moved, with their paths."""
    old_names = {_dotted(path) for path in moves}
    new_names = {_dotted(path) for path in moves.values()}
    every = {_dotted(path) for path in (*before, *after)}
    for path, old in before.items():
        new = after.get(moves.get(path, path))
        if new is None or new == old:
            continue
        moved = path in moves
        old_lines = _references(old, path, old_names, moved)
        # What a moved file names by dots it may have to spell out.
        new_lines = _references(
            new, moves.get(path, path), every if moved else new_names, moved=False
        )
        imports = _import_lines(new)
        for change in _changes(old, new):
            # Where an import of two things becomes two, one of them may name nothing that moved.
            parted = imports if not old_lines.isdisjoint(change.old) else frozenset()
            for line, text in change.old.items():
                if line not in old_lines:
                    yield path, text
            for line, text in change.new.items():
                if line not in new_lines and line not in parted:
                    yield path, text


class _Change(NamedTuple):
    """Lines that took the place of others, by their numbers."""

    old: dict[int, str]
    new: dict[int, str]


def _changes(old: str, new: str) -> Iterator[_Change]:
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag != "equal":
            yield _Change(
                {n + 1: a[n] for n in range(first, last)}, {n + 1: b[n] for n in range(start, end)}
            )


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd escapes, of theirs
        return ast.parse(text.encode("latin-1"))


def _import_lines(text: str) -> frozenset[int]:
    """Return the lines of all import statements."""
    return frozenset(
        line
        for node in ast.walk(_parsed(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )


def _references(text: str, path: str, names: Iterable[str], moved: bool) -> set[int]:
    """Return the lines that import or name some modules.

    Args:
        text: of the file.
        path: where it is.
        names: the modules' dotted names.
        moved: whether relative imports count whatever they name, as their file moves.
    """
    wanted = frozenset(names)
    package = path.removesuffix(".py").split("/")[:-1]
    lines: set[int] = set()
    for node in ast.walk(_parsed(text)):
        if isinstance(node, ast.Import):
            held = any(_within(alias.name, wanted) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*home, *([node.module] if node.module else [])])
            held = (moved and node.level > 0) or any(
                _within(name, wanted) for name in (base, *(f"{base}.{a.name}" for a in node.names))
            )
        elif isinstance(node, ast.Attribute):
            held = _within(ast.unparse(node), wanted)
        elif isinstance(node, ast.Constant):
            held = isinstance(node.value, str) and (
                _within(node.value.partition(":")[0], wanted)
                or (moved and node.value.startswith("."))
            )
        else:
            continue
        if held:
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def _within(dotted: str, names: frozenset[str]) -> bool:
    """Tell whether a dotted name is one of some modules or something in one."""
    while dotted:
        if dotted in names:
            return True
        dotted = dotted.rpartition(".")[0]
    return False


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


# Summing up.

# Words of a refusal, and what they come to.
_KINDS = {
    "without importing it": "reached without an import",
    " from it at ": "found half run",
    "stands in for it": "a stand-in would hide a name",
}


def summary(found: Sequence[Figures]) -> str:
    """Return the figures of some programs, added up, as one line."""
    refused: dict[str, int] = {}
    for figures in found:
        for reason, modules in figures.refused.items():
            kind = next((kind for words, kind in _KINDS.items() if words in reason), "else")
            refused[kind] = refused.get(kind, 0) + modules
    reasons = "".join(f", {modules} {kind}" for kind, modules in sorted(refused.items()))
    return (
        f"{len(found)} programs: {sum(each.promoted for each in found)} modules promoted, "
        f"{sum(each.rewritten for each in found)} files rewritten in "
        f"{sum(each.lines for each in found)} lines, "
        f"{sum(each.stray_bytes for each in found)} bytes changed outside of imports and "
        f"references, {sum(each.imported for each in found)} modules imported and "
        f"{sum(each.tests for each in found)} tests run before and after with "
        f"{sum(len(each.differences) for each in found)} differences; "
        f"{sum(refused.values())} modules refused{reasons}"
    )


# Where a package's own `__init__.py` cannot move, the lane that is reached is inside the package:
# elsewhere modules would be imported without that file having run, and it may need to be first.
PROGRAMS = (
    Program(
        name="libcst",
        packages=("libcst",),
        candidate=("libcst/_parser",),
        target="libcst/promoted",
        tests=("libcst/_parser/**/tests/test_*.py",),
        at_least=45,
        imports=("libcst/_parser/**/*.py", "libcst/*.py"),
    ),
    Program(
        name="mpmath",
        packages=("mpmath",),
        candidate=("mpmath",),
        target="mpmath/promoted",
        tests=("mpmath/tests/test_[a-eh-p]*.py",),  # the others take minutes
        at_least=80,
        staying=("mpmath",),
    ),
    Program(
        name="networkx",
        packages=("networkx",),
        candidate=("networkx",),
        target="networkx/promoted",
        tests=(
            "networkx/classes/tests/test_*.py",
            "networkx/linalg/tests/test_*.py",
            "networkx/readwrite/**/tests/test_*.py",
            "networkx/tests/test_[ael]*.py",
            "networkx/utils/tests/test_*.py",
        ),
        at_least=95,
        # Pytest reads a conftest.py where it is for the directories below. Algorithms are left
        # out for time: a step takes more than a second among so many files.
        staying=("networkx", "networkx.conftest", "networkx.algorithms", "networkx.algorithms.*"),
        imports=("networkx/*.py", "networkx/[c-u]*/**/*.py"),
    ),
    Program(
        name="passlib",
        packages=("passlib",),
        candidate=("passlib",),
        target="passlib/promoted",
        tests=("passlib/tests/test_[pr]*.py", "passlib/tests/test_utils*.py"),
        at_least=30,
        # The registry makes handlers' names from those of hashes; the tests go by the names of
        # test modules, and one finds that of `passlib.utils.compat` in a regular expression.
        staying=(
            "passlib",
            "passlib.handlers.*",
            "passlib.tests.*",
            "passlib.utils",
            "passlib.utils.compat",
            "passlib.utils.compat.*",
        ),
    ),
    Program(
        name="pyflakes",
        packages=("pyflakes",),
        candidate=("pyflakes",),
        target="core",
        tests=("pyflakes/test/test_*.py",),
        at_least=20,
    ),
    Program(
        name="toolz",
        packages=("toolz",),
        candidate=("toolz",),
        target="toolz/promoted",
        tests=("toolz/tests/test_[a-s]*.py", "toolz/sandbox/tests/test_*.py"),
        at_least=20,
    ),
    Program(
        name="zict",
        packages=("zict",),
        candidate=("zict",),
        target="core",
        tests=("zict/tests/test_*.py",),
        at_least=16,
        staying=("zict",),
    ),
)


def main(packages: Path, names: Sequence[str]) -> None:
    """Measure programs, all without names, and print their figures, added up at the end."""
    found = []
    for program in PROGRAMS:
        if not names or program.name in names:
            with tempfile.TemporaryDirectory() as work:
                found.append(measure(program, packages, Path(work)))
            print(json.dumps(asdict(found[-1])), flush=True)
    print(summary(found), file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""The Python API: what docs/api.md shows is what happens, typed, and cheap to have at hand."""

from __future__ import annotations

import ast
import doctest
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

import lane_planner
from lane_planner import ImportGraph, Repository, UsageError
from lane_planner.base import git as base_git
from tests.cli.shop import CONFIG, fixed_environment, shop

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs/api.md"

# What commands still take from the floors under the repository when they run: types of its
# arguments, and what ends or times a command. `init` makes the configuration that a repository
# needs to be opened.
REACHED = {
    "apply": {"executor.apply", "executor.gating.rooms"},
    # Before there is a configuration, there is no repository to ask.
    "config": {"config.schema"},
    "init": {
        "config.importlinter",
        "config.load",
        "config.partition",
        "config.presets",
        "config.propose",
        "config.settings",
        "config.tach",
        "scan.modules",
        "scan.sources",
    },
    "options": {"executor.publishing", "executor.records.journal", "executor.shims"},
    "resume": {"executor.gating.rooms", "executor.records.journal"},
    "status": {"executor.records.journal", "executor.records.signals"},
}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Path]:
    """The small repository, as the current directory."""
    root = shop(tmp_path / "repo")
    before = Path.cwd()
    os.chdir(root)
    base_git._environment.cache_clear()
    with mock.patch.dict(os.environ, fixed_environment()):
        yield root
    os.chdir(before)
    base_git._environment.cache_clear()


def examples() -> doctest.DocTest:
    """Return the examples of the guide, as one session."""
    text = GUIDE.read_text(encoding="utf-8")
    return doctest.DocTestParser().get_doctest(text, {}, "api.md", str(GUIDE), 0)


def test_the_examples_of_the_guide(there: Path) -> None:
    said: list[str] = []
    found = examples()
    assert len(found.examples) > 20
    outcome = doctest.DocTestRunner(verbose=False).run(found, out=said.append)
    assert outcome.failed == 0, "".join(said)


def typed(directory: Path, script: str) -> tuple[int, str]:
    """Return how mypy judges a program as strictly as it can, and what it says."""
    (directory / "program.py").write_text(script, encoding="utf-8")
    # Errors of the package itself are another test's: an installed one's are not shown either.
    options = ["--strict", "--follow-imports=silent", "--config-file=", "program.py"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options], cwd=directory, check=False, text=True,
        env={**os.environ, "MYPYPATH": str(ROOT)}, capture_output=True,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.slow
def test_the_examples_are_typed(tmp_path: Path) -> None:
    script = "".join(example.source for example in examples().examples)
    code, said = typed(tmp_path, f"{script}reveal_type(graph)\nreveal_type(plan.steps)\n")
    assert 'Revealed type is "lane_planner.graph.graph.ImportGraph"' in said
    assert "lane_planner.planner.schema.PlannedStep" in said
    assert " error: " not in said
    assert code == 0
    code, said = typed(tmp_path, "from lane_planner import Nothing\n")
    assert 'Module "lane_planner" has no attribute "Nothing"' in said
    assert code == 1


def test_all_public_names_are_there() -> None:
    assert set(lane_planner.__all__) <= set(dir(lane_planner))
    for name in lane_planner.__all__:
        assert getattr(lane_planner, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = lane_planner.nothing  # type: ignore[attr-defined]


def test_the_guide_names_only_what_is_there() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    prose = "".join(text.split("```")[::2])
    words = {word.rstrip("()") for word in prose.split("`")[1::2]}
    known = {*lane_planner.__all__, *dir(Repository), *dir(ImportGraph), "message", "path", "sites"}
    assert {word for word in words if word.isidentifier()} <= known


def test_every_public_method_is_documented() -> None:
    for kind in (Repository, ImportGraph, lane_planner.Findings, lane_planner.Wanted):
        assert kind.__doc__
        for name, found in vars(kind).items():
            if not name.startswith("_") and callable(found):
                assert found.__doc__, f"{kind.__name__}.{name}"


def test_the_name_costs_nothing_until_it_is_used() -> None:
    code = "import sys, lane_planner; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith("lane_planner")}
    assert ours == {"lane_planner", "lane_planner.base", "lane_planner.base.version"}
    assert loaded & {"msgspec", "click", "libcst", "networkx", "grimp", "rich"} == set()


def test_a_graph_cannot_be_changed(there: Path) -> None:
    graph = Repository.open().graph()
    with pytest.raises(TypeError):
        graph.modules["new"] = graph.modules["candidate.a"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        graph.modules["candidate.a"].name = "b"  # type: ignore[misc]
    assert isinstance(graph.sites, tuple)
    before = graph.edges()
    graph.edges().clear()
    graph.to_networkx().clear()
    assert graph.edges() == before


def test_graph_with_external_imports(there: Path) -> None:
    (there / "candidate/a.py").write_text("import os\n")
    repository = Repository.open()
    assert repository.graph().sites_in("candidate.a") == ()
    assert [s.imported for s in repository.graph(external=True).sites_in("candidate.a")] == ["os"]


def test_networkx_has_every_import(there: Path) -> None:
    graph = Repository.open().graph()
    found = graph.to_networkx()
    assert set(found.nodes) == set(graph.modules)
    assert {name: data["path"] for name, data in found.nodes(data=True)} == {
        name: module.path for name, module in graph.modules.items()
    }
    sites = [site for _, _, data in found.edges(data=True) for site in data["sites"]]
    assert sorted(map(repr, sites)) == sorted(repr(site) for site in graph.sites if site.resolved)


def test_lane_of(there: Path) -> None:
    repository = Repository.open()
    assert repository.lane_of("candidate.a") == "candidate"
    assert repository.lane_of("tests/test_a.py") is None
    with pytest.raises(UsageError):
        repository.lane_of("nothing")


def test_status_and_follow(there: Path, tmp_path: Path) -> None:
    repository = Repository.open()
    assert repository.status().runs == ()
    assert list(repository.follow(lambda: None)) == []
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/lanes.toml").write_text(CONFIG)
    with pytest.raises(UsageError, match="is not in a git repository"):
        Repository.open(tmp_path / "plain").status()


@pytest.mark.parametrize(
    "file", sorted((ROOT / "lane_planner/cli").glob("*.py")), ids=lambda file: str(file.stem)
)
def test_commands_ask_the_repository(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = {
        (node.module or "").removeprefix("lane_planner.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node not in typing
        and (node.module or "").startswith("lane_planner.")
    }  # fmt: skip
    free = ("base.", "cli.", "report.", "repository")
    assert {name for name in found if not name.startswith(free)} == REACHED.get(file.stem, set())

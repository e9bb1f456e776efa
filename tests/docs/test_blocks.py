"""Every command in README and docs does what the text says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fixtures.build import build
from tests.cli.shop import commit, shop
from tests.docs.blocks import Command, File, actions_in, agrees

PROJECT = Path(__file__).resolve().parents[2]
# Texts whose commands are given in the repository that `make demo` builds; those of the others are
# given in a small one.
ON_THE_FIXTURE = ("README.md", "docs/tutorial.md")
# In this text the small one has no lanes yet.
WITHOUT_LANES = "docs/how-to/adopt.md"
TEXTS = sorted(
    str(path.relative_to(PROJECT))
    for path in [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]
)


def _end(printed: str) -> str:
    return "\n".join(["it ends:", *printed.splitlines()[-40:]])


@pytest.fixture(scope="module")
def fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that `make demo` builds."""
    root = tmp_path_factory.mktemp("fixture") / "repository"
    build(root)
    return root


@pytest.mark.long
@pytest.mark.parametrize("name", TEXTS)
def test_commands_do_what_the_text_says(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    actions = list(actions_in((PROJECT / name).read_text(encoding="utf-8")))
    if not actions:
        return
    root = tmp_path / "repository"
    if name in ON_THE_FIXTURE:
        shutil.copytree(request.getfixturevalue("fixture"), root, symlinks=True)
    else:
        shop(root, {"pytest.ini": b"[pytest]\n"})  # so that none above it counts
    if name == WITHOUT_LANES:
        (root / "lanes.toml").unlink()
        commit(root)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "100"}
    # Gates are programs of the environment that the tests run in.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in actions:
        if isinstance(command, File):
            (root / command.path).write_text(command.content, encoding="utf-8")
            continue
        printed = ""
        for words in command.programs:
            argv = [*words]
            if words[0] == "lane-planner":
                argv = [sys.executable, "-m", "lane_planner", *words[1:]]
            done = subprocess.run(
                argv, cwd=root, env=environment, stdin=subprocess.DEVNULL, text=True,
                capture_output=True, check=False,
            )  # fmt: skip
            where = f"{name}:{command.line}: {' '.join(words)}"
            assert done.returncode in (0, 1), f"{where}: {done.stderr}"
            assert "Traceback" not in done.stderr, f"{where}: {done.stderr}"
            printed += done.stdout
        if command.expected:
            assert agrees(command.expected, printed), f"{name}:{command.line}: {_end(printed)}"


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        (("a", "..."), "a\nb\nc\n", True),
        (("a", "...", "c"), "a\nb\nc\n", True),
        (("a", "...", "c"), "a\nb\nd\n", False),
        (("a",), "a\nb\n", False),
        (("...", "in 2.5 s at 0123456789ab"), "x\nin 13 s at ba9876543210\n", True),
        (("...",), "", True),
        (("a", ""), "a\n", True),
    ],
)
def test_what_is_said_is_compared(expected: tuple[str, ...], printed: str, same: bool) -> None:
    assert agrees(expected, printed) == same


def test_commands_are_found() -> None:
    text = "x\n\n```console\n$ one 'a b'; two # what\nout\n\n$ three\n```\n\n    $ four\n"
    assert list(actions_in(text)) == [
        Command(4, (("one", "a b"), ("two",)), ("out", "")),
        Command(7, (("three",),), ()),
    ]


def test_hooks_and_inputs_that_are_named_are_there() -> None:
    text = (PROJECT / WITHOUT_LANES).read_text(encoding="utf-8")
    blocks = [yaml.safe_load(found) for found in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    hooks, workflow = blocks
    known = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text())
    asked = [hook["id"] for entry in hooks["repos"] for hook in entry["hooks"]]
    assert asked and set(asked) <= {hook["id"] for hook in known}
    inputs = yaml.safe_load((PROJECT / "action.yml").read_text())["inputs"]
    own = [step for step in workflow["jobs"]["lanes"]["steps"] if "lane-planner" in step["uses"]]
    assert own and all(step["with"].keys() <= inputs.keys() for step in own)
    assert set(re.findall(r'`(\w+): "', text)) <= inputs.keys()


def test_files_are_found() -> None:
    text = "```toml title=a.toml\nb = 1\n```\n\n```toml\nc = 2\n```\n\n```console\n$ one\n```\n"
    assert list(actions_in(text)) == [File("a.toml", "b = 1\n"), Command(10, (("one",),), ())]

"""A small repository in four lanes, and the tool run on it as a user runs it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import msgspec

from lane_planner.base import git as base_git
from lane_planner.cli.main import main
from tests.executor.repositories import ENVIRONMENT, git, new_repository, snapshot

NOT_PARSED = "not seen: whether files parse (--syntax tells)\n"
"""How the text of every `check` without --syntax ends."""

PROJECT = Path(__file__).resolve().parents[2]

CONFIG = """\
[lanes.candidate]
paths = ["candidate"]
imports = ["core", "matriz"]
promotes_to = "core"

[lanes.core]
paths = ["core"]
imports = ["matriz"]
promotes_to = "lukhas"

[lanes.lukhas]
paths = ["lukhas"]
imports = ["core", "matriz"]
promotes_to = "products"

[lanes.products]
paths = ["products"]
imports = ["lukhas", "core", "matriz"]

[lanes.matriz]
paths = ["matriz"]
"""

FILES: dict[str, bytes] = {
    "lanes.toml": CONFIG.encode(),
    "candidate/a.py": b"VALUE = 1\n",
    "candidate/b.py": b"from candidate.a import VALUE\n\nprint(VALUE)\n",
    "candidate/up.py": b"import lukhas.app\n",
    "candidate/taken.py": b"NEW = 1\n",
    "candidate/ring_one.py": b"import candidate.ring_two\n",
    "candidate/ring_two.py": b"import candidate.ring_one\n",
    "candidate/pkg/__init__.py": b"from candidate.pkg.part import PART\n",
    "candidate/pkg/part.py": b"PART = 2\n",
    "candidate/pkg/data.json": b'{"part": 2}\n',
    "candidate/deep/__init__.py": b"",
    "candidate/deep/part.py": b"DEEP = 3\n",
    "core/base.py": b"BASE = 1\n",
    "core/taken.py": b"OLD = 1\n",
    "core/last.py": b"import matriz.node\n",
    "lukhas/app.py": b"from core.base import BASE\n",
    "lukhas/front.py": b"import lukhas.app\n",
    "products/shop.py": b"import lukhas.app\n",
    "matriz/node.py": b"NODE = 1\n",
    "tests/test_a.py": (
        b"from unittest.mock import patch\n\nfrom candidate import a\n\n\n"
        b'def test_a():\n    with patch("candidate.a.VALUE", 2):\n        assert a.VALUE == 2\n'
    ),
    "README.md": b"candidate.a is a module.\n",
}


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document on standard output."""
        return msgspec.json.decode(self.out)

    def error(self) -> str:
        """Return the one line of complaint, and make sure that it is the only one."""
        assert "Traceback" not in self.err
        assert self.err.endswith("\n")
        assert self.err.startswith("lane-planner: error: "), self.err
        assert self.err.count("\n") == 1, self.err
        assert "internal error" not in self.err
        assert self.err[:-1].isprintable(), self.err
        return self.err.removeprefix("lane-planner: error: ").rstrip("\n")


class Terminal(io.TextIOWrapper):
    """A text stream over memory, as standard output is one over a file."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="strict", newline="\n")

    def text(self) -> str:
        """Return what was written."""
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8")


def run(cwd: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
    """Run the tool in this process, in a directory, with variables added to the environment."""
    before = Path.cwd()
    code: object = None
    out, err = Terminal(), Terminal()
    os.chdir(cwd)
    base_git._environment.cache_clear()
    try:
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            mock.patch.object(sys, "argv", ["lane-planner", *arguments]),
            mock.patch.dict(os.environ, {**fixed_environment(), **(env or {})}),
        ):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        os.chdir(before)
        base_git._environment.cache_clear()
    assert isinstance(code, int)
    return Ran(code, out.text(), err.text())


def fixed_environment() -> dict[str, str]:
    """Return the variables that keep the tester's git configuration out, and the dates fixed."""
    return {name: value for name, value in ENVIRONMENT.items() if name.startswith("GIT_")}


def process_environment(**more: str) -> dict[str, str]:
    """Return the environment of a process of the tool."""
    return {**ENVIRONMENT, "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "error", **more}


def spawn(
    cwd: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    **options: Any,
) -> Ran:
    """Run the tool as a process of its own."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "lane_planner", *arguments],
        cwd=cwd,
        env=process_environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        **options,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def shop(directory: Path, files: Mapping[str, bytes] | None = None, *, root: str = "") -> Path:
    """Make the repository, with files added or replaced, and return its root."""
    return new_repository(directory, {**FILES, **(files or {})}, root=root)


def commit(root: Path, message: str = "more") -> None:
    """Commit whatever is in a repository."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", message)


def state(directory: Path) -> dict[str, object]:
    """Return what no command may change: of a git repository, or else of a plain directory."""
    for place in (directory, *directory.parents):
        dot = place / ".git"
        if dot.is_file() or (dot / "index").exists():
            return snapshot(directory)
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "lane-planner" not in path.parts
    }

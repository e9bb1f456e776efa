"""A first user's path, from `pip install` to a promoted module, in a repository made here.

Each command is a process of its own, of an installation of its own: what is tested is what a person
meets who has never seen the tool, with a repository that the tool has never seen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adoption.linter_worlds import write_files
from tests.adoption.network import is_unreachable
from tests.cli.shop import PROJECT
from tests.executor.repositories import ENVIRONMENT, git

pytestmark = pytest.mark.long

# A program of a team that keeps what is new apart, and has not always kept to it.
PROGRAM = {
    "pyproject.toml": '[project]\nname = "bakery"\n[tool.pytest.ini_options]\n'
    'pythonpath = ["src"]\ntestpaths = ["tests"]\n',
    "src/bakery/__init__.py": '"""A bakery."""\n',
    "src/bakery/__main__.py": "from bakery.counter.till import main\n\nmain()\n",
    "src/bakery/errors.py": "class Burnt(Exception):\n    pass\n",
    "src/bakery/dough/__init__.py": "",
    "src/bakery/dough/yeast.py": "from bakery.errors import Burnt\n\n\ndef rise():\n"
    "    if not Burnt:\n        raise Burnt\n    return 2\n",
    "src/bakery/dough/flour.py": "def sift():\n    from bakery.counter import till\n\n"
    "    return till.PRICE\n",
    "src/bakery/counter/__init__.py": "",
    "src/bakery/counter/till.py": "from bakery.dough import flour, yeast\n"
    "from bakery.experimental.rye import bake\n\nPRICE = 3\n\n\ndef main():\n"
    "    print(yeast.rise(), flour.sift(), bake())\n",
    "src/bakery/counter/shop.py": "from bakery.dough.yeast import rise\n\n\ndef sell():\n"
    "    return rise()\n",
    "src/bakery/experimental/__init__.py": "",
    "src/bakery/experimental/rye.py": "from bakery.dough.yeast import rise\n\n\ndef bake():\n"
    "    return rise() + 1\n",
    "src/bakery/experimental/spelt.py": "from bakery.counter.shop import sell\n\n\ndef bake():\n"
    "    return sell()\n",
    "tests/test_rye.py": "import pytest\n\nfrom bakery.experimental.rye import bake\n\n\n"
    '@pytest.mark.parametrize("loaves", [3])\ndef test_bake(loaves):\n'
    "    assert bake() == loaves\n",
    "Makefile": "test:\n\tpytest\n",
}


def test_from_installing_to_promoting(tmp_path: Path) -> None:
    venv, root = tmp_path / "venv", write_files(tmp_path / "bakery", PROGRAM)
    environment = {
        **ENVIRONMENT, "PATH": f"{venv / 'bin'}{os.pathsep}{ENVIRONMENT['PATH']}",
        "PIP_CONSTRAINT": str(PROJECT / "constraints.txt"), "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)

    def call(*words: str, ends: int = 0) -> str:
        done = subprocess.run(
            words, cwd=root, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False, timeout=300,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        assert done.returncode == ends, (words, done.stdout, done.stderr)
        return done.stdout

    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Test Person")
    git(root, "config", "user.email", "test@example.org")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "a bakery")

    # install
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    installed = subprocess.run(
        [venv / "bin/python", "-m", "pip", "install", "--quiet", str(PROJECT), "pytest"],
        env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if installed.returncode and is_unreachable(installed.stdout + installed.stderr):
        pytest.skip(f"packages cannot be installed here: {installed.stderr[-300:]}")
    assert installed.returncode == 0, installed

    # init
    said = call("lane-planner", "init", "--yes")
    assert "with lanes bakery-base, dough, counter, bakery, experimental" in said
    text = (root / "lanes.toml").read_text()
    assert 'promotes_to = "counter"' in text or 'promotes_to = "dough"' in text

    # check: what is against the grain is told, and nothing else
    said = call("lane-planner", "check", ends=1)
    assert [line.split(" ")[-1] for line in said.splitlines() if " LP101 " in line] == [
        "bakery.experimental.rye", "bakery.counter.till",
    ]  # fmt: skip

    # baseline: from here on, only what is new
    call("lane-planner", "check", "--update-baseline", "--allow-additions")
    assert (root / "lanes-baseline.txt").read_text().count("LP101") == 2
    call("lane-planner", "check")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "lanes")
    write_files(root, {"src/bakery/dough/bad.py": "import bakery.counter.till\n"})
    assert "bakery.dough.bad imports bakery.counter.till" in call("lane-planner", "check", ends=1)
    assert "1 failed" in call("python", "-m", "pytest", "--lanes", "-q", "-k", "lanes", ends=1)
    (root / "src/bakery/dough/bad.py").unlink()
    call("python", "-m", "pytest", "--lanes", "-q")

    # plan
    said = call("lane-planner", "plan", "--format", "json", ends=1)  # some are blocked
    target = "counter" if 'promotes_to = "counter"' in text else "dough"
    assert '"source": "src/bakery/experimental/rye.py"' in said

    # promote: the test that reaches the module is run on the moved tree
    said = call("lane-planner", "promote", "bakery.experimental.rye", target)
    assert "from bakery.experimental.rye import bake" in said
    said = call("lane-planner", "promote", "bakery.experimental.rye", target, "--apply")
    assert "gate tests (after): passed" in said
    branch = f"promote/experimental-to-{target}/rye"
    files = git(root, "ls-tree", "-r", "--name-only", branch).decode().split()
    assert f"src/bakery/{target}/rye.py" in files
    assert "src/bakery/experimental/rye.py" not in files
    git(root, "switch", "--quiet", branch)
    call("python", "-m", "pytest", "--lanes", "-q")

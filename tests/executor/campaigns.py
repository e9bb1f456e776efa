"""A repository with a plan of twenty steps, and ways to carry it out and to look at the result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lane_planner.executor.apply import ApplyOptions
from lane_planner.executor.campaign import Result
from lane_planner.executor.records.journal import Mode
from lane_planner.report.documents import to_json
from lane_planner.repository.repository import Repository
from tests.executor.repositories import ENVIRONMENT, git, new_repository, snapshot

NAMES = tuple(f"m{number:02}" for number in range(16))
CHAIN = ("c0", "c1", "c2", "c3")

_CONFIG = """\
[lanes.candidate]
paths = ["candidate"]
imports = ["core"]
promotes_to = "core"

[lanes.core]
paths = ["core"]

[batch]
max_files = 5
"""


def gate_text(name: str, code: str, **fields: str) -> str:
    """Return the configuration of a gate that runs Python code."""
    lines = [f"name = {json.dumps(name)}"]
    lines.append(f"command = {json.dumps([sys.executable, '-c', code])}")
    lines += [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    return "\n[[gates]]\n" + "\n".join(lines) + "\n"


def failing_with(*sets: Sequence[str], told: bool = True) -> str:
    """Return a gate's code that fails where all modules of one of some sets are in core.

    Args:
        sets: names of modules.
        told: whether it says which.
    """
    return (
        "import os, sys\n"
        f"for names in {[list(names) for names in sets]!r}:\n"
        "    if all(os.path.exists(f'core/{name}.py') for name in names):\n"
        f"        sys.exit(f'core/{{names[0]}}.py is bad' if {told} else 'bad')\n"
    )


def campaign_repository(directory: Path, *gates: str) -> Path:
    """Make a repository with sixteen modules that need nothing and four that need each other."""
    files: dict[str, bytes] = {"lanes.toml": (_CONFIG + "".join(gates)).encode()}
    for name in NAMES:
        files[f"candidate/{name}.py"] = f"NAME = {name!r}\n".encode() * 20
    before = "m00"
    for name in CHAIN:
        text = f"from candidate.{before} import NAME as BEFORE\nNAME = BEFORE + {name!r}\n"
        files[f"candidate/{name}.py"] = text.encode()
        before = name
    files["main.py"] = b"from candidate.c3 import NAME\nfrom candidate import m01, m02\n"
    return new_repository(directory, files)


def planned(root: Path) -> bytes:
    """Return the plan of a repository, as its file would hold it."""
    made = Repository.open(root).plan(None, None)
    return to_json(made).encode()


def carried_out(root: Path, mode: Mode = "single", **options: object) -> Result:
    """Carry the repository's plan out."""
    wanted = ApplyOptions(mode=mode, **options)  # type: ignore[arg-type]
    return Repository.open(root).apply(planned(root), "plan.json", wanted)


def tree_of(root: Path, commit: str) -> str:
    """Return the id of a commit's tree."""
    return git(root, "rev-parse", f"{commit}^{{tree}}").decode().strip()


def moved(root: Path, commit: str) -> set[str]:
    """Return the names of the modules that are in core at a commit."""
    listed = git(root, "ls-tree", "-r", "--name-only", commit, "core/").decode().split()
    return {Path(path).stem for path in listed} - {"__init__"}


def fixed_environment() -> Mapping[str, str]:
    """Return an environment in which all commits bear one date."""
    return {**ENVIRONMENT, "PYTHONPATH": os.getcwd()}


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so; it takes less than a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def interrupted(directory: Path, number: signal.Signals, gates: int, *options: str) -> list[int]:
    """Interrupt a run while its gates hang, and see that it ends well and nothing has changed.

    Args:
        directory: where the repository is made.
        number: the signal.
        gates: how many gates are waited for first.
        options: of `apply`.

    Returns:
        The processes of the gates.
    """
    marks = directory / "marks"
    marks.mkdir()
    code = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(marks)!r}, str(os.getpid())).touch()\n"
        "time.sleep(600)\n"
    )
    root = campaign_repository(directory / "r", gate_text("hang", code))
    (directory / "plan.json").write_bytes(planned(root))
    before = snapshot(root)
    process = subprocess.Popen(
        [sys.executable, "-m", "lane_planner", "apply", str(directory / "plan.json"), "--root",
         str(root), *options],
        env=dict(fixed_environment()), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: len(os.listdir(marks)) == gates)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else 143), said
    assert "Traceback" not in said, said
    after = snapshot(root)
    del before["git directory"], after["git directory"]  # directories of reflogs stay
    assert after == before
    return [int(name) for name in os.listdir(marks)]

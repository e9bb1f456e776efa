"""A repository with a plan of twenty steps, and ways to carry it out and to look at the result."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lane_planner.executor.apply import ApplyOptions
from lane_planner.executor.campaign import Result
from lane_planner.executor.records.journal import Mode
from lane_planner.report.documents import to_json
from lane_planner.repository import Repository
from tests.executor.repositories import ENVIRONMENT, git, new_repository

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

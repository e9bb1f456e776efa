"""The command lines that are measured, and the cases that are made of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from benchmarks.fixture import empty_repository, hide
from benchmarks.peers import importlinter_config, tach_config
from benchmarks.states import States
from benchmarks.timing import Case
from lane_planner.config.load import load_settings

HELP = "lane-planner --help"
EMPTY_CHECK = "check, empty repository"
UNCACHED = "lint-imports --no-cache"

_State = Callable[[Sequence[str]], AbstractContextManager[None]]


class Commands:
    """The command lines; making them writes the configurations that the peers need.

    Args:
        root: the fixture.
        work: where configurations and the peers' caches go.

    Attributes:
        packages: the directories of the lanes, which is what all of them read.
        cache: where lane-planner keeps its cache of the fixture.
    """

    def __init__(self, root: Path, work: Path) -> None:
        settings = load_settings(root, root / "lanes.toml")
        config = work / "importlinter.ini"
        config.write_text(importlinter_config(settings))
        hide(root, "tach.toml")  # tach reads it from the root and nowhere else
        (root / "tach.toml").write_text(tach_config(settings))

        empty = work / "empty"
        if not empty.exists():
            empty_repository(empty)

        self.packages = [root / lane.paths[0] for lane in settings.lanes]
        self.cache = root / ".git" / "lane-planner" / "cache"
        self.check = (_script("lane-planner"), "check")
        self.hook = (*self.check, "--format", "json")
        self.plan = (_script("lane-planner"), "plan")
        self.graph = (_script("lane-planner"), "graph")
        self.check_empty = (*self.check, "--root", str(empty))
        self.help = (_script("lane-planner"), "--help")
        self.traced = (sys.executable, "-X", "importtime", "-m", "lane_planner", "check")
        linter = (_script("lint-imports"), "--no-logo", "--config", str(config))
        self.linter_uncached = (*linter, "--no-cache")
        self.linter = (*linter, "--cache-dir", str(work / "import-linter-cache"))
        # Isolated: the fixture stands in a directory whose own project configures ruff.
        self.ruff = (_script("ruff"), "analyze", "graph", "--isolated")
        self.tach = (_script("tach"), "check")


def cases(commands: Commands, states: States) -> list[Case]:
    """Return what is timed, in the order of a round; what is compared stands side by side."""
    cold = partial(states.without, commands.cache)
    found = [
        Case("check, cold", commands.check, cold, beside=UNCACHED, aim=1.5),
        Case(UNCACHED, commands.linter_uncached, states.as_is),
        Case("ruff analyze graph", commands.ruff, states.as_is, beside=UNCACHED),
        Case("tach check", commands.tach, states.as_is, beside=UNCACHED),
        Case(HELP, commands.help, states.as_is),
        Case(EMPTY_CHECK, commands.check_empty, states.as_is),
    ]
    cached: list[tuple[str, _State, float | None]] = [
        ("warm", states.warm, 0.8),
        ("one edit", partial(states.edited, count=1), 1.0),
        ("50 edits", partial(states.edited, count=50), 1.0),
        ("new file times", states.touched, None),
    ]
    staged = partial(states.edited, count=3, staged=True)
    for name, state, aim in cached:
        peer = f"lint-imports, {name}"
        found.append(
            Case(f"check, {name}", commands.check, partial(state, commands.check), peer, aim)
        )
        found.append(Case(peer, commands.linter, partial(state, commands.linter)))
    peer = "lint-imports, 3 staged"
    found += [
        Case("plan, warm", commands.plan, partial(states.warm, commands.plan), "check, warm", 3.0),
        Case("check, 3 staged", commands.hook, partial(staged, commands.hook), peer, 0.8),
        Case(peer, commands.linter, partial(staged, commands.linter)),
    ]
    return found


def environment() -> dict[str, str]:
    """Return the environment of measured processes.

    Without what changes how Python itself runs: PYTHONDONTWRITEBYTECODE alone would make a
    package that is installed in place compile itself on every start, and its peers not.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") or k == "PYTHONPATH"}
    return {**kept, "LC_ALL": "C.UTF-8"}


def _script(name: str) -> str:
    """Return a script of this Python's environment.

    Raises:
        FileNotFoundError: it is not installed there.
    """
    script = Path(sys.executable).parent / name
    if not script.exists():
        raise FileNotFoundError(f"{name} is not installed: pip install --editable '.[bench]'")
    return str(script)

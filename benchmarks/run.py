"""Time `lane-planner check` beside its peers: `python -m benchmarks.run DIR [--rounds N]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.fixture import hide, prepare, python_files
from benchmarks.peers import importlinter_config, tach_config
from benchmarks.same_work import (
    Comparison,
    answer,
    beside_importlinter,
    beside_ruff,
    beside_tach,
    our_answer,
)
from benchmarks.startup import HEAVY, loaded
from benchmarks.states import States
from benchmarks.table import markdown, rows
from benchmarks.timing import Case, Failed, Spread, measure, run
from lane_planner import __version__
from lane_planner.config.load import load_settings

LEAST_ROUNDS = 7
HELP_BUDGET = 0.15
"""Seconds that `lane-planner --help` may take."""


class Commands:
    """The command lines that are compared.

    Args:
        root: the fixture.
        work: where configurations and the peers' caches go.
    """

    def __init__(self, root: Path, work: Path) -> None:
        settings = load_settings(root, root / "lanes.toml")
        linter_config, linter_cache = work / "importlinter.ini", work / "import-linter-cache"
        linter_config.write_text(importlinter_config(settings))
        hide(root, "tach.toml")  # tach reads it from the root and nowhere else
        (root / "tach.toml").write_text(tach_config(settings))
        linter = (_script("lint-imports"), "--no-logo", "--config", str(linter_config))
        self.cache = root / ".git" / "lane-planner" / "cache"
        self.check = (_script("lane-planner"), "check")
        self.graph = (_script("lane-planner"), "graph", "--format", "json")
        self.help = (_script("lane-planner"), "--help")
        self.traced = (sys.executable, "-X", "importtime", "-m", "lane_planner", "check")
        self.linter_uncached = (*linter, "--no-cache")
        self.linter = (*linter, "--cache-dir", str(linter_cache))
        # Isolated: the fixture stands in a directory whose own project configures ruff.
        self.ruff = (_script("ruff"), "analyze", "graph", "--isolated")
        self.tach = (_script("tach"), "check")


def cases(commands: Commands, states: States) -> list[Case]:
    """Return what is timed, in the order of a round; what is compared stands side by side."""
    check, linter = commands.check, commands.linter
    pairs = [
        ("warm", states.warm, 1.2),
        ("one edit", partial(states.edited, count=1), None),
        ("50 edits", partial(states.edited, count=50), None),
        ("new file times", states.touched, None),
    ]
    found = [
        Case("check, cold", check, partial(states.without, commands.cache),
             "lint-imports --no-cache", 3.0),
        Case("lint-imports --no-cache", commands.linter_uncached, states.as_is),
        Case("ruff analyze graph", commands.ruff, states.as_is, "lint-imports --no-cache"),
        Case("tach check", commands.tach, states.as_is, "lint-imports --no-cache"),
        Case("lane-planner --help", commands.help, states.as_is),
    ]  # fmt: skip
    for name, state, aim in pairs:
        other = f"lint-imports, {name}"
        found.append(Case(f"check, {name}", check, partial(state, check), other, aim))
        found.append(Case(other, linter, partial(state, linter)))
    return found


def compare(commands: Commands, root: Path, env: Mapping[str, str]) -> list[Comparison]:
    """Ask all of them once, and compare their answers."""
    ask = partial(answer, root=root, env=env)
    ours = our_answer(ask((*commands.check, "--format", "json")), ask(commands.graph))
    return [
        beside_importlinter(ours, ask(commands.linter_uncached)),
        beside_tach(ours, ask((*commands.tach, "--output", "json"))),
        beside_ruff(ours, ask(commands.ruff)),
    ]


def environment() -> dict[str, str]:
    """Return the environment of measured processes.

    Without what changes how Python itself runs: PYTHONDONTWRITEBYTECODE alone would make a
    package that is installed in place compile itself on every start, and its peers not.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") or k == "PYTHONPATH"}
    return {**kept, "LC_ALL": "C.UTF-8"}


def machine(commit: str, files: Sequence[Path]) -> dict[str, Any]:
    """Return what the figures depend on: versions, processors, size of the fixture."""
    packages = ("import-linter", "grimp", "ruff", "tach", "libcst", "msgspec", "click")
    return {
        "lane-planner": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "git": _printed("git", "--version").removeprefix("git version "),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "fixture": commit,
        "files": len(files),
        "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0; 1 if the peers do other work, or a warm check loads what it must not; 2 for wrong usage.
        Missed aims are told and change nothing: wall times are noisy.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("work", metavar="DIR", type=Path, help="where the fixture goes")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="how often (default 9)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    options = parser.parse_args(arguments)
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"a median of fewer than {LEAST_ROUNDS} rounds tells little")
    try:
        return _main(options.work.resolve(), options.rounds, options.json)
    except (Failed, FileNotFoundError) as error:
        print(f"benchmarks.run: {error}", file=sys.stderr)
        return 2


def _main(work: Path, rounds: int, file: Path | None) -> int:
    root, commit = prepare(work)
    files, env = python_files(root), environment()
    commands = Commands(root, work)
    about = machine(commit, files)
    print(_about(about))
    comparisons = compare(commands, root, env)
    for comparison in comparisons:
        print(f"{comparison.peer}: {'the same work' if comparison.same else 'OTHER WORK'}")
        print("".join(f"  {line}\n" for line in comparison.lines), end="")
    states = States(files, lambda argv: run(argv, root, env))
    timed = cases(commands, states)
    samples = measure(timed, rounds, root, env, lambda text: print(text, file=sys.stderr))
    table = rows(timed, samples)
    print(f"\nMedians of {rounds} rounds, taken in turn:\n\n{markdown(table)}")
    start = Spread.of([sample.wall for sample in samples["lane-planner --help"]])
    verdict = "within" if start.median <= HELP_BUDGET else "OVER"
    print(f"lane-planner --help: {start.median:.3f} s, {verdict} its budget of {HELP_BUDGET} s")
    packages = _loaded(commands, states, root, env)
    heavy = sorted(HEAVY & packages.keys())
    print(f"a warm check loads {f'TOO MUCH: {", ".join(heavy)}' if heavy else 'nothing heavy'}:")
    for name, own in sorted(packages.items(), key=lambda item: -item[1])[:8]:
        print(f"  {own / 1000:6.1f} ms  {name}")
    if file is not None:
        document = {
            "machine": about,
            "rounds": rounds,
            "same_work": {c.peer: {"same": c.same, "lines": list(c.lines)} for c in comparisons},
            "cases": {
                case.name: {**figures, "samples": samples[case.name]} for case, figures in table
            },
            "warm_imports_us": packages,
        }
        file.write_text(json.dumps(document, indent=2) + "\n")
    return 0 if all(comparison.same for comparison in comparisons) and not heavy else 1


def _loaded(
    commands: Commands, states: States, root: Path, env: Mapping[str, str]
) -> dict[str, int]:
    with states.warm(commands.check):
        done = subprocess.run(commands.traced, cwd=root, env=env, capture_output=True, check=False)
    return dict(loaded(done.stderr.decode("utf-8", "replace")))


def _script(name: str) -> str:
    """Return a script of this Python's environment.

    Raises:
        FileNotFoundError: it is not installed there.
    """
    script = Path(sys.executable).parent / name
    if not script.exists():
        raise FileNotFoundError(f"{name} is not installed: pip install --editable '.[bench]'")
    return str(script)


def _about(about: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    return (
        f"lane-planner {about['lane-planner']}, Python {about['python']}, git {about['git']},"
        f" {packages}\n{about['processors']} × {about['processor']}, {about['system']};"
        f" fixture {about['fixture'][:12]}: {about['files']:,} files, {about['megabytes']} MB\n"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _printed(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


if __name__ == "__main__":
    sys.exit(main())

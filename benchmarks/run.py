"""Time `lane-planner check` beside its peers: `python -m benchmarks.run DIR [--rounds N]`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.commands import EMPTY_CHECK, HELP, Commands, cases, environment
from benchmarks.fixture import prepare, python_files, stage
from benchmarks.machine import Machine
from benchmarks.same_work import (
    Comparison,
    answer,
    beside_importlinter,
    beside_ruff,
    beside_tach,
    our_answer,
)
from benchmarks.startup import EMPTY_CHECK_BUDGET, HEAVY, HELP_BUDGET, loaded
from benchmarks.states import States
from benchmarks.table import markdown, rows
from benchmarks.timing import Failed, measure, run

LEAST_ROUNDS = 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0; 1 if the peers do other work, or a warm check loads what it must not; 2 for wrong usage
        or a command that fails. Missed aims change nothing: wall times are noisy.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("work", metavar="DIR", type=Path, help="where the fixture goes")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="how often (default 9)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    options = parser.parse_args(arguments)
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"a median of fewer than {LEAST_ROUNDS} rounds tells little")
    try:
        return _benchmark(options.work.resolve(), options.rounds, options.json)
    except (Failed, FileNotFoundError) as error:
        print(f"benchmarks.run: {error}", file=sys.stderr)
        return 2


def _benchmark(work: Path, rounds: int, file: Path | None) -> int:
    root, commit = prepare(work)
    files, env = python_files(root), environment()
    commands = Commands(root, work)
    shared = [path for path in files if any(map(path.is_relative_to, commands.packages))]
    states = States(files, shared, lambda argv: run(argv, root, env), partial(stage, root))
    machine = Machine.here(commit, files)
    print(f"{machine}\n")
    comparisons = _compare(commands, root, env)
    print("\n".join(map(str, comparisons)))

    timed = cases(commands, states)
    samples = measure(timed, rounds, root, env, lambda text: print(text, file=sys.stderr))
    table = rows(timed, samples)
    print(f"\nMedians of {rounds} rounds, all taken in turn:\n\n{markdown(table)}")
    for name, budget in ((HELP, HELP_BUDGET), (EMPTY_CHECK, EMPTY_CHECK_BUDGET)):
        # They wait for nothing: their processor time is what they take where nothing else runs.
        least = dict(table)[name].cpu.low
        verdict = "within" if least <= budget else "OVER"
        print(f"{name}: CPU {least:.3f} s, {verdict} its budget of {budget} s")
    with states.warm(commands.check):
        packages = loaded(_trace(commands.traced, root, env))
    heavy = sorted(HEAVY & packages.keys())
    print(f"check, warm, loads {'TOO MUCH: ' + ', '.join(heavy) if heavy else 'nothing heavy'}:")
    print("".join(f"  {own / 1000:6.1f} ms  {name}\n" for name, own in packages.most_common(8)))

    if file is not None:
        document = {
            "machine": machine._asdict(),
            "rounds": rounds,
            "same_work": {c.peer: {"same": c.same, "lines": c.lines} for c in comparisons},
            "cases": {
                name: {**row.document(), "samples": [s._asdict() for s in samples[name]]}
                for name, row in table
            },
            "warm_imports_microseconds": packages,
        }
        file.write_text(json.dumps(document, indent=2) + "\n")
    return 1 if heavy or any(comparison.same is False for comparison in comparisons) else 0


def _compare(commands: Commands, root: Path, env: Mapping[str, str]) -> list[Comparison]:
    """Ask all of them once, and compare their answers."""

    def ask(*argv: str) -> str:
        return answer(argv, root, env)

    ours = our_answer(
        ask(*commands.check, "--format", "json"), ask(*commands.graph, "--format", "json")
    )
    return [
        beside_importlinter(ours, ask(*commands.linter_uncached)),
        beside_tach(ours, ask(*commands.tach, "--output", "json")),
        beside_ruff(ours, ask(*commands.ruff)),
    ]


def _trace(argv: Sequence[str], root: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(argv, cwd=root, env=env, capture_output=True, check=False)
    return done.stderr.decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main())

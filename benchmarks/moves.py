"""Time the dry run of one package's move beside rope's: `python -m benchmarks.moves DIR`.

Both read the repository, work out every change and print it as a diff; neither writes anything. And
rope gets a copy of the files without git, and rewrites nothing but Python.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.commands import environment
from benchmarks.fixture import prepare, python_files
from benchmarks.machine import Machine
from benchmarks.table import markdown, rows
from benchmarks.timing import Case, Failed, measure

PACKAGE = "candidate/silipez/gerasen"
TARGET = "core"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0; 2 for a command that fails. A missed aim changes nothing: wall times are noisy.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.moves", description=__doc__)
    parser.add_argument("work", metavar="DIR", type=Path, help="where the fixture goes")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often (default 3)")
    options = parser.parse_args(arguments)
    try:
        _benchmark(options.work.resolve(), options.rounds)
    except Failed as error:
        print(f"benchmarks.moves: {error}", file=sys.stderr)
        return 2
    return 0


def _benchmark(work: Path, rounds: int) -> None:
    root, commit = prepare(work)
    copy = work / "rope"
    if copy.exists():
        shutil.rmtree(copy)
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".git"))
    # What rope calls the project is where it looks for source folders: here the whole of it.
    parent = str(Path(TARGET, *Path(PACKAGE).parts[1:-1]))
    cases = [
        Case(
            "promote, dry run",
            (sys.executable, "-m", "lane_planner", "promote", PACKAGE, TARGET,
             "--with-dependencies"),
            _nothing, beside="rope, its changes", aim=1 / 30,
        ),
        Case(
            "rope, its changes",
            (sys.executable, "-m", "benchmarks.rope_move", str(copy), PACKAGE, parent),
            _nothing,
        ),
    ]  # fmt: skip
    env = {**environment(), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    samples = measure(cases, rounds, root, env, lambda text: print(text, file=sys.stderr))
    print(Machine.here(commit, python_files(root)))
    print(f"\nMedians of {rounds} rounds, {PACKAGE} ({len(list(copy.glob(PACKAGE + '/**/*.py')))} "
          "modules):\n")  # fmt: skip
    print(markdown(rows(cases, samples)))


@contextlib.contextmanager
def _nothing() -> Iterator[None]:
    yield


if __name__ == "__main__":
    sys.exit(main())

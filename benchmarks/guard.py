"""Fail if a change makes the tool slower: `python -m benchmarks.guard DIR [--base REF]`.

The instructions of whole processes are counted, for the package as it stands here and as a commit
has it, with one Python and the same files. How many there are depends on Python and the C library;
how many more there are than before does not.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.commands import EMPTY_CHECK
from benchmarks.counting import CannotCount, count, one_processor, require_counting
from benchmarks.fixture import empty_repository, python_files, stage
from benchmarks.states import States
from benchmarks.table import lined
from benchmarks.timing import Case, Failed, Spread, WrongUsage, run
from benchmarks.trees import base_commit, command, copy, environment_of, extract, require_own
from fixtures.build import build
from lane_planner.base.errors import LanePlannerError
from lane_planner.base.git import Git

ALLOWED = 15
"""Percent more instructions that a change may take."""

ROWS = 1200
"""Modules of the fixture: a third of the big one, evenly spread over it."""

LOST, FAILED, UNCOUNTED = 1, 2, 3

_PROJECT = Path(__file__).resolve().parents[1]
_State = Callable[[], AbstractContextManager[None]]


class Compared(NamedTuple):
    """One case's instructions.

    Attributes:
        name: the case.
        base: those of the commit; None: it does not know what it was asked for.
        here: those of the tree here.
    """

    name: str
    base: int | None
    here: int

    @property
    def change(self) -> float | None:
        """How many percent more there are than in the base; None: there is nothing beside it."""
        return None if self.base is None else (self.here / self.base - 1) * 100

    @property
    def lost(self) -> bool:
        """Whether there are too many more."""
        return self.base is not None and self.here * 100 > self.base * (100 + ALLOWED)


class Bench:
    """One tree of this project, with repositories of its own to run on.

    Args:
        tree: a directory that holds the package.
        rows: modules of the fixture.

    Raises:
        Failed: Python would run another package than that of the tree.
    """

    def __init__(self, tree: Path, rows: int) -> None:
        self._env = environment_of(tree)
        require_own(tree, self._env)
        self._root = tree / "repository"
        build(self._root, limit=rows)
        empty_repository(tree / "empty")
        files = python_files(self._root)
        states = States(
            files, files, lambda argv: run(argv, self._root, self._env), partial(stage, self._root)
        )
        self.cases = {case.name: case for case in self._cases(states, tree / "empty")}

    def count(self, name: str) -> int:
        """Return the instructions of a case.

        Raises:
            CannotCount: valgrind left no count.
            WrongUsage: the tree does not know what it is asked for.
            Failed: it failed in another way.
        """
        case = self.cases[name]
        with case.state():
            return count(case.argv, self._root, self._env)

    def _cases(self, states: States, empty: Path) -> list[Case]:
        check, plan = command("check"), command("plan")
        on_empty = command("check", "--root", str(empty))
        cold = partial(states.without, self._root / ".git" / "lane-planner")

        def case(name: str, argv: tuple[str, ...], *more: _State) -> Case:
            # Each begins without a cache, so that it is not the runs before that made it; and an
            # uncounted run compiles what is compiled once, and fills the cache.
            return Case(name, argv, partial(_all, cold, partial(states.warm, argv), *more))

        return [
            case("--help", command("--help")),
            case(EMPTY_CHECK, on_empty),
            case("check, cold", check, cold),
            case("check, warm", check),
            case("check, one edit", check, partial(states.edited, check, 1)),
            case("plan, warm", plan),
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0; 1 if a case takes too many more instructions; 2 for wrong usage, or a command that fails;
        3 if nothing could be counted or compared.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("work", metavar="DIR", type=Path, help="where trees and fixtures go")
    parser.add_argument(
        "--base", metavar="REF",
        help="the commit to compare with (default: in the CI of a pull request where it left its "
        "target, else the first parent of HEAD)",
    )  # fmt: skip
    parser.add_argument(
        "--spread", type=int, metavar="N", help="compare nothing: count N runs of the tree here"
    )
    options = parser.parse_args(arguments)
    if options.spread is not None and options.spread < 2:
        parser.error("a spread is that of two runs or more")
    work = options.work.resolve()
    try:
        require_counting(environment_of(work))
        with one_processor():
            if options.spread is not None:
                return _spread(work, options.spread)
            return _guard(work, options.base)
    except CannotCount as error:
        return _uncounted(str(error))
    except (Failed, LanePlannerError) as error:
        print(f"guard: {error}", file=sys.stderr)
        return FAILED


def _guard(work: Path, revision: str | None) -> int:
    project = Git.require(_PROJECT)
    commit = base_commit(project, revision, os.environ.get("GITHUB_BASE_REF") or None)
    # Two names of one length: a path's length is part of what is counted.
    extract(project, commit, work / "base")
    copy(_PROJECT, work / "here")
    return judge(compare(work / "base", work / "here", ROWS), commit[:12])


def compare(base: Path, here: Path, rows: int) -> list[Compared]:
    """Count all cases in two trees.

    Args:
        base: holds the package that is compared with.
        here: holds the package that is judged.
        rows: modules of the fixture.

    Raises:
        CannotCount: instructions were not counted.
        Failed: a tree failed.
    """
    theirs, ours = Bench(base, rows), Bench(here, rows)
    found = []
    for name in ours.cases:
        _progress(name)
        try:
            before: int | None = theirs.count(name)
        except WrongUsage as error:
            _progress(f"the base does not know it: {error}")
            before = None
        found.append(Compared(name, before, ours.count(name)))
    return found


def judge(cases: Sequence[Compared], called: str) -> int:
    """Print a table, and a line for each case that lost or could not be compared.

    Args:
        cases: what was counted.
        called: how the base is called.

    Returns:
        0; 1 if a case takes too many more instructions; 3 if none could be compared.
    """
    print(f"\nInstructions, compared with {called}:\n\n{table(cases)}")
    for case in cases:
        if case.base is None:
            print(f"guard: {case.name}: skipped, {called} does not know it")
        elif case.lost:
            print(
                f"guard: {case.name}: {case.change:.1f} % more instructions than {called}"
                f" ({case.base:,} → {case.here:,}), {ALLOWED} % are allowed"
            )
    if all(case.base is None for case in cases):
        return _uncounted(f"{called} knows none of the cases")
    return LOST if any(case.lost for case in cases) else 0


def table(cases: Sequence[Compared]) -> str:
    """Return what was compared as a table in Markdown."""
    lines = [("run", "base", "here", "change"), ("---", "---:", "---:", "---:")]
    for case in cases:
        before = "unknown" if case.base is None else f"{case.base:,}"
        change = "skipped" if case.change is None else f"{case.change:+.2f} %"
        lines.append((case.name, before, f"{case.here:,}", change))
    return lined(lines)


def _spread(work: Path, runs: int) -> int:
    copy(_PROJECT, work / "here")
    bench = Bench(work / "here", ROWS)
    counts: dict[str, list[int]] = {name: [] for name in bench.cases}
    for number in range(1, runs + 1):
        for name, counted in counts.items():
            _progress(f"{name}, {number} of {runs}")
            counted.append(bench.count(name))
    lines = [("run", "median", "least", "most", "spread"), ("---", *("---:",) * 4)]
    for name, counted in counts.items():
        median, low, high = Spread.of(counted)
        apart = (high / low - 1) * 100
        lines.append((name, f"{median:,.0f}", f"{low:,}", f"{high:,}", f"{apart:.4f} %"))
    print(f"\nInstructions of {runs} runs of one tree:\n\n{lined(lines)}")
    return 0


@contextmanager
def _all(*states: _State) -> Iterator[None]:
    with ExitStack() as stack:
        for state in states:
            stack.enter_context(state())
        yield


def _uncounted(reason: str) -> int:
    print(f"guard: NOTHING WAS JUDGED: {reason}", file=sys.stderr)
    return UNCOUNTED


def _progress(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

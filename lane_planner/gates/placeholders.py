"""The arguments of a gate's command that stand for paths: `{tests}` and `{modules}`."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from lane_planner.config.gates import MODULES, TESTS
from lane_planner.config.settings import Gate
from lane_planner.gates.command import GateResult

# Of all arguments together systems take 128 kB to 2 MB, from which the environment is taken off.
_LIST_LIMIT = 100_000

NO_TEST = "no test reaches what changed\n"
"""What a gate tells that was to run tests and had none."""


def with_paths(gate: Gate, *, tests: Sequence[str], modules: Sequence[str]) -> Gate | GateResult:
    """Return a gate with the paths in its command that it is to run on.

    An argument that is a placeholder and nothing else becomes one argument a path; braces in other
    arguments are left alone. A list of more than 100,000 bytes is replaced by the directories that
    stand first in its paths: more is run then, and nothing is left out.

    Args:
        gate: as configured.
        tests: paths of the selected test files.
        modules: paths of the moved files.

    Returns:
        The gate to run; or, for one that runs tests where none is selected, its result: it passes
        without being run.
    """
    if TESTS in gate.command and not tests:
        return GateResult(
            name=gate.name,
            phase=gate.phase,
            command=gate.command,
            exit_code=0,
            seconds=0.0,
            passed=True,
            timed_out=False,
            output=NO_TEST,
            attempts=0,
        )
    if TESTS not in gate.command and MODULES not in gate.command:
        return gate
    paths = {TESTS: tests, MODULES: modules}
    command = [
        argument
        for written in gate.command
        for argument in (_arguments(paths[written]) if written in paths else [written])
    ]
    return msgspec.structs.replace(gate, command=tuple(command))


def _arguments(paths: Sequence[str]) -> list[str]:
    if sum(len(os.fsencode(path)) + 1 for path in paths) > _LIST_LIMIT:
        paths = sorted({path.partition("/")[0] for path in paths})
    # A file may be named like an option.
    return [f"./{path}" if path.startswith("-") else path for path in paths]

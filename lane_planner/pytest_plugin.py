"""The pytest plugin: `pytest --lanes` has a test more, which fails on new violations.

pytest loads it wherever the package is installed, so that nothing but pytest is imported here until
the option is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from lane_planner.repository.checks import Findings

_FOUND = pytest.StashKey[tuple[Path, Path]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; see `pytest --help`."""
    group = parser.getgroup("lane-planner")
    group.addoption(
        "--lanes", action="store_true",
        help="fail on imports that lanes.toml forbids and the baseline does not have",
    )  # fmt: skip
    group.addoption(
        "--lanes-cycles", action="store_true",
        help="fail on circular imports that the baseline does not have too",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Find the lanes, if they are asked for.

    Raises:
        pytest.UsageError: there are none.
    """
    if not (config.getoption("lanes") or config.getoption("lanes_cycles")):
        return
    from lane_planner.base.errors import LanePlannerError
    from lane_planner.config.load import find_root

    start = config.invocation_params.dir
    if not start.is_relative_to(config.rootpath):
        start = config.rootpath  # called from elsewhere, with the path of a project
    try:
        config.stash[_FOUND] = find_root(start)
    except LanePlannerError as error:
        raise pytest.UsageError(f"--lanes: {error.message}") from None


@pytest.hookimpl(tryfirst=True)  # ahead of -k and -m, which may leave it out like any test
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add the test."""
    found = session.config.stash.get(_FOUND, None)
    if found is not None:
        items.append(LanesItem.from_parent(session, name="lanes", nodeid=f"{found[1].name}::lanes"))


class BrokenLanes(Exception):
    """There are new findings.

    Args:
        findings: what was found.
    """

    def __init__(self, findings: Findings) -> None:
        super().__init__("new violations")
        self.findings = findings


class LanesItem(pytest.Item):
    """The test that the imports of the repository are those that its lanes allow."""

    def runtest(self) -> None:
        """Check the repository.

        Raises:
            BrokenLanes: there are new violations, or circular imports if they are asked for.
            LanePlannerError: the repository or its configuration cannot be read.
        """
        import datetime

        from lane_planner.repository.repository import Repository

        root, file = self.config.stash[_FOUND]
        cycles = bool(self.config.getoption("lanes_cycles"))
        findings = Repository.open(root, root=root, config=file).check(
            today=datetime.date.today(), cycles=cycles
        )
        if findings.new:
            raise BrokenLanes(findings)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str | TerminalRepr:
        """Return the findings, a line each, or the one line of what went wrong."""
        from lane_planner.base.errors import LanePlannerError

        error = excinfo.value
        if isinstance(error, BrokenLanes):
            return "\n".join(_lines(error.findings))
        if isinstance(error, LanePlannerError):
            return error.message
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the test comes from: the configuration."""
        return self.config.stash[_FOUND][1], None, "lanes"


def _lines(findings: Findings) -> list[str]:
    from lane_planner.base.text import plural, printable

    lines = [
        printable(f"{v.path}:{v.line}:{v.column + 1}: {v.code} {v.message}")
        for v in findings.violations
        if v.status == "new"
    ]
    known = findings.baseline.judged.circles if findings.baseline is not None else frozenset()
    for cycle in findings.cycles or ():
        if (cycle.code, cycle.modules) not in known:
            lines.append(printable(f"{cycle.code} circular import: {' → '.join(cycle.example)}"))
    return [*lines, f"{plural(findings.new, 'new finding')}; `lane-planner check` tells more"]

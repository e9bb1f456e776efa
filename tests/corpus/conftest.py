"""The end of `make corpus` tells what the programs came to."""

from __future__ import annotations

import pytest

from tests.corpus.programs import Figures, summary

FIGURES = "figures of a program"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what the tests recorded, whatever came of them."""
    found = [
        Figures(**value)
        for report in (
            *terminalreporter.getreports("passed"),
            *terminalreporter.getreports("failed"),
        )
        for name, value in report.user_properties
        if name == FIGURES and isinstance(value, dict)
    ]
    if found:
        terminalreporter.write_line(summary(found))

"""The formats for machines by name; each one's module is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lane_planner.report.drawing import Drawing
    from lane_planner.report.findings import Report


def _sarif(report: Report) -> str:
    from lane_planner.report.sarif import sarif_text

    return sarif_text(report)


def _github(report: Report) -> str:
    from lane_planner.report.github import github_text

    return github_text(report)


def _junit(report: Report) -> str:
    from lane_planner.report.junit import junit_text

    return junit_text(report)


def _markdown(report: Report) -> str:
    from lane_planner.report.markdown import markdown_text

    return markdown_text(report)


FORMATS: dict[str, Callable[[Report], str]] = {
    "sarif": _sarif,
    "github": _github,
    "junit": _junit,
    "markdown": _markdown,
}
"""Name → what writes findings in it."""


def _dot(drawing: Drawing) -> str:
    from lane_planner.report.dot import dot_text

    return dot_text(drawing)


def _mermaid(drawing: Drawing) -> str:
    from lane_planner.report.mermaid import mermaid_text

    return mermaid_text(drawing)


def _graphml(drawing: Drawing) -> str:
    from lane_planner.report.graphml import graphml_text

    return graphml_text(drawing)


DRAWINGS: dict[str, Callable[[Drawing], str]] = {
    "dot": _dot,
    "mermaid": _mermaid,
    "graphml": _graphml,
}
"""Name → what writes a drawing in it."""

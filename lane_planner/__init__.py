"""Static import-graph analysis and promotion planning for repositories kept in lanes.

The names below are all of the public interface; docs/api.md shows it at work. They are loaded when
they are first used, as the command line needs none of them to start.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lane_planner.base.version import __version__

if TYPE_CHECKING:
    from lane_planner.base.errors import EnvironmentFailure, LanePlannerError, UsageError
    from lane_planner.graph.graph import ImportGraph
    from lane_planner.graph.resolve import ImportSite
    from lane_planner.repository.checks import Findings
    from lane_planner.repository.plans import Wanted
    from lane_planner.repository.repository import Repository
    from lane_planner.scan.modules import Module

__all__ = [
    "EnvironmentFailure",
    "Findings",
    "ImportGraph",
    "ImportSite",
    "LanePlannerError",
    "Module",
    "Repository",
    "UsageError",
    "Wanted",
    "__version__",
]

_HOMES = {
    "EnvironmentFailure": "base.errors",
    "Findings": "repository.checks",
    "ImportGraph": "graph.graph",
    "ImportSite": "graph.resolve",
    "LanePlannerError": "base.errors",
    "Module": "scan.modules",
    "Repository": "repository.repository",
    "UsageError": "base.errors",
    "Wanted": "repository.plans",
}

if not TYPE_CHECKING:  # to a type checker it would mean that every name is there

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

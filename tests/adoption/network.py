"""Telling a machine without a package index from a package of ours that cannot be installed."""

from __future__ import annotations

import re

_UNREACHABLE = re.compile(
    r"No matching distribution found for (?!lane-planner)|Temporary failure in name resolution|"
    r"Failed to establish a new connection|Network is unreachable|Connection refused|"
    r"Read timed out|ProxyError"
)


def is_unreachable(said: str) -> bool:
    """Tell whether what pip printed means that it reached no index."""
    return _UNREACHABLE.search(said) is not None

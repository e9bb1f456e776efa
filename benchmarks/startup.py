"""What starting may take, and what a process imports, as `python -X importtime` tells."""

from __future__ import annotations

import re
import sys
from collections import Counter

HELP_BUDGET = 0.15
"""Seconds that `lane-planner --help` may take."""

EMPTY_CHECK_BUDGET = 0.25
"""Seconds that `lane-planner check` may take in a repository without a module."""

HEAVY = frozenset({"grimp", "libcst", "networkx", "rich"})
"""Packages that a warm `check` must not load: each takes as long to load as the check itself."""

_LINE = re.compile(r"(?m)^import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)$")


def loaded(trace: str) -> Counter[str]:
    """Return the microseconds that loading each top-level package took by itself.

    Args:
        trace: standard error of `python -X importtime`.

    Returns:
        By package; the standard library is counted as one, "(standard library)".
    """
    found: Counter[str] = Counter()
    for own, module in _LINE.findall(trace):
        top = module.partition(".")[0]
        found["(standard library)" if top in sys.stdlib_module_names else top] += int(own)
    return found

"""What all tests share: property tests that search the same examples on every run.

A change must not fail for a fault that was there before it. `HYPOTHESIS_PROFILE=search` looks
for new examples instead; what it finds becomes a test of its own.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

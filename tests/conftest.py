"""What all tests share: property tests that search the same examples on every run.

A change must not fail for a fault that was there before it. `HYPOTHESIS_PROFILE=search` looks
for new examples instead; what it finds becomes a test of its own.
"""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# A shell that starts a job in the background lets it ignore Ctrl-C, and so would every process
# that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

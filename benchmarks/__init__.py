"""Whole processes timed beside their peers on the big fixture: `python -m benchmarks.run DIR`."""

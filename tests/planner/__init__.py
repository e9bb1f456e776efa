"""Tests of planning: what may move, in what order, and what stands in the way."""

"""Tests of the lane rules over the graph."""

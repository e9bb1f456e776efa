"""Static import-graph analyzer and promotion planner for repositories kept in lanes."""

__version__ = "0.1.0"

"""`lanes.toml` (or `[tool.lane_planner]` in pyproject.toml) as typed settings."""

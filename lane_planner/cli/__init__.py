"""The command line: one thin file a command; what they do is in `lane_planner.repository`."""

"""The order in which modules can move: precedence, blockers, waves, steps, simulation."""

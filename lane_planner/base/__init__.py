"""The ground floor: errors with exit codes, the one door to processes, git queries, escaping."""

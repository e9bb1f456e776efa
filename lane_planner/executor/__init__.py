"""The hands: commits, worktree, lock, journal, and the order in which a run uses them."""

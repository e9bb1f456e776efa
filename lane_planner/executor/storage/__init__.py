"""The tool's files in the git directory: commits in the making, work trees, packs."""

"""Branches and pull requests on GitHub, through git and gh."""

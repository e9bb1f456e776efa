"""A repository as commands and other programs see it."""

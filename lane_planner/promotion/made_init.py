"""The `__init__.py` that a promotion makes where the real one stays behind."""

MADE_INIT = (
    b"# Made by lane-planner so that the directory stays a package: its real __init__.py is on\n"
    b"# the other side of a promotion, and replaces this file when it follows.\n"
)
"""Content of a made `__init__.py`; by it such a file is known again."""

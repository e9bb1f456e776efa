"""What can go wrong, each with the exit code that the command line ends with (DESIGN section 8)."""

from __future__ import annotations


class LanePlannerError(Exception):
    """A failure that is told to the user in one line: what, where, what to do.

    Args:
        message: the line, without a final full stop or newline.
    """

    exit_code = 4

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(LanePlannerError):
    """Wrong usage, configuration or input (exit code 2)."""

    exit_code = 2


class Blocked(LanePlannerError):
    """The request is understood but a rule forbids it (exit code 1)."""

    exit_code = 1


class GateFailure(LanePlannerError):
    """A gate failed and the work was rolled back (exit code 3)."""

    exit_code = 3


class EnvironmentFailure(LanePlannerError):
    """git, gh, the disk or a permission failed (exit code 4)."""

    exit_code = 4

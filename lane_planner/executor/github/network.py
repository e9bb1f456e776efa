"""Programs that talk to a server: what they run in, and how patient we are with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from lane_planner.base.git import environment_for_git
from lane_planner.base.process import Completed, run
from lane_planner.base.text import printable

_REQUEST_SECONDS = 60.0

# They would make gh colour, page or comment its answers.
_DROPPED = ("GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_REPO")
_OURS = {
    "GH_DEBUG": "",  # set, so that DEBUG is not looked at
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_PROMPT_DISABLED": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "NO_COLOR": "1",
}

_CREDENTIALS = re.compile(r"://[^/\s]+@")


class Patience(NamedTuple):
    """How what fails for a while is tried again.

    Attributes:
        pause: waits that many seconds.
        tries: how often anything is tried at most, 1 or more.
    """

    pause: Callable[[float], None]
    tries: int

    def rest(self, number: int) -> None:
        """Wait after a try.

        Args:
            number: of the try, from 1.
        """
        self.pause(growing(number))


def growing(number: int) -> float:
    """Return how many seconds to wait after a try, twice as many as after the one before."""
    return 2.0 ** (number - 1)


def run_online(
    argv: Sequence[str], cwd: Path, *, stdin: bytes | None = None, timeout: float | None = None
) -> Completed:
    """Run git, gh or ssh as the user would, so that nothing is asked for and nothing coloured.

    Args:
        argv: the program and its arguments.
        cwd: the directory it runs in.
        stdin: what it reads; None gives it an empty input.
        timeout: seconds after which it is killed; None: what a single request may take.

    Returns:
        How it ended; a time-out is a result, not an error.

    Raises:
        EnvironmentFailure: the program cannot be started.
    """
    inherited = {k: v for k, v in environment_for_git().items() if k not in _DROPPED}
    seconds = _REQUEST_SECONDS if timeout is None else timeout
    return run(argv, cwd=cwd, env=inherited | _OURS, stdin=stdin, timeout=seconds)


def first_line(said: str, *, passing_over: str = "") -> str:
    """Return the first line that a program said, printable and without credentials.

    Args:
        said: its output.
        passing_over: what lines begin with that do not count; "": all count.

    Returns:
        "no message" if there is none.
    """
    lines = (_CREDENTIALS.sub("://", line).strip() for line in said.split("\n"))
    told = (line for line in lines if not (passing_over and line.startswith(passing_over)))
    return printable(next(filter(None, told), "no message"))

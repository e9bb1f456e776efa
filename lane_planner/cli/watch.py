"""Running a command again whenever the repository changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
import msgspec

from lane_planner.base.errors import LanePlannerError, UsageError
from lane_planner.base.text import printable
from lane_planner.cli.options import Common

if TYPE_CHECKING:
    import threading

    from lane_planner.repository.repository import Repository

_SEPARATOR = "-" * 72 + "\n"


class _Again(Common):
    """The options of a command that runs again and again; what it learned of files is kept.

    Args:
        options: those of the command.
        repository: as it is when it begins.
    """

    def __init__(self, options: Common, repository: Repository) -> None:
        # The same configuration each time: without it, one further up must not take its place.
        settings = repository.settings
        super().__init__(
            settings.root, settings.source, options.format, options.output, options.verbosity
        )
        self.runs = 0
        self.repository = repository
        self.watch = repository.watch()

    def open(self) -> Repository:
        """Open the repository as it is now; what it looks like before is kept in mind."""
        self.watch.see()
        found = super().open()
        found.cache = self.repository.cache
        if found.settings != self.repository.settings:
            fresh = found.watch()
            self.watch.source, self.watch.files = fresh.source, fresh.files
            self.watch.see()
        self.repository = found
        return found

    def write(self, text: str) -> None:
        """Write a result: JSON on one line."""
        if self.format == "json":
            text = msgspec.json.format(text, indent=-1) + "\n"
        super().write(text)

    def begin(self) -> None:
        """Clear the terminal, or part what follows from what was there."""
        self.runs += 1
        if self.format == "json":
            return
        if sys.stdout.isatty():
            click.clear()
        elif self.runs > 1:
            super().write(_SEPARATOR)


def watched(options: Common, stop: threading.Event | None = None) -> int:
    """Run the command at hand, without its `--watch`, and again whenever something changes.

    Args:
        options: those of the command.
        stop: ends it like Ctrl-C.

    Returns:
        The exit code of the last run; Ctrl-C ends it.

    Raises:
        UsageError: the options do not go together, or the first run has no repository.
        EnvironmentFailure: the directory cannot be watched.
    """
    if options.output is not None:
        raise UsageError("--watch writes as things happen: redirect its output, without --output")
    if options.format not in ("text", "json"):
        raise UsageError(f"--watch writes text or json, not {options.format}")
    again = _Again(options, options.open())  # what is wrong from the start ends it
    once = _once(again)
    code: int | None = None
    try:
        again.begin()
        code = once()
        again.note(f"watching {printable(str(again.root))}; Ctrl-C ends it")
        for _ in again.watch.changes(stop):
            again.begin()
            try:
                code = once()
            except LanePlannerError as error:  # a file half written, a configuration being edited
                click.echo(f"lane-planner: error: {printable(error.message)}", err=True)
                code = error.exit_code
    except KeyboardInterrupt:
        if code is None:
            raise
    return 0 if code is None else code


def _once(again: Common) -> Callable[[], int]:
    """Return what runs the command at hand once, with other common options."""
    context = click.get_current_context()
    callback = context.command.callback
    assert callback is not None
    function: Callable[..., int] = callback.__wrapped__  # type: ignore[attr-defined]
    common = {"root", "config", "format", "output", "verbose", "quiet", "watch"}
    rest = {name: value for name, value in context.params.items() if name not in common}
    return lambda: function(again, **rest, watch=False)

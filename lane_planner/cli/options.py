"""What every command takes, and what every command does with it."""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.base.output import write_output
from lane_planner.base.text import for_terminal, plural, printable

if TYPE_CHECKING:
    from lane_planner.executor.shims import ShimChoice
    from lane_planner.report.drawing import Drawing
    from lane_planner.report.findings import Report
    from lane_planner.repository.repository import Repository

FINDINGS = ("text", "json", "sarif", "github", "junit", "markdown")
"""The formats of findings; see `lane_planner.report.formats`."""

_PATIENCE = 1.0  # seconds after which a person wants to see that something happens


class Common:
    """The options that every command takes.

    Args:
        root: directory that paths are relative to; None: found.
        config: configuration file; None: found.
        format: how results are written.
        output: file for results; None or "-": standard output.
        verbosity: -1 quiet, 0 normal, 1 and more verbose.

    Attributes:
        scheduler: address of the scheduler of a cluster that reads files; None: this machine does.
    """

    def __init__(
        self,
        root: Path | None,
        config: Path | None,
        format: str,
        output: Path | None,
        verbosity: int,
    ) -> None:
        self.root = root
        self.config = config
        self.format = format
        self.output = None if output == Path("-") else output
        self.verbosity = verbosity
        self.scheduler: str | None = None

    def open(self) -> Repository:
        """Open the repository that the options name; progress goes to a terminal.

        Raises:
            LanePlannerError: there is none, or the results will have nowhere to go.
        """
        from lane_planner.repository.repository import Repository

        self.require_place()
        repository = Repository.open(root=self.root, config=self.config, scheduler=self.scheduler)
        if self.verbosity >= 0 and sys.stderr.isatty():
            repository.progress = ProgressLine()
        return repository

    def write(self, text: str) -> None:
        """Write a result to the output file, whole or not at all, or to standard output.

        Raises:
            EnvironmentFailure: the file cannot be written.
        """
        if self.output is None:
            sys.stdout.write(for_terminal(text) if sys.stdout.isatty() else text)
            sys.stdout.flush()
            return
        write_output(self.output, text.encode("utf-8", "backslashreplace"))

    def report(self, report: Report) -> None:
        """Write findings in the format for machines that was asked for.

        Raises:
            EnvironmentFailure: the output file cannot be written.
        """
        from lane_planner.report.formats import FORMATS

        if self.format == "sarif":
            from lane_planner.report.sarif import too_large

            warning = too_large(report)
            if warning is not None:
                self.note(warning)
        self.write(FORMATS[self.format](report))

    def draw(self, drawing: Drawing) -> None:
        """Write a drawing in the format that was asked for.

        Raises:
            EnvironmentFailure: the output file cannot be written.
        """
        from lane_planner.report.formats import DRAWINGS

        text = DRAWINGS[self.format](drawing)
        if self.format == "mermaid":
            from lane_planner.report.mermaid import too_large

            warning = too_large(drawing, text)
            if warning is not None:
                self.note(warning)
        self.write(text)

    def require_place(self) -> None:
        """Make sure, before the work and not after it, that the results have somewhere to go.

        Raises:
            LanePlannerError: they have not.
        """
        if self.output is None:
            return
        if self.output.is_dir():
            raise UsageError(f"cannot write {self.output}: it is a directory, name a file")
        parent = self.output.parent
        if not parent.is_dir():
            raise UsageError(f"cannot write {self.output}: there is no directory {parent}, make it")
        if not os.access(self.output if self.output.exists() else parent, os.W_OK):
            raise EnvironmentFailure(f"cannot write {self.output}: permission denied")

    def note(self, text: str) -> None:
        """Tell a person something beside the result."""
        if self.verbosity >= 0:
            click.echo(text, err=True)

    def note_coverage(
        self,
        repository: Repository,
        data: Mapping[str, float] | None,
        lane: str,
        file: Path | None = None,
    ) -> None:
        """Tell a person how far coverage data covers a lane, or that there is none.

        Args:
            repository: the repository.
            data: the coverage data; None: there is none.
            lane: the lane that is to be left.
            file: where the data comes from; None: from where the configuration says.
        """
        wanted = repository.settings.coverage
        if wanted is None:
            return
        if data is None:
            self.note(f"no coverage data ({wanted.data} is missing): planned without")
            return
        have, modules = repository.with_figures(lane, data)
        shown = f"{have:,} of {plural(modules, 'module')} of {lane}"
        self.note(f"coverage data {printable(str(file or wanted.data))}: {shown} have figures")

    def note_configurations(self, own: Collection[bool]) -> None:
        """Tell a person how many commits of a trend are judged by today's configuration.

        Args:
            own: for each commit, whether its own counts, where that was asked for.
        """
        strange = len(own) - sum(own)
        if strange:
            self.note(
                f"{strange:,} of {len(own):,} commits hold no configuration that can be "
                "read: they are judged by today's"
            )

    @property
    def on_terminal(self) -> bool:
        """Whether a person sees the results as they are written, and no program reads them."""
        return self.output is None and sys.stdout.isatty()

    @property
    def width(self) -> int:
        """Columns for tables: the terminal's, or 100 where there is none."""
        import shutil

        return shutil.get_terminal_size().columns if self.on_terminal else 100


def common(*formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the common options, as its first argument.

    Args:
        formats: the formats that it can write; the first one is the default.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(
            root: Path | None, config: Path | None, format: str, output: Path | None,
            verbose: int, quiet: bool, **rest: Any,
        ) -> Any:  # fmt: skip
            return function(Common(root, config, format, output, -1 if quiet else verbose), **rest)

        wrapped.__wrapped__ = function  # type: ignore[attr-defined]
        wrapped.__name__ = function.__name__
        wrapped.__doc__ = function.__doc__
        wrapped.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        path = click.Path(path_type=Path)
        options = [
            click.option("--root", type=path, help="Directory that paths are relative to."),
            click.option("--config", type=path, help="Configuration file."),
            click.option(
                "--format", type=click.Choice(formats), default=formats[0], show_default=True,
                help="How results are written.",
            ),
            click.option("--output", "-o", type=path, help="Write results to a file."),
            click.option("--verbose", "-v", count=True, help="Say more."),
            click.option("--quiet", "-q", is_flag=True, help="Say less."),
        ]  # fmt: skip
        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return decorate


def plan_content(file: Path) -> bytes:
    """Return what a plan's file holds.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the plan {file}: {error.strerror}; "
            "make one with `lane-planner plan --format json --output FILE`"
        ) from None


def coverage_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which coverage data counts, if any."""
    data = click.option(
        "--coverage", type=click.Path(path_type=Path), metavar="FILE", help="Coverage data to use."
    )
    ignore = click.option(
        "--ignore",
        type=click.Choice(["coverage"]),
        multiple=True,
        help="Look as if that were no matter.",
    )
    return data(ignore(function))


def text_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option to rewrite names in text."""
    return click.option(
        "--rewrite-text",
        is_flag=True,
        help="Rewrite names in configuration and documents too, where they are certain.",
    )(function)


def log_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option to write promotions into a file besides the log."""
    return click.option(
        "--log-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Add a line of JSON for each promotion to a file too.",
    )(function)


def scheduler_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option to read files elsewhere, as the `scheduler` of its options."""

    @functools.wraps(function)
    def wrapped(options: Common, *given: Any, scheduler: str | None, **rest: Any) -> Any:
        options.scheduler = scheduler
        return function(options, *given, **rest)

    return click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Read files that are not known yet on the workers of a Dask cluster, such as "
        "tcp://host:8786.",
    )(wrapped)


def workers_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how gates are run side by side."""
    count = click.option(
        "--workers",
        type=click.IntRange(1),
        metavar="N",
        help="Gate N batches at once, each in a work tree of its own; what comes of it is the "
        "same [default: 1, or the threads of a cluster].",
    )
    scheduler = click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Run gates, and read files that are not known yet, on the workers of a Dask cluster, "
        "such as tcp://host:8786.",
    )
    return count(scheduler(function))


DENSITY = "week"
"""What `--every` is where it is not given."""


class History(NamedTuple):
    """Which commits a trend looks at, and how, as options of a command say it.

    Attributes:
        since: the first commit, or a date; None: the beginning.
        until: the last one, likewise; None: what is checked out.
        every: how densely; None: as `DENSITY`.
        lane: the lane that is to be emptied; None: the first that promotes to another.
        all_parents: whether the commits of merged branches are looked at too.
        config_at_commit: whether each commit is judged by the configuration that it holds.
    """

    since: str | None = None
    until: str | None = None
    every: str | None = None
    lane: str | None = None
    all_parents: bool = False
    config_at_commit: bool = False

    def asked(self) -> dict[str, Any]:
        """Return the arguments of `Repository.trend`."""
        return {
            "since": self.since,
            "until": self.until,
            "every": DENSITY if self.every is None else self.every,
            "lane": self.lane,
            "first_parent": not self.all_parents,
            "own_configuration": self.config_at_commit,
        }


def history_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a trend, as its argument `history`, a `History`."""

    @functools.wraps(function)
    def wrapped(*given: Any, **rest: Any) -> Any:
        history = History(**{field: rest.pop(field) for field in History._fields})
        return function(*given, history=history, **rest)

    options = [
        click.option(
            "--since", metavar="REF|DATE",
            help='The first commit of the trend, a date, or "6 weeks" before the last '
            "[default: the beginning].",
        ),
        click.option(
            "--until", metavar="REF|DATE",
            help="The last commit of the trend, or a date [default: what is checked out].",
        ),
        click.option(
            "--every", metavar="N|day|week|month|merge",
            help="How densely the trend is sampled: each Nth commit, the last one of each day, "
            f"week or month, or the merges [default: {DENSITY}].",
        ),
        click.option(
            "--lane", metavar="LANE",
            help="The lane whose emptying the trend tells [default: the first].",
        ),
        click.option(
            "--all-parents", is_flag=True,
            help="Look at the commits of merged branches in the trend too.",
        ),
        click.option(
            "--config-at-commit", is_flag=True,
            help="Judge each commit of the trend by the configuration that it holds, where that "
            "can be read.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def pull_request_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that ask for pull requests, as its argument `pulls`.

    It is what is wanted of them; None: none is.
    """

    @functools.wraps(function)
    def wrapped(
        *given: Any, pr: bool, draft: bool, label: tuple[str, ...], no_reviewers: bool,
        remote: str | None, onto: str | None, **rest: Any,
    ) -> Any:  # fmt: skip
        from lane_planner.executor.publishing import PullRequests

        pulls = PullRequests(
            onto=onto, remote=remote, draft=draft, labels=label, reviewers=not no_reviewers
        )
        if not pr and pulls != PullRequests():
            raise UsageError("what is said of pull requests is of no use without --pr")
        return function(*given, pulls=pulls if pr else None, **rest)

    options = [
        click.option(
            "--pr", is_flag=True, help="Push the branches and open pull requests, through gh."
        ),
        click.option("--draft", is_flag=True, help="Open them as drafts."),
        click.option("--label", multiple=True, metavar="NAME", help="Label them; can be repeated."),
        click.option(
            "--no-reviewers", is_flag=True, help="Do not ask the code owners for reviews."
        ),
        click.option(
            "--remote", metavar="NAME", help="Where to push to [default: the only one, or origin]."
        ),
        click.option(
            "--onto", metavar="BRANCH", help="What they go into [default: what is checked out]."
        ),
    ]
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def shim_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what is left at the old paths of promoted modules."""
    kind = click.option(
        "--shim",
        type=click.Choice(["alias", "reexport"]),
        help="Leave a file at each old path that keeps the old name working.",
    )
    expires = click.option(
        "--shim-expires",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="YYYY-MM-DD",
        help="The last day of these files; `shims` tells when it is over.",
    )
    return kind(expires(function))


def shim_choice(kind: str | None, expires: datetime.datetime | None) -> ShimChoice | None:
    """Return what the options of `shim_options` ask for, or None if for nothing.

    Raises:
        UsageError: there is a day and no kind.
    """
    from lane_planner.executor.shims import ShimChoice

    if kind is None:
        if expires is not None:
            raise UsageError("--shim-expires says when shims expire: say which, with --shim")
        return None
    day = None if expires is None else expires.date()
    return ShimChoice("alias" if kind == "alias" else "reexport", day)


class ProgressLine:
    """A progress bar on standard error, shown once work takes longer than a second."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._what = ""
        self._bar: Any = None
        self._task: Any = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how far something is; the bar goes away when it is done."""
        if what != self._what:
            self.close()
            self._what, self._started = what, time.monotonic()
        if self._bar is None:
            if time.monotonic() - self._started < _PATIENCE:
                return
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            # Without its refreshing thread: workers are forked while the bar is up.
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                console=Console(stderr=True), transient=True, auto_refresh=False,
            )  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task(what, total=total)
        self._bar.update(self._task, completed=done, total=total)
        self._bar.refresh()
        if done >= total:
            self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = None


@contextlib.contextmanager
def steps_shown(common: Common, total: int) -> Iterator[Callable[[object], None]]:
    """Show how many steps of a run are committed, on a terminal.

    Yields:
        What to tell each event of the journal.
    """
    from lane_planner.executor.records.journal import GateFinished, StepCommitted

    line = ProgressLine() if common.verbosity >= 0 and sys.stderr.isatty() else None
    done = 0

    def observe(event: object) -> None:
        nonlocal done
        if isinstance(event, StepCommitted):
            done += 1
            if line is not None:
                line("steps", done, total)
        elif isinstance(event, GateFinished) and common.verbosity > 0:
            verdict = "passed" if event.result.passed else "failed"
            common.note(f"gate {event.result.name}: {verdict} in {event.result.seconds:.1f} s")

    try:
        yield observe
    finally:
        if line is not None:
            line.close()

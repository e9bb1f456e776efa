"""coverage.py's own database, `.coverage`, through coverage.py itself.

The database says which lines ran; which lines could run, only the sources and the user's coverage
configuration say. So coverage.py makes its JSON report of it: the figures are those of
`coverage json`, by construction. It does so in a process of its own (`python -m` this module),
since it takes its configuration and the meaning of relative paths from the current directory.

What differs from running `coverage json`: plugins that the configuration names are not loaded, as
they are code of the repository's choice, and nothing analysed is ever run; sources that are gone or
do not parse have no figures instead of ending the report; and the database may come from another
checkout.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.process import run

if TYPE_CHECKING:
    from coverage import Coverage

MAGIC = b"SQLite format 3\0"
"""What a SQLite database begins with."""

_NOT_INSTALLED = (
    "coverage.py's own database is read by coverage.py, which is not installed: "
    "pip install 'lane-planner[coverage]', or name the file that `coverage json` writes"
)
_REFUSED = 2  # the exit code for what is wrong with the data, as against with this program
_WORTH_WORKERS = 50  # files, below which starting workers takes longer than they save
_CHUNKS_PER_WORKER = 4  # so that workers end at about the same time


class _Order(msgspec.Struct):
    """What the process is asked for.

    Attributes:
        data: a copy of the database, as old versions of coverage.py may write to it.
        files: absolute paths of sources, each with the paths under which the data knows it.
        elsewhere: paths of the data that are no source here, unless the configuration maps them.
    """

    data: str
    files: dict[str, tuple[str, ...]]
    elsewhere: tuple[str, ...]


class _Summary(msgspec.Struct):
    covered_lines: int
    num_statements: int


class _File(msgspec.Struct):
    summary: _Summary


class _Report(msgspec.Struct):
    files: dict[str, _File]


def measured_files(data: Path) -> list[str]:
    """Return the paths of the files that a database knows, sorted.

    Args:
        data: the database.

    Raises:
        ValueError: it is not one of coverage.py, or broken, or empty; the message says which.
    """
    try:
        with closing(sqlite3.connect(f"{data.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            # coverage.py would take a database without its tables for a new one.
            connection.execute("SELECT version FROM coverage_schema")
            files = sorted(str(path) for (path,) in connection.execute("SELECT path FROM file"))
    except sqlite3.Error as error:
        raise ValueError(f"a SQLite database, but not one of coverage.py: {error}") from error
    if not files:
        raise ValueError("it says nothing of any file: run the tests under coverage.py first")
    return files


def json_report(
    data: Path, root: Path, files: Mapping[str, Sequence[str]], elsewhere: Iterable[str]
) -> bytes:
    """Return coverage.py's JSON report on sources, cut down to the counts of lines.

    Args:
        data: a copy of the database.
        root: the directory whose coverage configuration counts.
        files: paths of sources below the root, each with the paths under which the data knows it.
        elsewhere: paths of the data that are none of these.

    Raises:
        ValueError: coverage.py is not installed, or the data is broken or of another version, or
            the coverage configuration is wrong; the message says which.
        EnvironmentFailure: coverage.py could not be run.
    """
    order = _Order(
        str(data),
        {str(root / path): tuple(written) for path, written in files.items()},
        tuple(elsewhere),
    )
    ours = str(Path(__file__).resolve().parents[2])
    inherited = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    paths = os.pathsep.join([ours, *map(os.path.abspath, inherited)])
    # -P: what stands in the repository under the name of a library is not to be imported.
    argv = [sys.executable, "-P", "-m", "lane_planner.gates.coverage_database"]
    env = {**os.environ, "PYTHONPATH": paths}
    done = run(argv, cwd=root, env=env, stdin=msgspec.json.encode(order))
    if done.exit_code == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.exit_code == _REFUSED:
        raise ValueError(said)
    last = said.rpartition("\n")[2] or f"exit code {done.exit_code}"
    raise EnvironmentFailure(f"coverage.py could not report on the coverage data: {last}")


def _main() -> int:
    """Report on what standard input asks for, to standard output."""
    from concurrent.futures import ProcessPoolExecutor

    try:
        from coverage import CoverageData
        from coverage.exceptions import ConfigError, CoverageException
    except ImportError:
        sys.stderr.write(_NOT_INSTALLED)
        return _REFUSED
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=_Order)
    names = sorted(order.files)
    workers = _processors() if len(names) > _WORTH_WORKERS else 1
    count = workers * _CHUNKS_PER_WORKER if workers > 1 else 1
    chunks = [{name: order.files[name] for name in names[first::count]} for first in range(count)]
    report = _Report({})
    try:
        CoverageData(basename=order.data).read()  # of whatever is wrong, once and first
        report.files |= _mapped(order.data, order.elsewhere)
        if workers == 1:
            report.files |= _reported(order.data, chunks[0])
        else:
            with ProcessPoolExecutor(workers) as pool:
                for found in pool.map(_reported, [order.data] * count, chunks):
                    report.files |= found
    # Of rows that are not what they should be, coverage.py tells with whatever they lead to.
    except (CoverageException, ConfigError, ValueError, TypeError) as error:
        # The name of the copy tells a user nothing.
        sys.stderr.write(str(error).replace(f"{order.data!r}", "").replace("  ", " "))
        return _REFUSED
    sys.stdout.buffer.write(msgspec.json.encode(report))
    return 0


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _mapped(data: str, written: Sequence[str]) -> dict[str, _File]:
    """Report on files that are where `[paths]` of the configuration says, if it says so."""
    if not written or not _opened().get_option("paths"):
        return {}
    return _reported(data, {path: (path,) for path in written})


def _reported(data: str, files: Mapping[str, Sequence[str]]) -> dict[str, _File]:
    """Report on some sources, with the paths under which the data knows each of them."""
    from coverage import CoverageData
    from coverage.exceptions import NoDataError

    if not files:
        return {}
    cov = _opened()
    known = CoverageData(basename=data)
    known.read()
    contexts = cov.get_option("report:contexts")
    if isinstance(contexts, list):
        known.set_query_contexts([str(context) for context in contexts])
    # Lines alone, whatever was measured: of branches nothing is asked, and they take long.
    lines = {
        path: {line for name in written for line in known.lines(name) or ()}
        for path, written in files.items()
    }
    cov.get_data().add_lines(lines)
    for option in ("report:contexts", "json:show_contexts"):  # the lines have none any more
        cov.set_option(option, None)
    descriptor, name = tempfile.mkstemp(dir=Path(data).parent)
    os.close(descriptor)
    try:
        cov.json_report(outfile=name, ignore_errors=True)
    except NoDataError:  # the configuration omits them all
        return {}
    report = msgspec.json.decode(Path(name).read_bytes(), type=_Report)
    return report.files


def _opened() -> Coverage:
    """Return coverage.py as the configuration in the current directory wants it, without data."""
    from coverage import Coverage

    warnings.simplefilter("ignore")  # of files that do not parse, the tool tells in its own way
    cov = Coverage(data_file=None)
    cov.set_option("run:plugins", [])
    cov.set_option("run:relative_files", False)  # the paths given to it are absolute
    return cov


if __name__ == "__main__":
    sys.exit(_main())

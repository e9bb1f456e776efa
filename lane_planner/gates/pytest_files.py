"""Which files are tests: what pytest would collect, as far as its settings say so plainly."""

from __future__ import annotations

import configparser
import fnmatch
import posixpath
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping

import msgspec


class PytestFiles(msgspec.Struct, frozen=True):
    """Where pytest looks for tests.

    Attributes:
        python_files: globs of file names, or of whole paths where they have a slash.
        testpaths: directories or files, perhaps with globs; empty: everywhere.
    """

    python_files: tuple[str, ...] = ("test_*.py", "*_test.py")
    testpaths: tuple[str, ...] = ()

    def among(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the paths that are test files, sorted.

        Args:
            paths: below the root, "/"-separated.
        """
        return tuple(sorted(path for path in paths if self._is_test(path)))

    def _is_test(self, path: str) -> bool:
        if not path.endswith(".py") or not any(_matches(path, g) for g in self.python_files):
            return False
        return not self.testpaths or any(_below(path, place) for place in self.testpaths)


def pytest_files(read: Callable[[str], bytes | None]) -> PytestFiles:
    """Return where pytest, run in a directory, looks for tests.

    Args:
        read: returns what the directory's file of a name holds; None: there is none. Settings that
            cannot be read, which pytest would refuse, count for its defaults.
    """
    defaults = PytestFiles()
    for name, options_in in _READERS.items():
        content = read(name)
        if content is None:
            continue
        try:
            found = options_in(content.decode("utf-8-sig"))
        except (ValueError, configparser.Error):
            return defaults
        if found is not None:
            return PytestFiles(
                _words(found.get("python_files")) or defaults.python_files,
                _words(found.get("testpaths")),
            )
    return defaults


_Options = Mapping[str, object]


def _section(text: str, name: str) -> _Options | None:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return dict(parser[name]) if parser.has_section(name) else None


def _in_toml(text: str) -> _Options:
    return _table(tomllib.loads(text), "pytest")


def _in_pyproject(text: str) -> _Options | None:
    found = _table(_table(tomllib.loads(text), "tool"), "pytest")
    if "ini_options" in found:
        return _table(found, "ini_options")
    return found or None  # the table itself, since pytest 9


def _table(value: _Options, name: str) -> _Options:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


# In pytest's order; the first counts that has settings. Files that are pytest's own count without
# any, those in TOML since pytest 9.
_READERS: dict[str, Callable[[str], _Options | None]] = {
    "pytest.toml": _in_toml,
    ".pytest.toml": _in_toml,
    "pytest.ini": lambda text: _section(text, "pytest") or {},
    ".pytest.ini": lambda text: _section(text, "pytest") or {},
    "pyproject.toml": _in_pyproject,
    "tox.ini": lambda text: _section(text, "pytest"),
    "setup.cfg": lambda text: _section(text, "tool:pytest"),
}

SETTINGS_FILES = frozenset(_READERS)
"""Names of the files in the root that pytest's settings may be in."""


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError:  # a quote without its other half
            return ()
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str))
    return ()


def _matches(path: str, glob: str) -> bool:
    if "/" in glob:
        return fnmatch.fnmatchcase(f"/{path}", f"*/{glob.removeprefix('/')}")
    return fnmatch.fnmatchcase(posixpath.basename(path), glob)


def _below(path: str, place: str) -> bool:
    parts = [part for part in place.split("/") if part not in ("", ".")]
    above = path.split("/")[: len(parts)]
    return len(above) == len(parts) and all(map(fnmatch.fnmatchcase, above, parts))

"""Which files are tests: what pytest would collect, as far as its settings say so plainly."""

from __future__ import annotations

import configparser
import fnmatch
import posixpath
import shlex
import tomllib
from collections.abc import Callable, Iterable

import msgspec

# In pytest's order: the first that has its table counts.
_INI_FILES = (
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", ""),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)

SETTINGS_FILES = frozenset(name for name, _ in _INI_FILES)
"""Names of the files in the root that pytest's settings may be in."""


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
    for name, section in _INI_FILES:
        content = read(name)
        if content is None:
            continue
        try:
            found = _table(content.decode("utf-8-sig"), section)
        except (ValueError, configparser.Error):
            continue
        if found is not None:
            defaults = PytestFiles()
            return PytestFiles(
                _words(found.get("python_files")) or defaults.python_files,
                _words(found.get("testpaths")),
            )
        if name.endswith("pytest.ini"):  # it counts without the table, too
            break
    return PytestFiles()


def _table(text: str, section: str) -> dict[str, object] | None:
    if section:
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        return dict(parser[section]) if parser.has_section(section) else None
    found: object = tomllib.loads(text)
    for key in ("tool", "pytest"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return None
    options = found.get("ini_options", found)  # pytest 9 reads the table itself, too
    return options if isinstance(options, dict) else None


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

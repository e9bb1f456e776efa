"""Finding and reading the configuration file: the outer ring around `parse_settings`."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.config.parse import parse_settings
from lane_planner.config.settings import Settings

__all__ = [
    "CONFIG_NAME",
    "PROJECT_NAME",
    "find_root",
    "load_settings",
    "parse_settings",
    "settings_in",
]

CONFIG_NAME = "lanes.toml"
PROJECT_NAME = "pyproject.toml"
_PROJECT_TABLE = ("tool", "lane_planner")
_PROJECT_HEADER = re.compile(rb"^[ \t]*\[{1,2}[ \t]*tool[ \t]*\.[ \t]*lane_planner\b", re.MULTILINE)


def find_root(
    start: Path, root: Path | None = None, config: Path | None = None
) -> tuple[Path, Path]:
    """Find the root directory and the configuration file.

    Without `root` and `config`, the root is the nearest directory upward from `start` that has
    lanes.toml, or pyproject.toml with a [tool.lane_planner] table. `config` alone means the
    directory that it stands in if it has one of these two names, else the root found from
    `start`, else `start`.

    Args:
        start: usually the current directory; what the other two are relative to.
        root: the user's choice of the root.
        config: the user's choice of the file; it may have any name.

    Returns:
        The root and the file, both absolute. A file that the user chose may not exist.

    Raises:
        UsageError: there is no configuration, or one directory has two, or a file that may hold
            it cannot be read.
    """
    start = start.resolve()
    if root is not None:
        root = (start / root).resolve()
        if not root.is_dir():
            raise UsageError(printable(f"{root} is not a directory, name the root with --root"))
    if config is not None:
        named = start / config
        file = named.parent.resolve() / named.name  # a link named lanes.toml keeps its place
        return root or _root_for(file, start), file
    for directory in (root,) if root is not None else (start, *start.parents):
        found = _config_in(directory)
        if found is not None:
            return directory, found
    where = f"{root}" if root is not None else f"{start} or any directory above it"
    raise UsageError(
        printable(f"no {CONFIG_NAME} or [tool.lane_planner] in {where}, run `lane-planner init`")
    )


def load_settings(root: Path, file: Path) -> Settings:
    """Read a configuration file; in one named pyproject.toml, its [tool.lane_planner] table.

    Args:
        root: the directory that its paths are relative to.
        file: TOML.

    Raises:
        UsageError: it cannot be read, is not UTF-8, or `parse_settings` refuses it.
    """
    return settings_in(_read(file), root, file)


def settings_in(data: bytes, root: Path, file: Path) -> Settings:
    """Return the settings that the content of a configuration file means; see `load_settings`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(printable(f"{file}:{line}: not UTF-8, save it in UTF-8")) from error
    table = _PROJECT_TABLE if file.name == PROJECT_NAME else ()
    return parse_settings(text, root=root, source=file, table=table)


def _root_for(config: Path, start: Path) -> Path:
    if config.name in (CONFIG_NAME, PROJECT_NAME):
        return config.parent
    for directory in (start, *start.parents):
        if os.path.isfile(directory / CONFIG_NAME) or _has_table(directory / PROJECT_NAME):
            return directory
    return start


def _config_in(directory: Path) -> Path | None:
    file, project = directory / CONFIG_NAME, directory / PROJECT_NAME
    in_project = _has_table(project)
    if not os.path.isfile(file):
        return project if in_project else None
    if in_project:
        raise UsageError(
            printable(
                f"{directory} has both {CONFIG_NAME} and [tool.lane_planner] in {PROJECT_NAME}, "
                "remove one or name one with --config"
            )
        )
    return file


def _has_table(project: Path) -> bool:
    # os.path.isfile, unlike Path.is_file in Python 3.11, is False below unreadable directories.
    if not os.path.isfile(project):
        return False
    data = _read(project)
    if b"lane_planner" not in data:  # quicker than parsing every pyproject.toml on the way up
        return False
    try:
        tool = tomllib.loads(data.decode("utf-8-sig")).get("tool")
    except ValueError:  # then loading it tells the line, if it is the one
        return _PROJECT_HEADER.search(data) is not None
    return isinstance(tool, dict) and "lane_planner" in tool


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(printable(f"{file} cannot be read, {reason}")) from error

"""A TOML document read with types, whose every error names the line to mend."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.config.toml_lines import KeyPath, key_lines, nearest_line

_Choice = TypeVar("_Choice", bound=str)

_TYPE_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a table",
    datetime.date: "a date",
    datetime.time: "a time",
    datetime.datetime: "a date with a time",
}


class Document(msgspec.Struct, frozen=True):
    """The text of a configuration file and where it came from.

    Attributes:
        text: TOML.
        source: the file, for messages.
    """

    text: str
    source: Path

    def error(self, path: KeyPath, message: str) -> UsageError:
        """Return the error for a key, list item or table.

        Args:
            path: of what is wrong; if it is missing, the line of what it is missing from is named.
            message: what is wrong and what to do.
        """
        return self._error_at(nearest_line(key_lines(self.text), path), message)

    def table(self, path: tuple[str, ...]) -> Table:
        """Parse the text and return one of its tables; the empty path is the whole document.

        Raises:
            UsageError: the text is not TOML, or has no such table.
        """
        try:
            found: object = tomllib.loads(self.text)
        except ValueError as error:  # also for dates and integers beyond Python's limits
            raise self._syntax_error(str(error)) from error
        except RecursionError as error:
            raise self._error_at(1, "nested too deeply, flatten it") from error
        for depth, key in enumerate(path):
            if not isinstance(found, dict) or key not in found:
                name = ".".join(path)
                raise self.error(path[:depth], f"no [{name}] table, run `lane-planner init`")
            found = found[key]
        return as_table(self, path, found)

    def _error_at(self, line: int, message: str) -> UsageError:
        return UsageError(printable(f"{self.source}:{line}: {message}"))

    def _syntax_error(self, said: str) -> UsageError:
        # tomllib ends its messages with the position.
        what, _, place = said.partition(" (at ")
        position = re.fullmatch(r"line (\d+), column (\d+)\)", place)
        if position:
            line, spot = int(position[1]), f"column {position[2]}"
        elif place:
            line, spot = self.text.rstrip().count("\n") + 1, "the end of the file"
        else:  # Python's own words about a value
            line, spot = 1, "a number or date"
        return self._error_at(line, f"not valid TOML, mend {spot}: {what}")


class Table(msgspec.Struct, frozen=True):
    """A table of a document, asked for its keys by type.

    Each question about a key raises UsageError, with the key's line, if the value is of another
    type, or is missing and has no default.

    Attributes:
        document: what it is part of.
        path: of the table.
        values: its content, as `tomllib` gives it.
    """

    document: Document
    path: KeyPath
    values: Mapping[str, object]

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def error(self, path: KeyPath, message: str) -> UsageError:
        """Return the error for something below this table.

        Args:
            path: relative to the table.
            message: what is wrong and what to do.
        """
        return self.document.error((*self.path, *path), message)

    def label(self, key: str) -> str:
        """Return the dotted name of a key, for messages."""
        return ".".join(str(part) for part in (*self.path, key) if isinstance(part, str))

    def only(self, known: Sequence[str], outer: Sequence[str] = ()) -> None:
        """Refuse keys that have no meaning.

        Args:
            known: the keys of this table.
            outer: keys of the top of the file, often put below a table header by mistake.

        Raises:
            UsageError: there is another key.
        """
        for key in self.values:
            if key in known:
                continue
            if key in outer:
                advice = "it belongs above the first table of the configuration"
            else:
                advice = suggestion(key, known) or f"known are {', '.join(known)}"
            raise self.error((key,), f"unknown key {self.label(key)}, {advice}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string that is not empty."""
        return self._text(self._value(key, default), key)

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return a list of strings, none of them empty."""
        values = self._value(key, default if default is None else list(default))
        if not isinstance(values, list):
            raise self._wrong("a list of strings", values, key)
        return tuple(self._text(value, key, index) for index, value in enumerate(values))

    def choice(self, key: str, options: tuple[_Choice, ...], default: _Choice) -> _Choice:
        """Return one of some strings."""
        value = self._value(key, default)
        for option in options:
            if value == option:
                return option
        listed = " or ".join(f'"{option}"' for option in options)
        shown = f'"{value}"' if isinstance(value, str) else type_name(value)
        raise self.error((key,), f"{self.label(key)} is {shown}, write {listed}")

    def boolean(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self._wrong("true or false", value, key)
        return value

    def integer(self, key: str, default: int) -> int:
        """Return a whole number."""
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong("an integer", value, key)
        return value

    def number(self, key: str, default: float) -> float:
        """Return a number; TOML also has `inf` and `nan`."""
        value = self._value(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong("a number", value, key)
        try:
            return float(value)
        except OverflowError:
            return float("inf")

    def table(self, key: str) -> Table:
        """Return a table below this one; an empty one if it is missing."""
        return as_table(self.document, (*self.path, key), self.values.get(key, {}))

    def tables(self, key: str) -> tuple[Table, ...]:
        """Return the tables of an array of tables; none if it is missing."""
        values = self.values.get(key, [])
        if not isinstance(values, list):
            raise self._wrong(f"an array of tables, [[{self.label(key)}]]", values, key)
        return tuple(
            as_table(self.document, (*self.path, key, index), value)
            for index, value in enumerate(values)
        )

    def _value(self, key: str, default: object) -> object:
        value = self.values.get(key, default)
        if value is None:
            raise self.error((), f"{self.label(key)} is missing, add it to the table")
        return value

    def _text(self, value: object, key: str, *item: int) -> str:
        if not isinstance(value, str):
            raise self._wrong("a string", value, key, *item)
        if not value or "\0" in value:
            fault = "has a NUL character" if value else "is empty"
            raise self.error(
                (key, *item), f"{self.label(key)}: a string {fault}, mend or remove it"
            )
        return value

    def _wrong(self, wanted: str, value: object, key: str, *item: int) -> UsageError:
        where = f"an item of {self.label(key)}" if item else self.label(key)
        return self.error((key, *item), f"{where} is {type_name(value)}, write {wanted}")


def as_table(document: Document, path: KeyPath, value: object) -> Table:
    """Return a value as the table that it has to be.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(value, dict):
        return Table(document, path, value)
    name = ".".join(part for part in path if isinstance(part, str))
    raise document.error(path, f"{name} is {type_name(value)}, write a table")


def type_name(value: object) -> str:
    """Return what a value of `tomllib` is in TOML's words, with its article."""
    return _TYPE_NAMES[type(value)]


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return the question whether the nearest of the known names was meant, if one is near."""
    from difflib import get_close_matches  # only after a mistake: loading is to stay quick

    near = get_close_matches(name, list(known), n=1)
    return f'did you mean "{near[0]}"?' if near else None

"""What stands where in the text files of a repository, as far as names of modules go.

No format is parsed as a whole: that would lose positions, and fail on files that are not quite
well-formed. It is told whether an offset is in a value, in prose or in code, and where it is a
setting that belongs to one module or path, and so travels with it.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from typing import Literal, NamedTuple

from lane_planner.scan.lexer import strings_and_comments

LARGEST = 1 << 20
"""Bytes above which a file is taken for generated or vendored."""


class Place(NamedTuple):
    """What stands at an offset.

    Attributes:
        kind: "value": an exact name there means what it says; "prose": a person wrote it for
            people; "code": it is run, and read by other means; "ignored": see `reason`.
        part: which part of the file, for the ledger; None: nothing special.
        travels: whether it is a setting of a tool for one module or path.
        reason: why nothing there is ever rewritten; None: it may be.
        alone: whether a dotted name there is that of one module, and not of what is in it.
    """

    kind: Literal["value", "prose", "code", "ignored"]
    part: str | None = None
    travels: bool = False
    reason: str | None = None
    alone: bool = False


BASELINE = "baseline"
"""Format of the file of known findings, which no name tells."""

_VALUE = Place("value")
_PROSE = Place("prose")
_COMMENT = Place("prose", "comment")
_STRING = Place("prose", "string")
_CODE = Place("code", "code")
_ENTRY = Place("value", "entry", True, None, True)

_LOCKS = frozenset({"package-lock.json", "pnpm-lock.yaml", "conda-lock.yml", "go.sum"})
_BY_NAME = {
    "Makefile": "makefile",
    "makefile": "makefile",
    "GNUmakefile": "makefile",
    "CODEOWNERS": "codeowners",
    "MANIFEST.in": "manifest",
    "Pipfile": "toml",
    "Procfile": "procfile",
    ".coveragerc": "ini",
    ".flake8": "ini",
    ".importlinter": "ini",
    ".pylintrc": "ini",
    "pylintrc": "ini",
}
_BY_END = {
    ".toml": "toml",
    ".ini": "ini",
    ".cfg": "ini",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".ipynb": "notebook",
    ".mk": "makefile",
    ".sh": "shell",
    ".bash": "shell",
    ".zsh": "shell",
    ".dockerfile": "dockerfile",
    ".md": "markdown",
    ".rst": "rst",
    ".txt": "text",
    ".py": "python",
    ".pyi": "python",
    ".pyx": "python",
}
_SHEBANG = re.compile(r"#![^\n]*\b(?:ba|da|k|z)?sh\b")

# Tools whose configuration has sections, or lists, of modules and paths …
_TOOLS = frozenset(
    {"bandit", "black", "coverage", "flake8", "importlinter", "isort", "mypy", "pycodestyle",
     "pydocstyle", "pylint", "pyright", "pytest", "ruff", "vulture"}
)  # fmt: skip
# … and the keys that these stand under, "_" as "-".
_KEYS = frozenset(
    {"allowed-importers", "ancestors", "banned-api", "banned-module-level-imports", "containers",
     "exclude", "exclude-dirs", "extend-exclude", "extend-include", "extend-per-file-ignores",
     "extend-skip", "files", "filterwarnings", "forbidden-modules", "ignore", "ignore-imports",
     "ignore-paths", "ignored-modules", "include", "layers", "module", "modules",
     "norecursedirs", "omit", "overrides", "packages", "per-file-ignores",
     "per-file-target-version", "protected-modules", "skip", "source", "source-modules",
     "source-pkgs", "strict", "testpaths"}
)  # fmt: skip
_LANE_KEYS = frozenset({"importer", "imported", "when", "exclude"})
_WAIVER_KEYS = frozenset({"importer", "imported"})
_TOOL_FILES = {
    ".coveragerc": "coverage",
    ".flake8": "flake8",
    ".importlinter": "importlinter",
    ".isort.cfg": "isort",
    ".mypy.ini": "mypy",
    ".pylintrc": "pylint",
    ".ruff.toml": "ruff",
    "mypy.ini": "mypy",
    "pylintrc": "pylint",
    "pyrightconfig.json": "pyright",
    "pytest.ini": "pytest",
    "ruff.toml": "ruff",
}
_SHARED_FILES = frozenset({"setup.cfg", "tox.ini"})
_SETTINGS_FILES = frozenset({"pyproject.toml", *_SHARED_FILES, *_TOOL_FILES})

_TOML_TOKEN = re.compile(
    r"""(?xs)(?P<comment>\#[^\n]*)
      | \"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5}
      | "(?:\\.|[^"\\\n])*" | '[^'\n]*'"""
)
_TOML_NAME = r"(?:\"[^\"\n]*\"|'[^'\n]*'|[\w-]+)"
_TOML_NAMES = rf"{_TOML_NAME}(?:[ \t]*\.[ \t]*{_TOML_NAME})*"
_TOML_LINE = re.compile(
    rf"^[ \t]*(?:\[{{1,2}}[ \t]*(?P<table>{_TOML_NAMES})[ \t]*\]|(?P<key>{_TOML_NAMES})[ \t]*=)",
    re.MULTILINE,
)
_TOML_PART = re.compile(_TOML_NAME)
_INI_LINE = re.compile(r"^(?:\[(?P<section>[^\]\n]*)\]|(?P<key>[^\s=:#;\[][^=:\n]*?)\s*[=:])", re.M)
_LINE_COMMENT = re.compile(r"(?:^|\s)#")
_INI_COMMENT = re.compile(r"(?:^|\s)[#;]")
_NAME_OR_GLOB = re.compile(r"[\w./*?-]+")
_JSON_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]', re.S)


def ignored_reason(path: str, content: bytes | None, generated: Collection[str]) -> str | None:
    """Return why nothing in a file is of concern, or None.

    Args:
        path: its path.
        content: its bytes; None: only its path is to decide.
        generated: paths of files that tools write.
    """
    name = posixpath.basename(path)
    if _is_lock(name):
        return "a lock file: the tool that made it makes it again"
    if path in generated:
        return "a tool writes it: it is made again"
    if content is None:
        return None
    if b"\0" in content:
        return "a binary file"
    if len(content) > LARGEST and not name.endswith((".py", ".pyi")):
        return "larger than 1 MB: generated or vendored"
    return None


def format_of(path: str, text: str | None) -> str:
    """Return a file's format.

    Args:
        path: its path.
        text: its text, for what its first line says; None: not known.
    """
    name = posixpath.basename(path)
    if _is_lock(name):
        return "lock file"
    if name in _BY_NAME:
        return _BY_NAME[name]
    if re.match(r"(?:Docker|Container)file(?:\.|\Z)", name):
        return "dockerfile"
    end = posixpath.splitext(name)[1].lower()
    if end in _BY_END:
        return _BY_END[end]
    if re.fullmatch(r"\.\w*ignore|\.gitattributes", name):
        return "ignore list"
    if text is not None and _SHEBANG.match(text):
        return "shell"
    return "unknown"


def _is_lock(name: str) -> bool:
    return name.endswith(".lock") or name in _LOCKS


def settings_files(config: str | None) -> frozenset[str]:
    """Return the paths of files in the root that hold settings of modules and paths.

    Args:
        config: path of the lanes' configuration.
    """
    return _SETTINGS_FILES if config is None else _SETTINGS_FILES | {config}


def patterns_in(text: str, place_at: Callable[[int], Place]) -> Iterator[tuple[int, str, Place]]:
    """Yield the globs of names and paths among the settings of modules and paths.

    Args:
        text: of a file of `settings_files`.
        place_at: what `places_of` gives for it.

    Yields:
        Where each begins, the glob, and what stands there.
    """
    for found in _NAME_OR_GLOB.finditer(text):
        start, glob = found.start(), found.group()
        if "*" not in glob and "?" not in glob:
            continue
        place = place_at(start)
        if not place.travels or place.kind != "value":
            continue
        if glob.startswith("mypy-") and text[start - 1 : start] == "[":
            start, glob = start + len("mypy-"), glob.removeprefix("mypy-")
        yield start, glob, place


def places_of(kind: str, path: str, text: str, config: str | None) -> Callable[[int], Place]:
    """Return what tells for an offset in a text what stands there.

    Args:
        kind: the format, as `format_of` gives it.
        path: the file's path.
        text: its text.
        config: path of the lanes' configuration.
    """
    if kind == BASELINE:
        return lambda offset: _PROSE if _line_before(text, offset).startswith("#") else _ENTRY
    if kind == "toml":
        return _Toml(path, text, config).at
    if kind == "ini":
        return _Ini(path, text).at
    if kind == "python":
        return _Python(text).at
    if kind == "notebook":
        return _Notebook(text).at
    if kind == "json":
        travels = posixpath.basename(path) in _TOOL_FILES
        return lambda offset: Place("value", None, travels)
    if kind in ("markdown", "rst", "text"):
        return lambda offset: _PROSE
    if kind == "unknown":
        unknown = Place("value", None, False, "a file of a kind that is not known here")
        return lambda offset: unknown

    def by_line(offset: int) -> Place:
        return _COMMENT if _LINE_COMMENT.search(_line_before(text, offset)) else _VALUE

    return by_line


def _line_before(text: str, offset: int) -> str:
    return text[text.rfind("\n", 0, offset) + 1 : offset]


class _Spans:
    """Stretches of a text that do not overlap, in order, found by offset."""

    def __init__(self, spans: Iterator[tuple[int, int]]) -> None:
        self._spans = list(spans)
        self._starts = [start for start, _ in self._spans]

    def at(self, offset: int) -> int | None:
        """Return where the stretch begins that an offset is in, or None."""
        index = bisect_right(self._starts, offset) - 1
        return self._starts[index] if index >= 0 and offset < self._spans[index][1] else None


class _Toml:
    def __init__(self, path: str, text: str, config: str | None) -> None:
        self._path = path
        self._config = config
        self._text = text
        self._spans = _Spans(found.span() for found in _TOML_TOKEN.finditer(text))
        self._lines = [
            found for found in _TOML_LINE.finditer(text) if self._spans.at(found.start()) is None
        ]
        self._starts = [found.start() for found in self._lines]

    def at(self, offset: int) -> Place:
        start = self._spans.at(offset)
        if start is not None and self._text[start] == "#":
            return _COMMENT
        keys = self._keys(offset)
        if self._of_lanes(keys):
            if not _LANE_KEYS.intersection(keys):
                return Place("value", None, False, "a setting that is not of one module")
            return Place("value", None, True, None, not _WAIVER_KEYS.isdisjoint(keys))
        if start is None:
            return Place("value", None, False, "a table's or key's own name")
        alone = keys[:2] == ["tool", "mypy"] and "overrides" in keys
        return Place("value", None, self._of_tool(keys), None, alone)

    def _keys(self, offset: int) -> list[str]:
        """Return the table and the key that an offset is under, its own line's key among them."""
        index = bisect_right(self._starts, offset) - 1
        keys: list[str] = []
        while index >= 0:
            found = self._lines[index]
            if found["table"] is not None:
                return [*_toml_names(found["table"]), *keys]
            if not keys:
                keys = _toml_names(found["key"])
            index -= 1
        return keys

    def _of_lanes(self, keys: list[str]) -> bool:
        if posixpath.basename(self._path) == "pyproject.toml":
            return keys[:2] == ["tool", "lane_planner"]
        return self._path == self._config

    def _of_tool(self, keys: list[str]) -> bool:
        tool = _TOOL_FILES.get(posixpath.basename(self._path))
        if tool is None:
            if keys[:1] != ["tool"] or keys[1:2] == [] or keys[1] not in _TOOLS:
                return False
            keys = keys[2:]
        return any(key.replace("_", "-") in _KEYS for key in keys)


def _toml_names(names: str) -> list[str]:
    return [part.strip("\"'") for part in _TOML_PART.findall(names)]


class _Ini:
    def __init__(self, path: str, text: str) -> None:
        self._text = text
        name = posixpath.basename(path)
        self._tool = _TOOL_FILES.get(name)
        self._shared = name in _SHARED_FILES
        self._lines = list(_INI_LINE.finditer(text))
        self._starts = [found.start() for found in self._lines]

    def at(self, offset: int) -> Place:
        if _INI_COMMENT.search(_line_before(self._text, offset)):
            return _COMMENT
        index = bisect_right(self._starts, offset) - 1
        section, key = "", ""
        while index >= 0:
            found = self._lines[index]
            if found["section"] is not None:
                section = found["section"].strip()
                break
            key = key or found["key"]
            index -= 1
        if self._tool is None and not self._shared:
            return _VALUE
        tool = self._tool or section.removeprefix("tool:").partition(":")[0].partition("-")[0]
        header = not key and section.startswith("mypy-")
        listed = key.strip().replace("_", "-") in _KEYS
        return Place("value", None, tool in _TOOLS and (header or listed), None, header)


class _Python:
    def __init__(self, text: str) -> None:
        self._text = text
        self._spans = _Spans(strings_and_comments(text))

    def at(self, offset: int) -> Place:
        start = self._spans.at(offset)
        if start is None:
            return _CODE
        return _COMMENT if self._text[start] == "#" else _STRING


class _Notebook:
    """A notebook's strings, each with the keys that lead to it."""

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._where: list[tuple[str | int, ...]] = []
        self._types: dict[tuple[str | int, ...], str] = {}
        for start, where, value in _json_strings(text):
            self._starts.append(start)
            self._where.append(where)
            if where[-1:] == ("cell_type",):
                self._types[where[:-1]] = value

    def at(self, offset: int) -> Place:
        index = bisect_right(self._starts, offset) - 1
        where = self._where[index] if index >= 0 else ()
        cell, inside = where[:2], where[2:3]
        if where[:1] != ("cells",) or not inside:
            return Place("value", None, False, "data about the notebook")
        if inside == ("outputs",):
            return Place("ignored", "output", False, "output of a cell: run it again")
        if inside != ("source",):
            return Place("value", "cell", False, "data about a cell")
        if self._types.get(cell) == "code":
            return Place("value", "code cell")
        return Place("prose", "cell")


def _json_strings(text: str) -> Iterator[tuple[int, tuple[str | int, ...], str]]:
    """Yield the string values of a JSON text: offset, keys and indices around, raw text."""
    where: list[str | int] = []
    key = ""
    expects_key: list[bool] = []
    for found in _JSON_TOKEN.finditer(text):
        token = found.group()
        if token == "{":
            where.append("")
            expects_key.append(True)
        elif token == "[":
            where.append(0)
            expects_key.append(False)
        elif token in "}]":
            if not where:
                return  # not JSON
            where.pop()
            expects_key.pop()
        elif token == ",":
            if where and isinstance(where[-1], int):
                where[-1] += 1
            elif where:
                expects_key[-1] = True
        elif token == ":":
            if where and not isinstance(where[-1], int):
                where[-1] = key
                expects_key[-1] = False
        elif expects_key and expects_key[-1]:
            key = token[1:-1]
        else:
            yield found.start(), tuple(where), token[1:-1]

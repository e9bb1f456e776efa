"""Where a commit's files name modules of a lane: dotted names and paths, in any file."""

from __future__ import annotations

import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git

PYTHON_ENDS = (".py", ".pyi", ".pyx")
"""How the names of Python's source files end."""

# What names modules by strings; git looks for fixed words many times faster than for expressions.
_NAMING = (
    "import_module", "__import__", "find_spec", "importorskip", "resolve_name", "run_module",
    "import_string", "import_object", "patch", "sys.modules",
)  # fmt: skip
# A line where such a thing is given something else than a literal or a mere variable, or may be:
# the call can go on behind the line.
_PUT_TOGETHER = re.compile(
    rb"""(?x)
    (?:import_module|__import__|find_spec|importorskip|resolve_name|run_module|import_string
      |import_object|patch(?:\.dict|\.multiple)?|monkeypatch\.(?:set|del)attr
      |sys\.modules(?:\.[a-z_]+)?)\s*[\[(]\s*
      (?:$|[^\]"'\w\s)]|["'][^"']*(?:$|["']\s*(?:$|[^\],)\s]))|[\w.]+\s*(?:$|[^\],)\w.\s]))
    |[\])}+%].*\sin\s+sys\.modules
    |(?:monkeypatch\.(?:set|del)item|patch\.dict)\s*\(\s*["']?sys\.modules
    """
)
_SPECIAL = re.compile(r"([][\\.^$*+?(){}|])")


class NamedAt(msgspec.Struct, frozen=True, order=True):
    """A place that names something.

    Attributes:
        text: the dotted name or path as it stands there.
        path: the file, below the root, in the commit that was searched.
        line: from 1.
    """

    text: str
    path: str
    line: int


class Mentions:
    """All places that name something under some prefixes, asked by prefix.

    Args:
        places: in any order.
        links: paths of the symbolic links among them; what they lead to is what they name.
        computing: paths of the Python files that may put names of modules together; None: nobody
            looked.

    Attributes:
        links: as given.
        computing: as given.
    """

    def __init__(
        self,
        places: Iterable[NamedAt],
        links: Iterable[str] = (),
        computing: Iterable[str] | None = None,
    ) -> None:
        self.links = frozenset(links)
        self.computing = None if computing is None else frozenset(computing)
        self._outside_python: dict[str, list[NamedAt]] = {}
        self._places = sorted(places)
        self._texts = [place.text for place in self._places]

    def of_name(self, name: str) -> Iterator[NamedAt]:
        """Yield the places that name a module or something in it, by text, path and line."""
        return self._under(name, ".")

    def just(self, name: str) -> frozenset[str]:
        """Return the paths of files that name a package with nothing in it behind."""
        return frozenset(place.path for place in self.exactly(name))

    def exactly(self, text: str) -> list[NamedAt]:
        """Return the places that name a module, file or directory, and nothing in it."""
        first, last = bisect_left(self._texts, text), bisect_right(self._texts, text)
        return self._places[first:last]

    def outside_python(self, text: str) -> list[NamedAt]:
        """Return the places of `exactly` that are not in Python files.

        A package is named by every file that imports from it, and asked for again and again.
        """
        if text not in self._outside_python:
            self._outside_python[text] = [
                place for place in self.exactly(text) if not place.path.endswith(PYTHON_ENDS)
            ]
        return self._outside_python[text]

    def of_path(self, path: str) -> Iterator[NamedAt]:
        """Yield the places that name a file, or something in a directory."""
        return self._under(path, "/")

    def _under(self, start: str, joint: str) -> Iterator[NamedAt]:
        for index in range(bisect_left(self._texts, start), len(self._texts)):
            text = self._texts[index]
            if not text.startswith(start):
                return
            if text == start or text[len(start)] == joint:
                yield self._places[index]


class Found(msgspec.Struct, frozen=True, array_like=True):
    """What git found in the files of a commit, as bytes, so that it can be kept.

    Attributes:
        places: text, path and line of whatever names something under the prefixes.
        computing: paths of the Python files that may put names of modules together.
    """

    places: tuple[tuple[bytes, bytes, int], ...]
    computing: tuple[bytes, ...]

    def mentions(self, links: Mapping[str, str] = MappingProxyType({})) -> Mentions:
        """Return it, to be asked.

        Args:
            links: what the symbolic links of the commit lead to, by path, both below the root.
        """
        named = [
            NamedAt(text.decode("utf-8", "surrogateescape"), os.fsdecode(path), line)
            for text, path, line in self.places
        ]
        named += [NamedAt(target, path, 1) for path, target in links.items()]
        return Mentions(named, links, map(os.fsdecode, self.computing))


def find_mentions(git: Git, commit: str, prefixes: Iterable[str]) -> Found:
    """Search a commit's files for names and paths under some prefixes.

    Binary files are searched too: a pickle names the modules of its objects. Submodules are not.

    Args:
        git: the repository, seen from the root.
        commit: full id of the commit.
        prefixes: dotted names and paths to start from, such as "candidate" or "src/candidate".

    Raises:
        EnvironmentFailure: git fails.
    """
    starts = "|".join(_SPECIAL.sub(r"\\\1", prefix) for prefix in sorted(set(prefixes)) if prefix)
    if not starts:
        return Found((), ())
    naming = [part for word in _NAMING for part in ("-e", word)]
    with ThreadPoolExecutor(1) as pool:  # git reads through the files twice at once
        lines = pool.submit(_grep, git, "-n", "-F", *naming, commit, "--", "*.py")
        found = _grep(
            git, "-n", "-E", "-o", "-w",
            "-e", rf"({starts})[./][A-Za-z0-9_./-]*[A-Za-z0-9_]", commit, "--",
        )  # fmt: skip
    skip = len(commit) + 1
    computing = {
        path for path, _, text in _lines(lines.result(), skip) if _PUT_TOGETHER.search(text)
    }
    places = ((text, path, line) for path, line, text in _lines(found, skip))
    return Found(tuple(places), tuple(sorted(computing)))


def _grep(git: Git, *arguments: str) -> bytes:
    done = git.ask("grep", "-a", "-z", "--no-color", *arguments)
    if done.exit_code not in (0, 1):
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise EnvironmentFailure(f"git grep failed in {git.directory}: {said}")
    return done.stdout


def _lines(output: bytes, skip: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield path, line number and text of what git grep found; `skip` is the commit's part."""
    # A path may hold a newline, but ends with a NUL; what was found never holds either.
    position = 0
    while position < len(output):
        path_end = output.index(b"\0", position)
        line_end = output.index(b"\0", path_end + 1)
        text_end = output.index(b"\n", line_end + 1)
        line = int(output[path_end + 1 : line_end])
        yield output[position + skip : path_end], line, output[line_end + 1 : text_end]
        position = text_end + 1

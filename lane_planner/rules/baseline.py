"""The baseline: findings that were there when somebody looked, and so are not new.

It is a text file of one entry a line, sorted and without line numbers, so that it changes only
where findings do and merges like any list. An entry of an import stands for a number of sites; one
of a circular import for that circle and whatever is left of it as it is taken apart. One of an
indirect import (LP102) has the importer and what it imports itself, which stay the same however
the chain goes on from there; it stands for a number of forbidden lanes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.rules.excuses import Leftover
from lane_planner.rules.violations import Violation

HEADER = "# What `lane-planner check` knows already; `--update-baseline` takes out what is gone."

_CHAINS = ("LP102",)
_IMPORTS = ("LP101", *_CHAINS)
# Each covers circles of its own code and of those behind it, which are less bad.
_CIRCLES = ("LP201", "LP202")
_ARROW = "->"
_MOST = 999_999_999  # sites of one entry
_WORD = re.compile(r'"(?:\\.|[^"\\])*"|\S+')
_BARE = re.compile(r'[^\s"\\#][^\s"\\]*')
_COUNT = re.compile(r"x([1-9][0-9]{0,8})", re.ASCII)
_CONFLICT = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: |\Z)")
_SHOWN = 80  # characters of a line that is no entry

Circle = tuple[str, tuple[str, ...]]
"""Code and sorted modules of a circular import."""


class Entry(msgspec.Struct, frozen=True, order=True):
    """A finding that is known.

    Attributes:
        code: of its rule.
        modules: importer and imported module; of a circular import all of them, sorted.
        count: how many import sites, or forbidden lanes, it stands for.
    """

    code: str
    modules: tuple[str, ...]
    count: int = 1

    def __str__(self) -> str:
        names = [_written(name) for name in self.modules]
        if self.code in _CIRCLES:
            return " ".join((self.code, *names))
        times = f"  x{self.count}" if self.count > 1 else ""
        return f"{self.code} {names[0]} {_ARROW} {names[1]}{times}"


class Baseline(msgspec.Struct, frozen=True):
    """The content of a baseline file.

    Attributes:
        entries: sorted as they are written, each finding once.
        comments: lines that begin with "#", in order.
    """

    entries: tuple[Entry, ...] = ()
    comments: tuple[str, ...] = (HEADER,)

    @staticmethod
    def of(entries: Iterable[Entry], comments: Iterable[str] = (HEADER,)) -> Baseline:
        """Return the baseline of some entries.

        Args:
            entries: in any order; of several for one finding the largest count holds, so that
                what two branches added alike is not counted twice.
            comments: lines that begin with "#"; each is kept once.
        """
        counts: dict[tuple[str, tuple[str, ...]], int] = {}
        for entry in entries:
            key = (entry.code, entry.modules)
            counts[key] = max(counts.get(key, 0), entry.count)
        found = (Entry(*key, count) for key, count in counts.items())
        return Baseline(tuple(sorted(found, key=str)), tuple(dict.fromkeys(comments)))

    def text(self) -> str:
        """Return the file's text."""
        return "".join(f"{line}\n" for line in (*self.comments, *map(str, self.entries)))


class Stale(msgspec.Struct, frozen=True):
    """An entry of which less is left than it stands for.

    Attributes:
        entry: the entry.
        left: what is left of it; empty: nothing.
        reason: the same in words.
    """

    entry: Entry
    left: tuple[Entry, ...]
    reason: str


class Judged(msgspec.Struct, frozen=True):
    """Findings beside a baseline.

    Attributes:
        violations: as they came, those that the baseline covers with status "baseline".
        circles: the circular imports that it covers.
        stale: entries of which less is left, in order.
        kept: what is left of all entries.
        fresh: entries of what is new.
    """

    violations: tuple[Violation, ...]
    circles: frozenset[Circle]
    stale: tuple[Stale, ...]
    kept: tuple[Entry, ...]
    fresh: tuple[Entry, ...]


class Update(msgspec.Struct, frozen=True):
    """How a baseline changes.

    Attributes:
        after: the baseline after it.
        removed: how many import sites and circular imports it no longer covers.
        narrowed: how many circular imports it still covers, with fewer modules or imports.
        added: how many import sites and circular imports it covers now.
    """

    after: Baseline
    removed: int
    narrowed: int
    added: int


class Compared(msgspec.Struct, frozen=True):
    """Findings beside the baseline.

    Attributes:
        path: the baseline's file, for messages.
        judged: which of them it covers, and what of it covers nothing.
        update: how it was changed; None: it was not to be.
    """

    path: str
    judged: Judged
    update: Update | None = None


def read_baseline(content: bytes, where: str) -> Baseline:
    """Return the baseline that a file holds.

    Args:
        content: the file's bytes.
        where: its name, for messages.

    Raises:
        UsageError: it is no baseline; the message is one line, `file:line: what, what to do`.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise UsageError(printable(f"{where}:{number}: not UTF-8, save it in UTF-8")) from None
    entries: list[Entry] = []
    comments: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            comments.append(stripped)
        elif stripped:
            entry = _entry(stripped)
            if isinstance(entry, str):
                raise UsageError(printable(f"{where}:{number}: {entry}"))
            entries.append(entry)
    return Baseline.of(entries, comments or (HEADER,))


def judge(
    violations: Sequence[Violation],
    circles: Iterable[Circle] | None,
    baseline: Baseline,
    *,
    chains: bool = False,
) -> Judged:
    """Return which findings a baseline covers, and what of it covers nothing.

    Of more sites than an entry stands for, the first are covered and the last are new. What is
    waived or ignored needs no entry. A circular import is covered by an entry that has all its
    modules: who takes a circle apart does not make new ones.

    Args:
        violations: in order; those that an earlier baseline covered are looked at anew.
        circles: circular imports; None: not asked for, and no entry of them is stale.
        baseline: what is known.
        chains: whether indirect violations were asked for; if not, no entry of them is stale.
    """
    allowed = {
        (entry.code, entry.modules): entry.count
        for entry in baseline.entries
        if entry.code in _IMPORTS
    }
    used: Counter[tuple[str, tuple[str, ...]]] = Counter()
    fresh: Counter[tuple[str, tuple[str, ...]]] = Counter()
    found = []
    for violation in violations:
        if violation.status not in ("new", "baseline"):
            found.append(violation)
            continue
        key = (violation.code, violation.edge)
        covered = used[key] < allowed.get(key, 0)
        (used if covered else fresh)[key] += 1
        status = "baseline" if covered else "new"
        found.append(msgspec.structs.replace(violation, status=status))
    left: dict[Entry, tuple[Entry, ...]] = {
        Entry(*key, count): (Entry(*key, used[key]),) if used[key] else ()
        for key, count in allowed.items()
    }
    if not chains:
        left.update((entry, (entry,)) for entry in baseline.entries if entry.code in _CHAINS)
    known: set[Circle] = set()
    entries = [entry for entry in baseline.entries if entry.code in _CIRCLES]
    if circles is None:
        left.update((entry, (entry,)) for entry in entries)
    else:
        left.update((entry, ()) for entry in entries)
        for circle in sorted(circles):
            entry = _covering(circle, entries)
            if entry is None:
                fresh[circle] += 1
            else:
                known.add(circle)
                left[entry] = (*left[entry], Entry(*circle))
    return Judged(
        tuple(found),
        frozenset(known),
        tuple(
            Stale(entry, left[entry], _why_stale(entry, left[entry]))
            for entry in baseline.entries
            if left[entry] != (entry,)
        ),
        Baseline.of(entry for rest in left.values() for entry in rest).entries,
        Baseline.of(Entry(*key, count) for key, count in fresh.items()).entries,
    )


def update(judged: Judged, baseline: Baseline, *, additions: bool) -> Update:
    """Return a baseline without what is gone.

    Args:
        judged: the findings beside it.
        baseline: as it was.
        additions: whether what is new is added.
    """
    counts = Counter({(entry.code, entry.modules): entry.count for entry in judged.kept})
    added = 0
    for entry in judged.fresh if additions else ():
        counts[(entry.code, entry.modules)] += entry.count
        added += entry.count
    removed = sum(
        stale.entry.count - sum(entry.count for entry in stale.left)
        for stale in judged.stale
        if stale.entry.code in _IMPORTS or not stale.left
    )
    narrowed = sum(bool(stale.left) and stale.entry.code in _CIRCLES for stale in judged.stale)
    entries = (Entry(*key, min(count, _MOST)) for key, count in counts.items())
    return Update(Baseline.of(entries, baseline.comments), removed, narrowed, added)


def leftovers(judged: Judged) -> tuple[Leftover, ...]:
    """Return the stale entries of a baseline, as what is of no use any more."""
    return tuple(
        Leftover(
            "baseline",
            "less" if stale.left else "unmatched",
            stale.reason,
            entry=str(stale.entry),
        )
        for stale in judged.stale
    )


def _covering(circle: Circle, entries: Iterable[Entry]) -> Entry | None:
    """Return the entry that covers a circle and has least beside it, or None."""
    code, modules = circle
    worse = _CIRCLES[: _CIRCLES.index(code) + 1]
    wanted = frozenset(modules)
    fits = [entry for entry in entries if entry.code in worse and wanted.issubset(entry.modules)]
    return min(fits, key=lambda e: (len(e.modules), e.code != code, str(e)), default=None)


def _why_stale(entry: Entry, left: tuple[Entry, ...]) -> str:
    if entry.code in _IMPORTS:
        if not left:
            return "matches no violation"
        verb = "is" if left[0].count == 1 else "are"
        return f"stands for {entry.count}, {left[0].count} {verb} left"
    return f"is less now: {'; '.join(map(str, left))}" if left else "matches no circular import"


def _entry(line: str) -> Entry | str:
    """Return the entry that a line is, or what is wrong with it."""
    if _CONFLICT.match(line):
        return "a merge conflict, keep the entries of both sides and remove this line"
    code, *words = _WORD.findall(line)
    try:
        names = [json.loads(word) if word.startswith('"') else word for word in words]
    except ValueError:
        return f"not a quoted name: {_shortened(line)}, mend or remove it"
    if code in _IMPORTS and words[1:2] == [_ARROW] and len(words) in (3, 4):
        times = _COUNT.fullmatch(words[3]) if len(words) == 4 else None
        if times is not None or len(words) == 3:
            return Entry(code, (names[0], names[2]), int(times[1]) if times else 1)
    if code in _CIRCLES and _ARROW not in words and len(set(names)) > 1:
        return Entry(code, tuple(sorted(set(names))))
    return (
        f"not an entry: {_shortened(line)}, write `LP101 importer -> imported  x2` or "
        "`LP201 module module`, or remove it"
    )


def _shortened(line: str) -> str:
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _written(name: str) -> str:
    """Return a name as one word; names with blanks, quotes and the like are JSON strings."""
    plain = _BARE.fullmatch(name) is not None and name.isprintable() and name != _ARROW
    return name if plain else json.dumps(name)

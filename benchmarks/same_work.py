"""Whether lane-planner and its peers answer the same question alike, before they are timed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import Pair, Place, importlinter_pairs, tach_places
from benchmarks.timing import Failed


@dataclass(frozen=True, slots=True)
class Ours:
    """What `lane-planner check` finds.

    Attributes:
        pairs: (importer, imported) of forbidden imports of modules that exist.
        missing: the same of modules that do not exist, which the peers do not see.
        places: (path, line) of the forbidden imports of modules that exist.
        missing_places: the same of modules that do not exist.
        files: how many files it read.
    """

    pairs: frozenset[Pair]
    missing: frozenset[Pair]
    places: frozenset[Place]
    missing_places: frozenset[Place]
    files: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One peer's answer beside ours.

    Attributes:
        peer: its name.
        lines: what both say, in words.
        same: whether they agree on what both look at; None: it gives no verdict on lanes.
    """

    peer: str
    lines: tuple[str, ...]
    same: bool | None

    def __str__(self) -> str:
        verdict = {True: "same verdicts", False: "OTHER VERDICTS", None: "no verdicts"}[self.same]
        return "\n  ".join((f"{self.peer}: {verdict}", *self.lines))


def answer(argv: Sequence[str], root: Path, env: Mapping[str, str]) -> str:
    """Return what a command prints.

    Raises:
        Failed: it ended with another exit code than 0 (fine) and 1 (findings).
    """
    done = subprocess.run(
        argv,
        cwd=root,
        env={**env, "COLUMNS": "100000"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise Failed(f"{' '.join(argv)} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def our_answer(check: str, graph: str) -> Ours:
    """Read the answers of `lane-planner check` and `lane-planner graph`, both as JSON."""
    found = json.loads(check)
    modules = {module["name"] for module in json.loads(graph)["modules"]}
    direct = [entry for entry in found["violations"] if entry["code"] == "LP101"]
    pairs = frozenset((entry["importer"], entry["imported"]) for entry in direct)
    there = frozenset(pair for pair in pairs if pair[1] in modules)
    places = {(entry["path"], entry["line"]) for entry in direct}
    good = {(entry["path"], entry["line"]) for entry in direct if entry["imported"] in modules}
    files = found["summary"]["modules"]
    return Ours(there, pairs - there, frozenset(good), frozenset(places - good), files)


def beside_importlinter(ours: Ours, text: str) -> Comparison:
    """Compare with import-linter: the same pairs of modules have to be forbidden."""
    theirs = importlinter_pairs(text)
    files = re.search(r"Analyzed (\d+) files", text)
    lines = [
        f"{len(theirs):,} forbidden pairs of modules, {len(theirs & ours.pairs):,} of them ours too"
        f" (we have {len(ours.pairs):,}, and {len(ours.missing):,} whose imported module does not"
        f" exist: it sees none of those)",
        f"it reads {int(files.group(1)) if files else 0:,} files, those of the lanes; we read"
        f" {ours.files:,}, tests and tools too",
        *_only("lane-planner", ours.pairs - theirs),
        *_only("import-linter", theirs - ours.pairs),
    ]
    return Comparison("import-linter", tuple(lines), theirs == ours.pairs)


def beside_tach(ours: Ours, text: str) -> Comparison:
    """Compare with tach: the same lines have to be forbidden, in the files that it reads.

    Of imports of missing modules it sees those of names that a package could define.
    """
    theirs, skipped = tach_places(text)
    readable = {place for place in ours.places if place[0] not in skipped}
    odd = theirs - ours.places - ours.missing_places
    lines = [
        f"{len(theirs):,} forbidden lines, {len(theirs & ours.places):,} of them ours too and"
        f" {len(theirs & ours.missing_places):,} ours for a module that does not exist (we have"
        f" {len(ours.places):,} and {len(ours.missing_places):,})",
        f"it does not read {len(skipped):,} files that are not UTF-8",
        *_only("lane-planner", readable - theirs),
        *_only("tach", odd),
    ]
    return Comparison("tach", tuple(lines), not odd and readable <= theirs)


def beside_ruff(ours: Ours, text: str) -> Comparison:
    """Describe what `ruff analyze graph` answers: a graph of files, no verdict on lanes."""
    graph = json.loads(text)
    lines = (
        f"a graph without lanes: {len(graph):,} of {ours.files:,} files (those that are UTF-8),"
        f" {sum(map(len, graph.values())):,} imports",
    )
    return Comparison("ruff", lines, None)


def _only(name: str, pairs: frozenset[Pair] | set[Pair] | set[Place]) -> list[str]:
    shown = [f"only {name}: {one} {other}" for one, other in sorted(pairs)[:10]]
    return [*shown, f"only {name}: … {len(pairs) - 10:,} more"] if len(pairs) > 10 else shown

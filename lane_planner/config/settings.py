"""The settings as values: what DESIGN section 8 lets a user say, and the questions asked of it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

import msgspec

BASELINE_NAME = "lanes-baseline.txt"
"""Name of the baseline, beside the configuration, where that names none."""


class Lane(msgspec.Struct, frozen=True):
    """A lane of trust, or a support package that never moves.

    Attributes:
        name: its name in the configuration.
        paths: directories (or files) below the root, "/"-separated, without a final slash.
        imports: names of the lanes that it may import, besides itself.
        promotes_to: the next lane; None for the last one and for support packages.
    """

    name: str
    paths: tuple[str, ...]
    imports: frozenset[str] = frozenset()
    promotes_to: str | None = None


Scope = Literal["batch", "wave"]
"""What a gate runs on at once."""


class Benchmark(msgspec.Struct, frozen=True):
    """Numbers that a gate's command tells of the tree it runs in, and what they may lose by a move.

    Attributes:
        metric: how the numbers are read: all times of a "pytest-benchmark" report by their names,
            one number in "json", or the last match of a "regex".
        where: for "json" the path of the number, parts separated by dots, a list's items by their
            index; for "regex" the expression, whose group `value` is the number; else empty.
        output: file that the command writes, below the root; None: what it prints is read.
        better: whether a "lower" or a "higher" number is.
        budget: the loss against the base commit's number that is allowed, as a fraction of it.
        rounds: how often each of the two trees is measured.
    """

    metric: Literal["pytest-benchmark", "json", "regex"]
    where: str = ""
    output: str | None = None
    better: Literal["lower", "higher"] = "lower"
    budget: float = 0.1
    rounds: int = 3


class Gate(msgspec.Struct, frozen=True):
    """A command that has to succeed before or after a move.

    Attributes:
        name: how it is called in plans, evidence and messages.
        command: argument list; no shell is involved. An argument `{tests}` stands for the tests
            that reach what changed, `{modules}` for the moved files.
        phase: "before" the move, on the base commit; or "after" it, on the moved tree.
        when: path globs; the gate applies if a moved path matches one. Empty: always.
        timeout: seconds, of each attempt.
        retries: how often it is run again where it failed.
        scope: whether it runs for every "batch", or once a "wave", on all that the wave moved.
        benchmark: what it measures, for a gate of that kind; it passes by comparison with the base
            commit then, and is in the "after" phase.
    """

    name: str
    command: tuple[str, ...]
    phase: Literal["before", "after"] = "after"
    when: tuple[str, ...] = ()
    timeout: float = 600.0
    retries: int = 0
    scope: Scope = "batch"
    benchmark: Benchmark | None = None


class Coverage(msgspec.Struct, frozen=True):
    """What test coverage a module needs.

    Attributes:
        min: fraction of its lines, 0 to 1.
        data: path of the coverage data, relative to the root.
        measure: whether a module that the data lacks is measured, by the tests that reach it.
    """

    min: float = 0.75
    data: str = "coverage.json"
    measure: bool = False


class Waiver(msgspec.Struct, frozen=True):
    """Leave for some imports to break a rule until a day.

    Attributes:
        importer: dotted-name glob (`*` also matches dots).
        imported: likewise.
        reason: why; shown in reports.
        expires: the last day it holds; None: for ever.
    """

    importer: str
    imported: str
    reason: str
    expires: datetime.date | None = None


class Settings(msgspec.Struct, frozen=True):
    """Everything the configuration says.

    Attributes:
        root: the directory that all paths are relative to.
        source_roots: directories from which modules are named; the longest match wins.
        exclude: path globs (gitignore syntax) of files to leave out.
        lanes: by name, in the order of the file.
        cycles: whether an eager cycle blocks its modules or lands as one step.
        transitive: whether indirect violations (LP102) are reported.
        unlaned: whether a lane may import first-party code that is in no lane.
        unresolved: whether an unresolved import that is not optional blocks its module.
        aliases: written module prefix → prefix it stands for.
        max_files: most files moved in one batch.
        coverage: None: no coverage is asked for.
        gates: in the order in which they run.
        waivers: in the order of the file.
        mirrored_tests: globs of the directories that hold tests laid out like a lane, `{lane}` in
            them for its path.
        baseline: path of the baseline, relative to the root; None: see `baseline_file`.
        source: path of the configuration file, for messages; None for built-in settings.
        digest: "sha256:…" of the meaning of the settings (not of the file's layout or place).
    """

    root: Path
    source_roots: tuple[str, ...] = (".",)
    exclude: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()
    cycles: Literal["block", "together"] = "block"
    transitive: bool = False
    unlaned: Literal["allow", "forbid"] = "allow"
    unresolved: Literal["block", "note"] = "block"
    aliases: tuple[tuple[str, str], ...] = ()
    max_files: int = 50
    coverage: Coverage | None = None
    gates: tuple[Gate, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    mirrored_tests: tuple[str, ...] = ("tests/**/{lane}",)
    baseline: str | None = None
    source: Path | None = None
    digest: str = ""

    def lane(self, name: str) -> Lane | None:
        """Return the lane of that name, or None."""
        return next((lane for lane in self.lanes if lane.name == name), None)

    @property
    def baseline_file(self) -> Path:
        """The file of known findings: the one that is named, else beside the configuration."""
        if self.baseline is not None:
            return self.root / self.baseline
        return (self.root if self.source is None else self.source.parent) / BASELINE_NAME

    def allowed(self, importer: str | None, imported: str | None) -> bool:
        """Tell whether code in one lane may import code in another (DESIGN section 5).

        Args:
            importer: lane name; None: first-party code in no lane.
            imported: likewise.
        """
        if importer is None or importer == imported:
            return True
        if imported is None:
            return self.unlaned == "allow"
        lane = self.lane(importer)
        return lane is None or imported in lane.imports

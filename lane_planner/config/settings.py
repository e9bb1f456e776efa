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


class Gate(msgspec.Struct, frozen=True):
    """A command that has to succeed before or after a move.

    Attributes:
        name: how it is called in plans, evidence and messages.
        command: argument list; no shell is involved.
        phase: "before" the move, on the base commit; or "after" it, on the moved tree.
        when: path globs; the gate applies if a moved path matches one. Empty: always.
        timeout: seconds.
    """

    name: str
    command: tuple[str, ...]
    phase: Literal["before", "after"] = "after"
    when: tuple[str, ...] = ()
    timeout: float = 600.0


class Coverage(msgspec.Struct, frozen=True):
    """What test coverage a module needs.

    Attributes:
        min: fraction of its lines, 0 to 1.
        data: path of the coverage data, relative to the root.
    """

    min: float = 0.75
    data: str = "coverage.json"


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

"""What each code means, why it matters and how to mend it; and what to do about one finding."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from lane_planner.config.settings import Settings
from lane_planner.rules.cycles import Cycle
from lane_planner.rules.diagnostics import Diagnostic
from lane_planner.rules.violations import Violation

Level = Literal["error", "warning", "note"]


class Code(msgspec.Struct, frozen=True):
    """A code, explained.

    Attributes:
        code: "LP101" and so on.
        name: of the rule, in camel case, for machines.
        level: how bad a new finding is.
        title: what it says, in a few words.
        meaning: the same exactly.
        why: why it matters.
        mend: how it goes away.
        example: (path, content) of files that show it, in the lanes of the `lukhas` preset.
    """

    code: str
    name: str
    level: Level
    title: str
    meaning: str
    why: str
    mend: str
    example: tuple[tuple[str, str], ...]


class Blocked(Protocol):
    """Why a module cannot be promoted: a `Cause` of a plan."""

    @property
    def code(self) -> str:
        """The code."""

    @property
    def importer(self) -> str:
        """The module that has to change."""

    @property
    def imported(self) -> str:
        """What it imports; "" for a fault of a file."""

    @property
    def path(self) -> str:
        """The importer's file."""

    @property
    def line(self) -> int:
        """Of the import, from 1; 0 for a fault of a whole file."""


_ALL = (
    Code(
        "LP101",
        "ForbiddenLaneImport",
        "error",
        "import from a lane that the importer's lane may not import",
        "A module imports, anywhere in its file, a module of a lane that is not in the `imports` "
        "of its own lane. Imports inside functions and under `TYPE_CHECKING` count too.",
        "What is trusted must not lean on what is not yet: a fault in the less trusted lane would "
        "be one of the more trusted lane, and neither could be promoted or taken back alone.",
        "Promote the imported module to a lane that may be imported, or the importer to a lane "
        "that may import it; or move what is shared into a third module below both; or pass the "
        "object in instead of importing it. For a time, a `[[waivers]]` entry with a reason and a "
        "day, or the baseline.",
        (("core/a.py", "import lukhas.b\n"), ("lukhas/b.py", "")),
    ),
    Code(
        "LP102",
        "ForbiddenLaneChain",
        "error",
        "indirect import, through a chain, of a lane that the importer's lane may not import",
        "With `transitive = true`: an import that is allowed leads, through other modules, into a "
        "lane that the importer's lane may not import. The shortest chain is shown.",
        "Importing the first module of the chain runs the last one too: the rule is kept on paper, "
        "and the code of the other lane runs all the same.",
        "Cut the chain at the import that leaves the allowed lanes: promote its target, move what "
        "is needed, or pass it in. Imports that are not wanted while the module loads can stand "
        "in the functions that use them.",
        (
            ("core/a.py", "import tools.b\n"),
            ("tools/b.py", "import lukhas.c\n"),
            ("lukhas/c.py", ""),
        ),
    ),
    Code(
        "LP201",
        "EagerCircularImport",
        "error",
        "circular import: eager sites alone suffice",
        "Modules import each other in a circle, by imports that run while the modules load.",
        "Which module comes first decides whether a name is there yet: it works from one entry "
        "point and fails from another. The modules can only move together.",
        "`lane-planner cycles` lists the fewest imports whose removal breaks it, and how hard each "
        "goes: take out what is unused, put under `TYPE_CHECKING` what only annotations use, put "
        "into functions what only they use; else move the shared part into a module of its own.",
        (("candidate/a.py", "import candidate.b\n"), ("candidate/b.py", "import candidate.a\n")),
    ),
    Code(
        "LP202",
        "DeferredCircularImport",
        "error",
        "circular import: deferred sites are needed",
        "Modules import each other in a circle, and at least one of the imports runs only when a "
        "function is called.",
        "It does not fail while the modules load, but they cannot be understood, tested or moved "
        "apart, and one import that moves to the top makes it LP201.",
        "Pass what the deferred import needs as an argument, or move the shared part into a module "
        "of its own; `lane-planner cycles` lists the imports that break it.",
        (
            ("candidate/a.py", "import candidate.b\n"),
            ("candidate/b.py", "def f():\n    import candidate.a\n"),
        ),
    ),
    Code(
        "LP301",
        "MissingModule",
        "note",
        "import of a first-party module that does not exist",
        "The first name is one of the repository's own, and there is no such module.",
        "It fails when it runs. After a promotion, what is missing may be found under the new "
        "name, or something else may.",
        "Correct the name, create the module, or remove the import. Where `sys.path` makes the "
        "written name work, tell `[aliases]` what it stands for. What may be missing belongs "
        "inside `try: … except ImportError:`; then it is a note.",
        (("candidate/a.py", "import candidate.gone\n"),),
    ),
    Code(
        "LP302",
        "ImportBeyondTop",
        "note",
        "relative import beyond the top",
        "There are more leading dots than packages around the module.",
        "It fails when it runs: ImportError, attempted relative import beyond top-level package.",
        "Write the absolute name, or as many dots as there are packages.",
        (("candidate/a.py", "from ... import b\n"),),
    ),
    Code(
        "LP401",
        "DestinationTaken",
        "error",
        "a file already stands at the destination",
        "The module's path in the next lane is taken.",
        "A move would overwrite the other file, or hide it.",
        "Compare the two: remove the one that is out of date, or rename one.",
        (("candidate/a.py", "NEW = 1\n"), ("core/a.py", "OLD = 1\n")),
    ),
    Code(
        "LP402",
        "ImporterLeftBehind",
        "error",
        "the move would break an importer whose lane may not import the target",
        "A module that stays imports the one that is to move, and may not import the next lane.",
        "The promotion would make a new violation (LP101) in code that nobody touched.",
        "Promote the importer too, where it can be; or have it take what it needs from elsewhere.",
        (("core/a.py", ""), ("candidate/b.py", "import core.a\n")),
    ),
    Code(
        "LP403",
        "NeededModuleBlocked",
        "error",
        "a needed module is itself blocked",
        "The module can only move after, or together with, another one, which cannot move.",
        "Nothing is wrong with the module itself: it waits.",
        "`lane-planner explain MODULE` shows the chain to each root cause; `lane-planner unlocks` "
        "lists the fixes that free the most modules.",
        (
            ("candidate/a.py", "import candidate.b\n"),
            ("candidate/b.py", "import lukhas.c\n"),
            ("lukhas/c.py", ""),
        ),
    ),
    Code(
        "LP404",
        "TooLittleCoverage",
        "error",
        "coverage below the minimum, or no coverage data for the module",
        "Tests run less of the module's lines than `[coverage] min` asks for, or the data does not "
        "have the module.",
        "What no test runs breaks unseen, and a promotion says that the code can be trusted.",
        "Add tests and make the data anew, or let `[coverage] measure = true` measure modules that "
        "the data lacks.",
        (("candidate/a.py", "VALUE = 1\n"),),
    ),
    Code(
        "LP405",
        "GateFailed",
        "error",
        "a gate failed (the reason names it)",
        "A command under `[[gates]]` ended with an error, or took too long, on the tree that the "
        "step makes.",
        "What the gate guards would be broken after the merge.",
        "The evidence holds the gate's output; bisection has kept what passes. Mend it, and apply "
        "the plan again.",
        (),
    ),
    Code(
        "LP406",
        "ShadowedModule",
        "note",
        "nobody can import a module of that name, or two modules claim it",
        "The file's name is no identifier, or `a.py` stands beside `a/__init__.py`, which is "
        "imported instead.",
        "References to it cannot be followed, because none can be written; of two, one is dead.",
        "Rename the file to an identifier; of two, remove or rename one.",
        (("candidate/a.py", ""), ("candidate/a/__init__.py", "")),
    ),
    Code(
        "LP901",
        "SyntaxError",
        "warning",
        "does not parse",
        "Python cannot compile the file. Its imports are read all the same, as far as they can be.",
        "It cannot be imported, and a promotion cannot prove that it changed nothing in it.",
        "Mend the syntax at the line that is told, or exclude the file.",
        (("candidate/a.py", "def f(:\n"),),
    ),
    Code(
        "LP902",
        "UndecodableFile",
        "warning",
        "cannot be decoded",
        "The file's bytes are not text in its encoding: UTF-8, or what its first two lines or its "
        "byte order mark declare.",
        "Python cannot import it, and nothing in it can be seen.",
        "Save it in UTF-8, or declare its encoding: `# -*- coding: latin-1 -*-`.",
        (("candidate/a.py", "NAME = 'caf\xe9'  # saved in Latin-1\n"),),
    ),
)

NO_SUCH_MODULE = "(no such module)"
"""How the message of a violation ends whose imported module does not exist."""

CODES = {code.code: code for code in _ALL}
"""All codes, in order."""


def next_step(finding: Violation | Diagnostic | Cycle | Blocked, settings: Settings) -> str:
    """Return what to do about a finding: one line, without a final full stop.

    Names stand in it as they are: `printable` makes them safe for a terminal.

    Args:
        finding: a violation, a fault of a file, a circular import, or why a module is blocked.
        settings: the lanes; promotions that cure a violation follow from them.
    """
    if isinstance(finding, Cycle):
        return _break(finding)
    if isinstance(finding, Violation):
        if finding.code == "LP102":
            return (
                f"cut the chain at one of its imports, or the first, {finding.path}:{finding.line}"
            )
        return _allow(finding, settings)
    if isinstance(finding, Diagnostic):
        return _DIAGNOSED[finding.code](finding)
    return _UNBLOCK[finding.code](finding)


def _allow(found: Violation, settings: Settings) -> str:
    """Return the shortest promotion after which an import is allowed, or what to do without."""
    own, imported = found.importer_lane, found.imported_lane
    place = f"{found.path}:{found.line}"
    if found.message.endswith(NO_SUCH_MODULE):
        return f"take out the import at {place}, or correct the name: there is no {found.imported}"
    if imported is not None:
        onward = _onward(settings, imported)
        allowed = next((i for i, lane in enumerate(onward) if settings.allowed(own, lane)), None)
        ahead = _onward(settings, own)
        # The importer cannot pass through a lane that may not import the module either.
        if allowed != 0 and ahead and settings.allowed(ahead[0], imported):
            return f"{_promote(found.importer, ahead[:1])}, or take out the import at {place}"
        if allowed is not None:
            way = _promote(found.imported, onward[: allowed + 1])
            return f"{way}, or take out the import at {place}"
    if imported is None:
        return f"put {found.imported} into a lane, or take out the import at {place}"
    lane = settings.lane(own)
    may = ", ".join(sorted(lane.imports)) if lane is not None and lane.imports else "itself alone"
    return (
        f"take out the import at {place}: pass {found.imported} in, or move what is needed into "
        f"a lane that {own} may import ({may})"
    )


def _promote(module: str, lanes: Sequence[str]) -> str:
    first = f"`lane-planner promote {shlex.quote(module)} {shlex.quote(lanes[0])}`"
    return first + "".join(f", then to {lane}" for lane in lanes[1:])


def _onward(settings: Settings, name: str) -> list[str]:
    """Return the lanes after one, in the order of promotions."""
    found: list[str] = []
    lane = settings.lane(name)
    while lane is not None and lane.promotes_to is not None:
        found.append(lane.promotes_to)
        lane = settings.lane(lane.promotes_to)
    return found


_BREAK = {
    "unused": "remove the import of {imported} at {place}, which nothing uses",
    "typing": "put the import of {imported} at {place} under `if TYPE_CHECKING:`",
    "deferrable": "move the import of {imported} at {place} into the functions that use it",
    "needed": "move what {importer} needs of {imported} ({place}) into a module that both import",
}
_DEFERRED = (
    "take the import of {imported} at {place} out of its function: pass in what it needs, or move "
    "that into a module of its own"
)


def _break(cycle: Cycle) -> str:
    first = cycle.breakers[0]
    words = _BREAK[first.rating]
    if cycle.code == "LP202" and first.rating == "deferrable":
        words = _DEFERRED
    place = f"{first.path}:{first.line}"
    text = words.format(importer=first.importer, imported=first.imported, place=place)
    more = len(cycle.breakers) - 1
    return f"{text}, and break {more:,} more: `lane-planner cycles`" if more else text


def _missing(found: Diagnostic) -> str:
    if found.optional:
        return "nothing, if it may be missing; else correct the name or remove the import"
    return (
        f"correct the name at {found.path}:{found.line}, create the module or remove the import; "
        "[aliases] tells what sys.path makes of a name"
    )


_DIAGNOSED: dict[str, Callable[[Diagnostic], str]] = {
    "LP301": _missing,
    "LP302": lambda found: f"write the absolute name at {found.path}:{found.line}, or fewer dots",
    "LP406": lambda found: f"rename or remove {found.path}: it is never imported",
    "LP901": lambda found: f"mend line {found.line}: `python -m py_compile {_quoted(found)}`",
    "LP902": lambda found: f"save {found.path} in UTF-8, or declare its encoding in line 1",
}


def _quoted(found: Diagnostic | Blocked) -> str:
    return shlex.quote(found.path)


def _at(cause: Blocked) -> str:
    return f"{cause.path}:{cause.line}" if cause.line else cause.path


_UNBLOCK: dict[str, Callable[[Blocked], str]] = {
    "LP101": lambda c: f"promote {c.imported} first, or take out the import at {_at(c)}",
    "LP102": lambda c: f"cut the chain that begins at {_at(c)}",
    "LP201": lambda c: "break the circular import: `lane-planner cycles` tells where it is easiest",
    "LP202": lambda c: f"take out the import at {_at(c)}: the move would close a circle",
    "LP301": lambda c: f"create {c.imported}, correct the name or remove the import at {_at(c)}",
    "LP302": lambda c: f"write the absolute name at {_at(c)}, or fewer dots",
    "LP401": lambda c: f"compare {c.path} with the file at the destination, remove or rename one",
    "LP402": lambda c: f"promote {c.importer} too, or take out its import at {_at(c)}",
    "LP403": lambda c: f"`lane-planner explain {shlex.quote(c.importer)}` shows the root cause",
    "LP404": lambda c: f"add tests that run {c.path}, and make the coverage data anew",
    "LP405": lambda c: "read the gate's output in the evidence, mend it, and apply the plan again",
    "LP406": lambda c: f"rename {c.path} to an identifier that no other module has",
    "LP901": lambda c: f"mend {_at(c)}: `python -m py_compile {_quoted(c)}`",
    "LP902": lambda c: f"save {c.path} in UTF-8, or declare its encoding in line 1",
}

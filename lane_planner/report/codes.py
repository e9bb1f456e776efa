"""What each code of `check` and `cycles` means, for formats that explain their rules."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["error", "warning", "note"]


class Code(msgspec.Struct, frozen=True):
    """What a code means.

    Attributes:
        name: of the rule, in camel case.
        short: what is wrong, without a full stop.
        full: the same in whole sentences.
        help: what can be done about it.
        level: how bad a new finding is.
    """

    name: str
    short: str
    full: str
    help: str
    level: Level


CODES = {
    "LP101": Code(
        "ForbiddenLaneImport",
        "Import from a lane that the importer's lane may not import",
        "A module may import its own lane, the lanes that its lane lists under `imports`, the "
        "standard library and third-party packages, and nothing else.",
        "Import it from a lane that is allowed, promote what is imported, or turn the import "
        "round: let the importer be handed what it needs. `[[waivers]]` in lanes.toml excuses an "
        "import for a time.",
        "error",
    ),
    "LP102": Code(
        "ForbiddenLaneChain",
        "An allowed import leads, through a chain, into a lane that may not be imported",
        "The import itself is allowed, but what it imports leads on into a lane that the "
        "importer's lane may not import.",
        "Break the chain at any of its imports; the first one outside of the importer's lane is "
        "often the one that is not needed.",
        "error",
    ),
    "LP201": Code(
        "EagerCircularImport",
        "Circular import that runs when its modules are imported",
        "These modules import each other in a circle while they are being imported, so which of "
        "them comes first decides what the others see.",
        "Remove the imports that are named, move what both sides need into a module of its own, or "
        "import inside of the functions that use it. `lane-planner cycles` tells the fewest "
        "imports that break it.",
        "error",
    ),
    "LP202": Code(
        "DeferredCircularImport",
        "Circular import that needs imports inside of functions",
        "These modules import each other in a circle; at least one of the imports runs only when a "
        "function is called.",
        "Remove the imports that are named, or move what both sides need into a module of its own. "
        "`lane-planner cycles` tells the fewest imports that break it.",
        "error",
    ),
    "LP301": Code(
        "MissingModule",
        "Import of a first-party module that does not exist",
        "The first name is one of the repository's own, but there is no such module.",
        "Mend the name, or remove the import.",
        "note",
    ),
    "LP302": Code(
        "ImportBeyondTop",
        "Relative import beyond the top-level package",
        "The import has more leading dots than there are packages around the module.",
        "Write the absolute name.",
        "note",
    ),
    "LP406": Code(
        "ShadowedModule",
        "Another file has the same module name and is imported instead",
        "Two files claim one module name; Python imports the other one.",
        "Rename one of the two.",
        "note",
    ),
    "LP901": Code(
        "SyntaxError",
        "The file does not parse",
        "Python cannot compile the file. Its imports were read as far as they can be.",
        "Mend the line.",
        "warning",
    ),
    "LP902": Code(
        "UndecodableFile",
        "The file cannot be decoded",
        "The bytes are not text in the encoding that the file declares, so none of it was read.",
        "Save it in UTF-8, or declare its encoding.",
        "warning",
    ),
}
"""Every code that `check` and `cycles` report."""


def meaning(code: str) -> Code:
    """Return what a code means; one that is not in the table, as little as its name says."""
    return CODES.get(code) or Code(code, f"Finding {code}", f"Finding {code}.", "", "error")

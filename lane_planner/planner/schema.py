"""The plan as a document: schema `lane-planner/plan/1` (DESIGN section 6)."""

from __future__ import annotations

import msgspec

from lane_planner.base.errors import UsageError

SCHEMA = "lane-planner/plan/1"


class PlannedHop(msgspec.Struct, frozen=True):
    """A change of lane.

    Attributes:
        source: lane that is left.
        target: lane that is reached.
    """

    source: str
    target: str


class PlannedMove(msgspec.Struct, frozen=True, order=True):
    """One module, path to path below the root."""

    source: str
    target: str


class PlannedStep(msgspec.Struct, frozen=True):
    """Moves that land together as one commit.

    Attributes:
        id: "s0001" onwards, in the order of landing.
        hop: index into the plan's hops.
        wave: from 1; steps of one wave have no order between them.
        batch: from 1 over the whole plan; steps of one batch are gated together.
        modules: names before the move, sorted.
        moves: sorted.
        rewrites: files whose imports follow, at their paths when the step lands, sorted.
        after: ids of the steps that must have landed, sorted.
        gates: names of the gates that apply, in their order.
    """

    id: str
    hop: int
    wave: int
    batch: int
    modules: tuple[str, ...]
    moves: tuple[PlannedMove, ...]
    rewrites: tuple[str, ...]
    after: tuple[str, ...]
    gates: tuple[str, ...]


class Cause(msgspec.Struct, frozen=True, order=True):
    """Why a module cannot be promoted.

    Attributes:
        code: as in DESIGN section 5.
        importer: the module that has to change; for a fault of a file, the module itself.
        imported: what it imports; "" for a fault of a file.
        path: the importer's file.
        line: of the import, from 1; 0 for a fault of a whole file.
        chain: from the blocked module over needed modules to the cause, names in order.
        detail: what else there is to say, in words; "" for nothing.
    """

    code: str
    importer: str
    imported: str
    path: str
    line: int
    chain: tuple[str, ...]
    detail: str = ""


class BlockedModule(msgspec.Struct, frozen=True):
    """A module that cannot be promoted, with every cause of its own and the way to each other.

    Attributes:
        module: its name.
        causes: sorted.
    """

    module: str
    causes: tuple[Cause, ...]


class Summary(msgspec.Struct, frozen=True):
    """The plan in figures; counts of modules, waves, steps, batches and distinct files."""

    candidates: int
    promotable: int
    blocked: int
    waves: int
    steps: int
    batches: int
    rewritten_files: int


class Plan(msgspec.Struct, frozen=True):
    """A promotion plan; see DESIGN section 6 for the fields."""

    schema: str
    tool: str
    commit: str | None
    config: str
    hops: tuple[PlannedHop, ...]
    summary: Summary
    steps: tuple[PlannedStep, ...]
    blocked: tuple[BlockedModule, ...]
    # What frees most is computed by a later version; the schema has its place.
    unlocks: tuple[dict[str, object], ...] = ()


def read_plan(content: bytes, where: str) -> Plan:
    """Return the plan that a document holds.

    Args:
        content: JSON.
        where: the file's name, for messages.

    Raises:
        UsageError: it is not JSON, or not a plan of this schema.
    """
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise UsageError(f"{where} is not JSON: {error}") from None
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise UsageError(
            f"{where} is not a plan of schema {SCHEMA} (found {schema!r}): make one with "
            "`lane-planner plan --format json`"
        )
    try:
        return msgspec.convert(found, Plan)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where} is not a valid plan: {error}") from None

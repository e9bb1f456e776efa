"""The plan as a document: schema `lane-planner/plan/1` (DESIGN section 6)."""

from __future__ import annotations

import hashlib

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import encodable

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
    """One module, path to path below the root.

    Attributes:
        source: when its hop begins.
        target: after the move.
    """

    source: str
    target: str


class Score(msgspec.Struct, frozen=True):
    """What a step's place among those that could land as early is chosen by.

    Attributes:
        preferred: whether the user asked for one of its modules, or for one that needs it.
        unlock: how many modules wait for the step, directly or not.
        importers: how many files it rewrites.
        recency: days since a commit last touched one of its files, up to the planned commit; None:
            not asked for, or no commit did.
        churn: how many commits touched its files; None: not asked for.
        total: the weighted sum; None: no weights were given, and `unlock` (more first), then
            `importers` (fewer first) decide.
    """

    preferred: bool
    unlock: int
    importers: int
    recency: float | None = None
    churn: int | None = None
    total: float | None = None


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
        score: what its place is chosen by.
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
    score: Score | None = None


class PlannedBatch(msgspec.Struct, frozen=True):
    """Steps that are gated together: one pull request.

    Attributes:
        id: from 1 over the whole plan, in the order of landing.
        hop: index into the plan's hops.
        wave: of all its steps.
        steps: their ids, in the order of landing.
        modules: how many modules move.
        moved: how many files move.
        rewritten: how many other files change: their imports follow, or they are made.
        lines: how many import statements have to change.
        gates: names of the gates that apply to one of its steps, in their order.
        after: ids of the batches that must have landed: those with a step that one of its steps
            waits for, and the last one before it that edits a file that it edits, sorted.
    """

    id: int
    hop: int
    wave: int
    steps: tuple[str, ...]
    modules: int
    moved: int
    rewritten: int
    lines: int
    gates: tuple[str, ...]
    after: tuple[int, ...]


class Cause(msgspec.Struct, frozen=True, order=True):
    """Why a module cannot be promoted.

    Attributes:
        code: LP101 and so on.
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
        module: its name, when its hop begins.
        causes: sorted; names and paths in them are those of that moment.
        hop: index into the plan's hops.
    """

    module: str
    causes: tuple[Cause, ...]
    hop: int = 0


class Fix(msgspec.Struct, frozen=True, order=True):
    """Something to mend that stands in the way of promotions.

    Attributes:
        code: of what it mends.
        importer: the module that has to change; for a module that is missing, the first that
            imports it.
        imported: what it imports; "" for a fault of a file.
        path: the importer's file.
        line: of the first import concerned, from 1; 0 for a fault of a whole file.
        id: how `--assume-fixed` calls it.
        lines: of all imports concerned in that file, sorted.
        breakers: for a circle: the imports, (importer, imported), without which it is none.
        what: in words, what to do.
    """

    code: str
    importer: str
    imported: str
    path: str
    line: int
    id: str
    lines: tuple[int, ...] = ()
    breakers: tuple[tuple[str, str], ...] = ()
    what: str = ""


class Unlock(msgspec.Struct, frozen=True):
    """What a fix frees.

    Attributes:
        fix: what to mend.
        frees: how many modules can move if it alone is mended, and cannot now.
        running_total: how many can if it and all before it in the list are mended.
    """

    fix: Fix
    frees: int
    running_total: int


class PackageUnlock(msgspec.Struct, frozen=True):
    """What mending every file of a directory frees.

    Attributes:
        directory: its path.
        frees: how many modules can move then, and cannot now.
        files: how many files below it have something to mend.
    """

    directory: str
    frees: int
    files: int


class Summary(msgspec.Struct, frozen=True):
    """The plan in figures.

    Attributes:
        candidates: modules that are to be promoted; over several hops, those of the first lane.
        promotable: how many of them reach the last lane.
        blocked: how many modules cannot move, in any hop.
        waves: of all hops.
        steps: of all hops.
        batches: of all hops.
        rewritten_files: distinct files that follow.
        structural: how many could leave the first lane if all modules were covered by tests.
        excluded: how many stay there because the user said so.
    """

    candidates: int
    promotable: int
    blocked: int
    waves: int
    steps: int
    batches: int
    rewritten_files: int
    structural: int = 0
    excluded: int = 0


class Plan(msgspec.Struct, frozen=True):
    """A promotion plan.

    Attributes:
        schema: name and version of the format.
        tool: version of the tool.
        commit: the commit that was analysed, "…-dirty" where Python files differ from it, a plan
            that `apply` refuses; None outside git.
        config: "sha256:…" of what the configuration means.
        hops: in order; each begins where the one before ends.
        summary: figures.
        steps: in the order of landing.
        batches: likewise.
        blocked: what cannot move, by hop and name.
        unlocks: up to 100 fixes, the one that frees most given those before it first.
        assumed: what was assumed to be otherwise than it is (fixes by id, promoted modules);
            such a plan is not for carrying out.
        digest: "sha256:…" of all the rest; a plan that was edited does not have it, and `apply`
            refuses it.
    """

    schema: str
    tool: str
    commit: str | None
    config: str
    hops: tuple[PlannedHop, ...]
    summary: Summary
    steps: tuple[PlannedStep, ...]
    batches: tuple[PlannedBatch, ...]
    blocked: tuple[BlockedModule, ...]
    unlocks: tuple[Unlock, ...] = ()
    assumed: tuple[str, ...] = ()
    digest: str = ""


def sealed(plan: Plan) -> Plan:
    """Return a plan with the digest of its content."""
    return msgspec.structs.replace(plan, digest=_digest(plan))


def _digest(plan: Plan) -> str:
    bare = msgspec.structs.replace(plan, digest="")
    try:
        content = msgspec.json.encode(bare)
    except UnicodeEncodeError:
        # As it is written, so that what is read back has the same digest.
        content = msgspec.json.encode(encodable(msgspec.to_builtins(bare)))
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


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

"""Plans written by hand, for what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from lane_planner.planner.schema import (
    SCHEMA,
    BlockedModule,
    Cause,
    Plan,
    PlannedBatch,
    PlannedHop,
    PlannedMove,
    PlannedStep,
    Score,
    Summary,
)

HOP = PlannedHop("candidate", "core")


def path_of(name: str) -> str:
    """Return where a module of that name stands."""
    return f"{name.replace('.', '/')}.py"


def step_of(
    number: int, name: str, *, wave: int = 1, batch: int = 1, hop: int = 0, **more: Any
) -> PlannedStep:
    """Return a step of one module."""
    target = f"core{name.removeprefix('candidate')}"
    step = PlannedStep(
        id=f"s{number:04d}", hop=hop, wave=wave, batch=batch, modules=(name,),
        moves=(PlannedMove(path_of(name), path_of(target)),), rewrites=(), after=(), gates=("unit",),
        score=Score(False, 0, 0),
    )  # fmt: skip
    return msgspec.structs.replace(step, **more)


def batch_of(number: int, steps: Sequence[PlannedStep], *after: int) -> PlannedBatch:
    """Return a batch of some steps."""
    return PlannedBatch(
        id=number, hop=steps[0].hop, wave=steps[0].wave, steps=tuple(step.id for step in steps),
        modules=len(steps), moved=len(steps), rewritten=0, lines=0,
        gates=tuple(dict.fromkeys(gate for step in steps for gate in step.gates)), after=after,
    )  # fmt: skip


def blocked_of(name: str, *causes: Cause, hop: int = 0) -> BlockedModule:
    """Return a blocked module; without causes, one that does not parse."""
    own = causes or (Cause("LP901", name, "", path_of(name), 1, (name,)),)
    return BlockedModule(name, own, hop)


def plan_of(
    steps: Sequence[PlannedStep],
    blocked: Sequence[BlockedModule] = (),
    *,
    hops: tuple[PlannedHop, ...] = (HOP,),
    **more: Any,
) -> Plan:
    """Return a plan of some steps, with figures that go with them."""
    by_batch: dict[int, list[PlannedStep]] = {}
    for step in steps:
        by_batch.setdefault(step.batch, []).append(step)
    modules = sum(len(step.modules) for step in steps)
    plan = Plan(
        schema=SCHEMA, tool="0", commit="c" * 40, config="sha256:0", hops=hops,
        summary=Summary(
            candidates=modules + len(blocked), promotable=modules, blocked=len(blocked),
            waves=len({step.wave for step in steps}), steps=len(steps), batches=len(by_batch),
            rewritten_files=0, structural=modules,
        ),
        steps=tuple(steps),
        batches=tuple(batch_of(number, members) for number, members in by_batch.items()),
        blocked=tuple(blocked),
    )  # fmt: skip
    return msgspec.structs.replace(plan, **more)

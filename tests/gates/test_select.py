"""A gate applies by the paths that move, before or after."""

from __future__ import annotations

import pytest

from lane_planner.config.settings import Gate
from lane_planner.gates.select import applying, phase_paths
from lane_planner.promotion.values import FileMove

ETHICS = FileMove("candidate/ethics/a.py", "core/ethics/a.py")
PLAIN = FileMove("candidate/b.py", "core/b.py")
INTO = FileMove("candidate/c.py", "core/memory/c.py")


def gate(name: str, *when: str, phase: str = "after") -> Gate:
    return Gate(name=name, command=("true",), phase=phase, when=when)  # type: ignore[arg-type]


GATES = (
    gate("unit"),
    gate("guardian", "**/ethics/**", "**/consciousness/**"),
    gate("speed", "**/memory/**"),
    gate("leaving", "candidate/b.py"),
    gate("early", phase="before"),
    gate("early-ethics", "**/ethics/**", phase="before"),
)


@pytest.mark.parametrize(
    ("phase", "moves", "expected"),
    [
        ("after", (PLAIN,), ["unit", "leaving"]),
        ("after", (ETHICS,), ["unit", "guardian"]),
        ("after", (INTO,), ["unit", "speed"]),
        ("after", (INTO, ETHICS), ["unit", "guardian", "speed"]),
        ("after", (), ["unit"]),
        ("before", (PLAIN,), ["early"]),
        ("before", (ETHICS,), ["early", "early-ethics"]),
    ],
)
def test_which_gates_apply(phase: str, moves: tuple[FileMove, ...], expected: list[str]) -> None:
    found = applying(GATES, phase, moves)  # type: ignore[arg-type]
    assert [gate.name for gate in found] == expected


def test_gates_of_a_wave_and_of_a_batch() -> None:
    gates = (gate("fast"), Gate("whole", ("true",), scope="wave"), gate("early", phase="before"))
    found = {
        scope: [gate.name for gate in applying(gates, "after", (PLAIN,), scope)]
        for scope in ("batch", "wave", None)
    }
    assert found == {"batch": ["fast"], "wave": ["whole"], None: ["fast", "whole"]}


def test_paths_stand_where_the_phase_finds_them() -> None:
    assert phase_paths("before", [ETHICS, PLAIN]) == (ETHICS.source, PLAIN.source)
    assert phase_paths("after", [ETHICS, PLAIN]) == (ETHICS.target, PLAIN.target)

"""Evidence is complete as JSON, and as Markdown nothing in it acts as markup."""

from __future__ import annotations

import json
import os
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.gates.command import GateResult
from lane_planner.gates.evidence import (
    Evidence,
    ModuleCoverage,
    ModuleImports,
    Renamed,
    evidence_of,
    to_json,
    to_markdown,
)
from lane_planner.promotion.references.ledger import LedgerEntry
from lane_planner.promotion.values import FileMove, FileWrite, Promotion

PASSED = GateResult("unit", "after", ("pytest", "tests/unit"), 0, 1.26, True, False, "ok\n")
FAILED = GateResult("smoke", "after", ("make", "smoke"), 2, 0.5, False, False, "why\nnot\n")
LATE = GateResult("slow", "before", ("sleep", "9"), -9, 9.0, False, True, "")


def promotion(name: str, *, shared: str = "tests/test_x.py") -> Promotion:
    return Promotion(
        source_lane="candidate",
        target_lane="core",
        name=name,
        modules=(f"candidate.{name}",),
        renamed=((f"candidate.{name}", f"core.{name}"),),
        moves=(FileMove(f"candidate/{name}.py", f"core/{name}.py"),),
        writes=(FileWrite(shared, b"", "rewritten"), FileWrite(f"core/{name}_", b"", "made")),
        deletes=(f"candidate/old_{name}.py",),
        notes=("a note", f"a note on {name}"),
        ledger=(
            LedgerEntry(
                "README.md", 3, 4, f"candidate.{name}", "markdown", "needs a person", "short"
            ),
        ),
    )


def evidence(**changes: object) -> Evidence:
    found = evidence_of(
        "promote(candidate→core): b",
        [promotion("b"), promotion("a")],
        base="1" * 40,
        result="2" * 40,
        gates=[PASSED],
        coverage=[ModuleCoverage("candidate.b", None), ModuleCoverage("candidate.a", 0.7499)],
        coverage_min=0.75,
        imports=[ModuleImports("candidate.a", (("os", "eager"),), (("core.b", "deferred"),))],
    )
    return msgspec.structs.replace(found, **changes)


def test_promotions_are_put_together() -> None:
    found = evidence()
    assert found.modules == (Renamed("candidate.a", "core.a"), Renamed("candidate.b", "core.b"))
    assert [move.source for move in found.moves] == ["candidate/a.py", "candidate/b.py"]
    assert (found.rewritten, found.made) == (("tests/test_x.py",), ("core/a_", "core/b_"))
    assert found.deleted == ("candidate/old_a.py", "candidate/old_b.py")
    assert found.notes == ("a note", "a note on b", "a note on a")
    assert [entry.module for entry in found.coverage] == ["candidate.a", "candidate.b"]


def test_the_ledger_is_cut_and_shows_first_what_needs_a_person() -> None:
    entries = [LedgerEntry("a.md", n, 0, "x", "text", "ignored", "") for n in range(60)]
    entries.append(LedgerEntry("z.md", 1, 0, "x", "text", "needs a person", ""))
    text = to_markdown(evidence(ledger=tuple(entries)))
    table = text.split("## Where else it is named\n\n")[1].split("\n\n")
    assert table[0] == "61 places name it: 0 rewritten, 1 needs a person, 60 ignored."
    rows = table[1].split("\n")[2:]
    assert len(rows) == 50
    assert rows[0].startswith("| `z.md` |")
    assert table[2].startswith("… and 11 more.")


def test_json_has_everything() -> None:
    told = json.loads(to_json(evidence()))
    assert next(iter(told)) == "schema"
    assert msgspec.convert(told, Evidence) == evidence()
    assert to_json(evidence()).endswith(b"}\n")


def test_json_holds_names_of_any_bytes() -> None:
    name = os.fsdecode(b"candidate/\xff.py")
    told = json.loads(to_json(evidence(rewritten=(name, 'quote"\n.py'))))
    assert told["rewritten"] == ["candidate/\\xff.py", 'quote"\n.py']


EXPECTED = """\
# promote(candidate→core): b

|  |  |
| --- | --- |
| base | `1111111111111111111111111111111111111111` |
| result | `2222222222222222222222222222222222222222` |
| files | 2 files moved, 1 rewritten, 2 made, 2 deleted |
| gates | 1 of 1 passed |
| coverage asked for | 75.0 % |

## Modules

| before | after | coverage |
| --- | --- | --- |
| `candidate.a` | `core.a` | 74.9 % |
| `candidate.b` | `core.b` | no data |

## Imports that changed

| module | before | after |
| --- | --- | --- |
| `candidate.a` | `os` eager | `core.b` deferred |

## Gates

| gate | phase | result | time | command |
| --- | --- | --- | --- | --- |
| unit | after | passed | 1.3 s | `pytest tests/unit` |

## Notes

- a note
- a note on b
- a note on a

## Where else it is named

2 places name it: 0 rewritten, 2 need a person, 0 ignored.

| file | place | names | status | why |
| --- | --- | --- | --- | --- |
| `README.md` | 3:5 | `candidate.a` | needs a person | short |
| `README.md` | 3:5 | `candidate.b` | needs a person | short |

<details><summary>7 files</summary>

| before |  | after |
| --- | --- | --- |
| `candidate/a.py` | moved to | `core/a.py` |
| `candidate/b.py` | moved to | `core/b.py` |
|  | rewritten | `tests/test_x.py` |
|  | made | `core/a_` |
|  | made | `core/b_` |
| `candidate/old_a.py` | deleted |  |
| `candidate/old_b.py` | deleted |  |

</details>
"""


def test_markdown_of_the_common_case_fits_a_screen() -> None:
    assert to_markdown(evidence()) == EXPECTED


def test_flaky_gates_show_how_they_failed() -> None:
    gates = (
        msgspec.structs.replace(PASSED, attempts=3, flaky=True, output="once in a while"),
        msgspec.structs.replace(FAILED, attempts=2),
        msgspec.structs.replace(PASSED, attempts=0, output="no test reaches what changed\n"),
    )
    text = to_markdown(evidence(gates=gates))
    assert "| unit | after | passed at attempt 3, flaky | 1.3 s |" in text
    assert "Output of unit when it failed (its end):\n\n```text\nonce in a while\n```" in text
    assert "| smoke | after | **FAILED (2), 2 times** |" in text
    assert "| unit | after | not needed |" in text
    assert "no test reaches" not in text


def test_a_command_of_a_thousand_tests_is_cut() -> None:
    long = msgspec.structs.replace(PASSED, command=("pytest", *["tests/test_a.py"] * 1_000))
    (row,) = [line for line in to_markdown(evidence(gates=(long,))).split("\n") if "1.3 s" in line]
    assert row.endswith(" …` |") and len(row) < 400


def test_failed_gates_show_the_end_of_their_output() -> None:
    text = to_markdown(evidence(gates=(PASSED, FAILED, LATE)))
    assert "| gates | 1 of 3 passed |" in text
    assert "| smoke | after | **FAILED (2)** | 0.5 s | `make smoke` |" in text
    assert "| slow | before | **timed out** | 9.0 s | `sleep 9` |" in text
    assert "Output of smoke (its end):\n\n```text\nwhy\nnot\n```" in text
    long = msgspec.structs.replace(FAILED, output="".join(f"line {n}\n" for n in range(500)))
    shown = to_markdown(evidence(gates=(long,)))
    assert "line 499" in shown and "line 400\n" not in shown


def test_long_lists_are_cut_and_say_so() -> None:
    notes = tuple(f"note {n}" for n in range(100))
    moves = tuple(FileMove(f"a{n}", f"b{n}") for n in range(1_100))
    text = to_markdown(evidence(notes=notes, moves=moves))
    assert "- … and 75 more." in text
    assert "… and 1,080 more." in text


HOSTILE = [
    "a|b",
    "a`b",
    "``",
    "new\nline | # heading",
    "<script>alert(1)</script>",
    "<!--",
    "@everyone",
    "#1",
    "[x](javascript:1)",
    "![x](http://evil/x.png)",
    "**bold** __init__ ~~x~~",
    "&lt;",
    " space ",
    "",
    "\\|",
    "ends with \\",
    "\u202eright to left",
    "\x1b[31mred",
    os.fsdecode(b"\xff"),
    "http://example.org www.example.org",
    "1. item",
    "- item",
    "$x$",
]


def cells(text: str, section: str) -> list[list[str]]:
    table = text.split(f"## {section}\n\n")[1].split("\n\n", maxsplit=1)[0]
    return [row[2:-2].split(" | ") for row in table.split("\n")[2:]]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_act_as_markup(name: str) -> None:
    gate = msgspec.structs.replace(FAILED, name=name, command=(name, name))
    text = to_markdown(
        evidence(
            title=name,
            modules=(Renamed(name, name),),
            gates=(gate,),
            notes=(name,),
            ledger=(LedgerEntry(name, 1, 0, name, "toml", "needs a person", name),),
            coverage=(),
            imports=(ModuleImports(name, (), ((name, "eager"),)),),
        )
    )
    text.encode("utf-8")
    assert all(len(row) == 2 for row in cells(text, "Modules"))
    assert all(len(row) == 5 for row in cells(text, "Gates"))
    outside = re.sub(r"`[^`\n]*`|```text\n.*?\n```", "", text, flags=re.DOTALL)
    for markup in ("<script", "<!--", "@everyone", "](", "**bold", "__init__", "http://", "\x1b"):
        assert markup not in outside
    headings = [line for line in outside.split("\n") if line.startswith("#")]
    assert [line for line in headings[1:] if not line.startswith("## ")] == []
    assert len(headings) == 6


@given(st.text(max_size=40))
def test_any_name_keeps_the_tables_whole(name: str) -> None:
    gate = msgspec.structs.replace(PASSED, name=name, command=(name,))
    text = to_markdown(evidence(modules=(Renamed(name, name),), coverage=(), gates=(gate,)))
    text.encode("utf-8")
    table = text.split("## Modules\n\n")[1].split("\n\n")[0]
    assert len(table.split("\n")) == 3
    assert table.split("\n")[2].count("|") == 3


@pytest.mark.parametrize("output", ["```\n# out\n", "``````", "a ` b", "~~~\n", "x\r\ny\x1b[0m\n"])
def test_output_cannot_leave_its_block(output: str) -> None:
    text = to_markdown(evidence(gates=(msgspec.structs.replace(FAILED, output=output),)))
    block = text.split("(its end):\n\n")[1]
    fence = re.match("`+", block)
    assert fence is not None
    body = block[len(fence.group()) :].split(f"\n{fence.group()}\n")[0]
    assert fence.group() not in body
    assert block.count(f"\n{fence.group()}\n") == 1
    assert "\x1b" not in text

"""Plans in every format: what a name holds, however odd, changes nothing but its own cell."""

from __future__ import annotations

import csv
import io
import json
import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lane_planner.base.text import encodable, printable
from lane_planner.planner.diff import diff_plans
from lane_planner.planner.schema import Fix, PlannedHop, PlannedMove, Score, Summary, Unlock
from lane_planner.report.plans import (
    diff_text,
    plan_csv,
    plan_jsonl,
    plan_markdown,
    plan_text,
)
from tests.report.plans import HOP, blocked_of, path_of, plan_of, step_of

NASTY = (
    "a,b", 'a"b', "a\nb", "a\r\nb", "=cmd|' /C calc'!A0", "+1", "-1", "@sum", "'=1", "\t=1", "＝1",
    "a;=1", "a|b", "a`b", "<img onerror=x src=y>", "[x](javascript:y)", "**b** __i__", "&lt;",
    "\udc80", "\udcff=x", "\x1b[31m", "\u202eabc", " ", "",
)  # fmt: skip

odd_names = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.sampled_from("ab.=+-@'\",;|\n\r\t<>`[]*_&#!\\/\udc80\u202e\x1b ＝"), max_size=12),
)


# --- one line a move ---


def bare(cell: str) -> str:
    """Return the text of a cell, as docs/formats.md says to read it."""
    return re.sub(r"(\A|[;\t\r\n])'", r"\1", cell)


@given(st.lists(odd_names, min_size=1, max_size=4, unique=True))
def test_csv_gives_every_name_back(names: list[str]) -> None:
    plan = plan_of([step_of(number, name) for number, name in enumerate(names, 1)])
    text = plan_csv(plan)
    content = text.encode("utf-8")  # nothing in it cannot be encoded
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    assert [bare(row["module"]) for row in rows] == [encodable(name) for name in names]
    assert [bare(row["source"]) for row in rows] == [encodable(path_of(name)) for name in names]
    for row in rows:
        assert not any(
            cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for cell in row.values()
        )


@given(st.lists(odd_names, min_size=1, max_size=3), st.sampled_from(";\t"))
def test_csv_is_safe_where_other_signs_part_the_cells(names: list[str], sign: str) -> None:
    text = plan_csv(plan_of([step_of(number, name) for number, name in enumerate(names, 1)]))
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign):
        assert not any(cell.startswith(("=", "+", "-", "@", "＝")) for cell in row)


def test_csv_is_as_rfc_4180_says() -> None:
    score = Score(True, 3, 2, 1.5, 4, -0.25)
    plan = plan_of(
        [step_of(1, "candidate.a,b", score=score), step_of(2, "candidate.c", score=None)]
    )
    assert plan_csv(plan) == (
        "source,target,module,step,hop,wave,batch,score_preferred,score_unlock,score_importers,"
        "score_recency,score_churn,score_total\r\n"
        '"candidate/a,b.py","core/a,b.py","candidate.a,b",s0001,0,1,1,true,3,2,1.5,4,-0.25\r\n'
        "candidate/c.py,core/c.py,candidate.c,s0002,0,1,1,,,,,,\r\n"
    )


@given(st.lists(odd_names, min_size=1, max_size=4, unique=True))
def test_jsonl_gives_every_name_back(names: list[str]) -> None:
    plan = plan_of([step_of(number, name) for number, name in enumerate(names, 1)])
    text = plan_jsonl(plan)
    text.encode("utf-8")
    lines = text.split("\n")
    assert lines.pop() == ""
    found = [json.loads(line) for line in lines]
    assert [entry["module"] for entry in found] == [encodable(name) for name in names]
    assert [list(entry) for entry in found] == [
        ["source", "target", "module", "step", "hop", "wave", "batch", "score"]
    ] * len(names)
    assert found[0]["score"] == msgspec.to_builtins(Score(False, 0, 0))


def test_each_move_has_its_own_module() -> None:
    """A step names its modules and its files, both sorted: a package sorts otherwise as a file."""
    moves = {
        "src/candidate/p/__init__.py": "candidate.p",
        "src/candidate/p-q.x.py": "src/candidate/p-q.x.py",
        "src/candidate/p/a.py": "candidate.p.a",
        "src/candidate/a.py": "candidate.a",
        "lib/a.py": "a",
    }
    step = step_of(
        1, "candidate.p", modules=tuple(sorted(moves.values())),
        moves=tuple(sorted(PlannedMove(path, f"to/{path}") for path in moves)),
    )  # fmt: skip
    found = [json.loads(line) for line in plan_jsonl(plan_of([step])).splitlines()]
    assert {entry["source"]: entry["module"] for entry in found} == moves


# --- Markdown ---


@given(odd_names, st.integers(0, 22))
def test_no_name_acts_as_markdown(name: str, unlocks: int) -> None:
    fix = Fix("LP101", name, name, name, 1, "id", what=f"remove {name} from {name}")
    plan = plan_of(
        [step_of(1, "candidate.a", gates=(name, "unit"))], [blocked_of(name)],
        hops=(PlannedHop(f"a{name}", f"b{name}"),), commit=name, config=name, assumed=(name,),
        unlocks=(Unlock(fix, 1, 1),) * unlocks,
    )  # fmt: skip
    text = plan_markdown(plan)
    text.encode("utf-8")
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "text_special", "code_inline"}
    blocks = {token.type for token in tokens}
    assert "html_block" not in blocks
    headings = [token for token in tokens if token.type == "heading_open"]
    assert len(headings) == 3 + bool(unlocks)
    widths = []
    for token in tokens:
        if token.type == "tr_open":
            widths.append(0)
        elif token.type in ("th_open", "td_open"):
            widths[-1] += 1
    assert widths[-min(unlocks, 20) - 1 :] == [3] * (min(unlocks, 20) + 1)
    assert widths.count(8) == 2
    assert "<img" not in text
    assert ("… and 2 more." in text) == (unlocks == 22)


def test_markdown() -> None:
    steps = [step_of(1, "candidate.a"), step_of(2, "candidate.b", wave=2, batch=2)]
    fix = Fix("LP901", "candidate.x", "", "candidate/x.py", 1, "id", what="mend candidate/x.py")
    plan = plan_of(steps, [blocked_of("candidate.x")], unlocks=(Unlock(fix, 1, 1),))
    second = msgspec.structs.replace(
        plan.batches[1], rewritten=3, lines=1_004, gates=("unit", "a|b"), after=(1,)
    )
    plan = msgspec.structs.replace(plan, batches=(plan.batches[0], second))
    assert (
        plan_markdown(plan)
        == f"""\
## Promotion plan: `candidate` → `core`

| figure | value |
| --- | ---: |
| commit | `{"c" * 40}` |
| configuration | `sha256:0` |
| candidates | 3 |
| promotable | 2 |
| blocked | 1 |
| waves | 2 |
| steps | 2 |
| batches | 2 |
| rewritten files | 0 |
| structural | 2 |
| excluded | 0 |

### Batches

| batch | wave | modules | files moved | files rewritten | import statements changed | gates | waits for |
| ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |
| 1 | 1 | 1 | 1 | 0 | 0 | `unit` |  |
| 2 | 2 | 1 | 1 | 3 | 1,004 | `unit`, a&#124;b | 1 |

### Blocked

| code | modules blocked | meaning |
| --- | ---: | --- |
| LP901 | 1 | does not parse |

### What to mend first

| fix | frees | running total |
| --- | ---: | ---: |
| mend candidate/x.py | 1 | 1 |
"""
    )


# --- text ---


@given(odd_names)
def test_text_obeys_no_name(name: str) -> None:
    fix = Fix("LP101", name, name, name, 1, "id", what=name)
    plan = plan_of(
        [step_of(1, name, gates=(name,))], [blocked_of(name)],
        unlocks=(Unlock(fix, 1, 1),), assumed=(name,),
    )  # fmt: skip
    for text in (
        plan_text(plan, width=100),
        diff_text(diff_plans(plan, plan_of([])), (name, name), width=100),
    ):
        text.encode("utf-8")
        assert all(printable(line) == line for line in text.split("\n"))


def test_one_hop() -> None:
    steps = [
        step_of(1, "candidate.a", gates=("coverage", "unit")),
        step_of(2, "candidate.b", batch=2, gates=("coverage", "guardian", "unit")),
        step_of(3, "candidate.c", wave=2, batch=3, gates=("coverage", "unit")),
    ]
    plan = plan_of(steps, [blocked_of("candidate.x")])
    summary = Summary(7, 3, 1, 2, 3, 3, 0, structural=5, excluded=1)
    plan = msgspec.structs.replace(plan, summary=summary)
    text = plan_text(plan, width=100)
    assert re.sub(" ─+\n", "", text) == (
        "candidate → core: 3 of 7 modules can be promoted, in 3 steps, 2 waves and 3 batches; "
        "0 files to be rewritten\n"
        "5 ready in structure, 3 of them covered\n"
        "1 module excluded\n"
        "\n"
        " wave   batches   steps   modules   files rewritten   first modules\n"
        "    1         2       2         2                 0   candidate.a, candidate.b\n"
        "    2         1       1         1                 0   candidate.c\n"
        "\n"
        "steps that need each gate: coverage 3, unit 3, guardian 1\n"
        "\n"
        "1 module blocked:\n"
        "\n"
        " code    modules blocked   meaning\n"
        " LP901                 1   does not parse\n"
    )


def test_several_hops_have_counts_of_their_own() -> None:
    steps = [
        step_of(1, "candidate.a"),
        step_of(2, "candidate.b"),
        step_of(3, "core.a", hop=1, wave=2, batch=2),
    ]
    blocked = [blocked_of("candidate.x"), blocked_of("core.b", hop=1)]
    plan = plan_of(steps, blocked, hops=(HOP, PlannedHop("core", "lukhas")))
    summary = msgspec.structs.replace(plan.summary, candidates=3, promotable=1, structural=2)
    lines = plan_text(msgspec.structs.replace(plan, summary=summary), width=100).split("\n")
    assert lines[0].startswith(
        "candidate → core → lukhas: 1 of 3 modules can be promoted all the way"
    )
    assert [line for line in lines if line.startswith("hop ")] == [
        "hop 1, candidate → core: 2 modules can be promoted, in 2 steps, 1 wave and 1 batch; 1 blocked",
        "hop 2, core → lukhas: 1 module can be promoted, in 1 step, 1 wave and 1 batch; 1 blocked",
    ]
    assert not any("ready in structure" in line for line in lines)


def test_what_is_long_is_cut() -> None:
    steps = [step_of(n, f"candidate.m{n}", wave=n, batch=n) for n in range(1, 24)]
    fixes = [Fix("LP901", f"candidate.x{n}", "", f"x{n}.py", 1, "id") for n in range(12)]
    plan = plan_of(steps, unlocks=tuple(Unlock(fix, 1, n + 1) for n, fix in enumerate(fixes)))
    text = plan_text(plan, width=100)
    assert "… and 3 more waves\n" in text
    assert "candidate.m20" in text
    assert "candidate.m21" not in text
    assert "what to mend first, the first 10 of 12:\n" in text
    assert "LP901 candidate.x9" in text
    assert "x10" not in text


def test_nothing_to_do() -> None:
    assert plan_text(plan_of([]), width=100) == (
        "candidate → core: nothing to do, lane candidate holds no module\n"
    )
    several = plan_of([], hops=(HOP, PlannedHop("core", "lukhas")))
    assert plan_text(several, width=100) == (
        "candidate → core → lukhas: nothing to do, lane candidate holds no module\n"
    )
    assert plan_jsonl(plan_of([])) == ""
    assert plan_csv(plan_of([])).count("\r\n") == 1
    assert "### " not in plan_markdown(plan_of([]))

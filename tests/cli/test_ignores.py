"""Inline ignores, waivers and chains in `check`, and what is stale among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.shop import CONFIG, NOT_PARSED, commit, run, shop
from tests.executor.repositories import git

UP = "LP101 candidate.up -> lukhas.app"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shop(tmp_path / "repo")


def write(root: Path, path: str, text: str) -> None:
    (root / path).write_text(text)


def check(root: Path, *arguments: str) -> Any:
    """Return what `check` says, as JSON."""
    return run(root, "check", "--format", "json", *arguments).json


def reasons(found: Any) -> list[str]:
    return [f"{one['kind']} {one['problem']}: {one['reason']}" for one in found["stale"]]


def test_an_import_that_is_ignored(root: Path) -> None:
    write(root, "candidate/up.py", "import lukhas.app  # lane: ignore[LP101] being extracted\n")
    ran = run(root, "check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f"no violation in 18 modules\nalso seen: 1 ignored violation (-v lists them)\n{NOT_PARSED}"
    )
    assert "candidate.up imports lukhas.app (ignored)\n" in run(root, "check", "-v").out
    found = check(root)
    assert [v["status"] for v in found["violations"]] == ["ignored"]
    assert (found["summary"]["new"], found["summary"]["ignored"]) == (0, 1)
    assert found["stale"] == []
    assert run(root, "check").out == ran.out  # from the cache


def test_plans_know_nothing_of_it(root: Path) -> None:
    write(root, "candidate/up.py", "import lukhas.app  # lane: ignore[LP101] being extracted\n")
    assert "LP101" in run(root, "explain", "candidate.up").out


@pytest.mark.parametrize(
    ("comment", "code", "expected"),
    [
        ("lane: ignore[LP101] why", 0, []),
        ("lane: ignore why", 0, []),
        ("lane: ignore[LP101,LP102] why", 0, []),  # nobody asked for chains
        ("lane: ignore[LP101, LP201] why", 0, ["ignore less: lets nothing of LP201 through"]),
        ("lane: ignore[LP201] why", 1, ["ignore unmatched: lets nothing of LP201 through"]),
        ("lane: ignore[LP101]", 1, ["ignore malformed: has no reason, and lets nothing through without one: add it"]),
        ("lane: ignore[] why", 1, ["ignore malformed: names no rule: write # lane: ignore[LP101] and a reason"]),
        ("lane: ignore[LP101,LP301] why", 0,
         ["ignore malformed: names LP301, but only LP101, LP102, LP201, LP202 can be ignored"]),
    ],
)  # fmt: skip
def test_what_an_ignore_does(root: Path, comment: str, code: int, expected: list[str]) -> None:
    write(root, "candidate/up.py", f"import lukhas.app  # {comment}\n")
    assert run(root, "check").code == code
    assert reasons(check(root)) == expected
    assert run(root, "check", "--strict").code == (1 if code or expected else 0)


def test_one_that_is_of_no_use(root: Path) -> None:
    write(root, "candidate/up.py", "")
    write(root, "candidate/a.py", "VALUE = 1\nimport core.base  # lane: ignore once needed\n")
    ran = run(root, "check")
    assert (ran.code, ran.out) == (
        0,
        f"candidate/a.py:2:19: ignore lets nothing through\nno violation in 18 modules\n{NOT_PARSED}",
    )
    assert check(root)["stale"] == [
        {"kind": "ignore", "problem": "unmatched", "reason": "lets nothing through",
         "path": "candidate/a.py", "line": 2, "column": 18}
    ]  # fmt: skip
    assert run(root, "check", "--strict").code == 1
    write(root, "candidate/a.py", "VALUE = 1  # lane: ignore once needed\n")
    assert reasons(check(root)) == ["ignore unmatched: stands at no import"]


def test_stale_things_are_one_list(root: Path) -> None:
    waivers = """
[[waivers]]
importer = "candidate.gone"
imported = "*"
reason = "was needed"

[[waivers]]
importer = "candidate.up"
imported = "lukhas.*"
reason = "was needed"
expires = 2026-01-01
"""
    write(root, "lanes.toml", CONFIG + waivers)
    write(root, "lanes-baseline.txt", f"LP101 candidate.gone -> lukhas.app\n{UP}  x2\n")
    write(root, "candidate/a.py", "# lane: ignore[LP101] why\nVALUE = 1\n")
    ran = run(root, "check", "--format", "json", "--today", "2026-02-01")
    assert ran.code == 0
    assert ran.json["stale"] == [
        {"kind": "waiver", "problem": "unmatched", "reason": "matches no violation",
         "importer": "candidate.gone", "imported": "*"},
        {"kind": "waiver", "problem": "expired", "reason": "expired on 2026-01-01",
         "importer": "candidate.up", "imported": "lukhas.*"},
        {"kind": "baseline", "problem": "unmatched", "reason": "matches no violation",
         "entry": "LP101 candidate.gone -> lukhas.app"},
        {"kind": "baseline", "problem": "less", "reason": "stands for 2, 1 is left",
         "entry": f"{UP}  x2"},
        {"kind": "ignore", "problem": "unmatched", "reason": "stands at no import",
         "path": "candidate/a.py", "line": 1, "column": 0},
    ]  # fmt: skip
    assert ran.json["summary"]["stale"] == 2  # of the baseline, as ever
    assert run(root, "check", "--strict", "--today", "2026-02-01").code == 1
    write(root, "lanes.toml", CONFIG)
    write(root, "candidate/a.py", "VALUE = 1\n")
    assert run(root, "check", "--strict").code == 1
    assert run(root, "check", "--strict", "--update-baseline").code == 0


# --- circles ---

RING = "import candidate.ring_two{}\n"


@pytest.mark.parametrize("codes", ["[LP201]", "[LP202]", ""])
def test_a_circle_without_an_ignored_import_is_none(root: Path, codes: str) -> None:
    write(root, "candidate/up.py", "")
    assert run(root, "check", "--cycles").code == 1
    write(root, "candidate/ring_one.py", RING.format(f"  # lane: ignore{codes} for now"))
    for arguments in (("--strict",), ("--cycles", "--strict")):  # it is in use, asked for or not
        ran = run(root, "check", *arguments)
        assert ran.code == 0, ran.out
    assert ran.out.endswith(f"no circular import\n{NOT_PARSED}")
    assert "also seen: 1 waived circular import" in ran.out
    (cycle,) = check(root, "--cycles")["cycles"]
    assert (cycle["status"], cycle["modules"]) == (
        "waived", ["candidate.ring_one", "candidate.ring_two"],
    )  # fmt: skip
    assert run(root, "cycles").code == 1  # it lists them all


def test_a_waiver_takes_an_import_out_of_circles(root: Path) -> None:
    waiver = '[[waivers]]\nimporter = "candidate.ring_*"\nimported = "candidate.ring_one"\nreason = "x"\n'
    write(root, "lanes.toml", CONFIG + waiver)
    write(root, "candidate/up.py", "")
    assert run(root, "check", "--cycles", "--strict").code == 0
    write(root, "candidate/ring_two.py", "")
    assert run(root, "check", "--cycles").code == 0
    assert reasons(check(root)) == ["waiver unmatched: matches no violation"]


def test_what_is_left_of_a_circle(root: Path) -> None:
    write(root, "candidate/up.py", "")
    write(root, "candidate/ring_two.py", "import candidate.ring_one, candidate.deep.part\n")
    write(root, "candidate/deep/part.py", "import candidate.ring_one  # lane: ignore[LP201] x\n")
    found = check(root, "--cycles")["cycles"]
    assert [(len(cycle["modules"]), cycle.get("status")) for cycle in found] == [
        (2, None), (3, "waived"),
    ]  # fmt: skip
    assert run(root, "check", "--cycles").code == 1


# --- chains ---


@pytest.fixture
def chained(root: Path) -> Path:
    """A repository in which candidate.a leads into lukhas, over core."""
    write(root, "candidate/up.py", "")
    write(root, "candidate/a.py", "import core.base\n")
    write(root, "candidate/b.py", "import core.base\n")
    write(root, "core/base.py", "import core.last\n")
    write(root, "core/last.py", "import lukhas.front\n")
    write(root, "lukhas/app.py", "")
    return root


LAST = "LP101 core.last -> lukhas.front"


def test_chains_are_told_by_what_they_share(chained: Path) -> None:
    assert run(chained, "check").out.count("LP102") == 0
    write(chained, "lanes-baseline.txt", f"{LAST}\n")
    ran = run(chained, "check", "--transitive")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "core/last.py:1: LP102 core.last → lukhas.front: 2 indirect violations",
        "  such as candidate.a → core.base → core.last → lukhas.front",
        "  next: take out the import at core/last.py:1, or pass lukhas.front in",
        "2 new violations in 18 modules: candidate → lukhas 2",
        "also seen: 1 baseline violation (-v lists them)",
        NOT_PARSED.rstrip("\n"),
    ]
    assert (
        "candidate/a.py:1:1: LP102 candidate may not lead into lane lukhas: "
        "candidate.a → core.base → core.last → lukhas.front\n"
    ) in run(chained, "check", "--transitive", "-v").out
    write(chained, "lanes.toml", f"transitive = true\n{CONFIG}")
    assert run(chained, "check").out == ran.out
    found = check(chained)
    one = found["violations"][0]
    assert one["chain"] == ["candidate.a", "core.base", "core.last", "lukhas.front"]
    assert (one["code"], one["imported"], one["imported_lane"], one["line"]) == (
        "LP102", "lukhas.front", "lukhas", 1,
    )  # fmt: skip
    assert "chain" not in found["violations"][-1]
    assert found["shared"] == [
        {"importer": "core.last", "imported": "lukhas.front", "path": "core/last.py", "line": 1,
         "chains": 2, "breaks": 2,
         "example": ["candidate.a", "core.base", "core.last", "lukhas.front"]}
    ]  # fmt: skip
    assert found["summary"]["LP102"] == 2


def test_chains_in_the_baseline(chained: Path) -> None:
    every = ("check", "--transitive", "--update-baseline", "--allow-additions")
    assert run(chained, *every).code == 0
    text = (chained / "lanes-baseline.txt").read_text()
    known = ["LP101 core.last -> lukhas.front", "LP102 candidate.a -> core.base",
             "LP102 candidate.b -> core.base"]  # fmt: skip
    assert text.splitlines()[1:] == known
    assert run(chained, "check", "--transitive", "--strict").code == 0
    assert run(chained, "check", "--strict").code == 0  # not asked for: not stale
    write(chained, "candidate/b.py", "")
    assert reasons(check(chained, "--transitive")) == ["baseline unmatched: matches no violation"]
    assert run(chained, "check", "--update-baseline").out.endswith(
        f": 0 removed, 0 added\n{NOT_PARSED}"
    )
    ran = run(chained, "check", "--transitive", "--update-baseline")
    assert ran.out.endswith(f": 1 removed, 0 added\n{NOT_PARSED}")


def test_one_ignore_breaks_all_chains_over_its_import(chained: Path) -> None:
    write(chained, "core/last.py", "import lukhas.front  # lane: ignore[LP101] for now\n")
    assert run(chained, "check", "--strict").code == 0
    assert run(chained, "check", "--transitive").code == 1
    write(chained, "core/last.py", "import lukhas.front  # lane: ignore[LP101, LP102] for now\n")
    ran = run(chained, "check", "--transitive", "--strict")
    assert ran.code == 0, ran.out
    assert ran.out.endswith(f"also seen: 3 ignored violations (-v lists them)\n{NOT_PARSED}")
    write(chained, "candidate/a.py", "")
    write(chained, "candidate/b.py", "")
    assert reasons(check(chained, "--transitive")) == ["ignore less: lets nothing of LP102 through"]


def test_a_waiver_for_chains_alone(chained: Path) -> None:
    waiver = '[[waivers]]\nimporter = "core.base"\nimported = "core.last"\nreason = "x"\n'
    write(chained, "lanes.toml", CONFIG + waiver)
    write(chained, "core/last.py", "import lukhas.front  # lane: ignore[LP101] for now\n")
    assert run(chained, "check", "--transitive", "--strict").code == 0
    write(chained, "candidate/a.py", "import core.last\n")
    assert run(chained, "check", "--transitive").code == 1


# --- promotions ---


def test_it_travels_with_a_module(root: Path) -> None:
    """Rewriting keeps comments, so an ignore stands where it stood."""
    write(root, "candidate/up.py", "")
    ignored = "# lane: ignore[LP101] why\nfrom {lane}.a import (\n    VALUE,  # lane: ignore[LP201] x\n)\n"
    write(root, "lukhas/late.py", ignored.format(lane="candidate"))
    write(
        root,
        "candidate/a.py",
        "import products.shop  # lane: ignore[LP101] being extracted\nVALUE = 1\n",
    )
    commit(root)
    assert run(root, "check").code == 0
    ran = run(root, "promote", "candidate.b", "core", "--apply")
    assert ran.code == 1  # planning judges every import
    write(
        root,
        "candidate/a.py",
        "import core.base  # lane: ignore[LP102] being extracted\nVALUE = 1\n",
    )
    commit(root)
    ran = run(root, "promote", "candidate.a", "core", "--apply")
    assert ran.code == 0, ran.err
    branch = "promote/candidate-to-core/a"
    moved = git(root, "show", f"{branch}:core/a.py").decode()
    assert moved.startswith("import core.base  # lane: ignore[LP102] being extracted\n")
    assert git(root, "show", f"{branch}:lukhas/late.py").decode() == ignored.format(lane="core")

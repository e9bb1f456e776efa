"""`check --diff REF`: what a change brought, and nothing that was there before."""

from __future__ import annotations

import datetime
import os
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lane_planner.repository.repository import Repository
from tests.cli.shop import CONFIG, NOT_PARSED, commit, run, shop
from tests.executor.repositories import ENVIRONMENT, git, new_repository

DAY = datetime.date(2026, 6, 15)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shop(tmp_path / "repo")


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def head(root: Path) -> str:
    return git(root, "rev-parse", "HEAD").decode().strip()


def diff(root: Path, *arguments: str, ref: str = "HEAD") -> Any:
    """Return what `check --diff` says, as JSON."""
    ran = run(root, "check", "--diff", ref, "--format", "json", *arguments)
    assert ran.code in (0, 1), ran.err
    counted = [c for c in ran.json.get("cycles", ()) if c.get("status") != "baseline"]
    assert ran.code == (1 if ran.json["violations"] or counted else 0)
    return ran.json


def names(found: Any) -> list[str]:
    return [f"{v['code']} {v['importer']} {v['imported']}" for v in found["violations"]]


def test_nothing_changed_nothing_brought(root: Path) -> None:
    ran = run(root, "check", "--diff", "HEAD", "--cycles")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "no violation in 18 modules\n"
        f"since HEAD ({head(root)[:12]}): 2 findings older\n"
        f"no circular import\n{NOT_PARSED}"
    )
    assert diff(root)["diff"] == {"ref": "HEAD", "commit": head(root), "older": 1}


def test_what_a_change_brought(root: Path) -> None:
    first = head(root)
    write(root, "candidate/new.py", "import lukhas.app\n")  # not even tracked
    write(root, "candidate/up.py", "X = 1\n\nimport lukhas.app\nimport lukhas.front\n")
    assert names(diff(root)) == [
        "LP101 candidate.new lukhas.app",
        "LP101 candidate.up lukhas.front",
    ]
    commit(root)
    assert names(diff(root)) == []
    assert names(diff(root, ref=first)) == [
        "LP101 candidate.new lukhas.app", "LP101 candidate.up lukhas.front",
    ]  # fmt: skip
    ran = run(root, "check", "--diff", first)
    assert ran.out.splitlines() == [
        "candidate/new.py:1:1: LP101 candidate may not import lane lukhas: "
        "candidate.new imports lukhas.app",
        "  next: take out the import at candidate/new.py:1: pass lukhas.app in, or move what is "
        "needed into a lane that candidate may import (core, matriz)",
        "candidate/up.py:4:1: LP101 candidate may not import lane lukhas: "
        "candidate.up imports lukhas.front",
        "  next: take out the import at candidate/up.py:4: pass lukhas.front in, or move what is "
        "needed into a lane that candidate may import (core, matriz)",
        "2 violations in 19 modules: candidate → lukhas 2",
        f"since {first} ({first[:12]}): 1 finding older",
        NOT_PARSED.rstrip("\n"),
    ]


def test_of_several_alike_the_last_are_new(root: Path) -> None:
    write(root, "candidate/up.py", "import lukhas.app\nX = 1\nimport lukhas.app\n")
    assert [v["line"] for v in diff(root)["violations"]] == [3]


def test_since_the_branches_parted(root: Path) -> None:
    """What main brought meanwhile is not ours, and what it mended is not either."""
    git(root, "checkout", "-q", "-b", "work")
    write(root, "candidate/ours.py", "import lukhas.app\n")
    commit(root)
    git(root, "checkout", "-q", "main")
    write(root, "candidate/theirs.py", "import lukhas.app\n")
    write(root, "candidate/up.py", "")
    commit(root)
    git(root, "checkout", "-q", "work")
    assert names(diff(root, ref="main")) == ["LP101 candidate.ours lukhas.app"]
    assert diff(root, ref="main")["diff"]["older"] == 1


def test_circles(root: Path) -> None:
    write(root, "candidate/deep/part.py", "import candidate.deep.other\n")
    write(root, "candidate/deep/other.py", "import candidate.deep.part\n")
    found = diff(root, "--cycles")
    assert [c["modules"] for c in found["cycles"]] == [
        ["candidate.deep.other", "candidate.deep.part"]
    ]
    commit(root)
    write(root, "candidate/deep/other.py", "")
    assert diff(root, "--cycles")["cycles"] == []  # one less
    write(root, "candidate/deep/other.py", "import candidate.deep.part, candidate.ring_one\n")
    write(root, "candidate/ring_two.py", "import candidate.ring_one, candidate.deep.other\n")
    (grown,) = diff(root, "--cycles")["cycles"]
    assert len(grown["modules"]) == 4
    assert diff(root)["diff"]["older"] == 1  # they were not asked for


def test_chains(root: Path) -> None:
    write(root, "candidate/a.py", "import core.base\n")
    write(root, "core/base.py", "import core.last\n")
    commit(root)
    write(root, "core/last.py", "import lukhas.front\n")
    found = diff(root, "--transitive")
    assert names(found) == ["LP102 candidate.a lukhas.front", "LP101 core.last lukhas.front"]
    assert found["shared"][0]["chains"] == 1
    commit(root)
    write(root, "core/base.py", "import core.last, core.third\n")
    write(root, "core/third.py", "import lukhas.app\n")
    write(root, "candidate/b.py", "import core.third\n")
    # candidate.a leads there as before, on another way too.
    assert names(diff(root, "--transitive")) == [
        "LP102 candidate.b lukhas.app", "LP101 core.third lukhas.app",
    ]  # fmt: skip


def test_a_moved_module_takes_its_findings_along(root: Path) -> None:
    body = "import lukhas.app\n" + "".join(f"VALUE_{n} = {n}\n" for n in range(30))
    write(root, "candidate/up.py", body)
    write(root, "products/shop.py", "import candidate.up\n")
    commit(root)
    (root / "candidate/sub").mkdir()
    for way in ("tracked and edited", "untracked"):
        if way == "untracked":
            (root / "candidate/up.py").rename(root / "candidate/sub/up.py")
        else:
            git(root, "mv", "candidate/up.py", "candidate/sub/up.py")
            write(root, "candidate/sub/up.py", body + "import lukhas.front\n")
        write(root, "products/shop.py", "import candidate.sub.up\n")
        found = names(diff(root))
        assert found == ([] if way == "untracked" else ["LP101 candidate.sub.up lukhas.front"]), way
        git(root, "reset", "-q", "--hard")
        shutil.rmtree(root / "candidate/sub", ignore_errors=True)
        (root / "candidate/sub").mkdir()


def test_a_copy_is_new(root: Path) -> None:
    shutil.copy(root / "candidate/up.py", root / "candidate/copy.py")
    assert names(diff(root)) == ["LP101 candidate.copy lukhas.app"]


def test_with_a_baseline(root: Path) -> None:
    write(root, "lanes-baseline.txt", "LP101 candidate.up -> lukhas.app\nLP101 candidate.x -> y\n")
    commit(root)
    found = diff(root)
    assert (names(found), found["stale"]) == ([], [])  # the stale entry is older
    write(root, "candidate/new.py", "import lukhas.app\n")
    assert names(diff(root)) == ["LP101 candidate.new lukhas.app"]
    write(root, "lanes-baseline.txt", "LP101 candidate.new -> lukhas.app\n")
    # Known is what the present baseline has; what was taken out of it counts from now on.
    assert names(diff(root)) == ["LP101 candidate.up lukhas.app"]
    write(root, "candidate/up.py", "")
    write(root, "lanes-baseline.txt", "LP101 candidate.up -> lukhas.app\n")
    found = diff(root)
    assert names(found) == ["LP101 candidate.new lukhas.app"]
    assert [one["entry"] for one in found["stale"]] == ["LP101 candidate.up -> lukhas.app"]


def test_rules_that_change_bring_findings(root: Path) -> None:
    write(root, "lanes.toml", CONFIG.replace('imports = ["core", "matriz"]', 'imports = ["core"]'))
    write(root, "candidate/a.py", "import matriz.node\n")
    assert names(diff(root)) == ["LP101 candidate.a matriz.node"]
    git(root, "checkout", "-q", "candidate/a.py")
    write(
        root, "lanes.toml", CONFIG.replace('imports = ["core", "matriz"]', 'imports = ["matriz"]')
    )
    assert names(diff(root)) == ["LP101 lukhas.app core.base"]


def test_an_ignore_or_waiver_that_goes_brings_its_finding_back(root: Path) -> None:
    write(root, "candidate/up.py", "import lukhas.app  # lane: ignore[LP101] why\n")
    commit(root)
    assert names(diff(root)) == []
    write(root, "candidate/up.py", "import lukhas.app\n")
    assert names(diff(root)) == ["LP101 candidate.up lukhas.app"]


def test_diagnostics_and_stale_things_are_those_of_the_change(root: Path) -> None:
    write(root, "candidate/a.py", "import core.gone  # lane: ignore[LP101] why\n")
    commit(root)
    found = diff(root)
    assert (found["diagnostics"], found["stale"]) == ([], [])
    write(root, "candidate/b.py", "import core.away  # lane: ignore[LP101] why\n")
    write(root, "candidate/a.py", "X = 1\nimport core.gone  # lane: ignore[LP101] why\n")
    found = diff(root)
    assert [d["message"] for d in found["diagnostics"]] == ["no module core.away"]
    assert [one["path"] for one in found["stale"]] == ["candidate/b.py"]
    assert run(root, "check", "--diff", "HEAD", "--strict").code == 1


def test_a_root_below_the_top(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo", root="inner")
    write(root, "candidate/new.py", "import lukhas.app\n")
    git(root, "mv", "candidate/up.py", "candidate/moved.py")
    assert names(diff(root)) == ["LP101 candidate.new lukhas.app"]


def test_without_a_configuration_then(root: Path) -> None:
    git(root, "rm", "-q", "--cached", "lanes.toml")
    git(root, "commit", "-q", "-m", "none")
    ran = run(root, "check", "--diff", "HEAD")
    assert ran.code == 0
    assert ran.err == "lanes.toml was not there then: the present one is used for both\n"
    write(root, "lanes.toml", "lanes = 3\n")
    commit(root)
    write(root, "lanes.toml", CONFIG)
    ran = run(root, "check", "--diff", "HEAD")
    assert ran.code == 0
    assert ran.err.startswith("of then ")
    assert ran.err.endswith(": the present one is used for both\n")


def test_a_bad_baseline_then(root: Path) -> None:
    write(root, "lanes-baseline.txt", "<<<<<<< HEAD\n")
    commit(root)
    (root / "lanes-baseline.txt").unlink()
    ran = run(root, "check", "--diff", "HEAD")
    assert ran.code == 0
    assert ran.err.startswith("the baseline of then is left out: lanes-baseline.txt:1: a merge")


@pytest.mark.parametrize("ref", ["nothing", "HEAD:README.md", "--all", "HEAD~99"])
def test_what_is_no_commit(root: Path, ref: str) -> None:
    ran = run(root, "check", f"--diff={ref}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.error() == f"no commit is called {ref} here: fetch it, or name another one"


def test_no_history(tmp_path: Path, root: Path) -> None:
    write(tmp_path / "bare", "lanes.toml", CONFIG)
    assert run(tmp_path / "bare", "check", "--diff", "HEAD").code == 2
    git(root, "checkout", "-q", "--orphan", "other")
    git(root, "commit", "-q", "-m", "other")
    ran = run(root, "check", "--diff", "main")
    assert (ran.code, ran.error()) == (
        4, "main and HEAD have no commit in common: name another one",
    )  # fmt: skip


def test_a_shallow_clone(root: Path, tmp_path: Path) -> None:
    git(root, "checkout", "-q", "-b", "work")
    for name in ("one", "two"):
        write(root, f"candidate/{name}.py", "import lukhas.app\n")
        commit(root)
    git(root, "checkout", "-q", "main")
    write(root, "candidate/three.py", "")
    commit(root)
    clone = tmp_path / "clone"
    git(
        tmp_path,
        "clone",
        "-q",
        "--depth=1",
        "--no-single-branch",
        "-b",
        "work",
        root.as_uri(),
        str(clone),
    )
    ran = run(clone, "check", "--diff", "origin/main")
    assert ran.code == 4
    assert ran.error() == (
        "where origin/main and HEAD parted is not here: this clone is shallow, fetch its history "
        "(`git fetch --unshallow`, in CI a fetch depth of 0)"
    )
    ran = run(clone, "check", "--diff", "HEAD~1")
    assert ran.code == 2
    assert "this clone is shallow" in ran.error()
    git(clone, "fetch", "-q", "--unshallow")
    assert len(diff(clone, ref="origin/main")["violations"]) == 2


def test_not_with_an_update(root: Path) -> None:
    ran = run(root, "check", "--diff", "HEAD", "--update-baseline")
    assert (ran.code, ran.error()) == (
        2, "--update-baseline writes down all that there is: leave out --diff",
    )  # fmt: skip


# --- beside two full runs ---

LANES = ("candidate", "core", "lukhas", "products", "matriz")
FULL = ("--cycles", "--transitive")


def random_files(draw: random.Random) -> dict[str, str]:
    """Return a few modules that import each other."""
    paths = [f"{draw.choice(LANES)}/m{n}.py" for n in range(9) if draw.random() < 0.8]
    dotted = [path.removesuffix(".py").replace("/", ".") for path in paths]
    marks = ("", "", "", "  # lane: ignore why", "  # lane: ignore[LP101] why")
    files = {}
    for number, path in enumerate(paths):
        lines = [
            f"import {draw.choice(dotted)}{draw.choice(marks)}"
            for _ in range(draw.choice((0, 1, 2, 3)))
        ]
        files[path] = "\n".join([f"NAME = '{'x' * 40}{number}{draw.random()}'", *lines, ""])
    return files


def keys(found: Any) -> Counter[Any]:
    """Return what counts among findings, by what it is known by."""
    every: Counter[Any] = Counter(
        (v["code"], v["importer"], v["chain"][1] if "chain" in v else v["imported"])
        for v in found["violations"]
        if v["status"] == "new"
    )
    every.update(
        (c["code"], *c["modules"]) for c in found["cycles"] if c.get("status", "new") == "new"
    )
    return every


def covered(circle: Any, before: Counter[Any]) -> bool:
    """Tell whether a circle is what is left of one before."""
    return any(
        known[0] in ("LP201", "LP202") and known[0] <= circle[0] and {*circle[1:]} <= {*known[1:]}
        for known in before
    )


@pytest.mark.parametrize("seed", range(25))
def test_as_the_difference_of_two_full_runs(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    config = {"lanes.toml": CONFIG.encode()}
    one = {**random_files(draw), "core/last.py": "LAST = 1\n"}
    other = {**random_files(draw), "core/last.py": "LAST = 1\n"}
    root = new_repository(tmp_path / "repo", config | {p: t.encode() for p, t in one.items()})
    before = keys(run(root, "check", "--format", "json", *FULL).json)
    for path in one:
        (root / path).unlink()
    for path, text in other.items():
        write(root, path, text)
    now = keys(run(root, "check", "--format", "json", *FULL).json)
    expected = now - before
    for finding in [f for f in expected if f[0] in ("LP201", "LP202") and covered(f, before)]:
        del expected[finding]
    assert keys(diff(root, *FULL)) == expected
    assert keys(run(root, "check", "--format", "json", *FULL).json) == now  # the cache is as it was


def test_the_working_tree_is_not_touched(root: Path) -> None:
    write(root, "candidate/new.py", "import lukhas.app\n")
    git(root, "add", "candidate/new.py")
    index = (root / ".git/index").read_bytes()
    os.utime(root / "candidate/a.py", (1, 1))  # git would like to note that
    diff(root)
    assert (root / ".git/index").read_bytes() == index


def test_only_what_differs_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the commit, what the working tree has too is known by its content."""
    from lane_planner.scan import sources

    asked: list[str] = []
    objects = sources._objects

    def counting(git_: Any, wanted: Any) -> Any:
        asked.extend(entry.path for entry in wanted)
        return objects(git_, wanted)

    run(root, "check")
    write(root, "candidate/up.py", "import core.base\n")
    monkeypatch.setattr(sources, "_objects", counting)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    found = Repository.open(root).check(today=DAY, since="HEAD")
    assert found.new == 0
    assert asked == []  # its content is in the cache from before

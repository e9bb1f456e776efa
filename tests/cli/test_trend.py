"""`trend`: samples of history beside `check` on a checkout of each, and what is said of a rate."""

from __future__ import annotations

import csv
import datetime
import io
import json
import random
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from lane_planner.base.errors import UsageError
from lane_planner.planner.history import Commit, Every, parse_every, sampled
from lane_planner.planner.trend import Figures, LaneFigures, Sample, progress_of
from lane_planner.report.trend import sparkline
from lane_planner.repository.repository import Repository
from tests.cli.history import START, began, commit_on
from tests.cli.shop import CONFIG, run, state
from tests.executor.repositories import ENVIRONMENT, git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return began(tmp_path / "repo")


LINES = [
    b"import candidate.a\n", b"import lukhas.app\n", b"from candidate import b, gone\n",
    b"import products.shop\n", b"def f():\n    import candidate.ring_one\n", b"# a comment\n",
    b"\n", b"import candidate.pkg.part, lukhas.front\n", b"import os\n",
    b"try:\n    import core.nothing\nexcept ImportError:\n    pass\n",
]  # fmt: skip
SHIM = b"# lane-planner shim: candidate.a -> core.a\n# kind: alias; made: 2026-01-02; expires: never\nimport core.a\n"


def edit(root: Path, chance: random.Random) -> None:
    """Change some files: lines added anywhere, files added, removed, moved, made shims."""
    files = sorted(path for path in root.rglob("*.py") if ".git" not in path.parts)
    path = chance.choice(files)
    what = chance.randrange(6)
    if what == 0:
        path.unlink()
    elif what == 1:
        new = (
            root / chance.choice(["candidate", "core/new", "tools"]) / f"m{chance.randrange(5)}.py"
        )
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(chance.choice(LINES))
    elif what == 2:
        path.write_bytes(SHIM)
    elif what == 3:
        target = root / chance.choice(["candidate", "core", "lukhas"]) / path.name
        path.rename(target)
    else:
        lines = path.read_bytes().splitlines(keepends=True)
        lines.insert(chance.randint(0, len(lines)), chance.choice(LINES))
        path.write_bytes(b"".join(lines))


def by_check(root: Path) -> dict[str, int]:
    """Return the figures of a checkout as `check` and `graph` tell them."""
    found = run(root, "check", "--cycles", "--format", "json").json
    graph = run(root, "graph", "--format", "json").json
    modules = [module for module in graph["modules"] if not module["namespace"]]
    lanes = [module["lane"] for module in modules]
    return {
        "modules": found["summary"]["modules"],
        "candidate": lanes.count("candidate"),
        "core": lanes.count("core"),
        "unlaned": lanes.count(None),
        "left": sum(
            module["lane"] == "candidate" and (root / module["path"]).read_bytes() != SHIM
            for module in modules
        ),
        "violations": found["summary"]["new"],
        "cycles": len(found["cycles"]),
        "eager_cycles": sum(cycle["code"] == "LP201" for cycle in found["cycles"]),
        "missing": sum(d["code"] == "LP301" and not d["optional"] for d in found["diagnostics"]),
    }


def by_trend(sample: dict[str, object]) -> dict[str, object]:
    lanes = sample["lanes"]
    assert isinstance(lanes, dict)
    flat = {**sample, "candidate": lanes["candidate"], "core": lanes["core"]}
    return {key: value for key, value in flat.items() if key not in ("lanes", "commit", "date",
            "configuration", "waived")}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_every_sample_is_what_check_says_of_a_checkout(seed: int, root: Path) -> None:
    chance = random.Random(seed)
    expected = [by_check(root)]
    for day in range(14):
        for _ in range(chance.randint(0, 3)):
            edit(root, chance)
        commit_on(root, day + 1)
        expected.append(by_check(root))
    before = state(root)
    found = run(root, "trend", "--every", "1", "--format", "json")
    assert found.code == 0
    assert [by_trend(sample) for sample in found.json["samples"]] == expected
    assert state(root) == before


CONFIGS = (
    CONFIG,
    CONFIG.replace('["core", "matriz"]\npromotes_to = "core"', '["matriz"]\npromotes_to = "core"'),
    'exclude = ["candidate/ring*", "core/**"]\n' + CONFIG,
    'aliases = {"os" = "candidate.a", "odd.place" = "lukhas"}\n' + CONFIG,
    'source_roots = [".", "tools"]\n' + CONFIG,
    "[lanes.broken\n",
)


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("own", [True, False])
def test_samples_do_not_depend_on_those_before(seed: int, own: bool, root: Path) -> None:
    """What is taken over from a commit to the next is what the next alone comes to."""
    chance = random.Random(seed)
    (root / "candidate/class.py").write_bytes(b"import odd.place.app\nimport os, sys\n")
    (root / "core/dynamic.py").write_bytes(b"import importlib\nimportlib.import_module('b.py')\n")
    (root / "b.py").write_bytes(b"import tools\n")
    for day in range(12):
        for _ in range(chance.randint(0, 2)):
            edit(root, chance)
        if chance.randrange(3) == 0:
            (root / "lanes.toml").write_text(chance.choice(CONFIGS))
        commit_on(root, day + 1)
    (root / "lanes.toml").write_text(CONFIGS[seed - 1])
    memory = root / ".git/lane-planner"
    repository = Repository.open(root)
    together = repository.trend(every="1", own_configuration=own).samples
    apart: list[Sample] = []
    for sample in together:
        shutil.rmtree(memory)
        found = repository.trend(
            since=sample.commit, until=sample.commit, every="1", own_configuration=own
        )
        apart += found.samples
    assert list(together) == apart


def test_what_is_remembered_is_not_worked_out_again(root: Path) -> None:
    for day in range(1, 4):
        edit(root, random.Random(day))
        commit_on(root, day)
    repository = Repository.open(root)
    assert repository.trend(every="1").computed == 4
    first = run(root, "trend", "--every", "1", "--format", "json")
    assert Repository.open(root).trend(every="1").computed == 0
    (root / "candidate/fresh.py").write_bytes(b"import lukhas.app\n")
    commit_on(root, 5)
    assert Repository.open(root).trend(every="1").computed == 1
    for kept in (root / ".git/lane-planner/cache").glob("*"):
        kept.write_bytes(b"odd")
    after = run(root, "trend", "--every", "1", "--format", "json").json["samples"]
    assert after[:-1] == first.json["samples"]
    assert after[-1]["violations"] == after[-2]["violations"] + 1


def test_another_configuration_is_not_answered_from_memory(root: Path) -> None:
    assert run(root, "trend", "--format", "json").json["samples"][0]["violations"] == 1
    (root / "lanes.toml").write_text(CONFIG.replace('["core", "matriz"]\npromotes_to = "core"',
                                     '["core", "matriz", "lukhas"]\npromotes_to = "core"'))  # fmt: skip
    assert run(root, "trend", "--format", "json").json["samples"][0]["violations"] == 0


def test_check_knows_its_files_as_well_after_a_trend(root: Path) -> None:
    run(root, "check")
    cache = next((root / ".git/lane-planner/cache").glob("scan-*"))
    before = cache.read_bytes()
    run(root, "trend")
    assert cache.read_bytes() == before


def test_waivers_are_judged_on_the_day_of_the_commit(root: Path) -> None:
    commit_on(root, 30)
    (root / "lanes.toml").write_text(
        CONFIG + '[[waivers]]\nimporter = "candidate.up"\nimported = "*"\nreason = "soon"\n'
        "expires = 2025-01-20\n"
    )
    samples = run(root, "trend", "--every", "1", "--format", "json").json["samples"]
    assert [(s["violations"], s["waived"]) for s in samples] == [(0, 1), (1, 0)]


def test_each_commit_by_its_own_configuration(root: Path) -> None:
    old = git(root, "rev-parse", "HEAD").decode().strip()
    (root / "lanes.toml").write_text("[lanes.broken\n")
    commit_on(root, 1)
    (root / "lanes.toml").write_text(
        CONFIG.replace("lanes.matriz", "lanes.nodes").replace('"matriz"]\np', '"nodes"]\np')
        .replace('"core", "matriz"]', '"core", "nodes"]')
    )  # fmt: skip
    commit_on(root, 2)
    ran = run(root, "trend", "--every", "1", "--config-at-commit", "--format", "json")
    assert ran.code == 0
    assert ran.err == (
        "1 of 3 commits hold no configuration that can be read: they are judged by today's\n"
    )
    samples = ran.json["samples"]
    assert [s["configuration"] for s in samples] == ["commit", "today", "commit"]
    assert ["matriz" in s["lanes"] for s in samples] == [True, False, False]
    assert samples[0]["commit"] == old
    assert ran.json["lanes"][-1] == "matriz"  # in none of the later ones
    rows = list(csv.DictReader(io.StringIO(run(
        root, "trend", "--every", "1", "--config-at-commit", "--format", "csv", "-q"
    ).out)))  # fmt: skip
    assert [row["lane:matriz"] for row in rows] == ["1", "", ""]


def test_configuration_outside_the_repository(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(CONFIG)
    ran = run(root, "trend", "--config", "../mine.toml", "--config-at-commit")
    assert ran.code == 2
    assert "is not in the repository" in ran.error()


def test_root_below_the_top(tmp_path: Path) -> None:
    root = began(tmp_path / "repo", root="sub/deep")
    ran = run(root, "trend", "--config-at-commit", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["samples"][0]["modules"] == by_check(root)["modules"]


def test_lanes_that_promote_nowhere(root: Path) -> None:
    (root / "lanes.toml").write_text('[lanes.all]\npaths = ["candidate"]\n')
    ran = run(root, "trend", "--format", "json")
    assert (ran.code, ran.json["progress"]) == (0, None)
    assert ran.json["samples"][0]["left"] is None
    assert "left" not in run(root, "trend").out
    assert run(root, "trend", "--format", "csv").code == 0


# --- which commits ---


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A repository with a merge; ids by name. Only to be read."""
    root = began(tmp_path_factory.mktemp("history") / "repo")
    ids = {"start": git(root, "rev-parse", "HEAD").decode().strip()}
    ids["one"] = commit_on(root, 1)
    git(root, "checkout", "--quiet", "-b", "side")
    ids["side"] = commit_on(root, 2)
    git(root, "checkout", "--quiet", "main")
    ids["two"] = commit_on(root, 8)
    date = (START + datetime.timedelta(days=9)).isoformat()
    subprocess.run(
        ["git", "merge", "--quiet", "--no-ff", "-m", "merge", "side"], cwd=root, check=True,
        env={**ENVIRONMENT, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
    )  # fmt: skip
    ids["merge"] = git(root, "rev-parse", "HEAD").decode().strip()
    ids["late"] = commit_on(root, 40)
    ids["clock"] = commit_on(root, 3)  # of a clock that runs late
    git(root, "tag", "release", ids["two"])
    return root, ids


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--every", "1"], "start one two merge late clock", id="first parents"),
        pytest.param(["--every", "1", "--all-parents"], "start one side two merge late clock", id="all"),
        pytest.param(["--every", "2 commits"], "start one merge clock", id="counted from the last"),
        pytest.param(["--every", "week"], "start one merge clock", id="by week, ends kept"),
        pytest.param(["--every", "month"], "start merge clock", id="by month"),
        pytest.param(["--every", "day"], "start one two merge clock", id="by day, late clock"),
        pytest.param(["--every", "merge"], "start merge clock", id="merges"),
        pytest.param(["--every", "1", "--since", "release"], "two merge late clock", id="since a tag"),
        pytest.param(["--every", "1", "--until", "release"], "start one two", id="until a tag"),
        pytest.param(["--every", "1", "--since", "2025-01-07"], "one two merge late clock", id="since a day"),
        pytest.param(["--every", "1", "--since", "2025-01-07T13:00"], "two merge late clock", id="since a time"),
        pytest.param(["--every", "1", "--until", "2025-01-14"], "start one two", id="the last day counts"),
        pytest.param(["--every", "1", "--since", "5 weeks"], "two merge late clock", id="back from the last"),
        pytest.param(["--every", "1", "--since", "HEAD"], "clock", id="one"),
    ],
)  # fmt: skip
def test_commits(history: tuple[Path, dict[str, str]], arguments: list[str], expected: str) -> None:
    root, ids = history
    ran = run(root, "trend", *arguments, "--format", "json")
    assert ran.code == 0, ran.err
    names = {commit: name for name, commit in ids.items()}
    assert sorted(names[sample["commit"]] for sample in ran.json["samples"]) == sorted(
        expected.split()
    )
    if "--all-parents" not in arguments:
        assert " ".join(names[sample["commit"]] for sample in ran.json["samples"]) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "nonsense"], "is no commit and no date"),
        (["--until", "nonsense"], "is no commit and no date"),
        (["--since", "side~1", "--until", "main~5"], "is no ancestor of main~5"),
        (["--since", "2030-01-01"], "there is no commit in that time"),
        (["--until", "2001-01-01"], "there is no commit in that time"),
        (["--every", "0"], "does not parse"),
        (["--every", "fortnight"], "does not parse"),
        (["--every", "9" * 5000], "does not parse"),
        (["--lane", "nothing"], "no lane is called 'nothing'"),
        (["--lane", "matriz"], "promotes to no other lane"),
    ],
)
def test_wrong_usage(history: tuple[Path, dict[str, str]], arguments: list[str], said: str) -> None:
    ran = run(history[0], "trend", *arguments)
    assert ran.code == 2
    assert said in ran.error()


def test_needs_git_and_a_commit(tmp_path: Path) -> None:
    (tmp_path / "lanes.toml").write_text(CONFIG)
    assert "is not in a git repository" in run(tmp_path, "trend").error()
    git(tmp_path, "init", "--quiet")
    assert "has no commit yet" in run(tmp_path, "trend").error()


def test_every_is_read_as_it_is_shown() -> None:
    for every in (Every("commit"), Every("commit", 10), Every("week"), Every("merge")):
        assert parse_every(str(every)) == every
    with pytest.raises(UsageError):
        parse_every("-1")


def test_samples_of_nothing() -> None:
    assert sampled((), Every("day")) == ()


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_one_sample_a_period(unit: str) -> None:
    commits = tuple(
        Commit(f"{n:040}", "", START + datetime.timedelta(hours=7 * n), 1) for n in range(300)
    )
    found = sampled(commits, parse_every(unit))[1:]
    periods = {"day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m"}
    names = [commit.date.strftime(periods[unit]) for commit in found]
    assert sorted(set(names)) == names
    assert {commit.date.strftime(periods[unit]) for commit in commits} == set(names)


# --- progress ---


def samples(*counts: int, days: float = 7.0) -> list[Sample]:
    """Return samples of a lane, so many days apart."""
    return [
        Sample(
            f"{n:040}",
            START + datetime.timedelta(days=days * n),
            Figures(count, (LaneFigures("candidate", count, count),), 0, 0, 0, 0, 0, 0),
        )
        for n, count in enumerate(counts)
    ]


@pytest.mark.parametrize(
    ("found", "rate", "empty_on", "said"),
    [
        pytest.param(samples(100, 90, 80, 70, 60), -10.0, "2025-03-17", "is empty by 2025-03-17", id="steady"),
        pytest.param(samples(100), None, None, "rate: 1 sample over 0 days", id="one"),
        pytest.param(samples(100, 90, 80), None, None, "3 samples over 14 days", id="too few"),
        pytest.param(samples(100, 99, 98, 97, days=1), None, None, "4 samples over 3 days", id="too short"),
        pytest.param(samples(100, 90, 80, 70, 60, days=0), None, None, "over 0 days", id="all at once"),
        pytest.param(samples(10, 20, 30, 40, 50), 10.0, None, "grows", id="grows"),
        pytest.param(samples(50, 50, 50, 50, 50), 0.0, None, "does not shrink", id="stands"),
        pytest.param(samples(50, 90, 20, 80, 45), -2.0, None, "up and down too much", id="noise"),
        pytest.param(samples(9000, 8999, 8998, 8997, 8996), -1.0, None, "more than ten years", id="too slow"),
        pytest.param(samples(4, 3, 2, 1, 0), None, None, "is empty", id="done"),
        pytest.param(samples(*[900] * 30, *range(100, 30, -5)), -5.0, "2025-12-22", "is empty by", id="the last quarter counts"),
    ],
)  # fmt: skip
def test_progress(found: list[Sample], rate: float | None, empty_on: str | None, said: str) -> None:
    told = progress_of(found, "candidate")
    assert told.rate_per_week == rate
    assert (None if told.empty_on is None else told.empty_on.isoformat()) == empty_on
    assert said in told.reason


@pytest.mark.parametrize("wrong", [-1, -2], ids=["the last", "the one before"])
def test_progress_by_clocks_that_differ(wrong: int) -> None:
    """What comes later in history is not put before, as where samples are chosen."""
    found = samples(100, 90, 80, 70, 60, 50)
    found[wrong] = msgspec.structs.replace(found[wrong], date=START - datetime.timedelta(days=4000))
    told = progress_of(found, "candidate")
    assert told.samples == 6
    assert told.empty_on is not None and told.empty_on > START.date() + datetime.timedelta(days=35)


def test_progress_where_the_lane_came_later(root: Path) -> None:
    """A commit whose configuration has no such lane says nothing of how much was left in it."""
    text = CONFIG.replace("lanes.candidate]", "lanes.drafts]")
    (root / "lanes.toml").write_text(text)
    for day in (7, 14):
        commit_on(root, day)
    (root / "lanes.toml").write_text(CONFIG)
    for day in (21, 28, 35, 42, 49):
        (root / f"candidate/new{day}.py").write_bytes(b"")
        commit_on(root, day)
    arguments = ("trend", "--since", "HEAD~6", "--every", "1", "--config-at-commit")
    document = run(root, *arguments, "--format", "json").json
    left = [sample["left"] for sample in document["samples"]]
    assert left[:2] == [None, None] and left[2:] == list(range(left[2], left[2] + 5))
    assert document["progress"]["rate_per_week"] == 1.0
    rows = list(csv.DictReader(io.StringIO(run(root, *arguments, "--format", "csv").out)))
    assert [row["left"] for row in rows][1:3] == ["", str(left[2])]
    assert run(root, *arguments).code == 0
    (root / "lanes.toml").write_text(text)
    commit_on(root, 56)
    (root / "lanes.toml").write_text(CONFIG)  # as it is about to be again
    ran = run(root, *arguments, "--format", "json")
    assert ran.json["progress"]["reason"] == "the last sample has no lane candidate"


# --- how it is shown ---


def test_sparkline() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 40) == "▁▂▃▄▅▆▇█"
    assert sparkline([3, 3], 40) == "▁▁"
    assert sparkline([5], 8) == "▁"
    long = sparkline(list(range(1000)), 8)
    assert long == "▁▂▃▄▅▆▇█"


def test_text_and_csv(root: Path) -> None:
    for week in range(1, 6):
        (root / f"candidate/m{week}.py").write_bytes(b"import lukhas.app\n")
        commit_on(root, 7 * week)
    out = run(root, "trend").out
    assert out.startswith("6 samples from 2025-01-06 (")
    assert " lane candidate      10     15       +5   ▁▂▄▅▇█\n" in out
    assert " violations           1      6       +5   ▁▂▄▅▇█\n" in out
    assert out.endswith(
        "15 modules left to promote from candidate, +1.0 a week over the last 35 days (6 samples)\n"
        "lane candidate grows: it will not be empty at this rate\n"
    )
    assert all(line == line.rstrip() for line in out.splitlines())
    rows = list(csv.DictReader(io.StringIO(run(root, "trend", "--format", "csv").out)))
    assert [row["lane:candidate"] for row in rows] == ["10", "11", "12", "13", "14", "15"]
    assert rows[0]["date"] == "2025-01-06T12:00:00Z"
    document = json.loads(run(root, "trend", "--format", "json").out)
    assert [str(sample["left"]) for sample in document["samples"]] == [row["left"] for row in rows]


def test_only_the_last_samples_are_listed(root: Path) -> None:
    for day in range(1, 25):
        commit_on(root, day)
    out = run(root, "trend", "--every", "day").out
    assert "… and 5 earlier samples (-v lists all)\n" in out
    assert "2025-01-08" not in out
    assert "2025-01-08" in run(root, "trend", "--every", "day", "-v").out

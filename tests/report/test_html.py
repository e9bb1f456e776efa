"""The HTML page's data beside the repository's own answers, and what holds the page shut."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from lane_planner.cli.report import command as report_command
from lane_planner.cli.trend import command as trend_command
from lane_planner.executor.records.status import status
from lane_planner.planner.schema import Plan
from lane_planner.report.html.data import BROKEN, KINDS, OPTIONAL, PACKAGE
from lane_planner.report.html.page import embedded
from lane_planner.repository.repository import Repository
from tests.cli.history import START, began, commit_on
from tests.cli.shop import CONFIG, run, shop
from tests.executor.repositories import git
from tests.report.pages import FILES, IMG, ODD_PLACE, SCRIPT, Page, repository

DAY = datetime.date(2024, 1, 2)  # of the commit


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("html") / "repo")


@pytest.fixture(scope="module")
def text(root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("page") / "page.html"
    ran = run(root, "report", "--html", str(file), "--quiet")
    assert ran == (0, "", "")
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def data(page: Page) -> Any:
    return page.data


@pytest.fixture(scope="module")
def opened(root: Path) -> Repository:
    return Repository.open(root)


def path_of(data: Any, number: int) -> str:
    """Return the path of a module, as the page's script works it out."""
    path, stem = data["modules"]["path"][number], data["texts"][number].replace(".", "/")
    return path if isinstance(path, str) else [f"{stem}.py", f"{stem}/__init__.py", stem][path]


def file_of(data: Any, number: int) -> str:
    """Return the path that a reference to a file means."""
    known = number < len(data["modules"]["path"])
    return path_of(data, number) if known else data["texts"][number]


# --- the data ---


def test_modules(data: Any, opened: Repository) -> None:
    looked_at = opened.looked_at()
    lanes = [lane["name"] for lane in data["lanes"]]
    names = data["texts"][: len(data["modules"]["path"])]
    assert names == list(looked_at.graph.modules)
    for number, module in enumerate(looked_at.graph.modules.values()):
        assert path_of(data, number) == module.path
        lane = data["modules"]["lane"][number]
        assert (lanes[lane] if lane >= 0 else None) == looked_at.lanes.of_path(module.path)
        assert bool(data["modules"]["flags"][number] & PACKAGE) == module.package
    broken = [n for n, flags in enumerate(data["modules"]["flags"]) if flags & BROKEN]
    assert [names[n] for n in broken] == ["odd.broken"]


def test_lanes(data: Any, opened: Repository) -> None:
    lanes = data["lanes"]
    found: dict[str, object] = {
        lane["name"]: (
            tuple(lane["paths"]),
            {lanes[n]["name"] for n in lane["imports"]},
            None if lane["to"] is None else lanes[lane["to"]]["name"],
        )
        for lane in lanes
    }
    assert found == {
        lane.name: (lane.paths, lane.imports, lane.promotes_to) for lane in opened.settings.lanes
    }
    assert ODD_PLACE in next(lane["paths"] for lane in lanes if lane["name"] == "odd")
    assert data["unlaned"] == opened.settings.unlaned


def test_imports(data: Any, opened: Repository) -> None:
    texts, found = data["texts"], set()
    for number, row in enumerate(data["imports"]):
        for imported, line, kinds in zip(row[::3], row[1::3], row[2::3], strict=True):
            found |= {
                (texts[number], texts[imported], kind) for kind, bit in KINDS.items() if kinds & bit
            }
            sites = [
                site
                for site in opened.looked_at().graph.sites_in(texts[number])
                if site.imported == texts[imported]
            ]
            assert line == min(site.line for site in sites)
            assert bool(kinds & OPTIONAL) == all(site.optional for site in sites)
    graph = opened.looked_at().graph
    assert found == {
        (importer, imported, kind)
        for kind in KINDS
        for importer, imported in graph.edges((kind,))
        if importer != imported
    }


def test_findings(data: Any, opened: Repository) -> None:
    texts, lanes = data["texts"], [lane["name"] for lane in data["lanes"]] + [None]
    found = opened.check(today=DAY, syntax=True, cycles=True)
    assert len(found.violations) > 4
    assert [
        (v[0], texts[v[1]], texts[v[2]], lanes[v[3]], lanes[v[4]], v[5], v[6], v[7])
        for v in data["violations"]
    ] == [
        (v.code, v.importer, v.imported, v.importer_lane, v.imported_lane, v.line, v.kind, v.status)
        for v in found.violations
    ]
    assert [(d[0], texts[d[1]], d[2], bool(d[3]), texts[d[4]]) for d in data["diagnostics"]] == [
        (d.code, d.module, d.line, d.optional, d.message) for d in found.diagnostics
    ]
    assert {d[0] for d in data["diagnostics"]} >= {"LP301", "LP901"}
    assert data["waivers"] == list(found.idle_waivers) != []
    assert found.cycles
    assert [
        (
            c["code"],
            [texts[n] for n in c["modules"]],
            [texts[n] for n in c["example"]],
            [(texts[b[0]], texts[b[1]], tuple(b[2]), b[3]) for b in c["breakers"]],
            c["exact"],
        )
        for c in data["cycles"]
    ] == [
        (
            c.code,
            list(c.modules),
            list(c.example),
            [(b.importer, b.imported, b.lines, b.rating) for b in c.breakers],
            c.exact,
        )
        for c in found.cycles
    ]


def test_there_is_a_plan_for_each_lane_that_promotes(data: Any) -> None:
    ways = [plan["hops"] for plan in data["plans"]]
    assert ways == [[["candidate", "core"]], [["core", "lukhas"]], [["lukhas", "products"]]]


def assert_same_plan(data: Any, found: Any, plan: Plan) -> None:
    texts = data["texts"]
    assert found["summary"] == msgspec.to_builtins(plan.summary)
    assert [
        (
            s[0], s[1], s[2], s[3],
            tuple(texts[n] for n in s[4]),
            tuple((file_of(data, source), target) for source, target in s[5]),
            tuple(file_of(data, n) for n in s[6]),
            tuple(found["steps"][n][0] for n in s[7]),
            tuple(found["gates"][s[8]]),
        )
        for s in found["steps"]
    ] == [
        (
            s.id, s.hop, s.wave, s.batch, s.modules,
            tuple((move.source, move.target) for move in s.moves),
            s.rewrites, s.after,
            tuple(name.replace("\u2028", "\\u2028") for name in s.gates),
        )
        for s in plan.steps
    ]  # fmt: skip
    assert [
        (b["id"], b["wave"], [found["steps"][n][0] for n in b["steps"]], b["after"], b["lines"])
        for b in found["batches"]
    ] == [(b.id, b.wave, list(b.steps), list(b.after), b.lines) for b in plan.batches]
    told = []
    for module, hop, causes in found["blocked"]:
        rows = []
        for number, *chain in causes:
            code, importer, imported, *rest = found["causes"][number]
            row = [code, texts[importer], texts[imported] if imported >= 0 else ""]
            if code != "LP403":
                line, detail, file = rest
                row += [file_of(data, file), line, texts[detail] if detail >= 0 else ""]
                row += [tuple(texts[n] for n in chain)]
            rows.append(tuple(row))
        told.append((texts[module], hop, rows))
    assert told == [
        (
            entry.module,
            entry.hop,
            [
                (c.code, c.importer, c.imported)
                + (() if c.code == "LP403" else (c.path, c.line, c.detail, c.chain))
                for c in entry.causes
            ],
        )
        for entry in plan.blocked
    ]
    assert [(u["code"], u["id"], u["what"], u["frees"], u["total"]) for u in found["unlocks"]] == [
        (u.fix.code, u.fix.id, u.fix.what, u.frees, u.running_total) for u in plan.unlocks
    ]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_plans(number: int, data: Any, opened: Repository) -> None:
    found = data["plans"][number]
    plan = opened.plan(*found["hops"][0])
    assert_same_plan(data, found, plan)
    for told in found["forecasts"]:
        made = opened.forecast(plan, workers=told["workers"], gate_times=(), step_time=None)
        assert told["elapsed"] == made.elapsed_seconds
        assert told["least"] == made.lower_bound_seconds
        bars = [[bar.batch, bar.worker, bar.start, bar.end] for bar in made.bars]
        assert told["bars"] == bars
    assert [told["workers"] for told in found["forecasts"]] == [1, 2, 4, 8]


def test_the_first_plan_has_something_of_everything(data: Any) -> None:
    plan = data["plans"][0]
    assert len(plan["steps"]) > 3
    assert max(batch["wave"] for batch in plan["batches"]) > 1
    assert {cause[0] for cause in plan["causes"]} >= {"LP101", "LP201", "LP403"}
    assert plan["unlocks"]


def test_what_blocks_most(data: Any, opened: Repository) -> None:
    waiting: Counter[str] = Counter()
    for entry in opened.plan("candidate").blocked:
        for name in {cause.importer for cause in entry.causes if cause.code != "LP403"}:
            waiting[name] += name != entry.module
    told = {data["texts"][number]: count for number, count in data["plans"][0]["blocking"]}
    assert told == +waiting
    assert told["candidate.up"] == 3  # waits, waits_too, deep.down.below
    counts = [count for _, count in data["plans"][0]["blocking"]]
    assert counts == sorted(counts, reverse=True)


def test_history(data: Any, opened: Repository) -> None:
    runs = status(opened.require_git()).runs
    assert [(run["id"], run["status"], run["started"]) for run in data["runs"]] == [
        (run.id, run.status, run.started) for run in runs
    ]
    told = data["runs"][0]
    assert [name for name, *_ in told["gates"]] == [
        gate.name.replace("\u2028", "\\u2028") for gate in runs[0].gates
    ]
    assert {gate[2] for gate in told["gates"]} == {0, 1}  # one failed, and the step was left out
    assert len(told["dropped"]) == 1
    assert str(opened.settings.root) not in json.dumps(data)


def test_several_hops_are_one_plan(root: Path, opened: Repository, tmp_path: Path) -> None:
    ran = run(root, "report", "--from", "candidate", "--to", "products", "-o", str(tmp_path / "p"))
    assert ran.code == 0
    data = Page((tmp_path / "p").read_text(encoding="utf-8")).data
    assert len(data["plans"]) == 1
    assert_same_plan(data, data["plans"][0], opened.plan("candidate", "products"))
    assert {step[1] for step in data["plans"][0]["steps"]} == {0, 1, 2}


def test_without_plans(root: Path) -> None:
    ran = run(root, "report", "--no-plan", "--html", "-")
    assert ran.code == 0
    assert Page(ran.out).data["plans"] == []


def test_coverage_and_baseline(tmp_path: Path) -> None:
    config = FILES["lanes.toml"] + b"[coverage]\nmin = 0.029\n"
    covered = {"candidate/a.py": {"summary": {"percent_covered": 2.9}}}
    files = {"lanes.toml": config, "coverage.json": json.dumps({"files": covered}).encode()}
    root = shop(tmp_path / "repo", {**FILES, **files})
    assert run(root, "check", "--cycles", "--update-baseline", "--allow-additions").code == 0
    data = Page(run(root, "report", "--html", "-").out).data
    assert data["modules"]["minimum"] == 29
    figures = dict(zip(data["texts"], data["modules"]["covered"], strict=False))
    assert (figures["candidate.a"], figures["candidate.b"]) == (29, -1)
    assert {v[7] for v in data["violations"]} == {"baseline"}
    assert all(cycle["known"] for cycle in data["cycles"])


# --- the trend ---


def trend_of(root: Path, *arguments: str) -> Any:
    """Return what a page without plans holds of the history."""
    ran = run(root, "report", "--no-plan", "--html", "-", *arguments)
    assert ran.code == 0, ran.err
    return Page(ran.out).data["trend"]


def restored(found: Any) -> Any:
    """Return the page's trend as `trend --format json` tells it."""
    names = (
        "modules", "unlaned", "violations", "waived", "cycles", "eager_cycles", "missing",
    )  # fmt: skip
    progress = found["progress"]
    return {
        "lanes": found["lanes"],
        "samples": [
            {
                "commit": commit,
                "date": datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime(
                    "%Y-%m-%dT%H:%M:%SZ"
                ),
                "configuration": "commit" if own else "today",
                "lanes": {
                    name: count
                    for name, count in zip(found["lanes"], lanes, strict=True)
                    if count is not None
                },
                "left": left,
                **dict(zip(names, counts, strict=True)),
            }
            for commit, seconds, own, lanes, left, *counts in found["samples"]
        ],
        "progress": None
        if progress is None
        else {
            "lane": progress["lane"],
            "left": progress["left"],
            "rate_per_week": progress["rate"],
            "samples": progress["samples"],
            "days": progress["days"],
            "empty_on": progress["empty"],
            "reason": progress["reason"],
        },
    }


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose lane matriz comes, goes and comes back. Only to be read."""
    root = began(tmp_path_factory.mktemp("changing") / "repo")
    without = CONFIG.replace('\n[lanes.matriz]\npaths = ["matriz"]\n', "").replace(', "matriz"', "")
    without = without.replace('imports = ["matriz"]', "imports = []")
    assert "matriz" not in without
    for week in range(1, 7):
        (root / "lanes.toml").write_text(without if week in (2, 3) else CONFIG)
        (root / f"candidate/old{week}.py").write_bytes(b"import lukhas.app\n")
        commit_on(root, 7 * week)
    return root


@pytest.mark.parametrize(
    "arguments",
    [
        ("--every", "1"),
        ("--since", "4 weeks"),
        ("--until", "2025-01-27", "--every", "day"),
        ("--lane", "core"),
        ("--all-parents",),
        ("--config-at-commit",),
    ],
)
def test_the_trend_is_what_the_command_tells(arguments: tuple[str, ...], changing: Path) -> None:
    told = run(changing, "trend", "--format", "json", *arguments).json
    assert restored(trend_of(changing, *arguments)) == told


def test_a_lane_that_comes_and_goes(changing: Path) -> None:
    found = trend_of(changing, "--config-at-commit", "--every", "1")
    at = found["lanes"].index("matriz")
    assert [sample[3][at] for sample in found["samples"]] == [1, 1, None, None, 1, 1, 1]
    assert all(sample[2] for sample in found["samples"])
    assert [sample[4] for sample in found["samples"]] == list(range(10, 17))
    assert found["progress"]["rate"] == 1.0


def test_no_trend_unless_it_is_asked_for(tmp_path: Path) -> None:
    root = began(tmp_path / "repo")
    assert trend_of(root) is None
    kept = root / ".git/lane-planner/cache"
    assert not list(kept.glob("trend-*"))
    assert len(trend_of(root, "--every", "week")["samples"]) == 1
    assert list(kept.glob("trend-*"))
    assert trend_of(root) is None  # whatever is remembered


def test_a_trend_of_one_commit(tmp_path: Path) -> None:
    found = trend_of(began(tmp_path / "repo"), "--every", "1")
    assert [sample[1] for sample in found["samples"]] == [START.timestamp()]
    assert found["progress"]["empty"] is None
    assert "too little to tell a rate: 1 sample" in found["progress"]["reason"]


def test_no_trend_where_nothing_is_committed(tmp_path: Path) -> None:
    (tmp_path / "lanes.toml").write_text(CONFIG)
    (tmp_path / "candidate").mkdir()
    (tmp_path / "candidate/a.py").write_bytes(b"")
    assert trend_of(tmp_path, "--every", "1") is None
    git(tmp_path, "init", "--quiet")
    assert trend_of(tmp_path, "--every", "1") is None


def test_a_trend_by_clocks_that_differ(tmp_path: Path) -> None:
    root = began(tmp_path / "repo")
    for day in (30, 3, 40):
        commit_on(root, day)
    seconds = [sample[1] for sample in trend_of(root, "--every", "1")["samples"]]
    assert [(at - START.timestamp()) / 86_400 for at in seconds] == [0, 30, 3, 40]


def test_a_trend_of_lanes_that_promote_nowhere(tmp_path: Path) -> None:
    root = began(tmp_path / "repo")
    (root / "lanes.toml").write_text('[lanes.all]\npaths = ["candidate"]\n')
    found = trend_of(root, "--every", "1")
    assert found["progress"] is None
    assert [sample[4] for sample in found["samples"]] == [None]


def test_commits_without_a_configuration_are_told(tmp_path: Path) -> None:
    root = began(tmp_path / "repo")
    (root / "lanes.toml").write_text("[lanes.broken\n")
    commit_on(root, 1)
    (root / "lanes.toml").write_text(CONFIG)
    ran = run(root, "report", "--html", "-", "--config-at-commit", "--every", "1")
    assert "1 of 2 commits hold no configuration that can be read" in ran.err
    assert [sample[2] for sample in Page(ran.out).data["trend"]["samples"]] == [1, 0]


def test_a_trend_is_the_same_from_memory_and_without(changing: Path) -> None:
    arguments = ("report", "--html", "-", "--no-plan", "--every", "2 commits")
    pages = {run(changing, *arguments).out for _ in range(2)}
    for kept in (changing / ".git/lane-planner/cache").iterdir():
        kept.unlink()
    pages.add(run(changing, *arguments).out)
    assert len(pages) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "nonsense"], "is no commit and no date"),
        (["--every", ""], "does not parse"),
        (["--lane", "nothing"], "no lane is called 'nothing'"),
        (["--until", "2001-01-01"], "there is no commit in that time"),
    ],
)
def test_a_trend_of_nothing(
    arguments: list[str], said: str, changing: Path, tmp_path: Path
) -> None:
    ran = run(changing, "report", "--html", str(tmp_path / "page.html"), *arguments)
    assert ran.code == 2
    assert said in ran.error()
    assert list(tmp_path.iterdir()) == []


def test_both_commands_take_the_same_options_of_a_trend() -> None:
    def told(command: click.Command) -> dict[str | None, Any]:
        return {option.name: option.to_info_dict() for option in command.params}

    trend, report = told(trend_command), told(report_command)
    names = {"since", "until", "every", "lane", "all_parents", "config_at_commit"}
    assert names <= trend.keys()
    assert {name: trend[name] for name in names} == {name: report[name] for name in names}


# --- the same every time ---


def test_same_commit_same_bytes(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        root = shop(tmp_path / name, FILES)
        pages += [run(root, "report", "--html", "-").out for _ in range(2)]
    assert len(set(pages)) == 1


def test_waivers_are_judged_on_the_day_of_the_commit(root: Path, text: str) -> None:
    assert Page(text).data["day"] == DAY.isoformat()
    ran = run(root, "report", "--no-plan", "--html", "-", "--today", "2030-02-03")
    assert Page(ran.out).data["day"] == "2030-02-03"


def test_outside_git(tmp_path: Path) -> None:
    for name, content in FILES.items():
        path = tmp_path / "plain" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    data = Page(run(tmp_path / "plain", "report", "--html", "-").out).data
    assert data["commit"] is None
    assert data["runs"] == []


# --- what holds it shut ---


def test_dark_colours_stand_once_for_each_light_one(page: Page) -> None:
    light, dark = (re.findall(r"(--\w+): ", re.sub(r"@media print.*", "", style, flags=re.S))
                   for style in page.styles)  # fmt: skip
    assert light == dark
    assert len(set(light)) == len(light) > 10


def test_nothing_moves(page: Page) -> None:
    """So `prefers-reduced-motion` has nothing to ask for."""
    assert not re.search("animation|transition", "".join(page.styles))
    assert page.scripts[-1][1].count("animation: false") == 1


def test_names_end_no_script(text: str, page: Page) -> None:
    assert IMG not in text
    assert SCRIPT not in text
    assert f"candidate/{IMG}.py" in page.data["texts"]
    assert not {"img", "b", "i", "u", "iframe", "object", "link"} & {tag for tag, _ in page.tags}
    assert len(page.scripts) == 3


def test_embedded_json_is_inert_and_the_same() -> None:
    document = {"</script><!--": ["<script>", "&lt;", "\u2028\u2029", 'a"\\']}
    text = embedded(document)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == document


def test_the_policy_lets_only_its_own_scripts_run(page: Page) -> None:
    policy = next(
        attributes["content"]
        for tag, attributes in page.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

    def digest(content: str) -> str:
        raw = hashlib.sha256(content.encode()).digest()
        return f"'sha256-{base64.b64encode(raw).decode()}'"

    code = [content for attributes, content in page.scripts if "type" not in attributes]
    assert len(code) == 2
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [digest(content) for content in code]
    assert rules["style-src"].split() == [digest(content) for content in page.styles]
    assert "unsafe" not in policy


def test_it_loads_nothing(page: Page) -> None:
    named = {attribute for _, attributes in page.tags for attribute in attributes}
    assert not {"src", "srcset", "style", "action", "data"} & named
    assert not {attribute for attribute in named if attribute.startswith("on")}
    links = [attributes["href"] for _, attributes in page.tags if "href" in attributes]
    assert links == ["#main"]
    assert not re.search(r"@import|url\(", "".join(page.styles))


def test_the_script_writes_no_markup(page: Page) -> None:
    script = page.scripts[-1][1]
    parts = list(resources.files("lane_planner.report.html").joinpath("script").iterdir())
    assert len(parts) > 10
    assert [part.name for part in parts if part.read_text("utf-8") not in script] == []
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("):
        assert forbidden not in script
    assert 'renderMode: "richText"' in script  # ECharts' other way makes markup of names


def test_the_library_is_the_version_that_is_said() -> None:
    vendor = resources.files("lane_planner.report.html").joinpath("vendor")
    said = re.search(r"echarts@([\d.]+)", vendor.joinpath("VERSION").read_text("utf-8"))
    assert said is not None
    library = vendor.joinpath("echarts.min.js").read_text("utf-8")
    assert f't.version="{said[1]}"' in library
    assert "Apache License" in vendor.joinpath("LICENSE").read_text("utf-8")
    assert "\r" not in library  # a browser would read other characters than were hashed


# --- the command ---


def test_only_one_place_for_the_page(root: Path, tmp_path: Path) -> None:
    ran = run(root, "report", "--html", str(tmp_path / "a"), "--output", str(tmp_path / "b"))
    assert ran.code == 2
    assert "--html and --output" in ran.error()
    assert list(tmp_path.iterdir()) == []


def test_the_place_is_looked_at_first(root: Path, tmp_path: Path) -> None:
    ran = run(root, "report", "--html", str(tmp_path / "none" / "page.html"))
    assert ran.code == 2
    assert "there is no directory" in ran.error()


def test_wrong_lanes(root: Path) -> None:
    assert run(root, "report", "--from", "nowhere", "--html", "-").code == 2
    assert run(root, "report", "--from", "matriz", "--html", "-").code == 2


def test_nothing_in_the_repository_changes(root: Path) -> None:
    before = git(root, "status", "--porcelain"), git(root, "for-each-ref")
    assert run(root, "report", "--html", "-").code == 0
    assert (git(root, "status", "--porcelain"), git(root, "for-each-ref")) == before

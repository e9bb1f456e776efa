"""What `check`, `cycles` and `graph` write in every format, and that no format changes the end."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import networkx
import pytest

from fixtures.build import build
from lane_planner.cli.options import FINDINGS
from lane_planner.report.formats import DRAWINGS, FORMATS
from tests.cli.shop import process_environment, run, shop
from tests.executor.repositories import git
from tests.report.test_sarif import FILE

CLEAN: dict[str, bytes] = {
    "candidate/up.py": b"",
    "candidate/ring_one.py": b"",
}
ODD = {
    'candidate/od\'d "n\u00e9" <b> %41 #1, a:b.py': b"import lukhas.app\n",
    "candidate/new\nline.py": b"\n\nimport lukhas.app\n",
    os.fsdecode(b"candidate/raw\xff.py"): b"import lukhas.app, lukhas.front\n",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, only to be read."""
    return shop(tmp_path_factory.mktemp("formats") / "repo")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without findings."""
    return shop(tmp_path_factory.mktemp("clean") / "repo", CLEAN)


def test_every_format_is_offered() -> None:
    assert ("text", "json", *FORMATS) == FINDINGS
    assert set(DRAWINGS) == {"dot", "mermaid", "graphml"}


@pytest.mark.parametrize("format", FINDINGS)
@pytest.mark.parametrize("command", [("check",), ("check", "--cycles"), ("cycles",)], ids=" ".join)
def test_no_format_changes_the_exit_code(
    made: Path, clean: Path, command: tuple[str, ...], format: str
) -> None:
    for root, code in ((made, 1), (clean, 0)):
        ran = run(root, *command, "--format", format)
        assert (ran.code, ran.err) == (code, "")
        assert ran.out.endswith("\n")
        assert run(root, *command, "--format", format, "-v").code == code
        assert run(root, *command, "--format", format) == ran


@pytest.mark.parametrize("format", ["dot", "mermaid"])
def test_no_drawing_changes_it_either(made: Path, clean: Path, format: str) -> None:
    assert [run(root, "cycles", "--format", format).code for root in (made, clean)] == [1, 0]


@pytest.mark.parametrize("format", ["json", "text", *DRAWINGS])
@pytest.mark.parametrize("depth", [(), ("--depth", "1")], ids=str)
def test_graphs_are_no_findings(made: Path, format: str, depth: tuple[str, ...]) -> None:
    ran = run(made, "graph", "--format", format, *depth)
    assert (ran.code, ran.err) == (0, "")
    assert run(made, "graph", "--format", format, *depth) == ran


@pytest.mark.parametrize("format", FINDINGS)
def test_known_findings_do_not_count_in_any(tmp_path: Path, format: str) -> None:
    root = shop(tmp_path / "repo")
    run(root, "check", "--cycles", "--update-baseline", "--allow-additions")
    ran = run(root, "check", "--cycles", "--format", format)
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("format", FINDINGS)
def test_a_wrong_configuration_is_told_the_same_way(tmp_path: Path, format: str) -> None:
    (tmp_path / "lanes.toml").write_text("[lanes\n")
    ran = run(tmp_path, "check", "--format", format)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("format", FINDINGS)
def test_into_a_file(made: Path, tmp_path: Path, format: str) -> None:
    file = tmp_path / "found"
    ran = run(made, "check", "--format", format, "--output", str(file))
    assert (ran.code, ran.out) == (1, "")
    assert file.read_text(encoding="utf-8") == run(made, "check", "--format", format).out


def test_odd_file_names(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo", ODD)
    outs = {format: run(root, "check", "--format", format) for format in FINDINGS}
    assert {ran.code for ran in outs.values()} == {1}
    assert {ran.err for ran in outs.values()} == {""}
    results = json.loads(outs["sarif"].out)["runs"][0]["results"]
    assert len(results) == 5
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results]
    assert "candidate/new%0Aline.py" in uris
    assert "candidate/raw%FF.py" in uris
    suite = ElementTree.fromstring(outs["junit"].out).find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "5"
    assert outs["github"].out.count("::error file=") == 5
    assert "\ncandidate" not in outs["github"].out


def test_files_are_named_from_the_top_of_the_work_tree(tmp_path: Path) -> None:
    """GitHub knows no other place, wherever the configuration is."""
    root = shop(tmp_path / "repo", root="inner part")
    text = run(root, "check").out
    assert text.startswith("candidate/up.py:1:1: LP101 ")
    assert "::error file=inner part/candidate/up.py,line=1," in run(
        root, "check", "--format", "github"
    ).out  # fmt: skip
    assert '"inner%20part/candidate/up.py"' in run(root, "check", "--format", "sarif").out


def test_fingerprints_hold_while_lines_move(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo", {"candidate/late.py": b"import lukhas.app\nimport lukhas.app\n"})

    def marks() -> dict[str, str]:
        log = run(root, "check", "--cycles", "--format", "sarif").json
        return {
            f"{r['message']['text']} {number}": r["partialFingerprints"]["lanePlanner/v1"]
            for number, r in enumerate(log["runs"][0]["results"])
        }

    before = marks()
    assert len(set(before.values())) == len(before) == 4
    for name in ("late", "up", "ring_one"):
        file = root / f"candidate/{name}.py"
        file.write_bytes(b'"""Longer by now."""\n\n\nimport json\n' + file.read_bytes())
    git(root, "add", "--all")
    assert set(marks().values()) == set(before.values())


def test_files_that_do_not_parse_are_notifications(tmp_path: Path) -> None:
    root = shop(tmp_path / "repo", {"candidate/broken.py": b"import lukhas.app\ndef (:\n"})
    ran = run(root, "check", "--syntax", "--format", "sarif")
    (invocation,) = ran.json["runs"][0]["invocations"]
    (told,) = invocation["toolExecutionNotifications"]
    assert told["descriptor"]["id"] == "LP901"
    assert told["locations"][0]["physicalLocation"]["region"]["startLine"] == 2
    assert invocation["executionSuccessful"] is True
    assert "::warning file=candidate/broken.py,line=2," in run(
        root, "check", "--syntax", "--format", "github"
    ).out  # fmt: skip


def test_waivers_that_cover_nothing_are_told(tmp_path: Path) -> None:
    waiver = '\n[[waivers]]\nimporter = "no.such"\nimported = "module"\nreason = "none"\n'
    root = shop(tmp_path / "repo")
    (root / "lanes.toml").write_text((root / "lanes.toml").read_text() + waiver)
    for format in FINDINGS:
        if format != "json":
            out = run(root, "check", "--format", format).out
            assert "no.such" in out, format
            assert "matches no violation" in out, format


# --- on a terminal ---


def on_terminal(root: Path, *arguments: str) -> str:
    """Return what a process of the tool writes to a terminal."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "lane_planner", *arguments], cwd=root, stdout=its,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=process_environment(),
    ) as process:  # fmt: skip
        os.close(its)
        out = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that nobody holds the other end any more
                break
            if not part:
                break
            out += part
    os.close(ours)
    assert process.returncode == 1
    return out.decode().replace("\r\n", "\n")


def test_a_person_sees_the_line(made: Path) -> None:
    shown = on_terminal(made, "check", "--cycles")
    assert shown.startswith(
        "candidate/up.py:1:1: LP101 candidate may not import lane lukhas: "
        "candidate.up imports lukhas.app\n"
        "  |\n"
        "1 | import lukhas.app\n"
        "  |        ^^^^^^^^^^ LP101\n"
        "  |\n"
        "  next: take out the import at candidate/up.py:1"
    )
    assert "    1 | import candidate.ring_two\n      |        ^^^^^^^^^^^^^^^^^^ LP201\n" in shown
    piped = run(made, "check", "--cycles").out
    assert "^" not in piped
    assert [line for line in piped.splitlines() if line not in shown.splitlines()] == []


def test_a_program_that_is_asked_for_another_format_gets_it_on_a_terminal_too(made: Path) -> None:
    assert on_terminal(made, "cycles", "--format", "github") == (
        run(made, "cycles", "--format", "github").out
    )


# --- what is loaded ---

_LOADED = """
import sys
sys.argv = ["lane-planner", *sys.argv[1:]]
from lane_planner.cli.main import main
try:
    main()
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


def test_text_loads_no_other_format(made: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, "check"], cwd=made, env=process_environment(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stderr.split())
    others = {f"lane_planner.report.{name}" for name in (*FORMATS, *DRAWINGS)}
    more = {"documents", "findings", "formats", "codes", "source", "drawing", "xml"}
    assert "lane_planner.report.text" in loaded
    assert loaded & (others | {f"lane_planner.report.{name}" for name in more}) == set()


# --- the full fixture ---


@pytest.mark.long
def test_the_full_fixture(tmp_path: Path) -> None:
    root = tmp_path / "fixture"
    build(root)
    found = run(root, "check", "--cycles", "--syntax", "--format", "json").json
    log = run(root, "check", "--cycles", "--syntax", "--format", "sarif", "-v").json
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    assert [e.message for e in jsonschema.Draft4Validator(schema).iter_errors(log)] == []
    (sarif,) = log["runs"]
    faults = [d for d in found["diagnostics"] if d["code"] in ("LP901", "LP902")]
    assert len(faults) > 200
    assert len(sarif["invocations"][0]["toolExecutionNotifications"]) == len(faults)
    assert len(sarif["results"]) == (
        len(found["violations"]) + len(found["cycles"]) + len(found["diagnostics"]) - len(faults)
    )
    marks = [result["partialFingerprints"]["lanePlanner/v1"] for result in sarif["results"]]
    assert len(set(marks)) == len(marks) > 1500
    count = len(found["violations"]) + len(found["cycles"])
    junit = run(root, "check", "--cycles", "--format", "junit").out
    assert ElementTree.fromstring(junit).get("failures") == str(count)
    github = run(root, "check", "--cycles", "--format", "github").out
    assert github.count("::error file=") == count
    assert len(run(root, "check", "--cycles", "--format", "markdown").out.encode()) <= 65_536

    told = run(root, "graph").json
    graph = networkx.parse_graphml(run(root, "graph", "--format", "graphml").out)
    assert set(graph) >= {entry["name"] for entry in told["modules"]}
    assert sum(data["count"] for _, _, data in graph.edges(data=True)) == len(told["imports"])
    violations = sum(data["violations"] for _, _, data in graph.edges(data=True))
    assert violations == len(found["violations"])
    large = run(root, "graph", "--format", "mermaid")
    assert large.code == 0
    assert "--depth N draws packages" in large.err
    assert run(root, "graph", "--format", "mermaid", "--depth", "2").err == ""
    if shutil.which("dot") is None:
        return
    # Graphviz loses arrows of a graph of this size if it ranks cluster by cluster.
    dot = run(root, "graph", "--format", "dot", "--depth", "2").out
    done = subprocess.run(
        ["dot", "-Tsvg"], input=dot.encode(), capture_output=True, check=True, timeout=120
    )
    assert done.stdout.count(b'class="edge"') == dot.count(" -> ") > 300

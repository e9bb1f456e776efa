"""The Action's steps, run here as GitHub would run them: with a made gh, and a made tool or ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adoption.linter_worlds import write_files
from tests.adoption.network import is_unreachable
from tests.cli.shop import PROJECT
from tests.executor.repositories import ENVIRONMENT, git
from tests.report.test_sarif import validated

ACTION: dict[str, Any] = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SCRIPTS = sorted((PROJECT / "action").glob("*.sh"))

# Stands for lane-planner, pip's python3 and gh: notes how it was called, and does as `answers` says.
_FAKE = """\
#!{python}
import json, os, sys
name = os.path.basename(sys.argv[0])
with open({log!r}, "a") as log:
    log.write(json.dumps([name, *sys.argv[1:]]) + "\\n")
with open({answers!r}) as file:
    answers = json.load(file)
if "--output" in sys.argv:
    with open(sys.argv[sys.argv.index("--output") + 1], "w") as file:
        file.write("report of " + sys.argv[sys.argv.index("--format") + 1] + "\\n" + answers["more"])
elif name == "lane-planner":
    print("::error file=low/b.py,line=1::LP101")
for argument in sys.argv:
    if argument.startswith("body=@"):
        with open(argument[6:]) as source, open({log!r} + ".body", "w") as target:
            target.write(source.read())
if name == "gh" and "--jq" in sys.argv:
    print(answers["comments"], end="")
sys.exit(answers.get(name, 0))
"""


# Stands for an installed lane-planner, and is ours.
_REAL = """\
#!/bin/sh
PYTHONPATH='{project}' exec '{python}' -m lane_planner "$@"
"""


class Runner:
    """What GitHub gives a step: variables, files, and programs on the path."""

    def __init__(self, directory: Path) -> None:
        self.directory = self.workspace = directory
        self._log, self._answers = directory / "log", directory / "answers"
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.uploads: list[str] = []  # SARIF files that were uploaded
        for name in ("lane-planner", "gh"):
            self.fake(name)
        self.answers({"lane-planner": 0})
        self.event(pull_request={"number": 7})

    def fake(self, name: str, directory: Path | None = None) -> None:
        """Put a made program on the path, or somewhere else."""
        file = (directory or self.bin) / name
        text = _FAKE.format(python=sys.executable, log=str(self._log), answers=str(self._answers))
        file.write_text(text)
        file.chmod(0o755)

    def real(self) -> None:
        """Put our lane-planner in the place of the made one."""
        text = _REAL.format(project=PROJECT, python=sys.executable)
        (self.bin / "lane-planner").write_text(text)

    def answers(self, codes: Mapping[str, int], *, comments: str = "", more: str = "") -> None:
        """Say how the programs end, and which comments there are."""
        self._answers.write_text(json.dumps({"comments": comments, "more": more, **codes}))

    def event(self, **event: object) -> None:
        (self.directory / "event.json").write_text(json.dumps(event))

    def run(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a step's script."""
        added = self.directory / "path"
        before = [*reversed(added.read_text().splitlines())] if added.exists() else []
        environment = {
            **ENVIRONMENT,
            "PATH": os.pathsep.join([*before, str(self.bin), os.environ["PATH"]]),
            "GITHUB_ACTION_PATH": str(PROJECT),
            "GITHUB_OUTPUT": str(self.directory / "output"),
            "GITHUB_PATH": str(added),
            "GITHUB_STEP_SUMMARY": str(self.directory / "summary"),
            "GITHUB_EVENT_PATH": str(self.directory / "event.json"),
            "GITHUB_REPOSITORY": "some/where",
            "RUNNER_TEMP": str(self.directory),
            **env,
        }
        return subprocess.run(
            ["bash", str(PROJECT / "action" / script)], cwd=self.workspace, env=environment,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def steps(self, *names: str, **inputs: str) -> dict[str, subprocess.CompletedProcess[str]]:
        """Run steps of the action with what its file gives them, for a pull request.

        Args:
            names: of the steps that are run, as far as their conditions hold.
            inputs: of the action; others have their defaults.
        """
        (self.directory / "output").write_text("")
        given = {name: entry["default"] for name, entry in ACTION["inputs"].items()} | inputs
        ran: dict[str, subprocess.CompletedProcess[str]] = {}
        for step in STEPS:
            known = {f"inputs.{name}": value for name, value in given.items()}
            known |= {f"steps.check.outputs.{name}": v for name, v in self.outputs.items()}
            known |= {"github.token": "a token", "github.event_name": "pull_request"}
            if step["name"] not in names or not _holds(step.get("if", ""), known):
                continue
            if "uses" in step:
                self.uploads.append(_value(step["with"]["sarif_file"], known))
            else:
                environment = {name: _value(v, known) for name, v in step["env"].items()}
                (script,) = re.findall(r"[a-z]+\.sh", step["run"])
                ran[step["name"]] = self.run(script, **environment)
        return ran

    @property
    def calls(self) -> list[list[str]]:
        """How the programs were called."""
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs that were set."""
        lines = (self.directory / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def body(self) -> str:
        """What was written as a comment."""
        return (self.directory / "log.body").read_text()


def _value(text: str, known: Mapping[str, str]) -> str:
    """Return a text of the file with its expressions worked out; an unknown output is empty."""
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda match: known.get(match[1], ""), text)


def _holds(condition: str, known: Mapping[str, str]) -> bool:
    """Tell whether a condition of the file holds: comparisons with texts, joined by `&&`."""
    for part in filter(None, condition.split(" && ")):
        left, sign, right = part.split(" ")
        if (known.get(left, "") == right.strip("'")) != {"==": True, "!=": False}[sign]:
            return False
    return True


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


# --- the file ---


def test_no_expression_is_written_into_a_script() -> None:
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert scripts
    for script in scripts:
        assert re.fullmatch(r'bash "\$GITHUB_ACTION_PATH/action/[a-z]+\.sh"', script)
    assert all(step["shell"] == "bash" for step in STEPS if "run" in step)


def test_steps_and_scripts_know_the_same_variables() -> None:
    named = set()
    for step in STEPS:
        if "run" not in step:
            continue
        script = PROJECT / "action" / re.findall(r"[a-z]+\.sh", step["run"])[0]
        named.add(script)
        given = {name for name in step.get("env", {}) if name.startswith("LANES_")}
        assert given == set(re.findall(r"LANES_[A-Z]+", re.sub("#.*", "", script.read_text())))
    assert named == set(SCRIPTS)


def test_every_input_is_used() -> None:
    text = json.dumps(STEPS)
    assert all(f"inputs.{name}" in text for name in ACTION["inputs"])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_script_is_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "set -euo pipefail" in script.read_text()


# --- the steps ---


@pytest.mark.parametrize(
    ("version", "installed"), [("", str(PROJECT)), ("lane-planner==1.2", "lane-planner==1.2")]
)
def test_install(runner: Runner, version: str, installed: str) -> None:
    environment = runner.directory / "lane-planner/environment/bin"
    environment.mkdir(parents=True)
    runner.fake("python3")
    for program in ("python", "lane-planner"):
        runner.fake(program, environment)
    assert runner.run("install.sh", LANES_VERSION=version).returncode == 0
    venv, pip, tool = runner.calls
    assert venv == ["python3", "-m", "venv", str(environment.parent)]
    assert pip[:4] == ["python", "-m", "pip", "install"]
    assert pip[-2:] == ["--", installed]
    assert tool == ["lane-planner", "--version"]
    assert (runner.directory / "path").read_text() == f"{environment}\n"


@pytest.mark.parametrize("code", [0, 1])
def test_check(runner: Runner, code: int) -> None:
    runner.answers({"lane-planner": code})
    ran = runner.run("check.sh", LANES_ROOT="sub dir", LANES_ARGS="--cycles -v", LANES_SARIF="true")
    assert ran.returncode == 0, ran
    assert ran.stdout == "::error file=low/b.py,line=1::LP101\n"
    start = ["lane-planner", "check", "--root", "sub dir", "--cycles", "-v", "--format"]
    assert [call[: len(start)] for call in runner.calls] == [start] * 3
    assert [call[len(start)] for call in runner.calls] == ["github", "markdown", "sarif"]
    assert runner.outputs["exit-code"] == str(code)
    assert Path(runner.outputs["sarif"]).read_text() == "report of sarif\n"
    assert (runner.directory / "summary").read_text() == "report of markdown\n"
    assert Path(runner.outputs["report"]).read_text() == "report of markdown\n"


def test_without_sarif(runner: Runner) -> None:
    assert (
        runner.run("check.sh", LANES_ROOT=".", LANES_ARGS="", LANES_SARIF="false").returncode == 0
    )
    assert runner.outputs.keys() == {"exit-code", "report"}
    assert [call[1:4] for call in runner.calls] == [["check", "--root", "."]] * 2


@pytest.mark.parametrize("code", [2, 4])
def test_a_check_that_cannot_be_done_fails_at_once(runner: Runner, code: int) -> None:
    runner.answers({"lane-planner": code})
    assert runner.run("check.sh", LANES_SARIF="true").returncode == code
    assert len(runner.calls) == 1
    assert not (runner.directory / "output").exists()


def test_nothing_that_a_user_says_is_run(runner: Runner) -> None:
    said = "$(touch hacked) `touch hacked` ; touch hacked && * 'a"
    ran = runner.run("check.sh", LANES_ROOT="$(touch hacked)", LANES_ARGS=said)
    assert ran.returncode == 0
    assert not (runner.directory / "hacked").exists()
    assert runner.calls[0][3:-2] == ["$(touch hacked)", *said.split()]


@pytest.fixture
def report(runner: Runner) -> dict[str, str]:
    """The variables of the comment step, and the report."""
    (runner.directory / "report.md").write_text("<!-- lane-planner check -->\n## 1 violation\n")
    return {"LANES_REPORT": str(runner.directory / "report.md"), "LANES_CODE": "1"}


def test_a_first_comment(runner: Runner, report: dict[str, str]) -> None:
    ran = runner.run("comment.sh", **report)
    assert ran.returncode == 0, ran
    look, write = runner.calls
    assert look[:4] == ["gh", "api", "--paginate", "repos/some/where/issues/7/comments"]
    assert write[:5] == ["gh", "api", "--method", "POST", "repos/some/where/issues/7/comments"]
    assert look[-1] == '.[] | select(.body | startswith("<!-- lane-planner check -->")) | .id'
    assert runner.body == Path(report["LANES_REPORT"]).read_text()


@pytest.mark.parametrize("code", ["0", "1"])
def test_a_comment_is_kept_up_to_date(runner: Runner, report: dict[str, str], code: str) -> None:
    runner.answers({}, comments="31\n32\n")
    assert runner.run("comment.sh", **{**report, "LANES_CODE": code}).returncode == 0
    assert runner.calls[1][:5] == [
        "gh", "api", "--method", "PATCH", "repos/some/where/issues/comments/31",
    ]  # fmt: skip


def test_nothing_new_is_no_comment(runner: Runner, report: dict[str, str]) -> None:
    ran = runner.run("comment.sh", **{**report, "LANES_CODE": "0"})
    assert ran.returncode == 0
    assert len(runner.calls) == 1


def test_no_pull_request(runner: Runner, report: dict[str, str]) -> None:
    runner.event(ref="refs/heads/main")
    ran = runner.run("comment.sh", **report)
    assert (ran.returncode, ran.stdout) == (0, "no pull request, no comment\n")
    assert runner.calls == []


def test_a_token_that_may_not_write(runner: Runner, report: dict[str, str]) -> None:
    runner.answers({"gh": 1})
    ran = runner.run("comment.sh", **report)
    assert ran.returncode == 0
    assert ran.stdout.startswith("::warning::lane-planner could not")


@pytest.mark.parametrize("code", ["0", "1"])
def test_verdict(runner: Runner, code: str) -> None:
    assert runner.run("verdict.sh", LANES_CODE=code).returncode == int(code)
    assert runner.run("verdict.sh", LANES_CODE="").returncode == 1


# --- the steps with the tool itself ---

LANES = """\
[lanes.high]
paths = ["high"]
imports = ["low"]
[lanes.low]
paths = ["low"]
"""
ODD = "a,b:c%0A::error::x.py"  # what a workflow command would take for its own
FILES = {
    "lanes.toml": LANES,
    "high/a.py": "import low.b\n",
    "low/b.py": "import os\nimport high.a\n",
    f"low/{ODD}": "import high.a\n",
}


@pytest.fixture
def real(runner: Runner) -> Runner:
    """The tool itself, in a work tree with a project in a directory of its own and one at the top."""
    runner.real()
    runner.workspace = runner.directory / "work"
    write_files(runner.workspace, FILES | {f"sub dir/{name}": text for name, text in FILES.items()})
    git(runner.workspace, "init", "--quiet")
    return runner


def places(runner: Runner, said: str) -> list[tuple[str, str]]:
    """Return the level of each annotation, and the line of a file that it stands at."""
    found = re.findall(r"^::(\w+) file=([^,]+),line=(\d+),", said, re.MULTILINE)
    texts = []
    for level, path, line in found:
        name = path.replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
        content = (runner.workspace / name).read_text(encoding="latin-1")
        texts.append((level, content.splitlines()[int(line) - 1]))
    return texts


@pytest.mark.parametrize("root", [".", "sub dir"])
def test_violations_reach_everybody(real: Runner, root: str) -> None:
    (real.workspace / root / "low/broken.py").write_bytes(b"name = '\xff'\n")
    ran = real.steps("Check", "Upload", "Comment", "Verdict", root=root)
    assert {name: step.returncode for name, step in ran.items()} == {
        "Check": 0, "Comment": 0, "Verdict": 1,
    }, ran  # fmt: skip
    assert [step.stderr for step in ran.values()] == [""] * 3
    assert places(real, ran["Check"].stdout) == [
        ("error", "import high.a"), ("error", "import high.a"), ("warning", "name = '\xff'"),
    ]  # fmt: skip

    (upload,) = real.uploads
    log = validated(Path(upload).read_text())
    prefix = "" if root == "." else "sub%20dir/"
    uris = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in log["results"]
    ]
    assert sorted(uris) == [f"{prefix}low/a%2Cb%3Ac%250A%3A%3Aerror%3A%3Ax.py", f"{prefix}low/b.py"]

    report = (real.directory / "summary").read_text()
    assert real.body == report
    assert report.splitlines()[0] == f"<!-- lane-planner check{prefix and f' {prefix}'} -->"
    assert "2 violations in" in report
    assert "1 file cannot be read as Python" in report


def test_a_comment_of_the_tool_is_found_again_and_told_that_all_is_well(real: Runner) -> None:
    real.steps("Check", "Comment")
    mark = real.body.splitlines()[0]
    write_files(real.workspace, {"low/b.py": "", f"low/{ODD}": ""})
    real.answers({}, comments="31\n")
    ran = real.steps("Check", "Comment", "Verdict")
    assert [step.returncode for step in ran.values()] == [0, 0, 0]
    assert real.calls[-1][4] == "repos/some/where/issues/comments/31"
    assert real.body.startswith(f"{mark}\n### lane-planner: no violation in")


def test_two_roots_of_one_repository_do_not_overwrite_each_other(real: Runner) -> None:
    """GitHub keeps one analysis a category, which a job may upload once; we, one comment a mark."""
    marks, categories = set(), set()
    for root in (".", "sub dir"):
        real.steps("Check", "Comment", root=root)
        marks.add(real.body.splitlines()[0])
        log = json.loads(Path(real.outputs["sarif"]).read_text())
        categories.add(log["runs"][0]["automationDetails"]["id"].rpartition("/")[0])
    assert categories == {"lane-planner/check", "lane-planner/check/sub%20dir"}
    assert len(marks) == 2


def test_options_on_several_lines(real: Runner) -> None:
    write_files(real.workspace, {"low/c.py": "import low.d\n", "low/d.py": "import low.c\n"})
    ran = real.steps("Check", args="--strict\n--cycles\n")
    assert "LP201" in ran["Check"].stdout


@pytest.mark.parametrize(
    ("inputs", "said"),
    [({"root": "nowhere"}, "nowhere"), ({"args": "--no-such-option"}, "--no-such-option")],
)
def test_what_cannot_be_checked_says_why(real: Runner, inputs: dict[str, str], said: str) -> None:
    ran = real.steps("Check", **inputs)
    assert ran["Check"].returncode == 2
    assert said in ran["Check"].stderr
    assert real.outputs == {}


@pytest.mark.long
def test_the_tool_is_installed_apart_from_the_job(
    real: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (real.bin / "lane-planner").unlink()
    (real.bin / "python3").write_text(f"#!/bin/sh\nexec '{sys.base_prefix}/bin/python3' \"$@\"\n")
    (real.bin / "python3").chmod(0o755)
    # Nothing is installed into the Python of the job, even if the script should try.
    monkeypatch.setitem(ENVIRONMENT, "PIP_REQUIRE_VIRTUALENV", "1")
    ran = real.steps("Install", "Check", "Verdict")
    if ran["Install"].returncode and is_unreachable(ran["Install"].stderr):
        pytest.skip(f"packages cannot be installed here: {ran['Install'].stderr[-300:]}")
    assert ran["Install"].returncode == 0, ran
    assert ran["Install"].stdout.startswith("lane-planner")
    assert (ran["Check"].returncode, ran["Verdict"].returncode) == (0, 1), ran

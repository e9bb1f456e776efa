"""The Action's steps, run here as GitHub would run them, with a made tool and a made gh."""

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

from tests.cli.shop import PROJECT

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


class Runner:
    """What GitHub gives a step: variables, files, and programs on the path."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._log, self._answers = directory / "log", directory / "answers"
        self.bin = directory / "bin"
        self.bin.mkdir()
        for name in ("lane-planner", "gh"):
            self.fake(name)
        self.answers({"lane-planner": 0})
        self.event(pull_request={"number": 7})

    def fake(self, name: str) -> None:
        text = _FAKE.format(python=sys.executable, log=str(self._log), answers=str(self._answers))
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def answers(self, codes: Mapping[str, int], *, comments: str = "", more: str = "") -> None:
        """Say how the programs end, and which comments there are."""
        self._answers.write_text(json.dumps({"comments": comments, "more": more, **codes}))

    def event(self, **event: object) -> None:
        (self.directory / "event.json").write_text(json.dumps(event))

    def run(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a step's script."""
        environment = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_ACTION_PATH": str(PROJECT),
            "GITHUB_OUTPUT": str(self.directory / "output"),
            "GITHUB_STEP_SUMMARY": str(self.directory / "summary"),
            "GITHUB_EVENT_PATH": str(self.directory / "event.json"),
            "GITHUB_REPOSITORY": "some/where",
            "RUNNER_TEMP": str(self.directory),
            **env,
        }
        return subprocess.run(
            ["bash", str(PROJECT / "action" / script)], cwd=self.directory, env=environment,
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip

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
    runner.fake("python3")
    assert runner.run("install.sh", LANES_VERSION=version).returncode == 0
    pip, tool = runner.calls
    assert pip[:4] == ["python3", "-m", "pip", "install"]
    assert pip[-2:] == ["--", installed]
    assert tool == ["lane-planner", "--version"]


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
    (runner.directory / "report.md").write_text("## 1 violation\n")
    return {"LANES_REPORT": str(runner.directory / "report.md"), "LANES_CODE": "1"}


def test_a_first_comment(runner: Runner, report: dict[str, str]) -> None:
    ran = runner.run("comment.sh", **report)
    assert ran.returncode == 0, ran
    look, write = runner.calls
    assert look[:4] == ["gh", "api", "--paginate", "repos/some/where/issues/7/comments"]
    assert write[:5] == ["gh", "api", "--method", "POST", "repos/some/where/issues/7/comments"]
    assert runner.body == "<!-- lane-planner -->\n## 1 violation\n"


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


def test_a_long_report_is_cut(runner: Runner, report: dict[str, str]) -> None:
    Path(report["LANES_REPORT"]).write_text("- é of a line\n" * 10_000)
    assert runner.run("comment.sh", **report).returncode == 0
    assert len(runner.body) < 65_536
    assert runner.body.endswith("- é of a line\n\n… and more: see the summary of the job.\n")


@pytest.mark.parametrize("code", ["0", "1"])
def test_verdict(runner: Runner, code: str) -> None:
    assert runner.run("verdict.sh", LANES_CODE=code).returncode == int(code)
    assert runner.run("verdict.sh", LANES_CODE="").returncode == 1

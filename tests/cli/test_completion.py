"""The scripts that make shells complete, and what bash makes of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lane_planner.cli.main import _COMMANDS
from tests.cli.shop import process_environment, run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script(tmp_path: Path, shell: str) -> None:
    ran = run(tmp_path, "completion", shell)
    assert ran.code == 0
    assert f"_LANE_PLANNER_COMPLETE={shell}_complete" in ran.out
    found = shutil.which(shell)
    if found is not None:
        assert subprocess.run([found, "-n"], input=ran.out, text=True, check=False).returncode == 0


def test_an_unknown_shell(tmp_path: Path) -> None:
    ran = run(tmp_path, "completion", "tcsh")
    assert ran.code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in ran.err


# What bash does at a Tab: it sets these, calls the function that was registered, reads COMPREPLY.
_TAB = """
source ./script
read -r -a COMP_WORDS <<< "$1"
if [[ $1 == *" " ]]; then COMP_WORDS+=(""); fi
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
registered=$(complete -p lane-planner) && [[ $registered =~ -F\\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" lane-planner
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("lane-planner com", {"completion"}),
        ("lane-planner completion ", {"bash", "zsh", "fish"}),
        ("lane-planner config ", {"schema"}),
        ("lane-planner check --upd", {"--update-baseline"}),
        ("lane-planner check --format ", {"text", "json"}),
        ("lane-planner ", set(_COMMANDS)),
    ],
)
def test_bash(tmp_path: Path, line: str, offered: set[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    program = bin_directory / "lane-planner"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lane_planner "$@"\n')
    program.chmod(0o755)
    (tmp_path / "script").write_text(run(tmp_path, "completion", "bash").out)
    path = f"{bin_directory}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", _TAB, "bash", line], cwd=tmp_path,
        env=process_environment(PATH=path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert offered <= set(done.stdout.split())
    assert line.endswith(" ") or set(done.stdout.split()) == offered

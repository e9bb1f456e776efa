"""What the coverage data lacks is measured where the configuration says so."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lane_planner.repository.repository import Repository
from tests.executor.campaigns import campaign_repository
from tests.executor.repositories import git, snapshot

_CONFIG = "\n[coverage]\nmin = 0.75\nmeasure = true\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two tests and no coverage data."""
    # Tests run with the pytest of the PATH: here, the one that runs this.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    made = campaign_repository(tmp_path / "r", _CONFIG)
    tests = made / "tests"
    tests.mkdir()
    (tests / "test_m05.py").write_text(
        "from candidate.m05 import NAME\n\n\ndef test():\n    assert NAME\n", encoding="utf-8"
    )
    (tests / "test_m06.py").write_text(
        "from candidate.m06 import NAME\n\n\ndef test():\n    assert not NAME\n", encoding="utf-8"
    )
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "-m", "tests")
    return made


def test_a_module_that_the_data_lacks_is_measured(root: Path) -> None:
    before = snapshot(root)
    repository = Repository.open(root)
    _, analysis = repository.analyse("candidate.m05", "core", measure=True)
    assert analysis.ready and [one.fraction for one in analysis.coverage] == [1.0]
    assert repository.unmeasured == ()
    assert snapshot(root) == before


@pytest.mark.parametrize(
    ("module", "reason"),
    [("m06", "candidate/m06.py has tests that fail"), ("m07", "is reached by no test")],
)
def test_what_cannot_be_measured_is_told_and_stays_blocked(
    root: Path, module: str, reason: str
) -> None:
    repository = Repository.open(root)
    _, analysis = repository.analyse(f"candidate.{module}", "core", measure=True)
    assert [cause.code for cause in analysis.causes] == ["LP404"]
    [said] = repository.unmeasured
    assert reason in said


def test_a_dry_run_runs_no_test(root: Path) -> None:
    repository = Repository.open(root)
    _, analysis = repository.analyse("candidate.m05", "core")
    assert [cause.code for cause in analysis.causes] == ["LP404"]

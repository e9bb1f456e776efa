"""What the figures depend on: versions, processors, the size of the fixture."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from lane_planner.base.version import __version__

_PACKAGES = ("import-linter", "grimp", "ruff", "tach", "libcst", "msgspec", "click", "rope")


class Machine(NamedTuple):
    """Where and on what it was measured."""

    versions: dict[str, str]
    system: str
    processor: str
    processors: int
    commit: str
    files: int
    megabytes: float

    @classmethod
    def here(cls, commit: str, files: Sequence[Path]) -> Machine:
        """Return this machine.

        Args:
            commit: the fixture's.
            files: the fixture's Python files.
        """
        git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
        versions = {
            "lane-planner": __version__,
            "Python": platform.python_version(),
            "git": git.stdout.strip().removeprefix("git version "),
            **{name: _version(name) for name in _PACKAGES},
        }
        megabytes = sum(path.stat().st_size for path in files) / 1e6
        return cls(
            versions,
            f"{platform.system()} {platform.machine()}",
            _processor(),
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1,
            commit,
            len(files),
            round(megabytes, 1),
        )

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{versions}\n{self.processors} × {self.processor}, {self.system}\n"
            f"fixture {self.commit[:12]}: {self.files:,} Python files, {self.megabytes} MB"
        )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()

"""`python -m tests.corpus.install DIRECTORY`: puts the corpus's packages there, at pinned versions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = (
    "Django==5.2",
    "sympy==1.13.3",
    "celery==5.5.3",
    "SQLAlchemy==2.0.44",
    "networkx==3.4.2",
    "pyflakes==3.4.0",
    "toolz==1.2.0",
    "zict==3.0.0",
    "libcst==1.9.0",
    "mpmath==1.3.0",
    "passlib==1.7.4",
)


def main(directory: Path) -> None:
    """Install the packages unless they are there already."""
    stamp = directory / "installed.txt"
    wanted = "\n".join(PACKAGES)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    directory.mkdir(parents=True, exist_ok=True)
    # Of a package that is there already pip would leave what another version does not have.
    shutil.rmtree(directory / "packages", ignore_errors=True)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--target", str(directory / "packages"), *PACKAGES,
        ],
        check=True,
    )  # fmt: skip
    stamp.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

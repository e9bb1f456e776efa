"""Write the pages of docs/reference: `python -m tools.reference [DIRECTORY]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.reference.pages import PAGES


def main(arguments: list[str]) -> None:
    """Write every page into a directory, docs/reference unless another is named."""
    directory = Path(arguments[0] if arguments else "docs/reference")
    directory.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (directory / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

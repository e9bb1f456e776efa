"""Work out rope's move of a package and print its diff: `python -m benchmarks.rope_move ROOT …`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rope.base.project import Project
from rope.refactor.move import create_move


def main(arguments: Sequence[str]) -> int:
    """Run the command line: the root, the package's directory, and the directory it goes to."""
    root, source, target = arguments
    Path(root, target).mkdir(parents=True, exist_ok=True)
    project = Project(root, ropefolder=None)
    try:
        mover = create_move(project, project.get_resource(source))
        changes = mover.get_changes(project.get_resource(target))
        print(changes.get_description())
    finally:
        project.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

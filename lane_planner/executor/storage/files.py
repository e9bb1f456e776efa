"""Writing and removing the tool's own files, with failures told in one line."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from lane_planner.base.errors import EnvironmentFailure


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a reader, or a kill, finds the old or the new one, whole.

    Raises:
        EnvironmentFailure: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise EnvironmentFailure(f"cannot write {path}: {error.strerror or error}") from error


def remove(path: Path) -> None:
    """Remove a file, a symlink or a whole directory; nothing happens if it is not there.

    Raises:
        EnvironmentFailure: it cannot be removed.
    """
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
            return
        try:
            shutil.rmtree(path)
        except PermissionError:
            # Gates leave directories that their owner may not write: module caches, test data.
            for directory, _, _ in os.walk(path):
                os.chmod(directory, 0o700)
            shutil.rmtree(path)
    except OSError as error:
        raise EnvironmentFailure(f"cannot remove {path}: {error.strerror or error}") from error

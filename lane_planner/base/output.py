"""Writing a file that a user asked for."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from lane_planner.base.errors import EnvironmentFailure


def write_output(path: Path, content: bytes) -> None:
    """Write a file so that, whatever fails, it holds what it held or all of the new content.

    Links are followed; a pipe or a device is written to directly.

    Args:
        path: the file; its directory exists.
        content: all its bytes.

    Raises:
        EnvironmentFailure: it cannot be written.
    """
    try:
        target = Path(os.path.realpath(path))
        mode = _mode(target)
        if mode is not None and not stat.S_ISREG(mode):
            target.write_bytes(content)
            return
        _replace(target, content, _default_mode() if mode is None else stat.S_IMODE(mode))
    except OSError as error:
        raise EnvironmentFailure(f"cannot write {path}: {error.strerror or error}") from error


def _replace(target: Path, content: bytes, mode: int) -> None:
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    except PermissionError:
        target.write_bytes(content)  # the file may be writable where its directory is not
        return
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode(target: Path) -> int | None:
    try:
        return os.stat(target).st_mode
    except FileNotFoundError:
        return None


def _default_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask

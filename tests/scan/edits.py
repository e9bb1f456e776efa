"""A repository that is edited by chance, as people and programs edit one."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from fixtures.build import build
from tests.executor.repositories import git


def prepared(root: Path, limit: int | None) -> None:
    """Build the fixture, with a second branch on which every tenth file is another one."""
    build(root, limit=limit)
    git(root, "config", "user.name", "Test Person")
    git(root, "config", "user.email", "test@example.org")
    git(root, "checkout", "--quiet", "-B", "main")
    git(root, "checkout", "--quiet", "-b", "other")
    for path in sorted(root.rglob("*.py"))[::10]:
        path.write_bytes(path.read_bytes() + b"\nimport candidate\n")
    git(root, "commit", "--quiet", "--all", "--message", "other")
    git(root, "checkout", "--quiet", "main")


class Edits:
    """Changes a repository as people and programs do, by chance.

    Args:
        root: a git repository with two branches, "main" and "other".
        chance: decides all.
    """

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root = root
        self._chance = chance
        self._number = 0

    def add(self) -> None:
        """A new file: a module, a package, a stub, a name that nobody can import."""
        self._number += 1
        number, near = self._number, self._file().parent
        names = [
            f"new{number}.py", f"new-{number}.py", f"new{number}.pyi", f"deep{number}/inner.py",
            f"deep{number}/__init__.py", "__init__.py", f"Näme{number}.py",
        ]  # fmt: skip
        path = near / self._chance.choice(names)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._text())

    def delete(self) -> None:
        """A file, or a directory with all that it holds."""
        path = self._file()
        if self._chance.random() < 0.1 and len(list(path.parent.rglob("*"))) < 30:
            shutil.rmtree(path.parent)
        else:
            path.unlink()

    def rename(self) -> None:
        """A file, in its directory or into another, or a directory."""
        self._number += 1
        path = self._file()
        where = self._chance.random()
        if where < 0.2 and path.parent != self.root:
            path.parent.rename(path.parent.with_name(f"moved{self._number}"))
        elif where < 0.6:
            path.rename(path.with_name(f"moved{self._number}.py"))
        else:
            path.rename(self._file().with_name(f"moved{self._number}.py"))

    def touch(self) -> None:
        """Other times, the same content."""
        os.utime(self._file())

    def change(self) -> None:
        """Other content, written in place or beside it and put there."""
        path = self._file()
        text = path.read_bytes()
        cut = text.rfind(b"\n", 0, self._chance.randrange(len(text) + 1)) + 1
        new = self._chance.choice(
            [text[:cut] + self._text() + text[cut:], text[:cut], self._text()]
        )
        if self._chance.random() < 0.5:
            path.write_bytes(new)
        else:
            beside = path.with_name(f".{path.name}.tmp")
            beside.write_bytes(new)
            beside.replace(path)

    def same_size(self) -> None:
        """Other content of the same size, with the time that it had."""
        path = self._file()
        before = path.stat()
        text = path.read_bytes()
        new = self._text()[: len(text)]
        path.write_bytes(new + b"#" * (len(text) - len(new)))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size

    def other_size(self) -> None:
        """Other content of another size, with the time that it had."""
        path = self._file()
        before = path.stat()
        path.write_bytes(path.read_bytes() + b"\n" + self._text())
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def branch(self) -> None:
        """Commit what is there, and check out the other branch."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", "all of it")
        now = git(self.root, "rev-parse", "--abbrev-ref", "HEAD").decode().strip()
        git(self.root, "checkout", "--quiet", "other" if now == "main" else "main")

    def truncated(self) -> None:
        """A cache that is cut short, with or without a change."""
        for file in self._caches():
            os.truncate(file, self._chance.randrange(file.stat().st_size + 1))
        self._perhaps()

    def corrupted(self) -> None:
        """A cache with some other bytes, or with something else in it, likewise."""
        for file in self._caches():
            content = bytearray(file.read_bytes())
            for _ in range(self._chance.randrange(1, 4)):
                if content:
                    content[self._chance.randrange(len(content))] ^= self._chance.randrange(1, 256)
            file.write_bytes(self._chance.choice([bytes(content), self._chance.randbytes(999)]))
        self._perhaps()

    def two_runs(self) -> None:
        """A change that two runs find at once; see `Trial`."""
        self.change()

    def _perhaps(self) -> None:
        if self._chance.random() < 0.5:
            self.change()

    def _caches(self) -> list[Path]:
        return sorted((self.root / ".git/lane-planner/cache").glob("scan-*"))

    def _file(self) -> Path:
        listed = git(self.root, "ls-files", "-z", "--cached", "--others", "--", "*.py").split(b"\0")
        while True:
            path = self.root / os.fsdecode(self._chance.choice(sorted(set(listed) - {b""})))
            if path.is_file():
                return path

    def _text(self) -> bytes:
        """Return a source, good or bad, that imports what is there, was there, or never was."""
        path = self._file().relative_to(self.root)
        module = ".".join(path.with_suffix("").parts)
        return self._chance.choice(
            [
                f"import {module}\n",
                f"from {module} import something\n",
                f"def later():\n    import {module}\n",
                f"try:\n    import {module}\nexcept ImportError:\n    pass\n",
                f"import {module}  # lane: ignore[LP101] for now\n",
                f"import {module}.nothing, os\n",
                "from . import near\nfrom .... import far\n",
                f"import {module}\nx = (\n",
                f"'''\nimport {module}\n",
                "import importlib\nimportlib.import_module(name)\n",
                "",
            ]
        ).encode() + self._chance.choice([b"", b"", b"# \xff\n"])


KINDS = (
    "add", "delete", "rename", "touch", "change", "same_size", "other_size", "branch", "truncated",
    "corrupted", "two_runs",
)  # fmt: skip

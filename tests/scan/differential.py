"""`python -m tests.scan.differential --edits 500`: one graph, whichever way it is come to.

A repository is edited again and again, and after each edit its graph and findings are worked out

- cold: with a fresh cache directory, in one process;
- cached: by a repository that is opened anew, with the cache that the run before left;
- parallel: with no cache, in several processes;
- watched: by a process that has gone on since the beginning and hears of the change;
- every so many edits also by the command, on a real Dask cluster, through what such a one is sent
  and sends back in this process, and cold without the memory.

All have to be the same, byte for byte. The memory is what makes hundreds of cold runs possible: what
is found in a content is kept by the content itself, all of its bytes. That a content always says the
same is not what is tried here; that it is read, found, kept, sent and told of rightly is.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from unittest import mock

from fixtures.build import build
from lane_planner.graph.graph import build_graph
from lane_planner.planner.facts import Scanned, excluded
from lane_planner.report.documents import check_document, graph_document, to_json
from lane_planner.repository.repository import Repository
from lane_planner.rules.checking import check
from lane_planner.rules.lanes import LaneMap, lane_paths
from lane_planner.scan import source as source_module
from lane_planner.scan import syntax as syntax_module
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.cluster import Cluster
from lane_planner.scan.records import SyntaxFault
from lane_planner.scan.sources import WorkingTree
from lane_planner.scan.tree import scan_tree, syntax_faults
from tests.cli.shop import process_environment
from tests.executor.repositories import git

_Found = TypeVar("_Found")

_TODAY = datetime.date(2026, 1, 1)
_PATIENCE = 120.0  # seconds in which the watching process has heard; the machine may be busy
_PROCESSES = 3


class Document(NamedTuple):
    """What is compared.

    Attributes:
        graph: what `graph` prints.
        findings: violations and diagnostics.
    """

    graph: str
    findings: str

    def digest(self) -> str:
        """Return what tells it from all others."""
        return hashlib.sha256("\0".join(self).encode("utf-8", "surrogatepass")).hexdigest()


def document(repository: Repository, scanned: Scanned, faults: dict[str, SyntaxFault]) -> Document:
    """Return what is compared of a graph."""
    graph, records, lanes = scanned.graph, scanned.scan.records, scanned.lanes
    checked = check(
        graph, records, repository.settings, lanes, _TODAY,
        faults=faults, cycles=False, transitive=False,
    )  # fmt: skip
    findings = check_document(checked.violations, checked.diagnostics, None, {})
    return Document(to_json(graph_document(graph, lanes, faults, records)), to_json(findings))


def told(repository: Repository) -> Document:
    """Return what a repository tells, with what it knows already."""
    scanned = repository.looked_at()
    return document(repository, scanned, repository.faults(scanned))


def worked_out(repository: Repository, cache: ScanCache, **how: Any) -> Document:
    """Return what comes out with a cache of its own.

    Args:
        repository: its settings and files count, not its cache.
        cache: an empty one.
        how: who reads, as for `scan_tree`.
    """
    settings = repository.settings
    source = WorkingTree(settings.root, repository.git, excluded(settings))
    scan = scan_tree(source, cache, **how)
    graph = build_graph(
        scan.records,
        source_roots=settings.source_roots,
        lane_paths=lane_paths(settings),
        aliases=settings.aliases,
    )
    paths = [path for path in scan.records if path.endswith(".py")]
    faults = syntax_faults(source, scan, cache, paths, **how)
    return document(repository, Scanned(source, scan, graph, LaneMap(settings)), faults)


class Memory:
    """What was found in contents, kept by all their bytes; forked processes begin with it.

    Attributes:
        kept: whether it is used.
    """

    def __init__(self) -> None:
        self.kept = True

    def of(self, finds: Callable[[bytes], _Found]) -> Callable[[bytes], _Found]:
        """Return what does the same, and not twice."""
        known: dict[bytes, _Found] = {}

        def remembered(content: bytes) -> _Found:
            if not self.kept:
                return finds(content)
            if content not in known:
                known[content] = finds(content)
            return known[content]

        return remembered


class Here:
    """A cluster whose only worker is this process."""

    threads = 2

    def run_everywhere(self, function: Callable[..., Any], *arguments: Any) -> None:
        function(*arguments)

    def submit(self, function: Callable[..., _Found], *arguments: Any) -> Future[_Found]:
        future: Future[_Found] = Future()
        future.set_result(function(*arguments))
        return future

    def done(self, future: Future[Any]) -> bool:
        return future.done()

    def outcome(self, future: Future[_Found], work: str) -> _Found:
        return future.result()

    def close(self) -> None:
        pass


class Watcher:
    """A process that watches the repository, and tells the digest of what it sees."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.scan.differential", "--watch", str(root)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._told: queue.Queue[str] = queue.Queue()
        self._last = ""
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._told.put(line.strip())

    def comes_to(self, digest: str) -> bool:
        """Tell whether that is what it sees, now or soon."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._last = self._told.get_nowait()
            if self._last == digest:
                return True
            if time.monotonic() > deadline or self._process.poll() is not None:
                return False
            time.sleep(0.01)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._listener.join()


def watch(root: Path) -> None:
    """Print what a repository that is watched comes to, whenever it changes.

    It ends with standard input, which is open for as long as who asks is there.
    """
    repository = Repository.open(root)
    cache = repository.cache
    watched = repository.watch()

    def tell() -> None:
        watched.see()
        found = Repository.open(root)
        found.cache = cache
        print(told(found).digest(), flush=True)

    tell()
    stop = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=listen, daemon=True).start()
    for _ in watched.changes(stop):
        tell()


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


class Result(NamedTuple):
    """What came of a trial.

    Attributes:
        edits: how many of each kind were tried.
        compared: how many documents of each way were compared with the cold one.
        faults: which were different, and after what.
    """

    edits: Counter[str]
    compared: Counter[str]
    faults: tuple[str, ...]


class Trial:
    """Edits a repository, and compares.

    Args:
        root: the repository.
        scheduler: of the Dask cluster; None: there is none.
        rarely: every so many edits the slow ways are gone, too.
    """

    def __init__(self, root: Path, scheduler: str | None, rarely: int) -> None:
        self._root = root
        self._scheduler = scheduler
        self._rarely = rarely
        self._memory = Memory()
        self._compared: Counter[str] = Counter()
        self._faults: list[str] = []

    def run(self, edits: int, seed: int, tell: Callable[[str], None]) -> Result:
        """Make so many edits of all kinds in turn, in an order that chance decides."""
        chance = random.Random(seed)
        made = Edits(self._root, chance)
        done: Counter[str] = Counter()
        order = [KINDS[number % len(KINDS)] for number in range(edits)]
        chance.shuffle(order)
        with self._remembering(), contextlib.closing(Watcher(self._root)) as watcher:
            self._compare("the beginning", 0, watcher)
            for number, kind in enumerate(order, start=1):
                getattr(made, kind)()
                done[kind] += 1
                self._compare(f"edit {number}, {kind}", number, watcher)
                if number % self._rarely == 0:
                    tell(f"{number} edits, {len(self._faults)} differences")
        return Result(done, self._compared, tuple(self._faults))

    @contextlib.contextmanager
    def _remembering(self) -> Iterator[None]:
        with (
            mock.patch.object(
                source_module, "scan_source", self._memory.of(source_module.scan_source)
            ),
            mock.patch.object(
                syntax_module, "syntax_fault", self._memory.of(syntax_module.syntax_fault)
            ),
        ):
            yield

    def _compare(self, when: str, number: int, watcher: Watcher) -> None:
        repository = Repository.open(self._root)
        expected = self._cold(repository)

        def same(way: str, found: bool) -> None:
            self._compared[way] += 1
            if not found:
                self._faults.append(f"after {when}: {way} differs from cold")

        if "two_runs" in when:
            runs = [self._started() for _ in range(2)]
            for run in runs:
                same("two runs", run.communicate()[0] == expected.graph)
        same("cached", told(Repository.open(self._root)) == expected)
        spread: list[int] = []
        how = {"workers": _PROCESSES, "progress": lambda what, n, of: spread.append(n)}
        same("parallel", worked_out(repository, ScanCache(None), **how) == expected and any(spread))
        if number % self._rarely == 0:
            same("command", self._started().communicate()[0] == expected.graph)
            self._memory.kept = False
            same("cold without the memory", self._cold(repository) == expected)
            self._memory.kept = True
            packed = worked_out(repository, ScanCache(None), cluster=Cluster(Here))
            same("packed", packed == expected)
            if self._scheduler is not None:
                cluster = Cluster.at(self._scheduler)
                far = worked_out(repository, ScanCache(None), cluster=cluster)
                same("Dask", far == expected)
        same("watched", watcher.comes_to(expected.digest()))

    def _cold(self, repository: Repository) -> Document:
        with tempfile.TemporaryDirectory() as directory:
            cache = ScanCache(Path(directory, "cache"))
            assert not cache.holds_records
            return worked_out(repository, cache, workers=1)

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "lane_planner", "graph"], cwd=self._root,
            env=process_environment(), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip


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


def main(arguments: list[str]) -> int:
    """Edit and compare, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--edits", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="only so many files of the fixture")
    parser.add_argument("--rarely", type=int, default=25, help="how often the slow ways are gone")
    parser.add_argument("--watch", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args(arguments)
    if wanted.watch is not None:
        watch(wanted.watch)
        return 0
    from tests.dask_cluster import DaskCluster

    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory, "repository")
        prepared(root, wanted.limit)
        place = Path(directory, "cluster")
        place.mkdir()
        with contextlib.closing(DaskCluster(place)) as cluster:
            trial = Trial(root, cluster.address, wanted.rarely)
            result = trial.run(wanted.edits, wanted.seed, lambda text: print(text, flush=True))
    print("edits:", ", ".join(f"{kind} {count}" for kind, count in sorted(result.edits.items())))
    print("compared:", ", ".join(f"{way} {n}" for way, n in sorted(result.compared.items())))
    for fault in result.faults:
        print(fault)
    print(f"{len(result.faults)} differences")
    return 1 if result.faults or not result.edits else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Reading on a cluster: what is found is what this machine finds, and only what is needed travels."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.git import Git
from lane_planner.scan.cache import ScanCache, reader_version
from lane_planner.scan.cluster import Cluster
from lane_planner.scan.remote import answer, pack, require_version
from lane_planner.scan.sources import CommitTree, Entry, WorkingTree
from lane_planner.scan.tree import TreeScan, scan_tree, syntax_faults
from tests.executor.repositories import git, new_repository

FILES: dict[str, bytes] = {
    "empty.py": b"",
    "latin.py": b"# coding: latin-1\nimport one  # \xe9\n",
    "undecodable.py": b"import one  # \xff\n",
    "broken.py": b"import one\nx = (\n",
    "stub.pyi": b"import one\n",
    "deep/same.py": b"import one\n",
    "deep/again.py": b"import one\n",
    "large.py": b"import two\n" + b"# more than a pack\n" * 80_000,
} | {
    f"many/m{number}.py": f"from many import m{number // 2}\n".encode() + b"#" * 40_000
    for number in range(100)
}


class Fake:
    """A cluster whose workers are this process; what it has to do is done when it is asked for.

    Args:
        threads: how many the workers have.
        version: of the tool that they have.
        lost: raised in the place of the answer of that number, from 0.
    """

    def __init__(
        self, threads: int = 2, version: str | None = None, lost: dict[int, Exception] | None = None
    ) -> None:
        self.threads = threads
        self.connections = 0
        self.closed = 0
        self.sent: list[tuple[Any, ...]] = []
        self.under_way = 0
        self.most = 0
        self._version = version
        self._lost = lost or {}

    def cluster(self) -> Cluster:
        return Cluster(self._connect)

    def _connect(self) -> Fake:
        self.connections += 1
        return self

    def run_everywhere(self, function: Callable[..., Any], *arguments: Any) -> None:
        assert function is require_version
        if self._version is not None:
            raise EnvironmentFailure(f"the cluster has {self._version}, not {arguments[0]}")

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        lost = self._lost.get(len(self.sent))
        if lost is None:
            future.set_result(function(*arguments))
        else:
            future.set_exception(lost)
        self.sent.append((function, *arguments))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        return future

    def done(self, future: Future[Any]) -> bool:
        return future.done()

    def outcome(self, future: Future[Any], work: str) -> Any:
        self.under_way -= 1
        return future.result()

    def close(self) -> None:
        self.closed += 1


class Lazy(WorkingTree):
    """A working tree that knows how many bytes of it were read, and has a file that cannot be."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, None)
        self.read = 0

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | OSError]]:
        for entry, content in super().contents(entries):
            if entry.path == "many/m7.py":
                yield entry, PermissionError(13, "Permission denied")
                continue
            self.read += len(content) if isinstance(content, bytes) else 0
            yield entry, content


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_repository(tmp_path_factory.mktemp("repository") / "r", FILES)


def both(source: Any, cluster: Cluster | None, cache: ScanCache) -> tuple[TreeScan, Any]:
    scan = scan_tree(source, cache, cluster=cluster)
    paths = [path for path in scan.records if path.endswith(".py")]
    return scan, syntax_faults(source, scan, cache, paths, cluster=cluster)


def test_what_is_found_is_what_this_machine_finds(root: Path) -> None:
    fake = Fake()
    here, there = ScanCache(None), ScanCache(None)
    expected = both(Lazy(root), None, here)
    assert both(Lazy(root), fake.cluster(), there) == expected
    assert list(expected[0].records) == list(both(Lazy(root), fake.cluster(), there)[0].records)
    assert expected[0].records["many/m7.py"].undecodable == "cannot be read: Permission denied"
    assert expected[0].records["undecodable.py"].undecodable is not None
    assert list(expected[1]) == ["broken.py"]
    assert fake.connections == fake.closed == 2  # for imports, and for syntax


def test_a_commit_is_read_likewise(root: Path) -> None:
    repository = Git.require(root)
    tree = CommitTree(repository, repository.head())
    fake = Fake()
    # Git's own listing has no sizes: so many files may well be a pack.
    more = {f"more/m{number}.py": f"import m{number}\n".encode() for number in range(100)}
    for path, content in more.items():
        file = root / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "more")
    tree = CommitTree(repository, repository.head())
    assert both(tree, fake.cluster(), ScanCache(None)) == both(tree, None, ScanCache(None))
    assert fake.sent


def test_only_bytes_travel_and_records_come_back(root: Path) -> None:
    fake = Fake()
    scan_tree(WorkingTree(root, None), ScanCache(None), cluster=fake.cluster())
    assert len(fake.sent) >= 4
    for function, *arguments in fake.sent:
        assert function is answer
        assert [type(argument) for argument in arguments] == [str, str, bytes]
        assert type(function(*arguments)) is bytes


def test_packs_are_bounded_and_few_are_on_their_way(root: Path) -> None:
    fake = Fake(threads=1)
    source = Lazy(root)
    cache = ScanCache(None)
    read = []
    scan_tree(source, cache, cluster=fake.cluster(), progress=lambda *_: read.append(source.read))
    assert fake.most == 2
    assert max(len(pack) for _, _, _, pack in fake.sent) < 1_500_000
    total = read[-1]
    assert read[0] <= 4_000_000 < total  # the first was answered before the rest was read
    assert read == sorted(read)


def test_progress_comes_to_its_end(root: Path) -> None:
    told: list[tuple[str, int, int]] = []
    scan_tree(
        Lazy(root), ScanCache(None), cluster=Fake().cluster(),
        progress=lambda what, done, total: told.append((what, done, total)),
    )  # fmt: skip
    assert told == sorted(told)
    assert told[-1][1] == told[-1][2]


def test_only_what_the_cache_lacks_travels(root: Path) -> None:
    cache = ScanCache(None)
    scan_tree(WorkingTree(root, None), cache)
    fake = Fake()
    scan_tree(WorkingTree(root, None), cache, cluster=fake.cluster())
    assert (fake.connections, fake.sent) == (0, [])
    large = b"import three\n" + random.Random(1).randbytes(900_000).hex().encode() + b"\n"
    (root / "large.py").write_bytes(large)
    scan = scan_tree(WorkingTree(root, None), cache, cluster=fake.cluster())
    assert [raw.module for raw in scan.records["large.py"].imports] == ["three"]
    assert [arguments[-1] for arguments in fake.sent] == [pack([large])]


def test_little_is_read_here(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import one\n")
    fake = Fake()
    scan = scan_tree(WorkingTree(tmp_path, None), ScanCache(None), cluster=fake.cluster())
    assert scan.records["a.py"].imports
    assert fake.connections == 0


def test_another_version_is_refused() -> None:
    assert answer(reader_version(), "scan", pack([]))
    require_version(reader_version())
    other = "0.0.1 with Python 3.0.0"
    with pytest.raises(
        EnvironmentFailure, match=r"the cluster has .*, not 0.0.1 with Python 3.0.0"
    ):
        require_version(other)
    with pytest.raises(EnvironmentFailure):  # a worker that joined later
        answer(other, "scan", pack([b"import one\n"]))


def test_another_version_is_told_before_anything_travels(root: Path) -> None:
    fake = Fake(version="0.0.1")
    with pytest.raises(EnvironmentFailure, match=r"the cluster has 0.0.1"):
        scan_tree(WorkingTree(root, None), ScanCache(None), cluster=fake.cluster())
    assert (fake.sent, fake.closed) == ([], 1)


@pytest.mark.parametrize("error", [EnvironmentFailure("gone"), KeyboardInterrupt()])
def test_what_goes_wrong_ends_it_and_leaves_the_cluster(root: Path, error: Exception) -> None:
    fake = Fake(lost={1: error})
    cache = ScanCache(None)
    with pytest.raises(type(error)):
        scan_tree(WorkingTree(root, None), cache, cluster=fake.cluster())
    assert fake.closed == 1
    # What was answered by then is known, and nothing else is.
    again = scan_tree(WorkingTree(root, None), cache)
    assert again == scan_tree(WorkingTree(root, None), ScanCache(None))

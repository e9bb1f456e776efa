"""The scan cache: faster, and never wrong."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lane_planner.scan import cache as cache_module
from lane_planner.scan.cache import ScanCache, content_key
from lane_planner.scan.records import FileRecord, RawImport, SyntaxFault
from lane_planner.scan.sources import Entry, FileStat, WorkingTree
from lane_planner.scan.tree import TreeScan, scan_tree, syntax_faults

LONG_AGO = 1_600_000_000_000_000_000


def tree(root: Path) -> WorkingTree:
    return WorkingTree(root, None)


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def modules(scan: TreeScan) -> dict[str, list[str]]:
    return {path: [raw.module for raw in record.imports] for path, record in scan.records.items()}


class Counting(WorkingTree):
    """A working tree that says which files were read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, None)
        self.read: list[str] = []

    def contents(self, entries):  # type: ignore[no-untyped-def]  # passes everything on
        for entry, content in super().contents(entries):
            self.read.append(entry.path)
            yield entry, content


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "repository"
    write(place, "a.py", "import one\n")
    write(place, "b.py", "import two\n")
    return place


def settle() -> None:
    """Wait until the files are older than the cache asks for before it trusts their times."""
    time.sleep(0.12)


def run(root: Path, file: Path) -> tuple[TreeScan, list[str]]:
    cache = ScanCache(file)
    source = Counting(root)
    scan = scan_tree(source, cache)
    cache.save()
    return scan, source.read


def test_an_unchanged_tree_is_not_read_again(root: Path, tmp_path: Path) -> None:
    settle()
    first, read = run(root, tmp_path / "cache")
    assert read == ["a.py", "b.py"]
    second, read = run(root, tmp_path / "cache")
    assert read == []
    assert first == second


def test_only_a_changed_file_is_read_again(root: Path, tmp_path: Path) -> None:
    settle()
    run(root, tmp_path / "cache")
    write(root, "b.py", "import three\n")
    scan, read = run(root, tmp_path / "cache")
    assert set(read) == {"b.py"}
    assert modules(scan) == {"a.py": ["one"], "b.py": ["three"]}


def test_known_contents_with_new_times_are_not_scanned_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    first, _ = run(root, tmp_path / "cache")
    os.utime(root / "a.py")
    (root / "b.py").rename(root / "c.py")
    monkeypatch.setattr("lane_planner.scan.source.scan_source", None)
    second, _ = run(root, tmp_path / "cache")
    assert modules(second) == {"a.py": ["one"], "c.py": ["two"]}
    assert second.keys["c.py"] == first.keys["b.py"]


def test_a_stub_with_the_content_of_a_module_is_no_module(root: Path, tmp_path: Path) -> None:
    write(root, "a.pyi", "import one\n")
    write(root, "z.pyx", "import two\n")
    settle()
    imported = {"a.py": ["one"], "a.pyi": [], "b.py": ["two"], "z.pyx": []}
    for expected in (["a.py", "b.py"], []):
        scan, read = run(root, tmp_path / "cache")
        assert modules(scan) == imported
        assert read == expected


def test_a_change_that_keeps_size_and_time_is_seen(root: Path, tmp_path: Path) -> None:
    settle()
    status = (root / "b.py").stat()
    run(root, tmp_path / "cache")
    write(root, "b.py", "import owt\n")
    os.utime(root / "b.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    scan, _ = run(root, tmp_path / "cache")
    assert modules(scan)["b.py"] == ["owt"]


def test_a_file_written_just_now_is_not_trusted(root: Path, tmp_path: Path) -> None:
    run(root, tmp_path / "cache")
    _, read = run(root, tmp_path / "cache")
    assert read == ["a.py", "b.py"]


def test_added_deleted_and_renamed_files(root: Path, tmp_path: Path) -> None:
    settle()
    run(root, tmp_path / "cache")
    (root / "b.py").rename(root / "c.py")
    write(root, "d/e.py", "import four\n")
    (root / "a.py").unlink()
    scan, _ = run(root, tmp_path / "cache")
    assert modules(scan) == {"c.py": ["two"], "d/e.py": ["four"]}


DAMAGED = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[:-7],
    "one bit turned": lambda content: content[:-20] + bytes([content[-20] ^ 1]) + content[-19:],
    "longer": lambda content: content + b"x",
    "of another tool": lambda content: b"something else",
    "another format": lambda content: content.replace(b"cache 3", b"cache 0"),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_cache_is_made_anew(root: Path, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    settle()
    file = tmp_path / "cache"
    first, _ = run(root, file)
    file.write_bytes(damage(file.read_bytes()))
    second, read = run(root, file)
    assert second == first
    assert read == ["a.py", "b.py"]
    assert run(root, file)[1] == []


def test_a_cache_of_another_version_is_made_anew(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "__version__", "0.0.0")
        run(root, tmp_path / "cache")
    assert run(root, tmp_path / "cache")[1] == ["a.py", "b.py"]


def test_a_place_that_cannot_be_written_costs_nothing_but_time(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = ScanCache(blocked / "cache")
    scan = scan_tree(tree(root), cache)
    assert cache.save() is False
    assert modules(scan) == {"a.py": ["one"], "b.py": ["two"]}


def test_forgotten_contents_leave_in_time(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path / "cache")
    for number in range(3000):
        cache.learn(b"%020d" % number, FileRecord())
    cache.save()
    later = ScanCache(tmp_path / "cache")
    later.learn(b"new", FileRecord((RawImport("a", None, 1, 0),)))
    later.save()
    last = ScanCache(tmp_path / "cache")
    assert last.record(b"new") is not None
    assert last.record(b"%020d" % 1) is None


def test_a_content_key_is_gits_blob_id() -> None:
    assert content_key(b"hello\n").hex() == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_time_of_whole_seconds_needs_more_distance(tmp_path: Path) -> None:
    cache = ScanCache(tmp_path / "cache")
    entry = Entry("a.py", FileStat(LONG_AGO, LONG_AGO, 1, 1), None)
    cache.learn_stats({entry: b"key"}, LONG_AGO + 1_000_000_000)
    assert cache.key_of(entry) is None or ScanCache(None).key_of(entry) is None
    cache.learn_stats({entry: b"key"}, LONG_AGO + 3_000_000_000)
    cache.save()
    assert ScanCache(tmp_path / "cache").key_of(entry) == b"key"


def test_syntax_faults_are_found_and_remembered(root: Path, tmp_path: Path) -> None:
    write(root, "broken.py", "x = (\n")
    settle()
    for _ in range(2):
        cache = ScanCache(tmp_path / "cache")
        source = Counting(root)
        scan = scan_tree(source, cache)
        source.read.clear()
        faults = syntax_faults(source, scan, cache, scan.records)
        cache.save()
        assert faults == {"broken.py": SyntaxFault(1, "'(' was never closed")}
    assert source.read == []


def test_a_commit_says_nothing_of_the_working_tree(root: Path, tmp_path: Path) -> None:
    """What is known of the files' times stays when a commit is read in between."""
    settle()
    assert run(root, tmp_path / "cache")[1] == ["a.py", "b.py"]
    blob = content_key(b"import one\n")

    class Commit(WorkingTree):
        def entries(self) -> list[Entry]:
            return [Entry("a.py", None, blob)]

    cache = ScanCache(tmp_path / "cache")
    assert modules(scan_tree(Commit(root, None), cache)) == {"a.py": ["one"]}
    cache.learn(b"new", FileRecord())
    cache.save()
    assert run(root, tmp_path / "cache")[1] == []

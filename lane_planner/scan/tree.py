"""A whole repository: files, cache and worker processes → records by path."""

from __future__ import annotations

import importlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.threads import may_fork
from lane_planner.scan.cache import ScanCache, content_key
from lane_planner.scan.records import FileRecord, SyntaxFault
from lane_planner.scan.sources import Entry, Source
from lane_planner.scan.work import CHECK, SCAN, WORKS, Found, Work

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from lane_planner.scan.cluster import Cluster

# Below this many bytes to read, starting worker processes costs more than it saves.
_WORTH_WORKERS = 3_000_000
_CHUNKS_PER_WORKER = 4
# What travels to a cluster at once, in bytes of contents. Less than that is not worth a connection.
_PACK = 1_000_000
# What a file of a commit is taken to have: git tells the size of its blob with the blob.
_USUAL_SIZE = 10_000


class TreeScan(msgspec.Struct, frozen=True):
    """What the files of a repository say.

    Attributes:
        records: by path, sorted.
        keys: the content key of each source file's path.
    """

    records: dict[str, FileRecord]
    keys: dict[str, bytes]


Progress = Callable[[str, int, int], None]
"""Told what is being done, and how many of how many files are done."""


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


def scan_tree(
    source: Source,
    cache: ScanCache,
    *,
    workers: int = 0,
    cluster: Cluster | None = None,
    progress: Progress = silent,
) -> TreeScan:
    """Read the imports of every file that is not known from the cache.

    Nothing is looked for in files other than Python source: that they are there is all that counts.

    Args:
        source: the files.
        cache: what is known already; it learns the rest, and is not saved.
        workers: most worker processes; 0: as many as there are processors. There are none where
            that would not pay, or where other threads could keep a forked process from ending.
        cluster: reads in their stead, where there is much to read; None: there is none.
        progress: told how far it is.

    Raises:
        EnvironmentFailure: git, the file system, a worker process or the cluster failed.
    """
    looked_at = time.time_ns()
    entries = source.entries()
    keys: dict[Entry, bytes] = {}
    records: dict[str, FileRecord] = {}
    missing: list[Entry] = []
    for entry in entries:
        if not entry.path.endswith(".py"):
            records[entry.path] = FileRecord()
            continue
        key = cache.key_of(entry)
        record = cache.record(key) if key is not None else None
        if key is None or record is None:
            missing.append(entry)
        else:
            keys[entry] = key
            records[entry.path] = record
    unhashed = [entry for entry in missing if entry.blob is None] if cache.holds_records else []
    if unhashed:
        # A fresh checkout gives old contents new times; hashing is far cheaper than scanning.
        for entry, content in source.contents(unhashed):
            key = content_key(content) if isinstance(content, bytes) else None
            record = cache.record(key) if key is not None else None
            if key is not None and record is not None:
                keys[entry] = key
                records[entry.path] = record
        missing = [entry for entry in missing if entry not in keys]
    for entry, key, record in _spread(
        source, missing, SCAN, workers, cluster, lambda n, of: progress("reading", n, of)
    ):
        if key:
            cache.learn(key, record)
            keys[entry] = key
        records[entry.path] = record
    cache.learn_stats(keys, looked_at)
    return TreeScan(dict(sorted(records.items())), {entry.path: key for entry, key in keys.items()})


def syntax_faults(
    source: Source,
    scan: TreeScan,
    cache: ScanCache,
    paths: Iterable[str],
    *,
    workers: int = 0,
    cluster: Cluster | None = None,
    progress: Progress = silent,
) -> dict[str, SyntaxFault]:
    """Return why files do not parse (LP901), by path; files that parse are left out.

    Args:
        source: the files, unchanged since the scan.
        scan: their records.
        cache: what is known already; it learns the rest, and is not saved.
        paths: the Python files to look at.
        workers: as for `scan_tree`.
        cluster: as for `scan_tree`.
        progress: as for `scan_tree`.

    Raises:
        EnvironmentFailure: as for `scan_tree`.
    """
    faults: dict[str, SyntaxFault] = {}
    unknown: set[str] = set()
    for path in paths:
        key = scan.keys.get(path)
        try:
            fault = cache.fault(key) if key is not None else None
        except KeyError:
            unknown.add(path)
            continue
        if fault is not None:
            faults[path] = fault
    missing = [entry for entry in source.entries() if entry.path in unknown] if unknown else []
    for entry, key, fault in _spread(
        source, missing, CHECK, workers, cluster, lambda n, of: progress("parsing", n, of)
    ):
        if key:
            cache.learn_fault(key, fault)
        if fault is not None:
            faults[entry.path] = fault
    return dict(sorted(faults.items()))


def _spread(
    source: Source,
    entries: Sequence[Entry],
    work: Work[Found],
    workers: int,
    cluster: Cluster | None,
    progress: Callable[[int, int], None],
) -> Iterable[tuple[Entry, bytes, Found]]:
    """Yield what work on files finds, from other processes where that is faster."""
    if not entries:
        return  # a warm run must not even load what the work needs
    size = sum(map(_size, entries))
    if cluster is not None and size >= _PACK:
        yield from _far(source, entries, work, cluster, progress)
        return
    workers = workers or _processors()
    if workers < 2 or size < _WORTH_WORKERS or not may_fork():
        for entry, (key, found) in zip(entries, work.on(source.contents(entries)), strict=True):
            yield entry, key, found
        return
    count = workers * _CHUNKS_PER_WORKER
    chunks = [list(entries[first::count]) for first in range(count)]
    importlib.import_module(work.loads)
    import multiprocessing
    from concurrent.futures import BrokenExecutor

    others = set(multiprocessing.active_children())
    executor = _executor(workers)
    try:
        # Not `map`: interrupted, it cancels what is pending, and the executor's own thread may
        # then end in a traceback, as it finds what it wants to call broken cancelled.
        pending = [executor.submit(_packed, work.name, source, chunk) for chunk in chunks]
        done = 0
        for chunk, future in zip(chunks, pending, strict=True):
            body = future.result()
            done += len(chunk)
            progress(done, len(entries))
            for entry, (key, found) in zip(chunk, work.answers.decode(body), strict=True):
                yield entry, key, found
    except BrokenExecutor as error:
        raise EnvironmentFailure(
            "a worker process ended while reading files (killed, or out of memory): run it again"
        ) from error
    except BaseException:  # nobody waits for what an interrupt makes useless
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        executor.shutdown()


def _packed(name: str, source: Source, entries: Sequence[Entry]) -> bytes:
    work = WORKS[name]
    return work.packed(work.on(source.contents(entries)))


def _far(
    source: Source,
    entries: Sequence[Entry],
    work: Work[Found],
    cluster: Cluster,
    progress: Callable[[int, int], None],
) -> Iterator[tuple[Entry, bytes, Found]]:
    """Yield what work on files finds, from the workers of a cluster."""
    from lane_planner.scan.remote import pack

    unreadable: list[tuple[Entry, OSError]] = []
    sent: deque[list[Entry]] = deque()  # of each pack that is not answered yet

    def packs() -> Iterator[bytes]:
        chosen: list[Entry] = []
        contents: list[bytes] = []
        size = 0
        for entry, content in _read(source, entries):
            if isinstance(content, OSError):
                unreadable.append((entry, content))
                continue
            if contents and size + len(content) > _PACK:
                sent.append(chosen)
                yield pack(contents)
                chosen, contents, size = [], [], 0
            chosen.append(entry)
            contents.append(content)
            size += len(content)
        if contents:
            sent.append(chosen)
            yield pack(contents)

    done = 0
    for body in cluster.answers(work.name, packs()):
        chosen = sent.popleft()
        done += len(chosen)
        progress(done, len(entries))
        for entry, (key, found) in zip(chosen, work.answers.decode(body), strict=True):
            yield entry, entry.blob or key, found
    for entry, error in unreadable:
        yield entry, b"", work.unreadable(error)
    progress(len(entries), len(entries))


def _read(source: Source, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes | OSError]]:
    """Yield entries with their bytes, asked for some at a time: git answers all that is asked."""
    start = size = 0
    for end, entry in enumerate(entries, start=1):
        size += _size(entry)
        if size >= _PACK or end == len(entries):
            yield from source.contents(entries[start:end])
            start, size = end, 0


def _size(entry: Entry) -> int:
    return entry.stat.size if entry.stat else _USUAL_SIZE


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _executor(workers: int) -> Executor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Forked workers share what is loaded already; elsewhere the platform's default is right.
    forks = "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if forks else None)
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    """Let a worker end without a word: when it is interrupted, and with who started it."""
    import signal
    import threading

    # Ctrl-C reaches the whole process group: each worker would print a traceback of its own. And
    # a handler for SIGTERM that it inherits is not meant for it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)  # a killed parent closes nothing that an idle worker waits for

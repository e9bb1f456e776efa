"""What earlier runs learned about file contents, kept by content in one file.

The file is only ever replaced as a whole, carries a checksum, and is thrown away when anything
about it is not as expected: it can be missing, cut short, of another version or written by two
runs at once, and never makes a result wrong.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from lane_planner.base.version import __version__
from lane_planner.scan.records import FileRecord, SyntaxFault
from lane_planner.scan.sources import Entry, FileStat

_FORMAT = b"lane-planner scan cache 3\n"
_DIGEST_SIZE = 20
# A file that was written within a tick of the clock of our look at it can be written again
# without its time changing; file systems that keep whole seconds need more.
_TICK_NS = 50_000_000
_WHOLE_SECONDS_NS = 2_000_000_000
# Contents that no file has any more are kept until they outnumber those in use this many times.
_KEPT_TIMES = 3


class _Data(msgspec.Struct, array_like=True):
    version: str
    stats: dict[str, tuple[int, int, int, int, bytes]]
    records: dict[bytes, FileRecord]
    faults: dict[bytes, SyntaxFault | None]


class ScanCache:
    """Records and syntax faults by content key, and content keys by file status.

    Args:
        file: where it is kept; None: in memory only.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._data = _load(file) if file is not None else None
        self._changed = self._data is None
        if self._data is None:
            self._data = _Data(reader_version(), {}, {}, {})
        self._stats = self._data.stats
        self._records = self._data.records
        self._faults = self._data.faults
        self._used: set[bytes] = set()

    @property
    def holds_records(self) -> bool:
        """Whether the record of any content is known."""
        return bool(self._records)

    def key_of(self, entry: Entry) -> bytes | None:
        """Return the content key of a file, or None if it has to be read to know it."""
        if entry.blob is not None:
            return entry.blob
        known = self._stats.get(entry.path)
        if known is not None and known[:4] == entry.stat:
            return known[4]
        return None

    def record(self, key: bytes) -> FileRecord | None:
        """Return the record of a content, or None if it is not known."""
        found = self._records.get(key)
        if found is not None:
            self._used.add(key)
        return found

    def learn(self, key: bytes, record: FileRecord) -> None:
        """Remember the record of a content."""
        if key not in self._records:
            self._changed = True
        self._records[key] = record
        self._used.add(key)

    def fault(self, key: bytes) -> SyntaxFault | None:
        """Return the syntax fault of a content, None if it parses.

        Raises:
            KeyError: it is not known.
        """
        return self._faults[key]

    def learn_fault(self, key: bytes, fault: SyntaxFault | None) -> None:
        """Remember whether a content parses."""
        self._faults[key] = fault
        self._changed = True

    def learn_stats(self, keys: dict[Entry, bytes], looked_at_ns: int) -> None:
        """Remember the content keys of a whole working tree.

        Args:
            keys: every file with its content key; those of a commit tell nothing of the tree.
            looked_at_ns: the wall clock before the files' status was taken, in nanoseconds.
        """
        if not any(entry.stat for entry in keys):
            return
        stats = {
            entry.path: (*entry.stat, key)
            for entry, key in keys.items()
            if entry.stat is not None
            and _settled(entry.stat, looked_at_ns)
            and _storable(entry.path)
        }
        if stats != self._stats:
            self._stats = stats
            self._changed = True

    def save(self) -> bool:
        """Write the cache if it changed; a directory that cannot be written to is left alone.

        Returns:
            Whether the file is as the memory is.
        """
        if self._file is None or not self._changed:
            return self._file is not None
        if len(self._records) > _KEPT_TIMES * len(self._used) + 1000:
            self._records = {k: v for k, v in self._records.items() if k in self._used}
            self._faults = {k: v for k, v in self._faults.items() if k in self._used}
        data = _Data(reader_version(), self._stats, self._records, self._faults)
        body = msgspec.msgpack.encode(data)
        import tempfile  # a warm run has nothing to save

        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".scan-", dir=self._file.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_FORMAT + _digest(body) + body)
                os.replace(name, self._file)
            except BaseException:
                os.unlink(name)
                raise
        except OSError:
            return False  # a read-only or full disk costs time on the next run, not correctness
        self._changed = False
        return True


def content_key(content: bytes) -> bytes:
    """Return the content's key: the id that git gives to a blob of it."""
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).digest()


def _settled(stat: FileStat, looked_at_ns: int) -> bool:
    coarse = stat.mtime_ns % 1_000_000_000 == 0
    margin = _WHOLE_SECONDS_NS if coarse else _TICK_NS
    return max(stat.mtime_ns, stat.ctime_ns) < looked_at_ns - margin


def _storable(path: str) -> bool:
    return path.isascii() or not any("\ud800" <= char <= "\udfff" for char in path)


def reader_version() -> str:
    """Return what, beside its content, decides what is found in a file.

    That is this code, and for syntax the running Python.
    """
    import sys

    return f"{__version__} with Python {'.'.join(map(str, sys.version_info[:3]))}"


def _digest(body: bytes) -> bytes:
    return hashlib.sha1(body, usedforsecurity=False).digest()


def _load(file: Path) -> _Data | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    start = len(_FORMAT) + _DIGEST_SIZE
    if not content.startswith(_FORMAT):
        return None
    body = memoryview(content)[start:]
    if hashlib.sha1(body, usedforsecurity=False).digest() != content[len(_FORMAT) : start]:
        return None
    try:
        data = msgspec.msgpack.decode(body, type=_Data)
    except msgspec.MsgspecError:
        return None
    return data if data.version == reader_version() else None

"""Scanning slices beside parsing whole modules, over many files in worker processes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import libcst as cst

from lane_planner.scan.decode import Undecodable, decode
from lane_planner.scan.source import scan_text
from tests.oracles.whole_module import scan_whole


class Compared(NamedTuple):
    """What a comparison found.

    Attributes:
        files: how many files were compared.
        imports: how many imports they have.
        unreadable: how many files libcst does not parse or nobody can decode.
        differing: the files whose records differ, with the first record that does.
    """

    files: int
    imports: int
    unreadable: int
    differing: tuple[str, ...]


def compare_files(paths: Iterable[Path], *, workers: int = 2) -> Compared:
    """Compare the records of slices and of whole modules, record for record."""
    files = sorted(paths)
    count = imports = unreadable = 0
    differing: list[str] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        for path, found in zip(files, executor.map(_compare, files, chunksize=20), strict=True):
            if found is None:
                unreadable += 1
                continue
            count += 1
            imports += found[0]
            if found[1]:
                differing.append(f"{path}: {found[1]}")
    return Compared(count, imports, unreadable, tuple(differing))


def _compare(path: Path) -> tuple[int, str] | None:
    sys.setrecursionlimit(10_000)
    try:
        text = decode(path.read_bytes())
        whole = scan_whole(text)
    except (Undecodable, cst.ParserSyntaxError, RecursionError):
        return None
    sliced = scan_text(text)
    if sliced == whole:
        return len(whole.imports), ""
    imports = set(sliced.imports) ^ set(whole.imports)
    odd = [*imports, *(set(sliced.opaque) ^ set(whole.opaque))]
    return len(whole.imports), str(sorted(odd, key=str)[:1] or "another order")

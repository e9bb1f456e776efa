"""`python -m tests.scan.differential --edits 500`: one graph, whichever way it is come to.

A repository is edited again and again, and after each edit its graph and findings are worked out

- cold: with a fresh cache directory, in one process;
- cached: by a repository that is opened anew, with the cache that the run before left;
- parallel: with no cache, in several processes;
- watched: by a process that has gone on since the beginning and hears of the change;
- Dask: with no cache, on a real cluster of a scheduler and two workers;
- every so many edits also by the command, and cold and on the cluster without the memory.

All have to be the same, byte for byte. The memory is what makes hundreds of cold runs possible, here
and on the workers: what is found in a content is kept by the content itself, all of its bytes. That a
content always says the same is not what is tried here; that it is read, found, kept, sent and told
of rightly is.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lane_planner.repository.repository import Repository
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.cluster import Cluster
from tests.cli.shop import process_environment
from tests.dask_cluster import DaskCluster
from tests.scan.documents import Document, read_elsewhere, told, worked_out
from tests.scan.edits import KINDS, Edits, prepared
from tests.scan.elsewhere import Elsewhere
from tests.scan.memory import Memory, remembering


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
        self._remember(True)
        self._memory.start()
        try:
            with (
                contextlib.closing(Elsewhere("watched", self._root)) as watched,
                contextlib.closing(Elsewhere("parallel", self._root)) as parallel,
            ):
                self._compare("the beginning", 0, watched, parallel)
                for number, kind in enumerate(order, start=1):
                    getattr(made, kind)()
                    done[kind] += 1
                    self._compare(f"edit {number}, {kind}", number, watched, parallel)
                    if number % self._rarely == 0:
                        tell(f"{number} edits, {len(self._faults)} differences")
        finally:
            self._memory.stop()
        return Result(done, self._compared, tuple(self._faults))

    def _compare(self, when: str, number: int, watched: Elsewhere, parallel: Elsewhere) -> None:
        parallel.ask()  # it works while the others do
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
        if self._scheduler is not None:
            same("Dask", self._on_the_cluster(repository, expected))
        if number % self._rarely == 0:
            same("command", self._started().communicate()[0] == expected.graph)
            self._remember(False)
            same("cold without the memory", self._cold(repository) == expected)
            if self._scheduler is not None:
                same("Dask without the memory", self._on_the_cluster(repository, expected))
            self._remember(True)
        same("parallel", parallel.comes_to(expected.digest()))
        same("watched", watched.comes_to(expected.digest()))

    def _cold(self, repository: Repository) -> Document:
        with tempfile.TemporaryDirectory() as directory:
            cache = ScanCache(Path(directory, "cache"))
            assert not cache.holds_records
            return worked_out(repository, cache, workers=1)

    def _on_the_cluster(self, repository: Repository, expected: Document) -> bool:
        assert self._scheduler is not None
        cluster = Cluster.at(self._scheduler)
        return read_elsewhere(repository, workers=1, cluster=cluster) == expected

    def _remember(self, kept: bool) -> None:
        self._memory.kept = kept
        if self._scheduler is not None:
            remembering(self._scheduler, kept)

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "lane_planner", "graph"], cwd=self._root,
            env=process_environment(), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip


def main(arguments: list[str]) -> int:
    """Edit and compare, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--edits", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="only so many files of the fixture")
    parser.add_argument("--rarely", type=int, default=25, help="how often the slow ways are gone")
    wanted = parser.parse_args(arguments)
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

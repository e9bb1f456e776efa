"""Reading on a Dask cluster: a real scheduler and real workers, some of which are killed midway."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.build import build
from lane_planner.base.errors import EnvironmentFailure
from lane_planner.report.documents import graph_document, to_json
from lane_planner.repository.repository import Repository
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.cluster import Cluster
from tests.cli.shop import process_environment
from tests.dask_cluster import DaskCluster

pytestmark = pytest.mark.long

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("fixture") / "repository"
    build(place)
    return place


@pytest.fixture(scope="module")
def expected(root: Path) -> str:
    return graph_of(Repository.open(root))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    made = DaskCluster(tmp_path)
    yield made
    made.close()


def graph_of(repository: Repository) -> str:
    """Return what `graph --format json` prints, worked out with nothing cached."""
    repository.cache = ScanCache(None)
    found = repository.scanned()
    faults = repository.faults(found)
    return to_json(graph_document(found.graph, found.lanes, faults, found.scan.records))


def midway(act: Callable[[], object]) -> Callable[[str, int, int], None]:
    """Return a progress that acts once, when something is read and most is not."""
    acted: list[int] = []

    def progress(what: str, done: int, total: int) -> None:
        if not acted:
            assert what == "reading" and done < total / 4
            acted.append(done)
            act()

    return progress


def run(root: Path, address: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing cached, and its files read on a cluster."""
    for file in (root / ".git/lane-planner/cache").glob("*"):
        file.unlink()
    return subprocess.run(
        [sys.executable, "-m", "lane_planner", *command, "--scheduler", address],
        cwd=root, env=process_environment(), capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip


def test_the_graph_is_that_of_this_machine_with_a_worker_killed_midway(
    root: Path, expected: str, cluster: DaskCluster
) -> None:
    whole = run(root, cluster.address, "graph")
    assert (whole.returncode, whole.stdout, whole.stderr) == (0, expected, "")
    warm = subprocess.run(
        [sys.executable, "-m", "lane_planner", "graph"],
        cwd=root, env=process_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert warm.stdout == expected  # from what the run on the cluster has left
    repository = Repository.open(root, scheduler=cluster.address)
    repository.progress = midway(cluster.workers[0].kill)
    assert graph_of(repository) == expected
    assert cluster.workers[0].wait() != 0
    assert cluster.workers[1].poll() is None


def test_with_no_worker_left_it_ends(
    root: Path, cluster: DaskCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    from lane_planner.base.cluster import Connection

    repository = Repository.open(root)
    repository.cluster = Cluster(lambda: Connection(cluster.address, patience=2))

    def kill() -> None:
        for worker in cluster.workers:
            worker.kill()

    repository.progress = midway(kill)
    with pytest.raises(EnvironmentFailure, match="has no worker left: start some"):
        graph_of(repository)
    assert capfd.readouterr() == ("", "")
    none = run(root, cluster.address, "check")
    assert none.returncode == 4
    assert none.stderr.count("\n") == 1 and "has no worker: start some" in none.stderr


def test_with_no_scheduler_it_ends(
    root: Path, cluster: DaskCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    repository = Repository.open(root, scheduler=cluster.address)
    repository.progress = midway(cluster.scheduler.kill)
    with pytest.raises(EnvironmentFailure, match="has dropped reading files: is it closed"):
        graph_of(repository)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("address", ["nothing", "odd://host:1", "tcp://127.0.0.1:1", "\x1b[31m"])
def test_an_address_of_no_scheduler_is_told_in_a_line(root: Path, address: str) -> None:
    none = run(root, address, "check")
    assert (none.returncode, none.stdout) == (4, "")
    assert none.stderr.count("\n") == 1 and "\x1b" not in none.stderr
    assert none.stderr.startswith("lane-planner: error: cannot reach the scheduler")


VERSIONS = {
    "another": ("__version__ = '0.0.1'\n", "the cluster has lane-planner 0.0.1 with Python"),
    "none": (None, "it needs the same lane-planner[distributed]"),
}


@pytest.mark.parametrize(("version", "said"), VERSIONS.values(), ids=VERSIONS)
def test_another_version_there_is_told_in_a_line(
    root: Path, tmp_path: Path, version: str | None, said: str
) -> None:
    other = tmp_path / "other/lane_planner"
    other.mkdir(parents=True)
    # An editable install would find the parts of a package that is merely empty.
    text = "" if version else "raise ModuleNotFoundError('No module named lane_planner')\n"
    if version is not None:
        # All of this version but for its number.
        package = Path.cwd() / "lane_planner"
        text += f"__path__.append({str(package)!r})\n"
        (other / "base").mkdir()
        (other / "base/__init__.py").write_text(f"__path__.append({str(package / 'base')!r})\n")
        (other / "base/version.py").write_text(version)
    (other / "__init__.py").write_text(text)
    cluster = DaskCluster(tmp_path, tmp_path / "other")
    try:
        refused = run(root, cluster.address, "check")
        assert all(worker.poll() is None for worker in cluster.workers)
    finally:
        cluster.close()
    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr.count("\n") == 1 and said in refused.stderr

"""Cases run in turn, their figures are compared with the right ones, and states are taken back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.startup import loaded
from benchmarks.states import States
from benchmarks.table import markdown, rows
from benchmarks.timing import Case, Failed, Sample, WrongUsage, measure, run

FINE = (sys.executable, "-c", "")
FAILING = "import sys; sys.stderr.write('out of order'); sys.exit(2)"


def test_cases_run_in_turn_and_the_first_round_does_not_count(tmp_path: Path) -> None:
    log: list[str] = []

    def logged(name: str) -> Case:
        @contextmanager
        def state() -> Iterator[None]:
            log.append(f"{name} made")
            yield
            log.append(f"{name} undone")

        return Case(name, FINE, state)

    samples = measure([logged("a"), logged("b")], 2, tmp_path, dict(os.environ), log.append)
    once = ["a made", "a undone", "b made", "b undone"]
    assert log == ["warm-up round", *once, "round 1 of 2", *once, "round 2 of 2", *once]
    assert {name: len(taken) for name, taken in samples.items()} == {"a": 2, "b": 2}


def test_processor_time_of_children_counts(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    assert run((sys.executable, "-c", parent), tmp_path, dict(os.environ)).cpu >= 0.3


def test_findings_are_fine_and_failures_are_not(tmp_path: Path) -> None:
    run((sys.executable, "-c", "raise SystemExit(1)"), tmp_path, dict(os.environ))
    with pytest.raises(Failed, match=r"ended with 2\nout of order"):
        run((sys.executable, "-c", FAILING), tmp_path, dict(os.environ))
    with pytest.raises(Failed, match=r"ended with 1\nTraceback"):
        run((sys.executable, "-c", "1 / 0"), tmp_path, dict(os.environ))
    with pytest.raises(WrongUsage):
        run((sys.executable, "-c", FAILING), tmp_path, dict(os.environ))


def test_ratios_are_those_of_medians_to_the_case_beside(tmp_path: Path) -> None:
    state = States([tmp_path], [], print, print).as_is
    cases = [Case("ours", FINE, state, "theirs", 1.2), Case("theirs", FINE, state)]
    samples = {
        "ours": [Sample(3.0, 1.0), Sample(1.0, 1.0), Sample(9.0, 1.0)],
        "theirs": [Sample(2.0, 4.0), Sample(2.0, 4.0), Sample(5.0, 4.0)],
    }
    table = rows(cases, samples)
    assert [(name, row.wall_ratio, row.cpu_ratio) for name, row in table] == [
        ("ours", 1.5, 0.25),
        ("theirs", None, None),
    ]
    assert markdown(table).splitlines()[2:] == [
        "| ours | 3.000 | 1.000–9.000 | 1.000 | 1.50 | 0.25 | theirs | ≤ 1.2: missed |",
        "| theirs | 2.000 | 2.000–5.000 | 4.000 |  |  |  |  |",
    ]


def test_edits_are_new_each_time_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.states.SETTLED", 0.0)
    files = [tmp_path / f"m{number}.py" for number in range(10)]
    for path in files:
        path.write_bytes(b"import os\n")
        os.utime(path, ns=(5, 5))
    levelled: list[Sequence[str]] = []
    staged: list[list[str]] = []

    def stage(paths: Sequence[Path]) -> None:
        staged.append([path.name for path in paths if path.read_bytes() != b"import os\n"])

    states = States(files, files[:6], levelled.append, stage)
    seen = []
    for count in (1, 3, 3):
        with states.edited(["check"], count):
            seen.append([path.name for path in files if path.read_bytes() != b"import os\n"])
            contents = {path.read_bytes() for path in files}
        assert len(contents) == 2
        assert all(path.read_bytes() == b"import os\n" for path in files)
        assert {path.stat().st_mtime_ns for path in files} == {5}
    assert seen == [["m3.py"], ["m1.py", "m3.py", "m5.py"], ["m1.py", "m3.py", "m5.py"]]
    assert levelled == [["check"]] * 3
    with states.edited(["check"], 3, staged=True):
        assert staged == [["m1.py", "m3.py", "m5.py"]]
    assert staged[1:] == [[]]  # taken back in the index too


def test_own_import_times_are_added_up_by_package() -> None:
    trace = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       100 |        100 |   re._parser\n"
        "import time:        20 |        120 | re\n"
        "import time:         7 |          7 |   click.core\n"
        "import time:         3 |         10 | click\n"
    )
    assert loaded(trace) == {"(standard library)": 120, "click": 10}

"""Answers that differ are told apart from answers that only look at other files."""

from __future__ import annotations

import json

from benchmarks.same_work import Ours, beside_importlinter, beside_tach, our_answer

OURS = Ours(
    pairs=frozenset({("core.a", "candidate.b")}),
    missing=frozenset({("core.a", "candidate.gone")}),
    places=frozenset({("core/a.py", 3), ("core/odd.py", 1)}),
    missing_places=frozenset({("core/a.py", 4)}),
    files=5,
)


def tach(*lines: int) -> str:
    found = [
        {
            "Located": {
                "file_path": "core/a.py",
                "original_line_number": line,
                "details": {"Code": {"UndeclaredDependency": {}}},
            }
        }
        for line in lines
    ]
    fault = {"SkippedFileIoError": {"file_path": "core/odd.py"}}
    return json.dumps([*found, {"Global": {"details": {"Configuration": fault}}}])


def test_imports_of_missing_modules_are_kept_apart() -> None:
    entries = [
        {"code": "LP101", "importer": "core.a", "imported": name, "path": "core/a.py", "line": line}
        for name, line in (("candidate.b", 3), ("candidate.gone", 4))
    ]
    check = json.dumps({"violations": entries, "summary": {"modules": 2}})
    graph = json.dumps({"modules": [{"name": "core.a"}, {"name": "candidate.b"}]})
    ours = our_answer(check, graph)
    assert ours.pairs == {("core.a", "candidate.b")}
    assert ours.missing == {("core.a", "candidate.gone")}
    assert ours.places == {("core/a.py", 3)}
    assert ours.missing_places == {("core/a.py", 4)}


def test_importlinter_has_to_report_the_same_pairs() -> None:
    same = "-   core.a -> candidate.b (l.3)\n"
    assert beside_importlinter(OURS, same).same
    assert not beside_importlinter(OURS, "").same
    other = beside_importlinter(OURS, f"{same}-   core.a -> candidate.z (l.9)\n")
    assert not other.same
    assert "only import-linter: core.a candidate.z" in str(other)


def test_tach_has_to_report_the_same_lines_of_files_that_it_reads() -> None:
    assert beside_tach(OURS, tach(3)).same
    assert beside_tach(OURS, tach(3, 4)).same
    assert not beside_tach(OURS, tach()).same
    assert not beside_tach(OURS, tach(3, 9)).same

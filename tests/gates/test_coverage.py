"""Coverage data of every kind is read, and what is not data is told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.base.errors import UsageError
from lane_planner.gates.coverage import read_coverage, relative_to_root
from lane_planner.gates.coverage_formats import parse_coverage


def summary(covered: int, total: int, **more: object) -> dict[str, object]:
    percent = 100.0 * covered / total if total else 100.0
    return {"summary": {"covered_lines": covered, "num_statements": total, **more}} | {
        "executed_lines": [1],
        "percent": percent,
    }


def report(files: dict[str, object]) -> bytes:
    return json.dumps({"meta": {"version": "7.4"}, "files": files, "totals": {}}).encode()


LCOV = b"""TN:
SF:candidate/a.py
DA:1,1
DA:2,0
DA:3,4,checksum
LF:3
LH:2
end_of_record
TN:second test
SF:candidate/a.py
DA:2,1
DA:4,0
end_of_record
SF:candidate/totals only.py
LF:4
LH:1
end_of_record
SF:candidate/empty.py
end_of_record
"""

COBERTURA = b"""<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage version="7.4" line-rate="0.5">
  <sources><source>%s</source></sources>
  <packages><package name="candidate"><classes>
    <class name="a.py" filename="candidate/a.py">
      <methods><method><lines><line number="2" hits="0"/></lines></method></methods>
      <lines><line number="1" hits="1"/><line number="2" hits="3"/>
             <line number="3" hits="0"/><line number="4" hits="0"/></lines>
    </class>
    <class name="b.py" filename="candidate/b.py"><lines/></class>
  </classes></package></packages>
</coverage>
"""

FORMATS: dict[str, tuple[bytes, dict[str, float]]] = {
    "json by lines": (report({"a.py": summary(3, 4)}), {"a.py": 0.75}),
    "json: lines, not branches": (
        report({"a.py": summary(3, 4, percent_covered=50.0)}),
        {"a.py": 0.75},
    ),
    "json by percent": (
        report({"a.py": {"summary": {"percent_covered": 12.5}}}),
        {"a.py": 0.125},
    ),
    "json, nothing to run": (report({"a.py": summary(0, 0)}), {"a.py": 1.0}),
    "json after a mark": (b"\xef\xbb\xbf\n" + report({"a.py": summary(1, 1)}), {"a.py": 1.0}),
    "json, no files": (report({}), {}),
    "lcov": (
        LCOV,
        {"candidate/a.py": 0.75, "candidate/totals only.py": 0.25, "candidate/empty.py": 1.0},
    ),
    "lcov, windows line ends": (
        LCOV.replace(b"\n", b"\r\n"),
        {"candidate/a.py": 0.75, "candidate/totals only.py": 0.25, "candidate/empty.py": 1.0},
    ),
    "cobertura": (COBERTURA % b"", {"candidate/a.py": 0.5, "candidate/b.py": 1.0}),
    "cobertura with a source": (
        COBERTURA % b"/srv/code",
        {"/srv/code/candidate/a.py": 0.5, "/srv/code/candidate/b.py": 1.0},
    ),
    "cobertura with two sources": (
        COBERTURA % b"/one</source><source>/two",
        {"candidate/a.py": 0.5, "candidate/b.py": 1.0},
    ),
}


@pytest.mark.parametrize("case", FORMATS)
def test_formats(case: str) -> None:
    content, expected = FORMATS[case]
    assert parse_coverage(content) == expected


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE coverage [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
<coverage><sources><source>&b;</source></sources></coverage>"""

FAULTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "neither coverage.py JSON, lcov nor Cobertura XML"),
    "text": (b"hello", "neither coverage.py JSON, lcov nor Cobertura XML"),
    "json cut short": (report({"a.py": summary(1, 2)})[:-20], "not a coverage.py JSON report"),
    "json of another kind": (b'{"dependencies": {}}', "missing required field `files`"),
    "json without a summary": (report({"a.py": {}}), "missing required field `summary`"),
    "json with an empty summary": (report({"a.py": {"summary": {}}}), "no usable summary for 'a"),
    "json, not UTF-8": (b'{"files": {"\xff": 1}}', "not a coverage.py JSON report"),
    "json, deep": (b'{"x": ' + b"[" * 100_000, "not a coverage.py JSON report"),
    "more than all": (report({"a.py": summary(5, 4)}), "5 of 4 lines covered in 'a.py'"),
    "negative": (report({"a.py": summary(-1, 4)}), "-1 of 4 lines covered"),
    "percent over 100": (
        report({"a.py": {"summary": {"percent_covered": 101}}}),
        "no usable summary",
    ),
    "percent is text": (report({"a.py": {"summary": {"percent_covered": "9"}}}), "Expected"),
    "lcov without files": (b"TN:\n", "it has no SF: line"),
    "lcov with junk": (b"SF:a.py\nDA:one,two\n", "line 2 is not lcov: 'DA:one,two'"),
    "lcov with half a line": (b"SF:a.py\nDA:1\n", "line 2 is not lcov: 'DA:1'"),
    "xml cut short": (b"<coverage><packages>", "not well-formed XML"),
    "other xml": (b"<html></html>", "not Cobertura XML: it begins with <html>"),
    "xml without names": (
        b"<coverage><class/></coverage>",
        "an element lacks its attribute 'filename'",
    ),
    "xml with odd hits": (
        b'<coverage><class filename="a"><line number="1" hits="x"/></class></coverage>',
        "invalid literal for int",
    ),
    "entities": (BOMB, "it declares XML entities"),
    "external entity": (
        b'<!DOCTYPE coverage [<!ENTITY a SYSTEM "file:///etc/passwd">]><coverage>&a;</coverage>',
        "it declares XML entities",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_no_data_is_told_in_one_line(case: str, tmp_path: Path) -> None:
    content, message = FAULTS[case]
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_coverage(path, tmp_path)
    assert message in caught.value.message and str(path) in caught.value.message
    assert "\n" not in caught.value.message


@given(st.binary(max_size=200), st.sampled_from([b"", b"{", b"<coverage>", b"SF:a\n", b"TN:"]))
def test_any_bytes_are_data_or_told(content: bytes, start: bytes) -> None:
    try:
        found = parse_coverage(start + content)
    except ValueError:
        return
    assert all(0 <= fraction <= 1 for fraction in found.values())


@pytest.mark.parametrize("name", ["gone.json", "."])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot read coverage data"):
        read_coverage(tmp_path / name, tmp_path)


TREE = {"candidate/a.py", "candidate/core/a.py", "core/a.py", "sub/pkg/m.py"}

PATHS: dict[str, tuple[list[str], str, dict[str, float]]] = {
    "as they are": (["candidate/a.py", "core/a.py"], "", {"candidate/a.py": 0, "core/a.py": 1}),
    "dots and backslashes": ([".\\candidate\\core\\a.py"], "", {"candidate/core/a.py": 0}),
    "absolute, below the root": (["/srv/code/core/a.py"], "", {"core/a.py": 0}),
    "absolute, in another checkout": (
        ["/ci/build/repo/candidate/a.py", "/ci/build/repo/core/a.py"],
        "",
        {"candidate/a.py": 0, "core/a.py": 1},
    ),
    "in another checkout, and what its tests made elsewhere": (
        ["/ci/build/repo/candidate/a.py", "/ci/build/repo/core/a.py", "/tmp/test_x0/core/a.py"],
        "",
        {"candidate/a.py": 0, "core/a.py": 1},
    ),
    "in this checkout, and what its tests made elsewhere": (
        ["/tmp/x/one/core/a.py", "/tmp/x/two/b.py", "/srv/code/core/a.py"],
        "",
        {"core/a.py": 1},
    ),
    "in another checkout, and a library": (
        ["/ci/repo/candidate/core/a.py", "/ci/repo/candidate/a.py", "/ci/lib/pkg/x.py"],
        "",
        {"candidate/core/a.py": 0, "candidate/a.py": 1},
    ),
    "from above the root, and what lies beside it": (
        ["repo/candidate/a.py", "repo/core/a.py", "other/core/a.py"],
        "",
        {"candidate/a.py": 0, "core/a.py": 1},
    ),
    "on another system": (
        ["C:\\build\\candidate\\a.py", "C:\\build\\core\\a.py"],
        "",
        {"candidate/a.py": 0, "core/a.py": 1},
    ),
    "from above the root": (
        ["repo/candidate/a.py", "repo/core/a.py"],
        "",
        {"candidate/a.py": 0, "core/a.py": 1},
    ),
    "from the data's directory": (["pkg/m.py"], "sub", {"sub/pkg/m.py": 0}),
    "no ending is taken for a path": (
        ["candidate/core/a.py", "candidate/new.py"],
        "",
        {"candidate/core/a.py": 0, "candidate/new.py": 1},
    ),
    "of another project": (["/usr/lib/x.py"], "", {}),
    "of files not there": (["gone/x.py"], "", {"gone/x.py": 0}),
    "both absolute and relative: the worse counts": (
        ["/srv/code/core/a.py", "core/a.py"],
        "",
        {"core/a.py": 0},
    ),
}


@pytest.mark.parametrize("case", PATHS)
def test_paths(case: str) -> None:
    written, directory, expected = PATHS[case]
    data = relative_to_root(
        {path: float(number) for number, path in enumerate(written)},
        root="/srv/code",
        data_directory=directory,
        exists=TREE.__contains__,
    )
    assert dict(data.files) == expected


def test_a_module_that_the_data_lacks_has_no_coverage(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core/a.py").touch()
    (tmp_path / "coverage.json").write_bytes(report({"core/a.py": summary(1, 2)}))
    data = read_coverage(tmp_path / "coverage.json", tmp_path)
    assert (data.of("core/a.py"), data.of("a.py"), data.of("core/b.py")) == (0.5, None, None)
    assert (data.of(""), data.of("zzz")) == (None, None)

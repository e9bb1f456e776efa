"""`promote` and `apply`, and the text that names what they move."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from lane_planner.config.load import load_settings
from tests.cli.shop import CONFIG, FILES, commit, run, shop
from tests.executor.repositories import git

WAIVER = """
[[waivers]]
importer = "candidate.a"
imported = "matriz.*"
reason = "candidate.a is old"
"""
TEXT: Mapping[str, bytes] = {
    "lanes.toml": (CONFIG + WAIVER).encode(),
    "setup.cfg": b"[mypy-candidate.a]\r\nignore_errors = true\r\n",
    "run.sh": b"#!/bin/sh\npython -m candidate.a\n",
    "docs/page.md": b"`candidate.a`, [file](../candidate/a.py), candidate.a\n",
    "data.bin": b"\0candidate.a\0",
}
BRANCH = "promote/candidate-to-core/a"


def show(root: Path, what: str) -> bytes:
    return git(root, "show", what)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = shop(tmp_path / "repo", TEXT)
    (made / "run.sh").chmod(0o755)
    (made / "link.py").symlink_to("candidate/a.py")
    commit(made)
    return made


def test_promote_lists_what_names_the_module(root: Path) -> None:
    ran = run(root, "promote", "candidate.a", "core", "--analyze-only", "-v")
    found = ran.out.splitlines()
    start = found.index("10 places name it: 2 rewritten, 6 need a person, 2 ignored:")
    assert found[start + 1 : start + 11] == [
        "  README.md:1:1: candidate.a: needs a person, too short a name to be sure of in prose",
        "  data.bin:1:1: candidate.a: ignored, a binary file",
        "  docs/page.md:1:2: candidate.a: needs a person, --rewrite-text rewrites it",
        "  docs/page.md:1:26: candidate/a.py: needs a person, --rewrite-text rewrites it",
        "  docs/page.md:1:43: candidate.a: needs a person, too short a name to be sure of in prose",
        "  lanes.toml:24:13: candidate.a: rewritten, travels with the module",
        "  lanes.toml:26:11: candidate.a: needs a person, a setting that is not of one module",
        "  link.py:1:1: candidate/a.py: ignored, a symbolic link to what moves: it is left as it is",
        "  run.sh:2:11: candidate.a: needs a person, --rewrite-text rewrites it",
        "  setup.cfg:1:7: candidate.a: rewritten, travels with the module",
    ]


def test_settings_travel_and_text_stays(root: Path) -> None:
    ran = run(root, "promote", "candidate.a", "core", "--apply", "--format", "json")
    assert ran.code == 0, ran.err
    assert show(root, f"{BRANCH}:setup.cfg") == b"[mypy-core.a]\r\nignore_errors = true\r\n"
    config = show(root, f"{BRANCH}:lanes.toml").decode()
    assert config == (CONFIG + WAIVER.replace('"candidate.a"', '"core.a"'))
    for path in ("docs/page.md", "run.sh", "README.md", "data.bin"):
        assert show(root, f"{BRANCH}:{path}") == {**FILES, **TEXT}[path]
    kept = [entry["path"] for entry in ran.json["ledger"] if entry["status"] == "rewritten"]
    assert kept == ["lanes.toml", "setup.cfg"]
    told = json.loads(Path(ran.json["evidence"][0]).read_bytes())
    assert told["ledger"] == ran.json["ledger"]
    assert "| `data.bin` | 1:1 | `candidate.a` | ignored |" in (
        Path(ran.json["evidence"][1]).read_text()
    )


def test_text_is_rewritten_on_request_in_the_same_commit(root: Path) -> None:
    ran = run(root, "promote", "candidate.a", "core", "--apply", "--rewrite-text")
    assert ran.code == 0, ran.err
    assert show(root, f"{BRANCH}:run.sh") == b"#!/bin/sh\npython -m core.a\n"
    assert git(root, "ls-tree", BRANCH, "run.sh").startswith(b"100755")
    assert show(root, f"{BRANCH}:docs/page.md") == (
        b"`core.a`, [file](../core/a.py), candidate.a\n"
    )
    assert git(root, "rev-list", "--count", f"HEAD..{BRANCH}") == b"1\n"
    git(root, "checkout", "-q", BRANCH)
    assert run(root, "check").code == 1  # candidate.up, as before
    assert "core.a → matriz.*" in run(root, "check").out + run(root, "check").err


def test_the_diff_is_what_is_done(root: Path) -> None:
    shown = run(root, "promote", "candidate.a", "core", "--rewrite-text", "--format", "json")
    run(root, "promote", "candidate.a", "core", "--apply", "--rewrite-text")
    (root / "patch").write_text(shown.json["diff"])
    git(root, "apply", "--index", "patch")
    assert git(root, "write-tree") == git(root, "rev-parse", f"{BRANCH}^{{tree}}")


@pytest.mark.parametrize("rewrite", [True, False])
def test_apply_goes_on_when_the_configuration_changes_under_way(
    root: Path, tmp_path: Path, rewrite: bool
) -> None:
    plan = tmp_path / "plan.json"
    assert run(root, "plan", "--format", "json", "-o", str(plan)).code == 1  # some are blocked
    more = ["--rewrite-text"] if rewrite else []
    ran = run(root, "apply", str(plan), "--format", "json", *more)
    assert ran.code == 0, ran.err
    branch = ran.json["branch"]
    assert len(ran.json["steps"]) > 2
    config = show(root, f"{branch}:lanes.toml").decode()
    assert config == (CONFIG + WAIVER.replace('"candidate.a"', '"core.a"'))
    assert (b"core.a" in show(root, f"{branch}:run.sh")) == rewrite
    told = json.loads(Path(ran.json["evidence"][0]).read_bytes())
    assert "lanes.toml" in [e["path"] for e in told["ledger"] if e["status"] == "rewritten"]
    git(root, "checkout", "-q", branch)
    assert run(root, "check").code == 1  # candidate.up, as before
    assert load_settings(root, root / "lanes.toml").waivers[0].importer == "core.a"


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    name = os.fsdecode(b"a|b`<b>\n@x\xff.yaml")
    root = shop(tmp_path / "repo", {name: b"x: candidate.a\n"})
    ran = run(root, "promote", "candidate.a", "core", "--apply", "-v")
    assert ran.code == 0, ran.err
    assert "  a|b`<b>\\n@x\\xff.yaml:1:4: candidate.a: needs a person" in ran.out
    text = (root / ".git/lane-planner/evidence" / f"{BRANCH}.md").read_text()
    table = text.split("## Where else it is named\n\n")[1].split("\n\n")[1]
    assert all(row.count("|") == 6 for row in table.split("\n"))
    assert "<b>" not in text

"""The tool held to its own rules, and its documents held to the tool."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from lane_planner.cli.main import cli
from lane_planner.config.load import load_settings
from lane_planner.repository.repository import Repository
from tools.reference.markdown import anchor

ROOT = Path(__file__).parents[1]
TODAY = datetime.date(2026, 1, 1)
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
]


def test_the_floors_hold() -> None:
    found = Repository(load_settings(ROOT, ROOT / "lanes.toml"), None).check(today=TODAY)
    assert [violation.message for violation in found.violations] == []
    assert found.modules > 100


def test_there_is_no_circular_import() -> None:
    repository = Repository(load_settings(ROOT, ROOT / "lanes.toml"), None)
    own = [c for c in repository.cycles() if any(m.startswith("lane_planner") for m in c.modules)]
    assert own == []


def test_every_file_of_the_package_is_on_a_floor() -> None:
    settings = load_settings(ROOT, ROOT / "lanes.toml")
    paths = {path for lane in settings.lanes for path in lane.paths}
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "lane_planner").rglob("*.py")]
    homeless = [f for f in files if not any(f == p or f.startswith(f"{p}/") for p in paths)]
    assert homeless == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_name_only_what_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    commands = set(re.findall(r"(?:`|^ *|\$ )lane-planner ([a-z]+)", text, re.MULTILINE))
    assert commands <= set(cli.commands) | set(cli.list_commands(None))  # type: ignore[arg-type]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    links = re.findall(r"\]\(([^):\s]+)\)", text)
    assert [link for link in links if not leads_somewhere(ROOT / document, link)] == []


def leads_somewhere(document: Path, link: str) -> bool:
    """Tell whether there is what a link is to: a file, and a heading in it."""
    path, _, wanted = link.partition("#")
    target = document.parent / path if path else document
    if not wanted:
        return target.exists()
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return wanted in map(anchor, headings)


def test_links_that_lead_nowhere_are_seen() -> None:
    readme = ROOT / "docs/README.md"
    assert leads_somewhere(readme, "reference/codes.md#lp101")
    assert leads_somewhere(readme, "#documentation")
    assert not leads_somewhere(readme, "reference/codes.md#lp999")
    assert not leads_somewhere(readme, "reference/none.md")


def test_every_page_of_the_docs_is_in_their_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if f"({page})" not in index and page != "README.md"] == []


def test_pinned_versions_name_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.]+", line)] == []

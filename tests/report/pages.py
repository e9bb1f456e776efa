"""A repository with something for every view of the HTML page, and the way back from its data."""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from lane_planner.executor.apply import ApplyOptions
from lane_planner.report.documents import to_json
from lane_planner.repository.plans import Wanted
from lane_planner.repository.repository import Repository
from tests.cli.shop import CONFIG, shop

IMG = "<img src=x onerror=window.hacked=1>"
"""A name that a page which takes it for markup would act on."""

SCRIPT = "</script><script>window.hacked=2<"
"""Ends a script, if it is not escaped: a directory, and what a file in it is called."""

ODD_PLACE = "<b onmouseover=window.hacked=3>"
"""A directory of a lane; the configuration takes no such name for a lane."""

ODD_GATE = "<i>{b}&amp;\u2028</i>"

_MORE = f"""
[batch]
max_files = 2

[lanes.odd]
paths = ["odd", {json.dumps(ODD_PLACE)}]

[[gates]]
name = {json.dumps(ODD_GATE)}
command = [{json.dumps(sys.executable)}, "-c", "pass"]

[[gates]]
name = "strict"
command = [{json.dumps(sys.executable)}, "-c", "import os; exit(os.path.exists('core/b.py'))"]

[[waivers]]
importer = "nobody"
imported = "nothing.<u>"
reason = "none"
"""

FILES: dict[str, bytes] = {
    "lanes.toml": (CONFIG + _MORE).encode(),
    f"candidate/{IMG}.py": b"import candidate.a\nimport lukhas.app\n",
    f"candidate/{SCRIPT}/script>.py": b"import candidate.a\nimport products.shop\n",
    f"{ODD_PLACE}/x.py": b"import candidate.a\n",
    "odd/broken.py": b"def f(:\n    pass\nimport lukhas.app\n",
    "odd/missing.py": b"import odd.nothing_there\nimport candidate.a\n",
    "candidate/{b}{a|x}%s.py": b"import candidate.a\n",
    "candidate/ring_three.py": b"def f():\n    import candidate.ring_four\n",
    "candidate/ring_four.py": b"import candidate.ring_three\nimport candidate.ring_five\n",
    "candidate/ring_five.py": b"import candidate.ring_four\n",
    "candidate/deep/down/__init__.py": b"",
    "candidate/deep/down/below.py": b"from candidate.deep import part\nimport candidate.up\n",
    "lukhas/wild.py": b"import candidate.a\n",
    "candidate/waits.py": b"import candidate.up\n",
    "candidate/waits_too.py": b"import candidate.waits\nimport candidate.deep.down.below\n",
}


def repository(directory: Path) -> Path:
    """Make the repository, carry a plan out in it, and return its root."""
    root = shop(directory, FILES)
    opened = Repository.open(root)
    plan = to_json(opened.plan("candidate", wanted=Wanted(only=("candidate.a", "candidate.b"))))
    opened.apply(plan.encode(), "plan.json", ApplyOptions())
    return root


class Page(HTMLParser):
    """What a page's markup says.

    Args:
        text: the page.

    Attributes:
        tags: every element, with its attributes.
        scripts: contents of `<script>` elements with their attributes, in order.
        styles: contents of `<style>` elements.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        elif tag == "style":
            self.styles.append("")

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attributes, content = self.scripts[-1]
            self.scripts[-1] = (attributes, content + data)
        elif self._inside == "style":
            self.styles[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    @property
    def data(self) -> Any:
        """The document that stands in the page."""
        found = [text for attributes, text in self.scripts if attributes.get("id") == "data"]
        return json.loads(found[0])

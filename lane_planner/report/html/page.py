"""The page's data, script, style and library put into one file.

What comes from a repository stands in one place only, as JSON in a `<script>` that is no script,
with every character escaped that could end it. The script writes it as text, never as markup. And
should either fail, the page's policy (Content-Security-Policy) lets nothing run or load but what is
known here by its SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import string
from importlib import resources

import msgspec

from lane_planner.report.html.data import Document

# The parts of the script, in the order in which they run: one a view, on what comes before them.
_PARTS = (
    "data", "elements", "charts", "facts", "overview", "matrix", "plan", "module", "unlocks",
    "cycles", "hotspots", "faults", "trend", "history", "forecast", "search", "colours", "places",
)  # fmt: skip

# In JSON these stand inside texts only, where an escape means the same.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def html_page(document: Document) -> str:
    """Return the page that shows a document.

    Args:
        document: as from `page_document`.
    """
    library, script = _part("vendor/echarts.min.js"), _script()
    style, dark = _part("app.css"), _part("dark.css")
    policy = (
        f"default-src 'none'; script-src {_hash(library)} {_hash(script)}; "
        f"style-src {_hash(style)} {_hash(dark)}; base-uri 'none'; form-action 'none'"
    )
    return string.Template(_part("page.html")).substitute(
        policy=policy,
        style=style,
        dark=dark,
        data=embedded(document),
        library=library,
        script=script,
    )


def embedded(document: Document) -> str:
    """Return a document as JSON that can stand inside a `<script>` element."""
    return msgspec.json.encode(document).decode("utf-8").translate(_ESCAPES)


def _script() -> str:
    parts = "\n".join(_part(f"script/{name}.js") for name in _PARTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _part(name: str) -> str:
    file = resources.files("lane_planner.report.html").joinpath(name)
    return file.read_bytes().decode("utf-8")  # the bytes as they are: their hash is in the policy


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"

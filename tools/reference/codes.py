"""The codes: what each means, why it matters, how to mend it."""

from __future__ import annotations

from lane_planner.rules.codes import CODES, Code
from tools.reference.markdown import anchor, block, code, page, prose, table

_INTRO = """\
What `check`, `cycles`, `plan` and `promote` find has a code. `lane-planner explain CODE` tells the
same in the terminal. The level is that of a new finding in SARIF. Examples are in the lanes that
`lane-planner init --preset lukhas` writes."""


def codes_page() -> str:
    """Return the page of all codes."""
    rows = [(f"[{name}](#{anchor(name)})", entry.level, prose(entry.title))
            for name, entry in CODES.items()]  # fmt: skip
    overview = table(("code", "level", "says"), rows)
    return page("Codes", f"{_INTRO}\n\n{overview}", map(_section, CODES.values()))


def _section(entry: Code) -> str:
    parts = [
        f"## {entry.code}",
        f"{code(entry.name)}, {entry.level}: {prose(entry.title)}.",
        prose(entry.meaning),
        f"**Why it matters.** {prose(entry.why)}",
        f"**How to mend it.** {prose(entry.mend)}",
    ]
    for path, content in entry.example:
        shown = block("python", content) if content else "(empty)"
        parts.append(f"{code(path)}:\n\n{shown}")
    return "\n\n".join(parts)

"""Text as XML 1.0: whatever a name holds, a parser reads back something, and that is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from lane_planner.base.text import printable

# Beside control characters and surrogates, which `printable` escapes, XML forbids these two.
_FORBIDDEN = re.compile("[\ufffe\uffff]")


def as_content(text: str) -> str:
    """Return text that stands between tags; "]]>" in it does not either."""
    return escape(allowed(text))


def as_attributes(values: Mapping[str, object]) -> str:
    """Return attributes with a blank in front of each, in order."""
    return "".join(f" {name}={quoteattr(allowed(str(value)))}" for name, value in values.items())


def allowed(text: str) -> str:
    """Return text without what XML forbids: it stands escaped, as `printable` escapes."""
    return _FORBIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", printable(text))

"""Which pages there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tools.reference.codes import codes_page
from tools.reference.commands import commands_page
from tools.reference.configuration import configuration_page
from tools.reference.formats import formats_page

PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "configuration.md": configuration_page,
    "codes.md": codes_page,
    "formats.md": formats_page,
}
"""Name of each file → what returns its text."""

"""Escaping of names that come from a repository, before they reach a terminal or a document."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_BEYOND = "\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_CONTROL = re.compile(f"[\x00-\x1f{_BEYOND}]")
_COMMANDS = re.compile(f"[\x00-\x08\x0b-\x1f{_BEYOND}]")  # all but tab and newline

UNSEEN = re.compile(f"[{_BEYOND}]")
"""What a terminal acts on instead of showing it, and JSON text may yet hold unescaped."""


def printable(name: str) -> str:
    """Return a name that is safe on one terminal line and can be encoded as UTF-8.

    Args:
        name: any text; undecodable bytes of file names stand in it as lone surrogates.

    Returns:
        The same text with control characters, bidirectional overrides and lone surrogates
        replaced by backslash escapes, so that two different names stay different.
    """
    if name.isascii() and name.isprintable():
        return name
    if "\\" in name:
        name = name.replace("\\", "\\\\") if _needs_escape(name) else name
    name = _CONTROL.sub(lambda match: _escape(match.group()), name)
    return "".join(_escape(char) if "\ud800" <= char <= "\udfff" else char for char in name)


def as_uri(path: str) -> str:
    """Return a path with "/" between its parts as a relative URI (RFC 3986).

    The bytes of its name are those of the file system: a URI need not be valid Unicode.
    """
    return quote(os.fsencode(path), safe="/")


def for_terminal(text: str) -> str:
    """Return a text of several lines, such as a diff, that a terminal shows and does not obey."""
    return _COMMANDS.sub(lambda match: _escape(match.group()), text)


def _needs_escape(name: str) -> bool:
    return bool(_CONTROL.search(name)) or any("\ud800" <= char <= "\udfff" for char in name)


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # os.fsdecode's stand-in for the byte 0x80 to 0xff
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}"


def plural(count: int, noun: str) -> str:
    """Return the count with its noun, "1 module" or "2,883 modules"."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        noun = f"{noun[:-1]}ie"
    elif noun.endswith(("ch", "s", "x")):
        noun = f"{noun}e"
    return f"{count:,} {noun}s"


def thousandths(fraction: float) -> int:
    """Return a fraction in whole thousandths: 0.74996 is not the 750 that may be asked for.

    Args:
        fraction: from 0 to 1.
    """
    return int(fraction * 1000 + 1e-9)  # 2.9 / 100 is 29, though its product is 28.99…


def encodable(value: Any) -> Any:
    """Return a document of builtin types in which every text can be encoded as UTF-8.

    Args:
        value: mappings, lists, texts and numbers; texts with lone surrogates are escaped as
            `printable` does it, all others stay as they are.
    """
    if isinstance(value, str):
        return printable(value) if any("\ud800" <= char <= "\udfff" for char in value) else value
    if isinstance(value, Mapping):
        return {encodable(key): encodable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [encodable(inner) for inner in value]
    return value


def duration(seconds: float) -> str:
    """Return a time in its two largest units, "2 h 05 min"; "12.5 s" if it is short."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"

"""Source bytes → text, by PEP 263 and the byte order mark, as CPython reads a file."""

from __future__ import annotations

import codecs
import re

# PEP 263: the declaration stands in a comment on the first or second line.
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")


class Undecodable(Exception):
    """The bytes are not text in the encoding that the file declares; the argument says why."""


def decode(content: bytes) -> str:
    """Return the text of a Python source file, newlines as "\\n", without its byte order mark.

    Args:
        content: the file's bytes.

    Raises:
        Undecodable: the encoding is unknown, or the bytes do not fit it.
    """
    if content.startswith(codecs.BOM_UTF8):
        content = content[3:]
        declared = declared_encoding(content)
        if declared is not None and not _is_utf8(declared):
            raise Undecodable(f"byte order mark is UTF-8, but the file declares {declared}")
        encoding = "utf-8"
    else:
        encoding = declared_encoding(content) or "utf-8"
    try:
        text = content.decode(encoding)
    except LookupError:
        raise Undecodable(f"unknown encoding {encoding!r}") from None
    except UnicodeError as error:
        raise Undecodable(str(error)) from None
    if not isinstance(text, str):  # a codec such as "hex" is not a text encoding
        raise Undecodable(f"{encoding!r} is not a text encoding")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def declared_encoding(content: bytes) -> str | None:
    """Return the encoding that the first two lines declare, or None."""
    head = content[:1024]
    if b"coding" not in head:
        return None
    for line in re.split(rb"\r\n|\r|\n", head, maxsplit=2)[:2]:
        found = _COOKIE.match(line)
        if found:
            return _normal_name(found.group(1).decode("ascii"))
        if not _BLANK.match(line):
            return None
    return None


def _normal_name(declared: str) -> str:
    """Return the name that CPython looks up: some editors add the line ends, `utf-8-unix`."""
    name = declared[:12].lower().replace("_", "-")
    if name == "utf-8" or name.startswith("utf-8-"):
        return "utf-8"
    for latin in ("latin-1", "iso-8859-1", "iso-latin-1"):
        if name == latin or name.startswith(f"{latin}-"):
            return "iso-8859-1"
    return declared


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}

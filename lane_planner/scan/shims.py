"""Shims: small files at the old paths of moved modules, known again by how they begin."""

from __future__ import annotations

import datetime
import re
from typing import Literal

import msgspec

ShimKind = Literal["alias", "reexport"]

_FIRST = "# lane-planner shim: "
_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_HEADER = re.compile(
    rf"{_FIRST}({_NAME}) -> ({_NAME})\n"
    r"# kind: (alias|reexport); made: (\d{4}-\d\d-\d\d); expires: (\d{4}-\d\d-\d\d|never)\n",
    re.ASCII,
)


class Shim(msgspec.Struct, frozen=True, order=True):
    """A file that keeps the old name of a moved module working.

    Attributes:
        old: the dotted name that it keeps.
        new: the module that it stands for.
        kind: "alias" (importing it gives the new module itself) or "reexport" (a module of its
            own, which asks the new one for every name).
        made: the day of the commit that it was made on, "YYYY-MM-DD".
        expires: the last day on which it is to be there; None: it may stay.
    """

    old: str
    new: str
    kind: ShimKind
    made: str
    expires: str | None

    @property
    def header(self) -> str:
        """The two lines that such a file begins with."""
        return (
            f"{_FIRST}{self.old} -> {self.new}\n"
            f"# kind: {self.kind}; made: {self.made}; expires: {self.expires or 'never'}\n"
        )

    def expired(self, today: datetime.date) -> bool:
        """Tell whether its last day is over."""
        return self.expires is not None and self.expires < today.isoformat()


def read_shim(text: str) -> Shim | None:
    """Return what a source text says of itself as a shim, or None if it is none."""
    if not text.startswith(_FIRST):
        return None
    found = _HEADER.match(text)
    if found is None:
        return None
    old, new, kind, made, expires = found.groups()
    return Shim(
        old, new, "alias" if kind == "alias" else "reexport", made,
        None if expires == "never" else expires,
    )  # fmt: skip

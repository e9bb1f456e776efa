"""The result of `shims`, as a document and as text."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lane_planner.base.text import plural, printable
from lane_planner.executor.carry_out import Outcome
from lane_planner.executor.shims import FoundShim, Place, ShimReview
from lane_planner.scan.shims import ShimKind

_PLACES = 5  # of each shim that are shown


class ListedShim(msgspec.Struct, frozen=True):
    """A file that keeps the old name of a promoted module working.

    Attributes:
        path: the file.
        old: the dotted name that it keeps.
        new: the module that it stands for.
        kind: "alias" (importing it gives the new module itself) or "reexport" (a module of its own,
            which asks the new one for every name).
        made: the day of the commit that was promoted from, "YYYY-MM-DD".
        expires: the last day on which it is to be there; None: it may stay.
        expired: whether that day is over.
        used: whether Python code imports or names the old name.
        imported: where first-party code imports it, sorted.
        mentioned: where other text names it, sorted.
    """

    path: str
    old: str
    new: str
    kind: ShimKind
    made: str
    expires: str | None
    expired: bool
    used: bool
    imported: tuple[Place, ...]
    mentioned: tuple[Place, ...]


class ShimsDocument(msgspec.Struct, frozen=True):
    """The shims of what is checked out, and what became of those that were to go.

    Attributes:
        commit: the commit that is checked out: full id.
        shims: sorted by path.
        remove: paths that `--remove-expired` and `--remove-unused` take away, sorted.
        diff: what changes; "" if nothing does.
        success: whether nothing failed.
        branch: the branch that was made; None: none was.
        result: its commit; None: there is none.
        reason: why it failed; None: it did not.
    """

    commit: str
    shims: tuple[ListedShim, ...]
    remove: tuple[str, ...]
    diff: str
    success: bool
    branch: str | None
    result: str | None
    reason: str | None


def shims_document(found: ShimReview, outcome: Outcome | None) -> ShimsDocument:
    """Return the shims of a commit, and what became of those that were to go.

    Args:
        found: the shims.
        outcome: how taking some away ended; None if it was not asked for.
    """
    shims = tuple(
        ListedShim(
            path=shim.path,
            old=shim.shim.old,
            new=shim.shim.new,
            kind=shim.shim.kind,
            made=shim.shim.made,
            expires=shim.shim.expires,
            expired=shim.expired,
            used=shim.used,
            imported=shim.imported,
            mentioned=shim.mentioned,
        )
        for shim in found.shims
    )
    return ShimsDocument(
        commit=found.snapshot.commit,
        shims=shims,
        remove=tuple(found.leaving),
        diff=found.diff,
        success=outcome is None or outcome.success,
        branch=outcome.branch if outcome is not None and outcome.success else None,
        result=outcome.commit if outcome is not None else None,
        reason=outcome.reason if outcome is not None else None,
    )


def shims_text(found: ShimReview, outcome: Outcome | None, *, removing: bool) -> str:
    """Return the same for people.

    Args:
        found: the shims.
        outcome: how taking some away ended; None if it was not done.
        removing: whether it was asked for that some go.
    """
    if not found.shims:
        return "no shims\n"
    lines = [line for shim in found.shims for line in _told(shim)]
    expired = sum(shim.expired for shim in found.shims)
    lines.append(f"{plural(len(found.shims), 'shim')}, {expired:,} expired")
    if outcome is not None and outcome.success:
        lines.append(
            f"{plural(len(found.leaving), 'shim')} removed on branch "
            f"{printable(outcome.branch)} at {(outcome.commit or '')[:12]}"
        )
    elif outcome is not None:
        lines.append(f"rolled back: {printable(outcome.reason or '')}")
    elif found.leaving:
        lines += ["", found.diff.rstrip("\n"), ""]
        lines.append(
            f"{plural(len(found.leaving), 'shim')} would go; nothing was changed; --apply does it"
        )
    elif removing:
        lines.append("none is to go")
    return "\n".join(lines) + "\n"


def _told(found: FoundShim) -> Iterator[str]:
    shim = found.shim
    ends = "never expires"
    if shim.expires is not None:
        ends = f"{'expired' if found.expired else 'expires'} {shim.expires}"
    names = f"{printable(shim.old)} → {printable(shim.new)}"
    yield f"{names} ({shim.kind}, made {shim.made}, {ends})"
    for what, places in (("imported by", found.imported), ("named in", found.mentioned)):
        if places:
            shown = [f"{printable(place.path)}:{place.line}" for place in places[:_PLACES]]
            if len(places) > _PLACES:
                shown.append(f"{len(places) - _PLACES:,} more (--format json has all)")
            yield f"  {what} {', '.join(shown)}"

"""The result of `shims`, as a document and as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lane_planner.base.text import plural, printable
from lane_planner.executor.carry_out import Outcome
from lane_planner.executor.shims import FoundShim, ShimReview

_PLACES = 5  # of each shim that are shown


def shims_document(found: ShimReview, outcome: Outcome | None) -> dict[str, Any]:
    """Return the shims of a commit, and what became of those that were to go.

    Args:
        found: the shims.
        outcome: how taking some away ended; None if it was not asked for.
    """
    return {
        "commit": found.snapshot.commit,
        "shims": [
            {
                "path": shim.path,
                "old": shim.shim.old,
                "new": shim.shim.new,
                "kind": shim.shim.kind,
                "made": shim.shim.made,
                "expires": shim.shim.expires,
                "expired": shim.expired,
                "used": shim.used,
                "imported": list(shim.imported),
                "mentioned": list(shim.mentioned),
            }
            for shim in found.shims
        ],
        "remove": list(found.leaving),
        "diff": found.diff,
        "success": outcome is None or outcome.success,
        "branch": outcome.branch if outcome is not None and outcome.success else None,
        "result": outcome.commit if outcome is not None else None,
        "reason": outcome.reason if outcome is not None else None,
    }


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

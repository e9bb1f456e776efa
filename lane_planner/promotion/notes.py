"""What a person should know of a promotion that can be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lane_planner.planner.landed import INIT, directories_around
from lane_planner.promotion.history import seen_as_rename
from lane_planner.promotion.import_time.half_run import half_run
from lane_planner.promotion.parting import Partings
from lane_planner.promotion.refusals import unbound_listed
from lane_planner.promotion.relocation import Relocation
from lane_planner.promotion.values import FileMove, FileWrite


def listed_no_more(relocation: Relocation, partings: Partings) -> Iterator[str]:
    """Yield where a package's `__all__` lists a submodule that is there no more.

    Args:
        relocation: the promotion.
        partings: what it parts.
    """
    for package, child, line in unbound_listed(relocation, partings):
        path = relocation.before.by_name[package].path
        yield f"{path}:{line}: __all__ lists {child}, which is there no more"


def what_runs(relocation: Relocation) -> Iterator[str]:
    """Yield which packages' code importing a moved module runs now, or does not any more.

    And what may be found half run then, or is and a `try` catches it.

    Args:
        relocation: the promotion.
    """
    workspace, moved = relocation.workspace, relocation.layout.moved
    for move in relocation.layout.moves:
        if move.source not in workspace.records or move.source in workspace.beside:
            continue
        for old, new in directories_around(move.source, move.target, relocation.target):
            had, has = f"{old}/{INIT}", f"{new}/{INIT}"
            if moved.get(had) == has or had == move.source:
                continue
            runs_before = had in workspace.tracked and had not in workspace.made
            runs_after = has in workspace.tracked and has not in workspace.made
            module = relocation.after.by_path[move.target].name
            if runs_before:
                yield f"importing {module} no longer runs {had}"
            if runs_after and has not in moved.values():
                yield f"importing {module} now runs {has}"
    yield from half_run(relocation).notes


def lost_to_history(relocation: Relocation, writes: Iterable[FileWrite]) -> list[FileMove]:
    """Return the moves that git would not see as renames in one commit with some writes.

    Args:
        relocation: the promotion.
        writes: all that it writes.
    """
    contents = {write.path: write.content for write in writes}
    return [
        move
        for move in relocation.layout.moves
        if move.source in contents  # somebody stays at the old path
        or (
            move.target in contents
            and not seen_as_rename(relocation.content(move.source), contents[move.target])
        )
    ]


def two_commits(lost: list[FileMove]) -> str:
    """Return why a promotion is two commits.

    Args:
        lost: the moves that git would not see as renames in one; one at least.
    """
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return (
        f"in one commit git would not see {lost[0].target} as {lost[0].source} "
        f"renamed{more}: the move and what is written are two commits"
    )

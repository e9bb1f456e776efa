"""Repositories as dictionaries, and promotions on them, without any I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lane_planner.config.settings import Coverage, Lane, Settings
from lane_planner.executor.promote import advance
from lane_planner.promotion.compose import Composed, compose
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.references.mentions import Mentions, NamedAt
from lane_planner.promotion.values import FileMove, Promotion
from lane_planner.promotion.workspace import Workspace
from lane_planner.rules.lanes import LaneMap
from lane_planner.scan.records import FileRecord
from lane_planner.scan.source import scan_source

CANDIDATE = Lane("candidate", ("candidate",), frozenset({"core", "support"}), "core")
CORE = Lane("core", ("core",), frozenset({"support", "candidate"}))
SUPPORT = Lane("support", ("support",))
_NAMED = re.compile(
    rb"(?<![A-Za-z0-9_])(?:tests[./]([A-Za-z0-9_]+[./])*)?"
    rb"candidate[./][A-Za-z0-9_./-]*[A-Za-z0-9_]"
)

Tree = dict[str, bytes]


def tree(files: Mapping[str, str | bytes]) -> Tree:
    """Return files with their texts encoded."""
    return {p: c if isinstance(c, bytes) else c.encode("utf-8") for p, c in files.items()}


def settings_of(
    *,
    source_roots: Sequence[str] = (".",),
    aliases: Sequence[tuple[str, str]] = (),
    lanes: Sequence[Lane] = (CANDIDATE, CORE, SUPPORT),
    coverage: Coverage | None = None,
) -> Settings:
    """Return settings with the lanes of these tests."""
    return Settings(
        root=Path("/nowhere"),
        source_roots=tuple(source_roots),
        aliases=tuple(aliases),
        lanes=tuple(lanes),
        coverage=coverage,
        source=Path("/nowhere/lanes.toml"),
    )


def workspace_of(files: Tree, settings: Settings | None = None) -> Workspace:
    """Return a workspace on files."""
    settings = settings or settings_of()
    records = {p: scan_source(c) for p, c in files.items() if p.endswith((".py", ".pyi"))}
    records |= {p: FileRecord() for p in files if p.endswith((".so", ".pyd"))}
    made = [path for path, content in files.items() if content == MADE_INIT]
    return Workspace(
        settings,
        LaneMap(settings),
        records,
        files,
        made,
        lambda paths: {path: files[path] for path in paths},
    )


def mentions_of(files: Tree) -> Mentions:
    """Return where files name something in the lane candidate, as `find_mentions` does."""
    return Mentions(
        NamedAt(found.group().decode(), path, number)
        for path, content in files.items()
        for number, line in enumerate(content.split(b"\n"), 1)
        for found in _NAMED.finditer(line)
    )


def moves_of(paths: Iterable[str]) -> list[FileMove]:
    """Return moves of files from the lane candidate to the lane core."""
    return [FileMove(path, path.replace("candidate/", "core/", 1)) for path in paths]


def compose_on(
    workspace: Workspace, mentions: Mentions, paths: Iterable[str], *, rewrite_text: bool = False
) -> Composed:
    """Compose the promotion of some files from candidate to core."""
    return compose(
        workspace, CANDIDATE, CORE, moves_of(paths), mentions,
        name="test", rewrite_text=rewrite_text,
    )  # fmt: skip


def applied(files: Tree, promotion: Promotion) -> Tree:
    """Return the files after a promotion."""
    moved = {move.source: move.target for move in promotion.moves}
    gone = moved.keys() | set(promotion.deletes)
    after = {path: content for path, content in files.items() if path not in gone}
    after |= {new: files[old] for old, new in moved.items()}
    return after | {write.path: write.content for write in promotion.writes}


def promoted(
    files: Mapping[str, str | bytes],
    *steps: Sequence[str],
    settings: Settings | None = None,
    rewrite_text: bool = False,
) -> tuple[Tree, list[Promotion]]:
    """Promote files step by step.

    Args:
        files: the repository.
        steps: for each step, the paths that move.
        settings: the configuration.
        rewrite_text: whether names in text are rewritten too.

    Returns:
        The files after the last step, and the promotions.
    """
    now = tree(files)
    workspace, mentions = workspace_of(now, settings), mentions_of(now)
    promotions = []
    for paths in steps:
        composed = compose_on(workspace, mentions, paths, rewrite_text=rewrite_text)
        advance(workspace, composed)
        now = applied(now, composed.promotion)
        promotions.append(composed.promotion)
        assert workspace.tracked == now.keys()
        assert workspace.contents(sorted(workspace.records)) == {
            path: now[path] for path in workspace.records
        }
    return now, promotions

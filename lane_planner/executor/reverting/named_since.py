"""Names that came after a step: where files that it did not touch name what it moved."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from lane_planner.base.text import printable
from lane_planner.executor.reverting.landings import Landing
from lane_planner.executor.reverting.restoring import Obstacle
from lane_planner.executor.shims import nearest_module
from lane_planner.executor.snapshot import Snapshot
from lane_planner.promotion.references.mentions import Mentions, NamedAt, find_mentions
from lane_planner.promotion.text import SourceText
from lane_planner.scan.decode import Undecodable
from lane_planner.scan.lexer import strings_and_comments

_PROSE = (".md", ".rst", ".txt", ".adoc")
_TRIPLE = ('"""', "'''")


def named_since(
    snapshot: Snapshot, going: Sequence[Landing], notes: list[str]
) -> Iterator[Obstacle]:
    """Yield where files that no step touched have come to name what goes back.

    Args:
        snapshot: the repository.
        going: the steps that go back.
        notes: learns where nothing but prose does.
    """
    touched = {change.path for one in going for change in one.changes}
    known = snapshot.facts.graph.modules
    prefixes = sorted({name for one in going for name in _prefixes(snapshot, one)})
    now = find_mentions(snapshot.git, snapshot.commit, prefixes).mentions()
    for landing in going:
        places = [p for p in _places(now, landing, known) if p.path not in touched]
        if not places:
            continue
        then = find_mentions(snapshot.git, landing.after, prefixes).mentions()
        before = Counter((place.text, place.path) for place in _places(then, landing, known))
        counts = Counter((place.text, place.path) for place in places)
        new = [p for p in places if counts[p.text, p.path] > before[p.text, p.path]]
        contents = snapshot.read(sorted({place.path for place in new}))
        for place in new:
            if _is_prose(place, contents[place.path]):
                notes.append(
                    f"{place.path}:{place.line} names {place.text}, which is where it was again"
                )
            else:
                what = f"it names {printable(place.text)} since, which would not be there any more"
                yield Obstacle(place.path, place.line, what)


def _prefixes(snapshot: Snapshot, landing: Landing) -> Iterator[str]:
    """Yield what the names and paths begin with that a step gave."""
    lane = snapshot.facts.settings.lane(landing.target)
    assert lane is not None  # so landings are found
    for path in (*lane.paths, *(posixpath.dirname(move.target) for move in landing.moves)):
        yield path
        yield snapshot.facts.lanes.roots().dotted(path)


def _places(mentions: Mentions, landing: Landing, known: Collection[str]) -> Iterator[NamedAt]:
    """Yield where what a step moved is named as it is called since."""
    for _, name in landing.names:
        yield from (p for p in mentions.of_name(name) if nearest_module(p.text, known) == name)
    for move in landing.moves:
        yield from mentions.exactly(move.target)


def _is_prose(place: NamedAt, content: bytes) -> bool:
    """Tell whether a place is in a document, a comment or a text of several lines."""
    if place.path.lower().endswith(_PROSE):
        return True
    if not place.path.endswith((".py", ".pyi")):
        return False
    try:
        text = SourceText(content).text
    except Undecodable:
        return False
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[: place.line - 1])
    named = text.find(place.text, start)
    return any(
        first <= named < last and text.startswith(("#", *_TRIPLE), first)
        for first, last in strings_and_comments(text)
    )

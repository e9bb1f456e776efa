"""Which step comes first where the rules leave a choice."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.planner.schema import Score

WEIGHTS = ("unlock", "importers", "recency", "churn")
"""What a score can be made of."""

_DAY = 86_400


class History(msgspec.Struct, frozen=True):
    """Which commits touched which files.

    Attributes:
        times: of each commit, seconds since the epoch, the newest commit first.
        commits: indexes into it, by path.
    """

    times: tuple[int, ...]
    commits: Mapping[str, tuple[int, ...]]

    def recency(self, paths: Collection[str]) -> float | None:
        """Return the days from the last commit that touched some files to the newest one."""
        touched = [self.times[index] for path in paths for index in self.commits.get(path, ())]
        if not touched:
            return None
        return round(max(0, max(self.times) - max(touched)) / _DAY, 2)

    def churn(self, paths: Collection[str]) -> int:
        """Return how many commits touched some files."""
        return len({index for path in paths for index in self.commits.get(path, ())})


def read_history(git: Git) -> History:
    """Return which commits of the checked-out branch touched which files, from one `git log`.

    Merges say nothing of their own, and a renamed file starts anew.

    Args:
        git: the repository, seen from the root that paths are relative to.

    Raises:
        EnvironmentFailure: git fails.
    """
    listing = git.out("log", "--format=%x01%ct", "--name-only", "-z", "--no-renames", "--relative")
    times: list[int] = []
    commits: dict[str, list[int]] = {}
    for entry in listing.split(b"\x01")[1:]:
        head, _, names = entry.partition(b"\0")
        for name in names.lstrip(b"\n").split(b"\0"):
            if name:
                path = name.decode("utf-8", "surrogateescape")
                commits.setdefault(path, []).append(len(times))
        times.append(int(head))
    return History(tuple(times), {path: tuple(found) for path, found in commits.items()})


def parse_weights(text: str) -> dict[str, float]:
    """Return what "unlock=1,churn=-0.5" says.

    Raises:
        UsageError: it does not parse, or names nothing that a score is made of.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        name = name.strip()
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if name not in WEIGHTS or not math.isfinite(value):
            raise UsageError(
                f"--weights {text!r} does not parse at {part!r}: write NAME=NUMBER, separated by "
                f"commas, with names among {', '.join(WEIGHTS)}"
            )
        if name in weights:
            raise UsageError(f"--weights {text!r} names {name} twice")
        weights[name] = value
    return weights


class Ranking(msgspec.Struct, frozen=True):
    """How steps are compared.

    Attributes:
        preferred: modules that come first, and all that they need.
        weights: factors of a score's parts; None: what unlocks most, then rewrites fewest files.
        history: for recency and churn; None where no weight asks for them.
    """

    preferred: frozenset[str] = frozenset()
    weights: Mapping[str, float] | None = None
    history: History | None = None

    def score(
        self, modules: Collection[str], paths: Collection[str], *, unlock: int, importers: int
    ) -> Score:
        """Return the score of a step.

        Args:
            modules: its modules.
            paths: their files.
            unlock: how many modules wait for it.
            importers: how many files it rewrites.
        """
        recency = churn = total = None
        if self.history is not None:
            recency, churn = self.history.recency(paths), self.history.churn(paths)
        if self.weights is not None:
            parts = {
                "unlock": unlock, "importers": importers, "recency": recency, "churn": churn,
            }  # fmt: skip
            total = round(sum(w * (parts[name] or 0) for name, w in self.weights.items()), 6)
        preferred = not self.preferred.isdisjoint(modules)
        return Score(preferred, unlock, importers, recency, churn, total)

    @staticmethod
    def key(score: Score) -> tuple[bool, float, int, int]:
        """Return what steps are sorted by, the best one first."""
        total = 0.0 if score.total is None else -score.total
        return not score.preferred, total, -score.unlock, score.importers

"""A first lanes.toml for a repository that has none, from its files and their imports."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from lane_planner.config.paths import path_fault
from lane_planner.config.presets import PRESETS
from lane_planner.config.writing import comment, lane_table, toml_list, toml_string

_LUKHAS_LANES = frozenset({"candidate", "core", "lukhas", "products"})
_LUKHAS_MARKS = frozenset({"candidate", "lukhas"})  # core and products alone are common elsewhere
_ASIDE = frozenset({"benchmarks", "doc", "docs", "examples", "scripts", "test", "testing", "tests"})
# Where many teams keep what is not trusted yet.
_STAGING = frozenset(
    {
        "candidate", "candidates", "draft", "drafts", "experimental", "experiments", "incubator",
        "labs", "prototype", "prototypes", "sandbox", "staging",
    }
)  # fmt: skip
_TEST_FILE = re.compile(r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py")
_TARGET = re.compile(r"^([A-Za-z][\w.-]*)[ \t]*:(?!=)", re.MULTILINE)
_COVERAGE = ("coverage.json", ".coverage", "coverage.lcov", "lcov.info", "coverage.xml")

SETTINGS_FILES = (
    "Makefile", "noxfile.py", "pyproject.toml", "pytest.ini", "pytest.toml", "setup.cfg", "tox.ini",
)  # fmt: skip
"""Files of the root whose text says how tests are run."""

DATA_FILES = _COVERAGE
"""Files of the root that matter by being there."""

_HEAD = """\
# Lanes group code by trust. This is what `lane-planner init` made of the repository as it is: each
# lane may import what it imports today. Make it yours: take out of `imports` what a lane should not
# import (`lane-planner check --update-baseline --allow-additions` accepts what there is already),
# join lanes by giving one several paths, and say with `promotes_to` where modules of a lane move
# when they are ready.
"""

_NO_LANES = """\
# No package was found: replace this example by your own directories.
"""

_ONE_LANE = """\
# One package without packages below it has no lanes to tell apart yet. When there is more, write a
# lane for each directory (or list of files) of one trust, such as:
#
# [lanes.core]
# paths = [{paths}]
# imports = []
#
# [lanes.new]
# paths = ["{new}"]
# imports = ["core"]
# promotes_to = "core"
"""

_PROMOTES = """\
# No lane says `promotes_to` yet: `lane-planner plan` and `promote` need one that does.
"""

_COVERAGE_EXAMPLE = """\
# [coverage]  # what tests a module needs before it is promoted
# min = 0.75
# data = "coverage.json"
"""

_GATE_EXAMPLE = """\
# [[gates]]  # commands that must succeed before a promotion stays
# name = "unit"
# command = ["pytest", "tests/"]
# timeout = 120
"""


class Survey(msgspec.Struct, frozen=True):
    """What a proposal is made from.

    Attributes:
        paths: of the Python files, relative to the root, "/"-separated, in any order.
        imports: (importing file, imported file or directory) → how many statements do it.
        texts: name of one of `SETTINGS_FILES` → its text, of those that are there.
        data: those of `DATA_FILES` that are there.
        modules: words that name the test libraries that test files import.
    """

    paths: tuple[str, ...]
    imports: Mapping[tuple[str, str], int] = {}
    texts: Mapping[str, str] = {}
    data: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()


class LaneDraft(msgspec.Struct, frozen=True):
    """A lane that is proposed.

    Attributes:
        name: of the lane.
        paths: its directories and files.
        imports: the lanes that it may import.
        promotes_to: the next lane, or None.
        comments: why, a sentence each.
    """

    name: str
    paths: tuple[str, ...]
    imports: tuple[str, ...] = ()
    promotes_to: str | None = None
    comments: tuple[str, ...] = ()


class GateDraft(msgspec.Struct, frozen=True):
    """A gate that is proposed.

    Attributes:
        name: of the gate.
        command: argument list.
        why: what was found that it runs.
        scope: "batch" or "wave".
        chosen: whether it is written as a gate, or as a comment that can become one.
    """

    name: str
    command: tuple[str, ...]
    why: str
    scope: str = "batch"
    chosen: bool = True


class Proposal(msgspec.Struct, frozen=True):
    """A configuration before it is written.

    Attributes:
        source_roots: where module names start.
        lanes: from those that import least to those that import most.
        gates: in their order.
        coverage: file of coverage data that is there, or None.
        least: the coverage that is asked for, if there is data.
        mirrored: directories of tests that are laid out like lanes; empty: the usual ones.
        preset: the text of a ready-made configuration that fits; empty: none does.
        by_hand: what a person has to write, as there is nothing to propose; empty: nothing.
    """

    source_roots: tuple[str, ...]
    lanes: tuple[LaneDraft, ...]
    gates: tuple[GateDraft, ...] = ()
    coverage: str | None = None
    least: float = 0.75
    mirrored: tuple[str, ...] = ()
    preset: str = ""
    by_hand: str = ""

    def text(self) -> str:
        """Return the lanes.toml, the same for the same proposal."""
        if self.preset:
            return self.preset
        blocks = [_HEAD, f"source_roots = {toml_list(self.source_roots)}\n"]
        if self.by_hand:
            blocks.append(self.by_hand)
        blocks += [
            lane_table(lane.name, lane.paths, lane.imports, lane.promotes_to, lane.comments)
            for lane in self.lanes
        ]
        if not any(lane.promotes_to for lane in self.lanes):
            blocks.append(_PROMOTES)
        if self.mirrored:
            blocks.append(
                comment("tests laid out like a lane move along with the modules they are named of")
                + f"[tests]\nmirrored = {toml_list(self.mirrored)}\n"
            )
        if self.coverage is None:
            blocks.append(_COVERAGE_EXAMPLE)
        else:
            blocks.append(
                comment(f"what tests a module needs before it is promoted; {self.coverage} is here")
                + f"[coverage]\nmin = {self.least:g}\ndata = {toml_string(self.coverage)}\n"
            )
        blocks += [_gate_text(gate) for gate in self.gates] or [_GATE_EXAMPLE]
        return "\n".join(blocks)


def propose(survey: Survey) -> Proposal:
    """Propose a configuration in which each lane may import what it imports today.

    A repository with the lanes of the lukhas preset gets that preset. Several top-level packages
    (below each source root: the root itself and every `src` directory that is not a package) become
    a lane each; of a single one the packages directly below it do, its loose modules being a lane
    below them where all that import them are above, and else a lane with the package's own name.
    Where two lanes import each other, the direction that is clearly the rarer one (at most half as
    many statements) is left out of `imports`. Tests, documentation, examples, scripts and
    benchmarks are in no lane.

    Args:
        survey: the repository.
    """
    usable = sorted({p for p in survey.paths if p.isprintable() and path_fault(p) is None})
    tops = {path.partition("/")[0] for path in usable if "/" in path}
    roots = source_roots(usable)
    if len(tops & _LUKHAS_LANES) > 1 and tops & _LUKHAS_MARKS:
        return Proposal(roots, (), preset=PRESETS["lukhas"])
    units = _top_units(usable, roots)
    by_hand = ""
    if not units:
        units, by_hand = {"app": ("app",)}, _NO_LANES
    elif len(units) == 1:
        ((name, paths),) = units.items()
        inner = _inner_units(name, paths, usable, survey.imports)
        if len(inner) > 1:
            units = inner
        else:
            shown = ", ".join(toml_string(f"{path}/core") for path in paths)
            by_hand = _ONE_LANE.format(paths=shown, new=f"{paths[0]}/new")
    return Proposal(
        roots,
        _drafts(units, survey.imports),
        _gates(survey, usable),
        next((name for name in _COVERAGE if name in survey.data), None),
        mirrored=_mirrored(usable),
        by_hand=by_hand,
    )


def source_roots(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the directories that module names seem to start from.

    Args:
        paths: of Python files.
    """
    packages = {path.rpartition("/")[0] for path in paths if path.endswith("/__init__.py")}
    roots = {_source_root(path, packages) for path in paths} or {"."}
    return tuple(sorted(roots, key=lambda root: (root == ".", root)))


def roots_of_packages(paths: Iterable[str], packages: Iterable[str]) -> tuple[str, ...]:
    """Return the directories that hold packages of some dotted names, nearest to the root.

    Args:
        paths: of Python files.
        packages: dotted names; those that are nowhere are passed over.
    """
    found: set[str] = set()
    known = [f"/{path}" for path in paths]
    for package in packages:
        wanted = f"/{package.replace('.', '/')}"
        parents = {
            path[:at]
            for path in known
            for end in ("/", ".py")
            if (at := path.find(wanted + end)) >= 0
            and not _ASIDE.intersection(path[:at].split("/"))
            and (end == "/" or path[at:] == wanted + end)
        }
        shortest = min(map(len, parents), default=0)
        found.update(parent[1:] or "." for parent in parents if len(parent) == shortest)
    return tuple(sorted(found, key=lambda root: (root == ".", root)))


def _source_root(path: str, packages: set[str]) -> str:
    parts = path.split("/")[:-1]
    for depth, part in enumerate(parts):
        directory = "/".join(parts[: depth + 1])
        if directory in packages or part in _ASIDE:
            break
        if part == "src":
            return directory
    return "."


# --- lanes ---


def _top_units(paths: Sequence[str], roots: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return name → paths of what stands at the top of the source roots."""
    directories: dict[str, set[str]] = {}
    files: dict[str, set[str]] = {}
    for path in paths:
        root = next(root for root in roots if root == "." or path.startswith(f"{root}/"))
        below = path if root == "." else path.removeprefix(f"{root}/")
        top, slash, _ = below.partition("/")
        name = top.removesuffix(".py")
        if not name.isidentifier() or name in _ASIDE:
            continue
        if slash:
            directories.setdefault(name, set()).add(path.removesuffix(below) + top)
        elif name not in ("conftest", "setup") and not name.startswith("test_"):
            files.setdefault(name, set()).add(path)
    found = directories or files  # a project may be a single module
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def _inner_units(
    name: str, tops: Sequence[str], paths: Sequence[str], imports: Mapping[tuple[str, str], int]
) -> dict[str, tuple[str, ...]]:
    """Return name → paths of the packages below a single one, and of its loose modules."""
    inner: dict[str, set[str]] = {}
    loose: list[str] = []
    for path in paths:
        top = next((top for top in tops if path.startswith(f"{top}/")), None)
        if top is None:
            continue
        child, slash, _ = path.removeprefix(f"{top}/").partition("/")
        if slash and child.isidentifier() and child not in _ASIDE:
            inner.setdefault(child, set()).add(f"{top}/{child}")
        elif not slash:
            loose.append(path)
    if not inner:
        return {}
    units = {child: tuple(sorted(inner[child])) for child in sorted(inner)}
    low = _lowest(loose, units, imports)
    if low:
        units[_free(f"{name}-base", units)] = low
    if len(low) < len(loose):
        units[_free(name, units)] = tuple(tops)  # the nested paths belong to the other lanes
    return units


def _lowest(
    loose: Sequence[str], units: Mapping[str, tuple[str, ...]],
    imports: Mapping[tuple[str, str], int],
) -> tuple[str, ...]:  # fmt: skip
    """Return the loose modules that packages import, and that reach none of the packages."""
    home = _Homes(units)
    inside = {*loose}
    used = {b for a, b in imports if b in inside and home.of(a) is not None}
    high = {a for a, b in imports if a in inside and home.of(b) is not None}
    between = [(a, b) for a, b in imports if a in inside and b in inside]
    used = _closed(used, between)
    high = _closed(high, [(b, a) for a, b in between])
    return tuple(sorted(used - high))


def _closed(start: set[str], arrows: Sequence[tuple[str, str]]) -> set[str]:
    """Return what can be reached along arrows."""
    found = set(start)
    while more := {b for a, b in arrows if a in found} - found:
        found |= more
    return found


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "-package"
    return name


class _Homes:
    """Which unit a file or directory is in, the longest path first."""

    def __init__(self, units: Mapping[str, tuple[str, ...]]) -> None:
        self._by_path = {path: name for name, paths in units.items() for path in paths}
        self._known: dict[str, str | None] = {}

    def of(self, path: str) -> str | None:
        """Return the unit's name, or None."""
        if path not in self._known:
            place = path
            while place and place not in self._by_path:
                place = place.rpartition("/")[0]
            self._known[path] = self._by_path.get(place)
        return self._known[path]


def _drafts(
    units: Mapping[str, tuple[str, ...]], imports: Mapping[tuple[str, str], int]
) -> tuple[LaneDraft, ...]:
    home = _Homes(units)
    counts: Counter[tuple[str, str]] = Counter()
    for (importer, imported), count in imports.items():
        a, b = home.of(importer), home.of(imported)
        if a is not None and b is not None and a != b:
            counts[a, b] += count
    staging = [name for name in units if name in _STAGING]
    targets = {name: _target(name, units, counts) for name in staging}
    dropped = {
        (a, b)
        for (a, b), count in counts.items()
        if targets.get(b) is not None or count * 2 <= counts.get((b, a), 0)
    }
    dropped -= {(a, b) for a, b in dropped if targets.get(a) is not None}
    kept = {name: {b for (a, b) in counts if a == name and (a, b) not in dropped} for name in units}
    levels, circles = _levels(kept)
    order = sorted(units, key=lambda name: (levels[name], name))
    drafts = []
    for name in order:
        comments = []
        for other in sorted(b for a, b in dropped if a == name):
            count, back = counts[name, other], counts.get((other, name), 0)
            if targets.get(other) is not None:
                why = "nothing that is trusted should"
            else:
                why = f"{other} imports {name} in {_times(back)}"
            comments.append(
                f"not in `imports`: {other}. Imports of it today: {_times(count)}, which `check` "
                f"reports; {why}"
            )
        circle = circles.get(name)
        if circle:
            comments.append(
                f"imports in a circle: {', '.join(circle)}. Choose which way is right, and take "
                "the other out of `imports`"
            )
        target = targets.get(name)
        if target is not None:
            comments.append(f"a guess by its name: what is ready moves to {target}")
        drafts.append(
            LaneDraft(name, units[name], tuple(sorted(kept[name])), target, tuple(comments))
        )
    return tuple(drafts)


def _times(count: int) -> str:
    return "1 statement" if count == 1 else f"{count} statements"


def _target(
    name: str, units: Mapping[str, tuple[str, ...]], counts: Mapping[tuple[str, str], int]
) -> str | None:
    """Return the lane that modules of a staging lane most likely move to, or None."""
    others = [other for other in units if other != name and other not in _STAGING]
    used = [other for other in others if counts.get((name, other))]
    if used:
        return min(used, key=lambda other: (-counts[name, other], other))
    return others[0] if len(others) == 1 else None


def _levels(kept: Mapping[str, set[str]]) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """Return how high each unit stands over what it imports, and the circle that it is in, if any.

    Units of one circle are on one level: the graph's condensation is ordered, by longest path.
    """
    reach = {name: _reached(name, kept) for name in kept}
    circles: dict[str, tuple[str, ...]] = {}
    for name in kept:
        members = sorted({name, *(other for other in reach[name] if name in reach[other])})
        if len(members) > 1:
            circles[name] = tuple(members)
    levels: dict[str, int] = {}
    # What reaches least is lowest: all that a unit reaches outside its circle has its level before.
    for name in sorted(kept, key=lambda name: (len(reach[name] - {name}), name)):
        inside = circles.get(name, (name,))
        below = {o for member in inside for o in kept[member] if o not in inside}
        levels[name] = max((levels[other] + 1 for other in below), default=0)
    return levels, circles


def _reached(name: str, kept: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in kept[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


# --- tests and gates ---


def _mirrored(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the globs of directories of tests, where they have another name than usual."""
    tops = {path.partition("/")[0] for path in paths if _TEST_FILE.fullmatch(path) and "/" in path}
    if "tests" in tops or not tops & {"test", "testing"}:
        return ()
    return tuple(f"{top}/**/{{lane}}" for top in sorted(tops & {"test", "testing"}))


def _gates(survey: Survey, paths: Sequence[str]) -> tuple[GateDraft, ...]:
    tests = sorted(path for path in paths if _TEST_FILE.fullmatch(path))
    targets = _TARGET.findall(survey.texts.get("Makefile", ""))
    gates: list[GateDraft] = []
    settings = _pytest_settings(survey.texts)
    if settings is not None or (tests and survey.modules != {"unittest"}):
        why = f"pytest is configured in {settings}" if settings else f"there are tests: {tests[0]}"
        gates.append(GateDraft("tests", ("pytest", "-q", "{tests}"), f"{why}; those that matter"))
        gates.append(GateDraft("everything", ("pytest", "-q"), "the whole suite", "wave"))
    elif tests:
        top = tests[0].partition("/")[0] if "/" in tests[0] else "."
        command = ("python", "-m", "unittest", "discover", "-s", top, "-t", ".")
        gates.append(GateDraft("tests", command, f"there are tests of unittest: {tests[0]}"))
    for target in ("test", "tests", "check", "smoke"):
        if target in targets:
            gates.append(
                GateDraft(
                    f"make-{target}", ("make", target), f"the Makefile has a target {target}",
                    chosen=not gates,
                )
            )  # fmt: skip
    if "tox.ini" in survey.texts and "[tox]" in survey.texts["tox.ini"]:
        gates.append(GateDraft("tox", ("tox",), "tox.ini is here", "wave", chosen=not gates))
    if "noxfile.py" in survey.texts:
        gates.append(GateDraft("nox", ("nox",), "noxfile.py is here", "wave", chosen=not gates))
    return tuple(gates)


def _pytest_settings(texts: Mapping[str, str]) -> str | None:
    """Return the file that configures pytest, or None."""
    if "pytest.toml" in texts or "pytest.ini" in texts:
        return "pytest.toml" if "pytest.toml" in texts else "pytest.ini"
    if "pyproject.toml" in texts:
        try:
            tool = tomllib.loads(texts["pyproject.toml"]).get("tool")
        except ValueError:
            tool = None  # what cannot be read proposes nothing
        if isinstance(tool, dict) and "pytest" in tool:
            return "pyproject.toml"
    for name, header in (("tox.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]")):
        if header in texts.get(name, "").splitlines():
            return name
    return None


def _gate_text(gate: GateDraft) -> str:
    lines = [
        "[[gates]]",
        f"name = {toml_string(gate.name)}",
        f"command = {toml_list(gate.command)}",
    ]
    if gate.scope != "batch":
        lines.append(f"scope = {toml_string(gate.scope)}")
    mark = "" if gate.chosen else "# "
    return comment(gate.why) + "".join(f"{mark}{line}\n" for line in lines)

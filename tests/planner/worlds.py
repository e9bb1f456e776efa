"""Repositories as text beside what the oracle is told of them, and the way to a plan.

A `Story` is written twice from the same description: as sources, which the product scans, and as
a `World`, which the oracle judges. So the whole way from text to plan is under test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from lane_planner.config.settings import Coverage, Lane, Settings
from lane_planner.graph.graph import build_graph
from lane_planner.planner.hop import Facts, Hop, next_lane, open_hop
from lane_planner.planner.plan import make_plan
from lane_planner.planner.schema import Plan
from lane_planner.rules.lanes import LaneMap, lane_paths
from lane_planner.scan.records import SyntaxFault
from lane_planner.scan.source import scan_source
from tests.oracles.brute_force import Item, Wish, World

# The model case of DESIGN section 1.
MODEL: Mapping[str, frozenset[str]] = {
    "candidate": frozenset({"core", "matriz"}),
    "core": frozenset({"matriz"}),
    "lukhas": frozenset({"core", "matriz"}),
    "products": frozenset({"lukhas", "core", "matriz"}),
    "matriz": frozenset(),
}
CHAIN = ("candidate", "core", "lukhas", "products")
HOPS = tuple(pairwise(CHAIN))


def lanes_of(may: Mapping[str, frozenset[str]]) -> tuple[Lane, ...]:
    """Return lanes, each of the directory of its name, promoting along `CHAIN`."""
    following = dict(HOPS)
    return tuple(Lane(name, (name,), may[name], following.get(name)) for name in may)


def facts_of(
    files: Mapping[str, str | bytes],
    settings: Settings,
    *,
    faults: Mapping[str, SyntaxFault] | None = None,
    coverage: Mapping[str, float] | None = None,
    made: Collection[str] = (),
) -> Facts:
    """Return what planning needs to know of some files."""
    records = {
        path: scan_source(text.encode() if isinstance(text, str) else text)
        for path, text in files.items()
    }
    graph = build_graph(
        records,
        source_roots=settings.source_roots,
        lane_paths=lane_paths(settings),
        aliases=settings.aliases,
    )
    return Facts(
        graph, records, faults or {}, coverage, frozenset(made), settings, LaneMap(settings)
    )


def model_settings(
    may: Mapping[str, frozenset[str]] = MODEL, lanes: tuple[Lane, ...] = ()
) -> Settings:
    """Return settings with lanes and nothing else said."""
    return Settings(root=Path("."), lanes=lanes or lanes_of(may))


def opened(facts: Facts, source: str = "candidate") -> Hop:
    """Return the hop out of a lane."""
    return open_hop(facts, *next_lane(facts.settings, source, None))


def planned(facts: Facts, source: str = "candidate") -> Plan:
    """Return the plan of the hop out of a lane."""
    return make_plan(facts, opened(facts, source), commit=None)


def codes_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the codes of each blocked module, each once, sorted."""
    return {
        blocked.module: tuple(sorted({cause.code for cause in blocked.causes}))
        for blocked in plan.blocked
    }


def steps_of(plan: Plan) -> list[tuple[str, ...]]:
    """Return the modules of each step."""
    return [step.modules for step in plan.steps]


@dataclass(frozen=True)
class Story:
    """A random repository, as sources and as the oracle's world."""

    files: Mapping[str, str]
    settings: Settings
    faults: Mapping[str, SyntaxFault]
    coverage: Mapping[str, float] | None
    world: World
    notes: Collection[str] = field(default=())

    def facts(self, order: Iterable[str] | None = None) -> Facts:
        """Return the product's facts; the files are read in some order."""
        paths = list(self.files) if order is None else list(order)
        coverage = self.coverage
        return facts_of(
            {path: self.files[path] for path in paths},
            self.settings,
            faults={path: self.faults[path] for path in paths if path in self.faults},
            coverage=None
            if coverage is None
            else {path: coverage[path] for path in paths if path in coverage},
        )

    def hop(self, facts: Facts) -> Hop:
        """Return the story's hop on its facts."""
        return opened(facts, self.world.source)

    def plan(self, order: Iterable[str] | None = None) -> Plan:
        """Return the plan of the story's hop."""
        return planned(self.facts(order), self.world.source)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # as Hypothesis calls it
        """Write what a person needs to see of a failing example."""
        settings = {
            key: value
            for key, value in msgspec.structs.asdict(self.settings).items()
            if key in ("cycles", "unlaned", "unresolved")
        }
        texts = "".join(f"--- {path}\n{text}" for path, text in sorted(self.files.items()))
        printer.text(
            f"{self.world.source} → {self.world.target}, {settings}, may {dict(self.world.may)}, "
            f"faults {sorted(self.faults)}, coverage {self.coverage}, cut off {cycle}\n{texts}"
        )


@dataclass(frozen=True)
class _File:
    name: str
    path: str
    lane: str | None
    after: str = ""
    named: bool = True


FORMS = ("import", "parent", "value", "relative")
KINDS = ("eager", "eager", "eager", "deferred", "deferred", "typing")


@st.composite
def stories(draw: st.DrawFn, most: int = 6, imports: int = 14) -> Story:
    """Draw a repository, lane rules and a hop."""
    source, target = draw(st.sampled_from(HOPS))
    may = draw(rules(source, target))
    files = _files(draw, source, target, most)
    names = {file.name for file in files}
    wishes, texts, notes = _imports(draw, files, names, source, target, imports)
    codes: dict[str, set[str]] = {file.name: set() for file in files}
    faults: dict[str, SyntaxFault] = {}
    covered: dict[str, float] | None = {} if draw(st.integers(0, 3)) == 3 else None
    movers = [file for file in files if file.after]
    for file in movers:
        if draw(st.integers(0, 19)) == 7:
            faults[file.path] = SyntaxFault(1, "invalid syntax")
            codes[file.name].add("LP901")
        if covered is not None:
            fraction = draw(st.sampled_from((*(0.75, 0.9, 1.0) * 3, 0.74, None)))
            if fraction is not None:
                covered[file.path] = fraction
            if fraction is None or fraction < 0.75:
                codes[file.name].add("LP404")
        if not file.named:
            codes[file.name].add("LP406")
        elif file.after in names:
            codes[file.name].add("LP401")
    settings = Settings(
        root=Path("."),
        lanes=lanes_of(may),
        cycles=draw(st.sampled_from(("block", "block", "together"))),
        unlaned=draw(st.sampled_from(("allow", "allow", "forbid"))),
        unresolved=draw(st.sampled_from(("block", "note"))),
        coverage=None if covered is None else Coverage(),
    )
    world = World(
        tuple(Item(f.name, f.lane, f.after, frozenset(codes[f.name])) for f in files),
        tuple(wishes),
        may,
        source,
        target,
        unlaned=settings.unlaned == "allow",
        unresolved=settings.unresolved == "block",
        together=settings.cycles == "together",
    )
    return Story(texts, settings, faults, covered, world, frozenset(notes))


def rules(source: str, target: str) -> st.SearchStrategy[Mapping[str, frozenset[str]]]:
    """Draw which lane may import which: near the model case, or anything, not only chains."""
    support = {**MODEL, "matriz": frozenset({source})}
    mutual = {**MODEL, source: MODEL[source] | {target}, target: MODEL[target] | {source}}
    anything = st.tuples(
        *(st.frozensets(st.sampled_from([o for o in MODEL if o != n])) for n in MODEL)
    ).map(lambda sets: dict(zip(MODEL, sets, strict=True)))
    return st.one_of(st.sampled_from((MODEL, support, mutual, support)), anything)


def _files(draw: st.DrawFn, source: str, target: str, most: int) -> list[_File]:
    """Draw modules: in the lane that is left above all, and some everywhere else."""
    count = draw(st.sampled_from([n for n in (4, 3, 5, 6, 7, 2, 1) if n <= most]))
    stems = draw(st.permutations(_STEMS))[:count]
    files = [_file(source, stem, target) for stem in stems]
    others = draw(st.permutations(_PLACES))[: draw(st.sampled_from((3, 2, 4, 5, 0)))]
    for stem, top in others:
        lane = {"target": target, "next": _after(target), "other": "matriz"}.get(top, top)
        if lane == "none":
            files.append(_File(f"tools.{stem}", f"tools/{stem}.py", None))
        elif lane != source and all(file.name != f"{lane}.{stem}" for file in files):
            files.append(_file(lane, stem, None))
    return files


_STEMS = ("m0", "m1", "m2", "m3", "m4", "m5", "p", "p.m6", "p.m7", "x-1")
_PLACES = (
    ("s0", "other"), ("t0", "none"), ("k0", "target"), ("k1", "target"), ("m0", "target"), ("", "target"), ("p.k2", "target"),
    ("n0", "next"), ("n1", "next"), ("t1", "none"),
)  # fmt: skip


def _after(lane: str) -> str:
    return dict(HOPS).get(lane, "candidate")


def _file(lane: str, stem: str, target: str | None) -> _File:
    parts = [lane, *stem.split(".")] if stem else [lane]
    path = "/".join(parts)
    end = "/__init__.py" if stem in ("", "p") else ".py"
    if "-" in stem:
        return _File(f"{path}{end}", f"{path}{end}", lane, f"{target}/{stem}{end}", named=False)
    after = ".".join([target, *parts[1:]]) if target is not None else ""
    return _File(".".join(parts), f"{path}{end}", lane, after)


def _imports(
    draw: st.DrawFn, files: list[_File], names: set[str], source: str, target: str, most: int
) -> tuple[list[Wish], dict[str, str], set[str]]:
    """Draw imports; return them, the sources that hold them, and what sorts there are."""
    count = draw(st.sampled_from([n for n in (6, 8, 10, 7, 12, 14, 4, 2) if n <= most]))
    movers = [file for file in files if file.after]
    wishes: list[Wish] = []
    notes: set[str] = set()
    lines: dict[str, list[str]] = {file.path: ["TYPE_CHECKING = False"] for file in files}
    for number in range(count):
        sort = draw(st.sampled_from(_SORTS))
        # Most of what matters happens among the modules that may move.
        inner = draw(st.sampled_from((2, 2, 2, 1, 0, 0)))
        importer = draw(st.sampled_from(movers if inner else files[len(movers) :] or files))
        kind = draw(st.sampled_from(KINDS))
        optional = draw(st.integers(0, 4)) == 3
        form = draw(st.sampled_from(FORMS))
        if sort == "module":
            goals = [file.name for file in (files if inner == 1 else movers) if file.named]
            aim = draw(st.sampled_from(goals or [source]))
        elif sort == "back" and wishes:
            # Circles: somebody imports who imported.
            first = draw(st.sampled_from(wishes))
            importer = next((file for file in files if file.name == first.module), importer)
            aim = first.importer if "/" not in first.importer else source
        elif sort == "future":
            aim = draw(st.sampled_from([file.after for file in movers if file.named] or [target]))
        elif sort == "gone":
            aim = f"{draw(st.sampled_from((source, target, 'tools', 'lukhas')))}.gone"
        elif sort == "lane":
            aim = draw(st.sampled_from((source, target, f"{source}.p", f"{target}.p")))
        elif sort == "beyond":
            aim = ""
        else:
            aim = "json"
        if aim == importer.name:
            continue
        notes.add(sort)
        statement, module, name = _statement(importer, aim, form, number, aim in names)
        text, offset = _wrapped(statement, kind, optional)
        own = lines[importer.path]
        wishes.append(Wish(importer.name, module, name, kind, optional, len(own) + offset + 1))
        own.extend(text)
    return wishes, {path: "\n".join(own) + "\n" for path, own in lines.items()}, notes


_SORTS = ("module",) * 14 + ("back",) * 5 + ("future",) * 3 + (
    "gone", "lane", "external", "beyond",
)  # fmt: skip


def _statement(
    importer: _File, aim: str, form: str, number: int, exists: bool
) -> tuple[str, str, str | None]:
    """Return an import statement, and what it says made absolute."""
    value = f"VALUE{number}"
    home = importer.path.rpartition("/")[0].split("/")
    if not aim:
        return f"from {'.' * (len(home) + 1)}gone import {value}", "", value
    parent, _, leaf = aim.rpartition(".")
    if form == "parent" and parent:
        return f"from {parent} import {leaf}", parent, leaf
    if form == "relative" and exists:
        parts = aim.split(".")
        shared = 0
        while shared < min(len(home), len(parts)) and home[shared] == parts[shared]:
            shared += 1
        if shared:
            dots = "." * (len(home) - shared + 1)
            return f"from {dots}{'.'.join(parts[shared:])} import {value}", aim, value
    if form == "value":
        return f"from {aim} import {value}", aim, value
    return f"import {aim}", aim, None


def _wrapped(statement: str, kind: str, optional: bool) -> tuple[list[str], int]:
    """Return lines that hold a statement so that it is of a kind, and its index among them."""
    lines = [statement]
    if optional:
        lines = ["try:", f"    {statement}", "except ImportError:", "    pass"]
    heads = {"deferred": "def later():", "typing": "if TYPE_CHECKING:"}
    if kind in heads:
        lines = [heads[kind], *(f"    {line}" for line in lines)]
    return lines, next(index for index, line in enumerate(lines) if "import " in line)

"""From what other linters forbid between modules to lanes, which are disjoint sets of paths.

Other linters name modules, each with all below it, and the names of their rules may lie inside each
other. The repository is cut at every name that a rule mentions: a piece is a name with what is
below it, without the pieces inside. A rule between two names is one between all their pieces, so
that each piece can be a lane, and what several rules forbid is the union of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import plural
from lane_planner.config.writing import comment, lane_table, toml_list, toml_string

Pair = tuple[str, str]
"""Importer and imported module, dotted names."""

_UNSAFE = re.compile(r"[^\w.-]")


class Known(msgspec.Struct, frozen=True, dict=True):
    """What is known of the repository.

    Attributes:
        places: dotted name of a module that can be imported → its file; of a package → the
            directories that hold it.
        packages: the names that are packages.
        inits: name of a package → its `__init__.py`, where it has one.
        imports: which module imports which.
        source_roots: the directories that names start from.
    """

    places: Mapping[str, tuple[str, ...]]
    packages: frozenset[str]
    inits: Mapping[str, str]
    imports: frozenset[Pair]
    source_roots: tuple[str, ...] = (".",)

    def children(self, name: str) -> tuple[str, ...]:
        """Return the names of the modules directly below a package, sorted."""
        return self._children.get(name, ())

    @cached_property
    def _children(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for name in sorted(self.places):
            found.setdefault(name.rpartition(".")[0], []).append(name)
        return {parent: tuple(names) for parent, names in found.items()}

    def matching(self, expression: str) -> tuple[str, ...]:
        """Return the names that an expression with `*` and `**` means, sorted."""
        match = expression_pattern(expression).fullmatch
        return tuple(name for name in sorted(self.places) if match(name))


class Part(msgspec.Struct, frozen=True, order=True):
    """What a rule names: a module, with what is below it or alone."""

    name: str
    whole: bool = True


class Ban(msgspec.Struct, frozen=True):
    """What a rule forbids.

    Attributes:
        rule: which one, as an index.
        importer: what may not import.
        imported: what it may not import.
        unless: parts of the importer that may.
        pieces: whether it is between the two pieces alone, and not what is cut out of them.
    """

    rule: int
    importer: Part
    imported: Part
    unless: frozenset[Part] = frozenset()
    pieces: bool = False


class Ignored(msgspec.Struct, frozen=True):
    """An import that a rule leaves alone.

    Attributes:
        rule: which one.
        importer: expression with `*` (one name) and `**` (one or more).
        imported: likewise.
        reason: what stands in the waiver.
    """

    rule: int
    importer: str
    imported: str
    reason: str


class Rules(msgspec.Struct, frozen=True):
    """What another linter was told.

    Attributes:
        tool: how it is called.
        titles: of its rules.
        bans: what they forbid.
        ignored: what they leave alone.
        mentions: the parts in the order in which they should stand, each with what is said of it.
        cuts: parts that are pieces of their own, whether or not anything is forbidden to them.
        transitive: whether chains of imports count.
        unlaned: whether lanes may import code that no rule named: "allow" or "forbid".
        notes: what could not be converted.
    """

    tool: str
    titles: tuple[str, ...]
    bans: tuple[Ban, ...]
    ignored: tuple[Ignored, ...] = ()
    mentions: tuple[tuple[Part, str], ...] = ()
    cuts: tuple[Part, ...] = ()
    transitive: bool = False
    unlaned: str = "allow"
    notes: tuple[str, ...] = ()


class Converted(msgspec.Struct, frozen=True):
    """A configuration that was made of another linter's.

    Attributes:
        text: of the lanes.toml.
        notes: what could not be converted, a sentence each.
    """

    text: str
    notes: tuple[str, ...]


def expression_pattern(expression: str) -> re.Pattern[str]:
    """Return the pattern of the dotted names that an expression means.

    Args:
        expression: names between dots; `*` stands for one, `**` for one or more.
    """
    words = {"*": r"[^.]+", "**": r"[^.]+(?:\.[^.]+)*"}
    return re.compile(r"\.".join(words.get(p, re.escape(p)) for p in expression.split(".")))


def convert(rules: Rules, known: Known) -> Converted:
    """Return the lanes that forbid what another linter's rules do.

    Args:
        rules: what it was told.
        known: the repository.

    Raises:
        UsageError: the rules forbid nothing that lanes could.
    """
    pieces = _Pieces(rules, known)
    if not pieces.parts:
        said = f": {rules.notes[0]}" if rules.notes else ""
        raise UsageError(f"nothing in {rules.tool}'s configuration can become lanes{said}")
    waivers, notes = _waivers(rules, known, pieces)
    notes = (*rules.notes, *notes)
    head = [
        comment(f"Lanes made from the configuration of {rules.tool} by `lane-planner init`."),
        comment(
            "Code that no rule named is in no lane: it may import anything. Say with `promotes_to` "
            "where modules of a lane move when they are ready."
        ),
    ]
    if notes:
        head.append("#\n# What could not be carried over as it was:\n")
        head += [comment(f"- {note}") for note in notes]
    blocks = ["".join(head), f"source_roots = {toml_list(known.source_roots)}\n"]
    if rules.unlaned != "allow":
        blocks[-1] += f"unlaned = {toml_string(rules.unlaned)}\n"
    if rules.transitive:
        blocks[-1] += comment("the rules followed chains of imports, not only single ones")
        blocks[-1] += "transitive = true\n"
    return Converted("\n".join([*blocks, *pieces.tables(), *waivers]), notes)


class _Pieces:
    """The repository, cut at the names of the rules.

    Args:
        rules: what another linter was told.
        known: the repository.
    """

    def __init__(self, rules: Rules, known: Known) -> None:
        self._known = known
        self._bans = [
            msgspec.structs.replace(
                ban, importer=self._plain(ban.importer), imported=self._plain(ban.imported),
                unless=frozenset(self._plain(part) for part in ban.unless),
            )
            for ban in rules.bans
        ]  # fmt: skip
        self._said: dict[Part, list[str]] = {}
        for part, words in rules.mentions:
            said = self._said.setdefault(self._plain(part), [])
            if words not in said:
                said.append(words)
        named = [*self._said]
        for ban in self._bans:
            named += sorted({ban.importer, ban.imported, *ban.unless})
        used = {part for ban in self._bans for part in (ban.importer, ban.imported, *ban.unless)}
        used |= {self._plain(part) for part in rules.cuts}
        named += [self._plain(part) for part in rules.cuts]
        self._all = tuple(part for part in dict.fromkeys(named) if part in used)
        self._index = {part: i for i, part in enumerate(self._all)}
        self._around = {part: self._surrounding(part) for part in self._all}
        self._forbidden = self._matrix()
        self._lanes = self._merged()
        self.parts = tuple(dict.fromkeys(self._lanes.values()))

    def _plain(self, part: Part) -> Part:
        # A module that is no package is the same alone and with what is below it.
        alone = not part.whole and part.name in self._known.inits
        return Part(part.name, whole=not alone)

    def _surrounding(self, part: Part) -> frozenset[Part]:
        """Return the parts that a piece lies in, itself among them."""
        names = part.name.split(".")
        above = (Part(".".join(names[:n])) for n in range(1, len(names) + 1))
        return frozenset({part, *(p for p in above if p in self._index)})

    def piece(self, module: str) -> Part | None:
        """Return the piece that a module lies in, or None."""
        if Part(module, whole=False) in self._index:
            return Part(module, whole=False)
        while module:
            if Part(module) in self._index:
                return Part(module)
            module = module.rpartition(".")[0]
        return None

    def _matrix(self) -> dict[Part, dict[Part, frozenset[int]]]:
        """Return importer piece → imported piece → the rules that forbid it."""
        inside: dict[Part, list[Part]] = {}
        for piece, around in self._around.items():
            for part in around:
                inside.setdefault(part, []).append(piece)
        found: dict[Part, dict[Part, set[int]]] = {part: {} for part in self._all}
        for ban in self._bans:
            importers = [ban.importer] if ban.pieces else inside[ban.importer]
            targets = [ban.imported] if ban.pieces else inside[ban.imported]
            for importer in importers:
                if self._around[importer] & ban.unless:
                    continue
                row = found[importer]
                for imported in targets:
                    if imported != importer:
                        row.setdefault(imported, set()).add(ban.rule)
        return {
            importer: {imported: frozenset(rules) for imported, rules in row.items()}
            for importer, row in found.items()
        }

    def _merged(self) -> dict[Part, Part]:
        """Return piece → the piece around it that obeys the same rules, else itself."""
        columns: dict[Part, set[Part]] = {part: set() for part in self._all}
        for importer, row in self._forbidden.items():
            for imported in row:
                columns[imported].add(importer)
        chosen: dict[Part, Part] = {}
        for part in sorted(self._all, key=lambda p: (p.name.count("."), not p.whole, p.name)):
            outer = max(
                (p for p in self._around[part] if p != part),
                key=lambda p: len(p.name), default=None,
            )  # fmt: skip
            same = (
                outer is not None
                and {*self._said.get(part, ())} <= {*self._said.get(outer, ())}
                and self._forbidden[part].keys() == self._forbidden[outer].keys()
                and columns[part] == columns[outer]
            )
            chosen[part] = chosen[outer] if same and outer is not None else part
        return {part: chosen[part] for part in self._all}

    def forbidding(self, pair: Pair) -> frozenset[int]:
        """Return the rules that forbid an import."""
        importer, imported = self.piece(pair[0]), self.piece(pair[1])
        if importer is None or imported is None:
            return frozenset()
        return self._forbidden[importer].get(imported, frozenset())

    def tables(self) -> list[str]:
        """Return the tables of the lanes."""
        names = self._names()
        tables = []
        for part in self.parts:
            row = {self._lanes[imported] for imported in self._forbidden[part]}
            allowed = [names[p] for p in self.parts if p != part and p not in row]
            tables.append(
                lane_table(
                    names[part], self._paths(part), allowed, comments=self._said.get(part, ())
                )
            )
        return tables

    def _paths(self, part: Part) -> tuple[str, ...]:
        if not part.whole:
            return (self._known.inits[part.name],)
        if part.name in self._known.places:
            return self._known.places[part.name]
        # Nothing is there yet: it may come as a module or as a package, in packages to come.
        parent, _, tail = part.name.rpartition(".")
        while parent and parent not in self._known.places:
            parent, _, above = parent.rpartition(".")
            tail = f"{above}/{tail}"
        below = self._known.places.get(parent, self._known.source_roots[:1])
        base = below[0].removesuffix(".py")
        path = tail if base == "." else f"{base}/{tail}"
        return (path, f"{path}.py")

    def _names(self) -> dict[Part, str]:
        """Return a short name for each lane, with no two alike."""
        ends: dict[str, set[Part]] = {}
        for part in self.parts:
            for end in _ends(part):
                ends.setdefault(end, set()).add(part)
        return {
            part: next(end for end in _ends(part) if len(ends[end]) == 1 or end == _ends(part)[-1])
            for part in self.parts
        }


def _ends(part: Part) -> list[str]:
    words = _UNSAFE.sub("_", part.name).split(".")
    if not part.whole:
        words.append("__init__")
    shortest = 1 if part.whole else 2
    return [".".join(words[-n:]) for n in range(shortest, len(words) + 1)]


def _waivers(
    rules: Rules, known: Known, pieces: _Pieces
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the waivers' tables for what rules leave alone, and what cannot be waived so."""
    notes: list[str] = []
    matched: list[tuple[Ignored, frozenset[Pair]]] = []
    leaves: dict[Pair, set[int]] = {}
    for ignored in rules.ignored:
        pairs = _matching(ignored.importer, ignored.imported, known.imports)
        matched.append((ignored, pairs))
        for pair in pairs:
            leaves.setdefault(pair, set()).add(ignored.rule)
    waived = {
        pair
        for pair, indices in leaves.items()
        if (forbidding := pieces.forbidding(pair)) and forbidding <= indices
    }
    banned = {pair for pair in known.imports if pieces.forbidding(pair)}
    found: dict[Pair, str] = {}
    for ignored, pairs in matched:
        said = f"{ignored.importer} -> {ignored.imported}"
        title = rules.titles[ignored.rule]
        if not pairs:
            notes.append(f"{title} ignores {said}, which no import matches: left out")
            continue
        for pair in sorted(pairs & banned - waived):
            others = sorted(pieces.forbidding(pair) - leaves[pair])
            if ignored.rule in pieces.forbidding(pair):
                notes.append(
                    f"{title} ignores {pair[0]} -> {pair[1]}, but {rules.titles[others[0]]} "
                    "forbids it: not waived"
                )
        harmless = pairs - banned
        if harmless == pairs:
            notes.append(
                f"{title} ignores {said}, which no rule forbids by itself: left out; a waiver for "
                "what `check` reports of a chain through it can take its place"
            )
            continue
        glob = (ignored.importer.replace("**", "*"), ignored.imported.replace("**", "*"))
        # A glob's * also matches dots: it may stand only if it waives no more than was ignored.
        if _globbed(glob, banned) <= waived & pairs:
            found.setdefault(glob, ignored.reason)
        else:
            if pairs & waived and "*" in said:
                notes.append(
                    f"{title} ignores {said}: waived are the "
                    f"{plural(len(pairs & waived), 'import')} that it meant today, not new ones"
                )
            for pair in sorted(pairs & waived):
                found.setdefault(pair, ignored.reason)
    tables = [
        f"[[waivers]]\nimporter = {toml_string(importer)}\nimported = {toml_string(imported)}\n"
        f"reason = {toml_string(reason)}\n"
        for (importer, imported), reason in found.items()
    ]
    if tables:
        tables[0] = (
            comment(
                f"Imports that {rules.tool} was told to ignore. They hold for ever, as they did "
                "there: add a day to those that should end, as in expires = 2030-12-31."
            )
            + tables[0]
        )
    return tuple(tables), tuple(dict.fromkeys(notes))


def _matching(importer: str, imported: str, pairs: Collection[Pair]) -> frozenset[Pair]:
    if "*" not in importer + imported:
        return frozenset({(importer, imported)} & set(pairs))
    from_ = expression_pattern(importer).fullmatch
    to = expression_pattern(imported).fullmatch
    return frozenset(pair for pair in pairs if from_(pair[0]) and to(pair[1]))


def _globbed(glob: Pair, pairs: Iterable[Pair]) -> set[Pair]:
    from lane_planner.config.globs import name_glob

    from_, to = name_glob(glob[0]), name_glob(glob[1])
    return {pair for pair in pairs if from_(pair[0]) and to(pair[1])}


def between(
    rule: int, importers: Sequence[Part], imported: Sequence[Part]
) -> tuple[tuple[Ban, ...], tuple[tuple[Part, Part], ...]]:
    """Return the bans of all of some parts against all of others.

    Args:
        rule: whose they are.
        importers: what may not import.
        imported: what they may not import.

    Returns:
        The bans, and the pairs left out because one lies in the other.
    """
    bans = []
    overlapping = []
    for a in importers:
        for b in imported:
            if overlap(a, b):
                overlapping.append((a, b))
            else:
                bans.append(Ban(rule, a, b))
    return tuple(bans), tuple(overlapping)


def overlap(a: Part, b: Part) -> bool:
    """Tell whether one part lies in the other."""
    if a.name == b.name:
        return True
    return (a.whole and b.name.startswith(f"{a.name}.")) or (
        b.whole and a.name.startswith(f"{b.name}.")
    )

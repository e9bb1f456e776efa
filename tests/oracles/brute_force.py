"""Planning by brute force: DESIGN section 6 read literally, on plain data.

Nothing of the product is imported here. A repository is a `World` of modules, imports as written
and lane rules; a state is the set of modules that have moved. In each state every import is
resolved anew and every rule is judged anew; what can move, in which components and in which order
is found by looking at all states.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations

Edges = frozenset[tuple[str, str]]
Circles = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Item:
    """A module.

    Attributes:
        name: dotted; for a file that nobody can import, its path.
        lane: None for first-party code in no lane.
        after: the name that it would have after its move; "" for what is not in the source lane.
        codes: why the file itself cannot be promoted.
    """

    name: str
    lane: str | None
    after: str = ""
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Wish:
    """An import as written, made absolute: `import module`, or `from module import name`.

    Attributes:
        importer: name of the importing module.
        module: the written module; "" for a relative import beyond the top.
        name: what is imported from it; None for a plain import.
        kind: "eager", "deferred" or "typing".
        optional: whether its failure is caught.
        line: of its statement.
    """

    importer: str
    module: str
    name: str | None
    kind: str
    optional: bool
    line: int


@dataclass(frozen=True)
class Aim:
    """What an import means in a state.

    Attributes:
        item: name (before any move) of the module; None for a namespace or what is missing.
        lane: the lane of what is imported, in that state.
        missing: whether no such module is there.
    """

    item: str | None
    lane: str | None
    missing: bool


@dataclass(frozen=True)
class World:
    """A repository, its rules and a hop. A lane's name is the directory that it consists of.

    Attributes:
        items: the modules.
        wishes: their imports.
        may: lane → lanes that it may import, besides itself.
        source: the lane that is left.
        target: the lane that is reached.
        unlaned: whether a lane may import first-party code in no lane.
        unresolved: whether an import of what is missing blocks its module.
        together: whether eager circles land as one step, instead of blocking.
    """

    items: tuple[Item, ...]
    wishes: tuple[Wish, ...]
    may: Mapping[str, frozenset[str]]
    source: str
    target: str
    unlaned: bool = True
    unresolved: bool = True
    together: bool = False
    _seen: dict[frozenset[str], State] = field(
        default_factory=dict, compare=False, repr=False, hash=False
    )

    @cached_property
    def by_name(self) -> dict[str, Item]:
        """All modules by name."""
        return {item.name: item for item in self.items}

    @cached_property
    def candidates(self) -> tuple[str, ...]:
        """Names of the modules that stand in the lane that is left, sorted."""
        return tuple(sorted(item.name for item in self.items if item.lane == self.source))

    @cached_property
    def codes(self) -> dict[str, frozenset[str]]:
        """`own_codes` of each candidate."""
        return {name: own_codes(self, name) for name in self.candidates}

    def allowed(self, importer: str | None, imported: str | None) -> bool:
        """DESIGN section 5."""
        if importer is None or importer == imported:
            return True
        if imported is None:
            return self.unlaned
        return imported in self.may[importer]

    def lane_of_name(self, name: str) -> str | None:
        """The lane of a dotted name, by its first part."""
        top = name.partition(".")[0]
        return top if top in self.may else None

    def state(self, moved: Collection[str]) -> State:
        """The repository after some modules have moved."""
        key = frozenset(moved)
        if key not in self._seen:
            self._seen[key] = State(self, key)
        return self._seen[key]

    @property
    def start(self) -> State:
        """The repository as it is."""
        return self.state(())


class State:
    """A world in which some modules have moved; everything is worked out from scratch."""

    def __init__(self, world: World, moved: frozenset[str]) -> None:
        self._world = world
        self.moved = moved
        self._names = {
            (item.after if item.name in moved else item.name): item.name for item in world.items
        }
        self._spaces = {
            prefix
            for name in self._names
            for prefix in _prefixes(name)
            if prefix not in self._names
        }
        self.aims = [self._aim(index, wish) for index, wish in enumerate(world.wishes)]

    def lane(self, name: str) -> str | None:
        """The lane of a module."""
        if name in self.moved:
            return self._world.target
        return self._world.by_name[name].lane

    def _aim(self, index: int, wish: Wish) -> Aim | None:
        """What an import means; None for what is not first-party or imports itself."""
        if not wish.module:
            return None
        world = self._world
        if self.moved:  # references to what moved follow it
            before = world.start.aims[index]
            if before is not None and before.item in self.moved:
                return Aim(before.item, world.target, False)
        for name in (f"{wish.module}.{wish.name}", wish.module):
            if name in self._names:
                item = self._names[name]
                return None if item == wish.importer else Aim(item, self.lane(item), False)
            if name in self._spaces and (name != wish.module or wish.name is None):
                return Aim(None, world.lane_of_name(name), False)
        top = wish.module.partition(".")[0]
        if top not in world.may and not any(_top(item) == top for item in self._world.items):
            return None
        return Aim(None, world.lane_of_name(wish.module), True)

    @cached_property
    def violations(self) -> frozenset[int]:
        """Indexes of the imports that the rules forbid."""
        return frozenset(
            index
            for index, (wish, aim) in enumerate(zip(self._world.wishes, self.aims, strict=True))
            if aim is not None and not self._world.allowed(self.lane(wish.importer), aim.lane)
        )

    def edges(self, kinds: Collection[str]) -> Edges:
        """(importer, imported), named as before any move, of imports of some kinds."""
        return frozenset(
            (wish.importer, aim.item)
            for wish, aim in zip(self._world.wishes, self.aims, strict=True)
            if aim is not None and aim.item is not None and wish.kind in kinds
        )

    @cached_property
    def eager_circles(self) -> Circles:
        """Circles of imports that run when a module is imported."""
        return circles(self.edges(("eager",)))

    @cached_property
    def all_circles(self) -> Circles:
        """Circles of imports that run at some time."""
        return circles(self.edges(("eager", "deferred")))

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Why this state may not be: empty if every rule holds that held before."""
        world, start = self._world, self._world.start
        found = [f"{name}: {code}" for name in self.moved for code in world.codes[name]]
        for index in self.violations:
            wish = world.wishes[index]
            if wish.importer in self.moved or index not in start.violations:
                found.append(f"{wish.importer}:{wish.line} is a violation")
        for circle in self.eager_circles:
            if world.together and 0 < len(circle & self.moved) < len(
                circle.intersection(world.candidates)
            ):
                found.append(f"circle {sorted(circle)} is torn")
            elif not world.together and circle & self.moved:
                found.append(f"a moved module is in circle {sorted(circle)}")
        for circle in self.new_circles:
            found.append(f"circle {sorted(circle)} is new")
        return tuple(sorted(found))

    @property
    def new_circles(self) -> list[frozenset[str]]:
        """Circles, of either sort, that were not there at the start, nor inside a wider one."""
        start = self._world.start
        sorts = ((self.eager_circles, start.eager_circles), (self.all_circles, start.all_circles))
        return [circle for now, old in sorts for circle in now if not any(circle <= o for o in old)]


def _top(item: Item) -> str:
    return item.name.replace("/", ".").partition(".")[0]


def _prefixes(name: str) -> Iterator[str]:
    """The names of the directories around a module, all of which an import can name."""
    if "/" in name:
        name = name.rpartition("/")[0].replace("/", ".") + "."
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


@lru_cache(maxsize=10_000)
def circles(edges: Edges) -> Circles:
    """The sets of more than one node that all reach each other."""
    reached = {a: {b for x, b in edges if x == a} for a, _ in edges}
    changed = True
    while changed:
        changed = False
        for name, nodes in reached.items():
            more = nodes.union(*(reached.get(node, ()) for node in nodes))
            if len(more) > len(nodes):
                reached[name] = more
                changed = True
    found = {
        frozenset(b for b in nodes if a in reached.get(b, ()))
        for a, nodes in reached.items()
        if a in nodes
    }
    return frozenset(circle for circle in found if len(circle) > 1)


def own_codes(world: World, name: str) -> frozenset[str]:
    """Codes of what keeps a module from moving whatever else moves, new circles aside."""
    start = world.start
    codes = set(world.by_name[name].codes)
    for wish, aim in zip(world.wishes, start.aims, strict=True):
        if wish.importer == name:
            if not wish.module:
                if world.unresolved and not wish.optional:
                    codes.add("LP302")
                continue
            if aim is None:
                continue
            if aim.missing and world.unresolved and not wish.optional:
                codes.add("LP301")
            if aim.item not in world.candidates and not world.allowed(world.target, aim.lane):
                codes.add("LP101")
        elif aim is not None and aim.item == name and wish.importer not in world.candidates:
            lane = world.by_name[wish.importer].lane
            if world.allowed(lane, world.source) and not world.allowed(lane, world.target):
                codes.add("LP402")
    if not world.together and any(name in circle for circle in start.eager_circles):
        codes.add("LP201")
    return frozenset(codes)


def subsets(names: Collection[str]) -> Iterator[frozenset[str]]:
    """All subsets of some names, the small ones first."""
    for size in range(len(names) + 1):
        for chosen in combinations(sorted(names), size):
            yield frozenset(chosen)


def landable(world: World, names: Collection[str]) -> list[frozenset[str]]:
    """All subsets of some names that can have moved, alone, without any problem."""
    free = [name for name in names if not world.codes[name]]
    return [chosen for chosen in subsets(free) if not world.state(chosen).problems]


def largest(world: World) -> list[frozenset[str]]:
    """The sets that can move and that no larger one contains, by looking at all subsets.

    There is exactly one unless moves give imports a meaning that they had not.
    """
    found = landable(world, world.candidates)
    return [chosen for chosen in found if not any(chosen < other for other in found)]


def movable(world: World) -> frozenset[str]:
    """What can move, in whatever order, by striking out what cannot until nothing changes."""
    moving = {name for name in world.candidates if not world.codes[name]}
    while True:
        state = world.state(moving)
        out: set[str] = set()
        for index in state.violations:
            wish, aim = world.wishes[index], state.aims[index]
            if wish.importer in moving:
                out.add(wish.importer)
            elif index not in world.start.violations and aim is not None and aim.item is not None:
                out.add(aim.item)
        if world.together:
            for circle in world.start.eager_circles:
                here = circle.intersection(world.candidates)
                if not here <= moving:
                    out |= here & moving
        if not out:
            # Only when nothing else is in the way: a circle that cannot close blocks nobody.
            # One module may land without any other: what `from a.b import c` means then counts.
            for landed in (moving, *(moving - {name} for name in moving)):
                for circle in world.state(landed).new_circles:
                    out |= circle & {name for _, name in arrivals(world, landed)}
        if not out & moving:
            return frozenset(moving)
        moving -= out


def arrivals(world: World, moved: Collection[str]) -> list[tuple[Wish, str]]:
    """The imports that mean a moved module although they did not before, with that module."""
    after = world.state(moved).aims
    return [
        (wish, now.item)
        for wish, was, now in zip(world.wishes, world.start.aims, after, strict=True)
        if now is not None
        and now.item is not None
        and now.item in moved
        and (was is None or was.item != now.item)
    ]


def minimal_steps(world: World, moving: Collection[str]) -> dict[frozenset[str], int]:
    """The smallest steps that some modules can land in, each with its wave from 1.

    Two modules belong to one step if no state has one without the other; a step comes behind all
    that no state with it lacks; waves are the longest such paths.
    """
    states = landable(world, moving)
    floor = {
        name: frozenset(moving).intersection(*(state for state in states if name in state))
        for name in moving
    }
    steps = {
        name: frozenset(other for other in floor[name] if name in floor[other]) for name in moving
    }
    waves: dict[frozenset[str], int] = {}
    for name in sorted(moving, key=lambda name: len(floor[name])):
        earlier = [waves[steps[other]] for other in floor[name] - steps[name]]
        waves[steps[name]] = 1 + max(earlier, default=0)
    return waves


def order_problems(world: World, steps: Sequence[Iterable[str]]) -> list[str]:
    """What is wrong after each step of an order, all rules judged anew each time."""
    found: list[str] = []
    moved: set[str] = set()
    for number, step in enumerate(steps, 1):
        moved.update(step)
        if not moved <= set(world.candidates):
            return [*found, f"step {number}: what moves is not in lane {world.source}"]
        found += [f"step {number}: {problem}" for problem in world.state(moved).problems]
    return found


def importers(world: World, names: Collection[str]) -> frozenset[str]:
    """The modules that import any of some modules as things are."""
    return frozenset(
        wish.importer
        for wish, aim in zip(world.wishes, world.start.aims, strict=True)
        if aim is not None and aim.item in names
    )

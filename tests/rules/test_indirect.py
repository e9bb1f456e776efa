"""LP102: chains of allowed imports into forbidden lanes, and the imports that they share."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lane_planner.config.settings import Lane, Settings, Waiver
from lane_planner.rules.excuses import Excuses
from lane_planner.rules.indirect import Indirect, Shared, indirect_violations, shared_imports
from lane_planner.rules.lanes import LaneMap
from lane_planner.rules.violations import Violation
from tests.planner.worlds import facts_of, model_settings

DAY = datetime.date(2026, 6, 15)
WHY = "  # lane: ignore[LP102] why\n"


def searched(
    files: Mapping[str, str], config: Settings | None = None
) -> tuple[Indirect, tuple[Shared, ...]]:
    """Return what is found in some files, and the imports that the new chains share."""
    config = config or model_settings()
    facts = facts_of(files, config)
    lanes = LaneMap(config)
    excuses = Excuses(config.waivers, DAY, facts.graph, facts.records)
    found = indirect_violations(facts.graph, config, lanes, excuses)
    new = [v for v in found.violations if v.status == "new"]
    return found, shared_imports(facts.graph, config, lanes, excuses, new)


def chains(files: Mapping[str, str], config: Settings | None = None) -> list[tuple[str, ...]]:
    return [v.chain for v in searched(files, config)[0].violations]


LONG = {
    "candidate/a.py": "import core.b",
    "core/b.py": "import core.c",
    "core/c.py": "import lukhas.d",
    "lukhas/d.py": "",
}


def test_a_violation_says_where_it_is_and_where_it_leads() -> None:
    found, _ = searched({**LONG, "candidate/a.py": "X = 1\nif X: import core.b\n"})
    (violation,) = found.violations
    assert violation == Violation(
        code="LP102", importer="candidate.a", imported="lukhas.d", importer_lane="candidate",
        imported_lane="lukhas", path="candidate/a.py", line=2, column=6, kind="eager", status="new",
        message="candidate may not lead into lane lukhas: "
        "candidate.a → core.b → core.c → lukhas.d",
        chain=("candidate.a", "core.b", "core.c", "lukhas.d"),
    )  # fmt: skip
    assert violation.edge == ("candidate.a", "core.b")
    assert found.excused == frozenset()


@pytest.mark.parametrize(
    ("proves", "files", "expected"),
    [
        ("a direct one is LP101 alone", {"candidate/a.py": "import lukhas.d"}, []),
        ("a shorter one beside", {"candidate/a.py": "import core.b, core.c"},
         ["candidate.a core.b core.c lukhas.d", "candidate.a core.c lukhas.d"]),
        ("the first import is forbidden",
         {"candidate/a.py": "import products.p", "products/p.py": "import lukhas.d"}, []),
        ("over its own lane: who leaves it is told of",
         {"candidate/z.py": "import candidate.a"}, ["candidate.a core.b core.c lukhas.d"]),
        ("and back into it", {"core/b.py": "import candidate.z", "candidate/z.py": "import core.c"},
         ["candidate.z core.c lukhas.d"]),
        ("on in the forbidden lane", {"lukhas/d.py": "import lukhas.e", "lukhas/e.py": ""},
         ["candidate.a core.b core.c lukhas.d"]),
        ("over a lane that is forbidden too, one for each",
         {"core/c.py": "import products.p", "products/p.py": "import lukhas.d"},
         ["candidate.a core.b core.c products.p lukhas.d", "candidate.a core.b core.c products.p"]),
        ("over code in no lane", {"core/b.py": "import tools.t", "tools/t.py": "import lukhas.d"},
         ["candidate.a core.b tools.t lukhas.d", "core.b tools.t lukhas.d"]),
        ("from code in no lane", {"candidate/a.py": "", "tools/t.py": "import core.c"}, []),
        ("deferred at the end", {"core/c.py": "def f():\n    import lukhas.d"},
         ["candidate.a core.b core.c lukhas.d"]),
        ("optional and dynamic",
         {"core/c.py": "try:\n    __import__('lukhas.d')\nexcept ImportError:\n    pass"},
         ["candidate.a core.b core.c lukhas.d"]),
        ("for type checkers at the end",
         {"core/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lukhas.d"},
         []),
        ("for type checkers in front",
         {"candidate/a.py": "import typing\nif typing.TYPE_CHECKING:\n    import core.b"}, []),
        ("to what does not exist", {"core/c.py": "import lukhas.gone"}, []),
        ("two modules, one import", {"candidate/z.py": "import core.b"},
         ["candidate.a core.b core.c lukhas.d", "candidate.z core.b core.c lukhas.d"]),
        ("several sites of one import are one", {"candidate/a.py": "import core.b\nimport core.b"},
         ["candidate.a core.b core.c lukhas.d"]),
        ("of equally short ones the first by names",
         {"core/b.py": "import core.z, core.c", "core/z.py": "import lukhas.d"},
         ["candidate.a core.b core.c lukhas.d"]),
    ],
)  # fmt: skip
def test_which_chains(proves: str, files: Mapping[str, str], expected: list[str]) -> None:
    assert [" ".join(chain) for chain in chains({**LONG, **files})] == expected, proves


def test_lanes_that_may_import_on() -> None:
    """No import of these is a violation by itself: only the chain is."""
    may = {
        "candidate": frozenset({"core"}),
        "core": frozenset({"lukhas"}),
        "lukhas": frozenset[str](),
    }
    config = Settings(root=Path(), lanes=tuple(Lane(n, (n,), may[n]) for n in may))
    assert chains(LONG, config) == [("candidate.a", "core.b", "core.c", "lukhas.d")]


def test_code_in_no_lane_where_that_is_forbidden() -> None:
    forbidding = msgspec.structs.replace(model_settings(), unlaned="forbid")
    files = {**LONG, "core/c.py": "import tools.t", "tools/t.py": "import lukhas.d"}
    assert chains(files, forbidding) == [
        ("candidate.a", "core.b", "core.c", "tools.t"),
        ("candidate.a", "core.b", "core.c", "tools.t", "lukhas.d"),
    ]


def statuses(files: Mapping[str, str], *waivers: tuple[str, str]) -> list[tuple[str, str]]:
    config = msgspec.structs.replace(
        model_settings(), waivers=tuple(Waiver(a, b, "why") for a, b in waivers)
    )
    found, _ = searched({**LONG, **files}, config)
    return [(" ".join(v.chain), v.status) for v in found.violations]


WHOLE = "candidate.a core.b core.c lukhas.d"


@pytest.mark.parametrize(
    ("proves", "files", "waivers", "expected"),
    [
        ("its last import is waived", {}, [("core.c", "lukhas.*")], [(WHOLE, "waived")]),
        ("one between", {}, [("core.b", "core.c")], [(WHOLE, "waived")]),
        ("its first", {}, [("candidate.*", "core.*")], [(WHOLE, "waived")]),
        ("its ends are no import", {}, [("candidate.a", "lukhas.d")], [(WHOLE, "new")]),
        ("there is another way", {"core/b.py": "import core.c, core.z", "core/z.py": "import lukhas.d"},
         [("core.c", "lukhas.d")], [("candidate.a core.b core.z lukhas.d", "new")]),
        ("an ignore in front", {"candidate/a.py": f"import core.b{WHY}"}, [], [(WHOLE, "ignored")]),
        ("one at the end", {"core/c.py": f"import lukhas.d{WHY}"}, [], [(WHOLE, "ignored")]),
        ("of another rule", {"core/c.py": "import lukhas.d  # lane: ignore[LP101] why"}, [],
         [(WHOLE, "new")]),
        ("of all", {"core/c.py": "import lukhas.d  # lane: ignore why"}, [], [(WHOLE, "ignored")]),
        ("one site of two", {"candidate/a.py": f"import core.b{WHY}import core.b"}, [],
         [(WHOLE, "new")]),
        ("the first that is let through tells why", {"core/c.py": f"import lukhas.d{WHY}"},
         [("core.b", "core.c")], [(WHOLE, "waived")]),
    ],
)  # fmt: skip
def test_what_is_let_through(
    proves: str,
    files: Mapping[str, str],
    waivers: list[tuple[str, str]],
    expected: list[tuple[str, str]],
) -> None:
    assert statuses(files, *waivers) == expected, proves


def test_of_two_sites_the_one_that_counts_is_told() -> None:
    found, _ = searched({**LONG, "candidate/a.py": f"import core.b{WHY}import core.b"})
    assert [v.line for v in found.violations] == [2]
    assert [(s.importer, s.line) for s in found.excused] == [("candidate.a", 1)]


def test_only_excused_sites_of_chains_are_of_use() -> None:
    files = {**LONG, "core/c.py": f"import lukhas.d{WHY}", "core/b.py": f"import core.x{WHY}import core.c",
             "core/x.py": "", "core/idle.py": f"import lukhas.d{WHY}"}  # fmt: skip
    found, _ = searched(files)
    assert [(s.importer, s.imported) for s in found.excused] == [("core.c", "lukhas.d")]


def test_the_import_that_most_share() -> None:
    files = dict(LONG)
    for number in range(5):
        files[f"candidate/m{number}.py"] = "import core.b"
    files["candidate/m4.py"] = "import core.b\nimport core.y"
    files["core/y.py"] = "import lukhas.d"
    files["core/b.py"] = "import core.c"
    _, shared = searched(files)
    assert [(s.importer, s.imported, s.path, s.line, s.chains, s.breaks) for s in shared] == [
        ("core.c", "lukhas.d", "core/c.py", 1, 6, 6),
        ("core.y", "lukhas.d", "core/y.py", 1, 1, 1),
    ]
    assert shared[0].example == ("candidate.a", "core.b", "core.c", "lukhas.d")


def test_chains_with_another_way_are_not_broken() -> None:
    files = {**LONG, "core/b.py": "import core.c, core.z", "core/z.py": "import lukhas.d"}
    files["candidate/b.py"] = "import core.c"
    _, (shared,) = searched(files)
    assert (shared.importer, shared.chains, shared.breaks) == ("core.c", 2, 1)


# --- beside an oracle that walks every path ---


@dataclass(frozen=True)
class Drawn:
    """A small graph of modules in lanes, some of its imports waived."""

    lanes: Mapping[str, str]
    may: Mapping[str, frozenset[str]]
    edges: frozenset[tuple[str, str]]
    waived: frozenset[tuple[str, str]]

    def files(self) -> dict[str, str]:
        return {
            f"{lane}/{name}.py": "".join(
                f"import {self.dotted(other)}\n" for one, other in sorted(self.edges) if one == name
            )
            for name, lane in self.lanes.items()
        }

    def dotted(self, name: str) -> str:
        return f"{self.lanes[name]}.{name}"

    def config(self) -> Settings:
        lanes = tuple(Lane(name, (name,), others) for name, others in self.may.items())
        waivers = tuple(
            Waiver(self.dotted(a), self.dotted(b), "why") for a, b in sorted(self.waived)
        )
        return Settings(root=Path(), lanes=lanes, waivers=waivers)

    def allowed(self, one: str, other: str) -> bool:
        lane, its = self.lanes[one], self.lanes[other]
        return lane not in self.may or its == lane or its not in self.may or its in self.may[lane]

    def paths(self, start: str, edges: frozenset[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
        """Walk every path without repetition."""
        waiting: list[tuple[str, ...]] = [(start,)]
        while waiting:
            path = waiting.pop()
            yield path
            waiting += [
                (*path, other) for one, other in edges if one == path[-1] and other not in path
            ]

    def expected(
        self, edges: frozenset[tuple[str, str]]
    ) -> dict[tuple[str, str, str], tuple[str, ...]]:
        """Return the best chain of each importer, import and forbidden lane."""
        best: dict[tuple[str, str, str], tuple[str, ...]] = {}
        for start in self.lanes:
            for path in self.paths(start, edges):
                if len(path) < 3 or self.lanes[start] not in self.may:
                    continue
                ends = {self.lanes[path[0]], self.lanes[path[-1]]}
                if (
                    self.allowed(start, path[-1])
                    or not self.allowed(start, path[1])
                    or any(self.lanes[name] in ends for name in path[1:-1])
                ):
                    continue
                chain = tuple(map(self.dotted, path))
                key = (chain[0], chain[1], self.lanes[path[-1]])
                if key not in best or (len(chain), chain) < (len(best[key]), best[key]):
                    best[key] = chain
        return best


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    laned = ["p", "q", "r", "s"]
    names = [f"m{n}" for n in range(draw(st.integers(3, 8)))]
    lanes = {name: draw(st.sampled_from([*laned, "none"])) for name in names}
    may = {lane: draw(st.frozensets(st.sampled_from(laned))) - {lane} for lane in laned}
    pairs = [(a, b) for a in names for b in names if a != b]
    edges = draw(st.frozensets(st.sampled_from(pairs), min_size=2, max_size=14))
    waived = draw(st.frozensets(st.sampled_from(sorted(edges)), max_size=3))
    return Drawn(lanes, may, edges, waived)


@settings(max_examples=400)
@given(drawn())
def test_as_when_every_path_is_walked(graph: Drawn) -> None:
    found, shared = searched(graph.files(), graph.config())
    new = {
        (v.importer, v.chain[1], str(v.imported_lane)): v.chain
        for v in found.violations
        if v.status == "new"
    }
    assert new == graph.expected(graph.edges - graph.waived)
    let = {
        (v.importer, v.chain[1], v.imported_lane) for v in found.violations if v.status == "waived"
    }
    assert let == graph.expected(graph.edges).keys() - new.keys()
    assert len(found.violations) == len(new) + len(let)

    # What is said of shared imports, by taking them out.
    left = dict(new)
    for one in shared:
        edge = (one.importer, one.imported)
        group = [key for key, chain in left.items() if edge in pairwise(chain)]
        gone = (one.importer.partition(".")[2], one.imported.partition(".")[2])
        still = graph.expected(graph.edges - graph.waived - {gone})
        assert one.chains == len(group) > 0
        assert one.breaks == sum(key not in still for key in group)
        most = max(
            sum(other in pairwise(chain) for chain in left.values())
            for chain in left.values()
            for other in pairwise(chain)
        )
        assert one.chains == most
        for key in group:
            del left[key]
    assert not left

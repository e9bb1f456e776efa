"""Settings from text: what each key means, what each mistake says, and the digest."""

from __future__ import annotations

import datetime
import re
import string
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.base.errors import UsageError
from lane_planner.config.load import parse_settings
from lane_planner.config.parse import digest
from lane_planner.config.presets import PRESETS
from lane_planner.config.settings import Benchmark, Coverage, Gate, Lane, Settings, Waiver
from tests.config.toml_text import settings_text, toml_value

A = '[lanes.a]\npaths = ["a"]\n'  # two lines: what follows begins on line 3
GATE = '[[gates]]\nname = "g"\ncommand = ["c"]\n'
BENCHMARK = f"{GATE}kind = 'benchmark'\nmetric = 'pytest-benchmark'\noutput = 'o'\n"  # lines 3 to 8
WAIVER = '[[waivers]]\nimporter = "a"\nimported = "b"\nreason = "r"\n'

ERRORS: dict[str, tuple[str, int, str]] = {
    # TOML itself
    "syntax": ("\na = = 1", 2, "not valid TOML, mend column 5: Invalid value"),
    "syntax at the end": ("[lanes\n\n", 1, "not valid TOML, mend"),
    "unclosed list": ("a = [\n1,\n\n", 2, "not valid TOML, mend the end of the file: "),
    "a key twice": ('cycles = "block"\ncycles = "block"\n' + A, 2, "not valid TOML"),
    "a day that is none": (A + WAIVER + "expires = 2026-02-30", 7, "not valid TOML"),
    "an integer beyond all bounds": (f"a = {'9' * 5000}", 1, "not valid TOML, mend a number"),
    "too deep": (f"a = {'[' * 5000}", 1, "nested too deeply"),
    # keys
    "unknown key": ("\nexlude = []\n" + A, 2, 'unknown key exlude, did you mean "exclude"?'),
    "unknown key, none near": ("zzz = 1\n" + A, 1, "unknown key zzz, known are source_roots, "),
    "unknown key in a lane": (A + "promote_to = 'b'", 3, 'lanes.a.promote_to, did you mean "prom'),
    "a key of the top in a lane": (A + "cycles = 'block'", 3, "it belongs above the first table"),
    "unknown key in batch": (A + "[batch]\nmax_file = 1", 4, 'batch.max_file, did you mean "max_'),
    "unknown key in coverage": (A + "[coverage]\nminimum = 1", 4, "coverage.minimum, "),
    "unknown key in a gate": (A + GATE + "timout = 1", 6, 'gates.timout, did you mean "timeout"?'),
    "unknown key in a waiver": (A + WAIVER + "expiry = 1", 7, "waivers.expiry, "),
    "in the second gate": (A + GATE + "[[gates]]\nname = 'h'\ncommand = []", 8, "is empty"),
    "control characters": ('"a\\nb" = 1\n' + A, 1, "unknown key a\\nb"),
    # types
    "source_roots a string": ('source_roots = "."\n' + A, 1, "is a string, write a list of str"),
    "exclude with a number": ("exclude = [\n'a',\n1]\n" + A, 3, "an item of exclude is an integer"),
    "cycles a boolean": ("cycles = true\n" + A, 1, 'is a boolean, write "block" or "together"'),
    "cycles another word": ("cycles = 'x'\n" + A, 1, 'cycles is "x", write "block" or "together"'),
    "unlaned": ("unlaned = 'no'\n" + A, 1, 'write "allow" or "forbid"'),
    "unresolved": ("unresolved = []\n" + A, 1, 'is a list, write "block" or "note"'),
    "transitive a string": ("transitive = 'true'\n" + A, 1, "is a string, write true or false"),
    "transitive a number": ("transitive = 1\n" + A, 1, "is an integer, write true or false"),
    "lanes a list": ("\nlanes = []", 2, "lanes is a list, write a table"),
    "a lane a list": ("[lanes]\na = ['a']", 2, "lanes.a is a list, write a table"),
    "batch a number": ("batch = 50\n" + A, 1, "batch is an integer, write a table"),
    "max_files a fraction": (A + "batch.max_files = 1.5", 3, "unknown key lanes.a.batch"),
    "max_files a boolean": (A + "[batch]\nmax_files = true", 4, "is a boolean, write an integer"),
    "gates a table": (A + "[gates]\nx = 1", 3, "is a table, write an array of tables, [[gates]]"),
    "gates of strings": ("gates = ['make']\n" + A, 1, "gates is a string, write a table"),
    "min a string": (A + "[coverage]\nmin = '75%'", 4, "is a string, write a number"),
    "data a date": (A + "[coverage]\ndata = 2026-01-01", 4, "is a date, write a string"),
    "an empty string": ("exclude = ['']\n" + A, 1, "exclude: a string is empty"),
    "NUL": ('[lanes.a]\npaths = ["a\\u0000"]', 2, "has a NUL character"),
    # lanes
    "no lanes": ("cycles = 'block'", 1, "there are no lanes, add a table"),
    "an empty lanes table": ("cycles = 'block'\n[lanes]", 2, "there are no lanes"),
    "no paths": ("[lanes.a]\nimports = []", 1, "lanes.a.paths is missing"),
    "empty paths": ("[lanes.a]\npaths = []", 2, "lanes.a.paths is empty"),
    "paths a string": ("[lanes.a]\npaths = 'a'", 2, "lanes.a.paths is a string"),
    "unknown lane in imports": (
        A + "imports = [\n'a', 'b']\n[lanes.bb]\npaths = ['b']",
        4,
        'lanes.a.imports: no lane is called "b", did you mean "bb"?',
    ),
    "unknown lane to promote to": (A + "promotes_to = 'zz'", 3, "the lanes are a"),
    "promotes to itself": (A + "promotes_to = 'a'", 3, "lanes promote in a circle, a → a: remove"),
    "promotes in a circle": (
        "".join(
            f"[lanes.{x}]\npaths = ['{x}']\npromotes_to = '{y}'\n" for x, y in ("ab", "bc", "cb")
        ),
        6,
        "lanes promote in a circle, b → c → b: remove one promotes_to",
    ),
    "absolute path": ("[lanes.a]\npaths = ['/a']", 2, '"/a" is absolute'),
    "path of a drive": ("[lanes.a]\npaths = ['C:/a']", 2, "is absolute"),
    "path with ..": ("[lanes.a]\npaths = [\n'a',\n'b/../../c']", 4, "has a .. part"),
    "path with backslash": ("[lanes.a]\npaths = ['a\\b']", 2, "separate directories by /"),
    "path with a glob": ("[lanes.a]\npaths = ['a/*']", 2, "name the directory itself"),
    "path of the root": ("[lanes.a]\npaths = ['./']", 2, "is the whole repository"),
    "a path in two lanes": (
        A + "[lanes.b]\npaths = ['b', \n './a/']",
        5,
        '"a" is already a path of lane a, keep one of the two',
    ),
    "a path twice in a lane": ("[lanes.a]\npaths = ['a', 'a']", 2, "already a path of lane a"),
    "lane name with a space": ('[lanes."a b"]\npaths = ["a"]', 1, 'lane name "a b": use letters'),
    "lane name like an option": ("[lanes.-a]\npaths = ['a']", 1, 'lane name "-a"'),
    # the rest
    "baseline empty": ("baseline = ''\n" + A, 1, "baseline: a string is empty"),
    "baseline outside": ("baseline = '../x'\n" + A, 1, 'baseline: "../x" has a .. part'),
    "baseline absolute": ("baseline = '/x'\n" + A, 1, 'baseline: "/x" is absolute'),
    "baseline a directory": ("baseline = './x/'\n" + A, 1, "is a directory, name a file such as"),
    "baseline the root": ("baseline = '.'\n" + A, 1, "is a directory, name a file such as"),
    "baseline no text": ("baseline = true\n" + A, 1, "baseline is a boolean, write a string"),
    "mirrored without a lane": (
        A + "[tests]\nmirrored = ['tests/**']",
        4,
        'tests.mirrored: the glob "tests/**" has to have one part that is {lane}, as',
    ),
    "mirrored with two lanes": (
        A + "[tests]\nmirrored = ['x/{lane}',\n'{lane}/{lane}']",
        5,
        "has to have one part that is {lane}",
    ),
    "mirrored outside": (
        A + "[tests]\nmirrored = ['../{lane}']",
        4,
        'has a part that is "..", write a path such as tests/**/{lane}',
    ),
    "mirrored absolute": (A + "[tests]\nmirrored = ['/x/{lane}']", 4, 'has a part that is ""'),
    "mirrored with a class": (
        A + "[tests]\nmirrored = ['t[ab]/{lane}']",
        4,
        'has a part "t[ab]": only names with * and ?, ** and {lane} may stand here',
    ),
    "mirrored no list": (A + "[tests]\nmirrored = 'x'", 4, "tests.mirrored is a string"),
    "tests with more": (A + "[tests]\nmirror = []", 4, "mirror"),
    "no source roots": ("source_roots = []\n" + A, 1, 'write ["."] for the root'),
    "source root outside": ("source_roots = [\n'..']\n" + A, 2, 'source_roots: ".." has a .. part'),
    "source root absolute": ("source_roots = ['/src']\n" + A, 1, "is absolute"),
    "bad exclude": ("exclude = ['a',\n'b[']\n" + A, 2, 'exclude: the glob "b[" has a [ without'),
    "alias to nothing": ("aliases = {a = ''}\n" + A, 1, "aliases.a: a string is empty"),
    "alias that is no module": ("aliases = {'a/b' = 'c'}\n" + A, 1, '"a/b" is no module name'),
    "alias to no module": ("[aliases]\na = 'b.'\n" + A, 2, '"b." is no module name'),
    "alias of a dotted name": (
        "[aliases]\na.b = 'c'\n" + A,
        2,
        "aliases.a is a table, quote dotted",
    ),
    "alias of a list": ("[aliases]\na = []\n" + A, 2, "aliases.a is a list, write a string"),
    "max_files 0": (A + "[batch]\nmax_files = 0", 4, "batch.max_files is 0, write 1 or more"),
    "min as a percentage": (A + "[coverage]\nmin = 75", 4, "is 75, write a fraction from 0 to 1"),
    "min below 0": (A + "[coverage]\nmin = -0.1", 4, "coverage.min is -0.1"),
    "min nan": (A + "[coverage]\nmin = nan", 4, "coverage.min is nan"),
    "min beyond floats": (A + f"[coverage]\nmin = 1{'0' * 400}", 4, "coverage.min is inf"),
    "gate without name": (A + "[[gates]]\ncommand = ['c']", 3, "gates.name is missing"),
    "gate without command": (A + "[[gates]]\nname = 'c'", 3, "gates.command is missing"),
    "command a string": (
        A + "[[gates]]\nname='g'\ncommand = 'make x'",
        5,
        "no shell reads it: write",
    ),
    "two gates of a name": (A + GATE + GATE, 7, 'two gates are called "g", rename one'),
    "phase": (A + GATE + "phase = 'during'", 6, 'phase is "during", write "before" or "after"'),
    "bad when": (A + GATE + "when = [\n'./a']", 7, 'gates.when: the glob "./a" has a "."'),
    "timeout 0": (A + GATE + "timeout = 0", 6, "gates.timeout is 0, write seconds, more than 0"),
    "timeout without end": (A + GATE + "timeout = inf", 6, "gates.timeout is inf"),
    "timeout nan": (A + GATE + "timeout = nan", 6, "gates.timeout is nan"),
    "retries below 0": (A + GATE + "retries = -1", 6, "gates.retries is -1, write 0 to 10"),
    "retries without end": (A + GATE + "retries = 11", 6, "gates.retries is 11, write 0 to 10"),
    "retries a boolean": (A + GATE + "retries = true", 6, "is a boolean, write an integer"),
    "scope": (A + GATE + "scope = 'run'", 6, 'scope is "run", write "batch" or "wave"'),
    "a wave before": (
        A + GATE + "phase = 'before'\nscope = 'wave'",
        7,
        'gates.scope "wave" is of phase "after"',
    ),
    "a placeholder for a program": (
        A + GATE.replace('"c"', "\n'{tests}'"),
        6,
        "gates.command begins with {tests}, name a program",
    ),
    "kind": (A + GATE + "kind = 'x'", 6, 'kind is "x", write "command" or "benchmark"'),
    "budget of a command": (A + GATE + "budget = 0.1", 6, 'gates.budget is of kind = "benchmark"'),
    "metric of a command": (A + GATE + "metric = 'x'", 6, 'gates.metric is of kind = "benchmark"'),
    "benchmark without metric": (
        A + GATE + "kind = 'benchmark'",
        3,
        'gates.metric is missing, write "pytest-benchmark", { json = ',
    ),
    "benchmark before": (
        A + BENCHMARK + "phase = 'before'",
        9,
        'gates.phase of a benchmark is "after"',
    ),
    "benchmark of tests": (
        A + BENCHMARK.replace('"c"', '"c",\n"{tests}"'),
        6,
        "a benchmark runs on two trees, name its files instead of {tests}",
    ),
    "a report without a file": (
        A + BENCHMARK.replace("output", "# "),
        3,
        "gates.output is missing, name the file that the command writes",
    ),
    "output outside": (A + BENCHMARK.replace("'o'", "'../o'"), 8, 'output: "../o" has a .. part'),
    "output a directory": (A + BENCHMARK.replace("'o'", "'o/'"), 8, "is a directory, name a file"),
    "more time is better": (A + BENCHMARK + "better = 'higher'", 9, "these are times, write"),
    "budget in percent": (A + BENCHMARK + "budget = 10", 9, "gates.budget is 10, write a fraction"),
    "budget below 0": (A + BENCHMARK + "budget = -0.1", 9, "gates.budget is -0.1"),
    "budget nan": (A + BENCHMARK + "budget = nan", 9, "gates.budget is nan"),
    "budget a string": (A + BENCHMARK + "budget = '10%'", 9, "is a string, write a number"),
    "no rounds": (A + BENCHMARK + "rounds = 0", 9, "gates.rounds is 0, write 1 to 100"),
    "measure": (A + "[coverage]\nmeasure = 'yes'", 4, "is a string, write true or false"),
    "waiver without reason": (A + WAIVER.replace("reason", "# "), 3, "waivers.reason is missing"),
    "waiver of a path": (A + WAIVER.replace('"b"', '"b/c.py"'), 5, "write a dotted name such as"),
    "expires a number": (A + WAIVER + "expires = 2026", 7, "is an integer, write a day such as"),
    "expires a time": (A + WAIVER + "expires = 2026-12-31T00:00:00", 7, "is a date with a time"),
    "expires no day": (A + WAIVER + "expires = 'soon'", 7, '"soon" is no day, write a day such'),
}
# What `metric` is written as, and what is said of it.
METRICS = {
    "another word": ("'junit'", 'gates.metric is "junit", write "pytest-benchmark"'),
    "a number": ("1", "gates.metric is an integer, write"),
    "of two keys": ("{json = 'a', regex = 'b'}", "gates.metric has 2 keys, write"),
    "of no key": ("{}", "gates.metric has 0 keys, write"),
    "of another key": ("{jsn = 'a'}", 'unknown key gates.metric.jsn, did you mean "json"?'),
    "path": ("{json = 'a..b'}", 'gates.metric.json: "a..b" has an empty part'),
    "no expression": (
        "{regex = '('}",
        "gates.metric.regex is no regular expression of Python's: missing )",
    ),
    "without value": (
        "{regex = '([0-9]+)'}",
        "gates.metric.regex has no group (?P<value>…) around the number",
    ),
}
ERRORS |= {
    f"metric {name}": (A + BENCHMARK.replace("'pytest-benchmark'", written), 7, message)
    for name, (written, message) in METRICS.items()
}


def parse(text: str, table: tuple[str, ...] = ()) -> Settings:
    return parse_settings(text, root=Path("/repository"), source=Path("lanes.toml"), table=table)


@pytest.mark.parametrize(("text", "line", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_name_their_line(text: str, line: int, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    said = caught.value.message
    assert said.startswith(f"lanes.toml:{line}: ")
    assert message in said
    assert "\n" not in said
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "[tool]", "tool = 1", "[tool.x]"])
def test_a_table_that_is_missing(text: str) -> None:
    with pytest.raises(UsageError, match=r"^lanes.toml:1: no \[tool\.lane_planner\] table, run"):
        parse(text, ("tool", "lane_planner"))


def test_a_table_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"^lanes.toml:2: tool\.lane_planner is an integer, write"):
        parse("[tool]\nlane_planner = 1", ("tool", "lane_planner"))


def test_defaults() -> None:
    settings = parse(A)
    bare = Settings(root=Path("/repository"), lanes=(Lane("a", ("a",)),), source=Path("lanes.toml"))
    assert settings == msgspec.structs.replace(bare, digest=digest(bare))
    assert re.fullmatch("sha256:[0-9a-f]{64}", settings.digest)


def test_everything_in_a_table_of_a_larger_file() -> None:
    text = """
        [tool.other]
        lanes = 1
        [tool.lane_planner]
        source_roots = ["./src/", ".", "src"]
        exclude = ["archive/**"]
        cycles = "together"
        baseline = "./ci/known.txt"
        tests.mirrored = ["tests/**/{lane}", "spec/{lane}/v?"]
        transitive = true
        unlaned = "forbid"
        unresolved = "note"
        aliases = { "b.c" = "a.b.c", "a" = "x" }
        batch.max_files = 7
        lanes.b = { paths = ["./lib//b/", "b.py"], imports = ["b", "a"], promotes_to = "a" }
        lanes.a.paths = ["lib"]
        [tool.lane_planner.coverage]
        min = 1
        measure = true
        [[tool.lane_planner.gates]]
        name = "g"
        command = ["make", "g"]
        phase = "before"
        when = ["a/**"]
        timeout = 1
        [[tool.lane_planner.gates]]
        name = "h"
        command = ["h"]
        retries = 2
        scope = "wave"
        [[tool.lane_planner.gates]]
        name = "speed"
        kind = "benchmark"
        command = ["make", "bench"]
        metric = { regex = "took (?P<value>[0-9.]+)" }
        [[tool.lane_planner.gates]]
        name = "size"
        kind = "benchmark"
        command = ["make", "size"]
        metric.json = "a.0.b"
        output = "./out//size.json"
        better = "higher"
        budget = 0
        rounds = 1
        [[tool.lane_planner.waivers]]
        importer = "a.*"
        imported = "b"
        reason = "r"
        expires = 2026-12-31
        [[tool.lane_planner.waivers]]
        importer = "a"
        imported = "b"
        reason = "r"
        expires = "2026-12-31"
    """
    day = datetime.date(2026, 12, 31)
    expected = Settings(
        root=Path("/repository"),
        source_roots=("src", "."),
        exclude=("archive/**",),
        lanes=(Lane("b", ("lib/b", "b.py"), frozenset({"a"}), "a"), Lane("a", ("lib",))),
        cycles="together",
        transitive=True,
        unlaned="forbid",
        unresolved="note",
        aliases=(("a", "x"), ("b.c", "a.b.c")),
        max_files=7,
        coverage=Coverage(1.0, "coverage.json", True),
        gates=(
            Gate("g", ("make", "g"), "before", ("a/**",), 1.0),
            Gate("h", ("h",), retries=2, scope="wave"),
            Gate(
                "speed",
                ("make", "bench"),
                benchmark=Benchmark("regex", "took (?P<value>[0-9.]+)", None, "lower", 0.1, 3),
            ),
            Gate(
                "size",
                ("make", "size"),
                benchmark=Benchmark("json", "a.0.b", "out/size.json", "higher", 0.0, 1),
            ),
        ),
        waivers=(Waiver("a.*", "b", "r", day), Waiver("a", "b", "r", day)),
        mirrored_tests=("tests/**/{lane}", "spec/{lane}/v?"),
        baseline="ci/known.txt",
        source=Path("lanes.toml"),
    )
    settings = parse(text, ("tool", "lane_planner"))
    assert msgspec.structs.replace(settings, digest="") == expected


def test_the_baseline_is_the_named_one_or_beside_the_configuration() -> None:
    assert parse("baseline = 'ci//x.txt'\n" + A).baseline_file == Path("/repository/ci/x.txt")
    beside = parse_settings(A, root=Path("/repository"), source=Path("/else/lanes.toml"))
    assert beside.baseline_file == Path("/else/lanes-baseline.txt")
    assert Settings(Path("/repository")).baseline_file == Path("/repository/lanes-baseline.txt")


THREE = """\
[lanes.a]
paths = ["a", "x"]
imports = ["b", "c"]
[lanes.b]
paths = ["b"]
[lanes.c]
paths = ["c"]
"""


@pytest.mark.parametrize(
    ("text", "same"),
    [
        pytest.param(f"# note\n{THREE}\n", True, id="comments"),
        pytest.param(THREE.replace('["b", "c"]', '["c", "b", "a"]'), True, id="order of imports"),
        pytest.param(THREE.replace('"b"]\n[', '"./b/"]\n['), True, id="spelling of paths"),
        pytest.param("cycles = 'block'\n" + THREE, True, id="a default, written"),
        pytest.param(
            "lanes.c.paths = ['c']\nlanes.b.paths = ['b']\n"
            "lanes.a = {imports = ['b', 'c'], paths = ['a', 'x']}",
            True,
            id="order of lanes",
        ),
        pytest.param("baseline = 'x.txt'\n" + THREE, True, id="what check knows already"),
        pytest.param("tests.mirrored = []\n" + THREE, False, id="no mirrored tests"),
        pytest.param(THREE.replace('"a", "x"', '"x", "a"'), False, id="order of paths"),
        pytest.param("cycles = 'together'\n" + THREE, False, id="another value"),
        pytest.param(THREE + "[coverage]\n", False, id="coverage asked for"),
        pytest.param(THREE + GATE, False, id="a gate"),
        pytest.param(THREE + WAIVER, False, id="a waiver"),
    ],
)
def test_digest_is_of_the_meaning(text: str, same: bool) -> None:
    elsewhere = parse_settings(text, root=Path("/x"), source=Path("y.toml"))
    assert (elsewhere.digest == parse(THREE).digest) is same


def test_digest_and_the_order_of_gates_and_waivers() -> None:
    gates = GATE, GATE.replace('"g"', '"h"')
    assert parse(A + "".join(gates)).digest != parse(A + "".join(reversed(gates))).digest
    waivers = WAIVER, WAIVER.replace('"r"', '"s"')
    assert parse(A + "".join(waivers)).digest == parse(A + "".join(reversed(waivers))).digest


NAMES = st.text(string.ascii_letters + string.digits + "_é", min_size=1, max_size=5)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
GLOBS = PATHS | PATHS.map("{}/**".format) | PATHS.map("!**/*{}*".format)
IDENTIFIERS = st.lists(NAMES.map("_{}".format), min_size=1, max_size=3).map(".".join)
POSITIVE = st.floats(0, 1e6, exclude_min=True)


EXPRESSIONS = TEXTS.map(lambda text: f"{re.escape(text)}(?P<value>.)")
BETTER = st.sampled_from(["lower", "higher"])
REST = (st.floats(0, 1), st.integers(1, 100))
BENCHMARKS = st.one_of(
    st.builds(Benchmark, st.just("pytest-benchmark"), st.just(""), PATHS, st.just("lower"), *REST),
    st.builds(Benchmark, st.just("json"), IDENTIFIERS, PATHS, BETTER, *REST),
    st.builds(Benchmark, st.just("regex"), EXPRESSIONS, st.none() | PATHS, BETTER, *REST),
)


def _gate_fits(gate: Gate) -> bool:
    named = not {"{tests}", "{modules}"} & set(gate.command)
    return named and (gate.phase == "after" or (gate.scope == "batch" and gate.benchmark is None))


@st.composite
def settings_values(draw: st.DrawFn) -> Settings:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    paths = draw(st.lists(PATHS, min_size=len(names), max_size=9, unique=True))
    lanes = [
        Lane(
            name,
            tuple(paths[index :: len(names)]),
            draw(st.frozensets(st.sampled_from(names))) - {name},
            # only later lanes, so that none promote in a circle
            draw(st.sampled_from([*names[index + 1 :], None])),
        )
        for index, name in enumerate(names)
    ]
    gates = st.builds(
        Gate,
        TEXTS,
        st.lists(TEXTS, min_size=1).map(tuple),
        st.sampled_from(["before", "after"]),
        st.lists(GLOBS).map(tuple),
        POSITIVE,
        st.integers(0, 10),
        st.sampled_from(["batch", "wave"]),
        st.none() | BENCHMARKS,
    ).filter(_gate_fits)
    dotted = TEXTS.filter(lambda name: "/" not in name)
    waivers = st.builds(Waiver, dotted, dotted, TEXTS, st.none() | st.dates())
    bare = Settings(
        root=Path("/repository"),
        source_roots=draw(st.lists(PATHS | st.just("."), min_size=1, unique=True).map(tuple)),
        exclude=draw(st.lists(GLOBS).map(tuple)),
        lanes=tuple(draw(st.permutations(lanes))),
        cycles=draw(st.sampled_from(["block", "together"])),
        transitive=draw(st.booleans()),
        unlaned=draw(st.sampled_from(["allow", "forbid"])),
        unresolved=draw(st.sampled_from(["block", "note"])),
        aliases=tuple(sorted(draw(st.dictionaries(IDENTIFIERS, IDENTIFIERS)).items())),
        max_files=draw(st.integers(1, 10**12)),
        coverage=draw(st.none() | st.builds(Coverage, st.floats(0, 1), TEXTS, st.booleans())),
        gates=tuple(draw(st.lists(gates, unique_by=lambda gate: gate.name, max_size=3))),
        waivers=tuple(draw(st.lists(waivers, max_size=3))),
        mirrored_tests=draw(st.lists(PATHS.map("{}/**/{{lane}}".format)).map(tuple)),
        baseline=draw(st.none() | PATHS),
        source=Path("lanes.toml"),
    )
    return msgspec.structs.replace(bare, digest=digest(bare))


@given(settings_values())
def test_round_trip(settings: Settings) -> None:
    assert parse(settings_text(settings)) == settings


ANY_VALUE = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
LINES = PRESETS["lukhas"].splitlines()
PAIRS = [index for index, line in enumerate(LINES) if re.match(r"\w+ +=", line)]


@given(st.sampled_from(PAIRS), ANY_VALUE)
def test_any_value_anywhere_is_taken_or_refused_on_its_line(index: int, value: object) -> None:
    key = LINES[index].partition("=")[0]
    lines = [*LINES[:index], f"{key}= {toml_value(value)}", *LINES[index + 1 :]]
    try:
        parse("\n".join(lines))
    except UsageError as error:
        place = re.match(r"lanes.toml:(\d+): ", error.message)
        assert place is not None
        # a name that no longer fits is wrong where it is used or repeated, too
        assert int(place[1]) == index + 1 or key.strip() in ("name", "paths")


@given(st.text("[]{}=.,#\"'\\\n ab1") | st.text())
def test_any_text_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"\Alanes.toml:\d+: [^\n]+\Z"):
        parse(text)

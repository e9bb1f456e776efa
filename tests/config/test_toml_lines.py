"""Lines of keys: in these texts every integer is the number of the line that it stands on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.config.toml_lines import KeyPath, key_lines, nearest_line

TEXTS = {
    "empty": "",
    "plain pairs": "a = 1\n\nb=3",
    "no final newline, comment at the end": "a = 1 # b = 9",
    "windows line ends": "a = 1\r\n\r\n[t]\r\nb = 4\r\n",
    "tables": "[a]\nx = 2\n[a.b]\nx = 4\n[c]\nx = 6\n",
    "header with spaces and comment": " [ a . b ] # [c]\nx = 2\n",
    "super-table after its child": "[a.b]\nx = 2\n[a]\ny = 4\n",
    "arrays of tables": "[[g]]\nx = 2\n[[g]]\nx = 4\n[g.s]\nx = 6\n[[g.n]]\nx = 8\n[[g.n]]\n",
    "nested arrays of tables start anew": "[[g]]\n[[g.n]]\nx = 3\n[[g]]\n[[g.n]]\nx = 6\n",
    "dotted keys": 'a.b.c = 1\na.b.d = 2\na . "b" . e = 3\n[t]\nx.y = 5\n',
    "quoted keys": '"a.b" = 1\n\'c = "d\' = 2\n"e\\"]\\u00e9" = 3\n["[t]#"]\n"" = 5\n',
    "bare keys that look like numbers": "1.2 = 1\n-1 = 2\ntrue = 3\n",
    "inline tables": "t = {a = 1, b.c = 1, d = {e = 1}, f = {}}\nu = 2\n",
    "lists": "a = [1, 1]\nb = [\n  3, # ] 9\n  4,\n]\nc = []\nd = [\n]\ne = 9\n",
    "lists of lists and tables": "a = [[1], [\n2], {b = 2}, {b = [\n 3]}]\nc = 4\n",
    "scalars of several pieces": "a = [\n1.5,\n1979-05-27 07:32:00.5-07:00,\n-inf, 4]\nb = 5\n",
    "brackets, hashes and equals in strings": "a = \"[x]\\n# = {\"\nb = '[[x]] \\'\nc = 3\n",
    "escaped quotes": 'a = "\\"" # "\nb = "\\\\"\nc = 3\n',
    "multi-line basic strings": 'a = """\n[x]\nb = 9 \\""" ""\n"""\nc = 5\n',
    "multi-line literal strings": "a = '''\n[x]\nb = 9 \\'' # '\n'''\nc = 5\n",
    "quotes that touch the closing ones": 'a = """x"""""\nb = """"x"""\nc = 3\n',
    "single quotes that touch them": "a = '''x'''''\nb = ''''x'''\nc = 3\n",
    "empty strings": "a = \"\"\nb = ''\nc = \"\"\"\"\"\"\nd = ''''''\ne = 5\n",
    "multi-line strings in a list": "a = ['''\n,]''', 2, \"\"\"\n\"\"\", 3]\nb = 4\n",
    "comments with quotes": "# ''' \"\"\"\na = 2 # '\nb = 3\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_every_key_and_item_has_its_line(text: str) -> None:
    assert_lines(text)


def test_tables_have_the_line_of_their_header() -> None:
    lines = key_lines("\n[a]\n[[g]]\n[a.b]\n[[g]]\n")
    assert lines == {
        (): 1,
        ("a",): 2,
        ("g",): 3,
        ("g", 0): 3,
        ("a", "b"): 4,
        ("g", 1): 5,
    }


def test_inline_tables_over_several_lines_as_in_toml_1_1() -> None:
    lines = key_lines("t = {\n  a = 2, # }\n  b = [\n 4],\n}\nc = 6\n")
    assert lines == {
        (): 1,
        ("t",): 1,
        ("t", "a"): 2,
        ("t", "b"): 3,
        ("t", "b", 0): 4,
        ("c",): 6,
    }


def test_nesting_beyond_the_recursion_limit() -> None:
    lines = key_lines(f"a = {'[' * 2_000}{']' * 2_000}\nb = 2\n")
    assert lines["b",] == 2


@pytest.mark.parametrize(
    ("path", "line"),
    [(("a", "x"), 3), (("a", "y"), 2), (("a", "x", 7), 3), (("b",), 1), ((), 1)],
)
def test_a_missing_key_has_the_line_of_what_it_is_missing_from(path: KeyPath, line: int) -> None:
    assert nearest_line(key_lines("\n[a]\nx = [3]\n"), path) == line


KEYS = st.sampled_from(["a", "b", "c-1", '"a"', '"q.\\"["', "'l #'", "é".join('""')])
NOISE = st.sampled_from(
    ["", "# x = [", "  # '''", 's = """\n[a]\nb = @\n"""', "l = '''\n]]\"\"\"\n'''", 's = "{#"']
)
VALUES = st.recursive(
    st.just("@"),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(
            lambda items: "".join(["[ # ]\n", *(f"{item},\n" for item in items), "]"])
        ),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda pairs: f"{{{', '.join(f'{key} = {value}' for key, value in pairs.items())}}}"
        ),
    ),
    max_leaves=6,
)
DOTTED = st.lists(KEYS, min_size=1, max_size=3).map(" . ".join)
STATEMENTS = st.one_of(
    NOISE,
    st.builds("{} = {}".format, DOTTED, VALUES),
    DOTTED.map("[{}]".format),
    DOTTED.map("[[{}]]".format),
)


@given(st.lists(STATEMENTS, max_size=12))
def test_random_documents(statements: list[str]) -> None:
    text = ""
    for statement in statements:  # keep those that tomllib can take after the ones before
        longer = f"{text}{statement}\n"
        try:
            tomllib.loads(numbered(longer))
        except tomllib.TOMLDecodeError:
            continue
        text = longer
    assert_lines(numbered(text))


def numbered(text: str) -> str:
    lines = enumerate(text.split("\n"), start=1)
    return "\n".join(line.replace("@", str(number)) for number, line in lines)


def assert_lines(text: str) -> None:
    lines = key_lines(text)
    found = dict(leaves(tomllib.loads(text)))
    assert set(lines) == set(found)
    wrong = {path: (lines[path], n) for path, n in found.items() if n is not None}
    assert {path: pair for path, pair in wrong.items() if pair[0] != pair[1]} == {}


def leaves(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, int | None]]:
    """Yield every path in a document, with its line where the value tells it."""
    yield path, value if type(value) is int else None
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))

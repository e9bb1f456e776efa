"""The baseline: its format, what it covers, what is stale in it, and how it shrinks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lane_planner.base.errors import UsageError
from lane_planner.rules.baseline import (
    HEADER,
    Baseline,
    Circle,
    Entry,
    judge,
    read_baseline,
    update,
)
from lane_planner.rules.violations import Status, Violation


def violation(importer: str, imported: str, line: int = 1, status: Status = "new") -> Violation:
    """Return a violation; of its lanes and words nothing is read here."""
    return Violation(
        "LP101", importer, imported, "a", "b", f"{importer}.py", line, 0, "eager", status, "",
    )  # fmt: skip


def baseline(*lines: str) -> Baseline:
    """Return the baseline of some lines."""
    return read_baseline("\n".join(lines).encode(), "known.txt")


# --- format ---


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("LP101 a.b -> c.d", Entry("LP101", ("a.b", "c.d"))),
        ("LP101 a.b -> c.d  x3", Entry("LP101", ("a.b", "c.d"), 3)),
        ("LP101 a/x-y.original.py -> c", Entry("LP101", ("a/x-y.original.py", "c"))),
        ("LP101 é -> ü", Entry("LP101", ("é", "ü"))),
        ('LP101 "a/b c.py" -> x3  x2', Entry("LP101", ("a/b c.py", "x3"), 2)),
        ('LP101 "a\\n->\\"\\\\\\udcff" -> "->"', Entry("LP101", ('a\n->"\\\udcff', "->"))),
        ('LP101 "#a" -> "\\u00a0"', Entry("LP101", ("#a", "\xa0"))),
        ('LP101 "" -> b', Entry("LP101", ("", "b"))),
        ("LP102 a.b -> c.d  x2", Entry("LP102", ("a.b", "c.d"), 2)),
        ("LP201 a.b c.d e", Entry("LP201", ("a.b", "c.d", "e"))),
        ("LP202 a x2", Entry("LP202", ("a", "x2"))),
    ],
)
def test_entries_as_text_and_back(line: str, entry: Entry) -> None:
    assert str(entry) == line
    assert baseline(line).entries == (entry,)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("", ""),
        ("\ufeffLP101 a -> b\r\n\r\n  LP101   a  ->  c x1  \r\n", "LP101 a -> b\nLP101 a -> c\n"),
        ("LP202 b a b\n", "LP202 a b\n"),
        ("LP101 b -> a\nLP101 a -> b\nLP101 b -> a\n", "LP101 a -> b\nLP101 b -> a\n"),
        ("LP101 a -> b  x2\nLP101 a -> b\nLP101 a -> b x3", "LP101 a -> b  x3\n"),
    ],
)
def test_what_merges_and_hands_leave_is_read(text: str, same: str) -> None:
    assert read_baseline(text.encode(), "x").text() == f"{HEADER}\n{same}"


def test_comments_stay_in_front() -> None:
    text = "# ours\nLP101 b -> c\n# note\nLP101 a -> c\n# ours\n"
    assert baseline(text).text() == "# ours\n# note\nLP101 a -> c\nLP101 b -> c\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("LP101 a b", "not an entry: LP101 a b, write `LP101 importer -> imported  x2`"),
        ("LP101 a -> b x0", "not an entry"),
        ("LP101 a -> b 3", "not an entry"),
        ("LP101 a -> b x3 x4", "not an entry"),
        ("LP101 a -> b x1234567890", "not an entry"),
        ("LP999 a -> b", "not an entry"),
        ("LP201 a", "not an entry"),
        ("LP201 a a", "not an entry"),
        ("LP201 a -> b", "not an entry"),
        ("\x1b[2J", "not an entry: \\x1b[2J"),
        ("y" * 5000, "y…, write"),
        ('LP101 "a -> b', "not a quoted name"),
        ('LP101 "\\x" -> b', "not a quoted name"),
        ("<<<<<<< HEAD", "a merge conflict, keep the entries of both sides"),
        ("=======", "a merge conflict"),
        (">>>>>>> topic", "a merge conflict"),
    ],
)
def test_what_is_no_entry_is_told_with_its_line(line: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        baseline("# x", "LP101 a -> b", line, "LP101 a -> c")
    assert caught.value.message.startswith("known.txt:3: ")
    assert why in caught.value.message
    assert caught.value.message.isprintable()


def test_what_is_no_text_is_told_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"^known\.txt:2: not UTF-8"):
        read_baseline(b"# x\nLP101 \xff -> b\n", "known.txt")


# --- what is covered ---


def test_of_more_sites_the_last_are_new() -> None:
    found = [violation("a", "b", line) for line in (1, 4, 9)]
    judged = judge(found, None, baseline("LP101 a -> b  x2"))
    assert [v.status for v in judged.violations] == ["baseline", "baseline", "new"]
    assert judged.fresh == (Entry("LP101", ("a", "b")),)
    assert judged.stale == ()
    assert [v.line for v in judged.violations] == [1, 4, 9]


def test_waived_violations_need_no_entry() -> None:
    found = [violation("a", "b", 1, "waived"), violation("a", "b", 2)]
    judged = judge(found, None, baseline("LP101 a -> b"))
    assert [v.status for v in judged.violations] == ["waived", "baseline"]
    judged = judge(found[:1], None, baseline("LP101 a -> b"))
    assert [stale.reason for stale in judged.stale] == ["matches no violation"]


def test_judging_again_with_another_baseline_starts_anew() -> None:
    found = judge([violation("a", "b")], None, baseline("LP101 a -> b")).violations
    assert [v.status for v in judge(found, None, Baseline()).violations] == ["new"]


AB: Circle = ("LP201", ("a", "b"))


@pytest.mark.parametrize(
    ("circles", "lines", "covered", "stale"),
    [
        ([AB], ["LP201 a b"], [AB], []),
        ([AB], ["LP201 a b c"], [AB], ["is less now: LP201 a b"]),
        ([AB], ["LP201 a b c", "LP201 a b"], [AB], ["matches no circular import"]),
        ([AB], ["LP201 a c"], [], ["matches no circular import"]),
        ([AB], ["LP202 a b"], [], ["matches no circular import"]),
        ([("LP202", ("a", "b"))], ["LP201 a b"], [("LP202", ("a", "b"))], ["is less now: LP202 a b"]),
        ([AB, ("LP202", ("a", "b", "c"))], ["LP201 a b", "LP202 a b c"],
         [AB, ("LP202", ("a", "b", "c"))], []),
        ([AB, ("LP201", ("c", "d"))], ["LP201 a b c d"], [AB, ("LP201", ("c", "d"))],
         ["is less now: LP201 a b; LP201 c d"]),
        ([("LP201", ("a", "b", "c"))], ["LP201 a b"], [], ["matches no circular import"]),
        ([], ["LP201 a b"], [], ["matches no circular import"]),
        (None, ["LP201 a b"], [], []),
    ],
)  # fmt: skip
def test_circles(
    circles: Sequence[Circle] | None, lines: list[str], covered: list[Circle], stale: list[str]
) -> None:
    known = baseline(*lines)
    judged = judge([], circles, known)
    assert judged.circles == frozenset(covered)
    assert [one.reason for one in judged.stale] == stale
    assert {(e.code, e.modules) for e in judged.fresh} == set(circles or ()) - set(covered)
    if circles is None:
        assert judged.kept == known.entries


# --- updating ---


def test_an_update_takes_out_what_is_gone_and_counts() -> None:
    known = baseline(
        "# ours", "LP101 a -> b  x3", "LP101 gone -> b  x2", "LP201 p q r", "LP202 s t"
    )
    found = [violation("a", "b"), violation("c", "d", 1), violation("c", "d", 2)]
    judged = judge(found, [("LP201", ("p", "q")), ("LP201", ("y", "z"))], known)
    assert [stale.reason for stale in judged.stale] == [
        "stands for 3, 1 is left", "matches no violation", "is less now: LP201 p q",
        "matches no circular import",
    ]  # fmt: skip
    shrunk = update(judged, known, additions=False)
    assert shrunk.after.text() == "# ours\nLP101 a -> b\nLP201 p q\n"
    assert (shrunk.removed, shrunk.narrowed, shrunk.added) == (5, 1, 0)
    grown = update(judged, known, additions=True)
    assert grown.after.text() == ("# ours\nLP101 a -> b\nLP101 c -> d  x2\nLP201 p q\nLP201 y z\n")
    assert (grown.removed, grown.narrowed, grown.added) == (5, 1, 3)


def test_more_sites_are_added_to_the_entry() -> None:
    known = baseline("LP101 a -> b")
    judged = judge([violation("a", "b", line) for line in range(1, 4)], None, known)
    assert str(update(judged, known, additions=True).after.entries[0]) == "LP101 a -> b  x3"


# Names of every kind, few enough to meet again.
NAMES = st.sampled_from(
    ["a", "a.b", "a.c", "b", "x2", "->", 'q"', "a b", "#", "é", "\udcff", "d\n"]
)
PAIRS = st.lists(st.tuples(NAMES, NAMES), max_size=12)
CIRCLES = st.lists(
    st.tuples(
        st.sampled_from(["LP201", "LP202"]),
        st.lists(NAMES, min_size=2, max_size=5, unique=True).map(
            lambda names: tuple(sorted(names))
        ),
    ),
    max_size=5,
    unique=True,
)
ENTRIES = st.builds(
    lambda pairs, circles: [
        *(Entry("LP101", pair, count) for pair, count in pairs), *(Entry(*c) for c in circles)
    ],
    st.lists(st.tuples(st.tuples(NAMES, NAMES), st.integers(1, 5)), max_size=8),
    CIRCLES,
)  # fmt: skip


def violations_of(pairs: Sequence[tuple[str, str]]) -> list[Violation]:
    found = [violation(*pair, line) for line, pair in enumerate(pairs, 1)]
    return sorted(found, key=lambda v: (v.path, v.line, v.imported))


@given(ENTRIES)
def test_what_is_written_is_read(entries: list[Entry]) -> None:
    written = Baseline.of(entries)
    text = written.text()
    assert read_baseline(text.encode("utf-8"), "x") == written
    lines = text.encode("utf-8").split(b"\n")[:-1]
    assert lines == sorted(lines)


@given(PAIRS, CIRCLES, ENTRIES)
def test_after_an_update_with_additions_nothing_is_new_or_stale(
    pairs: list[tuple[str, str]], circles: list[Circle], entries: list[Entry]
) -> None:
    known, found = Baseline.of(entries), violations_of(pairs)
    change = update(judge(found, circles, known), known, additions=True)
    judged = judge(found, circles, change.after)
    assert {v.status for v in judged.violations} <= {"baseline"}
    assert judged.circles == frozenset(circles)
    assert (judged.fresh, judged.stale) == ((), ())
    assert update(judged, change.after, additions=True).after == change.after
    # As if there had been none before: what it was made from leaves no trace.
    fresh = update(judge(found, circles, Baseline()), Baseline(), additions=True)
    assert change.after == fresh.after


@given(PAIRS, CIRCLES, ENTRIES, st.randoms(use_true_random=False))
def test_an_update_without_additions_only_shrinks(
    pairs: list[tuple[str, str]], circles: list[Circle], entries: list[Entry], rng: random.Random
) -> None:
    known, found = Baseline.of(entries), violations_of(pairs)
    before = judge(found, circles, known)
    change = update(before, known, additions=False)
    allowed = {entry.modules: entry.count for entry in known.entries if entry.code == "LP101"}
    for entry in change.after.entries:
        if entry.code == "LP101":
            assert entry.count <= allowed[entry.modules]
        else:
            assert any(
                old.code <= entry.code and set(entry.modules) <= set(old.modules)
                for old in known.entries
                if old.code != "LP101"
            )
    # What was covered is covered still, and nothing else.
    after = judge(found, circles, change.after)
    assert after.violations == before.violations
    assert after.circles == before.circles
    assert after.stale == ()
    # Mending something makes nothing new.
    fewer = [v for v in before.violations if v.status == "baseline" and rng.random() < 0.5]
    left = [circle for circle in sorted(before.circles) if rng.random() < 0.5]
    mended = judge(fewer, left, change.after)
    assert mended.fresh == ()
    again = update(mended, change.after, additions=False)
    assert again.added == 0
    sites = Counter[str]()
    for content in (change.after, again.after):
        sites[content.text()] = sum(e.count for e in content.entries if e.code == "LP101")
    assert sites[again.after.text()] <= sites[change.after.text()]


@given(ENTRIES, ENTRIES, st.randoms(use_true_random=False))
def test_merging_does_not_depend_on_order(
    ours: list[Entry], theirs: list[Entry], rng: random.Random
) -> None:
    both = [*map(str, Baseline.of(ours).entries), *map(str, Baseline.of(theirs).entries)]
    merged = baseline(*both)
    rng.shuffle(both)
    assert baseline(*both) == merged
    assert baseline(*both, *both) == merged
    assert Baseline.of([*theirs, *ours]) == merged


# --- indirect imports ---


def chain(importer: str, imported: str, *rest: str) -> Violation:
    """Return an indirect violation; of its lanes and words nothing is read here."""
    return Violation(
        "LP102", importer, rest[-1], "a", "b", f"{importer}.py", 1, 0, "eager", "new", "",
        (importer, imported, *rest),
    )  # fmt: skip


def test_a_chain_is_known_by_its_first_import() -> None:
    known = baseline("LP102 a -> m", "LP101 a -> x")
    found = judge([chain("a", "m", "x"), chain("a", "n", "x")], None, known, chains=True)
    assert [v.status for v in found.violations] == ["baseline", "new"]
    assert found.fresh == (Entry("LP102", ("a", "n")),)
    assert [stale.entry.code for stale in found.stale] == ["LP101"]
    found = judge([chain("a", "m", "by", "another", "way")], None, known, chains=True)
    assert [v.status for v in found.violations] == ["baseline"]


def test_lanes_are_counted() -> None:
    known = baseline("LP102 a -> m  x2")
    (stale,) = judge([chain("a", "m", "x")], None, known, chains=True).stale
    assert stale.reason == "stands for 2, 1 is left"
    more = [chain("a", "m", end) for end in "xyz"]
    assert [v.status for v in judge(more, None, known, chains=True).violations] == [
        "baseline", "baseline", "new",
    ]  # fmt: skip


def test_chains_that_were_not_asked_for_stay() -> None:
    known = baseline("LP102 a -> m", "LP101 a -> x")
    found = judge([], None, known)
    assert [stale.entry.code for stale in found.stale] == ["LP101"]
    assert update(found, known, additions=True).after.entries == (Entry("LP102", ("a", "m")),)


@pytest.mark.parametrize("status", ["waived", "ignored"])
def test_what_is_let_through_needs_no_entry(status: Status) -> None:
    found = judge([violation("a", "b", status=status)], None, baseline("LP101 a -> b"))
    assert [v.status for v in found.violations] == [status]
    assert [stale.reason for stale in found.stale] == ["matches no violation"]
    assert found.fresh == ()

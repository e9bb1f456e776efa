"""Several promotions as a single one, which is what a dry run shows."""

from __future__ import annotations

from lane_planner.executor.promote import together
from lane_planner.promotion.values import FileMove, FileWrite, Promotion


def step(
    *moves: tuple[str, str],
    rewritten: dict[str, bytes] | None = None,
    made: tuple[str, ...] = (),
    deletes: tuple[str, ...] = (),
    module: str = "m",
) -> Promotion:
    """Return a promotion of some file moves."""
    writes = [FileWrite(path, text, "rewritten") for path, text in (rewritten or {}).items()]
    writes += [FileWrite(path, b"", "made") for path in made]
    files = tuple(FileMove(*move) for move in moves)
    return Promotion(
        "a", "b", module, (module,), ((module, f"b.{module}"),), files, tuple(writes), deletes
    )


def test_a_file_that_is_rewritten_and_then_moves() -> None:
    whole = together([
        step(("a/x.py", "b/x.py"), rewritten={"a/y.py": b"1", "t.py": b"1"}, module="x"),
        step(("a/y.py", "b/y.py"), rewritten={"t.py": b"2"}, module="y"),
    ])  # fmt: skip
    assert whole.moves == (FileMove("a/x.py", "b/x.py"), FileMove("a/y.py", "b/y.py"))
    assert whole.writes == (
        FileWrite("b/y.py", b"1", "rewritten"),
        FileWrite("t.py", b"2", "rewritten"),
    )
    assert whole.modules == ("x", "y")
    assert whole.renamed == (("x", "b.x"), ("y", "b.y"))


def test_a_made_file_that_gives_way_to_the_real_one() -> None:
    whole = together([
        step(("a/p/x.py", "b/p/x.py"), made=("b/p/__init__.py",)),
        step(("a/p/__init__.py", "b/p/__init__.py"), deletes=("b/p/__init__.py",)),
    ])  # fmt: skip
    assert whole.moves == (
        FileMove("a/p/__init__.py", "b/p/__init__.py"),
        FileMove("a/p/x.py", "b/p/x.py"),
    )
    assert whole.writes == ()
    assert whole.deletes == ()


def test_what_was_there_before_is_deleted_under_its_old_name() -> None:
    whole = together([step(("a/x.py", "b/x.py")), step(deletes=("b/x.py", "a/gone.py"))])
    assert whole.moves == ()
    assert whole.deletes == ("a/gone.py", "a/x.py")

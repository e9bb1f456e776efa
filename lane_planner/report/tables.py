"""Tables as text, for a terminal or a file."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Sequence


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    width: int,
    right: Collection[str] = (),
) -> str:
    """Return a table as lines without space at their ends, and no newline after the last.

    Args:
        headers: of the columns.
        rows: cells, shown as they are: no markup is obeyed in them.
        width: columns of the terminal; long cells are folded.
        right: headers of the columns whose cells stand at the right.
    """
    # Most commands print no table, and rich takes longer to load than some of them run.
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        drawn.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    file = io.StringIO()
    Console(
        file=file, width=width, color_system=None, markup=False, emoji=False, highlight=False
    ).print(drawn)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).strip("\n")

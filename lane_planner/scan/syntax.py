"""Whether a whole file parses (LP901), as the running Python sees it."""

from __future__ import annotations

import ast
import symtable
import warnings

from lane_planner.scan.records import SyntaxFault


def syntax_fault(content: bytes) -> SyntaxFault | None:
    """Return why a source file does not parse, or None if it does.

    Args:
        content: the file's bytes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the analysed code is warned of is not our output
        try:
            # CPython's parser without turning its tree into Python objects: a third cheaper than
            # `ast.parse`. It also refuses what only compiling refuses, so `ast` has the last word.
            symtable.symtable(content, "<module>", "exec")  # type: ignore[arg-type]  # takes bytes
            return None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
        try:
            ast.parse(content)
        except SyntaxError as error:
            return SyntaxFault(error.lineno or 1, error.msg)
        except (ValueError, RecursionError, MemoryError) as error:
            return SyntaxFault(1, str(error) or type(error).__name__)
    return None

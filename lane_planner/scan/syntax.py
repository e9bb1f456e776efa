"""Whether a whole file parses (LP901), as the running Python sees it."""

from __future__ import annotations

import ast
import symtable
import warnings

from lane_planner.scan.records import SyntaxFault

_NO_FILE = ""  # a name that no file can have


def syntax_fault(content: bytes) -> SyntaxFault | None:
    """Return why a source file does not parse, or None if it does.

    Args:
        content: the file's bytes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the analysed code is warned of is not our output
        try:
            # CPython's parser without turning its tree into Python objects: a third cheaper than
            # `ast.parse`.
            symtable.symtable(content, _NO_FILE, "exec")  # type: ignore[arg-type]  # takes bytes
            return None
        except SyntaxError as error:
            if error.text is not None:
                return _fault(error)
            # The parser quotes the line; what refuses a tree that parsed looks for it in the file.
        except (ValueError, RecursionError, MemoryError):
            pass
        try:
            ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return _fault(error)
    return None


def _fault(error: Exception) -> SyntaxFault:
    if isinstance(error, SyntaxError):
        return SyntaxFault(error.lineno or 1, error.msg)
    return SyntaxFault(1, str(error) or type(error).__name__)

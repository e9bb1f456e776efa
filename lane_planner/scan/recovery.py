"""What to make of a file in which a triple quote is not closed.

One stray triple quote turns the rest of the file inside out: what was code reads as string and
the other way round. The stray quote is one of those around the first strings that hold code; the
reading in which most lines look like code outside strings is taken, so that imports are found and
examples inside docstrings are not.
"""

from __future__ import annotations

import re

from lane_planner.scan.lexer import UnmatchedQuote, import_words

# Strings that hold code and are tried at most: each costs two passes over the text.
_MAX_TRIED = 4

_QUOTED = re.compile(
    r"""(?xs)\#[^\n]*+
      | (?P<triple>\"\"\"(?>[^"\\]++|\\.|"(?!""))*+(?:\"\"\"|\\?+\Z)
                 | '''(?>[^'\\]++|\\.|'(?!''))*+(?:'''|\\?+\Z))
      | "(?>[^"\\\n]++|\\.)*+(?:"|(?=\n)|\Z)
      | '(?>[^'\\\n]++|\\.)*+(?:'|(?=\n)|\Z)"""
)
# Lines that are code wherever they stand; imports are left out, since they are what is asked.
_CODE_LINE = re.compile(
    r"(?m)^[ \t]*(?:(?:def|class)[ \t]+\w+[ \t]*[(:]|@\w|return\b|raise[ \t]+\w"
    r"|(?:if|elif|for|while|with)\b.*:[ \t]*$|(?:else|try|finally)[ \t]*:"
    r"|except\b.*:|self\.\w+[ \t]*=|\w+[ \t]*=[ \t]*\S)"
)
_NOT_NEWLINE = re.compile(r"[^\n]")


def without_unmatched_quotes(text: str) -> str:
    """Return the text with stray triple quotes taken out, every other character in its place.

    Args:
        text: source text in which a triple-quoted string is not closed.

    Returns:
        A text of the same length and lines in which every triple-quoted string is closed.
    """
    for _ in range(8):  # more than a few stray quotes in one file: what is left is cut off
        readings = _readings(text)
        text = max(readings, key=_score)
        try:
            import_words(text)
        except UnmatchedQuote as at:
            last = at.position
        else:
            return text
    return text[:last] + _NOT_NEWLINE.sub(" ", text[last:])


def _readings(text: str) -> list[str]:
    strings = [match for match in _QUOTED.finditer(text) if match.lastgroup == "triple"]
    # A string that holds code is where the inside turned out: it or one just before is at fault.
    holding = [index for index, match in enumerate(strings) if _CODE_LINE.search(match.group())]
    suspects = {near for index in holding[:_MAX_TRIED] for near in (index - 1, index)}
    suspects.add(len(strings) - 1)
    opening = strings[-1].start()
    # Either the file was cut off inside its last string: first, as it wins where no code follows …
    readings = [text[:opening] + _NOT_NEWLINE.sub(" ", text[opening:])]
    for index in sorted(suspects - {-1}):
        opening = strings[index].start()
        line_end = text.find("\n", opening)
        line_end = len(text) if line_end < 0 else line_end
        # … or a string was meant to end with its line.
        readings.append(text[:opening] + " " * (line_end - opening) + text[line_end:])
    return readings


def _score(text: str) -> int:
    code = _QUOTED.sub(lambda match: _NOT_NEWLINE.sub(" ", match.group()), text)
    return len(_CODE_LINE.findall(code))

"""The documents that the tool writes: every field, as the types that are written have it."""

from __future__ import annotations

import datetime
import inspect
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from lane_planner.executor.records.journal import Recorded
from lane_planner.executor.records.promotion_log import Logged, Metrics
from lane_planner.executor.records.status import Status
from lane_planner.executor.recovery import RolledBack
from lane_planner.gates.evidence import Evidence
from lane_planner.planner.diff import PlanDiff
from lane_planner.planner.explain import Explanation
from lane_planner.planner.forecast import Forecast
from lane_planner.planner.schema import Plan
from lane_planner.planner.unlocks import Unlocks
from lane_planner.report.application import ApplicationDocument, ReversalDocument, RunDocument
from lane_planner.report.codes import CodeDocument
from lane_planner.report.documents import CheckDocument, CyclesDocument, GraphDocument
from lane_planner.report.drawing import DrawingDocument
from lane_planner.report.plans import MoveLine
from lane_planner.report.promotion import PromotionDocument
from lane_planner.report.promotions import LogDocument
from lane_planner.report.shims import ShimsDocument
from lane_planner.report.trend import TrendDocument
from lane_planner.report.verification import VerificationDocument
from tools.reference.markdown import anchor, code, either, page, prose, table

_Struct = type[msgspec.Struct]


class Document(NamedTuple):
    """A document that the tool writes.

    Attributes:
        heading: the command that writes it, with what has to be asked for, or a name.
        format: that it is asked for as; "": it is a file that is written unasked.
        type: what is written.
        note: what else is to be known, Markdown; "" for nothing.
    """

    heading: str
    format: str
    type: _Struct
    note: str = ""


DOCUMENTS = (
    Document("graph", "json", GraphDocument),
    Document("graph --depth", "json", DrawingDocument),
    Document("check", "json", CheckDocument,
             "With `--watch` it is one line for each check."),
    Document("cycles", "json", CyclesDocument),
    Document("explain MODULE", "json", Explanation),
    Document("explain CODE", "json", CodeDocument),
    Document("plan", "json", Plan, "Schema `lane-planner/plan/1`."),
    Document("plan, a line a move", "jsonl", MoveLine,
             "`plan --format csv` has the same columns, the score's fields as `score_…`."),
    Document("unlocks", "json", Unlocks),
    Document("diff", "json", PlanDiff),
    Document("forecast", "json", Forecast),
    Document("promote", "json", PromotionDocument),
    Document("apply", "json", ApplicationDocument, "`resume` of such a run writes the same."),
    Document("resume", "json", RunDocument, "Of a run of `apply`: as [apply](#apply)."),
    Document("rollback", "json", RolledBack),
    Document("rollback STEP", "json", ReversalDocument),
    Document("shims", "json", ShimsDocument),
    Document("status", "json", Status),
    Document("status --follow", "json", Recorded, "One line an event."),
    Document("status --metrics", "json", Metrics),
    Document("log", "json", LogDocument),
    Document("log, a line a promotion", "jsonl", Logged,
             "The file of `--log-file` has them too."),
    Document("trend", "json", TrendDocument,
             "`trend --format csv` has the same figures, lanes as columns `lane:NAME`, empty where "
             "there was no such lane."),
    Document("verify", "json", VerificationDocument),
    Document("evidence", "", Evidence,
             "The file that `promote --apply` and `apply` leave for each branch, beside the same "
             "in Markdown. Schema `lane-planner/evidence/1`."),
)  # fmt: skip

_INTRO = """\
JSON is one object, unless it is one a line. Lines count from 1, columns from 0, in characters. A
field is always there unless it "can be missing". [Formats](../formats.md) explains what needs more
words than fit here, and has the formats that are not JSON."""

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n(?: {8}.*|))*)", re.MULTILINE)
_NONE = re.compile(r"\bNone\b")


def formats_page() -> str:
    """Return the page of all documents; each type is told below the first that it is part of.

    Raises:
        ValueError: two headings would be one in links.
    """
    told: dict[str, object] = {anchor(document.heading): document for document in DOCUMENTS}
    types: set[_Struct] = set()
    sections = []
    for document in DOCUMENTS:
        if document.type in types:
            description = [f"One line each: {_words(document.type)}.", document.note]
        else:
            summary, fields = _described(document.type)
            description = [summary, document.note, fields]
        section = [f"## {document.heading}", *filter(None, description)]
        for part in _parts(document.type):
            if part in types:
                continue
            types.add(part)
            if told.setdefault(anchor(part.__name__), part) is not part:
                raise ValueError(f"another heading is called {part.__name__}")
            section += [f"### {part.__name__}", *_described(part)]
        sections.append("\n\n".join(section))
    return page("JSON formats", _INTRO, sections)


def _described(type_: _Struct) -> tuple[str, str]:
    """Return what a type is, and a table of its fields."""
    words = descriptions(type_)
    rows = []
    config = type_.__struct_config__
    if config.tag is not None:
        rows.append((code(str(config.tag_field)), code(f'"{config.tag}"'), "which of them it is."))
    for field in msgspec.structs.fields(type_):
        kinds = typing.get_args(field.type)
        left_out = msgspec.UnsetType if msgspec.UnsetType in kinds else None
        if config.omit_defaults and not field.required:
            left_out = type(field.default)
        kind = _words(field.type, without=left_out)
        missing = "" if left_out is None else "; can be missing"
        rows.append((code(field.encode_name), f"{kind}{missing}", words[field.name]))
    return words[""], table(("field", "value", "meaning"), rows)


def descriptions(type_: _Struct) -> dict[str, str]:
    """Return what the docstrings say, as Markdown: of "" the type, and of each field.

    Raises:
        ValueError: a field is not described, or what is described is none.
    """
    found: dict[str, str] = {}
    for base in reversed(type_.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            summary, _, attributes = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")
            found[""] = _prose(summary)
            found |= {name: _prose(text) for name, text in _ATTRIBUTE.findall(attributes)}
    fields = {field.name for field in msgspec.structs.fields(type_)}
    wrong = sorted(fields ^ (found.keys() - {""}))
    if wrong:
        raise ValueError(f"{type_.__name__}: the docstring and the fields differ in {wrong}")
    return found


def _prose(text: str) -> str:
    return _NONE.sub("null", prose(text))


def _parts(type_: _Struct) -> Iterator[_Struct]:
    """Yield the types that are in a type, at any depth, each after the one that it is in."""
    for field in msgspec.structs.fields(type_):
        for part in _structs(field.type):
            yield part
            yield from _parts(part)


def _structs(hint: Any) -> Iterator[_Struct]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for part in typing.get_args(hint):
        yield from _structs(part)


_PLAIN = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    type(None): "null",
    datetime.date: "text, YYYY-MM-DD",
}


def _words(hint: Any, *, without: type | None = None) -> str:
    """Return what a type is in JSON, as Markdown.

    Args:
        hint: the type.
        without: a part of a union that is never written.

    Raises:
        TypeError: there is no word for it.
    """
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return f"[{hint.__name__}](#{anchor(hint.__name__)})"
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return either([code(f'"{choice}"') for choice in inner])
    if origin in (typing.Union, types.UnionType):
        return either([_words(part) for part in inner if part is not without])
    if origin is tuple and inner[-1] is Ellipsis:
        return f"list of {_inside(inner[0])}"
    if origin is tuple:
        return f"({', '.join(map(_words, inner))})"
    if origin is dict:
        return f"object of {_inside(inner[1])}"
    raise TypeError(f"no word for {hint}")


def _inside(hint: Any) -> str:
    """Return what the values of a list or an object are, so that an "or" is seen to be of them."""
    words = _words(hint)
    return f"({words})" if typing.get_origin(hint) in (typing.Union, types.UnionType) else words

"""Names of modules that a file puts together: what is constant in them, and what they may be.

`import_module(f"candidate.{kind}.engine")` says something about the module that it imports: it
begins with "candidate." and ends with ".engine". Where a module is named is for
`naming_calls`; here an argument that is no literal becomes constants and holes.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from functools import cache, lru_cache
from itertools import product
from typing import Literal, NamedTuple

from lane_planner.promotion.names.naming_calls import Named, named_in, whole_names
from lane_planner.promotion.names.syntax import tree_of

# Of more alternatives than this nothing is known.
_MOST_ALTERNATIVES = 16
_PERCENT = re.compile(
    r"%(?:\((?P<key>[^()]*)\))?(?P<form>[-#0 +\d.*]*)[hlL]?(?P<kind>.)", re.DOTALL
)
_FIELD = re.compile(r"[^.\[]*")
# A file without this puts no name together: all that names a module is given a literal or a mere
# variable. Most files are told by it in a tenth of the time that the parser takes.
_MAY_PUT_TOGETHER = re.compile(
    rb"""(?x)
    (?:import_module|__import__|find_spec|importorskip|resolve_name|run_module|import_string
      |import_object|patch(?:\s*\.\s*(?:dict|multiple))?|\b(?:set|del)attr
      |sys\s*\.\s*modules(?:\s*\.\s*\w+)?)\s*[(\[]\s*
      (?!(?:(?:name|target|modname|mod_name|dotted_path)\s*=\s*)?
         (?:[rRuU]?(?:"[^"\\\n]*"|'[^'\\\n]*')|[\w.]+)\s*[,)\]])
    |(?:(?:set|del)item|patch\s*\.\s*dict)\s*\(\s*["']?sys\s*\.\s*modules
    |[\])}+%][^\n]*\s(?:in)\s+sys\s*\.\s*modules
    """
)


class Part(NamedTuple):
    """A part of a name that is put together.

    Attributes:
        kind: "constant"; "hole": anything; "module" and "package": what the file's own are called.
        text: what a constant says.
        up: how many names at the end of the own one are left out.
    """

    kind: Literal["constant", "hole", "module", "package"]
    text: str = ""
    up: int = 0


Skeleton = tuple[Part, ...]
_Alternatives = tuple[Skeleton, ...]

_HOLE = Part("hole")
_ANYTHING: _Alternatives = ((_HOLE,),)
_OWN = {"__name__": Part("module"), "__package__": Part("package")}


class PutTogether(NamedTuple):
    """A name of a module, or of something in one, that is no literal.

    Attributes:
        line: of the call, from 1.
        call: what is given it, as written.
        skeletons: what it may be.
        start: the whole names that its first literal begins with, or "".
        bare: whether nothing in it is constant.
        module: whether it is the name of a module, and of nothing in one.
    """

    line: int
    call: str
    skeletons: tuple[Skeleton, ...]
    start: str
    bare: bool
    module: bool


class Own(NamedTuple):
    """What a file's own module and package are called."""

    module: str
    package: str


class Match(IntEnum):
    """How a name that is put together can come to name a module or something in it."""

    NOT = 0
    """Not at all, or by what the module itself is called, whatever that is."""
    HOLES = 1
    """All of the module's name stands in holes."""
    SAID = 2
    """Some of the module's name is constant."""


# The same files are looked at step after step.
@lru_cache(maxsize=1 << 16)
def put_together(content: bytes, calls: frozenset[str]) -> tuple[PutTogether, ...] | None:
    """Return the names of modules that a file puts together; None: it does not parse.

    Args:
        content: its bytes.
        calls: names, as written, under which it calls for a dynamic import.
    """
    if not calls and not _MAY_PUT_TOGETHER.search(content):
        return ()
    tree = tree_of(content)
    if tree is None:
        return None
    found = (
        _read(named, argument)
        for node in ast.walk(tree)
        for named in named_in(node, calls)
        for argument in _branches(named.node)
        if not isinstance(argument, ast.Constant)
    )
    return tuple(sorted(found))


def match(skeleton: Skeleton, name: str, own: Own, *, inside: bool) -> Match:
    """Return how a name that is put together can name a module or something in it.

    Args:
        skeleton: what is known of it.
        name: the module's dotted name.
        own: of the file.
        inside: whether it can be the name of something in the module.
    """
    size = len(name)

    def goes_on(index: int) -> bool:
        """Tell whether the module's name can end in front of a part."""
        for part in skeleton[index:]:
            text = _text(part, own)
            if text:
                return inside and text[0] in ".:"
            if text is None and inside:
                return True  # it can begin with a dot
        return True

    @cache
    def best(index: int, position: int, said: bool) -> Match:
        if position == size:
            return Match.SAID if said and goes_on(index) else Match.NOT
        if index == len(skeleton):
            return Match.NOT
        part = skeleton[index]
        text = _text(part, own)
        if text is None:  # it can be all the rest, and where that ends well, more
            whole = inside or goes_on(index + 1)
            if said and whole:
                return Match.SAID
            found = [best(index + 1, end, said) for end in range(position, size)]
            return max([Match.HOLES if whole else Match.NOT, *found])
        here = text[: size - position]
        if not name.startswith(here, position):
            return Match.NOT
        end = position + len(here)
        # A name that is the module's own, whole, follows by itself.
        said = said or (here.strip(".") != "" if part.kind == "constant" else end < size)
        if len(here) == len(text):
            return best(index + 1, end, said)
        return Match.SAID if said and inside and text[len(here)] in ".:" else Match.NOT

    return best(0, 0, said=False)


def _text(part: Part, own: Own) -> str | None:
    """Return what a part says; None: anything."""
    if part.kind == "hole":
        return None
    if part.kind == "constant":
        return part.text
    name = own.module if part.kind == "module" else own.package
    return _above(name, part.up)


def _above(name: str, up: int) -> str:
    parts = name.split(".")
    return ".".join(parts[: max(0, len(parts) - up)])


def _branches(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what a conditional expression can be."""
    if isinstance(node, ast.IfExp):
        yield from _branches(node.body)
        yield from _branches(node.orelse)
    else:
        yield node


def _read(named: Named, argument: ast.expr) -> PutTogether:
    skeletons = _alternatives(argument)
    bare = all(part.kind == "hole" for skeleton in skeletons for part in skeleton)
    if named.relative:
        anchors = _ANYTHING if named.anchor is None else _alternatives(named.anchor)
        skeletons = tuple(_absolute(*pair) for pair in product(skeletons, anchors))
    start = whole_names(_first_literal(argument))
    return PutTogether(named.line, named.call, skeletons, start, bare, named.module)


def _absolute(skeleton: Skeleton, anchor: Skeleton) -> Skeleton:
    """Return what a name means that can be relative; a hole behind dots adds none to them."""
    first = skeleton[0] if skeleton else _HOLE
    if first.kind != "constant" or not first.text.startswith("."):
        return skeleton
    rest = first.text.lstrip(".")
    up = len(first.text) - len(rest) - 1
    base = anchor[0] if len(anchor) == 1 else _HOLE
    if base.kind == "constant":
        base = Part("constant", _above(base.text, up))
    elif base.kind != "hole":
        base = base._replace(up=up)
    return _joined((base, Part("constant", f".{rest}"), *skeleton[1:]))


def _first_literal(node: ast.expr) -> str:
    """Return the literal that an expression begins with, or "".

    It is the one that `lane_planner.promotion.names.names_reader` takes for the start of a name.
    """
    while True:
        if isinstance(node, ast.BinOp):
            node = node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        elif isinstance(node, ast.JoinedStr) and node.values:
            node = node.values[0]
        else:
            return _constant(node) or ""


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


# Expressions.


def _alternatives(node: ast.expr) -> _Alternatives:
    """Return what a string can be."""
    constant = _constant(node)
    if constant is not None:
        return ((Part("constant", constant),),)
    if isinstance(node, ast.Name) and node.id in _OWN:
        return ((_OWN[node.id],),)
    if isinstance(node, ast.JoinedStr):
        return _in_sequence(map(_formatted, node.values))
    if isinstance(node, ast.NamedExpr):
        return _alternatives(node.value)
    if isinstance(node, ast.IfExp):
        return _any_of(map(_alternatives, (node.body, node.orelse)))
    if isinstance(node, ast.BoolOp):
        return _any_of(map(_alternatives, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _in_sequence(map(_alternatives, (node.left, node.right)))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        values = node.right
        return _filled(node.left, lambda template: _percent_pieces(template, values))
    return _called(node) if isinstance(node, ast.Call) else _ANYTHING


def _called(node: ast.Call) -> _Alternatives:
    if isinstance(node.func, ast.Name) and node.func.id == "str" and len(node.args) == 1:
        return _alternatives(node.args[0])
    if isinstance(node.func, ast.Attribute):
        if node.func.attr == "format":
            return _filled(node.func.value, lambda template: _format_pieces(template, node))
        parts = node.args[0] if node.args else None
        if node.func.attr == "join" and isinstance(parts, (ast.List, ast.Tuple)):
            return _in_sequence(_between(_alternatives(node.func.value), parts.elts))
    return _ANYTHING


def _any_of(found: Iterable[_Alternatives]) -> _Alternatives:
    every = tuple(dict.fromkeys(skeleton for some in found for skeleton in some))
    return every if len(every) <= _MOST_ALTERNATIVES else _ANYTHING


def _in_sequence(parts: Iterable[_Alternatives]) -> _Alternatives:
    """Return what parts are one behind the other."""
    found: _Alternatives = ((),)
    for alternatives in parts:
        found = _any_of(((_joined((*one, *other)),) for one, other in product(found, alternatives)))
    return found


def _joined(parts: Iterable[Part]) -> Skeleton:
    """Return parts with neighbouring constants, and holes, as one."""
    found: list[Part] = []
    for part in parts:
        if found and part.kind == found[-1].kind == "constant":
            found[-1] = Part("constant", found[-1].text + part.text)
        elif part != Part("constant") and not (found and part == found[-1] == _HOLE):
            found.append(part)
    return tuple(found)


def _formatted(node: ast.expr) -> _Alternatives:
    """Return what a part of an f-string can be."""
    if not isinstance(node, ast.FormattedValue):
        return _alternatives(node)
    plain = node.conversion in (-1, ord("s")) and node.format_spec is None
    return _alternatives(node.value) if plain else _ANYTHING


def _between(separator: _Alternatives, parts: Iterable[ast.expr]) -> Iterator[_Alternatives]:
    """Yield the elements of a list with a separator between them."""
    before: ast.expr | None = None
    for part in parts:
        # Of `*some` nobody knows how many there are: the separators around are its own.
        starred = isinstance(part, ast.Starred)
        if before is not None and not starred and not isinstance(before, ast.Starred):
            yield separator
        yield _ANYTHING if starred else _alternatives(part)
        before = part


# Templates: pieces of text, and expressions or None, which is anything.

_Piece = str | ast.expr | None


def _filled(node: ast.expr, pieces: Callable[[str], list[_Piece] | None]) -> _Alternatives:
    """Return what a template becomes.

    Args:
        node: the template.
        pieces: takes it to pieces; None: it is no good one.
    """
    found: list[_Alternatives] = []
    for skeleton in _alternatives(node):
        known = all(part.kind == "constant" for part in skeleton)
        taken = pieces("".join(part.text for part in skeleton)) if known else None
        found.append(_ANYTHING if taken is None else _in_sequence(map(_piece, taken)))
    return _any_of(found)


def _piece(piece: _Piece) -> _Alternatives:
    if isinstance(piece, str):
        return ((Part("constant", piece),),)
    return _ANYTHING if piece is None else _alternatives(piece)


def _percent_pieces(template: str, values: ast.expr) -> list[_Piece] | None:
    given: list[ast.expr | None] = [None]
    if isinstance(values, ast.Tuple):
        given = [*values.elts]
    elif isinstance(values, (ast.Constant, ast.JoinedStr)):
        given = [values]  # anything else can be a tuple
    by_key: dict[str | None, ast.expr] = {}
    if isinstance(values, ast.Dict):
        by_key = {
            _constant(key): value
            for key, value in zip(values.keys, values.values, strict=True)
            if key is not None and _constant(key) is not None
        }
    pieces: list[_Piece] = []
    position = 0
    for found in _PERCENT.finditer(template):
        pieces.append(template[position : found.start()])
        position = found.end()
        if found["kind"] == "%":
            pieces.append("%")
            continue
        value = by_key.get(found["key"])
        if found["key"] is None:
            if "*" in found["form"] or any(isinstance(one, ast.Starred) for one in given):
                given = []
            value = given.pop(0) if given else None
        pieces.append(value if found["kind"] == "s" and not found["form"] else None)
    return [*pieces, template[position:]]


def _format_pieces(template: str, call: ast.Call) -> list[_Piece] | None:
    known: list[ast.expr | None] = []
    for argument in call.args:
        if isinstance(argument, ast.Starred):
            break
        known.append(argument)
    by_key = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    pieces: list[_Piece] = []
    count = 0
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError:
        return None
    for text, field, form, conversion in fields:
        pieces.append(text)
        if field is None:
            continue
        key = field
        if not _FIELD.match(field)[0]:  # type: ignore[index]  # it can be empty
            key = f"{count}{field}"
            count += 1
        plain = not form and conversion in (None, "s")
        value = by_key.get(key)
        if key.isdecimal() and int(key) < len(known):
            value = known[int(key)]
        pieces.append(value if plain else None)
    return pieces

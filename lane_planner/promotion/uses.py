"""Uses of moved modules inside a file: attribute chains, and strings in known call positions.

These need the whole file: `import a.b.c` binds `a`, and `a.b.c.f` anywhere in its scope means the
module; `patch("a.b.c.f")` names it in a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import libcst as cst
import msgspec
from libcst.metadata import (
    ImportAssignment,
    MetadataWrapper,
    PositionProvider,
    Scope,
    ScopeProvider,
)

from lane_planner.graph.resolve import BeyondTop, absolute_name
from lane_planner.promotion.imports import ChangedBinding
from lane_planner.promotion.naming import Refused, Renaming
from lane_planner.promotion.text import Edit, SourceText
from lane_planner.scan.modules import Module
from lane_planner.scan.records import RawImport
from lane_planner.scan.statements import dotted

# Calls whose first argument names a module or something in one.
_NAMING_CALLS = frozenset(
    {
        "import_module", "__import__", "find_spec", "patch", "importorskip", "resolve_name",
        "run_module", "import_string", "import_object",
    }
)  # fmt: skip
# The same as methods of these only: `setattr` and `dict` mean something else elsewhere.
_NAMING_METHODS = {
    "setattr": "monkeypatch",
    "delattr": "monkeypatch",
    "dict": "patch",
    "multiple": "patch",
}
_MODULE_TABLE_METHODS = frozenset({"get", "pop", "setdefault", "__contains__"})


class NamedInString(msgspec.Struct, frozen=True, order=True):
    """A string that names a moved module where nothing says that it is one.

    Attributes:
        line: from 1.
        text: the name.
    """

    line: int
    text: str


class Uses(msgspec.Struct, frozen=True):
    """What has to change in a file beside its import statements.

    Attributes:
        edits: replacements.
        named: strings that are left as they are.
    """

    edits: tuple[Edit, ...]
    named: tuple[NamedInString, ...]


def uses(
    source: SourceText, module: Module, bindings: Iterable[ChangedBinding], renaming: Renaming
) -> Uses:
    """Return the edits that make a file's uses of moved modules follow.

    Args:
        source: the file's text before the move.
        module: its module before the move.
        bindings: names that its rewritten import statements bind differently.
        renaming: what moves.

    Raises:
        Refused: a use cannot be rewritten surely, or the file does not parse.
    """
    changed = {binding.start: binding for binding in bindings}
    try:
        wrapper = MetadataWrapper(cst.parse_module(source.text), unsafe_skip_copy=True)
    except cst.ParserSyntaxError as error:
        line = min((b.line for b in changed.values()), default=error.raw_line)
        raise Refused(
            module.path,
            line,
            "the file does not parse, so its uses of the module cannot be followed",
        ) from error
    finder = _Uses(source, module, changed, renaming)
    wrapper.visit(finder)
    finder.check_left_bindings()
    return Uses(tuple(sorted(set(finder.edits))), tuple(sorted(set(finder.named))))


class _Uses(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, ScopeProvider)

    def __init__(
        self,
        source: SourceText,
        module: Module,
        changed: dict[int, ChangedBinding],
        renaming: Renaming,
    ) -> None:
        super().__init__()
        self.source = source
        self.module = module
        self.changed = changed
        self.renaming = renaming
        self.edits: list[Edit] = []
        self.named: list[NamedInString] = []
        self._line_starts = [0, *(m.end() for m in re.finditer("\n", source.text))]
        self._known_strings: set[cst.CSTNode] = set()
        self._annotations = 0
        # first names whose use goes on without the import that is rewritten: name → a line
        self._left: dict[tuple[Scope, str], int] = {}

    def _offset(self, node: cst.CSTNode) -> int:
        place = self.get_metadata(PositionProvider, node).start
        return self._line_starts[place.line - 1] + place.column

    def _line(self, node: cst.CSTNode) -> int:
        return self.get_metadata(PositionProvider, node).start.line

    def _refused(self, node: cst.CSTNode, reason: str) -> Refused:
        return Refused(self.module.path, self._line(node), reason)

    # Imports hold dotted names that are no uses.

    def visit_Import(self, node: cst.Import) -> bool:
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False

    # Attribute chains and bare names.

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        name = dotted(node)
        root: cst.BaseExpression = node
        while isinstance(root, cst.Attribute):
            root = root.value
        if not isinstance(root, cst.Name):
            return True  # `f().a`: the call in front is visited
        self._chain(node, root, name)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self._chain(node, node, node.value)

    def visit_Global(self, node: cst.Global) -> None:
        self._rebound(node, [item.name.value for item in node.names])

    def visit_Nonlocal(self, node: cst.Nonlocal) -> None:
        self._rebound(node, [item.name.value for item in node.names])

    def _rebound(self, node: cst.CSTNode, names: list[str]) -> None:
        for binding in self.changed.values():
            if binding.old.partition(".")[0] in names:
                raise self._refused(
                    node, f"{names[0]} is declared global or nonlocal: rewrite by hand"
                )

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)  # a keyword's name is no use of a variable
        return False

    def _chain(self, node: cst.BaseExpression, root: cst.Name, name: str) -> None:
        scope = self.get_metadata(ScopeProvider, root, None)
        if scope is None:
            return
        first, _, rest = name.partition(".")
        assignments = scope[first]
        imports = [a for a in assignments if isinstance(a, ImportAssignment)]
        if not imports:
            return
        meanings = {self._meaning(assignment, first) for assignment in imports}
        plain = {meaning for meaning in meanings if meaning is not None}
        for meaning in sorted(plain):
            full = f"{meaning}.{rest}" if rest else meaning
            module = self.renaming.module_of(full)
            if module is None:
                continue
            new = self.renaming.moved(full)
            if new is None:
                self._stays(node, scope, first, imports)
                continue
            if meaning == module or len(module) < len(meaning):
                continue  # the name itself is bound to the module: its import was rewritten
            self._follow(node, root, name, first, module, new, assignments, imports)

    def _meaning(self, assignment: ImportAssignment, first: str) -> str | None:
        """Return the module that an import binds a name to, or None if it is not known."""
        statement = assignment.node
        if isinstance(statement, cst.Import):
            for alias in statement.names:
                if alias.asname is not None and dotted(alias.asname.name) == first:
                    return dotted(alias.name)
                if alias.asname is None and dotted(alias.name).partition(".")[0] == first:
                    return first
            return None
        if isinstance(statement, cst.ImportFrom) and not isinstance(
            statement.names, cst.ImportStar
        ):
            written = "." * len(statement.relative)
            written += dotted(statement.module) if statement.module else ""
            try:
                base = (
                    absolute_name(self.module, RawImport(written, (), 1, 0))
                    if statement.relative
                    else written
                )
            except BeyondTop:
                return None
            for alias in statement.names:
                bound = dotted(alias.asname.name if alias.asname else alias.name)
                full = f"{base}.{dotted(alias.name)}"
                if bound == first and full in self.renaming.table.by_name:
                    return full
        return None

    def _follow(
        self,
        node: cst.BaseExpression,
        root: cst.Name,
        name: str,
        first: str,
        module: str,
        new: str,
        assignments: Iterable[object],
        imports: list[ImportAssignment],
    ) -> None:
        """Rewrite a chain that reaches a moved module through the binding of its first name."""
        rewritten = [b for b in self.changed.values() if b.old.partition(".")[0] == first]
        reached = [b for b in rewritten if module == b.old or b.old.startswith(f"{module}.")]
        others = [a for a in assignments if not isinstance(a, ImportAssignment)]
        if not reached or not all(isinstance(a.node, cst.Import) for a in imports):
            raise self._refused(
                node,
                f"{name} reaches {module} without importing it: add `import {module}` first",
            )
        if others or any(not self._binds_only(a, first) for a in imports):
            raise self._refused(node, f"{first} is bound to something else too: rewrite by hand")
        top = new.partition(".")[0]
        scope = self.get_metadata(ScopeProvider, root, None)
        if top != first and scope is not None:
            for assignment in scope[top]:
                if (
                    not isinstance(assignment, ImportAssignment)
                    or self._meaning(assignment, top) != top
                ):
                    raise self._refused(
                        node, f"{top} is the name of something else here: rewrite by hand"
                    )
        start = self._offset(root)
        end, text = self._end_of(node, module.count(".") + 1), self.source.text
        if re.sub(r"[\s\\]", "", text[start:end]) != module:
            raise self._refused(node, f"{module} is not written in one piece: rewrite by hand")
        self.edits.append(Edit(start, end, self.renaming.renamed[module]))

    def _binds_only(self, assignment: ImportAssignment, first: str) -> bool:
        return self._meaning(assignment, first) == first

    def _end_of(self, node: cst.BaseExpression, parts: int) -> int:
        """Return the offset behind the first `parts` names of a chain."""
        chain: list[cst.BaseExpression] = [node]
        while isinstance(chain[-1], cst.Attribute):
            chain.append(chain[-1].value)
        last = chain[-parts]
        place = self.get_metadata(PositionProvider, last).end
        return self._line_starts[place.line - 1] + place.column

    def _stays(
        self, node: cst.CSTNode, scope: Scope, first: str, imports: list[ImportAssignment]
    ) -> None:
        """Note a use of a first name that must go on being bound by another import."""
        for assignment in imports:
            if not isinstance(assignment.node, cst.Import):
                return
            for alias in assignment.node.names:
                keeps = alias.asname is None and dotted(alias.name).partition(".")[0] == first
                if keeps and self._offset(alias.name) not in self.changed:
                    return
        self._left.setdefault((scope, first), self._line(node))

    def check_left_bindings(self) -> None:
        """Refuse where a name that is still used would be bound no more."""
        tops = {
            b.old.partition(".")[0]
            for b in self.changed.values()
            if b.new.partition(".")[0] != b.old.partition(".")[0]
        }
        for (_, first), line in sorted(self._left.items(), key=lambda item: item[1]):
            if first in tops:
                raise Refused(
                    self.module.path,
                    line,
                    f"{first} is used here and bound only by an import that moves: "
                    f"add `import {first}` first",
                )

    # Strings.

    def visit_Call(self, node: cst.Call) -> None:
        callee = dotted(node.func) if isinstance(node.func, (cst.Name, cst.Attribute)) else ""
        base, _, last = callee.rpartition(".")
        owner = base.rpartition(".")[2]
        naming = (
            last in _NAMING_CALLS
            or (last in _NAMING_METHODS and _NAMING_METHODS[last] in owner)
            or (last in _MODULE_TABLE_METHODS and base == "sys.modules")
        )
        if naming and node.args:
            self._naming(node.args[0].value)

    def visit_Subscript(self, node: cst.Subscript) -> None:
        if dotted(node.value) == "sys.modules" and isinstance(node.value, cst.Attribute):
            for element in node.slice:
                if isinstance(element.slice, cst.Index):
                    self._naming(element.slice.value)

    def visit_Comparison(self, node: cst.Comparison) -> None:
        for target in node.comparisons:
            table = target.comparator
            if isinstance(target.operator, (cst.In, cst.NotIn)) and (
                isinstance(table, cst.Attribute) and dotted(table) == "sys.modules"
            ):
                self._naming(node.left)

    def visit_Annotation(self, node: cst.Annotation) -> None:
        self._annotations += 1

    def leave_Annotation(self, original_node: cst.Annotation) -> None:
        self._annotations -= 1

    def _naming(self, node: cst.BaseExpression) -> None:
        if isinstance(node, cst.SimpleString):
            value = node.evaluated_value
            if isinstance(value, str):
                new = self.renaming.moved(value)
                if new is not None:
                    self._known_strings.add(node)
                    self._string_edit(node, value, new)
        elif isinstance(node, cst.ConcatenatedString):
            value = node.evaluated_value
            if isinstance(value, str) and self.renaming.moved(value) is not None:
                raise self._refused(node, f"the string {value!r} is in pieces: write it in one")

    def _string_edit(self, node: cst.SimpleString, value: str, new: str) -> None:
        start = self._offset(node) + len(node.prefix) + len(node.quote)
        if self.source.text[start : start + len(value)] != value:
            raise self._refused(node, f"the string {value!r} holds escapes: write it plainly")
        self.edits.append(Edit(start, start + len(value), new))

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        if node in self._known_strings:
            return
        start = self._offset(node)
        text = node.value
        for old, place in _mentions(text, self.renaming.renamed):
            if self._annotations:
                module = self.renaming.module_of(_dotted_at(text, place))
                if module == old:
                    self.edits.append(
                        Edit(start + place, start + place + len(old), self.renaming.renamed[old])
                    )
                    continue
            self.named.append(NamedInString(self.source.line_of(start + place), old))


def _mentions(text: str, names: Iterable[str]) -> Iterator[tuple[str, int]]:
    for name in names:
        place = text.find(name)
        while place >= 0:
            before = text[place - 1] if place else " "
            behind = text[place + len(name)] if place + len(name) < len(text) else " "
            if not (before.isalnum() or before in "_.") and not (behind.isalnum() or behind == "_"):
                yield name, place
            place = text.find(name, place + 1)


_DOTTED = re.compile(r"[\w.]+")


def _dotted_at(text: str, place: int) -> str:
    found = _DOTTED.match(text, place)
    return found.group().rstrip(".") if found else ""

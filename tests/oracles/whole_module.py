"""Import records by libcst on the whole module: the oracle for the scan of import slices.

It shares with the product the meaning of one node (what an import statement names, what a
condition means), and none of the slicing, positions or nesting.
"""

from __future__ import annotations

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from lane_planner.scan.records import FileRecord, Kind, OpaqueImport, RawImport
from lane_planner.scan.statements import (
    catches_import_error,
    condition,
    dotted,
    dynamic_call,
    written,
)
from lane_planner.scan.written import CallNames


def scan_whole(text: str) -> FileRecord:
    """Return the imports of a module; `libcst.ParserSyntaxError` if it does not parse."""
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    names = _Names()
    wrapper.module.visit(names)
    visitor = _Imports(
        frozenset(names.typing),
        CallNames(frozenset(names.functions - names.defined), frozenset(names.modules)),
    )
    wrapper.visit(visitor)
    visitor.imports.sort(key=lambda record: (record.line, record.column))
    return FileRecord(tuple(visitor.imports), tuple(visitor.opaque))


class _Names(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.typing = {"TYPE_CHECKING"}
        self.functions = {"import_module"}
        self.modules = {"importlib"}
        self.defined: set[str] = set()

    def visit_ImportAlias(self, node: cst.ImportAlias) -> None:
        if node.asname is None:
            return
        bound = dotted(node.asname.name)
        name = dotted(node.name)
        if name == "TYPE_CHECKING":
            self.typing.add(bound)
        elif name == "import_module":
            self.functions.add(bound)
        elif name == "importlib":
            self.modules.add(bound)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        if node.name.value == "import_module":
            self.defined.add("import_module")


class _Imports(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, typing: frozenset[str], names: CallNames) -> None:
        super().__init__()
        self.typing_names = typing
        self.names = names
        self.imports: list[RawImport] = []
        self.opaque: list[OpaqueImport] = []
        self.deferred = self.typing = self.optional = 0
        self.statement: list[tuple[int, int]] = []

    def _at(self, node: cst.CSTNode) -> tuple[int, int]:
        start = self.get_metadata(PositionProvider, node).start
        return start.line, start.column

    def _in(
        self, node: cst.CSTNode, *, deferred: int = 0, typing: int = 0, optional: int = 0
    ) -> None:
        self.deferred += deferred
        self.typing += typing
        self.optional += optional
        node.visit(self)
        self.deferred -= deferred
        self.typing -= typing
        self.optional -= optional

    def _under(self, at: tuple[int, int], *nodes: cst.CSTNode | None) -> None:
        self.statement.append(at)
        for node in nodes:
            if isinstance(node, cst.CSTNode):
                node.visit(self)
        self.statement.pop()

    @property
    def kind(self) -> Kind:
        return "typing" if self.typing else "deferred" if self.deferred else "eager"

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        return self._small(node.body)

    def visit_SimpleStatementSuite(self, node: cst.SimpleStatementSuite) -> bool:
        return self._small(node.body)

    def _small(self, body: object) -> bool:
        for small in body:  # type: ignore[attr-defined]
            self._under(self._at(small), small)
        return False

    def _record(self, node: cst.CSTNode) -> None:
        for module, names in written(node):
            self.imports.append(
                RawImport(module, names, *self.statement[-1], self.kind, self.optional > 0)
            )

    def visit_Import(self, node: cst.Import) -> bool:
        self._record(node)
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        self._record(node)
        return False

    def visit_Call(self, node: cst.Call) -> None:
        call = dynamic_call(node, self.names, deferred=False)
        if call is None:
            return
        if call.module is None:
            self.opaque.append(OpaqueImport(*self.statement[-1], call.call))
        else:
            self.imports.append(
                RawImport(
                    call.module,
                    None,
                    *self.statement[-1],
                    self.kind,
                    self.optional > 0,
                    True,
                    call.anchor,
                )
            )

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        node.params.visit(self)
        self._in(node.body, deferred=1)
        return False

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        for decorator in node.decorators:
            self._under(self._at(decorator), decorator.decorator)
        self._under(self._at(node), node.params, node.returns, node.type_parameters)
        self._in(node.body, deferred=1)
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        for decorator in node.decorators:
            self._under(self._at(decorator), decorator.decorator)
        self._under(self._at(node), *node.bases, *node.keywords)
        node.body.visit(self)
        return False

    def visit_If(self, node: cst.If) -> bool:
        negated = False
        branch: cst.If | cst.Else | None = node
        while isinstance(branch, cst.If):
            self._under(self._at(branch), branch.test)
            means = "typing" if negated else condition(branch.test, self.typing_names)
            negated = negated or means == "not typing"
            self._in(branch.body, typing=means == "typing", deferred=means == "main")
            branch = branch.orelse
        if branch is not None:
            self._in(branch.body, typing=negated)
        return False

    def visit_Try(self, node: cst.Try) -> bool:
        return self._try(node)

    def visit_TryStar(self, node: cst.TryStar) -> bool:
        return self._try(node)

    def _try(self, node: cst.Try | cst.TryStar) -> bool:
        optional = any(map(catches_import_error, node.handlers))
        self._in(node.body, optional=optional)
        for handler in node.handlers:
            self._under(self._at(handler), handler.type)
            self._in(handler.body, optional=optional)
        for other in (node.orelse, node.finalbody):
            if other is not None:
                other.body.visit(self)
        return False

    def visit_For(self, node: cst.For) -> bool:
        self._under(self._at(node), node.target, node.iter)
        return self._bodies(node.body, node.orelse)

    def visit_While(self, node: cst.While) -> bool:
        self._under(self._at(node), node.test)
        return self._bodies(node.body, node.orelse)

    def visit_With(self, node: cst.With) -> bool:
        self._under(self._at(node), *node.items)
        return self._bodies(node.body, None)

    def visit_Match(self, node: cst.Match) -> bool:
        self._under(self._at(node), node.subject)
        for case in node.cases:
            case.visit(self)
        return False

    def visit_MatchCase(self, node: cst.MatchCase) -> bool:
        self._under(self._at(node), node.pattern, node.guard)
        node.body.visit(self)
        return False

    def _bodies(self, body: cst.CSTNode, orelse: cst.Else | None) -> bool:
        body.visit(self)
        if orelse is not None:
            orelse.body.visit(self)
        return False

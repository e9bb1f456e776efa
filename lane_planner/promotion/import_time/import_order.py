"""What runs in which order when a module is the first one to be imported, worked out statically.

CPython's import system is followed statement by statement: the packages around a module run before
it, a module that is under way is not run again, and a name that is taken from such a module has to
be bound by then. It is followed before a promotion and after it, on the same texts: after it the
imports are read as they will be rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator

import msgspec

from lane_planner.promotion.import_time.on_import import (
    Bind,
    Branch,
    From,
    Listing,
    Outline,
    Plain,
    Star,
    Statement,
    Try,
    Use,
    bound_in,
)
from lane_planner.promotion.import_time.view import View
from lane_planner.promotion.workspace import packages_around
from lane_planner.scan.records import RawImport

_EVERY_MODULE_HAS = frozenset(
    {
        "__name__", "__doc__", "__package__", "__loader__", "__spec__", "__file__", "__path__",
        "__cached__", "__builtins__", "__dict__", "__class__",
    }
)  # fmt: skip
_FAMILIES = {
    "NameError": frozenset({"NameError", "Exception", "BaseException"}),
    "ImportError": frozenset({"ImportError", "Exception", "BaseException"}),
    "AttributeError": frozenset({"AttributeError", "Exception", "BaseException"}),
}


class Half(msgspec.Struct, frozen=True):
    """A name that is taken from a module which is under way; modules go by their names then.

    Attributes:
        error: what CPython raises, where it is not bound.
        taken: the module it is taken from.
        at: the line of that module that is being run, from 1.
        name: the name.
        bound: the line that binds it later; 0: a star import does, or does not any more.
        chain: what is being run since, each by the one before; the last one takes the name.
        line: of that last one, from 1.
    """

    error: str
    taken: str
    at: int
    name: str
    bound: int
    chain: tuple[str, ...]
    line: int


class Outcome(msgspec.Struct, frozen=True):
    """What importing a module in a fresh process comes to.

    Attributes:
        failed: what made it fail; None: nothing that is looked at here.
        caught: what a `try` around it hid.
        unsure: what may fail: whether the name is bound by then cannot be told.
        ran: the modules that were run to their ends.
    """

    failed: Half | None
    caught: tuple[Half, ...]
    unsure: tuple[Half, ...]
    ran: frozenset[str]


class TooMuch(Exception):
    """More modules would have to be followed than there is time for."""


class _Failed(Exception):
    def __init__(self, half: Half) -> None:
        super().__init__(half)
        self.half = half


class _State:
    """A module of the process that is followed.

    Attributes:
        outline: what it does; None: it is not followed, as it leads to no circle.
        names: what is bound by now, to a module (by its name) or something else (None).
        maybe: those of the names that may not be bound.
        listed: what its `__all__` holds; None: there is none, or it is not known.
        listed_all: whether that is all.
        line: what is being run.
        done: whether it was run to its end.
        unknown: whether it may have further names.
        missed: modules whose names a star import took while they were under way.
    """

    __slots__ = (
        "done", "line", "listed", "listed_all", "maybe", "missed", "names", "outline", "unknown",
    )  # fmt: skip

    def __init__(self, outline: Outline | None) -> None:
        self.outline = outline
        self.names: dict[str, str | None] = {}
        self.maybe: set[str] = set()
        self.listed: tuple[str, ...] | None = None
        self.listed_all = True
        self.line = 1
        self.done = False
        self.unknown = outline is None or outline.makes_names
        self.missed: dict[str, None] = {}  # in order, each once

    def bind(self, name: str, value: str | None, *, sure: bool) -> None:
        if sure:
            self.maybe.discard(name)
        elif name not in self.names:
            self.maybe.add(name)
        self.names[name] = value


_Steps = Generator["_Steps", None, None]
"""Something that is carried out: it yields what has to be carried out before it can go on."""


def _carry_out(steps: _Steps) -> None:
    """Carry something out, and all that it waits for.

    A chain of imports can be longer than Python recurses, so what waits stands in a list.

    Raises:
        _Failed: it fails, and nothing that waits for the failing part catches that.
    """
    waiting = [steps]
    failed: _Failed | None = None
    while waiting:
        try:
            if failed is None:
                waiting.append(next(waiting[-1]))
            else:
                error, failed = failed, None
                waiting.append(waiting[-1].throw(error))
        except StopIteration:
            waiting.pop()
        except _Failed as error:
            waiting.pop()
            failed = error
    if failed is not None:
        raise failed


class Process:
    """A fresh process in which modules are imported, one after the other.

    Args:
        view: the modules.
        leading: those of them that are followed: the others lead to no circle, and so to nothing
            that is under way.
        spend: called for each module that is followed; it may raise `TooMuch`.
    """

    def __init__(self, view: View, leading: Collection[str], spend: Callable[[], None]) -> None:
        self._view = view
        self._leading = leading
        self._spend = spend
        self._states: dict[str, _State] = {}
        self._running: list[str] = []
        self._lent: set[str] = set()
        self._caught: list[Half] = []
        self._unsure: list[Half] = []

    def first(self, name: str) -> Outcome:
        """Import a module as the first one.

        Args:
            name: the module.

        Raises:
            TooMuch: it runs more than there is time for.
        """
        failed = None
        try:
            _carry_out(self._import(name))
        except _Failed as error:
            failed = error.half
        ran = frozenset(name for name, state in self._states.items() if state.done)
        return Outcome(failed, tuple(self._caught), tuple(self._unsure), ran)

    def _import(self, name: str) -> _Steps:
        ups = [*reversed(list(packages_around(name))), name]
        for up in ups:
            if up in self._states:
                continue
            if up not in self._view.modules:
                return
            yield self._execute(up)

    def _execute(self, name: str) -> _Steps:
        outline = self._view.outline(name) if name in self._leading else None
        state = self._states[name] = _State(outline)
        if outline is not None:
            self._spend()
            self._running.append(name)
            try:
                yield self._block(name, state, outline.body, sure=True)
            except _Failed:
                del self._states[name]
                raise
            finally:
                self._running.pop()
        state.done = True
        package, _, last = name.rpartition(".")
        if package in self._states:
            self._states[package].bind(last, name, sure=True)

    def _block(self, name: str, state: _State, body: Iterable[Statement], *, sure: bool) -> _Steps:
        for statement in body:
            if isinstance(statement, Bind):
                for bound in statement.names:
                    state.bind(bound, None, sure=sure)
            elif isinstance(statement, Branch):
                yield self._block(name, state, statement.body, sure=False)
            elif isinstance(statement, Try):
                yield self._try(name, state, statement, sure=sure)
            elif isinstance(statement, Listing):
                _list(state, statement, sure=sure)
            else:
                state.line = statement.line
                if isinstance(statement, Plain):
                    yield self._plain(name, state, statement, sure=sure)
                elif isinstance(statement, From):
                    yield self._from(name, state, statement, sure=sure)
                elif isinstance(statement, Star):
                    yield self._star(name, state, statement)
                else:
                    yield self._use(name, state, statement)

    def _try(self, name: str, state: _State, statement: Try, *, sure: bool) -> _Steps:
        try:
            yield self._block(name, state, statement.body, sure=sure)
        except _Failed as error:
            family = _FAMILIES[error.half.error]
            handler = next(
                (h for h in statement.handlers if not h.catches or h.catches & family), None
            )
            if handler is None:
                yield self._block(name, state, statement.finally_, sure=sure)
                raise
            self._caught.append(error.half)
            yield self._block(name, state, handler.body, sure=sure)
        else:
            yield self._block(name, state, statement.orelse, sure=sure)
            # Something else may have failed, such as the import of what is not installed.
            for handler in statement.handlers:
                for bound in bound_in(handler.body):
                    if bound not in state.names:
                        state.bind(bound, None, sure=False)
        yield self._block(name, state, statement.finally_, sure=sure)

    def _plain(self, name: str, state: _State, statement: Plain, *, sure: bool) -> _Steps:
        for meant in self._view.meant(name, statement.raw, ()):
            yield self._import(meant.module)
            if statement.bound is not None:
                value: str = meant.module
                bound = statement.bound
                if not statement.whole:
                    value = bound = value.partition(".")[0]
                known = value if value in self._states else None
                state.bind(bound, known, sure=sure)

    def _from(self, name: str, state: _State, statement: From, *, sure: bool) -> _Steps:
        bound: dict[str, list[str]] = {}
        for written, kept in statement.names:
            bound.setdefault(written, []).extend([] if kept is None else [kept])
        for meant in self._view.meant(name, statement.raw, tuple(bound)):
            yield self._import(meant.module)
            source = self._states.get(meant.module)
            package = self._view.modules.get(meant.module)
            if source is not None and package is not None and package.package:
                for wanted in meant.names.values():
                    yield self._import_submodule(meant.module, wanted)
            for written, wanted in meant.names.items():
                value = None
                if source is not None:
                    value = self._take(name, statement.line, meant.module, wanted)
                for kept in bound[written]:
                    state.bind(kept, value, sure=sure)

    def _import_submodule(self, package: str, name: str) -> _Steps:
        """Import the submodule of a name that a package may have left unbound, if there is one."""
        submodule = f"{package}.{name}"
        if submodule not in self._view.modules:
            return
        state = self._states[package]
        if state.outline is None:
            yield self._lend(package, state)
        if name not in state.names or name in state.maybe:
            yield self._import(submodule)

    def _take(self, taker: str, line: int, module: str, name: str) -> str | None:
        """Take a name from a module by a `from` import; return the module that it is, if any."""
        source = self._states[module]
        if name in source.names:
            if name in source.maybe and not source.done:
                self._unsure.append(self._half("ImportError", taker, line, module, name))
            return source.names[name]
        submodule = f"{module}.{name}"
        if submodule in self._states:
            return submodule
        if "__getattr__" in source.names or name in _EVERY_MODULE_HAS:
            return None
        self._missing("ImportError", taker, line, module, name)
        return None

    def _missing(self, error: str, taker: str, line: int, module: str, name: str) -> None:
        """See to a name that is not bound in a module, as far as is known.

        Raises:
            _Failed: it is not bound yet, or not any more, and would be otherwise.
        """
        source = self._states[module]
        outline = source.outline
        if outline is None:
            return
        half = self._half(error, taker, line, module, name)
        missed = self._missed_by(source, name)
        if source.done:
            if missed is not None and not source.unknown:
                raise _Failed(half)
            return
        late = name in outline.lines or missed or self._comes_by_star(module, name)
        if late and (source.unknown or name in outline.floating):
            self._unsure.append(half)
        elif late:
            raise _Failed(half)

    def _missing_attribute(self, taker: str, line: int, module: str, name: str) -> _Steps:
        """See to an attribute that a module does not have, as far as is known.

        A submodule becomes one when it was run to its end.

        Raises:
            _Failed: it is not there yet, or not any more, and would be otherwise.
        """
        source = self._states[module]
        if f"{module}.{name}" not in self._running:
            self._missing("AttributeError", taker, line, module, name)
            return
        if source.outline is None:
            yield self._lend(module, source)
            if name in source.names:
                return
        half = self._half("AttributeError", taker, line, module, name)
        if source.unknown or "__getattr__" in source.names:
            self._unsure.append(half)
        else:
            raise _Failed(half)

    def _missed_by(self, state: _State, name: str) -> str | None:
        """Return the module that a star import took too early to get a name, or None."""
        left = [] if name.startswith("_") else [*reversed(state.missed)]
        seen: set[str] = set()
        while left:
            module = left.pop()
            if module in seen:
                continue
            seen.add(module)
            outline, source = self._view.outline(module), self._states.get(module)
            if outline is not None and name in outline.lines:
                return module
            left += () if source is None else reversed(source.missed)
        return None

    def _comes_by_star(self, module: str, name: str) -> bool:
        """Tell whether a module that does not bind a name itself takes it by a star import."""
        left = [] if name.startswith("_") else [module]
        seen: set[str] = set()
        while left:
            source = left.pop()
            outline = None if source in seen else self._view.outline(source)
            seen.add(source)
            if outline is None:
                continue
            if name in outline.lines:
                return True
            for raw in _stars(outline.body):
                left += [meant.module for meant in self._view.meant(source, raw, ("*",))]
        return False

    def _half(self, error: str, taker: str, line: int, module: str, name: str) -> Half:
        source = self._states[module]
        running, submodule = self._running, f"{module}.{name}"
        bound = source.outline.lines.get(name, 0) if source.outline is not None else 0
        at = source.line
        chain: tuple[str, ...] = (taker,)
        for under_way in (module, submodule):
            if under_way in running:
                at = self._states[under_way].line
                chain = tuple(running[running.index(under_way) + 1 :]) or (taker,)
                break
        return Half(error, module, at, name, bound, chain, line)

    def _star(self, name: str, state: _State, statement: Star) -> _Steps:
        for meant in self._view.meant(name, statement.raw, ("*",)):
            yield self._import(meant.module)
            source = self._states.get(meant.module)
            if source is None:
                state.unknown = True
                continue
            if source.outline is None:
                yield self._lend(meant.module, source)
            if not source.done:
                state.missed[meant.module] = None
            state.missed |= source.missed
            state.unknown |= source.unknown
            if source.listed is None:
                for taken, value in list(source.names.items()):
                    if not taken.startswith("_"):
                        state.bind(taken, value, sure=taken not in source.maybe)
                continue
            for taken in source.listed:
                yield self._import_submodule(meant.module, taken)
                if taken in source.names:
                    state.bind(taken, source.names[taken], sure=taken not in source.maybe)
                elif "__getattr__" not in source.names:
                    self._missing("AttributeError", name, statement.line, meant.module, taken)
            if not source.listed_all:
                for taken, value in list(source.names.items()):
                    if taken not in state.names:
                        state.bind(taken, value, sure=False)

    def _lend(self, module: str, state: _State) -> _Steps:
        """Find out the names of a module that is not followed."""
        outline = None if module in self._lent else self._view.outline(module)
        self._lent.add(module)
        if outline is not None:
            sure = bound_in(s for s in outline.body if not isinstance(s, (Branch, Try)))
            state.maybe |= outline.lines.keys() - sure - state.names.keys()
            state.names = dict.fromkeys(outline.lines) | state.names
            state.unknown = outline.makes_names
            for raw in _stars(outline.body):
                for meant in self._view.meant(module, raw, ("*",)):
                    yield self._import(meant.module)
                    source = self._states.get(meant.module)
                    if source is None:
                        state.unknown = True
                    elif source is not state:
                        if source.outline is None and source.unknown:
                            yield self._lend(meant.module, source)
                        state.names = source.names | state.names
                        state.unknown |= source.unknown

    def _use(self, name: str, state: _State, statement: Use) -> _Steps:
        parts = statement.parts
        if state.outline is not None and parts[0] in state.outline.first_names:
            parts = self._view.spelled(parts)
        if parts[0] not in state.names and not state.unknown and state.missed:
            missed = self._missed_by(state, parts[0])
            if missed is not None and missed in self._states:
                raise _Failed(self._half("NameError", name, statement.line, missed, parts[0]))
        value = state.names.get(parts[0])
        for part in parts[1:]:
            source = self._states.get(value) if value is not None else None
            if source is None or value is None:
                return
            if part not in source.names:
                if "__getattr__" not in source.names and part not in _EVERY_MODULE_HAS:
                    yield self._missing_attribute(name, statement.line, value, part)
                return
            value = source.names[part]


def _list(state: _State, statement: Listing, *, sure: bool) -> None:
    if statement.anew:
        state.listed, state.listed_all = statement.names, statement.whole and sure
    else:
        state.listed = (state.listed or ()) + statement.names
        state.listed_all &= statement.whole and sure


def _stars(body: Iterable[Statement]) -> Iterator[RawImport]:
    for statement in body:
        if isinstance(statement, Star):
            yield statement.raw
        elif isinstance(statement, Branch):
            yield from _stars(statement.body)
        elif isinstance(statement, Try):
            yield from _stars((*statement.body, *statement.orelse, *statement.finally_))
            for handler in statement.handlers:
                yield from _stars(handler.body)

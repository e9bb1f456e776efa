"""What `check` asks: findings, beside what was known of them and what came since a commit."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import printable
from lane_planner.config.settings import Settings
from lane_planner.planner.facts import Scanned, excluded, scan_repository
from lane_planner.repository.tree import Tree
from lane_planner.scan.sources import CommitTree

if TYPE_CHECKING:
    from lane_planner.rules.baseline import Baseline, Compared, Judged, Update
    from lane_planner.rules.checking import Checked
    from lane_planner.rules.codes import Code
    from lane_planner.rules.cycles import Cycle
    from lane_planner.rules.diagnostics import Diagnostic
    from lane_planner.rules.excuses import Excuses, Leftover
    from lane_planner.rules.indirect import Shared
    from lane_planner.rules.since import Since, State
    from lane_planner.rules.violations import Violation


class Findings(msgspec.Struct, frozen=True):
    """What `check` finds.

    Attributes:
        violations: forbidden imports, whatever their status, by path and line.
        diagnostics: faults of the files themselves, by path and line.
        idle_waivers: waivers that cover nothing, each with why.
        modules: how many modules were looked at.
        opaque: how many dynamic imports cannot be read off the source.
        cycles: circular imports; None: not asked for.
        baseline: what the baseline says of them; None: there is none.
        leftovers: waivers and ignores that are of no use, or malformed.
        shared: the imports that most new indirect violations lead over; None: these were not
            asked for.
        waived_cycles: circular imports that are there only with what is waived or ignored.
        since: what all this is compared with; None: with nothing.
        syntax: whether every file was parsed as a whole.
    """

    violations: tuple[Violation, ...]
    diagnostics: tuple[Diagnostic, ...]
    idle_waivers: tuple[str, ...]
    modules: int
    opaque: int
    cycles: tuple[Cycle, ...] | None = None
    baseline: Compared | None = None
    leftovers: tuple[Leftover, ...] = ()
    shared: tuple[Shared, ...] | None = None
    waived_cycles: tuple[Cycle, ...] = ()
    since: Since | None = None
    syntax: bool = False

    @property
    def stale(self) -> tuple[Leftover, ...]:
        """Waivers, entries of the baseline and ignores that are of no use any more."""
        known: tuple[Leftover, ...] = ()
        if self.baseline is not None:
            from lane_planner.rules.baseline import leftovers

            known = leftovers(self.baseline.judged)
        waivers = [leftover for leftover in self.leftovers if leftover.kind == "waiver"]
        ignores = [leftover for leftover in self.leftovers if leftover.kind == "ignore"]
        return (*waivers, *known, *ignores)

    @property
    def new(self) -> int:
        """How many violations and circular imports are neither waived nor in the baseline."""
        known = frozenset() if self.baseline is None else self.baseline.judged.circles
        circles = [(cycle.code, cycle.modules) for cycle in self.cycles or ()]
        return sum(v.status == "new" for v in self.violations) + sum(
            circle not in known for circle in circles
        )


class _Before(NamedTuple):
    """A state that findings are compared with.

    Attributes:
        ref: as the user said it.
        commit: which it is: full id.
        scanned: its files and graph.
        state: what `check` says of it.
        note: what is to be known of that.
    """

    ref: str
    commit: str
    scanned: Scanned
    state: State
    note: str


class Checks:
    """Checks a working tree.

    Args:
        tree: the working tree.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def check(
        self,
        *,
        today: datetime.date,
        syntax: bool = False,
        cycles: bool = False,
        transitive: bool = False,
        since: str | None = None,
    ) -> Findings:
        """Return what `Repository.check` does, which tells of the arguments."""
        known = self._baseline()
        before = None
        if since is not None:
            before = self._before(since, today, syntax=syntax, cycles=cycles, transitive=transitive)
        scanned = self._tree.looked_at()
        records = scanned.scan.records
        transitive = transitive or self._tree.settings.transitive
        checked = self._checked(
            scanned, self._tree.settings, today, syntax=syntax, cycles=cycles, transitive=transitive
        )
        circles, waived = self._circles(checked) if cycles else (None, ())
        found = Findings(
            checked.violations,
            checked.diagnostics,
            (),
            len(scanned.graph.table.by_path),
            sum(len(record.opaque) for record in records.values()),
            circles,
            None,
            checked.leftovers,
            () if transitive else None,
            waived,
            None,
            syntax,
        )
        if known is not None:
            found = self._compared(found, known)
        if before is not None:
            found = self._brought(found, before)
        return self._summed_up(found, checked.excuses)

    def _checked(
        self,
        scanned: Scanned,
        settings: Settings,
        today: datetime.date,
        *,
        syntax: bool,
        cycles: bool,
        transitive: bool,
    ) -> Checked:
        from lane_planner.rules.checking import check

        return check(
            scanned.graph,
            scanned.scan.records,
            settings,
            scanned.lanes,
            today,
            faults=self._tree.faults(scanned) if syntax else {},
            cycles=cycles,
            transitive=transitive,
        )

    def _circles(self, checked: Checked) -> tuple[tuple[Cycle, ...], tuple[Cycle, ...]]:
        """Return the circular imports that count, and those that are let through."""
        from lane_planner.rules.cycles import cycles

        graph, records = self._tree.looked_at().graph, self._tree.looked_at().scan.records
        if not checked.outside:
            return self._tree.cycles(), ()
        counted = cycles(graph, records, self._tree.contents, checked.outside)
        known = {(cycle.code, cycle.modules) for cycle in counted}
        waived = [
            cycle for cycle in self._tree.cycles() if (cycle.code, cycle.modules) not in known
        ]
        return counted, tuple(waived)

    def _summed_up(self, found: Findings, excuses: Excuses) -> Findings:
        """Return findings with what is said of them in words."""
        if found.shared is not None:
            from lane_planner.rules.indirect import shared_imports

            scanned = self._tree.looked_at()
            new = [violation for violation in found.violations if violation.status == "new"]
            shared = shared_imports(scanned.graph, self._tree.settings, scanned.lanes, excuses, new)
            found = msgspec.structs.replace(found, shared=shared)
        waivers = [one for one in found.leftovers if one.kind == "waiver"]
        return msgspec.structs.replace(
            found,
            idle_waivers=tuple(f"{one.importer} → {one.imported} {one.reason}" for one in waivers),
        )

    def _before(
        self, ref: str, today: datetime.date, *, syntax: bool, cycles: bool, transitive: bool
    ) -> _Before:
        """Return what `check` said where a commit and what is checked out parted.

        It is asked as a whole: with the configuration and the baseline of then.
        """
        from lane_planner.rules.baseline import judge, leftovers
        from lane_planner.rules.since import State

        git = self._tree.require_git()
        commit = git.merge_base(ref)
        settings, note = self._settings_at(git, commit)
        scanned = scan_repository(
            CommitTree(git, commit, excluded(settings)),
            settings,
            self._tree.cache,
            cluster=self._tree.cluster,
            progress=self._tree.progress,
        )
        transitive = transitive or settings.transitive
        checked = self._checked(
            scanned, settings, today, syntax=syntax, cycles=cycles, transitive=transitive
        )
        violations, circles, stale = checked.violations, checked.circles, checked.leftovers
        known, fault = self._baseline_at(git, commit, settings)
        note = "; ".join(filter(None, (note, fault)))
        if known is not None:
            judged = judge(violations, circles, known, chains=transitive)
            violations = judged.violations
            stale = (*stale, *leftovers(judged))
            if circles is not None:
                circles = tuple(circle for circle in circles if circle not in judged.circles)
        state = State(violations, circles, checked.diagnostics, stale)
        return _Before(ref, commit, scanned, state, note)

    def _settings_at(self, git: Git, commit: str) -> tuple[Settings, str]:
        """Return the configuration of a commit; where there is none to use, the present one."""
        from lane_planner.config.load import settings_in

        source = self._tree.settings.source
        root = self._tree.settings.root
        if source is None or not source.is_relative_to(root):
            return self._tree.settings, ""
        path = source.relative_to(root).as_posix()
        content = git.content(commit, path)
        if content is None:
            return (
                self._tree.settings,
                f"{path} was not there then: the present one is used for both",
            )
        try:
            return settings_in(content, root, source), ""
        except UsageError as error:
            return self._tree.settings, f"of then {error.message}: the present one is used for both"

    def _baseline_at(
        self, git: Git, commit: str, settings: Settings
    ) -> tuple[Baseline | None, str]:
        """Return the baseline of a commit, None if it has none, and what is wrong with it."""
        from lane_planner.rules.baseline import read_baseline

        file, root = settings.baseline_file, self._tree.settings.root
        if not file.is_relative_to(root):
            return self._baseline(), ""
        path = file.relative_to(root).as_posix()
        content = git.content(commit, path)
        if content is None:
            return None, ""
        try:
            return read_baseline(content, path), ""
        except UsageError as error:  # nobody can mend what was
            return None, f"the baseline of then is left out: {error.message}"

    def _brought(self, found: Findings, before: _Before) -> Findings:
        """Return what of some findings did not count before."""
        from lane_planner.rules.since import Since, State, brought, names_after
        from lane_planner.scan.renames import moved_files

        then, now = before.scanned, self._tree.looked_at()
        moved = moved_files(self._tree.require_git(), before.commit, then.scan.keys, now.scan.keys)
        after = names_after(then.graph.table, now.graph.table, moved)
        known = frozenset() if found.baseline is None else found.baseline.judged.circles
        circles = None
        if found.cycles is not None:
            every = ((cycle.code, cycle.modules) for cycle in found.cycles)
            circles = tuple(circle for circle in every if circle not in known)
        state = State(found.violations, circles, found.diagnostics, found.stale)
        new = brought(state, before.state, after, moved)
        cycles = found.cycles
        if cycles is not None:
            wanted = frozenset(new.circles or ())
            cycles = tuple(cycle for cycle in cycles if (cycle.code, cycle.modules) in wanted)
        counted = sum(violation.status == "new" for violation in found.violations)
        older = counted - len(new.violations) + len(circles or ()) - len(new.circles or ())
        baseline = found.baseline
        if baseline is not None:
            entries = {leftover.entry for leftover in new.leftovers}
            stale = tuple(one for one in baseline.judged.stale if str(one.entry) in entries)
            judged = msgspec.structs.replace(baseline.judged, stale=stale)
            baseline = msgspec.structs.replace(baseline, judged=judged)
        return msgspec.structs.replace(
            found,
            violations=new.violations,
            diagnostics=new.diagnostics,
            cycles=cycles,
            baseline=baseline,
            leftovers=tuple(one for one in new.leftovers if one.kind != "baseline"),
            waived_cycles=(),
            since=Since(before.ref, before.commit, older, before.note),
        )

    def update_baseline(self, found: Findings, *, additions: bool) -> Findings:
        """Bring the baseline up to date as `Repository.update_baseline` does."""
        from lane_planner.base.output import write_output
        from lane_planner.rules.baseline import Baseline, read_baseline, update

        content = self._baseline_content()
        if content is None and not additions:
            return found
        before = Baseline() if content is None else read_baseline(content, self.baseline_path)
        change = update(self._judged(found, before), before, additions=additions)
        after = change.after.text().encode("utf-8")
        if after != content:
            write_output(self._tree.settings.baseline_file, after)
        if additions and found.shared is not None:
            found = msgspec.structs.replace(found, shared=())  # nothing is new any more
        return self._compared(found, change.after, change)

    @property
    def baseline_path(self) -> str:
        """The baseline's file, whether or not it is there, below the root if it can be."""
        file = self._tree.settings.baseline_file
        root = self._tree.settings.root
        return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)

    def _baseline(self) -> Baseline | None:
        """Return what the baseline holds, or None if there is none."""
        content = self._baseline_content()
        if content is None:
            return None
        from lane_planner.rules.baseline import read_baseline

        return read_baseline(content, self.baseline_path)

    def _baseline_content(self) -> bytes | None:
        file = self._tree.settings.baseline_file
        try:
            if not file.exists():
                return None
            if file.is_file():  # a pipe would be waited for
                return file.read_bytes()
        except OSError as error:
            why = error.strerror or str(error)
        else:
            why = "it is not a file"
        raise UsageError(printable(f"cannot read the baseline {self.baseline_path}: {why}"))

    def _judged(self, found: Findings, known: Baseline) -> Judged:
        from lane_planner.rules.baseline import judge

        circles = None
        if found.cycles is not None:
            circles = [(cycle.code, cycle.modules) for cycle in found.cycles]
        return judge(found.violations, circles, known, chains=found.shared is not None)

    def _compared(self, found: Findings, known: Baseline, change: Update | None = None) -> Findings:
        from lane_planner.rules.baseline import Compared

        judged = self._judged(found, known)
        return msgspec.structs.replace(
            found,
            violations=judged.violations,
            baseline=Compared(self.baseline_path, judged, change),
        )


def code_named(wanted: str) -> Code:
    """Return what is to be known of a code, such as "LP101".

    Raises:
        UsageError: there is no such code.
    """
    from lane_planner.rules.codes import CODES

    if wanted not in CODES:
        raise UsageError(f"there is no code {wanted}; the codes are {', '.join(CODES)}")
    return CODES[wanted]

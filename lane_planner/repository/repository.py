"""A repository as commands and other programs see it: opened once, asked for findings and plans.

docs/api.md shows it at work.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.git import Git
from lane_planner.base.text import plural, printable
from lane_planner.config.load import find_root, load_settings
from lane_planner.config.settings import Lane, Settings
from lane_planner.planner.facts import excluded, faults_in
from lane_planner.repository.tree import Tree
from lane_planner.scan.cache import ScanCache
from lane_planner.scan.records import SyntaxFault
from lane_planner.scan.sources import WorkingTree

# What planning and promoting load is not loaded by `check`: it runs on every commit.
if TYPE_CHECKING:
    from lane_planner.executor.apply import ApplyOptions
    from lane_planner.executor.campaign import Result
    from lane_planner.executor.carry_out import Outcome
    from lane_planner.executor.gating.rooms import Workers
    from lane_planner.executor.promote import Analysis
    from lane_planner.executor.publishing import Publisher, PullRequests
    from lane_planner.executor.records.journal import Event, Run
    from lane_planner.executor.records.promotion_log import Logged, Metrics
    from lane_planner.executor.records.status import News, Status
    from lane_planner.executor.recovery import RolledBack
    from lane_planner.executor.reverting.reverting import Reversal
    from lane_planner.executor.shims import ShimChoice, ShimReview
    from lane_planner.executor.snapshot import Snapshot
    from lane_planner.graph.graph import ImportGraph
    from lane_planner.graph.verify import Comparison
    from lane_planner.planner.assume import Assumed, Assumption
    from lane_planner.planner.explain import Explanation
    from lane_planner.planner.forecast import Forecast
    from lane_planner.planner.hop import Facts, Hop
    from lane_planner.planner.schema import Plan
    from lane_planner.planner.trend import Trend
    from lane_planner.planner.unlocks import Unlocks
    from lane_planner.repository.checks import Checks, Findings
    from lane_planner.repository.plans import Wanted
    from lane_planner.scan.watch import Watch


class Repository(Tree):
    """A repository and its configuration.

    What it tells of the working tree is of the moment when it was first asked; open it anew to see
    what has changed since.

        repository = Repository.open("path/to/repository")
        for violation in repository.check(today=datetime.date.today()).violations:
            print(violation.path, violation.line, violation.message)

    Args:
        settings: the configuration.
        git: the git repository that holds the root; None outside git.

    Attributes:
        progress: told how far long work is; set it to show it.
        unmeasured: why the coverage of modules could not be measured when that was asked for.
        cluster: reads what the cache lacks, where that is much; None: this machine does.
    """

    def __init__(self, settings: Settings, git: Git | None) -> None:
        super().__init__(settings, git)
        self.unmeasured: tuple[str, ...] = ()

    @staticmethod
    def open(
        start: Path | str = ".",
        *,
        root: Path | None = None,
        config: Path | None = None,
        scheduler: str | None = None,
    ) -> Repository:
        """Open the repository that a directory is in.

        Args:
            start: a directory in it.
            root: the directory that paths are relative to; None: the nearest one upward with a
                configuration.
            config: the configuration file; None: the one in the root.
            scheduler: address of the scheduler of a Dask cluster that reads files; None: this
                machine does.

        Raises:
            UsageError: there is no configuration, or it is wrong.
            EnvironmentFailure: git refuses the repository.
        """
        try:
            found, file = find_root(Path(start), root, config)
        except RuntimeError as error:  # how Python 3.11 and 3.12 tell of a loop of links
            raise UsageError(f"{root or config or start} is a loop of symbolic links") from error
        except FileNotFoundError as error:
            raise UsageError("the current directory is gone: change to one that exists") from error
        repository = Repository(load_settings(found, file), Git.find(found))
        if scheduler is not None:
            from lane_planner.scan.cluster import Cluster

            repository.cluster = Cluster.at(scheduler)
        return repository

    def graph(self, *, external: bool = False) -> ImportGraph:
        """Return the import graph of the working tree, which never changes.

            graph = repository.graph()
            graph.importers_of("core.base")
            graph.shortest_chain("products.shop", "core.base")

        Args:
            external: whether imports of what is not first-party are wanted too.

        Raises:
            EnvironmentFailure: git or the file system fails.
        """
        return (self.scanned(external=True) if external else self._scanned).graph

    def watch(self) -> Watch:
        """Return what waits until the files change that findings follow from.

        Raises:
            EnvironmentFailure: git fails.
        """
        from lane_planner.scan.watch import Watch

        settings = self.settings
        files = [settings.baseline_file]
        if settings.source is not None:
            files.append(settings.source)
        git_dir = None if self.git is None else self.git.common_dir
        source = WorkingTree(settings.root, self.git, excluded(settings))
        return Watch(settings.root, source, tuple(files), git_dir)

    def lane_of(self, module: str) -> str | None:
        """Return the name of the lane that a module is in; None: in no lane.

        Args:
            module: dotted name, or path below the root or the current directory.

        Raises:
            UsageError: there is no such module.
        """
        return self._scanned.lanes.of_path(self.module(module).path)

    @property
    def prefix(self) -> str:
        """Where the root is below the top of git's work tree: "" or "sub/dir/"."""
        return "" if self.git is None else self.git.prefix

    def routes(self, source: str | None, target: str | None) -> tuple[tuple[str, str], ...]:
        """Return the ways, from a lane to a lane, that a report tells the plans of.

        Args:
            source: the lane to leave; None: see below.
            target: the lane to reach; None: the next one.

        Returns:
            The one way that is asked for; if neither lane is, each lane with its next one.

        Raises:
            UsageError: as for `route`.
        """
        from lane_planner.planner.hop import along_promotions, route

        if source is None and target is None:
            lanes = along_promotions(self.settings)
            return tuple((lane.name, lane.promotes_to) for lane in lanes if lane.promotes_to)
        way = route(self.settings, source, target)
        return ((way[0].name, way[-1].name),)

    def commit_day(self) -> datetime.date | None:
        """Return the day of the commit that is checked out; None where there is none."""
        if self.git is None or self.git.commit_id() is None:
            return None
        told = self.git.out("show", "--no-patch", "--format=%cs", "HEAD")
        return datetime.date.fromisoformat(told.decode("ascii").strip())

    def check(
        self,
        *,
        today: datetime.date,
        syntax: bool = False,
        cycles: bool = False,
        transitive: bool = False,
        since: str | None = None,
    ) -> Findings:
        """Return violations and faults of the working tree.

        Args:
            today: the day on which waivers are judged.
            syntax: whether to parse every file as a whole.
            cycles: whether circular imports are looked for too.
            transitive: whether indirect violations are, though the configuration does not ask.
            since: a commit; only what counts now and did not where it and what is checked out
                parted is returned. None: all is.

        Raises:
            UsageError: the baseline cannot be read, or there is no such commit.
            EnvironmentFailure: the commits have none in common.
        """
        return self._checks.check(
            today=today, syntax=syntax, cycles=cycles, transitive=transitive, since=since
        )

    def update_baseline(self, found: Findings, *, additions: bool) -> Findings:
        """Take out of the baseline what is gone, and write it if that changes it.

        Args:
            found: what `check` returned; circular imports that it did not look for stay.
            additions: whether what is new is put into it.

        Returns:
            The findings beside the baseline as it is then.

        Raises:
            EnvironmentFailure: it cannot be written.
        """
        return self._checks.update_baseline(found, additions=additions)

    @property
    def baseline_path(self) -> str:
        """The baseline's file, whether or not it is there, below the root if it can be."""
        return self._checks.baseline_path

    @cached_property
    def _checks(self) -> Checks:
        from lane_planner.repository.checks import Checks

        return Checks(self)

    def coverage(self, file: Path | None = None) -> Mapping[str, float] | None:
        """Return the fraction of each file's lines that tests run, by path.

        Args:
            file: coverage data; None: the configured file, if it is there.

        Returns:
            None where no coverage is configured, or its file is not there.

        Raises:
            UsageError: the file cannot be read, or holds nothing of the repository.
            EnvironmentFailure: coverage.py, which reads its own database, could not be run.
        """
        from lane_planner.gates.coverage import read_coverage

        if file is None:
            if self.settings.coverage is None:
                return None
            file = self.settings.root / self.settings.coverage.data
            if not file.exists():
                return None
        memory = self.cache_file("coverage")
        data = dict(read_coverage(file, self.settings.root, memory).files)
        if not any((self.settings.root / path).is_file() for path in data):
            raise UsageError(
                f"coverage data {file} is of {plural(len(data), 'file')}, none of which is in the "
                "repository: make it from this repository's root"
            )
        return data

    def with_figures(self, lane: str, coverage: Mapping[str, float]) -> tuple[int, int]:
        """Return how many modules of a lane coverage data has figures of, and how many there are.

        Args:
            lane: its name.
            coverage: as from `coverage`.
        """
        scanned = self._scanned
        # A stub has no lines that run, and a built file none that are seen.
        paths = [
            path
            for path in scanned.scan.records
            if path.endswith(".py") and scanned.lanes.of_path(path) == lane
        ]
        return sum(path in coverage for path in paths), len(paths)

    def facts(
        self, source: str | None, target: str | None, coverage: Mapping[str, float] | None = None
    ) -> tuple[Facts, Hop]:
        """Return what planning needs to know of the working tree, and a hop opened on it.

        Args:
            source: lane to leave; None: see `next_lane`.
            target: lane to reach; None: the next one.
            coverage: as from `coverage`.

        Raises:
            UsageError: there is no such lane, or the target is not the next one.
        """
        from lane_planner.planner.hop import next_lane

        found = self._opened(next_lane(self.settings, source, target), coverage)
        return found.facts, found.hop

    def _opened(
        self,
        lanes: Sequence[Lane],
        coverage: Mapping[str, float] | None,
        assumption: Assumption | None = None,
    ) -> Assumed:
        """Return the first hop along some lanes."""
        from lane_planner.planner.assume import Assumption, assume
        from lane_planner.planner.facts import facts_of
        from lane_planner.promotion.made_init import MADE_INIT

        scanned = self._scanned
        faults: dict[str, SyntaxFault] = {}
        for lane in lanes[:-1]:
            faults.update(
                faults_in(scanned, self.cache, lane, cluster=self.cluster, progress=self.progress)
            )
        self.cache.save()
        facts = facts_of(scanned, self.settings, faults, MADE_INIT, coverage)
        return assume(facts, lanes[0], lanes[1], assumption or Assumption())

    def unlocks(
        self,
        source: str | None = None,
        target: str | None = None,
        *,
        coverage: Mapping[str, float] | None = None,
        most: int = 100,
    ) -> Unlocks:
        """Return what to mend so that more modules of a hop can move.

        Args:
            source: lane to leave; None: see `next_lane`.
            target: lane to reach; None: the next one.
            coverage: as from `coverage`.
            most: how many fixes are wanted in the list of those that free the most together.

        Raises:
            UsageError: there is no such lane, or the target is not the next one.
        """
        from lane_planner.planner.unlocks import unlocks_of

        facts, hop = self.facts(source, target, coverage)
        return unlocks_of(facts, hop, most)

    def plan(
        self,
        source: str | None = None,
        target: str | None = None,
        *,
        wanted: Wanted | None = None,
        coverage: Mapping[str, float] | None = None,
    ) -> Plan:
        """Return the promotion plan from one lane to another, over all between, simulated.

        Args:
            source: lane to leave; None: that of the wanted module, or the one that promotes to
                `target`, or the first.
            target: lane to reach; None: the next one.
            wanted: what of it is wanted, and in what order; None: all.
            coverage: as from `coverage`.

        Raises:
            UsageError: there is no such lane, the target does not come after it, a glob matches
                no module, there is no such module, or what is assumed means nothing.
        """
        from lane_planner.planner.assume import Assumption
        from lane_planner.planner.hop import route
        from lane_planner.planner.plan import make_plan
        from lane_planner.repository.plans import Wanted, choice, gates_for

        wanted = wanted or Wanted()
        goal = None
        if wanted.module is not None:
            goal = self.module(wanted.module)
            if source is None:
                source = self._scanned.lanes.of_path(goal.path)
                if source is None:
                    raise UsageError(f"{printable(goal.name)} is in no lane: it cannot be promoted")
        lanes = route(self.settings, source, target)
        assumption = Assumption(wanted.fixed, wanted.promoted)
        found = self._opened(lanes, coverage, assumption)
        return make_plan(
            found.facts,
            found.hop,
            commit=self.commit_label(),
            choice=choice(self, found.facts, found.hop, wanted, goal),
            onward=lanes[2:],
            gates_for=gates_for(self.settings),
            assumed=found.what,
        )

    def explain(self, wanted: str) -> Explanation:
        """Return where a module of the working tree stands, and what keeps it there.

        Args:
            wanted: dotted name, or path below the root or the current directory.

        Raises:
            UsageError: there is no such module.
        """
        from lane_planner.planner.explain import explain
        from lane_planner.planner.facts import facts_of
        from lane_planner.promotion.made_init import MADE_INIT

        scanned = self._scanned
        module = self.module(wanted)
        lane = scanned.lanes.lane_path(module.path)
        if lane is None or lane[1].promotes_to is None:
            facts = facts_of(scanned, self.settings, {}, MADE_INIT)
            return explain(facts, module, None)
        facts, hop = self.facts(lane[1].name, None, self.coverage())
        return explain(facts, module, hop)

    def trend(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        every: str = "week",
        lane: str | None = None,
        first_parent: bool = True,
        own_configuration: bool = False,
    ) -> Trend:
        """Return modules per lane, violations and cycles at some commits of the history.

        Nothing is checked out: blobs are read from git, and figures remembered from run to run.

        Args:
            since: the first commit, or a date; see `lane_planner.planner.history`.
            until: the last one, likewise; None: what is checked out.
            every: how densely: a number of commits, "day", "week", "month" or "merge".
            lane: the lane that is to be emptied; None: the first that promotes to another.
            first_parent: whether only the first parent of a merge is followed.
            own_configuration: whether each commit is judged by the configuration that it holds.

        Raises:
            UsageError: there is no git repository, no such lane, or no commit in that time.
            EnvironmentFailure: git fails.
        """
        from lane_planner.planner.history import commits_between, parse_every, sampled
        from lane_planner.planner.trend import make_trend
        from lane_planner.promotion.made_init import MADE_INIT

        git = self.require_git()
        density = parse_every(every)
        commits = commits_between(git, since, until, first_parent=first_parent)
        # Old contents in a file of their own: `check` loads what it knows on every run.
        records = ScanCache(self.cache_file("history"))
        found = make_trend(
            git, self.settings, sampled(commits, density), MADE_INIT,
            lane=lane, own_configuration=own_configuration, records=records,
            memory=self.cache_file("trend"), cluster=self.cluster, progress=self.progress,
        )  # fmt: skip
        if found.computed:
            records.save()
        return found

    def verify(self) -> tuple[Comparison, ...]:
        """Return how the graph compares with grimp's, one comparison a top-level package.

        Raises:
            UsageError: there is no package to compare.
        """
        from lane_planner.graph.verify import compare_with_grimp

        return compare_with_grimp(
            self._scanned.graph, self.settings.root, self.settings.source_roots
        )

    def snapshot(self, coverage: Mapping[str, float] | None, commit: str | None = None) -> Snapshot:
        """Return a commit, read, for promotions.

        Args:
            coverage: fraction of each file's lines that tests run; None: not asked for.
            commit: full id; None: the one that is checked out.

        Raises:
            UsageError: there is no git repository, or no commit.
        """
        from lane_planner.executor.snapshot import take_snapshot

        git = self.require_git()
        found = take_snapshot(
            git, self.settings, commit or git.head(), self.cache, coverage, self.cluster
        )
        self.cache.save()
        return found

    def analyse(
        self,
        wanted: str,
        target: str,
        *,
        with_dependencies: bool = False,
        shims: ShimChoice | None = None,
        rewrite_text: bool = False,
        measure: bool = False,
    ) -> tuple[Snapshot, Analysis]:
        """Work out whether and how a module or package can be promoted. Nothing is written.

        Args:
            wanted: dotted name, or path below the root or the current directory.
            target: the lane to promote it to.
            with_dependencies: whether what it needs is promoted before it.
            shims: what to leave at the old paths; None: nothing.
            rewrite_text: whether names in text are rewritten too, where they are certain.
            measure: whether modules that the coverage data lacks are measured, if the
                configuration says so: that runs tests.

        Raises:
            UsageError: there is no such module or lane, the target is not the next lane, or the
                shims that are asked for cannot be.
        """
        from lane_planner.executor.promote import analyse, find_goal
        from lane_planner.planner.hop import next_lane

        if self.settings.lane(target) is None:
            next_lane(self.settings, None, target)
        snapshot = self.snapshot(self._needed_coverage())
        goal = find_goal(snapshot, wanted, self.readings(wanted))
        source, reached = next_lane(self.settings, goal.lane, target)
        snapshot = snapshot.leaving(source, self.cache, self.cluster)
        self.cache.save()
        if measure and self.settings.coverage is not None and self.settings.coverage.measure:
            from lane_planner.executor.gating.measuring import measured

            snapshot, self.unmeasured = measured(snapshot, goal.modules)
        return snapshot, analyse(
            snapshot, goal, source, reached,
            with_dependencies=with_dependencies, shims=shims, rewrite_text=rewrite_text,
        )  # fmt: skip

    def promote(
        self,
        snapshot: Snapshot,
        analysis: Analysis,
        observe: Callable[[Event], None] = lambda event: None,
        log_file: Path | None = None,
        pull_requests: PullRequests | None = None,
    ) -> Outcome:
        """Make the branch of an analysed promotion; see `lane_planner.executor.promote.promote`.

        Args:
            snapshot: the repository.
            analysis: a goal that is ready.
            observe: told of each event when the journal holds it.
            log_file: another file that the promotion log's lines are added to.
            pull_requests: the pull request that is wanted; None: none.
        """
        from lane_planner.executor.promote import promote

        publisher, order = _publishing(self.require_git(), pull_requests)
        return promote(
            snapshot, analysis,
            observe=observe, log_file=log_file, publisher=publisher, order=order,
        )  # fmt: skip

    def forecast(
        self, plan: Plan, *, workers: int, gate_times: Iterable[str], step_time: str | None
    ) -> Forecast:
        """Return what carrying a plan out takes; see `lane_planner.planner.forecast`.

        Args:
            plan: of this repository.
            workers: how many batches can be worked on at once.
            gate_times: NAME=SECONDS each; other gates take what the journal says, or their timeout.
            step_time: seconds that a step takes beside its gates; None: as measured.

        Raises:
            UsageError: a time does not parse or is of no gate, or there is no worker.
            EnvironmentFailure: the journal cannot be read.
        """
        from lane_planner.executor.records.status import gate_seconds
        from lane_planner.planner import forecast

        times = forecast.gate_times(
            plan.batches,
            stated=forecast.parse_gate_times(gate_times),
            measured={} if self.git is None else gate_seconds(self.git),
            timeouts={gate.name: gate.timeout for gate in self.settings.gates},
        )
        seconds = forecast.STEP_SECONDS
        if step_time is not None:
            seconds = forecast.parse_seconds(step_time, "--step-time")
        return forecast.forecast(plan.batches, times, step_seconds=seconds, workers=workers)

    def apply(
        self,
        content: bytes,
        where: str,
        options: ApplyOptions | None = None,
        observe: Callable[[Event], None] = lambda event: None,
    ) -> Result:
        """Carry a plan out; see `lane_planner.executor.apply.apply_plan`.

        Args:
            content: the plan as JSON.
            where: its file's name, for messages.
            options: how it is to be carried out; None: as is usual.
            observe: told of each event when the journal holds it.
        """
        from lane_planner.executor.apply import ApplyOptions
        from lane_planner.executor.orders import keep_order
        from lane_planner.repository.plans import plan_in

        options = options or ApplyOptions()
        plan = plan_in(content, where)
        git = self.require_git()
        if options.pull_requests is not None:
            wanted = _onto_a_branch(git, options.pull_requests)
            options = msgspec.structs.replace(options, pull_requests=wanted)
        plan_id = hashlib.sha256(msgspec.json.encode(plan)).hexdigest()
        snapshot = self._leaving(plan, where, git.head(), options)
        order = keep_order(git, plan_id, content, options)
        return self._carry_out(snapshot, plan, plan_id, options, order, None, observe)

    def resume(
        self,
        observe: Callable[[Event], None] = lambda event: None,
        workers: Workers | None = None,
    ) -> Result | Run:
        """Go on with the last run, which was interrupted.

        Args:
            observe: told of each event when the journal holds it.
            workers: how gates are run side by side; None: as it was asked for then.

        Returns:
            How the campaign ended; of another run, the run as it is: done, or rolled back.

        Raises:
            UsageError: there is no such run.
            EnvironmentFailure: git or the disk failed.
        """
        from lane_planner.executor.orders import kept_plan, order_of
        from lane_planner.executor.publishing import Publisher
        from lane_planner.executor.recovery import interrupted_run, settle
        from lane_planner.repository.plans import plan_in

        git = self.require_git()
        run = interrupted_run(git)
        if not run.begun.order:
            return settle(git, run)
        order = order_of(run)
        if not order.plan:
            wanted = order.options.pull_requests
            return settle(git, run, publisher=None if wanted is None else Publisher(git, wanted))
        content, path = kept_plan(git, order)
        plan = plan_in(content, str(path))
        options = order.options
        if workers is not None:
            options = msgspec.structs.replace(options, workers=workers)
        snapshot = self._leaving(plan, str(path), run.base, options)
        return self._carry_out(snapshot, plan, order.plan, options, run.begun.order, run, observe)

    def status(self, run: int | None = None) -> Status:
        """Return the runs of this repository, one of them in detail.

        Args:
            run: number of the run that is told in detail; None: the last one.

        Raises:
            UsageError: there is no git repository, or no such run.
            EnvironmentFailure: the journal cannot be read.
        """
        from lane_planner.executor.records.status import detailed, status

        git = self.require_git()
        return detailed(git, status(git), run)

    def follow(self, pause: Callable[[], None]) -> Iterator[News]:
        """Yield what becomes of the run that is under way, until it ends; nothing if none is.

        Args:
            pause: called between two looks at the journal.

        Raises:
            UsageError: there is no git repository.
            EnvironmentFailure: the journal cannot be read.
        """
        from lane_planner.executor.records.status import watched

        return watched(self.require_git(), pause)

    def promotions(self) -> tuple[Logged, ...]:
        """Return the promotions that stand, oldest first; see `promotion_log.standing`."""
        from lane_planner.executor.records.promotion_log import read, standing
        from lane_planner.executor.records.status import status

        git = self.require_git()
        return standing(read(git), status(git).runs)

    def metrics(self) -> Metrics:
        """Return how promotions go; see `lane_planner.executor.records.promotion_log.metrics`."""
        from lane_planner.executor.records.promotion_log import metrics, read
        from lane_planner.executor.records.status import status

        git = self.require_git()
        return metrics(read(git), status(git).runs)

    def passed_over(self) -> tuple[str, ...]:
        """Return what new commits go without; see `git_write.passed_over`."""
        from lane_planner.executor.storage.git_write import passed_over

        return passed_over(self.require_git())

    def roll_back(self) -> RolledBack:
        """Undo the last run; see `lane_planner.executor.recovery.roll_back`."""
        from lane_planner.executor.recovery import roll_back

        return roll_back(self.require_git())

    def reversal(
        self, wanted: Iterable[str], *, plan: str = "", with_dependents: bool = False
    ) -> Reversal:
        """Work out whether and how steps that have landed can be taken back. Nothing is written.

        Args:
            wanted: a step's id, a name or path of a module that it moved, or its commit; each.
            plan: how the ids of the plans begin that are looked at.
            with_dependents: whether steps that depend on them go back too.

        Raises:
            UsageError: words name no such step, or several, or one that is reverted already.
            EnvironmentFailure: git fails, or lacks what was there before a step.
        """
        from lane_planner.executor.records.promotion_log import read
        from lane_planner.executor.reverting.landings import find_landings
        from lane_planner.executor.reverting.reverting import choose, work_out

        git = self.require_git()
        snapshot = self.snapshot(None)
        landings = find_landings(snapshot, read(git))
        chosen = [choose(git, landings, w, self.readings(w), plan=plan) for w in wanted]
        return work_out(snapshot, landings, chosen, with_dependents=with_dependents)

    def revert(
        self,
        found: Reversal,
        *,
        gates: bool = True,
        pull_requests: PullRequests | None = None,
        observe: Callable[[Event], None] = lambda event: None,
    ) -> Outcome:
        """Make the branch that takes steps back; see `reverting.revert`.

        Args:
            found: what is to go back.
            gates: whether the configured gates that run after moves do.
            pull_requests: the pull request that is wanted; None: none.
            observe: told of each event when the journal holds it.
        """
        from lane_planner.executor.reverting.reverting import revert

        publisher, order = _publishing(self.require_git(), pull_requests)
        return revert(found, gates=gates, publisher=publisher, order=order, observe=observe)

    def _leaving(self, plan: Plan, where: str, commit: str, options: ApplyOptions) -> Snapshot:
        """Return a commit, read, for the hop of a plan that is due on it."""
        from lane_planner.executor.apply import due_hop

        coverage = self._needed_coverage() if options.gates else None  # coverage is a gate too
        snapshot = self.snapshot(coverage, commit)
        number = due_hop(snapshot.facts, plan)
        if not 0 <= number < len(plan.hops):
            raise UsageError(f"{where} has steps of a hop {number} that it lacks: make a new plan")
        source = self.settings.lane(plan.hops[number].source)
        if source is None:
            raise UsageError(f"{where} leaves a lane that the configuration lacks: make a new plan")
        snapshot = snapshot.leaving(source, self.cache, self.cluster)
        self.cache.save()
        return snapshot

    def _carry_out(
        self,
        snapshot: Snapshot,
        plan: Plan,
        plan_id: str,
        options: ApplyOptions,
        order: str,
        resumed: Run | None,
        observe: Callable[[Event], None],
    ) -> Result:
        from lane_planner.executor.apply import apply_plan

        return apply_plan(
            snapshot, plan, plan_id,
            options=options, order=order, resumed=resumed, observe=observe,
        )  # fmt: skip

    def shims(
        self, *, today: datetime.date, expired: bool = False, unused: bool = False
    ) -> ShimReview:
        """Return the shims of the checked-out commit, and what taking some away changes.

        Args:
            today: the day on which they are judged.
            expired: whether those whose last day is over are to go.
            unused: whether those that no Python code imports or names are to go.

        Raises:
            UsageError: there is no git repository, or no commit.
        """
        from lane_planner.executor.shims import review

        return review(self.snapshot(None), today, expired=expired, unused=unused)

    def remove_shims(
        self, found: ShimReview, observe: Callable[[Event], None] = lambda event: None
    ) -> Outcome:
        """Make the branch without some shims; see `lane_planner.executor.shims.remove_shims`."""
        from lane_planner.executor.shims import remove_shims

        return remove_shims(found, observe=observe)

    def _needed_coverage(self) -> Mapping[str, float] | None:
        """Return the coverage data; where it is asked for but not there, none for any module."""
        found = self.coverage()
        return {} if found is None and self.settings.coverage is not None else found


def _publishing(git: Git, wanted: PullRequests | None) -> tuple[Publisher | None, str]:
    """Return what opens the pull request that is wanted, and the order by which it can be later."""
    from lane_planner.executor.orders import order_to_publish
    from lane_planner.executor.publishing import Publisher

    if wanted is None:
        return None, ""
    wanted = _onto_a_branch(git, wanted)
    return Publisher(git, wanted), order_to_publish(wanted)


def _onto_a_branch(git: Git, wanted: PullRequests) -> PullRequests:
    """Return what is wanted with the branch that it goes into, which a resumed run must know."""
    onto = git.branch() if wanted.onto is None else wanted.onto
    return msgspec.structs.replace(wanted, onto=onto)

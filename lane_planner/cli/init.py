"""`lane-planner init`: a first configuration."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lane_planner.base.errors import UsageError
from lane_planner.base.output import write_output
from lane_planner.base.text import printable
from lane_planner.cli.options import Common, common

if TYPE_CHECKING:
    from lane_planner.base.git import Git
    from lane_planner.config.partition import Converted, Known
    from lane_planner.config.propose import LaneDraft, Proposal, Survey
    from lane_planner.repository.repository import Repository

_FOUND = "found"  # what an option with a file is where no file is named


@click.command()
@common("text")
@click.option("--preset", metavar="NAME", help="A ready-made configuration, such as lukhas.")
@click.option(
    "--from-importlinter",
    "importlinter",
    is_flag=False,
    flag_value=_FOUND,
    metavar="[FILE]",
    help="Convert import-linter's contracts [default: those in setup.cfg, .importlinter or "
    "pyproject.toml].",
)
@click.option(
    "--from-tach",
    "tach",
    is_flag=False,
    flag_value=_FOUND,
    metavar="[FILE]",
    help="Convert tach's modules [default: those in tach.toml or pyproject.toml].",
)
@click.option("--yes", "-y", is_flag=True, help="Take what is proposed, and ask nothing.")
@click.option("--force", is_flag=True, help="Replace a configuration that is there.")
def command(
    options: Common,
    preset: str | None,
    importlinter: str | None,
    tach: str | None,
    yes: bool,
    force: bool,
) -> int:
    """Write lanes.toml, from a preset or from the packages that the repository holds.

    Without a preset, and with no other linter's configuration to convert, the lanes are the
    packages, and each may import what it imports today. On a terminal it asks before it writes.
    """
    from lane_planner.base.git import Git
    from lane_planner.config.load import CONFIG_NAME, PROJECT_NAME, find_root, parse_settings
    from lane_planner.config.presets import PRESETS

    if sum(given is not None for given in (preset, importlinter, tach)) > 1:
        raise UsageError("--preset, --from-importlinter and --from-tach: give one of them")
    if options.config is not None:
        root, file = find_root(Path(), options.root, options.config)  # as it will be read
    else:
        root = (options.root or Path()).resolve()
        if not root.is_dir():
            raise UsageError(f"{root} is not a directory: name one with --root")
        file = root / CONFIG_NAME
    if preset is not None and preset not in PRESETS:
        known = ", ".join(sorted(PRESETS))
        raise UsageError(f"no preset is called {preset!r}; the presets are {known}")
    if file.name == PROJECT_NAME:
        raise UsageError(f"{file} holds more than lanes: write them elsewhere, and paste them")
    if file.is_dir():
        raise UsageError(f"{file} is a directory: name a file with --config")
    if file.exists() and not force:
        raise UsageError(f"{file} is there already: --force replaces it")
    if options.config is None and not file.exists():
        try:
            project = find_root(root, root)[1]
        except UsageError:
            pass  # there is none yet
        else:
            raise UsageError(f"{project} configures this directory already: edit it there")
    if not file.parent.is_dir():
        raise UsageError(f"cannot write {file}: there is no directory {file.parent}, make it")
    git = Git.find(root)
    if git is None:
        Git.refuse_bare(root)
    notes: tuple[str, ...] = ()
    if preset is not None:
        text = PRESETS[preset]
    elif importlinter is not None or tach is not None:
        convert = _from_importlinter if importlinter is not None else _from_tach
        named = importlinter if importlinter is not None else tach
        done = convert(root, git, None if named == _FOUND else Path(str(named)))
        text, notes = done.text, done.notes
    else:
        proposal = _proposal(root, git)
        if not yes and sys.stdin.isatty() and sys.stdout.isatty():
            proposal = _asked(proposal, root, file)
        text = proposal.text()
        if proposal.by_hand:
            notes = ("there was nothing to tell lanes apart by: the file says what to write",)
    settings = parse_settings(text, root=root, source=file)  # what is written can be read
    write_output(file, text.encode("utf-8"))
    for note in notes:
        options.note(f"note: {printable(note)}")
    lanes = ", ".join(lane.name for lane in settings.lanes)
    given = (("--root", options.root), ("--config", options.config))
    more = "".join(f" {name} {shlex.quote(str(path))}" for name, path in given if path is not None)
    lines = (f"wrote {file} with lanes {lanes}", f"next: lane-planner check{more}")
    options.write("".join(f"{printable(line)}\n" for line in lines))
    return 0


# --- from what there is ---


def _proposal(root: Path, git: Git | None) -> Proposal:
    from lane_planner.config.propose import propose

    return propose(_survey(root, git))


def _survey(root: Path, git: Git | None) -> Survey:
    """Look at the repository."""
    from collections import Counter

    from lane_planner.config.propose import DATA_FILES, SETTINGS_FILES, Survey, source_roots

    paths = _paths(root, git)
    graph = _repository(root, git, source_roots(paths)).scanned(external=True).graph
    places = {name: module.path for name, module in graph.modules.items()}
    counts = Counter(
        (places[site.importer], places[site.imported]) for site in graph.sites if site.resolved
    )
    libraries = {
        site.imported.partition(".")[0]
        for site in graph.sites
        if site.external and "test" in places[site.importer].rpartition("/")[2]
    }
    texts = {}
    for name in SETTINGS_FILES:
        # What cannot be read proposes nothing; `errors` as only marks in ASCII are looked for.
        if (root / name).is_file():
            texts[name] = (root / name).read_text(encoding="utf-8", errors="replace")
    return Survey(
        paths,
        counts,
        texts,
        frozenset(name for name in DATA_FILES if (root / name).is_file()),
        frozenset(libraries & {"pytest", "unittest"}),
    )


def _paths(root: Path, git: Git | None) -> tuple[str, ...]:
    from lane_planner.scan.sources import WorkingTree

    entries = WorkingTree(root, git).entries()
    return tuple(entry.path for entry in entries if entry.path.endswith(".py"))


def _repository(root: Path, git: Git | None, roots: tuple[str, ...]) -> Repository:
    from lane_planner.config.settings import Settings
    from lane_planner.repository.repository import Repository

    return Repository(Settings(root=root, source_roots=roots), git)


# --- from another linter ---


def _from_importlinter(root: Path, git: Git | None, file: Path | None) -> Converted:
    from lane_planner.config.importlinter import find_options, rules_of
    from lane_planner.config.partition import convert
    from lane_planner.config.propose import roots_of_packages, source_roots

    linter = find_options(root, file)
    paths = _paths(root, git)
    roots = {*source_roots(paths), *roots_of_packages(paths, linter.root_packages)}
    known = _known(root, git, tuple(sorted(roots, key=lambda r: (r == ".", r))))
    return convert(rules_of(linter, known), known)


def _from_tach(root: Path, git: Git | None, file: Path | None) -> Converted:
    from lane_planner.config.partition import convert
    from lane_planner.config.tach import find_project, rules_of, with_domains

    project = find_project(root, file)
    known = _known(root, git, project.source_roots(root))
    return convert(rules_of(with_domains(project, root, known), known), known)


def _known(root: Path, git: Git | None, roots: tuple[str, ...]) -> Known:
    """Return what a conversion has to know of the repository."""
    from lane_planner.config.partition import Known
    from lane_planner.scan.modules import SourceRoots

    graph = _repository(root, git, roots).scanned().graph
    split = SourceRoots(roots)
    directories: dict[str, set[str]] = {}
    for path in graph.table.by_path:
        directory = path.rpartition("/")[0]
        while directory and split.split(directory)[1]:
            directories.setdefault(split.dotted(directory), set()).add(directory)
            directory = directory.rpartition("/")[0]
    modules = [module for module in graph.modules.values() if module.importable]
    packages = {module.name for module in modules if module.package}
    return Known(
        {
            module.name: tuple(sorted(directories[module.name]))
            if module.package
            else (module.path,)
            for module in modules
        },
        frozenset(packages),
        {m.name: m.path for m in modules if m.package and not m.namespace},
        frozenset((s.importer, s.imported) for s in graph.sites if s.resolved),
        roots,
    )


# --- questions ---


def _asked(proposal: Proposal, root: Path, file: Path) -> Proposal:
    """Let a person change a proposal, or refuse it.

    Raises:
        click.Abort: it is refused; nothing has been written then.
    """
    import msgspec

    click.echo(f"{file} will say:\n")
    if proposal.preset:
        click.echo("  the lanes of the preset lukhas, which this repository has")
        click.confirm("Write it?", default=True, abort=True)
        return proposal
    for lane in proposal.lanes:
        click.echo(f"  lane {lane.name}: {', '.join(lane.paths)}")
        click.echo(f"    imports {', '.join(lane.imports) or 'no other lane'}")
        for said in lane.comments:
            click.echo(f"    {said}")
    click.echo("")
    roots = _names("Source roots, where module names start", proposal.source_roots, _is_root(root))
    names = tuple(lane.name for lane in proposal.lanes)
    kept = _names("Lanes to keep", names, lambda name: name in names)
    lanes = []
    for lane in proposal.lanes:
        if lane.name in kept:
            imports = tuple(name for name in lane.imports if name in kept)
            target = lane.promotes_to if lane.promotes_to in kept else None
            lanes.append(msgspec.structs.replace(lane, imports=imports, promotes_to=target))
    if len(lanes) > 1:
        lanes = _promoting(lanes)
    gates = []
    for gate in proposal.gates:
        asked = f"Run `{' '.join(gate.command)}` after a move ({gate.why})?"
        chosen = click.confirm(asked, default=gate.chosen)
        gates.append(msgspec.structs.replace(gate, chosen=chosen))
    least = proposal.least
    if proposal.coverage is not None:
        least = click.prompt(
            f"Coverage that a module needs ({proposal.coverage} is here)",
            default=least, type=click.FloatRange(0, 1),
        )  # fmt: skip
    click.confirm(f"Write {file}?", default=True, abort=True)
    return msgspec.structs.replace(
        proposal, source_roots=roots, lanes=tuple(lanes), gates=tuple(gates), least=least
    )


def _promoting(lanes: list[LaneDraft]) -> list[LaneDraft]:
    """Ask which lane promotes to which."""
    import msgspec

    names = [lane.name for lane in lanes]
    guess = next((lane for lane in lanes if lane.promotes_to), None)
    source = click.prompt(
        "Lane that modules are promoted from",
        default=guess.name if guess else "none", type=click.Choice([*names, "none"]),
    )  # fmt: skip
    if source == "none":
        return [msgspec.structs.replace(lane, promotes_to=None) for lane in lanes]
    others = [name for name in names if name != source]
    target = click.prompt(
        "Lane that they move to",
        default=guess.promotes_to if guess and guess.name == source else others[0],
        type=click.Choice(others),
    )
    return [
        msgspec.structs.replace(lane, promotes_to=target if lane.name == source else None)
        for lane in lanes
    ]


def _names(
    question: str, proposed: tuple[str, ...], right: Callable[[str], bool]
) -> tuple[str, ...]:
    """Ask for a list of names until each is right and there is one."""

    default = ", ".join(proposed)

    def read(said: str) -> tuple[str, ...]:
        if said == default:  # a name in it may have a blank
            return proposed
        names = tuple(dict.fromkeys(word for word in said.replace(",", " ").split()))
        wrong = [name for name in names if not right(name)]
        if wrong or not names:
            raise click.BadParameter(f"{wrong[0]} is not there" if wrong else "name one")
        return names

    found: tuple[str, ...] = click.prompt(question, default=default, value_proc=read)
    return found


def _is_root(directory: Path) -> Callable[[str], bool]:
    return lambda name: (directory / name).is_dir() and ".." not in name and name[:1] != "/"

"""`lane-planner init`: a first configuration."""

from __future__ import annotations

from pathlib import Path

import click

from lane_planner.base.errors import UsageError
from lane_planner.base.output import write_output
from lane_planner.base.text import printable
from lane_planner.cli.options import Common, common


@click.command()
@common("text")
@click.option("--preset", metavar="NAME", help="A ready-made configuration, such as lukhas.")
@click.option("--force", is_flag=True, help="Replace a configuration that is there.")
def command(options: Common, preset: str | None, force: bool) -> int:
    """Write lanes.toml, from a preset or from the packages that the repository holds."""
    from lane_planner.base.git import Git
    from lane_planner.config.load import CONFIG_NAME, find_root, parse_settings
    from lane_planner.config.presets import PRESETS
    from lane_planner.config.propose import propose
    from lane_planner.scan.sources import WorkingTree

    root = (options.root or Path()).resolve()
    if not root.is_dir():
        raise UsageError(f"{root} is not a directory: name one with --root")
    file = options.config or root / CONFIG_NAME
    if preset is not None and preset not in PRESETS:
        known = ", ".join(sorted(PRESETS))
        raise UsageError(f"no preset is called {preset!r}; the presets are {known}")
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
    git = Git.find(root)
    if git is None:
        Git.refuse_bare(root)
    if preset is not None:
        text = PRESETS[preset]
    else:
        entries = WorkingTree(root, git).entries()
        text = propose([entry.path for entry in entries if entry.path.endswith(".py")])
    settings = parse_settings(text, root=root, source=file)  # what is written can be read
    if not file.parent.is_dir():
        raise UsageError(f"cannot write {file}: there is no directory {file.parent}, make it")
    write_output(file, text.encode("utf-8"))
    lanes = ", ".join(lane.name for lane in settings.lanes)
    more = f" --config {file}" if options.config else ""
    lines = (f"wrote {file} with lanes {lanes}", f"next: lane-planner check{more}")
    options.write("".join(f"{printable(line)}\n" for line in lines))
    return 0

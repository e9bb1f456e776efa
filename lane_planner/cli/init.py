"""`lane-planner init`: a first configuration."""

from __future__ import annotations

from pathlib import Path

import click

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.cli.options import Common, common


@click.command()
@common("text")
@click.option("--preset", metavar="NAME", help="A ready-made configuration, such as lukhas.")
@click.option("--force", is_flag=True, help="Replace a configuration that is there.")
def command(options: Common, preset: str | None, force: bool) -> int:
    """Write lanes.toml, from a preset or from the packages that the repository holds."""
    from lane_planner.base.git import Git
    from lane_planner.config.load import CONFIG_NAME, load_settings
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
    if file.exists() and not force:
        raise UsageError(f"{file} is there already: --force replaces it")
    if preset is not None:
        text = PRESETS[preset]
    else:
        entries = WorkingTree(root, Git.find(root)).entries()
        text = propose([entry.path for entry in entries if entry.path.endswith(".py")])
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvironmentFailure(f"cannot write {file}: {error.strerror}") from error
    lanes = ", ".join(lane.name for lane in load_settings(root, file).lanes)
    options.write(f"wrote {file} with lanes {lanes}\nnext: lane-planner check\n")
    return 0

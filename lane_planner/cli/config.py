"""`lane-planner config`: what a configuration may say."""

from __future__ import annotations

import json

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("json")
@click.argument("what", type=click.Choice(["schema"]))
def command(options: Common, what: str) -> int:
    """Print the JSON schema of lanes.toml, which editors complete and check by.

    It is of draft 7. Even Better TOML and other editors that use taplo read it where the first line
    of lanes.toml names it: `#:schema lanes.schema.json`
    """
    from lane_planner.config.schema import json_schema

    options.require_place()
    options.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0

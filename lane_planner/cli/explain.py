"""`lane-planner explain`: where a module stands, or what a code means."""

from __future__ import annotations

import re

import click

from lane_planner.cli.options import Common, common, scheduler_option

_CODE = re.compile(r"LP\d+", re.IGNORECASE)


@click.command()
@common("text", "json")
@scheduler_option
@click.argument("module")
def command(options: Common, module: str) -> int:
    """Tell where MODULE (a dotted name or path) stands, and why it cannot be promoted.

    Ends with 1 if it is blocked, else with 0.

    MODULE can be a code, such as LP101: then it is told what that means, why it matters and how to
    mend it.
    """
    if _CODE.fullmatch(module):
        return _explain_code(options, module.upper())
    repository = options.open()
    found = repository.explain(module)
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(found))
    else:
        from lane_planner.report.explanation import explanation_text

        options.write(explanation_text(found))
    return 1 if found.causes else 0


def _explain_code(options: Common, wanted: str) -> int:
    from lane_planner.report.codes import code_document, code_text
    from lane_planner.repository.checks import code_named

    options.require_place()
    code = code_named(wanted)
    if options.format == "json":
        from lane_planner.report.documents import to_json

        options.write(to_json(code_document(code)))
    else:
        options.write(code_text(code, width=options.width))
    return 0

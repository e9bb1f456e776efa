"""`lane-planner verify`: the graph beside grimp's."""

from __future__ import annotations

import click

from lane_planner.cli.options import Common, common, scheduler_option


@click.command()
@common("text", "json")
@scheduler_option
def command(options: Common) -> int:
    """Compare the import graph with the one that grimp builds, where it can.

    Ends with 1 if a difference is unexplained, else with 0.
    """
    found = options.open().verify()
    if options.format == "json":
        from lane_planner.report.documents import to_json
        from lane_planner.report.verification import VerificationDocument

        options.write(to_json(VerificationDocument(found)))
    else:
        from lane_planner.report.verification import verification_text

        options.write(verification_text(found))
    return 0 if all(comparison.agrees for comparison in found) else 1

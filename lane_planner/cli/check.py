"""`lane-planner check`: imports that the lanes do not allow."""

from __future__ import annotations

import datetime

import click

from lane_planner.cli.options import Common, common


@click.command()
@common("text", "json")
@click.option("--cycles", is_flag=True, help="Report circular imports too.")
@click.option("--syntax", is_flag=True, help="Parse every file as a whole and report what fails.")
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), help="The day on which waivers are judged."
)
def command(options: Common, cycles: bool, syntax: bool, today: datetime.datetime | None) -> int:
    """Report imports that the lanes do not allow.

    Ends with 1 if there are violations (or, with --cycles, circular imports), else with 0.
    """
    repository = options.open()
    day = today.date() if today else datetime.date.today()
    findings = repository.check(today=day, syntax=syntax)
    circles = repository.cycles() if cycles else None
    if options.format == "json":
        from lane_planner.report.documents import check_document, to_json

        extra = {"modules": findings.modules, "opaque": findings.opaque}
        options.write(
            to_json(check_document(findings.violations, findings.diagnostics, circles, extra))
        )
    else:
        from lane_planner.report.text import check_text, cycles_text

        text = check_text(
            findings.violations,
            findings.diagnostics,
            findings.idle_waivers,
            modules=findings.modules,
            opaque=findings.opaque,
            verbose=options.verbosity > 0,
        )
        options.write(text if circles is None else text + cycles_text(circles))
    new = any(violation.status == "new" for violation in findings.violations)
    return 1 if new or circles else 0

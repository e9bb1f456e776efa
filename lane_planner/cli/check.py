"""`lane-planner check`: imports that the lanes do not allow."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import click

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.cli.options import FINDINGS, Common, common, scheduler_option

if TYPE_CHECKING:
    from lane_planner.repository.checks import Findings
    from lane_planner.repository.repository import Repository


@click.command()
@common(*FINDINGS)
@scheduler_option
@click.option("--cycles", is_flag=True, help="Report circular imports too.")
@click.option("--transitive", is_flag=True, help="Report indirect violations (LP102) too.")
@click.option("--syntax", is_flag=True, help="Parse every file as a whole and report what fails.")
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), help="The day on which waivers are judged."
)
@click.option("--diff", metavar="REF", help="Report only what is new since REF and HEAD parted.")
@click.option("--strict", is_flag=True, help="Let stale waivers, entries and ignores count too.")
@click.option("--update-baseline", is_flag=True, help="Take out of the baseline what is gone.")
@click.option("--allow-additions", is_flag=True, help="And put into it what is new.")
@click.option("--watch", is_flag=True, help="Check again whenever something changes.")
def command(
    options: Common,
    watch: bool,
    cycles: bool,
    transitive: bool,
    syntax: bool,
    today: datetime.datetime | None,
    diff: str | None,
    strict: bool,
    update_baseline: bool,
    allow_additions: bool,
) -> int:
    """Report imports that the lanes do not allow.

    Ends with 1 if there are violations (or, with --cycles, circular imports) that the baseline
    does not have, with --strict also if a waiver, an entry of the baseline or an ignore is of no
    use any more; else with 0, whatever the format.

    With --watch it goes on until Ctrl-C, which ends it as its last check would have. Only files
    that changed are read again; a configuration that cannot be read is told, and waited for.
    """
    if allow_additions and not update_baseline:
        raise UsageError("--allow-additions says what --update-baseline may do: give both")
    if diff is not None and update_baseline:
        raise UsageError("--update-baseline writes down all that there is: leave out --diff")
    if watch:
        from lane_planner.cli.watch import watched

        if update_baseline:
            raise UsageError("--watch only looks: --update-baseline goes without it")
        return watched(options)
    repository = options.open()
    day = today.date() if today else datetime.date.today()
    findings = repository.check(
        today=day, syntax=syntax, cycles=cycles, transitive=transitive, since=diff
    )
    if update_baseline:
        findings = repository.update_baseline(findings, additions=allow_additions)
    _show(options, repository, findings)
    if findings.baseline is None and (update_baseline or repository.settings.baseline is not None):
        options.note(
            f"there is no baseline {printable(repository.baseline_path)}: "
            "`check --update-baseline --allow-additions` writes it"
        )
    elif update_baseline and findings.new:
        options.note("what is new was not added: --allow-additions adds it")
    if findings.since is not None and findings.since.note:
        options.note(printable(findings.since.note))
    return 1 if findings.new or (strict and findings.stale) else 0


def _show(options: Common, repository: Repository, findings: Findings) -> None:
    """Write findings in the format that was asked for."""
    if options.format == "text":
        options.write(_text(options, repository, findings))
    elif options.format == "json":
        from lane_planner.report.documents import check_document, to_json

        extra = {"modules": findings.modules, "opaque": findings.opaque}
        options.write(
            to_json(
                check_document(
                    findings.violations,
                    findings.diagnostics,
                    findings.cycles,
                    extra,
                    findings.baseline,
                    stale=findings.stale,
                    shared=findings.shared,
                    waived_cycles=findings.waived_cycles,
                    since=findings.since,
                )
            )
        )
    else:
        from lane_planner.report.findings import check_report

        options.report(
            check_report(
                findings.violations,
                findings.diagnostics,
                findings.cycles,
                repository.graph(),
                repository.settings,
                modules=findings.modules,
                idle_waivers=findings.idle_waivers,
                baseline=findings.baseline,
                verbose=options.verbosity > 0,
                prefix=repository.prefix,
            )
        )


def _text(options: Common, repository: Repository, findings: Findings) -> str:
    from lane_planner.report.text import check_text, shown_breakers

    sources = None
    if options.on_terminal:
        from lane_planner.report.source import source_lines

        places = [(violation.path, violation.line) for violation in findings.violations]
        for cycle in findings.cycles or ():
            places += [(breaker.path, breaker.line) for breaker in shown_breakers(cycle)]
        sources = source_lines(places, repository.contents)
    return check_text(
        findings.violations,
        findings.diagnostics,
        findings.idle_waivers,
        settings=repository.settings,
        modules=findings.modules,
        opaque=findings.opaque,
        syntax=findings.syntax,
        verbose=options.verbosity > 0,
        cycles=findings.cycles,
        baseline=findings.baseline,
        ignores=[one for one in findings.leftovers if one.kind == "ignore"],
        shared=findings.shared,
        waived_cycles=len(findings.waived_cycles),
        since=findings.since,
        sources=sources,
    )

"""``aep-provider doctor``: what is wrong with the set-up, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from aep_provider.cli import checks_here, console
from aep_provider.cli.checks_probe import measured
from aep_provider.cli.declared import Declared, declared
from aep_provider.cli.findings import PROBLEM, Finding, failed, ok, problem, skipped
from aep_provider.cli.source import Source, takes_settings
from aep_provider.entries import DATASETS
from aep_provider.errors import AepProviderError, SettingsError
from aep_provider.operations.context import Context
from aep_provider.settings import plain_secret
from aep_provider.words import plural

STYLES = {"ok": "green", "note": "yellow", "problem": "red", "not checked": "dim"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of lines.")
@click.option(
    "--probe",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Cite this report of `aep-provider probe`; without it the one that aep:probeReport names.",
)
@takes_settings
def doctor(source: Source, as_json: bool, probe: Path | None) -> None:
    """Check the set-up: Pulumi, project, settings, token, sandbox, permissions, guards, open gaps.

    One line each, with the remedy below it. Nothing is written, here or in AEP. Whether the credential may
    write cannot be checked without writing.

    Exit codes: 0 no problem; 1 a problem was found; 2 wrong usage; 3 an unexpected error.

    \b
    Examples:
      aep-provider doctor
      aep-provider doctor --stack prod --json
      aep-provider doctor --probe probe.json
    """
    with console.errors_end_the_command(), console.Progress("Checking") as progress:
        findings = []
        for finding in _all(source, progress, probe):
            findings.append(finding)
            progress.step(finding.check)
    problems = sum(finding.status == PROBLEM for finding in findings)
    if as_json:
        console.as_json({"findings": [vars(finding) for finding in findings]})
    else:
        for finding in findings:
            _print(finding)
        console.line(f"{plural(len(findings), 'check')}, {plural(problems, 'problem')}")
    if problems:
        raise click.exceptions.Exit(1)


def _all(source: Source, progress: console.Progress, probe: Path | None) -> Iterator[Finding]:
    yield from checks_here.versions(source.environ)
    yield from checks_here.project_options(source.folder, source.environ)
    yield from checks_here.surroundings(source.environ)
    config: dict[str, Any] = {}
    stack: list[Declared] = []
    owner = ""
    try:
        config = source.config()
        if source.stack is None:
            yield skipped("stack", f"{source.why_no_stack}; only environment and flags are used")
        else:
            entries, owner = source.stack.datasets(config), source.stack.owner(config)
            stack = declared(source.stack.state(), entries, owner, ownership_tag=True)
            yield ok("stack", f"{source.stack.name}, {plural(len(stack), 'dataset')}")
            if source.stack.has_plain_secret():
                yield problem("client secret", *plain_secret(source.stack.name))
    except AepProviderError as error:
        yield failed("stack", error)
    for one in stack:
        for text in one.problems:
            yield Finding("declaration", PROBLEM, f"{one.resource}: {text}", f"Correct {DATASETS}.")
    if probe:
        yield from measured(probe)
    try:
        settings = source.load(config)
    except SettingsError as error:
        yield failed("settings", error)
        yield skipped("AEP", "the settings are invalid")
        return
    yield ok("settings", f"sandbox {settings.sandbox}, organisation {settings.org_id}, {settings.endpoint}")
    if settings.probe_report and not probe:
        yield from measured(Path(settings.probe_report))
    from aep_provider.aep import connect
    from aep_provider.cli.checks_aep import asked

    yield from asked(
        Context(connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK),
        stack,
        owner,
        progress,
    )


def _print(finding: Finding) -> None:
    first, *more = finding.text.splitlines() or [""]
    console.line(f"{finding.status:11}  {finding.check}: {first}", STYLES[finding.status])
    for text in (*more, *finding.remedy.splitlines()):
        console.line(f"{'':11}  {text}")

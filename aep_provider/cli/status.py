"""``aep-provider status``: whether AEP holds what the stack declares."""

from __future__ import annotations

from typing import Any

import click

from aep_provider.cli import console, declared, inventory
from aep_provider.cli.source import Source, takes_settings
from aep_provider.operations.context import Context
from aep_provider.operations.location import check_location


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
@takes_settings
def status(source: Source, as_json: bool) -> None:
    """Compare the stack's datasets, as declared, with AEP, one line each. Only reads.

    Declared is what the stack file says in `aep:datasets`; for resources that are not there, what the last
    `pulumi up` or refresh recorded.

    Exit codes: 0 all as declared; 1 something differs; 2 wrong usage; 3 an error, on standard error.

    \b
    Examples:
      aep-provider status
      aep-provider status --stack prod --json
    """
    from aep_provider.aep import connect

    with (
        console.errors_end_the_command(console.CouldNotTell),
        console.Progress("Reading datasets") as progress,
    ):
        stack = source.required_stack()
        config = source.config()
        settings = source.load(config)
        recorded = stack.recorded()
        for one in recorded:
            check_location(settings, one.outputs)
        context = Context(
            connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK
        )
        wishes = declared.declared(recorded, stack.datasets(config), ownership_tag=settings.ownership_tag)
        verdicts = declared.compare(context, wishes, stack.owner(config), progress)
    differing = sum(bool(verdict.differences) for verdict in verdicts)
    if as_json:
        console.as_json([_row(verdict) for verdict in verdicts])
    else:
        console.table(
            f"Stack {stack.name}, sandbox {settings.sandbox}",
            ("resource", "name", "id", "Profile", "Identity", "upsert", "status"),
            map(_cells, verdicts),
        )
        for text in inventory.gap_lines(one.observed for one in verdicts if one.observed is not None):
            console.line(text, "red")
        plural = "" if len(verdicts) == 1 else "s"
        console.line(f"{len(verdicts)} dataset{plural}, {differing} not as declared")
    if differing:
        raise click.exceptions.Exit(1)


def _row(verdict: declared.Verdict) -> dict[str, Any]:
    wish, observed = verdict.declared, verdict.observed
    gap = observed.open_note if observed else None
    return {
        "resource": wish.resource,
        "id": wish.id,
        "name": observed.name if observed else "",
        "declared": {"upsert": wish.wanted.is_upsert if wish.wanted else None},
        "live": {
            "profile": observed.profile.enabled,
            "identity": observed.identity.enabled,
            "upsert": observed.upsert,
        }
        if observed
        else None,
        "off_since": gap.start if gap else "",
        "differences": verdict.differences,
    }


def _cells(verdict: declared.Verdict) -> list[object]:
    wish, observed = verdict.declared, verdict.observed
    live = ["-", "-", "-"]
    if observed is not None:
        switches = (observed.profile.enabled, observed.identity.enabled, observed.upsert)
        live = ["on" if switch else "off" for switch in switches]
    text = "; ".join(verdict.differences)
    return [
        wish.resource,
        observed.name if observed else "-",
        wish.id or "-",
        *live,
        (text, "red") if text else "as declared",
    ]

"""``aep-provider enable``: switch Profile on again where an interrupted change left it off."""

from __future__ import annotations

import dataclasses

import click

from aep_provider.cli import console
from aep_provider.cli.filters import dataset_id as valid_id
from aep_provider.cli.source import Source, takes_settings
from aep_provider.dataset.desired import Desired
from aep_provider.errors import AepProviderError
from aep_provider.operations import reconcile
from aep_provider.operations.change import Policy
from aep_provider.operations.context import Context
from aep_provider.operations.location import existing


@click.command()
@click.argument("dataset_id", metavar="ID", callback=valid_id)
@click.option("--upsert/--no-upsert", default=False, help="With upsert, or without (the default).")
@click.option(
    "--allow-production",
    is_flag=True,
    help="Write to a sandbox of type production even if the stack does not allow it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a line.")
@takes_settings
def enable(source: Source, dataset_id: str, upsert: bool, allow_production: bool, as_json: bool) -> None:
    """Switch Profile and Identity of dataset ID on, without any Pulumi state.

    For a dataset that an interrupted change left off: `aep-provider discover` shows them. A dataset that is
    on is not changed: only `pulumi up` changes upsert of an enabled dataset.

    Exit codes: 0 Profile and Identity are on; 1 an error, on standard error; 2 wrong usage; 3 an unexpected
    error.

    \b
    Examples:
      aep-provider enable 5b020a27e7040801dedbf46e --upsert
      aep-provider enable --no-stack --sandbox dev 5b020a27e7040801dedbf46e
    """
    from aep_provider.aep import connect

    with console.errors_end_the_command(), console.Progress("Enabling"):
        settings = source.settings()
        if allow_production:
            settings = dataclasses.replace(settings, allow_production=True)
        context = Context(
            connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK
        )
        observed = existing(context, dataset_id)
        changed = not (observed.profile.enabled and observed.identity.enabled)
        gap = observed.open_note
        if changed:
            wanted = Desired(
                is_upsert=observed.upsert if observed.profile.enabled else upsert,
                own_tags=settings.ownership_tag,
            )
            policy = Policy(
                allow_profile_gap=False, in_flight_batches="fail", wait_timeout=0, may_disable=False
            )
            try:
                observed = reconcile.adopt(context, dataset_id, wanted, policy).observed
            except AepProviderError as error:
                by_stack = "`pulumi config set aep:allowProduction true`"
                error.remedy = error.remedy.replace(by_stack, f"--allow-production, or {by_stack}")
                raise
    if as_json:
        console.as_json(
            {
                "id": dataset_id,
                "name": observed.name,
                "changed": changed,
                "upsert": observed.upsert,
                "off_since": gap.start if gap else "",
            }
        )
        return
    setting = "on" if observed.upsert else "off"
    state = f"{observed.name!r} ({dataset_id}): Profile and Identity are on, upsert is {setting}"
    console.line(state if changed else f"{state}; nothing to do")
    if upsert and not observed.upsert:
        console.line("Only `pulumi up` changes upsert of a dataset that is on.")
    if gap is not None:
        console.line(f"Profile was off since {gap.start}: ingest again what was ingested after that.")

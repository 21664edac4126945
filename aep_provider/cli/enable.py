"""``aep-provider enable``: switch Profile on again where an interrupted change left it off."""

from __future__ import annotations

import dataclasses

import click

from aep_provider.cli import console
from aep_provider.cli.filters import dataset_id as valid_id
from aep_provider.cli.source import Source, takes_settings
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.errors import AepProviderError
from aep_provider.operations import reconcile
from aep_provider.operations.change import Policy
from aep_provider.operations.context import Context
from aep_provider.operations.location import existing


@click.command()
@click.argument("dataset_id", metavar="ID", callback=valid_id)
@click.option(
    "--upsert/--no-upsert",
    default=None,
    help="With upsert, or without. Default: as before the interrupted change, if the dataset notes that; else without.",
)
@click.option(
    "--allow-production",
    is_flag=True,
    help="Write to a sandbox of type production even if the stack does not allow it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a line.")
@takes_settings
def enable(
    source: Source, dataset_id: str, upsert: bool | None, allow_production: bool, as_json: bool
) -> None:
    """Switch Profile and Identity of dataset ID on, without any Pulumi state.

    For a dataset that an interrupted change left off: `aep-provider discover` shows them. A dataset that is
    on is not changed: only `pulumi up` changes upsert of an enabled dataset.

    Exit codes: 0 Profile and Identity are on; 1 an error, on standard error; 2 wrong usage; 3 an unexpected
    error.

    \b
    Examples:
      aep-provider enable 5b020a27e7040801dedbf46e
      aep-provider enable --no-stack --sandbox dev --upsert 5b020a27e7040801dedbf46e
    """
    with console.errors_end_the_command(), console.Progress("Enabling"):
        before, now = _enabled(_context(source, allow_production), dataset_id, upsert)
    off_since = before.open_note.start if before.open_note else ""
    changed = not (before.profile.enabled and before.identity.enabled)
    if as_json:
        found = {"id": dataset_id, "name": now.name, "changed": changed, "upsert": now.upsert}
        console.as_json({**found, "off_since": off_since})
        return
    setting = "on" if now.upsert else "off"
    state = f"{now.name!r} ({dataset_id}): Profile and Identity are on, upsert is {setting}"
    console.line(state if changed else f"{state}; nothing to do")
    if upsert and not now.upsert:
        console.line("Only `pulumi up` changes upsert of a dataset that is on.")
    if off_since:
        console.line(f"Profile was off since {off_since}: ingest again what was ingested after that.")


def _context(source: Source, allow_production: bool) -> Context:
    from aep_provider.aep import connect

    settings = source.settings()
    if allow_production:
        settings = dataclasses.replace(settings, allow_production=True)
    return Context(connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK)


def _enabled(context: Context, dataset_id: str, upsert: bool | None) -> tuple[Observed, Observed]:
    """Switch on what is off; the dataset as it was and as it is."""
    before = existing(context, dataset_id)
    if before.profile.enabled and before.identity.enabled:
        return before, before
    noted = before.open_note.upsert if before.open_note else None
    desired = Desired(
        is_upsert=before.upsert if before.profile.enabled else bool(noted if upsert is None else upsert),
        own_tags=context.settings.ownership_tag,
    )
    policy = Policy(in_flight_batches="fail", wait_timeout=0, may_disable=False)
    try:
        return before, reconcile.adopt(context, dataset_id, desired, policy).observed
    except AepProviderError as error:
        by_stack = "`pulumi config set aep:allowProduction true`"
        error.remedy = error.remedy.replace(by_stack, f"--allow-production, or {by_stack}")
        raise

"""``aep-provider enable``: switch Profile on again where an interrupted change left it off."""

from __future__ import annotations

import dataclasses
import json
import os

import click

from aep_provider import reconcile
from aep_provider.cli.console import CLOCK, ConsoleReporter
from aep_provider.dataset.state import DATASET_ID, Desired
from aep_provider.errors import AepProviderError
from aep_provider.guards import Context
from aep_provider.settings import Settings


@click.command()
@click.argument("dataset_id", metavar="ID")
@click.option("--upsert/--no-upsert", default=False, help="With upsert, or without (the default).")
@click.option("--allow-production", is_flag=True, help="Write to a sandbox of type production.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a line.")
def enable(dataset_id: str, upsert: bool, allow_production: bool, as_json: bool) -> None:
    """Switch Profile and Identity of dataset ID on, without any Pulumi state.

    For a dataset that an interrupted change left off; `aep-provider discover` shows them. A dataset that is
    on is left as it is: upsert of an enabled dataset is changed by `pulumi up` only. Settings come from the
    environment: AEP_SANDBOX, AEP_ORG_ID, AEP_CLIENT_ID, AEP_CLIENT_SECRET.
    Exit code 0, or 1 with an error on standard error.

    \b
    Example:
      aep-provider enable 5b020a27e7040801dedbf46e --upsert
    """
    from aep_provider.aep import connect

    if not DATASET_ID.fullmatch(dataset_id):
        raise click.BadParameter(f"{dataset_id!r} is no dataset id: 24 hexadecimal characters, lower case.")
    try:
        settings = dataclasses.replace(Settings.load({}, os.environ), allow_production=allow_production)
        context = Context(connect(settings, CLOCK), settings, ConsoleReporter(), CLOCK)
        observed = reconcile.existing(context, dataset_id)
        changed = not (observed.profile.enabled and observed.identity.enabled)
        gap = observed.open_gap
        if changed:
            wanted = Desired(is_upsert=observed.upsert if observed.profile.enabled else upsert)
            policy = reconcile.Policy(
                allow_profile_gap=False, in_flight_batches="fail", wait_timeout=0, may_disable=False
            )
            observed = reconcile.configure(context, dataset_id, wanted, policy).observed
    except AepProviderError as error:
        hint = str(error).replace("`pulumi config set aep:allowProduction true`", "--allow-production")
        raise click.ClickException(hint) from error
    if as_json:
        click.echo(
            json.dumps(
                {
                    "id": dataset_id,
                    "name": observed.name,
                    "changed": changed,
                    "upsert": observed.upsert,
                    "off_since": gap.start if gap else "",
                }
            )
        )
        return
    setting = "on" if observed.upsert else "off"
    state = f"{observed.name!r} ({dataset_id}): Profile and Identity are on, upsert is {setting}"
    click.echo(state if changed else f"{state}; nothing to do")
    if gap is not None:
        click.echo(f"Profile was off since {gap.start}: ingest again what was ingested after that.")

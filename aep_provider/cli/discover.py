"""``aep-provider discover``: what the sandbox holds."""

from __future__ import annotations

import json
import os
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from aep_provider.cli.console import CLOCK
from aep_provider.dataset.state import Observed
from aep_provider.errors import AepProviderError
from aep_provider.settings import Settings


@click.command()
@click.option("--profile", "only_profile", is_flag=True, help="Only datasets that are enabled for Profile.")
@click.option("--name", "name_part", default="", metavar="TEXT", help="Only datasets with TEXT in the name.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
def discover(only_profile: bool, name_part: str, as_json: bool) -> None:
    """List the datasets of the sandbox with their Profile, Identity and upsert settings.

    Settings come from the environment: AEP_SANDBOX, AEP_ORG_ID, AEP_CLIENT_ID, AEP_CLIENT_SECRET. Only reads.
    Exit code 0, or 1 with an error on standard error.

    \b
    Example:
      AEP_SANDBOX=dev aep-provider discover --profile
    """
    # Imported here so that `--help` does not load the HTTP library.
    from aep_provider.aep import connect

    try:
        aep = connect(Settings.load({}, os.environ), CLOCK)
        rows = [
            _row(dataset)
            for dataset in sorted(aep.catalog.all(), key=lambda dataset: (dataset.name, dataset.id))
            if name_part in dataset.name and (dataset.profile.enabled or not only_profile)
        ]
    except AepProviderError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(title=f"Datasets of sandbox {aep.gateway.sandbox}")
    for column in ("name", "id", "Profile", "Identity", "upsert", "managed by"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            row["name"],
            row["id"],
            "on" if row["profile"] else f"OFF since {row['off_since']}" if row["off_since"] else "-",
            _on_off(row["identity"]),
            _on_off(row["upsert"]),
            row["owner"] or row["managed_by"],
        )
    console = Console()
    console.print(table)
    enabled, upsert = (sum(row[key] for row in rows) for key in ("profile", "upsert"))
    for row in rows:
        if row["off_since"]:
            console.print(
                f"Profile of {row['name']!r} was switched off by {row['off_by']} at {row['off_since']} and "
                f"not on again. Run `pulumi up` in its stack, or "
                f"`aep-provider enable {row['id']} [--upsert]`."
            )
    console.print(f"{len(rows)} datasets, {enabled} enabled for Profile, {upsert} with upsert")


def _row(dataset: Observed) -> dict[str, Any]:
    gap = dataset.open_gap
    return {
        "name": dataset.name,
        "id": dataset.id,
        "schema_id": dataset.schema_id,
        "profile": dataset.profile.enabled,
        "identity": dataset.identity.enabled,
        "upsert": dataset.upsert,
        "managed_by": dataset.managed_by,
        "owner": dataset.owner,
        "off_since": gap.start if gap else "",
        "off_by": gap.owner if gap else "",
    }


def _on_off(value: bool) -> str:
    return "on" if value else "-"
